"""A network or an ensemble as an ONNX model, which many other programs can run: on phones, in browsers, on servers.

Each layer is a node with its name ("dense_0"); its arrays keep the letters that they have here ("dense_0.W"). The model
takes a batch of any size as "input" and returns "probabilities", or "outputs" if they are not probabilities. It holds
only the parts that are needed to answer: float32 numbers, and the running statistics of a normalization.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

import nn_from_scratch
from nn_from_scratch.classes import are_probabilities
from nn_from_scratch.layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Softmax,
)
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Network, check_types
from nn_from_scratch.storage import Saved, SavedEnsemble, files
from nn_from_scratch.words import name_of

# From 2020, so that old programs can run it, too; onnxruntime can since version 1.6.
OPSET, IR_VERSION = 13, 7
BATCH = "N"  # the name of the batch's size, which is left open
INPUT = "input"


class Step(NamedTuple):
    """An operator of ONNX, the layer's arrays that it takes after its input, and its settings."""

    operator: str
    arrays: tuple[str, ...] = ()
    settings: dict[str, Any] = {}  # noqa: RUF012 - never written into


def _dense(layer: Dense) -> list[Step]:
    return [Step("Gemm", _weights(layer), {"transB": 1})]  # y = x Wᵀ + b


def _convolution(layer: Conv2D) -> list[Step]:
    before = layer.before
    after = layer.size - 1 - before if layer.padding == "same" else 0
    pads = [before, before, after, after]  # above, to the left, below, to the right
    return [Step("Conv", _weights(layer), _squares(layer.size, layer.stride) | {"pads": pads})]


def _weights(layer: Dense | Conv2D) -> tuple[str, ...]:
    return ("W", "b") if layer.bias else ("W",)


def _squares(size: int, stride: int) -> dict[str, list[int]]:
    return {"kernel_shape": [size, size], "strides": [stride, stride]}


def _batch_norm(layer: BatchNorm) -> list[Step]:
    return [Step("BatchNormalization", ("gamma", "beta", "mean", "variance"), {"epsilon": layer.epsilon})]


# The operators of each layer.
STEPS: dict[type[Layer], Callable[[Any], list[Step]]] = {
    Dense: _dense,
    ReLU: lambda layer: [Step("Relu")],
    Sigmoid: lambda layer: [Step("Sigmoid")],
    Softmax: lambda layer: [Step("Softmax", settings={"axis": 1})],
    Conv2D: _convolution,
    MaxPool2D: lambda layer: [Step("MaxPool", settings=_squares(layer.size, layer.size))],
    AveragePool2D: lambda layer: [Step("AveragePool", settings=_squares(layer.size, layer.size))],
    GlobalAveragePool2D: lambda layer: [Step("GlobalAveragePool"), Step("Flatten")],
    Flatten: lambda layer: [Step("Flatten")],
    Dropout: lambda layer: [Step("Identity")],  # it does nothing outside training
    BatchNorm: _batch_norm,
}


def model_of(saved: Saved) -> ModelProto:
    """The model of a network, or of an ensemble: all its members, and the mean of their answers.

    Raises ValueError for a layer without an entry in STEPS, and for a number that float32 can't hold.
    """
    model = helper.make_model(
        _graph(saved),
        producer_name="nn_from_scratch",
        producer_version=nn_from_scratch.__version__,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, _known(saved))
    checker.check_model(model, full_check=True)
    return model


def save(model: ModelProto, path: str | Path) -> None:
    """Write the complete file or none."""
    with files.whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def summary(model: ModelProto) -> str:
    """The inputs and the outputs with their shapes: "input (N, 784) → probabilities (N, 10)"."""
    ends = (*model.graph.input, *model.graph.output)
    sizes = [[size.dim_param or str(size.dim_value) for size in end.type.tensor_type.shape.dim] for end in ends]
    return " → ".join(f"{end.name} ({', '.join(shape)})" for end, shape in zip(ends, sizes, strict=True))


def _graph(saved: Saved) -> GraphProto:
    network, graph = saved.network, Graph()
    output = "probabilities" if _are_probabilities(saved) else "outputs"
    if isinstance(saved, SavedEnsemble):
        members = [(member.network, f"member_{i}.") for i, member in enumerate(saved.members, start=1)]
        answers = [graph.add_network(member, prefix + output, prefix) for member, prefix in members]
        graph.nodes.append(helper.make_node("Mean", answers, [output], "mean_of_members"))
    else:
        graph.add_network(saved.network, output)
    inner = [graph.value(name, shape) for name, shape in graph.shapes.items() if name != output]
    ends = [graph.value(INPUT, network.input_shape)], [graph.value(output, network.output_shape)]
    return helper.make_graph(graph.nodes, "network", *ends, graph.arrays, value_info=inner)


class Graph:
    """The nodes of a graph, their arrays, and the shapes of the values between layers."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.arrays: list[TensorProto] = []
        self.shapes: dict[str, Shape] = {}

    def add_network(self, network: Network, output: str, prefix: str = "") -> str:
        """Add the layers, from INPUT to a value with the name `output`, which is returned."""
        check_types(network.places, STEPS, "ONNX")
        x = INPUT
        for i, place in enumerate(network.places):
            name = f"{prefix}{name_of(type(place.layer)).replace('-', '_')}_{i}"
            y = output if i == len(network.places) - 1 else f"{name}.y"
            self.add_layer(place.layer, name, x, y)
            self.shapes[y] = place.output_shape
            x = y
        return output

    def add_layer(self, layer: Layer, name: str, x: str, y: str) -> None:
        """Add the steps of a layer, from the value x to the value y."""
        steps = STEPS[type(layer)](layer)
        for i, step in enumerate(steps):
            last = i == len(steps) - 1
            out, node = (y, name) if last else (f"{name}.{step.operator}", f"{name}.{step.operator}")
            arrays = [self.add_array(f"{name}.{array}", getattr(layer, array)) for array in step.arrays]
            self.nodes.append(helper.make_node(step.operator, [x, *arrays], [out], node, **step.settings))
            x = out

    def add_array(self, name: str, array: np.ndarray) -> str:
        with np.errstate(over="ignore"):  # a number that is too large becomes infinite, and is refused
            numbers = np.array(array, np.float32)
        if not np.isfinite(numbers).all():
            raise ValueError(f"a number of {name} is too large for float32, the type of numbers in ONNX files")
        self.arrays.append(numpy_helper.from_array(numbers, name))
        return name

    @staticmethod
    def value(name: str, shape: Shape) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape])


def _are_probabilities(saved: Saved) -> bool:
    (outputs,) = saved.network.output_shape
    return bool(saved.classes) and are_probabilities(saved.network.output_layer, outputs)


def _known(saved: Saved) -> dict[str, str]:
    """The metadata: information that a user of the file needs, and the record of the training."""
    (outputs,) = saved.network.output_shape
    what = "probability" if _are_probabilities(saved) else "output"
    if not saved.classes:
        comes_out = "numbers"
    elif outputs > 1:
        comes_out = f"one {what} for each of the classes, in their order"
    else:
        comes_out = f"the {what} of class {saved.names[1]}; that of class {saved.names[0]} is 1 minus it"
    return {
        "classes": json.dumps(list(saved.classes), default=int),  # NumPy's integers, too
        "class_names": json.dumps(list(saved.names), ensure_ascii=False),
        "input": "float32; for images, the bytes of the pixels divided by 255, row by row",
        "output": comes_out,
        "training": json.dumps(saved.training),
        "metrics": json.dumps(saved.metrics),
    }

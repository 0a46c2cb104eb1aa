"""The layers of a network in PyTorch's `nn.Sequential`: its modules, and the names of its tensors.

In an `nn.Sequential`, each module has a number, counted from 0; activations count, too. A tensor's key is the number of
its module and its name in PyTorch: "0.weight". Shapes and the order of the numbers are the same in both packages.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

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
from nn_from_scratch.network import Network, Place, check_types

COUNTER = "num_batches_tracked"  # an integer of PyTorch's BatchNorm, which this package doesn't need


class Module(NamedTuple):
    """A module of PyTorch."""

    text: str  # the code that makes it: "nn.Linear(784, 128)"
    names: dict[str, str] = {}  # noqa: RUF012 - PyTorch's name of each tensor, and the name here: "weight": "W"


class Tensor(NamedTuple):
    """The place of a layer's array among the tensors of PyTorch."""

    key: str  # in PyTorch: "0.weight"
    layer: int  # the index of its layer here
    name: str  # its name here: "W"
    shape: Shape


def _linear(layer: Dense, place: Place) -> list[Module]:
    return [Module(_call("Linear", *place.input_shape, layer.units, **_no_bias(layer)), _weights(layer))]


def _convolution(layer: Conv2D, place: Place) -> list[Module]:
    k, zeros = layer.size, {}
    after = k - 1 - layer.before
    before_it = []
    if layer.padding == "same" and k > 1:
        if layer.stride == 1:
            zeros = {"padding": '"same"'}
        elif after == layer.before:
            zeros = {"padding": str(after)}
        else:  # more zeros on one side than on the other, which nn.Conv2d doesn't support with a stride
            before_it = [Module(f"nn.ZeroPad2d(({layer.before}, {after}, {layer.before}, {after}))")]
    stride = {"stride": layer.stride} if layer.stride > 1 else {}
    text = _call("Conv2d", place.input_shape[0], layer.filters, k, **stride, **zeros, **_no_bias(layer))
    return [*before_it, Module(text, _weights(layer))]


def _batch_norm(layer: BatchNorm, place: Place) -> list[Module]:
    kind = "BatchNorm1d" if len(place.input_shape) == 1 else "BatchNorm2d"
    momentum = round(1 - layer.momentum, 12)  # PyTorch's is the weight of the new batch, by default 0.1
    given = {"eps": layer.epsilon} if layer.epsilon != 1e-5 else {}
    given |= {"momentum": momentum} if momentum != 0.1 else {}
    names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    return [Module(_call(kind, place.input_shape[0], **given), names)]


def _call(module: str, *values: object, **settings: object) -> str:
    """The text of a call: nn.Linear(784, 128, bias=False)."""
    arguments = [*map(str, values), *(f"{name}={value}" for name, value in settings.items())]
    return f"nn.{module}({', '.join(arguments)})"


def _no_bias(layer: Dense | Conv2D) -> dict[str, bool]:
    return {} if layer.bias else {"bias": False}


def _weights(layer: Dense | Conv2D) -> dict[str, str]:
    return {"weight": "W"} | ({"bias": "b"} if layer.bias else {})


# The modules of each layer in PyTorch.
MODULES: dict[type[Layer], Callable[[Any, Place], list[Module]]] = {
    Dense: _linear,
    ReLU: lambda layer, place: [Module("nn.ReLU()")],
    Sigmoid: lambda layer, place: [Module("nn.Sigmoid()")],
    Softmax: lambda layer, place: [Module("nn.Softmax(dim=1)")],
    Conv2D: _convolution,
    MaxPool2D: lambda layer, place: [Module(f"nn.MaxPool2d({layer.size})")],
    AveragePool2D: lambda layer, place: [Module(f"nn.AvgPool2d({layer.size})")],
    GlobalAveragePool2D: lambda layer, place: [Module("nn.AdaptiveAvgPool2d(1)"), Module("nn.Flatten()")],
    Flatten: lambda layer, place: [Module("nn.Flatten()")],
    Dropout: lambda layer, place: [Module(f"nn.Dropout({layer.rate})")],
    BatchNorm: _batch_norm,
}


def modules(places: Sequence[Place]) -> list[list[Module]]:
    """The modules of each layer, mostly a single one. Raises ValueError for a layer that has no module in PyTorch."""
    check_types(places, MODULES, "PyTorch")
    return [MODULES[type(place.layer)](place.layer, place) for place in places]


def text(network: Network) -> str:
    """The code that makes the same network in PyTorch; there, `nn` is torch.nn."""
    found = ", ".join(module.text for several in modules(network.places) for module in several)
    return f"nn.Sequential({found})"


def tensors(places: Sequence[Place]) -> list[Tensor]:
    """All tensors of the layers in PyTorch, except counters."""
    found, number = [], 0
    for i, (place, several) in enumerate(zip(places, modules(places), strict=True)):
        shapes = place.parameters | place.state
        for module in several:
            found += [Tensor(f"{number}.{key}", i, name, shapes[name]) for key, name in module.names.items()]
            number += 1
    return found


def counters(found: Sequence[Tensor]) -> list[str]:
    """The keys of the counters, one beside each running mean."""
    ending = "running_mean"
    return [tensor.key.removesuffix(ending) + COUNTER for tensor in found if tensor.key.endswith(ending)]


def arrays(network: Network) -> dict[str, np.ndarray]:
    """All tensors by their keys: the state dictionary of `nn.Sequential`."""
    found = tensors(network.places)
    state = {tensor.key: getattr(network.layers[tensor.layer], tensor.name) for tensor in found}
    return state | {key: np.array(0, np.int64) for key in counters(found)}

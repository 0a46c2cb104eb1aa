"""What the tests of ONNX and of safetensors share: every layer in every choice, all numbers random."""

import numpy as np

from nn_from_scratch.layers import LAYERS
from nn_from_scratch.network import Network
from nn_from_scratch.words import word
from tests import layer_cases
from tests.own_layers import OWN

IMAGE = (2, 7, 9)
# What the cases of layer_cases leave out: strides, kernels of any size, squares with pixels left over, networks.
MORE: list[tuple[list[str], tuple[int, ...]]] = [
    *(
        ([f"conv2d:3:{size}:stride={stride}:padding={padding}", "flatten"], IMAGE)
        for size in (1, 2, 3, 4)
        for stride in (1, 2, 3)
        for padding in ("valid", "same")
    ),
    (["max-pool2d:size=3", "flatten"], IMAGE),
    (["average-pool2d:size=4", "flatten"], IMAGE),
    (["batch-norm:momentum=0.7:epsilon=0.01"], (5,)),
    (["dense:6", "batch-norm", "sigmoid", "dropout:rate=0.3", "dense:4", "softmax"], (5,)),
    (
        [
            *("conv2d:4:3:stride=2:padding=same:bias=false", "batch-norm", "relu", "conv2d:5:2:stride=2:padding=same"),
            *("batch-norm", "sigmoid", "global-average-pool2d", "dense:4", "softmax"),
        ],
        (3, 12, 10),
    ),
    (
        ["average-pool2d", "conv2d:4:3", "max-pool2d", "dropout", "flatten", "dense:1:bias=false", "sigmoid"],
        (1, 14, 12),
    ),
]


def stacks() -> list[tuple[list[str], tuple[int, ...]]]:
    """Layers as words, and the shape of a sample: each layer alone, in front of a row of numbers, and MORE."""
    alone = [case for case in layer_cases.cases() if case.name not in OWN]
    found = []
    for case in alone:
        row = len(case.make().output_shape(case.input_shape)) == 1
        found.append(([case.word, *([] if row else ["flatten"])], case.input_shape))
    return found + MORE


def name(stack: tuple[list[str], tuple[int, ...]]) -> str:
    return f"{' '.join(stack[0])} on {'x'.join(map(str, stack[1]))}"


def network_of(stack: tuple[list[str], tuple[int, ...]], dtype: type = np.float32, seed: int = 0) -> Network:
    """These layers, all parameters and statistics drawn at random."""
    words, input_shape = stack
    network = Network([LAYERS.make(text) for text in words], input_shape, seed, dtype)
    rng = np.random.default_rng(seed)
    network.parameters[...] = rng.normal(0, 0.5, network.parameters.shape)
    network.state[...] = rng.uniform(0.3, 2, network.state.shape)
    return network


def described(network: Network) -> tuple:
    return [word(layer) for layer in network.layers], network.input_shape, network.dtype

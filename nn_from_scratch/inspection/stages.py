"""What goes on inside a network while it answers: what comes into every layer, and what it makes of it.

Plain functions of arrays, for whoever draws it: the dashboard, or a page in a browser.
"""

from typing import NamedTuple

import numpy as np

from nn_from_scratch.layers import Activation, BatchNorm, Dropout, Flatten, Layer, ReLU, Sigmoid
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Network

SATURATED = 0.05  # a sigmoid nearer to 0 or 1 than this hardly learns: its slope is below a fifth of the greatest


class Stage(NamedTuple):
    """The input, or a layer together with what only works on its numbers one by one. A sample is a row.

    An activation counts with the layer before it, and so does a normalization between the two. Flatten and dropout
    count with whatever is before them: the first leaves the numbers as they are, and so does the second, except in
    training. Pooling is a stage of its own: after it there are fewer numbers.
    """

    name: str
    layer: Layer | None  # None: the input
    activation: Layer | None
    x: np.ndarray  # (N, inputs) what comes in
    z: np.ndarray  # (N, units) what the layer makes of it
    a: np.ndarray  # (N, units) what the activation makes of that; where there is none, z
    shape: Shape  # of a sample where it is no row: (channels, rows, columns) of feature maps

    @property
    def W(self) -> np.ndarray | None:
        """(units, inputs) the weights that lead here, where the layer has such a table."""
        W = getattr(self.layer, "W", None)
        return W if W is not None and W.shape == (self.z.shape[1], self.x.shape[1]) else None

    @property
    def has_maps(self) -> bool:
        """Whether the units are the pixels of feature maps."""
        return len(self.shape) == 3

    @property
    def maps(self) -> np.ndarray:
        """(N, channels, rows, columns) what comes out, as feature maps."""
        return self.a.reshape(len(self.a), *self.shape)


def stages(network: Network, x: np.ndarray, training: bool = False) -> list[Stage]:
    """The input and every stage for a batch x, (N, *input_shape)."""
    rows = x.reshape(len(x), -1)
    found = [Stage("input", None, None, rows, rows, rows, x.shape[1:])]
    for layer in network.layers:
        x = layer.forward(x, training)
        rows, before, name = x.reshape(len(x), -1), found[-1], type(layer).__name__
        is_open = before.layer is not None and before.activation is None
        if isinstance(layer, Flatten | Dropout):
            found[-1] = before._replace(a=rows)
        elif isinstance(layer, BatchNorm) and is_open:
            found[-1] = before._replace(name=f"{before.name}, {name}", z=rows, a=rows)
        elif isinstance(layer, Activation) and is_open:
            found[-1] = before._replace(name=f"{before.name}, {name}", activation=layer, a=rows)
        else:
            activation = layer if isinstance(layer, Activation) else None
            found.append(Stage(name, layer, activation, before.a, rows, rows, x.shape[1:]))
    return found


class Usual(NamedTuple):
    """What a stage does for many images."""

    stage: Stage  # for some of them
    largest: float  # the largest |a|
    alive: np.ndarray  # (units,) whether a is above 0 for any image


def usual(network: Network, x: np.ndarray, batch_size: int = 50) -> list[Usual]:
    """What is usual for a batch x, (N, *input_shape); a slice at a time, because feature maps take much memory."""
    found: list[Usual] = []
    for start in range(0, len(x), batch_size):
        part = [
            Usual(stage, float(np.abs(stage.a).max()), np.any(stage.a > 0, axis=0))
            for stage in stages(network, x[start : start + batch_size])
        ]
        found = [
            Usual(stage, max(largest, before.largest), alive | before.alive)
            for (stage, largest, alive), before in zip(part, found or part, strict=True)
        ]
    return found


def silent_share(activation: Layer | None, values: np.ndarray) -> float | None:
    """The share of units that pass nothing back: of ReLU those at 0, of sigmoid those close to 0 or 1. (units,)"""
    if isinstance(activation, ReLU):
        return float(np.mean(values <= 0))
    if isinstance(activation, Sigmoid):
        return float(np.mean(np.minimum(values, 1 - values) < SATURATED))
    return None


def idle(usual: Usual, values: np.ndarray) -> str:
    """What share of the units has nothing to say about an image, `values` (units,), or (ReLU) about any of many."""
    share = silent_share(usual.stage.activation, values)
    if share is None:
        return ""
    if isinstance(usual.stage.activation, Sigmoid):
        return f"{share:.0%} saturated"
    return f"{share:.0%} silent, {np.mean(~usual.alive):.0%} dead"

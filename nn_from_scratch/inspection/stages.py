"""The inside of a network while it answers: the inputs and the outputs of every layer.

Plain functions of arrays, which the dashboard and the page in a browser draw.
"""

from typing import NamedTuple

import numpy as np

from nn_from_scratch.layers import Activation, BatchNorm, Dropout, Flatten, Layer, ReLU, Sigmoid
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Network

SATURATED = 0.05  # closer to 0 or 1 than this, a sigmoid hardly learns: its slope is below a fifth of its maximum


class Stage(NamedTuple):
    """The input, or a layer together with the layers after it that treat each number separately. A sample is a row.

    An activation belongs to the stage of the layer before it, and so does a normalization between the two. Flatten and
    dropout belong to the stage before them, because they don't change the numbers (dropout only in training). Pooling
    is a stage of its own, because there are fewer numbers after it.
    """

    name: str
    layer: Layer | None  # None: the input
    activation: Layer | None
    x: np.ndarray  # (N, inputs) the inputs
    z: np.ndarray  # (N, units) the outputs of the layer
    a: np.ndarray  # (N, units) the outputs of the activation; without an activation, z
    shape: Shape  # of a sample before it is made a row: (channels, rows, columns) for feature maps

    @property
    def W(self) -> np.ndarray | None:
        """(units, inputs) the weights of the layer, or None if it has no such table."""
        W = getattr(self.layer, "W", None)
        return W if W is not None and W.shape == (self.z.shape[1], self.x.shape[1]) else None

    @property
    def has_maps(self) -> bool:
        """Whether the units are the pixels of feature maps."""
        return len(self.shape) == 3

    @property
    def maps(self) -> np.ndarray:
        """(N, channels, rows, columns) the outputs as feature maps."""
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
    """The outputs of a stage for many images."""

    stage: Stage  # for some of the images
    largest: float  # the largest |a|
    alive: np.ndarray  # (units,) whether a is above 0 for any image


def usual(network: Network, x: np.ndarray, batch_size: int = 50) -> list[Usual]:
    """The usual outputs for a batch x, (N, *input_shape); a slice at a time, because feature maps take much memory."""
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
    """The share of units that pass back little or nothing: ReLUs at 0, sigmoids close to 0 or 1. (units,)"""
    if isinstance(activation, ReLU):
        return float(np.mean(values <= 0))
    if isinstance(activation, Sigmoid):
        return float(np.mean(np.minimum(values, 1 - values) < SATURATED))
    return None


def idle(usual: Usual, values: np.ndarray) -> str:
    """The share of silent or saturated units for an image, `values` (units,), and of ReLUs dead for many images."""
    share = silent_share(usual.stage.activation, values)
    if share is None:
        return ""
    if isinstance(usual.stage.activation, Sigmoid):
        return f"{share:.0%} saturated"
    return f"{share:.0%} silent, {np.mean(~usual.alive):.0%} dead"

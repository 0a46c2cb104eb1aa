"""What goes on inside a network while it answers: what comes into every layer, and what it makes of it.

Plain functions of arrays, for whoever draws it: the dashboard, or a page in a browser.
"""

from typing import NamedTuple

import numpy as np

from nn_from_scratch.layers import Activation, Layer, ReLU, Sigmoid
from nn_from_scratch.network import Network

SATURATED = 0.05  # a sigmoid nearer to 0 or 1 than this hardly learns: its slope is below a fifth of the greatest


class Stage(NamedTuple):
    """The input, or a layer together with the activation after it. A sample is a row, whatever its shape."""

    name: str
    layer: Layer | None  # None: the input
    activation: Layer | None
    x: np.ndarray  # (N, inputs) what comes in
    z: np.ndarray  # (N, units) what the layer makes of it
    a: np.ndarray  # (N, units) what the activation makes of that; where there is none, z

    @property
    def W(self) -> np.ndarray | None:
        """(units, inputs) the weights that lead here, where the layer has such a table."""
        W = getattr(self.layer, "W", None)
        return W if W is not None and W.shape == (self.z.shape[1], self.x.shape[1]) else None


def stages(network: Network, x: np.ndarray, training: bool = False) -> list[Stage]:
    """The input and every layer for a batch x, (N, *input_shape); an activation counts with the layer before it."""
    rows = x.reshape(len(x), -1)
    found = [Stage("input", None, None, rows, rows, rows)]
    for layer in network.layers:
        x = layer.forward(x, training)
        rows, before, name = x.reshape(len(x), -1), found[-1], type(layer).__name__
        if not isinstance(layer, Activation):
            found.append(Stage(name, layer, None, before.a, rows, rows))
        elif before.layer is None or before.activation is not None:
            found.append(Stage(name, layer, layer, before.a, rows, rows))
        else:
            found[-1] = before._replace(name=f"{before.name}, {name}", activation=layer, a=rows)
    return found


def silent_share(activation: Layer | None, values: np.ndarray) -> float | None:
    """The share of units that pass nothing back: of ReLU those at 0, of sigmoid those close to 0 or 1. (units,)"""
    if isinstance(activation, ReLU):
        return float(np.mean(values <= 0))
    if isinstance(activation, Sigmoid):
        return float(np.mean(np.minimum(values, 1 - values) < SATURATED))
    return None


def idle(stage: Stage, values: np.ndarray) -> str:
    """What share of the units has nothing to say about an image, `values` (units,), or (ReLU) about any in `stage`."""
    share = silent_share(stage.activation, values)
    if share is None:
        return ""
    if isinstance(stage.activation, Sigmoid):
        return f"{share:.0%} saturated"
    return f"{share:.0%} silent, {np.mean(~(stage.a > 0).any(axis=0)):.0%} dead"

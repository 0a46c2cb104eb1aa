"""What goes on inside a network while it answers: what every layer puts out, and along which weights.

Plain functions of arrays, for whoever draws it: the dashboard, or a page in a browser.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn_from_scratch.layers import Activation, ReLU, Sigmoid
from nn_from_scratch.network import Network

SATURATED = 0.05  # a sigmoid nearer to 0 or 1 than this hardly learns: its slope is below a fifth of the greatest


class Stage(NamedTuple):
    """The input, or a layer that learns together with the activation after it."""

    name: str
    values: np.ndarray  # (N, units) what it puts out
    W: np.ndarray | None  # (units, units before) the weights that lead to it, where it has such a table
    activation: type | None


def stages(network: Network, x: np.ndarray) -> list[Stage]:
    """What the input and every layer put out for a batch x, (N, *input_shape); an activation counts with its layer."""
    found = [Stage("input", x.reshape(len(x), -1), None, None)]
    for layer in network.layers:
        x = layer.forward(x)
        values = x.reshape(len(x), -1)
        if isinstance(layer, Activation) and len(found) > 1 and found[-1].activation is None:
            name = f"{found[-1].name}, {type(layer).__name__}"
            found[-1] = Stage(name, values, found[-1].W, type(layer))
        else:
            W = getattr(layer, "W", None)
            table = W if W is not None and W.shape == (values.shape[1], found[-1].values.shape[1]) else None
            kind = type(layer) if isinstance(layer, Activation) else None
            found.append(Stage(type(layer).__name__, values, table, kind))
    return found


def most_active(values: np.ndarray, most: int, before: Sequence[int] = ()) -> np.ndarray:
    """The places of the units with the largest |value|, ascending. (units,) → (≤ most,)

    Those in `before` stay while they are among the 2·most most active, so that a moving picture doesn't flicker.
    """
    order = np.argsort(-np.abs(values), kind="stable")[: 2 * most]
    staying = order[np.isin(order, before)][:most]
    arriving = order[~np.isin(order, staying)][: most - len(staying)]
    return np.sort(np.concatenate([staying, arriving]))


def contributions(W: np.ndarray, values: np.ndarray, units: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """w · activation, what each chosen input adds to the sum of each chosen unit. (len(units), len(inputs))"""
    return W[np.ix_(units, inputs)] * values[inputs]


def strongest(parts: np.ndarray, most: int) -> list[tuple[int, int]]:
    """The places (unit, input) of the largest |w · activation| that are not 0, the largest last: it is drawn on top."""
    order = np.argsort(np.abs(parts), axis=None, kind="stable")[-most:]
    return [(int(unit), int(source)) for unit, source in np.argwhere(np.ones_like(parts))[order] if parts[unit, source]]


def silent_share(activation: type | None, values: np.ndarray) -> float | None:
    """The share of units that pass nothing back: of ReLU those at 0, of sigmoid those close to 0 or 1. (units,)"""
    if activation is ReLU:
        return float(np.mean(values <= 0))
    if activation is Sigmoid:
        return float(np.mean(np.minimum(values, 1 - values) < SATURATED))
    return None


def idle(stage: Stage, values: np.ndarray) -> str:
    """What share of the units has nothing to say about an image, `values` (units,), or (ReLU) about any in `stage`."""
    share = silent_share(stage.activation, values)
    if share is None:
        return ""
    if stage.activation is Sigmoid:
        return f"{share:.0%} saturated"
    return f"{share:.0%} silent, {np.mean(~(stage.values > 0).any(axis=0)):.0%} dead"

"""What is shown of a network: plain dictionaries, made from its arrays by pure functions.

A frame holds what an eye can take in: all activations as bytes, but of the weights only the strongest into the units
that are shown. Turning all weights into Python numbers was measured to nearly halve the speed of training.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.inspection.activity import most_active, silent_share
from nn_from_scratch.inspection.answers import class_scores
from nn_from_scratch.layers import Dense, Layer
from nn_from_scratch.losses import Loss
from nn_from_scratch.network import Network

SHOWN = 24  # units of a layer in the graph
EDGES = 6  # into each of them
TILES = 36  # units of the first layer whose weights are shown as pictures


# ---- numbers for the wire ----


def base64(values: np.ndarray) -> str:
    return b2a_base64(values.tobytes(), newline=False).decode("ascii")


def finite(value: float) -> float | None:
    """A number as JSON knows them: without infinity and NaN."""
    return float(value) if isfinite(value) else None


def packed_rows(rows: np.ndarray) -> list[dict[str, Any]]:
    """Each row as a scale s and bytes q from −127 to 127: value ≈ q·s, at most s/2 beside it.

    What is not finite, as after a divergence, is shown as 0.
    """
    rows = np.where(np.isfinite(rows), rows, 0)
    scales = [float(f"{largest:.6g}") for largest in np.abs(rows).max(axis=1, initial=0).astype(float) / 127]
    divisors = np.array([scale or 1 for scale in scales])[:, None]
    q = np.clip(np.rint(rows / divisors), -127, 127).astype(np.int8)
    return [{"scale": scale, "data": base64(row)} for scale, row in zip(scales, q, strict=True)]


def packed(values: np.ndarray) -> dict[str, Any]:
    return packed_rows(values.reshape(1, -1))[0]


# ---- one example on its way through the network ----


class Stage(NamedTuple):
    """A Dense layer with the activation after it, and one example's numbers there; each vector is (units,)."""

    dense: Dense
    activation: Layer
    x: np.ndarray  # what comes in (inputs,)
    z: np.ndarray  # W x + b
    a: np.ndarray  # activation(z)
    delta: np.ndarray  # ∂L/∂z


@dataclass
class Trace:
    """One example's way forward and back, with the parameters as they are now."""

    stages: list[Stage]
    outputs: np.ndarray
    loss: float


def layers_in_pairs(network: Network) -> list[tuple[Dense, Layer]]:
    """Every Dense layer with its activation. Raises ValueError for a network that isn't made of such pairs."""
    pairs = [
        (dense, activation)
        for dense, activation in zip(network.layers[::2], network.layers[1::2], strict=False)
        if isinstance(dense, Dense) and not isinstance(activation, Dense)
    ]
    if 2 * len(pairs) != len(network.layers):
        raise ValueError("expected Dense layers, each followed by an activation")
    return pairs


def trace(network: Network, loss: Loss, x: np.ndarray, t: np.ndarray) -> Trace:
    """Forward and back with one example, x (1, inputs) and t (1, outputs); `network.gradients` stays as it was.

    For a single example ∂L/∂b = δ, so that the gradients of the biases are what is sought.
    """
    kept = network.gradients.copy()
    outputs = [x]
    for layer in network.layers:
        outputs.append(layer.forward(outputs[-1], training=True))
    value = loss.value(outputs[-1], t)
    network.backward(loss, outputs[-1], t)
    stages = [
        Stage(dense, activation, outputs[2 * i][0], outputs[2 * i + 1][0], outputs[2 * i + 2][0], dense.db.copy())
        for i, (dense, activation) in enumerate(layers_in_pairs(network))
    ]
    network.gradients[...] = kept
    return Trace(stages, outputs[-1][0], value)


# ---- a frame's parts ----


def edges(stage: Stage, shown: Sequence[int], sources: Sequence[int] | None) -> list[list[Any]]:
    """[unit, inputs, packed w, packed w·x, packed ∂L/∂w] for each shown unit: its inputs with the largest |w·x|.

    Only `sources` among the inputs count, or all of them.
    """
    columns = np.arange(len(stage.x)) if sources is None else np.asarray(sources)
    rows = np.asarray(shown)[:, None]
    products = stage.dense.W[rows, columns] * stage.x[columns]  # (shown, sources)
    count = min(EDGES, len(columns))
    strongest = np.argpartition(-np.abs(products), count - 1, axis=1)[:, :count]
    inputs = columns[strongest]
    weights, gradients = stage.dense.W[rows, inputs], stage.dense.dW[rows, inputs]
    parts = (packed_rows(values) for values in (weights, np.take_along_axis(products, strongest, axis=1), gradients))
    return [list(edge) for edge in zip(shown, inputs.tolist(), *parts, strict=True)]


def strongest_inputs(stage: Stage, shown: Sequence[int]) -> list[int]:
    """The inputs that contribute most to the shown units together: those with the largest Σ |w·x|."""
    contributions = np.abs(stage.dense.W[shown]).sum(axis=0) * np.abs(stage.x)
    return sorted(np.argsort(-contributions, kind="stable")[:SHOWN].tolist())


def layer_part(stage: Stage, shown: list[int], sources: list[int] | None) -> dict[str, Any]:
    """Everything a frame holds of one layer. The gradients are those of the last batch, the rest is the example's."""
    dense = stage.dense
    vectors = packed_rows(np.stack([stage.a, stage.z, stage.delta, dense.b, dense.db]))
    names = ("activations", "z", "deltas", "biases", "bias_gradients")
    return {
        "units": dense.units,
        "type": type(stage.activation).__name__.lower(),
        **dict(zip(names, vectors, strict=True)),
        "gradient_norm": finite(_norm(dense.dW, dense.db)),
        "gradient_mean": finite((np.abs(dense.dW).sum() + np.abs(dense.db).sum()) / (dense.dW.size + dense.db.size)),
        "weight_norm": finite(_norm(dense.W)),
        "dead": silent_share(type(stage.activation), stage.a),
        "shown": shown,
        "edges": edges(stage, shown, sources),
    }


def network_part(traced: Trace, shown_before: list[list[int]]) -> tuple[dict[str, Any], list[list[int]]]:
    """The layers of a frame, and which units are shown of each: for the next frame to keep them in their places."""
    before = shown_before or [[] for _ in traced.stages]
    shown = [most_active(stage.a, SHOWN, kept).tolist() for stage, kept in zip(traced.stages, before, strict=True)]
    sources = [None, *shown[:-1]]  # the input is drawn as a picture: an edge may begin at any pixel
    layers = [layer_part(*parts) for parts in zip(traced.stages, shown, sources, strict=True)]
    return {"input": {"shown": strongest_inputs(traced.stages[0], shown[0])}, "layers": layers}, shown


def tiles(dense: Dense) -> dict[str, Any]:
    """The weights into the first units of the first layer, and their gradients, each a picture of 28×28."""
    count = min(TILES, dense.units)
    return {
        "rows": 28,
        "columns": 28,
        "units": list(range(count)),
        "weights": packed_rows(dense.W[:count]),
        "gradients": packed_rows(dense.dW[:count]),
    }


def class_outputs(p: np.ndarray) -> list[float | None]:
    """One number for each class: the outputs, or, of a single output p for two classes, 1 − p and p."""
    return [finite(value) for value in class_scores(p[None])[0]]


def _norm(*arrays: np.ndarray) -> float:
    return float(np.sqrt(sum(float(np.vdot(array, array)) for array in arrays)))

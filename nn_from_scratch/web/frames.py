"""What is shown of a network: plain dictionaries, made from its arrays by pure functions.

A frame holds what an eye can take in: all activations as bytes, but of the weights only the strongest into the units
that are shown. Turning all weights into Python numbers was measured to nearly halve the speed of training.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.classes import class_scores
from nn_from_scratch.inspection.stages import Stage, silent_share, stages
from nn_from_scratch.inspection.strongest import contributions, most_active, strongest_inputs, strongest_into_each
from nn_from_scratch.layers import Dense
from nn_from_scratch.losses import Loss
from nn_from_scratch.network import Network
from nn_from_scratch.words import name_of

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


class Trace(NamedTuple):
    """One example's way forward and back, with the parameters as they are now; each batch in it is of one."""

    stages: list[Stage]  # of every Dense layer with its activation
    deltas: list[np.ndarray]  # (units,) ∂L/∂z of each
    outputs: np.ndarray  # (K,)
    loss: float


def trace(network: Network, loss: Loss, x: np.ndarray, t: np.ndarray) -> Trace:
    """Forward and back with one example, x (1, inputs) and t (1, outputs); `network.gradients` stays as it was.

    Back goes ∂L/∂y alone, and what comes to a Dense layer is its δ.
    """
    _, *found = stages(network, x, training=True)
    p = found[-1].a
    dy, last = network.loss_gradient(loss, p, t)
    deltas = []
    for layer in network.layers[last::-1]:
        if isinstance(layer, Dense):
            deltas.append(dy[0])
        dy = layer.backward_input(dy)
    return Trace(found, deltas[::-1], p[0], loss.value(p, t))


def dense_of(stage: Stage) -> Dense:
    """The Dense layer of a stage: the page shows no other networks (limits.py)."""
    assert isinstance(stage.layer, Dense)
    return stage.layer


def biases_of(dense: Dense) -> tuple[np.ndarray, np.ndarray]:
    """b and ∂L/∂b: zeros where the layer has none, which is the same."""
    nothing = np.zeros(dense.units, dense.W.dtype)
    return (dense.b, dense.db) if dense.bias else (nothing, nothing)


# ---- a frame's parts ----


def edges(stage: Stage, shown: Sequence[int], sources: Sequence[int] | None) -> list[list[Any]]:
    """[unit, inputs, packed w, packed w·x, packed ∂L/∂w] for each shown unit: its inputs with the largest |w·x|.

    Only `sources` among the inputs count, or all of them.
    """
    dense, x = dense_of(stage), stage.x[0]
    columns = np.arange(len(x)) if sources is None else np.asarray(sources)
    products = contributions(dense.W, x, np.asarray(shown), columns)
    strongest = strongest_into_each(products, EDGES)
    rows, inputs = np.asarray(shown)[:, None], columns[strongest]
    values = (dense.W[rows, inputs], np.take_along_axis(products, strongest, axis=1), dense.dW[rows, inputs])
    return [list(edge) for edge in zip(shown, inputs.tolist(), *map(packed_rows, values), strict=True)]


def layer_part(stage: Stage, delta: np.ndarray, shown: list[int], sources: list[int] | None) -> dict[str, Any]:
    """Everything a frame holds of one layer. The gradients are those of the last batch, the rest is the example's."""
    dense = dense_of(stage)
    b, db = biases_of(dense)
    vectors = packed_rows(np.stack([stage.a[0], stage.z[0], delta, b, db]))
    names = ("activations", "z", "deltas", "biases", "bias_gradients")
    return {
        "units": dense.units,
        "type": name_of(type(stage.activation)),
        **dict(zip(names, vectors, strict=True)),
        "gradient_norm": finite(_norm(dense.dW, db)),
        "gradient_mean": finite((np.abs(dense.dW).sum() + np.abs(db).sum()) / (dense.dW.size + db.size)),
        "weight_norm": finite(_norm(dense.W)),
        "dead": silent_share(stage.activation, stage.a[0]),
        "shown": shown,
        "edges": edges(stage, shown, sources),
    }


def network_part(traced: Trace, shown_before: list[list[int]]) -> tuple[dict[str, Any], list[list[int]]]:
    """The layers of a frame, and which units are shown of each: for the next frame to keep them in their places."""
    before = shown_before or [[] for _ in traced.stages]
    shown = [most_active(stage.a[0], SHOWN, kept).tolist() for stage, kept in zip(traced.stages, before, strict=True)]
    sources = [None, *shown[:-1]]  # the input is drawn as a picture: an edge may begin at any pixel
    layers = [layer_part(*parts) for parts in zip(traced.stages, traced.deltas, shown, sources, strict=True)]
    first = traced.stages[0]
    inputs = strongest_inputs(dense_of(first).W[shown[0]], first.x[0], SHOWN)
    return {"input": {"shown": inputs.tolist()}, "layers": layers}, shown


def tiles(network: Network) -> dict[str, Any]:
    """The weights into the first units of the first layer, and their gradients, each a picture of 28×28."""
    dense = network.layers[0]
    assert isinstance(dense, Dense)
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

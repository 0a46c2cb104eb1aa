"""What the page shows of a network: plain dictionaries, made from its arrays by pure functions.

A frame holds no more than an eye can take in: all activations as bytes, but only the strongest weights into the units
that are shown. Turning all weights into Python numbers nearly halved the speed of training, when it was measured.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.classes import class_scores
from nn_from_scratch.inspection.stages import Stage, silent_share, stages
from nn_from_scratch.inspection.strongest import contributions, strongest_into_each
from nn_from_scratch.layers import Conv2D, Dense, Dropout, Layer
from nn_from_scratch.losses import Loss
from nn_from_scratch.network import Network
from nn_from_scratch.words import name_of

SHOWN = 24  # units of a layer in the graph
MAPS = 8  # feature maps of a layer in the graph
EDGES = 6  # the strongest weights into each of them
TILES = 36  # units of the first layer whose weights are shown as pictures


# ---- numbers for the wire ----


def base64(values: np.ndarray) -> str:
    return b2a_base64(values.tobytes(), newline=False).decode("ascii")


def finite(value: float) -> float | None:
    """The number, or None for infinity and NaN, which JSON does not have."""
    return float(value) if isfinite(value) else None


def packed_rows(rows: np.ndarray) -> list[dict[str, Any]]:
    """Each row as a scale s and bytes q from −127 to 127: value ≈ q·s, with an error of at most s/2.

    A number that is not finite, as after a divergence, becomes 0.
    """
    if not np.isfinite(rows).all():
        rows = np.where(np.isfinite(rows), rows, 0)
    scales = [float(f"{largest:.6g}") for largest in (np.abs(rows).max(axis=1, initial=0).astype(float) / 127).tolist()]
    divisors = np.array([scale or 1 for scale in scales])[:, None]
    q = np.clip(np.rint(rows / divisors), -127, 127).astype(np.int8)
    content, width = q.tobytes(), q.shape[1]
    places = range(0, len(content), width) if width else [0] * len(scales)
    return [
        {"scale": scale, "data": b2a_base64(content[at : at + width], newline=False).decode("ascii")}
        for scale, at in zip(scales, places, strict=True)
    ]


def packed(values: np.ndarray) -> dict[str, Any]:
    return packed_rows(values.reshape(1, -1))[0]


# ---- one example on its way through the network ----


class Trace(NamedTuple):
    """One example's forward and backward pass, with the present parameters; each array has a batch of one."""

    stages: list[Stage]  # without the input
    deltas: list[np.ndarray]  # (units,) ∂L/∂y of each stage's layer; for a Dense layer with an activation, ∂L/∂z
    gradients: list[dict[str, np.ndarray]]  # ∂L/∂W, ∂L/∂b … of each stage's layer, for this example's loss alone
    outputs: np.ndarray  # (K,)
    loss: float | None
    dropped: dict[Layer, np.ndarray]  # for a stage's layer, which of its numbers dropout has set to 0


def trace(network: Network, loss: Loss, x: np.ndarray, t: np.ndarray | None, training: bool = False) -> Trace:
    """The forward and backward pass of the first example in x (N, *input_shape), whose target is t (1, outputs).

    The other examples are there for layers that take statistics of a batch. The forward pass is that of a prediction,
    or, with `training`, that of a training step: with the noise that was drawn last, and with the statistics of the
    batch. The backward pass is always that of a training step. Without a target there is no backward pass, and all its
    numbers are 0. `network.gradients` stays as it was.
    """
    _, *learning = stages(network, x, training=True)
    plain = training or not (network.noisy or network.state.size)
    found = [_first(stage) for stage in (learning if plain else stages(network, x[:1])[1:])]
    p = found[-1].a
    if t is None:
        nothing = [np.zeros_like(stage.z[0]) for stage in found]
        gradients = [{name: np.zeros_like(array) for name, array in _arrays(stage.layer).items()} for stage in found]
        return Trace(found, nothing, gradients, p[0], None, {})
    before = network.gradients.copy()
    dy, last = network.loss_gradient(loss, learning[-1].a[:1], t)
    dy = np.concatenate([dy, np.zeros((len(x) - 1, *dy.shape[1:]), dy.dtype)])
    of_layer: dict[Layer, np.ndarray] = {}
    for layer in network.layers[last::-1]:
        of_layer[layer] = dy[0].ravel()
        layer.backward_parameters(dy)
        dy = layer.backward_input(dy)
    gradients = [{name: array.copy() for name, array in _arrays(stage.layer, "d").items()} for stage in found]
    network.gradients[...] = before
    deltas = [of_layer[_layer(stage)] for stage in found]
    return Trace(found, deltas, gradients, p[0], loss.value(p, t), _dropped(network, found) if training else {})


def _dropped(network: Network, found: list[Stage]) -> dict[Layer, np.ndarray]:
    dropped, stage_of = {}, {_layer(stage): stage for stage in found}
    for layer in network.layers:
        if layer in stage_of:
            last = layer
        elif isinstance(layer, Dropout) and stage_of:
            dropped[last] = layer.m[0].ravel() == 0
    return dropped


def _first(stage: Stage) -> Stage:
    return stage._replace(x=stage.x[:1], z=stage.z[:1], a=stage.a[:1])


def _layer(stage: Stage) -> Layer:
    assert stage.layer is not None  # the input is no part of a trace
    return stage.layer


def _arrays(layer: Layer | None, prefix: str = "") -> dict[str, np.ndarray]:
    """W and b, or, with the prefix "d", their gradients, where the layer has them."""
    return {name: getattr(layer, prefix + name) for name in ("W", "b") if hasattr(layer, prefix + name)}


# ---- a frame's parts ----


def sample(units: int, most: int) -> list[int]:
    """Which units are shown: all of them, or every second, third … one, beginning with the first.

    The sample is fair and always the same. The most active units would be different ones for each image.
    """
    return list(range(units)) if units <= most else [i * units // most for i in range(most)]


def units_of(stage: Stage) -> int:
    """Neurons, or feature maps."""
    return stage.shape[0]


def shown_of(stage: Stage) -> list[int]:
    return sample(units_of(stage), MAPS if stage.has_maps else SHOWN)


class Edges(NamedTuple):
    """The weights that are drawn for a layer: for each shown unit, those of its strongest inputs. All are (shown, few).

    In a convolution, a weight stands for a whole kernel from one map to another; its value is the kernel's length ‖W‖.
    """

    units: list[int]
    inputs: np.ndarray
    weights: np.ndarray
    flows: np.ndarray  # w · x, what each adds to its unit's sum; for a kernel, ‖W‖ times the length of its map
    gradients: np.ndarray

    def part(self, before: "Edges | None" = None) -> list[list[Any]]:
        """[unit, inputs, packed w, packed w·x, packed ∂L/∂w, packed change since `before`] for each unit."""
        values = [self.weights, self.flows, self.gradients]
        if before:
            values.append(self.weights - before.weights)
        packed = packed_rows(np.concatenate(values))  # all at once: a call takes longer than its rows
        columns = [packed[i : i + len(self.units)] for i in range(0, len(packed), len(self.units) or 1)]
        return [list(row) for row in zip(self.units, self.inputs.tolist(), *columns, strict=True)]


def edges(stage: Stage, gradients: dict[str, np.ndarray], source: Stage | None, like: Edges | None = None) -> Edges:
    """The edges between shown units. If `source` is None, they come from any pixel of the image.

    With `like`, the same edges again.
    """
    layer, shown = stage.layer, shown_of(stage)
    x = stage.x[0]
    if isinstance(layer, Conv2D):
        weights, slopes = (np.linalg.norm(W, axis=(2, 3)) for W in (layer.W, gradients["W"]))
        x = np.linalg.norm(x.reshape(weights.shape[1], -1), axis=1)
        columns = np.arange(len(x)) if source is None else np.array(shown_of(source))
    elif isinstance(layer, Dense):
        weights, slopes = layer.W, gradients["W"]
        columns = np.arange(len(x)) if source is None else _places(source)
    else:
        none = np.zeros((0, 0))
        return Edges([], none, none, none, none)
    rows = np.array(shown)[:, None]
    inputs = (
        like.inputs if like else columns[strongest_into_each(contributions(weights, x, rows[:, 0], columns), EDGES)]
    )
    return Edges(shown, inputs, weights[rows, inputs], weights[rows, inputs] * x[inputs], slopes[rows, inputs])


def _places(stage: Stage) -> np.ndarray:
    """The places of the shown units in the row of all numbers; for maps, the places of all their pixels."""
    numbers = np.arange(stage.a.shape[1]).reshape(units_of(stage), -1)
    return numbers[shown_of(stage)].ravel()


def edges_of(traced: Trace, like: Sequence[Edges] | None = None) -> list[Edges]:
    sources = [None, *traced.stages[:-1]]
    places: Sequence[Edges | None] = [None] * len(sources) if like is None else like
    parts = zip(traced.stages, traced.gradients, sources, places, strict=True)
    return [edges(*part) for part in parts]


def network_part(traced: Trace, drawn: Sequence[Edges], before: Sequence[Edges] | None = None) -> list[dict[str, Any]]:
    """The layers of a frame. With the edges from `before` a step, also how far the step moved each weight."""
    olds: Sequence[Edges | None] = [None] * len(drawn) if before is None else before
    dropped = [traced.dropped.get(_layer(stage)) for stage in traced.stages]
    return [layer_part(*row) for row in zip(traced.stages, traced.deltas, drawn, olds, dropped, strict=True)]


def layer_part(
    stage: Stage, delta: np.ndarray, drawn: Edges, before: Edges | None, dropped: np.ndarray | None
) -> dict[str, Any]:
    """Everything that a frame holds of one stage. The norms are of the last batch's gradient, all else of the example.

    The activation of a feature map is the mean over the map, and its δ the sum. The shown maps are also sent whole.
    """
    layer, units = _layer(stage), units_of(stage)
    a, d = stage.a[0].reshape(units, -1), delta.reshape(units, -1)
    arrays, slopes = _arrays(layer), _arrays(layer, "d")
    vectors = np.stack([a.mean(axis=1), d.sum(axis=1), arrays.get("b", np.zeros(units))])
    shown = shown_of(stage)
    part = {
        "name": stage.name,
        "units": units,
        "shape": stage.shape if stage.has_maps else None,
        "type": name_of(type(stage.activation)) if stage.activation else None,
        **dict(zip(("activations", "deltas", "biases"), packed_rows(vectors), strict=True)),
        "gradient_norm": finite(_norm(*slopes.values())) if slopes else None,
        "gradient_mean": finite(_mean_size(*slopes.values())) if slopes else None,
        "weight_norm": finite(_norm(arrays["W"])) if "W" in arrays else None,
        "dead": silent_share(stage.activation, stage.a[0]),
        "shown": shown,
        "edges": drawn.part(before),
        "dropped": [i for i in shown if dropped[i]] if dropped is not None and not stage.has_maps else [],
    }
    if stage.has_maps:
        part |= {"maps": packed(a[shown]), "delta_maps": packed(d[shown])}
    return part


def tiles(network: Network, image: tuple[int, int] = (28, 28)) -> dict[str, Any] | None:
    """The weights into the first units of the first layer and their gradients, as pictures of an image's or a kernel's
    size. None if the weights of the first layer don't form such pictures. A Dense layer takes an image as a row."""
    layer = network.layers[0]
    if isinstance(layer, Dense):
        channels, rows, columns = 1, *image
    elif isinstance(layer, Conv2D):
        channels, rows, columns = layer.W.shape[1:]
    else:
        return None
    if channels * rows * columns != layer.W[0].size:
        return None
    count = min(TILES, len(layer.W))
    return {
        "rows": rows,
        "columns": columns,
        "units": list(range(count)),
        "weights": packed_rows(layer.W[:count].reshape(count, -1)),
        "gradients": packed_rows(layer.dW[:count].reshape(count, -1)),
    }


def class_outputs(p: np.ndarray) -> list[float | None]:
    """One number for each class: the outputs, or, for a single output p and two classes, 1 − p and p."""
    return [finite(value) for value in class_scores(p[None])[0]]


def _norm(*arrays: np.ndarray) -> float:
    return float(np.sqrt(sum(float(np.vdot(array, array)) for array in arrays)))


def _mean_size(*arrays: np.ndarray) -> float:
    return float(sum(np.abs(array).sum() for array in arrays) / sum(array.size for array in arrays))

"""A closer look on request: one neuron's sum, the answer to a drawing, the images in a cell of the confusion matrix."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.classes import class_scores, predicted_classes, target_table
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.handwriting.drawing import THRESHOLD, NothingDrawn, prepare
from nn_from_scratch.inspection.answers import first_and_second
from nn_from_scratch.inspection.field_of_view import field_of_view
from nn_from_scratch.inspection.naming import with_article
from nn_from_scratch.inspection.stages import Stage
from nn_from_scratch.layers import BatchNorm, Conv2D, Dense
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.losses import Loss
from nn_from_scratch.metrics import accuracy, confusion_matrix
from nn_from_scratch.network import Network
from nn_from_scratch.training import predict
from nn_from_scratch.web.frames import Trace, base64, finite, packed, units_of
from nn_from_scratch.words import name_of

TERMS = 8  # products of each sign that are listed for a neuron's sum
CELL_IMAGES = 100
SPECK = 0.125  # of a pad's side: a smaller drawing is only a dot


class Unit(NamedTuple):
    """A neuron of a layer, or one place in a feature map."""

    layer: int  # the index of its stage in the picture
    neuron: int  # or the number of the map
    row: int = 0
    column: int = 0


def neuron_part(network: Network, traced: Trace, unit: Unit) -> dict[str, Any]:
    """z = Σ w·x + b with its numbers: the largest products of each sign, and the sum of all others.

    The products and their sum are computed in float64, exactly, from the network's float32 numbers. z is the network's
    own result, after batch normalization if one follows. Raises BadInput if there is no such unit.
    """
    if not (0 <= unit.layer < len(traced.stages) and 0 <= unit.neuron < units_of(traced.stages[unit.layer])):
        raise BadInput(f"neuron {unit.neuron} of layer {unit.layer}: there is no such neuron")
    stage, delta = traced.stages[unit.layer], traced.deltas[unit.layer]
    rows, columns = stage.shape[1:] or (1, 1)
    if not (unit.row < rows and unit.column < columns):
        raise BadInput(f"row {unit.row}, column {unit.column}: expected below {rows} and {columns}")
    place = (unit.neuron * rows + unit.row) * columns + unit.column  # among all numbers of the stage
    found = {
        **unit._asdict(),
        "name": stage.name,
        "z": finite(stage.z[0, place]),
        "activation": finite(stage.a[0, place]),
        "activation_name": name_of(type(stage.activation)) if stage.activation else None,
        "delta": finite(delta[place]),
    }
    index = network.layers.index(stage.layer)
    if stage.has_maps:
        found["field"] = field_of_view(network.layers[: index + 1], network.input_shape, unit.row, unit.column)
    following = network.layers[index + 1] if index + 1 < len(network.layers) else None
    if isinstance(following, BatchNorm):
        found["normalization"] = _normalization(following, unit.neuron)
    if isinstance(stage.layer, Dense | Conv2D):
        found |= _sum_part(stage, traced.gradients[unit.layer]["W"], unit, network.places[index].input_shape)
    return found


def _normalization(layer: BatchNorm, feature: int) -> dict[str, float | None]:
    """z = γ · (sum − μ) / σ + β, with the running statistics, as in a prediction."""
    deviation = np.sqrt(layer.variance[feature].astype(np.float64) + layer.epsilon)
    values = {"mean": layer.mean, "gamma": layer.gamma, "beta": layer.beta}
    return {"deviation": finite(deviation), **{name: finite(array[feature]) for name, array in values.items()}}


def _sum_part(stage: Stage, gradient: np.ndarray, unit: Unit, input_shape: Shape) -> dict[str, Any]:
    layer = stage.layer
    assert isinstance(layer, Dense | Conv2D)
    x = stage.x[0] if isinstance(layer, Dense) else _window(layer, stage.x[0].reshape(input_shape), unit)
    x, w = x.astype(np.float64).ravel(), layer.W[unit.neuron].astype(np.float64).ravel()
    products = x * w
    order = np.argsort(products, kind="stable")
    negative = [int(j) for j in order[:TERMS] if products[j] < 0]
    positive = [int(j) for j in order[::-1][:TERMS] if products[j] > 0]
    others = np.delete(products, positive + negative)

    def terms(chosen: list[int]) -> list[dict[str, Any]]:
        return [{"input": j, "x": finite(x[j]), "w": finite(w[j]), "product": finite(products[j])} for j in chosen]

    return {
        "bias": float(layer.b[unit.neuron]) if layer.bias else 0.0,
        "sum_of_products": finite(products.sum()),
        "positive": terms(positive),
        "negative": terms(negative),
        "others": finite(others.sum()),
        "inputs": len(x),
        "kernel": layer.W.shape[1:] if isinstance(layer, Conv2D) else None,
        "values": packed(x),
        "weights": packed(w),
        "products": packed(products),
        "gradient": packed(gradient[unit.neuron]),
    }


def _window(layer: Conv2D, x: np.ndarray, unit: Unit) -> np.ndarray:
    """The part of x (channels, rows, columns) that the kernel sees at one place, zeros outside: (channels, k, k)"""
    k, s, p = layer.size, layer.stride, layer.before
    around = np.pad(x, ((0, 0), (p, k), (p, k)))
    return around[:, s * unit.row : s * unit.row + k, s * unit.column : s * unit.column + k]


def drawing_part(
    network: Network,
    classes: tuple[int, ...],
    ink: np.ndarray,
    centre: bool,
    names: tuple[str, ...] | None = None,
    noun: str = "digit",
) -> dict[str, Any]:
    """The network's answer to a drawing, (H, W) with ink 255 on 0, and the 28×28 image that the network was given.

    `names` are the names of the classes, if they have other names than their labels; `noun` is the word for a sample.
    """
    try:
        image = prepare(ink, centre)
    except NothingDrawn:
        return {"empty": True, "message": "Draw something."}
    if centre and extent(ink) < SPECK * max(ink.shape):  # enlarged to the size of a digit, it would be read as a 0
        return {"empty": True, "message": f"That is only a dot: draw {with_article(noun)}."}
    scores = class_scores(predict(network, image[None]))[0]
    first, next_ = first_and_second(scores)
    doubtful = not (scores[first] >= 0.5 and scores[first] - scores[next_] >= 0.3)
    guess, other = (with_article(names[k] if names else str(classes[k])) for k in (first, next_))
    return {
        "empty": False,
        "message": f"Not sure: {guess}, or perhaps {other}." if doubtful else f"This looks like {guess}.",
        "image": base64(image),
        "outputs": [finite(score) for score in scores],
        "answer": classes[first],
        "second": classes[next_],
        "doubtful": bool(doubtful),
    }


def extent(ink: np.ndarray) -> int:
    """The longer side of the drawing, in pixels."""
    return max(int(np.ptp(places)) + 1 for places in np.nonzero(ink >= THRESHOLD))


@dataclass
class Snapshot:
    """The network's answers to the validation images at one step. So the matrix and the images in its cells agree."""

    step: int
    split: Split
    predicted: np.ndarray
    matrix: np.ndarray
    loss: float
    accuracy: float

    def cell(self, actual: int, predicted: int) -> dict[str, Any]:
        """The images in one cell of the matrix, at most the first hundred."""
        found = np.flatnonzero((self.split.labels == actual) & (self.predicted == predicted))
        return {
            "actual": actual,
            "predicted": predicted,
            "count": len(found),
            "step": self.step,
            "indices": found[:CELL_IMAGES].tolist(),
            "images": [base64(self.split.images[i]) for i in found[:CELL_IMAGES]],
        }


def take_snapshot(network: Network, loss: Loss, split: Split, classes: int, step: int) -> Snapshot:
    p = predict(network, split.images)
    predicted = predicted_classes(p)
    return Snapshot(
        step=step,
        split=split,
        predicted=predicted,
        matrix=confusion_matrix(split.labels, predicted, classes),
        loss=loss.value(p, target_table(p.shape[1], network.dtype)[split.labels]),
        accuracy=accuracy(predicted, split.labels),
    )

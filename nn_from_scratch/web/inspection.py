"""A closer look, when somebody asks: one neuron's sum, the guess at a drawing, the images behind a confusion."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.classes import class_scores, predicted_classes, target_table
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.handwriting.drawing import NothingDrawn, prepare
from nn_from_scratch.inspection.answers import first_and_second
from nn_from_scratch.inspection.stages import Stage
from nn_from_scratch.losses import Loss
from nn_from_scratch.metrics import accuracy, confusion_matrix
from nn_from_scratch.network import Network
from nn_from_scratch.training import predict
from nn_from_scratch.web.frames import base64, biases_of, dense_of, finite, packed
from nn_from_scratch.words import name_of

TERMS = 8  # products of each sign that are named in a neuron's sum
CELL_IMAGES = 100


def neuron_part(stage: Stage, delta: np.ndarray, neuron: int) -> dict[str, Any]:
    """z = Σ w·x + b with its numbers: the largest products of each sign, and the sum of all others.

    The products and their sum are exact, in float64, of the network's float32 numbers; z is what the network found.
    """
    dense = dense_of(stage)
    x, w = stage.x[0].astype(np.float64), dense.W[neuron].astype(np.float64)
    products = x * w
    order = np.argsort(products, kind="stable")
    negative = [int(j) for j in order[:TERMS] if products[j] < 0]
    positive = [int(j) for j in order[::-1][:TERMS] if products[j] > 0]
    others = np.delete(products, positive + negative)

    def terms(chosen: list[int]) -> list[dict[str, Any]]:
        return [{"input": j, "x": finite(x[j]), "w": finite(w[j]), "product": finite(products[j])} for j in chosen]

    return {
        "z": finite(stage.z[0, neuron]),
        "bias": float(biases_of(dense)[0][neuron]),
        "activation": finite(stage.a[0, neuron]),
        "activation_name": name_of(type(stage.activation)),
        "delta": finite(delta[neuron]),
        "sum_of_products": finite(products.sum()),
        "positive": terms(positive),
        "negative": terms(negative),
        "others": finite(others.sum()),
        "inputs": len(x),
        "weights": packed(dense.W[neuron]),
        "gradient": packed(dense.dW[neuron]),
    }


def drawing_part(network: Network, classes: tuple[int, ...], ink: np.ndarray, centre: bool) -> dict[str, Any]:
    """What the network says of a drawing, (H, W) with ink 255 on 0, and the image of 28×28 that it was given."""
    try:
        image = prepare(ink, centre)
    except NothingDrawn:
        return {"empty": True, "message": "Draw something."}
    scores = class_scores(predict(network, image[None]))[0]
    first, next_ = first_and_second(scores)
    doubtful = not (scores[first] >= 0.5 and scores[first] - scores[next_] >= 0.3)
    answer, second = classes[first], classes[next_]
    return {
        "empty": False,
        "message": f"Not sure: {answer}, or perhaps {second}." if doubtful else f"This looks like {answer}.",
        "image": base64(image),
        "outputs": [finite(score) for score in scores],
        "answer": answer,
        "second": second,
        "doubtful": bool(doubtful),
    }


@dataclass
class Snapshot:
    """What the network made of the validation images at one step: the matrix and the images behind it fit together."""

    step: int
    split: Split
    predicted: np.ndarray
    matrix: np.ndarray
    loss: float
    accuracy: float

    def cell(self, actual: int, predicted: int) -> dict[str, Any]:
        """The images in one cell of the matrix; of many, the first hundred."""
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


def example_of(network: Network, split: Split, index: int) -> tuple[np.ndarray, np.ndarray]:
    """One image as the network takes it: x (1, inputs), t (1, outputs)."""
    x = inputs(split.images[index : index + 1], network.input_shape, network.dtype)
    return x, target_table(network.output_shape[0], network.dtype)[split.labels[index : index + 1]]

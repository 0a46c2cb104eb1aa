"""A network's answers, image by image: the score of each class, and the loss.

metrics.py counts over a whole data set; here each image keeps its place, so that mistakes can be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nn_from_scratch.classes import class_scores, predicted_classes, score_name
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.errors import BadInput
from nn_from_scratch.storage import Saved, SavedEnsemble
from nn_from_scratch.training import predict


@dataclass(frozen=True)
class Answers:
    """The answers to N labelled images. The classes are numbered 0, 1, …, as `matching` does."""

    scores: np.ndarray  # (N, classes)
    predicted: np.ndarray  # (N,) the class with the highest score
    actual: np.ndarray  # (N,)
    index: np.ndarray  # (N,) the place of each image in the whole test set, from 0
    score_name: str  # "probability", or "output" if the scores are not probabilities
    of_members: np.ndarray | None = None  # (members, N) the answers of an ensemble's members

    @property
    def right(self) -> np.ndarray:
        return self.predicted == self.actual

    @property
    def confidence(self) -> np.ndarray:
        """The score of the answered class. (N,)"""
        return self.scores[np.arange(len(self.scores)), self.predicted]

    @property
    @np.errstate(over="ignore")  # outputs that are not probabilities may be far apart
    def margin(self) -> np.ndarray:
        """The highest score minus the second highest. (N,)"""
        second, first = np.sort(self.scores, axis=1)[:, -2:].T
        return first - second

    @property
    @np.errstate(over="ignore")
    def loss(self) -> np.ndarray:
        """−log of the actual class's probability; Σₖ (pₖ − tₖ)² / K if the outputs are not probabilities. (N,)"""
        rows = np.arange(len(self.scores))
        if self.score_name == "probability":
            return -np.log(np.maximum(self.scores[rows, self.actual], np.finfo(self.scores.dtype).tiny))
        t = np.eye(self.scores.shape[1], dtype=self.scores.dtype)[self.actual]
        return np.square(self.scores - t).mean(axis=1)

    def mistakes(self, order: str) -> np.ndarray:
        """The rows of the wrong answers: the highest loss, the most confident or the least certain first."""
        key = {"loss": -self.loss, "confidence": -self.confidence, "uncertainty": self.margin}[order]
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(key[wrong], kind="stable")]


@np.errstate(over="ignore", invalid="ignore")  # overflows are found, and refused
def finite_outputs(saved: Saved, images: np.ndarray) -> np.ndarray:
    """The outputs p for stored images. (N, rows, columns) → (N, K)

    Raises BadInput for a network without classes, or whose outputs are not finite numbers.
    """
    if not saved.classes:
        raise BadInput("this network's outputs are numbers, not classes: expected a network with classes")
    p = predict(saved.network, images)
    if not np.isfinite(p).all():
        row = int(np.argmin(np.isfinite(p).all(axis=1)))
        raise BadInput(f"the network's answer to image {row} is not a finite number: its weights are too large")
    return p


def answers(saved: Saved, test: Split, whole: Split | None = None) -> Answers:
    """The network's answers to a test set after `matching`; `whole` is the set before it, for `index`."""
    of_members = None
    if isinstance(saved, SavedEnsemble):
        outputs = [finite_outputs(member, test.images) for member in saved.members]
        p, of_members = Ensemble.mean(outputs), np.stack([predicted_classes(output) for output in outputs])
    else:
        p = finite_outputs(saved, test.images)
    index = np.arange(len(p)) if whole is None else np.flatnonzero(np.isin(whole.labels, saved.classes))
    name = score_name(saved.network.output_layer, p.shape[1])
    return Answers(class_scores(p), predicted_classes(p), test.labels.astype(int), index, name, of_members)


def first_and_second(scores: np.ndarray) -> tuple[int, int]:
    """The classes with the two highest scores of one image. (classes,)"""
    first, second = np.argsort(-scores, kind="stable")[:2]
    return int(first), int(second)


def mistake_rows(found: Answers, classes: Sequence[int], order: str, names: Sequence[str] = ()) -> list[list]:
    """Every mistake as a line of a CSV file, after the header. If the classes have names, these come last."""
    head = ["index", "actual", "predicted", "confidence", "score_of_actual", "margin", "loss"]
    rows: list[list] = [[*head, "actual_name", "predicted_name"] if names else head]
    confidence, margin, loss = found.confidence, found.margin, found.loss
    for row in found.mistakes(order):
        actual, predicted = found.actual[row], found.predicted[row]
        numbers = (confidence[row], found.scores[row, actual], margin[row], loss[row])
        named = [names[actual], names[predicted]] if names else []
        values = [f"{number:.6g}" for number in numbers]
        rows.append([int(found.index[row]), classes[actual], classes[predicted], *values, *named])
    return rows

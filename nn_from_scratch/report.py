"""What the scripts print about a network: how good its answers are, and what its parameters look like.

Functions that return text, and the plain objects behind it, so that the same numbers reach the screen, a JSON object
or a CSV file. The counting itself is in metrics.py.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch import metrics
from nn_from_scratch.answers import Answers
from nn_from_scratch.data import Dataset
from nn_from_scratch.network import Network
from nn_from_scratch.storage import SavedNetwork

# ---- answers ----


@dataclass(frozen=True)
class Evaluation:
    """How a network's answers to the test images compare with the labels."""

    classes: tuple[int, ...]  # the label that each row and column of the confusion matrix stands for
    confusion: np.ndarray  # (K, K), rows actual, columns predicted
    calibration: metrics.Calibration

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        return self.right / self.images


def summary(found: Answers, classes: tuple[int, ...]) -> Evaluation:
    """What the answers come to."""
    confusion = metrics.confusion_matrix(found.actual, found.predicted, len(classes))
    return Evaluation(classes, confusion, metrics.calibration(found.confidence, found.right))


def evaluation_text(found: Evaluation) -> str:
    """Everything about an evaluation, as tables."""
    return "\n\n".join(
        [
            f"accuracy {found.accuracy!r} = {found.right} of {found.images}",
            "confusion matrix (rows actual, columns predicted)\n" + confusion_table(found),
            "one class against the rest: [[TP, FN], [FP, TN]]\n" + binary_table(found),
            "each class (its recall is the accuracy on its own images)\n" + class_table(found),
            "most often confused\n" + confused_list(found),
            calibration_text(found.calibration),
        ]
    )


def evaluation_object(found: Evaluation) -> dict[str, Any]:
    """The same as plain Python values, for JSON; a score that is 0 / 0 is None."""
    binaries = metrics.one_vs_rest(found.confusion)
    return {
        "accuracy": found.accuracy,
        "right": found.right,
        "images": found.images,
        "classes": list(found.classes),
        "confusion_matrix": found.confusion.tolist(),
        "binary_confusion_matrix": binaries.sum(axis=0).tolist(),
        "per_class": [
            {
                "class": label,
                "accuracy": None if isnan(scores.recall) else scores.recall,
                **{name: None if isnan(score) else score for name, score in scores._asdict().items()},
                "binary_confusion_matrix": binary.tolist(),
            }
            for label, scores, binary in zip(found.classes, metrics.per_class(found.confusion), binaries, strict=True)
        ],
        "most_confused": [
            {"actual": found.classes[actual], "predicted": found.classes[predicted], "count": count}
            for actual, predicted, count in metrics.most_confused(found.confusion)
        ],
        "calibration": calibration_object(found.calibration),
    }


def confusion_table(found: Evaluation) -> str:
    """The confusion matrix, its rows and columns headed by the classes' labels."""
    rows = np.column_stack([found.classes, found.confusion]).tolist()
    return aligned([["", *found.classes], *rows])


def binary_table(found: Evaluation) -> str:
    """For each class its binary confusion matrix, and their sum."""
    binaries = metrics.one_vs_rest(found.confusion)
    total = binaries.sum(axis=0)
    width = len(str(total.max()))
    lines = []
    for label, binary in zip([*found.classes, "sum"], [*binaries, total], strict=True):
        TP, FN, FP, TN = (f"{count:>{width}}" for count in binary.ravel())
        lines.append(f"{label:>5}  [[{TP}, {FN}], [{FP}, {TN}]]")
    return "\n".join(lines)


def class_table(found: Evaluation) -> str:
    """Precision, recall, F1 and support of every class."""
    rows = [
        [label, *("–" if isnan(score) else f"{score:.4f}" for score in scores[:3]), scores.support]
        for label, scores in zip(found.classes, metrics.per_class(found.confusion), strict=True)
    ]
    return aligned([["class", "precision", "recall", "F1", "support"], *rows])


def confused_list(found: Evaluation) -> str:
    """The most frequent mistakes, one to a line."""
    lines = [
        f"{count:>5} × {found.classes[actual]} taken for {found.classes[predicted]}"
        for actual, predicted, count in metrics.most_confused(found.confusion)
    ]
    return "\n".join(lines or ["    none: every answer was right"])


def calibration_text(found: metrics.Calibration) -> str:
    """Confidence against accuracy, for the bins that have images."""
    rows: list[list] = [["confidence", "images", "mean confidence", "accuracy"]]
    for low, high, *numbers in _filled_bins(found):
        rows.append([f"{low:.1f}–{high:.1f}", numbers[0], f"{numbers[1]:.4f}", f"{numbers[2]:.4f}"])
    return f"calibration: expected calibration error {found.error:.4f}\n{aligned(rows)}"


def calibration_object(found: metrics.Calibration) -> dict[str, Any]:
    names = ("from", "to", "images", "mean_confidence", "accuracy")
    bins = [dict(zip(names, numbers, strict=True)) for numbers in _filled_bins(found)]
    return {"expected_calibration_error": found.error, "bins": bins}


def _filled_bins(found: metrics.Calibration) -> list[tuple[float, float, int, float, float]]:
    columns = (found.edges[:-1], found.edges[1:], found.counts, found.confidence, found.accuracy)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(low, high, count, confidence, accuracy) for low, high, count, confidence, accuracy in rows if count]


# ---- what is on record ----


def recorded_data(saved: SavedNetwork) -> tuple[str | None, str | None]:
    """The name and the fingerprint of the data set that trained a network, each None where the file doesn't tell."""
    record = saved.training.get("data")
    name, fingerprint = (record.get(key) if isinstance(record, dict) else None for key in ("name", "fingerprint"))
    return name if isinstance(name, str) else None, fingerprint if isinstance(fingerprint, str) else None


def data_note(saved: SavedNetwork, dataset: Dataset) -> str | None:
    """A line for the user where the network was trained on other data than these, else None."""
    name, recorded = recorded_data(saved)
    found = dataset.fingerprint()
    if recorded in (None, found):
        return None
    return f"note: the network was trained on other data, {name} ({recorded}); these are {dataset.name} ({found})"


# ---- parameters ----


class Parameter(NamedTuple):
    """One of a network's trained arrays."""

    layer: int  # counted from 1 among the layers that have parameters
    kind: str  # the layer's class
    name: str
    values: np.ndarray


def named_parameters(network: Network) -> list[Parameter]:
    """All trained arrays, in order."""
    having = [
        (layer, shapes)
        for layer, input_shape in zip(network.layers, network.shapes, strict=False)
        if (shapes := layer.parameter_shapes(input_shape))
    ]
    return [
        Parameter(number, type(layer).__name__, name, getattr(layer, name))
        for number, (layer, shapes) in enumerate(having, 1)
        for name in shapes
    ]


class Statistics(NamedTuple):
    """How the values of an array are spread."""

    mean: float
    sd: float
    least: float
    greatest: float
    near_zero: float  # the share within a tenth of a standard deviation of zero; 8 % for normally distributed values
    counts: np.ndarray  # (bins,) the histogram
    edges: np.ndarray  # (bins + 1,)


def statistics(values: np.ndarray, bins: int = 30) -> Statistics:
    """Mean, standard deviation, range and histogram of an array of any shape."""
    values = values.astype(np.float64).ravel()  # sums of many float32 would lose digits
    sd = values.std()
    near_zero = np.count_nonzero(np.abs(values) <= sd / 10) / values.size
    counts, edges = np.histogram(values, bins)
    return Statistics(float(values.mean()), float(sd), values.min(), values.max(), near_zero, counts, edges)


def statistics_table(parameters: Sequence[Parameter]) -> str:
    """A line for each parameter."""
    head = ["layer", "type", "parameter", "shape", "mean", "sd", "min", "max", "near zero"]
    rows = []
    for layer, kind, name, values in parameters:
        mean, sd, least, greatest, near_zero, *_ = statistics(values)
        shape = " × ".join(map(str, values.shape))
        spread = (f"{number:.4f}" for number in (mean, sd, least, greatest))
        rows.append([layer, kind, name, shape, *spread, f"{near_zero:.1%}"])
    return aligned([head, *rows])


def statistics_csv(parameters: Sequence[Parameter]) -> str:
    """The same at full precision, and each histogram: its range, and the counts in bins of equal width."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["layer", "type", "parameter", "values", "mean", "sd", "min", "max", "near_zero", "bins_from", "bins_to"]
    for i, (layer, kind, name, values) in enumerate(parameters):
        *spread, counts, edges = statistics(values)
        if i == 0:
            writer.writerow([*head, *(f"bin_{n}" for n in range(1, len(counts) + 1))])
        writer.writerow([layer, kind, name, values.size, *spread, edges[0], edges[-1], *counts])
    return text.getvalue()


def aligned(rows: Sequence[Sequence[Any]]) -> str:
    """A table with its columns flush right, two spaces apart."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in texts)

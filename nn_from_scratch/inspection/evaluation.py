"""The quality of a network's answers, as text and as plain objects.

The text on the screen and the JSON object have the same numbers. metrics.py computes them.
"""

from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from nn_from_scratch import metrics
from nn_from_scratch.data import Dataset
from nn_from_scratch.data.dataset import ASKED
from nn_from_scratch.errors import one_line
from nn_from_scratch.inspection.answers import Answers
from nn_from_scratch.inspection.members import Members, members_object, members_of, members_text
from nn_from_scratch.inspection.tables import aligned, percentage
from nn_from_scratch.storage import Saved

WIDEST_COUNT, WIDEST_TABLE = 5, 80  # letters of a column, and of a confusion matrix with names at the top

# ---- answers ----


@dataclass(frozen=True)
class Evaluation:
    """The answers of a network or an ensemble to the test images, compared with the labels."""

    classes: tuple[int, ...]  # the label of each row and column of the confusion matrix
    confusion: np.ndarray  # (K, K), rows actual, columns predicted
    calibration: metrics.Calibration
    members: Members | None = None
    names: tuple[str, ...] = ()  # the name of each class; (): their labels are the names
    samples: str = "images"  # the word for the samples

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", tuple(map(str, self.classes)))

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        return self.right / self.images


def summary(
    found: Answers, classes: tuple[int, ...], names: tuple[str, ...] = (), samples: str = "images"
) -> Evaluation:
    """A summary of the answers. `names` are those of the classes, and `samples` is the word for the samples."""
    confusion = metrics.confusion_matrix(found.actual, found.predicted, len(classes))
    calibration = metrics.calibration(found.confidence, found.right)
    return Evaluation(classes, confusion, calibration, members_of(found), names, samples)


def evaluation_text(found: Evaluation, details: bool) -> str:
    """The most important results; with `details`, all tables."""
    tables = [
        f"accuracy {percentage(found.right, found.images)} ({found.right:,} of {found.images:,})",
        *([members_text(found.members, found.images, found.samples)] if found.members else []),
        "confusion matrix (rows actual, columns predicted)\n" + confusion_table(found),
        "most often confused\n" + confused_list(found),
    ]
    if details:
        tables += [
            "one class against the rest: [[TP, FN], [FP, TN]]\n" + binary_table(found),
            f"each class (its recall is the accuracy on its own {found.samples})\n{class_table(found)}",
            calibration_text(found.calibration, found.samples),
        ]
    else:
        tables.append("--details adds precision, recall and F1 of each class, and calibration")
    return "\n\n".join(tables)


def evaluation_object(found: Evaluation) -> dict[str, Any]:
    """The same as plain Python values, for JSON; a score of 0 / 0 is None."""
    binaries = metrics.one_vs_rest(found.confusion)
    return {
        "accuracy": found.accuracy,
        "right": found.right,
        "images": found.images,
        **({"members": members_object(found.members, found.images)} if found.members else {}),
        "classes": list(found.classes),
        "class_names": list(found.names),
        "confusion_matrix": found.confusion.tolist(),
        "binary_confusion_matrix": binaries.sum(axis=0).tolist(),
        "per_class": [
            {
                "class": label,
                "name": name,
                "accuracy": None if isnan(scores.recall) else scores.recall,
                **{measure: None if isnan(score) else score for measure, score in scores._asdict().items()},
                "binary_confusion_matrix": binary.tolist(),
            }
            for label, name, scores, binary in zip(
                found.classes, found.names, metrics.per_class(found.confusion), binaries, strict=True
            )
        ],
        "most_confused": [
            {
                "actual": found.classes[actual],
                "actual_name": found.names[actual],
                "predicted": found.classes[predicted],
                "predicted_name": found.names[predicted],
                "count": count,
            }
            for actual, predicted, count in metrics.most_confused(found.confusion)
        ],
        "calibration": calibration_object(found.calibration),
    }


def confusion_table(found: Evaluation) -> str:
    """The confusion matrix with the classes' names at its rows and, if a terminal is wide enough, at its columns.

    Otherwise each row has the name and the label, and each column only the label.
    """
    heads, widest = [[name] for name in found.names], max(map(len, found.names))
    if widest > WIDEST_COUNT and (2 + widest) * (1 + len(heads)) > WIDEST_TABLE:
        heads = [[name, str(label)] for name, label in zip(found.names, found.classes, strict=True)]
    rows = [[*head, *counts] for head, counts in zip(heads, found.confusion.tolist(), strict=True)]
    return aligned([[""] * len(heads[0]) + [head[-1] for head in heads], *rows])


def binary_table(found: Evaluation) -> str:
    """The binary confusion matrix of each class, and their sum."""
    binaries = metrics.one_vs_rest(found.confusion)
    total = binaries.sum(axis=0)
    width, widest = len(str(total.max())), max(5, *map(len, found.names))
    lines = []
    for name, binary in zip([*found.names, "sum"], [*binaries, total], strict=True):
        TP, FN, FP, TN = (f"{count:>{width}}" for count in binary.ravel())
        lines.append(f"{name:>{widest}}  [[{TP}, {FN}], [{FP}, {TN}]]")
    return "\n".join(lines)


def class_table(found: Evaluation) -> str:
    """Precision, recall, F1 and support of every class."""
    rows = [
        [name, *("–" if isnan(score) else f"{score:.4f}" for score in scores[:3]), scores.support]
        for name, scores in zip(found.names, metrics.per_class(found.confusion), strict=True)
    ]
    return aligned([["class", "precision", "recall", "F1", "support"], *rows])


def confused_list(found: Evaluation) -> str:
    """The most frequent mistakes, one in each line."""
    lines = [
        f"{count:>5} × {found.names[actual]} taken for {found.names[predicted]}"
        for actual, predicted, count in metrics.most_confused(found.confusion)
    ]
    return "\n".join(lines or ["    none: every answer was right"])


def calibration_text(found: metrics.Calibration, samples: str = "images") -> str:
    """Confidence against accuracy, for the bins that aren't empty."""
    rows: list[list] = [["confidence", samples, "mean confidence", "accuracy"]]
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


# ---- the records in a file ----


def recorded_data(saved: Saved) -> tuple[str | None, str | None]:
    """The name and the fingerprint of a network's training data, each None if the file doesn't have it."""
    record = saved.training.get("data")
    name, fingerprint = (record.get(key) if isinstance(record, dict) else None for key in ("name", "fingerprint"))
    return name if isinstance(name, str) else None, fingerprint if isinstance(fingerprint, str) else None


def recorded_test_set(saved: Saved) -> dict[str, Any]:
    """The options of load_dataset beside the name of the data, if the file has them."""
    record = saved.training.get("data")
    found = {name: record.get(name) for name in ASKED} if isinstance(record, dict) else {}
    return {name: value for name, value in found.items() if isinstance(value, ASKED[name])}


def data_note(saved: Saved, dataset: Dataset) -> str | None:
    """A line for the user if the network was trained on other data than these, else None."""
    name, recorded = recorded_data(saved)
    found = dataset.fingerprint()
    if recorded in (None, found) or not len(dataset.train):  # without training images there is nothing to compare
        return None
    return (
        f"note: the network was trained on other data, {name} ({recorded}); "
        f"these are {one_line(dataset.name)} ({found})"
    )

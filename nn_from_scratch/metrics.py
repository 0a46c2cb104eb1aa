"""How good the answers are, counted in several ways, at full precision.

Everything follows from one table, the confusion matrix: how often each class was taken for each other class. Nothing is
rounded here. Maths: docs/mathematics.md, "Metrics".
"""

from typing import NamedTuple

import numpy as np


def accuracy(predicted: np.ndarray, actual: np.ndarray) -> float:
    """The share of right answers."""
    return float(np.count_nonzero(predicted == actual) / len(actual))


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """C[i, j]: the number of samples of class i predicted as class j. Rows actual, columns predicted; (K, K)"""
    pairs = actual.astype(int) * classes + predicted
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def one_vs_rest(confusion: np.ndarray) -> np.ndarray:
    """For each class the binary matrix [[TP, FN], [FP, TN]] of "this class" against "any other". (K, K) → (K, 2, 2)"""
    TP = confusion.diagonal()
    FN = confusion.sum(axis=1) - TP
    FP = confusion.sum(axis=0) - TP
    TN = confusion.sum() - TP - FN - FP
    return np.stack([TP, FN, FP, TN], axis=1).reshape(-1, 2, 2)


class ClassReport(NamedTuple):
    """One class's scores. A score of 0 / 0 is NaN, such as the precision of a class that was never predicted."""

    precision: float  # of the samples predicted as this class, the share that is of this class: TP / (TP + FP)
    recall: float  # of the samples of this class, the share that was found: TP / (TP + FN)
    f1: float  # their harmonic mean: 2 TP / (2 TP + FP + FN)
    support: int  # the number of samples of this class: TP + FN


def per_class(confusion: np.ndarray) -> list[ClassReport]:
    """Precision, recall, F1 and support of every class."""
    reports = []
    for (TP, FN), (FP, _) in one_vs_rest(confusion).tolist():
        reports.append(ClassReport(_ratio(TP, TP + FP), _ratio(TP, TP + FN), _ratio(2 * TP, 2 * TP + FP + FN), TP + FN))
    return reports


class Confusion(NamedTuple):
    """How often one class was taken for another."""

    actual: int
    predicted: int
    times: int


def most_confused(confusion: np.ndarray, most: int = 10) -> list[Confusion]:
    """The pairs of classes that are confused most often, the most frequent first. Pairs never confused are left out."""
    mistakes = [
        Confusion(actual, predicted, count)
        for actual, row in enumerate(confusion.tolist())
        for predicted, count in enumerate(row)
        if actual != predicted and count
    ]
    return sorted(mistakes, key=lambda mistake: -mistake.times)[:most]


class Calibration(NamedTuple):
    """How far confidence can be trusted: answers are put into bins by confidence, with the accuracy of each bin."""

    edges: np.ndarray  # (bins + 1,) bin i holds the confidences in (edges[i], edges[i + 1]]; the first also 0
    counts: np.ndarray  # (bins,)
    confidence: np.ndarray  # (bins,) the mean; NaN in an empty bin
    accuracy: np.ndarray  # (bins,) likewise

    @property
    def error(self) -> float:
        """The expected calibration error: Σ (count / N) · |accuracy − confidence|, over the bins."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())

    def interval(self, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
        """The bounds of the accuracy of each bin, with z = 1.96 at 95 %; NaN in an empty bin. 2 × (bins,)

        Wilson's interval for a share a of n: (a + z² / 2n ± z · √(a (1 − a) / n + z² / 4n²)) / (1 + z² / n). Unlike
        a ± z · √(a (1 − a) / n), it stays within 0 and 1, and is not empty if all answers are right.
        E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
        """
        a, n = self.accuracy, np.maximum(self.counts, 1)
        middle = (a + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(a * (1 - a) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        return np.clip(middle - half, 0, a), np.clip(middle + half, a, 1)  # a rounded bound might just miss a


def calibration(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Calibration:
    """Confidence against accuracy, in bins of equal width. Shapes: confidence in [0, 1] and right, (N,)

    C. Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidence.astype(float), side="left") - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin gives the intended NaN
        means = [np.bincount(bin_of, values, minlength=bins) / counts for values in (confidence, right)]
    return Calibration(edges, counts, *means)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")

"""How good the answers are, counted in several ways, at full precision.

Everything follows from one table, the confusion matrix: how often each class was taken for each other. Rounding is
left to whoever prints. Maths: docs/mathematics.md, "Metrics".
"""

from typing import NamedTuple

import numpy as np


def predicted_classes(p: np.ndarray) -> np.ndarray:
    """The class with the largest output; with a single output, 1 where it is at least a half. (N, K) → (N,)"""
    return (p[:, 0] >= 0.5).astype(int) if p.shape[1] == 1 else p.argmax(axis=1)


def accuracy(predicted: np.ndarray, actual: np.ndarray) -> float:
    """The share of right answers."""
    return np.count_nonzero(predicted == actual) / len(actual)


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """C[i, j]: how many samples of class i were taken for class j. Rows actual, columns predicted; (K, K)"""
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
    """One class's scores; NaN where a score is 0 / 0, as the precision of a class that was never predicted."""

    precision: float  # of those taken for it, the share that were: TP / (TP + FP)
    recall: float  # of those that were, the share taken for it: TP / (TP + FN)
    f1: float  # their harmonic mean: 2 TP / (2 TP + FP + FN)
    support: int  # how many there were: TP + FN


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
    """The pairs of classes most often confused, most frequent first; pairs that never were are left out."""
    mistakes = [
        Confusion(actual, predicted, count)
        for actual, row in enumerate(confusion.tolist())
        for predicted, count in enumerate(row)
        if actual != predicted and count
    ]
    return sorted(mistakes, key=lambda mistake: -mistake.times)[:most]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")

"""How a network's outputs stand for classes.

There is one output for each class, or a single output for two classes: the probability of the second. All code that
depends on this is here. K is the number of outputs.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from nn_from_scratch.layers import Layer, Sigmoid, Softmax

Label = TypeVar("Label")


def outputs_fit(outputs: int, classes: int) -> bool:
    """Whether this number of outputs can tell this number of classes apart."""
    return outputs == classes > 1 or (outputs, classes) == (1, 2)


def target_table(outputs: int, dtype: np.dtype | type = np.float32) -> np.ndarray:
    """The target of each class: row k is the target of label k, so that `table[labels]` are the targets.

    K ≥ 2 outputs: one-hot, the identity matrix (K, K). One output: the column [[0], [1]].
    """
    return np.array([[0], [1]], dtype) if outputs == 1 else np.eye(outputs, dtype=dtype)


def predicted_classes(p: np.ndarray) -> np.ndarray:
    """The class with the largest output; with a single output, 1 if it is at least a half. (N, K) → (N,)"""
    return (p[:, 0] >= 0.5).astype(int) if p.shape[1] == 1 else p.argmax(axis=1)


def class_scores(p: np.ndarray) -> np.ndarray:
    """A score for each class: the outputs, or [1 − p, p] if one output stands for two classes. (N, K) → (N, classes)"""
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def labels_of_outputs(outputs: int, classes: Sequence[Label]) -> Sequence[Label]:
    """The label, or the name, that each output stands for; none if outputs and classes don't fit each other."""
    if not outputs_fit(outputs, len(classes)):
        return ()
    return classes[-outputs:]


def own_names(names: Sequence[str], classes: Sequence[int]) -> tuple[str, ...]:
    """The names of classes, or () if they are only called by their labels, as digits are."""
    return tuple(names) if tuple(names) != tuple(map(str, classes)) else ()


def output_of(k: int, outputs: int) -> int:
    """The output that decides on class k."""
    return k if outputs > 1 else 0


def are_probabilities(last: Layer, outputs: int) -> bool:
    """Whether the last layer makes all scores add up to 1.

    Such a layer is a softmax, or a single sigmoid p with 1 − p for the other class.
    """
    return isinstance(last, Softmax) or (isinstance(last, Sigmoid) and outputs == 1)


def score_name(last: Layer, outputs: int) -> str:
    """The name of a score: a probability, or else an output."""
    return "probability" if are_probabilities(last, outputs) else "output"

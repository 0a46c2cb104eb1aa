"""A loss is one number that says how far the predictions p are from the targets t. Training makes this number small.

Every loss is a mean over the batch, so that its size does not depend on the batch size.
In order of difficulty: MeanSquaredError, BinaryCrossEntropy, CrossEntropy.
"""

import numpy as np

from nn_from_scratch.layers import Layer, Sigmoid, Softmax
from nn_from_scratch.words import Table


class Loss:
    """L(p, t) and its derivatives. Shapes: p and t are (N, K): N samples, K outputs.

    A loss may name its matching activation. The derivative through both together is much simpler than either of the two
    derivatives, and does not lose precision where the activation saturates: see `logit_gradient`.
    """

    matching_activation: type[Layer] | None = None
    over_outputs = False  # whether the loss is a mean over the outputs, too: then its gradients are K times smaller

    def value(self, p: np.ndarray, t: np.ndarray) -> float:
        """L, a mean over the batch."""
        raise NotImplementedError

    def gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        """∂L/∂p: the long way, for any activation."""
        raise NotImplementedError

    def logit_gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        """∂L/∂z, where p = matching_activation(z): loss and activation in one step.

        Maths: docs/mathematics.md, "The shortcut".
        """
        raise NotImplementedError


class MeanSquaredError(Loss):
    """L = 1/(N·K) · Σ (p − t)²

    Gradient: ∂L/∂p = 2 (p − t) / (N·K). No activation simplifies it.

    Maths: docs/mathematics.md, "Mean squared error".
    """

    over_outputs = True

    def value(self, p: np.ndarray, t: np.ndarray) -> float:
        return float(np.square(p - t).sum()) / p.size

    def gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (p - t) * (2 / p.size)


class BinaryCrossEntropy(Loss):
    """L = −1/(N·K) · Σ [ t log p + (1 − t) log(1 − p) ], for outputs that are probabilities of a yes.

    Gradient: ∂L/∂p = (p − t) / (p (1 − p)) / (N·K); through the sigmoid: ∂L/∂z = (p − t) / (N·K).

    Maths: docs/mathematics.md, "Binary cross-entropy".
    """

    matching_activation = Sigmoid
    over_outputs = True

    def value(self, p: np.ndarray, t: np.ndarray) -> float:
        p = _away_from_0_and_1(p)
        return float(-(t * np.log(p) + (1 - t) * np.log1p(-p)).sum()) / p.size

    def gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        p = _away_from_0_and_1(p)
        return (p - t) / (p * (1 - p)) / p.size

    def logit_gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (p - t) / p.size


class CrossEntropy(Loss):
    """L = −1/N · Σₙ Σₖ t′ₖ log pₖ with t′ = (1 − α) t + α/K, for outputs that are a distribution over K classes.

    α is the label smoothing: with α = 0, t′ is t itself. (Szegedy et al., 2016)

    Gradient: ∂L/∂p = −t′ / p / N; through the softmax: ∂L/∂z = (p − t′) / N.

    smoothing: α, the share of each target that is spread evenly over all K classes, from 0 to below 1

    Maths: docs/mathematics.md, "Cross-entropy" and "Label smoothing".
    """

    matching_activation = Softmax

    def __init__(self, smoothing: float = 0.0):
        if not 0 <= smoothing < 1:
            raise ValueError(f"the smoothing of CrossEntropy must be from 0 up to, not including, 1, not {smoothing!r}")
        self.smoothing = smoothing

    def value(self, p: np.ndarray, t: np.ndarray) -> float:
        return float(-(self._smoothed(t) * np.log(_above_0(p))).sum()) / len(p)

    def gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return -self._smoothed(t) / _above_0(p) / len(p)

    def logit_gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (p - self._smoothed(t)) / len(p)

    def _smoothed(self, t: np.ndarray) -> np.ndarray:
        """t′"""
        return (1 - self.smoothing) * t + self.smoothing / t.shape[1] if self.smoothing else t


def _above_0(p: np.ndarray) -> np.ndarray:
    """A probability too small for the dtype is rounded to 0, whose logarithm is −∞: take the smallest number instead.

    A NaN stays a NaN, so that a diverged training is noticed.
    """
    return np.maximum(p, np.finfo(p.dtype).tiny)


def _away_from_0_and_1(p: np.ndarray) -> np.ndarray:
    return np.clip(p, np.finfo(p.dtype).tiny, 1 - np.finfo(p.dtype).epsneg)


# The losses a recipe can name. A new loss is a class and its name here.
LOSSES: Table[Loss] = Table("loss", MeanSquaredError, BinaryCrossEntropy, CrossEntropy)


def matching_loss(activation: Layer) -> str | None:
    """The name of the loss whose matching activation this is, or None."""
    return next((name for name, loss in LOSSES.items() if loss.matching_activation is type(activation)), None)

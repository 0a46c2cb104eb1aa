"""Batch normalization gives each unit's output, over a batch, a learnt mean and a learnt spread.

The next layers then get numbers of the same size, whatever the earlier layers do, and large learning rates work.
"""

import numpy as np

from nn_from_scratch.layers.images import as_images, as_stored, for_each_sample, stored_shape
from nn_from_scratch.layers.layer import Layer, Shape


class BatchNorm(Layer):
    """y = γ · (x − μ) / √(σ² + ε) + β, for each feature, or for each channel of images. (Ioffe and Szegedy, 2015)

    In training, μ and σ² are the mean and the variance over the batch, and for images over all pixels, too. Otherwise
    they are running statistics: each step keeps the share `momentum` of these, and takes the rest from its batch.

    Shapes: x, y (N, features) or (N, channels, rows, columns); γ, β, μ, σ² (features,) or (channels,). M is the number
    of values in a mean, and x̂ = (x − μ) / √(σ² + ε).

    Gradients: dγ = Σ dy · x̂        dβ = Σ dy        dx = γ / √(σ² + ε) · (dy − dβ / M − x̂ · dγ / M)

    momentum: the share of the running statistics that a step keeps, from 0 to below 1
    epsilon: ε, above 0, prevents a division by 0

    Maths: docs/mathematics.md, "Batch normalization".
    """

    gamma: np.ndarray
    beta: np.ndarray
    dgamma: np.ndarray
    dbeta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5):
        if not 0 <= momentum < 1:
            raise ValueError(f"the momentum of BatchNorm must be from 0 up to, not including, 1, not {momentum!r}")
        if not 0 < epsilon < float("inf"):
            raise ValueError(f"the epsilon of BatchNorm must be a finite number above 0, not {epsilon!r}")
        self.momentum = momentum
        self.epsilon = epsilon

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) not in (1, 3):
            raise ValueError(f"BatchNorm takes (features,) or (channels, rows, columns), not {input_shape}")
        return input_shape

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"gamma": input_shape[:1], "beta": input_shape[:1]}

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"mean": input_shape[:1], "variance": input_shape[:1]}

    def initialize(self, rng: np.random.Generator) -> None:
        self.gamma[...], self.beta[...], self.mean[...], self.variance[...] = 1, 0, 0, 1

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        values = by_feature(x)
        n = values.shape[-1]  # the samples of images; 1 of rows
        if not training:
            scale = self.gamma / np.sqrt(self.variance + self.epsilon)
            return in_shape_of(
                x, values * for_each_sample(scale, n) + for_each_sample(self.beta - self.mean * scale, n)
            )
        self.M = x.size // len(self.gamma)
        self.batch_mean = total(values) / self.M
        self.centred = values - for_each_sample(self.batch_mean, n)
        self.batch_variance = total(self.centred, self.centred) / self.M
        self.deviation = np.sqrt(self.batch_variance + self.epsilon)
        y = self.centred * for_each_sample(self.gamma / self.deviation, n)
        y += for_each_sample(self.beta, n)
        return in_shape_of(x, y)

    def backward_parameters(self, dy: np.ndarray) -> None:
        self.dgamma[...], self.dbeta[...] = self._gradients(by_feature(dy))

    def _gradients(self, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """dγ and dβ."""
        return total(dy, self.centred) / self.deviation, total(dy)

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        d = by_feature(dy)
        dgamma, dbeta = self._gradients(d)
        n = d.shape[-1]
        dx = self.centred * for_each_sample(-dgamma / self.deviation / self.M, n)  # − x̂ · dγ / M
        dx += d
        dx -= for_each_sample(dbeta / self.M, n)
        dx *= for_each_sample(self.gamma / self.deviation, n)
        return in_shape_of(dy, dx)

    def settle(self) -> None:
        unbiased = self.batch_variance * (self.M / max(self.M - 1, 1))  # an estimate for all samples
        for running, of_batch in ((self.mean, self.batch_mean), (self.variance, unbiased)):
            running *= self.momentum
            running += (1 - self.momentum) * of_batch

    def check_state(self) -> None:
        if (negative := np.flatnonzero(self.variance < 0)).size:
            first = negative[0]
            raise ValueError(f"variance[{first}] is {self.variance[first]:g}: a variance is never below 0")


def by_feature(x: np.ndarray) -> np.ndarray:
    """(N, features) → (N, features, 1), and (N, channels, rows, columns) → (pixels, channels, N): views if possible."""
    return x[:, :, None] if x.ndim == 2 else as_stored(x).reshape(-1, x.shape[1], len(x))


def in_shape_of(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The inverse of `by_feature`."""
    return values[:, :, 0] if x.ndim == 2 else as_images(values.reshape(stored_shape(x.shape)))


def total(*values: np.ndarray) -> np.ndarray:
    """The sum of the values, or of the products of two arrays, for each feature."""
    if len(values) == 1:
        return values[0].sum(axis=0).sum(axis=1)
    return np.einsum("pfn,pfn->f", *values)  # without an array of the products

"""Batch normalization: each unit's output, over a batch, is brought to the mean and the spread that it learns.

The layers after it then get numbers of the same size whatever the layers before it do, and large learning rates work.
"""

import numpy as np

from nn_from_scratch.layers.layer import Layer, Shape


class BatchNorm(Layer):
    """y = γ · (x − μ) / √(σ² + ε) + β, for each feature, or for each channel of images. (Ioffe and Szegedy, 2015)

    In training μ and σ² are the mean and the variance over the batch, and for images over all pixels; otherwise the
    running ones, of which each step that is taken keeps the share `momentum` and takes over the rest from its batch.

    Shapes: x, y (N, features) or (N, channels, rows, columns); γ, β, μ, σ² (features,) or (channels,). Let M be the
    number of values that a mean is taken of, x̂ = (x − μ) / √(σ² + ε).

    Gradients: dγ = Σ dy · x̂        dβ = Σ dy        dx = γ / √(σ² + ε) · (dy − dβ / M − x̂ · dγ / M)

    momentum: the share of the running statistics that a step keeps, from 0 to below 1
    epsilon: ε, above 0, against a division by 0

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
        if not epsilon > 0:
            raise ValueError(f"the epsilon of BatchNorm must be above 0, not {epsilon!r}")
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
        if not training:
            scale = self.gamma / np.sqrt(self.variance + self.epsilon)
            return x * along(scale, x) + along(self.beta - self.mean * scale, x)
        self.batch_mean = x.mean(axis=axes(x))
        centred = x - along(self.batch_mean, x)
        self.batch_variance = np.square(centred).mean(axis=axes(x))
        self.deviation = np.sqrt(self.batch_variance + self.epsilon)
        centred /= along(self.deviation, x)
        self.normalized = centred
        y = centred * along(self.gamma, x)
        y += along(self.beta, x)
        return y

    def backward_parameters(self, dy: np.ndarray) -> None:
        self.dgamma[...] = (dy * self.normalized).sum(axis=axes(dy))
        self.dbeta[...] = dy.sum(axis=axes(dy))

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        dgamma, dbeta = (dy * self.normalized).mean(axis=axes(dy)), dy.mean(axis=axes(dy))
        dx = self.normalized * along(-dgamma, dy)
        dx += dy
        dx -= along(dbeta, dy)
        dx *= along(self.gamma / self.deviation, dy)
        return dx

    def settle(self) -> None:
        M = self.normalized.size // self.mean.size
        unbiased = self.batch_variance * (M / max(M - 1, 1))  # of a population of which the batch is a sample
        for running, of_batch in ((self.mean, self.batch_mean), (self.variance, unbiased)):
            running *= self.momentum
            running += (1 - self.momentum) * of_batch

    def check_state(self) -> None:
        if (negative := np.flatnonzero(self.variance < 0)).size:
            first = negative[0]
            raise ValueError(f"variance[{first}] is {self.variance[first]:g}: a variance is never below 0")


def axes(x: np.ndarray) -> tuple[int, ...]:
    """All axes but that of the features or channels."""
    return (0, *range(2, x.ndim))


def along(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One value a feature or channel, in a shape that fits x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))

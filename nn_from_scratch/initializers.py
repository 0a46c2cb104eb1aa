"""First values for the weights, from a shape and a random generator.

Weights must start unequal, or all units of a layer would learn the same. They also need the right scale, or the signal
vanishes or explodes on its way through the layers. In order of difficulty: Zeros, Normal, Uniform, ScaledNormal, He,
Glorot. Maths: docs/mathematics.md, "Initialization".
"""

from math import prod, sqrt
from typing import Literal

import numpy as np

from nn_from_scratch.words import Table

Shape = tuple[int, ...]


def fan_in(shape: Shape) -> int:
    """The number of inputs that a unit adds up. W is (units, inputs), a kernel (filters, channels, rows, columns)."""
    return prod(shape[1:])


def fan_out(shape: Shape) -> int:
    """The number of sums that an input takes part in: one for each unit, or for each filter and place in its kernel."""
    return shape[0] * prod(shape[2:])


class Initializer:
    """Draws an array of a given shape."""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError


class Zeros(Initializer):
    """All zero: right for biases, but useless for weights."""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Normal(Initializer):
    """Normally distributed around 0 with the same standard deviation for every shape.

    deviation: the standard deviation, above 0
    """

    def __init__(self, deviation: float):
        self.deviation = _positive(deviation, "the deviation")

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(0, self.deviation, shape)


class Uniform(Initializer):
    """Uniform in [−limit, limit), the same for every shape.

    limit: the largest value, above 0
    """

    def __init__(self, limit: float):
        self.limit = _positive(limit, "the limit")

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-self.limit, self.limit, shape)


class ScaledNormal(Initializer):
    """Normal with the variance 1/fan_in: z = Wx then has the mean square of x. (LeCun et al., 1998)

    It suits an activation with a slope of 1 around 0, such as tanh; for the sigmoid's slope of ¼ it is too small.
    Some courses divide by the number of units instead, 1/fan_out, which keeps the size of the gradients.

    fan: which of the two numbers it divides by, in or out
    """

    def __init__(self, fan: Literal["in", "out"] = "in"):
        if fan not in ("in", "out"):
            raise ValueError(f"the fan must be in or out, not {fan!r}")
        self.fan = fan

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        terms = fan_in(shape) if self.fan == "in" else fan_out(shape)
        return rng.normal(0, 1 / sqrt(terms), shape)


class He(Initializer):
    """Normal with the variance 2/fan_in: the 2 makes up for ReLU, which sets half of z to 0. (He et al., 2015)"""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(0, sqrt(2 / fan_in(shape)), shape)


class Glorot(Initializer):
    """Uniform in ±√(6 / (fan_in + fan_out)): a compromise between both directions. (Glorot and Bengio, 2010)"""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        limit = sqrt(6 / (fan_in(shape) + fan_out(shape)))
        return rng.uniform(-limit, limit, shape)


# The initializers that a recipe and a file can name. A new one is a class and its name here.
INITIALIZERS = Table("initializer", Zeros, Normal, Uniform, ScaledNormal, He, Glorot)


def as_initializer(initializer: Initializer | str) -> Initializer:
    """The initializer itself, or the one that a word names. Raises ValueError for anything else."""
    if isinstance(initializer, str):
        return INITIALIZERS.make(initializer)
    if not isinstance(initializer, Initializer):
        raise ValueError(f"an initializer must be a word such as 'he', or an Initializer, not {initializer!r}")
    return initializer


def _positive(value: float, name: str) -> float:
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a finite number above 0, not {value}")
    return value

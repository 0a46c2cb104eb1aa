"""First values for the weights: functions of a shape and a random generator.

Weights must start unequal, or all units of a layer would learn the same thing; and at the right scale, or the signal
fades or explodes on its way through the layers. fan_in counts the inputs of one unit, fan_out the units.
Maths: docs/mathematics.md, "Initialization".
"""

from collections.abc import Callable
from math import prod, sqrt

import numpy as np

from nn_from_scratch.errors import BadInput

Shape = tuple[int, ...]
Initializer = Callable[[Shape, np.random.Generator], np.ndarray]


def zeros(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """All zero: right for biases, useless for weights."""
    return np.zeros(shape)


def he(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """N(0, 2/fan_in): keeps the variance through ReLU, which silences half of it. (He et al., 2015)"""
    return rng.normal(0, sqrt(2 / fan_in(shape)), shape)


def glorot(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Uniform in ±√(6 / (fan_in + fan_out)): a compromise between both directions. (Glorot and Bengio, 2010)"""
    limit = sqrt(6 / (fan_in(shape) + shape[0]))
    return rng.uniform(-limit, limit, shape)


def scaled_normal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """N(0, 1/fan_in): keeps the variance through a layer without activation. (LeCun et al., 1998)"""
    return rng.normal(0, 1 / sqrt(fan_in(shape)), shape)


def normal(deviation: float) -> Initializer:
    """N(0, σ²), the same for every shape."""
    return lambda shape, rng: rng.normal(0, deviation, shape)


def uniform(limit: float) -> Initializer:
    """Uniform in [−limit, limit), the same for every shape."""
    return lambda shape, rng: rng.uniform(-limit, limit, shape)


def fan_in(shape: Shape) -> int:
    """The number of inputs of one unit; shape is (units, inputs)."""
    return prod(shape[1:])


FIXED_SCALE: dict[str, Initializer] = {"zeros": zeros, "he": he, "glorot": glorot, "scaled-normal": scaled_normal}
GIVEN_SCALE: dict[str, Callable[[float], Initializer]] = {"normal": normal, "uniform": uniform}


def parse_initializer(text: str) -> Initializer:
    """The initializer that a recipe names: "he", "glorot", "scaled-normal", "zeros", "normal:0.01" or "uniform:1".

    Raises BadInput for any other text.
    """
    if text in FIXED_SCALE:
        return FIXED_SCALE[text]
    name, _, scale = text.partition(":")
    try:
        value = float(scale)
        if not 0 < value < float("inf"):
            raise ValueError
        return GIVEN_SCALE[name](value)
    except (ValueError, KeyError):
        known = ", ".join([*FIXED_SCALE, *(f"{name}:SCALE" for name in GIVEN_SCALE)])
        raise BadInput(f"unknown initializer {text!r}: expected one of {known}, with SCALE a number above 0") from None

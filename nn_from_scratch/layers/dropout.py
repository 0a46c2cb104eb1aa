"""Dropout: in training, numbers are left out at random, so that no unit can rely on any single other unit."""

import numpy as np

from nn_from_scratch.layers.images import as_images, stored_shape
from nn_from_scratch.layers.layer import Layer


class Dropout(Layer):
    """y = x · m / (1 − rate) in training, where each m is 0 with the probability rate, else 1; otherwise y = x.

    In a step, each sample trains a different network, one of 2ⁿ that share their weights. Without training, the answer
    is close to the mean of their answers. Because of the division, the mean of y is x. (Srivastava et al., 2014)

    Gradient: dx = dy · m / (1 − rate).

    rate: the share of the numbers that are left out, from 0 to below 1

    Maths: docs/mathematics.md, "Dropout".
    """

    def __init__(self, rate: float = 0.5):
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of Dropout must be from 0 up to, not including, 1, not {rate!r}")
        self.rate = rate
        self.key = 0

    def draw(self, rng: np.random.Generator) -> None:
        self.key = int(rng.integers(2**63))  # it determines the noise; the number of samples is not known yet

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if not training:
            return x.copy(order="K")
        rng = np.random.default_rng(self.key)
        shape = x.shape if x.ndim < 4 else stored_shape(x.shape)
        kept = rng.random(shape, dtype=x.dtype) >= self.rate
        m = kept * x.dtype.type(1 / (1 - self.rate))
        self.m = m if x.ndim < 4 else as_images(m)
        return x * self.m

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return dy * self.m

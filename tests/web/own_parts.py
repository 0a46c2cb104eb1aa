"""Parts that somebody might add: activations and an optimizer of their own, with settings."""

import numpy as np

from nn_from_scratch.layers import Activation
from nn_from_scratch.optimizers import Optimizer


class LeakyReLU(Activation):
    """y = x where x > 0, else slope · x. Its values have no largest one, and both signs."""

    def __init__(self, slope: float = 0.1):
        self.slope = slope

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        y = np.where(x > 0, x, self.slope * x)
        if training:
            self.y = y
        return y

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return np.where(self.y > 0, dy, self.slope * dy)


class SignDescent(Optimizer):
    """θ ← θ − η · strength · sign(g)"""

    def __init__(self, strength: float = 0.5, weight_decay: float = 0.0):
        super().__init__(weight_decay)
        self.strength = strength

    def find_step(self, gradients: np.ndarray, learning_rate: float) -> None:
        np.sign(gradients, out=self.scratch)
        self.scratch *= learning_rate * self.strength


class Threshold(Activation):
    """y = x − height: its setting has no default, so its name alone is no word."""

    def __init__(self, height: float):
        self.height = height

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return x - self.height

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return dy

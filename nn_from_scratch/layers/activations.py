"""Activations: layers without parameters that apply a nonlinear function.

Without an activation between them, two Dense layers can do no more than one. Each derivative is written in terms of the
output y, so forward keeps only y. In order of difficulty: ReLU, Sigmoid, Softmax.
"""

import numpy as np

from nn_from_scratch.layers.layer import Layer, Shape


class Activation(Layer):
    """A layer that changes values but not shapes, and keeps its output y for the way back."""

    y: np.ndarray


class ReLU(Activation):
    """y = max(0, x): negative sums become 0.

    Gradient: dx = dy where y > 0, else 0. At x = 0 there is no derivative, and 0 is used.

    Maths: docs/mathematics.md, "ReLU".
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        y = np.maximum(x, 0)
        if training:
            self.y = y
        return y

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return dy * (self.y > 0)


class Sigmoid(Activation):
    """y = 1 / (1 + e⁻ˣ): squeezes any sum into (0, 1).

    Gradient: dx = dy · y (1 − y), at most a quarter of dy, and nearly 0 where y is close to 0 or 1.

    Maths: docs/mathematics.md, "Sigmoid".
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        with np.errstate(over="ignore"):  # far below 0, e⁻ˣ becomes ∞, and 1 / (1 + ∞) = 0 is the right y
            y = np.exp(-x)
        y += 1
        np.reciprocal(y, out=y)
        if training:
            self.y = y
        return y

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return dy * self.y * (1 - self.y)


class Softmax(Activation):
    """yₖ = e^xₖ / Σⱼ e^xⱼ: turns a row of numbers into probabilities that sum to 1.

    Shapes: x, y (N, classes).

    Gradient: the Jacobian of a row is ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ), hence dx = y · (dy − Σₖ dyₖ yₖ).

    Maths: docs/mathematics.md, "Softmax".
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(f"Softmax takes one row of numbers per sample, not samples of shape {input_shape}")
        if input_shape == (1,):
            raise ValueError("Softmax of a single number is always 1: for a single output take Sigmoid")
        return input_shape

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        # e^x of a large x overflows. Subtracting the row maximum avoids this, and leaves the quotient the same.
        y = np.exp(x - x.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
        if training:
            self.y = y
        return y

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))

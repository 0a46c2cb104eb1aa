"""The layer that learns: every unit is connected to every input.

It holds nearly all parameters, and does nearly all of the arithmetic. Each of its two derivatives is a matrix product,
so a network in plain NumPy can be fast.
"""

import numpy as np

from nn_from_scratch.initializers import Initializer, as_initializer
from nn_from_scratch.layers.layer import Layer, Shape, whole_number


class Dense(Layer):
    """y = x Wᵀ + b: each unit takes a weighted sum of all inputs, plus its bias if it has one.

    Shapes: x (N, inputs), W (units, inputs), b (units,), y (N, units).

    Gradients: dW = dyᵀ x        db = Σₙ dy        dx = dy W

    units: the number of sums that the layer computes
    initializer: the first weights
    bias_initializer: the first biases
    bias: whether the units have biases

    Maths: docs/mathematics.md, "Dense".
    """

    W: np.ndarray
    b: np.ndarray
    dW: np.ndarray
    db: np.ndarray

    def __init__(
        self,
        units: int,
        initializer: Initializer | str = "he",
        bias_initializer: Initializer | str = "zeros",
        bias: bool = True,
    ):
        self.units = whole_number(units, "Dense needs a whole number of units from 1 up")
        self.initializer = as_initializer(initializer)
        self.bias_initializer = as_initializer(bias_initializer)
        self.bias = bool(bias)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(f"Dense takes flat samples (inputs,), not samples of shape {input_shape}")
        return (self.units,)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"W": (self.units, *input_shape)} | ({"b": (self.units,)} if self.bias else {})

    def initialize(self, rng: np.random.Generator) -> None:
        self.W[...] = self.initializer(self.W.shape, rng)
        if self.bias:
            self.b[...] = self.bias_initializer(self.b.shape, rng)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if training:
            self.x = x
        y = x @ self.W.T
        if self.bias:
            y += self.b
        return y

    def backward_parameters(self, dy: np.ndarray) -> None:
        # np.dot, not matmul: the same product, but five times as fast where the batch is a single sample.
        np.dot(dy.T, self.x, out=self.dW)
        if self.bias:
            dy.sum(axis=0, out=self.db)

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return dy @ self.W

"""Flatten: images as rows of numbers, so that Dense layers can take them."""

from math import prod

import numpy as np

from nn_from_scratch.layers.images import as_images, as_stored
from nn_from_scratch.layers.layer import Layer, Shape


class Flatten(Layer):
    """y = x with all numbers of a sample in one row: channel after channel, each row by row.

    Shapes: x (N, channels, rows, columns) or any other, y (N, channels · rows · columns).

    Gradient: dx = dy in the shape of x.
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return (prod(input_shape),)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if training:
            self.shape = x.shape
        return np.array(x, order="C").reshape(len(x), -1)

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        dx = dy.reshape(self.shape)
        return as_images(as_stored(dx)) if dx.ndim == 4 else dx.copy()

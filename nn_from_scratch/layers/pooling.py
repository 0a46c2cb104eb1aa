"""Pooling: each pixel of the output stands for a small square of the input.

Whether a pattern was found in an area matters more than its exact place. A 2 × 2 pooling leaves a quarter of the
pixels, so the next layers have a quarter of the work. In order of difficulty: AveragePool2D, GlobalAveragePool2D,
MaxPool2D.
"""

from itertools import product

import numpy as np

from nn_from_scratch.layers.images import as_images, as_stored, check_images, stored_shape
from nn_from_scratch.layers.layer import Layer, Shape, whole_number


class Pool2D(Layer):
    """One number for each square of size × size pixels. The squares don't overlap.

    Shapes: x (N, channels, rows, columns), y (N, channels, rows // size, columns // size). Rows and columns left over
    at the lower and right edges are ignored.
    """

    def __init__(self, size: int = 2):
        self.size = whole_number(size, "pooling needs a whole number from 1 up as size")

    def output_shape(self, input_shape: Shape) -> Shape:
        check_images(type(self).__name__, input_shape)
        channels, rows, columns = input_shape
        if min(rows, columns) < self.size:
            raise ValueError(f"squares of {self.size} × {self.size} do not fit into images of shape {input_shape}")
        return (channels, rows // self.size, columns // self.size)

    def squares(self, stored: np.ndarray) -> np.ndarray:
        """Stored images (rows, columns, channels, N) as a view (rows′, size, columns′, size, channels, N)."""
        rows, columns, *rest = stored.shape
        size = self.size
        whole = stored[: rows // size * size, : columns // size * size]
        return whole.reshape(rows // size, size, columns // size, size, *rest)


class AveragePool2D(Pool2D):
    """y = the mean of each square.

    Gradient: dx = dy / size² for each pixel of the square.

    size: the rows and the columns of a square

    Maths: docs/mathematics.md, "Pooling".
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if training:
            self.shape = x.shape
        return as_images(self.squares(as_stored(x)).mean(axis=(1, 3)))

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        dx = np.zeros(stored_shape(self.shape), dy.dtype)
        self.squares(dx)[...] = (as_stored(dy) / self.size**2)[:, None, :, None]
        return as_images(dx)


class GlobalAveragePool2D(Layer):
    """y = the mean of each channel over the whole image: how much of its pattern there is, wherever it is.

    Shapes: x (N, channels, rows, columns), y (N, channels).

    Gradient: dx = dy / (rows · columns) for each pixel.

    Maths: docs/mathematics.md, "Pooling".
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        check_images("GlobalAveragePool2D", input_shape)
        return input_shape[:1]

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if training:
            self.shape = x.shape
        return np.ascontiguousarray(x.mean(axis=(2, 3)))

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        rows, columns = self.shape[2:]
        dx = np.empty(stored_shape(self.shape), dy.dtype)
        dx[...] = dy.T / (rows * columns)
        return as_images(dx)


class MaxPool2D(Pool2D):
    """y = the largest number of each square: whether the pattern was found anywhere in it.

    Gradient: dx = dy at the largest pixel, else 0. If several are equal, the first, counted row by row, gets dy.

    size: the rows and the columns of a square

    Maths: docs/mathematics.md, "Pooling".
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = as_stored(x)
        y = self.squares(x).max(axis=(1, 3))
        if training:
            self.x, self.y = x, y
        return as_images(y)

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        left_over = any(pixels % self.size for pixels in self.x.shape[:2])
        dx = (np.zeros_like if left_over else np.empty_like)(self.x)
        x_squares, dx_squares = self.squares(self.x), self.squares(dx)
        *pixels, last = product(range(self.size), repeat=2)
        for h, left in enumerate(as_stored(dy)):  # row by row, so that the numbers stay in the cache
            for i, j in pixels:
                taken = dx_squares[h, i, :, j]
                np.multiply(left, x_squares[h, i, :, j] == self.y[h], out=taken)
                left = left - taken  # for the pixels that come later
            dx_squares[h, last[0], :, last[1]] = left
        return as_images(dx)

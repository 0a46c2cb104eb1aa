"""Convolution: a small kernel that looks for the same pattern everywhere in an image.

A Dense layer learns each stroke again for each place. A kernel learns it once: the kernel has far fewer weights, and
uses each of them at every place of every image. All the arithmetic is in matrix products over whole rows of pixels,
and the memory order of images (images.py) avoids nearly all copying.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from nn_from_scratch.initializers import Initializer, as_initializer
from nn_from_scratch.layers.images import as_images, as_stored, check_images, for_each_sample, side_by_side
from nn_from_scratch.layers.layer import Layer, Shape, whole_number
from nn_from_scratch.layers.parallel import share_out


class Conv2D(Layer):
    """y[n,f,h,w] = b[f] + Σ c,i,j  W[f,c,i,j] · x[n, c, s·h + i − p, s·w + j − p], where x is 0 outside the image.

    Shapes: x (N, channels, rows, columns), W (filters, channels, k, k), b (filters,), y (N, filters, rows′, columns′).
    With the padding "valid", p = 0 and rows′ = (rows − k) // s + 1; with "same", k − 1 zeros are added in
    each direction, p = (k − 1) // 2 of them before the image, and rows′ = (rows − 1) // s + 1.

    Gradients: dW[f,c,i,j] = Σ n,h,w  dy[n,f,h,w] · x[n, c, s·h + i − p, s·w + j − p]        db = Σ n,h,w  dy
    dx: each dy[n,f,h,w] goes back along the weights to the pixels of its window: a convolution with the flipped W.

    filters: how many patterns the layer looks for
    size: k, the rows and the columns of the kernel
    stride: s, how many pixels the kernel moves from one output to the next
    padding: valid, where the kernel stays within the image, or same, where it also covers the edges
    initializer: the first weights
    bias_initializer: the first biases
    bias: whether the filters have biases

    Maths: docs/mathematics.md, "Convolution".
    """

    W: np.ndarray
    b: np.ndarray
    dW: np.ndarray
    db: np.ndarray
    shares_out = True

    def __init__(
        self,
        filters: int,
        size: int,
        stride: int = 1,
        padding: Literal["valid", "same"] = "valid",
        initializer: Initializer | str = "he",
        bias_initializer: Initializer | str = "zeros",
        bias: bool = True,
    ):
        self.filters, self.size, self.stride = (
            whole_number(value, f"Conv2D needs a whole number from 1 up as {name}")
            for name, value in (("filters", filters), ("size", size), ("stride", stride))
        )
        if padding not in ("valid", "same"):
            raise ValueError(f"the padding of Conv2D is valid or same, not {padding!r}")
        self.padding = padding
        self.initializer = as_initializer(initializer)
        self.bias_initializer = as_initializer(bias_initializer)
        self.bias = bool(bias)
        self.before = (self.size - 1) // 2 if padding == "same" else 0  # p, the zeros above and to the left

    def output_shape(self, input_shape: Shape) -> Shape:
        check_images("Conv2D", input_shape)
        zeros = self.size - 1 if self.padding == "same" else 0
        rows, columns = ((pixels + zeros - self.size) // self.stride + 1 for pixels in input_shape[1:])
        if min(rows, columns) < 1:
            raise ValueError(f"a kernel of {self.size} × {self.size} does not fit into images of shape {input_shape}")
        return (self.filters, rows, columns)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        W = (self.filters, input_shape[0], self.size, self.size)
        return {"W": W} | ({"b": (self.filters,)} if self.bias else {})

    def initialize(self, rng: np.random.Generator) -> None:
        self.W[...] = self.initializer(self.W.shape, rng)
        if self.bias:
            self.b[...] = self.bias_initializer(self.b.shape, rng)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        _, rows, columns = self.output_shape(x.shape[1:])
        x = as_stored(x)
        if training:
            self.x = x
        W = self.W.transpose(0, 3, 2, 1).reshape(self.filters, -1)  # (filters, k·k·channels), in the order of `seen`
        y = np.empty((rows, columns, self.filters, x.shape[-1]), x.dtype)
        b = for_each_sample(self.b, x.shape[-1]) if self.bias else None

        def stretch(first: int, last: int) -> None:
            for h, seen in self._windows(x, first, last, columns):
                np.matmul(W, seen, out=y[h])
                if b is not None:
                    y[h] += b  # here, while the row is still in the processor's cache

        share_out(rows, self._threads_for(y.shape), stretch)
        return as_images(y)

    def _threads_for(self, shape: Shape) -> int:
        """One thread, unless a row of outputs is much work: sharing out less work costs more than it saves."""
        _, columns, filters, N = shape
        return self.threads if self.W[0].size * columns * filters * N > 4_000_000 else 1

    def _windows(self, x: np.ndarray, first: int, last: int, columns: int) -> Iterator[tuple[int, np.ndarray]]:
        """The rows of outputs h from `first` to before `last`, each with the numbers that the kernel sees there.

        Their shape is (columns, k·k·channels, N). Only the k rows of x below the kernel are copied, side by side and
        pixel by pixel. Then the k · k pixels at one place are one block in memory, and the block of the next place
        begins s pixels later.
        """
        k, s, p = self.size, self.stride, self.before
        height, width, channels, N = x.shape
        below = np.zeros(((columns - 1) * s + k, k, channels, N), x.dtype)
        inside = below[p : p + width]
        seen = side_by_side(below.reshape(len(below), -1, N), k, s)
        for h in range(first, last):
            for i in range(k):
                row = h * s + i - p
                inside[:, i] = x[row, : len(inside)] if 0 <= row < height else 0
            yield h, seen

    def backward_parameters(self, dy: np.ndarray) -> None:
        dy = as_stored(dy)
        rows, columns, filters, _ = dy.shape
        k, channels = self.size, self.x.shape[2]
        of_row = np.empty((rows, k * k * channels, filters), dy.dtype)

        def stretch(first: int, last: int) -> None:
            places = np.empty((columns, *of_row.shape[1:]), dy.dtype)
            for h, seen in self._windows(self.x, first, last, columns):
                dy_row = dy[h].transpose(0, 2, 1)  # (columns, N, filters)
                if channels > 1:  # with much to multiply, a contiguous copy is worth its time
                    dy_row = np.ascontiguousarray(dy_row)
                np.matmul(seen, dy_row, out=places)
                places.sum(axis=0, out=of_row[h])

        share_out(rows, self._threads_for(dy.shape), stretch)
        self.dW[...] = of_row.sum(axis=0).reshape(k, k, channels, filters).transpose(3, 2, 1, 0)
        if self.bias:
            self.db[...] = dy.sum(axis=(0, 1)).sum(axis=1)

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        dy = as_stored(dy)
        rows, columns, filters, N = dy.shape
        height, width, channels, _ = self.x.shape
        k, s, p = self.size, self.stride, self.before
        # With zeros between and around the outputs, those that a pixel took part in are neighbours.
        spread = np.zeros((rows, width + k - 1, filters, N), dy.dtype)
        spread[:, k - 1 - p :: s][:, :columns] = dy
        reached = side_by_side(spread, k)  # (rows, width, k·filters, N)
        flipped = self.W[:, :, :, ::-1].transpose(2, 1, 3, 0).reshape(k, channels, -1)  # (k rows, channels, k·filters)
        dx = np.zeros(self.x.shape, dy.dtype)

        def stretch(first: int, last: int) -> None:
            for row in range(first, last):
                for i in range(k):
                    h, between = divmod(row + p - i, s)
                    if not between and 0 <= h < rows:
                        dx[row] += np.matmul(flipped[i], reached[h])

        share_out(height, self._threads_for(dy.shape), stretch)
        return as_images(dx)

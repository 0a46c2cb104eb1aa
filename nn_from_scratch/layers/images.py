"""The memory order of images, which decides how fast a convolution can be.

Images are logically (N, channels, rows, columns). The layers that output images store them as (rows, columns, channels,
N): the samples of a batch are neighbours, then the channels of a pixel, then the pixels of a row. So the pixels that a
kernel sees in a row are one block, and all other work runs over long stretches of memory. NumPy's elementwise functions
keep the memory order of their inputs, so other layers need not know about it.
Maths: docs/mathematics.md, "Convolution in memory".
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nn_from_scratch.layers.layer import Shape


def as_stored(x: np.ndarray) -> np.ndarray:
    """Images (N, channels, rows, columns) as an array (rows, columns, channels, N); a copy if their order differs."""
    return np.ascontiguousarray(x.transpose(2, 3, 1, 0))


def as_images(stored: np.ndarray) -> np.ndarray:
    """The view (N, channels, rows, columns) of an array (rows, columns, channels, N)."""
    return stored.transpose(3, 2, 0, 1)


def stored_shape(shape: Shape) -> Shape:
    """(N, channels, rows, columns) → (rows, columns, channels, N)"""
    N, channels, rows, columns = shape
    return rows, columns, channels, N


def for_each_sample(v: np.ndarray, N: int) -> np.ndarray:
    """(numbers,) → (numbers, N): adding this to a pixel is one long addition; v[:, None] would be many short ones."""
    return np.repeat(v, N).reshape(-1, N)


def side_by_side(pixels: np.ndarray, k: int, stride: int = 1) -> np.ndarray:
    """For each place of a kernel along rows of pixels, the k pixels there as one block.

    (…, columns, numbers, N) → (…, places, k · numbers, N), a view: the blocks of neighbouring places overlap.
    """
    seen = sliding_window_view(pixels, k, axis=-3)[..., ::stride, :, :, :]  # (…, places, numbers, N, k)
    *others, numbers, N, _ = seen.shape
    return np.moveaxis(seen, -1, -3).reshape(*others, k * numbers, N)


def check_images(layer: str, input_shape: Shape) -> None:
    """Raise ValueError if samples are not images."""
    if len(input_shape) != 3:
        raise ValueError(f"{layer} takes images (channels, rows, columns), not samples of shape {input_shape}")

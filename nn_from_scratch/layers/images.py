"""Where the numbers of images lie in memory, which decides how fast a convolution can be.

Images are logically (N, channels, rows, columns). The layers that make images let them lie as (rows, columns, channels,
N): the samples of a batch are neighbours, then the channels of a pixel, then the pixels of a row. So the pixels that a
kernel sees in a row are one block, and everything else runs over long stretches. NumPy's elementwise functions keep the
order of what they are given, so other layers need not know.
Maths: docs/mathematics.md, "Convolution in memory".
"""

import numpy as np

from nn_from_scratch.layers.layer import Shape


def as_stored(x: np.ndarray) -> np.ndarray:
    """Images (N, channels, rows, columns) as an array (rows, columns, channels, N); a copy where they lie otherwise."""
    return np.ascontiguousarray(x.transpose(2, 3, 1, 0))


def as_images(stored: np.ndarray) -> np.ndarray:
    """The view (N, channels, rows, columns) of an array (rows, columns, channels, N)."""
    return stored.transpose(3, 2, 0, 1)


def check_images(layer: str, input_shape: Shape) -> None:
    """Raise ValueError where samples are not images."""
    if len(input_shape) != 3:
        raise ValueError(f"{layer} takes images (channels, rows, columns), not samples of shape {input_shape}")

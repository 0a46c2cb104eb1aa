"""Which pixels of the image a unit can see: its field of view, or receptive field."""

from collections.abc import Sequence
from typing import NamedTuple

from nn_from_scratch.layers import Conv2D, Layer
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.layers.pooling import Pool2D


class Field(NamedTuple):
    """A rectangle of pixels, in rows and columns of the image."""

    row: int
    column: int
    rows: int
    columns: int


def field_of_view(layers: Sequence[Layer], input_shape: Shape, row: int, column: int) -> Field:
    """The part of the image (channels, rows, columns) that the unit at (row, column) of the last layer's maps sees.

    Output h of a kernel of size k, stride s and p zeros before the image sees the rows s·h − p to s·h − p + k − 1 of
    its input. Going back layer by layer gives the pixels. A layer without maps, such as Dense, sees the whole image.
    Places outside the image don't count.
    """
    first, last = [row, column], [row, column]
    for layer in reversed(layers):
        k, s, p = _steps(layer)
        first = [s * place - p for place in first]
        last = [s * place - p + k - 1 for place in last]
    first = [max(0, place) for place in first]
    last = [min(pixels - 1, place) for place, pixels in zip(last, input_shape[1:], strict=True)]
    return Field(*first, *(end - begin + 1 for begin, end in zip(first, last, strict=True)))


def _steps(layer: Layer) -> tuple[int, int, int]:
    """k, s and p of a layer whose outputs are maps."""
    if isinstance(layer, Conv2D):
        return layer.size, layer.stride, layer.before
    if isinstance(layer, Pool2D):
        return layer.size, layer.size, 0
    return 1, 1, 0  # a layer that treats each number separately

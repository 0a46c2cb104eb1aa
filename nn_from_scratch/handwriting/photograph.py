"""A picture of anything but strokes, brought to the form that a network has learnt from.

It is prepared as the pictures of a folder are (data/folder.py): cut to the proportions of the network's images around
its middle, and scaled to their size. A network reads only what looks like its training data, so nothing else is done.
"""

from math import isqrt, prod
from pathlib import Path

import numpy as np
from PIL import Image

from nn_from_scratch.data.folder import LEAST_SIDE, picture_size
from nn_from_scratch.data.mnist import FASHION
from nn_from_scratch.errors import BadInput
from nn_from_scratch.handwriting.decoding import decode_colours, reading_picture
from nn_from_scratch.handwriting.picture import border
from nn_from_scratch.inspection.evaluation import recorded_test_set
from nn_from_scratch.storage import Saved

SHOWN = 200  # pixels on the shorter side of the picture that a reader sees


class Preparation:
    """How pictures become inputs of one network. Raises BadInput where it doesn't take pictures."""

    def __init__(self, saved: Saved):
        self.channels, self.rows, self.columns = _image_of(saved)
        if self.channels not in (1, 3):
            raise BadInput(f"the network takes {self.channels} channels, expected 1 (grey) or 3 (red, green and blue)")
        self.on_black = saved.noun == FASHION.noun  # all of Fashion-MNIST is

    def __call__(self, path: str | Path) -> tuple[np.ndarray, np.ndarray]:
        """The picture as it is shown, and as the network takes it: uint8 (3, H, W) and (rows, columns), or (3, …).

        Raises BadInput, naming the file, where it can't be read.
        """
        factor = max(1, SHOWN // min(self.rows, self.columns))
        with reading_picture(path) as file:
            large, small = decode_colours(file, *((self.rows * times, self.columns * times) for times in (factor, 1)))
        if self.channels == 1:
            small = np.asarray(Image.fromarray(np.ascontiguousarray(small.transpose(1, 2, 0))).convert("L"))
        if self.on_black and np.median(border(small)) > 127:
            small = 255 - small
        return large, small


def _image_of(saved: Saved) -> tuple[int, int, int]:
    """Channels, rows and columns of the images that a network takes, also if it takes their values in a row."""
    shape = saved.network.input_shape
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    values = prod(shape)
    size = recorded_test_set(saved).get("picture_size")
    for channels in (1, 3) if saved.noun not in ("point", "sample") else ():
        rows, columns = picture_size(size) if size else [isqrt(values // channels)] * 2
        if rows >= LEAST_SIDE and channels * rows * columns == values:
            return channels, rows, columns
    raise BadInput(f"the network takes {values} numbers that are not the pixels of a picture")

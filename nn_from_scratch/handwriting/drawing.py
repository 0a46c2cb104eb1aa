"""Preparing a drawn digit for a network trained on MNIST.

All of MNIST's digits were prepared in the same way: scaled to a box of 20 pixels and centred by mass in a field of 28.
A network that has only seen such pictures reads others badly, however clear they are to us. So a drawing on the live
page and the picture of a handwritten digit are both prepared here.
"""

import numpy as np

from nn_from_scratch.data.digits import BOX, SIDE
from nn_from_scratch.errors import BadInput

THRESHOLD = 64  # of 255: fainter pixels are the blurred edge of a stroke, or dirt
MIDDLE = SIDE // 2 + 0.5  # the middle of pixel 14: measured on MNIST, whose centres of mass are rounded to that pixel


class NothingDrawn(BadInput):
    """A picture without ink."""

    def __init__(self) -> None:
        super().__init__("there is no ink in the picture: expected a digit")


def prepare(ink: np.ndarray, centre: bool = True) -> np.ndarray:
    """A picture of one digit in the form of MNIST: image = R · ink · Cᵀ. uint8 (H, W) → uint8 (28, 28)

    `ink` is 255 on 0, of any size. The picture is cropped to the strokes, the longer side is scaled to 20 pixels, and
    the centre of mass is moved to the middle of pixel (14, 14), all in one pair of products: R and C hold the areas
    that new pixels share with old ones. Unlike in MNIST, the shift is not rounded to whole pixels, because all trained
    networks read a little better this way. If the box would leave the field, it is moved back into it. Grey strokes of
    a thin pen are brightened, because every image of MNIST has pixels of full ink.

    Without `centre`, the whole picture is only resized to 28×28, which shows why the preparation is needed.

    Raises NothingDrawn if no ink reaches THRESHOLD.
    """
    strokes = ink >= THRESHOLD
    if not strokes.any():
        raise NothingDrawn
    if centre:
        top, bottom = _extent(strokes, axis=0)
        left, right = _extent(strokes, axis=1)
        box = ink[top:bottom, left:right].astype(np.float64)
        scale = BOX / max(box.shape)
        R = _shared_areas(len(box), scale, _offset(box.sum(axis=1), scale))
        C = _shared_areas(box.shape[1], scale, _offset(box.sum(axis=0), scale))
    else:
        box = ink.astype(np.float64)
        R, C = (_shared_areas(length, SIDE / length, 0) for length in box.shape)
    image = R @ box @ C.T
    if centre:
        image *= 255 / image.max()
    return np.rint(image).astype(np.uint8)


def _extent(strokes: np.ndarray, axis: int) -> tuple[int, int]:
    """The first row (or column) with a stroke, and the one after the last."""
    places = np.unique(strokes.nonzero()[axis])
    return int(places[0]), int(places[-1]) + 1


def _offset(mass: np.ndarray, scale: float) -> float:
    """The position of the box in the field, so that its mass (n,) is centred, and no part of it is outside."""
    centre = mass @ (np.arange(len(mass)) + 0.5) / mass.sum()
    return float(np.clip(MIDDLE - centre * scale, 0, SIDE - len(mass) * scale))


def _shared_areas(length: int, scale: float, offset: float) -> np.ndarray:
    """The area of each new pixel that each old one covers, along one axis, at offset + scale · old. (28, length)

    So a new pixel is the mean of the old ones under it, weighted by area, and no ink is lost, even of thin strokes.
    """
    edges = offset + scale * np.arange(length + 1)
    pixels = np.arange(SIDE)[:, np.newaxis]
    return np.clip(np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels), 0, None)

"""Finding the ink in a picture of one handwritten digit, from a scanner, a phone or a drawing program.

decoding.py reads the file. This file interprets it: which pixels are ink and which are paper, where the light is
weaker, which spots are only dirt. A picture that can't be a digit is refused with a reason, because a network would
answer it anyway, and often with confidence.
"""

from math import ceil, sqrt
from pathlib import Path

import numpy as np
from PIL import Image

from nn_from_scratch.errors import BadInput
from nn_from_scratch.handwriting.decoding import decode, reading_picture
from nn_from_scratch.handwriting.drawing import THRESHOLD

LEAST_CONTRAST = 0.08  # of the range from black to white, between ink and paper
MOST_PIECES = 6  # of a digit's strokes


def read_image(path: str | Path) -> np.ndarray:
    """The ink of a digit in a picture file, 255 on 0, ready for `prepare`. (H, W) uint8

    The picture may be of any size, in colour or grey, of 8 or 16 bits, transparent, dark on light or light on dark.
    Raises BadInput, naming the file, if it is damaged or too large, or if it can't show a digit.
    """
    with reading_picture(path) as file:
        return find_ink(decode(file))


def find_ink(brightness: np.ndarray) -> np.ndarray:
    """The strokes of a digit on paper (or a board) in uneven light: 255 on 0. (H, W) of 0 to 1 → (H, W) uint8

    The border of the picture shows the paper, which may be lit unevenly. Ink is anything that differs from the paper in
    narrow strokes. It is scaled so that typical ink is 255. Specks are removed.

    Raises BadInput with a reason if the strokes can't be one digit.
    """
    if np.ptp(brightness) < LEAST_CONTRAST:
        raise BadInput("the picture has only one colour: expected a digit")
    contrast = brightness - _light_at_the_border(brightness)
    darkness = 1 - brightness if -contrast.min() > contrast.max() else brightness
    ink, noise = _above_paper(darkness)
    full = _typical(ink)
    if full < max(LEAST_CONTRAST, 4 * noise):
        raise BadInput("nothing stands out from the background: expected a digit in clear strokes")
    floor = min(3 * noise, full / 2)
    scaled = np.rint(255 * np.clip((ink - floor) / (full - floor), 0, 1)).astype(np.uint8)
    return _strokes(scaled)


def _light_at_the_border(brightness: np.ndarray) -> np.ndarray:
    """The plane a + bx + cy that fits the picture's border best. (H, W)"""
    y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in brightness.shape), indexing="ij")
    a, b, c = np.linalg.lstsq(np.stack([np.ones(border(x).shape), border(x), border(y)], axis=1), border(brightness))[0]
    return a + b * x + c * y


def border(image: np.ndarray) -> np.ndarray:
    """The values along the edge of an image (H, W)."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _above_paper(darkness: np.ndarray) -> tuple[np.ndarray, float]:
    """How much darker each pixel is than the paper, as a share of the possible maximum; and the noise of the paper.

    It is a share because in the shade ink differs less from the paper. The noise is a standard deviation.
    """
    paper = _paper(darkness)
    above = (darkness - paper) / np.maximum(1 - paper, 0.1)
    above -= np.median(above)  # most pixels are paper
    return above, 1.4826 * float(np.median(np.abs(above)))  # as for a normal distribution; ink hardly changes a median


def _paper(darkness: np.ndarray) -> np.ndarray:
    """The paper without the strokes, found with a window that is wider than they are.

    A morphological opening: the minimum over every window, then the maximum of these. It keeps shadows that are wider
    than the window, and removes anything narrower.
    """
    height, width = darkness.shape
    shrink = min(1, 96 / sqrt(height * width))  # less noise, and faster
    size = (ceil(width * shrink), ceil(height * shrink))
    opened = np.asarray(Image.fromarray(darkness.astype(np.float32)).resize(size, Image.Resampling.BOX))
    window = min(round(sqrt(opened.size)) // 3, min(opened.shape) - 1) | 1
    opened = np.pad(opened, window - 1, mode="reflect", reflect_type="odd")  # light that gets weaker goes on so outside
    for extreme in (np.min, np.max):
        for axis in (0, 1):
            opened = extreme(np.lib.stride_tricks.sliding_window_view(opened, window, axis), axis=-1)
    return np.asarray(Image.fromarray(opened).resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _typical(ink: np.ndarray) -> float:
    """The typical darkness of the ink, without blurred edges."""
    darkest = np.quantile(ink, 0.9995)  # not the maximum, because single pixels may be wrong
    return float(np.median(ink[ink >= darkest / 2])) if darkest > 0 else 0.0


def _strokes(ink: np.ndarray) -> np.ndarray:
    """The ink without specks. Raises BadInput if the rest can't be the strokes of one digit."""
    inked = ink >= THRESHOLD
    if np.mean(border(inked)) > 0.3:
        raise BadInput("the ink reaches along the picture's edges: expected a digit with paper around it")
    pieces = sorted(_pieces(inked), key=len, reverse=True)
    large = [piece for piece in pieces if len(piece) >= 0.05 * len(pieces[0])]
    if len(large) > MOST_PIECES or sum(map(len, large)) < 0.6 * inked.sum():
        raise BadInput(f"the strokes are in {len(pieces)} pieces: expected one digit, without noise and other writing")
    edge = np.array(ink.shape) - 1
    inside = [piece for piece in large if (piece > 0).all() and (piece < edge).all()]
    rows, columns = np.concatenate(inside or large).T  # pieces that touch the picture's edge are the edge of the paper
    box = (np.ptp(rows) + 1, np.ptp(columns) + 1)
    if len(rows) > 0.85 * box[0] * box[1] and max(box) < 1.5 * min(box):
        raise BadInput("the ink is a solid patch: expected a digit in strokes")
    near = np.zeros(ink.shape, bool)
    for down in (-1, 0, 1):  # including the soft edge around them
        for right in (-1, 0, 1):
            near[np.clip(rows + down, 0, len(ink) - 1), np.clip(columns + right, 0, ink.shape[1] - 1)] = True
    return np.where(near | ~inked, ink, 0).astype(np.uint8)


def _pieces(inked: np.ndarray) -> list[np.ndarray]:
    """Groups of pixels that touch each other, at a side or a corner, as places (n, 2)."""
    left = set(zip(*(places.tolist() for places in inked.nonzero()), strict=True))
    pieces = []
    while left:
        piece = [left.pop()]
        for row, column in piece:  # the list grows during the loop
            around = left & {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
            left -= around
            piece += around
        pieces.append(np.array(piece))
    return pieces

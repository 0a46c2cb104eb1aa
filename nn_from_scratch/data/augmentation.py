"""New images made from those there are: turned, scaled, slanted, shifted, mirrored or warped, differently every epoch.

A 7 that leans is still a 7. A network that never sees the same image twice can't memorize the images. Maths:
docs/mathematics.md, "Augmentation".
"""

from collections.abc import Sequence
from functools import cache
from math import ceil, prod

import numpy as np

from nn_from_scratch.randomness import Seed, key, uniform
from nn_from_scratch.words import Table

LARGEST = 1000.0  # pixels, or pixels per pixel: more would only ask for an empty image
PIXELS_AT_ONCE = 2**14  # of several images: the arrays that a step fills, at most 128 KB each, stay in the cache


class Augmentation:
    """Says where each pixel p of a new image comes from: y(p) = x(p + d(p)), with a random displacement d."""

    def draws(self, rows: int, columns: int) -> int:
        """How many random numbers it takes for an image of this size."""
        raise NotImplementedError

    def displacement(self, u: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """d down and d to the right, in pixels, out of numbers u in [−1, 1). (n, draws) → twice (n, rows, columns)"""
        raise NotImplementedError


class Affine(Augmentation):
    """p + d(p) = R H M p / k + t, where p is counted from the middle of the image. One map for all pixels of an image.

    R is a rotation, H a slant, k a scale, t a shift. Each is drawn evenly between the setting and its opposite. M is a
    mirror that swaps left and right in half of the images, for clothes and photographs: a mirrored 3 is not a 3.

    rotation: at most so many degrees
    scale: larger or smaller by at most this share
    shear: from a row to the next, at most so many columns to the side
    shift: at most so many pixels, up or down and to a side
    mirror: whether there is M
    """

    def __init__(
        self,
        rotation: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.1,
        shift: float = 2.0,
        mirror: bool = False,
    ):
        _check("rotation", rotation, 180.0)
        if not 0 <= scale < 1:
            raise ValueError(f"scale must be a share from 0 up to, not including, 1, not {scale}")
        _check("shear", shear, LARGEST)
        _check("shift", shift, LARGEST)
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.shift = shift
        self.mirror = mirror

    def draws(self, rows: int, columns: int) -> int:
        return 5 + self.mirror

    def displacement(self, u: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        most = np.array([np.radians(self.rotation), self.scale, self.shear, self.shift, self.shift], u.dtype)
        angle, scale, slant, down, right = (u[:, :5] * most).T[:, :, None, None]  # (n, 1, 1)
        cos, sin, k = np.cos(angle), np.sin(angle), 1 + scale
        i = np.arange(rows, dtype=u.dtype)[:, None] - u.dtype.type((rows - 1) / 2)  # (rows, 1)
        j = np.arange(columns, dtype=u.dtype) - u.dtype.type((columns - 1) / 2)  # (columns,)
        side = np.where(u[:, 5, None, None] < 0, -k, k) if self.mirror else k
        # R = [cos −sin; sin cos], H = [1 0; slant 1] and M = [1 0; 0 ±1] act on (i, j).
        return (
            (((cos - slant * sin) / k - 1) * i + down) - sin / side * j,
            ((sin + slant * cos) / k * i + right) + (cos / side - 1) * j,
        )


class Elastic(Augmentation):
    """d is noise, smoothed by a Gaussian: neighbours move alike, as in another hand's writing. (Simard et al., 2003)

    With noise U at the nodes of a grid, d = B U Bᵀ: bell curves around the nodes, added up. The nodes are as far apart
    as the bells are wide. From noise in every pixel, d would look the same and take far more numbers.

    strength: the standard deviation of d, in pixels
    smoothness: the standard deviation of the Gaussian, in pixels
    """

    def __init__(self, strength: float = 1.0, smoothness: float = 4.0):
        _check("strength", strength, LARGEST)
        if not 1 <= smoothness <= LARGEST:
            raise ValueError(f"smoothness must be a number of pixels from 1 to {LARGEST:g}, not {smoothness}")
        self.strength = strength
        self.smoothness = smoothness

    def draws(self, rows: int, columns: int) -> int:
        return 2 * bells(rows, self.smoothness).shape[1] * bells(columns, self.smoothness).shape[1]

    def displacement(self, u: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        B, C = bells(rows, self.smoothness), bells(columns, self.smoothness)
        U = u.reshape(len(u), 2, B.shape[1], C.shape[1])
        d = (B * np.float32(self.strength * 3**0.5)) @ U @ C.T  # √3: numbers even in [−1, 1) have a variance of 1/3
        return d[:, 0], d[:, 1]


@cache
def bells(pixels: int, width: float) -> np.ndarray:
    """For each pixel of a row, its share in the bell curve around each node; the squares add up to 1. (pixels, nodes)

    So the variance is the same in every pixel. The nodes are `width` pixels apart and go on beyond the border.
    """
    nodes = width * np.arange(-2, ceil((pixels - 1) / width) + 3)
    shares = np.exp(-0.5 * ((np.arange(pixels)[:, None] - nodes) / width) ** 2)
    return (shares / np.linalg.norm(shares, axis=1, keepdims=True)).astype(np.float32)


def _check(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be a number from 0 to {most:g}, not {value}")


class Augment:
    """Makes new images with all the given augmentations: their displacements add up, and each pixel is read once.

    What an image becomes is a function of the seed, the epoch and the image's index alone: neither the order of the
    images nor the batch size changes it, and a training that is taken up again goes on with the same images.
    """

    def __init__(self, augmentations: Sequence[Augmentation], seed: Seed):
        self.augmentations = tuple(augmentations)
        self.seed = seed

    def __call__(self, images: np.ndarray, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Bytes, the images with these indices → numbers from 0 to 1. Twice (n, rows, columns), or with channels

        The channels of an image, (n, channels, rows, columns), move together.
        """
        n, rows, columns = len(images), *images.shape[-2:]
        layers = images.reshape(n, prod(images.shape[1:-2]), rows, columns)  # grey images have one; n may be 0
        epoch_key = key(self.seed, epoch)
        y = np.empty(layers.shape, np.float32)
        several = max(1, PIXELS_AT_ONCE // (rows * columns))
        for start in range(0, n, several):
            some = slice(start, start + several)
            i, j = self.sources(epoch_key, indices[some], rows, columns)
            for channel in range(layers.shape[1]):
                y[some, channel] = interpolate(layers[some, channel], i, j)
        return y.reshape(images.shape)

    def sources(self, key: np.uint64, indices: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """The row and the column where each pixel comes from, as fractions. Twice (n, rows, columns)"""
        draws = [augmentation.draws(rows, columns) for augmentation in self.augmentations]
        u = 2 * uniform(key, indices, sum(draws)) - 1
        i, j = np.arange(rows, dtype=u.dtype)[:, None], np.arange(columns, dtype=u.dtype)
        for augmentation, own in zip(self.augmentations, np.split(u, np.cumsum(draws)[:-1], axis=1), strict=True):
            down, right = augmentation.displacement(own, rows, columns)
            i, j = i + down, j + right
        return i, j


def interpolate(images: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The images between their pixels, at row i and column j: bilinear, 0 outside. Bytes → numbers from 0 to 1."""
    n, rows, columns = images.shape
    width = columns + 3
    framed = np.zeros((n, rows + 3, width), np.float32)  # a frame of zeros: no pixel has to ask whether it is outside
    framed[:, 1:-2, 1:-2] = images
    x = framed.reshape(-1)
    i, j = np.clip(i, -1, rows), np.clip(j, -1, columns)
    i += 1
    j += 1
    above, left = np.floor(i), np.floor(j)
    corner = (above * width + left).astype(np.intp)
    corner += (np.arange(n) * framed[0].size)[:, None, None]
    i -= above
    j -= left

    def between(at: np.ndarray) -> np.ndarray:
        """(1 − j) x[at] + j x[at + 1]"""
        y, right = at.take(corner, mode="clip"), at[1:].take(corner, mode="clip")
        right -= y
        right *= j
        y += right
        return y

    y, below = between(x), between(x[width:])
    below -= y
    below *= i
    y += below
    y /= 255
    return y


# The augmentations a recipe can name. A new augmentation is a class and its name here.
AUGMENTATIONS: Table[Augmentation] = Table("augmentation", Affine, Elastic)

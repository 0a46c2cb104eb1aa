"""A small real data set that is always available: 1,797 handwritten digits, part of the package.

They are the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998), UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49, licensed CC BY 4.0 (see DIGITS-LICENSE.txt). Each is 8×8 pixels
of 0 to 16; here they are converted to the form of MNIST: 20 pixels high, thin bright strokes, centred by mass in 28×28.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nn_from_scratch.data.dataset import Dataset, Split

FILE = Path(__file__).with_name("digits.npz")
TRAINING_IMAGES = 1437  # the rest, 360 or one in five, are the test set; in the file, the training images come first
SIDE, BOX = 28, 20  # MNIST: the digit is scaled to fit a box of 20 pixels, in a field of 28
BLACK, WHITE = 5, 13  # of 16: the values that become 0 and 255; chosen to give about as much ink as in MNIST


def load_digits() -> Dataset:
    """1,437 training and 360 test images, uint8 28×28, always the same."""
    with np.load(FILE, allow_pickle=False) as stored:
        split = Split(like_mnist(stored["images"]), stored["labels"])
    train, test = split.select(slice(0, TRAINING_IMAGES)), split.select(slice(TRAINING_IMAGES, None))
    source = "inside the package (UCI Optical Recognition of Handwritten Digits)"
    return Dataset("digits", train, test, source, noun="digit")


def like_mnist(small: np.ndarray) -> np.ndarray:
    """Enlarge and centre: (N, 8, 8) of 0 to 16 → (N, 28, 28) of 0 to 255, uint8.

    Interpolating in two dimensions is interpolating along the columns, then along the rows, each a matrix product:
    image = R · small · Cᵀ. The sample points are shifted for each image by its centre of mass, so one pair of products
    enlarges and centres at the same time, without rounding to whole pixels.
    """
    small = small.astype(np.float64)  # not float32: then no rounding error reaches a whole number, on any machine
    mass = small.sum(axis=(1, 2))  # (N,)
    places = np.arange(small.shape[1], dtype=np.float64)
    centre_rows = small.sum(axis=2) @ places / mass  # (N,)
    centre_columns = small.sum(axis=1) @ places / mass
    R, C = _interpolation(centre_rows, places), _interpolation(centre_columns, places)  # (N, 28, 8)
    image = R @ small @ C.transpose(0, 2, 1)  # (N, 28, 28)
    # The 8×8 pixels count the ink in blocks of 4×4, which blurs the strokes: make their edges steep again.
    grey = (image - BLACK) * (255 / (WHITE - BLACK))
    return np.clip(grey + 0.5 + 1e-9, 0, 255).astype(
        np.uint8
    )  # 1e-9: x.5 is always rounded up, even if the last bit is too small


def _interpolation(centres: np.ndarray, places: np.ndarray) -> np.ndarray:
    """For each image the matrix (28, 8) of weights of the small pixels in the large ones, along one axis.

    Large pixel i lies at the small coordinate (i − 14)·8/20 + centre (the mass is at pixel 14 in MNIST too); small
    pixel k counts there by a cubic of the distance (Keys 1981, a = −1/2), which passes smoothly through the values.
    """
    offsets = (np.arange(SIDE) - SIDE // 2) * (len(places) / BOX)
    distance = np.abs(centres[:, None, None] + offsets[:, None] - places)  # (N, 28, 8)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))

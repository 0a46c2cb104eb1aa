"""Pictures with their labels, and the pair of sets a network needs: one to learn from, one to be judged on.

Images stay uint8 here (MNIST: 47 MB); they become float32 in [0, 1] batch by batch, so the 188 MB copy is never made.
Every file format ends in `labelled_images`, so what a usable data set is, is written down once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.errors import BadInput, one_line

CLASSES = 10  # the digits 0 to 9
LONGEST_NAME = 100  # characters of the name of a class


@dataclass(frozen=True, eq=False)  # eq=False: "are these arrays equal?" has no single answer, so == means identity
class Split:
    """Images and their labels, row by row: images (N, height, width) and labels (N,), both uint8.

    For what is no picture, `images` may hold any inputs (N, …) as floats; for what is no class, `labels` any targets
    (N, K) as floats. Floats are taken as they are.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        x, t = self.images, self.labels
        images = _are(x, "u1") and x.ndim == 3
        if not images and not (_are(x, "f") and x.ndim > 1):
            raise ValueError(f"images are {_what(x)}, expected uint8 (N, height, width), or floats (N, …)")
        classes = _are(t, "u1") and t.shape == x.shape[:1]
        if not classes and not (_are(t, "f") and t.ndim == 2 and len(t) == len(x)):
            raise ValueError(f"labels are {_what(t)}, expected uint8 {x.shape[:1]}, or floats ({len(x)}, outputs)")

    @property
    def has_classes(self) -> bool:
        """Whether the labels are classes, and not targets of their own."""
        return self.labels.ndim == 1

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: np.ndarray | slice) -> Split:
        """The given rows: a slice (shares memory), an array of indices or a mask (copies)."""
        return Split(self.images[rows], self.labels[rows])

    def hold_out(self, n: int) -> tuple[Split, Split]:
        """All but the last `n`, and the last `n`: the part to train on and the part to validate on."""
        if not 0 <= n < len(self):
            raise BadInput(f"can't hold out {n} of {len(self)} images: expected 0 to {len(self) - 1}")
        start = len(self) - n  # not -n: with n = 0 that slice would hold out everything
        return self.select(slice(0, start)), self.select(slice(start, None))

    def only_classes(self, classes: Sequence[int]) -> Split:
        """The images with these labels, renumbered 0, 1, … in the order given: (1, 2) makes 1 → 0 and 2 → 1."""
        if len(set(classes)) != len(classes) or not classes:
            raise BadInput(f"can't choose the classes {list(classes)}: expected different labels, at least one")
        renumbered = np.zeros(len(self), dtype=np.uint8)
        chosen = np.zeros(len(self), dtype=bool)
        for new, old in enumerate(classes):
            has_class = self.labels == old
            if not has_class.any() and len(self):  # of no images at all, none is missed
                raise BadInput(f"no image has the label {old}: expected one of {np.unique(self.labels).tolist()}")
            renumbered[has_class] = new
            chosen |= has_class
        return Split(self.images[chosen], renumbered[chosen])

    def set_aside(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """A shuffled split for data that came as one heap: the most of it, and a fraction of it to be judged on.

        Stratified: the fraction of each class (rounded, at least one on either side where there are two), so that no
        class is missing by bad luck. Shuffled, so that `hold_out` is fair even if the heap was sorted by class.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        in_second = np.zeros(len(self), dtype=bool)
        for label in np.unique(self.labels):
            rows = order[self.labels[order] == label]
            in_second[rows[: min(max(round(fraction * len(rows)), 1), len(rows) - 1)]] = True
        if not in_second.any():
            raise BadInput(f"can't set aside a test set from {len(self)} images, no two of which share a label")
        return self.select(order[~in_second[order]]), self.select(order[in_second[order]])

    def followed_by(self, other: Split) -> Split:
        """All images of both, as one heap."""
        return Split(np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels]))


def numbered_names(classes: int) -> tuple[str, ...]:
    """The names of classes that have none of their own: "0", "1", …"""
    return tuple(map(str, range(classes)))


def check_split(split: object) -> None:
    """Raise TypeError for what is no Split, such as a whole data set or bare arrays."""
    if not isinstance(split, Split):
        raise TypeError(f"expected a Split, such as data.train or Split(images, labels), not a {type(split).__name__}")


def _are(array: Any, kind: str) -> bool:
    """Whether this is an array whose dtype begins so: "f" for floats, "u1" for bytes."""
    return isinstance(array, np.ndarray) and array.dtype.str[1:].startswith(kind)


def _what(array: object) -> str:
    return f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training set, a test set, and where they came from."""

    name: str  # what to ask load_dataset for: "mnist", "digits", or the path as it was given
    train: Split
    test: Split
    source: str  # where it was found, as a phrase to print
    test_data: str | None = None  # the file of the test set, where that was asked for by its own name
    test_fraction: float | None = None  # of all images, where so many were asked for as the test set
    class_names: tuple[str, ...] = ()  # by label: label k is called class_names[k]; where none are given, "k"
    noun: str = "picture"  # what a sample is called in a sentence: takes "a" before it, and an s for several

    def __post_init__(self) -> None:
        train, test = self.train.images.shape[1:], self.test.images.shape[1:]
        if not (len(train) == len(test) == 2 and self.train.has_classes and self.test.has_classes):
            raise ValueError(f"{one_line(self.name)}: a data set holds images (N, height, width) with their classes")
        if train != test:
            raise BadInput(
                f"{one_line(self.name)}: the training images have {train[0]}×{train[1]} pixels "
                f"but the test images {test[0]}×{test[1]}: expected the same size"
            )
        most = max(int(split.labels.max(initial=0)) for split in (self.train, self.test))
        if not self.class_names:
            object.__setattr__(self, "class_names", numbered_names(max(CLASSES, most + 1)))
        if most >= len(self.class_names):
            raise ValueError(f"{one_line(self.name)}: label {most}, but names of {len(self.class_names)} classes")

    def only_classes(self, classes: Sequence[int]) -> Dataset:
        train, test = self.train.only_classes(classes), self.test.only_classes(classes)
        return replace(self, train=train, test=test, class_names=tuple(self.class_names[label] for label in classes))

    def test_set_asked_for(self) -> dict[str, Any]:
        """What to ask load_dataset for beside the name, to get the same again."""
        asked = {"test_data": self.test_data, "test_fraction": self.test_fraction}
        return {name: value for name, value in asked.items() if value is not None}

    def fingerprint(self) -> str:
        """16 hex digits that differ when any pixel, label, shape or the order differs.

        The start of the SHA-256 of, in this order, train images, train labels, test images and test labels, each as its
        shape in decimal ("(60000, 28, 28)") followed by its bytes in row-major order.
        """
        digest = hashlib.sha256()
        for array in (self.train.images, self.train.labels, self.test.images, self.test.labels):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]


def labelled_images(images: np.ndarray, labels: np.ndarray, images_from: str, labels_from: str) -> Split:
    """Put images and labels from a file together, or say in terms of the files why they don't fit."""
    if len(images) != len(labels):
        raise BadInput(
            f"{labels_from}: {len(labels)} labels, expected {len(images)}, one for each image in {images_from}"
        )
    if images.size == 0:
        raise BadInput(f"{images_from}: no images, its shape is {images.shape}: expected at least one")
    if labels.min() < 0 or labels.max() >= CLASSES:
        row = int(np.argmax((labels < 0) | (labels >= CLASSES)))
        raise BadInput(f"{labels_from}: label {labels[row]} of image {row + 1}, expected 0 to {CLASSES - 1}")
    return Split(images, labels.astype(np.uint8, copy=False))

"""Samples with their labels, and the two sets a network needs: one for training, one for testing.

Images stay uint8 here (MNIST: 47 MB). They become float32 in [0, 1] batch by batch, so the 188 MB copy is never made.
Labels are numbers, and each class has a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.errors import BadInput, one_line, plural

DIGITS = 10  # classes that always have names: "0" to "9"
MOST_CLASSES = 256  # as many as a label of one byte can distinguish
ASKED = {"test_data": str, "test_fraction": float, "picture_size": str}  # options of load_dataset
LONGEST_NAME = 100  # characters in the name of a class


@dataclass(frozen=True, eq=False)  # eq=False: "are these arrays equal?" has no single answer, so == means identity
class Split:
    """Images and their labels, row by row, both uint8: labels (N,), images (N, rows, columns) or (N, 3, rows, columns).

    If the samples are not pictures, `images` may hold any inputs (N, …) as floats. If there are no classes, `labels`
    may hold any targets (N, K) as floats. Floats are taken as they are.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        x, t = self.images, self.labels
        images = _are(x, "u1") and x.ndim in (3, 4)
        if not images and not (_are(x, "f") and x.ndim > 1):
            expected = "uint8 (N, rows, columns) or (N, channels, rows, columns), or floats (N, …)"
            raise ValueError(f"images are {_what(x)}, expected {expected}")
        classes = _are(t, "u1") and t.shape == x.shape[:1]
        if not classes and not (_are(t, "f") and t.ndim == 2 and len(t) == len(x)):
            raise ValueError(f"labels are {_what(t)}, expected uint8 {x.shape[:1]}, or floats ({len(x)}, outputs)")

    @property
    def are_images(self) -> bool:
        """Whether the samples are pictures rather than other numbers."""
        return self.images.dtype == np.uint8

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample for a network with channels: (1, rows, columns) for a grey picture."""
        shape = self.images.shape[1:]
        return (1, *shape) if len(shape) == 2 else shape

    @property
    def has_classes(self) -> bool:
        """Whether the labels are classes rather than floating-point targets."""
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
        for label in classes:
            if label not in self.labels and len(self):  # an empty set may lack any class
                raise BadInput(f"no image has the label {label}: expected one of {np.unique(self.labels).tolist()}")
        return self._renumbered(classes)

    def _renumbered(self, classes: Sequence[int]) -> Split:
        renumbered = np.zeros(len(self), dtype=np.uint8)
        chosen = np.zeros(len(self), dtype=bool)
        for new, old in enumerate(classes):
            has_class = self.labels == old
            renumbered[has_class] = new
            chosen |= has_class
        return Split(self.images[chosen], renumbered[chosen])

    def set_aside(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """Split data that came in one piece into the larger part, for training, and a fraction for testing.

        Stratified: it takes the fraction of each class (rounded; of two or more samples, each side gets at least one),
        so that no class is missing by bad luck. Shuffled, so that `hold_out` is fair even if the data were sorted by
        class.
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
        """All images of both, in one set."""
        return Split(np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels]))


def numbered_names(classes: int) -> tuple[str, ...]:
    """The names of classes that have none of their own: "0", "1", …"""
    return tuple(map(str, range(classes)))


def check_split(split: object) -> None:
    """Raise TypeError for anything but a Split, such as a whole data set or bare arrays."""
    if not isinstance(split, Split):
        raise TypeError(f"expected a Split, such as data.train or Split(images, labels), not a {type(split).__name__}")


def _are(array: Any, kind: str) -> bool:
    """Whether this is an array whose dtype begins with `kind`: "f" for floats, "u1" for bytes."""
    return isinstance(array, np.ndarray) and array.dtype.str[1:].startswith(kind)


def _what(array: object) -> str:
    return f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training set, a test set, and where they came from."""

    name: str  # the argument of load_dataset: "mnist", "digits", or the path as it was given
    train: Split
    test: Split
    source: str  # where it was found, as a phrase to print
    test_data: str | None = None  # the file of the test set, if one was given
    test_fraction: float | None = None  # the share of all images in the test set, if one was given
    picture_size: str | None = None  # the size of the pictures of a folder, if one was given
    class_names: tuple[str, ...] = ()  # by label: label k is called class_names[k]; if none are given, "k"
    noun: str = "picture"  # the word for a sample in a sentence

    def __post_init__(self) -> None:
        if not (self.train.has_classes and self.test.has_classes):
            raise ValueError(f"{one_line(self.name)}: a data set holds samples with classes, not with targets")
        train, test = (described(split.images) for split in (self.train, self.test))
        if train != test:
            raise BadInput(
                f"{one_line(self.name)}: the training set has {train}, but the test set {test}: expected the same"
            )
        most = max(int(split.labels.max(initial=0)) for split in (self.train, self.test))
        if not self.class_names:
            object.__setattr__(self, "class_names", numbered_names(max(DIGITS, most + 1)))
        if most >= len(self.class_names):
            raise ValueError(f"{one_line(self.name)}: label {most}, but only {len(self.class_names)} class names")

    def only_classes(self, classes: Sequence[int]) -> Dataset:
        """The samples with these labels, renumbered; the test set may lack some of them, but not all."""
        train = self.train.only_classes(classes)
        test = self.test._renumbered(classes)
        if len(self.test) and not len(test):
            found = np.unique(self.test.labels).tolist()
            raise BadInput(f"{one_line(self.name)}: its test set has only the labels {found}, none of {list(classes)}")
        return replace(self, train=train, test=test, class_names=tuple(self.class_names[label] for label in classes))

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that occur in the training set or, if that is empty, in the test set."""
        return tuple(np.flatnonzero(np.bincount((self.train if len(self.train) else self.test).labels)).tolist())

    @property
    def plural(self) -> str:
        """The word for several samples: "images" for pictures, as everywhere in this package."""
        return "images" if self.train.are_images else plural(self.noun)

    @property
    def has_words(self) -> bool:
        """Whether the classes have names that are not their labels."""
        return self.class_names != numbered_names(len(self.class_names))

    def with_names(self, names: Sequence[str]) -> Dataset:
        """The same data set, with the labels renumbered so that label k is the class names[k].

        Raises BadInput for a sample whose class is not in `names`.
        """
        if tuple(names) == self.class_names:
            return self
        found = {label for split in (self.train, self.test) for label in np.unique(split.labels).tolist()}
        place = {name: label for label, name in enumerate(names)}
        renumbered = np.zeros(len(self.class_names), np.uint8)
        for label in found:
            if (name := self.class_names[label]) not in place:
                known = one_line(", ".join(names), 200)
                raise BadInput(f"{one_line(self.name)}: has the class {one_line(name)!r}, expected one of {known}")
            renumbered[label] = place[name]
        train, test = (Split(split.images, renumbered[split.labels]) for split in (self.train, self.test))
        return replace(self, train=train, test=test, class_names=tuple(names))

    def test_set_asked_for(self) -> dict[str, Any]:
        """The options of load_dataset, beside the name, that give the same data again."""
        return {name: value for name in ASKED if (value := getattr(self, name)) is not None}

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


def described(images: np.ndarray) -> str:
    """A description of the samples: "images of 28 × 28 pixels", "samples of 4 numbers"."""
    *channels, rows, columns = (1, *images.shape[1:])
    if images.dtype != np.uint8:
        numbers = " × ".join(map(str, images.shape[1:]))
        return f"samples of {numbers} number{'s' * (numbers != '1')}"
    colours = f" in {channels[-1]} channels" if images.ndim == 4 else ""
    return f"images of {rows} × {columns} pixels{colours}"


def labelled_images(
    images: np.ndarray, labels: np.ndarray, images_from: str, labels_from: str, classes: int = MOST_CLASSES
) -> Split:
    """Combine images and labels from files. Raises BadInput, naming the file, if they don't fit together."""
    if len(images) != len(labels):
        raise BadInput(
            f"{labels_from}: {len(labels)} labels, expected {len(images)}, one for each image in {images_from}"
        )
    if images.size == 0:
        raise BadInput(f"{images_from}: no images, its shape is {images.shape}: expected at least one")
    if labels.min() < 0 or labels.max() >= classes:
        row = int(np.argmax((labels < 0) | (labels >= classes)))
        raise BadInput(f"{labels_from}: label {labels[row]} of image {row + 1}, expected 0 to {classes - 1}")
    return Split(images, labels.astype(np.uint8, copy=False))

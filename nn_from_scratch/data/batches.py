"""From stored images to the inputs of a network: mini-batches of numbers in [0, 1] and their targets.

The images stay bytes in memory, 47 MB for MNIST, and become floating-point numbers one batch at a time. This is as fast
as gathering rows from a converted copy of 188 MB, and the copy would have to be made first.
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from nn_from_scratch.classes import own_names, target_table
from nn_from_scratch.data.augmentation import Augment
from nn_from_scratch.data.dataset import Dataset, Split, check_split
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.layers.layer import checked_shape
from nn_from_scratch.randomness import Seed, numbered


def inputs(images: np.ndarray, input_shape: tuple[int, ...], dtype: np.dtype | type = np.float32) -> np.ndarray:
    """x = images / 255, in the network's input shape; floats stay as they are. (N, …) → (N, *input_shape)

    Raises ValueError for inputs that are neither bytes nor floats, or have another size.
    """
    try:
        x = images.reshape(len(images), *input_shape)
    except ValueError:
        raise ValueError(f"inputs of shape {images.shape[1:]} for a network that takes {input_shape}") from None
    if x.dtype == np.uint8:
        return np.divide(x, 255, dtype=dtype)
    if x.dtype.kind != "f":
        raise ValueError(f"inputs are {x.dtype}: expected the bytes of images, uint8, or floating-point numbers")
    return x.astype(dtype)


def targets(labels: np.ndarray, outputs: int, dtype: np.dtype | type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """A table of targets, (·, outputs), and for each sample the row of its target.

    Labels (N,) are classes, and the table has a target for each class. Floats (N, outputs) are the targets themselves,
    one for each sample.
    """
    if labels.ndim == 2:
        if labels.shape[1] != outputs:
            raise ValueError(f"targets of shape {labels.shape} for a network of {outputs} outputs")
        return labels.astype(dtype), np.arange(len(labels))
    table = target_table(outputs, dtype)
    if labels.max(initial=0) >= len(table):
        raise ValueError(f"label {labels.max()}: expected 0 to {len(table) - 1} with {outputs} outputs")
    return table, labels


class Batches:
    """A training set in mini-batches x (n, *input_shape), t (n, outputs), in a new random order every epoch.

    Images become numbers from 0 to 1, and classes become targets; floats are taken as they are. With `augment`, each
    image is changed in another way in every epoch. Raises BadInput if there are no images to augment.

    The order depends only on the random seed and the epoch's number, so that training can be resumed anywhere. The last
    batch of an epoch may be smaller. With `batch_size` None, one batch is the whole set. Without `augment`, this batch
    is made once and not shuffled, because the gradient is a mean over all samples, in any order.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int | None,
        input_shape: tuple[int, ...],
        outputs: int,
        seed: Seed,
        dtype: np.dtype | type = np.float32,
        augment: Augment | None = None,
    ):
        check_split(split)
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"a batch needs at least 1 sample, not {batch_size}")
        self.split = split
        self.batch_size = batch_size or len(split)
        self.input_shape = checked_shape(input_shape)
        self.seed = seed
        self.dtype = dtype
        if augment and split.images.dtype != np.uint8:
            raise BadInput(
                f"augmentation is for images, uint8 (N, …, rows, columns): the inputs are {split.images.dtype}"
            )
        self.augment = augment
        self.targets, self.target_of = targets(split.labels, outputs, dtype)
        inputs(split.images[:1], self.input_shape)  # raises ValueError if they don't fit
        self._whole = self.batch(np.arange(len(split)), 0) if batch_size is None and not augment else None

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.split) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches (x, t) of one epoch, both numbered from 0, from the batch `start` on."""
        if self._whole:
            yield from [self._whole][start:]
            return
        order = self.order(number)
        for first in range(start * self.batch_size, len(order), self.batch_size):
            yield self.batch(order[first : first + self.batch_size], number)

    def order(self, number: int) -> np.ndarray:
        """The samples' indices in the order of an epoch, numbered from 0."""
        return numbered(self.seed, number).permutation(len(self.split))

    def batch(self, chosen: np.ndarray, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The samples with these indices, augmented as in this epoch: x (n, *input_shape) and t (n, outputs)."""
        images = self.split.images[chosen]
        if self.augment:
            images = self.augment(images, epoch, chosen)
        return inputs(images, self.input_shape, self.dtype), self.targets[self.target_of[chosen]]


def matching(dataset: Dataset, input_shape: tuple[int, ...], classes: Sequence[int]) -> Dataset:
    """The part of a data set that a network can use: its classes, renumbered 0, 1, …; with classes (), all samples.

    Raises BadInput if the number of values in a sample differs from the number of the network's inputs.
    """
    check_pixels(dataset.train.images, input_shape, dataset.name)
    numbered = tuple(classes) == tuple(range(len(classes)))
    labels = (split.labels.max(initial=0) for split in (dataset.train, dataset.test))
    return dataset if not classes or (numbered and max(labels) < len(classes)) else dataset.only_classes(classes)


def named_alike(dataset: Dataset, classes: Sequence[int], names: Sequence[str]) -> Dataset:
    """The data set with its labels numbered as in a network whose classes have these labels and `names`.

    If both have words for their classes, the words decide, because another file may number them differently. Raises
    BadInput if they have no word in common.
    """
    if not dataset.has_words or not own_names(names, classes):
        return dataset
    if not set(names) & set(dataset.class_names):
        ours, theirs = (one_line(", ".join(words), 200) for words in (names, dataset.class_names))
        raise BadInput(
            f"{one_line(dataset.name)}: has the classes {theirs}: expected some of the network's classes, {ours}"
        )
    called = dict(zip(classes, names, strict=True))
    others = [name for name in dataset.class_names if name not in called.values()]
    free = [label for label in range(len(called) + len(others) + max(classes)) if label not in called]
    called |= dict(zip(free, others, strict=False))
    return dataset.with_names([called.get(label, "") for label in range(max(called) + 1)])


def check_pixels(images: np.ndarray, input_shape: tuple[int, ...], name: str) -> None:
    """Raise BadInput for samples (N, …) of the wrong size for a network; `name` says where they are from."""
    shape = images.shape[1:]
    if prod(shape) != prod(input_shape):
        what, values = ("images", "pixels") if images.dtype == np.uint8 else ("samples", "numbers")
        size = f"{' × '.join(map(str, shape))} = {prod(shape)}" if len(shape) > 1 else str(prod(shape))
        raise BadInput(
            f"{one_line(name)}: its {what} have {size} {values}, but the network takes {prod(input_shape)} inputs"
        )

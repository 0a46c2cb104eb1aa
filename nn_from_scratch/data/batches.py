"""From stored images to what a network takes: mini-batches of numbers in [0, 1] and their targets.

The images stay bytes in memory, 47 MB for MNIST, and become floating-point numbers one batch at a time: as fast as
gathering rows from a converted copy of 188 MB, which would have to be made first.
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from nn_from_scratch.classes import target_table
from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.randomness import Seed, numbered


def inputs(images: np.ndarray, input_shape: tuple[int, ...], dtype: np.dtype | type = np.float32) -> np.ndarray:
    """x = images / 255, in the shape that the network takes. Shapes: (N, rows, columns) → (N, *input_shape)."""
    return np.divide(images.reshape(-1, *input_shape), 255, dtype=dtype)


class Batches:
    """A training set in mini-batches x (n, *input_shape), t (n, outputs), in a new random order every epoch.

    The order is a function of the random seed and the epoch's number alone, so that training can be taken up again
    anywhere. The last batch of an epoch may be smaller. With `batch_size` None, the one batch is the whole set, made
    once and not shuffled: the gradient is a mean over all samples, in whatever order.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int | None,
        input_shape: tuple[int, ...],
        outputs: int,
        seed: Seed,
        dtype: np.dtype | type = np.float32,
    ):
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"a batch needs at least 1 sample, not {batch_size}")
        self.split = split
        self.batch_size = batch_size or len(split)
        self.input_shape = input_shape
        self.seed = seed
        self.dtype = dtype
        self.targets = target_table(outputs, dtype)
        whole = batch_size is None
        self._whole = (inputs(split.images, input_shape, dtype), self.targets[split.labels]) if whole else None

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
            yield self.batch(order[first : first + self.batch_size])

    def order(self, number: int) -> np.ndarray:
        """The samples' indices in the order of an epoch, numbered from 0."""
        return numbered(self.seed, number).permutation(len(self.split))

    def batch(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The samples with these indices: x (n, *input_shape) and t (n, outputs)."""
        x = inputs(self.split.images[chosen], self.input_shape, self.dtype)
        return x, self.targets[self.split.labels[chosen]]


def matching(dataset: Dataset, input_shape: tuple[int, ...], classes: Sequence[int]) -> Dataset:
    """The part of a data set that a network can use: the classes that it tells apart, renumbered 0, 1, …

    Raises BadInput where the images have another number of pixels than the network has inputs.
    """
    rows, columns = dataset.train.images.shape[1:]
    if rows * columns != prod(input_shape):
        raise BadInput(
            f"{dataset.name}: its images have {rows} × {columns} = {rows * columns} pixels, but the network takes "
            f"{prod(input_shape)} inputs"
        )
    return dataset if list(classes) == list(range(10)) else dataset.only_classes(classes)

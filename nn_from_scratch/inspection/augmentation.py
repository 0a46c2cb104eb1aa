"""Augmented images, to look at."""

from collections.abc import Sequence

import numpy as np

from nn_from_scratch.data.augmentation import AUGMENTATIONS, Augment
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.randomness import random_streams

VERSIONS = 12  # of each image, in all


def versions(split: Split, chosen: np.ndarray, words: Sequence[str], seed: int = 0) -> dict[str, np.ndarray]:
    """The chosen images, changed by each word alone and, if there are several words, by all together.

    By title, bytes (n, versions, rows, columns): a version for each of the first epochs of a training with this seed.
    """
    groups = {word: [word] for word in words}
    if len(words) > 1:
        groups["all together"] = list(words)
    found = {}
    for title, group in groups.items():
        augment = Augment([AUGMENTATIONS.make(word) for word in group], random_streams(seed).augmentation)
        epochs = range(max(1, VERSIONS // len(groups)))
        y = np.stack([augment(split.images[chosen], epoch, chosen) for epoch in epochs], axis=1)
        found[title] = np.rint(255 * y).astype(np.uint8)
    return found

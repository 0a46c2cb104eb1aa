"""All randomness comes from one seed, in streams that do not disturb each other.

Within a stream, what an epoch or a step draws follows from its number alone. So a training can be taken up again
anywhere although no generator was saved, and looking at a network never changes what it will learn.
"""

from typing import NamedTuple

import numpy as np

Seed = int | np.random.SeedSequence


class RandomStreams(NamedTuple):
    """Independent sources of randomness from one seed: more noise does not change the first weights."""

    initialization: np.random.SeedSequence
    shuffling: np.random.SeedSequence
    noise: np.random.SeedSequence


def random_streams(seed: int) -> RandomStreams:
    """All the randomness of a training run."""
    return RandomStreams(*np.random.SeedSequence(seed).spawn(3))


def numbered(stream: Seed, number: int) -> np.random.Generator:
    """The generator of one epoch, or of one step, of a stream."""
    stream = stream if isinstance(stream, np.random.SeedSequence) else np.random.SeedSequence(stream)
    return np.random.default_rng(np.random.SeedSequence(stream.entropy, spawn_key=(*stream.spawn_key, number)))

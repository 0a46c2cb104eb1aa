"""All randomness comes from one seed, in streams that do not disturb each other.

Within a stream, the random numbers of an epoch or a step follow from its number alone. So a training can be resumed at
any step without a saved generator, and looking at a network never changes its training.
"""

from typing import NamedTuple

import numpy as np

Seed = int | np.random.SeedSequence


class RandomStreams(NamedTuple):
    """Independent sources of randomness from one seed: more noise does not change the first weights."""

    initialization: np.random.SeedSequence
    shuffling: np.random.SeedSequence
    noise: np.random.SeedSequence
    augmentation: np.random.SeedSequence


def random_streams(seed: int) -> RandomStreams:
    """All the randomness of a training run."""
    return RandomStreams(*np.random.SeedSequence(seed).spawn(4))


def numbered(stream: Seed, number: int) -> np.random.Generator:
    """The generator of one epoch, or of one step, of a stream."""
    stream = stream if isinstance(stream, np.random.SeedSequence) else np.random.SeedSequence(stream)
    return np.random.default_rng(np.random.SeedSequence(stream.entropy, spawn_key=(*stream.spawn_key, number)))


def key(stream: Seed, number: int) -> np.uint64:
    """The key of one epoch of a stream, for `uniform`."""
    return numbered(stream, number).integers(2**64, dtype=np.uint64)


def uniform(key: np.uint64, indices: np.ndarray, draws: int) -> np.ndarray:
    """`draws` numbers in [0, 1) for each index. Each follows from the key, the index and its place alone. (n, draws)

    A generator for each image would take far longer than changing the image. The generator SplitMix64 needs no state:
    its number n is a hash of its seed + (n + 1) · γ. (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014)
    """
    n = indices.astype(np.uint64)[:, None] * np.uint64(draws) + np.arange(1, draws + 1, dtype=np.uint64)
    return (splitmix64(key + n * GOLDEN) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ divided by the golden ratio, made odd


def splitmix64(z: np.ndarray) -> np.ndarray:
    """A one-to-one map of 64 bits (uint64), in which every bit of the input affects every bit of the output."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # modulo 2⁶⁴, like all sums and products here
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))

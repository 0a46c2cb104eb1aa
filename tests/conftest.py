"""What the tests of the core share: small data, a seeded generator, and the check of a derivative.

The check compares g·u, what a gradient g promises for a small move in the direction u, with what the function really
does, (f(x + hu) − f(x − hu)) / 2h. One dot product tests every entry at once, because u is random.
"""

import os
import signal
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from nn_from_scratch.data import Dataset, load_dataset
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE
from nn_from_scratch.layers import Dense, Layer, ReLU
from nn_from_scratch.network import Network
from nn_from_scratch.recipe import Recipe
from tests.browsers import browser  # noqa: F401 - one for all: a process can't drive two
from tests.own_layers import own_layers  # noqa: F401

# Of the processes that the tests start: several that each take all cores would wait for each other.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
threadpool_limits(1)  # of this one

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would the scripts that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of the machine than of the code.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")

STEP = 1e-5  # its square, the error of the central difference, and rounding divided by it are both near 1e-10

# For pictures of 4 × 4 pixels with labels of 3 classes, such as those of `split`.
SMALL = Recipe(
    layers=("dense:5", "relu", "dense:3", "softmax"),
    loss="cross-entropy",
    optimizer="adam",
    learning_rate=0.01,
    schedule="constant",
    batch_size=8,
    epochs=2,
    input_shape=(16,),
    classes=(0, 1, 2),
)


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real MNIST, for the tests that say nothing without it."""
    if DIRECTORY_VARIABLE not in os.environ:
        pytest.skip(f"{DIRECTORY_VARIABLE} isn't set to a directory with MNIST")
    return load_dataset("mnist")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture
def split(rng: np.random.Generator) -> Split:
    """50 random pictures of 4 × 4 pixels with labels of 3 classes."""
    return random_split(rng)


def random_split(rng: np.random.Generator, n: int = 50, side: int = 4, classes: int = 3) -> Split:
    images = rng.integers(0, 256, (n, side, side), dtype=np.uint8)
    return Split(images, rng.permutation(np.arange(n) % classes).astype(np.uint8))


def separable_split(rng: np.random.Generator, n: int = 60) -> Split:
    """Class 0 is bright in its left half, class 1 in its right half: a few steps are enough to tell them apart."""
    images = rng.integers(0, 60, (n, 4, 4), dtype=np.uint8)
    labels = rng.permutation(np.arange(n) % 2).astype(np.uint8)
    images[labels == 0, :, :2] += 180
    images[labels == 1, :, 2:] += 180
    return Split(images, labels)


def one_hot(rng: np.random.Generator, n: int, classes: int, dtype: type = np.float64) -> np.ndarray:
    return np.eye(classes, dtype=dtype)[rng.integers(0, classes, n)]


def derivative_error(
    f: Callable[[], float], at: np.ndarray, gradient: np.ndarray, rng: np.random.Generator, directions: int = 3
) -> float:
    """The largest relative error of gradient·u; f() is a function of `at`, which is moved in place and put back."""
    assert at.dtype == gradient.dtype == np.float64
    assert at.shape == gradient.shape
    start, worst = at.copy(), 0.0
    for _ in range(directions):
        u = unit(rng, at.shape)
        while abs((gradient * u).sum()) < 0.01 * np.sqrt(np.square(gradient).sum()):
            u = unit(rng, at.shape)  # nearly perpendicular to the gradient, the rounding of f is all that would be seen
        at[...] = start + STEP * u
        above = f()
        at[...] = start - STEP * u
        below = f()
        at[...] = start
        promised, found = float((gradient * u).sum()), (above - below) / (2 * STEP)
        worst = max(worst, abs(promised - found) / max(abs(promised), abs(found)))
    return worst


def unit(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A random direction."""
    u = rng.normal(size=shape)
    return u / np.sqrt(np.square(u).sum())


def away_from_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of both signs, none nearer to 0 than 0.1, where ReLU has its kink."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 2, shape)


def keep_clear_of_kinks(network: Network, x: np.ndarray) -> None:
    """Set the biases before each ReLU so that for every unit zero lies in the widest gap between the samples' sums."""
    for layer, following in zip(network.layers, [*network.layers[1:], None], strict=True):
        if isinstance(layer, Dense) and isinstance(following, ReLU):
            sums = np.sort(x @ layer.W.T, axis=0)  # (N, units)
            widest = np.diff(sums, axis=0).argmax(axis=0)
            units = np.arange(layer.units)
            layer.b[...] = -(sums[widest, units] + sums[widest + 1, units]) / 2
            assert np.abs(layer.forward(x)).min() > 100 * STEP
        x = layer.forward(x)


def small_network(layers: list[Layer], inputs: int, seed: int = 0, dtype: type = np.float64) -> Network:
    """A network whose biases are random too, so that none of its numbers is right by being zero."""
    network = Network(layers, (inputs,), seed, dtype)
    rng = np.random.default_rng(seed + 1)
    for layer in network.layers:
        if isinstance(layer, Dense):
            layer.b[...] = rng.normal(0, 0.5, layer.b.shape)
    return network

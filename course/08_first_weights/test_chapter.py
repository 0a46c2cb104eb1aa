"""Variances of 100,000 numbers, which are known to a percent or so; and the experiment with ten layers."""

import numpy as np

from course.checking import expect, mine

DENSE = (250, 400)
KERNELS = (64, 32, 5, 5)  # fan-in 800, fan-out 1,600


def drawn(name, shape, seed=8):
    found = mine(f"initializers.{name}")()(shape, np.random.default_rng(seed))
    expect(found is not None, f"{name} returns nothing.")
    expect(np.shape(found) == shape, f"{name} should return an array of the shape {shape}: it has {np.shape(found)}.")
    return np.asarray(found)


def variance_is(name, shape, right, mistakes):
    found = float(drawn(name, shape).var())
    for sentence, wrong in mistakes.items():
        if abs(found / wrong - 1) < 0.03:
            expect(False, sentence)
    expect(
        abs(found / right - 1) < 0.03,
        f"for the shape {shape}, the numbers of {name} should have the variance {right:.6f}: they have {found:.6f}.",
    )


def test_he():
    """He draws with the variance 2 / fan_in"""
    mistakes = {
        "He takes the fan-out: W is (units, inputs), so the fan-in is shape[1].": 2 / 250,
        "He takes 2 / fan_in as the standard deviation: it is the variance, so take its root.": (2 / 400) ** 2,
        "He has the variance 1 / fan_in: the 2 that makes up for ReLU is missing.": 1 / 400,
    }
    variance_is("He", DENSE, 2 / 400, mistakes)
    found = drawn("He", DENSE)
    expect(abs(found.mean()) < 0.001, f"the mean of He's numbers should be 0: it is {found.mean():.4f}.")
    outside = float((np.abs(found) > 2 * found.std()).mean())
    expect(0.03 < outside < 0.06, "He's numbers should be normally distributed: rng.normal.")


def test_he_of_kernels():
    """He counts all inputs of a kernel"""
    mistakes = {
        "for a kernel, He counts the channels alone: a unit sees channels · k · k inputs, prod(shape[1:]).": 2 / 32
    }
    variance_is("He", KERNELS, 2 / 800, mistakes)


def test_glorot():
    """Glorot draws uniformly within ±√(6 / (fan_in + fan_out))"""
    found, limit = drawn("Glorot", DENSE), np.sqrt(6 / 650)
    largest = float(np.abs(found).max())
    expect(
        largest < 1.001 * limit,
        f"for the shape {DENSE}, no number of Glorot should exceed √(6 / 650) = {limit:.4f}: one is {largest:.4f}.",
    )
    expect(
        found.min() < 0,
        "Glorot's numbers are never negative: draw from −a to a.",
    )
    mistakes = {
        "Glorot takes 2 / (fan_in + fan_out) as the limit: that is the variance, and the limit is √(6 / …).": (2 / 650)
        ** 2
        / 3,
        "Glorot takes 6 / (fan_in + fan_out) without its root.": (6 / 650) ** 2 / 3,
        "Glorot takes the fan-in alone.": 6 / 400 / 3,
    }
    variance_is("Glorot", DENSE, 2 / 650, mistakes)


def test_glorot_of_kernels():
    """Glorot counts k · k on both sides of a kernel"""
    mistakes = {"for a kernel, Glorot's fan-out is filters · k · k, shape[0] · prod(shape[2:]).": 2 / (800 + 64)}
    variance_is("Glorot", KERNELS, 2 / 2400, mistakes)


def test_seed():
    """both draw from the generator that they are given"""
    for name in ("He", "Glorot"):
        expect(
            np.array_equal(drawn(name, (3, 4)), drawn(name, (3, 4))),
            f"{name} should draw from `rng` alone, so that a seed gives the same weights.",
        )


def test_depth():
    """through ten layers with ReLU, He's signal keeps its size"""
    He, rng = mine("initializers.He")(), np.random.default_rng(0)
    x = rng.normal(size=(200, 200))
    for _ in range(10):
        x = np.maximum(x @ He((200, 200), rng).T, 0)
    size = float(np.sqrt((x**2).mean()))
    expect(0.4 < size < 2.5, f"a signal of size 1 should still be about 1 after ten layers: it is {size:.3g}.")

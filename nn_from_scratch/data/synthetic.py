"""Generated points in the plane: four data sets that are common in demonstrations of neural networks.

With two inputs, one picture shows everything a network does: its answer for each point of the plane. In none of these
sets can straight lines separate the classes, so a network without a hidden layer fails on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nn_from_scratch.data.dataset import Dataset, Split

TRAINING_POINTS, TEST_POINTS = 1000, 500


class Figure(NamedTuple):
    """A function that draws points, the names of the classes, and the standard deviation of the noise."""

    draw: Callable[[np.ndarray, np.ndarray], np.ndarray]  # k (N,), labels, and u (N, 2) in [0, 1) → (N, 2)
    class_names: tuple[str, ...]
    noise: float


def spiral(k: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Three arms, each 5/8 of a turn long: the radius grows with the angle."""
    return _polar(0.08 + 0.92 * u[:, 0], 2 * np.pi * (k / 3 + 5 / 8 * u[:, 0]))


def moons(k: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Two interlocking half circles."""
    half = _polar(np.full(len(k), 0.62), np.pi * (u[:, 0] + k))
    return half + np.where(k[:, None] == 0, [-0.31, -0.15], [0.31, 0.15])


def circles(k: np.ndarray, u: np.ndarray) -> np.ndarray:
    """One circle around another."""
    return _polar(np.where(k == 0, 0.35, 0.85), 2 * np.pi * u[:, 0])


def xor(k: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The four quarters of a square; the class says whether the signs of the two inputs differ."""
    x = 2 * u - 1
    sign = np.where(x[:, 0] < 0, -1, 1)
    distance = 0.08 + 0.92 * np.abs(x)  # from the axes
    return distance * np.stack([sign, np.where(k == 0, sign, -sign)], axis=1)


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


FIGURES = {
    "spiral": Figure(spiral, ("first arm", "second arm", "third arm"), 0.04),
    "moons": Figure(moons, ("upper moon", "lower moon"), 0.1),
    "circles": Figure(circles, ("inner circle", "outer circle"), 0.1),
    "xor": Figure(xor, ("same signs", "different signs"), 0.05),
}


def load_points(name: str, seed: int = 0) -> Dataset:
    """1,000 points for training and 500 for testing, equally many of each class; one seed gives the same points."""
    figure = FIGURES[name]
    rng = np.random.default_rng(seed)
    train, test = (_points(figure, number, rng) for number in (TRAINING_POINTS, TEST_POINTS))
    source = f"generated, with noise of {figure.noise:g}"
    return Dataset(name, train, test, source, class_names=figure.class_names, noun="point")


def _points(figure: Figure, number: int, rng: np.random.Generator) -> Split:
    k = rng.permutation(np.arange(number) % len(figure.class_names))
    x = figure.draw(k, rng.random((number, 2))) + rng.normal(0, figure.noise, (number, 2))
    return Split(x.astype(np.float32), k.astype(np.uint8))

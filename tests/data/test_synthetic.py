"""Points made here: always the same, each class equally often, and told apart by their own rule."""

import numpy as np
import pytest

from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.synthetic import FIGURES

every_figure = pytest.mark.parametrize("name", FIGURES)


@every_figure
def test_points_are_the_same_every_time_and_others_with_another_seed(name: str) -> None:
    data = load_dataset(name)
    assert data.fingerprint() == load_dataset(name).fingerprint() != load_dataset(name, seed=1).fingerprint()
    assert (data.train.images.shape, data.train.images.dtype) == ((1000, 2), np.float32)
    assert (data.test.images.shape, data.noun, data.plural) == ((500, 2), "point", "points")
    assert np.abs(data.train.images).max() < 1.5
    for split in (data.train, data.test):
        counts = np.bincount(split.labels)
        assert len(counts) == len(data.class_names)
        assert np.ptp(counts) <= 1
        assert len(set(split.labels[:20].tolist())) > 1  # in random order
    assert f"noise of {FIGURES[name].noise:g}" in data.source


@every_figure
@pytest.mark.parametrize("k", [0, 1])
def test_without_noise_the_points_are_on_the_figure(name: str, k: int) -> None:
    u = np.random.default_rng(3).random((300, 2))
    x = FIGURES[name].draw(np.full(300, k), u)
    radius = np.hypot(*x.T)
    match name:
        case "spiral":
            angle = (radius - 0.08) / 0.92 * 5 / 8 + k / 3  # in turns
            np.testing.assert_allclose(
                x, radius[:, None] * np.stack([np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)], 1)
            )
        case "circles":
            np.testing.assert_allclose(radius, [0.35, 0.85][k])
        case "xor":
            assert ((x[:, 0] * x[:, 1] > 0) == (k == 0)).all()
            assert np.abs(x).min() >= 0.08
        case "moons":
            centre = np.array([[-0.31, -0.15], [0.31, 0.15]][k])
            np.testing.assert_allclose(np.hypot(*(x - centre).T), 0.62)
            assert ((x[:, 1] >= centre[1]) if k == 0 else (x[:, 1] <= centre[1])).all()


def test_the_classes_of_a_spiral_are_turned_by_a_third() -> None:
    u = np.random.default_rng(3).random((50, 2))
    first, second = (FIGURES["spiral"].draw(np.full(50, k), u) for k in (0, 1))
    turn = 2 * np.pi / 3
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    np.testing.assert_allclose(first @ matrix.T, second)

"""Two layers that are another function in training: batch normalization by its statistics, dropout by its noise.

Their invariants are tested in test_layers.py, with all layers, and that a training with them is resumed to the byte in
runs/test_training_run.py.
"""

import numpy as np
import pytest

from nn_from_scratch.layers import BatchNorm, Dropout, Layer
from nn_from_scratch.layers.images import as_images, as_stored
from nn_from_scratch.network import Network
from tests.conftest import derivative_error

SHAPES = [(5,), (3, 4, 2)]
both_shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def built(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> Network:
    """A network of the layer alone, its parameters random."""
    network = Network([layer], shape, 0, np.float64)
    network.parameters[...] = rng.normal(size=network.parameters.shape)
    return network


def by_feature(x: np.ndarray) -> np.ndarray:
    """(features, all values of that feature)"""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


# ---- batch normalization ----


@both_shapes
def test_each_feature_of_a_batch_gets_the_mean_and_the_spread_that_are_learnt(shape, rng):
    layer = BatchNorm(epsilon=1e-12)
    built(layer, shape, rng)
    y = layer.forward(rng.normal(3, 5, (20, *shape)), training=True)
    np.testing.assert_allclose(by_feature(y).mean(axis=1), layer.beta, rtol=0, atol=1e-13)
    np.testing.assert_allclose(by_feature(y).std(axis=1), np.abs(layer.gamma), rtol=1e-11)


@both_shapes
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_the_gradients_of_batch_normalization_are_the_derivatives(shape, momentum, epsilon, rng):
    layer = BatchNorm(momentum, epsilon)
    built(layer, shape, rng)
    x, dy = rng.normal(1, 3, (7, *shape)), rng.normal(size=(7, *shape))
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    wanted = {"gamma": layer.dgamma.copy(), "beta": layer.dbeta.copy()}
    moved, dx = x.copy(), layer.backward_input(dy)
    f = lambda: float((layer.forward(moved, training=True) * dy).sum())  # noqa: E731
    assert derivative_error(f, moved, dx, rng) <= 1e-7
    for name, gradient in wanted.items():
        assert derivative_error(f, getattr(layer, name), gradient, rng) <= 1e-7, name


def test_a_single_sample_is_its_own_mean_and_teaches_the_shift_alone(rng):
    layer = BatchNorm()
    network = built(layer, (5,), rng)
    x, dy = rng.normal(size=(1, 5)), rng.normal(size=(1, 5))
    np.testing.assert_array_equal(layer.forward(x, training=True), [layer.beta])
    layer.backward_parameters(dy)
    np.testing.assert_array_equal(layer.dgamma, 0)
    np.testing.assert_array_equal(layer.dbeta, dy[0])
    np.testing.assert_array_equal(layer.backward_input(dy), 0)
    assert network.settle()
    np.testing.assert_allclose(layer.mean, 0.1 * x[0])
    np.testing.assert_allclose(layer.variance, 0.9)  # of 1 at the start; its own variance is 0, with nothing to scale


def test_a_single_image_is_normalized_over_its_pixels(rng):
    layer = BatchNorm(epsilon=0.1)
    built(layer, (3, 4, 2), rng)
    x, dy = rng.normal(size=(1, 3, 4, 2)), rng.normal(size=(1, 3, 4, 2))
    y = layer.forward(x, training=True)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), layer.beta, rtol=0, atol=1e-13)
    moved, dx = x.copy(), layer.backward_input(dy)
    f = lambda: float((layer.forward(moved, training=True) * dy).sum())  # noqa: E731
    assert derivative_error(f, moved, dx, rng) <= 1e-7


def test_a_feature_that_is_the_same_everywhere_becomes_the_shift():
    layer = BatchNorm()
    built(layer, (2,), np.random.default_rng(0))
    y = layer.forward(np.full((6, 2), 3.0), training=True)
    np.testing.assert_array_equal(y, np.broadcast_to(layer.beta, (6, 2)))
    assert np.isfinite(layer.backward_input(np.arange(12.0).reshape(6, 2))).all()


@both_shapes
@pytest.mark.parametrize("momentum", [0, 0.5, 0.99])
def test_the_running_statistics_are_the_share_that_is_kept_and_the_rest_of_the_batch(shape, momentum, rng):
    layer = BatchNorm(momentum)
    network = built(layer, shape, rng)
    mean, variance = np.zeros(shape[0]), np.ones(shape[0])
    np.testing.assert_array_equal(layer.mean, mean)
    np.testing.assert_array_equal(layer.variance, variance)
    for _ in range(3):
        x = rng.normal(2, 3, (9, *shape))
        layer.forward(x, training=True)
        assert network.settle()
        mean = momentum * mean + (1 - momentum) * by_feature(x).mean(axis=1)
        variance = momentum * variance + (1 - momentum) * by_feature(x).var(axis=1, ddof=1)
    np.testing.assert_allclose(layer.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(layer.variance, variance, rtol=1e-13)


@both_shapes
def test_without_training_the_running_statistics_count(shape, rng):
    layer = BatchNorm(epsilon=0.1)
    network = built(layer, shape, rng)
    network.state[...] = rng.uniform(0.5, 2, network.state.shape)
    x = rng.normal(size=(4, *shape))
    mean, variance, gamma, beta = (
        values.reshape(-1, *(1,) * (len(shape) - 1)) for values in (layer.mean, layer.variance, layer.gamma, layer.beta)
    )
    expected = gamma * (x - mean) / np.sqrt(variance + 0.1) + beta
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-12, atol=1e-12)


def test_a_number_added_to_all_or_a_factor_makes_no_difference(rng):
    """So a bias in the layer before it would never matter."""
    layer = BatchNorm(epsilon=1e-12)
    built(layer, (5,), rng)
    x = rng.normal(size=(8, 5))
    y = layer.forward(x, training=True)
    np.testing.assert_allclose(layer.forward(3 * x + [1, 2, 3, 4, 5], training=True), y, rtol=0, atol=1e-10)
    dx = layer.backward_input(rng.normal(size=(8, 5)))
    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose((dx * x).sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("momentum", [-0.1, 1, 1.5, float("nan")])
def test_batch_normalization_refuses_a_share_that_is_none(momentum):
    with pytest.raises(ValueError, match=f"from 0 up to, not including, 1, not {momentum!r}"):
        BatchNorm(momentum)


@pytest.mark.parametrize("epsilon", [0, -1e-5, float("nan")])
def test_batch_normalization_refuses_an_epsilon_that_divides_by_zero(epsilon):
    with pytest.raises(ValueError, match=f"must be a finite number above 0, not {epsilon!r}"):
        BatchNorm(epsilon=epsilon)


def test_batch_normalization_refuses_samples_of_two_axes():
    with pytest.raises(ValueError, match=r"takes \(features,\) or \(channels, rows, columns\), not \(28, 28\)"):
        BatchNorm().output_shape((28, 28))


# ---- dropout ----


def dropped(layer: Dropout, x: np.ndarray, seed: int) -> np.ndarray:
    layer.draw(np.random.default_rng(seed))
    return layer.forward(x, training=True)


def test_each_number_is_left_out_or_grows_so_that_the_mean_stays(rng):
    x = rng.uniform(1, 2, (200, 500))
    for rate in (0.1, 0.5, 0.75):
        y = dropped(Dropout(rate), x, 3)
        left_out = y == 0
        np.testing.assert_allclose(y[~left_out], x[~left_out] / (1 - rate), rtol=1e-14)
        assert left_out.mean() == pytest.approx(rate, abs=0.01)
        assert y.mean() == pytest.approx(x.mean(), rel=0.02)


def test_samples_features_and_pixels_are_left_out_one_by_one():
    kept = dropped(Dropout(0.5), np.ones((40, 30)), 0) > 0
    images = dropped(Dropout(0.5), as_images(np.ones((6, 7, 5, 8))), 0) > 0
    for rows in (kept, kept.T, images.reshape(40, -1), np.moveaxis(images, 1, 0).reshape(5, -1)):
        assert len(np.unique(rows, axis=0)) == len(rows)
        assert 0.2 < rows.mean(axis=1).min() < rows.mean(axis=1).max() < 0.8


@both_shapes
def test_the_gradient_of_dropout_is_the_derivative_and_goes_where_the_numbers_went(shape, rng):
    layer, x, dy = Dropout(0.4), rng.normal(size=(6, *shape)), rng.normal(size=(6, *shape))
    y = dropped(layer, x, 2)
    moved, dx = x.copy(), layer.backward_input(dy)
    np.testing.assert_array_equal(dx == 0, y == 0)
    f = lambda: float((layer.forward(moved, training=True) * dy).sum())  # noqa: E731
    assert derivative_error(f, moved, dx, rng) <= 1e-7


def test_what_is_left_out_does_not_depend_on_the_order_in_memory(rng):
    layer, x = Dropout(0.5), rng.normal(size=(6, 3, 4, 2))
    np.testing.assert_array_equal(dropped(layer, x, 1), dropped(layer, as_images(as_stored(x)), 1))


def test_without_a_rate_or_without_training_nothing_is_left_out(rng):
    x = rng.normal(size=(6, 5))
    np.testing.assert_array_equal(dropped(Dropout(0), x, 1), x)
    np.testing.assert_array_equal(Dropout(0.9).forward(x), x)


@pytest.mark.parametrize("rate", [-0.1, 1, 2, float("nan")])
def test_dropout_refuses_a_rate_that_is_none(rate):
    with pytest.raises(ValueError, match=f"from 0 up to, not including, 1, not {rate!r}"):
        Dropout(rate)

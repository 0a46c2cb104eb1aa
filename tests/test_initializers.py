"""The first weights: their scale, their bounds, and the names that recipes give them."""

import numpy as np
import pytest

from nn_from_scratch.errors import BadInput
from nn_from_scratch.initializers import (
    FIXED_SCALE,
    GIVEN_SCALE,
    fan_in,
    glorot,
    he,
    normal,
    parse_initializer,
    scaled_normal,
    uniform,
    zeros,
)
from nn_from_scratch.layers import Dense, ReLU
from nn_from_scratch.network import Network

SHAPE = (400, 500)  # (units, inputs), 200,000 draws: a sample deviation is within 1 % of the true one


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [
        (he, np.sqrt(2 / 500)),
        (scaled_normal, np.sqrt(1 / 500)),
        (glorot, np.sqrt(6 / 900) / np.sqrt(3)),
        (normal(0.01), 0.01),
        (uniform(0.3), 0.3 / np.sqrt(3)),
    ],
)
def test_draws_have_mean_zero_and_the_deviation_that_the_formula_names(initializer, deviation, rng):
    draws = initializer(SHAPE, rng)
    assert draws.shape == SHAPE
    assert draws.std() == pytest.approx(deviation, rel=0.01)
    assert abs(draws.mean()) < 4 * deviation / np.sqrt(draws.size)


@pytest.mark.parametrize("initializer", [he, scaled_normal, normal(1)])
def test_normal_draws_have_the_tails_of_a_normal_distribution(initializer, rng):
    draws = initializer(SHAPE, rng)
    assert (np.abs(draws) > 2 * draws.std()).mean() == pytest.approx(0.0455, abs=0.003)


@pytest.mark.parametrize(("initializer", "limit"), [(glorot, np.sqrt(6 / 900)), (uniform(1), 1), (uniform(0.25), 0.25)])
def test_uniform_draws_fill_their_interval_and_stay_inside(initializer, limit, rng):
    draws = initializer(SHAPE, rng)
    assert -limit <= draws.min() < -0.999 * limit
    assert 0.999 * limit < draws.max() < limit


def test_uniform_includes_its_lower_limit_and_not_its_upper():
    class Edge:
        """A generator that returns the ends of what it is asked for."""

        def uniform(self, low, high, shape):
            return np.array([low, np.nextafter(high, low)])

    np.testing.assert_array_equal(uniform(1)((2,), Edge()), [-1, np.nextafter(1, 0)])


def test_zeros_are_zero_and_draw_nothing(rng):
    before = rng.bit_generator.state
    np.testing.assert_array_equal(zeros((3, 4), rng), np.zeros((3, 4)))
    assert rng.bit_generator.state == before


def test_fan_in_counts_the_inputs_of_one_unit():
    assert fan_in((10, 784)) == 784
    assert fan_in((8, 3, 5, 5)) == 75


@pytest.mark.parametrize("initializer", [he, glorot, scaled_normal, normal(0.1), uniform(1)])
def test_the_same_generator_state_gives_the_same_draws(initializer):
    first, again, other = (initializer((3, 4), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_both_precisions_start_from_the_same_draws():
    layers = [[Dense(20, uniform(1), uniform(1)), ReLU(), Dense(10, he, normal(0.1))] for _ in range(2)]
    single, double = Network(layers[0], (30,), 7, np.float32), Network(layers[1], (30,), 7, np.float64)
    np.testing.assert_array_equal(single.parameters, double.parameters.astype(np.float32))


def test_biases_start_at_zero_unless_told_otherwise():
    dense = Dense(5)
    Network([dense], (3,), 0)
    assert not dense.b.any()
    assert dense.W.all()


# ---- names ----


@pytest.mark.parametrize("name", FIXED_SCALE)
def test_names_without_a_scale_are_understood(name):
    assert parse_initializer(name) is FIXED_SCALE[name]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("normal:0.01", normal(0.01)),
        ("uniform:1", uniform(1)),
        ("uniform:1e-3", uniform(1e-3)),
        ("normal:2", normal(2)),
    ],
)
def test_names_with_a_scale_are_understood(text, same):
    parsed = parse_initializer(text)((5, 6), np.random.default_rng(0))
    np.testing.assert_array_equal(parsed, same((5, 6), np.random.default_rng(0)))


@pytest.mark.parametrize(
    "text",
    [
        *("", "xavier", "He", "he:2", "zeros:1", "normal", "uniform", "normal:", "normal:x", "normal:1,5", ":1"),
        *("normal:0", "uniform:-1", "normal:inf", "uniform:nan", "uniform:1:2"),
    ],
)
def test_any_other_text_is_refused_with_what_is_known(text):
    with pytest.raises(BadInput) as caught:
        parse_initializer(text)
    assert repr(text) in str(caught.value)
    for name in (*FIXED_SCALE, *(f"{name}:SCALE" for name in GIVEN_SCALE)):
        assert name in str(caught.value)

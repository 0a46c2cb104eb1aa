"""The first weights: their scale, their bounds, and the names that recipes give them."""

import numpy as np
import pytest

from nn_from_scratch.errors import BadInput
from nn_from_scratch.initializers import (
    INITIALIZERS,
    Glorot,
    He,
    Normal,
    ScaledNormal,
    Uniform,
    Zeros,
    as_initializer,
    fan_in,
    fan_out,
)
from nn_from_scratch.layers import Dense, ReLU
from nn_from_scratch.network import Network

SHAPE = (400, 500)  # (units, inputs), 200,000 draws: a sample deviation is within 1 % of the true one


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [
        (He(), np.sqrt(2 / 500)),
        (ScaledNormal(), np.sqrt(1 / 500)),
        (ScaledNormal(fan="out"), np.sqrt(1 / 400)),
        (Glorot(), np.sqrt(6 / 900) / np.sqrt(3)),
        (Normal(0.01), 0.01),
        (Uniform(0.3), 0.3 / np.sqrt(3)),
    ],
)
def test_draws_have_mean_zero_and_the_deviation_that_the_formula_names(initializer, deviation, rng):
    draws = initializer(SHAPE, rng)
    assert draws.shape == SHAPE
    assert draws.std() == pytest.approx(deviation, rel=0.01)
    assert abs(draws.mean()) < 4 * deviation / np.sqrt(draws.size)


@pytest.mark.parametrize("initializer", [He(), ScaledNormal(), Normal(1)])
def test_normal_draws_have_the_tails_of_a_normal_distribution(initializer, rng):
    draws = initializer(SHAPE, rng)
    assert (np.abs(draws) > 2 * draws.std()).mean() == pytest.approx(0.0455, abs=0.003)


@pytest.mark.parametrize(
    ("initializer", "limit"), [(Glorot(), np.sqrt(6 / 900)), (Uniform(1), 1), (Uniform(0.25), 0.25)]
)
def test_uniform_draws_fill_their_interval_and_stay_inside(initializer, limit, rng):
    draws = initializer(SHAPE, rng)
    assert -limit <= draws.min() < -0.999 * limit
    assert 0.999 * limit < draws.max() < limit


def test_uniform_includes_its_lower_limit_and_not_its_upper():
    class Edge:
        """A generator that returns the ends of what it is asked for."""

        def uniform(self, low, high, shape):
            return np.array([low, np.nextafter(high, low)])

    np.testing.assert_array_equal(Uniform(1)((2,), Edge()), [-1, np.nextafter(1, 0)])


def test_zeros_are_zero_and_draw_nothing(rng):
    before = rng.bit_generator.state
    np.testing.assert_array_equal(Zeros()((3, 4), rng), np.zeros((3, 4)))
    assert rng.bit_generator.state == before


def test_fan_in_counts_the_inputs_of_one_unit():
    assert fan_in((10, 784)) == 784
    assert fan_in((8, 3, 5, 5)) == 75


def test_fan_out_counts_the_sums_that_one_input_takes_part_in():
    assert fan_out((10, 784)) == 10
    assert fan_out((8, 3, 5, 5)) == 200


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [(He(), 2 / 75), (ScaledNormal(), 1 / 75), (Glorot(), 2 / (75 + 25 * 1000)), (Normal(0.3), 0.09)],
)
def test_the_fans_are_right_for_kernels_too(initializer, variance, rng):
    assert initializer((1000, 3, 5, 5), rng).var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("initializer", [He(), Glorot(), ScaledNormal(), Normal(0.1), Uniform(1)])
def test_the_same_generator_state_gives_the_same_draws(initializer):
    first, again, other = (initializer((3, 4), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_both_precisions_start_from_the_same_draws():
    layers = [[Dense(20, Uniform(1), Uniform(1)), ReLU(), Dense(10, He(), Normal(0.1))] for _ in range(2)]
    single, double = Network(layers[0], (30,), 7, np.float32), Network(layers[1], (30,), 7, np.float64)
    np.testing.assert_array_equal(single.parameters, double.parameters.astype(np.float32))


def test_biases_start_at_zero_unless_told_otherwise():
    dense = Dense(5)
    Network([dense], (3,), 0)
    assert not dense.b.any()
    assert dense.W.all()


# ---- names ----


@pytest.mark.parametrize("name", INITIALIZERS.ready())
def test_names_without_a_scale_are_understood(name):
    assert type(as_initializer(name)) is INITIALIZERS[name]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("normal:0.01", Normal(0.01)),
        ("uniform:1", Uniform(1)),
        ("uniform:1e-3", Uniform(1e-3)),
        ("normal:2", Normal(2)),
        ("normal:deviation=2", Normal(2)),
    ],
)
def test_names_with_a_scale_are_understood(text, same):
    parsed = as_initializer(text)((5, 6), np.random.default_rng(0))
    np.testing.assert_array_equal(parsed, same((5, 6), np.random.default_rng(0)))


@pytest.mark.parametrize("text", ["", "xavier", "He", ":1", "Normal:1"])
def test_an_unknown_name_is_refused_with_what_is_known(text):
    with pytest.raises(BadInput) as caught:
        as_initializer(text)
    known = "zeros, normal:DEVIATION, uniform:LIMIT, scaled-normal, he, glorot"
    assert str(caught.value) == f"unknown initializer {text.split(':')[0]!r}: expected one of {known}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("he:2", "expected he"),
        ("zeros:1", "expected zeros"),
        ("normal", "expected normal:DEVIATION"),
        ("uniform", "expected uniform:LIMIT"),
        ("uniform:1:2", "expected uniform:LIMIT"),
        ("normal:", "deviation is '', expected a number"),
        ("normal:x", "deviation is 'x', expected a number"),
        ("normal:1,5", "deviation is '1,5', expected a number"),
        ("normal:0", "the deviation must be a finite number above 0, not 0.0"),
        ("uniform:-1", "the limit must be a finite number above 0, not -1.0"),
        ("normal:inf", "the deviation must be a finite number above 0, not inf"),
        ("uniform:nan", "the limit must be a finite number above 0, not nan"),
    ],
)
def test_a_scale_that_can_not_be_is_refused(text, message):
    with pytest.raises(BadInput) as caught:
        as_initializer(text)
    assert str(caught.value) == f"initializer {text}: {message}"

"""The losses: values by hand, derivatives, the shortcut, and what happens where logarithms are infinite."""

import numpy as np
import pytest

from nn_from_scratch.layers import Sigmoid, Softmax
from nn_from_scratch.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from tests.conftest import derivative_error, one_hot

SMOOTHED = CrossEntropy(smoothing=0.2)
every_loss = pytest.mark.parametrize(
    "loss", [*(new() for new in LOSSES.values()), SMOOTHED], ids=[*LOSSES, "label smoothing"]
)
matching_pairs = pytest.mark.parametrize(
    ("loss", "activation"),
    [(CrossEntropy(), Softmax), (SMOOTHED, Softmax), (BinaryCrossEntropy(), Sigmoid)],
    ids=["softmax and cross-entropy", "softmax and label smoothing", "sigmoid and binary cross-entropy"],
)
both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.mark.parametrize(
    ("loss", "p", "t", "value"),
    [
        (MeanSquaredError(), [[0.5, 1.0], [0.0, 0.25]], [[1, 1], [0, 0]], (0.25 + 0.0625) / 4),
        (BinaryCrossEntropy(), [[0.25], [0.75]], [[0], [0]], (np.log(4 / 3) + np.log(4)) / 2),
        (BinaryCrossEntropy(), [[0.25, 0.5]], [[1, 0]], (np.log(4) + np.log(2)) / 2),
        (CrossEntropy(), [[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], [[0, 1, 0], [0, 1, 0]], (np.log(4) + np.log(1.25)) / 2),
        (CrossEntropy(), [[0.5, 0.25, 0.25]], [[0.5, 0.5, 0]], (np.log(2) + np.log(4)) / 2),
        (CrossEntropy(0.4), [[0.5, 0.25, 0.125, 0.125]], [[0, 1, 0, 0]], (0.1 + 0.7 * 2 + 2 * 0.1 * 3) * np.log(2)),
    ],
)
def test_values_computed_by_hand(loss, p, t, value):
    assert loss.value(np.array(p), np.array(t, float)) == pytest.approx(value, rel=1e-14)


@every_loss
def test_the_gradient_is_the_derivative(loss, rng):
    p, t = rng.uniform(0.1, 0.9, (5, 4)), rng.uniform(size=(5, 4))  # soft targets: no term is left out
    assert derivative_error(lambda: loss.value(p, t), p, loss.gradient(p, t), rng) <= 1e-7


@matching_pairs
def test_the_gradient_through_the_matching_activation_is_the_derivative(loss, activation, rng):
    z, t, f = rng.normal(size=(5, 4)), one_hot(rng, 5, 4), activation()
    assert derivative_error(lambda: loss.value(f.forward(z), t), z, loss.logit_gradient(f.forward(z), t), rng) <= 1e-7


@matching_pairs
def test_the_shortcut_equals_the_chain_rule(loss, activation, rng):
    assert loss.matching_activation is activation
    f, t = activation(), one_hot(rng, 20, 4)
    p = f.forward(rng.normal(0, 2, (20, 4)), training=True)
    long_way = f.backward_input(loss.gradient(p, t))
    np.testing.assert_allclose(loss.logit_gradient(p, t), long_way, rtol=1e-12, atol=1e-16)


def test_squared_errors_have_no_matching_activation():
    assert MeanSquaredError().matching_activation is None


def test_the_softmax_shortcut_takes_soft_targets_too(rng):
    """t need not be one-hot, but it must sum to 1: then the derivative is (p − t) / N."""
    loss, f, t = CrossEntropy(), Softmax(), rng.dirichlet(np.ones(4), 6)
    p = f.forward(rng.normal(size=(6, 4)), training=True)
    np.testing.assert_allclose(loss.logit_gradient(p, t), f.backward_input(loss.gradient(p, t)), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("smoothing", [-0.1, 1, np.nan, np.inf])
def test_a_smoothing_that_is_no_share_is_refused(smoothing):
    with pytest.raises(ValueError, match=r"smoothing of CrossEntropy must be from 0 up to, not including, 1, not"):
        CrossEntropy(smoothing)


@every_loss
def test_a_loss_is_a_mean_so_the_batch_size_does_not_change_it(loss, rng):
    p, t = rng.uniform(0.1, 0.9, (5, 4)), one_hot(rng, 5, 4)
    assert loss.value(np.tile(p, (3, 1)), np.tile(t, (3, 1))) == pytest.approx(loss.value(p, t), rel=1e-14)
    np.testing.assert_allclose(loss.gradient(np.tile(p, (3, 1)), np.tile(t, (3, 1)))[:5] * 3, loss.gradient(p, t))


@every_loss
@both_precisions
def test_gradients_keep_the_dtype_and_values_are_python_floats(loss, dtype, rng):
    p, t = rng.uniform(0.1, 0.9, (5, 4)).astype(dtype), one_hot(rng, 5, 4, dtype)
    assert type(loss.value(p, t)) is float
    assert loss.gradient(p, t).dtype == dtype
    if loss.matching_activation:
        assert loss.logit_gradient(p, t).dtype == dtype


@every_loss
def test_predictions_and_targets_are_left_as_they_were(loss, rng):
    p, t = rng.uniform(size=(5, 4)), one_hot(rng, 5, 4)
    p.flags.writeable = t.flags.writeable = False
    loss.value(p, t)
    loss.gradient(p, t)
    if loss.matching_activation:
        loss.logit_gradient(p, t)


@every_loss
@pytest.mark.parametrize("activation", [Sigmoid, Softmax])
@both_precisions
def test_logits_of_ten_thousand_give_finite_values_and_gradients(loss, activation, dtype):
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [-1e4, -1e4, 1e4]], dtype)
    f = activation()
    with np.errstate(all="raise", under="ignore"):
        p = f.forward(z, training=True)
        for right in range(3):
            t = np.zeros_like(p)
            t[:, right] = 1
            dp = loss.gradient(p, t)
            results = [loss.value(p, t), dp, f.backward_input(dp)]
            if loss.matching_activation:
                results.append(loss.logit_gradient(p, t))
            assert all(np.isfinite(result).all() for result in results)


@both_precisions
@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CrossEntropy()], ids=lambda loss: type(loss).__name__)
def test_a_certain_but_wrong_prediction_costs_much_and_a_right_one_nothing(loss, dtype):
    p = np.array([[1, 0]], dtype)
    assert loss.value(p, np.array([[0, 1]], dtype)) > 15
    assert 0 <= loss.value(p, np.array([[1, 0]], dtype)) < 1e-6


@every_loss
@both_precisions
def test_a_nan_is_never_hidden(loss, dtype, rng):
    p, t = rng.uniform(0.1, 0.9, (5, 4)).astype(dtype), one_hot(rng, 5, 4, dtype)
    for k in range(4):  # where the target is 1 and where it is 0
        broken = p.copy()
        broken[2, k] = np.nan
        assert np.isnan(loss.value(broken, t))
        assert np.isnan(loss.gradient(broken, t)[2, k])

"""The optimizers against their textbook formulas, one number at a time, and the promise that they allocate nothing."""

import tracemalloc
from copy import deepcopy
from math import sqrt

import numpy as np
import pytest

from nn_from_scratch.optimizers import OPTIMIZERS, SGD, Adam, Optimizer

STEPS = 12


class ReferenceSGD:
    """One parameter, plain Python."""

    def __init__(self, momentum=0.0, nesterov=False, weight_decay=0.0):
        self.momentum, self.nesterov, self.weight_decay, self.v = momentum, nesterov, weight_decay, 0.0

    def step(self, theta: float, g: float, rate: float) -> float:
        theta = theta - rate * self.weight_decay * theta
        self.v = self.momentum * self.v + g
        return theta - rate * (g + self.momentum * self.v if self.nesterov else self.v)


class ReferenceAdam:
    """One parameter, plain Python, every moment and every correction in its own line, as in the paper."""

    def __init__(self, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
        self.beta1, self.beta2, self.epsilon, self.weight_decay = beta1, beta2, epsilon, weight_decay
        self.m = self.v = 0.0
        self.t = 0

    def step(self, theta: float, g: float, rate: float) -> float:
        self.t += 1
        theta = theta - rate * self.weight_decay * theta
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g * g
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        return theta - rate * m_hat / (sqrt(v_hat) + self.epsilon)


VARIANTS = [
    (SGD, ReferenceSGD, {}),
    (SGD, ReferenceSGD, {"weight_decay": 0.1}),
    (SGD, ReferenceSGD, {"momentum": 0.9}),
    (SGD, ReferenceSGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (SGD, ReferenceSGD, {"momentum": 0.7, "nesterov": True}),
    (SGD, ReferenceSGD, {"momentum": 0.7, "nesterov": True, "weight_decay": 0.1}),
    (Adam, ReferenceAdam, {}),
    (Adam, ReferenceAdam, {"weight_decay": 0.1}),
    (Adam, ReferenceAdam, {"beta1": 0.5, "beta2": 0.9, "epsilon": 0.3}),
    (Adam, ReferenceAdam, {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-3}),
]
every_variant = pytest.mark.parametrize(("new", "reference", "options"), VARIANTS)


@every_variant
def test_steps_are_those_of_the_formula_number_by_number(new, reference, options, rng):
    optimizer, theta = new(**options), rng.normal(size=5)
    expected, references = theta.tolist(), [reference(**options) for _ in range(5)]
    for step in range(STEPS):
        g, rate = rng.normal(size=5), 0.1 / (step + 1)  # the rate changes, as a schedule changes it
        expected = [r.step(e, g_i, rate) for r, e, g_i in zip(references, expected, g.tolist(), strict=True)]
        optimizer.step(theta, g, rate)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)
    assert optimizer.steps == STEPS


@every_variant
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_change_in_place_gradients_not_at_all_and_the_dtype_is_kept(new, reference, options, dtype, rng):
    optimizer, theta, g = new(**options), rng.normal(size=50).astype(dtype), rng.normal(size=50).astype(dtype)
    before, g_before = theta.copy(), g.copy()
    g.flags.writeable = False
    for _ in range(3):
        optimizer.step(theta, g, 0.01)
    assert (theta != before).all()
    np.testing.assert_array_equal(g, g_before)
    assert {array.dtype for array in (*optimizer.state.values(), optimizer.scratch)} == {np.dtype(dtype)}


@every_variant
def test_no_array_is_made_after_the_first_step(new, reference, options, rng):
    size = 200_000
    optimizer, theta, g = new(**options), rng.normal(size=size), rng.normal(size=size)
    optimizer.step(theta, g, 0.01)
    tracemalloc.start()
    try:
        for _ in range(3):
            optimizer.step(theta, g, 0.01)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < theta.nbytes / 20


@every_variant
def test_weight_decay_shrinks_the_weights_and_leaves_no_trace_in_the_memory(new, reference, options, rng):
    """Decoupled: a larger decay changes θ by the factor 1 − ηλ alone, not what is remembered of the gradients."""
    with_decay, without = new(**{**options, "weight_decay": 0.5}), new(**{**options, "weight_decay": 0.0})
    theta, g = rng.normal(size=20), rng.normal(size=20)
    decayed, plain = theta.copy(), theta.copy()
    with_decay.step(decayed, g, 0.1)
    without.step(plain, g, 0.1)
    np.testing.assert_allclose(plain - decayed, 0.1 * 0.5 * theta, rtol=1e-9)
    with_decay.step(decayed, 2 * g, 0.1)
    without.step(plain, 2 * g, 0.1)
    for name, remembered in with_decay.state.items():
        np.testing.assert_array_equal(remembered, without.state[name])


@every_variant
def test_state_and_steps_are_all_it_takes_to_go_on_later(new, reference, options, rng):
    gradients = rng.normal(size=(10, 20))
    optimizer, theta = new(**options), rng.normal(size=20)
    for g in gradients[:5]:
        optimizer.step(theta, g, 0.1)
    resumed, resumed_theta = new(**options), theta.copy()
    resumed.state, resumed.steps = deepcopy(optimizer.state), optimizer.steps
    for g in gradients[5:]:
        optimizer.step(theta, g, 0.1)
        resumed.step(resumed_theta, g, 0.1)
    np.testing.assert_array_equal(resumed_theta, theta)


def test_plain_sgd_remembers_nothing(rng):
    sgd = SGD()
    sgd.step(rng.normal(size=3), rng.normal(size=3), 0.1)
    assert sgd.state == {}


def test_the_first_step_of_adam_has_the_length_of_the_rate_whatever_the_gradient():
    theta = np.zeros(3)
    Adam().step(theta, np.array([1e-4, -3.0, 1e5]), 0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-3)


def test_a_parameter_that_never_had_a_gradient_stays_where_it_is():
    for optimizer in (SGD(0.9), Adam()):
        theta = np.ones(2)
        optimizer.step(theta, np.array([0.0, 1.0]), 0.1)
        assert theta[0] == 1 != theta[1]


def test_a_network_without_parameters_can_be_stepped():
    for optimizer in (SGD(), SGD(0.9), Adam()):
        optimizer.step(np.zeros(0), np.zeros(0), 0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=1), "momentum must be from 0 up to, not including, 1, not 1"),
        (lambda: SGD(momentum=-0.1), "not -0.1"),
        (lambda: SGD(momentum=float("nan")), "not nan"),
        (lambda: SGD(nesterov=True), "Nesterov's method needs a momentum above 0"),
        (lambda: SGD(weight_decay=-1), "weight_decay must be a finite number from 0 up, not -1"),
        (lambda: Adam(weight_decay=float("inf")), "not inf"),
        (lambda: Adam(weight_decay=float("nan")), "not nan"),
        (lambda: Adam(beta1=1), "beta1 and beta2 must be from 0 up to, not including, 1, not 1 and 0.999"),
        (lambda: Adam(beta2=-0.5), "not 0.9 and -0.5"),
        (lambda: Adam(epsilon=0), "epsilon must be above 0, not 0"),
    ],
)
def test_impossible_settings_are_refused_with_the_value_in_the_message(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_every_name_a_recipe_can_use_is_that_of_an_optimizer():
    assert all(issubclass(new, Optimizer) for new in OPTIMIZERS.values())

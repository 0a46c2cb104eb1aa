"""Every layer's derivatives, and the invariants that the contract in layers/layer.py promises.

The invariants run over a table with one entry for each layer. A layer that joins LAYERS needs a line here, and then
everything below is tested for it too.
"""

from collections.abc import Callable

import numpy as np
import pytest

from nn_from_scratch.layers import LAYERS, Activation, Dense, Layer, ReLU, Sigmoid, Softmax
from nn_from_scratch.network import Network
from nn_from_scratch.storage import SavedNetwork, load, save
from tests.conftest import away_from_zero, derivative_error

# A layer ready to be tested: how to make it, and the shape of its samples.
CASES: dict[str, tuple[Callable[[], Layer], tuple[int, ...]]] = {
    "Dense": (lambda: Dense(4), (3,)),
    "ReLU": (ReLU, (5,)),
    "Sigmoid": (Sigmoid, (5,)),
    "Softmax": (Softmax, (5,)),
}
N = 6

every_layer = pytest.mark.parametrize("name", CASES)
both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def make(name: str, rng: np.random.Generator, dtype: type = np.float64) -> tuple[Layer, np.ndarray, np.ndarray]:
    """A layer with its arrays allocated and filled, an input and an upstream gradient, none of them writeable."""
    new, input_shape = CASES[name]
    layer = new()
    network = Network([layer], input_shape, rng, dtype)
    network.parameters[...] = rng.normal(size=network.parameters.shape)
    x = away_from_zero(rng, (N, *input_shape)).astype(dtype)
    dy = rng.normal(size=(N, *layer.output_shape(input_shape))).astype(dtype)
    x.flags.writeable = dy.flags.writeable = False
    return layer, x, dy


def names_of_parameters(name: str) -> list[str]:
    new, input_shape = CASES[name]
    return list(new().parameter_shapes(input_shape))


def gradients(layer: Layer, name: str) -> dict[str, np.ndarray]:
    return {parameter: getattr(layer, f"d{parameter}") for parameter in names_of_parameters(name)}


def test_every_layer_has_its_case():
    assert set(CASES) == set(LAYERS)
    assert all(type(new()).__name__ == name for name, (new, _) in CASES.items())


# ---- derivatives ----


@every_layer
def test_the_input_gradient_is_the_derivative(name, rng):
    layer, x, dy = make(name, rng)
    layer.forward(x, training=True)
    dx = layer.backward_input(dy)
    moved = x.copy()
    assert derivative_error(lambda: float((layer.forward(moved) * dy).sum()), moved, dx, rng) <= 1e-7


@pytest.mark.parametrize(("name", "parameter"), [(n, p) for n in CASES for p in names_of_parameters(n)])
def test_each_parameter_gradient_is_the_derivative(name, parameter, rng):
    layer, x, dy = make(name, rng)
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    at, gradient = getattr(layer, parameter), getattr(layer, f"d{parameter}")
    assert derivative_error(lambda: float((layer.forward(x) * dy).sum()), at, gradient, rng) <= 1e-7


def test_for_softmax_an_upstream_gradient_of_ones_gives_zero(rng):
    """Each row sums to 1 whatever x is. A test with ones would pass a backward_input that returns zeros."""
    softmax, x, dy = make("Softmax", rng)
    softmax.forward(x, training=True)
    np.testing.assert_allclose(softmax.backward_input(np.ones_like(dy)), 0, atol=1e-15)
    assert np.abs(softmax.backward_input(dy)).max() > 0.01


# ---- invariants of the contract ----


@every_layer
def test_a_batch_is_the_same_as_its_samples_one_by_one(name, rng):
    layer, x, dy = make(name, rng)
    y = layer.forward(x, training=True)
    layer.backward_parameters(dy)
    dx = layer.backward_input(dy)
    of_batch = {parameter: gradient.copy() for parameter, gradient in gradients(layer, name).items()}

    summed = {parameter: np.zeros_like(gradient) for parameter, gradient in of_batch.items()}
    for n in range(N):
        np.testing.assert_allclose(layer.forward(x[n : n + 1], training=True)[0], y[n], rtol=1e-13)
        layer.backward_parameters(dy[n : n + 1])
        for parameter, gradient in gradients(layer, name).items():
            summed[parameter] += gradient
        np.testing.assert_allclose(layer.backward_input(dy[n : n + 1])[0], dx[n], rtol=1e-11, atol=1e-15)
    for parameter, gradient in of_batch.items():
        np.testing.assert_allclose(summed[parameter], gradient, rtol=1e-12)


@every_layer
@both_precisions
def test_inputs_and_upstream_gradients_are_left_as_they_were(name, dtype, rng):
    layer, x, dy = make(name, rng, dtype)  # both arrays are read-only: writing into them would raise
    x_before, dy_before = x.copy(), dy.copy()
    y = layer.forward(x, training=True)
    y.flags.writeable = False  # nor may the way back write into what the next layer was given
    layer.backward_parameters(dy)
    layer.backward_input(dy)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)


@every_layer
def test_results_do_not_share_memory_with_what_was_passed_in(name, rng):
    layer, x, dy = make(name, rng)
    assert not np.shares_memory(layer.forward(x, training=True), x)
    assert not np.shares_memory(layer.backward_input(dy), dy)


@every_layer
@both_precisions
def test_the_dtype_is_kept(name, dtype, rng):
    layer, x, dy = make(name, rng, dtype)
    assert layer.forward(x).dtype == dtype
    assert layer.forward(x, training=True).dtype == dtype
    layer.backward_parameters(dy)
    assert layer.backward_input(dy).dtype == dtype
    assert all(gradient.dtype == dtype for gradient in gradients(layer, name).values())


@every_layer
def test_forward_without_training_keeps_nothing(name, rng):
    layer, x, _ = make(name, rng)
    before = dict(vars(layer))
    layer.forward(x)
    assert vars(layer) == before


@every_layer
def test_predicting_between_forward_and_backward_disturbs_nothing(name, rng):
    layer, x, dy = make(name, rng)
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    dx, before = layer.backward_input(dy), {k: g.copy() for k, g in gradients(layer, name).items()}

    layer.forward(x, training=True)
    layer.forward(-2 * x[:3])
    layer.backward_parameters(dy)
    np.testing.assert_array_equal(layer.backward_input(dy), dx)
    for parameter, gradient in gradients(layer, name).items():
        np.testing.assert_array_equal(gradient, before[parameter])


@every_layer
def test_gradients_are_overwritten_not_accumulated(name, rng):
    layer, x, dy = make(name, rng)
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    once = {parameter: gradient.copy() for parameter, gradient in gradients(layer, name).items()}
    layer.backward_parameters(dy)
    for parameter, gradient in gradients(layer, name).items():
        assert np.abs(gradient).max() > 0
        np.testing.assert_array_equal(gradient, once[parameter])


@every_layer
def test_the_declared_output_shape_is_that_of_the_output(name, rng):
    layer, x, dy = make(name, rng)
    y = layer.forward(x, training=True)
    assert y.shape == (N, *layer.output_shape(x.shape[1:]))
    assert layer.backward_input(dy).shape == x.shape


@every_layer
def test_the_config_rebuilds_the_layer(name, rng):
    layer, _, _ = make(name, rng)
    rebuilt = type(layer)(**layer.config())
    assert rebuilt.config() == layer.config()
    input_shape = CASES[name][1]
    assert rebuilt.output_shape(input_shape) == layer.output_shape(input_shape)
    assert rebuilt.parameter_shapes(input_shape) == layer.parameter_shapes(input_shape)


@every_layer
@both_precisions
def test_a_network_with_the_layer_survives_json_bit_for_bit(name, dtype, rng, tmp_path):
    layer, x, _ = make(name, rng, dtype)
    network = Network([layer], x.shape[1:], 0, dtype)
    network.parameters[...] = rng.normal(size=network.parameters.shape)
    save(SavedNetwork(network, tuple(range(network.output_shape[0]))), tmp_path / "network.json")
    again = load(tmp_path / "network.json").network
    assert type(again.layers[0]) is type(layer)
    assert again.parameters.tobytes() == network.parameters.tobytes()
    assert again.forward(x).tobytes() == network.forward(x).tobytes()


# ---- what each layer computes ----


def test_dense_is_the_weighted_sum_plus_bias():
    dense = Dense(2)
    Network([dense], (3,), 0, np.float64)
    dense.W[...] = [[1, 2, 3], [-1, 0, 1]]
    dense.b[...] = [10, 20]
    np.testing.assert_array_equal(dense.forward(np.array([[1.0, 1, 1], [0, 2, -1]])), [[16, 20], [11, 19]])


def test_dense_starts_from_its_two_initializers():
    dense = Dense(2, lambda shape, rng: np.full(shape, 3.0), lambda shape, rng: np.full(shape, 7.0))
    Network([dense], (4,), 0)
    np.testing.assert_array_equal(dense.W, np.full((2, 4), 3))
    np.testing.assert_array_equal(dense.b, [7, 7])


@pytest.mark.parametrize("units", [0, -3, 2.0, 1.5, "ten", None])
def test_dense_refuses_an_impossible_number_of_units(units):
    with pytest.raises(ValueError, match=f"whole number of units from 1 up, not {units!r}"):
        Dense(units)


def test_dense_takes_a_numpy_integer_and_keeps_a_plain_one():
    assert type(Dense(np.int64(3)).config()["units"]) is int


def test_dense_refuses_samples_that_are_not_flat():
    with pytest.raises(ValueError, match=r"flat samples \(inputs,\), not samples of shape \(28, 28\)"):
        Dense(3).output_shape((28, 28))


def test_relu_silences_what_is_negative_and_has_slope_zero_at_zero():
    relu = ReLU()
    np.testing.assert_array_equal(relu.forward(np.array([[-2.0, 0, 3]]), training=True), [[0, 0, 3]])
    np.testing.assert_array_equal(relu.backward_input(np.array([[5.0, 6, 7]])), [[0, 0, 7]])


def test_sigmoid_has_its_known_values_and_symmetry(rng):
    sigmoid = Sigmoid()
    np.testing.assert_allclose(sigmoid.forward(np.array([[0, np.log(3), -np.log(3)]])), [[0.5, 0.75, 0.25]], rtol=1e-15)
    x = rng.normal(0, 5, (10, 10))
    np.testing.assert_allclose(sigmoid.forward(x) + sigmoid.forward(-x), 1, rtol=1e-15)


def test_softmax_has_its_known_values_and_sums_to_one(rng):
    softmax = Softmax()
    np.testing.assert_allclose(softmax.forward(np.log([[1.0, 2, 5]])), [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-14)
    np.testing.assert_allclose(softmax.forward(rng.normal(0, 9, (10, 7))).sum(axis=1), 1, rtol=1e-14)


def test_softmax_does_not_change_when_a_number_is_added_to_a_row(rng):
    softmax, x, _ = make("Softmax", rng)
    np.testing.assert_allclose(softmax.forward(x + 1000), softmax.forward(x), rtol=1e-11)


def test_softmax_refuses_samples_that_are_not_rows():
    with pytest.raises(ValueError, match=r"one row of numbers a sample, not samples of shape \(28, 28\)"):
        Softmax().output_shape((28, 28))


@pytest.mark.parametrize("activation", [ReLU, Sigmoid])
def test_activations_that_work_one_by_one_take_any_shape(activation, rng):
    assert issubclass(activation, Activation)
    assert activation().output_shape((3, 4)) == (3, 4)
    assert activation().forward(rng.normal(size=(2, 3, 4))).shape == (2, 3, 4)


# ---- numbers at the edge ----


@pytest.mark.parametrize("activation", [ReLU, Sigmoid, Softmax])
@both_precisions
def test_huge_inputs_give_finite_outputs_and_gradients(activation, dtype, rng):
    x = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4], [-1e4, 0, 3]], dtype)
    layer = activation()
    with np.errstate(all="raise", under="ignore"):
        y = layer.forward(x, training=True)
        dx = layer.backward_input(rng.normal(size=x.shape).astype(dtype))
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


def test_sigmoid_keeps_tiny_probabilities_apart_from_zero():
    """1 − σ(−x), the same on paper, would give 0."""
    y = Sigmoid().forward(np.array([[-80.0, -700.0]]))
    np.testing.assert_allclose(y, np.exp([[-80.0, -700.0]]), rtol=1e-13)


@every_layer
def test_nan_is_passed_on(name, rng):
    layer, x, _ = make(name, rng)
    x = x.copy()
    x[1, 2] = np.nan
    y = layer.forward(x)
    assert np.isnan(y[1]).any()
    assert np.isfinite(y[[0, 2, 3, 4, 5]]).all()

"""Every layer's derivatives, and the invariants that the contract in layers/layer.py promises.

The invariants run over the table of layers, and over three that live in the tests: a layer in the table is tested for
all of them, by every choice in its constructor and on every shape that it takes.
"""

import numpy as np
import pytest

from nn_from_scratch.initializers import Initializer, Normal
from nn_from_scratch.layers import LAYERS, Activation, Dense, Layer, ReLU, Sigmoid, Softmax
from nn_from_scratch.network import Network
from nn_from_scratch.storage import SavedNetwork, load, save
from tests.conftest import away_from_zero, derivative_error
from tests.layer_cases import TABLE, Case, cases
from tests.own_layers import Row

N = 6
CASES = cases()

every_layer = pytest.mark.parametrize("case", CASES, ids=str)
both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draws(layer: Layer) -> bool:
    return type(layer).draw is not Layer.draw


def has_state(layer: Layer) -> bool:
    return type(layer).state_shapes is not Layer.state_shapes


def network_of(case: Case, rng: np.random.Generator, dtype: type = np.float64) -> Network:
    """A network of this layer alone, as `moved` leaves it."""
    return moved(Network([case.make()], case.input_shape, rng, dtype), rng)


def moved(network: Network, rng: np.random.Generator) -> Network:
    """The network with its parameters and its noise drawn anew, and its state moved by a step."""
    network.parameters[...] = rng.normal(size=network.parameters.shape)
    network.draw(rng)
    network.forward(away_from_zero(rng, (N, *network.input_shape)).astype(network.dtype), training=True)
    assert network.settle()
    return network


def make(case: Case, rng: np.random.Generator, dtype: type = np.float64) -> tuple[Layer, np.ndarray, np.ndarray]:
    """A layer with its arrays allocated and filled, an input and an upstream gradient, none of them writeable."""
    network = network_of(case, rng, dtype)
    x = away_from_zero(rng, (N, *case.input_shape)).astype(dtype)
    dy = rng.normal(size=(N, *network.output_shape)).astype(dtype)
    x.flags.writeable = dy.flags.writeable = False
    return network.layers[0], x, dy


def gradients(layer: Layer, case: Case) -> dict[str, np.ndarray]:
    return {name: getattr(layer, f"d{name}") for name in layer.parameter_shapes(case.input_shape)}


def test_every_layer_of_the_table_has_a_case():
    assert {case.name for case in CASES} >= set(LAYERS)
    assert all(type(case.make()) is TABLE[case.name] for case in CASES)


# ---- derivatives: of the function that a step of training sees, its noise held as it was drawn ----


@every_layer
def test_the_input_gradient_is_the_derivative(case, rng):
    layer, x, dy = make(case, rng)
    layer.forward(x, training=True)
    dx = layer.backward_input(dy)
    moved = x.copy()
    f = lambda: float((layer.forward(moved, training=True) * dy).sum())  # noqa: E731
    assert derivative_error(f, moved, dx, rng) <= 1e-7


@every_layer
def test_each_parameter_gradient_is_the_derivative(case, rng):
    layer, x, dy = make(case, rng)
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    for parameter, gradient in gradients(layer, case).items():
        at, found = getattr(layer, parameter), gradient.copy()
        f = lambda: float((layer.forward(x, training=True) * dy).sum())  # noqa: E731
        assert derivative_error(f, at, found, rng) <= 1e-7, parameter


def test_for_softmax_an_upstream_gradient_of_ones_gives_zero(rng):
    """Each row sums to 1 whatever x is. A test with ones would pass a backward_input that returns zeros."""
    softmax, x, dy = make(Case("softmax", (5,)), rng)
    softmax.forward(x, training=True)
    np.testing.assert_allclose(softmax.backward_input(np.ones_like(dy)), 0, atol=1e-15)
    assert np.abs(softmax.backward_input(dy)).max() > 0.01


# ---- invariants of the contract ----


@every_layer
def test_when_predicting_a_batch_is_the_same_as_its_samples_one_by_one(case, rng):
    layer, x, _ = make(case, rng)
    y = layer.forward(x)
    for n in range(N):
        np.testing.assert_allclose(layer.forward(x[n : n + 1])[0], y[n], rtol=1e-13)


@every_layer
def test_when_training_a_batch_is_the_same_as_its_samples_one_by_one(case, rng):
    layer, x, dy = make(case, rng)
    if draws(layer):
        pytest.skip("its noise is drawn for the batch as a whole, and is another for each sample of it")
    if has_state(layer):
        pytest.skip("a statistic of the batch is another thing than one of a single sample")
    y = layer.forward(x, training=True)
    layer.backward_parameters(dy)
    dx = layer.backward_input(dy)
    of_batch = {parameter: gradient.copy() for parameter, gradient in gradients(layer, case).items()}

    summed = {parameter: np.zeros_like(gradient) for parameter, gradient in of_batch.items()}
    for n in range(N):
        np.testing.assert_allclose(layer.forward(x[n : n + 1], training=True)[0], y[n], rtol=1e-13)
        layer.backward_parameters(dy[n : n + 1])
        for parameter, gradient in gradients(layer, case).items():
            summed[parameter] += gradient
        np.testing.assert_allclose(layer.backward_input(dy[n : n + 1])[0], dx[n], rtol=1e-11, atol=1e-15)
    for parameter, gradient in of_batch.items():
        np.testing.assert_allclose(summed[parameter], gradient, rtol=1e-12)


@every_layer
@both_precisions
def test_inputs_and_upstream_gradients_are_left_as_they_were(case, dtype, rng):
    layer, x, dy = make(case, rng, dtype)  # both arrays are read-only: writing into them would raise
    x_before, dy_before = x.copy(), dy.copy()
    y = layer.forward(x, training=True)
    y.flags.writeable = False  # nor may the way back write into what the next layer was given
    layer.backward_parameters(dy)
    layer.backward_input(dy)
    layer.settle()
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)


@every_layer
def test_results_do_not_share_memory_with_what_was_passed_in(case, rng):
    layer, x, dy = make(case, rng)
    assert not np.shares_memory(layer.forward(x, training=True), x)
    assert not np.shares_memory(layer.backward_input(dy), dy)


@every_layer
@both_precisions
def test_the_dtype_is_kept(case, dtype, rng):
    layer, x, dy = make(case, rng, dtype)
    assert layer.forward(x).dtype == dtype
    assert layer.forward(x, training=True).dtype == dtype
    layer.backward_parameters(dy)
    assert layer.backward_input(dy).dtype == dtype
    layer.settle()
    kept = [getattr(layer, name) for name in layer.state_shapes(case.input_shape)]
    assert all(array.dtype == dtype for array in [*gradients(layer, case).values(), *kept])


@every_layer
def test_forward_without_training_keeps_nothing(case, rng):
    layer, x, _ = make(case, rng)
    before = dict(vars(layer))
    layer.forward(x)
    assert vars(layer) == before


@every_layer
def test_forward_is_repeatable_and_changes_neither_parameters_nor_state(case, rng):
    network = network_of(case, rng)
    x, before = away_from_zero(rng, (N, *case.input_shape)), network.snapshot()
    for training in (True, False):
        y = network.forward(x, training)
        network.forward(-2 * x[:3], training)
        assert network.forward(x, training).tobytes() == y.tobytes()
    assert network.snapshot().tobytes() == before.tobytes()


@every_layer
def test_noise_is_another_after_each_draw_and_the_same_from_the_same_generator(case, rng):
    network, x = network_of(case, rng), away_from_zero(rng, (N, *case.input_shape))
    seen = []
    for seed in (1, 2, 1):
        network.draw(np.random.default_rng(seed))
        seen.append(network.forward(x, training=True).tobytes())
    assert seen[0] == seen[2]
    assert (seen[0] != seen[1]) == draws(network.layers[0]) == network.noisy


@every_layer
def test_only_settling_changes_the_state_and_only_of_a_layer_that_has_one(case, rng):
    network, x = network_of(case, rng), away_from_zero(rng, (N, *case.input_shape))
    network.forward(x, training=True)
    before, parameters = network.state.tobytes(), network.parameters.tobytes()
    assert network.settle()
    assert (network.state.tobytes() != before) == has_state(network.layers[0]) == bool(network.state.size)
    assert network.parameters.tobytes() == parameters


@every_layer
def test_predicting_between_forward_and_backward_disturbs_nothing(case, rng):
    layer, x, dy = make(case, rng)
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    dx, before = layer.backward_input(dy), {k: g.copy() for k, g in gradients(layer, case).items()}

    layer.forward(x, training=True)
    layer.forward(-2 * x[:3])
    layer.backward_parameters(dy)
    np.testing.assert_array_equal(layer.backward_input(dy), dx)
    for parameter, gradient in gradients(layer, case).items():
        np.testing.assert_array_equal(gradient, before[parameter])


@every_layer
def test_gradients_are_overwritten_not_accumulated(case, rng):
    layer, x, dy = make(case, rng)
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    once = {parameter: gradient.copy() for parameter, gradient in gradients(layer, case).items()}
    layer.backward_parameters(dy)
    for parameter, gradient in gradients(layer, case).items():
        assert np.abs(gradient).max() > 0
        np.testing.assert_array_equal(gradient, once[parameter])


@every_layer
def test_the_declared_shapes_are_those_of_the_arrays(case, rng):
    layer, x, dy = make(case, rng)
    y = layer.forward(x, training=True)
    assert y.shape == (N, *layer.output_shape(case.input_shape))
    assert layer.forward(x).shape == y.shape
    assert layer.backward_input(dy).shape == x.shape
    layer.settle()
    for name, shape in layer.state_shapes(case.input_shape).items():
        assert getattr(layer, name).shape == shape


@every_layer
def test_the_config_rebuilds_the_layer_down_to_its_first_numbers(case, rng):
    layer = case.make()
    rebuilt = type(layer)(**layer.config())
    assert rebuilt.config() == layer.config()
    assert TABLE.canonical(case.word) == case.word
    first, again = (Network([one], case.input_shape, 3) for one in (layer, rebuilt))
    assert first.places[0][1:] == again.places[0][1:]
    assert first.snapshot().tobytes() == again.snapshot().tobytes()


@every_layer
@both_precisions
def test_a_network_with_the_layer_survives_json_bit_for_bit(case, dtype, rng, tmp_path, own_layers):
    layers = [case.make()] if len(case.make().output_shape(case.input_shape)) == 1 else [case.make(), Row()]
    network = moved(Network(layers, case.input_shape, 0, dtype), rng)
    x = away_from_zero(rng, (N, *case.input_shape)).astype(dtype)
    save(SavedNetwork(network, tuple(range(network.output_shape[0]))), tmp_path / "network.json")
    again = load(tmp_path / "network.json").network
    assert type(again.layers[0]) is type(layers[0])
    assert again.snapshot().tobytes() == network.snapshot().tobytes()
    assert again.forward(x).tobytes() == network.forward(x).tobytes()


# ---- what each layer computes ----


def test_dense_is_the_weighted_sum_plus_bias():
    dense = Dense(2)
    Network([dense], (3,), 0, np.float64)
    dense.W[...] = [[1, 2, 3], [-1, 0, 1]]
    dense.b[...] = [10, 20]
    np.testing.assert_array_equal(dense.forward(np.array([[1.0, 1, 1], [0, 2, -1]])), [[16, 20], [11, 19]])


def test_dense_starts_from_its_two_initializers():
    class Sevens(Initializer):
        def __call__(self, shape, rng):
            return np.full(shape, 7.0)

    dense = Dense(2, "uniform:0.5", Sevens())
    Network([dense], (400,), 0)
    assert 0.49 < np.abs(dense.W).max() < 0.5
    np.testing.assert_array_equal(dense.b, [7, 7])


def test_the_config_of_dense_names_its_initializers_unless_they_are_the_usual_ones():
    assert Dense(3).config() == {"units": 3}
    config = {"units": 3, "initializer": "normal:0.1", "bias_initializer": "uniform:1"}
    assert Dense(3, Normal(0.1), "uniform:1").config() == config


@pytest.mark.parametrize("initializer", ["xavier", "normal", None, lambda shape, rng: np.zeros(shape)])
def test_dense_refuses_what_is_no_initializer(initializer):
    with pytest.raises(ValueError, match="initializer"):
        Dense(3, initializer)


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
    softmax, x, _ = make(Case("softmax", (5,)), rng)
    np.testing.assert_allclose(softmax.forward(x + 1000), softmax.forward(x), rtol=1e-11)


def test_softmax_refuses_a_single_number():
    with pytest.raises(ValueError, match="always 1"):
        Softmax().output_shape((1,))


def test_softmax_refuses_samples_that_are_not_rows():
    with pytest.raises(ValueError, match=r"one row of numbers per sample, not samples of shape \(28, 28\)"):
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
def test_nan_is_passed_on(case, rng):
    layer, x, _ = make(case, rng)
    x = x.copy()
    x[1].flat[2] = np.nan
    y = layer.forward(x)
    assert np.isnan(y[1]).any()
    assert np.isfinite(y[[0, 2, 3, 4, 5]]).all()

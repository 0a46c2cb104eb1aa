"""The network: back-propagation over the one vector, the views into it, and when the shortcut is taken."""

import pickle
from copy import deepcopy

import numpy as np
import pytest

from nn_from_scratch.inspection.stages import stages
from nn_from_scratch.layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Softmax,
)
from nn_from_scratch.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from nn_from_scratch.network import Network, sizes, walk
from nn_from_scratch.optimizers import SGD, Adam
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import dense_stack
from nn_from_scratch.training import train_step
from tests.conftest import derivative_error, keep_clear_of_kinks, one_hot, small_network
from tests.own_layers import Centre, Jitter

N = 7
STACKS = [name for name, recipe in PRESETS.items() if dense_stack(recipe.layers)]  # of Dense layers and activations


def preset_in_small(name: str) -> tuple[list[Layer], Loss, int, int]:
    """The layers and loss of a preset with few units, and the numbers of inputs and outputs."""
    recipe = PRESETS[name]
    outputs = 1 if recipe.outputs == 1 else 4
    sizes = (6, *(7, 5)[: len(recipe.sizes) - 2], outputs)
    recipe = recipe.override(sizes=sizes, classes=(1, 2) if outputs == 1 else tuple(range(outputs)))
    return recipe.make_layers(), recipe.make_loss(), 6, outputs


def targets(rng: np.random.Generator, outputs: int, dtype: type = np.float64) -> np.ndarray:
    return one_hot(rng, N, outputs, dtype) if outputs > 1 else rng.integers(0, 2, (N, 1)).astype(dtype)


def gradient_error(network: Network, loss: Loss, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> float:
    keep_clear_of_kinks(network, x)
    network.backward(loss, network.forward(x, training=True), t)
    return derivative_error(
        lambda: loss.value(network.forward(x), t), network.parameters, network.gradients.copy(), rng, directions=5
    )


# ---- derivatives of whole networks ----


@pytest.mark.parametrize("name", STACKS)
def test_the_gradient_of_every_preset_is_the_derivative_of_its_loss(name, rng):
    layers, loss, inputs, outputs = preset_in_small(name)
    network = small_network(layers, inputs)
    assert gradient_error(network, loss, rng.normal(size=(N, inputs)), targets(rng, outputs), rng) <= 1e-7


@pytest.mark.parametrize(
    "loss", [MeanSquaredError(), BinaryCrossEntropy(), CrossEntropy()], ids=lambda loss: type(loss).__name__
)
@pytest.mark.parametrize("name", STACKS)
def test_the_gradient_of_every_structure_is_right_with_every_loss(name, loss, rng):
    """Most of these pairs of activation and loss don't match, so the derivative goes the long way."""
    layers, _, inputs, outputs = preset_in_small(name)
    network = small_network(layers, inputs, seed=5)
    assert gradient_error(network, loss, rng.normal(size=(N, inputs)), targets(rng, outputs), rng) <= 1e-7


@pytest.mark.parametrize("loss", [MeanSquaredError(), CrossEntropy()], ids=lambda loss: type(loss).__name__)
def test_the_gradient_of_a_convolutional_network_is_right_with_its_noise_and_its_statistics(loss, rng):
    layers = [
        *(Conv2D(3, 3, padding="same"), BatchNorm(), Sigmoid(), MaxPool2D()),
        *(Conv2D(4, 2, stride=2), Sigmoid(), AveragePool2D()),
        *(Flatten(), Dropout(0.3), Dense(4), Softmax()),
    ]
    network = Network(layers, (2, 8, 8), 0, np.float64)
    network.draw(rng)
    x, t = rng.normal(size=(N, 2, 8, 8)), targets(rng, 4)
    network.backward(loss, network.forward(x, training=True), t)
    value = lambda: loss.value(network.forward(x, training=True), t)  # noqa: E731
    assert derivative_error(value, network.parameters, network.gradients.copy(), rng, directions=5) <= 1e-7


@pytest.mark.parametrize(("loss", "activation"), [(CrossEntropy(), Softmax), (BinaryCrossEntropy(), Sigmoid)])
def test_the_shortcut_and_the_long_way_give_the_same_gradients(loss, activation, rng):
    class Renamed(activation):
        """The same function, but not the class that the loss names."""

    short, long = (small_network([Dense(5), ReLU(), Dense(4), last()], 6) for last in (activation, Renamed))
    x, t = rng.normal(size=(N, 6)), targets(rng, 4)
    for network in (short, long):
        network.backward(loss, network.forward(x, training=True), t)
    np.testing.assert_allclose(short.gradients, long.gradients, rtol=1e-10, atol=1e-15)


# ---- which way the derivative goes ----


class Watched:
    """Counts the calls of the two derivatives of a loss."""

    def __init__(self, loss: Loss, monkeypatch: pytest.MonkeyPatch):
        self.calls: list[str] = []
        for name in ("gradient", "logit_gradient"):
            monkeypatch.setattr(loss, name, self.counting(name, getattr(loss, name)))

    def counting(self, name, method):
        def call(p, t):
            self.calls.append(name)
            return method(p, t)

        return call


class MySoftmax(Softmax):
    """A subclass may compute something else: the shortcut for its parent need not hold."""


class MySigmoid(Sigmoid):
    """Likewise."""


@pytest.mark.parametrize(
    ("last", "loss", "way"),
    [
        (Softmax, CrossEntropy, "logit_gradient"),
        (Sigmoid, BinaryCrossEntropy, "logit_gradient"),
        (Softmax, MeanSquaredError, "gradient"),
        (Sigmoid, MeanSquaredError, "gradient"),
        (Softmax, BinaryCrossEntropy, "gradient"),
        (Sigmoid, CrossEntropy, "gradient"),
        (MySoftmax, CrossEntropy, "gradient"),
        (MySigmoid, BinaryCrossEntropy, "gradient"),
    ],
)
def test_the_shortcut_is_taken_only_for_the_matching_pair(last, loss, way, rng, monkeypatch):
    loss = loss()
    watched = Watched(loss, monkeypatch)
    network = small_network([Dense(4), last()], 6)
    network.backward(loss, network.forward(rng.normal(size=(N, 6)), training=True), targets(rng, 4))
    assert watched.calls == [way]


def test_a_matching_activation_that_is_not_last_is_no_reason_for_the_shortcut(rng):
    network = small_network([Dense(4), Softmax(), Dense(4), Sigmoid()], 6)
    assert gradient_error(network, CrossEntropy(), rng.normal(size=(N, 6)), targets(rng, 4), rng) <= 1e-7


@pytest.mark.parametrize("before", [[], [Sigmoid()], [Centre(), Jitter(), Sigmoid()]], ids=len)
def test_the_way_back_stops_at_the_first_layer_that_learns(before, rng, monkeypatch):
    layers = [*before, Dense(4), ReLU(), Dense(4), Softmax()]
    network = small_network(layers, 6)
    for layer in network.layers[: len(before) + 1]:
        monkeypatch.setattr(layer, "backward_input", lambda dy: pytest.fail("nobody needs this"))
    x, t = rng.normal(size=(N, 6)), targets(rng, 4)
    network.backward(CrossEntropy(), network.forward(x, training=True), t)
    monkeypatch.undo()
    loss = CrossEntropy()
    f = lambda: loss.value(network.forward(x, training=True), t)  # noqa: E731
    assert derivative_error(f, network.parameters, network.gradients.copy(), rng) <= 1e-7


def test_where_nothing_learns_no_derivative_is_computed(rng, monkeypatch):
    network, loss = Network([Sigmoid(), Softmax()], (4,), 0, np.float64), CrossEntropy()
    monkeypatch.setattr(loss, "logit_gradient", lambda p, t: pytest.fail("nobody needs this"))
    network.backward(loss, network.forward(rng.normal(size=(N, 4)), training=True), targets(rng, 4))


@pytest.mark.parametrize("layers", [[Dense(4)], [Softmax()], [Sigmoid(), Dense(4)], [ReLU(), ReLU()]])
def test_networks_of_one_or_two_layers_go_back_without_an_error(layers, rng):
    network = Network(layers, (4,), 0, np.float64)
    x = rng.uniform(0.1, 0.9, (N, 4))
    assert network.forward(x).shape == (N, 4)
    for loss in (MeanSquaredError(), CrossEntropy()):
        network.backward(loss, network.forward(x, training=True).clip(0.1, 0.9), targets(rng, 4))
    assert len(network.gradients) == 0 or np.abs(network.gradients).max() > 0


def test_gradients_are_overwritten_not_accumulated(rng):
    network = small_network([Dense(5), Sigmoid(), Dense(4), Softmax()], 6)
    x, t = rng.normal(size=(N, 6)), targets(rng, 4)
    network.gradients[...] = np.nan  # every entry must be written, not only those that were changed before
    network.backward(CrossEntropy(), network.forward(x, training=True), t)
    once = network.gradients.copy()
    network.backward(CrossEntropy(), network.forward(x, training=True), t)
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(network.gradients, once)


def test_nan_in_the_input_gives_a_nan_loss(rng):
    for name in STACKS:
        layers, loss, inputs, outputs = preset_in_small(name)
        network, x = small_network(layers, inputs), rng.normal(size=(N, inputs))
        assert np.isfinite(loss.value(network.forward(x), targets(rng, outputs)))
        x[3, 2] = np.nan
        assert np.isnan(loss.value(network.forward(x), targets(rng, outputs)))


# ---- the two vectors and the views into them ----


def views(network: Network) -> list[tuple[np.ndarray, np.ndarray]]:
    """(view, vector) for every array that a layer holds of the network."""
    return [
        (getattr(layer, prefix + name), vector)
        for layer, _, _, parameters, _ in network.places
        for name in parameters
        for prefix, vector in (("", network.parameters), ("d", network.gradients))
    ] + [(getattr(place.layer, name), network.state) for place in network.places for name in place.state]


def test_writes_into_a_layer_are_seen_in_the_vector_and_the_other_way_round():
    network = Network([Dense(2), ReLU(), Dense(1)], (3,), 0)
    first, _, second = network.layers
    first.W[1, 2] = 42
    second.b[...] = 43
    assert network.parameters[5] == 42
    assert network.parameters[-1] == 43
    network.parameters[6:8] = [44, 45]
    network.gradients[0] = 46
    assert first.b.tolist() == [44, 45]
    assert first.dW[0, 0] == 46


def test_the_views_fill_the_vectors_without_gap_or_overlap():
    network = small_network([Dense(5), Centre(), Sigmoid(), Dense(4), Softmax()], 6)
    for vector in (network.parameters, network.gradients, network.state):
        vector[...] = 0
        for view, of in views(network):
            if of is vector:
                view += 1
        np.testing.assert_array_equal(vector, 1)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(0.9), SGD(0.9, nesterov=True), Adam(), Adam(weight_decay=0.1)])
def test_training_never_reallocates_and_every_parameter_stays_a_view(optimizer, rng):
    """The guard against rebinding: `layer.W = layer.W − …` would train a copy that nobody saves."""
    network = small_network([Dense(5), Centre(), ReLU(), Dense(4), Softmax()], 6, dtype=np.float32)
    parameters, gradients, before = network.parameters, network.gradients, network.parameters.copy()
    state, state_before = network.state, network.state.copy()
    addresses = [view.__array_interface__["data"] for view, _ in views(network)]
    x, t = rng.normal(size=(N, 6)).astype(np.float32), targets(rng, 4, np.float32)
    for _ in range(50):
        train_step(network, CrossEntropy(), optimizer, 0.01, x, t)
    assert network.parameters is parameters
    assert network.gradients is gradients
    assert network.state is state
    assert not np.array_equal(state, state_before)
    assert [view.__array_interface__["data"] for view, _ in views(network)] == addresses
    assert all(np.shares_memory(view, vector) for view, vector in views(network))
    assert not np.array_equal(parameters, before)


@pytest.mark.parametrize("name", ["W", "db"])
def test_an_array_that_was_rebound_is_found_and_named(name):
    network = Network([ReLU(), Dense(2)], (3,), 0)
    network.check_views()
    before = getattr(network.layers[1], name)
    setattr(network.layers[1], name, before.copy())
    with pytest.raises(ValueError, match=rf"^layers\[1\]\.{name} was replaced by another array: write into it instead"):
        network.check_views()
    setattr(network.layers[1], name, before)
    network.layers[1].W += 1
    network.check_views()


def test_a_state_that_was_rebound_is_found_too():
    network = Network([Dense(2), Centre()], (3,), 0)
    network.layers[1].mean = network.layers[1].mean + 1
    with pytest.raises(ValueError, match=r"layers\[1\]\.mean was replaced"):
        network.check_views()


@pytest.mark.parametrize("copied", [deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copied_network_whose_layers_would_not_learn_is_found(copied):
    network = copied(Network([Dense(2)], (3,), 0))
    with pytest.raises(ValueError, match=r"layers\[0\]\.W is a copy"):
        network.check_views()


# ---- noise and state ----


def restless(rng: np.random.Generator, dtype: type = np.float64) -> Network:
    """A network with noise and state in several places, a step of whose training has been taken."""
    layers = [Jitter(), Dense(5), Centre(), Sigmoid(), Jitter(0.2), Dense(4), Centre(0.5), Softmax()]
    network = small_network(layers, 6, dtype=dtype)
    optimizer, x, t = SGD(), rng.normal(size=(N, 6)).astype(dtype), targets(rng, 4, dtype)
    train_step(network, CrossEntropy(), optimizer, 0.1, x, t, np.random.default_rng(3))
    return network


@pytest.mark.parametrize("loss", [MeanSquaredError(), CrossEntropy()], ids=lambda loss: type(loss).__name__)
def test_the_gradient_is_the_derivative_in_training_too_with_the_noise_held_fixed(loss, rng):
    network, x, t = restless(rng), rng.normal(size=(N, 6)), targets(rng, 4)
    network.backward(loss, network.forward(x, training=True), t)
    f = lambda: loss.value(network.forward(x, training=True), t)  # noqa: E731
    assert derivative_error(f, network.parameters, network.gradients.copy(), rng, directions=5) <= 1e-7


def test_a_snapshot_is_a_copy_of_parameters_and_state_that_can_be_put_back(rng):
    network, x = restless(rng), rng.normal(size=(N, 6))
    before, p = network.snapshot(), network.forward(x)
    assert before.size == network.parameters.size + network.state.size == network.parameters.size + 9
    W = network.layers[1].W
    network.parameters += 1
    network.state += 1
    assert not np.array_equal(network.forward(x), p)
    network.restore(before)
    assert network.forward(x).tobytes() == p.tobytes()
    assert W is network.layers[1].W
    before[...] = 0
    assert network.forward(x).tobytes() == p.tobytes()


def test_a_snapshot_of_one_precision_fits_a_network_of_the_other(rng):
    double, single = restless(rng), restless(rng, np.float32)
    single.restore(double.snapshot())
    np.testing.assert_array_equal(single.snapshot(), double.snapshot().astype(np.float32))
    with pytest.raises(ValueError, match="broadcast"):
        single.restore(double.snapshot()[1:])


def test_a_state_that_would_not_be_finite_is_not_taken_over(rng):
    network = restless(rng, np.float32)
    before = network.snapshot()
    network.layers[2].batch_mean = np.full(5, np.inf, np.float32)
    assert not network.settle()
    assert network.snapshot().tobytes() == before.tobytes()


def test_looking_at_a_network_does_not_change_its_training(rng):
    """Predicting, a snapshot, a trace of the layers and a search for numbers that are not finite, between two steps."""
    networks = (restless(np.random.default_rng(1)), restless(np.random.default_rng(1)))
    x, t = rng.normal(size=(N, 6)), targets(rng, 4)
    for step in range(5):
        for network, looked_at in zip(networks, (False, True), strict=True):
            train_step(network, CrossEntropy(), SGD(), 0.1, x, t, np.random.default_rng(step))
            if looked_at:
                network.forward(2 * x)
                stages(network, x, training=True)
                network.restore(network.snapshot())
                assert network.where_not_finite(x, 1.0) is None
    assert networks[0].snapshot().tobytes() == networks[1].snapshot().tobytes()


def test_the_search_for_a_number_that_is_not_finite_replays_the_step_and_names_the_place(rng):
    network, x = restless(rng), rng.normal(size=(N, 6))
    seen = []
    for layer in network.layers:
        layer.forward = lambda x, training, forward=layer.forward: seen.append(training) or forward(x, training)
    assert network.where_not_finite(x, 1.0) is None
    assert seen == [True] * 8
    network.layers[1].b[2] = np.nan
    assert network.where_not_finite(x, 1.0) == "the output of layer 1"
    network.layers[1].b[2] = 0
    network.layers[5].dW[0, 0] = np.inf
    assert network.where_not_finite(x, 1.0) == "a gradient of layer 2"


# ---- construction ----


def test_a_walk_over_the_shapes_allocates_nothing_and_names_the_layer_that_does_not_fit():
    places = walk([Dense(10**9), Centre(), Dense(10**9)], (10**9,))
    assert sizes(places) == (2 * (10**18 + 10**9), 10**9)
    with pytest.raises(ValueError, match=r"^layers\[1\]: Dense takes flat samples"):
        walk([ReLU(), Dense(3)], (4, 4))


def test_a_layer_can_not_stand_in_a_network_twice():
    twice = ReLU()
    with pytest.raises(ValueError, match="only once"):
        Network([Dense(3), twice, Dense(3), twice], (3,), 0)


@pytest.mark.parametrize("layers", [[], Dense(3), "dense:3", None])
def test_a_network_needs_a_list_of_layers(layers):
    with pytest.raises(ValueError, match=r"needs a list of at least one layer, such as \[Dense\(10\)\], not "):
        Network(layers, (3,), 0)


@pytest.mark.parametrize("wrong", [ReLU, "relu", None])
def test_what_is_no_layer_is_named(wrong):
    with pytest.raises(ValueError, match=r"^layers\[1\]: expected a layer such as ReLU\(\), not "):
        Network([Dense(3), wrong], (3,), 0)


@pytest.mark.parametrize("shape", [784, 0, "784", (0,), (-1, 4), (2.0,), (None, 784), None])
def test_a_shape_that_is_none_is_refused_with_an_example(shape):
    with pytest.raises(ValueError, match=r"tuple of whole numbers from 1 up, such as \(784,\), not ") as caught:
        Network([Dense(3)], shape, 0)
    assert repr(shape) in str(caught.value)


@pytest.mark.parametrize("units", [10**13, 10**20, 10**40])
def test_a_network_larger_than_memory_is_refused_in_words(units):
    with pytest.raises(ValueError, match=r"a network of [0-9,]+ parameters does not fit into memory"):
        Network([Dense(units)], (100,), 0)


@pytest.mark.parametrize("dtype", [np.float16, int, complex])
def test_a_dtype_that_no_file_holds_is_refused(dtype):
    with pytest.raises(ValueError, match="dtype is float32 or float64, not "):
        Network([Dense(3)], (3,), 0, dtype)


@pytest.mark.parametrize("initializer", ["normal:1e39", "uniform:1e300", "normal:1e308"])
def test_first_weights_that_the_dtype_can_not_hold_are_refused(initializer):
    with pytest.raises(ValueError, match="first weights are too large for float32: expected another initializer"):
        Network([Dense(30, initializer)], (40,), 0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 4), np.uint8), "takes floating-point numbers, not uint8: for images of bytes, pass images / 255"),
        (np.zeros((2, 4), int), "takes floating-point numbers, not int64"),
        ([[0.0] * 4], "takes an array of floating-point numbers, not a list"),
        (b"\0\0\0\0", "takes an array of floating-point numbers, not a bytes"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_inputs_that_are_no_floats_are_refused_in_words(x, message):
    with pytest.raises(ValueError, match=message):
        Network([Dense(3)], (4,), 0).forward(x)


def test_layers_that_do_not_fit_the_input_are_refused():
    with pytest.raises(ValueError, match=r"not samples of shape \(28, 28\)"):
        Network([Dense(3)], (28, 28), 0)


@pytest.mark.parametrize("shape", [(5, 3), (4,), (4, 1), (5, 4, 1)])
def test_inputs_of_another_shape_are_refused_with_both_shapes_in_the_message(shape):
    network = Network([Dense(3)], (4,), 0)
    with pytest.raises(ValueError, match=r"takes inputs of shape \(N, 4\), not \(") as caught:
        network.forward(np.zeros(shape, np.float32))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_that_which_was_asked_for(dtype, rng):
    network = Network([Dense(3), Sigmoid()], (4,), 0, dtype)
    assert network.dtype == network.parameters.dtype == network.gradients.dtype == dtype
    assert network.forward(rng.normal(size=(2, 4)).astype(dtype)).dtype == dtype


def test_networks_are_float32_by_default():
    assert Network([Dense(3)], (4,), 0).dtype == np.float32


def test_the_same_seed_in_any_form_draws_the_same_weights():
    seeds = [3, np.random.SeedSequence(3), np.random.default_rng(3)]
    weights = [Network([Dense(3), ReLU(), Dense(2)], (4,), seed).parameters for seed in seeds]
    np.testing.assert_array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[0], weights[2])
    assert not np.array_equal(weights[0], Network([Dense(3), ReLU(), Dense(2)], (4,), 4).parameters)


def test_single_precision_weights_are_the_rounded_double_precision_weights():
    single, double = (Network([Dense(30), ReLU(), Dense(2)], (40,), 3, dtype) for dtype in (np.float32, np.float64))
    np.testing.assert_array_equal(single.parameters, double.parameters.astype(np.float32))


def test_the_places_know_names_shapes_and_counts():
    network = Network([Dense(128), ReLU(), Dense(64), ReLU(), Dense(10), Softmax()], (784,), 0)
    assert [(place.name, place.output_shape, place.size) for place in network.places] == [
        ("Dense", (128,), 100_480),
        ("ReLU", (128,), 0),
        ("Dense", (64,), 8_256),
        ("ReLU", (64,), 0),
        ("Dense", (10,), 650),
        ("Softmax", (10,), 0),
    ]
    assert sizes(network.places) == (109_386, 0)
    assert network.parameters.size == network.gradients.size == 109_386
    assert network.output_shape == (10,)


def test_predicting_is_the_default_and_keeps_nothing(rng):
    network = small_network([Dense(5), ReLU(), Dense(4), Softmax()], 6)
    before = [dict(vars(layer)) for layer in network.layers]
    network.forward(rng.normal(size=(N, 6)))
    assert [vars(layer) for layer in network.layers] == before

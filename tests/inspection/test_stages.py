"""What comes into every layer and what it makes of it, and who has nothing to say: against NumPy and by hand."""

from itertools import pairwise

import numpy as np
import pytest

from nn_from_scratch import Dense, Network, ReLU, Sigmoid, Softmax
from nn_from_scratch.inspection.stages import Stage, idle, silent_share, stages
from nn_from_scratch.layers import Layer


def test_stages_are_what_forward_passes_through(rng):
    network = Network([Dense(5), ReLU(), Dense(4), Dense(3), Softmax()], (6,), rng)
    x = rng.normal(size=(7, 6)).astype(np.float32)
    found = stages(network, x)
    assert [stage.name for stage in found] == ["input", "Dense, ReLU", "Dense", "Dense, Softmax"]
    layers = network.layers
    assert [stage.layer for stage in found] == [None, layers[0], layers[2], layers[3]]
    assert [stage.activation for stage in found] == [None, layers[1], None, layers[4]]
    for values in (found[0].x, found[0].z, found[0].a):
        assert np.array_equal(values, x)
    sums = x @ layers[0].W.T + layers[0].b
    assert found[1].z == pytest.approx(sums)
    assert found[1].a == pytest.approx(np.maximum(sums, 0))
    assert found[2].z == pytest.approx(np.maximum(sums, 0) @ layers[2].W.T + layers[2].b, abs=1e-6)
    assert found[2].a is found[2].z  # no activation
    assert np.array_equal(found[-1].a, network.forward(x))
    for before, stage in pairwise(found):
        assert stage.x is before.a
    assert [None if stage.W is None else stage.W.shape for stage in found] == [None, (5, 6), (4, 5), (3, 4)]
    assert found[1].W is layers[0].W


def test_with_training_the_layers_keep_what_the_way_back_needs(rng):
    network = Network([Dense(5), ReLU()], (6,), rng)
    x = rng.normal(size=(7, 6)).astype(np.float32)
    stages(network, x)
    assert not hasattr(network.layers[1], "y")
    found = stages(network, x, training=True)
    assert network.layers[0].x is x
    assert np.array_equal(network.layers[1].y, found[1].a)


def test_an_activation_that_follows_no_layer_is_a_stage_of_its_own(rng):
    network = Network([ReLU(), Dense(3), Sigmoid(), ReLU()], (3,), rng)
    x = rng.normal(size=(2, 3)).astype(np.float32)
    found = stages(network, x)
    assert [stage.name for stage in found] == ["input", "ReLU", "Dense, Sigmoid", "ReLU"]
    assert [(stage.layer, stage.activation) for stage in found[1::2]] == [
        (network.layers[0],) * 2,
        (network.layers[3],) * 2,
    ]
    assert np.array_equal(found[1].x, x)
    assert np.array_equal(found[1].a, np.maximum(x, 0))
    assert found[3].x is found[2].a


def test_a_network_without_weights_has_stages_too(rng):
    found = stages(Network([Softmax()], (3,), rng), np.zeros((1, 3), np.float32))
    assert [(stage.name, stage.W) for stage in found] == [("input", None), ("Softmax", None)]


class Filters(Layer):
    """Stands for a convolution: weights W that are no table of inputs by units."""

    def output_shape(self, input_shape):
        return (2, *input_shape[1:])

    def parameter_shapes(self, input_shape):
        return {"W": (2, input_shape[0])}

    def forward(self, x, training=False):
        return np.einsum("nirc,oi->norc", x, self.W)


class Flatten(Layer):
    def output_shape(self, input_shape):
        return (int(np.prod(input_shape)),)

    def forward(self, x, training=False):
        return x.reshape(len(x), -1)


def test_a_sample_is_a_row_whatever_its_shape(rng):
    network = Network([Filters(), ReLU(), Flatten(), Dense(3)], (1, 4, 5), rng)
    network.layers[0].W[...] = [[1], [-1]]
    x = rng.normal(size=(7, 1, 4, 5)).astype(np.float32)
    found = stages(network, x)
    rows = x.reshape(7, 20)
    assert [stage.name for stage in found] == ["input", "Filters, ReLU", "Flatten", "Dense"]
    assert np.array_equal(found[0].a, rows)
    assert np.array_equal(found[1].x, rows)
    assert np.array_equal(found[1].z, np.hstack([rows, -rows]))
    assert np.array_equal(found[1].a, np.maximum(np.hstack([rows, -rows]), 0))
    assert np.array_equal(found[3].a, network.forward(x))
    assert [stage.W is None for stage in found] == [True, True, True, False]


def stage(name, activation, a):
    return Stage(name, Dense(a.shape[1]), activation, a, a, a)


def test_idle_units():
    relu = stage("Dense, ReLU", ReLU(), np.array([[0, 0, 1.0, 2], [0, 3, 0, 0]]))
    assert idle(relu, relu.a[0]) == "50% silent, 25% dead"
    sigmoid = stage("Dense, Sigmoid", Sigmoid(), np.array([[0.01, 0.5, 0.97, 0.94]]))
    assert idle(sigmoid, sigmoid.a[0]) == "50% saturated"
    assert idle(stage("Dense, Softmax", Softmax(), relu.a), relu.a[0]) == ""
    assert idle(stage("Dense", None, relu.a), relu.a[0]) == ""


def test_the_share_of_silent_units():
    assert silent_share(ReLU(), np.array([0, 1, 2, 0])) == 0.5
    assert silent_share(Sigmoid(), np.array([0.001, 0.5, 0.999, 0.2])) == 0.5
    assert silent_share(Softmax(), np.array([0, 0, 0, 1])) is None
    assert silent_share(None, np.array([0, 0, 0, 1])) is None

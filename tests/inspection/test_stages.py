"""What comes into every layer and what it makes of it, and who has nothing to say: against NumPy and by hand."""

from itertools import pairwise

import numpy as np
import pytest

from nn_from_scratch import Dense, Network, ReLU, Sigmoid, Softmax
from nn_from_scratch.inspection.stages import Stage, Usual, idle, silent_share, stages, usual
from nn_from_scratch.layers import BatchNorm, Conv2D, Dropout, Flatten, GlobalAveragePool2D, MaxPool2D


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


def test_a_sample_is_a_row_whatever_its_shape_and_flatten_and_dropout_count_with_what_is_before_them(rng):
    network = Network([Conv2D(2, 3), ReLU(), Flatten(), Dropout(), Dense(3)], (1, 6, 7), rng)
    x = rng.normal(size=(7, 1, 6, 7)).astype(np.float32)
    found = stages(network, x)
    assert [stage.name for stage in found] == ["input", "Conv2D, ReLU", "Dense"]
    assert [stage.shape for stage in found] == [(1, 6, 7), (2, 4, 5), (3,)]
    assert [stage.has_maps for stage in found] == [True, True, False]
    sums = network.layers[0].forward(x)
    assert np.array_equal(found[0].a, x.reshape(7, 42))
    assert np.array_equal(found[1].z, sums.reshape(7, 40))
    assert np.array_equal(found[1].a, np.maximum(sums, 0).reshape(7, 40))
    assert np.array_equal(found[1].maps, np.maximum(sums, 0))
    assert np.array_equal(found[0].maps, x)
    assert found[2].x is found[1].a
    assert np.array_equal(found[2].a, network.forward(x))
    assert [stage.W is None for stage in found] == [True, True, False]


def test_normalization_counts_with_the_layer_before_it_unless_an_activation_is_between_and_pooling_is_a_stage(rng):
    layers = [Conv2D(2, 3), BatchNorm(), ReLU(), MaxPool2D(), BatchNorm(), GlobalAveragePool2D(), Dense(3), Sigmoid()]
    network = Network([*layers, BatchNorm(), Softmax()], (1, 6, 6), rng)
    network.state[...] = rng.random(network.state.shape)
    x = rng.normal(size=(5, 1, 6, 6)).astype(np.float32)
    found = stages(network, x)
    names = ["input", "Conv2D, BatchNorm, ReLU", "MaxPool2D, BatchNorm", "GlobalAveragePool2D", "Dense, Sigmoid"]
    assert [stage.name for stage in found] == [*names, "BatchNorm, Softmax"]
    normalized = layers[1].forward(layers[0].forward(x))
    assert np.array_equal(found[1].z, normalized.reshape(5, -1))
    assert np.array_equal(found[1].a, np.maximum(normalized, 0).reshape(5, -1))
    assert found[1].activation is layers[2]
    assert [stage.layer for stage in found[1:]] == [network.layers[i] for i in (0, 3, 5, 6, 8)]
    assert [stage.shape for stage in found] == [(1, 6, 6), (2, 4, 4), (2, 2, 2), (2,), (3,), (3,)]
    for before, stage in pairwise(found):
        assert stage.x is before.a
    assert np.array_equal(found[-1].a, network.forward(x))


def test_what_is_usual_does_not_depend_on_the_slices_that_it_is_found_in(rng):
    network = Network([Conv2D(4, 3), ReLU(), Flatten(), Dense(30), ReLU(), Dense(3), Softmax()], (1, 5, 5), rng)
    x = rng.normal(size=(23, 1, 5, 5)).astype(np.float32)
    whole = stages(network, x)
    for size in (1, 10, 23, 100):
        found = usual(network, x, size)
        assert [one.stage.name for one in found] == [stage.name for stage in whole]
        assert [one.largest for one in found] == pytest.approx([float(np.abs(stage.a).max()) for stage in whole])
        for one, stage in zip(found, whole, strict=True):
            assert np.array_equal(one.alive, (stage.a > 0).any(axis=0))


def stage(name, activation, a):
    return Stage(name, Dense(a.shape[1]), activation, a, a, a, a.shape[1:])


def test_idle_units():
    values, alive = np.array([0, 0, 1.0, 2]), np.array([False, True, True, True])
    relu = Usual(stage("Dense, ReLU", ReLU(), values[None]), 2.0, alive)
    assert idle(relu, values) == "50% silent, 25% dead"
    sigmoid = Usual(stage("Dense, Sigmoid", Sigmoid(), values[None]), 2.0, alive)
    assert idle(sigmoid, np.array([0.01, 0.5, 0.97, 0.94])) == "50% saturated"
    assert idle(Usual(stage("Dense, Softmax", Softmax(), values[None]), 2.0, alive), values) == ""
    assert idle(Usual(stage("Dense", None, values[None]), 2.0, alive), values) == ""


def test_the_share_of_silent_units():
    assert silent_share(ReLU(), np.array([0, 1, 2, 0])) == 0.5
    assert silent_share(Sigmoid(), np.array([0.001, 0.5, 0.999, 0.2])) == 0.5
    assert silent_share(Softmax(), np.array([0, 0, 0, 1])) is None
    assert silent_share(None, np.array([0, 0, 0, 1])) is None

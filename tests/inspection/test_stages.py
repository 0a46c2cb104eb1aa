"""What layers put out, which neurons are shown and along which weights: against NumPy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from nn_from_scratch.inspection.stages import Stage, contributions, idle, most_active, silent_share, stages, strongest

from nn_from_scratch import Dense, Network, ReLU, Sigmoid, Softmax


def test_stages_are_what_forward_passes_through(rng):
    network = Network([Dense(5), ReLU(), Dense(4), Dense(3), Softmax()], (6,), rng)
    x = rng.normal(size=(7, 6)).astype(np.float32)
    found = stages(network, x)
    assert [stage.name for stage in found] == ["input", "Dense, ReLU", "Dense", "Dense, Softmax"]
    assert np.array_equal(found[0].values, x)
    first = np.maximum(x @ network.layers[0].W.T + network.layers[0].b, 0)
    assert found[1].values == pytest.approx(first)
    assert np.array_equal(found[-1].values, network.forward(x))
    assert [None if stage.W is None else stage.W.shape for stage in found] == [None, (5, 6), (4, 5), (3, 4)]


def test_a_network_without_weights_has_stages_too(rng):
    found = stages(Network([Softmax()], (3,), rng), np.zeros((1, 3), np.float32))
    assert [(stage.name, stage.W) for stage in found] == [("input", None), ("Softmax", None)]


def test_most_active_and_strongest():
    values = np.array([0.5, -3, 0, 2, 1])
    assert most_active(values, 3).tolist() == [1, 3, 4]
    assert most_active(values, 9).tolist() == [0, 1, 2, 3, 4]
    W = np.array([[1.0, 1, 1, 1, 1], [4, 0.1, 9, -2, 0]])
    parts = contributions(W, values, np.array([1, 0]), np.array([0, 3, 4]))
    assert parts.tolist() == [[2, -4, 0], [0.5, 2, 1]]
    assert strongest(parts, 2) == [(1, 1), (0, 1)]
    assert len(strongest(parts, 99)) == 5  # nothing flows along a weight of 0


def test_idle_units():
    relu = Stage("Dense, ReLU", np.array([[0, 0, 1.0, 2], [0, 3, 0, 0]]), None, ReLU)
    assert idle(relu, relu.values[0]) == "50% silent, 25% dead"
    sigmoid = Stage("Dense, Sigmoid", np.array([[0.01, 0.5, 0.97, 0.94]]), None, Sigmoid)
    assert idle(sigmoid, sigmoid.values[0]) == "50% saturated"
    assert idle(Stage("Dense", relu.values, None, None), relu.values[0]) == ""


def test_the_share_of_silent_units():
    assert silent_share(ReLU, np.array([0, 1, 2, 0])) == 0.5
    assert silent_share(Sigmoid, np.array([0.001, 0.5, 0.999, 0.2])) == 0.5
    assert silent_share(None, np.array([0, 0, 0, 1])) is None


def test_a_shown_unit_stays_while_it_is_among_the_most_active_and_goes_when_it_is_not():
    a = np.arange(100, dtype=np.float32)
    first = most_active(a, 24).tolist()
    assert first == list(range(76, 100))
    a[[90, 60]] = 65, 95  # a little less, a little more
    assert most_active(a, 24, first).tolist() == first
    a[90] = 0
    assert most_active(a, 24, first).tolist() == sorted({*first, 60} - {90})


@given(
    a=arrays(np.float32, st.integers(1, 120), elements=st.floats(-10, 10, width=32)),
    before=st.lists(st.integers(0, 119), max_size=24, unique=True),
)
def test_the_units_shown_are_different_ascending_and_as_many_as_there_is_room_for(a, before):
    shown = most_active(a, 24, before).tolist()
    assert shown == sorted(set(shown))
    assert len(shown) == min(24, len(a))
    assert max(shown) < len(a)

"""Which neurons are shown and along which weights: against NumPy and by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn_from_scratch.inspection.strongest import (
    contributions,
    most_active,
    strongest_edges,
    strongest_inputs,
    strongest_into_each,
)

numbers = st.floats(-10, 10, width=32)


def test_most_active_and_strongest():
    values = np.array([0.5, -3, 0, 2, 1])
    assert most_active(values, 3).tolist() == [1, 3, 4]
    assert most_active(values, 9).tolist() == [0, 1, 2, 3, 4]
    W = np.array([[1.0, 1, 1, 1, 1], [4, 0.1, 9, -2, 0]])
    parts = contributions(W, values, np.array([1, 0]), np.array([0, 3, 4]))
    assert parts.tolist() == [[2, -4, 0], [0.5, 2, 1]]
    assert strongest_edges(parts, 2) == [(1, 1), (0, 1)]
    assert len(strongest_edges(parts, 99)) == 5  # nothing flows along a weight of 0


def test_the_strongest_inputs_of_each_unit_and_of_all_together():
    parts = np.array([[2, -4, 0.0, 1], [0.5, 2, 1, -3]])
    assert [sorted(row) for row in strongest_into_each(parts, 2).tolist()] == [[0, 1], [1, 3]]
    assert [sorted(row) for row in strongest_into_each(parts, 9).tolist()] == [[0, 1, 2, 3]] * 2
    W, values = np.array([[1.0, -5, 0, 2], [1, 1, 0, -2]]), np.array([-9, 2, 100, 1.0])  # Σ |w·x|: 18, 12, 0, 4
    assert strongest_inputs(W, values, 1).tolist() == [0]
    assert strongest_inputs(W, values, 3).tolist() == [0, 1, 3]
    assert strongest_inputs(W, values, 9).tolist() == [0, 1, 2, 3]


@given(
    parts=st.tuples(st.integers(1, 6), st.integers(1, 12)).flatmap(lambda s: arrays(np.float32, s, elements=numbers)),
    most=st.integers(1, 8),
)
def test_no_input_that_is_left_out_is_stronger_than_one_that_is_kept(parts, most):
    found = strongest_into_each(parts, most)
    assert found.shape == (len(parts), min(most, parts.shape[1]))
    for row, kept in zip(np.abs(parts), found, strict=True):
        assert len(set(kept.tolist())) == len(kept)
        assert row[kept].min() >= np.delete(row, kept).max(initial=0)


def test_a_shown_unit_stays_while_it_is_among_the_most_active_and_goes_when_it_is_not():
    a = np.arange(100, dtype=np.float32)
    first = most_active(a, 24).tolist()
    assert first == list(range(76, 100))
    a[[90, 60]] = 65, 95  # a little less, a little more
    assert most_active(a, 24, first).tolist() == first
    a[90] = 0
    assert most_active(a, 24, first).tolist() == sorted({*first, 60} - {90})


@given(
    a=arrays(np.float32, st.integers(1, 120), elements=numbers),
    before=st.lists(st.integers(0, 119), max_size=24, unique=True),
)
def test_the_units_shown_are_different_ascending_and_as_many_as_there_is_room_for(a, before):
    shown = most_active(a, 24, before).tolist()
    assert shown == sorted(set(shown))
    assert len(shown) == min(24, len(a))
    assert max(shown) < len(a)

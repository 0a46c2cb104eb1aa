"""The learning rate over the steps: exact values where they are known, and what holds for every schedule."""

from math import cos, pi

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_from_scratch.schedules import SCHEDULES, Constant, Cosine, OneCycle, Schedule, StepDecay

totals = st.integers(1, 400)
peaks = st.floats(1e-6, 1e3)
every_schedule = pytest.mark.parametrize("new", SCHEDULES.values(), ids=list(SCHEDULES))
examples = settings(max_examples=60)


def rates(schedule: Schedule) -> list[float]:
    return [schedule(step) for step in range(schedule.total_steps)]


# ---- exact values ----


def test_constant_is_constant():
    assert rates(Constant(0.3, 5)) == [0.3] * 5
    assert Constant(0.3)(10**9) == 0.3


def test_step_decay_halves_four_times_by_default():
    assert rates(StepDecay(0.8, 8)) == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1]


def test_step_decay_changes_at_its_boundaries_and_nowhere_else():
    schedule = StepDecay(1, 100, decay_factor=0.1, decay_pieces=2)
    assert [schedule(step) for step in (0, 49, 50, 99)] == [1, 1, 0.1, 0.1]
    assert rates(StepDecay(0.5, 10, decay_factor=1, decay_pieces=1)) == [0.5] * 10


def test_cosine_starts_at_the_peak_is_half_in_the_middle_and_ends_near_zero():
    schedule = Cosine(0.4, 100)
    assert schedule(0) == 0.4
    assert schedule(50) == pytest.approx(0.2, rel=1e-15)
    assert schedule(25) == pytest.approx(0.4 * (1 + cos(pi / 4)) / 2, rel=1e-15)
    assert schedule(99) == pytest.approx(0.4 * (1 + cos(0.99 * pi)) / 2, rel=1e-12)
    assert schedule(100) == 0


def test_one_cycle_rises_in_a_straight_line_and_falls_in_a_cosine():
    schedule = OneCycle(0.5, 100)
    assert [schedule(step) for step in (0, 1, 9, 19)] == pytest.approx([0.025, 0.05, 0.25, 0.5], rel=1e-15)
    assert schedule(20) == 0.5
    assert schedule(60) == pytest.approx(0.25, rel=1e-15)
    assert schedule(99) == pytest.approx(0.5 * (1 + cos(pi * 79 / 80)) / 2, rel=1e-9)


def test_one_cycle_warms_up_for_the_share_it_is_given():
    schedule = OneCycle(1, 200, warmup=0.5)
    assert schedule(49) == 0.5
    assert schedule(99) == schedule(100) == 1
    assert schedule(101) < 1


# ---- what holds for all ----


@every_schedule
@examples
@given(peak=peaks, total=totals)
def test_no_rate_is_negative_or_above_the_peak_and_the_peak_is_reached(new, peak, total):
    all_rates = rates(new(peak, total))
    assert min(all_rates) >= 0
    assert max(all_rates) == peak


@every_schedule
@examples
@given(peak=peaks, total=totals, beyond=st.integers(0, 1000))
def test_after_the_end_the_rate_is_finite_constant_and_no_higher_than_the_last(new, peak, total, beyond):
    schedule = new(peak, total)
    assert 0 <= schedule(total + beyond) == schedule(total) <= schedule(total - 1)


@pytest.mark.parametrize("new", [Constant, StepDecay, Cosine], ids=lambda new: new.__name__)
@examples
@given(peak=peaks, total=totals)
def test_all_but_one_cycle_start_at_the_peak_and_never_rise(new, peak, total):
    all_rates = rates(new(peak, total))
    assert all_rates[0] == peak
    assert all_rates == sorted(all_rates, reverse=True)


@examples
@given(peak=peaks, total=totals, warmup=st.floats(0.01, 0.99))
def test_one_cycle_rises_to_the_peak_then_falls(peak, total, warmup):
    schedule = OneCycle(peak, total, warmup)
    all_rates = rates(schedule)
    top = all_rates.index(max(all_rates))
    assert all_rates[top] == peak
    assert top == min(schedule.warmup_steps, total) - 1
    assert all_rates[: top + 1] == sorted(all_rates[: top + 1])
    assert all_rates[top:] == sorted(all_rates[top:], reverse=True)
    assert all_rates[0] > 0


@examples
@given(total=totals, factor=st.floats(0.01, 1), pieces=st.integers(1, 20))
def test_step_decay_has_as_many_levels_as_pieces_of_nearly_equal_length(total, factor, pieces):
    schedule = StepDecay(1, total, factor, pieces)
    levels = [step * pieces // total for step in range(total)]
    assert rates(schedule) == [factor**level for level in levels]
    if total >= pieces:
        lengths = [levels.count(level) for level in range(pieces)]
        assert max(lengths) - min(lengths) <= 1


# ---- refusals ----


@every_schedule
@pytest.mark.parametrize("peak", [0, -0.1, float("inf"), float("nan")])
def test_an_impossible_peak_is_refused(new, peak):
    with pytest.raises(ValueError, match=f"a learning rate must be a finite number above 0, not {peak}"):
        new(peak, 10)


@every_schedule
@pytest.mark.parametrize("total", [0, -1])
def test_a_schedule_needs_a_step(new, total):
    with pytest.raises(ValueError, match=f"at least 1 step, not {total}"):
        new(0.1, total)


@pytest.mark.parametrize("warmup", [0, 1, -0.2, 1.5, float("nan")])
def test_an_impossible_warm_up_is_refused(warmup):
    with pytest.raises(ValueError, match=f"between 0 and 1, not {warmup}"):
        OneCycle(0.1, 10, warmup)


@pytest.mark.parametrize("factor", [0, -0.5, 1.5, float("nan")])
def test_an_impossible_decay_factor_is_refused(factor):
    with pytest.raises(ValueError, match=f"above 0 and at most 1, not {factor}"):
        StepDecay(0.1, 10, factor)


@pytest.mark.parametrize("pieces", [0, -2])
def test_a_step_decay_needs_a_piece(pieces):
    with pytest.raises(ValueError, match=f"at least 1 piece, not {pieces}"):
        StepDecay(0.1, 10, 0.5, pieces)

"""The learning-rate sweep and the range test: what is measured, what counts as diverged, what is concluded."""

from math import nan
from multiprocessing import active_children

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

import nn_from_scratch as nn
from nn_from_scratch import figures
from nn_from_scratch.runs import range_test, sweep
from nn_from_scratch.runs.pool import Processes
from nn_from_scratch.runs.range_test import RangeTest
from nn_from_scratch.runs.sweep import Run, Sweep
from tests.conftest import SMALL


@pytest.fixture(scope="module")
def halves():
    return nn.load_dataset("digits").train.hold_out(400)


@pytest.fixture(scope="module")
def recipe():
    return nn.PRESETS["784-10-10"].override(epochs=2, optimizer="sgd", schedule="constant", batch_size=64)


@pytest.mark.parametrize("augmentation", [(), ("affine",)], ids=["as stored", "augmented"])
def test_a_run_is_what_fit_and_evaluate_give(augmentation, recipe, halves):
    recipe = recipe.override(augmentation=augmentation)
    learning, validation = halves
    run = sweep.train_at(recipe, 0.1, 3, learning, validation)
    seeds = nn.random_streams(3)
    network, loss = recipe.make_network(seeds.initialization), recipe.make_loss()
    batches = recipe.make_batches(learning, seeds.shuffling, augmentation_seed=seeds.augmentation)
    untrained = nn.evaluate(network, loss, validation)[1]
    for _ in nn.fit(network, loss, recipe.make_optimizer(), nn.Constant(0.1), batches, 2):
        pass
    assert run.accuracies[0] == untrained
    assert run.final_accuracy == nn.evaluate(network, loss, validation)[1]
    assert (run.steps[0], run.steps[-1]) == (0, 2 * len(batches))
    assert len(run.steps) == sweep.CURVE_POINTS + 1
    assert not run.diverged


def test_a_rate_that_breaks_the_network_is_marked(recipe, halves):
    run = sweep.train_at(recipe, 1e30, 0, *halves)
    assert run.diverged
    assert len(run.steps) < sweep.CURVE_POINTS + 1


def test_a_loss_that_ends_above_its_start_is_marked_too(halves):
    recipe = nn.PRESETS["784-10-10"].override(epochs=1, optimizer="sgd", schedule="constant")
    run = sweep.train_at(recipe, 20.0, 0, *halves)
    assert run.diverged
    assert len(run.steps) > 5  # it went on to the end, with finite numbers


def test_one_process_and_two_give_the_same_runs(recipe, halves):
    one = sweep.Sweep(list(sweep.sweep(recipe, [0.1, 0.01], [1, 0], *halves, pool=Processes(1)))).runs
    two = sweep.Sweep(list(sweep.sweep(recipe, [0.1, 0.01], [1, 0], *halves, pool=Processes(2)))).runs
    assert [(run.learning_rate, run.seed) for run in one] == [(0.01, 0), (0.01, 1), (0.1, 0), (0.1, 1)]
    assert one == two


def test_what_goes_wrong_in_a_process_of_a_sweep_is_raised_here_and_all_of_them_end(halves):
    with pytest.raises(ValueError, match="label 9: expected 0 to 2"):  # SMALL has 3 classes
        list(sweep.sweep(SMALL, [0.01, 0.1], [0], *halves, pool=Processes(2)))
    for process in active_children():
        process.join(30)
    assert not active_children()


def run_of(rate, seed, accuracy, diverged=False):
    return Run(rate, seed, (0, 10), (0.1, accuracy), diverged)


def test_diverged_runs_are_counted_and_not_averaged():
    sweep = Sweep([run_of(0.1, 0, 0.8), run_of(0.1, 1, 0.9), run_of(1.0, 0, 0.99), run_of(1.0, 1, 0.1, diverged=True)])
    low, high = sweep.summaries
    assert (low.mean, low.diverged) == (pytest.approx(0.85), 0)
    assert low.deviation == pytest.approx(np.std([0.8, 0.9], ddof=1))
    assert (high.mean, high.runs, high.diverged) == (0.99, 2, 1)
    assert sweep.best is low  # 0.99 came with a divergence
    assert "(1 diverged)" in sweep.conclusion()
    assert sweep.conclusion().splitlines()[-1] == "best learning rate: 0.1"


def test_where_every_rate_diverges_no_best_is_named():
    sweep = Sweep([run_of(1.0, 0, nan, diverged=True)])
    assert sweep.best is None
    assert (
        sweep.conclusion().splitlines()[-1]
        == "best learning rate: none of these, because at each rate a run diverged; try lower ones"
    )


def test_the_rows_hold_every_measurement():
    rows = list(Sweep([run_of(0.1, 0, 0.8), run_of(1.0, 0, 0.2, diverged=True)]).rows())
    assert rows[0] == ("learning_rate", "seed", "step", "validation_accuracy", "diverged")
    assert rows[1:] == [(0.1, 0, 0, 0.1, 0), (0.1, 0, 10, 0.8, 0), (1.0, 0, 0, 0.1, 1), (1.0, 0, 10, 0.2, 1)]


def bars(axes):
    """The lengths of the error bars, by the rate."""
    found = {}
    for container in axes.containers:
        for collection in container.lines[2]:
            found |= {x: high - low for (x, low), (_, high) in collection.get_segments()}
    return found


def entries(figure):
    return [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]


def test_the_figure_shows_the_runs_the_means_and_the_divergence():
    sweep = Sweep([run_of(0.1, 0, 0.8), run_of(0.1, 1, 0.9), run_of(0.5, 0, 0.7), run_of(1.0, 0, 0.3, diverged=True)])
    figure = figures.learning_rate_sweep(sweep)
    curves, final = figure.axes
    assert [line.get_linestyle() for line in curves.lines] == ["-", "-", "-", ":"]
    assert [list(line.get_ydata()) for line in curves.lines] == [[0.1, 0.8], [0.1, 0.9], [0.1, 0.7], [0.1, 0.3]]
    assert len({to_hex(line.get_color()) for line in curves.lines}) == 3
    assert final.get_xscale() == "log"
    assert list(final.lines[0].get_xdata()) == [0.1, 0.5]
    assert final.lines[0].get_ydata() == pytest.approx([0.85, 0.7])
    crosses = [line for line in final.lines if line.get_label() == "diverged"]
    assert [list(line.get_xdata()) for line in crosses] == [[1.0]]
    assert bars(final) == {0.1: pytest.approx(2 * np.std([0.8, 0.9], ddof=1))}  # a single run gets none
    assert entries(figure) == [
        ["0.1", "0.5", "1 (diverged)"],
        ["mean of the runs", "diverged", "best: 0.1", "± standard deviation"],
    ]


def test_of_one_run_the_figure_shows_no_deviation():
    figure = figures.learning_rate_sweep(Sweep([run_of(0.1, 0, 0.8), run_of(1.0, 0, 0.9)]))
    assert bars(figure.axes[1]) == {}
    assert entries(figure)[1] == ["one run each", "best: 1"]


@pytest.mark.parametrize("rates", [2, 7, 12])
def test_the_rates_can_be_told_apart_and_the_legends_stand_beside_the_axes(rates):
    figure = figures.learning_rate_sweep(Sweep([run_of(0.001 * 2**n, 0, 0.5) for n in range(rates)]))
    figure.draw_without_rendering()
    looks = [(to_rgb(line.get_color()), line.get_marker()) for line in figure.axes[0].lines]
    for i, (colour, marker) in enumerate(looks):
        for other, other_marker in looks[:i]:
            assert marker != other_marker or np.linalg.norm(np.subtract(colour, other)) > 0.35
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)
    upper, lower = (legend.get_window_extent() for legend in figure.legends)
    assert not upper.overlaps(lower)


def test_smoothing_starts_at_the_first_value_and_forgets_slowly():
    assert range_test.smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    smoothed = range_test.smooth([1.0, 0.0], inertia=0.5)
    assert smoothed == pytest.approx([1.0, 1 / 3])  # (0.25 · 1 + 0.5 · 0) / (1 − 0.25)


def test_the_range_test_finds_the_steepest_fall_and_a_tenth_of_the_lowest_point():
    rates = np.geomspace(1e-6, 10, 300)
    losses = 3 - 2 / (1 + np.exp(-4 * np.log(rates / 0.01))) + (rates > 1) * rates**2
    test = RangeTest(rates, losses)
    assert 0.01 < test.steepest < 0.03  # the fall is steepest at 0.01; smoothing sees it a little later
    assert test.highest == pytest.approx(0.1, rel=0.3)
    assert test.conclusion().splitlines()[-1] == f"suggested learning rate: {min(test.steepest, test.highest):.2g}"
    lowest = figures.range_test(test).axes[0].lines[2].get_xdata()[0]
    assert lowest == test.steepest


def test_the_range_test_refuses_rates_that_do_not_rise(recipe, halves):
    with pytest.raises(nn.BadInput, match="expected rates in rising order"):
        range_test.range_test(recipe, [0.1, 0.1, 0.2], 0, halves[0])


def test_the_range_test_refuses_a_loss_that_never_fell():
    with pytest.raises(nn.BadInput, match="the loss never fell from the learning rate 1 on: start lower"):
        RangeTest(np.geomspace(1, 10, 5), np.arange(1.0, 6.0))


def test_the_range_test_of_a_real_network_stops_where_it_breaks(recipe, halves):
    test = range_test.range_test(recipe, np.geomspace(1e-4, 1e4, 300).tolist(), 0, halves[0])
    assert len(test.losses) < 300
    assert 1e-3 < test.steepest < 10
    assert len(list(test.rows())) == len(test.losses) + 1


def test_the_range_test_sees_64_images_at_each_rate_even_one_by_one(recipe, halves, monkeypatch):
    seen = []
    step = range_test.train_step
    monkeypatch.setattr(range_test, "train_step", lambda *arguments: seen.append(len(arguments[4])) or step(*arguments))
    range_test.range_test(recipe.override(batch_size=1), np.geomspace(1e-4, 1e-2, 10).tolist(), 0, halves[0])
    assert seen == [1] * 640

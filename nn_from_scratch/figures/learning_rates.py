"""The results of a learning-rate sweep and of a range test."""

from itertools import cycle, product

import numpy as np
from matplotlib.figure import Figure

from nn_from_scratch.figures.style import INK, MUTED, PALETTE, POSITIVE, new_figure, styled, tint
from nn_from_scratch.runs.range_test import RangeTest
from nn_from_scratch.runs.sweep import Sweep

LINES = [(colour, marker) for marker, colour in product(("", ".", "x"), PALETTE)]  # one for each rate


@styled()
def learning_rate_sweep(sweep: Sweep) -> Figure:
    """Left, accuracy against step: a curve for each run, coloured by its rate. Right, final accuracy against rate."""
    figure = new_figure(9.5, 4.2)
    curves, final = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    several = any(summary.runs - summary.diverged > 1 for summary in sweep.summaries)
    final.plot(*_converged(sweep), color=MUTED, linewidth=1, label="mean of the runs" if several else "one run each")
    for summary, (colour, marker) in zip(sweep.summaries, cycle(LINES)):
        rate = summary.learning_rate
        label = f"{rate:.3g}" + (" (diverged)" if summary.diverged else "")
        for run in (run for run in sweep.runs if run.learning_rate == rate):
            style = ":" if run.diverged else "-"
            curves.plot(run.steps, run.accuracies, style, marker=marker, color=colour, label=label)
            label = "_"  # matplotlib leaves this label out of the legend, so each rate is there once
        if summary.diverged < summary.runs:
            # One run has no deviation, and gets no bar.
            final.errorbar(
                rate, summary.mean, np.nan_to_num(summary.deviation) or None, fmt="o", color=colour, capsize=4
            )
    if several:
        final.errorbar([], [], [], fmt="none", ecolor=MUTED, capsize=4, label="± standard deviation")
    diverged = [summary.learning_rate for summary in sweep.summaries if summary.diverged]
    if diverged:
        final.plot(diverged, [0.02] * len(diverged), "X", color=INK, markersize=8, label="diverged")
    if sweep.best:
        best = sweep.best.learning_rate
        final.axvline(best, color=INK, linestyle="--", linewidth=1, zorder=0, label=f"best: {best:.3g}")
    curves.set(xlabel="step", ylabel="accuracy on held-out images", ylim=(0, 1), title="during training")
    final.set(xlabel="learning rate", xscale="log", title="at the end")
    figure.legend(
        *curves.get_legend_handles_labels(), loc="outside right upper", title="learning rate", alignment="left"
    )
    figure.legend(*final.get_legend_handles_labels(), loc="outside right lower", title="at the end", alignment="left")
    for axes in (curves, final):
        axes.grid()
    return figure


def _converged(sweep: Sweep) -> tuple[list[float], list[float]]:
    """The rates at which a run reached its end, and the means of the runs that did."""
    found = [summary for summary in sweep.summaries if summary.diverged < summary.runs]
    return [summary.learning_rate for summary in found], [summary.mean for summary in found]


@styled()
def range_test(test: RangeTest) -> Figure:
    """The loss while the learning rate rises, and the two suggested rates."""
    figure = new_figure(8, 4.4)
    axes = figure.subplots()
    axes.plot(test.learning_rates, test.losses, color=tint(POSITIVE, 0.35), linewidth=1, label="loss of a batch")
    axes.plot(test.learning_rates, test.smoothed, color=POSITIVE, linewidth=2, label="smoothed")
    axes.axvline(test.steepest, color=INK, linestyle="--", label=f"falls fastest: {test.steepest:.2g}")
    axes.axvline(
        test.highest, color=MUTED, linestyle=":", label=f"a tenth of the rate at the lowest loss: {test.highest:.2g}"
    )
    axes.set(xlabel="learning rate", ylabel="loss", xscale="log", ylim=(0, 1.5 * np.nanmax(test.smoothed)))
    axes.legend(loc="upper left")
    axes.grid()
    return figure

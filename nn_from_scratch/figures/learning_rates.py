"""What a sweep or a range test found out about the learning rate."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from nn_from_scratch.figures.style import PALETTE, new_figure
from nn_from_scratch.runs.range_test import RangeTest
from nn_from_scratch.runs.sweep import Sweep


def learning_rate_sweep(sweep: Sweep) -> Figure:
    """Left, accuracy against step, a curve for each run, coloured by its rate; right, final accuracy against rate."""
    figure = new_figure(11, 4.8)
    curves, final = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    colours = colormaps["viridis"](np.linspace(0, 0.92, len(sweep.summaries)))
    for summary, colour in zip(sweep.summaries, colours, strict=True):
        label = f"{summary.learning_rate:.3g}" + (" (diverged)" if summary.diverged else "")
        for run in (run for run in sweep.runs if run.learning_rate == summary.learning_rate):
            curves.plot(run.steps, run.accuracies, ":" if run.diverged else "-", color=colour, label=label)
            label = "_"  # matplotlib's name for what the legend leaves out: a rate is named once
    curves.set(xlabel="step", ylabel="accuracy on held-out images", ylim=(0, 1))
    figure.legend(*curves.get_legend_handles_labels(), loc="outside upper center", ncols=8, title="learning rate")

    converged = [summary for summary in sweep.summaries if summary.diverged < summary.runs]
    rates, means = [summary.learning_rate for summary in converged], [summary.mean for summary in converged]
    deviations = np.nan_to_num([summary.deviation for summary in converged])  # no bar where there is one run
    final.errorbar(rates, means, deviations, color=PALETTE[0], marker="o", capsize=4, label="mean ± standard deviation")
    diverged = [summary.learning_rate for summary in sweep.summaries if summary.diverged]
    if diverged:
        final.plot(diverged, [0.02] * len(diverged), "X", color=PALETTE[3], markersize=9, label="diverged")
    if sweep.best:
        best = sweep.best.learning_rate
        final.axvline(best, color=PALETTE[2], linestyle="--", label=f"best: {best:.3g}")
    final.set(xlabel="learning rate", xscale="log")
    final.legend(loc="lower center", fontsize="small")
    for axes in (curves, final):
        axes.grid(alpha=0.3)
    return figure


def range_test(test: RangeTest) -> Figure:
    """The loss while the learning rate rises, and the two rates that it suggests."""
    figure = new_figure(8, 4.8)
    axes = figure.subplots()
    axes.plot(test.learning_rates, test.losses, color=PALETTE[5], alpha=0.5, linewidth=1, label="loss of a batch")
    axes.plot(test.learning_rates, test.smoothed, color=PALETTE[0], linewidth=2, label="smoothed")
    axes.axvline(test.steepest, color=PALETTE[2], linestyle="--", label=f"falls fastest: {test.steepest:.2g}")
    axes.axvline(
        test.highest, color=PALETTE[3], linestyle=":", label=f"a tenth of the lowest point's: {test.highest:.2g}"
    )
    axes.set(xlabel="learning rate", ylabel="loss", xscale="log", ylim=(0, 1.5 * np.nanmax(test.smoothed)))
    axes.legend()
    axes.grid(alpha=0.3)
    return figure

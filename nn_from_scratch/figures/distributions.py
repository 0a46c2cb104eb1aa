"""The distribution of a table's numbers in each class."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.figure import Figure

from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import one_line
from nn_from_scratch.figures.style import PALETTE, legend_below, new_figure, styled, tint

MOST_PANELS, ACROSS = 12, 4
BINS = 24


@styled()
def distributions(split: Split, classes: Sequence[int], names: Sequence[str], name: str) -> Figure:
    """Histograms of the first numbers of the samples, (N, numbers), with a line for each class."""
    numbers = split.images.shape[1]
    shown = min(numbers, MOST_PANELS)
    across = min(ACROSS, shown)
    down = ceil(shown / across)
    figure = new_figure(max(2.6 * across, 5), 1.9 * down + 1)
    panels = figure.subplots(down, across, squeeze=False).flat
    for i, axes in enumerate(panels):
        if i >= shown:
            axes.set_axis_off()
            continue
        x = split.images[:, i].astype(float)
        edges = np.histogram_bin_edges(x, BINS)
        for k, label in enumerate(classes):
            counts, _ = np.histogram(x[split.labels == label], edges)
            colour = PALETTE[k % len(PALETTE)]
            axes.stairs(counts, edges, color=colour, linewidth=1.4, label=one_line(names[k], 30) if i == 0 else None)
            axes.stairs(counts, edges, color=tint(colour, 0.25), fill=True, alpha=0.5, zorder=0)
        axes.set_title(f"number {i + 1}", fontsize=9)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    which = f", the first {shown} of {numbers}" if shown < numbers else ""
    figure.suptitle(f"{one_line(name)}: the distribution of each number in each class{which}", parse_math=False)
    legend_below(figure, ncols=6)
    return figure

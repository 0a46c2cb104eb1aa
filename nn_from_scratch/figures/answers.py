"""How good a network's answers are: its confusion matrix, and how far its confidence can be trusted."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from nn_from_scratch.figures.style import PALETTE, SEQUENTIAL, new_figure
from nn_from_scratch.metrics import Calibration


def confusion_matrix(confusion: np.ndarray, classes: Sequence[int], accuracy: float) -> Figure:
    """Counts as numbers, each row's shares as colours: the diagonal shows the recall of every class. (K, K)"""
    size = max(0.6 * len(classes), 2.4)
    figure = new_figure(size + 2, size + 1)
    axes = figure.subplots()
    image = confusion_cells(axes, confusion, classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    axes.set_title(f"accuracy {accuracy:.2%} on {confusion.sum():,} images")
    figure.colorbar(image, ax=axes, label="share of the actual class", shrink=0.9)
    return figure


def confusion_cells(
    axes: Axes, confusion: np.ndarray, classes: Sequence[int], number: str = "{:,}", fontsize: float | None = None
) -> AxesImage:
    """The cells with their numbers, and the classes along both sides."""
    totals = confusion.sum(axis=1, keepdims=True)  # (K, 1)
    shares = confusion / np.maximum(totals, 1)  # a class without samples stays white
    image = axes.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1)
    for (actual, predicted), count in np.ndenumerate(confusion):
        if count:
            colour = "white" if shares[actual, predicted] > 0.71 else "black"  # where both are as easy to read
            axes.text(
                predicted, actual, number.format(count), ha="center", va="center", color=colour, fontsize=fontsize
            )
    axes.set_xticks(range(len(classes)), [str(label) for label in classes])
    axes.set_yticks(range(len(classes)), [str(label) for label in classes])
    return image


def calibration(found: Calibration, score_name: str = "probability") -> Figure:
    """Accuracy against confidence, bin by bin, and counts. On the diagonal a network is as often right as it says."""
    figure = new_figure(7, 5)
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    middles, widths = (found.edges[:-1] + found.edges[1:]) / 2, np.diff(found.edges)
    filled = found.counts > 0
    shares.bar(middles[filled], found.accuracy[filled], widths[filled] * 0.92, color=PALETTE[5], label="accuracy")
    shares.plot([0, 1], [0, 1], "--", color="black", linewidth=1, label="perfectly calibrated")
    shares.plot(
        found.confidence[filled],
        found.accuracy[filled],
        "o",
        color=PALETTE[3],
        label="at the mean confidence",
        clip_on=False,
    )
    for middle, accuracy in zip(middles[filled], found.accuracy[filled], strict=True):
        shares.text(middle, 0.02, f"{accuracy:.1%}", ha="center", fontsize=8.5)
    shares.set(xlim=(0, 1), ylim=(0, 1.03), ylabel="share of right answers")
    shares.legend(loc="upper left", fontsize="small")
    shares.set_title(f"expected calibration error {found.error:.4f} on {found.counts.sum():,} images")
    counts.bar(middles, found.counts, widths * 0.92, color=PALETTE[0])
    for middle, count in zip(middles[filled], found.counts[filled], strict=True):
        counts.annotate(f"{count:,}", (middle, count), (0, 2), textcoords="offset points", ha="center", fontsize=8.5)
    counts.set(ylim=(0, found.counts.max() * 1.3), ylabel="images", xlabel=f"confidence: {score_name} of the answer")
    counts.set_xticks(found.edges)
    counts.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    counts.yaxis.set_major_formatter("{x:,.0f}")
    for axes in (shares, counts):
        axes.spines[["top", "right"]].set_visible(False)
    return figure

"""The quality of a network's answers: the confusion matrix, and how much its confidence can be trusted."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from nn_from_scratch.errors import one_line
from nn_from_scratch.figures.style import (
    INK,
    LONGEST_NAME,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SUNKEN,
    new_figure,
    percent,
    slant,
    styled,
    tint,
)
from nn_from_scratch.metrics import Calibration


@styled()
def confusion_matrix(
    confusion: np.ndarray, classes: Sequence[int | str], accuracy: float, what: str = "images"
) -> Figure:
    """Counts as numbers and as colours: right answers blue, mistakes orange. (K, K)

    `classes` are their labels, or their names.
    """
    many = len(classes) > 12
    size = max((0.4 if many else 0.55) * len(classes), 2.4)
    names = [one_line(name, LONGEST_NAME) for name in classes]
    room = 1 + 0.07 * max(map(len, names))  # for the names, along each side
    figure = new_figure(size + room, size + room)
    axes = figure.subplots()
    confusion_cells(axes, confusion, names, fontsize=7 if many else None, longest=int(13.5 * size / len(names)))
    explained = "blue: right, orange: mistakes;", "a stronger colour means more"
    axes.set_xlabel("\n".join(["predicted", *(explained if len(classes) < 6 else [" ".join(explained)])]))
    axes.set_ylabel("actual")
    axes.set_title(f"accuracy {accuracy:.2%} on {confusion.sum():,} {what}")
    return figure


def confusion_cells(
    axes: Axes,
    confusion: np.ndarray,
    classes: Sequence[int | str],
    number: str = "{:,}",
    fontsize: float | None = None,
    longest: int = 4,
) -> None:
    """The cells with their numbers, and the classes along both sides. Looks like the table on the live page.

    If a name has more than `longest` letters, the names below the cells are slanted.
    """
    axes.imshow(confusion_colours(confusion))
    for (actual, predicted), count in np.ndenumerate(confusion):
        if count:
            axes.text(predicted, actual, number.format(count), ha="center", va="center", fontsize=fontsize)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(len(classes)), [str(name) for name in classes])
        axis.set_ticks(np.arange(1, len(classes)) - 0.5, minor=True)
    slant(axes, longest)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def confusion_colours(confusion: np.ndarray) -> np.ndarray:
    """The diagonal in blue and the other cells in orange, each in proportion to its own maximum. (K, K) → (K, K, 3)

    With one scale for both, the mistakes would be white: a good network has a hundred times fewer mistakes.
    """
    right = np.eye(len(confusion), dtype=bool)
    colours = np.empty((*confusion.shape, 3))
    for cells, colour, least, most in ((right, POSITIVE, 0.10, 0.45), (~right, NEGATIVE, 0.12, 0.80)):
        largest = max(1, confusion[cells].max(initial=0))
        for place in np.argwhere(cells):
            count = confusion[tuple(place)]
            shade = tint(colour, least + (most - least) * count / largest) if count else SUNKEN
            colours[tuple(place)] = to_rgb(shade)
    return colours


@styled()
def calibration(found: Calibration, score_name: str = "probability", what: str = "images") -> Figure:
    """Accuracy against confidence, bin by bin. On the diagonal, accuracy and confidence are equal.

    The bars are 95 % intervals (Wilson's): if few answers have this confidence, their accuracy says little.
    """
    figure = new_figure(8, 4.8)
    axes = figure.subplots()
    filled = found.counts > 0
    middles, widths = ((found.edges[:-1] + found.edges[1:]) / 2)[filled], np.diff(found.edges)[filled]
    accuracy, confidence = found.accuracy[filled], found.confidence[filled]
    low, high = (bound[filled] for bound in found.interval())
    axes.bar(middles, accuracy, widths * 0.94, color=tint(POSITIVE, 0.2), label="accuracy")
    axes.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1, label="accuracy = confidence")
    axes.errorbar(
        confidence,
        accuracy,
        [accuracy - low, high - accuracy],
        fmt="o",
        color=POSITIVE,
        markersize=5,
        capsize=4,
        label="at the mean confidence, with a 95 % interval",
        clip_on=False,
    )
    for middle, share, count in zip(middles, accuracy, found.counts[filled], strict=True):
        axes.text(middle, 0.015, f"{percent(share)}\nof {count:,}", ha="center", color=INK, fontsize=8.5)
    axes.set(xlim=(0, 1), ylim=(0, 1.03), ylabel="share of right answers")
    axes.set(xticks=found.edges, xlabel=f"confidence: {score_name} of the answer")
    figure.legend(loc="outside lower center", ncols=3)
    axes.set_title(f"expected calibration error {found.error:.4f} on {found.counts.sum():,} {what}")
    return figure

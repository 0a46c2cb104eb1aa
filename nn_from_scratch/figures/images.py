"""Figures with images: the mistakes of a network, the pictures it has read, samples of a data set."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import one_line
from nn_from_scratch.figures.style import (
    IMAGE,
    INK,
    LINE,
    LONGEST_NAME,
    MUTED,
    SUNKEN,
    as_picture,
    new_figure,
    percent,
    slant,
    styled,
    tint,
)
from nn_from_scratch.handwriting.reading import Reading
from nn_from_scratch.inspection.answers import Answers

MOST_MISTAKES = 32
NARROW = 14  # letters of a class's name if there is little room
SORTED = {"loss": "highest loss first", "confidence": "most confident first", "uncertainty": "least certain first"}


@styled()
def mistakes(images: np.ndarray, found: Answers, classes: Sequence[int | str], order: str) -> Figure:
    """The worst mistakes, each with its actual class, the answer and its score, and its index.

    images (N, rows, columns) or, in colour, (N, channels, rows, columns); `classes` are their labels, or their names.
    """
    rows = found.mistakes(order)
    shown = rows[:MOST_MISTAKES]
    across = min(8, max(len(shown), 5))
    down = max(ceil(len(shown) / across), 1)
    beside = ",\n" if max(len(str(name)) for name in classes) > 4 else ", "  # "is 8, read 5", or in two lines
    said = "said" if "\n" in beside else "read"
    names = [one_line(name, NARROW) for name in classes]
    tall = images.shape[-2] / images.shape[-1]
    figure = new_figure(9, (0.55 + 0.14 * beside.count("\n") + 0.9 * tall) * down + 0.6)
    panels = figure.subplots(down, across, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, row in zip(panels.flat, shown, strict=False):
        show(axes, images[row])
        answer, actual = names[found.predicted[row]], names[found.actual[row]]
        axes.set_title(
            f"is {actual}{beside}{said} {answer}\n{percent(found.confidence[row])}, #{found.index[row]}",
            loc="center",
            fontsize=8.5 if max(map(len, names)) <= 11 else 7,
            fontweight="normal",
            parse_math=False,
        )
    many = f"{len(rows):,} mistakes" if len(rows) != 1 else "1 mistake"
    which = f", the first {len(shown)}" if len(shown) < len(rows) else ""
    sort = f", {SORTED[order]}\nwith the {found.score_name} of the answer and the image's index" if len(rows) else ""
    figure.suptitle(f"{many} in {len(images):,} images{which}{sort}")
    return figure


@styled()
def handwriting(readings: Sequence[Reading]) -> Figure:
    """A column for each picture: the ink found in it, the 28×28 pixels that the network sees, and its answer."""
    across = min(5, len(readings))
    down = ceil(len(readings) / across)
    figure = new_figure(max(1.8 * across, 3), 3.9 * down)
    for group, part in zip(
        figure.subfigures(down, 1, squeeze=False).flat, range(0, len(readings), across), strict=True
    ):
        panels = group.subplots(3, across, squeeze=False, height_ratios=[1, 1, 0.7])
        for axes in panels.flat:
            axes.set_axis_off()
        for (found, seen, answer), reading in zip(panels.T, readings[part : part + across], strict=False):
            name = reading.name.replace("\\", "/").rpartition("/")[2]
            show(found, reading.ink, title=one_line(name, longest=20))
            show(seen, reading.image, title="the network saw")
            for axes in (found, seen):
                axes.set_axis_on()
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set(color=LINE, visible=True)
            _scores(answer, reading)
    return figure


def _scores(axes: Axes, reading: Reading) -> None:
    """A bar for each class. The bar of the answer is dark, and the title names it."""
    (answer, score), _ = reading.named_ranking
    colours = [INK if name == answer else tint(MUTED, 0.5) for name in reading.names]
    axes.set_axis_on()
    axes.bar(range(len(reading.names)), reading.scores, color=colours)
    names = [one_line(name, LONGEST_NAME) for name in reading.names]
    axes.set_xticks(range(len(names)), names, fontsize=8 if len(names) <= 12 else 5)
    slant(axes, longest=2)
    axes.set(ylim=(0, 1), yticks=[])
    title = f"{one_line(answer, LONGEST_NAME)}: {reading.score_name} {percent(score)}"
    axes.set_title(title, loc="center", fontsize=9, fontweight="normal", parse_math=False)
    axes.spines["left"].set_visible(False)


@styled()
def samples(
    split: Split, classes: Sequence[int], name: str, per_class: int = 12, names: Sequence[str] | None = None
) -> Figure:
    """A row for each class: the number of its images, their mean, and some of them (the first in the set).

    `names` are the names of the classes.
    """
    rows, columns = split.images.shape[-2:]
    figure = new_figure(9, 0.66 * max(rows / columns, 0.3) * len(classes) + 0.7)
    panels = figure.subplots(len(classes), per_class + 2, squeeze=False, width_ratios=[2.1, 1.15, *([1] * per_class)])
    for axes in panels.flat:
        axes.set_axis_off()
    counts = [int(np.count_nonzero(split.labels == label)) for label in classes]
    called = [str(label) for label in classes] if names is None else names
    for (bar, mean, *places), label, head, count in zip(panels, classes, called, counts, strict=True):
        # The box is as wide as the longest bar, so the text is inside it even if the bar is short.
        bar.barh([0, 0], [max(counts), count], height=0.6, color=[SUNKEN, tint(MUTED, 0.3)])
        bar.set(xlim=(0, max(counts)), ylim=(-0.6, 0.6))
        text, points = f"{head}: {count:,}", 9.0
        if len(text) > 15:
            text, points = f"{one_line(head, 18)}\n{count:,}", 6.5
        bar.text(max(counts) / 25, 0, text, va="center_baseline", fontsize=points, linespacing=1.3, parse_math=False)
        images = split.images[split.labels == label]
        if len(images):
            show(mean, images.mean(axis=0))
        for axes, image in zip(places, images, strict=False):
            show(axes, image)
    size = f"{len(split):,} images of {rows} × {columns} pixels"
    title = f"{one_line(name)}: {size}; for each class the count, the mean image and samples"
    figure.suptitle(title, parse_math=False)
    return figure


@styled()
def augmented(images: np.ndarray, versions: Mapping[str, np.ndarray], name: str) -> Figure:
    """A row for each image (n, rows, columns): as stored, then its versions, (n, ·, rows, columns) by title."""
    parts = {"stored": images[:, None], **versions}
    counts = [part.shape[1] for part in parts.values()]
    lines = 1 + max(title.count(":") for title in parts)  # a word with its settings, one below the other
    figure = new_figure(0.58 * sum(counts) + 0.1 * len(counts), 0.58 * len(images) + 0.15 * lines + 0.55)
    groups = figure.subfigures(1, len(counts), squeeze=False, wspace=0.02, width_ratios=counts)[0]
    for group, (title, part) in zip(groups, parts.items(), strict=True):
        panels = group.subplots(*part.shape[:2], squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03})
        for axes, image in zip(panels.flat, part.reshape(-1, *images.shape[1:]), strict=True):
            show(axes, image)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(color=LINE, visible=True)  # the border of the image, to see what was shifted
        heading = panels[0, 0].text(0, 1.06, title.replace(":", "\n"), fontsize=9, transform=panels[0, 0].transAxes)
        heading.set_in_layout(False)  # so that the rows of all groups are aligned, whatever is above them
    title = f"{one_line(name)}: the first image of each class, and its versions in the first epochs"
    figure.suptitle(title + lines * "\n", parse_math=False)
    return figure


def show(axes: Axes, image: np.ndarray, title: str = "") -> None:
    """One image of bytes, each pixel a square: ink is dark; a picture in colour has its colours."""
    axes.imshow(as_picture(image), cmap=IMAGE, vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(title, loc="center", fontsize=9, fontweight="normal", parse_math=False)  # a file's name may hold a $

"""The answers of a network with two inputs everywhere in the plane, and its training and test points."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nn_from_scratch.classes import class_scores, predicted_classes
from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.errors import one_line
from nn_from_scratch.figures.style import INK, MUTED, PALETTE, PAPER, legend_below, new_figure, styled, tint
from nn_from_scratch.network import Network
from nn_from_scratch.training import predict

CELLS = 400  # along each side of the picture
MARGIN = 0.08  # around the points, as a share of their extent
WEAKEST, STRONGEST = 0.08, 0.42  # shares of a class's colour: for a guess, and for certainty
MOST_POINTS = 600  # of each set: more would hide the regions


@styled()
def decision_regions(network: Network | Ensemble, data: Dataset, names: Sequence[str], accuracy: float) -> Figure:
    """The plane in the colours of the answered classes, stronger where the answer is surer; lines where it changes.

    `data` is the result of `matching`: points (N, 2) with classes numbered 0, 1, …; `names` has the names of the
    classes. Rings mark the test points that are answered wrongly.
    """
    figure = new_figure(7, 6.6)
    axes = figure.subplots()
    _regions(axes, network, _bounds(data), len(names))
    _points(axes, data, len(names))
    wrong = data.test.images[predicted_classes(predict(network, data.test.images)) != data.test.labels]
    axes.plot(*wrong.T, "o", markersize=11, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.2)
    title = f"accuracy {accuracy:.2%} on {len(data.test):,} test points"
    marks = [] if not len(wrong) else [_mark("o", 9, "none", INK, f"answered wrongly ({len(wrong):,})")]
    return _legend(figure, axes, data, names, title, marks)


@styled()
def points(data: Dataset, names: Sequence[str], name: str) -> Figure:
    """The points of both sets, without a network."""
    figure = new_figure(7, 6.6)
    axes = figure.subplots()
    _points(axes, data, len(names))
    (left, bottom), (right, top) = _bounds(data)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return _legend(figure, axes, data, names, f"{one_line(name)}: {len(data.train) + len(data.test):,} points", [])


def _bounds(data: Dataset) -> np.ndarray:
    """The corners of the picture: [[left, bottom], [right, top]]."""
    x = np.concatenate([data.train.images, data.test.images]).astype(float)
    low, high = x.min(axis=0), x.max(axis=0)
    if data.noun == "point":  # both inputs have the same unit: a square
        middle, half = (low + high) / 2, (high - low).max() / 2
        low, high = middle - half, middle + half
    margin = np.maximum(MARGIN * (high - low), 1e-6 * np.maximum(np.abs(low), np.abs(high)) + 1e-12)
    return np.stack([low - margin, high + margin])


def _regions(axes: Axes, network: Network | Ensemble, bounds: np.ndarray, classes: int) -> None:
    (left, bottom), (right, top) = bounds
    u, v = (np.linspace(low, high, CELLS) for low, high in ((left, right), (bottom, top)))
    plane = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2).astype(np.float32)
    p = predict(network, plane)
    answer, scores = predicted_classes(p), class_scores(p)
    chance = 1 / classes
    sure = np.clip((scores.max(axis=1) - chance) / (1 - chance), 0, 1)[:, None]
    colours = np.array([to_rgb(_colour(k)) for k in range(classes)])[answer]
    share = WEAKEST + (STRONGEST - WEAKEST) * sure
    picture = share * colours + (1 - share) * np.array(to_rgb(PAPER))
    axes.imshow(
        picture.reshape(CELLS, CELLS, 3),
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    for k in range(classes):  # each border is drawn twice, once for either class
        axes.contour(u, v, (answer == k).reshape(CELLS, CELLS), [0.5], colors=[MUTED], linewidths=0.7)


def _points(axes: Axes, data: Dataset, classes: int) -> None:
    for split, marker, size, edge in ((data.train, "o", 3.2, "none"), (data.test, "D", 4.2, PAPER)):
        some = split.select(slice(0, MOST_POINTS))
        for k in range(classes):
            x = some.images[some.labels == k]
            axes.plot(*x.T, marker, color=_colour(k), markersize=size, markeredgecolor=edge, markeredgewidth=0.6)


def _legend(
    figure: Figure, axes: Axes, data: Dataset, names: Sequence[str], title: str, marks: Sequence[Line2D]
) -> Figure:
    axes.set_title(title)
    axes.set(xlabel="first input", ylabel="second input")
    axes.set_aspect("equal" if data.noun == "point" else "auto")
    kinds = [_mark("o", 3.2, MUTED, "none", "training"), _mark("D", 4.2, MUTED, PAPER, "test")]
    classes = [_mark("s", 8, _colour(k), "none", one_line(name, 30)) for k, name in enumerate(names)]
    rows = [classes, [*kinds, *marks]]
    longest = max(map(len, rows))
    handles = [*classes, *kinds, *marks]
    if longest <= 5:  # two lines: a legend is filled column by column
        empty = _mark("", 0, "none", "none", "")
        handles = [handle for pair in zip_longest(*rows, fillvalue=empty) for handle in pair]
    legend_below(figure, ncols=min(longest, 5), handles=handles)
    return figure


def _mark(marker: str, size: float, face: str, edge: str, label: str) -> Line2D:
    return Line2D(
        [], [], linestyle="", marker=marker, markersize=size, markerfacecolor=face, markeredgecolor=edge, label=label
    )


def _colour(k: int) -> str:
    """The colour of a class. If there are very many, some share a colour in a paler tint."""
    colour, times = PALETTE[k % len(PALETTE)], k // len(PALETTE)
    return tint(colour, 0.6**times) if times else colour

"""One image on its way through a network, stage by stage: the feature maps, and at the end the answer.

Everything is placed in inches on one large axes, from top to bottom, because a stage has many small tiles, and all of
them have to fit on a page.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nn_from_scratch.classes import class_scores, score_name
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.errors import one_line
from nn_from_scratch.figures.style import (
    DIVERGING,
    IMAGE,
    INK,
    LONGEST_NAME,
    MUTED,
    as_picture,
    new_figure,
    percent,
    styled,
    tint,
)
from nn_from_scratch.inspection.answers import first_and_second
from nn_from_scratch.inspection.stages import Stage, stages
from nn_from_scratch.network import Network

WIDTH, MARGIN, GAP = 9.0, 0.12, 0.08
PICTURE = 2.0  # the image's side
BESIDE = MARGIN + PICTURE + 0.3  # where the first stage begins, to the right of the image
KERNEL = 0.36  # a kernel's side
BAR = 0.5  # height of a full bar
ROW = 0.24  # height of a line of text
LETTER = 0.077  # width of a letter
MOST_MAPS = 64  # of a stage
MOST_NUMBERS = 512


@styled()
@np.errstate(over="ignore", invalid="ignore")  # a network with huge weights can be drawn, too
def feature_maps(network: Network, classes: Sequence[int | str], image: np.ndarray) -> Figure:
    """An image of bytes (rows, columns), the output of each stage of the network, and the score of each class.

    `classes` are their labels or their names. An image in colour is (channels, rows, columns). If the first stage is a
    convolution, its kernels are above its maps.
    """
    found = stages(network, inputs(image[None], network.input_shape, network.dtype))
    page = _Page()
    page.line("the image", MARGIN)
    picture = as_picture(image)
    page.tile(picture, MARGIN, page.top, PICTURE, cmap=IMAGE, norm=Normalize(0, 255))
    below, page.top = page.top + PICTURE * picture.shape[0] / picture.shape[1] + 2 * GAP, MARGIN
    for stage in found[1:]:
        left = BESIDE if stage is found[1] else MARGIN
        if stage is found[-1]:
            kind = score_name(network.layers[-1], *network.output_shape)
            page.line(f"{stage.name}: the {kind} of each class", left)
            page.scores(class_scores(stage.a)[0], classes, left)
        elif stage.has_maps and stage is found[1] and (kernels := _kernels(stage)) is not None:
            page.kernels_and_maps(stage, kernels, left)
        elif stage.has_maps:
            page.maps(stage, left)
        else:
            page.numbers(stage, left)
        page.top = max(page.top, below)
    page.axes.text(
        MARGIN, page.top, "blue: above 0, orange: below 0; each stage has its own scale", fontsize=8, va="top"
    )
    return page.finished()


def _kernels(stage: Stage) -> np.ndarray | None:
    """(filters, k, k) the kernels that made the maps of a stage from an image with one channel, or None."""
    W = getattr(stage.layer, "W", np.empty(0))
    return W[:, 0].astype(float) if W.ndim == 4 and W.shape[:2] == (stage.shape[0], 1) else None


class _Page:
    """A figure that is filled from `top` downwards. All lengths are in inches, measured from the upper left corner."""

    def __init__(self) -> None:
        self.figure = new_figure(WIDTH, 1)
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.top = MARGIN

    def finished(self) -> Figure:
        height = self.top + ROW
        self.figure.set_size_inches(WIDTH, height)
        self.axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        self.axes.set_axis_off()
        return self.figure

    def line(self, text: str, left: float) -> None:
        self.axes.text(left, self.top, text, fontsize=9, fontweight="bold", va="top")
        self.top += ROW

    def tile(self, values: np.ndarray, left: float, top: float, width: float, **colours: Any) -> None:
        """An image of this width, in a thin frame."""
        height = width * values.shape[0] / values.shape[1]
        extent = (left, left + width, top + height, top)
        self.axes.imshow(values, extent=extent, aspect="auto", interpolation="nearest", **colours)
        self.axes.add_patch(Rectangle((left, top), width, height, fill=False, linewidth=0.4, edgecolor=MUTED))

    def places(self, count: int, left: float, pitch: float, height: float) -> Iterator[tuple[float, float]]:
        """The upper left corners of `count` cells, row by row."""
        across = int((WIDTH - MARGIN + GAP - left) / pitch + 0.01)
        for n in range(count):
            yield left + n % across * pitch, self.top + n // across * height
        self.top += ceil(count / across) * height + GAP

    def maps(self, stage: Stage, left: float) -> None:
        maps = stage.maps[0].astype(float)
        count, rows, columns = maps.shape
        smaller = "" if hasattr(stage.layer, "W") else "reduced to "
        self.line(f"{stage.name}: {smaller}{count} maps of {rows} × {columns}{_cut(count)}", left)
        pitch = (WIDTH - 2 * MARGIN + GAP) / 16
        side = pitch - GAP
        shown = maps[:MOST_MAPS]
        places = self.places(len(shown), left, pitch, side * rows / columns + GAP)
        for values, place in zip(shown, places, strict=True):
            self.tile(values, *place, side, **_signed(maps))

    def kernels_and_maps(self, stage: Stage, kernels: np.ndarray, left: float) -> None:
        """Each kernel with its number, and below it its map of the image."""
        maps = stage.maps[0].astype(float)
        count, rows, columns = maps.shape
        size = f"{kernels.shape[1]} × {kernels.shape[2]}"
        text = f"{count} kernels of {size}, each above its map of {rows} × {columns}"
        self.line(f"{stage.name}: {text}{_cut(count)}", left)
        pitch = (WIDTH - MARGIN + GAP - left) / 8
        side, above = pitch - GAP, KERNEL + GAP / 2
        shown = maps[:MOST_MAPS]
        places = self.places(len(shown), left, pitch, above + side * rows / columns + 2 * GAP)
        for n, (values, (x, y)) in enumerate(zip(shown, places, strict=True)):
            self.tile(kernels[n], x, y, KERNEL, **_signed(kernels))
            self.axes.text(x + KERNEL + GAP / 2, y, f"{n}", fontsize=7.5, va="top", color=MUTED)
            self.tile(values, x, y + above, side, **_signed(maps))

    def numbers(self, stage: Stage, left: float) -> None:
        """A cell for each unit of a stage that has no maps."""
        values = stage.a[0].astype(float)
        self.line(f"{stage.name}: {len(values):,} numbers{_cut(len(values), MOST_NUMBERS)}", left)
        shown = values[:MOST_NUMBERS]
        cells = np.full((ceil(len(shown) / 64), min(len(shown), 64)), np.nan)  # the rest of the last row is paper
        cells.flat[: len(shown)] = shown
        side = (WIDTH - MARGIN - left) / 64
        self.tile(cells, left, self.top, side * cells.shape[1], **_signed(values))
        self.top += side * len(cells) + 2 * GAP

    def scores(self, scores: np.ndarray, classes: Sequence[int | str], left: float) -> None:
        """A bar for each class. The bar of the answer is dark and has its score above it."""
        answer, _ = first_and_second(scores)
        pitch = (WIDTH - MARGIN - left) / max(len(classes), 10)
        width, foot = pitch - GAP, self.top + ROW + BAR
        names = [one_line(name, LONGEST_NAME) for name in classes]
        longest = LETTER * max(map(len, names))
        rotation = 90 if longest > pitch else 0
        for k, (name, score) in enumerate(zip(names, np.clip(scores, 0, 1), strict=True)):
            x, weight = left + k * pitch, "bold" if k == answer else "normal"
            bar = Rectangle((x, foot - BAR * score), width, BAR * score, color=INK if k == answer else tint(MUTED, 0.5))
            self.axes.add_patch(bar)
            self.axes.plot([x, x + width], [foot, foot], color=MUTED, linewidth=0.8)
            look: dict[str, Any] = {"ha": "center", "fontsize": 9, "fontweight": weight, "parse_math": False}
            self.axes.text(x + width / 2, foot + GAP / 2, name, va="top", rotation=rotation, **look)
            if k == answer:
                above = foot - BAR * score - GAP / 2
                self.axes.text(x + width / 2, above, percent(scores[k]), va="bottom", **look)
        self.top = foot + GAP + (longest if rotation else ROW)


def _cut(count: int, most: int = MOST_MAPS) -> str:
    return f", the first {most}" if count > most else ""


def _signed(values: np.ndarray) -> dict[str, Any]:
    """The colours of values on a scale where 0 is neutral. Infinite values have the colours of its ends."""
    most = float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0
    return {"cmap": DIVERGING, "norm": Normalize(-most, most)}

"""Draw how images lie in memory, and how Conv2D multiplies a row of places: layers/images.py and layers/conv2d.py.

    python -m resources.images.convolution_in_memory convolution_in_memory.png

An example that fits a page: images of 4 × 6 pixels with 2 channels, 5 samples, 4 filters with kernels of 3 × 3. The
pixels in the cells are cut out of an array and laid side by side as the layer does it.
"""

import sys
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nn_from_scratch import figures
from nn_from_scratch.figures.style import INK, LINE, MUTED, PALETTE, new_figure, styled, tint

ROWS, COLUMNS, CHANNELS, SAMPLES, FILTERS, K = 4, 6, 2, 5, 4, 3
PLACES = COLUMNS - K + 1  # in a row of outputs
SHOWN = 1  # the place whose product is drawn

TINTS = tuple(tint(colour, 0.4) for colour in PALETTE[:4])  # of the rows of an image
WIDTH, HEIGHT, LEFT = 9.0, 9.15, 0.2  # inches; all places are, from the upper left corner
CELL = 0.355


def image() -> np.ndarray:
    """(rows, columns): each pixel is the number of its row, then that of its column."""
    return 10 * np.arange(ROWS)[:, None] + np.arange(COLUMNS)


def side_by_side(pixels: np.ndarray, top: int) -> np.ndarray:
    """The K rows from `top` on, column after column. (columns · K,)"""
    return pixels[top : top + K].T.ravel()


def window(below: np.ndarray, place: int) -> np.ndarray:
    """What the kernel sees at a place: K · K neighbours, a column further on than at the place before."""
    return below[place * K : place * K + K * K]


@styled()
def draw() -> Figure:
    figure = new_figure(WIDTH, HEIGHT)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.set_axis_off()
    _image(axes, 0.15)
    _memory(axes, 2.4)
    _rows_side_by_side(axes, 3.35)
    _product(axes, 5.85)
    return figure


# ---- the four parts, from top to bottom ----


def _image(axes: Axes, top: float) -> None:
    """An image with the kernel over it, and what is behind one of its pixels."""
    _heading(axes, top, f"Images of {ROWS} × {COLUMNS} pixels, and a kernel of {K} × {K} at place {SHOWN}")
    y = top + 0.33
    for (row, column), pixel in np.ndenumerate(image()):
        _cell(axes, LEFT + column * CELL, y + row * CELL, CELL, CELL, pixel)
    _frame(axes, LEFT + SHOWN * CELL, y, K * CELL, K * CELL)
    _text(axes, LEFT, y + ROWS * CELL + 0.08, "the row and the column of each pixel", va="top")

    x, small = LEFT + COLUMNS * CELL + 1.3, 0.4
    _text(axes, x, y - 0.02, f"each pixel is {CHANNELS} · {SAMPLES} numbers, neighbours in memory:", va="top")
    y += 0.52
    for channel in range(CHANNELS):
        start = x + channel * SAMPLES * small
        _text(axes, start + SAMPLES * small / 2, y - 0.06, f"channel {channel}", ha="center", va="bottom")
        for sample in range(SAMPLES):
            _box(axes, start + sample * small, y, small, CELL, TINTS[1], f"n = {sample}", fontsize=7)
        _frame(axes, start, y, SAMPLES * small, CELL, linewidth=1)
    pixel = LEFT + 3 * CELL, top + 0.33 + CELL
    for corner, end in ((0, y), (CELL, y + CELL)):
        axes.plot([pixel[0] + CELL, x], [pixel[1] + corner, end], color=MUTED, linewidth=0.7, zorder=5)
    _text(
        axes,
        *(x, y + CELL + 0.12),
        "first come the samples of a batch, then the channels,\nthen the pixels of a row, then the rows",
        va="top",
    )


def _memory(axes: Axes, top: float) -> None:
    _heading(axes, top, "In memory: rows, columns, channels, samples. One row of pixels lies after the other")
    for n, pixel in enumerate(image().ravel()):
        _cell(axes, LEFT + n * CELL, top + 0.3, CELL, CELL, pixel)


def _rows_side_by_side(axes: Axes, top: float) -> None:
    """The buffer for the first row of outputs, and the block of it that each place sees."""
    _heading(axes, top, f"1   Copy the {K} rows below the kernel side by side: column after column")
    below = side_by_side(image(), 0)
    y = top + 0.3
    for n, pixel in enumerate(below):
        _cell(axes, LEFT + n * CELL, y, CELL, CELL, pixel)
    note = f"the only copy: in all a pixel is\ncopied {K} times, not {K} · {K}"
    _text(axes, LEFT + len(below) * CELL + 0.15, y + CELL / 2, note, va="center")
    _frame(axes, LEFT + SHOWN * K * CELL, y, K * K * CELL, CELL)
    y += CELL + 0.25
    _heading(axes, y, "2   What the kernel sees at a place is one block of them. The blocks overlap: no further copy")
    for place in range(PLACES):
        x, height = LEFT + place * K * CELL, y + 0.3 + place * 0.25
        shown = place == SHOWN
        _box(axes, x, height, K * K * CELL, 0.2, INK if shown else LINE)
        first, last = window(below, place)[[0, -1]]
        label = f"place {place}: {first:02} … {last:02}"
        colour = "white" if shown else INK
        _text(axes, x + K * K * CELL / 2, height + 0.1, label, ha="center", va="center", color=colour)


def _product(axes: Axes, top: float) -> None:
    """W times what the shown place sees, and the row of outputs that such products fill."""
    _heading(axes, top, "3   One matrix product for each place")
    seen, side = window(side_by_side(image(), 0), SHOWN), 0.25
    y, middle = top + 0.62, top + 0.62 + K * K * side / 2
    # W: a row for each filter, its columns in the order of the pixels that are seen
    upper = middle - FILTERS * side / 2
    for column, pixel in enumerate(seen):
        for row in range(FILTERS):
            _box(axes, LEFT + column * side, upper + row * side, side, side, TINTS[pixel // 10], linewidth=0.3)
    _frame(axes, LEFT, upper, K * K * side, FILTERS * side, linewidth=1)
    _text(axes, LEFT + K * K * side / 2, upper - 0.07, "the kernels W", ha="center", va="bottom")
    note = f"rows: filters\ncolumns: {K} · {K} weights for each\nchannel, in the order of the block"
    _text(axes, LEFT, upper + FILTERS * side + 0.08, note, va="top", fontsize=8)
    x = LEFT + K * K * side
    _text(axes, x + 0.2, middle, "×", ha="center", va="center", fontsize=15)
    # the block: a row for each pixel, a column for each sample
    x += 0.42
    for row, pixel in enumerate(seen):
        for sample in range(SAMPLES):
            _box(axes, x + sample * side, y + row * side, side, side, TINTS[pixel // 10], f"{pixel:02}", fontsize=7)
    _frame(axes, x, y, SAMPLES * side, K * K * side)
    _text(axes, x + SAMPLES * side / 2, y - 0.07, f"the block of place {SHOWN}", ha="center", va="bottom")
    x += SAMPLES * side
    _text(axes, x + 0.1, y, "rows: pixels, and of each the channels\ncolumns: samples", va="top", fontsize=8)
    _text(axes, x + 0.22, middle, "=", ha="center", va="center", fontsize=15)
    # the outputs of the place
    x += 0.45
    for row in range(FILTERS):
        for sample in range(SAMPLES):
            _box(axes, x + sample * side, upper + row * side, side, side, "white", linewidth=0.3)
    _frame(axes, x, upper, SAMPLES * side, FILTERS * side)
    _text(axes, x + SAMPLES * side / 2, upper - 0.07, "the outputs there", ha="center", va="bottom")
    _text(axes, x, upper + FILTERS * side + 0.08, "rows: filters\ncolumns: samples", va="top", fontsize=8)
    # the row of outputs
    x += SAMPLES * side + 0.4
    for place in range(PLACES):
        _box(axes, x + place * 0.42, middle - 0.2, 0.42, 0.4, "white", str(place), linewidth=0.5)
    _frame(axes, x + SHOWN * 0.42, middle - 0.2, 0.42, 0.4)
    _text(axes, x, upper - 0.07, "the row of outputs", va="bottom")
    note = "lies in memory as the\ninput does: rows, columns,\nfilters, samples"
    _text(axes, x, upper + FILTERS * side + 0.08, note, va="top", fontsize=8)
    foot = f"4   For the next row of outputs the rows 1, 2 and {K} are put side by side, and so on"
    _heading(axes, y + K * K * side + 0.14, foot)


# ---- cells ----


def _cell(axes: Axes, x: float, y: float, width: float, height: float, pixel: int) -> None:
    _box(axes, x, y, width, height, TINTS[pixel // 10], f"{pixel:02}")


def _box(
    axes: Axes, x: float, y: float, width: float, height: float, colour: str, text: str = "", **settings: Any
) -> None:
    linewidth = settings.pop("linewidth", 0.5)
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor=MUTED, linewidth=linewidth))
    _text(axes, x + width / 2, y + height / 2, text, ha="center", va="center_baseline", **settings)


def _frame(axes: Axes, x: float, y: float, width: float, height: float, linewidth: float = 2) -> None:
    axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=INK, linewidth=linewidth, zorder=4))


def _text(axes: Axes, x: float, y: float, text: str, **settings: Any) -> None:
    axes.text(x, y, text, **{"fontsize": 8.5} | settings)


def _heading(axes: Axes, y: float, text: str) -> None:
    axes.text(LEFT, y, text, fontsize=10, fontweight="bold", va="top")


if __name__ == "__main__":
    figures.save(draw(), sys.argv[1])

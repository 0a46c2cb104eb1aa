"""The common style of all figures and the dashboard: the colours of the live page, sizes, and the form of numbers.

The colours and their names are those of the page's light theme in web/static/style.css. pyplot is not imported, so
drawing needs no display and leaves nothing in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure

PAPER, SUNKEN, LINE, MUTED, INK = "#ffffff", "#f4f4f0", "#dfdfd8", "#5b626b", "#1b1e22"
# Blue is positive, right and training; orange is negative, wrong and validation. People with any colour vision can
# distinguish the two.
NEGATIVE, ZERO, POSITIVE = "#cf5d00", "#f7f7f4", "#1766c2"
NEGATIVE_TEXT = "#a64800"

LONGEST_NAME = 20  # letters of a class's name that are drawn

# For categories without a sign: the page's blue and orange, and matching colours of M. Okabe and K. Ito, "Color
# Universal Design": green, purple, sky blue, and a yellow darker than theirs; and ink.
PALETTE = (POSITIVE, NEGATIVE, "#009e73", "#cc79a7", "#56b4e9", "#e6b800", INK)

# Values far from zero are dark.
DIVERGING = LinearSegmentedColormap.from_list("signed", ["#8a3c00", NEGATIVE, ZERO, POSITIVE, "#0b3f80"], N=257)
IMAGE = LinearSegmentedColormap.from_list("image", ["#ffffff", "#14171a"])  # ink is dark, as on paper
ACTIVATION = LinearSegmentedColormap.from_list("activation", [NEGATIVE, "#ffffff", "#14171a"], N=257)

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # part of matplotlib, so the picture is the same on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 9,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=PALETTE),
    "figure.facecolor": PAPER,
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "grid.color": LINE,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelsize": 8.5,
}


@contextmanager
def styled() -> Iterator[None]:
    """In this context, or in a function that it decorates, all drawings have this style; outside, nothing changes.

    It is needed both to make a figure and to draw it, because matplotlib makes some of the ticks only when it draws.
    """
    with rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, with its size in inches, that makes room for its labels automatically."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)


def as_picture(image: np.ndarray) -> np.ndarray:
    """An image of bytes in matplotlib's form: (rows, columns) as it is, (3, rows, columns) as (rows, columns, 3)."""
    if image.ndim == 2:
        return image
    return np.rint(image).astype(np.uint8).transpose(1, 2, 0) if len(image) > 1 else image[0]


def slant(axes: Axes, longest: int) -> None:
    """Slant the labels of the x axis if one has more than `longest` letters: otherwise they would overlap."""
    texts = axes.get_xticklabels()
    if any(len(text.get_text()) > longest for text in texts):
        for text in texts:
            text.set(rotation=45, ha="right", rotation_mode="anchor")


def legend_below(figure: Figure, ncols: int, **options: Any) -> None:
    """A legend for the whole figure. Class names are printed as they are: a $ in them begins no formula."""
    for text in figure.legend(loc="outside lower center", ncols=ncols, **options).get_texts():
        text.set_parse_math(False)


def tint(colour: str, share: float) -> str:
    """A mix of this share of a colour and paper, like CSS's color-mix in srgb."""
    (r, g, b), (R, G, B) = to_rgb(colour), to_rgb(PAPER)
    return to_hex((share * r + (1 - share) * R, share * g + (1 - share) * G, share * b + (1 - share) * B))


def percent(score: float) -> str:
    """0.5 → 50.0 %. Only 1 gives 100 %, and a little less gives > 99.9 %."""
    if score >= 0.9995:
        return "> 99.9 %" if score < 1 else "100 %"
    return f"{score:.1%}".replace("%", " %")

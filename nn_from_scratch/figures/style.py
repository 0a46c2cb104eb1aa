"""What all figures and the dashboard share: the colours of the live page, sizes, and the form of numbers.

The colours are those of the page's light theme in web/static/style.css, and have its names. pyplot is not imported, so
that drawing needs no display and leaves nothing behind.
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
# Blue is positive, right and training; orange is negative, wrong and validation: told apart by any colour vision.
NEGATIVE, ZERO, POSITIVE = "#cf5d00", "#f7f7f4", "#1766c2"
NEGATIVE_TEXT = "#a64800"

LONGEST_NAME = 20  # letters of a class's name that are drawn

# For kinds that have no sign. The page's blue and orange, and what goes with them of M. Okabe and K. Ito, "Color
# Universal Design": green, purple, sky blue, and yellow, darker than theirs; and ink.
PALETTE = (POSITIVE, NEGATIVE, "#009e73", "#cc79a7", "#56b4e9", "#e6b800", INK)

# What is far from zero is dark.
DIVERGING = LinearSegmentedColormap.from_list("signed", ["#8a3c00", NEGATIVE, ZERO, POSITIVE, "#0b3f80"], N=257)
IMAGE = LinearSegmentedColormap.from_list("image", ["#ffffff", "#14171a"])  # ink is dark, as on paper
ACTIVATION = LinearSegmentedColormap.from_list("activation", [NEGATIVE, "#ffffff", "#14171a"], N=257)

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
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
    """Within it, or in a function that it decorates, whatever is drawn has this look; outside, nothing changes.

    To make a figure and to draw it takes it twice: matplotlib makes some of the ticks only when it draws.
    """
    with rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that makes room for its labels by itself."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)


def as_picture(image: np.ndarray) -> np.ndarray:
    """An image of bytes as matplotlib draws it: (rows, columns) as it is, and (3, rows, columns) in its colours."""
    if image.ndim == 2:
        return image
    return np.rint(image).astype(np.uint8).transpose(1, 2, 0) if len(image) > 1 else image[0]


def slant(axes: Axes, longest: int) -> None:
    """Turn the labels of the x axis where one has more letters: side by side they would overlap."""
    texts = axes.get_xticklabels()
    if any(len(text.get_text()) > longest for text in texts):
        for text in texts:
            text.set(rotation=45, ha="right", rotation_mode="anchor")


def legend_below(figure: Figure, ncols: int, **options: Any) -> None:
    """A legend of the whole figure. Names of classes are written as they are: a $ in them begins no formula."""
    for text in figure.legend(loc="outside lower center", ncols=ncols, **options).get_texts():
        text.set_parse_math(False)


def tint(colour: str, share: float) -> str:
    """So much of a colour, and paper for the rest: what CSS calls color-mix in srgb."""
    (r, g, b), (R, G, B) = to_rgb(colour), to_rgb(PAPER)
    return to_hex((share * r + (1 - share) * R, share * g + (1 - share) * G, share * b + (1 - share) * B))


def percent(score: float) -> str:
    """0.5 → 50 %; what is not quite certain never reads 100 %."""
    if score >= 0.9995:
        return "> 99.9 %" if score < 1 else "100 %"
    return f"{score:.1%}".replace("%", " %")

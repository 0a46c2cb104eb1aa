"""What all figures share: paper, colours and the form of numbers.

All colours can be told apart by colour-blind readers. pyplot is not imported, so that drawing needs no display and
leaves nothing behind.
"""

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# M. Okabe and K. Ito, "Color Universal Design": blue, orange, green, vermillion, purple, sky blue, black.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
SEQUENTIAL = "Blues"  # for shares: white is nothing
# Orange is negative and blue is positive, as on the live page; what is far from zero is dark.
NEGATIVE, ZERO, POSITIVE = "#cf5d00", "#f7f7f4", "#1766c2"
DIVERGING = LinearSegmentedColormap.from_list("signed", ["#8a3c00", NEGATIVE, ZERO, POSITIVE, "#0b3f80"], N=257)
INK = "gray_r"  # for images: ink is dark, as on paper


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that makes room for its labels by itself."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def percent(score: float) -> str:
    """0.5 → 50 %; what is not quite certain never reads 100 %."""
    if score >= 0.9995:
        return "> 99.9 %" if score < 1 else "100 %"
    return f"{score:.1%}".replace("%", " %")

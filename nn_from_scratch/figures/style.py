"""What all figures share: paper, colours and the form of numbers.

All colours can be told apart by colour-blind readers. pyplot is not imported, so that drawing needs no display and
leaves nothing behind.
"""

from matplotlib.figure import Figure

# M. Okabe and K. Ito, "Color Universal Design": blue, orange, green, vermillion, purple, sky blue, black.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
SEQUENTIAL = "Blues"  # for shares: white is nothing
DIVERGING = "RdBu_r"  # for weights: blue is negative, white is zero, red is positive
INK = "gray_r"  # for images: ink is dark, as on paper


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that makes room for its labels by itself."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def percent(score: float) -> str:
    """0.5 → 50 %; what is not quite certain never reads 100 %."""
    if score >= 0.9995:
        return "> 99.9 %" if score < 1 else "100 %"
    return f"{score:.1%}".replace("%", " %")

"""Tables and shares as text."""

from collections.abc import Sequence
from typing import Any


def aligned(rows: Sequence[Sequence[Any]]) -> str:
    """A table with its columns flush right, two spaces apart."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in texts)


def percentage(part: float, images: int) -> str:
    """With as many digits as the number of images needs, so that rounding hides no mistake: 97.53 % of 10,000."""
    digits = max(2, len(str(images - 1)) - 2)
    return f"{100 * part / images:.{digits}f} %"

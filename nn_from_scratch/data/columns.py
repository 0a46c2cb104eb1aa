"""The meaning of a table's columns: the label, the numbers, and line numbers. It is found out from the first lines.

The label is the column with such a name. Without one, it is the first or the last column: the one that holds words, or
whole numbers while the other has fractions. The other columns are pixels if they can be: whole numbers from 0 to 255,
as many as a square picture has. If this doesn't decide, an error says so; nothing is guessed.
"""

from __future__ import annotations

import csv
import functools
import math
import re
from collections.abc import Sequence

from nn_from_scratch.data.dataset import LONGEST_NAME, MOST_CLASSES
from nn_from_scratch.errors import BadInput, count, one_line, printable

MIN_SIDE, MAX_SIDE = 8, 128  # of a picture: fewer whole numbers are more often measurements …
MIN_NAMED_SIDE = 4  # … unless their names say pixel
MOST_UNNAMED = 256  # columns without names that hold whole numbers from 0 to 255: more must be a damaged picture
SURE_LABEL_NAMES = ("label", "labels", "class", "classes", "target", "species", "category")
LABEL_NAMES = (*SURE_LABEL_NAMES, "digit", "letter", "y")  # the last three only count if there is none of the others
ID_NAMES = ("", "id", "index", "unnamed: 0")  # of columns with line numbers: a network could memorize them
PIXEL_NAME = re.compile(r"(pixel|px|p|x)?[ _-]?\d+(x\d+)?")
SURE_PIXEL_NAME = re.compile(r"(pixel|px)[ _-]?\d+|\d+x\d+")


class Columns:
    """The columns of a table, numbered from 0, found out from their names, if there are any, and a few rows.

    Raises BadInput, which doesn't name the file, if the meaning of the columns isn't clear.
    """

    def __init__(self, names: list[str] | None, rows: list[list[str]], labelled: bool) -> None:
        self.names = names
        self.rows = rows
        self.count = len(rows[0])
        self.skipped = [i for i in range(self.count) if self._only_numbers_lines(i)]
        left = [i for i in range(self.count) if i not in self.skipped]
        if not left:
            raise BadInput(f"{count(self.count, 'column')} with nothing but line numbers, expected a label and numbers")
        self.label = self._label(left) if labelled else None
        if not labelled:
            self._refuse_labels()
        self.numbers = [i for i in left if i != self.label]  # the columns that a network takes
        if not self.numbers:
            raise BadInput(f"{count(self.count, 'column')}, expected a label and at least one number")
        self.side = self._side()  # of the pictures; 0: the numbers are not pixels

    def called(self, i: int) -> str:
        """The description of a column in a message."""
        return f"column {i + 1} ({one_line(self.names[i], 40)})" if self.names and self.names[i] else f"column {i + 1}"

    @property
    def told(self) -> str:
        """The meaning of the columns, as a phrase; empty in the usual case, with the label before the pixels."""
        told = "" if self.label is None or (self.side and self.label == 0) else f", labels in {self.called(self.label)}"
        if self.skipped:
            told += f", without {' and '.join(map(self.called, self.skipped))}: line numbers"
        return told

    # ---- the label ----

    def _only_numbers_lines(self, i: int) -> bool:
        named = self.names is not None and self.names[i].lower() in ID_NAMES
        return named and all(value(row[i]).is_integer() for row in self.rows)

    def _label(self, left: list[int]) -> int:
        named = self._called_one_of(SURE_LABEL_NAMES, left) or self._called_one_of(LABEL_NAMES, left)
        if len(named) == 1:
            return named[0]
        if named:
            raise BadInput(
                f"{' and '.join(map(self.called, named))} both have names of labels, expected one such column"
            )
        first, last, row = left[0], left[-1], self.rows[0]
        if is_number(row[first]) != is_number(row[last]):
            return last if is_number(row[first]) else first
        if is_square(len(left) - 1) and are_pixels([row[i] for i in left[1:]]):
            return first
        classes = [all(is_label(row[i]) for row in self.rows) for i in (first, last)]
        if classes[0] != classes[1]:
            return first if classes[0] else last
        if self._named_as_pixels(PIXEL_NAME, left):
            raise BadInput(f"no label and {not_square(len(left))}")
        raise BadInput(
            f"{count(self.count, 'column')}, none of which is clearly the label: expected words, or classes from 0 to "
            f"{MOST_CLASSES - 1} beside fractions, in the first or the last one, or a first line of column names, one "
            f"of them {', '.join(LABEL_NAMES[:-1])} or {LABEL_NAMES[-1]}"
        )

    def _called_one_of(self, known: Sequence[str], columns: Sequence[int]) -> list[int]:
        return [i for i in columns if self.names and self.names[i].lower() in known]

    def _refuse_labels(self) -> None:
        for column, name in enumerate(self.names or [], 1):
            if name.lower() in LABEL_NAMES:
                raise BadInput(f"column {column} is {one_line(name)!r}, expected a table without labels")

    # ---- pixels ----

    def _side(self) -> int:
        pixels, row = len(self.numbers), [self.rows[0][i] for i in self.numbers]
        if self.names and not self._named_as_pixels(PIXEL_NAME, self.numbers):
            return 0
        sure = self._named_as_pixels(SURE_PIXEL_NAME, self.numbers)
        if is_square(pixels, MIN_NAMED_SIDE if sure else MIN_SIDE) and (self.names or are_pixels(row)):
            return math.isqrt(pixels)
        if sure or (not self.names and pixels > MOST_UNNAMED and are_pixels(row)):
            raise BadInput(not_square(pixels))
        return 0

    def _named_as_pixels(self, pattern: re.Pattern[str], columns: Sequence[int]) -> bool:
        names = self.names
        return names is not None and all(pattern.fullmatch(names[i].lower()) for i in columns)


def is_square(pixels: int, least: int = MIN_SIDE) -> bool:
    side = math.isqrt(pixels)
    return side**2 == pixels and least <= side <= MAX_SIDE


def are_pixels(row: Sequence[str]) -> bool:
    return all(0 <= (number := value(cell)) <= 255 and number.is_integer() for cell in row)


def not_square(pixels: int) -> str:
    return (
        f"{count(pixels, 'pixel')}, expected a square number from {MIN_SIDE}×{MIN_SIDE} to {MAX_SIDE}×{MAX_SIDE}, such "
        "as 784 = 28×28: for pictures that aren't square, use IDX files or .npz"
    )


# ---- names ----


def column_names(cells: list[str]) -> list[str] | None:
    """The names of the columns if the first line holds them; None if it is a row like the others."""
    numbers = [value(cell) for cell in cells if is_number(cell)]
    counted = len(numbers) >= MIN_SIDE**2 and numbers in ([*range(len(numbers))], [*range(1, len(numbers) + 1)])
    named = not numbers or counted or any(bare(cell).lower() in LABEL_NAMES for cell in cells)
    return [bare(cell) for cell in cells] if named else None


# ---- cells ----


def cells_of(line: str) -> list[str]:
    """The cells of a line. Between quotation marks, a comma is part of a cell."""
    line = line.rstrip("\r\n")
    if '"' in line:
        try:
            return next(csv.reader([line], skipinitialspace=True), [""])
        except csv.Error:
            pass
    return line.split(",")


@functools.lru_cache(1024)  # most labels occur again and again
def bare(cell: str) -> str:
    """A cell without spaces and quotation marks around it, decoded as UTF-8 (the file was read as Latin-1)."""
    text = cell.strip().strip("\"'").strip()
    try:
        return printable(text.encode("latin-1").decode("utf-8"))
    except UnicodeDecodeError:
        return printable(text)


@functools.lru_cache(1024)  # there may be millions of cells, and most values occur again and again
def value(cell: str) -> float:
    """The number in a cell as np.loadtxt reads it; NaN if there is none."""
    try:
        return math.nan if "_" in cell else float(cell.strip())  # Python allows 1_000, NumPy does not
    except ValueError:
        return math.nan


def is_number(cell: str) -> bool:
    return not math.isnan(value(cell))


def is_label(cell: str) -> bool:
    """Whether this is a class given as a number."""
    return 0 <= (number := value(cell)) < MOST_CLASSES and number.is_integer()


def is_word(cell: str) -> bool:
    """Whether this is a class given as a word."""
    return not is_number(cell) and 0 < len(cell) <= LONGEST_NAME


def found(cell: str) -> str:
    text = cell.strip()
    return f"'{one_line(text, 40)}'" if text else "an empty cell"

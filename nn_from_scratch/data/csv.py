"""Images as a table: a line for each, the label first, then the pixels row by row; names of the columns are optional.

Kaggle's `train.csv` and most copies of MNIST in CSV look so; Kaggle's `test.csv` is the same without the label. NumPy
turns the text into numbers, some thousand lines at a time: that bounds the memory, and when a number is wrong its line
is at hand, to be named as an editor shows it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from nn_from_scratch.data.dataset import CLASSES, Split
from nn_from_scratch.data.reading import (
    EXPANSION,
    MAX_IMAGE_BYTES,
    as_text,
    gunzipped,
    most_expanded,
    open_member,
    opening_zip,
    reading,
)
from nn_from_scratch.errors import BadInput, one_line

MIN_SIDE, MAX_SIDE = 4, 128  # a digit needs a few pixels, and gains nothing from very many
_ENDINGS = (".csv", ".csv.gz", ".zip")
_MAX_LINE = 2**19
_CHARACTERS_AT_ONCE = 2**22  # at most half as many cells, of which each takes 8 bytes as a number
_MAX_BLANK_LINES = 1_000_000


def find_train_and_test(directory: Path) -> tuple[Path, Path] | None:
    """The CSV files, packed or not, of a training and of a test set in a directory, told by their names; None: no CSV.

    Raises BadInput where it can't be told which are meant.
    """
    names = sorted(path.name for path in directory.iterdir() if path.name.lower().endswith(_ENDINGS))
    train, test = ([name for name in names if part in name.lower()] for part in ("train", "test"))
    if not names:
        return None
    if len(train) != 1 or len(test) != 1 or train == test:
        found = one_line(", ".join(names), 200)
        raise BadInput(
            f"{one_line(directory)}: has the CSV files {found}: expected one with train and one with test in its name, "
            "or the name of one file"
        )
    return directory / train[0], directory / test[0]


def read_csv(path: Path) -> Split:
    """Everything in a CSV file, which may be gzipped or the only member of a zip archive."""
    pieces, side = _read(path, labelled=True)
    images = np.concatenate([piece[:, 1:] for piece in pieces])  # (N, pixels)
    labels = np.concatenate([piece[:, 0] for piece in pieces])
    return Split(images.reshape(-1, side, side), labels)


def read_unlabelled(path: Path) -> np.ndarray:
    """The images of a file as `read_csv` takes it, but without the labels: pixels alone. uint8 (N, side, side)"""
    pieces, side = _read(path, labelled=False)
    return np.concatenate(pieces).reshape(-1, side, side)


def _read(path: Path, labelled: bool) -> tuple[list[np.ndarray], int]:
    """The table in pieces of some thousand rows, uint8 (rows, columns), and the side of its images."""
    with _text(path) as lines:
        rows = _Rows(path, lines, labelled)
        pieces = list(rows.pieces())
    if not pieces:
        raise BadInput(f"{one_line(path)}: has column names but no images, expected at least one")
    return pieces, rows.side


@contextmanager
def _text(path: Path) -> Iterator[Iterator[str]]:
    """The lines of the file, unpacked if it is packed."""
    with reading(path) as file:
        if file.read(4)[:2] == b"PK":
            with opening_zip(file, path) as archive:
                members = archive.infolist()
                if len(members) != 1:
                    names = one_line(", ".join(member.filename for member in members[:5]), 200) or "nothing"
                    raise BadInput(
                        f"{one_line(path)}: the zip archive has {len(members)} members ({names}), "
                        "expected exactly one, a CSV: unpack it and name the file to read"
                    )
                most = most_expanded(file)
                with open_member(archive, members[0], path, most) as member, as_text(member) as text:
                    yield _bounded_lines(path, text, most)
        else:
            file.seek(0)
            stream = gunzipped(file)
            with as_text(stream) as text:
                yield _bounded_lines(path, text, None if stream is file else most_expanded(file))


def _bounded_lines(path: Path, text: IO[str], most: int | None) -> Iterator[str]:
    """The lines of `text`, none of unreasonable length, and `most` characters in all."""
    total = 0
    for number in itertools.count(1):
        line = text.readline(_MAX_LINE)
        total += len(line)
        if len(line) == _MAX_LINE:
            raise BadInput(
                f"{one_line(path)}: line {number} is longer than {_MAX_LINE:,} characters, expected one image"
            )
        if most is not None and total > most:
            raise BadInput(
                f"{one_line(path)}: expands to more than {most:,} bytes, expected at most {EXPANSION}-fold expansion"
            )
        if not line:
            return
        yield line


class _Rows:
    """The rows of one table as arrays of pixels, with the label before them or without; some thousand lines each."""

    def __init__(self, path: Path, lines: Iterator[str], labelled: bool) -> None:
        self.path = path
        self.labelled = labelled
        self.lines = self._not_blank(lines)
        first = next(self.lines, None)
        if first is None:
            expected = "its label, then its pixels" if labelled else "its pixels"
            raise BadInput(f"{one_line(path)}: is empty, expected a line for each image: {expected}")
        number, line = first
        line = line.removeprefix("ï»¿")  # the byte order mark of UTF-8, read as Latin-1
        cells = _cells(line)
        self._refuse_other_formats(number, line, cells)
        self.columns = len(cells)
        pixels = self.columns - labelled
        self.side = math.isqrt(pixels)
        if self.side**2 != pixels or not MIN_SIDE <= self.side <= MAX_SIDE:
            label, such_as = ("a label and", 785) if labelled else ("no label and", 784)
            raise self._error(
                number,
                f"{self.columns} columns, expected {label} a square number of pixels "
                f"from {MIN_SIDE}×{MIN_SIDE} to {MAX_SIDE}×{MAX_SIDE}, such as {such_as} columns for 28×28",
            )
        if _are_names(cells):
            self._check_names(number, cells)
        else:
            self.lines = itertools.chain([(number, line)], self.lines)

    def pieces(self) -> Iterator[np.ndarray]:
        """uint8 arrays of shape (rows, columns), in order, checked."""
        images = 0
        for batch in self._batches():
            images += len(batch)
            if images * self.columns > MAX_IMAGE_BYTES:
                raise self._error(
                    batch[-1][0], f"more than {MAX_IMAGE_BYTES:,} pixels so far, expected at most that many"
                )
            yield self._parse(batch)

    def _batches(self) -> Iterator[list[tuple[int, str]]]:
        """The numbered lines, many together, but few enough characters that they fit into memory as numbers."""
        batch, characters = [], 0
        for number, line in self.lines:
            batch.append((number, line))
            characters += len(line)
            if characters >= _CHARACTERS_AT_ONCE:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch

    def _parse(self, batch: list[tuple[int, str]]) -> np.ndarray:
        try:
            cells = np.loadtxt([line for _, line in batch], delimiter=",", comments=None, ndmin=2)
        except ValueError:
            raise self._what_is_wrong(batch) from None
        with np.errstate(invalid="ignore"):  # what is no byte, such as 300 or nan, is refused below without a warning
            table = cells.astype(np.uint8)
        if table.shape[1] != self.columns or (table != cells).any() or (self.labelled and table[:, 0].max() >= CLASSES):
            raise self._what_is_wrong(batch)
        return table

    def _what_is_wrong(self, batch: list[tuple[int, str]]) -> BadInput:
        """Look for the first cell that isn't as it should be; only now, so that good files are read fast."""
        for number, line in batch:
            cells = _cells(line)
            if len(cells) != self.columns:
                return self._error(number, f"{len(cells)} columns, expected {self.columns} as in the first line")
            for column, cell in enumerate(cells, 1):
                what, most = ("label", CLASSES - 1) if self.labelled and column == 1 else ("pixel", 255)
                value = _value(cell)
                if not (0 <= value <= most and value.is_integer()):
                    text = cell.strip()
                    found = f"'{one_line(text, 40)}'" if text else "an empty cell"
                    return self._error(number, f"column {column}: found {found}, expected a {what} from 0 to {most}")
        return self._error(batch[0][0], f"something up to line {batch[-1][0]} isn't a whole number, as expected")

    def _refuse_other_formats(self, number: int, line: str, cells: list[str]) -> None:
        if line.lstrip()[:1] == "<":
            raise self._error(number, "a web page, expected CSV (a login or error page saved in its place?)")
        if line.startswith(("ÿþ", "þÿ")):
            raise self._error(number, "UTF-16 text, expected CSV in ASCII or UTF-8")
        if any(c < " " and not c.isspace() for c in line[:1000]):
            raise self._error(number, "binary data, expected CSV, IDX (gzipped or not) or .npz")
        for delimiter, its_name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (" ", "spaces")):
            if len(cells) == 1 and line.strip().count(delimiter) >= MIN_SIDE**2:
                raise self._error(number, f"columns separated by {its_name}, expected commas")

    def _check_names(self, number: int, cells: list[str]) -> None:
        names = [cell.strip().strip("\"'").lower() for cell in cells]
        for column, name in enumerate(names, 1):
            if name in ("label", "class") and not (self.labelled and column == 1):
                expected = "the label in column 1" if self.labelled else "pixels alone"
                raise self._error(number, f"column {column} is {name!r}, expected {expected}")

    def _not_blank(self, lines: Iterator[str]) -> Iterator[tuple[int, str]]:
        """The lines with their numbers; blank ones are skipped (a file saved twice over may have one after each)."""
        blank = 0
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line
            elif (blank := blank + 1) > _MAX_BLANK_LINES:
                raise self._error(number, f"more than {_MAX_BLANK_LINES:,} blank lines, expected images")

    def _error(self, line: int, what: str) -> BadInput:
        return BadInput(f"{one_line(self.path)}: line {line}: {what}")


def _cells(line: str) -> list[str]:
    return line.rstrip("\n").split(",")


@functools.lru_cache(1024)  # a cell is most often like one before, and there may be millions
def _value(cell: str) -> float:
    """The number in a cell as np.loadtxt reads it; NaN where it holds none."""
    try:
        return math.nan if "_" in cell else float(cell.strip())  # Python allows 1_000, NumPy does not
    except ValueError:
        return math.nan


def _is_number(cell: str) -> bool:
    return not math.isnan(_value(cell))


def _are_names(cells: list[str]) -> bool:
    """Whether the first line names the columns: its first cell is no number, and the rest can't be an image."""
    pixels = cells[1:]
    looks_like_an_image = all(map(_is_number, pixels)) and len(set(pixels)) < len(pixels)
    return not (_is_number(cells[0]) or looks_like_an_image)

"""Images as a table: a line for each, the label first, then the pixels row by row; names of the columns are optional.

Kaggle's `train.csv` and most copies of MNIST in CSV look so. pandas turns the text into numbers, some thousand lines
at a time: that bounds the memory, and when a number is wrong its line is at hand, to be named as an editor shows it.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import math
import re
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

MIN_SIDE, MAX_SIDE = 4, 128  # a digit needs a few pixels; and pandas takes long over very many columns
_MAX_LINE = 2**19
_CELLS_AT_ONCE = 2_000_000
_MAX_BLANK_LINES = 1_000_000
_NUMBER = re.compile(r"[ \t]*[+-]?[0-9]{1,18}(\.0*)?[ \t]*")


def load_csv(path: Path, seed: int) -> tuple[Split, Split]:
    """A training and a test set from a file that has no such division, by a stratified split drawn from `seed`."""
    return read_csv(path).one_in_seven(seed)


def read_csv(path: Path) -> Split:
    """Everything in a CSV file, which may be gzipped or the only member of a zip archive."""
    with _text(path) as lines:
        rows = _Rows(path, lines)
        pieces = list(rows.pieces())
        if not pieces:
            raise BadInput(f"{one_line(path)}: has column names but no images, expected at least one")
    images = np.concatenate([piece[:, 1:] for piece in pieces])  # (N, pixels)
    labels = np.concatenate([piece[:, 0] for piece in pieces])
    return Split(images.reshape(-1, rows.side, rows.side), labels)


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
    """The rows of one table as arrays of labels and pixels, some thousand lines each."""

    def __init__(self, path: Path, lines: Iterator[str]) -> None:
        self.path = path
        self.lines = self._not_blank(lines)
        first = next(self.lines, None)
        if first is None:
            raise BadInput(f"{one_line(path)}: is empty, expected a line for each image: its label, then its pixels")
        number, line = first
        line = line.removeprefix("ï»¿")  # the byte order mark of UTF-8, read as Latin-1
        cells = _cells(line)
        self._refuse_other_formats(number, line, cells)
        self.columns = len(cells)
        self.side = math.isqrt(self.columns - 1)
        if self.side**2 != self.columns - 1 or not MIN_SIDE <= self.side <= MAX_SIDE:
            raise self._error(
                number,
                f"{self.columns} columns, expected a label and a square number of pixels "
                f"from {MIN_SIDE}×{MIN_SIDE} to {MAX_SIDE}×{MAX_SIDE}, such as 785 columns for 28×28",
            )
        if _are_names(cells):
            self._check_names(number, cells)
        else:
            self.lines = itertools.chain([(number, line)], self.lines)

    def pieces(self) -> Iterator[np.ndarray]:
        """uint8 arrays of shape (rows, 1 + pixels), in order, checked."""
        at_once = max(1, min(4096, _CELLS_AT_ONCE // self.columns))
        images = 0
        while batch := list(itertools.islice(self.lines, at_once)):
            images += len(batch)
            if images * self.columns > MAX_IMAGE_BYTES:
                raise self._error(
                    batch[-1][0], f"more than {MAX_IMAGE_BYTES:,} pixels so far, expected at most that many"
                )
            yield self._parse(batch)

    def _parse(self, batch: list[tuple[int, str]]) -> np.ndarray:
        import pandas  # here, as it takes longer to import than most data sets take to load

        try:
            with np.errstate(invalid="ignore"):  # "inf" as a whole number: refused below, without a warning first
                cells = pandas.read_csv(
                    io.StringIO("".join([line for _, line in batch]).replace("\n", ",")),
                    header=None,
                    lineterminator=",",  # a cell a row, as pandas takes several times longer for many columns
                    skip_blank_lines=False,
                    dtype=np.int64,  # not uint8: some versions of pandas take 300 for 44 then
                    quoting=csv.QUOTE_NONE,  # else one stray quotation mark swallows the lines after it
                    low_memory=False,
                ).to_numpy()
        except (ValueError, OverflowError, MemoryError):  # ParserError is a ValueError
            cells = None
        if cells is None or cells.shape != (len(batch) * self.columns, 1) or cells.min() < 0 or cells.max() > 255:
            raise self._what_is_wrong(batch)
        table = cells.astype(np.uint8).reshape(len(batch), self.columns)
        if table[:, 0].max() >= CLASSES or {line.count(",") for _, line in batch} != {self.columns - 1}:
            raise self._what_is_wrong(batch)
        return table

    def _what_is_wrong(self, batch: list[tuple[int, str]]) -> BadInput:
        """Look for the first cell that isn't as it should be; only now, so that good files are read fast."""
        for number, line in batch:
            cells = _cells(line)
            if len(cells) != self.columns:
                return self._error(number, f"{len(cells)} columns, expected {self.columns} as in the first line")
            for column, cell in enumerate(cells, 1):
                what, most = ("label", CLASSES - 1) if column == 1 else ("pixel", 255)
                if not 0 <= _value(cell) <= most:
                    text = cell.strip(" \t")
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
        for column, name in enumerate(names[1:], 2):
            if name in ("label", "class"):
                raise self._error(number, f"column {column} is {name!r}, expected the label in column 1")

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
    """The whole number in a cell; NaN, which is not at least 0 either, where it holds none."""
    return float(cell) if _NUMBER.fullmatch(cell) else math.nan


def _are_names(cells: list[str]) -> bool:
    """Whether the first line names the columns: its first cell is no number, and the rest can't be an image."""
    pixels = cells[1:]
    looks_like_an_image = all(map(_NUMBER.fullmatch, pixels)) and len(set(pixels)) < len(pixels)
    return not (_NUMBER.fullmatch(cells[0]) or looks_like_an_image)

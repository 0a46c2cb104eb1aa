"""Tables as CSV: a line for each sample, with its label in one column and numbers in the others; with or without names.

Kaggle's `train.csv`, most copies of MNIST in CSV and Fisher's iris have this form; Kaggle's `test.csv` has no labels.
NumPy converts the text to numbers, some thousand lines at a time. This limits the memory, and if a number is wrong, its
line is known and the message gives the line number. columns.py finds out the meaning of the columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from nn_from_scratch.data.columns import (
    Columns,
    bare,
    cells_of,
    column_names,
    found,
    is_label,
    is_number,
    is_word,
    value,
)
from nn_from_scratch.data.dataset import LONGEST_NAME, MOST_CLASSES, Dataset, Split
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
from nn_from_scratch.errors import BadInput, count, one_line

_ENDINGS = (".csv", ".csv.gz", ".zip")
_MAX_LINE = 2**19
_CHARACTERS_AT_ONCE = 2**22  # at most half as many cells; each takes 8 bytes as a number
_MAX_BLANK_LINES = 1_000_000
_LOOKED_AT = 50  # lines, to find out the meaning of the columns


def find_train_and_test(directory: Path) -> tuple[Path, Path] | None:
    """The CSV files, packed or not, of the training and the test set in a directory, by their names; None: no CSV.

    Raises BadInput if it isn't clear which files are meant.
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


def read_csv(path: Path) -> Dataset:
    """All samples of a CSV file, which may be gzipped or the only member of a zip archive; the test set is empty."""
    table, x = _read(path, labelled=True)
    labels, class_names = table.labels()
    everything = Split(x, labels)
    noun = "picture" if table.columns.side else "sample"
    source = f"the file {one_line(path)}{table.columns.told}"
    return Dataset(str(path), everything, everything.select(slice(0, 0)), source, class_names=class_names, noun=noun)


def read_unlabelled(path: Path) -> np.ndarray:
    """The samples of a file without labels, as in `read_csv`: uint8 (N, side, side), or floats (N, numbers)."""
    return _read(path, labelled=False)[1]


def _read(path: Path, labelled: bool) -> tuple[_Rows, np.ndarray]:
    with _text(path) as lines:
        table = _Rows(path, lines, labelled)
        x = np.concatenate(list(table.pieces()))
    side = table.columns.side
    return table, x.reshape(-1, side, side) if side else x


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
    """The lines of `text`, none of them too long, and at most `most` characters in all."""
    total = 0
    for number in itertools.count(1):
        line = text.readline(_MAX_LINE)
        total += len(line)
        if len(line) == _MAX_LINE:
            raise BadInput(
                f"{one_line(path)}: line {number} is longer than {_MAX_LINE:,} characters, expected one sample"
            )
        if most is not None and total > most:
            raise BadInput(
                f"{one_line(path)}: expands to more than {most:,} bytes, expected at most {EXPANSION}-fold expansion"
            )
        if not line:
            return
        yield line


class _Rows:
    """The numbers and labels of one table, read some thousand lines at a time."""

    def __init__(self, path: Path, lines: Iterator[str], labelled: bool) -> None:
        self.path = path
        self.lines = self._not_blank(lines)
        first = list(itertools.islice(self.lines, _LOOKED_AT))
        if not first:
            expected = "its label and its numbers" if labelled else "its numbers"
            raise BadInput(f"{one_line(path)}: is empty, expected a line for each sample: {expected}")
        number, line = first[0]
        first[0] = number, line.removeprefix("ï»¿")  # the byte order mark of UTF-8, read as Latin-1
        cells = cells_of(first[0][1])
        self._refuse_other_formats(*first[0], cells)
        names = column_names(cells)
        body = first[1:] if names else first
        rows = [row for _, line in body if len(row := cells_of(line)) == len(cells)]  # others are refused later
        if not body:
            raise BadInput(f"{one_line(path)}: has column names but no samples, expected at least one")
        if not rows:
            raise self._width(body[0], len(cells))
        try:
            self.columns = Columns(names, rows, labelled)
        except BadInput as problem:
            raise self._error(number, str(problem)) from None
        self.lines = itertools.chain(body, self.lines)
        self.texts: list[str] = []  # the labels, as in the file
        self.different: set[str] = set()  # the different ones among them

    def pieces(self) -> Iterator[np.ndarray]:
        """The checked numbers (rows, columns), in order: bytes if they are pixels, else floats."""
        numbers, size = 0, 1 if self.columns.side else 4
        for batch in self._batches():
            numbers += len(batch) * len(self.columns.numbers)
            if numbers * size > MAX_IMAGE_BYTES:
                most = f"{MAX_IMAGE_BYTES // size:,} {'pixels' if self.columns.side else 'numbers'}"
                raise self._error(batch[-1][0], f"more than {most} so far, expected at most that many")
            yield self._parse(batch)

    def labels(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """The label of each row, and the names of the classes: none if the labels are numbers."""
        different = sorted(self.different)
        by_number = is_number(different[0])
        labels = {text: int(value(text)) if by_number else i for i, text in enumerate(different)}
        return np.array([labels[text] for text in self.texts], np.uint8), () if by_number else tuple(different)

    def _batches(self) -> Iterator[list[tuple[int, str]]]:
        """The numbered lines, many at a time, but few enough characters to fit into memory as numbers."""
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
        labels, numbers = zip(*(self._apart(line) for _, line in batch), strict=True)
        try:
            cells = np.loadtxt(numbers, delimiter=",", comments=None, ndmin=2)
        except ValueError:
            raise self._what_is_wrong(batch) from None
        with np.errstate(
            all="ignore"
        ):  # no warning for numbers that are no bytes, such as 300 or nan: they are refused below
            table = cells.astype(np.uint8 if self.columns.side else np.float32)
        good = (table == cells).all() if self.columns.side else np.isfinite(table).all()
        if table.shape != (len(batch), len(self.columns.numbers)) or not good:  # NumPy leaves out lines without numbers
            raise self._what_is_wrong(batch)
        if self.columns.label is not None:
            self._take_labels(batch, list(map(bare, labels)), self.columns.label)
        return table

    def _apart(self, line: str) -> tuple[str, str]:
        """The label and the numbers of a line, both as text. A line with too few or too many cells isn't changed."""
        label, last = self.columns.label, self.columns.count - 1
        if '"' not in line and not self.columns.skipped:
            if label is None:
                return "", line
            if label == 0:
                text, _, numbers = line.partition(",")
                return text, numbers
            if label == last and line.count(",") == last:
                numbers, _, text = line.rpartition(",")
                return text, numbers
        cells = cells_of(line)
        if len(cells) != self.columns.count:
            return "", line
        return "" if label is None else cells[label], ",".join(cells[i] for i in self.columns.numbers)

    def _take_labels(self, batch: list[tuple[int, str]], labels: Sequence[str], column: int) -> None:
        """Keep the labels of a batch. Raises BadInput for the first label of another kind than those before it."""
        by_number = is_number((self.texts or labels)[0])
        expected = f"a label from 0 to {MOST_CLASSES - 1}" if by_number else "a word as the label"
        right = is_label if by_number else is_word
        if wrong := {text for text in set(labels) if not right(text)}:
            at = next(i for i, text in enumerate(labels) if text in wrong)
            if len(labels[at]) > LONGEST_NAME:
                expected += f" of at most {LONGEST_NAME} characters"
            raise self._error(batch[at][0], f"column {column + 1}: found {found(labels[at])}, expected {expected}")
        self.texts += labels
        self.different.update(labels)
        if (different := len(self.different)) > MOST_CLASSES:
            what = f"{self.columns.called(column)} has {different:,} different words"
            raise self._error(batch[-1][0], f"{what}, expected labels of at most {MOST_CLASSES} classes")

    def _what_is_wrong(self, batch: list[tuple[int, str]]) -> BadInput:
        """Find the first cell that is wrong; only after an error, so that good files are read fast."""
        for number, line in batch:
            cells = cells_of(line)
            if len(cells) != self.columns.count:
                return self._width((number, line), self.columns.count)
            for i in self.columns.numbers:
                x = value(cells[i])
                if self.columns.side and not (0 <= x <= 255 and x.is_integer()):
                    return self._error(
                        number, f"column {i + 1}: found {found(cells[i])}, expected a pixel from 0 to 255"
                    )
                if not abs(x) <= float(np.finfo(np.float32).max):
                    return self._error(number, f"{self.columns.called(i)}: found {found(cells[i])}, expected a number")
        return self._error(batch[0][0], f"a cell from here to line {batch[-1][0]} isn't a number: expected numbers")

    def _refuse_other_formats(self, number: int, line: str, cells: list[str]) -> None:
        if line.lstrip()[:1] == "<":
            raise self._error(number, "a web page, expected CSV (was a login or error page saved instead?)")
        if line.startswith(("ÿþ", "þÿ")):
            raise self._error(number, "UTF-16 text, expected CSV in ASCII or UTF-8")
        if any(c < " " and not c.isspace() for c in line[:1000]):
            raise self._error(number, "binary data, expected CSV, IDX (gzipped or not) or .npz")
        for delimiter, its_name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (" ", "spaces")):
            if len(cells) == 1 and delimiter in line.strip():
                raise self._error(number, f"columns separated by {its_name}, expected commas")

    def _not_blank(self, lines: Iterator[str]) -> Iterator[tuple[int, str]]:
        """The lines with their numbers. Blank ones are skipped; some programs write one after every line."""
        blank = 0
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line
            elif (blank := blank + 1) > _MAX_BLANK_LINES:
                raise self._error(number, f"more than {_MAX_BLANK_LINES:,} blank lines, expected samples")

    def _width(self, numbered: tuple[int, str], expected: int) -> BadInput:
        number, line = numbered
        return self._error(number, f"{count(len(cells_of(line)), 'column')}, expected {expected} as in the first line")

    def _error(self, line: int, what: str) -> BadInput:
        return BadInput(f"{one_line(self.path)}: line {line}: {what}")

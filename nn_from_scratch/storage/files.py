"""Files that are whole or absent: nobody ever sees half of one, and nothing that was there is lost to a failure."""

import contextlib
import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nn_from_scratch.errors import BadInput


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place once written: nobody ever sees half a file.

    Where the writing fails, what stood at `path` before stays. Raises OSError as writing does, naming `path`.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as directory:
            temporary = Path(directory) / path.name
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
    except OSError as problem:  # of the temporary file, or, where the disk is full, of none
        problem.filename, problem.filename2 = str(path), None
        raise


def check_writable(path: str | Path) -> None:
    """Raise BadInput, before hours of training, where a file could not be saved after them."""
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path}: is a directory: expected the name of a file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as problem:
        raise BadInput(f"{path}: can't be written: {problem.strerror}") from None


def save_rows(rows: Iterable[Sequence], path: str | Path) -> None:
    """Write a table as CSV, the header being its first row; None leaves its cell empty."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def beside(path: str | Path, kind: str) -> str:
    """The name of a file that belongs to another: network.json → network.checkpoint.json."""
    return f"{str(path).removesuffix('.json')}.{kind}.json"

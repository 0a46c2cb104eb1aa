"""From what a user asks for (a name, a path, nothing) to a data set.

The one function here decides by content, not by the ending of a name, what kind of file it was given. And it never puts
another data set in the place of the one that was asked for without saying so.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.data.digits import load_digits
from nn_from_scratch.data.idx import is_idx_name, load_idx_directory
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, FILES, OFFLINE_VARIABLE, MnistUnavailable, load_mnist
from nn_from_scratch.data.reading import gunzipped, opening_zip, reading
from nn_from_scratch.errors import BadInput, one_line


def load_dataset(
    name_or_path: str | Path | None = None, *, seed: int = 0, notify: Callable[[str], object] | None = None
) -> Dataset:
    """Training and test images by name ("mnist", "digits") or from a path; by default MNIST, else the digits.

    A path is a directory with the IDX files of MNIST, a CSV file (plain, gzipped or zipped) or Keras's mnist.npz; a
    directory that is itself called mnist is "./mnist". `seed` draws the test set from a file that has none. `notify` is
    called with lines of text for the user, about a download and when the digits stand in for MNIST; without it, that
    last thing is a warning. Raises BadInput.
    """
    if name_or_path is None:
        try:
            return load_mnist(notify)
        except MnistUnavailable as unavailable:
            _tell(unavailable, notify)
            return load_digits()
    if name_or_path == "mnist":
        return load_mnist(notify)
    if name_or_path == "digits":
        return load_digits()
    return _load_path(str(name_or_path), seed)


def _tell(unavailable: MnistUnavailable, notify: Callable[[str], object] | None) -> None:
    lines = [
        "MNIST is neither on this machine nor reachable: using the 1,797 small digits inside the package instead.",
        *(f"  tried {attempt}" for attempt in unavailable.tried),
        "  To get MNIST: try again with a network, or put its four files,",
        f"  {', '.join(sorted(FILES))},",
        f"  into a directory and give that as --data or in the environment variable {DIRECTORY_VARIABLE}.",
        f"  To skip the attempt: --data digits, or {OFFLINE_VARIABLE}=1.",
    ]
    if notify is None:
        warnings.warn("\n".join(lines), stacklevel=3)  # 3: the line that called load_dataset
    else:
        for line in lines:
            notify(line)


def _load_path(given: str, seed: int) -> Dataset:
    path = Path(given)
    where = one_line(given)
    if not given or not os.path.exists(path):
        raise BadInput(
            f"{where or 'an empty path'}: no such file or directory, nor is it one of the names mnist, digits"
        )
    if path.is_dir():
        return Dataset(given, *load_idx_directory(path), f"the directory {where}")
    kind = _kind(path)
    if kind == "npz":
        from nn_from_scratch.data.npz import load_npz

        return Dataset(given, *load_npz(path), f"the file {where}")
    if kind == "idx":
        if not is_idx_name(path.name):
            raise BadInput(f"{where}: is one IDX file, expected the directory with all four of MNIST under their names")
        return Dataset(given, *load_idx_directory(path.parent), f"the directory of {where}")
    from nn_from_scratch.data.csv import load_csv

    return Dataset(given, *load_csv(path, seed), f"the file {where}, one in seven images set aside for testing")


def _kind(path: Path) -> str:
    """What the bytes in the file say it is. Whatever is nothing else may be CSV, whose reader knows to complain."""
    with reading(path) as file:
        start = gunzipped(file).read(4)
        file.seek(0)
        if start[:2] == b"PK" and file.read(2) == b"PK":
            with opening_zip(file, path) as archive:
                return "npz" if any(name.endswith(".npy") for name in archive.namelist()) else "csv"
    if start[:3] == b"\x00\x00\x08":
        return "idx"
    if start == b"\x93NUM":
        raise BadInput(f"{one_line(path)}: is a single NumPy array, expected an .npz archive as Keras's mnist.npz")
    return "csv"

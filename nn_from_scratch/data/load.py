"""From the name or path that a user gives, or nothing, to a data set.

The type of a file is decided by its content, not by the ending of its name. Only for two CSV files the names say which
is the test set. If another data set replaces the one asked for, the user is always told.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.data.digits import load_digits
from nn_from_scratch.data.idx import is_idx_name, load_idx_directory
from nn_from_scratch.data.mnist import OFFLINE_VARIABLE, PUBLISHED, Notify, Unavailable, load_published
from nn_from_scratch.data.reading import gunzipped, opening_zip, reading
from nn_from_scratch.data.synthetic import FIGURES, load_points
from nn_from_scratch.errors import BadInput, one_line

NAMES = (*PUBLISHED, "digits", *FIGURES)  # the names that are not paths; the first is the default
ONE_IN_SEVEN = 1 / 7  # of MNIST's 70,000 images, 10,000 are for testing


def load_dataset(
    name_or_path: str | Path | None = None,
    *,
    test_data: str | Path | None = None,
    test_fraction: float | None = None,
    picture_size: str | None = None,
    seed: int = 0,
    notify: Notify | None = None,
) -> Dataset:
    """A training and a test set by name or from a path; by default MNIST or, if that isn't available, the digits.

    The names are "mnist", "fashion", "kmnist", "digits", "spiral", "moons", "circles" and "xor". A path leads to a
    directory with the IDX files of MNIST, with the CSV files of a training and a test set or with a sub-folder of
    pictures for each class, to a CSV file (plain, gzipped or zipped) or to an .npz file like Keras's mnist.npz. A
    directory that is itself called mnist is "./mnist". Details: docs/data.md.

    The test set is that of the data, or the CSV file that `test_data` names. With `test_fraction`, all samples are
    shuffled, and this share of each class is the test set; if the data have no test set, it is one in seven. `seed`
    decides how they are shuffled, and draws the points of "spiral" and the like. `picture_size`, such as "32" or
    "48x64", is the size to which the pictures of a folder are scaled. `notify` is called with lines of text for the
    user: about a download, about pictures that can't be read, and if the digits replace MNIST; without `notify`, the
    last of these is a warning. Raises BadInput.
    """
    if test_data is not None and test_fraction is not None:
        raise BadInput(
            f"test data {one_line(test_data)} and a test fraction of {test_fraction:g}: expected only one of them"
        )
    if test_fraction is not None and not 0 < test_fraction < 1:
        raise BadInput(f"test fraction {test_fraction:g}: expected a number between 0 and 1, such as 0.15")
    found = replace(_load(name_or_path, picture_size, seed, notify), picture_size=picture_size)
    if test_data is not None:
        other = _read_test_data(Path(test_data))
        source = f"{found.source}, tested on the file {one_line(test_data)}"
        return replace(_with_test_set(found, other), source=source, test_data=str(test_data))
    if test_fraction is None and len(found.test):
        return found
    share = (
        f"one in seven {found.plural}" if test_fraction is None else f"{100 * test_fraction:g} % of all {found.plural}"
    )
    everything = found.train.followed_by(found.test)
    train, test = everything.set_aside(ONE_IN_SEVEN if test_fraction is None else test_fraction, seed)
    source = f"{found.source}, {share} set aside for testing"
    return replace(found, train=train, test=test, source=source, test_fraction=test_fraction)


def load_test_set(path: str | Path) -> Dataset:
    """All samples of a CSV file as a test set, for a trained network; the training set is empty."""
    found = _read_test_data(Path(path))
    return replace(found, train=found.test, test=found.train, source=f"{found.source}, all of it for testing")


def _with_test_set(found: Dataset, other: Dataset) -> Dataset:
    """A data set with another test set. If the classes have names, these decide which class is which."""
    if found.has_words or other.has_words:
        return replace(found, test=other.with_names(found.class_names).train)
    return replace(found, test=other.train, class_names=())  # the names are numbered again


def _load(name_or_path: str | Path | None, picture_size: str | None, seed: int, notify: Notify | None) -> Dataset:
    """The data as they are, with an empty test set if they have none."""
    if picture_size is not None and (name_or_path is None or name_or_path in NAMES):
        raise BadInput(
            f"picture size {one_line(picture_size)}: is for the pictures of a folder, expected a folder as the data"
        )
    if name_or_path is None:
        try:
            return load_published("mnist", notify)
        except Unavailable as unavailable:
            _tell(unavailable, notify)
            return load_digits()
    if name_or_path in PUBLISHED:
        return load_published(str(name_or_path), notify)
    if name_or_path in FIGURES:
        return load_points(str(name_or_path), seed)
    if name_or_path == "digits":
        return load_digits()
    return _load_path(str(name_or_path), picture_size, notify)


def _tell(unavailable: Unavailable, notify: Notify | None) -> None:
    mnist = unavailable.published
    lines = [
        "MNIST is neither on this machine nor reachable: using the 1,797 small digits of the package instead.",
        *(f"  tried {attempt}" for attempt in unavailable.tried),
        "  To get MNIST: try again with a network, or put its four files,",
        f"  {', '.join(sorted(mnist.files))},",
        f"  into a directory and name it in --data or in the environment variable {mnist.variable}.",
        f"  To skip this: --data digits, or {OFFLINE_VARIABLE}=1.",
    ]
    if notify is None:
        warnings.warn("\n".join(lines), stacklevel=4)  # 4: the line that called load_dataset
    else:
        for line in lines:
            notify(line)


def _load_path(given: str, picture_size: str | None, notify: Notify | None) -> Dataset:
    path = Path(given)
    where = one_line(given)
    if not given or not os.path.exists(path):
        raise BadInput(
            f"{where or 'an empty path'}: no such file or directory, and none of the names {', '.join(NAMES)}"
        )
    if path.is_dir():
        found = _load_directory(path, picture_size, notify)
    elif picture_size is not None:
        raise BadInput(f"{where}: is a file, but picture size {one_line(picture_size)} is for the pictures of a folder")
    else:
        found = _load_file(path)
    return replace(found, name=given)


def _load_directory(path: Path, picture_size: str | None, notify: Notify | None) -> Dataset:
    """The data from MNIST's IDX files, else from sub-folders of pictures, else from two CSV files."""
    from nn_from_scratch.data.csv import find_train_and_test, read_csv
    from nn_from_scratch.data.folder import is_folder_of_pictures, load_folder
    from nn_from_scratch.data.folder import picture_size as size_in

    try:
        idx = any(is_idx_name(name) for name in os.listdir(path))
        if not idx and is_folder_of_pictures(path):
            return load_folder(path, size_in(picture_size) if picture_size else None, notify)
        if picture_size is not None:
            raise BadInput(f"{one_line(path)}: has no sub-folders of pictures, expected one for each class")
        if not idx and (files := find_train_and_test(path)):
            train, test = map(read_csv, files)
            source = f"the directory {one_line(path)}{train.source.removeprefix(f'the file {one_line(files[0])}')}"
            return replace(_with_test_set(train, test), source=source)
    except OSError as problem:
        raise BadInput(f"{one_line(path)}: can't be read ({one_line(problem.strerror or problem)})") from None
    return Dataset(str(path), *load_idx_directory(path), f"the directory {one_line(path)}")


def _load_file(path: Path) -> Dataset:
    where, kind = one_line(path), _kind(path)
    if kind == "npz":
        from nn_from_scratch.data.npz import load_npz

        return Dataset(str(path), *load_npz(path), f"the file {where}")
    if kind == "idx":
        if not is_idx_name(path.name):
            raise BadInput(f"{where}: is one IDX file, expected the directory with all four, named as those of MNIST")
        return Dataset(str(path), *load_idx_directory(path.parent), f"the directory of {where}")
    from nn_from_scratch.data.csv import read_csv

    return read_csv(path)


def _read_test_data(path: Path) -> Dataset:
    from nn_from_scratch.data.csv import read_csv

    if _kind(path) != "csv":
        raise BadInput(f"{one_line(path)}: expected a CSV file as test data")
    return read_csv(path)


def _kind(path: Path) -> str:
    """The type of a file, found out from its bytes. Anything else may be CSV, whose reader gives a clear error."""
    with reading(path) as file:
        start = gunzipped(file).read(4)
        file.seek(0)
        if start[:2] == b"PK" and file.read(2) == b"PK":
            with opening_zip(file, path) as archive:
                return "npz" if any(name.endswith(".npy") for name in archive.namelist()) else "csv"
    if start[:3] == b"\x00\x00\x08":
        return "idx"
    if start == b"\x93NUM":
        raise BadInput(f"{one_line(path)}: is a single NumPy array, expected an .npz archive like Keras's mnist.npz")
    return "csv"

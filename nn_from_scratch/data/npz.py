"""Arrays in an `.npz` file like Keras's `mnist.npz`: a zip archive of x_train, y_train, x_test and y_test.

`numpy.load` is not used: it trusts the size in the header, and with pickle allowed it would run code from the file.
Here the header of each array is read first, and memory is allocated only for numbers of a limited size.
"""

from __future__ import annotations

import math
import tokenize
import warnings
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from nn_from_scratch.data.dataset import Split, labelled_images
from nn_from_scratch.data.reading import MAX_IMAGE_BYTES, fill, most_expanded, open_member, opening_zip, reading
from nn_from_scratch.errors import BadInput, one_line

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_HEADER_ROOM = 4096  # bytes by which a member may be larger than its array


def load_npz(path: Path) -> tuple[Split, Split]:
    """The training and the test set from `path`."""
    keys = ("x_train", "y_train", "x_test", "y_test")
    with reading(path) as file, opening_zip(file, path) as archive:
        most = min(MAX_IMAGE_BYTES, most_expanded(file))
        x_train, y_train, x_test, y_test = (_read_array(archive, key, path, most) for key in keys)
    return _split(path, "train", x_train, y_train), _split(path, "test", x_test, y_test)


def _split(path: Path, part: str, images: np.ndarray, labels: np.ndarray) -> Split:
    x, y = f"{one_line(path)}: x_{part}", f"{one_line(path)}: y_{part}"
    if images.dtype.kind == "f" and images.ndim > 1:
        with np.errstate(over="ignore"):
            images = images.astype(np.float32)
        if not np.isfinite(images).all():
            row = int(np.argwhere(~np.isfinite(images))[0, 0])
            raise BadInput(f"{x}: sample {row + 1} has a value that is not a finite float32")
    elif images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise BadInput(
            f"{x} is {images.dtype} {images.shape}, expected images, uint8 (N, rows, columns) or (N, channels, rows, "
            "columns), or floats (N, …)"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise BadInput(f"{y} is {labels.dtype} {labels.shape}, expected whole numbers (N,)")
    return labelled_images(images, labels, x, y)


def _read_array(archive: zipfile.ZipFile, key: str, path: Path, most: int) -> np.ndarray:
    where = f"{one_line(path)}: {key}"
    members = {member.filename: member for member in archive.infolist()}
    if f"{key}.npy" not in members:
        found = one_line(", ".join(sorted(members)), 100) or "nothing"
        raise BadInput(
            f"{one_line(path)}: has no {key}.npy, expected x_train, y_train, x_test and y_test; found {found}"
        )
    with open_member(archive, members[f"{key}.npy"], path, most + _HEADER_ROOM) as stream:
        shape, in_columns, dtype = _read_header(stream, where)
        if dtype.hasobject:
            raise BadInput(f"{where}: holds pickled objects, expected numbers (unpickling would run the file's code)")
        size = math.prod(shape) * dtype.itemsize
        if dtype.itemsize == 0 or size > most:
            raise BadInput(f"{where}: declares {dtype} {shape}, expected at most {most:,} bytes")
        array = np.empty(size, dtype=np.uint8)
        count = fill(array, stream)
        if count != size:
            found = "more" if count > size else f"{count:,}"
            raise BadInput(f"{where}: declares {dtype} {shape} = {size:,} bytes, found {found}")
    return array.view(dtype).reshape(shape, order="F" if in_columns else "C")


def _read_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of odd headers, but they are either readable or refused
            version = np.lib.format.read_magic(stream)
            if version not in _HEADER_READERS:
                raise BadInput(f"{where}: is .npy version {version}, expected (1, 0) or (2, 0)")
            shape, in_columns, dtype = _HEADER_READERS[version](stream, max_header_size=_HEADER_ROOM)
    except BadInput:
        raise
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise BadInput(f"{where}: is not a NumPy array ({one_line(error, 100)})") from None
    if any(extent < 0 for extent in shape):
        raise BadInput(f"{where}: declares the shape {shape}, expected no negative extent")
    return shape, in_columns, dtype

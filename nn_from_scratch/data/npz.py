"""Keras's `mnist.npz`: a zip archive of four NumPy arrays, x_train, y_train, x_test and y_test.

`numpy.load` is not used: it believes the header about the size, and with pickle allowed it runs whatever the file says.
Here the header of each array is read first, and only numbers of a bounded size get any memory.
"""

from __future__ import annotations

import math
import tokenize
import warnings
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from nn_from_scratch.data.dataset import Split, labelled_images, one_line
from nn_from_scratch.data.reading import MAX_IMAGE_BYTES, fill, open_member, opening_zip, reading
from nn_from_scratch.errors import BadInput

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_HEADER_ROOM = 4096  # what a member may be larger than its array


def load_npz(path: Path) -> tuple[Split, Split]:
    """The training and the test set from `path`."""
    name = one_line(path)
    with reading(path) as file, opening_zip(file, path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        splits = []
        for part in ("train", "test"):
            x, y = f"x_{part}", f"y_{part}"
            images, labels = (_read_array(archive, members, path, key) for key in (x, y))
            if images.dtype != np.uint8 or images.ndim != 3:
                raise BadInput(f"{name}: {x} is {images.dtype} {images.shape}, expected uint8 (N, height, width)")
            if labels.dtype.kind not in "iu" or labels.ndim != 1:
                raise BadInput(f"{name}: {y} is {labels.dtype} {labels.shape}, expected whole numbers (N,)")
            # Clipped, so that 256 + 3 doesn't become a 3: either end is refused as a label.
            small = np.clip(labels, -1, 255).astype(np.int16).astype(np.uint8)
            splits.append(labelled_images(images, small, f"{name}: {x}", f"{name}: {y}"))
    return splits[0], splits[1]


def _read_array(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path, key: str
) -> np.ndarray:
    if f"{key}.npy" not in members:
        found = one_line(", ".join(sorted(members)), 100) or "nothing"
        raise BadInput(f"{one_line(path)}: has no array {key}, expected x_train, y_train, x_test, y_test; found {found}")
    where = f"{one_line(path)}: {key}"
    with open_member(archive, members[f"{key}.npy"], path, MAX_IMAGE_BYTES + _HEADER_ROOM) as stream:
        shape, in_columns, dtype = _read_header(stream, where)
        if dtype.hasobject:
            raise BadInput(f"{where}: holds pickled objects, expected numbers (unpickling would run the file's code)")
        count = math.prod(shape)
        if dtype.itemsize == 0 or count * dtype.itemsize > MAX_IMAGE_BYTES:
            raise BadInput(f"{where}: declares {dtype} {shape}, expected at most {MAX_IMAGE_BYTES:,} bytes")
        size = count * dtype.itemsize
        array = np.empty(size, dtype=np.uint8)
        found_bytes = fill(array, stream)
        if found_bytes != size:
            found = "more" if found_bytes > size else f"{found_bytes:,}"
            raise BadInput(f"{where}: declares {dtype} {shape} = {size:,} bytes, found {found}")
    return array.view(dtype).reshape(shape, order="F" if in_columns else "C")


def _read_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy remarks on odd headers; they are either readable or refused
            version = np.lib.format.read_magic(stream)
            if version not in _HEADER_READERS:
                raise BadInput(f"{where}: is .npy version {version}, expected (1, 0) or (2, 0)")
            shape, in_columns, dtype = _HEADER_READERS[version](stream, max_header_size=_HEADER_ROOM)
    except BadInput:
        raise
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise BadInput(f"{where}: is no NumPy array ({one_line(error, 100)})") from None
    if any(extent < 0 for extent in shape):
        raise BadInput(f"{where}: declares the shape {shape}, expected no negative extent")
    return shape, in_columns, dtype

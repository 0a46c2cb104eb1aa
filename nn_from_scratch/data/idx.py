"""IDX, the format of MNIST's files: a magic number, the sizes, then the bytes, nothing else.

An images file is 0x00000803, N, height, width and N·height·width pixels; a labels file is 0x00000801, N and N labels.
Numbers are big-endian 32-bit, and 0x08 means unsigned bytes. So the header says how long the file must be. A file that
is one byte shorter or longer is refused, because training with half a data set gives no error, only a worse network.
Described at https://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from nn_from_scratch.data.dataset import MOST_CLASSES, Split, labelled_images
from nn_from_scratch.data.reading import MAX_IMAGE_BYTES, fill, gunzipped, most_expanded, reading
from nn_from_scratch.errors import BadInput, one_line

MAGIC = {1: 0x00000801, 3: 0x00000803}  # dimensions → magic number of an array of unsigned bytes
_KIND = {1: "labels", 3: "images"}
_SUFFIXES = ("", ".gz")


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array in an IDX file, gzipped or not: images with `dimensions` 3, labels with 1."""
    name = one_line(path)
    with reading(path) as file:
        stream = gunzipped(file)
        header = stream.read(4 + 4 * dimensions)
        if not header:
            raise BadInput(f"{name}: is empty, expected IDX {_KIND[dimensions]}")
        magic = int.from_bytes(header[:4], "big")
        if magic != MAGIC[dimensions]:
            raise BadInput(
                f"{name}: begins with 0x{magic:08x}{_what_begins_so(header)}, "
                f"expected the magic number 0x{MAGIC[dimensions]:08x} of IDX {_KIND[dimensions]}"
            )
        if len(header) < 4 + 4 * dimensions:
            raise BadInput(f"{name}: ends after {len(header)} bytes, expected a header of {4 + 4 * dimensions}")
        shape = struct.unpack(f">{dimensions}I", header[4:])
        size = math.prod(shape)
        declared = f"its header declares {' × '.join(map(str, shape))} = {size:,} bytes"
        most = MAX_IMAGE_BYTES if stream is file else min(MAX_IMAGE_BYTES, most_expanded(file))
        if size > most:
            raise BadInput(f"{name}: {declared}, expected at most {most:,}")
        array = np.empty(size, dtype=np.uint8)
        found = fill(array, stream)
        if found < size:
            raise BadInput(f"{name}: {declared} after it, found {found:,}")
        if found > size:
            raise BadInput(f"{name}: {declared} after it, found more")
    return array.reshape(shape)


def _what_begins_so(header: bytes) -> str:
    for dimensions, magic in MAGIC.items():
        if header[:4] == magic.to_bytes(4, "big"):
            return f" (IDX {_KIND[dimensions]})"
    return " (a web page saved in its place?)" if header.lstrip()[:1] == b"<" else ""


def load_idx_directory(directory: Path, classes: int = MOST_CLASSES) -> tuple[Split, Split]:
    """The training and the test set from the four files of MNIST, under either spelling, gzipped or not."""
    return _load_pair(directory, "train", classes), _load_pair(directory, "t10k", classes)


def _load_pair(directory: Path, prefix: str, classes: int) -> Split:
    images, labels = _find(directory, f"{prefix}-images", 3), _find(directory, f"{prefix}-labels", 1)
    return labelled_images(read_idx(images, 3), read_idx(labels, 1), one_line(images), one_line(labels), classes)


def idx_names(stem: str, dimensions: int) -> list[str]:
    """All possible names of one of the four files; messages use the first."""
    return [f"{stem}{joint}idx{dimensions}-ubyte{suffix}" for joint in "-." for suffix in _SUFFIXES]


def is_idx_name(name: str) -> bool:
    stems = [(f"{prefix}-{kind}", dimensions) for prefix in ("train", "t10k") for dimensions, kind in _KIND.items()]
    return any(name in idx_names(stem, dimensions) for stem, dimensions in stems)


def _find(directory: Path, stem: str, dimensions: int) -> Path:
    names = idx_names(stem, dimensions)
    try:
        for name in names:
            if (directory / name).is_file():
                return directory / name
    except OSError as error:
        raise BadInput(f"{one_line(directory)}: can't be read ({one_line(error.strerror or error)})") from None
    raise BadInput(f"{one_line(directory)}: has no file {names[0]}, expected it there, or {names[1]}")

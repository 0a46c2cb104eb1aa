"""Netpbm pictures (PBM, PGM, PPM): a few numbers as text, then the pixels, as bytes or as text again.

It is a very simple format, and many scanners write it. Pillow reads it, too, but number by number if the pixels are
text or if white is not 255; a photograph then takes ten seconds. NumPy reads all numbers at once.
"""

import re
from collections.abc import Callable
from typing import IO

import numpy as np
from PIL import Image

from nn_from_scratch.errors import BadInput

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"  # before a number: white space and comments
_HEADER_ROOM = 4096
_MOST_COMMENTS = 10_000
_AT_ONCE = 2**20


def is_netpbm(start: bytes) -> bool:
    return start[:1] == b"P" and start[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6")


def read_netpbm(file: IO[bytes], check_size: Callable[[int, int], object]) -> Image.Image:
    """The picture in grey or in colours, 8 bits each. `check_size` may refuse width and height before more is read."""
    head = file.read(_HEADER_ROOM)
    kind = int(head[1:2])
    bits = kind in (1, 4)
    header = re.match(rb"P\d" + (_GAP + rb"(\d{1,10})") * (2 if bits else 3) + rb"\s", head)
    if not header:
        raise BadInput("the picture is damaged (its header has no width, height and value of white)")
    width, height, white = map(int, [*header.groups(), 1][:3])
    check_size(width, height)
    if not 0 < white < 2**16:
        raise BadInput(f"the picture is damaged (white is {white}, expected 1 to 65535)")
    file.seek(header.end())
    shape = (height, width, 3) if kind in (3, 6) else (height, width)
    numbers = _bits(file, kind, width, height) if bits else _numbers(file, kind, int(np.prod(shape)), white)
    if numbers.size < np.prod(shape):
        raise BadInput(f"the picture is damaged ({numbers.size:,} numbers of 0 to {white}, expected {shape})")
    table = np.rint(np.minimum(np.arange(2**16), white) * (255 / white)).astype(np.uint8)
    pixels = np.empty(np.prod(shape), np.uint8)
    for start in range(0, pixels.size, _AT_ONCE):  # used as indices, they take eight times the memory
        pixels[start : start + _AT_ONCE] = table[numbers[start : start + _AT_ONCE][: pixels.size - start]]
    return Image.fromarray(pixels.reshape(shape))


def _numbers(file: IO[bytes], kind: int, count: int, white: int) -> np.ndarray:
    """The values of all pixels, row by row."""
    if kind in (2, 3):
        return np.fromstring(_text(file, count), np.uint16, sep=" ")
    dtype = np.dtype(np.uint8 if white < 256 else ">u2")
    content = file.read(count * dtype.itemsize)
    return np.frombuffer(content, dtype, len(content) // dtype.itemsize)


def _bits(file: IO[bytes], kind: int, width: int, height: int) -> np.ndarray:
    """The values of all pixels of a bitmap; 0 is ink, as in the other kinds."""
    if kind == 1:
        text = np.frombuffer(_text(file, width * height), np.uint8)
        return ord("1") - text[(text == ord("0")) | (text == ord("1"))]
    row = -(-width // 8)  # bytes; the last may be used in part
    rows = np.frombuffer(file.read(row * height), np.uint8)
    bits = np.unpackbits(rows[: rows.size // row * row].reshape(-1, row), axis=1)[:, :width]
    return 1 - bits.ravel()


def _text(file: IO[bytes], count: int) -> bytes:
    """The rest of a file, without comments. If it has far more than `count` numbers, only a part."""
    text = file.read(16 * count + 2**20)
    if text.count(b"#") > _MOST_COMMENTS:
        raise BadInput(f"has more than {_MOST_COMMENTS:,} comments, expected a picture")
    return re.sub(rb"#[^\r\n]*", b" ", text)

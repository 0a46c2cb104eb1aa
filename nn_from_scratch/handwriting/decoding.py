"""From a picture file to brightness: Pillow decodes it, within limits of memory and time.

A file of a few thousand bytes can contain a picture that fills the memory, or keep a decoder busy for minutes. The
file's header shows this, so it is checked first, and the file is refused before anything is decoded.
"""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil, isqrt
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import PREFIXES, ImageFileDirectory_v2

from nn_from_scratch.data.reading import MOST_PARTS, CountedReads, TooMuch, reading
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.handwriting.netpbm import is_netpbm, read_netpbm

Found = TypeVar("Found")

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # Pillow's formats that hold only pixels
MOST_PIXELS = 25_000_000  # a camera's photograph; decoded it takes 100 MB, and its decoder up to three times as much
MOST_PIXELS_REDUCED = 60_000_000  # a large phone's photograph, as a JPEG, which can be decoded at a smaller size
MOST_PIXELS_RUN_LENGTH = 12_000_000  # of a run-length encoded BMP: Pillow decodes it in Python, run by run
LEAST_SIDE, MOST_SIDE = 8, 65_535  # a very narrow picture can have millions of rows, each of which takes memory
MOST_BYTES = 200_000_000  # the most pixels, with four colours of 16 bits each
MOST_SCANS = 50  # of a progressive JPEG; 10 is usual
STRIPS, TILE_WIDTH, TILE_LENGTH, TILES = 273, 322, 323, 324  # tags of a TIFF
WORKING_SIDE = 400  # of a square with this number of pixels: larger pictures are reduced to below twice this side


@contextmanager
def reading_picture(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a picture file. In this context, a BadInput gets the name of the file."""
    with reading(Path(path)) as file:
        try:
            yield file
        except BadInput as problem:
            raise BadInput(f"{one_line(path)}: {problem}") from None


def decode(file: IO[bytes]) -> np.ndarray:
    """The picture as brightness from 0 to 1, reduced to a size that is fast to process. (H, W)

    It is the colour channel with the highest contrast, in which yellow on white is as clear as black. Raises BadInput
    or TooMuch, neither of which names the file.
    """
    return _decoded(file, _brightness)


def decode_colours(file: IO[bytes], *sizes: tuple[int, int]) -> list[np.ndarray]:
    """The picture in red, green and blue, cropped around its centre and scaled to each size. uint8 (3, H, W)

    A size is rows and columns. Transparent areas become white. Raises BadInput or TooMuch, neither of which names the
    file.
    """
    return _decoded(file, lambda image: _colours(image, sizes))


def _decoded(file: IO[bytes], read: Callable[[Image.Image], Found]) -> Found:
    try:
        with warnings.catch_warnings(action="ignore"):  # about odd metadata; the size is checked here
            return read(_reduced(_opened(file)))
    except (BadInput, TooMuch):
        raise
    except Image.DecompressionBombError:
        raise BadInput(f"has too many pixels, expected at most {MOST_PIXELS // 10**6} million") from None
    except Image.UnidentifiedImageError:
        raise BadInput(f"is not a picture, expected one of the formats {', '.join((*FORMATS, 'PPM'))}") from None
    except Exception as problem:  # a damaged file makes Pillow's decoders raise nearly anything
        raise BadInput(f"the picture is damaged ({one_line(problem) or type(problem).__name__})") from None


# ---- before anything is decoded ----


def _opened(file: IO[bytes]) -> Image.Image:
    """The picture, with its header read and checked."""
    size = os.fstat(file.fileno()).st_size
    if size > MOST_BYTES:
        raise BadInput(f"{size:,} bytes are too many, expected at most {MOST_BYTES:,}")
    start = file.read(30)
    file.seek(0)
    if is_netpbm(start):
        return read_netpbm(file, _check_size)
    if start[:4] == b"RIFF":
        _check_size(*_webp_size(start))
    counted: Any = CountedReads(file)
    if start[:4] in PREFIXES:
        _check_tiff(counted, start)
    image = Image.open(counted, formats=FORMATS)
    if isinstance(image, JpegImageFile):
        _check_jpeg(image, _scans(file))
    else:
        slow = bool(image.tile) and image.tile[0][0] == "bmp_rle"
        most, what = (MOST_PIXELS_RUN_LENGTH, "run-length encoded ") if slow else (MOST_PIXELS, "")
        _check_size(*image.size, most, what)
    return image


def _check_size(width: int, height: int, most: int = MOST_PIXELS, what: str = "") -> None:
    size = f"has {what}{width:,} × {height:,} pixels"
    if width * height > most:
        raise BadInput(f"{size}, expected at most {most // 10**6} million")
    if max(width, height) > MOST_SIDE:
        raise BadInput(f"{size}, expected at most {MOST_SIDE:,} on a side")
    if max(width, height) < LEAST_SIDE:
        raise BadInput(f"{size}, expected at least {LEAST_SIDE} on a side")


def _check_jpeg(image: ImageFile, scans: int) -> None:
    """Decode a large JPEG at down to an eighth of its size, which needs little memory if it has a single scan."""
    if scans > MOST_SCANS:
        raise BadInput(f"is a JPEG of {scans} scans, expected at most {MOST_SCANS}")
    _check_size(*image.size, MOST_PIXELS_REDUCED if scans == 1 else MOST_PIXELS)
    image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
    _check_size(*image.size)


def _check_tiff(file: IO[bytes], start: bytes) -> None:
    """Check the strips or tiles of a TIFF: there must not be too many, and none may be too large."""
    tags = ImageFileDirectory_v2(start[: 16 if start[2] == 43 else 8])  # 43: a BigTIFF
    file.seek(tags.next)
    tags.load(file)
    file.seek(0)
    _check_size(tags.get(TILE_WIDTH, LEAST_SIDE), tags.get(TILE_LENGTH, LEAST_SIDE), what="a tile of ")
    for parts in (tags.get(STRIPS, ()), tags.get(TILES, ())):
        if len(parts) > MOST_PARTS:
            raise BadInput(f"is a TIFF in {len(parts):,} pieces, expected at most {MOST_PARTS:,}")


def _webp_size(start: bytes) -> tuple[int, int]:
    """The size in the first 30 bytes of a WebP, because opening one already allocates memory for the whole picture."""

    def number(at: int, length: int) -> int:
        return int.from_bytes(start[at : at + length], "little")

    kind = start[12:16]
    if kind == b"VP8X":
        return number(24, 3) + 1, number(27, 3) + 1
    if kind == b"VP8L":
        return (number(21, 4) & 0x3FFF) + 1, (number(21, 4) >> 14 & 0x3FFF) + 1
    return number(26, 2) & 0x3FFF, number(28, 2) & 0x3FFF


def _scans(file: IO[bytes]) -> int:
    """The number of scans of a JPEG: of its segments that start a scan, up to its end."""
    file.seek(0)
    content = file.read()
    marker = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")  # except markers that mean a byte, or have no content
    at = scans = 0
    while (found := marker.search(content, at or 2)) and found[0] != b"\xff\xd9":
        scans += found[0] == b"\xff\xda"
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    return scans


# ---- decoding ----


def _reduced(image: Image.Image) -> Image.Image:
    """The picture upright and small, in RGB, in RGBA or, if it has more than 8 bits, as floating-point numbers.

    It is converted strip by strip: otherwise the whole picture would be in memory twice.
    """
    factor = max(1, isqrt(image.width * image.height) // WORKING_SIDE)
    image.load()
    mode = "F" if image.mode[0] in "IF" else "RGBA" if image.has_transparency_data else "RGB"
    small = Image.new(mode, (ceil(image.width / factor), ceil(image.height / factor)))
    rows = factor * ceil(2**20 / (factor * image.width))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(strip.convert(mode).reduce(factor), (0, top // factor))
    small.info = image.info  # it says how the camera was held
    return ImageOps.exif_transpose(small)


def _in_bytes(image: Image.Image) -> Image.Image:
    """Eight bits from 16 bits, 32 bits or floats, scaled, because the file doesn't say which value is white."""
    if image.mode != "F":
        return image
    values = np.nan_to_num(np.asarray(image, np.float64))
    return Image.fromarray(np.uint8(255 * (values - values.min()) / (np.ptp(values) or 1))).convert("RGB")


def _colours(image: Image.Image, sizes: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    image = _in_bytes(image)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    fitted = (ImageOps.fit(image, (columns, rows)) for rows, columns in sizes)
    return [np.asarray(picture).transpose(2, 0, 1) for picture in fitted]  # (rows, columns, 3) → (3, rows, columns)


def _brightness(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(_in_bytes(image), np.float64) / 255  # (H, W, 3 or 4)
    colours = pixels[..., :3]
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:]
        dark = (colours * opacity).sum() < 0.5 * 3 * opacity.sum()
        colours = colours * opacity + (1 - opacity) * dark  # dark ink goes on white paper, light ink on black
    return colours[..., colours.std(axis=(0, 1)).argmax()]

"""Opening files that somebody else made: any problem with one becomes a single line that names the file.

The readers of the formats (idx, csv, npz, pictures) share four defences. Anything but a regular file is refused before
it is opened, because reading a pipe may wait forever, and a device may never end. Compressed data are expanded piece by
piece, up to a limit. A file made of a million tiny parts is given up before all of them are read. Exceptions of the
standard library on damaged files become clear messages: a traceback doesn't help somebody whose download is broken.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from nn_from_scratch.errors import BadInput, one_line

# Four times the 60,000 images of MNIST. A header can declare anything; memory is finite.
MAX_IMAGE_BYTES = 192 * 2**20
EXPANSION = 50  # -fold, beyond the first 16 MB: a file that expands more is a decompression bomb
MOST_PARTS = 200_000  # in which a file is read: a gzip file of 10 MB can have half a million members, all empty
MOST_ZIP_DIRECTORY = 2**20  # bytes, some 10,000 members
GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 2**20


class TooMuch(Exception):
    """The reason why reading a file would take too long; `reading` adds the name of the file."""


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Open `path`. Errors of the system or of a decompressor inside the `with`, and TooMuch, become BadInput."""
    name = one_line(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise BadInput(f"{name}: is a directory, expected a file")
        if not stat.S_ISREG(mode):
            raise BadInput(f"{name}: is a pipe or a device, expected a regular file")
        with open(path, "rb") as file:
            yield file
    except TooMuch as problem:
        raise BadInput(f"{name}: {problem}") from None
    except FileNotFoundError:
        raise BadInput(f"{name}: no such file") from None
    except EOFError:
        raise BadInput(f"{name}: the compressed data end too early; the file is cut short") from None
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"{name}: the compressed data are damaged ({one_line(error)})") from None
    except OSError as error:
        raise BadInput(f"{name}: can't be read ({one_line(error.strerror or error)})") from None


def visible(directory: Path) -> list[Path]:
    """Everything in a directory by name, without hidden files, which systems and editors create. [], if it is missing.

    Raises BadInput if it can't be read.
    """
    try:
        return sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{one_line(directory)}: can't be read ({one_line(error.strerror or error)})") from None


class CountedReads:
    """A file that can't be read in too many parts, or in too long ones, which some libraries would do."""

    def __init__(self, file: IO[bytes], longest: int | None = None):
        self.file = file
        self.longest = longest
        self.reads = 0
        self.seek, self.tell, self.seekable, self.fileno = file.seek, file.tell, file.seekable, file.fileno

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        if self.reads > MOST_PARTS:
            raise TooMuch(f"is made of more than {MOST_PARTS:,} parts, expected far fewer")
        if self.longest is not None and size > self.longest:
            raise TooMuch(f"lists its content in {size:,} bytes, expected at most {self.longest:,}")
        return self.file.read(size)


def gunzipped(file: IO[bytes]) -> IO[bytes]:
    """The file itself or, if it is gzipped, its content. The first bytes decide, because a name may be wrong."""
    start = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return gzip.GzipFile(fileobj=CountedReads(file)) if start == GZIP_MAGIC else file  # type: ignore[return-value]


def fill(array: np.ndarray, stream: IO[bytes]) -> int:
    """Fill `array`, one-dimensional uint8, from `stream`. Returns the number of bytes found, at most one too many.

    Reading one byte more than expected finds trailing bytes, and makes a decompressor compare its checksum.
    """
    room = array.data
    have = 0
    while piece := stream.read(min(_PIECE, len(room) - have) or 1):
        if have == len(room):
            return have + 1
        room[have : have + len(piece)] = piece
        have += len(piece)
    return have


@contextmanager
def opening_zip(file: IO[bytes], path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive. Exceptions of zipfile on a damaged directory or header become BadInput."""
    try:
        with zipfile.ZipFile(CountedReads(file, MOST_ZIP_DIRECTORY)) as archive:
            yield archive
    except BadInput:
        raise
    except (ValueError, RuntimeError, struct.error) as error:  # also NotImplementedError and UnicodeDecodeError
        raise BadInput(f"{one_line(path)}: the zip archive is damaged ({one_line(error)})") from None


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, most: int) -> IO[bytes]:
    """Open a member that declares at most `most` bytes. Nothing is ever written to disk."""
    where = f"{one_line(path)}: member {one_line(member.filename, 100)!r}"
    if not member.filename:
        raise BadInput(f"{where}: has no name, expected a plain file name")
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in member.filename:
        raise BadInput(f"{where}: points outside the archive, expected a plain file name")
    if member.is_dir():
        raise BadInput(f"{where}: is a directory, expected a file")
    if member.flag_bits & 0x1:
        raise BadInput(f"{where}: is encrypted, expected no password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput(f"{where}: has compression method {member.compress_type}, expected stored (0) or deflated (8)")
    if member.file_size > most:
        raise BadInput(f"{where}: declares {member.file_size:,} bytes, expected at most {most:,}")
    return archive.open(member)


def most_expanded(file: IO[bytes]) -> int:
    """The bytes to which a compressed file may expand. Digits shrink 5- to 10-fold, black and white ones 45-fold."""
    return 16 * 2**20 + EXPANSION * os.fstat(file.fileno()).st_size


def as_text(stream: IO[bytes]) -> io.TextIOWrapper:
    """The lines of a text. Latin-1 has a character for every byte, so decoding can't fail."""
    return io.TextIOWrapper(stream, encoding="latin-1", newline=None)

"""Opening files that somebody else made: whatever is wrong with one becomes a single line naming it.

The readers of the formats (idx, csv, npz, pictures) share four defences. What isn't a regular file is refused before it
is opened (a pipe waits for ever, a device never ends); what is compressed is expanded piece by piece, up to a bound;
what is made of a million parts, each of a few bytes, is given up before they have all been looked at; and what the
standard library raises on damaged files is translated: a traceback is no answer to a broken download.
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
EXPANSION = 50  # -fold, beyond the first 16 MB: what shrinks still more is a bomb
MOST_PARTS = 200_000  # that a file is read in: a gzip file of 10 MB can have half a million members, all empty
MOST_ZIP_DIRECTORY = 2**20  # bytes, some 10,000 members
GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 2**20


class TooMuch(Exception):
    """Why a file would take too long; `reading` says which file."""


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Open `path`; an error of the system or of a decompressor inside the `with`, or TooMuch, leaves it as BadInput."""
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


class CountedReads:
    """A file that refuses to be read in very many parts, or in one too long: for libraries that would do so."""

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
    """The file itself, or what is in it if it is gzipped. Its first bytes decide, since names get changed."""
    start = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return gzip.GzipFile(fileobj=CountedReads(file)) if start == GZIP_MAGIC else file  # type: ignore[return-value]


def fill(array: np.ndarray, stream: IO[bytes]) -> int:
    """Fill `array`, one-dimensional uint8, from `stream`; the number of bytes there were, at most one too many.

    Asking for the byte after the last finds trailing bytes, and makes a decompressor compare its checksum.
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
    """A zip archive; what zipfile raises on nonsense in its directory or its headers leaves the `with` as BadInput."""
    try:
        with zipfile.ZipFile(CountedReads(file, MOST_ZIP_DIRECTORY)) as archive:
            yield archive
    except BadInput:
        raise
    except (ValueError, RuntimeError, struct.error) as error:  # also NotImplementedError and UnicodeDecodeError
        raise BadInput(f"{one_line(path)}: the zip archive is damaged ({one_line(error)})") from None


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, most: int) -> IO[bytes]:
    """Open a member that declares at most `most` bytes. Nothing is ever written to disk, under whatever name."""
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
    """How many bytes a compressed file may expand to. Digits shrink 5- to 10-fold, black and white ones 45-fold."""
    return 16 * 2**20 + EXPANSION * os.fstat(file.fileno()).st_size


def as_text(stream: IO[bytes]) -> io.TextIOWrapper:
    """Lines of text, whatever the bytes: Latin-1 has a character for each, so that decoding can't fail."""
    return io.TextIOWrapper(stream, encoding="latin-1", newline=None)

"""Files that are whole or absent: nobody ever sees half of one, and nothing that was there is lost to a failure."""

import contextlib
import csv
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nn_from_scratch.errors import BadInput, one_line

# What fsync of a directory says where a platform or a file system has no such thing.
NO_SUCH_THING = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path for what is to stand at `path`: once written it is moved there, so nobody ever sees half a file.

    Where `path` is a symbolic link, the file that it leads to is replaced. A device or a FIFO is never replaced: what
    was written is copied into it. Where the writing fails, what stood at `path` before stays. Raises OSError as
    writing does, naming `path`.
    """
    try:
        target = _target(Path(path))
        copied = _is_written_into(target)
        with tempfile.TemporaryDirectory() if copied else _room_beside(target) as room:
            temporary = Path(room) / Path(path).name  # not the target's: its ending may tell a format
            yield temporary
            if copied:
                with open(temporary, "rb") as written, open(target, "ab") as file:  # "a": what is there stays there
                    shutil.copyfileobj(written, file)
            else:
                _flush(temporary)
                os.replace(temporary, target)
                _flush_directory(target.parent)
    except OSError as problem:  # of the temporary file, or, where the disk is full, of none
        problem.filename, problem.filename2 = str(path), None
        raise


def check_writable(path: str | Path) -> None:
    """Raise BadInput, before hours of training, where a file could not be saved after them. Leaves nothing behind."""
    try:
        target = _target(Path(path))
        if _is_written_into(target):
            if not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            with _room_beside(target) as room:
                (Path(room) / target.name).touch()
    except IsADirectoryError:
        raise BadInput(f"{one_line(path)}: is a directory: expected the name of a file to write") from None
    except OSError as problem:
        raise BadInput(f"{one_line(path)}: can't be written: {problem.strerror}") from None


def save_rows(rows: Iterable[Sequence], path: str | Path) -> None:
    """Write a table as CSV, the header being its first row; None leaves its cell empty."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def beside(path: str | Path, kind: str) -> str:
    """The name of a file that belongs to another: network.json → network.checkpoint.json.

    Beside a device or a FIFO nothing is put: what belongs to one goes into the current directory.
    """
    name = os.path.basename(path) if _is_written_into(_target(Path(path))) else str(path)
    return f"{name.removesuffix('.json')}.{kind}.json"


def _target(path: Path) -> Path:
    """What `path` leads to, over however many symbolic links; a file that a process has open counts as no link."""
    with contextlib.suppress(FileNotFoundError):
        os.stat(path)  # raises OSError for links in a circle
    while path.is_symlink() and not _is_open(path):
        path = path.parent / os.readlink(path)
    return path


def _is_open(path: Path) -> bool:
    """Whether this is one of the files that a process has open, as /dev/stdout leads to."""
    directory = os.path.realpath(path.parent)
    return os.path.basename(directory) == "fd" and directory.startswith(("/proc/", "/dev/"))


def _is_written_into(target: Path) -> bool:
    """Whether what is there must not be replaced: a device, a FIFO, or a file that a process has open.

    Raises OSError for what can't be written at all.
    """
    if not os.path.exists(target):
        return False
    mode = os.stat(target).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "Is a disk or a socket")
    return not stat.S_ISREG(mode) or _is_open(target)


@contextlib.contextmanager
def _room_beside(target: Path) -> Iterator[str]:
    """A temporary directory beside `target`: only within one file system can a file take another's place at once.

    The directories above are made, and taken away again where nothing came of the file.
    """
    missing = [directory for directory in target.parents if not directory.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Of a long name only the beginning: with all of it this name would be too long.
        prefix, directory = f".{target.name[:40]}.", target.parent
        with tempfile.TemporaryDirectory(prefix=prefix, dir=directory, ignore_cleanup_errors=True) as room:
            yield room
    finally:
        for directory in missing:
            with contextlib.suppress(OSError):  # the file is in it
                directory.rmdir()


def _flush(path: Path) -> None:
    """Have a file's bytes on the disk before its name is."""
    with open(path, "r+b") as written:
        os.fsync(written.fileno())


def _flush_directory(directory: Path) -> None:
    """Have the new name on the disk, too, where that can be asked for."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as problem:
        if problem.errno not in NO_SUCH_THING:
            raise

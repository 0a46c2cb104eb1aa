"""Files that are complete or absent: there is never half a file, and a failure destroys no existing file."""

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

# The errors of fsync for a directory if the platform or the file system doesn't support it.
NO_SUCH_THING = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path for the file at `path`. Once written, it is moved there, so nobody ever sees half a file.

    If `path` is a symbolic link, the file that it leads to is replaced. A device or a FIFO is never replaced: the
    content is copied into it. If writing fails, an existing file at `path` stays as it is. Raises the OSErrors of
    writing, with `path` as the file name.
    """
    try:
        target = _target(Path(path))
        copied = _is_written_into(target)
        with tempfile.TemporaryDirectory() if copied else _room_beside(target) as room:
            temporary = Path(room) / Path(path).name  # not the target's: the ending of `path` may mean a format
            yield temporary
            if copied:
                with open(temporary, "rb") as written, open(target, "ab") as file:  # "a": keep the existing content
                    shutil.copyfileobj(written, file)
            else:
                _flush(temporary)
                os.replace(temporary, target)
                _flush_directory(target.parent)
    except OSError as problem:  # it names the temporary file or, if the disk is full, no file
        problem.filename, problem.filename2 = str(path), None
        raise


def check_writable(path: str | Path) -> None:
    """Raise BadInput, before hours of training, if a file can't be written. Leaves nothing behind."""
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
    """Write a table as CSV. The first row is the header; None makes an empty cell."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def beside(path: str | Path, kind: str) -> str:
    """The name of a file that belongs to another one: network.json → network.checkpoint.json.

    If the other one is a device or a FIFO, the file goes into the current directory instead.
    """
    name = os.path.basename(path) if _is_written_into(_target(Path(path))) else str(path)
    return f"{name.removesuffix('.json')}.{kind}.json"


def _target(path: Path) -> Path:
    """The target of `path` after any number of symbolic links; an open file of a process doesn't count as a link."""
    with contextlib.suppress(FileNotFoundError):
        os.stat(path)  # raises OSError for links in a circle
    while path.is_symlink() and not _is_open(path):
        path = path.parent / os.readlink(path)
    return path


def _is_open(path: Path) -> bool:
    """Whether this is an open file of a process, such as the target of /dev/stdout."""
    directory = os.path.realpath(path.parent)
    return os.path.basename(directory) == "fd" and directory.startswith(("/proc/", "/dev/"))


def _is_written_into(target: Path) -> bool:
    """Whether the target must not be replaced: a device, a FIFO, or an open file of a process.

    Raises OSError if it can't be written at all.
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
    """A temporary directory beside `target`, because a file can replace another one at once only in one file system.

    Missing parent directories are made, and removed again if no file was written.
    """
    missing = [directory for directory in target.parents if not directory.exists()]
    try:
        # Only the beginning of a long name: the whole name would make this one too long.
        with _temporary_directory(target.parent, f".{target.name[:40]}.") as room:
            yield room
    finally:
        for directory in missing:
            with contextlib.suppress(OSError):  # the file is in it
                directory.rmdir()


def _temporary_directory(parent: Path, prefix: str) -> tempfile.TemporaryDirectory[str]:
    """One in a directory that is made if it is missing, again if another process has removed it before it was used."""
    for _ in range(9):
        with contextlib.suppress(FileNotFoundError):
            parent.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _flush(path: Path) -> None:
    """Write a file's bytes to the disk before the file gets its final name."""
    with open(path, "r+b") as written:
        os.fsync(written.fileno())


def _flush_directory(directory: Path) -> None:
    """Write the new name to the disk, too, if the platform supports it."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as problem:
        if problem.errno not in NO_SUCH_THING:
            raise

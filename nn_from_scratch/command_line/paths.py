"""Checks of the files that a command reads and writes, before it begins, so that no result is lost at the end."""

import os
from collections.abc import Iterable, Iterator, Mapping

from nn_from_scratch.data.idx import is_idx_name
from nn_from_scratch.errors import BadInput
from nn_from_scratch.storage import files

Paths = Mapping[str, str | Iterable[str] | None]  # by the options that name them


def check_paths(reads: Paths, writes: Paths) -> None:
    """Raise BadInput if a file can't be written, or would replace another file of the same command.

    Symbolic and hard links are followed. Devices and pipes may be named more than once.
    """
    taken = {_identity(path): option for option, path in _each(reads)}
    for option, path in _each(writes):
        files.check_writable(path)
        if os.path.exists(path) and not os.path.isfile(path):
            continue
        other = taken.setdefault(_identity(path), option)
        if other != option:
            raise BadInput(f"{path}: is used for {other} and for {option}: expected different files")


def _each(paths: Paths) -> Iterator[tuple[str, str]]:
    """Every file with its option; for a directory that is read, also the files of its data set."""
    for option, named in paths.items():
        for path in filter(None, [named] if isinstance(named, str) else named or ()):
            if os.path.isdir(path):
                yield from ((option, entry.path) for entry in os.scandir(path) if is_idx_name(entry.name))
            yield option, path


def _identity(path: str) -> object:
    """The same value for two names of one file, whether it exists or not."""
    try:
        found = os.stat(path)
    except OSError:
        return os.path.normcase(os.path.realpath(path))
    return found.st_dev, found.st_ino

"""Your own pictures: a folder with a sub-folder for each class, which has the name of the class.

The pictures may have any size, and be grey or in colour; all are scaled to one size. Files that can't be read are named
and left out. If there are sub-folders `train` and `test`, with sub-folders for the classes, these are the two sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from nn_from_scratch.data.dataset import LONGEST_NAME, MOST_CLASSES, Dataset, Split
from nn_from_scratch.data.reading import MAX_IMAGE_BYTES, visible
from nn_from_scratch.errors import BadInput, one_line, printable

DEFAULT_SIZE = (32, 32)
LEAST_SIDE, MOST_SIDE = 4, 256
NAMED = 5  # files left out that are named; the others are only counted


def is_folder_of_pictures(directory: Path) -> bool:
    """Whether there are sub-folders. Their content is checked when they are read."""
    return any(_folders(directory))


def load_folder(
    directory: Path, size: tuple[int, int] | None = None, notify: Callable[[str], object] | None = None
) -> Dataset:
    """All pictures in a folder as uint8 (N, rows, columns), or (N, 3, rows, columns) if one of them is in colour.

    The test set is empty, unless there are sub-folders `train` and `test`. `notify` is called with the files that can't
    be read. Raises BadInput if no picture is left, or if there are fewer than two classes.
    """
    parts = {folder.name.lower(): folder for folder in _folders(directory)}
    given = parts.keys() >= {"train", "test"} and all(any(_folders(parts[name])) for name in ("train", "test"))
    roots = [parts["train"], parts["test"]] if given else [directory]
    classes = sorted({folder.name for root in roots for folder in _folders(root)})
    if not 2 <= len(classes) <= MOST_CLASSES:
        expected = f"expected a sub-folder of pictures for each of 2 to {MOST_CLASSES} classes"
        raise BadInput(f"{one_line(directory)}: has {len(classes)} sub-folder{'s' * (len(classes) != 1)}, {expected}")
    found, skipped = [_Pictures(root, classes, size or DEFAULT_SIZE) for root in roots], []
    for pictures in found:
        skipped += pictures.skipped
    if not all(pictures.labels for pictures in found):
        first = f", the first being {skipped[0]}" if skipped else ""
        raise BadInput(f"{one_line(directory)}: none of {len(skipped)} files can be read as a picture{first}")
    _tell(skipped, sum(len(pictures.labels) for pictures in found), notify)
    grey = all(pictures.grey for pictures in found)
    train, *others = (pictures.split(grey) for pictures in found)
    test = others[0] if others else train.select(slice(0, 0))
    rows, columns = size or DEFAULT_SIZE
    source = f"the folder {one_line(directory)}, {'grey' if grey else 'in colour'}, as {rows} × {columns} pixels"
    names = tuple(printable(name)[:LONGEST_NAME] for name in classes)
    return Dataset(str(directory), train, test, source, class_names=names)


class _Pictures:
    """The pictures in the sub-folders, scaled to one size."""

    def __init__(self, root: Path, classes: list[str], size: tuple[int, int]) -> None:
        from nn_from_scratch.handwriting.decoding import decode_colours, reading_picture

        self.labels: list[int] = []
        self.skipped: list[str] = []  # the reason for each file
        self.pictures: list[np.ndarray] = []
        self.grey = True
        files = [(label, path) for label, name in enumerate(classes) for path in _files(root / name)]
        if (needed := len(files) * 3 * size[0] * size[1]) > MAX_IMAGE_BYTES:
            raise BadInput(
                f"{one_line(root)}: {len(files):,} pictures of {size[0]} × {size[1]} pixels take {needed:,} bytes, "
                f"expected at most {MAX_IMAGE_BYTES:,}: fewer of them, or a smaller --picture-size"
            )
        for label, path in files:
            try:
                with reading_picture(path) as file:
                    (picture,) = decode_colours(file, size)
            except BadInput as problem:
                self.skipped.append(str(problem))
                continue
            self.grey &= bool((picture == picture[0]).all())
            self.pictures.append(picture)
            self.labels.append(label)

    def split(self, grey: bool) -> Split:
        pictures = np.stack(self.pictures)  # (N, 3, rows, columns)
        return Split(pictures[:, 0].copy() if grey else pictures, np.array(self.labels, np.uint8))


def _folders(directory: Path) -> Iterator[Path]:
    return (path for path in visible(directory) if path.is_dir())


def _files(directory: Path) -> Iterator[Path]:
    """The files: none if the directory is missing, as for a class without a folder among the test pictures."""
    return (path for path in visible(directory) if not path.is_dir())


def _tell(skipped: list[str], read: int, notify: Callable[[str], object] | None) -> None:
    if notify is None or not skipped:
        return
    for line in skipped[:NAMED]:
        notify(f"skipped {line}")
    more = f", {len(skipped) - NAMED:,} of them not named here" if len(skipped) > NAMED else ""
    notify(f"{len(skipped):,} of {len(skipped) + read:,} files can't be read as pictures{more}")


def picture_size(text: str) -> tuple[int, int]:
    """ "32" or "48x64" as rows and columns. Raises BadInput."""
    sides = text.lower().split("x")
    if len(sides) <= 2 and all(side.isdecimal() and LEAST_SIDE <= int(side) <= MOST_SIDE for side in sides):
        return int(sides[0]), int(sides[-1])
    raise BadInput(
        f"picture size {one_line(text, 40)!r}: expected rows, or rows and columns, from {LEAST_SIDE} to {MOST_SIDE}, "
        "such as 32 or 48x64"
    )

"""Saving figures in files, and showing them on the screen if asked.

This is separate from the files that only draw, because saving and showing can fail: there may be no display, the wrong
backend, or a half-written file.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from nn_from_scratch.errors import BadInput
from nn_from_scratch.figures.style import styled
from nn_from_scratch.storage.files import check_writable, whole_file

RESOLUTION = 150  # pixels per inch: sharp at a README's width even on a dense screen

# The formats, each with settings that keep the version and the date out of the file: same picture, same bytes.
METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    ".svg": {"Creator": None, "Date": None},
}


def check(path: str | Path) -> None:
    """Raise BadInput, before the work, if a figure can't be saved here."""
    check_endings([path])
    check_writable(path)


def check_endings(paths: Iterable[str | Path | None]) -> None:
    """Raise BadInput if the name of a figure doesn't have the ending of a format; None is ignored."""
    for path in paths:
        if path and Path(path).suffix.lower() not in METADATA:
            raise BadInput(f"{path}: expected the name of a figure to end in {', '.join(METADATA)}")


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure in the format of the name's ending, in a complete file or none."""
    ending = Path(path).suffix.lower()
    # Without a salt, matplotlib gives the parts of an SVG random names.
    with whole_file(path) as temporary, styled(), rc_context({"svg.hashsalt": "nn_from_scratch"}):
        figure.savefig(temporary, format=ending[1:], dpi=RESOLUTION, metadata=METADATA[ending])


@styled()
def open_windows(figures: Sequence[Figure]) -> str | None:
    """Make a window for each figure, to be shown with pyplot. None, or the reason why none can be opened."""
    from matplotlib import pyplot  # only here: it looks for a display, and keeps its figures in memory

    try:
        for figure in figures:  # pyplot makes the window and gets its content from FigureClass
            pyplot.figure(FigureClass=lambda figure=figure, **_: figure)  # type: ignore[arg-type]
    except ImportError as problem:  # a backend was chosen by name, and isn't available
        return f"no window can be opened: {problem}"
    if not all(figure.canvas.required_interactive_framework for figure in figures):
        return f"no window can be opened: there is no display (matplotlib's backend is {pyplot.get_backend()})"
    return None


@styled()
def show(figures: Sequence[Figure], notify: Callable[[str], object]) -> None:
    """Open a window for each figure and wait until all are closed; without a display, notify and continue."""
    from matplotlib import pyplot

    if problem := open_windows(figures):
        notify(problem)
    else:
        pyplot.show()
    pyplot.close("all")

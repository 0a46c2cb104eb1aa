"""Where figures go: into files always, onto the screen only when asked.

Apart from the files that only draw, because saving and showing are where a missing display, a forced backend or a
half-written file could do harm.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from nn_from_scratch.errors import BadInput
from nn_from_scratch.figures.style import styled
from nn_from_scratch.storage.files import check_writable, whole_file

RESOLUTION = 150  # pixels per inch: sharp at a README's width also on a dense screen

# The formats, each with what keeps the version and the date out of the file: same picture, same bytes.
METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    ".svg": {"Creator": None, "Date": None},
}


def check(path: str | Path) -> None:
    """Raise BadInput, before the work, where a figure could not be saved after it."""
    check_endings([path])
    check_writable(path)


def check_endings(paths: Iterable[str | Path | None]) -> None:
    """Raise BadInput where the name of a figure doesn't end in a format's; None is none."""
    for path in paths:
        if path and Path(path).suffix.lower() not in METADATA:
            raise BadInput(f"{path}: expected the name of a figure to end in {', '.join(METADATA)}")


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure in the format that the name's ending says, whole or not at all."""
    ending = Path(path).suffix.lower()
    # matplotlib gives the parts of an SVG random names, unless told what to derive them from.
    with whole_file(path) as temporary, styled(), rc_context({"svg.hashsalt": "nn_from_scratch"}):
        figure.savefig(temporary, format=ending[1:], dpi=RESOLUTION, metadata=METADATA[ending])


@styled()
def open_windows(figures: Sequence[Figure]) -> str | None:
    """Make a window for each figure, to be shown with pyplot. None, or the reason why none can be opened."""
    from matplotlib import pyplot  # only here: it looks for a display, and keeps hold of what it makes

    try:
        for figure in figures:  # pyplot makes the window and asks FigureClass for what goes into it
            pyplot.figure(FigureClass=lambda figure=figure, **_: figure)  # type: ignore[arg-type]
    except ImportError as problem:  # a window system was asked for by name, and isn't there
        return f"no window can be opened: {problem}"
    if not all(figure.canvas.required_interactive_framework for figure in figures):
        return f"no window can be opened: there is no display (matplotlib's backend is {pyplot.get_backend()})"
    return None


@styled()
def show(figures: Sequence[Figure], notify: Callable[[str], object]) -> None:
    """Open a window for each figure and wait until all are closed; without a display, say so and go on."""
    from matplotlib import pyplot

    if problem := open_windows(figures):
        notify(problem)
    else:
        pyplot.show()
    pyplot.close("all")

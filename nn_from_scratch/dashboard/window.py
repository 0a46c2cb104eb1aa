"""The dashboard as a whole: seven panels in one figure, shown in a window or saved without one.

In a window, the still parts are drawn once and kept as pixels. For each image, only the moving parts are drawn anew.
"""

from collections.abc import Iterable
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.backend_bases import Event, KeyEvent
from matplotlib.lines import Line2D

from nn_from_scratch import figures
from nn_from_scratch.dashboard.graph import Graph
from nn_from_scratch.dashboard.panels import (
    Activity,
    Confusions,
    History,
    Moment,
    Outputs,
    Panel,
    Sample,
    Subject,
    Weights,
)
from nn_from_scratch.data.batches import inputs, matching
from nn_from_scratch.data.dataset import Dataset, described
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.figures.style import NEGATIVE, POSITIVE, new_figure, styled
from nn_from_scratch.inspection.answers import answers
from nn_from_scratch.inspection.stages import stages, usual
from nn_from_scratch.storage import Saved, SavedEnsemble
from nn_from_scratch.storage.files import check_writable, whole_file

MOVING = (".gif", ".mp4")
LONGEST_NAME = 12  # letters of a class's name
ANIMATION_RESOLUTION = 80  # pixels per inch
USUAL = 1000  # test images from which the usual values inside the network are computed
SIGNS: dict[str, Any] = {
    "blue: positive, raises the next sum": (POSITIVE, "-"),
    "orange: negative, lowers it": (NEGATIVE, "--"),
}
KEYS = "space: pause     ← →: step     e: next mistake"


class Dashboard:
    """A figure that shows one test image at a time. `row` counts the images that the network can be tested on.

    For an ensemble, the answers are those of all members; the inside is shown for one member, counted from 1.
    """

    @styled()
    def __init__(self, saved: Saved, whole: Dataset, member: int = 1) -> None:
        inside = saved.members[member - 1] if isinstance(saved, SavedEnsemble) else saved
        self.network = inside.network
        if whole.test.images.ndim < 3:
            raise BadInput(f"{one_line(whole.name)} has {described(whole.test.images)}: the dashboard shows images")
        self.test = matching(whole, saved.network.input_shape, saved.classes).test
        found = answers(saved, self.test, whole.test)
        whose = "" if inside is saved else f"member {member}"
        names = tuple(one_line(name, LONGEST_NAME) for name in saved.names)
        subject = Subject(names, found, usual(self.network, self._inputs(slice(0, USUAL))), whose)
        self.mistakes = np.flatnonzero(~found.right)
        self.figure = new_figure(10, 6.7)
        widths = [3.4, 4.2, 3.5] if subject.has_long_names else [2.9, 4.3, 3.1]
        left, middle, right = self.figure.subfigures(1, 3, squeeze=False, width_ratios=widths)[0]
        sample, confusions = left.subplots(2, 1, height_ratios=[5, 6])
        graph, history = middle.subplots(2, 1, height_ratios=[3, 1])
        outputs, activity, weights = right.subplots(3, 1, height_ratios=[5, 4, 3])
        lines = [Line2D([], [], color=colour, linestyle=style) for colour, style in SIGNS.values()]
        self.figure.legend(lines, SIGNS, loc="outside lower left", ncols=2)
        self.panels: list[Panel] = [
            Sample(sample, subject, self.test.images[0]),
            Outputs(outputs, subject),
            Graph(graph, subject),
            Confusions(confusions, subject),
            Activity(activity, subject),
            Weights(weights, subject),
            History(history, subject),
        ]
        self.row = 0
        self.show(0)

    def _inputs(self, rows: slice) -> np.ndarray:
        return inputs(self.test.images[rows], self.network.input_shape, self.network.dtype)

    def show(self, row: int) -> None:
        """Move all panels to a test image; nothing is drawn yet. After the last image comes the first."""
        self.row = row % len(self.test)
        found = stages(self.network, self._inputs(slice(self.row, self.row + 1)))
        moment = Moment(self.row, self.test.images[self.row], [stage.a[0] for stage in found])
        for panel in self.panels:
            panel.update(moment)

    def next_mistake(self) -> int:
        """The row of the next misread image, after the last one that of the first; this row if there is none."""
        later = self.mistakes[self.mistakes > self.row]
        return int(later[0] if len(later) else self.mistakes[0] if len(self.mistakes) else self.row)

    def keep_still(self) -> None:
        """Keep the picture as pixels, after the canvas was drawn without the moving parts."""
        self.still = self.figure.canvas.copy_from_bbox(self.figure.bbox)  # type: ignore[attr-defined]

    def draw_moving(self) -> None:
        """Draw this image's artists over the still picture."""
        self.figure.canvas.restore_region(self.still)  # type: ignore[attr-defined]
        renderer = self.figure.canvas.get_renderer()  # type: ignore[attr-defined]
        for panel in self.panels:
            for artist in panel.artists:
                artist.draw(renderer)


# ---- files ----


def check(path: str | Path) -> None:
    """Raise BadInput before the work if the dashboard could not be saved after it."""
    ending = Path(path).suffix.lower()
    if ending not in (*figures.METADATA, *MOVING):
        raise BadInput(f"{path}: expected a name that ends in {', '.join((*figures.METADATA, *MOVING))}")
    if ending == ".mp4" and not which("ffmpeg"):
        raise BadInput(f"{path}: an MP4 needs the program ffmpeg, which isn't installed: install it, or save a .gif")
    check_writable(path)


@styled()
def save(dashboard: Dashboard, path: str | Path, rows: Iterable[int], seconds: float) -> None:
    """Save one frame, or an animation of these rows, depending on the name's ending."""
    ending = Path(path).suffix.lower()
    if ending not in MOVING:
        figures.save(dashboard.figure, path)
        return
    dashboard.figure.draw_without_rendering()
    dashboard.figure.set_layout_engine("none")  # once is enough: nothing that moves is part of the layout
    writer = (PillowWriter if ending == ".gif" else FFMpegWriter)(fps=1 / seconds)  # type: ignore[arg-type]
    with whole_file(path) as temporary, writer.saving(dashboard.figure, str(temporary), ANIMATION_RESOLUTION):
        for row in rows:
            dashboard.show(row)
            writer.grab_frame()


# ---- windows ----


class Player:
    """Shows one image after another, each for `seconds`, and obeys the keys: space, ←, →, e."""

    def __init__(self, dashboard: Dashboard, seconds: float) -> None:
        self.dashboard = dashboard
        self.playing = True
        dashboard.figure.legend([Line2D([], [])], [KEYS], loc="outside lower right", handlelength=0, handletextpad=0)
        canvas = dashboard.figure.canvas
        canvas.mpl_connect("draw_event", self._drawn)
        canvas.mpl_connect("key_press_event", self.press)
        self.timer = canvas.new_timer(interval=round(1000 * seconds))
        self.timer.add_callback(self._tick)

    def go(self, row: int) -> None:
        self.dashboard.show(row)
        self.dashboard.draw_moving()
        self.dashboard.figure.canvas.blit(self.dashboard.figure.bbox)

    def press(self, event: KeyEvent) -> None:
        if event.key == " ":
            self.playing = not self.playing
        elif event.key in ("left", "right"):
            self.playing = False
            self.go(self.dashboard.row + (1 if event.key == "right" else -1))
        elif event.key == "e":
            self.playing = False
            self.go(self.dashboard.next_mistake())

    def _tick(self) -> None:
        if self.playing:
            self.go(self.dashboard.row + 1)

    def _drawn(self, _event: Event) -> None:
        """After the first drawing, or one at another size: keep the still picture, and add the moving parts."""
        self.dashboard.keep_still()
        self.dashboard.draw_moving()


@styled()
def play(dashboard: Dashboard, seconds: float) -> None:
    """Open a window, and wait until it is closed. Raises BadInput if there is no display."""
    from matplotlib import pyplot, rc_context

    with rc_context({"keymap.back": [], "keymap.forward": []}):  # the arrows are ours
        if problem := figures.open_windows([dashboard.figure]):
            raise BadInput(f"{problem}; save a picture or an animation instead: --save dashboard.png, or .gif")
        player = Player(dashboard, seconds)
        player.timer.start()
        pyplot.show()
        player.timer.stop()

"""The panels. Each draws its constant parts once, and then only moves its `artists`: a frame takes milliseconds.

Every panel has `artists`, which change from image to image and are drawn on top of the rest, and `update(moment)`. The
largest panel, the graph, has a file of its own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from nn_from_scratch.classes import labels_of_outputs, output_of
from nn_from_scratch.figures.answers import confusion_cells
from nn_from_scratch.figures.style import (
    IMAGE,
    INK,
    LINE,
    MUTED,
    NEGATIVE,
    NEGATIVE_TEXT,
    POSITIVE,
    as_picture,
    percent,
    tint,
)
from nn_from_scratch.figures.weights import signed_stairs
from nn_from_scratch.inspection.answers import Answers
from nn_from_scratch.inspection.naming import with_article
from nn_from_scratch.inspection.stages import Usual, idle
from nn_from_scratch.metrics import confusion_matrix

OTHER = tint(MUTED, 0.5)  # for all classes but the answer; the answer is ink, whether it is right or wrong
SMALL = 8
HISTORY = 50
MOST_STAGES = 6  # columns of the graph: for deeper networks, the first three and the last three


@dataclass(frozen=True)
class Subject:
    """The part that stays the same: the answers to all the test images."""

    classes: tuple[str, ...]  # their names
    answers: Answers
    usual: list[Usual]  # for every stage
    whose: str = ""  # "member 1", if the answers are those of an ensemble, and the stages those of one member

    @property
    def has_long_names(self) -> bool:
        """Whether texts with the name of a class need more room than those with a label."""
        return max(map(len, self.classes)) > 4

    @property
    def of_whose(self) -> str:
        """The same in a title: " of member 1"."""
        return f" of {self.whose}" if self.whose else ""


@dataclass(frozen=True)
class Moment:
    """One test image, and the network's numbers for it."""

    row: int  # among the images that the network is tested on
    image: np.ndarray
    values: list[np.ndarray]  # (units,) for every stage


class Panel:
    """A part of the dashboard."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        self.axes = axes
        self.subject = subject
        self.artists: list[Artist] = []
        axes.set_title(" ", fontsize=SMALL + 1)  # keeps the room in which `title` is written
        self.title = self.beside((0, 1), 4, va="bottom", fontweight="bold")

    def beside(self, corner: tuple[float, float], points: float, **settings: Any) -> Any:
        """A moving text, this many points above a corner of the axes."""
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": SMALL + 1}
        return self.moving(self.axes.annotate("", corner, (0, points), **place, **settings))

    def moving(self, artist: Any) -> Any:
        artist.set_animated(True)
        artist.set_in_layout(False)  # the panels stay where they are, whatever the length of their texts
        self.artists.append(artist)
        return artist

    def update(self, moment: Moment) -> None:
        raise NotImplementedError


class Sample(Panel):
    """The image, its class, and the network's answer."""

    def __init__(self, axes: Axes, subject: Subject, image: np.ndarray) -> None:
        super().__init__(axes, subject)
        picture = axes.imshow(as_picture(image), cmap=IMAGE, vmin=0, vmax=255, interpolation="nearest")
        self.picture = self.moving(picture)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=LINE)
        axes.set_xlabel(" ", fontsize=SMALL + 1)
        axes.set_anchor("NW")
        self.verdict = self.beside((0, 0), -4, va="top")

    def update(self, moment: Moment) -> None:
        found, classes = self.subject.answers, self.subject.classes
        self.picture.set_data(as_picture(moment.image))
        actual, answer = classes[found.actual[moment.row]], classes[found.predicted[moment.row]]
        what = "image" if self.subject.has_long_names else "test image"
        self.title.set_text(f"{what} {found.index[moment.row]}: {with_article(actual)}")
        right = bool(found.right[moment.row])
        self.verdict.set_text(f"{'✓ right' if right else '✗ wrong'}: {answer}, {percent(found.confidence[moment.row])}")
        self.verdict.set_color(POSITIVE if right else NEGATIVE_TEXT)


class Outputs(Panel):
    """A bar for each class. The answer's bar is ink, with the score beside it, and a mark shows the label."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        places = range(len(subject.classes))
        self.bars = [self.moving(bar) for bar in axes.barh(places, [0.0] * len(subject.classes), height=0.7)]
        axes.set_yticks(places, subject.classes, fontsize=SMALL if len(places) <= 12 else 5)
        axes.set(xlim=(0, 1.5), ylim=(len(places) - 0.4, -0.6))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=SMALL)
        self.marks = [self.moving(axes.text(0, k, "", va="center", fontsize=SMALL)) for k in places]
        self.title.set_text(f"{subject.answers.score_name} of each class")

    def update(self, moment: Moment) -> None:
        found = self.subject.answers
        winner, actual = found.predicted[moment.row], found.actual[moment.row]
        for k, (bar, mark, score) in enumerate(zip(self.bars, self.marks, found.scores[moment.row], strict=True)):
            bar.set_width(float(score))
            bar.set_color(INK if k == winner else OTHER)
            mark.set_x(float(score) + 0.03)
            mark.set_text(f"◀ {percent(score)}" if k == winner else "◁ label" if k == actual else "")


class Confusions(Panel):
    """The whole test set: rows are actual classes, columns predicted ones. A frame marks this image's cell."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        found, classes = subject.answers, subject.classes
        confusion = confusion_matrix(found.actual, found.predicted, len(classes))
        small = len(classes) > (5 if subject.has_long_names else 12)
        confusion_cells(axes, confusion, classes, number="{}", fontsize=5 if small else 6)
        axes.tick_params(labelsize=SMALL)
        axes.set_xlabel("predicted", fontsize=SMALL)
        axes.set_ylabel("actual", fontsize=SMALL)
        self.frame = self.moving(Rectangle((0, 0), 1, 1, fill=False, linewidth=2, edgecolor=INK))
        axes.add_patch(self.frame)
        self.title.set_text(f"accuracy {np.mean(found.right):.2%} of {len(found.right):,}")

    def update(self, moment: Moment) -> None:
        found = self.subject.answers
        self.frame.set_xy((found.predicted[moment.row] - 0.5, found.actual[moment.row] - 0.5))


class Activity(Panel):
    """Mean and maximum of each layer's outputs, relative to its largest value on the test images."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        last = len(subject.usual) - 1
        self.shown = [k for k in range(1, last + 1) if last < MOST_STAGES or k <= 3 or k > last - 3]
        self.largest = {k: subject.usual[k].largest or 1.0 for k in self.shown}
        places = np.arange(len(self.shown))
        self.most = [self.moving(bar) for bar in axes.barh(places, [0.0] * len(places), height=0.28, color=OTHER)]
        self.mean = [self.moving(bar) for bar in axes.barh(places, [0.0] * len(places), height=0.28, color=INK)]
        self.texts = [self.moving(axes.text(0, place - 0.2, "", va="bottom", fontsize=SMALL - 0.5)) for place in places]
        axes.set(xlim=(0, 1), ylim=(len(places) - 0.6, -0.85), xticks=[], yticks=[])
        axes.spines["bottom"].set_visible(False)
        self.title.set_text(f"{subject.whose or 'activity'}: mean (dark), max")

    def update(self, moment: Moment) -> None:
        for k, most, mean, text in zip(self.shown, self.most, self.mean, self.texts, strict=True):
            values, usual = moment.values[k], self.subject.usual[k]
            mean.set_width(abs(float(values.mean())) / self.largest[k])
            most.set_width(abs(float(values.max())) / self.largest[k])
            parts = [f"{values.mean():.2f}", f"{values.max():.2f}", idle(usual, values)]
            name = f"layer {k}" if k < len(self.subject.usual) - 1 else "output"
            text.set_text(f" {name}: {', '.join(part for part in parts if part)}")


class Weights(Panel):
    """A histogram of the weights into the predicted class's output, if each output has weights of its own."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        tables = [usual.stage.W for usual in reversed(subject.usual)]
        self.W = next((W for W in tables if W is not None), np.zeros((1, 1)))
        self.labels = labels_of_outputs(len(self.W), subject.classes)
        edges = np.linspace(-1, 1, 32) * (float(np.abs(self.W).max()) or 1)
        self.counts = [np.histogram(row, edges)[0] for row in self.W]
        self.bars = [self.moving(bars) for bars in signed_stairs(axes, np.zeros(len(edges) - 1), edges)]
        axes.set(ylim=(0, 1.12 * max(counts.max() for counts in self.counts)))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
        axes.tick_params(labelsize=SMALL)
        where = " into it" if subject.has_long_names else ""
        axes.set_xlabel(f"value of the {self.W.shape[1]} weights{where}{subject.of_whose}", fontsize=SMALL)

    def update(self, moment: Moment) -> None:
        if not self.labels:
            self.title.set_text("no layer has weights for each output")
            return
        row = output_of(self.subject.answers.predicted[moment.row], len(self.W))
        for bars in self.bars:
            bars.set_data(self.counts[row])
        negative = np.mean(self.W[row] < 0)
        name = self.labels[row]
        self.title.set_text(f"{'' if self.subject.has_long_names else 'weights into '}{name}: {negative:.0%} negative")


class History(Panel):
    """How confident the last answers were, and whether they were right."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        for level in (0.9, 0.5):
            axes.axhline(level, color=LINE, linewidth=0.8)
        (self.line,) = axes.plot([], [], color=OTHER, linewidth=0.7)
        (self.right,) = axes.plot([], [], "o", color=POSITIVE, markersize=4)
        (self.wrong,) = axes.plot([], [], "X", color=NEGATIVE, markersize=8)
        for line in (self.line, self.right, self.wrong):
            self.moving(line)
        axes.set(xlim=(-HISTORY + 0.2, 0.8), ylim=(0, 1.06))
        axes.set_yticks([0, 0.5, 0.9], ["0", "50 %", "90 %"], fontsize=SMALL)
        axes.tick_params(labelsize=SMALL)
        axes.set_xlabel("images before this one", fontsize=SMALL)

    def update(self, moment: Moment) -> None:
        rows = np.arange(max(0, moment.row - HISTORY + 1), moment.row + 1)
        found = self.subject.answers
        confidence, right = found.confidence[rows], found.right[rows]
        places = rows - moment.row
        self.line.set_data(places, confidence)
        self.right.set_data(places[right], confidence[right])
        self.wrong.set_data(places[~right], confidence[~right])
        self.title.set_text(f"confidence, last {len(rows)}: ● {right.sum()} right, ✖ {(~right).sum()} wrong")

"""The seven panels. Each draws once what never changes, and then only moves its `artists`: a frame takes milliseconds.

Every panel has `artists`, which change from image to image and are drawn on top of the rest, and `update(moment)`.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from nn_from_scratch.classes import labels_of_outputs, output_of
from nn_from_scratch.figures.answers import confusion_cells
from nn_from_scratch.figures.style import INK, NEGATIVE, PALETTE, POSITIVE, SEQUENTIAL, percent
from nn_from_scratch.inspection.answers import Answers
from nn_from_scratch.inspection.stages import Stage, idle
from nn_from_scratch.inspection.strongest import contributions, most_active, strongest_edges
from nn_from_scratch.metrics import confusion_matrix

BLUE, ORANGE, GREEN, RED, _, SKY, BLACK = PALETTE
SMALL = 8.5
HISTORY = 50
MOST_STAGES = 6  # columns of the graph: of deeper networks the first three and the last three
UNITS = (15, 15, 12)  # of the input, the first hidden layer, and the later ones
MOST_OUTPUTS = 20
EDGES = 60  # between two columns


@dataclass(frozen=True)
class Subject:
    """What stays the same: the answers to all the test images."""

    classes: tuple[int, ...]
    answers: Answers
    stages: list[Stage]  # for many images: what is usual
    whose: str = ""  # "member 1", where the answers are those of an ensemble, and the stages those of one member


@dataclass(frozen=True)
class Moment:
    """One test image, and what the network makes of it."""

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
        self.title = self.moving(axes.text(0.5, 1.03, "", transform=axes.transAxes, ha="center", fontsize=SMALL + 1))

    def moving(self, artist: Any) -> Any:
        artist.set_animated(True)
        self.artists.append(artist)
        return artist

    def update(self, moment: Moment) -> None:
        raise NotImplementedError


class Digit(Panel):
    """The image, what it is and what it is read as."""

    def __init__(self, axes: Axes, subject: Subject, image: np.ndarray) -> None:
        super().__init__(axes, subject)
        self.picture = self.moving(axes.imshow(image, cmap=INK, vmin=0, vmax=255, interpolation="nearest"))
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(" ", fontsize=SMALL + 1)
        self.verdict = self.moving(axes.text(0.5, -0.04, "", transform=axes.transAxes, ha="center", va="top"))
        self.verdict.set_fontsize(SMALL + 1)

    def update(self, moment: Moment) -> None:
        found, classes = self.subject.answers, self.subject.classes
        self.picture.set_data(moment.image)
        actual, answer = classes[found.actual[moment.row]], classes[found.predicted[moment.row]]
        self.title.set_text(f"test image {found.index[moment.row]}: label {actual}")
        right = bool(found.right[moment.row])
        self.verdict.set_text(
            f"{'✓ right' if right else '✗ wrong'}: read {answer}, {percent(found.confidence[moment.row])}"
        )
        self.verdict.set_color(GREEN if right else RED)


class Outputs(Panel):
    """A bar for each class; the winner is green and has its score beside it."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        places = range(len(subject.classes))
        self.bars = [self.moving(bar) for bar in axes.barh(places, [0.0] * len(subject.classes), height=0.7)]
        axes.set_yticks(places, [str(label) for label in subject.classes], fontsize=SMALL)
        axes.set(xlim=(0, 1.36), ylim=(len(places) - 0.4, -0.6))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=SMALL)
        axes.set_ylabel("class", fontsize=SMALL)
        axes.spines[["top", "right"]].set_visible(False)
        self.marks = [self.moving(axes.text(0, k, "", va="center", fontsize=SMALL)) for k in places]
        self.title.set_text(f"{subject.answers.score_name} of each class")

    def update(self, moment: Moment) -> None:
        found = self.subject.answers
        winner, actual = found.predicted[moment.row], found.actual[moment.row]
        for k, (bar, mark, score) in enumerate(zip(self.bars, self.marks, found.scores[moment.row], strict=True)):
            bar.set_width(float(score))
            bar.set_color(GREEN if k == winner else SKY)
            mark.set_x(float(score) + 0.03)
            mark.set_text(f"◀ {percent(score)}" if k == winner else "◁ label" if k == actual else "")


class Graph(Panel):
    """The most active neurons of each layer, and the strongest of what flows between them."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        last = len(subject.stages) - 1
        half = MOST_STAGES // 2
        self.shown = [k for k in range(last + 1) if last < MOST_STAGES or k < half or k > last - half]
        axes.set(xlim=(-0.45, len(self.shown) - 0.55), ylim=(-0.17, 1.1))
        axes.set_axis_off()
        self.edges = self.moving(LineCollection([]))
        axes.add_collection(self.edges)
        self.heights = {k: self._heights(k, last) for k in self.shown}
        sizes = [len(heights) for heights in self.heights.values()]
        self.dots = self.moving(
            axes.scatter(
                np.repeat(np.arange(len(sizes)), sizes),
                np.concatenate(list(self.heights.values())),
                s=70,
                edgecolors="black",
                linewidths=0.8,
                zorder=3,
            )
        )
        for column, k in enumerate(self.shown):
            units = subject.stages[k].a.shape[1]
            self._label(column, 1.05, subject.stages[k].name.replace(", ", "\n"))
            if len(self.heights[k]) < units:
                self._label(column, -0.1, f"⋮\n{len(self.heights[k])} of\n{units:,}")
            if column and k != self.shown[column - 1] + 1:
                self._label(column - 0.5, 0.5, f"… {k - self.shown[column - 1] - 1} more layers …", rotation=90)
        labels = labels_of_outputs(len(self.heights[last]), subject.classes)
        self.outputs: list[Text] = []
        for height, label in zip(self.heights[last], labels, strict=False):
            self.outputs.append(self.moving(axes.text(len(self.shown) - 0.85, height, str(label), va="center")))
        whose = f" of {subject.whose}" if subject.whose else ""
        self.title.set_text(f"the most active neurons{whose}; lines |w · activation|: — raises, - - lowers")

    def _heights(self, k: int, last: int) -> np.ndarray:
        units = self.subject.stages[k].a.shape[1]
        shown = min(units, MOST_OUTPUTS if k == last else UNITS[min(k, 2)])
        return 0.5 + (np.arange(shown)[::-1] - (shown - 1) / 2) / max(shown, 10)

    def _label(self, x: float, y: float, text: str, rotation: float = 0) -> None:
        self.axes.text(x, y, text, ha="center", va="center", fontsize=SMALL, linespacing=1.1, rotation=rotation)

    def update(self, moment: Moment) -> None:
        chosen = {k: most_active(moment.values[k], len(self.heights[k])) for k in self.shown}
        colours = []
        for k in self.shown:
            values = np.abs(moment.values[k][chosen[k]])
            colours.append(colormaps[SEQUENTIAL](0.9 * values / (values.max() or 1)))
        self.dots.set_facecolors(np.concatenate(colours))
        segments, widths, tones, styles = [], [], [], []
        for column, (before, k) in enumerate(pairwise(self.shown)):
            W = self.subject.stages[k].W
            if W is None or k != before + 1:
                continue
            parts = contributions(W, moment.values[before], chosen[k], chosen[before])
            most = np.abs(parts).max() or 1
            for unit, source in strongest_edges(parts, EDGES):
                strength = abs(parts[unit, source]) / most
                segments.append([(column, self.heights[before][source]), (column + 1, self.heights[k][unit])])
                widths.append(0.3 + 2.2 * strength)
                tones.append((*to_rgb(POSITIVE if parts[unit, source] > 0 else NEGATIVE), 0.15 + 0.75 * strength))
                styles.append("solid" if parts[unit, source] > 0 else (0, (3, 2)))
        self.edges.set(segments=segments, linewidths=widths, colors=tones, linestyles=styles)
        winner = self.subject.answers.predicted[moment.row]
        for text in self.outputs:
            wins = text.get_text() == str(self.subject.classes[winner])
            text.set(fontweight="bold" if wins else "normal", color=GREEN if wins else BLACK)
            text.set_fontsize(SMALL + 2 if wins else SMALL)


class Confusions(Panel):
    """The whole test set: rows actual, columns predicted. A frame is around this image's cell."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        found, classes = subject.answers, subject.classes
        confusion = confusion_matrix(found.actual, found.predicted, len(classes))
        confusion_cells(axes, confusion, classes, number="{}", fontsize=6.5)
        axes.tick_params(labelsize=SMALL)
        axes.set_xlabel("predicted", fontsize=SMALL)
        axes.set_ylabel("actual", fontsize=SMALL)
        self.frame = self.moving(Rectangle((0, 0), 1, 1, fill=False, linewidth=2, edgecolor=RED))
        axes.add_patch(self.frame)
        self.title.set_text(f"accuracy {np.mean(found.right):.2%} of {len(found.right):,}")

    def update(self, moment: Moment) -> None:
        found = self.subject.answers
        self.frame.set_xy((found.predicted[moment.row] - 0.5, found.actual[moment.row] - 0.5))


class Activity(Panel):
    """Mean and maximum of what each layer puts out, against its largest value on the test images."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        last = len(subject.stages) - 1
        self.shown = [k for k in range(1, last + 1) if last < MOST_STAGES or k <= 3 or k > last - 3]
        self.largest = {k: float(np.abs(subject.stages[k].a).max()) or 1.0 for k in self.shown}
        places = np.arange(len(self.shown))
        self.most = [self.moving(bar) for bar in axes.barh(places, [0.0] * len(places), height=0.28, color=SKY)]
        self.mean = [self.moving(bar) for bar in axes.barh(places, [0.0] * len(places), height=0.28, color=BLUE)]
        self.texts = [self.moving(axes.text(0, place - 0.2, "", va="bottom", fontsize=SMALL - 0.5)) for place in places]
        axes.set(xlim=(0, 1), ylim=(len(places) - 0.6, -0.85), xticks=[], yticks=[])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        self.title.set_text(f"{subject.whose or 'activations'}: mean (dark), maximum (light)")

    def update(self, moment: Moment) -> None:
        for k, most, mean, text in zip(self.shown, self.most, self.mean, self.texts, strict=True):
            values, stage = moment.values[k], self.subject.stages[k]
            mean.set_width(abs(float(values.mean())) / self.largest[k])
            most.set_width(abs(float(values.max())) / self.largest[k])
            parts = [f"mean {values.mean():.2f}", f"max {values.max():.2f}", idle(stage, values)]
            name = f"layer {k}" if k < len(self.subject.stages) - 1 else "output"
            text.set_text(f" {name}: {', '.join(part for part in parts if part)}")


class Weights(Panel):
    """How the weights into the predicted class's output are spread, if each output has weights of its own."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        self.W = next((stage.W for stage in reversed(subject.stages) if stage.W is not None), np.zeros((1, 1)))
        self.labels = labels_of_outputs(len(self.W), subject.classes)
        edges = np.linspace(-1, 1, 32) * (float(np.abs(self.W).max()) or 1)
        self.counts = [np.histogram(row, edges)[0] for row in self.W]
        self.bars = self.moving(axes.stairs(np.zeros(31), edges, fill=True, color=ORANGE))
        self.zero = self.moving(axes.axvline(0, color=BLACK, linewidth=1, linestyle="--"))
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.12 * max(counts.max() for counts in self.counts)))
        axes.tick_params(labelsize=SMALL)
        whose = f" of {subject.whose}" if subject.whose else ""
        axes.set_xlabel(f"weight{whose} (dashed: zero)", fontsize=SMALL)
        axes.spines[["top", "right"]].set_visible(False)

    def update(self, moment: Moment) -> None:
        if not self.labels:
            self.title.set_text("no layer has a row of weights for each output")
            return
        row = output_of(self.subject.answers.predicted[moment.row], len(self.W))
        self.bars.set_data(self.counts[row])
        negative = np.mean(self.W[row] < 0)
        self.title.set_text(f"{self.W.shape[1]} weights into output {self.labels[row]}: {negative:.0%} below zero")


class History(Panel):
    """How confident the last answers were, and whether they were right."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        for level in (0.9, 0.5):
            axes.axhline(level, color="grey", linewidth=0.8, linestyle=":")
        (self.line,) = axes.plot([], [], color="grey", linewidth=0.7)
        (self.right,) = axes.plot([], [], "o", color=GREEN, markersize=4)
        (self.wrong,) = axes.plot([], [], "X", color=RED, markersize=8)
        for line in (self.line, self.right, self.wrong):
            self.moving(line)
        axes.set(xlim=(-HISTORY + 0.2, 0.8), ylim=(0, 1.06))
        axes.set_yticks([0, 0.5, 0.9], ["0", "50 %", "90 %"], fontsize=SMALL)
        axes.tick_params(labelsize=SMALL)
        axes.set_xlabel("images before this one", fontsize=SMALL)
        axes.spines[["top", "right"]].set_visible(False)

    def update(self, moment: Moment) -> None:
        rows = np.arange(max(0, moment.row - HISTORY + 1), moment.row + 1)
        found = self.subject.answers
        confidence, right = found.confidence[rows], found.right[rows]
        places = rows - moment.row
        self.line.set_data(places, confidence)
        self.right.set_data(places[right], confidence[right])
        self.wrong.set_data(places[~right], confidence[~right])
        self.title.set_text(f"confidence, last {len(rows)}: ● {right.sum()} right, ✖ {(~right).sum()} wrong")

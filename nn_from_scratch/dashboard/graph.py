"""The panel of the network itself: the most active units or feature maps of each stage, and the flow between them."""

import re
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.text import Text

from nn_from_scratch.classes import labels_of_outputs
from nn_from_scratch.dashboard.panels import MOST_STAGES, SMALL, Moment, Panel, Subject
from nn_from_scratch.figures.style import ACTIVATION, DIVERGING, IMAGE, INK, MUTED, NEGATIVE, POSITIVE
from nn_from_scratch.inspection.stages import Stage
from nn_from_scratch.inspection.strongest import contributions, most_active, strongest_edges

UNITS = (15, 15, 12)  # at most, for the input, the first hidden layer, and the later ones
MAPS = 6  # feature maps in a column
MAP_SIZE = 28  # points, of the longer side of a map
MAP_EDGE = 0.35  # columns from the middle of a map to the place where lines leave it
MOST_OUTPUTS = 20
GAP = 0.4  # of a column, where stages are left out
EDGES = 60  # between two columns
WIDTH, LETTER = 3.6, 0.085  # inches: of the panel, and of a letter of a class's name


class Maps:
    """A column of feature maps, blue above zero and orange below; the input's is as dark as its ink."""

    def __init__(self, graph: Panel, column: float, heights: np.ndarray, stage: Stage) -> None:
        self.shape = shape = stage.shape
        zoom, cmap = MAP_SIZE / max(shape[1:]), DIVERGING if stage.layer else IMAGE
        norm = Normalize(-1, 1) if stage.layer else Normalize(0, 1)
        self.images = []
        for height in heights:
            image = OffsetImage(np.zeros(shape[1:]), zoom=zoom, cmap=cmap, norm=norm, interpolation="nearest")
            frame = {"linewidth": 0.5, "edgecolor": MUTED}
            graph.axes.add_artist(graph.moving(AnnotationBbox(image, (column, height), pad=0.02, bboxprops=frame)))
            self.images.append(image)

    def show(self, values: np.ndarray, chosen: np.ndarray) -> None:
        maps = values.reshape(self.shape)
        most = np.abs(values).max() or 1
        for image, channel in zip(self.images, chosen, strict=True):
            image.set_data(maps[channel] / most)


class Graph(Panel):
    """The most active neurons or feature maps of each stage, and the strongest flows between them."""

    def __init__(self, axes: Axes, subject: Subject) -> None:
        super().__init__(axes, subject)
        self.stages = [usual.stage for usual in subject.usual]
        last = len(self.stages) - 1
        half = MOST_STAGES // 2
        self.shown = [k for k in range(last + 1) if last < MOST_STAGES or k < half or k > last - half]
        # If stages are left out, a gap has room to say so.
        gaps = np.cumsum([0, *(GAP * (k != before + 1) for before, k in pairwise(self.shown))])
        self.columns = dict(zip(self.shown, np.arange(len(self.shown)) + gaps, strict=True))
        letters = LETTER * (max(map(len, subject.classes)) - 1)
        beside = 0.45 + (self.columns[last] + 0.9) * letters / (WIDTH - letters)
        axes.set(xlim=(-0.45, self.columns[last] + beside), ylim=(-0.17, 1.15))
        axes.set_axis_off()
        self.edges = self.moving(LineCollection([]))
        axes.add_collection(self.edges)
        self.heights = {k: self._heights(k, last) for k in self.shown}
        self.maps = {
            k: Maps(self, self.columns[k], self.heights[k], self.stages[k])
            for k in self.shown
            if self.stages[k].has_maps
        }
        self.dotted = [k for k in self.shown if k not in self.maps]
        x, y = np.array([(self.columns[k], height) for k in self.dotted for height in self.heights[k]]).T
        self.dots = self.moving(axes.scatter(x, y, s=55, edgecolors=MUTED, linewidths=0.8, zorder=3))
        for k, column in self.columns.items():
            self._label(column, 1.0, short_name(self.stages[k].name), va="bottom")
            self._label(column, -0.1, self._left_out(k))
        for before, k in pairwise(self.shown):
            if k != before + 1:
                middle = (self.columns[before] + self.columns[k]) / 2
                self._label(middle, 0.5, f"… {k - before - 1} more layers …", rotation=90)
        labels = labels_of_outputs(len(self.heights[last]), subject.classes)
        self.outputs: list[Text] = []
        for height, label in zip(self.heights[last], labels, strict=False):
            self.outputs.append(self.moving(axes.text(self.columns[last] + 0.15, height, label, va="center")))
        what = "maps" if self.maps else "neurons"
        self.title.set_text(f"the most active {what}{subject.of_whose}")

    def _heights(self, k: int, last: int) -> np.ndarray:
        if self.stages[k].has_maps:
            shown, least = min(self.stages[k].shape[0], MAPS), MAPS
        else:
            shown, least = min(self.stages[k].a.shape[1], MOST_OUTPUTS if k == last else UNITS[min(k, 2)]), 10
        return 0.5 + (np.arange(shown)[::-1] - (shown - 1) / 2) / max(shown, least)

    def _left_out(self, k: int) -> str:
        """The text below a column: the number of units, if not all are shown, and the size of feature maps."""
        stage, shown = self.stages[k], len(self.heights[k])
        there = stage.shape[0] if stage.has_maps else stage.a.shape[1]
        size = f"\n{stage.shape[1]} × {stage.shape[2]}" if stage.has_maps else ""
        return (f"⋮\n{shown} of\n{there:,}" if shown < there else "") + size

    def _label(self, x: float, y: float, text: str, **settings: Any) -> None:
        size = SMALL if len(self.shown) <= 5 else SMALL - 1  # names of many columns would overlap
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size, "linespacing": 1.1}
        self.axes.text(x, y, text, **centred | settings)

    def update(self, moment: Moment) -> None:
        chosen = {}
        for k in self.shown:
            values = moment.values[k]
            strengths = np.abs(values).reshape(self.stages[k].shape[0], -1).sum(axis=1) if k in self.maps else values
            chosen[k] = most_active(strengths, len(self.heights[k]))
        for k, maps in self.maps.items():
            maps.show(moment.values[k], chosen[k])
        colours = []
        for k in self.dotted:
            values = moment.values[k][chosen[k]]
            colours.append(ACTIVATION((values / (np.abs(values).max() or 1) + 1) / 2))
        self.dots.set_facecolors(np.concatenate(colours))
        self._update_edges(moment, chosen)
        winner = self.subject.answers.predicted[moment.row]
        for text in self.outputs:
            wins = text.get_text() == self.subject.classes[winner]
            text.set(fontweight="bold" if wins else "normal", color=INK if wins else MUTED)

    def _update_edges(self, moment: Moment, chosen: dict[int, np.ndarray]) -> None:
        segments, widths, tones, styles = [], [], [], []
        for before, k in pairwise(self.shown):
            W = self.stages[k].W
            if W is None or k != before + 1:
                continue
            parts = into_units(W, self.stages[before], moment.values[before], chosen[k], chosen[before])
            most = np.abs(parts).max() or 1
            for unit, source in strongest_edges(parts, EDGES):
                strength = abs(parts[unit, source]) / most
                start = self.columns[before] + (MAP_EDGE if before in self.maps else 0), self.heights[before][source]
                segments.append([start, (self.columns[k], self.heights[k][unit])])
                widths.append(0.3 + 2.2 * strength)
                tones.append((*to_rgb(POSITIVE if parts[unit, source] > 0 else NEGATIVE), 0.15 + 0.75 * strength))
                styles.append("solid" if parts[unit, source] > 0 else (0, (3, 2)))
        self.edges.set(segments=segments, linewidths=widths, colors=tones, linestyles=styles)


def short_name(name: str) -> str:
    """A stage's name in lines that fit over a column: "Conv2D, BatchNorm, ReLU" in four."""
    words = [word.removesuffix("2D") for word in name.split(", ")]
    return "\n".join(re.sub("(?<=[a-z])(?=[A-Z])", "\n", word) if len(word) > 8 else word for word in words)


def into_units(W: np.ndarray, before: Stage, values: np.ndarray, units: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """What each chosen unit or feature map of the stage `before` adds to the sum of each unit. (units, chosen)"""
    if not before.has_maps:
        return contributions(W, values, units, chosen)
    pixels = contributions(W, values, units, np.arange(len(values)))
    return pixels.reshape(len(units), before.shape[0], -1)[:, chosen].sum(axis=2)

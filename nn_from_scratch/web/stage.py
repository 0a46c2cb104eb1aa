"""The stage: the one image that the page shows on its way through the network, and the lesson of a single step.

"Stages" of a network are something else: its layers, in inspection/stages.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.classes import target_table
from nn_from_scratch.data import Split
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.errors import BadInput
from nn_from_scratch.network import Network
from nn_from_scratch.randomness import numbered
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.web import limits
from nn_from_scratch.web.feed import LiveBatches
from nn_from_scratch.web.frames import Edges, Trace, base64, class_outputs, edges_of, finite, network_part, trace
from nn_from_scratch.web.inspection import Snapshot

COMPANIONS = 15  # other images in an example's batch, for layers that take statistics of a batch

# The kinds of images that a visitor can ask for.
KINDS = {
    "latest": "the last image that the network has learnt from",
    "pinned": "one image that it never learns from, always the same",
    "mistake": "an image that it gets wrong",
    "test": "one of the test images",
    "drawing": "the visitor's own",
}


@dataclass(frozen=True)
class Example:
    """An image (rows, columns) of bytes, its class if it is known, and its index in the images that it comes from."""

    kind: str
    image: np.ndarray
    label: int | None = None
    index: int | None = None

    @classmethod
    def of(cls, kind: str, split: Split, index: int) -> "Example":
        return cls(kind, split.images[index], int(split.labels[index]), index)

    def as_batch(self, network: Network, beside: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The network's input and target: x (1, …), and t (1, outputs) if the class is known.

        If there are other images `beside` it, they follow in x.
        """
        images = self.image[None] if beside is None else np.concatenate([self.image[None], beside])
        t = None
        if self.label is not None:
            t = target_table(network.output_shape[0], network.dtype)[[self.label]]
        return inputs(images, network.input_shape, network.dtype), t


@dataclass(frozen=True)
class Lesson:
    """A step with a single example, and what the page showed of this example before the step."""

    example: Example
    part: dict[str, Any]
    edges: list[Edges]


class Stage:
    """Which image is shown, and what the network does with it.

    `teaching` says that the next step is a lesson. It is set before the step is taken.
    """

    def __init__(self, run: TrainingRun, batches: LiveBatches):
        self.run = run
        self.batches = batches
        self.teaching = False
        self.lesson: Lesson | None = None
        self._chosen: Example | None = Example.of("pinned", run.validation, 0)  # None: the latest

    @property
    def example(self) -> Example:
        """The image that is shown now."""
        if self.lesson:
            return self.lesson.example
        return self._chosen or Example.of("latest", self.run.learning, self.batches.example)

    def show(self, kind: str, index: int | None, image: np.ndarray | None, snapshot: Snapshot) -> None:
        """Show another image; mistakes come from the snapshot. Raises BadInput if there is no such image."""
        limits.one_of(kind, "kind", KINDS)
        if kind == "latest":
            self._chosen = None
        elif kind == "drawing":
            if image is None:
                raise BadInput("drawing: expected its image")
            self._chosen = Example(kind, image)
        elif kind == "mistake":
            self._chosen = self._next_mistake(snapshot)
        else:
            split = self.run.dataset.test if kind == "test" else self.run.validation
            index = index or 0
            if index >= len(split):
                raise BadInput(f"index {index}: expected one of the {len(split)} images, from 0 up")
            self._chosen = Example.of(kind, split, index)
        self.lesson = None

    def _next_mistake(self, snapshot: Snapshot) -> Example:
        """The first mistake after the one on the stage, or the very first if there is none on the stage."""
        wrong = np.flatnonzero(snapshot.predicted != snapshot.split.labels)
        if not wrong.size:
            raise BadInput(f"at step {snapshot.step} there was no mistake among these images")
        now = self._chosen.index if self._chosen and self._chosen.kind == "mistake" else None
        later = wrong if now is None else wrong[wrong > now]
        return Example.of("mistake", snapshot.split, int(later[0] if later.size else wrong[0]))

    # ---- a step ----

    def before_batch(self) -> None:
        """Keep what a lesson begins with. The batch is known now, but the network has not learnt from it yet."""
        if not self.teaching:
            return
        run = self.run
        example = Example.of("latest", run.learning, self.batches.example)
        run.network.draw(numbered(run.streams.noise, run.progress.step))  # as the step itself will
        traced = self.trace(example, training=True)
        edges = edges_of(traced)
        part = example_part(example, traced, run.recipe.classes) | {"layers": network_part(traced, edges)}
        self.lesson = Lesson(example, part, edges)

    def after_step(self) -> None:
        if not self.teaching:
            self.lesson = None
        self.teaching = False

    # ---- what the page can see ----

    def trace(self, example: Example | None = None, training: bool | None = None) -> Trace:
        """The forward and backward pass of an example, by default the one on the stage; in a lesson, as in its step."""
        network = self.run.network
        statistics = any(place.state for place in network.places)
        beside = self.run.learning.images[self.batches.newest[:COMPANIONS]] if statistics else None
        x, t = (example or self.example).as_batch(network, beside)
        return trace(network, self.run.loss, x, t, self.lesson is not None if training is None else training)

    def part(self) -> dict[str, Any]:
        """The stage's part of a frame: the image and the layers; after a lesson, also those from before its step."""
        traced = self.trace()
        before = self.lesson.edges if self.lesson else None
        return {
            **example_part(self.example, traced, self.run.recipe.classes),
            "layers": network_part(traced, edges_of(traced, before), before),
            "before": self.lesson.part if self.lesson else None,
        }


def example_part(example: Example, traced: Trace, classes: tuple[int, ...]) -> dict[str, Any]:
    return {
        "example": {
            "kind": example.kind,
            "image": base64(example.image),
            "label": None if example.label is None else classes[example.label],
            "outputs": class_outputs(traced.outputs),
            "index": example.index,
            "loss": None if traced.loss is None else finite(traced.loss),
        }
    }

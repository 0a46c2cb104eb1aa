"""One training from its start: a `TrainingRun` that takes live batches, and what is kept of its way to be shown.

A rewind or a new network makes a new one of these; nothing of the old one is left behind.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from nn_from_scratch.classes import score_name, target_table
from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.errors import BadInput
from nn_from_scratch.inspection.gradient_check import GradientCheck, check_gradients
from nn_from_scratch.losses import matching_loss
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.randomness import numbered
from nn_from_scratch.recipe import Recipe, dense_stack
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.schedules import Constant
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.training import Diverged, EpochResult
from nn_from_scratch.web import limits
from nn_from_scratch.web.curve import Curve, Point
from nn_from_scratch.web.example import KINDS, Example
from nn_from_scratch.web.feed import LiveBatches
from nn_from_scratch.web.frames import (
    Edges,
    Trace,
    base64,
    class_outputs,
    edges_of,
    finite,
    network_part,
    tiles,
    trace,
)
from nn_from_scratch.web.inspection import Unit, neuron_part, take_snapshot
from nn_from_scratch.web.trail import Trail, as_shown, place_of_weight
from nn_from_scratch.words import name_of, word

VALIDATION_IMAGES = 5000  # held out of the training images; of a small set, a seventh
MEASURED = (10, 30, 100, 300, 1000, 3000)  # steps of the first epoch after which the held-out images are judged
CHECKED_IMAGES = 16  # whose loss the gradient check differentiates
GRAIN = 0.1  # of the pixels of images in that check
COMPANIONS = 15  # beside an example, for layers that take statistics of a batch
COPIES = 20  # of each drawing: one among thousands of images would hardly be seen
MOST_MARKS = 50  # on the curve
FRAME_POINTS = 24  # of the learning curve in a frame
RECENT_BATCHES = 50  # for a running accuracy
ADVICE = "Rewind or start anew, with a lower learning rate: a tenth of it is a good first try."


@dataclass(frozen=True)
class Start:
    """Where a training begins: all it takes to begin there again."""

    recipe: Recipe
    seed: int
    preset: str | None
    snapshot: np.ndarray | None = None  # of an uploaded network; drawn from the seed otherwise
    dataset: Dataset | None = None  # in place of the page's own
    on_test: bool = False  # judged on the test images, and nothing held out
    in_order: bool = False  # of the labels, instead of shuffled
    experiment: tuple[str, int] | None = None  # its name, and which of its runs
    drawings: Split | None = None  # learnt from as well, each COPIES times


def recipe_of_preset(preset: str) -> Recipe:
    """A preset's recipe as the live page trains it: the rate stays where it is set, and there is no last epoch."""
    return PRESETS[preset].override(schedule="constant", epochs=limits.EPOCHS)


def start_from(saved: SavedNetwork, like: Start) -> Start:
    """A network from a file as a start: its layers, the loss that suits its last one, and all else as in `like`.

    Raises BadInput for a number that float32 can't hold. Whether the page can show the network, LiveRun finds out.
    """
    network = saved.network
    likely = score_name(network.layers[-1], *network.output_shape) == "probability"
    loss = (likely and matching_loss(network.layers[-1])) or "mean-squared-error"
    layers = tuple(map(word, network.layers))
    recipe = like.recipe.override(layers=layers, input_shape=network.input_shape, loss=loss, classes=saved.classes)
    snapshot = network.snapshot().astype(np.float32)
    if not np.isfinite(snapshot).all():
        raise BadInput("a parameter of this network is too large for float32")
    # It may have learnt from the very images that would be held out.
    return Start(recipe, like.seed, None, snapshot, on_test=True)


@dataclass(frozen=True)
class Lesson:
    """A step with a single example, and what the network made of that example before it."""

    example: Example
    part: dict[str, Any]
    edges: list[Edges]


class LiveRun:
    """A training that waits at its start; `next_size()` is asked for the size of every batch.

    Raises BadInput where the network can't be shown, or the data don't fit it.
    """

    def __init__(
        self,
        start: Start,
        dataset: Dataset,
        threads: int,
        next_size: Callable[[], int],
        budget: limits.Budget = limits.WHOLE,
    ):
        dataset = start.dataset or dataset
        if start.drawings:
            dataset = _with_drawings(dataset, start.drawings)
        recipe = start.recipe.for_data(dataset)
        limits.check_architecture(recipe, budget)
        usable = int(np.isin(dataset.train.labels, recipe.classes).sum())
        held_out = 0 if start.on_test else min(VALIDATION_IMAGES, usable // 7)
        run = TrainingRun(recipe, dataset, start.seed, held_out, threads)
        if start.on_test:
            run.validation = run.dataset.test
        if start.snapshot is not None:
            run.network.restore(start.snapshot)
        plain = run.batches
        self.batches = run.batches = LiveBatches(
            plain.split,
            plain.batch_size,
            plain.input_shape,
            recipe.outputs,
            plain.seed,
            plain.dtype,
            plain.augment,
            next_size=next_size,
            before_batch=self._before_batch,
            sorted_by=run.learning.labels if start.in_order else None,
        )
        self.schedule = run.schedule = Constant(recipe.learning_rate)
        self.run, self.start = run, start
        self.recipe = recipe  # as changed on the way
        self.curve = Curve()
        self.validation: list[tuple[int, float | None, float]] = []  # step, loss, accuracy
        self.marks: list[tuple[int, str]] = []  # step, and what was changed there
        self.gradient_check = self._check_gradients()
        self.trail = Trail(run.network, budget.trail_bytes)
        self.teaching = False  # the next step is to be shown as a lesson
        self.lesson: Lesson | None = None
        self.message: dict[str, Any] | None = None  # why it can't go on
        self._loss: float | None = None  # of the last batch
        self._recent: deque[tuple[int, int]] = deque(maxlen=RECENT_BATCHES)  # right answers, images
        self._counted = (0, 0)  # of progress.right and progress.seen, what the curve already has
        self.take_snapshot()
        self.example: Example | None = Example.of("pinned", run.validation, 0)  # None: the latest

    # ---- on its way ----

    def change(self, **settings: Any) -> None:
        """Go on with another learning rate, batch size or weight decay, or another optimizer, which has no memory."""
        if settings.get("optimizer") == self._optimizer_name():
            del settings["optimizer"]  # it keeps all of that
        before, self.recipe = self.recipe, self.recipe.override(**settings)
        self.schedule.peak = self.recipe.learning_rate
        if "optimizer" in settings:
            self.run.optimizer = self.recipe.make_optimizer()
        elif "weight_decay" in settings:
            self.run.optimizer.weight_decay = settings["weight_decay"]
        self._mark_changes(before)

    def _mark_changes(self, before: Recipe) -> None:
        now = self.recipe
        changes = [f"{name} {new}" for name, new in _marked(now).items() if new != _marked(before)[name]]
        if changes and self.run.progress.step:
            self.marks = [*self.marks, (self.run.progress.step, ", ".join(changes))][-MOST_MARKS:]

    def _before_batch(self) -> None:
        """The batch is known, and nothing is learnt from it yet."""
        if not self.teaching:
            return
        run = self.run
        example = Example.of("latest", run.learning, self.batches.example)
        run.network.draw(numbered(run.streams.noise, run.progress.step))  # as the step itself will
        traced = self._trace(example, training=True)
        edges = edges_of(traced)
        part = self._example_part(example, traced) | {"layers": network_part(traced, edges)}
        self.lesson = Lesson(example, part, edges)

    def after_step(self, step: int, loss: float) -> None:
        progress = self.run.progress
        right, seen = progress.right - self._counted[0], progress.seen - self._counted[1]
        self._counted = (progress.right, progress.seen)
        self._recent.append((right, seen))
        self._loss = loss
        self.trail.add(step)
        if not self.teaching:
            self.lesson = None
        self.teaching = False
        if step in MEASURED and not progress.epoch:
            self.take_snapshot()
        self.curve.add(Point(step, self._epoch(), loss, right / seen, progress.learning_rate))

    def after_epoch(self, result: EpochResult) -> None:
        self._counted = (0, 0)
        self._add_validation(result.step, result.validation_loss, result.validation_accuracy)

    def after_divergence(self, problem: Diverged) -> None:
        self.message = {
            "kind": "diverged",
            "step": self.run.progress.step + 1,  # the step that could not be taken
            "rate": problem.learning_rate,
            "reason": problem.reason,
            "advice": ADVICE,
        }

    def take_snapshot(self) -> None:
        """Have the network judge the validation images, as it is now."""
        run, step = self.run, self.run.progress.step
        self.snapshot = take_snapshot(run.network, run.loss, run.validation, len(self.recipe.classes), step)
        self._add_validation(step, self.snapshot.loss, self.snapshot.accuracy)

    # ---- what there is to see ----

    def show(self, kind: str, index: int | None = None, image: np.ndarray | None = None) -> None:
        """Put another digit on the stage. Raises BadInput where there is no such digit."""
        limits.one_of(kind, "kind", KINDS)
        self.lesson = None
        if kind == "latest":
            self.example = None
        elif kind == "drawing":
            if image is None:
                raise BadInput("drawing: expected its image")
            self.example = Example(kind, image)
        elif kind == "mistake":
            self.example = self._next_mistake()
        else:
            split = self.run.dataset.test if kind == "test" else self.run.validation
            index = index or 0
            if index >= len(split):
                raise BadInput(f"index {index}: expected one of the {len(split)} images, from 0 up")
            self.example = Example.of(kind, split, index)

    def _next_mistake(self) -> Example:
        """The first wrong answer of the newest snapshot after the one on the stage, if that is one."""
        wrong = np.flatnonzero(self.snapshot.predicted != self.snapshot.split.labels)
        if not wrong.size:
            raise BadInput(f"at step {self.snapshot.step} there was no mistake among these images")
        now = self.example.index if self.example and self.example.kind == "mistake" else None
        later = wrong if now is None else wrong[wrong > now]
        return Example.of("mistake", self.snapshot.split, int(later[0] if later.size else wrong[0]))

    @property
    def on_stage(self) -> Example:
        """The digit that is shown now."""
        if self.lesson:
            return self.lesson.example
        return self.example or Example.of("latest", self.run.learning, self.batches.example)

    def frame_part(self) -> dict[str, Any]:
        """What a frame tells of this training.

        Activations, δ and the gradients of weights are those of the digit on the stage, by the weights as they are
        now; the norms of gradients are those of the last batch. `loss` is that batch's, `accuracy` the share of right
        answers in the last 50. After a step with a single example, `before` is what there was to see before it.
        """
        progress, example, lesson = self.run.progress, self.on_stage, self.lesson
        traced = self._trace(example, training=lesson is not None)
        before = lesson.edges if lesson else None
        seen = sum(seen for _, seen in self._recent)
        points = self.curve.points[-FRAME_POINTS:]
        step, loss, accuracy = self.validation[-1]
        return {
            "step": progress.step,
            "epoch": self._epoch(),
            "seen": progress.epoch * len(self.run.learning) + progress.seen,
            "loss": self._loss,
            "accuracy": sum(right for right, _ in self._recent) / seen if seen else None,
            "validation": {"loss": loss, "accuracy": accuracy, "step": step},
            "rate": self.recipe.learning_rate,
            "batch_size": self.recipe.batch_size,
            "points": points,
            "points_from": len(self.curve.points) - len(points),
            "points_every": self.curve.every,
            **self._example_part(example, traced),
            "layers": network_part(traced, edges_of(traced, before), before),
            "before": lesson.part if lesson else None,
            "confusion": {"matrix": self.snapshot.matrix.tolist(), "step": self.snapshot.step},
            "message": self.message,
        }

    def _example_part(self, example: Example, traced: Trace) -> dict[str, Any]:
        return {
            "example": {
                "kind": example.kind,
                "image": base64(example.image),
                "label": None if example.label is None else self.recipe.classes[example.label],
                "outputs": class_outputs(traced.outputs),
                "index": example.index,
                "loss": None if traced.loss is None else finite(traced.loss),
            }
        }

    def tiles_part(self) -> dict[str, Any]:
        return {"step": self.run.progress.step, **(tiles(self.run.network) or {"units": []})}

    def description(self) -> dict[str, Any]:
        """Everything but the numbers that change with every step."""
        recipe, run = self.recipe, self.run
        return {
            "preset": self.start.preset,
            "experiment": self.start.experiment,
            "layers": recipe.layers,
            "sizes": recipe.sizes,
            "activations": stack.activations if (stack := dense_stack(recipe.layers)) else None,
            "loss": recipe.loss,
            "optimizer": self._optimizer_name(),
            "weight_decay": run.optimizer.weight_decay,
            "augmentation": recipe.augmentation,
            "learning_rate": recipe.learning_rate,
            "batch_size": recipe.batch_size,
            "seed": self.start.seed,
            "data": {
                "name": run.dataset.name,
                "source": run.dataset.source,
                "training": len(run.learning),
                "drawings": len(self.start.drawings) if self.start.drawings else 0,
                "validation": len(run.validation),
                "judged_on": "test" if self.start.on_test else "validation",
            },
            "marks": self.marks,
            "classes": recipe.classes,
            "output_kind": score_name(run.network.layers[-1], recipe.outputs),
            "parameters": run.network.parameters.size,
            "gradient_check": {
                "relative_error": finite(self.gradient_check.relative_error),
                "parameters": self.gradient_check.parameters,
            },
        }

    def neuron(self, unit: Unit) -> dict[str, Any]:
        traced = self._trace(self.on_stage, training=self.lesson is not None)
        return {"step": self.run.progress.step, **neuron_part(self.run.network, traced, unit)}

    def weight(self, unit: Unit, source: int) -> dict[str, Any]:
        """One weight: its value, its slope for the digit on the stage, and the way that it has come."""
        place = self._place_of_weight(unit, source)
        traced = self._trace(self.on_stage, training=self.lesson is not None)
        return {
            "step": self.run.progress.step,
            "layer": unit.layer,
            "neuron": unit.neuron,
            "input": source,
            "value": finite(self.run.network.parameters[place]),
            "gradient": finite(traced.gradients[unit.layer]["W"][unit.neuron].flat[source]),
            "trail": as_shown(self.trail.of(place)),
        }

    def set_weight(self, unit: Unit, source: int, value: float) -> None:
        """Put a weight somewhere else, to see what breaks."""
        self.run.network.parameters[self._place_of_weight(unit, source)] = value
        self.lesson = None
        step = self.run.progress.step
        if not self.marks or self.marks[-1] != (step, "a weight"):
            self.marks = [*self.marks, (step, "a weight")][-MOST_MARKS:]
        self.take_snapshot()

    def _place_of_weight(self, unit: Unit, source: int) -> int:
        stages = self._trace(self.on_stage).stages
        layer = stages[unit.layer].layer if unit.layer < len(stages) else None
        W = getattr(layer, "W", None)
        if layer is None or W is None or unit.neuron >= len(W) or source >= W[0].size:
            raise BadInput(f"weight {source} of neuron {unit.neuron} of layer {unit.layer}: there is no such weight")
        return place_of_weight(self.run.network, layer, unit.neuron, source)

    def saved(self) -> SavedNetwork:
        """A copy of the network, with what is known of its making."""
        # As it is now: the page may have changed it on the way. An experiment's wrong parts have no words.
        parts = {part.name: getattr(self.recipe, part.name) for part in fields(Recipe)}
        network = Recipe(**parts).make_network(seed=0)
        network.restore(self.run.network.snapshot())
        training = {
            "recipe": parts,
            "seed": self.start.seed,
            "steps": self.run.progress.step,
            "data": {"name": self.run.dataset.name, "training_images": len(self.run.learning)},
        }
        return SavedNetwork(network, self.recipe.classes, training)

    # ---- parts of the above ----

    def _optimizer_name(self) -> str:
        return name_of(type(self.run.optimizer))

    def _epoch(self) -> float:
        return self.run.progress.epoch + self.run.progress.seen / len(self.run.learning)

    def _trace(self, example: Example, training: bool = False) -> Trace:
        network = self.run.network
        statistics = any(place.state for place in network.places)
        beside = self.run.learning.images[self.batches.newest[:COMPANIONS]] if statistics else None
        x, t = example.as_batch(network, beside)
        return trace(network, self.run.loss, x, t, training)

    def _add_validation(self, step: int, loss: float | None, accuracy: float | None) -> None:
        """A point of the validation curve, unless this step has one."""
        if loss is not None and accuracy is not None and (not self.validation or self.validation[-1][0] != step):
            self.validation.append((step, finite(loss), float(accuracy)))

    def _check_gradients(self) -> GradientCheck:
        network = self.recipe.make_network(seed=0, dtype=np.float64)
        network.restore(self.run.network.snapshot())
        few = slice(0, CHECKED_IMAGES)
        x = inputs(self.run.learning.images[few], network.input_shape, network.dtype)
        if len(network.input_shape) == 3:
            # Where an image is empty, all sums of a window are 0: at the very kink of ReLU, and equal for a pooling.
            x += np.random.default_rng(0).uniform(0, GRAIN, x.shape)
        t = target_table(self.recipe.outputs, network.dtype)[self.run.learning.labels[few]]
        return check_gradients(network, self.run.loss, x, t)


def _with_drawings(dataset: Dataset, drawings: Split) -> Dataset:
    """The data with drawings in front of the training images, so that none of them is held out."""
    copies = Split(np.tile(drawings.images, (COPIES, 1, 1)), np.tile(drawings.labels, COPIES))
    return replace(dataset, train=copies.followed_by(dataset.train))


def _marked(recipe: Recipe) -> dict[str, str]:
    """What leaves a mark on the curve when it changes."""
    size = "all" if recipe.batch_size is None else str(recipe.batch_size)
    return {"optimizer": recipe.optimizer, "rate": f"{recipe.learning_rate:g}", "batch size": size}

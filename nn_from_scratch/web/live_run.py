"""One training from its start: a `TrainingRun` that takes live batches, and the records of it that the page shows.

A rewind or a new network makes a new LiveRun; nothing of the old one is kept.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from nn_from_scratch.classes import score_name, target_table
from nn_from_scratch.data import Dataset
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.errors import BadInput, plural
from nn_from_scratch.inspection.gradient_check import GradientCheck, check_gradients
from nn_from_scratch.inspection.naming import with_article
from nn_from_scratch.recipe import Recipe, dense_stack
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.schedules import Constant
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.training import Diverged, EpochResult
from nn_from_scratch.web import limits
from nn_from_scratch.web.curve import Curve, Point
from nn_from_scratch.web.feed import LiveBatches
from nn_from_scratch.web.frames import finite, tiles
from nn_from_scratch.web.inspection import Unit, neuron_part, take_snapshot
from nn_from_scratch.web.stage import Stage
from nn_from_scratch.web.start import Start
from nn_from_scratch.web.trail import Trail, as_shown, place_of_weight
from nn_from_scratch.words import name_of

VALIDATION_IMAGES = 5000  # held out of the training images; of a small set, a seventh
MEASURED = (10, 30, 100, 300, 1000, 3000)  # steps of the first epoch after which the held-out images are tested
CHECKED = (16, 24)  # for the gradient check: the number of images, and of parameters that it moves in each array
CHECKED_MAPS = (4, 12)  # the same for a convolutional network, whose forward pass takes far longer
GRAIN = 0.1  # the largest noise that is added to the pixels in that check
MOST_MARKS = 50  # on the curve
FRAME_POINTS = 24  # of the learning curve in a frame
RECENT_BATCHES = 50  # for a running accuracy
ADVICE = "Rewind or start again with a lower learning rate: a tenth of this one is a good first try."


class LiveRun:
    """A training that waits at its start; `next_size()` gives the size of each batch.

    Raises BadInput if the page can't show the network, or if the data don't fit it.
    """

    def __init__(
        self,
        start: Start,
        dataset: Dataset,
        threads: int,
        next_size: Callable[[], int],
        budget: limits.Budget = limits.WHOLE,
    ):
        dataset = start.images(dataset)
        self.image = limits.image_of(dataset)
        recipe = start.recipe.for_data(dataset)
        limits.check_architecture(recipe, budget, self.image)
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
            before_batch=lambda: self.stage.before_batch(),
            sorted_by=run.learning.labels if start.in_order else None,
        )
        self.schedule = run.schedule = Constant(recipe.learning_rate)
        self.run, self.start = run, start
        self.recipe = recipe  # with all changes since the start
        self.curve = Curve()
        self.validation: list[tuple[int, float | None, float]] = []  # step, loss, accuracy
        self.marks: list[tuple[int, str]] = []  # step, and what was changed there
        self.gradient_check = self._check_gradients()
        self.trail = Trail(run.network, budget.trail_bytes)
        self.stage = Stage(run, self.batches)
        self.message: dict[str, Any] | None = None  # why the training can't go on
        self._loss: float | None = None  # of the last batch
        self._recent: deque[tuple[int, int]] = deque(maxlen=RECENT_BATCHES)  # right answers, images
        self._counted = (0, 0)  # the part of progress.right and progress.seen that the curve already has
        self.take_snapshot()

    # ---- during the training ----

    def change(self, **settings: Any) -> None:
        """Go on with another learning rate, batch size or weight decay, or with another optimizer, without memory."""
        if settings.get("optimizer") == self._optimizer_name():
            del settings["optimizer"]  # the same optimizer keeps its settings and its memory
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

    def after_step(self, step: int, loss: float) -> None:
        progress = self.run.progress
        right, seen = progress.right - self._counted[0], progress.seen - self._counted[1]
        self._counted = (progress.right, progress.seen)
        self._recent.append((right, seen))
        self._loss = loss
        self.trail.add(step)
        self.stage.after_step()
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
        """Test the network, as it is now, on the validation images."""
        run, step = self.run, self.run.progress.step
        self.snapshot = take_snapshot(run.network, run.loss, run.validation, len(self.recipe.classes), step)
        self._add_validation(step, self.snapshot.loss, self.snapshot.accuracy)

    # ---- what the page can see ----

    def show(self, kind: str, index: int | None = None, image: np.ndarray | None = None) -> None:
        """Put another image on the stage. Raises BadInput if there is no such image."""
        self.stage.show(kind, index, image, self.snapshot)

    def frame_part(self) -> dict[str, Any]:
        """The part of a frame that describes this training.

        Activations, δ and the gradients of weights are those of the image on the stage, for the present weights; the
        norms of gradients are those of the last batch. `loss` is the loss of that batch, `accuracy` the share of right
        answers in the last 50 batches. After a step with a single example, `before` is what was shown before it.
        """
        progress = self.run.progress
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
            **self.stage.part(),
            "confusion": {"matrix": self.snapshot.matrix.tolist(), "step": self.snapshot.step},
            "message": self.message,
        }

    def tiles_part(self) -> dict[str, Any]:
        return {"step": self.run.progress.step, **(tiles(self.run.network, self.image) or {"units": []})}

    def description(self) -> dict[str, Any]:
        """Everything except the numbers that change with every step."""
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
            **_said(*run.called),
            "image": self.image,
            "pad": self.image == limits.MNIST,
            "output_kind": score_name(run.network.layers[-1], recipe.outputs),
            "parameters": run.network.parameters.size,
            "gradient_check": {
                "relative_error": finite(self.gradient_check.relative_error),
                "parameters": self.gradient_check.parameters,
            },
        }

    def neuron(self, unit: Unit) -> dict[str, Any]:
        return {"step": self.run.progress.step, **neuron_part(self.run.network, self.stage.trace(), unit)}

    def weight(self, unit: Unit, source: int) -> dict[str, Any]:
        """One weight: its value, its slope for the image on the stage, and its history."""
        place = self._place_of_weight(unit, source)
        gradient = self.stage.trace().gradients[unit.layer]["W"][unit.neuron].flat[source]
        return {
            "step": self.run.progress.step,
            "layer": unit.layer,
            "neuron": unit.neuron,
            "input": source,
            "value": finite(self.run.network.parameters[place]),
            "gradient": finite(gradient),
            "trail": as_shown(self.trail.of(place)),
        }

    def set_weight(self, unit: Unit, source: int, value: float) -> None:
        """Set a weight to another value, to see what breaks."""
        self.run.network.parameters[self._place_of_weight(unit, source)] = value
        self.stage.lesson = None
        step = self.run.progress.step
        if not self.marks or self.marks[-1] != (step, "a weight"):
            self.marks = [*self.marks, (step, "a weight")][-MOST_MARKS:]
        self.take_snapshot()

    def _place_of_weight(self, unit: Unit, source: int) -> int:
        stages = self.stage.trace().stages
        layer = stages[unit.layer].layer if unit.layer < len(stages) else None
        W = getattr(layer, "W", None)
        if layer is None or W is None or unit.neuron >= len(W) or source >= W[0].size:
            raise BadInput(f"weight {source} of neuron {unit.neuron} of layer {unit.layer}: there is no such weight")
        return place_of_weight(self.run.network, layer, unit.neuron, source)

    def saved(self) -> SavedNetwork:
        """A copy of the network, with a record of how it was trained."""
        # The recipe as it is now: the page may have changed it. An experiment's wrong parts can't be written as words.
        parts = {part.name: getattr(self.recipe, part.name) for part in fields(Recipe)}
        network = Recipe(**parts).make_network(seed=0)
        network.restore(self.run.network.snapshot())
        training = {
            "recipe": parts,
            "seed": self.start.seed,
            "steps": self.run.progress.step,
            "data": {"name": self.run.dataset.name, "training_images": len(self.run.learning)},
        }
        return SavedNetwork(network, self.recipe.classes, training, {}, *self.run.called)

    # ---- parts of the above ----

    def _optimizer_name(self) -> str:
        return name_of(type(self.run.optimizer))

    def _epoch(self) -> float:
        return self.run.progress.epoch + self.run.progress.seen / len(self.run.learning)

    def _add_validation(self, step: int, loss: float | None, accuracy: float | None) -> None:
        """A point of the validation curve, unless this step has one."""
        if loss is not None and accuracy is not None and (not self.validation or self.validation[-1][0] != step):
            self.validation.append((step, finite(loss), float(accuracy)))

    def _check_gradients(self) -> GradientCheck:
        network = self.recipe.make_network(seed=0, dtype=np.float64)
        network.restore(self.run.network.snapshot())
        has_maps = len(network.input_shape) == 3
        images, of_each = CHECKED_MAPS if has_maps else CHECKED
        few = slice(0, images)
        x = inputs(self.run.learning.images[few], network.input_shape, network.dtype)
        if has_maps:
            # Where an image is empty, all sums of a window are 0: exactly at the kink of ReLU, and equal for a pooling.
            x += np.random.default_rng(0).uniform(0, GRAIN, x.shape)
        t = target_table(self.recipe.outputs, network.dtype)[self.run.learning.labels[few]]
        return check_gradients(network, self.run.loss, x, t, of_each=of_each)


def _said(names: tuple[str, ...], noun: str) -> dict[str, Any]:
    """The page's words for the classes, without and with an article, and for a sample."""
    return {
        "names": names,
        "called": [with_article(name) for name in names],
        "noun": {"one": noun, "a": with_article(noun), "many": plural(noun)},
    }


def _marked(recipe: Recipe) -> dict[str, str]:
    """The settings whose changes are marked on the curve."""
    size = "all" if recipe.batch_size is None else str(recipe.batch_size)
    return {"optimizer": recipe.optimizer, "rate": f"{recipe.learning_rate:g}", "batch size": size}

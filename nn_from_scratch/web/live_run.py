"""One training from its start: a `TrainingRun` that takes live batches, and what is kept of its way to be shown.

A rewind or a new network makes a new one of these; nothing of the old one is left behind.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nn_from_scratch.classes import score_name
from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.inspection.gradient_check import GradientCheck, check_gradients
from nn_from_scratch.losses import matching_loss
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.schedules import Constant
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.training import Diverged, EpochResult
from nn_from_scratch.web import limits
from nn_from_scratch.web.curve import Curve, Point
from nn_from_scratch.web.feed import LiveBatches
from nn_from_scratch.web.frames import Trace, base64, class_outputs, finite, network_part, tiles, trace
from nn_from_scratch.web.inspection import example_of, neuron_part, take_snapshot
from nn_from_scratch.words import name_of, word

VALIDATION_IMAGES = 5000  # held out of the training images; of a small set, a seventh
CHECKED_IMAGES = 16  # whose loss the gradient check differentiates
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
    return Start(recipe, like.seed, None, snapshot)


class LiveRun:
    """A training that waits at its start; `next_size()` is asked for the size of every batch.

    Raises BadInput where the network can't be shown, or the data don't fit it.
    """

    def __init__(self, start: Start, dataset: Dataset, threads: int, next_size: Callable[[], int]):
        recipe = start.recipe.for_data(dataset)
        limits.check_architecture(recipe)
        usable = int(np.isin(dataset.train.labels, recipe.classes).sum())
        run = TrainingRun(recipe, dataset, start.seed, min(VALIDATION_IMAGES, usable // 7), threads)
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
        )
        self.schedule = run.schedule = Constant(recipe.learning_rate)
        self.run, self.start = run, start
        self.recipe = recipe  # as changed on the way
        self.curve = Curve()
        self.validation: list[tuple[int, float | None, float]] = []  # step, loss, accuracy
        self.gradient_check = self._check_gradients()
        self.message: dict[str, Any] | None = None  # why it can't go on
        self._loss: float | None = None  # of the last batch
        self._recent: deque[tuple[int, int]] = deque(maxlen=RECENT_BATCHES)  # right answers, images
        self._counted = (0, 0)  # of progress.right and progress.seen, what the curve already has
        self._shown: list[list[int]] = []  # the units in the graph, by layer
        self.take_snapshot()

    # ---- on its way ----

    def change(self, **settings: Any) -> None:
        """Go on with another learning rate, batch size or optimizer, which brings its own rate and has no memory."""
        if settings.get("optimizer") == self._optimizer_name():
            del settings["optimizer"]  # it keeps all of that
        self.recipe = self.recipe.override(**settings)
        self.schedule.peak = self.recipe.learning_rate
        if "optimizer" in settings:
            self.run.optimizer = self.recipe.make_optimizer()

    def after_step(self, step: int, loss: float) -> None:
        progress = self.run.progress
        right, seen = progress.right - self._counted[0], progress.seen - self._counted[1]
        self._counted = (progress.right, progress.seen)
        self._recent.append((right, seen))
        self._loss = loss
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

    def frame_part(self) -> dict[str, Any]:
        """What a frame tells of this training.

        Activations and deltas are those of the last image learnt from, by the weights as they are now; gradients
        those of the last batch. `loss` is that batch's, `accuracy` the share of right answers in the last 50.
        """
        progress, traced = self.run.progress, self._trace()
        index = self.batches.example
        image, label = self.run.learning.images[index], int(self.run.learning.labels[index])
        layers, self._shown = network_part(traced, self._shown)
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
            "example": {
                "image": base64(image),
                "label": self.recipe.classes[label],
                "outputs": class_outputs(traced.outputs),
                "index": index,
                "loss": finite(traced.loss),
            },
            **layers,
            "confusion": {"matrix": self.snapshot.matrix.tolist(), "step": self.snapshot.step},
            "message": self.message,
        }

    def tiles_part(self) -> dict[str, Any]:
        return {"step": self.run.progress.step, **tiles(self.run.network)}

    def description(self) -> dict[str, Any]:
        """Everything but the numbers that change with every step."""
        recipe, run = self.recipe, self.run
        return {
            "preset": self.start.preset,
            "sizes": recipe.sizes,
            "activations": recipe.layers[1::2],
            "loss": recipe.loss,
            "optimizer": self._optimizer_name(),
            "learning_rate": recipe.learning_rate,
            "batch_size": recipe.batch_size,
            "seed": self.start.seed,
            "data": {
                "name": run.dataset.name,
                "source": run.dataset.source,
                "training": len(run.learning),
                "validation": len(run.validation),
            },
            "classes": recipe.classes,
            "output_kind": score_name(run.network.layers[-1], recipe.outputs),
            "parameters": run.network.parameters.size,
            "gradient_check": {
                "relative_error": finite(self.gradient_check.relative_error),
                "parameters": self.gradient_check.parameters,
            },
        }

    def neuron(self, layer: int, neuron: int) -> dict[str, Any]:
        traced = self._trace()
        if not 0 <= layer < len(traced.stages) or not 0 <= neuron < len(traced.deltas[layer]):
            raise BadInput(f"neuron {neuron} of layer {layer}: there is no such neuron")
        found = neuron_part(traced.stages[layer], traced.deltas[layer], neuron)
        return {"step": self.run.progress.step, "layer": layer, "neuron": neuron, **found}

    def saved(self) -> SavedNetwork:
        """A copy of the network, with what is known of its making."""
        network = self.recipe.make_network(seed=0)
        network.restore(self.run.network.snapshot())
        training = {
            "recipe": asdict(self.recipe),  # as it is now: the page may have changed it on the way
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

    def _trace(self) -> Trace:
        x, t = example_of(self.run.network, self.run.learning, self.batches.example)
        return trace(self.run.network, self.run.loss, x, t)

    def _add_validation(self, step: int, loss: float | None, accuracy: float | None) -> None:
        """A point of the validation curve, unless this step has one."""
        if loss is not None and accuracy is not None and (not self.validation or self.validation[-1][0] != step):
            self.validation.append((step, finite(loss), float(accuracy)))

    def _check_gradients(self) -> GradientCheck:
        network = self.recipe.make_network(seed=0, dtype=np.float64)
        network.restore(self.run.network.snapshot())
        few = self.run.learning.select(slice(0, CHECKED_IMAGES))
        batch = [example_of(network, few, i) for i in range(len(few))]
        x, t = (np.concatenate(parts) for parts in zip(*batch, strict=True))
        return check_gradients(network, self.run.loss, x, t)

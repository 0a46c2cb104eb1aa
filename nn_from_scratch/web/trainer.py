"""The thread that trains while others watch and steer.

It alone touches the network, so there are no locks around numbers: whoever wants something asks, and is served between
two steps. The training itself is `TrainingRun` and `fit`; they take their next batch from here, and that is where the
thread waits while the training is paused.
"""

import json
import queue
import secrets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.presets import ACTIVATIONS, PRESETS, Recipe
from nn_from_scratch.schedules import Constant
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.training import Diverged, EpochResult
from nn_from_scratch.training_run import DEFAULT_THREADS, TrainingRun
from nn_from_scratch.web import limits
from nn_from_scratch.web.curve import Curve, Point
from nn_from_scratch.web.feed import LiveBatches
from nn_from_scratch.web.frames import Trace, base64, class_outputs, finite, layers_in_pairs, network_part, tiles, trace
from nn_from_scratch.web.gradient_check import GradientCheck, check_gradients
from nn_from_scratch.web.hub import Hub
from nn_from_scratch.web.inspection import Snapshot, drawing_part, example_of, neuron_part, take_snapshot

Answer = TypeVar("Answer")

DEFAULT_PRESET = "784-100-10"
VALIDATION_IMAGES = 5000  # held out of the training images; of a small set, a seventh
FRAME_SECONDS = 1 / 12  # from frame to frame: more than that no eye can follow
TILES_SECONDS = 1.0
SNAPSHOT_SECONDS = 2.0
PATIENCE = 60  # seconds after which who asked is no longer kept waiting
FRAME_POINTS = 40  # of the learning curve in a frame
RECENT_BATCHES = 50  # for a running accuracy

PAUSED, TRAINING, DIVERGED, FINISHED = "paused", "training", "diverged", "finished"


class _Again(Exception):
    """Leave `fit`, and enter it again with what has been put in its parts' places."""


@dataclass(frozen=True)
class Start:
    """Where a training begins: all it takes to begin there again."""

    recipe: Recipe
    seed: int
    preset: str | None
    parameters: np.ndarray | None = None  # of an uploaded network; drawn from the seed otherwise


class Trainer:
    """A network in training, between `with Trainer(…) as trainer` and the end of that block.

    Other threads call its methods through `ask` only: `trainer.ask(trainer.step, "batch")`. Methods raise BadInput for
    what can't be done. The same commands in the same order, while paused, always give the same network.
    """

    run: TrainingRun  # the training under way
    recipe: Recipe  # its recipe, as changed on the way
    state: str
    curve: Curve
    validation: list[tuple[int, float | None, float]]  # step, loss, accuracy
    snapshot: Snapshot
    gradient_check: GradientCheck
    _start: Start
    _single: str | None  # a step that was asked for, and its kind
    _one_epoch: bool  # pause when the epoch is over
    _message: dict[str, Any] | None
    _loss: float | None  # of the last batch
    _recent: deque[tuple[int, int]]  # right answers and images of the last batches
    _counted: tuple[int, int]  # of progress.right and progress.seen, what the curve already has
    _shown: list[list[int]]  # the units in the graph, by layer
    _tiles_due: float  # on the clock of perf_counter, as the next
    _snapshot_due: float

    def __init__(
        self,
        dataset: Dataset,
        preset: str = DEFAULT_PRESET,
        seed: int = 0,
        threads: int = DEFAULT_THREADS,
        hub: Hub | None = None,
    ):
        self.dataset = dataset
        self.threads = threads
        self.hub = hub or Hub()
        self.speed: float | None = None  # steps per second, or as fast as it goes
        self.epoch_target: int | None = None
        self.run_number = 0
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="trainer", daemon=True)
        self._leaving = False  # fit, to enter it again
        self._ended = False
        self._begin(Start(_recipe(preset), seed, preset))

    # ---- for other threads ----

    def __enter__(self) -> "Trainer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hub.close()
        with suppress(TimeoutError):
            self.ask(self._end)
        self._thread.join(PATIENCE)

    def ask(self, method: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
        """Have a method called in the trainer's thread, after the step under way, and return what it returns."""
        future: Future[Answer] = Future()
        self._jobs.put((lambda: method(*arguments, **named), future))
        return future.result(PATIENCE)

    # ---- what the page can command ----

    def start(self) -> None:
        """Train until told otherwise."""
        self._refuse_when_over()
        self.state, self._one_epoch = TRAINING, False
        self._due = self._pace_since = perf_counter()
        self._pace_step = self.run.progress.step
        self.publish(whole=True)

    def pause(self) -> None:
        if self.state == TRAINING:
            self.state = PAUSED
        self.publish(whole=True)

    def step(self, unit: str) -> None:
        """One step with a single example or with a batch, or the rest of an epoch. Whoever asks next comes after it.

        Only an epoch can be interrupted: it is a training that pauses by itself.
        """
        limits.one_of(unit, "unit", ("example", "batch", "epoch"))
        self._refuse_when_over()
        if unit == "epoch":
            self.start()
            self._one_epoch = True
        else:
            self.state, self._single = PAUSED, unit

    def rewind(self) -> None:
        """Back to the start: the same first weights, order of images, learning rate, batch size and optimizer."""
        self._begin(self._start)

    def restart(
        self,
        seed: int | None = None,
        preset: str | None = None,
        hidden: tuple[int, ...] | None = None,
        activation: str | None = None,
        **changes: Any,
    ) -> None:
        """A new network: from a preset or as the present one, with what else is given in place of its parts."""
        recipe, name = (_recipe(preset), preset) if preset else (self.recipe, self._start.preset)
        if hidden is not None:
            recipe, name = recipe.override(sizes=(recipe.sizes[0], *hidden, recipe.sizes[-1])), None
        if activation is not None:
            recipe = recipe.override(activations=(activation,) * (len(recipe.sizes) - 2) + recipe.activations[-1:])
            name = None
        if seed is None:
            seed = secrets.randbelow(limits.SEED[1] + 1)
        self._begin(Start(recipe.override(**changes), seed, name))

    def change(self, **settings: Any) -> None:
        """Learning rate, batch size, optimizer, speed or epoch target: from the next step on, without a reset."""
        if "speed" in settings:
            self.speed, self._due = settings.pop("speed"), perf_counter()
        if "epoch_target" in settings:
            self.epoch_target = settings.pop("epoch_target")
            if self.state == FINISHED and not self._target_reached():
                self.state = PAUSED
        if settings.get("optimizer", self.recipe.optimizer) == self.recipe.optimizer:
            settings.pop("optimizer", None)
        self.recipe = self.recipe.override(**settings)
        self._schedule.peak = self.recipe.learning_rate
        if "optimizer" in settings:
            self.run.optimizer = self.recipe.make_optimizer()
            self._leaving = True
        self.publish()

    def adopt(self, saved: SavedNetwork) -> None:
        """Go on with a network from a file: it becomes the start, and waits."""
        recipe = _recipe_of(saved, self.recipe)
        with np.errstate(over="ignore"):
            parameters = saved.network.parameters.astype(np.float32)
        if not np.isfinite(parameters).all():
            raise BadInput("a parameter of this network is too large for float32")
        self._begin(Start(recipe, self._start.seed, None, parameters))

    # ---- what the page can ask ----

    def description(self) -> dict[str, Any]:
        """Everything but the numbers that change with every step."""
        recipe = self.recipe
        return {
            "run": self.run_number,
            "state": self.state,
            "presets": list(PRESETS),
            "preset": self._start.preset,
            "sizes": recipe.sizes,
            "activations": recipe.activations,
            "loss": recipe.loss,
            "optimizer": recipe.optimizer,
            "learning_rate": recipe.learning_rate,
            "batch_size": recipe.batch_size,
            "seed": self._start.seed,
            "epoch_target": self.epoch_target,
            "speed": self.speed,
            "limits": limits.as_shown(),
            "data": {
                "name": self.dataset.name,
                "source": self.dataset.source,
                "training": len(self.run.learning),
                "validation": len(self.run.validation),
            },
            "classes": recipe.classes,
            "output_kind": "probability" if recipe.loss != "mean-squared-error" else "output",
            "parameters": self.run.network.parameters.size,
            "gradient_check": {
                "relative_error": finite(self.gradient_check.relative_error),
                "parameters": self.gradient_check.parameters,
            },
        }

    def history(self, since: int = 0) -> dict[str, Any]:
        """The learning curve from its point `since` on, and the validation curve."""
        points = self.curve.points[since:]
        return {
            "run": self.run_number,
            "from": since,
            "every": self.curve.every,
            "points": points,
            "validation": self.validation,
        }

    def neuron(self, layer: int, neuron: int) -> dict[str, Any]:
        stages = self._trace().stages
        if not 0 <= layer < len(stages) or not 0 <= neuron < stages[layer].dense.units:
            raise BadInput(f"neuron {neuron} of layer {layer}: there is no such neuron")
        place = {"run": self.run_number, "step": self.run.progress.step, "layer": layer, "neuron": neuron}
        return place | neuron_part(stages[layer], neuron)

    def confusion_cell(self, actual: int, predicted: int) -> dict[str, Any]:
        if not max(actual, predicted) < len(self.recipe.classes):
            raise BadInput(f"cell {actual}, {predicted}: expected numbers below {len(self.recipe.classes)}")
        return self.snapshot.cell(actual, predicted)

    def guess(self, ink: np.ndarray, centre: bool) -> dict[str, Any]:
        return drawing_part(self.run.network, self.recipe.classes, ink, centre)

    def saved(self) -> SavedNetwork:
        """A copy of the network, with what is known of its making."""
        network = self.recipe.make_network(seed=0)
        network.parameters[...] = self.run.network.parameters
        training = {
            "recipe": asdict(self.recipe),  # as it is now: the page may have changed it on the way
            "seed": self._start.seed,
            "steps": self.run.progress.step,
            "data": {"name": self.dataset.name, "training_images": len(self.run.learning)},
        }
        return SavedNetwork(network, self.recipe.classes, training)

    def frame(self) -> dict[str, Any]:
        """What the page shows of this moment. Activations and deltas: of the last image learnt from, by the weights as
        they are now. Gradients: those of the last batch. `loss` is that batch's, `accuracy` a mean over the last 50.
        """
        progress, traced = self.run.progress, self._trace()
        index = self._batches.example
        image, label = self.run.learning.images[index], int(self.run.learning.labels[index])
        layers, self._shown = network_part(traced, self._shown)
        seen = sum(seen for _, seen in self._recent)
        points = self.curve.points[-FRAME_POINTS:]
        step, loss, accuracy = self.validation[-1]
        return {
            "run": self.run_number,
            "state": self.state,
            "step": progress.step,
            "epoch": self._epoch(),
            "seen": progress.epoch * len(self.run.learning) + progress.seen,
            "loss": self._loss,
            "accuracy": sum(right for right, _ in self._recent) / seen if seen else None,
            "validation": {"loss": loss, "accuracy": accuracy, "step": step},
            "rate": self.recipe.learning_rate,
            "batch_size": self.recipe.batch_size,
            "steps_per_second": self._pace(),
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
            "message": self._message,
        }

    def publish(self, whole: bool = False) -> None:
        """Show this moment to whoever watches; with `whole`, also what is otherwise shown only now and then."""
        self._publish_state()
        if not self.hub.watchers:
            return
        now = perf_counter()
        if self.snapshot.step != self.run.progress.step and (whole or now >= self._snapshot_due):
            self._take_snapshot()
        self.hub.publish("frame", _json(self.frame()))
        if whole or now >= self._tiles_due:
            first, _ = layers_in_pairs(self.run.network)[0]
            place = {"run": self.run_number, "step": self.run.progress.step}
            self.hub.publish("tiles", _json(place | tiles(first)))
            self._tiles_due = now + TILES_SECONDS
        self._frame_due = perf_counter() + FRAME_SECONDS

    # ---- the thread ----

    def _work(self) -> None:
        while not self._ended:
            self._leaving = False
            with suppress(_Again):
                try:
                    for result in self.run.epochs(self._after_step):
                        self._after_epoch(result)
                    self.state = FINISHED
                except Diverged as problem:
                    self._stop_diverged(problem)
                self._single = None
                self.publish(whole=True)
                while True:
                    self._serve(None)

    def _end(self) -> None:
        self._ended = self._leaving = True

    def _next_size(self) -> int:
        """The size of the next batch: `fit` waits here, before each step, for as long as it must."""
        if self._single:
            self._single = None
            self.publish(whole=True)
        while self._serve(self._seconds_to_wait()):
            if self._single:
                return 1 if self._single == "example" else self._batch_size()
        self._due = perf_counter()
        if self.speed:
            self._due += 1 / self.speed
        return self._batch_size()

    def _serve(self, timeout: float | None) -> bool:
        """Do what is asked next, within `timeout` seconds (None: whenever it comes). False where nothing was."""
        try:
            job, future = self._jobs.get(timeout != 0, timeout)
        except queue.Empty:
            return False
        try:
            future.set_result(job())
        except Exception as problem:  # it is the asker's, whatever it is: this thread has to live on
            future.set_exception(problem)
        if self._leaving:
            raise _Again
        return True

    def _seconds_to_wait(self) -> float | None:
        if self.state != TRAINING:
            return None
        return max(0.0, self._due - perf_counter()) if self.speed else 0

    def _after_step(self, step: int, loss: float) -> None:
        progress = self.run.progress
        right, seen = progress.right - self._counted[0], progress.seen - self._counted[1]
        self._counted = (progress.right, progress.seen)
        self._recent.append((right, seen))
        self._loss = loss
        self.curve.add(Point(step, self._epoch(), loss, right / seen, progress.learning_rate))
        if self.state == TRAINING and self.hub.watchers and perf_counter() >= self._frame_due:
            self.publish()

    def _after_epoch(self, result: EpochResult) -> None:
        self._counted = (0, 0)
        self._add_validation(result.step, result.validation_loss, result.validation_accuracy)
        if self._target_reached():
            self.state = FINISHED
        elif self._one_epoch and self.state == TRAINING:
            self.state = PAUSED
        if self.state != TRAINING:
            self.publish(whole=True)

    def _stop_diverged(self, problem: Diverged) -> None:
        self.state = DIVERGED
        self._message = {
            "kind": "diverged",
            "step": self.run.progress.step + 1,  # the step that could not be taken
            "rate": problem.learning_rate,
            "reason": problem.reason,
            "advice": "Rewind or start anew, with a lower learning rate: a tenth of it is a good first try.",
        }

    # ---- parts of the above ----

    def _begin(self, start: Start) -> None:
        """A new run from this start, waiting. Where there can be none: BadInput, and everything stays as it is."""
        limits.check_architecture(start.recipe)
        run = TrainingRun(start.recipe, self.dataset, start.seed, self._held_out(start.recipe), self.threads)
        if start.parameters is not None:
            run.network.parameters[...] = start.parameters
        plain = run.batches
        self._batches = run.batches = LiveBatches(
            plain.split,
            plain.batch_size,
            plain.input_shape,
            start.recipe.sizes[-1],
            plain.seed,
            next_size=self._next_size,
        )
        self._schedule = run.schedule = Constant(start.recipe.learning_rate)
        self.run, self.recipe, self._start = run, start.recipe, start
        self.run_number += 1
        self.gradient_check = self._check_gradients()
        self.state = PAUSED
        self.curve = Curve()
        self.validation = []
        self._message = self._loss = self._single = None
        self._recent = deque(maxlen=RECENT_BATCHES)
        self._counted = (0, 0)
        self._one_epoch = False
        self._shown = []
        self._due = self._frame_due = self._tiles_due = self._snapshot_due = self._pace_since = perf_counter()
        self._pace_step, self._steps_per_second = 0, 0.0
        self._take_snapshot()
        self._leaving = True
        self.publish(whole=True)

    def _held_out(self, recipe: Recipe) -> int:
        usable = int(np.isin(self.dataset.train.labels, recipe.classes).sum())
        return min(VALIDATION_IMAGES, usable // 7)

    def _check_gradients(self) -> GradientCheck:
        network = self.recipe.make_network(seed=0, dtype=np.float64)
        network.parameters[...] = self.run.network.parameters
        batch = [example_of(network, self.run.learning, i) for i in range(min(16, len(self.run.learning)))]
        x, t = (np.concatenate(parts) for parts in zip(*batch, strict=True))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return check_gradients(network, self.run.loss, x, t)

    def _take_snapshot(self) -> None:
        step = self.run.progress.step
        self.snapshot = take_snapshot(
            self.run.network, self.run.loss, self.run.validation, len(self.recipe.classes), step
        )
        self._add_validation(step, self.snapshot.loss, self.snapshot.accuracy)
        self._snapshot_due = perf_counter() + SNAPSHOT_SECONDS

    def _add_validation(self, step: int, loss: float | None, accuracy: float | None) -> None:
        """A point of the validation curve, unless this step has one."""
        if loss is not None and accuracy is not None and (not self.validation or self.validation[-1][0] != step):
            self.validation.append((step, finite(loss), float(accuracy)))

    def _trace(self) -> Trace:
        x, t = example_of(self.run.network, self.run.learning, self._batches.example)
        return trace(self.run.network, self.run.loss, x, t)

    def _epoch(self) -> float:
        return self.run.progress.epoch + self.run.progress.seen / len(self.run.learning)

    def _batch_size(self) -> int:
        return self.recipe.batch_size or len(self.run.learning)

    def _target_reached(self) -> bool:
        return self.run.progress.epoch >= (self.epoch_target or limits.EPOCHS)

    def _refuse_when_over(self) -> None:
        if self.state == DIVERGED:
            raise BadInput("the training has diverged: rewind or start anew, with a lower learning rate")
        if self._target_reached():
            raise BadInput(f"{self.run.progress.epoch} epochs are done, as many as were asked for: raise the target")

    def _pace(self) -> float:
        """Steps per second, over the last half second or more."""
        now, step = perf_counter(), self.run.progress.step
        if self.state != TRAINING:
            self._steps_per_second = 0.0
        elif now - self._pace_since >= 0.5:
            self._steps_per_second = (step - self._pace_step) / (now - self._pace_since)
            self._pace_since, self._pace_step = now, step
        return round(self._steps_per_second, 1)

    def _publish_state(self) -> None:
        text = _json(self.description())
        if self.hub.newest.get("state", (0, ""))[1] != text:
            self.hub.publish("state", text)


def _recipe(preset: str) -> Recipe:
    """A preset's recipe as the live page trains it: the rate stays where it is set, and there is no last epoch."""
    return PRESETS[preset].override(schedule="constant", epochs=limits.EPOCHS)


def _recipe_of(saved: SavedNetwork, like: Recipe) -> Recipe:
    """A recipe for a network from a file: its layers, the loss that suits its last one, and all else as in `like`.

    Raises BadInput for a network that isn't made of Dense layers with an activation after each.
    """
    names: dict[type, str] = {kind: name for name, kind in ACTIVATIONS.items()}
    try:
        pairs = layers_in_pairs(saved.network)
    except ValueError as problem:
        raise BadInput(f"the page can't show this network: {problem}") from None
    activations = tuple(names[type(activation)] for _, activation in pairs)
    units = [dense.units for dense, _ in pairs]
    loss = "mean-squared-error"
    if activations[-1] == "softmax":
        loss = "cross-entropy"
    elif activations[-1] == "sigmoid" and units[-1] == 1:
        loss = "binary-cross-entropy"
    sizes = (*saved.network.input_shape, *units)
    return like.override(sizes=sizes, activations=activations, loss=loss, classes=saved.classes)


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)

"""The thread that trains while others watch it and control it.

Only this thread touches the network, so the numbers need no locks: other threads ask, and are served between two steps.
The training itself is `TrainingRun` and `fit`. They take their next batch from here, and here the thread waits while
the training is paused.
"""

import json
import queue
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from math import prod
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.handwriting.drawing import NothingDrawn, prepare
from nn_from_scratch.layers import BatchNorm
from nn_from_scratch.recipe import Recipe, dense_stack
from nn_from_scratch.runs.training_run import DEFAULT_THREADS, TrainingRun
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.training import Diverged
from nn_from_scratch.web import limits
from nn_from_scratch.web.experiments import named
from nn_from_scratch.web.hub import Hub
from nn_from_scratch.web.inspection import Unit, drawing_part
from nn_from_scratch.web.live_run import LiveRun
from nn_from_scratch.web.start import Start, recipe_of_preset, start_from

Answer = TypeVar("Answer")

FRAME_SECONDS = 1 / 12  # between two frames: the eye can't follow more of them
FRAME_SHARE = 0.0125  # of the time, at most, is spent on frames: a large network or a slow machine shows fewer
RAREST_FRAME = 0.5  # seconds between two frames, at most, however long one takes
TILES_SECONDS = 2.0
SNAPSHOT_SECONDS = 2.0  # between two tests on the validation images, at least
SNAPSHOT_SHARE = 0.01  # of the time, at most, is spent on them
PACE_SECONDS = 0.5  # over which the steps per second are counted
PATIENCE = 60  # seconds that a question waits for its answer, at most

PAUSED, TRAINING, DIVERGED, FINISHED = "paused", "training", "diverged", "finished"


class Again(Exception):
    """Leave `fit`, and enter it again with the parts that have been replaced."""


class Trainer:
    """A network in training, between `with Trainer(…) as trainer` and the end of that block.

    Other threads call its methods only through `ask`: `trainer.ask(trainer.step, "batch")`. A method raises BadInput
    if it can't do what was asked. The same commands in the same order, while paused, always give the same network.
    """

    live: LiveRun
    state: str
    _single: str | None  # the kind of a single step that was asked for
    _one_epoch: bool  # pause when the epoch is over

    def __init__(
        self,
        dataset: Dataset,
        preset: str = limits.DEFAULT_PRESET,
        seed: int = 0,
        threads: int = DEFAULT_THREADS,
        hub: Hub | None = None,
        budget: limits.Budget = limits.WHOLE,
    ):
        self.dataset = dataset
        self.budget = budget
        self.threads = threads
        self.hub = hub or Hub()
        self.speed: float | None = None  # steps per second; None: as fast as possible
        self.epoch_target: int | None = None
        self.run_number = 0
        self.token = secrets.token_hex(8)  # a new one after a restart of the server, which forgets everything
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="trainer", daemon=True)
        self._ended = False
        self._took: deque[float] = deque([0.0], maxlen=8)  # seconds that the last frames took
        self._frame_due = self._tiles_due = self._snapshot_due = perf_counter()
        with threadpool_limits(threads):  # before the thread starts
            self._begin(Start(recipe_of_preset(preset, dataset), seed, preset))

    # ---- for other threads ----

    def __enter__(self) -> "Trainer":
        self._limits = threadpool_limits(self.threads)  # also for what is computed while the training is paused
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hub.close()
        with suppress(TimeoutError):
            self.ask(self._end)
        self._thread.join(PATIENCE)
        self._limits.restore_original_limits()

    def ask(self, method: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
        """Call a method in the trainer's thread, after the present step, and return its result."""
        future: Future[Answer] = Future()
        self._jobs.put((lambda: method(*arguments, **named), future))
        return future.result(PATIENCE)

    # ---- what the page can command ----

    def start(self) -> None:
        """Train until told otherwise."""
        self._refuse_when_over()
        self.state, self._one_epoch = TRAINING, False
        self._due = perf_counter()
        self._pace = (perf_counter(), self.run.progress.step, 0.0)
        self.publish(whole=True)

    def pause(self) -> None:
        if self.state == TRAINING:
            self.state = PAUSED
        self.publish(whole=True)

    def step(self, unit: str) -> None:
        """One step with a single example or with a batch, or the rest of an epoch.

        The next question is answered after the step. Only an epoch can be interrupted: it is a training that pauses
        when the epoch is over.
        """
        limits.one_of(unit, "unit", ("example", "batch", "epoch"))
        self._refuse_when_over()
        if unit == "epoch":
            self.start()
            self._one_epoch = True
        else:
            if unit == "example" and any(isinstance(layer, BatchNorm) for layer in self.run.network.layers):
                raise BadInput(
                    "this network has batch normalization, which takes the mean of a batch: step by one batch"
                )
            self.state, self._single = PAUSED, unit

    def rewind(self) -> None:
        """Back to the start: the same first weights, order of images, learning rate, batch size and optimizer."""
        self._begin(self.live.start)

    def restart(
        self,
        seed: int | None = None,
        preset: str | None = None,
        hidden: tuple[int, ...] | None = None,
        activation: str | None = None,
        **changes: Any,
    ) -> None:
        """A new network: from a preset or like the present one, with the parts that are given replaced."""
        before = self.live.start
        if preset:
            start = Start(recipe_of_preset(preset, self.dataset), 0, preset)
            if before.experiment:
                self.epoch_target = None  # it came from the experiment
        else:
            start = replace(before, recipe=self.recipe, snapshot=None, on_test=before.experiment is not None)
        if hidden is not None or activation is not None:
            start = replace(start, recipe=_stack(start.recipe, hidden, activation))
        recipe = start.recipe.override(**changes)
        is_preset = start.preset and recipe.layers == recipe_of_preset(start.preset, self.dataset).layers
        seed = secrets.randbelow(limits.SEED[1] + 1) if seed is None else seed
        self._begin(replace(start, recipe=recipe, seed=seed, preset=start.preset if is_preset else None))

    def begin_experiment(self, name: str, number: int = 0) -> None:
        """Prepare a run of an experiment. It waits for its start, and ends after the experiment's epochs."""
        experiment = named(name)
        if number >= len(experiment.runs):
            raise BadInput(f"run {number} of {name}: expected one below {len(experiment.runs)}")
        self.epoch_target = experiment.epochs
        self._begin(experiment.start(number))

    def learn_drawings(self, drawings: Split) -> None:
        """Learn from the visitor's drawings as well. A new training begins, with the present weights."""
        self._refuse_without_pad()
        if unknown := set(drawings.labels.tolist()) - set(self.recipe.classes):
            raise BadInput(f"label {min(unknown)}: expected one of {_words(self.recipe.classes)}")
        copied, most = (self.live.start.dataset or self.dataset).train.images.nbytes, self.budget.copied_bytes
        if most is not None and copied > most:
            raise BadInput(
                f"to learn from drawings takes a copy of all images, {copied / 1e6:.0f} MB: expected at most "
                f"{most / 1e6:.0f} MB for each of many trainings, as with --data digits"
            )
        snapshot = self.run.network.snapshot()
        self._begin(replace(self.live.start, recipe=self.recipe, snapshot=snapshot, drawings=drawings))

    def change(self, **settings: Any) -> None:
        """Change settings such as the learning rate or the speed, from the next step on and without a reset."""
        if "speed" in settings:
            self.speed, self._due = settings.pop("speed"), perf_counter()
        if "epoch_target" in settings:
            self.epoch_target = settings.pop("epoch_target")
            if self.state == FINISHED and not self._target_reached():
                self.state = PAUSED
        optimizer = self.run.optimizer
        self.live.change(**settings)
        self._leaving = self.run.optimizer is not optimizer  # fit keeps the one that it began with
        self.publish()

    def set_weight(self, layer: int, neuron: int, source: int, value: float) -> None:
        self.live.set_weight(Unit(layer, neuron), source, value)
        self.publish(whole=True)

    def show(self, kind: str, index: int | None = None, ink: np.ndarray | None = None, centre: bool = True) -> None:
        """Put an image on the stage: see stage.py. An empty drawing changes nothing."""
        if ink is not None:
            self._refuse_without_pad()
        try:
            self.live.show(kind, index, None if ink is None else prepare(ink, centre))
        except NothingDrawn:
            return
        self.publish()

    def adopt(self, saved: SavedNetwork) -> None:
        """Go on with a network from a file: it becomes the start, and the training waits."""
        self._begin(start_from(saved, Start(self.recipe, self.live.start.seed, None)))

    # ---- what the page can ask ----

    @property
    def run(self) -> TrainingRun:
        return self.live.run

    @property
    def recipe(self) -> Recipe:
        """The recipe as it is now: the page may have changed it since the start."""
        return self.live.recipe

    def description(self) -> dict[str, Any]:
        """The state, and everything else except the numbers that change with every step."""
        return {
            "run": self.run_number,
            "server": self.token,
            "state": self.state,
            "presets": limits.presets(),
            "menus": limits.menus(),
            "epoch_target": self.epoch_target,
            "speed": self.speed,
            "limits": limits.as_shown(),
            **self.live.description(),
        }

    def history(self, since: int = 0, run: int = 0) -> dict[str, Any]:
        """The learning curve from its point `since` on, and the validation curve.

        If `run` is not the present one, the page has missed its start and gets the whole curve.
        """
        since = since if run == self.run_number else 0
        return {
            "run": self.run_number,
            "from": since,
            "every": self.live.curve.every,
            "points": self.live.curve.points[since:],
            "validation": list(self.live.validation),
        }

    def frame(self) -> dict[str, Any]:
        """This moment, as the page shows it."""
        place = {"run": self.run_number, "state": self.state, "steps_per_second": self._steps_per_second()}
        return place | self.live.frame_part()

    def neuron(self, layer: int, neuron: int, row: int = 0, column: int = 0) -> dict[str, Any]:
        return {"run": self.run_number, **self.live.neuron(Unit(layer, neuron, row, column))}

    def weight(self, layer: int, neuron: int, source: int) -> dict[str, Any]:
        return {"run": self.run_number, **self.live.weight(Unit(layer, neuron), source)}

    def confusion_cell(self, actual: int, predicted: int) -> dict[str, Any]:
        """The images in a cell of the matrix that was last shown."""
        classes = len(self.recipe.classes)
        if max(actual, predicted) >= classes:
            raise BadInput(f"cell {actual}, {predicted}: expected numbers below {classes}")
        return self.live.snapshot.cell(actual, predicted)

    def guess(self, ink: np.ndarray, centre: bool) -> dict[str, Any]:
        self._refuse_without_pad()
        return drawing_part(self.run.network, self.recipe.classes, ink, centre, *self.run.called)

    def saved(self) -> SavedNetwork:
        return self.live.saved()

    # ---- what the page is shown without asking ----

    def publish(self, whole: bool = False) -> None:
        """Show this moment to all who watch; with `whole`, also the parts that are usually shown only now and then."""
        state = _json(self.description())
        if self.hub.newest.get("state", (0, ""))[1] != state:
            self.hub.publish("state", state)
        if self.hub.watchers:
            self._show(whole)

    def welcome(self) -> None:
        """Show this moment to a new watcher. While the training runs, a new snapshot has to wait its turn."""
        self._tiles_due = 0.0
        self.publish(whole=self.state != TRAINING)

    def open_tiles(self) -> None:
        """Show the tiles to a page that has just opened their panel. A running training shows them soon anyway."""
        if self.state != TRAINING:
            self._show_tiles()

    def _show(self, whole: bool = False) -> None:
        if (whole or perf_counter() >= self._snapshot_due) and self.live.snapshot.step != self.run.progress.step:
            self._take_snapshot()
        started = perf_counter()
        self.hub.publish("frame", _json(self.frame()))
        self._took.append(perf_counter() - started)
        if (whole or perf_counter() >= self._tiles_due) and self.hub.wants("tiles"):
            self._show_tiles()
        # Counted from now, so that a slow machine takes steps between two frames. The quickest of the last frames
        # counts, because the others were interrupted. A training with a limited speed has time to spare.
        pause = 0.0 if self.speed else min(min(self._took) / FRAME_SHARE, RAREST_FRAME)
        self._frame_due = perf_counter() + max(FRAME_SECONDS, pause)

    def _show_tiles(self) -> None:
        self.hub.publish("tiles", _json({"run": self.run_number, **self.live.tiles_part()}))
        self._tiles_due = perf_counter() + TILES_SECONDS

    def _take_snapshot(self) -> None:
        """Take a snapshot; the longer it takes, the rarer they become."""
        started = perf_counter()
        self.live.take_snapshot()
        now = perf_counter()
        self._snapshot_due = now + max(SNAPSHOT_SECONDS, (now - started) / SNAPSHOT_SHARE)

    def _steps_per_second(self) -> float:
        since, first, found = self._pace
        now, step = perf_counter(), self.run.progress.step
        if self.state != TRAINING:
            return 0.0
        if now - since >= PACE_SECONDS:
            found = round((step - first) / (now - since), 1)
            self._pace = (now, step, found)
        return found

    # ---- the thread ----

    def _work(self) -> None:
        while not self._ended:
            self._train()

    @np.errstate(all="ignore")  # the training detects an overflow; the page shows the numbers as they are
    def _train(self) -> None:
        """Train, and answer questions, until `fit` has to be left."""
        self._leaving = False
        with suppress(Again):
            try:
                for result in self.run.epochs(self._after_step):
                    self.live.after_epoch(result)
                    self._after_epoch()
                self.state = FINISHED
            except Diverged as problem:
                self.live.after_divergence(problem)
                self.state = DIVERGED
            self._single = None
            self.publish(whole=True)
            while True:
                self._serve(None)

    def _begin(self, start: Start) -> None:
        """Prepare a new training from this start. Raises BadInput if that is impossible; the present one then stays."""
        self.live = LiveRun(start, self.dataset, self.threads, self._next_size, self.budget)
        self.run_number += 1
        self.state, self._single, self._one_epoch = PAUSED, None, False
        self._due, self._pace = perf_counter(), (perf_counter(), 0, 0.0)
        self._leaving = True  # the fit of the previous training
        self.publish(whole=True)

    def _end(self) -> None:
        self._ended = self._leaving = True

    def _next_size(self) -> int:
        """The size of the next batch: `fit` waits here, before each step, as long as necessary."""
        if self._single:
            self._single = None
            self.publish(whole=True)
        while self._serve(self._seconds_to_wait()):
            if self._single == "example":
                self.live.stage.teaching = True
                return 1
            if self._single == "batch":
                return self._batch_size()
        self._due = perf_counter() + (1 / self.speed if self.speed else 0)
        return self._batch_size()

    def _serve(self, timeout: float | None) -> bool:
        """Answer the next question, if it comes within `timeout` seconds (None: at any time). False if none came."""
        try:
            job, future = self._jobs.get(timeout != 0, timeout)
        except queue.Empty:
            return False
        try:
            future.set_result(job())
        except Exception as problem:  # whatever it is, it goes to the one who asked: this thread must go on
            future.set_exception(problem)
        if self._leaving:
            raise Again
        return True

    def _seconds_to_wait(self) -> float | None:
        if self.state != TRAINING:
            return None
        return max(0.0, self._due - perf_counter()) if self.speed else 0.0

    def _after_step(self, step: int, loss: float) -> None:
        self.live.after_step(step, loss)
        # A frame that nobody waits for would be old by the time somebody takes it.
        is_due = "frame" in self.hub.awaited and perf_counter() >= self._frame_due
        if is_due and self.state == TRAINING and self.hub.watchers:
            self._show()

    def _after_epoch(self) -> None:
        if self._target_reached():
            self.state = FINISHED
        elif self._one_epoch and self.state == TRAINING:
            self.state = PAUSED
        if self.state != TRAINING:
            self.publish(whole=True)

    def _batch_size(self) -> int:
        return self.recipe.batch_size or len(self.run.learning)

    def _target_reached(self) -> bool:
        return self.run.progress.epoch >= (self.epoch_target or limits.EPOCHS)

    def _refuse_without_pad(self) -> None:
        if self.live.image != limits.MNIST:
            rows, columns = self.live.image
            raise BadInput(f"a drawing becomes an image of 28 × 28 pixels, but these have {rows} × {columns}")

    def _refuse_when_over(self) -> None:
        if self.state == DIVERGED:
            raise BadInput("the training has diverged: rewind or start again with a lower learning rate")
        if self._target_reached():
            raise BadInput(
                f"the training ended after epoch {self.run.progress.epoch}: raise the number of epochs to go on"
            )


def _stack(recipe: Recipe, hidden: tuple[int, ...] | None, activation: str | None) -> Recipe:
    """The recipe with other hidden Dense layers, or another activation after each; its last activation stays."""
    stack = dense_stack(recipe.layers)
    units = hidden if hidden is not None else stack.units[:-1] if stack else ()
    between = activation or (stack.activations[0] if stack and len(stack.units) > 1 else "relu")
    sizes = (prod(recipe.input_shape), *units, recipe.outputs)
    return recipe.override(sizes=sizes, activations=(between,) * len(units) + recipe.layers[-1:])


def _words(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)

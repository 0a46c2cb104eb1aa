"""A training run: a recipe at work on a data set, and everything that changes on the way.

What changes is kept in one place so that a run can be interrupted anywhere, written to a checkpoint and taken up again,
and in the end has learnt the same, to the bit, as if it had never been interrupted.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from threadpoolctl import threadpool_limits

from nn_from_scratch import json_files
from nn_from_scratch.data import Dataset
from nn_from_scratch.data.batches import matching
from nn_from_scratch.errors import BadInput
from nn_from_scratch.json_files import Wrong, array, arrays_in, check_format, check_kinds, numbers, object_in
from nn_from_scratch.presets import Recipe
from nn_from_scratch.training import Diverged, EpochResult, Progress, evaluate, fit, random_streams

FORMAT = "nn_from_scratch checkpoint"
FORMAT_VERSION = 1
# Two threads that wait for each other beside another program took two to six times as long as one, at any batch size.
DEFAULT_THREADS = 1
MOST_THREADS = 1024


@dataclass
class Best:
    """The parameters after the epoch with the highest validation accuracy; of equals, the earliest."""

    epoch: int
    accuracy: float
    parameters: np.ndarray


class TrainingRun:
    """Train `recipe` on a data set, of whose training images the last `validation` are held out.

    Matrix products run on `threads` threads of the BLAS library; another number rounds differently. Raises BadInput
    where the data don't fit the recipe.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, seed: int = 0, validation: int = 0, threads: int = DEFAULT_THREADS
    ):
        if not 1 <= threads <= MOST_THREADS:
            raise BadInput(f"threads {threads}: expected from 1 to {MOST_THREADS}")
        self.recipe = recipe
        self.threads = threads
        self.dataset = matching(dataset, recipe.sizes[:1], recipe.classes)
        self.seed = seed
        self.learning, self.validation = self.dataset.train.hold_out(validation)
        seeds = random_streams(seed)
        self.network = recipe.make_network(seeds.initialization)
        self.loss = recipe.make_loss()
        self.optimizer = recipe.make_optimizer()
        self.batches = recipe.make_batches(self.learning, seeds.shuffling)
        self.schedule = recipe.make_schedule(recipe.epochs * len(self.batches))
        self.progress = Progress()
        self.history: list[EpochResult] = []
        self.best: Best | None = None

    def epochs(self, on_step: Callable[[int, float], object] | None = None) -> Iterator[EpochResult]:
        """Train what is left of the recipe's epochs, and yield the result of each, as `fit` does."""
        threadpool_limits(self.threads)
        for result in fit(
            self.network,
            self.loss,
            self.optimizer,
            self.schedule,
            self.batches,
            self.recipe.epochs,
            self.validation,
            on_step,
            self.progress,
        ):
            self.history.append(result)
            accuracy = result.validation_accuracy
            if accuracy is not None and (self.best is None or accuracy > self.best.accuracy):
                self.best = Best(result.epoch, accuracy, self.network.parameters.copy())
            yield result

    @property
    def epochs_since_best(self) -> int:
        """How many epochs have gone by without a higher validation accuracy."""
        return self.progress.epoch - self.best.epoch if self.best else 0

    def swap_best(self) -> None:
        """Exchange the network's parameters with the best ones; a second call puts them back."""
        if self.best:
            present = self.network.parameters.copy()
            self.network.parameters[...] = self.best.parameters
            self.best.parameters = present

    def test(self) -> tuple[float, float]:
        """Loss and accuracy on the test images. Raises Diverged where the last steps have left no number of them."""
        loss, accuracy = evaluate(self.network, self.loss, self.dataset.test)
        if not isfinite(loss):
            raise Diverged(self.progress.step, self.progress.learning_rate, "the test loss is not a finite number")
        return loss, accuracy

    def record(self) -> dict[str, Any]:
        """What this run was asked to do: it decides what the network becomes."""
        data = {
            "name": self.dataset.name,
            "fingerprint": self.dataset.fingerprint(),
            "training_images": len(self.learning),
            "validation_images": len(self.validation),
        }
        return {"recipe": asdict(self.recipe), "seed": self.seed, "threads": self.threads, "data": data}


# ---- checkpoints ----


def save_checkpoint(run: TrainingRun, path: str | Path) -> None:
    """Write everything that it takes to go on, whole or not at all."""
    best = run.best and {**vars(run.best), "parameters": numbers(run.best.parameters)}
    checkpoint = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "run": run.record(),
        "progress": asdict(run.progress),
        "history": [list(result) for result in run.history],
        "best": best,
        "optimizer": {
            "steps": run.optimizer.steps,
            "state": {name: numbers(values) for name, values in run.optimizer.state.items()},
        },
        "layers": [
            {"state": {name: numbers(values) for name, values in layer.state().items()}} for layer in run.network.layers
        ],
        "parameters": numbers(run.network.parameters),
    }
    json_files.write(checkpoint, path)


def load_checkpoint(path: str | Path, load_data: Callable[[str], Dataset], epochs: int | None = None) -> TrainingRun:
    """The run in a checkpoint, ready to go on: for `epochs` in all, where that is given.

    `load_data` is called with the name of the data set. Raises BadInput for a file that is not a checkpoint of this
    version, and where the data are not those that the run began with.
    """
    with json_files.document(path) as checkpoint:
        check_format(checkpoint, "checkpoint", FORMAT, FORMAT_VERSION)
        record = object_in(checkpoint, "run", "the file")
        data = object_in(record, "data", "run")
        recipe = _recipe(object_in(record, "recipe", "run"), epochs)
        # Before a network is made: a small file must not be able to ask for a large one.
        size = sum((inputs + 1) * units for inputs, units in pairwise(recipe.sizes))
        parameters = array(checkpoint.get("parameters"), "parameters", np.dtype(np.float32), (size,))
        seed, threads = _count(record, "seed", "run"), _count(record, "threads", "run")
        validation = _count(data, "validation_images", "run.data")
        dataset = load_data(str(data.get("name")))
        try:
            run = TrainingRun(recipe, dataset, seed, validation, threads)
        except BadInput as problem:
            raise Wrong(f"run: {problem}") from None
        _refuse_other_data(data, run.record()["data"])
        run.network.parameters[...] = parameters
        _restore_progress(run, checkpoint)
        _restore_memory(run, checkpoint)
        return run


def _recipe(values: dict, epochs: int | None) -> Recipe:
    parts: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    check_kinds(parts, get_type_hints(Recipe), "run.recipe")
    try:
        recipe = Recipe(**parts)
        return replace(recipe, epochs=epochs) if epochs else recipe
    except BadInput as problem:
        raise Wrong(f"run.recipe: {problem}") from None


def _refuse_other_data(then: dict, now: dict) -> None:
    differences = [f"{name} was {then.get(name)!r} and is {now[name]!r}" for name in now if then.get(name) != now[name]]
    if differences:
        raise Wrong(f"this training began with other data: {'; '.join(differences)}")


def _restore_progress(run: TrainingRun, checkpoint: dict) -> None:
    progress, rows = object_in(checkpoint, "progress", "the file"), checkpoint.get("history")
    check_kinds(progress, get_type_hints(Progress), "progress")
    run.progress = Progress(**progress)
    if not isinstance(rows, list) or len(rows) != run.progress.epoch:
        raise Wrong(f"history: expected a list of {run.progress.epoch}, one for each epoch done")
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(EpochResult._fields):
            raise Wrong(f"history[{i}]: expected a list of {len(EpochResult._fields)}")
        run.history.append(EpochResult(*row))
        check_kinds(run.history[i]._asdict(), get_type_hints(EpochResult), f"history[{i}]")
    if run.progress.epoch > run.recipe.epochs:
        raise Wrong(f"progress.epoch: {run.progress.epoch} epochs are done, more than {run.recipe.epochs}")
    batches = run.progress.step - run.progress.epoch * len(run.batches)  # of the epoch under way
    seen = min(batches * run.batches.batch_size, len(run.learning))
    if not (0 <= batches <= len(run.batches) and run.progress.seen == seen >= run.progress.right >= 0):
        raise Wrong("progress: the numbers of epochs, steps and images don't fit each other")


def _restore_memory(run: TrainingRun, checkpoint: dict) -> None:
    size, dtype = run.network.parameters.shape, run.network.dtype
    optimizer = object_in(checkpoint, "optimizer", "the file")
    run.optimizer.steps = _count(optimizer, "steps", "optimizer")
    if run.optimizer.steps != run.progress.step:
        raise Wrong(f"optimizer.steps is {run.optimizer.steps}: expected {run.progress.step}, as in progress")
    remembered = {name: size for name in run.optimizer.remembers if run.optimizer.steps}
    run.optimizer.state = arrays_in(optimizer, "state", remembered, "optimizer", dtype)
    entries = checkpoint.get("layers")
    if not isinstance(entries, list) or len(entries) != len(run.network.layers):
        raise Wrong(f"layers: expected a list of {len(run.network.layers)}")
    for i, (layer, entry) in enumerate(zip(run.network.layers, entries, strict=True)):
        state = layer.state()
        shapes = {name: values.shape for name, values in state.items()}
        for name, values in arrays_in(entry, "state", shapes, f"layers[{i}]", dtype).items():
            state[name][...] = values
    if checkpoint.get("best") is not None:
        best = object_in(checkpoint, "best", "the file")
        check_kinds(best, get_type_hints(Best) | {"parameters": list}, "best")
        run.best = Best(**best | {"parameters": array(best["parameters"], "best.parameters", dtype, size)})
        if not 1 <= run.best.epoch <= run.progress.epoch:
            raise Wrong(f"best.epoch is {run.best.epoch}: expected one of the {run.progress.epoch} epochs done")


def _count(entry: dict, name: str, place: str) -> int:
    value = entry.get(name)
    if type(value) is not int or value < 0:
        raise Wrong(f"{place}.{name} is {value!r}: expected a whole number from 0 up")
    return value

"""A training run to and from a file, with everything that is needed to continue it with the same result to the byte."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_type_hints

import numpy as np

from nn_from_scratch.data import Dataset
from nn_from_scratch.data.dataset import ASKED
from nn_from_scratch.errors import BadInput
from nn_from_scratch.network import sizes
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.old_checkpoint import of_version_1
from nn_from_scratch.runs.training_run import Best, TrainingRun
from nn_from_scratch.storage import json_files
from nn_from_scratch.storage.json_files import (
    Wrong,
    arrays_in,
    check_format,
    check_kinds,
    object_in,
    packed,
    vector,
    with_tuples,
)
from nn_from_scratch.training import EpochResult, Progress

FORMAT = "nn_from_scratch checkpoint"
FORMAT_VERSION = 4
# 1: recipes with Dense layers only, layers without state; 2: numbers in lists, not in base64; 3: recipes without
# augmentation.
READ_VERSIONS = (1, 2, 3, 4)

LoadData = Callable[..., Dataset]  # with the arguments of load_dataset


class Recorded(Protocol):
    """An object with a record of its training."""

    def record(self) -> dict[str, Any]: ...


AnyRun = TypeVar("AnyRun", bound=Recorded)


def save_checkpoint(run: TrainingRun, path: str | Path) -> None:
    """Write everything that is needed to continue, in a complete file or none."""
    json_files.write(checkpoint_document(run), path)


def checkpoint_document(run: TrainingRun) -> dict[str, Any]:
    """Everything that is needed to continue."""
    network, optimizer = run.network, run.optimizer
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "run": run.record(),
        "progress": asdict(run.progress),
        "history": [list(result) for result in run.history],
        "best": run.best and vars(run.best) | {"snapshot": packed(run.best.snapshot)},
        "optimizer": {
            "steps": optimizer.steps,
            "state": {name: packed(values) for name, values in optimizer.state.items()},
        },
        "parameters": packed(network.parameters),
        "state": packed(network.state),
    }


def load_checkpoint(path: str | Path, load_data: LoadData, epochs: int | None = None) -> TrainingRun:
    """The run in a checkpoint, ready to continue; for `epochs` in all, if given.

    `load_data` is called with the arguments that load_dataset had. Raises BadInput for a file that is not a checkpoint,
    or has an unknown version, and for data that are not those of the run's start.
    """
    with json_files.document(path) as checkpoint:
        return run_in(checkpoint, load_data, epochs)


def run_in(
    checkpoint: Any, load_data: LoadData, epochs: int | None = None, make: Callable[..., TrainingRun] = TrainingRun
) -> TrainingRun:
    """The run in the document of a checkpoint, made by `make` (see TrainingRun). Raises Wrong, naming the place.

    The number of ranks must be the same, because other shares of a batch are rounded differently.
    """
    version = check_format(checkpoint, "checkpoint", FORMAT, READ_VERSIONS)
    if version == 1:
        checkpoint = of_version_1(checkpoint)
    record = object_in(checkpoint, "run", "the file")
    if version < 4:
        record = record | {"recipe": {"augmentation": []} | object_in(record, "recipe", "run")}
    recipe = recipe_in(record, epochs)
    # Check the sizes before the network is made: a small file must not make a large network.
    snapshot = _vectors(checkpoint, recipe)
    run = run_on_record(record, recipe, load_data, make)
    if (ranks := record.get("ranks", 1)) != run.ranks:
        raise Wrong(f"run.ranks is {ranks!r}, but {run.ranks} train together here: expected the same number")
    _restore_progress(run, checkpoint)
    _restore_memory(run, checkpoint)
    if run.best:
        _restore_network(run, run.best.snapshot, "best.snapshot: ")
    _restore_network(run, snapshot)
    return run


def run_on_record(record: dict, recipe: Recipe, load_data: LoadData, make: Callable[..., AnyRun]) -> AnyRun:
    """The run of a record, made by `make`, before its first step."""
    data = object_in(record, "data", "run")
    seed, threads = _count(record, "seed", "run"), _count(record, "threads", "run")
    validation = _count(data, "validation_images", "run.data")
    dataset = load_data(str(data.get("name")), **_test_set(data))
    try:
        run = make(recipe, dataset, seed, validation, threads)
    except BadInput as problem:
        raise Wrong(f"run: {problem}") from None
    _refuse_other_data(data, run.record()["data"])
    return run


def recipe_in(record: dict, epochs: int | None) -> Recipe:
    """The recipe of a record; for `epochs` in all, if given."""
    parts = with_tuples(object_in(record, "recipe", "run"))
    check_kinds(parts, get_type_hints(Recipe), "run.recipe")
    try:
        recipe = Recipe(**parts)
        return replace(recipe, epochs=epochs) if epochs else recipe
    except BadInput as problem:
        raise Wrong(f"run.recipe: {problem}") from None


def _vectors(checkpoint: dict, recipe: Recipe) -> np.ndarray:
    """The network's parameters and state, of exactly the sizes of the recipe's layers."""
    try:
        lengths = sizes(recipe.places())
    except BadInput as problem:
        raise Wrong(f"run.recipe: {problem}") from None
    return np.concatenate(
        [
            vector(checkpoint.get(name), name, np.dtype(np.float32), (length,))
            for name, length in zip(("parameters", "state"), lengths, strict=True)
        ]
    )


def _test_set(data: dict) -> dict[str, Any]:
    """The options of load_dataset beside the name of the data."""
    kinds = {name: kind for name, kind in ASKED.items() if name in data}
    asked = {name: data[name] for name in kinds}
    check_kinds(asked, kinds, "run.data")
    if not 0 < asked.get("test_fraction", 0.5) < 1:
        raise Wrong(f"run.data.test_fraction is {asked['test_fraction']}: expected a number between 0 and 1")
    return asked


def _refuse_other_data(then: dict, now: dict) -> None:
    differences = [f"{name} was {then.get(name)!r} and is {now[name]!r}" for name in now if then.get(name) != now[name]]
    if any(then.get(name) != now[name] for name in now.keys() - {"name", "test_data"}):  # the same data may have moved
        raise Wrong(f"this training began with other data: {'; '.join(differences)}")


def _restore_network(run: TrainingRun, snapshot: np.ndarray, place: str = "") -> None:
    run.network.restore(snapshot)
    try:
        run.network.check_state()
    except ValueError as problem:
        raise Wrong(f"{place}{problem}") from None


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
    if run.progress.step > (steps := run.schedule.total_steps):
        of_all = f"the {steps:,} of {run.recipe.epochs} epochs"
        raise Wrong(f"progress: {run.progress.step:,} steps are done, more than {of_all}")
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
    run.optimizer.state = arrays_in(optimizer, "state", remembered, "optimizer", dtype, vector)
    if checkpoint.get("best") is not None:
        best = object_in(checkpoint, "best", "the file")
        check_kinds(best, get_type_hints(Best) | {"snapshot": str | list}, "best")
        length = run.network.parameters.size + run.network.state.size
        run.best = Best(**best | {"snapshot": vector(best["snapshot"], "best.snapshot", dtype, (length,))})
        if not 1 <= run.best.epoch <= run.progress.epoch:
            raise Wrong(f"best.epoch is {run.best.epoch}: expected one of the {run.progress.epoch} epochs done")


def _count(entry: dict, name: str, place: str) -> int:
    value = entry.get(name)
    if type(value) is not int or value < 0:
        raise Wrong(f"{place}.{name} is {value!r}: expected a whole number from 0 up")
    return value

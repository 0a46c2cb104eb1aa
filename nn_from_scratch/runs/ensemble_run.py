"""The training of an ensemble: one recipe with several seeds, each member in a process of its own.

For the caller it is one training: it is interrupted, saved in one checkpoint and resumed as a whole. Each member
becomes the same network, to the bit, as if it were trained alone, however many are trained at the same time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.checkpoint import LoadData, checkpoint_document, recipe_in, run_in, run_on_record
from nn_from_scratch.runs.pool import Pool, Processes, Stopped, TaskStopped
from nn_from_scratch.runs.training_run import DEFAULT_THREADS, TrainingRun
from nn_from_scratch.storage import json_files
from nn_from_scratch.storage.json_files import MOST_PARAMETERS, Wrong, check_format, object_in
from nn_from_scratch.training import Diverged, EpochResult

FORMAT = "nn_from_scratch ensemble checkpoint"
FORMAT_VERSION = 1
MOST_MEMBERS = 100


@dataclass
class Member:
    """The known state of a member, which is trained in another process."""

    seed: int
    checkpoint: dict | None = None  # the latest; None: its training has not begun
    metrics: dict[str, float] = field(default_factory=dict)  # of its network, after the training


class Divergence(NamedTuple):
    """How a member's training failed, and the last finite parameters and state."""

    step: int
    learning_rate: float
    reason: str
    snapshot: np.ndarray


class Report(NamedTuple):
    """A report of a member's process: on an epoch, its checkpoint, or its end."""

    result: EpochResult | None = None
    checkpoint: dict | None = None
    metrics: dict[str, float] | None = None
    divergence: Divergence | None = None


@dataclass(frozen=True)
class Shared:
    """The things that all members share. They are sent to each process once."""

    recipe: Recipe
    dataset: Dataset
    validation: int
    threads: int
    patience: int | None = None
    checkpoint_every: int | None = None

    def begin(self, seed: int, checkpoint: dict | None) -> TrainingRun:
        """The training of a member at its checkpoint, or before its first step."""
        if not checkpoint:
            return TrainingRun(self.recipe, self.dataset, seed, self.validation, self.threads)
        return run_in(checkpoint, lambda *_, **__: self.dataset, self.recipe.epochs)

    def run(self, task: tuple[int, dict | None], stopped: Stopped) -> Iterator[Report]:
        """Train a member, given by its seed and its checkpoint, if it has one, to its end or until `stopped()`."""
        if stopped():
            return
        run = self.begin(*task)

        def on_step(step: int, loss: float) -> None:
            if stopped():
                raise TaskStopped

        results, every = run.epochs(on_step), self.checkpoint_every
        try:
            while not (self.patience and run.epochs_since_best >= self.patience) and (result := next(results, None)):
                due = every and result.epoch % every == 0
                yield Report(result, checkpoint_document(run) if due else None)
            with _best(run, bool(self.patience)):
                loss, accuracy = run.test()
        except TaskStopped:
            yield Report(checkpoint=checkpoint_document(run))
        except Diverged as problem:
            divergence = Divergence(problem.step, problem.learning_rate, problem.reason, run.network.snapshot())
            yield Report(divergence=divergence)
        else:
            metrics = {"test_accuracy": accuracy, "test_loss": loss, "training_loss": run.history[-1].loss}
            yield Report(checkpoint=checkpoint_document(run), metrics=metrics)


@contextmanager
def _best(run: TrainingRun, wanted: bool) -> Iterator[None]:
    """Within this block the network is the best one, if wanted."""
    if wanted:
        run.swap_best()
    yield
    if wanted:
        run.swap_best()


class EnsembleRun:
    """Train `recipe` with the seeds seed, seed + 1, …, and everything else as in a TrainingRun.

    Raises BadInput if the data don't fit the recipe, or if the members together are too large for a file.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        seed: int = 0,
        validation: int = 0,
        threads: int = DEFAULT_THREADS,
        members: int = 2,
    ):
        if not 2 <= members <= MOST_MEMBERS:
            raise BadInput(f"members {members}: expected from 2 to {MOST_MEMBERS}")
        self.like = TrainingRun(recipe, dataset, seed, validation, threads)  # the first member's run, at its start
        if (size := members * self.like.network.snapshot().size) > MOST_PARAMETERS:
            raise BadInput(f"members of {size:,} parameters in all are too many: expected at most {MOST_PARAMETERS:,}")
        self.shared = Shared(self.like.recipe, dataset, validation, threads)
        self.members = [Member(seed + i) for i in range(members)]

    def train(
        self,
        pool: Pool = Processes(1),  # noqa: B008 - it can't be changed
        patience: int | None = None,
        checkpoint_every: int | None = None,
        stopped: Stopped = lambda: False,
    ) -> Iterator[tuple[int, Report]]:
        """Train the rest of each member, and yield each report, with the member's index.

        With `patience`, a member ends after this many epochs without a higher validation accuracy, and its best network
        counts. When `stopped()` becomes true, each member in training ends with a checkpoint. Raises Diverged if a
        member diverges.
        """
        shared = replace(self.shared, patience=patience, checkpoint_every=checkpoint_every)
        tasks = [(member.seed, member.checkpoint) for member in self.members]
        for i, report in pool.told_by(shared.run, tasks, stopped):
            member = self.members[i]
            member.checkpoint = report.checkpoint or member.checkpoint
            member.metrics = report.metrics or member.metrics
            yield i, report
            if report.divergence:
                step, rate, reason, _ = report.divergence
                raise Diverged(step, rate, f"member {i + 1} (seed {member.seed}): {reason}")

    @property
    def trained(self) -> bool:
        """Whether all members are trained to their end."""
        return all(member.metrics for member in self.members)

    def run_of(self, member: Member) -> TrainingRun:
        """A member's training at its latest checkpoint."""
        return self.shared.begin(member.seed, member.checkpoint)

    def record(self) -> dict[str, Any]:
        """The record of this training; the seed is that of the first member."""
        return self.like.record()


# ---- its checkpoint ----


def save_ensemble_checkpoint(run: EnsembleRun, path: str | Path) -> None:
    """Write everything that is needed to continue, in a complete file or none."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "run": run.record(),
        "members": [member.checkpoint for member in run.members],
    }
    json_files.write(document, path)


def is_ensemble_checkpoint(document: Any) -> bool:
    return isinstance(document, dict) and document.get("format") == FORMAT


def ensemble_run_in(document: Any, load_data: LoadData, epochs: int | None = None) -> EnsembleRun:
    """The run in the document of a checkpoint. Raises Wrong, naming the member and the place in it."""
    check_format(document, "checkpoint of an ensemble", FORMAT, (FORMAT_VERSION,))
    record, entries = object_in(document, "run", "the file"), document.get("members")
    if not isinstance(entries, list):
        raise Wrong("members: expected a list of checkpoints, null for a member whose training had not begun")
    run = run_on_record(record, recipe_in(record, epochs), load_data, partial(EnsembleRun, members=len(entries)))
    for i, (member, entry) in enumerate(zip(run.members, entries, strict=True)):
        if entry is None:
            continue
        if object_in(entry, "run", f"members[{i}]") != record | {"seed": member.seed}:
            raise Wrong(f"members[{i}].run: expected that of the ensemble, with the seed {member.seed}")
        member.checkpoint = entry | {
            "run": run.record() | {"seed": member.seed}
        }  # it may have more epochs, and its data may have moved
        try:
            run.run_of(member)  # this checks all of it
        except Wrong as wrong:
            raise Wrong(f"members[{i}]: {wrong}") from None
    return run

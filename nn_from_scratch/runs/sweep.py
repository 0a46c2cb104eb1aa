"""Finding a learning rate, the hyper-parameter that decides whether the network learns anything at all.

The sweep trains the same recipe at several rates and compares the accuracy on images held out from training. It never
uses the test set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from nn_from_scratch.data.dataset import Split
from nn_from_scratch.randomness import random_streams
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.pool import Pool, Processes, Stopped, TaskStopped
from nn_from_scratch.training import Diverged, evaluate, fit

CURVE_POINTS = 20  # how often the accuracy is measured during a run


@dataclass(frozen=True)
class Run:
    """One training run of a sweep."""

    learning_rate: float
    seed: int
    steps: tuple[int, ...]  # after which the accuracy was measured; 0: before the first step
    accuracies: tuple[float, ...]  # on the held-out images
    diverged: bool  # the loss left the range of numbers, or ended above that of the untrained network

    @property
    def final_accuracy(self) -> float:
        return self.accuracies[-1]


def train_at(
    recipe: Recipe,
    learning_rate: float,
    seed: int,
    learning: Split,
    validation: Split,
    stopped: Stopped = lambda: False,
) -> Run:
    """Train a recipe with another learning rate, and measure the accuracy during it. Raises TaskStopped."""
    recipe = replace(recipe, learning_rate=learning_rate)
    seeds = random_streams(seed)
    network, loss = recipe.make_network(seeds.initialization), recipe.make_loss()
    batches = recipe.make_batches(learning, seeds.shuffling, augmentation_seed=seeds.augmentation)
    total_steps = recipe.epochs * len(batches)
    measured = np.unique(np.linspace(0, total_steps, CURVE_POINTS + 1).astype(int)).tolist()
    untrained_loss, accuracy = evaluate(network, loss, validation)
    results = [(0, untrained_loss, accuracy)]

    def measure(step: int, batch_loss: float) -> None:
        if stopped():
            raise TaskStopped
        if step in measured:
            results.append((step, *evaluate(network, loss, validation)))

    schedule = recipe.make_schedule(total_steps)
    try:
        for _ in fit(
            network, loss, recipe.make_optimizer(), schedule, batches, recipe.epochs, on_step=measure, noise=seeds.noise
        ):
            pass
        diverged = not results[-1][1] <= untrained_loss  # "not ≤" instead of ">", because it is true for NaN, too
    except Diverged:
        diverged = True
    steps, _, accuracies = zip(*results, strict=True)
    return Run(learning_rate, seed, steps, accuracies, diverged)


def sweep(
    recipe: Recipe,
    learning_rates: Sequence[float],
    seeds: Sequence[int],
    learning: Split,
    validation: Split,
    pool: Pool = Processes(1),  # noqa: B008 - it can't be changed
) -> Iterator[Run]:
    """Every rate with every seed; each run is yielded as soon as it ends. If the caller stops, the runs end."""
    work = Work(recipe, learning, validation)
    for _, run in pool.told_by(work.run, list(product(learning_rates, seeds))):
        yield run


@dataclass(frozen=True)
class Work:
    """The data and the recipe that all runs of a sweep share."""

    recipe: Recipe
    learning: Split
    validation: Split

    def run(self, task: tuple[float, int], stopped: Stopped) -> Iterator[Run]:
        """One BLAS thread per run: several would compete for the cores, and round differently."""
        with threadpool_limits(1):
            try:
                run = train_at(self.recipe, *task, self.learning, self.validation, stopped)
            except TaskStopped:
                return
        yield run


class RateSummary(NamedTuple):
    """All runs at one learning rate. The mean and the deviation leave out the diverged ones."""

    learning_rate: float
    runs: int
    diverged: int
    mean: float  # of the final accuracy; NaN if every run diverged
    deviation: float  # its sample standard deviation; NaN for a single run


class Sweep:
    """The runs of a sweep and their summary."""

    def __init__(self, runs: Sequence[Run]):
        self.runs = sorted(runs, key=lambda run: (run.learning_rate, run.seed))
        self.summaries = [self._summarize(rate) for rate in dict.fromkeys(run.learning_rate for run in self.runs)]
        # A rate that diverges for one seed is no good choice, however well it does for another.
        safe = [summary for summary in self.summaries if not summary.diverged]
        self.best = max(safe, key=lambda summary: summary.mean, default=None)

    def _summarize(self, rate: float) -> RateSummary:
        at_rate = [run for run in self.runs if run.learning_rate == rate]
        final = [run.final_accuracy for run in at_rate if not run.diverged]
        mean = float(np.mean(final)) if final else float("nan")
        deviation = float(np.std(final, ddof=1)) if len(final) > 1 else float("nan")
        return RateSummary(rate, len(at_rate), len(at_rate) - len(final), mean, deviation)

    def rows(self) -> Iterator[tuple]:
        """The numbers behind the figure: a header, then a row per measurement."""
        yield "learning_rate", "seed", "step", "validation_accuracy", "diverged"
        for run in self.runs:
            for step, accuracy in zip(run.steps, run.accuracies, strict=True):
                yield run.learning_rate, run.seed, step, accuracy, int(run.diverged)

    def conclusion(self) -> str:
        """A table of the rates, and the best one on the last line."""
        lines = [f"{'learning rate':>13}  {'validation accuracy':>20}  {'runs':>4}"]
        for rate, runs, diverged, mean, deviation in self.summaries:
            spread = f" ± {deviation:.2%}" if deviation >= 0 else ""
            score = "diverged" if diverged == runs else f"{mean:.2%}{spread}"
            note = f"  ({diverged} diverged)" if 0 < diverged < runs else ""
            lines.append(f"{rate:>13.4g}  {score:>20}  {runs:>4}{note}")
        if self.best:
            lines.append(f"best learning rate: {self.best.learning_rate:.4g}")
        else:
            lines.append("best learning rate: none of these, because at each rate a run diverged; try lower ones")
        return "\n".join(lines)

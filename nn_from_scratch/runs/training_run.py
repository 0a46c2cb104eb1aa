"""A training run: a recipe, a data set, and everything that changes during the training.

All changing parts are kept in one place. So a run can be interrupted anywhere, saved in a checkpoint and resumed, and
ends with the same network, to the bit, as an uninterrupted one.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.data.batches import Batches, matching
from nn_from_scratch.errors import BadInput
from nn_from_scratch.randomness import random_streams
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.training import Diverged, EpochResult, Progress, Step, counted_step, evaluate, fit

# With another program running, two threads, which wait for each other, took two to six times as long as one, at any
# batch size.
DEFAULT_THREADS = 1
MOST_THREADS = 1024

OnStep = Callable[[int, float], object]


@dataclass
class Best:
    """The network after the epoch with the highest validation accuracy; if several are equal, the earliest."""

    epoch: int
    accuracy: float
    snapshot: np.ndarray


class TrainingRun:
    """Train `recipe` on a data set. The last `validation` of its training images are held out.

    Matrix products run on `threads` threads of the BLAS library; another number rounds differently. If a layer divides
    its work among threads, it uses these threads, and each product has one. Raises BadInput if the data don't fit the
    recipe.
    """

    ranks = 1  # processes that train together: see data_parallel.py

    def __init__(
        self, recipe: Recipe, dataset: Dataset, seed: int = 0, validation: int = 0, threads: int = DEFAULT_THREADS
    ):
        if not 1 <= threads <= MOST_THREADS:
            raise BadInput(f"threads {threads}: expected from 1 to {MOST_THREADS}")
        self.recipe = recipe = recipe.for_data(dataset)
        self.labels = dataset.labels  # of the whole data set
        self.threads = threads
        self.dataset = matching(dataset, recipe.input_shape, recipe.classes)
        self.seed = seed
        self.learning, self.validation = self.dataset.train.hold_out(validation)
        self.streams = random_streams(seed)
        self.network = recipe.make_network(self.streams.initialization)
        for layer in self.network.layers:
            layer.threads = threads
        # Both together would be too many threads: a step took a quarter longer.
        self.blas_threads = 1 if any(layer.shares_out for layer in self.network.layers) else threads
        self.loss = recipe.make_loss()
        self.optimizer = recipe.make_optimizer()
        self.batches = self.make_batches()
        self.schedule = recipe.make_schedule(recipe.epochs * len(self.batches))
        self.progress = Progress()
        self.history: list[EpochResult] = []
        self.best: Best | None = None

    def make_batches(self) -> Batches:
        """The training images in mini-batches."""
        streams = self.streams
        return self.recipe.make_batches(self.learning, streams.shuffling, augmentation_seed=streams.augmentation)

    def fit(self, on_step: OnStep | None) -> Iterator[EpochResult]:
        """`fit` with the parts of this run."""
        return self._fit(on_step, self.validation, counted_step)

    def _fit(self, on_step: OnStep | None, validation: Split | None, step: Step) -> Iterator[EpochResult]:
        return fit(
            self.network,
            self.loss,
            self.optimizer,
            self.schedule,
            self.batches,
            self.recipe.epochs,
            validation,
            on_step,
            self.progress,
            self.streams.noise,
            step,
        )

    def epochs(self, on_step: OnStep | None = None) -> Iterator[EpochResult]:
        """Train the rest of the recipe's epochs, and yield the result of each, as `fit` does."""
        results = self.fit(on_step)
        while True:
            # The number of threads belongs to the whole process: between epochs the caller has its own number.
            with threadpool_limits(self.blas_threads):
                result = next(results, None)
            if not result:
                return
            self.history.append(result)
            accuracy = result.validation_accuracy
            if accuracy is not None and (self.best is None or accuracy > self.best.accuracy):
                self.best = Best(result.epoch, accuracy, self.network.snapshot())
            yield result

    @property
    def epochs_since_best(self) -> int:
        """The number of epochs since the highest validation accuracy."""
        return self.progress.epoch - self.best.epoch if self.best else 0

    def swap_best(self) -> None:
        """Exchange the present network with the best one; a second call restores it."""
        if self.best:
            present = self.network.snapshot()
            self.network.restore(self.best.snapshot)
            self.best.snapshot = present

    def test(self) -> tuple[float, float]:
        """Loss and accuracy on the test images. Raises Diverged if the loss is not finite after the last steps."""
        with threadpool_limits(self.blas_threads):
            loss, accuracy = evaluate(self.network, self.loss, self.dataset.test)
        if not isfinite(loss):
            raise Diverged(self.progress.step, self.progress.learning_rate, "the test loss is not a finite number")
        return loss, accuracy

    @property
    def called(self) -> tuple[tuple[str, ...], str]:
        """The names of the classes, in the order of the recipe's classes, and the word for a sample."""
        return self.dataset.class_names[: len(self.recipe.classes)], self.dataset.noun

    def record(self) -> dict[str, Any]:
        """The record of this run: everything that determines the network."""
        data = {
            "name": self.dataset.name,
            **self.dataset.test_set_asked_for(),
            "fingerprint": self.dataset.fingerprint(),
            "training_images": len(self.learning),
            "validation_images": len(self.validation),
        }
        return {"recipe": asdict(self.recipe), "seed": self.seed, "threads": self.threads, "data": data}

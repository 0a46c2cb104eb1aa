"""One network trained by several processes, each on its share of every batch: data parallelism.

The gradient of a batch is the mean of the gradients of its samples. So each process, a rank of MPI, takes some of the
samples, and one Allreduce, a sum that every rank receives, gives the gradient of the whole batch. From then on, all
ranks do the same, with parameters that are the same to the bit. Layers, network and optimizers need no changes: all of
this is in `DataParallelRun.step`.
"""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

import numpy as np
from mpi4py import MPI

from nn_from_scratch.data import Dataset
from nn_from_scratch.data.batches import Batches
from nn_from_scratch.losses import Loss
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import Optimizer
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.training_run import OnStep, TrainingRun
from nn_from_scratch.training import (
    BAD_STATISTIC,
    Diverged,
    EpochResult,
    Tally,
    divergence,
    evaluate,
    right_answers,
)


def share(n: int, rank: int, ranks: int) -> slice:
    """A rank's part of n samples. The sizes differ by at most one; with too few samples, some parts are empty."""
    return slice(n * rank // ranks, n * (rank + 1) // ranks)


class SharedBatches(Batches):
    """A rank's share of every batch. The order and the augmented images are the same as with one process."""

    def __init__(self, comm: MPI.Comm, *arguments: Any, **options: Any):
        self.comm = comm
        super().__init__(*arguments, **options)

    def batch(self, chosen: np.ndarray, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
        self.whole = len(chosen)  # samples of all ranks
        return super().batch(chosen[share(self.whole, self.comm.rank, self.comm.size)], epoch)


class DataParallelRun(TrainingRun):
    """A TrainingRun on all ranks of `comm`. Each rank makes an equal one, and all of them stay equal.

    With several ranks, two things differ from one process. Dropout: each rank has its own noise stream. BatchNorm: each
    share is normalized by its own mean and deviation, and the running statistics get the mean of those of all shares.
    """

    batches: SharedBatches

    def __init__(self, comm: MPI.Comm, recipe: Recipe, dataset: Dataset, *arguments: Any):
        self.comm = comm
        self.ranks = comm.size
        self.given = dataset
        super().__init__(recipe, dataset, *arguments)
        if self.ranks > 1:
            noise = self.streams.noise
            own = np.random.SeedSequence(noise.entropy, spawn_key=(*noise.spawn_key, comm.rank))
            self.streams = self.streams._replace(noise=own)
        network = self.network
        sizes = np.cumsum([network.gradients.size, network.state.size])
        self.vector = np.empty(sizes[-1] + 3, network.dtype)  # the sum over the ranks
        self.gradient, self.state, self.sums = np.split(self.vector, sizes)  # views of its parts
        self.wish: Callable[[], int] = lambda: 0  # the signal that asked this rank to end; 0: none
        self.ending = 0  # the signal that ends all ranks after the same step

    def make_batches(self) -> Batches:
        return self.recipe.make_batches(
            self.learning,
            self.streams.shuffling,
            augmentation_seed=self.streams.augmentation,
            make=lambda *arguments: SharedBatches(self.comm, *arguments),
        )

    @np.errstate(over="ignore", invalid="ignore")
    def step(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        learning_rate: float,
        x: np.ndarray,
        t: np.ndarray,
        noise: np.random.Generator | None = None,
    ) -> Tally:
        """A `train_step` of all ranks: x (n, *input_shape) is a share of the batch, the gradient that of all N samples.

        gradient = Σ n/N · (gradient of a share), and likewise the loss and the layers' running statistics.
        """
        number, n, N = optimizer.steps + 1, len(x), self.batches.whole
        value, right, before = 0.0, 0, network.state.copy()
        self.vector[...] = 0
        if n:
            if noise:
                network.draw(noise)
            p = network.forward(x, training=True)
            value, right = loss.value(p, t), right_answers(p, t)
            network.backward(loss, p, t)
            for layer in network.layers:
                layer.settle()
            self.gradient[...], self.state[...], self.sums[0] = network.gradients, network.state, value
            self.vector *= n / N
        self.sums[1:] = right, bool(self.wish())
        self.comm.Allreduce(MPI.IN_PLACE, self.vector)
        network.gradients[...], network.state[...] = self.gradient, self.state
        # All decisions from here on follow from the sums, so all ranks decide alike.
        total, right, ending = self.sums.tolist()
        if not (isfinite(total) and optimizer.step(network.parameters, network.gradients, learning_rate)):
            network.state[...] = before
            raise divergence(number, learning_rate, optimizer, self._where_not_finite(x, value))
        if not np.isfinite(network.state).all():
            network.state[...] = before
            raise Diverged(number, learning_rate, BAD_STATISTIC)
        if ending:
            self.ending = self.comm.allreduce(self.wish(), MPI.MAX)
        return Tally(total, int(right), N)

    def _where_not_finite(self, x: np.ndarray, value: float) -> str | None:
        """The first place in a forward pass where a rank finds such a number; else a place in the backward pass."""
        places = self.comm.allgather(self.network.where_not_finite(x, value) if len(x) else None)
        found = [place for place in places if place]
        return next((place for place in found if place.startswith("the output")), found[0] if found else None)

    def fit(self, on_step: OnStep | None) -> Iterator[EpochResult]:
        for result in self._fit(on_step, None, self.step):
            yield self._validated(result) if self.validation else result

    def _validated(self, result: EpochResult) -> EpochResult:
        """The result with the loss and the accuracy on the held-out images, of which each rank evaluates its share."""
        n, part = len(self.validation), share(len(self.validation), self.comm.rank, self.comm.size)
        sums = np.zeros(2)
        if mine := part.stop - part.start:
            loss, accuracy = evaluate(self.network, self.loss, self.validation.select(part))
            sums[...] = loss * mine, round(accuracy * mine)
        self.comm.Allreduce(MPI.IN_PLACE, sums)
        loss, right = sums.tolist()
        if not isfinite(loss):
            raise Diverged(
                self.progress.step, self.progress.learning_rate, "the validation loss is not a finite number"
            )
        return result._replace(validation_loss=loss / n, validation_accuracy=right / n)

    def record(self) -> dict[str, Any]:
        return super().record() | ({"ranks": self.ranks} if self.ranks > 1 else {})

"""The training loop: forward, backward, step, again and again.

`fit` is a generator. It prints nothing, draws nothing and saves nothing: whoever calls it does, between one epoch and
the next, and stops it by no longer asking.
"""

from collections.abc import Callable, Iterator
from math import isfinite
from time import perf_counter
from typing import NamedTuple

import numpy as np

from nn_from_scratch import metrics
from nn_from_scratch.data.batches import Batches, inputs, target_table
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.losses import Loss
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import Optimizer
from nn_from_scratch.schedules import Schedule


class RandomStreams(NamedTuple):
    """Independent sources of randomness from one seed: more noise does not change the first weights."""

    initialization: np.random.SeedSequence
    shuffling: np.random.SeedSequence
    noise: np.random.SeedSequence


def random_streams(seed: int) -> RandomStreams:
    """All the randomness of a training run."""
    return RandomStreams(*np.random.SeedSequence(seed).spawn(3))


class Diverged(ArithmeticError):
    """The loss is no longer a finite number: the steps were too long, and each made things worse."""

    def __init__(self, step: int, learning_rate: float):
        super().__init__(
            f"diverged at step {step}, at learning rate {learning_rate:g}: the loss is not a finite number"
        )
        self.step = step
        self.learning_rate = learning_rate


@np.errstate(over="ignore", invalid="ignore")  # what overflows makes the loss non-finite, and that is reported
def train_step(
    network: Network, loss: Loss, optimizer: Optimizer, learning_rate: float, x: np.ndarray, t: np.ndarray
) -> np.ndarray:
    """Learn from one batch and return p, the predictions before the update.

    Shapes: x (N, *input_shape); t and p (N, K).
    """
    p = network.forward(x, training=True)
    network.backward(loss, p, t)
    optimizer.step(network.parameters, network.gradients, learning_rate)
    return p


class EpochResult(NamedTuple):
    """What an epoch came to."""

    epoch: int  # epochs done, from 1
    step: int  # steps done since the start
    learning_rate: float  # of the last step
    loss: float  # mean over the epoch's batches, each taken before the step it led to
    accuracy: float  # likewise: the network was still improving while these were counted
    validation_loss: float | None  # after the epoch, on images it doesn't learn from
    validation_accuracy: float | None
    seconds: float  # spent learning in this epoch, validation not included


def fit(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    schedule: Schedule,
    batches: Batches,
    epochs: int,
    validation: Split | None = None,
    on_step: Callable[[int, float], object] | None = None,
) -> Iterator[EpochResult]:
    """Train for `epochs` passes over the training set and yield the result of each.

    `on_step(step, loss)` is called after each step, for a progress bar or a finer curve. Raises Diverged as soon as
    the loss is not a finite number.
    """
    step = 0
    for epoch in range(epochs):
        started = perf_counter()
        loss_sum, right, seen = 0.0, 0, 0
        for x, t in batches.epoch(epoch):
            learning_rate = schedule(step)
            p = train_step(network, loss, optimizer, learning_rate, x, t)
            step += 1
            with np.errstate(over="ignore"):  # as in train_step
                batch_loss = loss.value(p, t)
            if not isfinite(batch_loss):
                raise Diverged(step, learning_rate)
            loss_sum += batch_loss * len(x)
            right += int(np.count_nonzero(metrics.predicted_classes(p) == metrics.predicted_classes(t)))
            seen += len(x)
            if on_step:
                on_step(step, batch_loss)
        seconds = perf_counter() - started
        validation_loss, validation_accuracy = evaluate(network, loss, validation) if validation else (None, None)
        yield EpochResult(
            epoch + 1,
            step,
            learning_rate,
            loss_sum / seen,
            right / seen,
            validation_loss,
            validation_accuracy,
            seconds,
        )


def predict(network: Network, images: np.ndarray, batch_size: int = 1000) -> np.ndarray:
    """The outputs p for stored images, a slice at a time to keep memory small. (N, rows, columns) → (N, K)"""
    slices = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    return np.concatenate([network.forward(inputs(part, network.input_shape, network.dtype)) for part in slices])


@np.errstate(over="ignore", invalid="ignore")  # a network that has diverged has a loss that says so
def evaluate(network: Network, loss: Loss, split: Split) -> tuple[float, float]:
    """Loss and accuracy on a data set."""
    p = predict(network, split.images)
    t = target_table(p.shape[1], network.dtype)[split.labels]
    return loss.value(p, t), metrics.accuracy(metrics.predicted_classes(p), split.labels)

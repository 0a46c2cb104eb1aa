"""The training loop: forward, backward, step, again and again.

`fit` is a generator. It prints nothing, draws nothing and saves nothing. The caller can do this after each epoch, and
can stop the training by leaving the loop.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, nan, prod
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data.batches import Batches, inputs, targets
from nn_from_scratch.data.dataset import Split, check_split
from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.losses import Loss
from nn_from_scratch.metrics import accuracy
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import Optimizer
from nn_from_scratch.randomness import Seed, numbered
from nn_from_scratch.schedules import Schedule

BAD_STATISTIC = "a statistic that a layer keeps of its inputs is not a finite number"


class Diverged(ArithmeticError):
    """The loss grew from step to step, until the numbers overflowed. The parameters are the last finite ones."""

    def __init__(self, step: int, learning_rate: float, reason: str):
        super().__init__(f"diverged at step {step}, at learning rate {learning_rate:g}: {reason}")
        self.step = step
        self.learning_rate = learning_rate
        self.reason = reason


@np.errstate(over="ignore", invalid="ignore")  # an overflow is found and reported as divergence
def train_step(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    learning_rate: float,
    x: np.ndarray,
    t: np.ndarray,
    noise: np.random.Generator | None = None,
) -> tuple[np.ndarray, float]:
    """Learn from one batch. Returns the predictions p and their loss, both from before the update.

    Shapes: x (N, *input_shape); t and p (N, K). With `noise`, the layers first draw their noise from it; without, they
    use the noise that they drew last. Raises Diverged if a number is not finite. The network keeps finite numbers: if
    the loss or the step is not finite, the parameters stay as they are.
    """
    step = optimizer.steps + 1
    if noise:
        network.draw(noise)
    p = network.forward(x, training=True)
    value = loss.value(p, t)
    network.backward(loss, p, t)
    if not (isfinite(value) and optimizer.step(network.parameters, network.gradients, learning_rate)):
        raise divergence(step, learning_rate, optimizer, network.where_not_finite(x, value))
    if not network.settle():
        raise Diverged(step, learning_rate, BAD_STATISTIC)
    return p, value


def divergence(step: int, learning_rate: float, optimizer: Optimizer, place: str | None) -> Diverged:
    """The reason why a step can't be taken: a number at `place` is not finite, or the step itself is too long."""
    if not place and learning_rate * optimizer.weight_decay >= 2:
        reason = f"a weight decay of {optimizer.weight_decay:g} times this rate does not shrink parameters any more"
        return Diverged(step, learning_rate, reason)
    return Diverged(step, learning_rate, f"{place or 'the length of the step'} is not a finite number")


class Tally(NamedTuple):
    """The result of a step, before the update."""

    loss: float  # the mean over the batch
    right: int  # answers
    seen: int  # samples


def counted_step(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    learning_rate: float,
    x: np.ndarray,
    t: np.ndarray,
    noise: np.random.Generator | None = None,
) -> Tally:
    """A `train_step`, and how many of the predictions were right."""
    p, value = train_step(network, loss, optimizer, learning_rate, x, t, noise)
    return Tally(value, right_answers(p, t), len(x))


Step = Callable[..., Tally]  # called like counted_step


def right_answers(p: np.ndarray, t: np.ndarray) -> int:
    """How many of the predictions name the class of their target."""
    return int(np.count_nonzero(predicted_classes(p) == predicted_classes(t)))


class EpochResult(NamedTuple):
    """The results of an epoch."""

    epoch: int  # epochs done, from 1
    step: int  # steps done since the start
    learning_rate: float  # of the last step
    loss: float  # mean over the epoch's batches, each computed before its step
    accuracy: float  # likewise: counted while the network was still improving; NaN without classes
    validation_loss: float | None  # after the epoch, on images it doesn't learn from
    validation_accuracy: float | None
    seconds: float  # of training in this epoch, without validation


@dataclass
class Progress:
    """How far a training has come. With the parameters and the optimizer's memory, this is enough to continue later."""

    epoch: int = 0  # epochs done and reported
    step: int = 0  # steps done, including those of the present epoch
    learning_rate: float = 0.0  # of the last step
    loss_sum: float = 0.0  # over the samples of the present epoch, like the two below
    right: int = 0
    seen: int = 0
    seconds: float = 0.0


def fit(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    schedule: Schedule,
    batches: Batches,
    epochs: int,
    validation: Split | None = None,
    on_step: Callable[[int, float], object] | None = None,
    progress: Progress | None = None,
    noise: Seed = 0,
    step: Step = counted_step,
) -> Iterator[EpochResult]:
    """Train until `epochs` passes over the training set are done, and yield the result of each.

    `on_step(step, loss)` is called after each step, for a progress bar or a finer curve. It can raise an exception to
    stop the training. `progress` is kept up to date. With the progress, network and optimizer of an earlier training,
    `fit` continues where that training stopped, and ends with the same bytes as without the interruption. The noise of
    a step follows from the stream `noise` and the step's number. `step` makes the step of a batch; it is called like
    `counted_step`. Raises Diverged.
    """
    _check_parts(network=network, loss=loss, optimizer=optimizer, schedule=schedule, batches=batches)
    network.check_views()
    progress = progress or Progress()
    noisy, has_classes = network.noisy, batches.split.has_classes
    while progress.epoch < epochs:
        started = perf_counter() - progress.seconds
        for x, t in batches.epoch(progress.epoch, start=progress.step - progress.epoch * len(batches)):
            progress.learning_rate = schedule(progress.step)
            rng = numbered(noise, progress.step) if noisy else None
            batch_loss, right, seen = step(network, loss, optimizer, progress.learning_rate, x, t, rng)
            progress.step += 1
            progress.loss_sum += batch_loss * seen
            progress.right += right if has_classes else 0
            progress.seen += seen
            progress.seconds = perf_counter() - started
            if on_step:
                try:
                    on_step(progress.step, batch_loss)
                except Exception:  # the training ends here, and its progress will be saved
                    _check_memory(network, optimizer, progress)
                    raise
        network.check_views()
        _check_memory(network, optimizer, progress)
        yield _finish_epoch(network, loss, validation, progress, has_classes)


def _check_parts(**parts: object) -> None:
    """Raise TypeError for a part of the wrong type, such as a number instead of a schedule."""
    expected: dict[str, tuple[Any, str]] = {
        "network": (Network, "Network([Dense(10)], (784,), seed=0)"),
        "loss": (Loss, "CrossEntropy()"),
        "optimizer": (Optimizer, "Adam()"),
        "schedule": (Callable, "Constant(0.01)"),
        "batches": (Batches, "Batches(split, 64, (784,), outputs=10, seed=0)"),
    }
    for name, (kind, example) in expected.items():
        if isinstance(parts[name], type) or not isinstance(parts[name], kind):
            raise TypeError(f"{name}: expected one such as {example}, not {parts[name]!r}")


def _check_memory(network: Network, optimizer: Optimizer, progress: Progress) -> None:
    """Raise Diverged if the optimizer's memory has overflowed. Its steps may not show this.

    Adam divides by the root of its sum of squares. If this sum is infinite, Adam's steps are 0, and nothing is learnt.
    """
    for name, memory in optimizer.state.items():
        finite = np.isfinite(memory)
        if not finite.all():
            place = network.layer_of(int(finite.argmin()))
            reason = f"the optimizer's {name.replace('_', ' ')} for {place} is not a finite number"
            raise Diverged(progress.step, progress.learning_rate, reason)


def _finish_epoch(
    network: Network, loss: Loss, validation: Split | None, progress: Progress, has_classes: bool
) -> EpochResult:
    validation_loss, validation_accuracy = evaluate(network, loss, validation) if validation else (None, None)
    if validation_loss is not None and not isfinite(validation_loss):
        raise Diverged(progress.step, progress.learning_rate, "the validation loss is not a finite number")
    result = EpochResult(
        epoch=progress.epoch + 1,
        step=progress.step,
        learning_rate=progress.learning_rate,
        loss=progress.loss_sum / progress.seen,
        accuracy=progress.right / progress.seen if has_classes else nan,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        seconds=progress.seconds,
    )
    progress.epoch += 1
    progress.loss_sum, progress.right, progress.seen, progress.seconds = 0.0, 0, 0, 0.0
    return result


def predict(network: Network | Ensemble, images: np.ndarray) -> np.ndarray:
    """The outputs p for stored images, a slice at a time to keep memory small. (N, rows, columns) → (N, K)"""
    if isinstance(network, Ensemble):  # each member gets the same slices as it would alone, so the rounding is the same
        return network.mean([predict(member, images) for member in network.members])
    batch_size = images_at_once(network)
    slices = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    return np.concatenate([network.forward(inputs(part, network.input_shape, network.dtype)) for part in slices])


def images_at_once(network: Network) -> int:
    """A thousand images, or fewer, so that no layer's output exceeds 4 MB and it stays in the processor's cache."""
    return min(1000, 1 + 10**6 // max(prod(place.output_shape) for place in network.places))


@np.errstate(over="ignore", invalid="ignore")  # the loss of a diverged network shows it
def evaluate(network: Network | Ensemble, loss: Loss, split: Split) -> tuple[float, float]:
    """Loss and accuracy on a data set. Without classes, the accuracy is NaN."""
    check_split(split)
    p = predict(network, split.images)
    different, which = targets(split.labels, p.shape[1], network.dtype)
    right = accuracy(predicted_classes(p), split.labels) if split.has_classes else nan
    return loss.value(p, different[which]), right

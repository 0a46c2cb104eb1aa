"""The work as a user of nn_from_scratch runs it: a step, an epoch, predictions. Compare pytorch.py and scikit_learn.py.

Every function takes a recipe and data and returns the function to be timed.
"""

from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from nn_from_scratch import Batches, Network, Recipe, Split, fit, predict, train_step

Worked = TypeVar("Worked")


def step(recipe: Recipe, split: Split, threads: int = 1) -> Callable[[], float]:
    """Gather a batch, learn from it, and return the loss."""
    network, loss, optimizer = recipe.make_network(0), recipe.make_loss(), recipe.make_optimizer()
    stream = endless(recipe.make_batches(split, 0))

    def step() -> float:
        x, t = next(stream)
        return train_step(network, loss, optimizer, recipe.learning_rate, x, t)[1]

    return _on(threads, network, step)


def endless(batches: Batches) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of one epoch after the other."""
    return chain.from_iterable(map(batches.epoch, count()))


def epoch(recipe: Recipe, split: Split, threads: int = 1) -> Callable[[], object]:
    """One round of `fit`: mean loss and accuracy of a pass over all images."""
    network, loss, optimizer = recipe.make_network(0), recipe.make_loss(), recipe.make_optimizer()
    batches = recipe.make_batches(split, 0)
    schedule = recipe.make_schedule(len(batches))
    return _on(threads, network, lambda: next(fit(network, loss, optimizer, schedule, batches, epochs=1)))


def predictions(recipe: Recipe, split: Split, threads: int = 1) -> Callable[[], np.ndarray]:
    """The outputs for all images, from bytes to probabilities."""
    network = recipe.make_network(0)
    return _on(threads, network, lambda: predict(network, split.images))


def _on(threads: int, network: Network, work: Callable[[], Worked]) -> Callable[[], Worked]:
    """The work on this number of threads, as in a TrainingRun: threads of the BLAS library, which the caller has
    limited, or of the layers that share their work.
    """
    if not any(layer.shares_out for layer in network.layers):
        return work
    for layer in network.layers:
        layer.threads = threads
    libraries = ThreadpoolController()

    def alone() -> Worked:
        with libraries.limit(limits=1, user_api="blas"):
            return work()

    return alone

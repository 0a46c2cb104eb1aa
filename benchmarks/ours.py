"""What a user of nn_from_scratch runs: a step, an epoch, predictions. Beside pytorch.py and scikit_learn.py.

Every function takes a recipe and data and returns the function to be timed.
"""

from collections.abc import Callable, Iterator
from itertools import chain, count

import numpy as np

from nn_from_scratch import Batches, Network, Recipe, Split, fit, predict, train_step


def step(recipe: Recipe, split: Split, threads: int = 1) -> Callable[[], float]:
    """Gather a batch, learn from it, and return the loss."""
    network, loss, optimizer = _network(recipe, threads), recipe.make_loss(), recipe.make_optimizer()
    stream = endless(recipe.make_batches(split, 0))

    def step() -> float:
        x, t = next(stream)
        return train_step(network, loss, optimizer, recipe.learning_rate, x, t)[1]

    return step


def endless(batches: Batches) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of one epoch after the other."""
    return chain.from_iterable(map(batches.epoch, count()))


def epoch(recipe: Recipe, split: Split, threads: int = 1) -> Callable[[], object]:
    """One round of `fit`: mean loss and accuracy of a pass over all images."""
    network, loss, optimizer = _network(recipe, threads), recipe.make_loss(), recipe.make_optimizer()
    batches = recipe.make_batches(split, 0)
    schedule = recipe.make_schedule(len(batches))
    return lambda: next(fit(network, loss, optimizer, schedule, batches, epochs=1))


def predictions(recipe: Recipe, split: Split, threads: int = 1) -> Callable[[], np.ndarray]:
    """The outputs for all images, from bytes to probabilities."""
    network = _network(recipe, threads)
    return lambda: predict(network, split.images)


def _network(recipe: Recipe, threads: int) -> Network:
    """The recipe's network, whose layers share rows of images out among the threads, as in a training."""
    network = recipe.make_network(0)
    for layer in network.layers:
        layer.threads = threads
    return network

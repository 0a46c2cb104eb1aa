"""Finding a learning rate in a single short run.

The range test raises the rate step by step, and finds the rate at which the loss falls fastest and the one at which it
begins to rise. It never uses the test set.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, count, islice

import numpy as np

from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.randomness import numbered, random_streams
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.training import Diverged, train_step


class RangeTest:
    """The loss while the rate rises from step to step, smoothed, and two suggested rates. (After Smith, 2017)

    Raises BadInput if the loss never fell, because then there is no suggestion.
    """

    def __init__(self, learning_rates: Sequence[float], losses: Sequence[float]):
        self.learning_rates = np.array(learning_rates)
        self.losses = np.array(losses)
        self.smoothed = smooth(losses)
        until_lowest = int(np.nanargmin(self.smoothed)) + 1
        if until_lowest < 3:
            raise BadInput(f"the loss never fell from the learning rate {learning_rates[0]:g} on: start lower")
        slope = np.gradient(self.smoothed[:until_lowest], np.log(self.learning_rates[:until_lowest]))
        slope[: until_lowest // 5] = 0  # the mean of the first few losses is still noisy
        self.steepest = float(self.learning_rates[slope.argmin()])  # the loss falls fastest: a good first try
        self.highest = float(self.learning_rates[until_lowest - 1] / 10)  # well below the rate at which the loss turned

    def rows(self) -> Iterator[tuple]:
        """The numbers behind the figure: a header, then a row per step."""
        yield "learning_rate", "loss", "smoothed_loss"
        yield from zip(self.learning_rates.tolist(), self.losses.tolist(), self.smoothed.tolist(), strict=True)

    def conclusion(self) -> str:
        """The two suggestions, and their limits."""
        return (
            f"the loss falls fastest at {self.steepest:.2g}; a tenth of the rate with the lowest loss is "
            f"{self.highest:.2g}\n"
            "Either is a rate to begin with, found in a few steps from the first weights. With a schedule that warms "
            "up\nor ends at zero, a rate several times as high can be best. A sweep shows it: it trains to the end at "
            "each rate.\n"
            f"suggested learning rate: {min(self.steepest, self.highest):.2g}"
        )


def smooth(losses: Sequence[float], inertia: float = 0.9) -> np.ndarray:
    """A running mean over about the last 1 / (1 − inertia) values, corrected for its start at zero, as in Adam."""
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average += (1 - inertia) * (loss - average)
        smoothed.append(average / (1 - inertia**step))
    return np.array(smoothed)


def range_test(recipe: Recipe, learning_rates: Sequence[float], seed: int, learning: Split) -> RangeTest:
    """Train for a moment at each of the rising rates, and stop when the loss is four times its lowest value.

    At each rate it takes one step, or as many as are needed for 64 images, because the loss of a single image means
    little. It trains a network of its own, which is thrown away.
    """
    seeds = random_streams(seed)
    network, loss, optimizer = recipe.make_network(seeds.initialization), recipe.make_loss(), recipe.make_optimizer()
    batches = recipe.make_batches(learning, seeds.shuffling, augmentation_seed=seeds.augmentation)
    stream = chain.from_iterable(map(batches.epoch, count()))
    steps = -(-64 // batches.batch_size)
    if not (np.diff(learning_rates) > 0).all():
        raise BadInput("learning rates for a range test: expected rates in rising order")
    losses: list[float] = []
    for rate in learning_rates:
        rng = numbered(seeds.noise, len(losses))
        try:
            values = [train_step(network, loss, optimizer, rate, x, t, rng)[1] for x, t in islice(stream, steps)]
        except Diverged:
            break
        losses.append(sum(values) / steps)
        smoothed = smooth(losses)
        if smoothed[-1] > 4 * smoothed.min():
            break
    return RangeTest(learning_rates[: len(losses)], losses)

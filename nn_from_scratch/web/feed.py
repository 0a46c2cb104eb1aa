"""Batches for a training that is steered while it runs: the size of each is decided when it is taken."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn_from_scratch.data.batches import Batches


class LiveBatches(Batches):
    """As Batches, and with a constant size the very same; but `next_size()` is asked for the size of every batch.

    It keeps its own place in the epoch, as steps of different sizes can't be counted, and goes on there when the
    training is taken up again. `example` is the index of the last image of the newest batch.
    """

    def __init__(self, *arguments: Any, next_size: Callable[[], int]):
        super().__init__(*arguments)
        self.next_size = next_size
        self.example = 0
        self._epoch = -1
        self._taken = 0

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if number != self._epoch:
            self._epoch, self._taken = number, 0
        order = self.order(number)
        while self._taken < len(order):
            size = self.next_size()
            chosen = order[self._taken : self._taken + size]
            self._taken += len(chosen)
            self.example = int(chosen[-1])
            yield self.batch(chosen, number)

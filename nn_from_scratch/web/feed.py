"""Batches for a training that is controlled while it runs: the size of a batch is decided when it is taken."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn_from_scratch.data.batches import Batches


class LiveBatches(Batches):
    """Like Batches, but `next_size()` gives the size of each batch. With a constant size, the batches are the same.

    It counts the images of the epoch itself, because batches of different sizes can't be counted in steps, and goes on
    there when the training resumes. `newest` holds the indices of the newest batch; `before_batch()` is called when
    they are known, before the network learns from the batch. With labels as `sorted_by`, every epoch has the images
    sorted by these labels.
    """

    def __init__(
        self,
        *arguments: Any,
        next_size: Callable[[], int],
        before_batch: Callable[[], None] = lambda: None,
        sorted_by: np.ndarray | None = None,
    ):
        super().__init__(*arguments)
        self.next_size = next_size
        self.before_batch = before_batch
        self.newest = np.zeros(1, int)
        self._sorted = None if sorted_by is None else np.argsort(sorted_by, kind="stable")
        self._epoch = -1
        self._taken = 0

    def order(self, number: int) -> np.ndarray:
        return super().order(number) if self._sorted is None else self._sorted

    @property
    def example(self) -> int:
        """The index of the last image of the newest batch."""
        return int(self.newest[-1])

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if number != self._epoch:
            self._epoch, self._taken = number, 0
        order = self.order(number)
        while self._taken < len(order):
            size = self.next_size()
            chosen = order[self._taken : self._taken + size]
            self._taken += len(chosen)
            self.newest = chosen
            self.before_batch()
            yield self.batch(chosen, number)

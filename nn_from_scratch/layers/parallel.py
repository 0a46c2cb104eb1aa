"""Rows of images shared out among threads.

NumPy lets other threads run while it computes. A row of outputs takes so long that Python's share is small. Each row is
computed by itself, so the results are the same for every number of threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise


def share_out(rows: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Call work(first, last) on stretches of range(rows), one for each thread, and wait until all are done."""
    stretches = list(pairwise(rows * i // threads for i in range(threads + 1)))
    others = [_pool(threads).submit(work, *stretch) for stretch in stretches[1:]]
    work(*stretches[0])
    for other in others:
        other.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads are kept, because starting one takes as long as a few rows."""
    return ThreadPoolExecutor(threads - 1, "rows")

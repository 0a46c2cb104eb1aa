"""A contender in its own process: a library whose number of threads can be set only before it starts.

The process may use only as many cores as threads, because JAX has other threads besides those that multiply. It times
the calls itself, so that requesting them costs nothing, and reports the time that they took on all its cores together.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from time import perf_counter, process_time
from typing import Any


class Elsewhere:
    """The result of `module.make(*arguments)`, made and called in the process for this number of threads.

    The process keeps one such object: the next one replaces it.
    """

    def __init__(self, threads: int, module: str, make: str, *arguments: Any):
        self.threads = threads
        self.wall = self.processor = 0.0
        self.made = call(threads, __name__, "_keep", module, make, arguments)

    def seconds(self, calls: int) -> float:
        """The time of this many calls."""
        wall, processor = call(self.threads, __name__, "_run", self.made, calls)
        self.wall += wall
        self.processor += processor
        return wall

    @property
    def cores(self) -> float:
        """The mean number of cores at work. If it is more than `threads`, the limit was not kept."""
        return self.processor / self.wall


def call(threads: int, module: str, function: str, *arguments: Any) -> Any:
    """The result of a function in the process for this number of threads."""
    return _process(threads).submit(_call, module, function, arguments).result()


_processes: dict[int, ProcessPoolExecutor] = {}  # by their number of threads


def _process(threads: int) -> ProcessPoolExecutor:
    if threads not in _processes:
        _processes[threads] = ProcessPoolExecutor(1, get_context("spawn"), limit_threads, (threads,))
    return _processes[threads]


def end() -> None:
    """End all these processes. The next call begins a new one."""
    while _processes:
        _processes.popitem()[1].shutdown()


def limit_threads(number: int) -> None:
    """Limit this process to this number of threads. JAX must not have been imported yet."""
    if number == 1:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-number:])


# ---- in that process ----

_kept: list[Callable[[], object]] = []


def _call(module: str, function: str, arguments: tuple) -> Any:
    return getattr(import_module(module), function)(*arguments)


def _keep(module: str, make: str, arguments: tuple) -> int:
    _kept[:] = [_call(module, make, arguments)]
    _kept[0]()  # compilers work at the first call
    return id(_kept[0])


def _run(made: int, calls: int) -> tuple[float, float]:
    (function,) = _kept
    if id(function) != made:
        raise RuntimeError("something else has been made in this process since")
    wall, processor = perf_counter(), process_time()
    for _ in range(calls):
        function()
    return perf_counter() - wall, process_time() - processor

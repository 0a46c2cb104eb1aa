"""Tasks done at the same time, for a sweep and for an ensemble: in processes of this machine, or on others.

The data that all tasks share are sent to each process once. The caller gets the reports of each task while it runs, and
its errors. When the process that started the others ends, they end, too. Other machines: cluster.py.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from threading import Thread
from traceback import format_exc
from typing import Any, Protocol, TypeVar

from nn_from_scratch.errors import WorkersLost

Task = TypeVar("Task")
Told = TypeVar("Told")
Stopped = Callable[[], bool]  # whether the tasks should end
SECONDS = 0.1  # after which `stopped` is called again if no process has reported

# Ctrl-C and a closed terminal send signals to every process; the first one decides what to do.
ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


class TaskStopped(Exception):
    """Raised in a task to end it after it was told to stop."""


class Pool(Protocol):
    """The processes that do the tasks."""

    def told_by(
        self, run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], stopped: Stopped = lambda: False
    ) -> Iterator[tuple[int, Told]]:
        """Call `run(task, stopped)` for every task, and yield the reports of each, in order, with the task's index.

        `run` is sent to the processes: a method of an object that holds the data that all tasks share. When `stopped()`
        becomes true, the `stopped` of the tasks does, too; a task can then report its state and end. If the caller
        stops iterating, the tasks end. Raises WorkersLost if no process is left to do them.
        """
        ...


@dataclass(frozen=True)
class Processes:
    """`jobs` processes of this machine; for one job, it is this process."""

    jobs: int = 1

    def told_by(
        self, run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], stopped: Stopped = lambda: False
    ) -> Iterator[tuple[int, Told]]:
        """See Pool. If the caller stops iterating, the processes end at once."""
        if self.jobs == 1:
            return ((i, told) for i, task in enumerate(tasks) for told in run(task, stopped))
        return _told_by(run, tasks, self.jobs, stopped)


def _told_by(
    run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], jobs: int, stopped: Stopped
) -> Iterator[tuple[int, Told]]:
    context = get_context("spawn")  # a fork of a process whose BLAS library has threads can hang
    stop = context.RawValue("b", False)
    left, processes = deque(enumerate(tasks)), []
    at: dict[Any, int] = {}  # the task of each process, by its pipe
    try:
        with signals_held():  # processes that start here never get these signals
            for _ in range(min(jobs, len(tasks))):
                pipe, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, stop))
                process.start()
                theirs.close()  # now only the process has this end: if it dies, the pipe ends
                processes.append(process)
                at[pipe] = -1
        for pipe in at:
            _send(pipe, run)
        while at:
            stop.value = stopped()
            ready: list[Any] = wait(list(at), SECONDS)
            for pipe in ready:
                what, told = _receive(pipe)
                if what == "told":
                    yield at[pipe], told
                elif what == "failed":
                    raise told
                elif left:
                    at[pipe], task = left.popleft()
                    _send(pipe, task)
                else:
                    del at[pipe]
                    pipe.close()
    except BaseException:
        for process in processes:
            process.kill()
        raise
    for process in processes:
        process.join()


def _send(pipe: Any, content: Any) -> None:
    with _living():
        pipe.send(content)


def _receive(pipe: Any) -> tuple[str, Any]:
    with _living():
        return pipe.recv()


@contextmanager
def _living() -> Iterator[None]:
    """Raises WorkersLost if the process at the other end of a pipe is gone."""
    try:
        yield
    except (EOFError, OSError):  # a plain OSError if it ended in the middle of a message
        raise WorkersLost(
            "one of the processes ended before its work was done; if there is too little memory, use fewer --jobs"
        ) from None


@contextmanager
def signals_held() -> Iterator[None]:
    """Signals that end the program wait until the end of this block. A process started in it never gets them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing would start it with the first process, and let signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, stop: Any) -> None:
    """In a new process: do tasks until none are left, leave Ctrl-C to the parent, and end if the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):  # no tasks are left, or the parent is gone
        run = pipe.recv()
        while True:
            pipe.send(("free", None))
            task = pipe.recv()
            try:
                for told in run(task, lambda: bool(stop.value)):
                    pipe.send(("told", told))
            except Exception as problem:
                problem.add_note(format_exc())  # the traceback, which the parent can't see
                pipe.send(("failed", problem))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)

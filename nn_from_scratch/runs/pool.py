"""Tasks done at the same time, for a sweep and for an ensemble: by processes of this machine, or on others.

What all tasks share is sent to each process once. What a task tells on its way reaches whoever asked for it, and so
does what goes wrong in it. No process of this machine outlives the one that began it. Other machines: cluster.py.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from threading import Thread
from traceback import format_exc
from typing import Any, Protocol, TypeVar

from nn_from_scratch.errors import WorkersLost

Task = TypeVar("Task")
Told = TypeVar("Told")
Stopped = Callable[[], bool]  # whether the tasks are to come to an end
SECONDS = 0.1  # after which `stopped` is asked again, where no process has anything to tell

# Ctrl-C and a closed terminal reach every process; what to do about them is decided in the first one.
ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


class TaskStopped(Exception):
    """Ends a task from within, once it was told to stop."""


class Pool(Protocol):
    """Who does the tasks."""

    def told_by(
        self, run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], stopped: Stopped = lambda: False
    ) -> Iterator[tuple[int, Told]]:
        """`run(task, stopped)` for every task: what each yields, in its order, with the task's index, as it comes.

        `run` is sent to the processes: a method of an object that holds what all tasks share. Once `stopped()` is true,
        so is what the tasks are given as `stopped`: a task that heeds it can still tell what it has come to. Where the
        caller stops asking, the tasks end. Raises WorkersLost where nobody is left to do them.
        """
        ...


@dataclass(frozen=True)
class Processes:
    """So many processes of this machine; of one alone it is this one."""

    jobs: int = 1

    def told_by(
        self, run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], stopped: Stopped = lambda: False
    ) -> Iterator[tuple[int, Told]]:
        """See Pool. Where the caller stops asking, the processes end at once."""
        if self.jobs == 1:
            return ((i, told) for i, task in enumerate(tasks) for told in run(task, stopped))
        return _told_by(run, tasks, self.jobs, stopped)


def _told_by(
    run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], jobs: int, stopped: Stopped
) -> Iterator[tuple[int, Told]]:
    context = get_context("spawn")  # a forked copy of a process whose BLAS library has threads can hang
    stop = context.RawValue("b", False)
    left, processes = deque(enumerate(tasks)), []
    at: dict[Any, int] = {}  # the task of each process, by the pipe that leads there
    try:
        with signals_held():  # for the processes, which begin here, they are held for good
            for _ in range(min(jobs, len(tasks))):
                pipe, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, stop))
                process.start()
                theirs.close()  # the process has the only one: where it dies, the pipe ends
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
    """Raises WorkersLost where the process at the other end of a pipe is gone."""
    try:
        yield
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise WorkersLost(
            "one of the processes ended before its work was done; where memory is short, fewer --jobs take less"
        ) from None


@contextmanager
def signals_held() -> Iterator[None]:
    """Signals to end wait for the end of this block. A process that begins in it never gets any."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing begins it with the first process, and lets signals through then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, stop: Any) -> None:
    """In a new process: do tasks until there are none, leave Ctrl-C to the parent, and end when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    run = pipe.recv()
    while True:
        try:
            pipe.send(("free", None))
            task = pipe.recv()
        except (EOFError, OSError):  # there are none
            return
        try:
            for told in run(task, lambda: bool(stop.value)):
                pipe.send(("told", told))
        except Exception as problem:
            problem.add_note(format_exc())  # where it was raised, which the parent can't see
            pipe.send(("failed", problem))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)

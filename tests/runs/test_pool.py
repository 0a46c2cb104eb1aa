"""Tasks on several processes: what they tell arrives, what goes wrong is raised, and no process is left behind."""

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pipe, active_children, parent_process
from time import sleep

import pytest

from nn_from_scratch.errors import WorkersLost
from nn_from_scratch.runs.pool import Processes, Stopped, _receive
from tests.scripts import ROOT


@dataclass
class Shared:
    """What the tasks of these tests share."""

    number: int

    def count(self, task: int, stopped: Stopped) -> Iterator[tuple[int, bool]]:
        for i in range(task):
            yield self.number + i, parent_process() is not None

    def until_stopped(self, task: int, stopped: Stopped) -> Iterator[str]:
        yield f"{task} begun"
        while not stopped():
            sleep(0.001)
        yield f"{task} ended"

    def fail(self, task: int, stopped: Stopped) -> Iterator[int]:
        yield task
        if task == 1:
            raise ValueError("task 1 can't be done")
        while not stopped():
            sleep(0.001)

    def die(self, task: int, stopped: Stopped) -> Iterator[int]:
        yield task
        if task == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        while not stopped():
            sleep(0.001)

    def survive(self, task: int, stopped: Stopped) -> Iterator[str]:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            os.kill(os.getpid(), getattr(signal, name))
        yield "alive"


def no_process_is_left() -> bool:
    for process in active_children():
        process.join(30)
    return not active_children()


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_everything_that_tasks_tell_arrives_in_the_order_of_each(jobs):
    told = list(Processes(jobs).told_by(Shared(10).count, [3, 0, 2]))
    assert [value for i, (value, _) in told if i == 0] == [10, 11, 12]
    assert [value for i, (value, _) in told if i == 2] == [10, 11]
    assert len(told) == 5
    assert all(elsewhere == (jobs > 1) for _, (_, elsewhere) in told)
    assert no_process_is_left()


@pytest.mark.parametrize("jobs", [1, 2])
def test_tasks_that_are_told_to_stop_can_still_tell_what_they_have_come_to(jobs):
    told: list[str] = []
    for _, text in Processes(jobs).told_by(Shared(0).until_stopped, [1, 2, 3], lambda: len(told) >= jobs):
        told.append(text)
    assert sorted(told) == [f"{task} {what}" for task in (1, 2, 3) for what in ("begun", "ended")]
    assert no_process_is_left()


def test_what_goes_wrong_in_a_task_is_raised_here_and_the_others_end():
    with pytest.raises(ValueError, match="task 1 can't be done"):
        list(Processes(2).told_by(Shared(0).fail, [0, 1]))
    assert no_process_is_left()


def test_a_process_that_is_killed_is_said_in_one_line_and_the_others_end():
    with pytest.raises(WorkersLost, match="one of the processes ended before its work was done"):
        list(Processes(2).told_by(Shared(0).die, [0, 1]))
    assert no_process_is_left()


@pytest.mark.skipif(sys.platform == "win32", reason="the bytes of a pipe are others on Windows")
def test_a_process_that_is_killed_in_the_middle_of_a_message_is_said_in_the_same_line():
    ours, theirs = Pipe()
    os.write(theirs.fileno(), struct.pack("!i", 100) + b"the beginning of 100 bytes")
    theirs.close()
    with pytest.raises(WorkersLost, match="one of the processes ended before its work was done"):
        _receive(ours)


def test_where_the_caller_stops_asking_the_processes_end():
    told = Processes(2).told_by(Shared(0).until_stopped, [1, 2])
    next(told)
    told.close()
    assert no_process_is_left()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no such signals")
def test_a_signal_that_reaches_all_processes_ends_none_of_them():
    """As Ctrl-C does in a terminal: what to do about it is decided in the first process."""
    program = (
        "import signal\n"
        "from nn_from_scratch.runs.pool import Processes\n"
        "from tests.runs.test_pool import Shared\n"
        "if __name__ == '__main__':\n"
        "    print([text for _, text in Processes(2).told_by(Shared(0).survive, [1, 2])])\n"
        "    print(signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    )
    # a new process, in which multiprocessing has begun nothing yet
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("['alive', 'alive']\nset()\n", "")

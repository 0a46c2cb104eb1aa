"""Tasks on the workers of a real Dask cluster, over TCP: workers that die lose nothing, and it ends when it should."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput, WorkersLost
from nn_from_scratch.runs.pool import Processes, Stopped
from nn_from_scratch.runs.sweep import Sweep, sweep
from tests.runs.test_pool import Shared
from tests.scripts import ROOT

pytest.importorskip("distributed", reason='Dask is not installed: pip install -e ".[dask]"')

from nn_from_scratch.runs import cluster
from nn_from_scratch.runs.cluster import Cluster
from tests.clusters import Machines, machines


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[Machines]:
    """A scheduler with two workers."""
    with machines(tmp_path_factory.mktemp("room")) as found:
        found.add_workers(2)
        yield found


@pytest.fixture
def empty(tmp_path) -> Iterator[Machines]:
    """A scheduler that nobody has joined."""
    with machines(tmp_path) as found:
        yield found


@dataclass
class Slow:
    """Tasks that take their time, and what all share: large, as a data set is."""

    data: np.ndarray

    def tell(self, task: int, stopped: Stopped) -> Iterator[tuple[int, int, float]]:
        for i in range(4):
            sleep(0.15)
            yield task, i, float(self.data[task])

    def die(self, task: int, stopped: Stopped) -> Iterator[int]:
        yield task
        os.kill(os.getpid(), signal.SIGKILL)

    def read(self, task: Path, stopped: Stopped) -> Iterator[str]:
        yield task.read_text(encoding="utf-8")

    def notice(self, task: Path, stopped: Stopped) -> Iterator[str]:
        """Leave a file when nobody wants it any more."""
        yield "begun"
        while not stopped():
            sleep(0.001)
        task.write_text("ended", encoding="utf-8")


SLOW = Slow(np.arange(1e6))


def test_everything_that_tasks_tell_arrives_in_the_order_of_each(room):
    told = list(Cluster(room.address).told_by(Shared(10).count, [3, 0, 2]))
    assert [value for i, (value, _) in told if i == 0] == [10, 11, 12]
    assert [value for i, (value, _) in told if i == 2] == [10, 11]
    assert len(told) == 5


def test_tasks_that_are_told_to_stop_can_still_tell_what_they_have_come_to(room):
    told: list[str] = []
    for _, text in Cluster(room.address).told_by(Shared(0).until_stopped, [1, 2, 3], lambda: len(told) >= 2):
        told.append(text)
    assert sorted(told) == [f"{task} {what}" for task in (1, 2, 3) for what in ("begun", "ended")]


def test_what_goes_wrong_in_a_task_is_raised_here_and_the_others_end(room):
    with pytest.raises(ValueError, match="task 1 can't be done"):
        list(Cluster(room.address).told_by(Shared(0).fail, [0, 1]))
    assert list(Cluster(room.address).told_by(Shared(1).count, [1, 1]))  # both workers are free again


def test_a_file_that_a_task_does_not_find_is_no_scheduler_that_is_gone(room, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(Cluster(room.address).told_by(SLOW.read, [tmp_path / "nowhere"]))


def test_where_the_caller_stops_asking_the_task_notices(room, tmp_path):
    told = Cluster(room.address).told_by(SLOW.notice, [tmp_path / "file"])
    next(told)
    told.close()
    until(lambda: (tmp_path / "file").exists())


def test_a_sweep_there_gives_the_runs_of_this_machine(room):
    halves = nn.load_dataset("digits").train.hold_out(400)
    recipe = nn.PRESETS["784-10-10"].override(epochs=1, optimizer="sgd", schedule="constant", batch_size=64)
    here, there = (
        Sweep(list(sweep(recipe, [0.1, 0.01], [1, 0], *halves, pool=pool))).runs
        for pool in (Processes(1), Cluster(room.address))
    )
    assert here == there


@pytest.mark.parametrize("killed", [1, 2])
def test_the_work_of_workers_that_are_killed_is_done_by_others_and_told_once(room, killed):
    """Of two workers one, and then both, with all that was sent to them."""
    pids = list(room.workers().values())
    assert len(pids) == 2
    told = []
    for i, (task, part, shared) in Cluster(room.address).told_by(SLOW.tell, [0, 1, 2, 3]):
        assert (task, shared) == (i, float(i))
        told.append((task, part))
        if len(told) == 3:
            for pid in pids[:killed]:
                os.kill(pid, signal.SIGKILL)
    assert sorted(told) == [(task, part) for task in range(4) for part in range(4)]
    assert [part for task, part in told if task == 0] == [0, 1, 2, 3]
    until(lambda: len(room.workers()) == 2)  # they were replaced


def test_a_task_that_kills_whoever_tries_it_is_given_up(empty):
    empty.add_workers(1)
    with pytest.raises(
        WorkersLost, match="a task ended every worker that tried it; if there is too little memory, use fewer"
    ):
        list(Cluster(empty.address).told_by(SLOW.die, [0]))


def test_where_the_scheduler_dies_a_line_says_so(empty):
    empty.add_workers(1)
    told = Cluster(empty.address).told_by(Shared(0).until_stopped, [1])
    next(told)
    empty.scheduler.kill()
    with pytest.raises(WorkersLost, match=rf"^the scheduler at {empty.address} is gone: the connection was lost$"):
        next(told)


def test_a_scheduler_that_is_not_there_and_one_without_workers_are_told_apart(empty, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(WorkersLost, match=r"^the scheduler at tcp://127\.0\.0\.1:1 can't be reached$"):
        list(Cluster("tcp://127.0.0.1:1").told_by(Shared(0).count, [1]))
    with pytest.raises(WorkersLost, match=rf"has no worker: expected one, dask worker {empty.address}$"):
        list(Cluster(empty.address).told_by(Shared(0).count, [1]))


def test_a_worker_with_several_threads_is_refused(empty):
    """They would share the number of BLAS threads, which decides how sums are rounded."""
    empty.add_workers(1, threads=2)
    with pytest.raises(BadInput, match=r"has 2 threads: expected a process for each, .* --nworkers 2 --nthreads 1$"):
        list(Cluster(empty.address).told_by(Shared(0).count, [1]))


def test_a_worker_with_another_version_of_the_package_is_refused(empty, tmp_path):
    shutil.copytree(ROOT / "nn_from_scratch", tmp_path / "nn_from_scratch")
    with (tmp_path / "nn_from_scratch" / "losses.py").open("a") as file:
        file.write("# changed\n")
    empty.add_workers(1, PYTHONPATH=str(tmp_path))
    with pytest.raises(BadInput, match=r"the worker at tcp://\S+ has nn_from_scratch 1\.0\.0 .*: expected 1\.0\.0 "):
        list(Cluster(empty.address).told_by(Shared(0).count, [1]))


def test_a_worker_without_the_package_is_refused(empty, tmp_path):
    (tmp_path / "nn_from_scratch.py").write_text("raise ModuleNotFoundError('none', name='nn_from_scratch')")
    empty.add_workers(1, PYTHONPATH=str(tmp_path))
    with pytest.raises(
        BadInput, match=r"the worker at tcp://\S+ has no nn_from_scratch, or a version without clusters"
    ):
        list(Cluster(empty.address).told_by(Shared(0).count, [1]))


@pytest.mark.parametrize(
    "address", ["", "foo", "host:8786", "tcp://host", "tcp://host:x", "http://host:8786", "tls://host:8786"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(BadInput, match=rf"^{address}: expected the address of a scheduler, tcp://HOST:PORT, or local$"):
        Cluster(address)


def until(condition) -> None:
    while not condition():
        sleep(0.01)

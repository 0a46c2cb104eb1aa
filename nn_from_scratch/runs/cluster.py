"""Tasks on the workers of a Dask cluster: the same as pool.py does, but with processes on several machines.

Dask's scheduler distributes the tasks, and gives the work of a dead worker to another one. This module adds two things
that a training needs: the reports of a running task, in order and each once, and an end that leaves a checkpoint.
(joblib's dask backend only gives the result of a task.) Dask is imported only when a Cluster is made.
"""

import hashlib
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import nn_from_scratch
from nn_from_scratch.errors import BadInput, WorkersLost, extra
from nn_from_scratch.runs.pool import SECONDS, Stopped, Task, Told, signals_held

LOCAL = "local"
PATIENCE = 10  # seconds to wait for the scheduler, and for its first worker
MOST_DEATHS = 3  # the number that Dask allows for a task while other workers live
KILLING = "a task ended every worker that tried it; if there is too little memory, use fewer workers"


class Cluster:
    """The workers of the scheduler at an address such as tcp://host:8786; with "local", `jobs` workers of this machine.

    Raises BadInput if Dask is not installed, or if the address is not valid.
    """

    def __init__(self, address: str, jobs: int = 2):
        with extra("dask"):
            from distributed.comm import get_address_host_port
        if address != LOCAL:
            try:
                if not address.startswith("tcp://"):
                    raise ValueError(address)
                get_address_host_port(address, strict=True)
            except ValueError:
                raise BadInput(f"{address}: expected the address of a scheduler, tcp://HOST:PORT, or local") from None
        self.address = address
        self.jobs = jobs

    def told_by(
        self, run: Callable[[Task, Stopped], Iterator[Told]], tasks: Sequence[Task], stopped: Stopped = lambda: False
    ) -> Iterator[tuple[int, Told]]:
        """See Pool. Raises BadInput if a worker has another version of the package, or none."""
        with self._client() as client:
            _check_workers(client, self.address)
            work = _Work(client, run, tasks)
            yield from work.told(stopped)
        if work.problem:
            raise work.problem

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """A connection to the scheduler. Raises WorkersLost if it can't be reached, or is lost."""
        from dask import config
        from distributed import Client, LocalCluster

        for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # this module reports problems, once
        cluster = client = None
        try:
            if self.address == LOCAL:
                quiet = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
                with signals_held():  # this process handles them, not the workers
                    cluster = LocalCluster(n_workers=self.jobs, threads_per_worker=1, **quiet)
            client = Client(cluster or self.address, timeout=PATIENCE, set_as_default=False)
            with config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):  # for checkpoints in the tasks
                yield client
        except OSError as problem:
            if isinstance(problem, WorkersLost):
                raise
            gone = "can't be reached" if client is None else "is gone: the connection was lost"
            raise WorkersLost(f"the scheduler at {self.address} {gone}") from None
        finally:
            for end in (client, cluster):
                if end is not None:
                    with suppress(OSError):  # the scheduler may be gone, or this machine too busy to end in time
                        end.close(timeout=PATIENCE / 2)


class _Work:
    """Tasks on a cluster. If a worker dies, the next one repeats its reports, and these are skipped."""

    def __init__(self, client: Any, run: Callable, tasks: Sequence):
        self.client, self.run, self.tasks = client, run, tasks
        self.name = f"nn_from_scratch-{uuid4().hex}"  # of the queue, and of the work to stop
        self.told_of = [0] * len(tasks)  # the number of reports of each
        self.futures: dict[int, Any] = {}  # of the tasks that aren't done
        self.problem: BaseException | None = None  # the error in a task
        self.in_vain = 0  # how often all workers have died since the last new report

    def told(self, stopped: Stopped) -> Iterator[tuple[int, Any]]:
        from distributed import Queue

        queue = Queue(self.name, client=self.client)
        self.shared = self._share()
        self._submit(range(len(self.tasks)))
        try:
            while self.futures and not self.problem:
                if stopped():
                    self.client.run(_stop, self.name, on_error="ignore")  # repeatedly, because a worker may be new
                try:
                    i, number, told = pickle.loads(queue.get(timeout=SECONDS))
                except TimeoutError:
                    self._look_after()
                    continue
                if number == self.told_of[i]:  # if less, a worker that has died since has reported it before
                    self.told_of[i] += 1
                    self.in_vain = 0
                    yield i, told
        finally:
            with suppress(OSError):
                self.client.cancel(list(self.futures.values()))  # a running task sees that it was cancelled
                queue.close()

    def _share(self) -> Any:
        """The data that all tasks share, sent to each worker once; a later worker gets them from another one."""
        (shared,) = self.client.scatter([self.run], broadcast=True, hash=False)
        return shared

    def _submit(self, indices: Iterable[int]) -> None:
        for i in indices:
            self.futures[i] = self.client.submit(
                _do, self.shared, self.tasks[i], i, self.name, identity(), pure=False, priority=-i
            )

    def _look_after(self) -> None:
        """Forget the tasks that are done, note an error in one, and restart those that are lost."""
        lost = []
        for i, future in list(self.futures.items()):
            if future.status == "finished":
                if future.result() <= self.told_of[i]:
                    del self.futures[i]
            elif future.status == "error":
                self.problem = _what_went_wrong(future.exception())
            elif future.status in ("cancelled", "lost"):
                lost.append(i)
        if lost and self.client.status == "running":  # every worker that had the shared data has died
            if self.shared.status != "finished":
                self.in_vain += 1
                if self.in_vain > MOST_DEATHS:
                    self.problem = WorkersLost(KILLING)
                    return
                self.shared = self._share()
            self._submit(lost)


def _what_went_wrong(problem: BaseException) -> BaseException:
    from distributed import KilledWorker

    if isinstance(problem, KilledWorker):
        return WorkersLost(KILLING)
    if isinstance(problem, ImportError) and (problem.name or "").startswith("nn_from_scratch"):
        return BadInput(f"a worker has {NONE}: expected {identity()}, as here")
    return problem


# ---- the workers ----

NONE = "no nn_from_scratch, or a version without clusters"
_stopped: set[str] = set()  # on a worker: the names of the work that should end
_one_at_a_time = Lock()  # on a worker: all tasks share the number of BLAS threads, which decides how sums are rounded


def _do(run: Callable, task: Any, i: int, name: str, expected: str) -> int:
    """On a worker: do a task, send its reports, and return their number."""
    from distributed import Queue, get_worker

    if (found := identity()) != expected:  # this worker joined late
        raise BadInput(f"a worker has nn_from_scratch {found}: expected {expected}, as here")
    worker = get_worker()
    key, known = worker.get_current_task(), worker.state.tasks

    def stopped() -> bool:
        return name in _stopped or key not in known or known[key].state == "cancelled"

    number = 0
    with _one_at_a_time:
        queue = Queue(name)
        try:
            for told in run(task, stopped):
                queue.put(pickle.dumps((i, number, told)))
                number += 1
        finally:
            queue.close()
    return number


def _stop(name: str) -> None:
    _stopped.add(name)


def _check_workers(client: Any, address: str) -> None:
    """Raise BadInput for a worker whose results could differ, and WorkersLost if there is no worker."""

    def found() -> str:  # a nested function is sent with its code, so it works even if the worker lacks this module
        from nn_from_scratch.runs.cluster import identity

        return identity()

    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise WorkersLost(f"the scheduler at {address} has no worker: expected one, dask worker {address}") from None
    for worker, threads in client.nthreads().items():
        if threads > 1:
            raise BadInput(
                f"the worker at {worker} has {threads} threads: expected a process for each, "
                f"dask worker {address} --nworkers {threads} --nthreads 1"
            )
    for worker, version in client.run(found, on_error="return").items():
        if version != identity():
            other = NONE if isinstance(version, ImportError) else f"nn_from_scratch {version}"
            raise BadInput(f"the worker at {worker} has {other}: expected {identity()}, as here")


@cache
def identity() -> str:
    """The version of this package, and a hash of its files: a copy of the same version may have been changed."""
    digest = hashlib.sha256()
    for path in sorted(Path(nn_from_scratch.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return f"{nn_from_scratch.__version__} (its files: {digest.hexdigest()[:8]})"

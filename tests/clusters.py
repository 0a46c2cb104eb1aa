"""A real scheduler and real workers, which talk over TCP: what the tests of clusters start, and end."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep
from typing import Any

from tests.scripts import ROOT

ENVIRONMENT = {"PYTHONPATH": str(ROOT)}  # what a worker imports is this copy, also where another is installed


@contextmanager
def process(module: str, *arguments: object, cwd: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """`python -m module arguments…`, which ends with the block."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    variables = {**os.environ, **ENVIRONMENT, **environment}
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=cwd, env=variables, **nowhere) as started:
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(3)
            except subprocess.TimeoutExpired:  # a worker that waits for its scheduler to come back
                started.kill()


class Machines:
    """A scheduler, and workers that can be added to it."""

    def __init__(self, directory: Path, stack: ExitStack):
        self.stack, self.directory = stack, directory
        file = directory / "scheduler.json"
        options = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", file)
        self.scheduler = stack.enter_context(process("distributed.cli.dask_scheduler", *options, cwd=directory))
        self.address = self._address(file)

    def _address(self, file: Path) -> str:
        while True:
            assert self.scheduler.poll() is None
            try:
                return json.loads(file.read_text(encoding="utf-8"))["address"]
            except (FileNotFoundError, json.JSONDecodeError):
                sleep(0.01)

    def add_workers(self, number: int = 1, threads: int = 1, **environment: str) -> None:
        """Workers as `dask worker` starts them, each watched by a nanny that starts it again where it dies."""
        options = ("--nworkers", number, "--nthreads", threads, "--no-dashboard")
        worker = process("distributed.cli.dask_worker", self.address, *options, cwd=self.directory, **environment)
        self.stack.enter_context(worker)
        with self.client() as client:
            client.wait_for_workers(number, timeout=120)

    @contextmanager
    def client(self) -> Iterator[Any]:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            yield client

    def workers(self) -> Mapping[str, int]:
        """The address of each worker, and its process."""
        with self.client() as client:
            return client.run(os.getpid)


@contextmanager
def machines(directory: Path) -> Iterator[Machines]:
    with ExitStack() as stack:
        yield Machines(directory, stack)

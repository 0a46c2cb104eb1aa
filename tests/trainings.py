"""Trainings under way, as processes of their own, for the tests that stop them.

A training of which the end is near gets its signal at the moment when it prints a certain line: a test that reads this
line and then sends a signal can come too late on a machine that has much to do.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import sleep

import pytest

from tests.scripts import ROOT

ENOUGH = 120  # seconds after which a test no longer waits; none takes more than a few
# Runs a script and does something as soon as it has printed a certain line, before it does anything else.
AT_A_LINE = """
import os, runpy, sys
start, what, *sys.argv = sys.argv[1:]
printed, write = [], sys.stdout.write
def watched(text):
    printed.append(text)
    write(text)
    if text.endswith("\\n"):
        line = "".join(printed)
        printed.clear()
        if line.startswith(start):
            sys.stdout.write = write
            exec(what)
sys.stdout.write = watched
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SLOWLY = """
from time import sleep
from nn_from_scratch.network import Network
backward = Network.backward
def slow_backward(*arguments):
    sleep(0.005)
    backward(*arguments)
Network.backward = slow_backward
"""
At = tuple[str, str]  # the start of the line, and statements in Python


def interrupted_at(line: str, number: signal.Signals = signal.SIGINT, pid: int | None = None) -> At:
    """The script gets this signal after it has printed this line, or another process does; 0 is all of its group."""
    return line, f"os.kill({'os.getpid()' if pid is None else pid}, {number:d})"


def waiting_at(line: str) -> At:
    """The script goes no further than to this line until its stdin is closed, as `end` does."""
    return line, "sys.stdin.read()"


def command(script: str, *arguments: object, at: At | None = None) -> list[str]:
    """`python script arguments…`, every warning an error."""
    program = ["-c", AT_A_LINE, *at] if at else []
    return [sys.executable, "-W", "error", *program, str(ROOT / script), *map(str, arguments)]


def slowly(directory: Path) -> dict[str, str]:
    """The environment of a process, and of all that it starts, in which a step takes five milliseconds longer.

    Processes that a test can't stop at a line, such as workers on a cluster, then have work for several seconds more.
    """
    (directory / "sitecustomize.py").write_text(SLOWLY, encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join((str(directory), str(ROOT)))}


def training(
    *arguments: object,
    cwd: Path = ROOT,
    script: str = "train.py",
    own_group: bool = False,
    at: At | None = None,
    **environment: str,
) -> AbstractContextManager[subprocess.Popen]:
    """`python train.py arguments…`, under way."""
    return under_way(command(script, *arguments, at=at), cwd, own_group, **environment)


@contextmanager
def under_way(
    words: list[str], cwd: Path = ROOT, own_group: bool = False, **environment: str
) -> Iterator[subprocess.Popen]:
    """A command that ends with the block; what it prints arrives line by line."""
    with subprocess.Popen(
        words,
        cwd=cwd,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=own_group,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_for_line(process: subprocess.Popen, start: str) -> None:
    for line in process.stdout:
        if line.startswith(start):
            return
    pytest.fail(f"it ended without a line {start!r}: {process.stderr.read()}")


def wait_for(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    while not condition():
        assert process.poll() is None, process.stderr.read()
        sleep(0.001)


def children(pid: int) -> list[int]:
    """The processes that a process has started, where /proc knows them."""
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split())]


def end(process: subprocess.Popen) -> tuple[int, str, str]:
    """Its exit code and the rest of what it printed."""
    output, errors = process.communicate(timeout=ENOUGH)
    return process.returncode, output, errors


def command_in(errors: str) -> list[str]:
    """The arguments of the command with which an interrupted training says that it can be resumed."""
    lines = errors.splitlines()
    assert len(lines) == 2, errors
    assert lines[0].startswith("interrupted at step ")
    assert lines[1].startswith("to continue: python train.py --resume ")
    return shlex.split(lines[1])[4:]


def files_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def without_seconds(history: Path) -> list[str]:
    return [line.rpartition(",")[0] for line in history.read_text(encoding="utf-8").splitlines()]


def assert_same(directory: Path, other: Path, name: str = "n") -> None:
    """The same bytes in every file, but for the seconds in the history."""
    for kind in (".json", ".best.json"):
        assert (directory / f"{name}{kind}").read_bytes() == (other / f"n{kind}").read_bytes()
    assert without_seconds(directory / f"{name}.csv") == without_seconds(other / "n.csv")

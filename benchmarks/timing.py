"""The stopwatch: contenders take turns, so that other work on the machine slows down all of them alike.

Timing whole contenders one after the other compares the minutes as much as the code. Here each runs for a twentieth of
a second, then the next, round after round. The median over the rounds ignores disturbed rounds.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, quantiles, stdev
from time import perf_counter, sleep
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from benchmarks.elsewhere import Elsewhere

ROOT = Path(__file__).parent.parent
CHUNK = 0.05  # seconds that a contender runs before the next one's turn
PAUSE = 0.03  # seconds between two turns: for about this long, the threads of the last contender stay awake

Timed = Callable[[], object] | Elsewhere
Contender = Timed | str  # a function to time, or the reason why there is none


class Measured(NamedTuple):
    """The result of repeated measurements."""

    value: float
    spread: float
    samples: list[float]


def median_of(samples: list[float]) -> Measured:
    """The median, and half the distance between the quartiles."""
    lower, middle, upper = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else samples * 3
    return Measured(middle, (upper - lower) / 2, samples)


def mean_of(samples: list[float]) -> Measured:
    """The mean, and the sample standard deviation."""
    return Measured(fmean(samples), stdev(samples) if len(samples) > 1 else 0.0, samples)


def mean_memory(samples: list[float | None]) -> Measured | str:
    """The same for megabytes, which not every system counts."""
    known = [sample for sample in samples if sample is not None]
    return mean_of(known) if known else "this system does not tell the peak memory of a process"


class Row(NamedTuple):
    """A line of the report: the same work, done by several contenders, or the reason why one could not do it."""

    group: str
    case: str
    threads: int | None  # None if they make no difference
    unit: str  # "s", "MB" or "%"
    results: Mapping[str, Measured | str]


def interleaved(contenders: Mapping[str, Contender], repeats: int, chunk: float = CHUNK) -> dict[str, Measured | str]:
    """Seconds per call of each contender, in `repeats` rounds. A text instead of a function is passed on."""
    timed = {name: contender for name, contender in contenders.items() if not isinstance(contender, str)}
    calls = {name: _calls_in(chunk, contender) for name, contender in timed.items()}
    samples: dict[str, list[float]] = {name: [] for name in timed}
    names = list(timed)
    for _ in range(repeats):
        for name in names:
            sleep(PAUSE)
            _seconds(timed[name], calls[name] // 10)  # not counted: back into the caches, threads awake
            samples[name].append(_seconds(timed[name], calls[name]) / calls[name])
        names.append(names.pop(0))  # so that a contender doesn't always follow the same one
    return {name: _result(contender, samples.get(name, [])) for name, contender in contenders.items()}


def _seconds(contender: Timed, calls: int) -> float:
    if isinstance(contender, Elsewhere):
        return contender.seconds(calls)
    started = perf_counter()
    for _ in range(calls):
        contender()
    return perf_counter() - started


def _result(contender: Contender, samples: list[float]) -> Measured | str:
    if isinstance(contender, str):
        return contender
    if isinstance(contender, Elsewhere) and contender.cores > contender.threads + 0.1:
        return f"{contender.cores:.2f} cores were at work instead of {contender.threads}"
    return median_of(samples)


def _calls_in(seconds: float, contender: Timed) -> int:
    """How many calls take about this long. Also the warm-up: the first calls are slower than all others."""
    calls = 1
    while True:
        elapsed = _seconds(contender, calls)
        if elapsed > seconds / 4 and (calls > 1 or elapsed > 4 * seconds):
            return max(1, round(calls * seconds / elapsed))
        calls *= 4


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Set the number of threads for matrix products in all libraries. They must have been imported before."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(number)
    with threadpool_limits(number):
        yield


class Process(NamedTuple):
    """The time and memory that a finished process used, and its output."""

    seconds: float
    megabytes: float | None  # at its peak; None if the system doesn't report it
    output: str


def run_process(*command: str | Path, **environment: str) -> Process:
    """Run a command from start to end, in a fresh process. Raises RuntimeError if it fails.

    It is started by launch.py rather than from here: on Linux a new process begins with the peak memory of the one
    that started it, and this one has PyTorch in it.
    """
    launcher = [sys.executable, "-S", "-E", ROOT / "benchmarks" / "launch.py", *command]
    done = subprocess.run(launcher, capture_output=True, text=True, env=os.environ | environment, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    *lines, measured = done.stdout.splitlines()
    seconds, megabytes = json.loads(measured)
    return Process(seconds, megabytes, "\n".join(lines))

"""The speed of data-parallel training: one rank and two ranks on this machine, and a projection to many machines.

Each measurement is a separate run of mpiexec, and they take turns, round after round. A step is timed in a training.
The time of its Allreduce includes waiting for the other rank. The Allreduce alone is timed on the same vector, in a
separate loop. The projection is a model, not a measurement: `Costs` and `projected_allreduce` say what it assumes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from math import ceil, log2
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.report import machine, machine_text
from benchmarks.timing import ROOT
from nn_from_scratch import PRESETS, load_dataset
from nn_from_scratch.storage import json_files

NAMES = ("784-128-64-10", "lenet", "cnn")
RESULTS = ROOT / "benchmarks" / "data_parallel.json"
WARM_UP = 10  # steps
RANKS = (16, 256, 4096)


class Measurement(NamedTuple):
    """The seconds of one turn: for a step, for its Allreduce with waiting for others, and for the Allreduce alone."""

    step: float
    allreduce: float
    alone: float
    numbers: int  # in the vector


class Case(NamedTuple):
    """A preset on this number of ranks, with its batch size or half of it."""

    preset: str
    ranks: int
    batch_size: int


def cases() -> Iterator[Case]:
    """One rank with half the batch shows the part of a step's time that doesn't depend on the images."""
    for name in NAMES:
        batch_size = PRESETS[name].batch_size
        assert batch_size
        yield from (Case(name, 1, batch_size), Case(name, 2, batch_size), Case(name, 1, batch_size // 2))


# ---- a turn: under mpiexec ----


def be_a_rank(case: Case, seconds: float) -> None:
    """Train for about this time; the first rank prints the measurement."""
    from nn_from_scratch.runs.data_parallel import MPI, DataParallelRun

    class Timed:
        """COMM_WORLD, with a stopwatch on its Allreduce."""

        rank, size, spent = MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size, 0.0

        def Allreduce(self, *arguments: Any) -> None:
            began = perf_counter()
            MPI.COMM_WORLD.Allreduce(*arguments)
            self.spent += perf_counter() - began

    comm, world = Timed(), MPI.COMM_WORLD
    recipe = PRESETS[case.preset].override(batch_size=case.batch_size, epochs=100)
    run = DataParallelRun(comm, recipe, load_dataset("mnist"), 0, 0, 1)  # type: ignore[arg-type]
    last, began = [WARM_UP], [0.0]

    class Enough(Exception):
        pass

    def on_step(step: int, loss: float) -> None:
        if step == WARM_UP // 2:
            began[0] = perf_counter()
        if step == WARM_UP:
            of_one = (perf_counter() - began[0]) / (WARM_UP - WARM_UP // 2)
            last[0] = step + world.bcast(max(WARM_UP, round(seconds / of_one)))
            comm.spent, began[0] = 0.0, perf_counter()
        elif step == last[0]:
            raise Enough

    try:
        list(run.epochs(on_step))
    except Enough:
        steps = last[0] - WARM_UP
    step, allreduce = (perf_counter() - began[0]) / steps, comm.spent / steps
    world.Barrier()
    started = perf_counter()
    for _ in range(steps):
        world.Allreduce(MPI.IN_PLACE, run.vector)
    alone = (perf_counter() - started) / steps
    if comm.rank == 0:
        print(json.dumps(Measurement(step, allreduce, alone, run.vector.size)))


def turn(case: Case, seconds: float) -> Measurement:
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if not mpiexec:
        raise SystemExit('benchmarks.data_parallel: error: there is no mpiexec: pip install -e ".[mpi]"')
    program = [sys.executable, "-m", "benchmarks.data_parallel", "--seconds", seconds, "--as-rank", json.dumps(case)]
    command = [str(word) for word in (mpiexec, "-n", case.ranks, *program)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Measurement(*json.loads(done.stdout))


# ---- a model ----


class Network(NamedTuple):
    """The connection between two machines."""

    name: str
    latency: float  # seconds from one machine to another
    bandwidth: float  # bytes a second


# Typical values, not measured here.
ETHERNET = Network("10 Gbit/s Ethernet", 30e-6, 1.25e9)
INFINIBAND = Network("100 Gbit/s InfiniBand", 2e-6, 12.5e9)


def projected_allreduce(numbers: int, ranks: int, network: Network) -> float:
    """Seconds of an Allreduce of this many float32, as reduce-scatter and allgather, with one rank on each machine.

    2 ⌈log₂ P⌉ · latency + 2 (P − 1) / P · bytes / bandwidth    (Thakur, Rabenseifner and Gropp, 2005)
    """
    return 2 * ceil(log2(ranks)) * network.latency + 2 * (ranks - 1) / ranks * 4 * numbers / network.bandwidth


class Costs(NamedTuple):
    """The seconds of a preset's step on one rank: a fixed part, and a part for each image of its share."""

    fixed: float
    image: float
    batch_size: int
    numbers: int

    def step(self, images: int) -> float:
        return self.fixed + self.image * images

    def same_batch(self, ranks: int, network: Network) -> float:
        """How many times as many steps a second these ranks take. A share has at least one image."""
        with_others = self.step(ceil(self.batch_size / ranks)) + projected_allreduce(self.numbers, ranks, network)
        return self.step(self.batch_size) / with_others

    def larger_batch(self, ranks: int, network: Network) -> float:
        """How many times as many images a second, if each rank has as many images as one rank has alone."""
        alone = self.step(self.batch_size)
        return ranks * alone / (alone + projected_allreduce(self.numbers, ranks, network))


# ---- tables ----


def tables(measured: dict[Case, Measurement]) -> str:
    """The measurements and the projections, in Markdown."""
    lines = [
        row("preset", "numbers", "batch", "step, 1 rank", "step, 2 ranks", "Allreduce", "with waiting", "speed-up")
    ]
    lines.append("|---" + "|---:" * 7 + "|")
    costs = {}
    for one, two, half in zip(*[iter(cases())] * 3, strict=True):
        whole, shared, part = measured[one], measured[two], measured[half]
        of_image = max(0.0, (whole.step - part.step) / (one.batch_size - half.batch_size))
        costs[one.preset] = Costs(whole.step - of_image * one.batch_size, of_image, one.batch_size, whole.numbers)
        times = map(milliseconds, (whole.step, shared.step, shared.alone, shared.allreduce))
        speed_up = f"{whole.step / shared.step:.2f}"
        lines.append(row(f"`{one.preset}`", f"{whole.numbers:,}", f"{one.batch_size}", *times, speed_up))
    for kind, what in (("same batch", "steps"), ("larger batch", "images")):
        lines += ["", row(f"{kind}: times as many {what} a second", *(f"{ranks:,} ranks" for ranks in RANKS))]
        lines.append("|---" + "|---:" * len(RANKS) + "|")
        for name, cost in costs.items():
            for network in (ETHERNET, INFINIBAND):
                times_as_many = cost.same_batch if kind == "same batch" else cost.larger_batch
                found = (three_digits(times_as_many(ranks, network)) for ranks in RANKS)
                lines.append(row(f"`{name}`, {network.name}", *found))
    return "\n".join(lines)


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def three_digits(value: float) -> str:
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms" if seconds < 0.01 else f"{1000 * seconds:.1f} ms"


def saved(path: Path) -> dict[Case, Measurement]:
    """The measurements in a file of this program."""
    rows = json.loads(path.read_text("utf-8"))["rows"]
    return {Case(*row["case"]): Measurement(*row["measured"]) for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_parallel", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="the time of a turn (default: 5)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each case (default: 7)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.json",
        help=f"where to save the results, such as {RESULTS.relative_to(ROOT)}",
    )
    parser.add_argument(
        "--saved", type=Path, metavar="FILE.json", help="print the tables of such a file, without measuring"
    )
    parser.add_argument("--as-rank", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_rank:
        be_a_rank(Case(*json.loads(arguments.as_rank)), arguments.seconds)
        return
    if arguments.saved:
        print(tables(saved(arguments.saved)))
        return
    about = machine()
    print(machine_text(about), flush=True)
    found: dict[Case, list[Measurement]] = {case: [] for case in cases()}
    for _ in range(arguments.rounds):
        for case, turns in found.items():
            turns.append(turn(case, arguments.seconds))
    measured = {
        case: Measurement(*(median(column) for column in zip(*turns, strict=True))) for case, turns in found.items()
    }
    print(tables(measured))
    if arguments.output:
        rows = [{"case": list(case), "measured": list(one)} for case, one in measured.items()]
        json_files.write({"machine": about, "rows": rows}, arguments.output)
        print(f"saved {arguments.output}")


if __name__ == "__main__":
    main()

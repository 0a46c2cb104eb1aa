"""Data-parallel training on the command line: the first rank reads, prints and saves, the others only compute."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from traceback import print_exception
from typing import Any

from nn_from_scratch.command_line.process import Interrupted, Interruption
from nn_from_scratch.command_line.recipe_options import start_run
from nn_from_scratch.command_line.training import Training
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.checkpoint import checkpoint_document, run_in
from nn_from_scratch.training import Diverged, EpochResult

try:
    from nn_from_scratch.runs.data_parallel import MPI, DataParallelRun
except (ImportError, RuntimeError):  # mpi4py is missing, or it finds no MPI
    raise BadInput('--data-parallel needs mpi4py and an MPI: pip install "nn-from-scratch-numpy[mpi]"') from None

SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")  # the number of ranks, from MPICH and from Open MPI


def start_data_parallel(arguments: argparse.Namespace) -> "DataParallelTraining | Follower":
    """This rank's part of the training that the options ask for.

    Only the first rank reads files. It sends their content to the others.
    """
    comm = MPI.COMM_WORLD
    make = partial(DataParallelRun, comm)
    if comm.rank:
        if not (sent := comm.bcast(None)):  # the first rank has printed the reason
            sys.exit(2)
        document, dataset = sent
        with _all_end_with_this_one(comm):
            run = run_in(document, lambda *_, **__: dataset, make=make)
            assert isinstance(run, DataParallelRun)
            return Follower(arguments, run)
    sent = None
    try:
        _check(arguments, comm)
        begun = start_run(arguments, make)
        if not isinstance(begun, DataParallelRun):
            raise BadInput(
                f"{arguments.resume}: is the checkpoint of an ensemble: expected that of one network, or no "
                "--data-parallel"
            )
        training = DataParallelTraining(arguments, begun)
        sent = checkpoint_document(begun), begun.given
    finally:
        comm.bcast(sent)
    return training


@contextmanager
def _all_end_with_this_one(comm: MPI.Comm) -> Iterator[None]:
    """If one rank fails, the others would wait for it forever. So it prints the reason and ends them all."""
    try:
        yield
    except BaseException as problem:
        code = problem.code if isinstance(problem, SystemExit) else 1
        if not isinstance(problem, SystemExit):
            print_exception(problem)
            sys.stderr.flush()
        comm.Abort(code if isinstance(code, int) else 1)


def _check(arguments: argparse.Namespace, comm: MPI.Comm) -> None:
    for option in ("members", "jobs", "scheduler"):
        if getattr(arguments, option):
            raise BadInput(
                f"--{option} is for an ensemble, and --data-parallel for one network: expected only one of them"
            )
    if comm.size == 1 and "1" not in map(os.environ.get, SIZE_VARIABLES):
        raise BadInput(
            "--data-parallel: this is a single process: expected mpiexec -n N python train.py --data-parallel, with "
            "the mpiexec of the MPI that mpi4py uses"
        )


class DataParallelTraining(Training):
    """The part of the first rank."""

    run: DataParallelRun

    def __init__(self, arguments: argparse.Namespace, run: DataParallelRun):
        super().__init__(arguments, run)
        self.interruption = self.agreed = AgreedInterruption(run)

    def introduce(self) -> None:
        super().introduce()
        shares = -(-self.run.batches.batch_size // self.run.ranks)
        self.say(
            f"{self.run.ranks} rank(s), each with up to {shares:,} of the {self.run.batches.batch_size:,} samples of a "
            "batch"
        )

    def test(self) -> None:
        self.agreed.alone = True
        super().test()


class Follower:
    """The part of any other rank: it prints nothing and writes no file."""

    def __init__(self, arguments: argparse.Namespace, run: DataParallelRun):
        self.run = run
        self.patience = arguments.patience
        self.interruption = AgreedInterruption(run)

    def introduce(self) -> None:
        pass

    def epochs(self) -> Iterator[EpochResult]:
        if not self.out_of_patience:
            yield from self.run.epochs(self.interruption.check)

    def report(self, result: EpochResult) -> None:
        pass

    @property
    def out_of_patience(self) -> bool:
        """The same decision as that of the first rank, because the results are the same."""
        return bool(self.patience) and self.run.epochs_since_best >= self.patience

    def test(self) -> None:
        self.interruption.alone = True

    def save(self) -> None:
        pass


class AgreedInterruption(Interruption):
    """A signal to any rank reaches all ranks with the next step, and after this step all end."""

    def __init__(self, run: DataParallelRun):
        self.run = run
        self.alone = False  # whether the training is over, so that no other rank waits for this one
        run.wish = lambda: self.signal or 0

    def check(self, *_: object) -> None:
        if self.run.ending:
            raise Interrupted(self.run.ending)
        if self.alone:
            super().check()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        problem: BaseException | None = exception[1]
        if problem and not self.alone and not isinstance(problem, Interrupted | Diverged):
            with _all_end_with_this_one(self.run.comm):
                raise problem

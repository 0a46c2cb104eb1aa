"""The options for where the trainings of a sweep or an ensemble run: in processes of this machine, or on a cluster."""

import argparse

from nn_from_scratch.command_line.options import whole_number
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.pool import Pool, Processes

DEFAULT_JOBS = 2  # processes that train at the same time


def add_pool_options(group: argparse._ActionsContainer, what: str) -> None:
    """Add --jobs and --scheduler. `what` is the word for the trainings in the help."""
    group.add_argument(
        "--jobs",
        type=whole_number(1),
        metavar="N",
        help=f"how many {what} are trained at the same time (default: {DEFAULT_JOBS})",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help=f"train the {what} on the workers of this Dask scheduler, tcp://HOST:PORT; or local, which starts one "
        "with JOBS workers",
    )


def pool_of(arguments: argparse.Namespace) -> Pool:
    """The pool that does the trainings."""
    address, jobs = arguments.scheduler, arguments.jobs or DEFAULT_JOBS
    if address is None:
        return Processes(jobs)
    if arguments.jobs and address != "local":
        raise BadInput(f"--jobs is for this machine, and {address} has its own workers: expected only one of them")
    from nn_from_scratch.runs.cluster import Cluster

    return Cluster(address, jobs)

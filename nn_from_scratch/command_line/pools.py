"""The options that say who does the trainings of a sweep or an ensemble: processes of this machine, or a cluster."""

import argparse

from nn_from_scratch.command_line.options import whole_number
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.pool import Pool, Processes

DEFAULT_JOBS = 2  # processes that train at the same time


def add_pool_options(group: argparse._ActionsContainer, what: str) -> None:
    """--jobs and --scheduler, for `what` there are several of."""
    group.add_argument(
        "--jobs", type=whole_number(1), metavar="N", help=f"{what} at the same time (default: {DEFAULT_JOBS})"
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help=f"{what} on the workers of this Dask scheduler, tcp://HOST:PORT; or local, which starts one with JOBS "
        "workers",
    )


def pool_of(arguments: argparse.Namespace) -> Pool:
    """Who does the trainings."""
    address, jobs = arguments.scheduler, arguments.jobs or DEFAULT_JOBS
    if address is None:
        return Processes(jobs)
    if arguments.jobs and address != "local":
        raise BadInput(f"--jobs is for this machine, and {address} has as many as it has workers: expected one of both")
    from nn_from_scratch.runs.cluster import Cluster

    return Cluster(address, jobs)

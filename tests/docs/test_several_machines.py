"""docs/several-machines.md: its tables are those of the benchmark, and its commands have the options they name."""

import inspect
import re
import shlex
from math import inf

import pytest

from benchmarks.data_parallel import RESULTS, Costs, Network, projected_allreduce, saved, tables
from tests.scripts import ROOT, run

TEXT = (ROOT / "docs" / "several-machines.md").read_text(encoding="utf-8")
FREE = Network("nothing takes any time", 0.0, inf)


def test_the_tables_are_made_of_what_was_measured():
    for table in tables(saved(RESULTS)).split("\n\n"):
        assert f"\n\n{table}\n\n" in TEXT


@pytest.mark.parametrize("script", ["train.py", "hyper-tune.py"])
def test_the_options_of_its_commands_are_there(script):
    commands = [
        shlex.split(line)
        for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
        for line in block.splitlines()
        if script in line
    ]
    assert len(commands) >= 2
    options = {word for command in commands for word in command if word.startswith("--")}
    assert options <= set(re.findall(r"--[a-z-]+", run(script, "--help").stdout))


def test_the_step_of_all_ranks_is_about_thirty_lines():
    pytest.importorskip("mpi4py", reason='mpi4py is not installed: pip install -e ".[mpi]"')
    from nn_from_scratch.runs.data_parallel import DataParallelRun

    body = inspect.getsource(DataParallelRun.step).split('"""')[2]
    assert 25 <= len([line for line in body.splitlines() if line.strip()]) <= 35


# ---- the model ----


def test_an_allreduce_takes_its_latencies_and_its_bytes():
    network = Network("slow", latency=1.0, bandwidth=4.0)
    assert projected_allreduce(0, 2, network) == 2
    assert projected_allreduce(0, 16, network) == 8
    assert projected_allreduce(0, 17, network) == 10
    assert (
        projected_allreduce(10, 2, network) == 2 + 10
    )  # each half of the numbers goes there, and comes back summed up
    assert projected_allreduce(10, 10**6, network) == pytest.approx(40 + 20)


def test_where_sending_is_free_only_what_does_not_shrink_with_the_share_is_in_the_way():
    costs = Costs(fixed=1.0, image=1.0, batch_size=64, numbers=100)
    assert costs.same_batch(16, FREE) == 65 / 5
    assert costs.same_batch(64, FREE) == costs.same_batch(4096, FREE) == 65 / 2
    assert costs.larger_batch(4096, FREE) == 4096
    assert Costs(0.0, 1.0, 64, 100).same_batch(64, FREE) == 64

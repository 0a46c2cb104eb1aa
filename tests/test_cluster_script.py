"""train.py and hyper-tune.py on a Dask cluster: the same files as on one machine, whoever dies on the way."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from tests.clusters import Machines, machines
from tests.scripts import ROOT, imports, refusal, run
from tests.trainings import assert_same, command_in, end, files_in, interrupted_at, slowly, training

SMALL = ("--data", "digits", "--sizes", 784, 16, 10, "--batch-size", 8, "--epochs", 12, "--validation", 200)
MEMBERS = (*SMALL, "--members", 3)
SWEEP = ("--data", "digits", "--preset", "784-10-10", "--batch-size", 64, "--num", 3, "--epochs")

pytest.importorskip("distributed", reason='Dask is not installed: pip install -e ".[dask]"')


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[Machines]:
    """A scheduler with two workers."""
    with machines(tmp_path_factory.mktemp("room")) as found:
        found.add_workers(2)
        yield found


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    """What the training of an ensemble leaves that needed no cluster."""
    directory = tmp_path_factory.mktemp("here")
    result = run("train.py", *MEMBERS, "--output", directory / "n.json", "--history", directory / "n.csv")
    assert result.returncode == 0, result.stderr
    return directory


@pytest.fixture(scope="module")
def slow(tmp_path_factory) -> dict[str, str]:
    """The environment of workers that are still at work when the first process gets its signal."""
    return slowly(tmp_path_factory.mktemp("slow"))


@pytest.fixture
def slow_room(tmp_path_factory, slow) -> Iterator[Machines]:
    """A scheduler with two slow workers."""
    with machines(tmp_path_factory.mktemp("slow_room")) as found:
        found.add_workers(2, **slow)
        yield found


def test_an_ensemble_of_which_a_worker_was_killed_is_the_one_trained_here_to_the_byte(room, here, tmp_path):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--scheduler", room.address)
    (killed, _), before = room.workers().values(), set(room.workers().values())
    at = interrupted_at("member 2/3  epoch  1/12", signal.SIGKILL, killed)  # by then both are at work
    with training(*MEMBERS, *options, at=at) as process:
        exit_code, output, errors = end(process)
    assert (exit_code, errors) == (0, "")
    assert_same(tmp_path, here)
    lines = [line for line in output.splitlines() if line.startswith("member ")]
    assert len(lines) == len(set(lines))  # what was told before and after its death is printed once
    while len(room.workers()) < 2:
        sleep(0.1)
    assert set(room.workers().values()) != before


@pytest.mark.slow
def test_interrupted_there_it_goes_on_anywhere(room, slow_room, here, tmp_path):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--scheduler", slow_room.address)
    with training(*MEMBERS, *options, at=interrupted_at("member 2/3  epoch  3/12")) as process:
        exit_code, _, errors = end(process)
    assert exit_code == 130
    assert files_in(tmp_path) == ["n.checkpoint.json", "n.json"]
    arguments = command_in(errors)
    assert arguments[-2:] == ["--scheduler", slow_room.address]
    for there in (["--scheduler", room.address], []):
        result = run("train.py", *arguments[:-2], *there)
        assert (result.returncode, result.stderr) == (0, "")
        assert_same(tmp_path, here)


@pytest.mark.slow
def test_where_the_scheduler_dies_what_is_known_is_kept_and_goes_on_here(here, tmp_path, slow):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--checkpoint-every", 2)
    with machines(tmp_path) as lost:
        lost.add_workers(1, **slow)
        at = interrupted_at("member 1/3  epoch  4/12", signal.SIGKILL, lost.scheduler.pid)
        with training(*MEMBERS, *options, "--scheduler", lost.address, at=at) as process:
            exit_code, _, errors = end(process)
    assert exit_code == 1
    so_far, to_go_on, error = errors.splitlines()
    assert re.fullmatch(rf"ended at step \d+ of {3 * 12 * 155}; the ensemble so far: {tmp_path / 'n.json'}", so_far)
    assert to_go_on.endswith(f"--checkpoint-every 2 --scheduler {lost.address}")
    assert error == f"train.py: error: the scheduler at {lost.address} is gone: the connection was lost"
    result = run("train.py", *to_go_on.split()[4:-2])
    assert (result.returncode, result.stderr) == (0, "")
    assert "epoch  2/12" not in [line[12:23] for line in result.stdout.splitlines() if line.startswith("member 1")]
    assert_same(tmp_path, here)


def test_a_sweep_writes_the_files_that_it_writes_here(room, tmp_path):
    for options in ((), ("--scheduler", room.address)):
        result = run("hyper-tune.py", *SWEEP, 1, *options, "--output", tmp_path / f"{len(options)}")
        assert (result.returncode, result.stderr) == (0, "")
        numbers = [line.partition(":")[0] for line in result.stdout.splitlines() if line.startswith("run ")]
        assert numbers == [f"run {i} of 6" for i in range(1, 7)]
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "2.png").read_bytes()


@pytest.mark.slow
def test_a_sweep_whose_scheduler_dies_keeps_the_runs_that_were_done(tmp_path, slow):
    with machines(tmp_path) as lost:
        lost.add_workers(1, **slow)
        options = (*SWEEP, 20, "--scheduler", lost.address, "--output", tmp_path / "s")
        at = interrupted_at("run 2 of 6", signal.SIGKILL, lost.scheduler.pid)
        with training(*options, script="hyper-tune.py", at=at) as process:
            exit_code, output, errors = end(process)
    assert exit_code == 1
    line = (
        rf"the scheduler at {lost.address} is gone: the connection was lost; the results are those of (\d) of 6 runs\n"
    )
    done = int(re.fullmatch(line, errors)[1])
    assert 2 <= done < 6
    assert "best learning rate: " in output
    rows = (tmp_path / "s.csv").read_text().splitlines()[1:]
    assert len({tuple(row.split(",")[:2]) for row in rows}) == done


def test_workers_of_this_machine_need_no_scheduler(here, tmp_path):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--scheduler", "local", "--jobs", 2)
    result = run("train.py", *MEMBERS, *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert_same(tmp_path, here)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_reaches_the_workers_of_this_machine_too_ends_cleanly(number, here, tmp_path, slow):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--scheduler", "local")
    at = interrupted_at("member 2/3  epoch  3/12", number, pid=0)
    with training(*MEMBERS, *options, own_group=True, at=at, **slow) as process:
        exit_code, _, errors = end(process)  # which waits for all that could still print
    assert exit_code == 128 + number, errors
    result = run("train.py", *command_in(errors))
    assert (result.returncode, result.stderr) == (0, "")
    assert_same(tmp_path, here)


@pytest.mark.parametrize(
    ("script", "options", "message"),
    [
        (
            "train.py",
            ("--members", 2, "--scheduler", "there"),
            "there: expected the address of a scheduler, tcp://HOST:",
        ),
        ("train.py", ("--scheduler", "local"), "--scheduler is for the members of an ensemble, and this is a single"),
        (
            "hyper-tune.py",
            ("--scheduler", "tcp://a:1", "--jobs", 3),
            "--jobs is for this machine, and tcp://a:1 has its",
        ),
    ],
)
def test_bad_input_is_one_line(script, options, message, tmp_path):
    assert message in refusal(run(script, "--data", "digits", "--output", tmp_path / "n.json", *options))
    assert list(tmp_path.iterdir()) == []


def test_without_dask_a_line_says_what_to_install(tmp_path):
    program = (
        "import runpy, sys; sys.modules['distributed'] = None; sys.argv = ['hyper-tune.py', *sys.argv[1:]];"
        "runpy.run_path('hyper-tune.py', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, "--data", "digits", "--scheduler", "local", "--output", tmp_path / "s"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    line = 'hyper-tune.py: error: distributed is not installed: pip install "nn-from-scratch-numpy[dask]"\n'
    assert (result.returncode, result.stdout, result.stderr) == (2, "", line)


def test_nobody_else_loads_dask(tmp_path):
    options = ("--data", "digits", "--sizes", 784, 10, "--epochs", 1, "--members", 2, "--output", tmp_path / "n.json")
    assert not {"dask", "distributed", "mpi4py"} & imports("train.py", *options)

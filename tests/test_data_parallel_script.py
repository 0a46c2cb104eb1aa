"""train.py --data-parallel under a real mpiexec: what one process learns, whoever is stopped or killed on the way."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from tests.scripts import ROOT, refusal, run
from tests.trainings import ENOUGH, At, assert_same, children, files_in, under_way, wait_for_line, waiting_at
from tests.trainings import command as python_command

# That of the MPI which was installed beside mpi4py, before any other.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
MPIEXEC = shutil.which("mpiexec", path=PATH)
pytest.importorskip("mpi4py", reason='mpi4py is not installed: pip install -e ".[mpi]"')
pytestmark = pytest.mark.skipif(not MPIEXEC, reason='there is no mpiexec: pip install -e ".[mpi]"')

SMALL = ("--data", "digits", "--sizes", 784, 32, 10, "--activations", "sigmoid", "softmax", "--batch-size", 75)
LONG = ("--data", "digits", "--sizes", 784, 32, 10, "--batch-size", 25, "--epochs", 40, "--validation", 187)
STEPS = 40 * 50
TWO = ("-n", 2)


def command(*arguments: object, ranks: tuple = TWO, at: At | None = None) -> list[str]:
    train = python_command("train.py", "--data-parallel", *arguments, at=at)
    return [str(word) for word in (MPIEXEC, *ranks, *train)]


def together(*arguments: object, ranks: tuple = TWO) -> subprocess.CompletedProcess:
    """`mpiexec -n 2 python train.py --data-parallel arguments…`, to its end."""
    return subprocess.run(
        command(*arguments, ranks=ranks), cwd=ROOT, capture_output=True, text=True, timeout=ENOUGH, check=False
    )


@contextmanager
def waiting(*arguments: object, line: str) -> Iterator[subprocess.Popen]:
    """The same, which has printed this line and waits, all ranks for the first one."""
    with under_way(command(*arguments, at=waiting_at(line))) as process:
        wait_for_line(process, line)
        yield process


def ranks_of(process: subprocess.Popen) -> dict[int, int]:
    """The process of each rank."""
    found, parents = {}, [process.pid]
    while parents:
        parent = parents.pop()
        started = children(parent)
        parents += started
        for child in started:
            variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            found |= {int(text[9:]): child for text in variables if text.startswith(b"PMI_RANK=")}
    return found


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    """What two ranks leave that nobody stopped."""
    directory = tmp_path_factory.mktemp("uninterrupted")
    result = together(*LONG, "--output", directory / "n.json", "--history", directory / "n.csv")
    assert (result.returncode, result.stderr) == (0, "")
    return directory


def test_twenty_steps_of_adam_come_to_what_one_process_comes_to(tmp_path):
    """The last of them on a batch of 12 images: 1,437 in batches of 75."""
    options = (*SMALL, "--epochs", 1, "--schedule", "constant", "--optimizer", "adam", "--learning-rate", 0.001)
    result = together(*options, "--output", tmp_path / "two.json")
    assert (result.returncode, result.stderr) == (0, "")
    assert run("train.py", *options, "--output", tmp_path / "one.json").returncode == 0
    two, one = (nn.load(tmp_path / f"{name}.json") for name in ("two", "one"))
    assert 0 < np.abs(two.network.parameters - one.network.parameters).max() < 2e-5
    assert two.training["ranks"] == 2
    assert two.training["recipe"] == one.training["recipe"]
    assert two.training["command"] == one.training["command"].replace(
        "python train.py", "mpiexec -n 2 python train.py --data-parallel"
    )
    # one rank speaks for both
    lines = result.stdout.splitlines()
    assert [line[:10] for line in lines].count("epoch 1/1 ") == 1
    assert "2 rank(s), each with up to 38 of the 75 samples of a batch" in lines
    assert lines[-1] == f"saved {tmp_path / 'two.json'}"
    assert files_in(tmp_path) == ["one.json", "two.json"]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [None, 0, 1])
def test_a_signal_to_any_rank_ends_all_and_what_is_left_goes_on_to_the_same_bytes(rank, tmp_path, uninterrupted):
    """None: to mpiexec, as Ctrl-C in a terminal."""
    if rank is not None and not Path("/proc").exists():
        pytest.skip("looks for processes in /proc")
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv")
    with waiting(*LONG, *options, line="epoch  3/40") as process:
        os.kill(process.pid if rank is None else ranks_of(process)[rank], signal.SIGINT)
        output, errors = process.communicate(timeout=ENOUGH)
    assert process.returncode == 130
    assert "test accuracy" not in output
    assert files_in(tmp_path) == ["n.checkpoint.json", "n.json"]
    so_far, to_go_on = (line for line in errors.splitlines() if "mpiexec@" not in line)
    assert re.fullmatch(rf"interrupted at step \d+ of {STEPS}; the network so far: {tmp_path / 'n.json'}", so_far)
    start = f"to continue: mpiexec -n 2 python train.py --data-parallel --resume {tmp_path / 'n.checkpoint.json'} "
    assert to_go_on.startswith(start)
    result = together(*shlex.split(to_go_on)[8:])
    assert (result.returncode, result.stderr) == (0, "")
    assert "epoch  3/40" not in result.stdout
    assert_same(tmp_path, uninterrupted)

    line = refusal(run("train.py", "--resume", tmp_path / "n.checkpoint.json"))
    assert "run.ranks is 2, but 1 train together here: expected the same number" in line


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_where_a_rank_is_killed_all_end_and_the_last_checkpoint_goes_on_to_the_same_bytes(
    rank, tmp_path, uninterrupted
):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--checkpoint-every", 2)
    with waiting(*LONG, *options, line="epoch  4/40") as process:
        os.kill(ranks_of(process)[rank], signal.SIGKILL)
        process.communicate(timeout=ENOUGH)
    assert process.returncode != 0
    for left_over in tmp_path.glob(".n.checkpoint.json.*"):  # what a process that is killed can't take away
        shutil.rmtree(left_over)
    assert files_in(tmp_path) == ["n.checkpoint.json"]
    result = together("--resume", tmp_path / "n.checkpoint.json", *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert "epoch  2/40" not in result.stdout
    assert_same(tmp_path, uninterrupted)


@pytest.mark.slow
def test_batch_normalization_dropout_augmentation_and_patience_work_and_are_the_same_again(tmp_path):
    layers = ("conv2d:4:5", "max-pool2d", "batch-norm", "relu", "flatten", "dropout", "dense:10", "softmax")
    options = ("--data", "digits", "--layers", *layers, "--epochs", 30, "--augment", "affine", "--validation", 100)
    for name in ("a", "b"):
        result = together(*options, "--patience", 2, "--output", tmp_path / f"{name}.json", ranks=("-n", 3))
        assert (result.returncode, result.stderr) == (0, "")
        assert "stopped: no higher validation accuracy for 2 epochs" in result.stdout
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert nn.load(tmp_path / "a.json").metrics["test_accuracy"] > 0.8


def test_all_diverge_together_and_one_says_so(tmp_path):
    options = ("--data", "digits", "--optimizer", "sgd", "--learning-rate", 1e30, "--schedule", "constant")
    result = together(*options, "--output", tmp_path / "n.json")
    assert result.returncode == 3
    last, error = result.stderr.splitlines()
    assert last == f"the last finite network: {tmp_path / 'n.diverged.json'}"
    assert error.startswith("train.py: error: diverged at step ")
    assert files_in(tmp_path) == ["n.diverged.json"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--output", "/dev/null/n.json"), "/dev/null/n.json: can't be written: Not a directory"),
        (("--epochs", 0), "argument --epochs: '0' is not a whole number from 1 up (--help lists the options)"),
        (("--members", 2), "is for an ensemble, and --data-parallel for one network: expected only one of them"),
        (("--sizes", 785, 10), "its images have 28 × 28 = 784 pixels, but the network takes 785 inputs"),
    ],
)
def test_bad_input_is_one_line_of_all_ranks(options, message):
    assert refusal(together("--data", "digits", *options)).endswith(message)


def test_without_mpiexec_a_line_says_how_to_start_it():
    line = refusal(run("train.py", "--data-parallel", "--data", "digits"))
    assert "--data-parallel: this is a single process: expected mpiexec -n N python train.py --data-parallel" in line


def test_without_mpi4py_a_line_says_what_to_install():
    program = (
        "import runpy, sys; sys.modules['mpi4py'] = None; sys.argv = ['train.py', '--data-parallel'];"
        "runpy.run_path('train.py', run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (
        refusal(result)
        == 'train.py: error: --data-parallel needs mpi4py and an MPI: pip install "nn-from-scratch-numpy[mpi]"'
    )

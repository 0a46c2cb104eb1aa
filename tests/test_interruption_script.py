"""Trainings that are stopped: by Ctrl-C, by the system, by a full stop, by their own learning rate.

Each runs as a process of its own. Nothing here depends on how long anything takes.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.storage.json_files import document
from tests.data.samples import csv_bytes, pictures
from tests.scripts import ROOT, refusal, run
from tests.trainings import (
    ENOUGH,
    assert_same,
    children,
    command_in,
    end,
    files_in,
    interrupted_at,
    training,
    wait_for,
    wait_for_line,
    without_seconds,
)

if not hasattr(signal, "SIGHUP"):
    pytest.skip("Windows can't send these signals", allow_module_level=True)

DIGITS = ("--data", "digits", "--sizes", 784, 32, 10, "--batch-size", 8, "--epochs", 40)
STEPS = 40 * 155  # with 200 of the 1,437 images held out
VALIDATED = (*DIGITS, "--validation", 200)
pytestmark = pytest.mark.slow
needs_mnist = pytest.mark.skipif(
    "NN_FROM_SCRATCH_DATA" not in os.environ, reason="needs MNIST: set NN_FROM_SCRATCH_DATA to its directory"
)


@pytest.fixture(autouse=True)
def _closing_the_terminal_counts() -> Iterator[None]:
    """Under nohup SIGHUP is ignored, and a new process has that from this one."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    """The network, its best and its history, of a training that nobody stopped."""
    directory = tmp_path_factory.mktemp("uninterrupted")
    result = run("train.py", *VALIDATED, "--output", directory / "n.json", "--history", directory / "n.csv")
    assert result.returncode == 0, result.stderr
    return directory


# ---- the first signal ----


@pytest.mark.parametrize(
    ("number", "code", "epoch"),
    [(signal.SIGINT, 130, 1), (signal.SIGINT, 130, 12), (signal.SIGTERM, 143, 8), (signal.SIGHUP, 129, 5)],
)
def test_a_signal_saves_says_how_to_go_on_and_that_leads_to_the_same_bytes(
    number, code, epoch, tmp_path, uninterrupted
):
    directory = tmp_path / "with a space"  # so that the command needs quotes
    options = ("--output", directory / "n.json", "--history", directory / "n.csv", "--checkpoint-every", 10)
    with training(*VALIDATED, *options, at=interrupted_at(f"epoch {epoch:2}/40", number)) as process:
        exit_code, output, errors = end(process)
    assert exit_code == code
    assert "test accuracy" not in output
    assert "saved" not in output
    assert files_in(directory) == ["n.checkpoint.json", "n.json"]  # no history: what is told of it is in the checkpoint

    step = int(errors.split()[3].strip(";"))
    assert epoch * 155 < step < STEPS
    assert f"interrupted at step {step} of {STEPS}; the network so far: {directory / 'n.json'}" in errors
    assert nn.load(directory / "n.json").metrics == {}
    arguments = command_in(errors)
    assert arguments[:2] == ["--resume", str(directory / "n.checkpoint.json")]
    assert arguments[2:] == ["--history", str(directory / "n.csv"), "--checkpoint-every", "10"]

    result = run("train.py", *arguments)
    assert result.returncode == 0, result.stderr
    assert f"epoch {epoch:2}/40" not in result.stdout
    assert "epoch 30/40" in result.stdout
    assert result.stdout.splitlines()[-1] == f"saved {directory / 'n.json'}"
    assert_same(directory, uninterrupted)


def test_interrupted_again_and_again_under_another_name_it_still_ends_at_the_same_bytes(tmp_path, uninterrupted):
    """With an output that the checkpoint's name does not tell, the command has to."""
    arguments = [*VALIDATED, "--output", "other.net", "--history", "other.csv"]
    for epoch in (3, 4, 12):
        with training(*arguments, cwd=tmp_path, at=interrupted_at(f"epoch {epoch:2}/40")) as process:
            exit_code, _, errors = end(process)
        assert exit_code == 130
        arguments = command_in(errors)
        assert arguments == "--resume other.net.checkpoint.json --output other.net --history other.csv".split()
    assert run("train.py", *arguments, cwd=tmp_path).returncode == 0
    assert (tmp_path / "other.net").read_bytes() == (uninterrupted / "n.json").read_bytes()
    assert without_seconds(tmp_path / "other.csv") == without_seconds(uninterrupted / "n.csv")
    assert files_in(tmp_path) == [
        "other.csv",
        "other.net",
        "other.net.best.json",
        "other.net.checkpoint.json",
        "other.png",
    ]


def test_the_network_so_far_can_be_evaluated(tmp_path):
    with training(*DIGITS, "--output", tmp_path / "n.json", at=interrupted_at("epoch  2/40")) as process:
        assert end(process)[0] == 130
    result = run("evaluate.py", "--weights", tmp_path / "n.json", "--figure", tmp_path / "n.png")
    assert result.returncode == 0, result.stderr


def stopped_when_told(
    room: str, module: str, name: str, before: str = "", result: str = "original(*arguments, **options)"
) -> str:
    """A program that runs train.py and interrupts it when a function of the package is called."""
    return f"""
import os, runpy, signal, sys
from nn_from_scratch.{room} import {module}
original = {module}.{name}
def told(*arguments, **options):
    {before}
    os.kill(os.getpid(), signal.SIGINT)
    return {result}
{module}.{name} = told
sys.argv = ["train.py", *sys.argv[1:]]
runpy.run_path("train.py", run_name="__main__")
"""


def train_with(program: str, *arguments: object) -> subprocess.CompletedProcess:
    """train.py in a process in which something of the package was replaced first."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        check=False,
    )


def test_interrupted_when_the_training_is_over_the_network_is_saved_but_no_success_reported(tmp_path):
    program = stopped_when_told("runs", "training_run", "evaluate")
    result = train_with(program, *DIGITS[:-1], 1, "--output", tmp_path / "n.json", "--history", tmp_path / "n.csv")
    assert result.returncode == 130
    assert "test accuracy" not in result.stdout
    assert result.stderr == f"interrupted after the end of the training; the network: {tmp_path / 'n.json'}\n"
    assert nn.load(tmp_path / "n.json").metrics["test_accuracy"] > 0.5
    assert files_in(tmp_path) == ["n.csv", "n.json", "n.png"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_sweep_ends_at_once_and_its_processes_with_it(number, code, tmp_path):
    arguments = ("--data", "digits", "--epochs", 500, "--jobs", 2, "--output", tmp_path / "s")
    group: list[int] = []
    with training(*arguments, script="hyper-tune.py") as process:
        if Path("/proc").exists():
            # two that train, and one that looks after what they share
            wait_for(lambda: len(children(process.pid)) >= 3, process)
            group = children(process.pid)
        else:
            wait_for_line(process, "data: ")
        process.send_signal(number)
        exit_code, output, errors = end(process)  # which waits for all that could still print
    assert exit_code == code
    assert "best learning rate" not in output
    if number != signal.SIGKILL:  # of which Python itself tells, where it was about to start a process
        assert errors == ("interrupted\n" if number == signal.SIGINT else "")
    assert files_in(tmp_path) == []
    wait_for_the_end_of(group)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_runs_that_were_done_when_a_sweep_is_interrupted_are_kept(jobs, tmp_path):
    arguments = ("--data", "digits", "--epochs", 30, "--jobs", jobs, "--output", tmp_path / "s")
    with training(*arguments, script="hyper-tune.py", at=interrupted_at("run 2 of 14")) as process:
        exit_code, output, errors = end(process)
    assert exit_code == 130
    done = int(re.fullmatch(r"interrupted: the results are those of (\d+) of 14 runs\n", errors)[1])
    assert 2 <= done < 14
    assert "best learning rate: " in output
    assert files_in(tmp_path) == ["s.csv", "s.png"]
    runs = {tuple(line.split(",")[:2]) for line in (tmp_path / "s.csv").read_text().splitlines()[1:]}
    assert len(runs) == done


def wait_for_the_end_of(group: list[int]) -> None:
    for pid in group:
        while running(pid):
            sleep(0.01)


def running(pid: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody has asked for its exit code (Z) is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_under_nohup_a_closed_terminal_does_not_end_a_training(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does; a new process has it from this one
    try:
        with training(*DIGITS, "--output", tmp_path / "n.json") as process:
            wait_for_line(process, "epoch  1/40")
            process.send_signal(signal.SIGHUP)
            assert end(process)[0] == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_terminated_while_it_writes_any_script_takes_the_half_written_file_away(tmp_path):
    program = """
import os, signal, sys
from nn_from_scratch import command_line
from nn_from_scratch.storage import files
def main():
    with files.whole_file(sys.argv[1]) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)
command_line.run(main)
"""
    (tmp_path / "file").write_text("old")
    result = train_with(program, tmp_path / "file")
    assert (result.returncode, result.stdout, result.stderr) == (143, "", "")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}


# ---- the second signal ----


def test_the_second_signal_leaves_at_once_and_what_stood_there_stays(tmp_path):
    """Both arrive while the checkpoint is being written, which is the worst moment there is."""
    (tmp_path / "n.checkpoint.json").write_text("old checkpoint")
    (tmp_path / "n.json").write_text("old network")
    second = "os.kill(os.getpid(), signal.SIGINT)"
    program = stopped_when_told("storage", "json_files", "_layout", before=second, result="pytest_must_not_get_here")
    result = train_with(program, *DIGITS, "--checkpoint-every", 1, "--output", tmp_path / "n.json")
    assert result.returncode == 130, result.stderr
    assert result.stderr == ""
    assert "test accuracy" not in result.stdout
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "n.checkpoint.json": "old checkpoint",
        "n.json": "old network",
    }


WHILE_SAVING = """
from nn_from_scratch.storage import files
files._flush = lambda path: path.name == "{name}" and os.kill(os.getpid(), {number:d})
"""
# The first is done before Python sets the signals back to what they do by default, the second after that.
AT_THE_END = """
import atexit, builtins
atexit.register(os.kill, os.getpid(), {number:d})
class Last:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, {number:d})
builtins.last = Last()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("second", "name", "left"),
    [
        (WHILE_SAVING, "n.checkpoint.json", []),
        (WHILE_SAVING, "n.json", ["n.checkpoint.json"]),
        (AT_THE_END, "", ["n.checkpoint.json", "n.json"]),
    ],
    ids=["while the checkpoint is written", "while the network is written", "when all is saved"],
)
def test_two_signals_in_quick_succession_leave_whole_files_or_none(
    second, name, left, number, code, tmp_path, uninterrupted
):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv")
    line, first = interrupted_at("epoch  3/40", number)
    with training(*VALIDATED, *options, at=(line, second.format(name=name, number=number) + first)) as process:
        exit_code, output, errors = end(process)
    assert exit_code == code, errors
    assert errors == "" or command_in(errors)  # and nothing else
    assert "test accuracy" not in output
    assert files_in(tmp_path) == left
    if "n.json" in left:
        nn.load(tmp_path / "n.json")
    if left:
        options = ("--resume", tmp_path / "n.checkpoint.json", "--history", tmp_path / "n.csv")
        assert run("train.py", *options).returncode == 0
        assert_same(tmp_path, uninterrupted)


# ---- no signal that can be handled ----


def test_killed_at_any_moment_the_last_whole_checkpoint_leads_to_the_same_bytes(tmp_path, uninterrupted):
    """Killed, resumed, killed again …: first while nothing is written, then as soon as a file is being written."""
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--checkpoint-every", 1)
    checkpoint = tmp_path / "n.checkpoint.json"
    arguments = [*VALIDATED, *options]

    # The main thread waits before it would give the file its name: it can't be faster than the one that kills.
    while_writing = f"""
from threading import Thread
from nn_from_scratch.storage import files
def kill():
    while not any(name.startswith(".n.checkpoint.json.") for name in os.listdir({str(tmp_path)!r})):
        pass
    os.kill(os.getpid(), {signal.SIGKILL:d})
killer = Thread(target=kill, daemon=True)
killer.start()
files._flush = lambda path, wait=killer.join: wait()
"""
    for at in (interrupted_at("epoch  2/40", signal.SIGKILL), *[("epoch ", while_writing)] * 3):
        with training(*arguments, at=at) as process:
            assert end(process)[0] == -signal.SIGKILL
        with document(checkpoint) as content:
            assert content["progress"]["epoch"] >= 1
        for left_over in tmp_path.glob(".n.checkpoint.json.*"):  # what a process that is killed can't take away
            for path in left_over.iterdir():
                path.unlink()
            left_over.rmdir()
        arguments = ["--resume", checkpoint, *options]
    assert run("train.py", *arguments).returncode == 0
    assert_same(tmp_path, uninterrupted)


def test_killed_while_it_saves_the_previous_network_stays_loadable(tmp_path):
    """The network is written over and over; whenever the process is killed, the file is a whole one."""
    program = """
import sys
from nn_from_scratch import Dense, Network, SavedNetwork, save
network = Network([Dense(200)], (300,), seed=0)
for value in range(1, 10**6):
    network.parameters[...] = value
    save(SavedNetwork(network, tuple(range(200))), sys.argv[1])
"""
    path = tmp_path / "n.json"
    seen = set()
    for delay in np.random.default_rng(0).uniform(0, 0.3, 6):
        process = subprocess.Popen([sys.executable, "-c", program, path], cwd=ROOT)
        try:
            before = path.stat().st_mtime_ns if path.exists() else None
            while not path.exists() or path.stat().st_mtime_ns == before:
                assert process.poll() is None
                sleep(0.001)
            sleep(delay)  # the moment matters to nothing but the variety
        finally:
            process.kill()
            process.wait()
        parameters = nn.load(path).network.parameters
        assert (parameters == parameters[0]).all()
        seen.add(float(parameters[0]))
    assert seen


# ---- resuming something else ----


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("checkpoint")
    arguments = (*DIGITS[:-1], 2, "--validation", 200, "--checkpoint-every", 1, "--output", directory / "n.json")
    assert run("train.py", *arguments).returncode == 0
    return directory / "n.checkpoint.json"


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        (
            ("--sizes", 784, 16, 10),
            "layers is dense:32 relu dense:10 softmax in the checkpoint, not dense:16 relu",
        ),
        (("--seed", 1), "seed is 0 in the checkpoint, not 1"),
        (("--data", "OTHER"), "began with other data: name was 'digits' and is '"),
        (("--validation", 100), "validation is 200 in the checkpoint, not 100"),
        (("--validation", 0), "validation is 200 in the checkpoint, not 0"),
        (("--threads", 3), "threads is 1 in the checkpoint, not 3"),
        (
            ("--optimizer", "sgd", "--momentum", 0.9),
            "optimizer is adam:weight-decay=0.15 in the checkpoint, not sgd:momentum=0.9",
        ),
        (("--learning-rate", 1), "learning_rate is 0.01 in the checkpoint, not 1.0"),
        (("--batch-size", "full"), "batch_size is 8 in the checkpoint, not None"),
        (
            ("--preset", "784-10-10"),
            "layers is dense:32 relu dense:10 softmax in the checkpoint, not dense:10 relu",
        ),
        (("--epochs", 1), "steps are done, more than the 155 of 1 epochs"),
        (("--output", "SAME"), "would overwrite the checkpoint: expected another --output"),
    ],
    ids=str,
)
def test_resuming_differently_is_refused_and_the_difference_named(arguments, difference, checkpoint, tmp_path):
    before = checkpoint.read_bytes()
    (tmp_path / "other.csv").write_bytes(csv_bytes(*pictures(1600, 28)))
    files = {"SAME": checkpoint, "OTHER": tmp_path / "other.csv"}
    arguments = [files.get(argument, argument) for argument in arguments]
    result = run("train.py", "--resume", checkpoint, *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert difference in result.stderr
    assert str(checkpoint) in result.stderr
    assert checkpoint.read_bytes() == before


def test_the_same_options_again_are_no_difference(checkpoint, tmp_path):
    output = ("--output", tmp_path / "n.json")
    result = run("train.py", "--resume", checkpoint, *DIGITS[:-1], 2, "--validation", 200, "--seed", 0, *output)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "n.json").read_bytes() == checkpoint.with_name("n.json").read_bytes()


def test_other_images_under_the_same_name_are_refused(tmp_path):
    data = tmp_path / "data.csv"
    data.write_bytes(csv_bytes(*pictures(70)))
    options = ("--data", data, "--sizes", 64, 10, "--epochs", 1, "--checkpoint-every", 1)
    assert run("train.py", *options, "--output", tmp_path / "n.json").returncode == 0
    data.write_bytes(csv_bytes(*pictures(70, seed=1)))
    result = run("train.py", "--resume", tmp_path / "n.checkpoint.json", "--data", data)
    assert result.returncode == 2
    assert "this training began with other data: fingerprint was '" in result.stderr


def test_a_checkpoint_does_not_choose_which_file_is_opened_and_its_command_names_the_data(tmp_path):
    (tmp_path / "data.csv").write_bytes(csv_bytes(*pictures(70)))
    options = ("--data", "data.csv", "--sizes", 64, 10, "--epochs", 3000, "--output", "n.json")
    with training(*options, cwd=tmp_path, at=interrupted_at("epoch   10/3000")) as process:
        arguments = command_in(end(process)[2])
    assert arguments == ["--resume", "n.checkpoint.json", "--data", "data.csv"]
    line = run("train.py", *arguments[:2], cwd=tmp_path).stderr
    assert "n.checkpoint.json: was trained on the data of --data data.csv: expected these options" in line
    moved = tmp_path / "elsewhere" / "other name.csv"
    moved.parent.mkdir()
    (tmp_path / "data.csv").rename(moved)
    assert run("train.py", *arguments[:2], "--data", moved, cwd=tmp_path).returncode == 0


def test_a_copy_of_a_checkpoint_is_not_taken_for_the_place_of_the_network(checkpoint, tmp_path):
    copy = tmp_path / "copy.json"
    copy.write_bytes(checkpoint.read_bytes())
    result = run("train.py", "--resume", copy, "--epochs", 3)
    assert result.returncode == 2
    assert "would overwrite the checkpoint" in result.stderr
    assert copy.read_bytes() == checkpoint.read_bytes()
    assert run("train.py", "--resume", copy, "--epochs", 3, "--output", tmp_path / "n.json").returncode == 0


@pytest.mark.parametrize("content", ["", "{}", '{"format": "nn_from_scratch"}', "[" * 100_000])
def test_what_is_no_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "n.checkpoint.json").write_text(content)
    result = run("train.py", "--resume", tmp_path / "n.checkpoint.json")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path / "n.checkpoint.json") in result.stderr


# ---- longer, and only as long as it gets better ----


def test_two_epochs_and_two_more_are_four(tmp_path):
    recipe = (*DIGITS[:-1], 4, "--schedule", "constant", "--history", tmp_path / "n.csv")
    assert run("train.py", *recipe, "--output", tmp_path / "four.json").returncode == 0
    options = (*recipe, "--epochs", 2, "--checkpoint-every", 2, "--output", tmp_path / "two.json")
    assert run("train.py", *options).returncode == 0
    assert run("train.py", "--resume", tmp_path / "two.checkpoint.json", "--epochs", 4).returncode == 0
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "four.json").read_bytes()


def test_patience_stops_and_saves_the_best_network(tmp_path):
    options = ("--learning-rate", 0.05, "--schedule", "constant", "--history", tmp_path / "n.csv", "--patience", 2)
    result = run("train.py", *VALIDATED, *options, "--output", tmp_path / "n.json")
    assert result.returncode == 0, result.stderr
    accuracies = [float(line.split(",")[6]) for line in (tmp_path / "n.csv").read_text().splitlines()[1:]]
    best = accuracies.index(max(accuracies))
    assert len(accuracies) == best + 1 + 2 < 40
    assert "stopped: no higher validation accuracy for 2 epochs" in result.stdout
    saved, kept = nn.load(tmp_path / "n.json"), nn.load(tmp_path / "n.best.json")
    assert kept.metrics == {"epoch": best + 1, "validation_accuracy": max(accuracies)}
    assert saved.network.parameters.tobytes() == kept.network.parameters.tobytes()
    _, validation = nn.load_dataset("digits").train.hold_out(200)
    assert nn.evaluate(kept.network, nn.CrossEntropy(), validation)[1] == max(accuracies)
    assert (
        saved.metrics["test_accuracy"]
        == nn.evaluate(kept.network, nn.CrossEntropy(), nn.load_dataset("digits").test)[1]
    )


def test_interrupted_it_is_as_patient_as_before(tmp_path):
    options = (*VALIDATED, "--learning-rate", 0.05, "--schedule", "constant", "--patience", 2)
    assert run("train.py", *options, "--output", tmp_path / "whole.json").returncode == 0
    with training(*options, "--output", tmp_path / "n.json", at=interrupted_at("epoch  2/40")) as process:
        arguments = command_in(end(process)[2])
    assert arguments[-2:] == ["--patience", "2"]
    assert run("train.py", *arguments).returncode == 0
    assert (tmp_path / "n.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_out_of_patience_at_its_last_checkpoint_it_learns_no_more(tmp_path):
    options = ("--learning-rate", 0.05, "--schedule", "constant", "--patience", 2, "--checkpoint-every", 1)
    assert run("train.py", *VALIDATED, *options, "--output", tmp_path / "n.json").returncode == 0
    whole = (tmp_path / "n.json").read_bytes()
    again = run("train.py", "--resume", tmp_path / "n.checkpoint.json", "--patience", 2)
    assert again.returncode == 0, again.stderr
    assert "epoch" not in again.stdout.split("stopped: no higher")[0]
    assert (tmp_path / "n.json").read_bytes() == whole


def test_the_command_on_record_names_patience_which_decides_what_is_saved(tmp_path):
    options = ("--learning-rate", 0.05, "--schedule", "constant", "--patience", 2)
    assert run("train.py", *VALIDATED, *options, "--output", tmp_path / "n.json").returncode == 0
    recorded = shlex.split(nn.load(tmp_path / "n.json").training["command"])
    assert recorded[-4:-2] == ["--patience", "2"]
    assert run(*recorded[1:], "--output", tmp_path / "again.json").returncode == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "n.json").read_bytes()


def test_patience_without_validation_is_refused(tmp_path):
    result = run("train.py", *DIGITS, "--patience", 2, "--output", tmp_path / "n.json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--patience needs --validation N" in result.stderr
    assert files_in(tmp_path) == []


# ---- divergence ----


EXPLOSIVE = "--activations relu relu --loss mean-squared-error --optimizer sgd --momentum 0.9 --weight-decay 0".split()


@pytest.mark.parametrize("rate", ["1e3", "1e8", "1e20", "1e30"])
def test_a_rate_that_explodes_ends_with_one_line_and_the_last_finite_network(rate, tmp_path):
    (tmp_path / "n.json").write_text("old network")
    options = (*EXPLOSIVE, "--schedule", "constant", "--learning-rate", rate, "--output", tmp_path / "n.json")
    result = run("train.py", *VALIDATED, *options)
    assert result.returncode == 3, result.stderr
    assert "test accuracy" not in result.stdout
    where, line = result.stderr.splitlines()
    assert where == f"the last finite network: {tmp_path / 'n.diverged.json'}"
    pattern = r"train\.py: error: diverged at step \d+, at learning rate (.*): (.*) is not a finite number\. (.*)"
    found_rate, place, help_offered = re.fullmatch(pattern, line).groups()
    assert float(found_rate) == float(rate)
    assert re.fullmatch("the output of layer [12]|a gradient of layer [12]|the loss|the length of the step", place)
    assert help_offered == "A lower --learning-rate usually helps"
    assert np.isfinite(nn.load(tmp_path / "n.diverged.json").network.parameters).all()
    assert (tmp_path / "n.json").read_text() == "old network"
    assert files_in(tmp_path) == ["n.diverged.json", "n.json"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--weight-decay", 0), "the test loss is not a finite number"),
        (("--weight-decay", 0, "--validation", 200), "the validation loss is not a finite number"),
        (("--weight-decay", 1), "a weight decay of 1 times this rate does not shrink parameters any more"),
    ],
)
def test_a_single_step_that_ruins_the_network_is_divergence_too(options, reason, tmp_path):
    recipe = "--data digits --optimizer sgd --learning-rate 1e14 --schedule constant --batch-size full --epochs 1"
    result = run("train.py", *recipe.split(), *options, "--output", tmp_path / "n.json")
    assert result.returncode == 3, result.stderr
    assert f"diverged at step 1, at learning rate 1e+14: {reason}. A lower" in result.stderr
    assert np.isfinite(nn.load(tmp_path / "n.diverged.json").network.parameters).all()
    assert files_in(tmp_path) == ["n.diverged.json"]


# ---- ensembles ----

MEMBERS = (*VALIDATED, "--members", 3)


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory) -> Path:
    """What the training of an ensemble leaves that nobody stopped."""
    directory = tmp_path_factory.mktemp("ensemble")
    result = run("train.py", *MEMBERS, "--output", directory / "n.json", "--history", directory / "n.csv")
    assert result.returncode == 0, result.stderr
    return directory


@pytest.mark.parametrize(
    ("number", "code", "jobs", "line", "group"),
    [  # With 2 jobs the others can never be done on their own: the first process has a member still to hand out.
        (signal.SIGINT, 130, 2, "member 1/3  epoch  1/40", True),
        (signal.SIGINT, 130, 1, "member 2/3  epoch 12/40", False),
        (signal.SIGTERM, 143, 2, "member 1/3  epoch  8/40", True),
        (signal.SIGHUP, 129, 2, "member 2/3  epoch 20/40", True),
    ],
)
def test_an_ensemble_is_interrupted_and_resumed_as_one_training(number, code, jobs, line, group, tmp_path, ensemble):
    """Ctrl-C in a terminal, and the end of a session, reach the whole group of processes; `kill` the first one only."""
    directory = tmp_path / "with a space"
    options = ("--output", directory / "n.json", "--history", directory / "n.csv", "--jobs", jobs)
    with training(*MEMBERS, *options, own_group=True, at=interrupted_at(line, number, 0 if group else None)) as process:
        exit_code, output, errors = end(process)
    assert exit_code == code, errors
    assert "\ntest accuracy" not in output
    assert files_in(directory) == ["n.checkpoint.json", "n.json"]
    step = int(errors.split()[3].strip(";"))
    assert 0 < step < 3 * STEPS
    assert f"interrupted at step {step} of {3 * STEPS}; the ensemble so far: {directory / 'n.json'}" in errors
    so_far = nn.load(directory / "n.json")
    assert 1 <= len(so_far.members) <= 3
    assert so_far.metrics == {}
    arguments = command_in(errors)
    assert arguments == [
        *("--resume", str(directory / "n.checkpoint.json"), "--history", str(directory / "n.csv"), "--jobs", str(jobs))
    ]
    result = run("train.py", *arguments)
    assert result.returncode == 0, result.stderr
    assert line not in result.stdout
    assert result.stdout.splitlines()[-1] == f"saved {directory / 'n.json'}"
    assert_same(directory, ensemble)


def test_an_ensemble_that_is_interrupted_again_and_again_still_ends_at_the_same_bytes(tmp_path, ensemble):
    arguments = [*MEMBERS, "--output", "n.net", "--history", "n.csv", "--jobs", 1]
    for line in ("member 1/3  epoch  3/40", "member 2/3", "member 3/3"):  # at the next epoch of these members
        with training(*arguments, cwd=tmp_path, at=interrupted_at(line)) as process:
            exit_code, _, errors = end(process)
        assert exit_code == 130
        arguments = command_in(errors)
        assert arguments == "--resume n.net.checkpoint.json --output n.net --history n.csv --jobs 1".split()
    assert run("train.py", *arguments, cwd=tmp_path).returncode == 0
    assert (tmp_path / "n.net").read_bytes() == (ensemble / "n.json").read_bytes()
    assert (tmp_path / "n.net.best.json").read_bytes() == (ensemble / "n.best.json").read_bytes()
    assert without_seconds(tmp_path / "n.csv") == without_seconds(ensemble / "n.csv")


def test_an_ensemble_that_is_killed_leads_from_its_last_checkpoint_to_the_same_bytes(tmp_path, ensemble):
    options = ("--output", tmp_path / "n.json", "--history", tmp_path / "n.csv", "--checkpoint-every", 5)
    checkpoint, arguments = tmp_path / "n.checkpoint.json", MEMBERS
    for line in ("member 1/3  epoch  6/40", "member 2/3  epoch 26/40"):
        with training(*arguments, *options, at=interrupted_at(line, signal.SIGKILL)) as process:
            assert end(process)[0] == -signal.SIGKILL
        with document(checkpoint) as content:
            assert any(member and member["progress"]["epoch"] % 5 == 0 for member in content["members"])
        for left_over in tmp_path.glob(".n.checkpoint.json.*"):
            for path in left_over.iterdir():
                path.unlink()
            left_over.rmdir()
        arguments = ("--resume", checkpoint)
    assert run("train.py", *arguments, *options).returncode == 0
    assert_same(tmp_path, ensemble)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("signals", [[signal.SIGKILL], [signal.SIGINT, signal.SIGINT], [signal.SIGTERM, signal.SIGHUP]])
def test_no_process_of_an_ensemble_outlives_the_first(signals, tmp_path):
    options = ("--members", 3, "--jobs", 3, "--output", tmp_path / "n.json")
    with training(*DIGITS[:-1], 5000, *options) as process:
        wait_for_line(process, "member 3/3  epoch ")
        group = children(process.pid)
        assert len(group) >= 3
        for number in signals:
            process.send_signal(number)
        process.communicate(timeout=ENOUGH)
    wait_for_the_end_of(group)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_where_a_member_is_killed_the_last_checkpoint_is_left(tmp_path):
    options = ("--members", 2, "--checkpoint-every", 1, "--output", tmp_path / "n.json")
    with training(*DIGITS[:-1], 5000, *options) as process:
        wait_for_line(process, "member 2/2  epoch    2/5000")
        wait_for((tmp_path / "n.checkpoint.json").exists, process)
        os.kill(children(process.pid)[-1], signal.SIGKILL)
        exit_code, _, errors = end(process)
    assert exit_code == 1
    so_far, to_go_on, error = errors.splitlines()
    assert re.fullmatch(rf"ended at step \d+ of \d+; the ensemble so far: {tmp_path / 'n.json'}", so_far)
    assert to_go_on.startswith(f"to continue: python train.py --resume {tmp_path / 'n.checkpoint.json'} ")
    assert error.startswith("train.py: error: one of the processes ended before its work was done; ")
    assert files_in(tmp_path) == ["n.checkpoint.json", "n.json"]


def test_an_ensemble_that_is_interrupted_before_its_first_step_can_be_resumed(tmp_path):
    """As soon as the processes are begun."""
    program = stopped_when_told("command_line", "ensemble_training", "tqdm")
    options = (*DIGITS[:-1], 2, "--members", 2)
    result = train_with(program, *options, "--jobs", 1, "--output", tmp_path / "n.json")
    assert result.returncode == 130
    assert result.stderr.splitlines()[0] == "interrupted at step 0 of 720; no member has begun"
    assert files_in(tmp_path) == ["n.checkpoint.json"]
    assert run("train.py", *shlex.split(result.stderr.splitlines()[1])[4:]).returncode == 0
    assert run("train.py", *options, "--output", tmp_path / "whole.json").returncode == 0
    assert (tmp_path / "n.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_interrupted_when_all_members_are_trained_the_ensemble_is_saved(tmp_path):
    program = stopped_when_told("command_line", "ensemble_training", "evaluate")
    result = train_with(program, *DIGITS[:-1], 1, "--members", 2, "--jobs", 1, "--output", tmp_path / "n.json")
    assert result.returncode == 130
    assert result.stderr == f"interrupted after the end of the training; the ensemble: {tmp_path / 'n.json'}\n"
    assert nn.load(tmp_path / "n.json").metrics["test_accuracy"] > 0.5


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        (("--members", 2), "members is 3 in the checkpoint, not 2"),
        (("--seed", 1), "seed is 0 in the checkpoint, not 1"),
        (("--learning-rate", 1), "learning_rate is 0.01 in the checkpoint, not 1.0"),
        (("--validation", 100), "validation is 0 in the checkpoint, not 100"),
    ],
    ids=str,
)
def test_resuming_an_ensemble_differently_is_refused_and_the_difference_named(arguments, difference, tmp_path):
    options = (*DIGITS[:-1], 1, "--members", 3, "--checkpoint-every", 1, "--output", tmp_path / "n.json")
    assert run("train.py", *options).returncode == 0
    checkpoint = tmp_path / "n.checkpoint.json"
    before = checkpoint.read_bytes()
    assert difference in refusal(run("train.py", "--resume", checkpoint, *arguments))
    assert checkpoint.read_bytes() == before


def test_a_network_is_not_resumed_as_an_ensemble(checkpoint):
    for options, message in (
        (("--members", 2), "members is 1 in the checkpoint, not 2"),
        (("--jobs", 2), "--jobs is for the members"),
    ):
        assert message in refusal(run("train.py", "--resume", checkpoint, *options))


def test_of_an_ensemble_two_epochs_and_two_more_are_four(tmp_path):
    recipe = (*DIGITS[:-1], 4, "--schedule", "constant", "--members", 2)
    assert run("train.py", *recipe, "--output", tmp_path / "four.json").returncode == 0
    options = (*recipe, "--epochs", 2, "--checkpoint-every", 2, "--output", tmp_path / "two.json")
    assert run("train.py", *options).returncode == 0
    assert run("train.py", "--resume", tmp_path / "two.checkpoint.json", "--epochs", 4).returncode == 0
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "four.json").read_bytes()


def test_an_ensemble_that_diverges_names_the_member_and_keeps_its_last_finite_network(tmp_path):
    (tmp_path / "n.json").write_text("old ensemble")
    options = (*EXPLOSIVE, "--schedule", "constant", "--learning-rate", 1e8, "--members", 2)
    result = run("train.py", *VALIDATED, *options, "--jobs", 1, "--output", tmp_path / "n.json")
    assert result.returncode == 3, result.stderr
    where, line = result.stderr.splitlines()
    assert where == f"the last finite network of this member: {tmp_path / 'n.diverged.json'}"
    assert re.search(r"error: diverged at step \d+, at learning rate 1e\+08: member 1 \(seed 0\): .* is not a", line)
    assert np.isfinite(nn.load(tmp_path / "n.diverged.json").network.parameters).all()
    assert (tmp_path / "n.json").read_text() == "old ensemble"
    assert files_in(tmp_path) == ["n.diverged.json", "n.json"]


# ---- two at once ----


def test_two_trainings_with_one_output_leave_the_whole_network_of_one_of_them(tmp_path):
    results = {}
    for seed in (0, 1):
        run("train.py", *DIGITS[:-1], 2, "--seed", seed, "--output", tmp_path / f"{seed}.json")
        results[(tmp_path / f"{seed}.json").read_bytes()] = seed
    assert len(results) == 2
    output = ("--checkpoint-every", 1, "--output", tmp_path / "both.json")
    with training(*DIGITS[:-1], 2, *output) as one, training(*DIGITS[:-1], 2, "--seed", 1, *output) as other:
        assert [end(process)[0] for process in (one, other)] == [0, 0]
    assert (tmp_path / "both.json").read_bytes() in results
    assert json.loads((tmp_path / "both.checkpoint.json").read_text())["progress"]["epoch"] in (1, 2)
    assert files_in(tmp_path) == ["0.json", "1.json", "both.checkpoint.json", "both.json"]


# ---- the real thing ----


@needs_mnist
def test_an_interrupted_mnist_training_ends_at_the_same_bytes(tmp_path):
    options = ("--preset", "784-10-10", "--epochs", 2, "--output")
    assert run("train.py", *options, tmp_path / "whole.json").returncode == 0
    with training(*options, tmp_path / "n.json", at=interrupted_at("epoch 1/2")) as process:
        exit_code, _, errors = end(process)
    assert exit_code == 130
    assert run("train.py", *command_in(errors)).returncode == 0
    assert (tmp_path / "n.json").read_bytes() == (tmp_path / "whole.json").read_bytes()

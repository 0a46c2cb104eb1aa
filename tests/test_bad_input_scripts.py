"""Unusable files given to the scripts: one line that names file, place and what was expected; nothing is overwritten.

What the readers say to every kind of damage is tested beside them. Here are the same files on their way through
train.py and evaluate.py, most of them through the scripts' own `main` within this process, a handful as a user would.
"""

import contextlib
import gzip
import io
import json
import os
import runpy
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.command_line.process import ENDING
from nn_from_scratch.runs.checkpoint import save_checkpoint
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.storage.json_files import LARGEST_FILE
from tests.data.samples import csv_bytes, idx_bytes, npz_bytes, pictures, write_idx_files, zip_bytes
from tests.scripts import ROOT, refusal, run
from tests.trainings import end, training, wait_for_line, waiting_at

X, Y = pictures(20, 28)
TABLE = csv_bytes(X, Y, header=True)
SMALL = ("--sizes", 784, 10, "--epochs", 1)


def network(**changes: object) -> dict:
    """A network for images of 28 × 28 as JSON, with some of its parts exchanged."""
    dense = {"type": "Dense", "config": {"units": 10}, "parameters": {"W": [[0.0] * 784] * 10, "b": [0] * 10}}
    return {
        "format": "nn_from_scratch",
        "format_version": 1,
        "dtype": "float32",
        "input_shape": [784],
        "classes": list(range(10)),
        "training": {"data": {"name": "digits"}},
        "metrics": {},
        "layers": [dense | {"state": {}}, {"type": "Softmax", "config": {}, "parameters": {}, "state": {}}],
    } | changes


def layer(**changes: object) -> dict:
    """The network with another first layer."""
    first, *others = network()["layers"]
    return network(layers=[first | changes, *others])


def cell(row: int, column: int, value: str) -> bytes:
    lines = [line.split(",") for line in TABLE.decode().splitlines()]
    lines[row - 1][column - 1] = value
    return "\n".join(map(",".join, lines)).encode()


def declaring_100_gb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("train.csv", TABLE)
        archive.filelist[0].file_size = 100 * 10**9
    return content.getvalue()


def objects() -> bytes:
    pickled = io.BytesIO()
    np.save(pickled, np.array([print] * 20, object), allow_pickle=True)
    arrays = {"x_train": X, "x_test": X, "y_test": Y}
    members = {}
    for name, array in arrays.items():
        content = io.BytesIO()
        np.save(content, array)
        members[f"{name}.npy"] = content.getvalue()
    return zip_bytes(members | {"y_train.npy": pickled.getvalue()})


IDX = gzip.compress(idx_bytes(X))
DATA = {  # --data: a file's content, and what is said of it
    "cut short": (gzip.compress(TABLE)[:-20], "the compressed data end too early; the file is cut short"),
    "corrupt": (gzip.compress(TABLE)[:40] + b"\xff" * 60, "the compressed data are damaged"),
    "empty": (b"", "is empty, expected a line for each sample"),
    "missing column": (TABLE.replace(b"label,", b""), "line 2: 785 columns, expected 784 as in the first line"),
    "missing cell": (TABLE + b"1,2,3\n", "line 22: 3 columns, expected 785 as in the first line"),
    "text": (cell(3, 5, "abc"), "line 3: column 5: found 'abc', expected a pixel from 0 to 255"),
    "label of 256": (cell(4, 1, "256"), "line 4: column 1: found '256', expected a label from 0 to 255"),
    "pixel of 300": (cell(5, 100, "300"), "line 5: column 100: found '300', expected a pixel from 0 to 255"),
    "NaN": (cell(6, 785, "NaN"), "line 6: column 785: found 'NaN', expected a pixel from 0 to 255"),
    "delimiter": (TABLE.replace(b",", b";"), "line 1: columns separated by semicolons, expected commas"),
    "several members": (zip_bytes({"a.csv": TABLE, "b.csv": TABLE}), "has 2 members (a.csv, b.csv), expected exactly"),
    "outside": (zip_bytes({"../../a.csv": TABLE}), "member '../../a.csv': points outside the archive"),
    "100 GB": (declaring_100_gb(), "declares 100,000,000,000 bytes, expected at most"),
    "pickled": (objects(), "y_train: holds pickled objects, expected numbers"),
    "half an npz": (npz_bytes(x_train=X, y_train=Y), "has no x_test.npy, expected x_train, y_train, x_test and y_test"),
    "other size": (csv_bytes(*pictures(20, 8)), "8 × 8 = 64 pixels, but the network takes 784 inputs"),
}
MNIST = {  # --data: one of the four IDX files, its content, and what is said of it
    "magic number": (
        "train_images",
        b"\0\0\x08\x01" + idx_bytes(X)[4:],
        "begins with 0x00000801 (IDX labels), expected",
    ),
    "other counts": ("train_labels", idx_bytes(Y), "train-labels-idx1-ubyte.gz: 20 labels, expected 30, one for each"),
    "trailing bytes": ("train_images", idx_bytes(X) + b"\n", "= 15,680 bytes after it, found more"),
    "too few bytes": ("t10k_images", idx_bytes(X)[:-1], "= 15,680 bytes after it, found 15,679"),
    "cut short": ("train_images", IDX[:-300], "the compressed data end too early; the file is cut short"),
    "corrupt": ("train_images", IDX[:1000] + bytes(90) + IDX[1090:], "the compressed data are damaged"),
    "huge": ("t10k_images", struct.pack(">4I", 0x803, *[2**32 - 1] * 3), "expected at most 201,326,592"),
    "empty": ("t10k_labels", b"", "is empty, expected IDX labels"),
}
WEIGHTS = {  # --weights: a file's content, and what is said of it
    "empty": ("", "not valid JSON at line 1, column 1"),
    "cut short": (json.dumps(network())[:5000], "not valid JSON at line 1, column"),
    "nested": ("[" * 100_000, "nested too deeply"),
    "NaN": (json.dumps(network()).replace("0.0", "NaN", 1), "NaN is not a number that JSON allows"),
    "ragged": (layer(parameters={"W": [[0] * 784] * 9 + [[0] * 783], "b": [0] * 10}), "expected rows of equal length"),
    "other shape": (layer(parameters={"W": [[0] * 784] * 9, "b": [0] * 10}), "has shape (9, 784): expected (10, 784)"),
    "unknown layer": (layer(type="Conv9D"), "layers[0].type is 'Conv9D': expected one of Dense"),
    "newer": (network(format_version=99), "format_version is 99, but this version of the package reads 1"),
    "huge": (layer(config={"units": 10**9}), "has shape (10, 784): expected (1000000000, 784)"),
    "another format": ({"layers": []}, 'expected a JSON object with "format": "nn_from_scratch"'),
    "no text": (b"\x89PNG\r\n\x1a\n\xff", "not UTF-8 text at byte 0"),
}


def in_process(script: str, *arguments: object) -> str:
    """The one line with which a script's `main`, run in this process, refuses its arguments."""
    said, printed = io.StringIO(), io.StringIO()
    argv, handlers = sys.argv, {number: signal.getsignal(number) for number in ENDING}
    sys.argv = [script, *map(str, arguments)]
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / script), run_name="__main__")
    finally:
        sys.argv = argv
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert ended.value.code == 2, said.getvalue()
    assert printed.getvalue() == ""
    assert said.getvalue().count("\n") == 1
    assert said.getvalue().startswith(f"{script}: error: ")
    return said.getvalue()


def as_a_user(script: str, *arguments: object) -> str:
    return refusal(run(script, *arguments))


def ways(cases: dict, as_users: set[str]) -> list:
    """Each case within this process, some also as a process of their own."""
    within = [pytest.param(in_process, *values, id=name) for name, values in cases.items()]
    return within + [pytest.param(as_a_user, *cases[name], id=f"{name}, as a user") for name in sorted(as_users)]


@pytest.mark.parametrize(("way", "content", "message"), ways(DATA, {"label of 256", "100 GB"}))
def test_data_that_are_not_usable(way: Callable[..., str], content, message, tmp_path):
    data, output = tmp_path / "data.file", tmp_path / "n.json"
    data.write_bytes(content)
    output.write_text("old network")
    line = way("train.py", "--data", data, *SMALL, "--output", output)
    assert str(data) in line
    assert message in line
    assert output.read_text() == "old network"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.file", "n.json"]


@pytest.mark.parametrize(("way", "file", "content", "message"), ways(MNIST, {"magic number"}))
def test_mnist_that_is_not_usable(way: Callable[..., str], file, content, message, tmp_path):
    data, output = write_idx_files(tmp_path / "mnist", **{file: content}), tmp_path / "n.json"
    line = way("train.py", "--data", data, *SMALL, "--output", output)
    assert f"{data}/{file.replace('_', '-')}" in line
    assert message in line
    assert not output.exists()


def test_images_without_labels(tmp_path):
    data = write_idx_files(tmp_path / "mnist")
    (data / "train-labels-idx1-ubyte.gz").unlink()
    line = in_process("train.py", "--data", data, *SMALL, "--output", tmp_path / "n.json")
    assert f"{data}: has no file train-labels-idx1-ubyte, expected it there" in line


@pytest.mark.parametrize(("way", "content", "message"), ways(WEIGHTS, {"nested", "newer"}))
def test_networks_that_are_not_usable(way: Callable[..., str], content, message, tmp_path):
    weights, figure = tmp_path / "n.json", tmp_path / "f.png"
    figure.write_text("old figure")
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    weights.write_bytes(text if isinstance(text, bytes) else text.encode())
    line = way("evaluate.py", "--weights", weights, "--data", "digits", "--figure", figure)
    assert str(weights) in line
    assert message in line
    assert figure.read_text() == "old figure"


def test_the_network_that_is_damaged_above_is_a_valid_one(tmp_path):
    (tmp_path / "n.json").write_text(json.dumps(network()))
    assert len(nn.load(tmp_path / "n.json").network.parameters) == 7850


def test_texts_in_files_reach_the_terminal_as_escapes(tmp_path):
    """The name of the data in a checkpoint, and what a network's file tells of its making."""
    clear = "\x1b[2J\x1b]0;owned\x07"
    training_run = TrainingRun(nn.PRESETS["784-10-10"], nn.load_dataset("digits"))
    save_checkpoint(training_run, tmp_path / "c.json")
    checkpoint = json.loads((tmp_path / "c.json").read_text())
    checkpoint["run"]["data"]["name"] = clear
    (tmp_path / "c.json").write_text(json.dumps(checkpoint))
    training = {"data": {"name": clear, "fingerprint": clear}, "recipe": {"loss": clear}, "command": clear}
    nn.save(nn.SavedNetwork(training_run.network, training=training), tmp_path / "n.json")
    for script, option, file in (("train.py", "--resume", "c.json"), ("evaluate.py", "--weights", "n.json")):
        line = in_process(script, option, tmp_path / file)
        assert line.rstrip("\n").isprintable()
    result = run("evaluate.py", "--weights", tmp_path / "n.json", "--data", "digits", "--figure", tmp_path / "f.png")
    assert result.returncode == 0
    assert r"other data, \x1b[2J\x1b]0;owned\x07 (\x1b[2J\x1b]0;owned\x07)" in result.stderr
    assert all(line.isprintable() for line in (result.stdout + result.stderr).splitlines())


def test_a_network_of_2_gb_is_refused_unread(tmp_path):
    with open(tmp_path / "n.json", "wb") as file:
        file.truncate(2 * 10**9)  # a hole: it takes no space
    line = in_process("evaluate.py", "--weights", tmp_path / "n.json", "--data", "digits")
    assert f"2,000,000,000 bytes are too many: expected a network of at most {LARGEST_FILE:,}" in line


# ---- places that can't be written ----


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="every directory is writable to root, and on Windows")
def test_a_directory_without_permission_is_refused_before_the_training(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    line = in_process("train.py", "--data", "digits", *SMALL, "--output", locked / "n.json")
    assert f"{locked / 'n.json'}: can't be written: Permission denied" in line


@pytest.mark.parametrize("length", [246, 250, 256])
def test_a_name_too_long_for_the_network_or_what_belongs_to_it_is_refused_before_the_training(length, tmp_path):
    line = in_process("train.py", "--data", "digits", *SMALL, "--output", tmp_path / ("n" * length))
    assert line.endswith("can't be written: File name too long\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sizes", 784, 3000, 2500, 10), "9,882,510 parameters are too many: expected at most 3,000,000"),
        (("--sizes", 784, 10**20, 10), "parameters are too many"),
        (("--sizes", 784, 10**12, 10), "parameters are too many"),
        (("--initializer", "normal:1e39"), "the first weights are too large for float32: expected another initializer"),
        (("--epochs", 10**19), "epochs 10000000000000000000: expected 1 to a billion"),
        (("--batch-size", 10**19), "batch_size 10000000000000000000: expected 1 to a billion"),
    ],
    ids=str,
)
def test_numbers_beyond_reason_are_refused_before_the_first_step(options, message, tmp_path):
    line = in_process("train.py", "--data", "digits", *options, "--output", tmp_path / "n.json")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_of_a_network_too_large_is_refused_too(tmp_path):
    result = run("hyper-tune.py", "--data", "digits", "--sizes", 784, 10**12, 10, "--output", tmp_path / "n")
    assert result.returncode == 2
    assert "795,000,000,000,010 parameters are too many: expected at most 3,000,000\n" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_where_memory_ends_there_is_one_line():
    program = "import sys; from nn_from_scratch import command_line; sys.argv = ['train.py']\n"
    program += "def main(): raise MemoryError\ncommand_line.run(main)"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("train.py: error: not enough memory: ")
    assert len(result.stderr.splitlines()) == 1


FULL_DISK = """
import io, os, pathlib, runpy, sys
def no_space(self, data, *arguments, **options):
    with open(self, "wb") as file:
        file.write(data[:1000])
    raise OSError(28, "No space left on device")
pathlib.Path.write_bytes = no_space
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_full_disk_is_named_with_the_file_and_the_old_one_survives(tmp_path):
    output = tmp_path / "n.json"
    output.write_text("old network")
    result = train_after(FULL_DISK, "--output", output)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        f"{output}: can't be written: No space left on device",
        "a temporary file can't be written either: No space left on device",
        f"train.py: error: could not be written: {output}",
    ]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"n.json": "old network"}


def test_a_disk_that_is_really_full(tmp_path):
    """A file system of 64 kB, where one may be mounted; a network takes more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        (disk / "n.json").write_text("old network")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        result = run("train.py", "--data", "digits", *SMALL, "--output", disk / "n.json", TMPDIR=str(elsewhere))
        assert result.returncode == 2
        full, kept, error = result.stderr.splitlines()
        assert full == f"{disk / 'n.json'}: can't be written: No space left on device"
        assert error == f"train.py: error: could not be written: {disk / 'n.json'}"
        (place,) = elsewhere.glob("*/n.json")
        assert kept == f"saved as {place} instead"
        assert f"saved {place}" in result.stdout
        assert nn.load(place).metrics["test_accuracy"] > 0.1
        assert {path.name: path.read_text() for path in disk.iterdir()} == {"n.json": "old network"}
    finally:
        subprocess.run(["umount", disk], check=True)


FAILING = """
import runpy, sys
from nn_from_scratch.command_line import training
from nn_from_scratch.storage import files
calls = 0
def sometimes(write):
    def replacement(content, path):
        global calls
        calls += 1
        if calls in {failures}:
            raise OSError(28, "No space left on device", str(path))
        write(content, path)
    return replacement
files.save_rows = sometimes(files.save_rows)
training.save_checkpoint = sometimes(training.save_checkpoint)
training.save = sometimes(training.save)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def train_after(program: str, *options: object, **environment: str) -> subprocess.CompletedProcess:
    """train.py on the digits in a process in which something of the package was replaced first."""
    return subprocess.run(
        [sys.executable, "-c", program, "train.py", "--data", "digits", *map(str, (*SMALL, *options))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_whichever_single_write_fails_all_others_are_made_and_what_failed_is_kept_elsewhere(failing, tmp_path):
    """In turn: the checkpoint, the network, its history, the best network."""
    options = ("--output", "n.json", "--history", "n.csv", "--checkpoint-every", 1, "--validation", 200)
    names = ["n.checkpoint.json", "n.json", "n.csv", "n.best.json"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    paths = [tmp_path / option if str(option).startswith("n.") else option for option in options]
    result = train_after(FAILING.replace("{failures}", f"{{{failing}}}"), *paths, TMPDIR=str(elsewhere))
    failed = names[failing - 1]
    assert f"{tmp_path / failed}: can't be written: No space left on device" in result.stderr
    assert "test accuracy" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted({*names, "n.png"} - {failed})
    if failing == 1:  # a later checkpoint would have been written: nothing is lost
        assert result.returncode == 0
        assert "the training continues" in result.stderr
    else:
        assert result.returncode == 2
        assert result.stderr.splitlines()[-1] == f"train.py: error: could not be written: {tmp_path / failed}"
        assert [path.name for path in elsewhere.glob("*/*")] == [failed]


def test_a_reader_who_leaves_does_not_end_the_training(tmp_path):
    options = ("--data", "digits", *SMALL, "--output", tmp_path / "n.json")
    with training(*options, at=waiting_at("data: ")) as process:
        wait_for_line(process, "data: ")
        process.stdout.close()  # as `head -1` does
        exit_code, _, errors = end(process)
    assert exit_code == 0
    assert errors == "the output can't be written any more (Broken pipe); the training continues without it\n"
    assert nn.load(tmp_path / "n.json").metrics["test_accuracy"] > 0.5


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_an_output_on_a_full_disk_does_not_end_the_training_but_is_no_success(tmp_path):
    command = [sys.executable, "train.py", "--data", "digits", *map(str, SMALL), "--output", tmp_path / "n.json"]
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == "train.py: error: could not be written: the output"
    assert "test_accuracy" in nn.load(tmp_path / "n.json").metrics


@pytest.mark.parametrize("closed", ["1", "2"])
def test_closed_streams_are_no_reason_to_fail(closed, tmp_path):
    command = (
        f"{sys.executable} train.py --data digits --sizes 784 10 --epochs 1 --output {tmp_path}/n.json {closed}>&-"
    )
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "test_accuracy" in nn.load(tmp_path / "n.json").metrics


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp932", "ascii"])
def test_any_terminal_and_any_file_name_will_do(encoding, tmp_path):
    weights = tmp_path / os.fsdecode(b"\xff\xe9.json")  # no UTF-8
    data, environment = tmp_path / os.fsdecode(b"\xfd$\\x$.csv"), {"PYTHONIOENCODING": encoding}
    data.write_bytes(csv_bytes(*pictures(70, 28)))
    commands = [
        ("train.py", "--data", data, *SMALL, "--validation", 9, "--output", weights, "--history", tmp_path / "λ.csv"),
        ("evaluate.py", "--weights", weights, "--data", data, "--details", "--figure", tmp_path / "σ.png"),
        ("evaluate.py", "--weights", weights, "--data", data, "--json", "--errors", tmp_path / "é"),
        ("plot_weights.py", "--weights", weights, "--output-dir", tmp_path),
        ("nn_from_scratch.data", "--data", data, "--save", tmp_path / "d.png"),
        ("train.py", "--help"),
    ]
    for command in commands:
        result = run(*command, cwd=tmp_path, **environment)
        assert (result.returncode, result.stderr) == (0, ""), command


# ---- files that would take each other's place ----


@pytest.fixture(scope="module")
def every_kind_of_file(tmp_path_factory):
    directory = tmp_path_factory.mktemp("files")
    write_idx_files(directory / "mnist_files", train_images=idx_bytes(X), train_labels=idx_bytes(Y))
    (directory / "d.csv").write_bytes(csv_bytes(*pictures(70, 28)))
    (directory / "w.json").write_text(json.dumps(network()))
    shutil.copy(ROOT / "resources/handwriting/two.png", directory)
    (directory / "link.png").symlink_to("two.png")
    saved = run("train.py", "--data", "digits", *SMALL, "--checkpoint-every", 1, "--output", directory / "n.json")
    assert saved.returncode == 0
    (directory / "n.checkpoint.json").rename(directory / "c.json")
    return directory


@pytest.mark.parametrize(
    "command",
    [
        "train.py --data d.csv --history d.csv --output x.json",
        "train.py --resume c.json --history c.json --output x.json",
        "train.py --data digits --output x.json --history x.json",
        "train.py --data digits --output x.json --history x.checkpoint.json",
        "train.py --data digits --history x.csv --output x.png",
        "train.py --data mnist_files --output mnist_files/train-images-idx3-ubyte.gz",
        "plot_weights.py --weights w.json --csv w.json",
        "plot_weights.py --weights w.json --csv weight_histograms.png --output-dir .",
        "evaluate.py --weights w.json --image two.png --figure two.png",
        "evaluate.py --weights w.json --image two.png --figure link.png",
        "evaluate.py --weights w.json --data digits --errors m --figure m/mistakes.png",
        "hyper-tune.py --data d.csv --output d",
    ],
)
def test_no_file_of_a_command_takes_the_place_of_another(command, every_kind_of_file, tmp_path, monkeypatch):
    directory = shutil.copytree(every_kind_of_file, tmp_path / "files", symlinks=True)
    monkeypatch.chdir(directory)
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    script, *arguments = command.split()
    assert "expected different files" in in_process(script, *arguments)
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before

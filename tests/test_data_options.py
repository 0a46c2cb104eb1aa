"""--data, --test-data and --test-fraction: which images are tested on, also by the scripts that come later."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
from nn_from_scratch.runs.training_run import TrainingRun
from tests.data.samples import csv_bytes
from tests.scripts import refusal, run

SHORT = ("--preset", "784-10-10", "--epochs", "2", "--quiet")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.csv and test.csv: 300 and 200 digits."""
    directory = tmp_path_factory.mktemp("data")
    digits = nn.load_dataset("digits").train
    for name, rows in (("train.csv", slice(0, 300)), ("test.csv", slice(300, 500))):
        part = digits.select(rows)
        (directory / name).write_bytes(csv_bytes(part.images, part.labels, header=True))
    return directory


@pytest.fixture(scope="module")
def trained(directory: Path) -> Path:
    """A network trained on train.csv and tested on test.csv, with a checkpoint beside it."""
    options = ("--data", directory / "train.csv", "--test-data", directory / "test.csv", "--checkpoint-every", "1")
    result = run("train.py", *SHORT, *options, "--output", directory / "network.json")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith(" (200 images)\n")
    return directory / "network.json"


def evaluated(*options: object) -> dict:
    result = run("evaluate.py", "--json", *options)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_two_csv_files_and_the_directory_with_both_train_and_test_alike(directory, trained):
    options = ("--data", directory, "--output", directory / "again.json")
    assert run("train.py", *SHORT, *options).stdout.endswith(" (200 images)\n")
    documents = [json.loads(path.read_text()) for path in (trained, directory / "again.json")]
    assert documents[0]["layers"] == documents[1]["layers"]
    records = [document["training"]["data"] for document in documents]
    assert records[0]["fingerprint"] == records[1]["fingerprint"]
    assert records[0] == records[1] | {"name": f"{directory / 'train.csv'}", "test_data": f"{directory / 'test.csv'}"}
    assert records[0]["training_images"] == 300


def test_the_network_is_tested_on_the_same_images_later(directory, trained, tmp_path):
    accuracy = json.loads(trained.read_text())["metrics"]["test_accuracy"]
    figure = ("--figure", tmp_path / "a.png")
    options = ("--data", directory / "train.csv", "--test-data", directory / "test.csv")
    later = evaluated("--weights", trained, *options, *figure)
    assert (later["images"], later["accuracy"]) == (200, accuracy)
    moved = directory / "moved.csv"
    (directory / "test.csv").rename(moved)
    try:
        assert "test.csv: no such file" in refusal(run("evaluate.py", "--weights", trained, *options, *figure))
        found = evaluated("--weights", trained, "--test-data", moved, *figure)
    finally:
        moved.rename(directory / "test.csv")
    assert (found["images"], found["accuracy"], found["data"]) == (200, accuracy, str(moved))


def test_paths_on_record_are_named_and_not_opened(directory, trained, tmp_path):
    train, test = directory / "train.csv", directory / "test.csv"
    for command in (
        ("evaluate.py", "--weights", trained),
        ("nn_from_scratch.dashboard", "--weights", trained, "--save", tmp_path / "d.png"),
        ("train.py", "--resume", directory / "network.checkpoint.json"),
    ):
        line = refusal(run(*command))
        assert f"was trained on the data of --data {train} --test-data {test}: expected these options" in line


def test_all_images_of_a_test_set_are_tested_without_any_to_learn_from(directory, tmp_path):
    options = ("--test-data", directory / "test.csv", "--figure", tmp_path / "a.png")
    assert evaluated("--weights", "resources/pretrained/784-128-64-10.json", *options)["images"] == 200
    of_two_classes = np.isin(nn.load_dataset("digits").train.labels[300:500], (1, 2)).sum()
    assert evaluated("--weights", "resources/pretrained/784-196-1.json", *options)["images"] == of_two_classes


def test_the_recorded_command_makes_the_same_file_again(directory, trained):
    _, script, *options = shlex.split(json.loads(trained.read_text())["training"]["command"])
    assert run(script, *options, "--output", directory / "second.json").returncode == 0
    assert (directory / "second.json").read_bytes() == trained.read_bytes()


def test_a_checkpoint_goes_on_with_the_same_test_set(directory, trained):
    checkpoint = directory / "network.checkpoint.json"
    options = ("--data", directory / "train.csv", "--test-data", directory / "test.csv")
    result = run("train.py", "--resume", checkpoint, *options, "--output", directory / "resumed.json", "--quiet")
    assert result.stdout.endswith(" (200 images)\n")
    assert (directory / "resumed.json").read_bytes() == trained.read_bytes()
    for other in (("--test-data", directory / "train.csv"), ("--test-fraction", 0.5), ()):
        line = refusal(run("train.py", "--resume", checkpoint, *options[:2], *other))
        assert "this training began with other data: " in line


def test_a_fraction_is_on_record(tmp_path):
    output = tmp_path / "network.json"
    result = run("train.py", *SHORT, "--data", "digits", "--test-fraction", 0.25, "--output", output)
    assert result.stdout.endswith(" (450 images)\n")
    training = json.loads(output.read_text())["training"]
    assert training["data"]["test_fraction"] == 0.25
    assert training["command"].endswith(" --data digits --test-fraction 0.25 --seed 0")
    figure = ("--figure", tmp_path / "a.png")
    assert evaluated("--weights", output, *figure)["images"] == 450
    assert "trained on other data" in run("evaluate.py", "--weights", output, "--data", "digits", *figure).stderr


@pytest.mark.parametrize("script", ["train.py", "hyper-tune.py", "nn_from_scratch.data"])
def test_every_script_that_takes_data_takes_a_test_set(script, tmp_path):
    both = refusal(run(script, "--test-data", "a.csv", "--test-fraction", "0.5"))
    assert "--test-fraction: not allowed with argument --test-data" in both
    assert "'1' is not a number between 0 and 1" in refusal(run(script, "--test-fraction", "1"))
    assert "a.csv: no such file" in refusal(run(script, "--data", "digits", "--test-data", tmp_path / "a.csv"))


def test_a_checkpoint_whose_test_set_is_nonsense_is_refused(tmp_path):
    data = nn.load_dataset("digits", test_fraction=0.25)
    path = tmp_path / "a.json"
    save_checkpoint(TrainingRun(nn.PRESETS["784-10-10"], data), path)
    assert load_checkpoint(path, nn.load_dataset).dataset.fingerprint() == data.fingerprint()
    document = json.loads(path.read_text())
    for value, message in ((7, "is 7: expected a number between 0 and 1"), ("a", "is 'a': expected float")):
        document["run"]["data"]["test_fraction"] = value
        path.write_text(json.dumps(document))
        with pytest.raises(nn.BadInput, match=f"{path}: run.data.test_fraction {message}"):
            load_checkpoint(path, nn.load_dataset)

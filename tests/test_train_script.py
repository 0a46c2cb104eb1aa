"""train.py as a user runs it, on the embedded digits and, where it is present, on MNIST."""

import argparse
import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch import metrics
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.command_line import layer_table, recipe_options
from nn_from_scratch.layers import AveragePool2D, BatchNorm, Conv2D, Dropout, GlobalAveragePool2D, MaxPool2D
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.words import explanation
from tests.scripts import ROOT, imports, refusal, run

EXTRAS = {"dask", "distributed", "mpi4py", "onnx", "safetensors", "sklearn"}  # the modules of optional extras
SMALL = ("--data", "digits", "--sizes", 784, 16, 10, "--epochs", 2)
needs_mnist = pytest.mark.skipif(
    "NN_FROM_SCRATCH_DATA" not in os.environ, reason="needs MNIST: set NN_FROM_SCRATCH_DATA to its directory"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("trained")
    result = run(
        "train.py", *SMALL, "--validation", 100, "--output", directory / "a.json", "--history", directory / "a.csv"
    )
    assert result.returncode == 0, result.stderr
    return directory, result


def test_it_prints_the_layer_table_a_line_per_epoch_the_accuracy_and_where_it_saved(trained):
    directory, result = trained
    lines = result.stdout.splitlines()
    assert "1,337 training images, 100 held out for validation, 360 test images" in lines[0]
    assert any(line.split() == ["Dense", "(16,)", "12,560"] for line in lines)
    assert any(line.split() == ["total", "12,730"] for line in lines)
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == ["1/2", "2/2"]
    assert all("validation loss" in line and line.endswith(" s") for line in epochs)
    assert lines[-1] == f"saved {directory / 'a.json'}"
    assert result.stderr == ""  # no bar where stderr is not a terminal


def test_the_layer_table_tells_what_the_shapes_do_not_and_keeps_its_columns():
    layers = [
        *(Conv2D(16, 5, padding="same", initializer="normal:0.1"), BatchNorm(), nn.ReLU(), MaxPool2D()),
        *(Conv2D(4, 3, stride=2, bias=False), AveragePool2D(3), GlobalAveragePool2D(), Dropout(0.3)),
        *(nn.Dense(10, "normal:0.1"), nn.Softmax()),
    ]
    table = layer_table(nn.Network(layers, (1, 28, 28), 0))
    assert (
        table
        == """\
layer                               output shape    parameters
input                                (1, 28, 28)             0
Conv2D 5 × 5, padding same          (16, 28, 28)           416
BatchNorm                           (16, 28, 28)            32
ReLU                                (16, 28, 28)             0
MaxPool2D                           (16, 14, 14)             0
Conv2D 3 × 3, stride 2, bias false     (4, 6, 6)           576
AveragePool2D 3 × 3                    (4, 2, 2)             0
GlobalAveragePool2D                         (4,)             0
Dropout, rate 0.3                           (4,)             0
Dense                                      (10,)            50
Softmax                                    (10,)             0
total                                                    1,074"""
    )


def test_the_accuracy_it_prints_and_stores_is_that_of_the_network_it_saved(trained):
    directory, result = trained
    saved = nn.load(directory / "a.json")
    test = nn.load_dataset("digits").test
    accuracy = metrics.accuracy(predicted_classes(nn.predict(saved.network, test.images)), test.labels)
    assert saved.metrics["test_accuracy"] == accuracy
    assert f"test accuracy {accuracy:.2%} (360 images)" in result.stdout


def test_the_history_has_a_row_per_epoch(trained):
    directory, _ = trained
    rows = list(csv.DictReader((directory / "a.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert 0 < float(rows[1]["validation_accuracy"]) <= 1


def test_the_same_seed_writes_the_same_bytes_under_any_name_and_another_seed_does_not(trained, tmp_path):
    directory, _ = trained
    run("train.py", *SMALL, "--validation", 100, "--output", tmp_path / "b.json", "--quiet", cwd=tmp_path)
    run("train.py", *SMALL, "--validation", 100, "--output", tmp_path / "c.json", "--seed", 1)
    first = (directory / "a.json").read_bytes()
    assert (tmp_path / "b.json").read_bytes() == first
    assert (tmp_path / "c.json").read_bytes() != first


def test_the_command_in_the_file_makes_the_file_again(trained, tmp_path):
    directory, _ = trained
    command = json.loads((directory / "a.json").read_text())["training"]["command"].split()
    assert command[:2] == ["python", "train.py"]
    run("train.py", *command[2:], "--output", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (directory / "a.json").read_bytes()


def recipe_after_its_command(options: list[str], directory: Path) -> dict:
    """Train with options, then with the command that the file records: the files must be the same. Its recipe."""
    for name in ("first.json", "again.json"):
        result = run("train.py", *options, "--output", directory / name)
        assert result.returncode == 0, result.stderr
        options = nn.load(directory / name).training["command"].split()[2:]
    assert (directory / "first.json").read_bytes() == (directory / "again.json").read_bytes()
    return nn.load(directory / "first.json").training["recipe"]


def test_every_override_survives_in_the_recorded_command(tmp_path):
    options = """
        --data digits --preset 784-128-64-10 --sizes 784 4 10 --activations sigmoid softmax --optimizer sgd
        --momentum 0.5 --nesterov --weight-decay 0.01 --learning-rate 0.25 --schedule step-decay --decay-factor 0.1
        --decay-pieces 3 --batch-size full --epochs 3 --initializer uniform:1 --bias-initializer normal:0.5 --seed 7
    """.split()
    recipe = recipe_after_its_command(options, tmp_path)
    assert recipe["batch_size"] is None
    assert recipe["layers"] == ["dense:4", "sigmoid", "dense:10", "softmax"]
    assert recipe["optimizer"] == "sgd:momentum=0.5:nesterov=true:weight-decay=0.01"
    assert recipe["schedule"] == "step-decay:decay-factor=0.1:decay-pieces=3"


def test_augmentation_survives_in_the_recorded_command(tmp_path):
    options = "--data digits --preset 784-10-10 --epochs 1 --augment affine:shift=1.0 elastic:0.5".split()
    recipe = recipe_after_its_command(options, tmp_path)
    assert recipe["augmentation"] == ["affine:shift=1", "elastic:strength=0.5"]
    assert recipe_after_its_command([*options[:-3], "--augment", "none"], tmp_path)["augmentation"] == []
    resume = ["--resume", tmp_path / "a.checkpoint.json", "--augment", "elastic"]
    assert run("train.py", *options, "--checkpoint-every", 1, "--output", tmp_path / "a.json").returncode == 0
    assert refusal(run("train.py", *resume)).endswith(
        "augmentation is affine:shift=1 elastic:strength=0.5 in the checkpoint, not elastic"
    )
    assert refusal(run("train.py", *resume[:3], "none")).endswith("elastic:strength=0.5 in the checkpoint, not none")


def test_the_augmentation_of_a_preset_can_be_turned_off(monkeypatch):
    for name in list(PRESETS):
        monkeypatch.setitem(PRESETS, name, replace(PRESETS[name], augmentation=("affine",)))
    options = argparse.Namespace(preset="784-10-10", augmentation=["none"], epochs=2)
    recipe = recipe_options.recipe_of(options, nn.load_dataset("digits"))
    assert recipe == replace(PRESETS["784-10-10"], augmentation=(), epochs=2)
    command = recipe_options.command_of(TrainingRun(recipe, nn.load_dataset("digits")))
    assert "--augment none" in command
    assert "--augment" not in recipe_options.command_of(TrainingRun(PRESETS["784-10-10"], nn.load_dataset("digits")))


def test_layers_and_settings_may_also_be_said_in_words(tmp_path):
    options = """
        --data digits --layers dense:4:initializer=uniform:1 sigmoid dense:10 softmax --epochs 1
        --optimizer sgd:momentum=0.5:nesterov=true --schedule step-decay:decay-factor=0.1 --learning-rate 0.25
    """.split()
    recipe = recipe_after_its_command(options, tmp_path)
    assert recipe["layers"][0] == "dense:4:initializer=uniform:1"
    assert recipe["input_shape"] == [784]


def test_the_settings_that_come_with_other_parts_survive_in_the_recorded_command(tmp_path):
    options = "--data digits --layers dense:4:bias=false sigmoid dense:2 sigmoid --classes 3 5 --epochs 1".split()
    recipe = recipe_after_its_command([*options, "--optimizer", "sgd", "--momentum", "0.5"], tmp_path)
    assert (recipe["loss"], recipe["initializer"], recipe["learning_rate"]) == ("binary-cross-entropy", "glorot", 0.3)
    assert nn.load(tmp_path / "first.json").network.parameters.size == 784 * 4 + 4 * 2 + 2


def test_what_would_come_with_another_part_but_was_given_survives_too(tmp_path):
    """The preset's own rate and first weights, given beside another optimizer and other layers."""
    options = "--data digits --optimizer sgd --learning-rate 0.01 --sizes 784 4 10 --initializer normal:0.1 --epochs 1"
    recipe = recipe_after_its_command(options.split(), tmp_path)
    assert (recipe["initializer"], recipe["learning_rate"]) == ("normal:0.1", 0.01)


def test_classes_alone_pick_the_layers_that_fit(tmp_path):
    options = ("--data", "digits", "--classes", 1, 2, "--epochs", 3, "--output", tmp_path / "n.json")
    result = run("train.py", *options)
    assert result.returncode == 0, result.stderr
    assert nn.load(tmp_path / "n.json").network.places[-1].output_shape == (2,)


def test_another_optimizer_does_not_inherit_the_weight_decay_of_the_preset(tmp_path):
    result = run("train.py", *SMALL, "--optimizer", "sgd", "--learning-rate", 0.1, "--output", tmp_path / "s.json")
    assert result.returncode == 0, result.stderr
    assert nn.load(tmp_path / "s.json").training["recipe"]["optimizer"] == "sgd"


def test_an_option_for_each_setting_of_each_optimizer_and_schedule_is_explained(tmp_path):
    text = " ".join(run("train.py", "--help").stdout.split())
    for table in (OPTIMIZERS, SCHEDULES):
        for name in table:
            for setting in table.settings(name):
                assert f"--{setting.replace('_', '-')}" in text
                assert explanation(table[name], setting) in text


def test_lines_reach_a_pipe_as_they_are_printed(tmp_path):
    command = [
        sys.executable,
        ROOT / "train.py",
        "--data",
        "digits",
        "--epochs",
        "1000000",
        "--output",
        tmp_path / "p.json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as training:
        assert any(line.startswith("epoch 3") or "epoch       3" in line for line in training.stdout)
        training.kill()


def test_quiet_prints_the_test_accuracy_alone(tmp_path):
    result = run("train.py", *SMALL, "--output", tmp_path / "q.json", "--quiet")
    assert result.stdout.startswith("test accuracy ")
    assert len(result.stdout.splitlines()) == 1


def test_the_small_digits_do_not_take_the_place_of_a_network_trained_on_other_data(tmp_path):
    default = tmp_path / "resources" / "weights_and_biases.json"
    default.parent.mkdir()
    other = nn.load(ROOT / "resources" / "pretrained" / "784-10-10.json")
    nn.save(other, default)
    before = default.read_bytes()
    result = run("train.py", *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert default.read_bytes() == before
    assert result.stderr == (
        "resources/weights_and_biases.json is kept, as it was trained on mnist; "
        "this network will be saved as results/digits.json\n"
        "to test it: python evaluate.py --weights results/digits.json\n"
    )
    assert nn.load(tmp_path / "results" / "digits.json").training["data"]["name"] == "digits"
    default.unlink()
    assert run("train.py", *SMALL, cwd=tmp_path).stderr == ""
    assert run("train.py", *SMALL, "--seed", 1, cwd=tmp_path).stderr == ""
    assert nn.load(default).training["seed"] == 1


def test_the_history_comes_with_a_picture_of_its_curves(trained):
    directory, result = trained
    assert (directory / "a.png").read_bytes().startswith(b"\x89PNG")
    assert f"saved {directory / 'a.csv'} and {directory / 'a.png'}" in result.stdout


def test_how_to_see_the_accuracy_on_other_images_is_said_where_nothing_is_held_out(trained, tmp_path):
    assert "--validation" not in trained[1].stdout
    assert "--validation 10000 holds images out" in run("train.py", *SMALL, "--output", tmp_path / "n.json").stdout


def test_two_classes_with_one_output(tmp_path):
    result = run(
        "train.py", "--preset", "784-196-1", "--data", "digits", "--epochs", 3, "--output", tmp_path / "b.json"
    )
    assert result.returncode == 0, result.stderr
    saved = nn.load(tmp_path / "b.json")
    assert saved.classes == (1, 2)
    assert saved.metrics["test_accuracy"] > 0.9


def test_without_mnist_and_network_it_says_so_and_trains_on_the_digits(tmp_path):
    nothing = {"NN_FROM_SCRATCH_DATA": None, "NN_FROM_SCRATCH_OFFLINE": "1", "XDG_CACHE_HOME": str(tmp_path)}
    result = run("train.py", "--epochs", 1, "--output", tmp_path / "d.json", **nothing)
    assert result.returncode == 0
    assert "MNIST is neither on this machine nor reachable" in result.stderr
    assert "--data digits" in result.stderr
    assert nn.load(tmp_path / "d.json").training["data"]["name"] == "digits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "784-10-11"), "784-10-11"),
        (("--learning-rate", "0"), "'0' is not a number above 0"),
        (("--learning-rate", "-0.1"), "'-0.1' is not a number above 0"),
        (("--learning-rate", "fast"), "'fast' is not a number above 0"),
        (("--learning-rate", "nan"), "'nan' is not a number above 0"),
        (("--batch-size", "0"), "'0' is not a whole number from 1 up"),
        (("--epochs", "1.5"), "'1.5' is not a whole number from 1 up"),
        (("--momentum", "2", "--optimizer", "sgd"), "momentum must be"),
        (("--momentum", "0.9"), "momentum belongs to the optimizer sgd, but this recipe has the optimizer adam"),
        (("--optimizer", "sgd", "--nesterov"), "needs a momentum above 0"),
        (("--warmup", "1.5", "--schedule", "one-cycle"), "warmup must be"),
        (("--weight-decay", "-1"), "weight_decay must be"),
        (("--initializer", "normal:x"), "initializer normal:x: deviation is 'x', expected a number"),
        (("--loss", "mean-absolute-error"), "mean-absolute-error"),
        (("--activations", "relu", "relu"), "expected 3, one for each layer"),
        (("--activations", "tanh", "softmax"), "unknown layer 'tanh': expected one of dense:UNITS, relu"),
        (("--layers", "dense", "softmax"), "layer dense: expected dense:UNITS"),
        (("--layers", "dense:10", "softmax", "--sizes", "784", "10"), "expected either the layers, or sizes and"),
        (("--optimizer", "lion"), "unknown optimizer 'lion': expected one of sgd, adam"),
        (("--activations", "relu", "relu", "relu"), "expected softmax as the last layer"),
        (("--sizes", "784", "10", "9"), "9 outputs, expected one for each of the classes"),
        (("--sizes", "100", "10"), "28 × 28 = 784 pixels, but the network takes 100 inputs"),
        (("--classes", "1", "12", "--sizes", "784", "2"), "12"),
        (("--validation", "1437"), "can't hold out 1437 of 1437 images"),
        (("--data", "no/such/file.csv"), "no/such/file.csv: no such file"),
        (("--output", "."), ".: is a directory"),
        (("--output", "/dev/null/x.json"), "/dev/null/x.json: can't be written"),
        (("--history", "/dev/null/x.csv"), "/dev/null/x.csv: can't be written"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, tmp_path):
    data = () if "--data" in arguments else ("--data", "digits")
    output = () if "--output" in arguments else ("--output", tmp_path / "never.json")
    assert message in refusal(run("train.py", *data, *output, *arguments))
    assert not (tmp_path / "never.json").exists()


def test_help_shows_every_default_and_an_example():
    text = run("train.py", "--help").stdout
    assert "python train.py --preset 784-10-10" in text
    for default in ("dense:128 relu dense:64 relu dense:10 softmax", "cross-entropy", "adam:weight-decay=0.15", "784"):
        assert f"(default: {default})" in " ".join(text.split())


def test_help_shows_the_defaults_of_the_chosen_preset_and_a_short_usage():
    text = run("train.py", "--preset", "784-100-10", "--help").stdout
    assert text.startswith("usage: train.py [OPTION ...]\n\n")
    text = " ".join(text.split())
    assert "shown are those of 784-100-10" in text
    for default in ("dense:100 sigmoid dense:10 sigmoid", "mean-squared-error", "adam:weight-decay=0.03", "0.005"):
        assert f"(default: {default})" in text
    assert "--preset: expected one argument" in run("train.py", "--preset").stderr.replace(
        "argument --preset", "--preset"
    )


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "hyper-tune.py", "plot_weights.py"])
def test_help_loads_nothing_heavy(script):
    loaded = imports(script, "--help")
    assert "numpy" in loaded
    assert not loaded & {"matplotlib", "pooch", "tqdm", *EXTRAS}


@needs_mnist
def test_mnist_in_three_epochs(tmp_path):
    result = run("train.py", "--epochs", 3, "--output", tmp_path / "m.json")
    assert result.returncode == 0, result.stderr
    assert "60,000 training images, 10,000 test images" in result.stdout
    assert "109,386" in result.stdout
    saved = nn.load(tmp_path / "m.json")
    assert saved.metrics["test_accuracy"] > 0.96
    assert saved.training["data"]["name"] == "mnist"
    assert np.isfinite(saved.network.parameters).all()


@pytest.mark.parametrize("every", [(), ("--checkpoint-every", 1)])
def test_where_adams_memory_overflows_no_success_is_reported(every, tmp_path):
    """The loss stays at 5e34, which is a finite number, because no step is taken any more."""
    recipe = "--sizes 784 16 10 --activations relu relu --loss mean-squared-error --weight-decay 0".split()
    rate = "--learning-rate 1e6 --schedule constant --epochs 3".split()
    result = run("train.py", "--data", "digits", *recipe, *rate, *every, "--output", tmp_path / "n.json")
    assert result.returncode == 3
    assert "the optimizer's square sum for layer" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["n.diverged.json"]
    assert np.isfinite(nn.load(tmp_path / "n.diverged.json").network.parameters).all()

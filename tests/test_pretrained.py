"""The networks that come with the package: each is what its preset makes, and as good as it says."""

import json
import shlex
from dataclasses import asdict
from pathlib import Path

import pytest

import nn_from_scratch as nn
from nn_from_scratch.data.batches import matching
from nn_from_scratch.presets import DEFAULT_PRESET, PRESETS
from tests.scripts import ROOT

DEFAULT = ROOT / "resources" / "weights_and_biases.json"
FILES = sorted((ROOT / "resources" / "pretrained").glob("*.json"))

every_file = pytest.mark.parametrize("file", [*FILES, DEFAULT], ids=lambda file: file.stem)


def preset_of(file: Path) -> str:
    return DEFAULT_PRESET if file == DEFAULT else file.stem.partition("-ensemble")[0]


def test_every_preset_has_its_network():
    assert set(PRESETS) == {preset_of(file) for file in FILES}


@every_file
def test_it_records_the_recipe_of_its_preset_and_the_command_that_makes_it(file):
    saved = nn.load(file)
    assert saved.training["recipe"] == json.loads(json.dumps(asdict(PRESETS[preset_of(file)])))
    command = ["python", "train.py", "--preset", preset_of(file)]
    if isinstance(saved, nn.SavedEnsemble):
        command += ["--members", str(len(saved.members))]
    assert shlex.split(saved.training["command"]) == [*command, "--seed", "0"]
    assert saved.training["data"]["training_images"] >= 12_700  # all of them: of two digits, or of ten


@every_file
def test_it_reads_as_many_test_images_as_it_says(file, mnist):
    saved = nn.load(file)
    recipe = PRESETS[preset_of(file)]
    test = matching(mnist, recipe.input_shape, recipe.classes).test
    assert nn.evaluate(saved.network, recipe.make_loss(), test)[1] == saved.metrics["test_accuracy"]


def test_an_ensemble_that_ships_is_small():
    for file in FILES:
        if isinstance(saved := nn.load(file), nn.SavedEnsemble):
            assert len(saved.members) <= 10
            assert file.stat().st_size <= 6_000_000

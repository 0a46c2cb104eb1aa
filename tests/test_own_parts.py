"""A new layer, optimizer, loss, schedule, initializer or augmentation: a class, a line in its table, all else follows.

The parts are those of new_parts.py. Scripts, page and tests run as processes of their own, which import own_parts.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts import ROOT

WORDS = (
    "--layers restless:0.2 dense:8 leaky-relu:slope=0.2 dense:10 sigmoid --loss power-error:power=3 "
    "--optimizer sign-descent:memory=0.7 --schedule halved:share=0.4 --initializer two-values:0.05 "
    "--augment drift:0.5"
).split()
RUN = """
import runpy, sys
import tests.own_parts
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__") if sys.argv[0].endswith(".py") else (
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True))
"""


def python(*arguments: object, program: str = RUN) -> subprocess.CompletedProcess:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Four epochs at a stretch, and two that were saved and taken up again for two more."""
    directory = tmp_path_factory.mktemp("own")
    options = ("--data", "digits", "--learning-rate", 0.001, "--batch-size", 32, "--validation", 200, *WORDS)
    python("train.py", *options, "--epochs", 4, "--output", directory / "whole.json")
    python("train.py", *options, "--epochs", 2, "--checkpoint-every", 2, "--output", directory / "half.json", "--quiet")
    python("train.py", "--resume", directory / "half.checkpoint.json", "--epochs", 4)
    return directory


def test_they_train_are_saved_and_resumed_to_the_byte(trained):
    whole, resumed = (json.loads((trained / f"{name}.json").read_text()) for name in ("whole", "half"))
    assert whole == resumed
    assert whole["training"]["recipe"] | {"epochs": 0} == whole["training"]["recipe"] | {
        "layers": ["restless:0.2", "dense:8", "leaky-relu:slope=0.2", "dense:10", "sigmoid"],
        "loss": "power-error:power=3",
        "optimizer": "sign-descent:memory=0.7",
        "schedule": "halved:share=0.4",
        "initializer": "two-values:0.05",
        "augmentation": ["drift:0.5"],
        "epochs": 0,
    }
    assert [layer["config"] for layer in whole["layers"]][:3] == [
        {"strength": 0.2}, {"units": 8, "initializer": "two-values:0.05"}, {"slope": 0.2}
    ]  # fmt: skip
    assert any(whole["layers"][0]["state"]["mean"])
    assert whole["metrics"]["test_accuracy"] > 0.3  # it learns something: a guess would be right in one of ten


def test_the_command_in_the_file_makes_the_file_again(trained, tmp_path):
    command = json.loads((trained / "whole.json").read_text())["training"]["command"].split()
    python(*command[1:], "--output", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (trained / "whole.json").read_bytes()


def test_they_are_in_the_help_with_their_settings():
    text = " ".join(python("train.py", "--help").stdout.split())
    for word in (
        "restless:STRENGTH",
        "leaky-relu",
        "sign-descent",
        "power-error",
        "halved",
        "two-values:SIZE",
        "drift:DISTANCE",
    ):
        assert word in text
    assert "--memory VALUE for sign-descent: how much of the mean is kept (default: 0.5)" in text
    assert "--share VALUE for halved: of the peak (default: 0.5)" in text


def test_a_setting_is_also_an_option_of_its_name(tmp_path):
    options = ("--data", "digits", "--epochs", 1, "--optimizer", "sign-descent", "--memory", 0.25, "--quiet")
    python("train.py", *options, "--output", tmp_path / "n.json")
    recipe = json.loads((tmp_path / "n.json").read_text())["training"]["recipe"]
    assert recipe["optimizer"] == "sign-descent:memory=0.25"


def test_they_are_evaluated_plotted_and_shown(trained, tmp_path):
    weights = ("--weights", trained / "whole.json")
    report = json.loads(python("evaluate.py", *weights, "--json", "--figure", tmp_path / "c.png").stdout)
    saved = json.loads((trained / "whole.json").read_text())
    assert report["accuracy"] == saved["metrics"]["test_accuracy"]
    assert "Restless" in python("plot_weights.py", *weights, "--output-dir", tmp_path).stdout
    python("nn_from_scratch.dashboard", *weights, "--save", tmp_path / "d.png")
    assert {path.name for path in tmp_path.iterdir()} >= {"c.png", "d.png", "weight_histograms.png"}


def test_the_page_offers_them_trains_them_and_shows_a_whole_network_of_them(trained):
    program = """
import json, sys
import tests.own_parts
import nn_from_scratch as nn
from nn_from_scratch.web.trainer import Trainer
with Trainer(nn.load_dataset("digits"), "784-10-10") as trainer:
    menus = trainer.ask(trainer.description)["menus"]
    trainer.ask(trainer.restart, hidden=(6,), activation="leaky-relu", seed=1)
    trainer.ask(trainer.change, optimizer="sign-descent", learning_rate=0.001)
    trainer.ask(trainer.step, "batch")
    frame = trainer.ask(trainer.frame)
    trainer.ask(trainer.adopt, nn.load(sys.argv[1]))
    trainer.ask(trainer.step, "batch")
    whole = trainer.ask(trainer.frame)
    found = [frame["step"], frame["layers"][0]["type"], trainer.recipe.optimizer, trainer.recipe.layers[0]]
    print(json.dumps([menus, *found, whole["step"], [layer["name"] for layer in whole["layers"]]]))
"""
    menus, step, kind, optimizer, first, taken, names = json.loads(
        python(trained / "whole.json", program=program).stdout
    )
    assert menus["optimizers"]["sign-descent"] == "SignDescent"
    assert menus["activations"]["leaky-relu"] == "LeakyReLU"
    assert (step, kind, optimizer) == (1, "leaky-relu", "sign-descent")
    assert (first, taken, names[0]) == ("restless:0.2", 1, "Restless")


INVARIANTS = """
import sys
import pytest
import tests.own_parts
sys.exit(pytest.main(["-q", "--no-cov", "-n", "0", "-p", "no:cacheprovider", "tests/test_layers.py", *sys.argv[1:]]))"""


def test_the_invariants_of_layers_run_over_them():
    """Merely by being in the table."""
    passed = python("-k", "restless or leaky", program=INVARIANTS).stdout
    assert " passed" in passed
    listed = python("-k", "restless or leaky", "--collect-only", program=INVARIANTS).stdout
    assert listed.count("[leaky-relu on 5]") > 12
    assert listed.count("[restless:0.5 on 2x6x7]") > 12


def test_the_invariants_find_a_layer_that_is_wrong():
    wrong = "import tests.new_parts\ntests.new_parts.LeakyReLU.backward_input = lambda self, dy: dy * (self.y > 0)\n"
    program = wrong + INVARIANTS.replace("sys.exit(pytest", "print('exit', int(pytest") + ")"
    output = python("-k", "leaky and input_gradient", program=program).stdout
    assert "FAILED tests/test_layers.py::test_the_input_gradient_is_the_derivative[leaky-relu on 5]" in output
    assert output.endswith("exit 1\n")

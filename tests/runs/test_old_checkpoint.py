"""Checkpoints that earlier versions of the format wrote, and what the code of that time went on to from there."""

import json
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
from nn_from_scratch.runs.training_run import TrainingRun
from tests.storage.test_network_file import DELETED, set_in

FILES = Path(__file__).parent.parent / "old_files"
RECIPES = {
    "sgd": ("sgd:momentum=0.9:nesterov=true:weight-decay=0.001", "step-decay:decay-factor=0.3:decay-pieces=3"),
    "adam": ("adam:beta1=0.7:beta2=0.95:weight-decay=0.2", "one-cycle:warmup=0.15"),
}
every_file = pytest.mark.parametrize("name", RECIPES)


def load(name: str, epochs: int | None = None):
    return load_checkpoint(FILES / f"checkpoint_version_1_{name}.json", nn.load_dataset, epochs)


@every_file
def test_its_recipe_is_said_in_words(name):
    recipe = load(name).recipe
    assert (recipe.optimizer, recipe.schedule) == RECIPES[name]
    assert recipe.layers == ("dense:2", "relu", "dense:10", "softmax")
    assert (recipe.input_shape, recipe.classes) == ((784,), tuple(range(10)))


@every_file
def test_everything_in_it_is_taken_over(name, tmp_path):
    content, run = json.loads((FILES / f"checkpoint_version_1_{name}.json").read_text()), load(name)
    assert np.array(content["parameters"], np.float32).tobytes() == run.network.parameters.tobytes()
    for memory, values in content["optimizer"]["state"].items():
        assert np.array(values, np.float32).tobytes() == run.optimizer.state[memory].tobytes()
    assert [list(result) for result in run.history] == content["history"]
    if content["best"]:
        assert np.array(content["best"]["parameters"], np.float32).tobytes() == run.best.snapshot.tobytes()
    save_checkpoint(run, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["format_version"] == 4


@every_file
def test_resumed_it_learns_what_the_earlier_version_learnt(name):
    run, expected = load(name, epochs=4), nn.load(FILES / f"network_version_1_{name}_resumed.json")
    assert len(list(run.epochs())) == 2
    # Written on another machine, perhaps, whose BLAS rounds sums otherwise; on the same one they are equal.
    np.testing.assert_allclose(run.network.parameters, expected.network.parameters, rtol=1e-3, atol=1e-4)
    assert run.test()[1] == pytest.approx(expected.metrics["test_accuracy"], abs=0.01)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((), None, None),
        (("optimizer",), "lion", "run.recipe: unknown"),
        (("optimizer",), 3, "run.recipe.optimizer is 3: expected str"),
        (("sizes",), [], "run.recipe: activations ('relu', 'softmax') don't fit the sizes ()"),
        (("sizes",), [784, 2], "don't fit the sizes (784, 2)"),
        (("activations",), ["tanh", "softmax"], "run.recipe: unknown layer 'tanh'"),
        (("momentum",), "much", "run.recipe.momentum is 'much': expected float"),
        (("momentum",), 2, "momentum must be"),
        (("warmup",), DELETED, "run.recipe holds"),
    ],
)
def test_a_damaged_one_is_refused(place, value, message, tmp_path):
    content = json.loads((FILES / "checkpoint_version_1_sgd.json").read_text())
    if place:
        content = set_in(content, ("run", "recipe", *place), value)
    (tmp_path / "a.json").write_text(json.dumps(content))
    if message is None:
        assert load_checkpoint(tmp_path / "a.json", nn.load_dataset).progress.epoch == 2
        return
    with pytest.raises(BadInput) as caught:
        load_checkpoint(tmp_path / "a.json", nn.load_dataset)
    assert message in str(caught.value)


# ---- version 2: the present form, but for its numbers, which stood in lists ----

VERSION_2 = FILES / "checkpoint_version_2_adam.json"


def test_version_2_the_numbers_in_lists_are_taken_over_and_are_the_same_in_base64(tmp_path):
    content, run = json.loads(VERSION_2.read_text()), load_checkpoint(VERSION_2, nn.load_dataset)
    taken = [run.network.parameters, *run.optimizer.state.values(), run.best.snapshot]
    lists = [content["parameters"], *content["optimizer"]["state"].values(), content["best"]["snapshot"]]
    assert [values.tobytes() for values in taken] == [np.array(values, np.float32).tobytes() for values in lists]
    save_checkpoint(run, tmp_path / "a.json")
    assert isinstance(json.loads((tmp_path / "a.json").read_text())["parameters"], str)
    again = load_checkpoint(tmp_path / "a.json", nn.load_dataset)
    assert again.network.parameters.tobytes() == run.network.parameters.tobytes()
    assert again.history == run.history


def test_version_2_resumed_it_learns_what_the_whole_training_learns():
    run = load_checkpoint(VERSION_2, nn.load_dataset)
    whole = TrainingRun(run.recipe, nn.load_dataset("digits"), run.seed, len(run.validation))
    assert (len(list(run.epochs())), len(list(whole.epochs()))) == (2, 4)
    # Begun on another machine, perhaps, whose BLAS rounds sums otherwise; on the same one they are equal.
    np.testing.assert_allclose(run.network.parameters, whole.network.parameters, rtol=1e-3, atol=1e-4)


# ---- version 3: the present form, but for its recipe, which said nothing of augmentation ----

VERSION_3 = FILES / "checkpoint_version_3_adam.json"


def test_version_3_everything_is_taken_over_and_nothing_is_augmented(tmp_path):
    content, run = json.loads(VERSION_3.read_text()), load_checkpoint(VERSION_3, nn.load_dataset)
    assert "augmentation" not in content["run"]["recipe"]
    assert run.recipe.augmentation == ()
    save_checkpoint(run, tmp_path / "a.json")
    again = json.loads((tmp_path / "a.json").read_text())
    assert again["run"]["recipe"].pop("augmentation") == []
    assert again == content | {"format_version": 4}


def test_version_3_resumed_it_learns_what_the_whole_training_learns():
    run = load_checkpoint(VERSION_3, nn.load_dataset)
    whole = TrainingRun(run.recipe, nn.load_dataset("digits"), run.seed, len(run.validation))
    assert (len(list(run.epochs())), len(list(whole.epochs()))) == (3, 4)
    # Begun on another machine, perhaps, whose BLAS rounds sums otherwise; on the same one they are equal.
    np.testing.assert_allclose(run.network.parameters, whole.network.parameters, rtol=1e-3, atol=1e-4)

"""Checkpoints that version 1 of the format wrote, with the networks that the code of that time went on to."""

import json
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
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
    assert json.loads((tmp_path / "a.json").read_text())["format_version"] == 2


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

"""The presets: what their names say, and that they train."""

import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from nn_from_scratch.classes import target_table
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.layers import Conv2D, Dense, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from nn_from_scratch.optimizers import SGD, Adam
from nn_from_scratch.presets import DEFAULT_PRESET, PRESETS
from nn_from_scratch.recipe import Recipe, dense_stack
from nn_from_scratch.training import fit, train_step
from tests.conftest import random_split

every_preset = pytest.mark.parametrize("name", PRESETS)


# ---- the presets ----


@pytest.mark.parametrize(
    ("name", "layers", "loss", "count"),
    [
        ("784-10-10", [ReLU, Softmax], CrossEntropy, 784 * 10 + 10 + 10 * 10 + 10),
        ("784-100-10", [Sigmoid, Sigmoid], MeanSquaredError, 784 * 100 + 100 + 100 * 10 + 10),
        ("784-128-64-10", [ReLU, ReLU, Softmax], CrossEntropy, 109_386),
        ("784-128-64-10-fast", [ReLU, ReLU, Softmax], CrossEntropy, 109_386),
        ("784-128-64-10-sigmoid", [Sigmoid, Sigmoid, Softmax], CrossEntropy, 109_386),
        ("784-128-64-10-augmented", [ReLU, ReLU, Softmax], CrossEntropy, 109_386),
        ("784-196-1", [Sigmoid, Sigmoid], BinaryCrossEntropy, 784 * 196 + 196 + 196 + 1),
    ],
)
def test_each_preset_is_the_network_that_its_name_says(name, layers, loss, count):
    recipe = PRESETS[name]
    network = recipe.make_network(0)
    assert [type(layer) for layer in network.layers[1::2]] == layers
    assert {type(layer) for layer in network.layers[0::2]} == {Dense}
    sizes = [network.input_shape[0], *(layer.units for layer in network.layers[0::2])]
    assert "-".join(map(str, sizes)) == name.removesuffix("-sigmoid").removesuffix("-fast").removesuffix("-augmented")
    assert type(recipe.make_loss()) is loss
    assert network.parameters.size == network.gradients.size == count == sum(place.size for place in network.places)


def test_the_convolutional_presets_are_as_small_as_they_say():
    kernels = {
        name: [layer.size for layer in PRESETS[name].make_layers() if isinstance(layer, Conv2D)]
        for name in ("lenet", "lenet-fast", "cnn")
    }
    assert kernels == {"lenet": [5, 5], "lenet-fast": [5, 3], "cnn": [3, 3, 3, 3]}
    assert PRESETS["lenet"].make_network(0).parameters.size == 46_730 < 50_000
    assert PRESETS["cnn"].make_network(0).parameters.size == 81_874 < 200_000


def test_the_fast_preset_differs_from_the_default_in_its_recipe_alone():
    assert PRESETS["784-128-64-10-fast"].layers == PRESETS[DEFAULT_PRESET].layers


def test_what_the_presets_are_named_for():
    assert PRESETS["784-128-64-10-sigmoid"].batch_size == 1
    assert isinstance(PRESETS["784-128-64-10-sigmoid"].make_optimizer(), SGD)
    assert isinstance(PRESETS["784-128-64-10"].make_optimizer(), Adam)
    assert PRESETS["784-196-1"].classes == (1, 2)


@every_preset
def test_every_preset_trains_a_step_that_lowers_the_loss_on_its_batch(name, rng):
    recipe = PRESETS[name]
    network, loss = recipe.make_network(0), recipe.make_loss()
    images = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, len(recipe.classes), 20)
    x, t = inputs(images, network.input_shape), target_table(recipe.outputs)[labels]
    before = loss.value(network.forward(x), t)
    rate = recipe.make_schedule(100)(0) / 1000  # in noise, the rate that suits MNIST would step too far
    p, _ = train_step(network, loss, recipe.make_optimizer(), rate, x, t)
    assert p.shape == t.shape
    assert np.isfinite(network.parameters).all()
    assert loss.value(network.forward(x), t) < before


@every_preset
def test_every_preset_fits_an_epoch_with_the_parts_it_makes(name, rng):
    recipe = PRESETS[name]
    split = random_split(rng, 12, 28, len(recipe.classes))
    batches = recipe.make_batches(split, 1)
    schedule = recipe.make_schedule(len(batches))
    network = recipe.make_network(0)
    [result] = fit(network, recipe.make_loss(), recipe.make_optimizer(), schedule, batches, 1, split)
    assert result.step == len(batches) == (12 if recipe.batch_size == 1 else 1)
    assert np.isfinite([result.loss, result.validation_loss]).all()


@pytest.mark.parametrize("name", [name for name, recipe in PRESETS.items() if dense_stack(recipe.layers)])
def test_a_training_step_makes_no_array_as_large_as_the_parameters(name, rng):
    """Beside the activations and their gradients it needs next to nothing; one gradient array would be 400 kB."""
    recipe = PRESETS[name]
    network, loss, optimizer = recipe.make_network(0), recipe.make_loss(), recipe.make_optimizer()
    for N in (1, 64):
        x = rng.random((N, 784), np.float32)
        t = target_table(recipe.outputs)[rng.integers(0, len(recipe.classes), N)]
        train_step(network, loss, optimizer, 1e-4, x, t)  # the first step makes what later ones use again
        tracemalloc.start()
        train_step(network, loss, optimizer, 1e-4, x, t)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        activations = 4 * N * 2 * sum(recipe.sizes[1:])  # bytes; each Dense layer's and the one after it
        assert peak < 3 * activations + 8_000


@every_preset
def test_a_recipe_can_be_written_down_and_made_again(name):
    assert Recipe(**asdict(PRESETS[name])) == PRESETS[name]

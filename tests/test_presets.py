"""The presets and what a recipe accepts: sizes, counts, the rules of overriding, and every refusal."""

import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from nn_from_scratch.data.batches import inputs, target_table
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import Dense, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from nn_from_scratch.optimizers import SGD, Adam
from nn_from_scratch.presets import ACTIVATIONS, DEFAULT_PRESET, OPTIMIZERS, PRESETS, Recipe
from nn_from_scratch.schedules import SCHEDULES, Constant, Cosine, OneCycle, StepDecay
from nn_from_scratch.training import fit, train_step
from tests.conftest import random_split

every_preset = pytest.mark.parametrize("name", PRESETS)
SMALL = Recipe(
    sizes=(16, 5, 3),
    activations=("relu", "softmax"),
    loss="cross-entropy",
    optimizer="adam",
    learning_rate=0.01,
    schedule="constant",
    batch_size=8,
    epochs=2,
    classes=(0, 1, 2),
)


# ---- the presets ----


@pytest.mark.parametrize(
    ("name", "layers", "loss", "count"),
    [
        ("784-10-10", [ReLU, Softmax], CrossEntropy, 784 * 10 + 10 + 10 * 10 + 10),
        ("784-100-10", [Sigmoid, Sigmoid], MeanSquaredError, 784 * 100 + 100 + 100 * 10 + 10),
        ("784-128-64-10", [ReLU, ReLU, Softmax], CrossEntropy, 109_386),
        ("784-128-64-10-fast", [ReLU, ReLU, Softmax], CrossEntropy, 109_386),
        ("784-128-64-10-sigmoid", [Sigmoid, Sigmoid, Softmax], CrossEntropy, 109_386),
        ("784-196-1", [Sigmoid, Sigmoid], BinaryCrossEntropy, 784 * 196 + 196 + 196 + 1),
    ],
)
def test_each_preset_is_the_network_that_its_name_says(name, layers, loss, count):
    recipe = PRESETS[name]
    network = recipe.make_network(0)
    assert [type(layer) for layer in network.layers[1::2]] == layers
    assert {type(layer) for layer in network.layers[0::2]} == {Dense}
    sizes = [network.input_shape[0], *(layer.units for layer in network.layers[0::2])]
    assert "-".join(map(str, sizes)) == name.removesuffix("-sigmoid").removesuffix("-fast")
    assert type(recipe.make_loss()) is loss
    assert network.parameters.size == network.gradients.size == count == sum(row.parameters for row in network.table())


def test_the_default_is_one_of_the_presets_and_the_fast_one_differs_in_its_recipe_alone():
    assert len(PRESETS) == 6
    assert DEFAULT_PRESET == "784-128-64-10"
    fast, default = (PRESETS[name].make_network(0).table() for name in ("784-128-64-10-fast", DEFAULT_PRESET))
    assert fast == default


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
    x, t = inputs(images, network.input_shape), target_table(recipe.sizes[-1])[labels]
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


@every_preset
def test_a_training_step_makes_no_array_as_large_as_the_parameters(name, rng):
    """Beside the activations and their gradients it needs next to nothing; one gradient array would be 400 kB."""
    recipe = PRESETS[name]
    network, loss, optimizer = recipe.make_network(0), recipe.make_loss(), recipe.make_optimizer()
    for N in (1, 64):
        x = rng.random((N, 784), np.float32)
        t = target_table(recipe.sizes[-1])[rng.integers(0, len(recipe.classes), N)]
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


# ---- the parts a recipe makes ----


def test_the_parts_get_the_settings_of_the_recipe():
    sgd = SMALL.override(optimizer="sgd", momentum=0.8, nesterov=True, weight_decay=0.01).make_optimizer()
    assert isinstance(sgd, SGD)
    assert (sgd.momentum, sgd.nesterov, sgd.weight_decay) == (0.8, True, 0.01)
    assert SMALL.make_optimizer().weight_decay == 0
    adam = SMALL.override(weight_decay=0.02).make_optimizer()
    assert isinstance(adam, Adam)
    assert adam.weight_decay == 0.02
    assert {type(SMALL.override(schedule=name).make_schedule(10)) for name in SCHEDULES} == {
        Constant, StepDecay, Cosine, OneCycle
    }  # fmt: skip
    decay = SMALL.override(schedule="step-decay", decay_factor=0.1, decay_pieces=2).make_schedule(10)
    assert [decay(0), decay(5)] == pytest.approx([0.01, 0.001])
    assert SMALL.override(schedule="one-cycle", warmup=0.5).make_schedule(10).warmup_steps == 5
    assert all(type(SMALL.make_schedule(10)(step)) is float for step in (0, 9))


def test_the_first_weights_come_from_the_named_initializers():
    network = SMALL.override(initializer="uniform:1", bias_initializer="normal:0.5").make_network(0)
    dense = network.layers[0]
    assert 0.9 < np.abs(dense.W).max() < 1
    assert dense.b.all()
    assert not SMALL.make_network(0).layers[0].b.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_network_and_batches_take_the_dtype_asked_for(dtype, split):
    assert SMALL.make_network(0, dtype).dtype == dtype
    x, t = next(SMALL.make_batches(split, 0, dtype).epoch(0))
    assert x.dtype == t.dtype == dtype
    assert x.shape == (8, 16)
    assert t.shape == (8, 3)


def test_a_batch_size_of_none_is_the_whole_training_set(split):
    assert len(SMALL.override(batch_size=None).make_batches(split, 0)) == 1


def test_no_two_layers_of_a_recipe_are_the_same_object():
    layers = Recipe(
        **{**asdict(SMALL), "sizes": (4, 4, 4, 3), "activations": ("relu", "relu", "softmax")}
    ).make_layers()
    assert len({id(layer) for layer in layers}) == 6


# ---- overriding ----


def test_an_override_changes_what_it_names_and_nothing_else():
    changed = SMALL.override(learning_rate=0.5, epochs=7)
    assert asdict(changed) == {**asdict(SMALL), "learning_rate": 0.5, "epochs": 7}
    assert SMALL.learning_rate == 0.01
    assert SMALL.override() == SMALL
    assert SMALL.override(epochs=1, batch_size=1).epochs == 1


def test_the_betas_reach_adam_and_go_with_it():
    adam = SMALL.override(optimizer="adam", beta1=0.7, beta2=0.95)
    optimizer = adam.make_optimizer()
    assert isinstance(optimizer, Adam)
    assert (optimizer.beta1, optimizer.beta2) == (0.7, 0.95)
    sgd = adam.override(optimizer="sgd")
    assert (sgd.beta1, sgd.beta2) == (0.9, 0.999)
    assert sgd.override(optimizer="adam", beta1=0.5).beta1 == 0.5


def test_momentum_goes_with_the_optimizer_that_had_it():
    sgd = SMALL.override(optimizer="sgd", momentum=0.9, nesterov=True)
    adam = sgd.override(optimizer="adam")
    assert (adam.momentum, adam.nesterov) == (0.0, False)
    assert sgd.override(optimizer="sgd", epochs=3).momentum == 0.9
    assert sgd.override(learning_rate=0.3).nesterov
    with pytest.raises(BadInput, match="momentum and nesterov belong to the optimizer sgd"):
        sgd.override(optimizer="adam", momentum=0.5)


@pytest.mark.parametrize(
    ("sizes", "activations"),
    [
        ((16, 7, 3), ("relu", "softmax")),
        ((16, 9, 7, 3), ("relu", "relu", "softmax")),
        ((16, 9, 8, 7, 3), ("relu", "relu", "relu", "softmax")),
        ((16, 3), ("softmax",)),
    ],
)
def test_another_number_of_layers_repeats_the_first_activation_before_the_last(sizes, activations):
    assert SMALL.override(sizes=sizes).activations == activations


def test_activations_that_are_given_are_not_inferred():
    assert SMALL.override(sizes=(16, 4, 4, 3), activations=("sigmoid", "relu", "softmax")).activations[0] == "sigmoid"


# ---- refusals ----


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": ()}, "expected the number of inputs, then the units of each layer"),
        ({"sizes": (16,)}, "sizes 16: expected the number of inputs, then the units of each layer"),
        ({"sizes": (16, 0, 3)}, "sizes 16 0 3: expected the number of inputs, then the units of each layer"),
        ({"activations": ("softmax",)}, "activations softmax: expected 2, one for each layer of sizes 16 5 3"),
        (
            {"sizes": (16, 5, 4)},
            "sizes 16 5 4: expected one output for each of the classes 0 1 2, or a single output for two classes",
        ),
        ({"sizes": (16, 5, 1)}, "sizes 16 5 1: expected one output for each of the classes 0 1 2"),
        ({"classes": (1, 2)}, "sizes 16 5 3: expected one output for each of the classes 1 2"),
        (
            {"sizes": (16, 5, 1), "classes": (1, 2)},
            "activation softmax on a single output: it would always be 1; expected sigmoid",
        ),
        (
            {"activations": ("relu", "sigmoid")},
            "loss cross-entropy after sigmoid: expected softmax as the last activation",
        ),
        ({"loss": "binary-cross-entropy"}, "loss binary-cross-entropy after softmax: expected sigmoid"),
        ({"batch_size": 0}, "batch_size 0: expected at least 1, or None for the whole training set"),
        ({"epochs": 0}, "epochs 0: expected at least 1"),
        ({"momentum": 0.9}, "momentum and nesterov belong to the optimizer sgd, not to adam"),
        ({"nesterov": True}, "momentum and nesterov belong to the optimizer sgd, not to adam"),
        ({"optimizer": "sgd", "beta2": 0.9}, "beta1 and beta2 belong to the optimizer adam, not to sgd"),
        ({"beta1": 1}, "beta1 and beta2 must be from 0 up to, not including, 1, not 1 and 0.999"),
        ({"loss": "absolute"}, "unknown name 'absolute' in the recipe"),
        ({"optimizer": "lion"}, "unknown name 'lion' in the recipe"),
        ({"schedule": "linear"}, "unknown name 'linear' in the recipe"),
        ({"activations": ("tanh", "softmax")}, "unknown name 'tanh' in the recipe"),
        ({"initializer": "xavier"}, "unknown initializer 'xavier': expected one of zeros, he, glorot"),
        ({"bias_initializer": "normal:0"}, "unknown initializer 'normal:0'"),
        ({"learning_rate": 0}, "a learning rate must be a finite number above 0, not 0"),
        ({"learning_rate": float("nan")}, "a learning rate must be a finite number above 0, not nan"),
        ({"weight_decay": -1}, "weight_decay must be a finite number from 0 up, not -1"),
        ({"optimizer": "sgd", "momentum": 1}, "momentum must be from 0 up to, not including, 1, not 1"),
        ({"optimizer": "sgd", "nesterov": True}, "Nesterov's method needs a momentum above 0"),
        ({"schedule": "one-cycle", "warmup": 1}, "warmup must be a fraction of the steps between 0 and 1, not 1"),
        ({"schedule": "step-decay", "decay_factor": 0}, "a decay factor must be above 0 and at most 1, not 0"),
        ({"schedule": "step-decay", "decay_pieces": 0}, "a step decay needs at least 1 piece, not 0"),
    ],
)
def test_what_is_impossible_or_does_not_fit_is_refused_in_one_line(changes, message):
    with pytest.raises(BadInput) as caught:
        SMALL.override(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_single_output_can_tell_two_classes_apart_or_two_outputs_can():
    one = SMALL.override(
        sizes=(16, 5, 1), activations=("sigmoid", "sigmoid"), loss="binary-cross-entropy", classes=(4, 9)
    )
    two = SMALL.override(sizes=(16, 5, 2), classes=(4, 9))
    assert one.make_network(0).output_shape == (1,)
    assert two.make_network(0).output_shape == (2,)


def test_every_name_in_the_tables_makes_a_recipe():
    for activation in ACTIVATIONS:
        SMALL.override(activations=(activation, "softmax"))
    for optimizer in OPTIMIZERS:
        SMALL.override(optimizer=optimizer)
    for loss in LOSSES:
        SMALL.override(loss=loss, activations=("relu", "sigmoid" if loss.startswith("binary") else "softmax"))
    for schedule in SCHEDULES:
        SMALL.override(schedule=schedule)


def test_a_recipe_can_not_be_changed_in_place():
    with pytest.raises(AttributeError):
        SMALL.epochs = 3  # type: ignore[misc]


def test_the_split_a_preset_trains_on_is_not_shuffled_in_place(rng):
    split: Split = random_split(rng)
    labels = split.labels.copy()
    list(SMALL.make_batches(split, 0).epoch(0))
    np.testing.assert_array_equal(split.labels, labels)

"""What a recipe accepts and makes: words, input shape and classes, the rules of overriding, and every refusal."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from nn_from_scratch.data import Dataset, load_dataset
from nn_from_scratch.data.augmentation import Affine, Augment, Elastic
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.optimizers import OPTIMIZERS, SGD, Adam
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import DenseStack, activations, dense_stack
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.schedules import SCHEDULES, Constant, Cosine, OneCycle, StepDecay
from tests.conftest import SMALL, random_split

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
    layers = SMALL.override(sizes=(4, 4, 4, 3)).make_layers()
    assert len({id(layer) for layer in layers}) == 6


def test_a_layer_that_names_its_own_initializer_keeps_it():
    recipe = SMALL.override(
        layers=("dense:5:initializer=uniform:1", "relu", "dense:3", "softmax"), initializer="zeros", input_shape=(16,)
    )
    first, _, second, _ = recipe.make_network(0).layers
    assert first.W.all()
    assert not second.W.any()


def test_words_are_kept_in_their_canonical_form_so_that_equal_recipes_are_equal():
    same = replace(
        SMALL,
        layers=("dense:units=5", "relu", "dense:3:initializer=he", "softmax"),
        optimizer="adam:beta1=0.90:weight-decay=0",
        schedule="constant",
    )
    assert same == SMALL
    assert SMALL.override(optimizer="adam:beta2=0.5:beta1=0.4").optimizer == "adam:beta1=0.4:beta2=0.5"


# ---- input shape and classes ----


def images_of(rng: np.random.Generator, rows: int, columns: int, labels: list[int]) -> Dataset:
    images = rng.integers(0, 256, (len(labels), rows, columns), dtype=np.uint8)
    split = Split(images, np.array(labels, np.uint8))
    return Dataset("some", split, split, "a test")


def test_input_shape_and_classes_follow_from_the_data_where_they_are_left_open(rng):
    left_open = replace(SMALL, input_shape=(), classes=())
    recipe = left_open.for_data(images_of(rng, 3, 5, [4, 9, 7, 4]))
    assert (recipe.input_shape, recipe.classes) == ((15,), (4, 7, 9))
    assert recipe.make_network(0).input_shape == (15,)
    assert SMALL.for_data(images_of(rng, 3, 5, [4, 9])) == SMALL


def test_layers_that_take_images_get_images(rng, own_layers):
    layers = ("jitter", "row", "dense:2", "softmax")
    recipe = replace(SMALL, layers=layers, input_shape=(), classes=()).for_data(images_of(rng, 3, 5, [0, 1]))
    assert recipe.input_shape == (1, 3, 5)
    assert next(recipe.make_batches(images_of(rng, 3, 5, [0, 1]).train, 0).epoch(0))[0].shape == (2, 1, 3, 5)


def test_as_many_outputs_as_the_data_have_classes_are_asked_for_when_they_are_known(rng):
    left_open = replace(SMALL, input_shape=(), classes=())
    with pytest.raises(BadInput, match=r"3 outputs, expected one for each of the classes 0 1, or a single one"):
        left_open.for_data(images_of(rng, 3, 5, [0, 1]))
    with pytest.raises(BadInput, match="expected for_data first"):
        left_open.make_network(0)


# ---- augmentation ----


def test_augmentation_is_off_unless_it_is_asked_for_and_kept_in_canonical_words(split):
    assert SMALL.augmentation == ()
    assert SMALL.make_batches(split, 0).augment is None
    recipe = SMALL.override(augmentation=("affine:rotation=10:shift=3.0", "elastic:2"))
    assert recipe.augmentation == ("affine:shift=3", "elastic:strength=2")
    batches = recipe.make_batches(split, 0, augmentation_seed=4)
    x, _ = batches.batch(np.arange(50), 1)
    assert x.tobytes() == Augment([Affine(shift=3), Elastic(2)], 4)(split.images, 1, np.arange(50)).tobytes()


def test_the_sizes_are_what_flows_between_layers_that_learn():
    assert [preset.sizes for preset in PRESETS.values()][:3] == [(784, 10, 10), (784, 100, 10), (784, 128, 64, 10)]


# ---- overriding ----


def test_an_override_changes_what_it_names_and_nothing_else():
    changed = SMALL.override(learning_rate=0.5, epochs=7)
    assert asdict(changed) == {**asdict(SMALL), "learning_rate": 0.5, "epochs": 7}
    assert SMALL.learning_rate == 0.01
    assert SMALL.override() == SMALL
    assert SMALL.override(epochs=1, batch_size=1).epochs == 1


def test_settings_of_optimizer_and_schedule_go_into_their_words():
    changed = SMALL.override(beta1=0.7, weight_decay="0.1", schedule="one-cycle", warmup=0.3)
    assert (changed.optimizer, changed.schedule) == ("adam:beta1=0.7:weight-decay=0.1", "one-cycle:warmup=0.3")
    assert changed.override(beta2=0.5).optimizer == "adam:beta1=0.7:beta2=0.5:weight-decay=0.1"
    assert changed.override(optimizer="sgd:momentum=0.5", nesterov=True).optimizer == "sgd:momentum=0.5:nesterov=true"
    assert changed.override(weight_decay=0).optimizer == "adam:beta1=0.7"


def test_another_optimizer_comes_without_the_settings_of_the_one_before():
    decaying = SMALL.override(weight_decay=0.15)
    assert decaying.override(optimizer="sgd").make_optimizer().weight_decay == 0
    assert decaying.override(optimizer="adam").optimizer == "adam"
    assert decaying.override(learning_rate=0.3).optimizer == "adam:weight-decay=0.15"


def test_another_optimizer_comes_with_its_usual_rate_unless_one_is_given():
    assert SMALL.override(optimizer="sgd").learning_rate == 0.3
    assert SMALL.override(optimizer="sgd", momentum=0.9).learning_rate == pytest.approx(0.03)
    assert SMALL.override(optimizer="sgd").override(optimizer="adam:beta1=0.8").learning_rate == 0.001
    assert SMALL.override(optimizer="sgd", learning_rate=0.2).learning_rate == 0.2
    # A mean over three outputs has gradients three times smaller, which Adam does not mind.
    squared = SMALL.override(loss="mean-squared-error")
    assert squared.override(optimizer="sgd").learning_rate == pytest.approx(0.9)
    assert squared.override(optimizer="sgd").override(optimizer="adam").learning_rate == 0.001
    assert PRESETS["784-196-1"].override(optimizer="sgd").learning_rate == 0.3
    assert SMALL.override(optimizer="adam", beta1=0.8).learning_rate == SMALL.learning_rate == 0.01


@pytest.mark.parametrize("optimizer", OPTIMIZERS.ready())
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_learns_with_every_optimizer_at_its_usual_rate(preset, optimizer):
    other = next(name for name in OPTIMIZERS if name != optimizer)  # so that the optimizer is another one in any case
    recipe = PRESETS[preset].override(optimizer=other).override(optimizer=optimizer)
    run = TrainingRun(recipe, load_dataset("digits"))
    for _ in run.epochs():
        pass
    assert run.test()[1] > 0.65  # a tenth, or a half of two classes, would be guessing


@pytest.mark.parametrize(
    "sizes", [(784, 10), (784, 300, 10), (784, 32, 32, 32, 32, 10)], ids=lambda sizes: "-".join(map(str, sizes))
)
@pytest.mark.parametrize("hidden", ["relu", "sigmoid"])
@pytest.mark.parametrize("preset", ["784-10-10", "784-128-64-10", "784-128-64-10-fast"])
def test_other_layers_learn_with_the_rest_of_a_preset(preset, hidden, sizes):
    activations = (*[hidden] * (len(sizes) - 2), "softmax")
    recipe = PRESETS[preset].override(sizes=sizes, activations=activations, epochs=40)
    run = TrainingRun(recipe, load_dataset("digits"))
    for _ in run.epochs():
        pass
    assert run.test()[1] > 0.8


def test_other_layers_come_with_first_weights_that_suit_them():
    preset = PRESETS["784-128-64-10"]
    assert preset.initializer == "normal:0.1"
    assert preset.override(sizes=(784, 3000, 10)).initializer == "he"
    assert preset.override(activations=("sigmoid", "sigmoid", "softmax")).initializer == "glorot"
    assert preset.override(layers=("dense:10", "softmax"), initializer="normal:0.1").initializer == "normal:0.1"
    assert preset.override(sizes=(784, 128, 64, 10)) == preset


def test_loss_and_last_activation_follow_each_other():
    assert SMALL.override(activations=("relu", "sigmoid")).loss == "binary-cross-entropy"
    assert SMALL.override(loss="binary-cross-entropy").layers == ("dense:5", "relu", "dense:3", "sigmoid")
    assert SMALL.override(loss="mean-squared-error").layers == SMALL.layers
    assert SMALL.override(loss="mean-squared-error", activations=("relu", "relu")).layers[-1] == "relu"
    both = {"loss": "binary-cross-entropy", "activations": ("relu", "softmax")}
    with pytest.raises(BadInput, match="loss binary-cross-entropy after softmax: expected sigmoid as the last layer"):
        SMALL.override(**both)


def test_other_classes_come_with_an_output_for_each():
    assert SMALL.override(classes=(1, 2)).layers == ("dense:5", "relu", "dense:2", "softmax")
    assert SMALL.override(classes=(1, 2), sizes=(16, 5, 2)).layers == ("dense:5", "relu", "dense:2", "softmax")
    binary = PRESETS["784-196-1"]
    assert binary.override(classes=(3, 4)).layers == binary.layers
    assert binary.override(classes=(3, 4, 5)).layers == ("dense:196", "sigmoid", "dense:3", "sigmoid")
    assert binary.override(loss="cross-entropy").layers == ("dense:196", "sigmoid", "dense:2", "softmax")
    biasless = replace(SMALL, layers=("dense:5", "relu", "dense:3:bias=false", "softmax"))
    assert biasless.override(classes=(1, 2)).layers == ("dense:5", "relu", "dense:2:bias=false", "softmax")


def test_other_layers_take_their_input_shape_from_the_data():
    changed = SMALL.override(layers=("dense:3", "softmax"))
    assert changed.input_shape == ()
    assert SMALL.override(layers=("dense:3", "softmax"), input_shape=(9,)).input_shape == (9,)
    assert SMALL.override(sizes=(9, 3)).input_shape == (9,)
    assert SMALL.override(activations=("sigmoid", "softmax")).input_shape == (16,)


@pytest.mark.parametrize(
    ("sizes", "layers"),
    [
        ((16, 7, 3), "dense:7 relu dense:3 softmax"),
        ((16, 9, 7, 3), "dense:9 relu dense:7 relu dense:3 softmax"),
        ((16, 9, 8, 7, 3), "dense:9 relu dense:8 relu dense:7 relu dense:3 softmax"),
        ((16, 3), "dense:3 softmax"),
    ],
)
def test_another_number_of_layers_repeats_the_first_activation_before_the_last(sizes, layers):
    assert SMALL.override(sizes=sizes).layers == tuple(layers.split())


def test_activations_that_are_given_are_not_inferred():
    changed = SMALL.override(sizes=(16, 4, 4, 3), activations=("sigmoid", "relu", "softmax"))
    assert changed.layers[1::2] == ("sigmoid", "relu", "softmax")


def test_a_dense_stack_is_known_by_its_layers():
    assert dense_stack(SMALL.layers) == DenseStack((5, 3), ("relu", "softmax"))
    assert DenseStack((5, 3), ("relu", "softmax")).layers == SMALL.layers
    for other in (["dense:5"], ["relu", "dense:5"], ["dense:5", "dense:5"], ["dense:5", "relu", "softmax", "relu"], []):
        assert dense_stack(other) is None


def test_the_shorthand_needs_a_dense_stack_or_both_its_parts():
    other = SMALL.override(layers=("dense:5", "dense:3", "softmax"), input_shape=(16,))
    with pytest.raises(BadInput, match="this recipe has dense:5 dense:3 softmax: expected both of them, or layers"):
        other.override(sizes=(16, 4, 3))
    assert other.override(sizes=(16, 4, 3), activations=("relu", "softmax")).sizes == (16, 4, 3)
    with pytest.raises(BadInput, match="expected either the layers, or sizes and activations"):
        SMALL.override(layers=("dense:3", "softmax"), sizes=(16, 3))


# ---- refusals ----


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": ()}, "sizes : expected the number of inputs, then the units of each layer"),
        ({"sizes": (16,)}, "sizes 16: expected the number of inputs, then the units of each layer"),
        ({"sizes": (16, 0, 3)}, "sizes 16 0 3: expected the number of inputs, then the units of each layer"),
        ({"activations": ("softmax",)}, "activations softmax: expected 2, one for each layer of 5 3 units"),
        (
            {"sizes": (16, 5, 4)},
            "layers dense:5 relu dense:4 softmax: 4 outputs, expected one for each of the classes 0 1 2, or a single",
        ),
        ({"classes": (1, 2), "sizes": (16, 5, 3)}, "3 outputs, expected one for each of the classes 1 2"),
        ({"classes": (1, 1)}, "classes 1 1: expected at least two, all different"),
        ({"classes": (1,)}, "classes 1: expected at least two, all different"),
        ({"sizes": (16, 5, 1), "classes": (1, 2)}, "Softmax of a single number is always 1: for a single output take"),
        ({"layers": ()}, "layers: expected at least one, such as dense:10"),
        ({"layers": ("dense:3:4:5:6:7", "softmax")}, "layer dense:3:4:5:6:7: expected dense:UNITS[:initializer=he]"),
        (
            {"layers": ("dense", "softmax")},
            "layer dense: expected dense:UNITS[:initializer=he][:bias-",
        ),
        ({"layers": ("dense:1.5", "softmax")}, "layer dense:1.5: units is '1.5', expected a whole number"),
        ({"layers": ("dense:0", "softmax")}, "layer dense:0: Dense needs a whole number of units from 1 up, not 0"),
        ({"layers": ("dense:3:initializer=x", "softmax")}, "unknown initializer 'x'"),
        ({"layers": ("tanh",)}, "unknown layer 'tanh': expected one of dense:UNITS, relu, sigmoid, softmax"),
        ({"activations": ("relu", "relu")}, "loss cross-entropy after relu: expected softmax as the last layer"),
        ({"input_shape": (4, 4)}, "on samples of shape (4, 4): layers[0]: Dense takes flat samples (inputs,)"),
        ({"batch_size": 0}, "batch_size 0: expected 1 to a billion, or None for the whole training set"),
        ({"batch_size": 10**19}, "batch_size 10000000000000000000: expected 1 to a billion, or None for the"),
        ({"epochs": 0}, "epochs 0: expected 1 to a billion"),
        ({"epochs": 10**19}, "epochs 10000000000000000000: expected 1 to a billion"),
        ({"momentum": 0.9}, "momentum belongs to the optimizer sgd, but this recipe has the optimizer adam and the"),
        (
            {"optimizer": "sgd", "beta2": 0.9},
            "beta2 belongs to the optimizer adam, but this recipe has the optimizer",
        ),
        ({"decay_factor": 0.5}, "decay-factor belongs to the schedule step-decay, but this recipe has"),
        ({"dropout": 0.5}, "dropout: no part of a recipe has that name"),
        ({"beta1": 1}, "optimizer adam:beta1=1: beta1 and beta2 must be from 0 up to, not including, 1, not 1.0 and"),
        ({"augmentation": ("warp",)}, "unknown augmentation 'warp': expected one of affine, elastic"),
        ({"augmentation": ("affine:scale=2",)}, "augmentation affine:scale=2: scale must be a share from 0 up to"),
        ({"loss": "absolute"}, "unknown loss 'absolute': expected one of mean-squared-error, "),
        ({"optimizer": "lion"}, "unknown optimizer 'lion': expected one of sgd, adam"),
        ({"optimizer": "adam:momentum=0.9"}, "optimizer adam:momentum=0.9: expected adam[:beta1=0.9][:beta2=0.999]"),
        ({"optimizer": "adam:beta1=0.9:beta1=0.8"}, "optimizer adam:beta1=0.9:beta1=0.8: expected adam[:beta1=0.9]"),
        ({"optimizer": "adam:beta1=much"}, "optimizer adam:beta1=much: beta1 is 'much', expected a number"),
        ({"optimizer": "sgd:nesterov=1"}, "optimizer sgd:nesterov=1: nesterov is '1', expected true or false"),
        ({"schedule": "linear"}, "unknown schedule 'linear': expected one of constant, step-decay, cosine, one-cycle"),
        ({"schedule": "constant:peak=3"}, "schedule constant:peak=3: expected constant"),
        ({"initializer": "xavier"}, "unknown initializer 'xavier': expected one of zeros, normal:DEVIATION"),
        ({"bias_initializer": "normal:0"}, "initializer normal:0: the deviation must be a finite number above 0"),
        ({"learning_rate": 0}, "a learning rate must be a finite number above 0, not 0"),
        ({"learning_rate": float("nan")}, "a learning rate must be a finite number above 0, not nan"),
        ({"weight_decay": -1}, "weight_decay must be a finite number from 0 up, not -1"),
        ({"optimizer": "sgd", "momentum": 1}, "momentum must be from 0 up to, not including, 1, not 1"),
        ({"optimizer": "sgd", "nesterov": True}, "Nesterov's method needs a momentum above 0"),
        ({"schedule": "one-cycle", "warmup": 1}, "warmup must be a fraction of the steps between 0 and 1, not 1"),
        ({"schedule": "step-decay", "decay_factor": 0}, "a decay factor must be above 0 and at most 1, not 0"),
        ({"schedule": "step-decay", "decay_pieces": 0}, "a step decay needs at least 1 piece, not 0"),
    ],
    ids=str,
)
def test_what_is_impossible_or_does_not_fit_is_refused_in_one_line(changes, message):
    with pytest.raises(BadInput) as caught:
        SMALL.override(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": (16, 150_000, 3)}, "softmax: 3,000,003 parameters are too many: expected at most 3,000,000"),
        ({"sizes": (16, 10**20, 3)}, "2,000,000,000,000,000,000,003 parameters are too many"),
        ({"initializer": "normal:1e39"}, "softmax: the first weights are too large for float32: expected another"),
        ({"bias_initializer": "uniform:1e300"}, "softmax: the first weights are too large for float32"),
    ],
    ids=str,
)
def test_a_network_that_could_not_be_saved_is_not_made(changes, message):
    recipe = SMALL.override(**changes)
    with pytest.raises(BadInput) as caught:
        recipe.make_network(0)
    assert message in str(caught.value)
    assert str(caught.value).startswith("layers dense:")


def test_a_single_output_can_tell_two_classes_apart_or_two_outputs_can():
    one = SMALL.override(
        sizes=(16, 5, 1), activations=("sigmoid", "sigmoid"), loss="binary-cross-entropy", classes=(4, 9)
    )
    two = SMALL.override(sizes=(16, 5, 2), classes=(4, 9))
    assert (one.outputs, one.make_network(0).output_shape) == (1, (1,))
    assert two.make_network(0).output_shape == (2,)


def test_every_name_in_the_tables_makes_a_recipe():
    for activation in activations():
        SMALL.override(activations=(activation, "softmax"))
    for optimizer in OPTIMIZERS:
        SMALL.override(optimizer=optimizer)
    for schedule in SCHEDULES:
        SMALL.override(schedule=schedule)
    for loss, its_class in LOSSES.items():
        last = its_class.matching_activation
        name = next(name for name, layer in LAYERS.items() if layer is last) if last else "sigmoid"
        SMALL.override(loss=loss, activations=("relu", name))


def test_a_recipe_can_not_be_changed_in_place():
    with pytest.raises(AttributeError):
        SMALL.epochs = 3  # type: ignore[misc]


def test_the_split_a_preset_trains_on_is_not_shuffled_in_place(rng):
    split: Split = random_split(rng)
    labels = split.labels.copy()
    list(SMALL.make_batches(split, 0).epoch(0))
    np.testing.assert_array_equal(split.labels, labels)

"""What comes from outside and is not as it should be is refused, and the refusal says what would be right."""

import json
from contextlib import suppress

import pytest
from hypothesis import given

from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import LAYERS, Activation, Softmax
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.web import limits
from tests.storage.test_network_file import json_values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b'{"a": NaN}', "NaN is not a number that JSON allows"),
        (b'{"a": -Infinity}', "-Infinity is not a number that JSON allows"),
        (b'{"b": 1}', "unknown name 'b': expected a"),
        (b"[" * 2000, "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_bodies_that_are_no_object_of_known_names(text, message):
    with pytest.raises(BadInput) as caught:
        limits.parse_object(text, ["a"])
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [True, False, None, "1", [], {}, 0, -1, 11, 1e999, float("nan"), 10**400])
def test_what_is_no_number_in_range(value):
    with pytest.raises(BadInput, match=r"x .*: expected a number from 1 to 10"):
        limits.number(value, "x", 1, 10)


@pytest.mark.parametrize("value", [True, False, None, "1", 1.0, 2.5, 0, 11, 10**400])
def test_what_is_no_whole_number_in_range(value):
    with pytest.raises(BadInput, match=r"x .*: expected a whole number from 1 to 10"):
        limits.whole(value, "x", 1, 10)


@given(value=json_values)
def test_whatever_it_is_it_is_taken_as_it_should_be_or_refused(value):
    for check in (
        lambda v: limits.number(v, "x", 1e-5, 10),
        lambda v: limits.whole(v, "x", 1, 1024),
        lambda v: limits.one_of(v, "x", ("sgd", "adam")),
        limits.hidden_units,
        lambda v: limits.parse_object(json.dumps(v).encode(), ["a"]),
    ):
        with suppress(BadInput):  # and nothing else
            check(value)


@pytest.mark.parametrize("value", [[1] * 7, [0], [513], [True], [1.5], 5, "5", None, {}])
def test_hidden_layers_out_of_bounds(value):
    with pytest.raises(BadInput, match="hidden"):
        limits.hidden_units(value)
    assert limits.hidden_units([]) == ()
    assert limits.hidden_units([512, 1, 2, 3]) == (512, 1, 2, 3)


TOO_WIDE = PRESETS["lenet"].override(
    layers=("conv2d:64:3:padding=same", "flatten", "dense:10", "softmax"), input_shape=(1, 28, 28)
)


def recipe(*layers, input_shape=(784,)):
    return Recipe(layers, "mean-squared-error", "adam", 0.01, "constant", 32, 1, input_shape=input_shape)


@pytest.mark.parametrize("layers", [("dense:2",), ("dense:2", "dense:2"), ("relu", "dense:2"), ("dropout", "dense:9")])
def test_layers_in_any_order_can_be_shown(layers):
    limits.check_architecture(recipe(*layers))


def test_all_presets_are_on_the_menu_but_one_that_is_too_large_and_the_reason_is_told(monkeypatch):
    before = limits.presets()
    assert before == list(PRESETS)
    monkeypatch.setitem(PRESETS, "wide", TOO_WIDE)
    assert limits.presets() == before
    assert limits.preset("784-10-10") == "784-10-10"
    with pytest.raises(BadInput) as caught:
        limits.preset("wide")
    assert str(caught.value) == (
        "the page can't show 4 layers of up to 50,176 numbers and 502,410 parameters: expected at most 24 layers, "
        "20,000 numbers after each, and 1,200,000 parameters"
    )
    for unknown in ("nothing", 3, None, ["784-10-10"]):
        with pytest.raises(BadInput, match=f"expected one of {', '.join(before)}$"):
            limits.preset(unknown)


@pytest.mark.parametrize("inputs", [1, 783, 785])
def test_networks_on_something_else_than_images_of_28_by_28_are_refused(inputs):
    with pytest.raises(BadInput) as caught:
        limits.check_architecture(recipe("dense:2", "relu", input_shape=(inputs,)))
    assert str(caught.value) == (f"inputs of shape ({inputs},): expected (784,) or (1, 28, 28), the pixels of an image")


def test_networks_that_are_too_large_are_refused_and_the_largest_is_not():
    with pytest.raises(BadInput, match="hidden layers of 9, 513 units: expected at most 6 layers of at most 512 units"):
        limits.check_architecture(recipe("dense:9", "relu", "dense:513", "relu", "dense:2", "sigmoid"))
    with pytest.raises(BadInput, match="hidden layers of 9, 9, 9, 9, 9, 9, 9 units: expected at most 6 layers"):
        limits.check_architecture(recipe(*("dense:9", "relu") * 8))
    with pytest.raises(BadInput, match="1,457,674 parameters: expected at most"):
        limits.check_architecture(recipe(*("dense:512", "relu") * 5, "dense:10", "sigmoid"))
    limits.check_architecture(recipe(*("dense:512", "relu") * 4, "dense:10", "sigmoid"))
    limits.check_architecture(recipe("dense:600", "softmax"))  # the outputs are not hidden


# ---- uploads ----


def test_the_largest_network_that_is_shown_can_be_uploaded():
    largest = recipe(*("dense:512", "relu") * 4, "dense:10", "sigmoid").make_network(0)
    longest = repr(-1.2345678901234567e-100).encode() + b", "  # of a float64
    text = b"[" + longest * largest.parameters.size + b"0]"
    assert len(text) <= limits.LARGEST_UPLOAD
    limits.check_upload(text)


@pytest.mark.parametrize("part", [b"[],", b"1,", b'{"a":1},', b'"a":', b"[", b"[[[[[[[[]]]]]]]],"])
def test_a_file_of_more_values_than_any_network_has_is_refused_unread(part):
    few, many = part * 1000, part * (limits.LARGEST_UPLOAD // len(part))
    limits.check_upload(few)
    with pytest.raises(BadInput, match=r"^the uploaded file: some \d.* values are too many: expected at most 1,400"):
        limits.check_upload(many)


# ---- menus ----


def test_the_menus_are_the_tables():
    assert limits.menus() == {
        "optimizers": {name: part.__name__ for name, part in OPTIMIZERS.items()},
        "activations": {
            name: part.__name__ for name, part in LAYERS.items() if issubclass(part, Activation) and part is not Softmax
        },
        "losses": {name: part.__name__ for name, part in LOSSES.items()},
    }
    assert {"sgd", "adam"} <= limits.menus()["optimizers"].keys()
    assert {"relu", "sigmoid"} <= limits.menus()["activations"].keys()
    assert not {"dense", "softmax"} & limits.menus()["activations"].keys()


def test_an_own_part_is_on_the_menu_unless_its_name_alone_is_no_word(own_parts):
    menus = limits.menus()
    assert list(menus["optimizers"]) == list(OPTIMIZERS)
    assert menus["optimizers"]["sign-descent"] == "SignDescent"
    assert menus["activations"]["leaky-relu"] == "LeakyReLU"
    assert "threshold" in LAYERS
    assert "threshold" not in menus["activations"]

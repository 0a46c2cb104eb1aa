"""Words and their settings: read from a class's signature, and the same again after any way through text."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import Dense, ReLU
from nn_from_scratch.losses import BinaryCrossEntropy
from nn_from_scratch.optimizers import OPTIMIZERS, SGD
from nn_from_scratch.recipe import TABLES
from nn_from_scratch.schedules import SCHEDULES, OneCycle
from nn_from_scratch.words import Table, explanation, name_of, settings_in, spell, word


class Pool2D:
    """Something with a setting of every kind.

    size: of its window
    """

    def __init__(
        self,
        size: int,
        kind: Literal["max", "mean"],
        padding: Literal["valid", "same"] = "valid",
        share: float = 0.25,
        bias: bool = True,
        stride: int | None = None,
        initializer: str = "he",
    ):
        if size < 1:
            raise ValueError(f"a window of {size}")
        self.size, self.kind, self.padding, self.share = size, kind, padding, share
        self.bias, self.stride, self.initializer = bias, stride, initializer


THINGS = Table("thing", Pool2D, ReLU)
settings = st.fixed_dictionaries(
    {"size": st.integers(1, 9), "kind": st.sampled_from(["max", "mean"])},
    optional={
        "padding": st.sampled_from(["valid", "same"]),
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "bias": st.booleans(),
        "stride": st.none() | st.integers(),
        "initializer": st.sampled_from(["he", "normal:0.1", "uniform:1"]),
    },
)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (ReLU, "relu"),
        (Dense, "dense"),
        (SGD, "sgd"),
        (OneCycle, "one-cycle"),
        (BinaryCrossEntropy, "binary-cross-entropy"),
        (Pool2D, "pool2d"),
        (type("MaxPool2D", (), {}), "max-pool2d"),
        (type("LeakyReLU", (), {}), "leaky-relu"),
        (type("Conv2D", (), {}), "conv2d"),
    ],
)
def test_the_name_of_a_class_as_a_word(part, name):
    assert name_of(part) == name


@given(settings)
def test_any_settings_survive_the_way_through_a_word_and_through_an_object(values):
    text = spell(Pool2D, values)
    made = THINGS.make(text)
    assert {name: getattr(made, name) for name in values} == values
    assert word(made) == text == THINGS.canonical(text)
    assert vars(Pool2D(**settings_in(made))) == vars(made)


@pytest.mark.parametrize("table", [*TABLES.values(), SCHEDULES, OPTIMIZERS], ids=lambda table: table.kind)
def test_every_name_that_needs_no_settings_is_its_own_canonical_word(table):
    for name in table.ready():
        assert table.canonical(name) == name
        assert type(table.make(name, peak=1, total_steps=2)) is table[name]


def test_required_settings_stand_in_order_and_others_have_names():
    assert THINGS.canonical("pool2d:2:max") == "pool2d:2:max"
    assert THINGS.canonical("pool2d:kind=max:size=2") == "pool2d:2:max"
    assert THINGS.canonical("pool2d:2:max:same:0.5") == "pool2d:2:max:padding=same:share=0.5"
    assert THINGS.canonical("pool2d:2:max:bias=false:stride=none:share=1") == "pool2d:2:max:share=1:bias=false"


def test_numbers_of_numpy_are_written_as_plain_ones():
    settings = {"size": np.int64(2), "kind": "max", "share": np.float64(0.5), "bias": np.bool_(False)}
    assert spell(Pool2D, settings) == "pool2d:2:max:share=0.5:bias=false"


def test_a_setting_that_is_a_word_may_have_settings_of_its_own():
    assert THINGS.make("pool2d:2:max:initializer=normal:0.1:bias=false").initializer == "normal:0.1"
    assert THINGS.make("pool2d:2:max:initializer=normal:0.1:bias=false").bias is False


def test_defaults_stand_for_what_the_word_leaves_open_and_the_part_has():
    assert THINGS.make("pool2d:2:max", {"share": 0.7, "dropout": 0.1}).share == 0.7
    assert THINGS.make("pool2d:2:max:share=0.1", {"share": 0.7}).share == 0.1
    assert isinstance(THINGS.make("relu", {"share": 0.7}), ReLU)


def test_only_given_arguments_are_kept_out_of_words():
    assert list(SCHEDULES.settings("one-cycle")) == ["warmup"]
    assert SCHEDULES.make("one-cycle:0.5", peak=0.3, total_steps=10).warmup_steps == 5
    assert TABLES["initializer"].make("normal:1", peak=0.3).deviation == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown thing '': expected one of pool2d:SIZE:KIND, relu"),
        ("pool", "unknown thing 'pool': expected one of pool2d:SIZE:KIND, relu"),
        ("pool\n", "unknown thing 'pool\\\\n': expected one of"),
        (
            "pool2d:2",
            "thing pool2d:2: expected pool2d:SIZE:KIND[:padding=valid][:share=0.25][:bias=true]",
        ),
        ("pool2d:2:max:size=3", "thing pool2d:2:max:size=3: expected pool2d:SIZE:KIND"),
        ("pool2d:2:max:colour=red", "thing pool2d:2:max:colour=red: expected pool2d:SIZE:KIND"),
        ("pool2d:2:max:a:b:c:d:e:f", "expected pool2d:SIZE:KIND"),
        ("pool2d:two:max", "thing pool2d:two:max: size is 'two', expected a whole number"),
        ("pool2d:2:median", "kind is 'median', expected one of max, mean"),
        ("pool2d:2:max:bias=yes", "bias is 'yes', expected true or false"),
        ("pool2d:2:max:stride=some", "stride is 'some', expected a whole number"),
        ("pool2d:0:max", "thing pool2d:0:max: a window of 0"),
        ("relu:0.1", "thing relu:0.1: expected relu"),
    ],
)
def test_what_is_no_word_is_refused_with_what_was_expected(text, message):
    with pytest.raises(BadInput) as caught:
        THINGS.make(text)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_setting_is_explained_by_its_line_in_the_docstring():
    assert explanation(Pool2D, "size") == "of its window"
    assert explanation(Pool2D, "share") == ""


def test_every_setting_of_every_part_is_explained():
    for table in (OPTIMIZERS, SCHEDULES, *TABLES.values()):
        for name in table:
            assert [key for key in table.settings(name) if not explanation(table[name], key)] == []

"""What comes from outside and is not as it should be is refused, and the refusal says what would be right."""

import json
from contextlib import suppress

import pytest
from hypothesis import given

from nn_from_scratch.errors import BadInput
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


@pytest.mark.parametrize("value", [[1] * 5, [0], [513], [True], [1.5], 5, "5", None, {}])
def test_hidden_layers_out_of_bounds(value):
    with pytest.raises(BadInput, match="hidden"):
        limits.hidden_units(value)
    assert limits.hidden_units([]) == ()
    assert limits.hidden_units([512, 1, 2, 3]) == (512, 1, 2, 3)

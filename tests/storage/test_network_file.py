"""Networks to JSON and back: every bit survives, a file is whole or absent, and nothing in a file is trusted."""

import json
import os
import re
import tracemalloc
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn_from_scratch.data.batches import Batches
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import BatchNorm, Dense, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import CrossEntropy
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import Adam
from nn_from_scratch.schedules import Constant
from nn_from_scratch.storage import SavedNetwork, json_files, load, save
from nn_from_scratch.storage.json_files import LARGEST_FILE
from nn_from_scratch.training import fit
from tests.own_layers import Centre

OLD_FILES = Path(__file__).parent.parent / "old_files"

finite = {
    np.float32: st.floats(width=32, allow_nan=False, allow_infinity=False),
    np.float64: st.floats(allow_nan=False, allow_infinity=False),
}
examples = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def small(dtype: type = np.float32, seed: int = 0) -> Network:
    return Network([Dense(4), ReLU(), Dense(3), Softmax()], (5,), seed, dtype)


def saved(network: Network | None = None, **known: Any) -> SavedNetwork:
    return SavedNetwork(network or small(), (0, 1, 2), **known)


def one_layer(values: np.ndarray) -> Network:
    """A network whose parameters, one weight and one bias for each pair of values, are exactly these."""
    network = Network([Dense(len(values) // 2)], (1,), 0, values.dtype)
    network.parameters[...] = values
    return network


def document() -> dict:
    """A valid file, small enough to be damaged in every place."""
    return {
        "format": "nn_from_scratch",
        "format_version": 1,
        "dtype": "float32",
        "input_shape": [3],
        "classes": [0, 1],
        "training": {},
        "metrics": {},
        "layers": [
            {
                "type": "Dense",
                "config": {"units": 2},
                "parameters": {"W": [[1, 2.5, -3e-2], [4, 5, 6]], "b": [0, 7]},
                "state": {},
            },
            {"type": "Softmax", "config": {}, "parameters": {}, "state": {}},
        ],
    }


def plain() -> dict:
    return {
        "hidden_layer": {"weights": [[1, -1], [2, 0.5], [-1, -1]], "biases": [[0.5], [-1], [0]]},
        "output_layer": {"weights": [[1, 0, 1], [-1, 2, 1]], "biases": [[0], [0.25]]},
    }


def write(path: Path, content: Any) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    """What `load` says, which must be one line that begins with the file's name."""
    with pytest.raises(BadInput) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


# ---- round trips ----


@both_precisions
def test_a_network_comes_back_bit_for_bit_with_all_that_is_known_about_it(dtype, tmp_path, rng):
    known = {"training": {"recipe": {"sizes": [5, 4, 3]}, "seed": 0}, "metrics": {"test_accuracy": 0.98}}
    before = saved(small(dtype), **known)
    save(before, tmp_path / "network.json")
    after = load(tmp_path / "network.json")
    assert after.network.parameters.tobytes() == before.network.parameters.tobytes()
    assert after.network.dtype == dtype
    assert [place[1:] for place in after.network.places] == [place[1:] for place in before.network.places]
    assert after.network.input_shape == (5,)
    assert (after.classes, after.training, after.metrics) == ((0, 1, 2), known["training"], known["metrics"])
    x = rng.normal(size=(6, 5)).astype(dtype)
    assert after.network.forward(x).tobytes() == before.network.forward(x).tobytes()


@both_precisions
@examples
@given(data=st.data())
def test_every_finite_number_survives(dtype, data, tmp_path):
    values = np.array(data.draw(st.lists(finite[dtype], min_size=1, max_size=30)) * 2, dtype)
    save(SavedNetwork(one_layer(values), classes=()), tmp_path / "network.json")
    assert load(tmp_path / "network.json").network.parameters.tobytes() == values.tobytes()


@both_precisions
def test_numbers_at_the_edges_survive(dtype, tmp_path):
    info = np.finfo(dtype)
    edges = [0.0, -0.0, info.max, info.min, info.tiny, info.smallest_subnormal, -info.smallest_subnormal, info.eps]
    values = np.array([*edges, *(np.nextafter(dtype(e), dtype(1)) for e in edges)], dtype)
    save(SavedNetwork(one_layer(values), tuple(range(8))), tmp_path / "network.json")
    assert load(tmp_path / "network.json").network.parameters.tobytes() == values.tobytes()


def test_bit_patterns_drawn_at_random_survive(tmp_path, rng):
    values = rng.integers(0, 2**32, 40_000, dtype=np.uint32).view(np.float32)
    values = values[np.isfinite(values)][:30_000]
    save(SavedNetwork(one_layer(values), tuple(range(15_000))), tmp_path / "network.json")
    assert load(tmp_path / "network.json").network.parameters.tobytes() == values.tobytes()


def test_the_float32_whose_shortest_decimal_is_rounded_twice_survives(tmp_path):
    """7.038531e-26, as a float64, lies halfway between two float32s, and goes to the even one: not the one meant."""
    values = np.array([0x15AE43FD, 0x95AE43FD, 0x15AE43FC, 0x15AE43FE], np.uint32).view(np.float32)
    assert values[:1].astype(str)[0] == "7.038531e-26"
    assert np.float32(float("7.038531e-26")) != values[0]
    save(SavedNetwork(one_layer(values), (0, 1)), tmp_path / "network.json")
    assert load(tmp_path / "network.json").network.parameters.tobytes() == values.tobytes()


def test_decimals_are_the_shortest_that_a_float32_needs(tmp_path):
    save(SavedNetwork(one_layer(np.array([0.1, 1 / 3, 1e-8, 16777216], np.float32)), (0, 1)), tmp_path / "n.json")
    text = (tmp_path / "n.json").read_text()
    assert "[0.1]" in text
    assert "[0.33333334]" in text
    assert "[1e-08, 16777216.0]" in text


def test_the_same_network_is_the_same_bytes_again_and_after_a_round_trip(tmp_path):
    first, second, third = (tmp_path / name for name in ("a.json", "b.json", "c.json"))
    save(saved(small(seed=7), metrics={"accuracy": 0.1}), first)
    save(saved(small(seed=7), metrics={"accuracy": 0.1}), second)
    save(load(first), third)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()
    save(saved(small(seed=8)), second)
    assert first.read_bytes() != second.read_bytes()


def test_the_file_is_plain_json_with_a_row_of_numbers_a_line(tmp_path):
    network = small()
    save(saved(network), tmp_path / "network.json")
    text = (tmp_path / "network.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert (content["format"], content["format_version"], content["dtype"]) == ("nn_from_scratch", 2, "float32")
    assert [layer["type"] for layer in content["layers"]] == ["Dense", "ReLU", "Dense", "Softmax"]
    assert content["layers"][0]["config"] == {"units": 4}
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    rows = [json.loads(line) for line in lines if line.startswith("[") and line.endswith("]")]
    assert [len(row) for row in rows] == [5] * 4 + [4] * 3
    np.testing.assert_array_equal(np.array(rows[:4], np.float32), network.layers[0].W)
    assert text.endswith("}\n")


def test_what_is_recorded_may_be_nested_and_have_numbers_for_keys(tmp_path):
    recorded = {"per_class": {1: {"recall": 0.5}, 2: {}}, "pairs": [[1, 2], [3]], "objects": [{"a": 1}], "none": None}
    save(saved(metrics=recorded | {"text": 'ß "', "tuple": (1, 2)}), tmp_path / "network.json")
    expected = recorded | {"per_class": {"1": {"recall": 0.5}, "2": {}}, "text": 'ß "', "tuple": [1, 2]}
    assert load(tmp_path / "network.json").metrics == expected


def test_texts_that_would_steer_a_terminal_are_loaded_as_escapes(tmp_path):
    clear, title, backwards = "\x1b[2J", "\x1b]0;owned\x07", "\u202e"
    recorded = {"data": {"name": f"mnist{clear}"}, "command": [title, "a\nb"], backwards: {"ß": "\ud800 \x7f\x9b"}}
    save(saved(training=recorded, metrics=recorded), tmp_path / "a.json")
    once = load(tmp_path / "a.json")
    expected = {
        "data": {"name": r"mnist\x1b[2J"},
        "command": [r"\x1b]0;owned\x07", r"a\nb"],
        r"\u202e": {"ß": r"\ud800 \x7f\x9b"},
    }
    assert once.training == once.metrics == expected
    save(once, tmp_path / "b.json")
    assert load(tmp_path / "b.json").training == expected


def test_what_is_recorded_may_not_be_nested_without_end(tmp_path):
    for depth in (30, 300):
        nested = json.loads('{"a":' * depth + "[]" + "}" * depth)
        message = refusal(write(tmp_path / "n.json", document() | {"metrics": nested}))
        assert "metrics: nested too deeply" in message


def test_state_that_is_not_trained_is_saved_too(tmp_path, own_layers):
    network = Network([Dense(3), Centre(0.5)], (5,), 0)
    network.layers[1].mean[...] = [0.1, 2, -3]
    save(saved(network), tmp_path / "network.json")
    again = load(tmp_path / "network.json").network
    np.testing.assert_array_equal(again.layers[1].mean, network.layers[1].mean)
    assert again.layers[1].memory == 0.5
    content = json.loads((tmp_path / "network.json").read_text())
    content["layers"][1]["state"] = {"mean": [1, 2]}
    assert "layers[1].state.mean has shape (2,): expected (3,)" in refusal(write(tmp_path / "bad.json", content))


def test_a_state_that_no_training_can_have_left_behind_is_refused(tmp_path):
    network = Network([Dense(3), BatchNorm(), Dense(3)], (5,), 0)
    network.layers[1].variance[...] = [0, 0.5, 2]
    save(saved(network), tmp_path / "network.json")
    assert load(tmp_path / "network.json").network.layers[1].variance.tolist() == [0, 0.5, 2]
    content = json.loads((tmp_path / "network.json").read_text())
    content["layers"][1]["state"]["variance"] = [0, 0.5, -0.25]
    message = refusal(write(tmp_path / "bad.json", content))
    assert "layers[1].state.variance[2] is -0.25: a variance is never below 0" in message


@pytest.mark.parametrize("path", sorted(OLD_FILES.glob("network_version_1*.json")), ids=lambda path: path.name)
def test_a_file_of_version_1_still_loads(path, tmp_path):
    content, old = json.loads(path.read_text()), load(path)
    assert content["format_version"] == 1
    written = [values for layer in content["layers"] for values in layer["parameters"].values()]
    numbers = np.concatenate([np.ravel(values) for values in written]).astype(np.float32)
    assert old.network.parameters.tobytes() == numbers.tobytes()
    assert old.training == content["training"]
    save(old, tmp_path / "new.json")
    assert load(tmp_path / "new.json").network.parameters.tobytes() == numbers.tobytes()


def test_a_version_that_is_not_known_is_refused(tmp_path):
    path = write(tmp_path / "network.json", document() | {"format_version": 3})
    assert "format_version is 3, but this version of the package reads 1 and 2" in refusal(path)


def test_the_initializers_are_saved_so_that_the_same_layer_is_made_again(tmp_path):
    network = Network([Dense(3, "normal:0.1", "uniform:0.5")], (5,), 7)
    save(saved(network), tmp_path / "network.json")
    again = Network([load(tmp_path / "network.json").network.layers[0]], (5,), 7)
    assert again.parameters.tobytes() == network.parameters.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_whose_state_is_not_finite_is_not_saved(value, tmp_path):
    network = Network([Dense(3), Centre()], (5,), 0)
    network.state[1] = value
    with pytest.raises(ValueError, match="not finite"):
        save(saved(network), tmp_path / "network.json")


def test_a_loaded_network_trains_on(tmp_path, split):
    network = Network([Dense(4), Sigmoid(), Dense(3), Softmax()], (16,), 0)
    save(saved(network), tmp_path / "network.json")
    again = load(tmp_path / "network.json").network
    for one in (network, again):
        list(fit(one, CrossEntropy(), Adam(), Constant(0.01), Batches(split, 16, (16,), 3, 0), 2))
    assert again.parameters.tobytes() == network.parameters.tobytes()


# ---- writing ----


@pytest.mark.parametrize("arguments", [(small(), "n.json"), ("n.json", small()), ("n.json", saved())])
def test_what_save_takes_is_said_where_it_is_given_something_else(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = type(arguments[0]).__name__
    with pytest.raises(TypeError, match=re.escape(f'save(SavedNetwork(network), "network.json"), not a {kind} first')):
        save(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_network_with_an_array_that_was_rebound_is_not_saved(tmp_path):
    """The file would hold the numbers of the vector, and not those of the layer."""
    network = small()
    network.layers[0].W = np.zeros((4, 5), np.float32)
    with pytest.raises(ValueError, match=r"layers\[0\]\.W was replaced by another array"):
        save(saved(network), tmp_path / "network.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_network_that_diverged_is_not_saved(value, tmp_path):
    network = small()
    network.parameters[3] = value
    with pytest.raises(ValueError, match="not finite"):
        save(saved(network), tmp_path / "network.json")
    assert list(tmp_path.iterdir()) == []


def fail_to_replace(monkeypatch: pytest.MonkeyPatch) -> SavedNetwork:
    def replace(source: Path, target: Path) -> None:
        assert Path(source).stat().st_size > 1000  # all was written, elsewhere
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    return saved(small(seed=1))


def fail_to_write(monkeypatch: pytest.MonkeyPatch) -> SavedNetwork:
    return saved(small(seed=1), metrics={"accuracy": object()})


def fail_on_nan(monkeypatch: pytest.MonkeyPatch) -> SavedNetwork:
    return saved(small(seed=1), metrics={"precision": float("nan")})


@pytest.mark.parametrize("prepare", [fail_to_replace, fail_to_write, fail_on_nan])
def test_where_writing_fails_the_old_file_stays_and_nothing_is_left_beside_it(prepare, tmp_path, monkeypatch):
    path = tmp_path / "network.json"
    save(saved(), path)
    before = path.read_bytes()
    broken = prepare(monkeypatch)
    with pytest.raises((OSError, TypeError, ValueError)):
        save(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_saving_replaces_the_old_file_and_makes_the_directories_above(tmp_path):
    path = tmp_path / "new" / "deeper" / "network.json"
    save(saved(small(seed=1)), path)
    save(saved(small(seed=2)), str(path))
    assert load(str(path)).network.parameters.tobytes() == small(seed=2).parameters.tobytes()
    assert list(path.parent.iterdir()) == [path]


# ---- the plain form ----


def test_the_plain_form_is_a_relu_layer_and_a_softmax_output(tmp_path):
    loaded = load(write(tmp_path / "plain.json", plain()))
    assert [type(layer) for layer in loaded.network.layers] == [Dense, ReLU, Dense, Softmax]
    assert loaded.network.dtype == np.float32
    assert loaded.classes == (0, 1)
    # x = (1, 2): hidden sums (1 − 2 + 0.5, 2 + 1 − 1, −1 − 2 + 0) = (−0.5, 2, −3), after ReLU (0, 2, 0);
    # output sums (0, 4 + 0.25): softmax (1, e^4.25) / (1 + e^4.25).
    p = loaded.network.forward(np.array([[1, 2]], np.float32))
    np.testing.assert_allclose(p, [[1 / (1 + np.exp(4.25)), 1 / (1 + np.exp(-4.25))]], rtol=1e-6)


def test_biases_of_the_plain_form_may_also_be_a_row(tmp_path):
    flat = plain()
    for layer in flat.values():
        layer["biases"] = [value for [value] in layer["biases"]]
    column_form, row_form = write(tmp_path / "a.json", plain()), write(tmp_path / "b.json", flat)
    np.testing.assert_array_equal(load(column_form).network.parameters, load(row_form).network.parameters)


def test_the_plain_form_can_be_saved_as_ours(tmp_path):
    loaded = load(write(tmp_path / "plain.json", plain()))
    save(loaded, tmp_path / "ours.json")
    assert load(tmp_path / "ours.json").network.parameters.tobytes() == loaded.network.parameters.tobytes()


@pytest.mark.parametrize(
    ("layer", "name", "value", "message"),
    [
        ("hidden_layer", "weights", [1, 2], "hidden_layer.weights has shape (2,): expected (units, inputs)"),
        ("hidden_layer", "weights", [[], []], "hidden_layer.weights has shape (2, 0)"),
        ("hidden_layer", "weights", None, "hidden_layer.weights: expected a list of numbers"),
        ("hidden_layer", "biases", [1, 2], "hidden_layer.biases has shape (2,): expected (3, 1)"),
        ("output_layer", "biases", [[0, 1]], "output_layer.biases has shape (1, 2): expected (2, 1)"),
        ("output_layer", "weights", [[1, 2], [3, 4]], "but the layer before it has 3 units"),
        ("output_layer", "biases", [["0"], [1]], "output_layer.biases: expected a list of numbers"),
        ("output_layer", None, [], "output_layer.weights: expected a list of numbers"),
    ],
)
def test_a_plain_form_that_does_not_fit_is_refused(layer, name, value, message, tmp_path):
    broken = plain()
    if name:
        broken[layer][name] = value
    else:
        broken[layer] = value
    assert message in refusal(write(tmp_path / "plain.json", broken))


# ---- files that are not ours ----


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not valid JSON at line 1, column 1"),
        (json.dumps(document())[:200], "not valid JSON at line 1, column"),
        ("not json", "not valid JSON at line 1, column 1"),
        ('{\n "format": nn}', "not valid JSON at line 2, column 12"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not UTF-8 text at byte 0"),
        (b"PK\x03\x04\x14\x00", "not valid JSON"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ("[1, NaN]", "NaN is not a number that JSON allows"),
        ("[-Infinity]", "-Infinity is not a number that JSON allows"),
        ("[" + "9" * 5000 + "]", "not valid JSON"),
        ("{}", 'not a network of this package: expected a JSON object with "format": "nn_from_scratch"'),
        ("[]", "not a network of this package"),
        ("null", "not a network of this package"),
        ('"nn_from_scratch"', "not a network of this package"),
        ('{"format": "keras"}', "not a network of this package"),
        ('{"hidden_layer": {}}', "not a network of this package"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_a_network_is_refused(content, message, tmp_path):
    assert message in refusal(write(tmp_path / "network.json", content))


def test_a_missing_file_is_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "missing.json")


def test_a_directory_is_refused(tmp_path):
    assert "Is a directory" in refusal(tmp_path)


def test_a_file_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "network.json"
    with open(path, "wb") as file:
        file.truncate(LARGEST_FILE + 1)  # a hole: it takes no space
    tracemalloc.start()
    try:
        assert "100,000,001 bytes are too many" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("unit", ["[],", "[0.5],", "0,", '{"a": 1},', '"",', '"abcde",', "[", '{"a":', '"ß",'])
def test_a_file_whose_values_would_take_gigabytes_is_refused_before_they_do(unit, tmp_path):
    """99 MB of `[],` once took 2.5 GB and 14 seconds. Here there are 4 MB, and the limit is as much smaller."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_files, "LARGEST_IN_MEMORY", json_files.LARGEST_IN_MEMORY // 25)
        path = write(tmp_path / "network.json", "[" + unit * (4_000_000 // len(unit)) + "0]")
        tracemalloc.start()
        try:
            assert "bytes of memory: expected a network of at most 20,000,000" in refusal(path)
            assert tracemalloc.get_traced_memory()[1] < 6 * 10**6
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "unit", ["[],", "[0.5],", "[[0.5]],", "0,", "0.25,", '{"a": 1},', '"",', '"abcde",', '"ßßßßß",']
)
def test_the_memory_that_json_takes_is_not_underestimated(unit, tmp_path, monkeypatch):
    path = write(tmp_path / "network.json", "[" + unit * (2_000_000 // len(unit)) + "0]")
    monkeypatch.setattr(json_files, "LARGEST_IN_MEMORY", 0)
    estimate = int(re.search(r"some ([\d,]+) bytes", refusal(path))[1].replace(",", ""))
    monkeypatch.undo()
    tracemalloc.start()
    try:
        refusal(path)
        assert estimate / 10 < tracemalloc.get_traced_memory()[1] < estimate
    finally:
        tracemalloc.stop()


def test_what_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "network.json"
    save(saved(), path)
    monkeypatch.setattr(json_files, "LARGEST_FILE", path.stat().st_size - 1)
    path.write_text("old")
    with pytest.raises(BadInput, match=r"network\.json: [\d,]+ bytes are too many: expected a network of at most"):
        save(saved(), path)
    monkeypatch.undo()
    monkeypatch.setattr(json_files, "LARGEST_IN_MEMORY", 1000)
    with pytest.raises(BadInput, match=r"network\.json: would take some [\d,]+ bytes of memory"):
        save(saved(), path)
    assert path.read_text() == "old"


def test_the_largest_network_that_is_made_always_fits_into_its_file(tmp_path):
    """Its longest numbers, in the shape that takes most: a unit for each weight, so that each has a line of its own."""
    network = one_layer(np.full(10_000, -1.234568e15, np.float32))
    save(SavedNetwork(network, classes=()), tmp_path / "network.json")
    data = (tmp_path / "network.json").read_bytes()
    assert b"          [-1234568000000000.0],\n" in data
    times = json_files.MOST_PARAMETERS / network.parameters.size
    assert len(data) * times < LARGEST_FILE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_files, "LARGEST_IN_MEMORY", json_files.LARGEST_IN_MEMORY / times)
        load(tmp_path / "network.json")


def set_in(content: Any, path: tuple, value: Any) -> Any:
    """The document with one place changed; DELETED takes the place away."""
    content = deepcopy(content)
    at = content
    for key in path[:-1]:
        at = at[key]
    if value is DELETED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return content


class DELETED:  # a class, whose name stands in the names of the tests; an object's address would differ in each process
    """Stands for: not there at all."""


W, B = ("layers", 0, "parameters", "W"), ("layers", 0, "parameters", "b")


def test_the_document_that_is_damaged_below_is_valid(tmp_path):
    loaded = load(write(tmp_path / "network.json", document()))
    np.testing.assert_array_equal(loaded.network.layers[0].W, np.array([[1, 2.5, -3e-2], [4, 5, 6]], np.float32))
    np.testing.assert_array_equal(loaded.network.layers[0].b, [0, 7])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # the document's own parts
        (("format",), DELETED, "not a network of this package"),
        (("format_version",), DELETED, "format_version is None, but this version of the package reads 1"),
        (("format_version",), 4, "format_version is 4, but this version of the package reads 1 and 2"),
        (("format_version",), "1", "format_version is '1'"),
        (("dtype",), DELETED, 'dtype is None: expected "float32" or "float64"'),
        (("dtype",), "float16", "dtype is 'float16'"),
        (("dtype",), "object", "dtype is 'object'"),
        (("dtype",), ["float32"], "dtype is ['float32']"),
        (("input_shape",), DELETED, "input_shape: expected a list of whole numbers from 1 up"),
        (("input_shape",), [], "input_shape: expected"),
        (("input_shape",), [0], "input_shape: expected"),
        (("input_shape",), [3.0], "input_shape: expected"),
        (("input_shape",), [True], "input_shape: expected"),
        (("input_shape",), 3, "input_shape: expected"),
        (("input_shape",), [4], "layers[0].parameters.W has shape (2, 3): expected (2, 4)"),
        (("input_shape",), [3, 1], "layers[0]: Dense takes flat samples (inputs,), not samples of shape (3, 1)"),
        (("input_shape",), [10**15], "layers[0].parameters.W has shape (2, 3): expected (2, 1000000000000000)"),
        (("classes",), DELETED, "classes: expected a list of whole numbers from 0 up"),
        (("classes",), [0, -1], "classes: expected"),
        (("classes",), [0, 1, 2], "classes: 3 of them for outputs of shape (2,)"),
        (("classes",), [0], "classes: 1 of them for outputs of shape (2,)"),
        (("training",), DELETED, "the file: expected an object named 'training'"),
        (("metrics",), [1], "the file: expected an object named 'metrics'"),
        (("layers",), DELETED, "layers: expected a list of at least one layer"),
        (("layers",), [], "layers: expected a list of at least one layer"),
        (("layers",), {"0": {}}, "layers: expected a list of at least one layer"),
        # a layer
        (("layers", 0), None, "layers[0].type is None: expected one of Dense, ReLU, Sigmoid, Softmax"),
        (("layers", 1, "type"), "Conv9D", "layers[1].type is 'Conv9D': expected one of"),
        (("layers", 1, "type"), ["Softmax"], "layers[1].type is ['Softmax']"),
        (("layers", 1, "type"), "__class__", "layers[1].type is '__class__'"),
        (("layers", 0, "config"), DELETED, "layers[0]: expected an object named 'config'"),
        (("layers", 0, "config"), {}, "layers[0].config {} does not make a Dense"),
        (("layers", 0, "config", "units"), 0, "whole number of units from 1 up, not 0"),
        (("layers", 0, "config", "units"), 2.0, "whole number of units from 1 up, not 2.0"),
        (("layers", 0, "config", "units"), "2", "whole number of units from 1 up, not '2'"),
        (("layers", 0, "config", "units"), None, "whole number of units from 1 up, not None"),
        (("layers", 0, "config", "units"), 3, "layers[0].parameters.W has shape (2, 3): expected (3, 3)"),
        (("layers", 0, "config", "initializer"), "he", "layers[0].config"),
        (("layers", 0, "config", "two\nlines"), 1, "does not make a Dense"),
        (("layers", 0, "config", "\ud800"), 1, "does not make a Dense"),
        (("layers", 1, "config", "axis"), 1, "layers[1].config {'axis': 1} does not make a Softmax"),
        (("layers", 0, "state"), DELETED, "layers[0]: expected an object named 'state'"),
        (("layers", 0, "state", "mean"), [1], "layers[0].state holds ['mean']: expected []"),
        # its parameters
        (("layers", 0, "parameters"), DELETED, "layers[0]: expected an object named 'parameters'"),
        (("layers", 1, "parameters"), [], "layers[1]: expected an object named 'parameters'"),
        (B, DELETED, "layers[0].parameters holds ['W']: expected ['W', 'b']"),
        (("layers", 0, "parameters", "c"), [1], "layers[0].parameters holds ['W', 'b', 'c']: expected ['W', 'b']"),
        (W, [[1, 2, 3], [4, 5]], "layers[0].parameters.W: expected rows of equal length"),
        (W, [[1, 2, 3], 4], "layers[0].parameters.W: expected a list of numbers, or of rows of numbers"),
        (W, [[1, 2, 3]], "layers[0].parameters.W has shape (1, 3): expected (2, 3)"),
        (W, [1, 2, 3, 4, 5, 6], "layers[0].parameters.W has shape (6,): expected (2, 3)"),
        (W, [[[1, 2, 3], [4, 5, 6]]], "layers[0].parameters.W has shape (1, 2, 3): expected (2, 3)"),
        (W, [], "layers[0].parameters.W has shape (0,): expected (2, 3)"),
        (W, {"0": [1]}, "layers[0].parameters.W: expected a list of numbers"),
        (W, "AAAA", "layers[0].parameters.W: expected a list of numbers"),
        ((*W, 1, 2), "6", "layers[0].parameters.W: expected a list of numbers"),
        ((*W, 1, 2), True, "layers[0].parameters.W: expected a list of numbers"),
        ((*W, 1, 2), None, "layers[0].parameters.W: expected a list of numbers"),
        ((*W, 1, 2), 1e39, "layers[0].parameters.W[1, 2] is not a finite float32"),
        ((*W, 1, 2), 10**400, "layers[0].parameters.W: expected rows of equal length, of numbers within range"),
        ((*B, 1), 1e39, "layers[0].parameters.b[1] is not a finite float32"),
        (B, 0, "layers[0].parameters.b: expected a list of numbers"),
        (B, [[0], [7]], "layers[0].parameters.b has shape (2, 1): expected (2,)"),
        (B, [[[[[1]]]]], "layers[0].parameters.b: expected a list of numbers"),
    ],
    ids=repr,
)
def test_a_damaged_place_is_named(path, value, message, tmp_path):
    assert message in refusal(write(tmp_path / "network.json", set_in(document(), path, value)))


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
@both_precisions
def test_a_number_beyond_the_range_is_refused(number, dtype, tmp_path):
    text = json.dumps(document() | {"dtype": np.dtype(dtype).name}).replace("2.5", number)
    assert f"layers[0].parameters.W[0, 1] is not a finite {dtype.__name__}" in refusal(write(tmp_path / "n.json", text))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_not_json_are_refused(constant, tmp_path):
    text = json.dumps(document()).replace("2.5", constant)
    assert f"{constant} is not a number that JSON allows" in refusal(write(tmp_path / "network.json", text))


@pytest.mark.parametrize(("path", "value"), [(("layers", 0, "config", "units"), 10**9), (("input_shape",), [10**9])])
def test_a_declared_size_without_its_data_allocates_nothing(path, value, tmp_path):
    file = write(tmp_path / "network.json", set_in(document(), path, value))
    tracemalloc.start()
    try:
        refusal(file)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_a_single_output_stands_for_two_classes(tmp_path):
    network = Network([Dense(1), Sigmoid()], (3,), 0)
    save(SavedNetwork(network, (4, 9)), tmp_path / "network.json")
    assert load(tmp_path / "network.json").classes == (4, 9)


def test_outputs_that_are_numbers_stand_for_no_classes(tmp_path):
    network = Network([Dense(1)], (3,), 0)
    save(SavedNetwork(network, classes=()), tmp_path / "network.json")
    loaded = load(tmp_path / "network.json")
    assert loaded.classes == ()
    assert loaded.network.parameters.tobytes() == network.parameters.tobytes()


@pytest.mark.parametrize(
    ("outputs", "classes", "message"),
    [
        (1, (4, 9, 1), "classes: 3 of them for outputs of shape (1,): expected two"),
        (1, tuple(range(10)), "classes: 10 of them for outputs of shape (1,): expected two"),
        (1, (4,), "classes: 1 of them for outputs of shape (1,): expected two"),
        (2, (4,), "classes: 1 of them for outputs of shape (2,): expected one for each output, at least two"),
        (3, (4, 9), "classes: 2 of them for outputs of shape (3,): expected one for each output, at least two"),
    ],
)
def test_classes_that_do_not_fit_are_neither_written_nor_read(outputs, classes, message, tmp_path):
    network = Network([Dense(outputs)], (3,), 0)
    with pytest.raises(ValueError, match=re.escape(f"{message}, or classes=() if the outputs are numbers")):
        save(SavedNetwork(network, classes), tmp_path / "network.json")
    assert list(tmp_path.iterdir()) == []
    save(SavedNetwork(network, classes=()), tmp_path / "network.json")
    content = json.loads((tmp_path / "network.json").read_text()) | {"classes": classes}
    assert message in refusal(write(tmp_path / "network.json", content))


def test_the_plain_form_of_a_single_output_is_refused(tmp_path):
    content = plain()
    content["output_layer"] = {"weights": [[1, 0, 1]], "biases": [[0]]}
    assert "Softmax of a single number is always 1" in refusal(write(tmp_path / "plain.json", content))


# ---- damage at random ----


def places(content: Any, path: tuple = ()) -> list[tuple]:
    """The path to every value in a document."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path] * bool(path) + [place for key, value in items for place in places(value, (*path, key))]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 2, 3, -1, 2.0, 1e39, 1e308, 10**400, "", "Dense", "ReLU", "Softmax", "float64", "W"])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.just("W"), inner, max_size=3),
    max_leaves=6,
)


def loads_or_is_refused(path: Path) -> None:
    try:
        loaded = load(path)
    except BadInput:
        refusal(path)
    else:
        assert np.isfinite(loaded.network.parameters).all()


@pytest.mark.parametrize("valid", [document, plain])
@settings(examples, max_examples=200)
@given(data=st.data())
def test_a_valid_document_with_values_exchanged_or_taken_away_loads_or_is_refused(valid, data, tmp_path):
    content = valid()
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(places(content)))
        content = set_in(content, place, data.draw(json_values | st.just(DELETED)))
        if not content:
            break
    loads_or_is_refused(write(tmp_path / "network.json", content))


@pytest.mark.parametrize("valid", [document, plain])
@settings(examples, max_examples=200)
@given(data=st.data())
def test_a_valid_file_with_bytes_exchanged_or_cut_loads_or_is_refused(valid, data, tmp_path):
    content = bytearray(json.dumps(valid()).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 3))
        content[start : start + length] = data.draw(st.binary(max_size=3) | st.sampled_from([b"]", b"[", b"9e", b","]))
    loads_or_is_refused(write(tmp_path / "network.json", bytes(content)))


@settings(examples, max_examples=50)
@given(content=st.binary(max_size=200))
def test_random_bytes_are_refused(content, tmp_path):
    refusal(write(tmp_path / "network.json", content))


# ---- the pieces ----


@pytest.mark.parametrize("name", ["a\0b", "n" * 300])
def test_an_impossible_file_name_is_refused(name, tmp_path):
    with pytest.raises(BadInput):
        load(tmp_path / name)


def test_no_step_of_loading_draws_from_the_global_generator(tmp_path):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    load(write(tmp_path / "network.json", document()))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_names_of_classes_and_of_a_sample_are_in_the_file_only_where_they_are_not_those_of_digits(tmp_path):
    save(saved(), tmp_path / "digits.json")
    content = json.loads((tmp_path / "digits.json").read_text())
    assert not {"class_names", "noun"} & content.keys()
    assert (load(tmp_path / "digits.json").names, load(tmp_path / "digits.json").noun) == (("0", "1", "2"), "digit")

    save(saved(class_names=("0", "1", "2"), noun="digit"), tmp_path / "same.json")
    assert (tmp_path / "same.json").read_bytes() == (tmp_path / "digits.json").read_bytes()

    save(saved(class_names=("coat", "bag", "☃"), noun="fashion item"), tmp_path / "fashion.json")
    again = load(tmp_path / "fashion.json")
    assert (again.names, again.noun, again.classes) == (("coat", "bag", "☃"), "fashion item", (0, 1, 2))
    save(again, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "fashion.json").read_bytes()


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], [1, 2], "ab", ["a", ""], ["a", "b" * 101], None])
def test_names_that_are_not_one_for_each_class_are_refused(tmp_path, names):
    (tmp_path / "n.json").write_text(json.dumps(document() | {"class_names": names}))
    with pytest.raises(BadInput, match="class_names: expected a text of 1 to 100 characters for each of the classes"):
        load(tmp_path / "n.json")


def test_names_that_could_not_be_read_again_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="class_names: expected a text"):
        save(saved(class_names=("a", "b")), tmp_path / "n.json")
    with pytest.raises(ValueError, match="noun: expected a text"):
        save(saved(noun=""), tmp_path / "n.json")
    assert list(tmp_path.iterdir()) == []


def test_a_name_cannot_steer_a_terminal(tmp_path):
    (tmp_path / "n.json").write_text(json.dumps(document() | {"class_names": ["\x1b[2J", "b"], "noun": "\x07"}))
    assert (load(tmp_path / "n.json").names, load(tmp_path / "n.json").noun) == (("\\x1b[2J", "b"), "\\x07")

"""Ensembles to JSON and back: every member bit for bit, and damage in any place refused by its name."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import Dense, ReLU, Sigmoid, Softmax
from nn_from_scratch.network import Network
from nn_from_scratch.storage import SavedEnsemble, SavedNetwork, json_files, load, save
from tests.storage.test_network_file import (
    DELETED,
    document,
    examples,
    json_values,
    places,
    refusal,
    set_in,
    small,
    write,
)


def member(seed: int, **training: object) -> SavedNetwork:
    known = {"recipe": {"epochs": 2}, "data": {"name": "digits"}} | training
    return SavedNetwork(small(seed=seed), (0, 1, 2), {"seed": seed} | known, {"test_accuracy": 0.9 + seed / 100})


def ensemble_document() -> dict:
    """A valid file, small enough to be damaged in every place."""
    return {
        "format": "nn_from_scratch ensemble",
        "format_version": 1,
        "training": {},
        "metrics": {},
        "members": [document(), document()],
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_ensemble_comes_back_bit_for_bit_with_all_that_is_known_of_it(dtype, tmp_path, rng):
    members = [
        SavedNetwork(small(dtype, seed), (0, 1, 2), {"seed": seed}, {"test_loss": seed / 8}) for seed in range(3)
    ]
    before = SavedEnsemble(members, {"command": "python train.py"}, {"test_accuracy": 0.98})
    save(before, tmp_path / "e.json")
    after = load(tmp_path / "e.json")
    assert isinstance(after, SavedEnsemble)
    assert (after.classes, after.training, after.metrics) == ((0, 1, 2), before.training, before.metrics)
    for then, now in zip(members, after.members, strict=True):
        assert now.network.parameters.tobytes() == then.network.parameters.tobytes()
        assert (now.classes, now.training, now.metrics) == (then.classes, then.training, then.metrics)
    x = rng.normal(size=(6, 5)).astype(dtype)
    assert isinstance(after.network, Ensemble)
    assert after.network.forward(x).tobytes() == before.network.forward(x).tobytes()
    save(after, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "e.json").read_bytes()


def test_each_member_is_written_as_a_network_alone_is(tmp_path):
    members = [member(0), member(1)]
    save(SavedEnsemble(members), tmp_path / "e.json")
    content = json.loads((tmp_path / "e.json").read_text())
    assert list(content) == ["format", "format_version", "training", "metrics", "members"]
    for alone, entry in zip(members, content["members"], strict=True):
        save(alone, tmp_path / "n.json")
        assert json.loads((tmp_path / "n.json").read_text()) == entry


def test_networks_from_files_of_their_own_make_an_ensemble_that_knows_what_they_have_in_common(tmp_path):
    for seed in (3, 5):
        save(member(seed, data={"name": "mnist"}), tmp_path / f"{seed}.json")
    save(SavedEnsemble([load(tmp_path / "3.json"), load(tmp_path / "5.json")]), tmp_path / "e.json")
    saved = load(tmp_path / "e.json")
    assert saved.training == {"recipe": {"epochs": 2}, "data": {"name": "mnist"}}
    assert [member.training["seed"] for member in saved.members] == [3, 5]


def test_members_of_other_classes_are_refused_and_named():
    other = SavedNetwork(small(), (0, 1, 3))
    with pytest.raises(
        ValueError, match=r"members\[1\]: the list of classes is \(0, 1, 3\), but that of members\[0\] is \(0, 1, 2\)"
    ):
        SavedEnsemble([member(0), other])


def test_an_ensemble_calls_its_classes_as_its_members_do():
    cats = SavedNetwork(small(), (0, 1, 2), class_names=("cat", "dog", "owl"), noun="picture")
    ensemble = SavedEnsemble([cats, cats])
    assert (ensemble.names, ensemble.noun) == (("cat", "dog", "owl"), "picture")
    with pytest.raises(ValueError, match=r"members\[1\]: the list of class names is \('0', '1', '2'\)"):
        SavedEnsemble([cats, SavedNetwork(small(), (0, 1, 2))])


def test_what_save_takes_is_said_where_an_ensemble_has_no_record(tmp_path):
    ensemble = Ensemble([small(), small(seed=1)])
    with pytest.raises(TypeError, match="not a Ensemble first"):
        save(ensemble, tmp_path / "e.json")
    with pytest.raises(TypeError, match="expected a network, not a Ensemble: to save several, use SavedEnsemble"):
        save(SavedNetwork(ensemble, (0, 1, 2)), tmp_path / "e.json")
    assert list(tmp_path.iterdir()) == []


def test_a_member_that_can_not_be_saved_leaves_what_was_there(tmp_path):
    (tmp_path / "e.json").write_text("old")
    broken = member(1)
    broken.network.parameters[0] = np.nan
    with pytest.raises(ValueError, match="parameters or state that are not finite"):
        save(SavedEnsemble([member(0), broken]), tmp_path / "e.json")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format_version"], 2, "format_version is 2, but this version of the package reads 1"),
        (["members"], [], "members: expected a list of at least one network"),
        (["members"], {}, "members: expected a list of at least one network"),
        (["members"], DELETED, "members: expected a list of at least one network"),
        (["training"], DELETED, "the file: expected an object named 'training'"),
        (["metrics"], 1, "the file: expected an object named 'metrics'"),
        (["members", 1], None, "members[1]: not a network of this package"),
        (["members", 1], ensemble_document(), "members[1]: not a network of this package"),
        (
            ["members", 1, "layers", 0, "parameters", "W", 1, 2],
            "6",
            "members[1]: layers[0].parameters.W: expected",
        ),
        (["members", 0, "layers", 0, "parameters", "b"], [1], "members[0]: layers[0].parameters.b has shape (1,)"),
        (
            ["members", 1, "classes"],
            [0, 2],
            "members[1]: the list of classes is (0, 2), but that of members[0] is (0, 1)",
        ),
        (["members", 1, "dtype"], "float64", "members[1]: the dtype is float64, but that of members[0] is float32"),
        (
            ["members", 1, "layers", 1, "type"],
            "Sigmoid",
            "members[1]: the output layer is Sigmoid, but",
        ),
    ],
)
def test_damage_is_refused_and_its_place_named(path, value, message, tmp_path):
    assert message in refusal(write(tmp_path / "e.json", set_in(ensemble_document(), tuple(path), value)))


@examples
@given(place=st.sampled_from(places(ensemble_document())), value=json_values | st.just(DELETED))
def test_whatever_stands_in_a_place_it_is_read_or_refused(place, value, tmp_path):
    path = write(tmp_path / "e.json", set_in(ensemble_document(), place, value))
    try:
        loaded = load(path)
    except BadInput:
        refusal(path)
    else:
        assert all(np.isfinite(member.network.parameters).all() for member in loaded.members)


def test_ten_networks_of_200_000_parameters_fit_into_a_file(tmp_path):
    networks = [Network([Dense(250), ReLU(), Dense(10), Softmax()], (784,), seed) for seed in range(10)]
    assert sum(network.parameters.size for network in networks) > 1_980_000
    save(SavedEnsemble([SavedNetwork(network) for network in networks]), tmp_path / "e.json")
    size = (tmp_path / "e.json").stat().st_size
    assert 20_000_000 < size < 45_000_000 < json_files.LARGEST_FILE
    last = load(tmp_path / "e.json").members[-1].network
    assert last.parameters.tobytes() == networks[-1].parameters.tobytes()


def test_an_absurd_number_of_members_is_refused_before_anything_is_built(tmp_path):
    path = tmp_path / "e.json"
    head = json.dumps(ensemble_document() | {"members": []}).removesuffix("[]}")
    entry = json.dumps(document())
    path.write_text(head + "[" + ",".join([entry] * 100_000) + "]}")
    tracemalloc.start()
    message = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "bytes of memory: expected a network of at most 500,000,000" in message
    assert peak < 2 * path.stat().st_size


@pytest.mark.parametrize("layers", [[Dense(3), Softmax()], [Dense(1), Sigmoid()], [Dense(2), Sigmoid()], [Dense(2)]])
def test_every_kind_of_output_survives(layers, tmp_path, rng):
    outputs = layers[0].units
    classes = {1: (1, 2), 2: () if len(layers) == 1 else (1, 2), 3: (0, 1, 2)}[outputs]
    networks = [Network([type(layer)(**layer.config()) for layer in layers], (5,), seed) for seed in range(2)]
    save(SavedEnsemble([SavedNetwork(network, classes) for network in networks]), tmp_path / "e.json")
    saved, x = load(tmp_path / "e.json"), rng.normal(size=(4, 5)).astype(np.float32)
    assert saved.classes == classes
    np.testing.assert_array_equal(saved.network.forward(x), np.mean([n.forward(x) for n in networks], axis=0))

"""The package as a library: what a reader writes in ten lines works, and what is mistaken for it is said in words."""

import re
import tomllib

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.handwriting import reading
from tests.scripts import ROOT


def test_a_sine_is_learnt_in_ten_lines():
    x = np.linspace(-3, 3, 200).reshape(-1, 1)
    data = nn.Split(x, np.sin(x))  # inputs and targets that are floats are taken as they are
    network = nn.Network([nn.Dense(32), nn.ReLU(), nn.Dense(1)], input_shape=(1,), seed=0)
    batches = nn.Batches(data, batch_size=20, input_shape=(1,), outputs=1, seed=0)
    loss = nn.MeanSquaredError()
    results = list(nn.fit(network, loss, nn.Adam(), nn.Constant(0.01), batches, epochs=100))
    p = nn.predict(network, np.array([[0.0], [1.0], [np.pi / 2]]))

    assert results[-1].loss < 0.003 < 0.1 < results[0].loss
    np.testing.assert_allclose(p[:, 0], np.sin([0, 1, np.pi / 2]), atol=0.1)
    assert nn.evaluate(network, loss, data)[0] < 0.003
    between = np.linspace(-2.9, 2.9, 77).reshape(-1, 1)
    assert np.abs(nn.predict(network, between) - np.sin(between)).max() < 0.15


def test_a_network_is_trained_saved_loaded_and_reads_a_picture(tmp_path):
    data = nn.load_dataset("digits")
    layers = [nn.Dense(32), nn.ReLU(), nn.Dense(10), nn.Softmax()]
    network = nn.Network(layers, input_shape=(784,), seed=0)
    batches = nn.Batches(data.train, batch_size=64, input_shape=(784,), outputs=10, seed=0)
    list(nn.fit(network, nn.CrossEntropy(), nn.Adam(), nn.Constant(0.005), batches, epochs=3))
    nn.save(nn.SavedNetwork(network), tmp_path / "digits.json")
    saved = nn.load(tmp_path / "digits.json")
    (seen,), _ = reading.read(saved, [ROOT / "resources/handwriting/two.png"])

    assert saved.network.parameters.tobytes() == network.parameters.tobytes()
    assert seen.ranking[0][0] == 2


# ---- inputs and targets of any kind ----


def test_floats_with_classes_and_images_with_targets_are_learnt_too(rng):
    x = rng.normal(size=(90, 2)) + 3 * np.repeat([[0, 0], [1, 1], [0, 2]], 30, axis=0)
    flowers = nn.Split(x, np.repeat([0, 1, 2], 30).astype(np.uint8))
    network = nn.Network([nn.Dense(8), nn.ReLU(), nn.Dense(3), nn.Softmax()], (2,), 0)
    batches = nn.Batches(flowers, 10, (2,), 3, 0)
    *_, last = nn.fit(network, nn.CrossEntropy(), nn.Adam(), nn.Constant(0.02), batches, 20, validation=flowers)
    assert last.validation_accuracy == nn.evaluate(network, nn.CrossEntropy(), flowers)[1] > 0.9

    images = rng.integers(0, 256, (80, 3, 3), dtype=np.uint8)
    brightness = nn.Split(images, images.reshape(80, 9).mean(axis=1, keepdims=True) / 255)
    network = nn.Network([nn.Dense(1)], (9,), 0)
    batches = nn.Batches(brightness, None, (9,), 1, 0)
    *_, last = nn.fit(network, nn.MeanSquaredError(), nn.Adam(), nn.Constant(0.02), batches, 500, validation=brightness)
    assert last.validation_loss < 1e-6
    np.testing.assert_allclose(network.layers[0].W, np.full((1, 9), 1 / 9), atol=0.01)


def test_without_classes_there_is_no_accuracy(rng):
    data = nn.Split(rng.normal(size=(30, 2)), rng.normal(size=(30, 3)))
    network = nn.Network([nn.Dense(3)], (2,), 0)
    batches = nn.Batches(data, 10, (2,), 3, 0)
    [result] = nn.fit(network, nn.MeanSquaredError(), nn.SGD(), nn.Constant(0.01), batches, 1, validation=data)
    assert np.isnan(result.accuracy)
    assert np.isnan(result.validation_accuracy)
    assert result.validation_loss == nn.evaluate(network, nn.MeanSquaredError(), data)[0]


# ---- mistakes ----


def parts() -> dict:
    split = nn.Split(np.zeros((4, 2, 2), np.uint8), np.zeros(4, np.uint8))
    return {
        "network": nn.Network([nn.Dense(3)], (4,), 0),
        "loss": nn.MeanSquaredError(),
        "optimizer": nn.SGD(),
        "schedule": nn.Constant(0.1),
        "batches": nn.Batches(split, 2, (4,), 3, 0),
        "epochs": 1,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": 0.005}, "schedule: expected one such as Constant(0.01), not 0.005"),
        ({"schedule": nn.Constant}, "schedule: expected one such as Constant(0.01), not <class"),
        ({"loss": nn.CrossEntropy}, "loss: expected one such as CrossEntropy(), not <class"),
        ({"loss": "cross-entropy"}, "loss: expected one such as CrossEntropy(), not 'cross-entropy'"),
        ({"optimizer": "adam"}, "optimizer: expected one such as Adam(), not 'adam'"),
        ({"network": [nn.Dense(3)]}, "network: expected one such as Network([Dense(10)], (784,), seed=0), not ["),
        ({"batches": None}, "batches: expected one such as Batches(split, 64, (784,), outputs=10, seed=0), not None"),
    ],
    ids=lambda changes: next(iter(changes)) if isinstance(changes, dict) else "",
)
def test_a_training_says_which_of_its_parts_is_none(changes, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        list(nn.fit(**parts() | changes))
    assert len(list(nn.fit(**parts()))) == 1


def test_what_is_no_split_is_named_where_one_belongs():
    data = nn.load_dataset("digits")
    network = nn.Network([nn.Dense(10), nn.Softmax()], (784,), 0)
    for wrong in (data, data.train.images):
        message = f"expected a Split, such as data.train or Split(images, labels), not a {type(wrong).__name__}"
        with pytest.raises(TypeError, match=re.escape(message)):
            nn.Batches(wrong, 64, (784,), 10, 0)
        with pytest.raises(TypeError, match=re.escape(message)):
            nn.evaluate(network, nn.CrossEntropy(), wrong)


def test_a_schedule_may_be_any_function_of_the_step():
    given = parts() | {"schedule": lambda step: 0.25 / (1 + step)}
    [result] = nn.fit(**given)
    assert result.learning_rate == 0.125


def test_an_array_that_was_rebound_stops_the_training_before_it_begins():
    """It would train another array than the layer uses."""
    given = parts()
    given["network"].layers[0].W = given["network"].layers[0].W + 1
    with pytest.raises(ValueError, match=r"layers\[0\]\.W was replaced by another array"):
        list(nn.fit(**given))


def test_a_layer_that_rebinds_its_gradient_is_found_after_the_first_epoch():
    """Nothing would be learnt: the optimizer sees the vector, and not what the layer has put in its place."""

    class Rebinding(nn.Dense):
        def backward_parameters(self, dy):
            self.dW = dy.T @ self.x
            dy.sum(axis=0, out=self.db)

    given = parts() | {"network": nn.Network([Rebinding(3)], (4,), 0), "epochs": 3}
    with pytest.raises(ValueError, match=r"layers\[0\]\.dW was replaced by another array"):
        next(nn.fit(**given))


# ---- the version ----


def test_the_version_is_there_and_where_the_installer_looks_for_it():
    assert re.fullmatch(r"\d+\.\d+\.\d+", nn.__version__)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["version"]["path"] == "nn_from_scratch/__init__.py"
    assert "version" in project["project"]["dynamic"]

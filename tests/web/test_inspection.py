"""A neuron's sum is its numbers, a cell's images are exactly those, and a drawing is answered as it deserves."""

import base64

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.web import inspection
from nn_from_scratch.web.frames import trace
from tests.scripts import ROOT


@pytest.mark.parametrize("file", ["784-100-10", "784-128-64-10", "784-196-1"])
def test_a_neurons_sum_is_its_z_and_its_parts_are_the_sum(file, digits):
    saved = nn.load(ROOT / f"resources/pretrained/{file}.json")
    split = digits.train.only_classes(saved.classes)
    loss = nn.MeanSquaredError()
    for index in (0, 5):
        x, t = inspection.example_of(saved.network, split, index)
        traced = trace(saved.network, loss, x, t)
        for stage, delta in zip(traced.stages, traced.deltas, strict=True):
            for neuron in (0, stage.layer.units // 2, stage.layer.units - 1):
                part = inspection.neuron_part(stage, delta, neuron)
                assert part["sum_of_products"] + part["bias"] == pytest.approx(part["z"], abs=1e-6, rel=1e-6)
                terms = part["positive"] + part["negative"]
                together = sum(term["product"] for term in terms) + part["others"]
                assert together == pytest.approx(part["sum_of_products"], abs=1e-12)
                W = stage.W[neuron].astype(float)
                assert all(term["w"] == W[term["input"]] for term in terms)
                assert all(term["product"] == term["w"] * term["x"] for term in terms)
                products = np.sort(W * stage.x[0])
                assert [term["product"] for term in part["negative"]] == [p for p in products[:8] if p < 0]
                assert [term["product"] for term in part["positive"]] == [p for p in products[::-1][:8] if p > 0]
                assert part["activation"] == float(stage.a[0, neuron])
                assert part["z"] == float(stage.z[0, neuron])
                assert part["delta"] == float(delta[neuron])


def test_a_neuron_with_few_inputs_names_none_of_them_twice():
    network = nn.Network([nn.Dense(3), nn.ReLU(), nn.Dense(2), nn.Sigmoid()], (4,), seed=2)
    x = np.array([[0.5, 0, 1, 0.25]], np.float32)
    traced = trace(network, nn.MeanSquaredError(), x, np.array([[0, 1]], np.float32))
    for stage, delta in zip(traced.stages, traced.deltas, strict=True):
        part = inspection.neuron_part(stage, delta, 1)
        named = [term["input"] for term in part["positive"] + part["negative"]]
        assert len(named) == len(set(named))
        assert part["others"] == pytest.approx(0, abs=1e-12)


def test_the_cells_of_a_snapshot_hold_exactly_the_images_they_count(digits):
    saved = nn.load(ROOT / "resources/pretrained/784-10-10.json")
    snapshot = inspection.take_snapshot(saved.network, nn.CrossEntropy(), digits.test, 10, step=5)
    predicted = predicted_classes(nn.predict(saved.network, digits.test.images))
    loss, accuracy = nn.evaluate(saved.network, nn.CrossEntropy(), digits.test)
    assert (snapshot.loss, snapshot.accuracy) == (loss, accuracy)
    assert snapshot.matrix.sum() == len(digits.test)
    for actual in range(10):
        for taken in range(10):
            cell = snapshot.cell(actual, taken)
            expected = np.flatnonzero((digits.test.labels == actual) & (predicted == taken)).tolist()
            assert cell["count"] == snapshot.matrix[actual, taken] == len(expected)
            assert cell["indices"] == expected[:100]
            assert [base64.b64decode(image) for image in cell["images"]] == [
                digits.test.images[i].tobytes() for i in expected[:100]
            ]


def test_of_a_full_cell_a_hundred_images_and_the_true_count(mnist):
    saved = nn.load(ROOT / "resources/pretrained/784-100-10.json")
    split = mnist.test.select(slice(0, 3000))
    cell = inspection.take_snapshot(saved.network, nn.MeanSquaredError(), split, 10, step=0).cell(1, 1)
    assert cell["count"] > 250
    assert len(cell["images"]) == len(cell["indices"]) == 100


def pad(image: np.ndarray) -> np.ndarray:
    """An image of 28×28, five times as large, somewhere on the drawing pad."""
    ink = np.zeros((280, 280), np.uint8)
    ink[10:150, 120:260] = np.kron(image, np.ones((5, 5), np.uint8))
    return ink


def test_drawings_are_read_and_an_empty_pad_is_not(mnist):
    saved = nn.load(ROOT / "resources/pretrained/784-100-10.json")
    right = 0
    for image, label in zip(mnist.test.images[:50], mnist.test.labels[:50], strict=True):
        part = inspection.drawing_part(saved.network, saved.classes, pad(image), centre=True)
        outputs = np.array(part["outputs"])
        assert part["answer"] == outputs.argmax()
        assert part["second"] == np.argsort(outputs)[-2]
        assert part["doubtful"] == (outputs.max() < 0.5 or outputs.max() - np.sort(outputs)[-2] < 0.3)
        seen = np.frombuffer(base64.b64decode(part["image"]), np.uint8).reshape(1, 28, 28)
        np.testing.assert_allclose(outputs, nn.predict(saved.network, seen)[0], rtol=1e-6)
        right += part["answer"] == label
    assert right >= 48
    empty = inspection.drawing_part(saved.network, saved.classes, np.zeros((280, 280), np.uint8), centre=True)
    assert empty == {"empty": True, "message": "Draw something."}


def test_a_doubtful_answer_names_two():
    network = nn.Network([nn.Dense(3), nn.Sigmoid()], (784,), seed=0)
    network.parameters[...] = 0
    part = inspection.drawing_part(network, (4, 5, 6), np.full((280, 280), 255, np.uint8), centre=False)
    assert part["doubtful"]
    assert part["message"] == "Not sure: 4, or perhaps 5."

"""A neuron's sum is its numbers, a cell's images are exactly those, and a drawing is answered as it deserves."""

import base64

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.errors import BadInput
from nn_from_scratch.inspection.field_of_view import field_of_view
from nn_from_scratch.web import inspection
from nn_from_scratch.web.frames import trace
from nn_from_scratch.web.inspection import Unit
from nn_from_scratch.web.stage import Example
from tests.scripts import ROOT
from tests.web.test_frames import unpacked


def traced_example(network: nn.Network, split: nn.Split, index: int):
    x, t = Example.of("test", split, index).as_batch(network, split.images[:7] if network.state.size else None)
    return trace(network, nn.MeanSquaredError(), x, t)


def check_sum(part: dict, w: np.ndarray, x: np.ndarray) -> None:
    """The numbers of a neuron's sum are w·x, and together they are the sum."""
    terms = part["positive"] + part["negative"]
    assert len({term["input"] for term in terms}) == len(terms)
    together = sum(term["product"] for term in terms) + part["others"]
    assert together == pytest.approx(part["sum_of_products"], abs=1e-12)
    assert all(term["w"] == w[term["input"]] and term["x"] == x[term["input"]] for term in terms)
    assert all(term["product"] == term["w"] * term["x"] for term in terms)
    products = np.sort(w * x)
    assert [term["product"] for term in part["negative"]] == [p for p in products[:8] if p < 0]
    assert [term["product"] for term in part["positive"]] == [p for p in products[::-1][:8] if p > 0]


@pytest.mark.parametrize("file", ["784-100-10", "784-128-64-10", "784-196-1"])
def test_a_neurons_sum_is_its_z_and_its_parts_are_the_sum(file, digits):
    saved = nn.load(ROOT / f"resources/pretrained/{file}.json")
    split = digits.train.only_classes(saved.classes)
    for index in (0, 5):
        traced = traced_example(saved.network, split, index)
        for layer, (stage, delta) in enumerate(zip(traced.stages, traced.deltas, strict=True)):
            for neuron in (0, stage.layer.units // 2, stage.layer.units - 1):
                part = inspection.neuron_part(saved.network, traced, Unit(layer, neuron))
                assert part["sum_of_products"] + part["bias"] == pytest.approx(part["z"], abs=1e-6, rel=1e-6)
                check_sum(part, stage.W[neuron].astype(float), stage.x[0].astype(float))
                assert part["activation"] == float(stage.a[0, neuron])
                assert part["z"] == float(stage.z[0, neuron])
                assert part["delta"] == float(delta[neuron])
                assert part["kernel"] is None


@pytest.mark.parametrize("file", ["lenet", "cnn"])
def test_the_sum_behind_a_pixel_of_a_feature_map_is_that_of_its_window(file, digits, rng):
    network = nn.load(ROOT / f"resources/pretrained/{file}.json").network
    traced = traced_example(network, digits.test, 3)
    for layer, stage in enumerate(traced.stages):
        if not stage.has_maps:
            continue
        maps, rows, columns = stage.shape
        places = [(0, 0, 0), (maps - 1, rows - 1, columns - 1), *rng.integers((maps, rows, columns), size=(3, 3))]
        for neuron, row, column in places:
            part = inspection.neuron_part(network, traced, Unit(layer, int(neuron), int(row), int(column)))
            assert part["activation"] == float(stage.maps[0, neuron, row, column])
            if isinstance(stage.layer, nn.Conv2D):
                window = part["kernel"]
                x, w = (unpacked(part[name]) for name in ("values", "weights"))
                assert x.size == w.size == np.prod(window) == part["inputs"]
                z = part["sum_of_products"] + part["bias"]
                if "BatchNorm" in stage.name:
                    norm = part["normalization"]
                    z = norm["gamma"] * (z - norm["mean"]) / norm["deviation"] + norm["beta"]
                assert z == pytest.approx(part["z"], abs=1e-5, rel=1e-4)
            else:
                assert "sum_of_products" not in part


@pytest.mark.parametrize("file", ["lenet", "lenet-fast", "cnn"])
def test_the_field_of_view_is_the_pixels_that_make_a_difference(file, rng):
    """A pixel outside of it changes nothing; all pixels inside together do."""
    network = nn.load(ROOT / f"resources/pretrained/{file}.json").network
    x = rng.random((1, 1, 28, 28), dtype=np.float32)
    for index, place in enumerate(network.places):
        if len(place.output_shape) != 3:
            break
        _, rows, columns = place.output_shape
        row, column = int(rng.integers(rows)), int(rng.integers(columns))
        field = field_of_view(network.layers[: index + 1], (1, 28, 28), row, column)
        seen = np.zeros((28, 28), bool)
        seen[field.row : field.row + field.rows, field.column : field.column + field.columns] = True
        outputs = []
        for image in (x, np.where(seen, x, rng.random(x.shape, np.float32)), np.where(seen, 1 - x, x)):
            y = image
            for layer in network.layers[: index + 1]:
                y = layer.forward(y)
            outputs.append(y[0, :, row, column])
        np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-5, atol=1e-5)
        assert np.abs(outputs[2] - outputs[0]).max() > 1e-3


def test_a_place_that_is_not_there_is_refused(digits):
    network = nn.load(ROOT / "resources/pretrained/lenet.json").network
    traced = traced_example(network, digits.test, 0)
    for unit in (Unit(9, 0), Unit(0, 16), Unit(0, 0, 24), Unit(0, 0, 0, 24), Unit(5, 0, 1)):
        with pytest.raises(BadInput):
            inspection.neuron_part(network, traced, unit)


def test_a_neuron_with_few_inputs_names_none_of_them_twice():
    network = nn.Network([nn.Dense(3), nn.ReLU(), nn.Dense(2), nn.Sigmoid()], (4,), seed=2)
    x = np.array([[0.5, 0, 1, 0.25]], np.float32)
    traced = trace(network, nn.MeanSquaredError(), x, np.array([[0, 1]], np.float32))
    for layer in range(2):
        part = inspection.neuron_part(network, traced, Unit(layer, 1))
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
    assert part["message"] == "Not sure: a 4, or perhaps a 5."


def test_an_answer_to_a_drawing_is_said_with_the_right_article():
    network = nn.Network([nn.Dense(3), nn.Sigmoid()], (784,), seed=0)
    network.parameters[...] = 0
    names, ink = ("T-shirt", "trousers", "ankle boot"), np.full((280, 280), 255, np.uint8)

    def said(answer, others=-9.0):
        network.layers[0].b[...] = [9.0 if k == answer else others for k in range(3)]
        part = inspection.drawing_part(network, (0, 1, 9), ink, False, names, "fashion item")
        return part["message"], part["answer"]

    assert said(0) == ("This looks like a T-shirt.", 0)
    assert said(1) == ("This looks like trousers.", 1)
    assert said(2) == ("This looks like an ankle boot.", 9)
    assert said(2, others=8.0) == ("Not sure: an ankle boot, or perhaps a T-shirt.", 9)
    dot = np.zeros((280, 280), np.uint8)
    dot[140:150, 140:150] = 255
    message = inspection.drawing_part(network, (0, 1, 9), dot, True, names, "fashion item")["message"]
    assert message == "That is only a dot: draw a fashion item."

"""The figure of the decision regions: its colours are the network's answers, and its points those of the data."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import nn_from_scratch as nn
from nn_from_scratch import figures
from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.figures import regions
from nn_from_scratch.figures.style import PALETTE


@pytest.fixture
def data() -> Dataset:
    return nn.load_dataset("xor")


@pytest.fixture
def network() -> nn.Network:
    """It answers class 1 right of the first axis, and is the surer, the farther from it."""
    network = nn.Network([nn.Dense(2), nn.Softmax()], (2,), 0)
    network.layers[0].W[...] = [[-3, 0], [3, 0]]
    network.layers[0].b[...] = 0
    return network


def test_the_colours_are_the_answers(data, network):
    axes = figures.decision_regions(network, data, data.class_names, 0.5).axes[0]
    picture = np.asarray(axes.images[0].get_array())
    left, right, *_ = axes.images[0].get_extent()
    assert left == pytest.approx(-right, abs=0.2)
    for x, k in ((left * 0.9, 0), (right * 0.9, 1)):
        colour = picture[200, int((x - left) / (right - left) * 399)]
        share = regions.STRONGEST
        np.testing.assert_allclose(colour, share * np.array(to_rgb(PALETTE[k])) + 1 - share, atol=0.03)
    middle = picture[200, int(-left / (right - left) * 399)]
    assert middle.min() > 0.9  # where it is not sure at all


def test_every_point_is_drawn_and_the_wrong_ones_are_ringed(data, network):
    figure = figures.decision_regions(network, data, data.class_names, 0.5)
    lines = figure.axes[0].get_lines()
    drawn = [len(line.get_xdata()) for line in lines]
    wrong = int(((data.test.images[:, 0] > 0) != data.test.labels).sum())
    assert drawn == [*np.bincount(data.train.labels[:600]), *np.bincount(data.test.labels), wrong]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text for text in texts if text] == [
        *("same signs", "training", "different signs", "test", f"answered wrongly ({wrong:,})")
    ]


def test_one_output_and_many_classes(data):
    one = nn.Network([nn.Dense(1), nn.Sigmoid()], (2,), 0)
    figures.decision_regions(one, data, data.class_names, 0.5).draw_without_rendering()
    labels = (np.arange(1000) % 30).astype(np.uint8)
    many = Dataset("many", Split(data.train.images, labels), Split(data.test.images, labels[:500]), "here")
    network = nn.Network([nn.Dense(30), nn.Softmax()], (2,), 0)
    figures.decision_regions(network, many, [f"$class_{k}^" for k in range(30)], 0.5).draw_without_rendering()


def test_points_on_a_line_have_a_picture(data):
    flat = Split(np.full((40, 2), 3.0, np.float32), np.arange(40, dtype=np.uint8) % 2)
    figures.points(Dataset("flat", flat, flat, "here"), ("a", "b"), "flat").draw_without_rendering()


def test_the_numbers_of_a_table(rng):
    labels = (np.arange(60) % 3).astype(np.uint8)
    split = Split(rng.normal(size=(60, 13)).astype(np.float32), labels)
    figure = figures.distributions(split, [0, 1, 2], ["a", "b", "$c_"], "wine")
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in shown] == [f"number {i}" for i in range(1, 13)]
    counts = shown[0].patches[0].get_data().values
    np.testing.assert_array_equal(
        counts, np.histogram(split.images[labels == 0, 0], shown[0].patches[0].get_data().edges)[0]
    )
    assert "the first 12 of 13" in figure.get_suptitle()
    figure.draw_without_rendering()

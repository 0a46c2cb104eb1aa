"""What is in the figures: the numbers that were given, in the colours that are promised."""

import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from nn_from_scratch import EpochResult, Network, ReLU, Sigmoid, Softmax, figures
from nn_from_scratch.errors import BadInput
from nn_from_scratch.figures import answers, style, weights
from nn_from_scratch.figures.stages import BAR
from nn_from_scratch.inspection.first_layer import first_layer
from nn_from_scratch.inspection.parameters import named_parameters
from nn_from_scratch.layers import AveragePool2D, BatchNorm, Conv2D, Dense, Flatten, MaxPool2D
from tests.scripts import ROOT

CSS = (ROOT / "nn_from_scratch/web/static/style.css").read_text("utf-8")
CONFUSION = np.array([[1200, 300, 0], [0, 40, 60], [0, 0, 0]])


def page(name):
    """A colour of the live page's light theme."""
    return re.search(rf"--{name}: light-dark\((#\w+),", CSS)[1]


def images(axes):
    return [np.asarray(image.get_array()) for image in axes.images]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def drawn(figure, tmp_path):
    """Draw for real, so that warnings and errors of the layout come out."""
    figures.save(figure, tmp_path / "figure.png")
    return figure


# ---- confusion matrix ----


def mixed(colour, percent):
    """What CSS calls color-mix(in srgb, colour percent, paper), where the paper is white."""
    return np.array(to_rgb(colour)) * percent / 100 + 1 - percent / 100


def test_confusion_matrix_has_the_colours_of_the_live_page_each_scaled_by_its_own_maximum(tmp_path):
    (axes,) = drawn(figures.confusion_matrix(CONFUSION, (4, 7, 9), 0.775), tmp_path).axes
    (cells,) = images(axes)
    wrong, right = re.findall(r"color-mix\(in srgb, var\(--tone\) calc\((\d+)% \+ (\d+)% \* var\(--share, 0\)\)", CSS)
    of_right = [mixed(style.POSITIVE, int(right[0]) + int(right[1]) * count / 1200) for count in (1200, 40)]
    of_wrong = [mixed(style.NEGATIVE, int(wrong[0]) + int(wrong[1]) * count / 300) for count in (300, 60)]
    empty = to_rgb(page("sunken"))
    expected = [
        [of_right[0], of_wrong[0], empty],
        [empty, of_right[1], of_wrong[1]],
        [empty, empty, empty],
    ]
    assert cells == pytest.approx(np.array(expected), abs=1 / 255)
    assert "77.50%" in axes.get_title("left")
    assert "1,600 images" in axes.get_title("left")
    assert "blue: right, orange: mistakes" in axes.get_xlabel()


def test_a_few_mistakes_stand_out_from_none_however_many_answers_are_right():
    colours = answers.confusion_colours(np.array([[10_000, 1], [0, 10_000]]))
    one, none = (luminance(colours[place]) for place in ((0, 1), (1, 0)))
    assert (none + 0.05) / (one + 0.05) > 2


def test_confusion_matrix_cells_hold_the_counts_and_zeros_are_blank():
    axes = figures.confusion_matrix(CONFUSION, (4, 7, 9), 0.775).axes[0]
    cells = {tuple(map(int, text.get_position()))[::-1]: text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "1,200", (0, 1): "300", (1, 1): "40", (1, 2): "60"}


def test_confusion_matrix_numbers_stand_out_from_their_cells():
    """Contrast by WCAG's formula, at least 4.5 as it asks for text."""
    confusion = np.zeros((51, 51), int)
    confusion[:, 0] = range(51)
    confusion[:, 1] = 100 - confusion[:, 0]
    axes = figures.confusion_matrix(confusion, range(51), 0.5).axes[0]
    for text in axes.texts:
        column, row = map(int, text.get_position())
        behind, front = luminance(axes.images[0].get_array()[row, column]), luminance(to_rgb(text.get_color()))
        contrast = (max(behind, front) + 0.05) / (min(behind, front) + 0.05)
        assert contrast >= 4.5, (row, column)


def luminance(colour):
    channels = np.array(colour[:3])
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_confusion_matrix_is_labelled():
    axes = figures.confusion_matrix(CONFUSION, (4, 7, 9), 0.775).axes[0]
    assert (axes.get_xlabel().splitlines()[0], axes.get_ylabel()) == ("predicted", "actual")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "7", "9"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["4", "7", "9"]


# ---- first layer ----


@pytest.mark.parametrize(
    ("units", "input_shape", "tile"),
    [(10, (784,), (28, 28)), (1, (16,), (4, 4)), (7, (5, 8), (5, 8)), (3, (1, 6, 3), (6, 3)), (196, (9,), (3, 3))],
)
def test_tiles_are_the_rows_of_the_weights_on_one_symmetric_scale(rng, tmp_path, units, input_shape, tile):
    W, b = rng.normal(size=(units, np.prod(input_shape))), rng.normal(size=units)
    axes, _ = drawn(weights.first_layer_weights(W, b, input_shape), tmp_path).axes
    assert np.array_equal(images(axes), W.reshape(units, *tile))
    (norm,) = {image.norm for image in axes.images}  # one object: one scale
    assert norm.vmin == -norm.vmax < 0
    assert np.mean(np.abs(W) > norm.vmax) <= 1 / 200
    assert {image.get_cmap().name for image in axes.images} == {style.DIVERGING.name}


def test_blue_is_positive_and_orange_negative_in_figures_as_on_the_page():
    signs = [page(name) for name in ("negative", "zero", "positive")]
    assert [to_hex(style.DIVERGING(share)) for share in (0.25, 0.5, 0.75)] == signs
    assert signs == [style.NEGATIVE, style.ZERO, style.POSITIVE]
    ends = [style.DIVERGING(0.0), style.DIVERGING(1.0)]
    assert ends[0][0] > ends[0][2]  # more red than blue
    assert ends[1][2] > ends[1][0]


def test_all_other_colours_are_the_pages_too():
    names = ("paper", "sunken", "line", "muted", "ink", "negative-text")
    assert [page(name) for name in names] == [getattr(style, name.upper().replace("-", "_")) for name in names]
    dark, light = page("image-ink"), page("image-paper")
    assert [to_hex(style.IMAGE(share)) for share in (0.0, 1.0)] == [light, dark]
    assert [to_hex(style.ACTIVATION(share)) for share in (0.0, 0.5, 1.0)] == [style.NEGATIVE, light, dark]
    assert style.PALETTE[:2] == (style.POSITIVE, style.NEGATIVE)


def test_a_figure_has_the_style_and_leaves_that_of_others_alone():
    before = dict(rcParams)
    axes = figures.learning_curves([EpochResult(1, 1, 0.1, 1.0, 0.5, 1.1, 0.4, 0.0)]).axes[0]
    assert dict(rcParams) == before
    assert [to_hex(line.get_color()) for line in axes.lines] == [style.POSITIVE, style.NEGATIVE]
    assert to_hex(axes.title.get_color()) == style.INK
    assert to_hex(axes.spines["left"].get_edgecolor()) == style.MUTED
    assert not axes.spines["top"].get_visible()


@pytest.mark.parametrize("path", sorted([*ROOT.glob("nn_from_scratch/**/*.py"), *ROOT.glob("benchmarks/*.py"),
                                         *ROOT.glob("resources/images/*.py")]), ids=lambda path: path.stem)  # fmt: skip
def test_whoever_makes_a_figure_makes_it_in_the_one_style(path):
    """No colour has another name than in style.py, and a function that makes a figure has the style while it draws."""
    if path.name == "style.py":
        return
    text = path.read_text("utf-8")
    assert not re.search(r"""["']#[0-9a-fA-F]{6}["']|Figure\(figsize""", text)
    if "import matplotlib" in text or "from matplotlib" in text:
        assert not re.search(r"""(color|edgecolor|facecolor)=["'](?!white|none)""", text)
    made = text.count("new_figure(")
    assert made == 0 or "@styled()" in text


def test_tiles_do_not_overlap_and_lie_within_the_picture(rng):
    axes = weights.first_layer_weights(rng.normal(size=(23, 40)), np.zeros(23), (5, 8)).axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    boxes = [image.get_extent() for image in axes.images]
    for i, (x0, x1, y1, y0) in enumerate(boxes):
        assert left <= x0 < x1 <= right
        assert top <= y0 < y1 <= bottom
        assert (x1 - x0) / (y1 - y0) == pytest.approx(8 / 5)
        for before_x0, before_x1, before_y1, before_y0 in boxes[:i]:
            assert max(x0, before_x0) >= min(x1, before_x1) or max(y0, before_y0) >= min(y1, before_y1)


def test_tiles_have_numbers_and_biases():
    axes = weights.first_layer_weights(np.ones((3, 4)), np.array([0.5, -1.25, -0.001]), (4,)).axes[0]
    assert texts(axes) == ["0", "+0.50", "1", "−1.25", "2", "0.00"]
    assert "3 units" in axes.get_title("left")


def test_too_many_units_are_cut_off_and_counted(rng, tmp_path):
    axes = drawn(weights.first_layer_weights(rng.normal(size=(2048, 9)), np.zeros(2048), (9,)), tmp_path).axes[0]
    assert len(axes.images) == 256
    assert "first 256 of 2,048 units" in axes.get_title("left")


def test_units_that_matter_most_come_first_and_the_dead_are_marked_and_counted(rng, tmp_path):
    """Unit 1 is the one of the largest spread × norm, unit 2 is dead: the sum of a ReLU below 0 for all images."""
    network = Network([Dense(3), ReLU(), Dense(2), Softmax()], (16,), rng, np.float64)
    network.layers[0].W[...] = np.array([[1.0], [5.0], [1.0]]) * np.eye(16)[0]
    network.layers[0].b[...] = [0, 0, -2]
    network.layers[2].W[...] = [[3, 3, 100], [4, 4, 100]]
    pictures = np.zeros((2, 4, 4), np.uint8)
    pictures[1, 0, 0] = 255
    found = first_layer(network, pictures)
    assert found.matters == pytest.approx([0.5 * 5, 2.5 * 5, 0])  # the deviation of 0 and 1 is ½, √(3² + 4²) is 5
    assert (found.dead.tolist(), found.images) == ([False, False, True], 2)
    (axes, _) = drawn(figures.weight_figures(network, (4, 7), pictures)["first_layer_weights"], tmp_path).axes
    assert texts(axes) == ["1", "0.00", "0", "0.00", "2", "−2.00", "dead"]
    assert np.array_equal(images(axes), network.layers[0].W[[1, 0, 2]].reshape(3, 4, 4))
    frame, tile = axes.patches[0].get_bbox(), axes.images[2].get_extent()
    assert (frame.x0, frame.x1, frame.y1, frame.y0) == pytest.approx(tile)
    assert "1 dead: the same output for each of 2 images" in axes.get_title("left")


def test_without_images_the_first_layer_is_sorted_by_its_weights_and_none_is_called_dead(rng):
    network = Network([Conv2D(3, 2), MaxPool2D(), ReLU(), Flatten(), Dense(2), Softmax()], (1, 5, 5), rng, np.float64)
    found = first_layer(network)
    into, out = network.layers[0].W.reshape(3, 4), network.layers[4].W.reshape(2, 3, 4)
    expected = np.sqrt((into**2).sum(axis=1) * (out**2).sum(axis=(0, 2)))
    assert found.matters == pytest.approx(expected)
    axes = figures.weight_figures(network, (4, 7))["first_layer_weights"].axes[0]
    assert [int(text) for text in texts(axes)[::2]] == np.argsort(-expected).tolist()
    assert "dead" not in axes.get_title("left")


def test_the_spread_of_maps_is_that_of_all_their_pixels_over_all_images(rng):
    layers = [Conv2D(3, 2), BatchNorm(), ReLU(), Conv2D(2, 2), Flatten(), Dense(2), Softmax()]
    network = Network(layers, (1, 5, 5), rng, np.float64)
    pictures = rng.integers(0, 256, (230, 5, 5), dtype=np.uint8)  # in parts of 100
    maps = pictures[:, None] / 255
    for layer in layers[:3]:
        maps = layer.forward(maps)
    norms = np.sqrt((layers[3].W ** 2).sum(axis=(0, 2, 3)))
    assert first_layer(network, pictures).matters == pytest.approx(maps.std(axis=(0, 2, 3)) * norms)


@pytest.mark.parametrize("layers", [[Dense(3), Softmax()], [Softmax()], [BatchNorm(), Dense(3), Dense(3)]])
def test_where_no_second_layer_of_weights_follows_the_first_nothing_is_sorted(layers, rng):
    assert first_layer(Network(layers, (9,), rng)) is None


def test_an_input_that_is_no_image_gets_a_heat_map(rng, tmp_path):
    W, b = rng.normal(size=(12, 60)), rng.normal(size=12)
    axes = drawn(weights.first_layer_weights(W, b, (60,)), tmp_path).axes
    assert np.array_equal(images(axes[0]), [W])


@pytest.mark.parametrize(
    ("input_shape", "expected"),
    [
        ((784,), (28, 28)),
        ((20, 30), (20, 30)),
        ((1, 28, 28), (28, 28)),
        ((60,), None),
        ((3, 28, 28), None),
        ((784, 1), None),
    ],
)
def test_image_shape(input_shape, expected):
    assert weights.image_shape(input_shape) == expected


# ---- other layers ----


@pytest.mark.parametrize("shape", [(10, 10), (64, 128), (1, 196), (1, 1), (300, 2)])
def test_heat_map_holds_weights_and_biases_on_one_symmetric_scale(rng, tmp_path, shape):
    W, b = rng.normal(size=shape), rng.normal(size=shape[0])
    tiles, biases, _ = drawn(weights.layer_weights(W, b, "layer 2"), tmp_path).axes
    assert np.array_equal(images(tiles), [W])
    assert np.array_equal(images(biases), [b[:, np.newaxis]])
    assert tiles.images[0].norm is biases.images[0].norm
    assert tiles.images[0].norm.vmin == -tiles.images[0].norm.vmax < 0
    unit_ticks = [tick for tick in tiles.get_yticks() if 0 <= tick <= shape[0] - 1]
    assert unit_ticks == [int(tick) for tick in unit_ticks] != []


def test_output_units_are_labelled_with_their_classes():
    axes = weights.layer_weights(np.ones((2, 3)), np.ones(2), "layer 2", ["4", "7"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["4", "7"]
    assert axes.get_ylabel() == "class"


def test_the_scale_of_equal_or_missing_weights_is_still_symmetric():
    assert (weights.symmetric(np.zeros(9)).vmin, weights.symmetric(np.zeros(9)).vmax) == (-1, 1)
    mostly_zero = np.zeros(10_000)
    mostly_zero[0] = -3
    assert weights.symmetric(mostly_zero).vmax == 3


def test_the_scales_ends_are_pointed_only_where_values_lie_beyond(rng):
    few, many = rng.normal(size=(4, 4)), rng.normal(size=(40, 100))
    assert weights.layer_weights(few, np.zeros(4), "few").axes[-1]._colorbar.extend == "neither"
    assert weights.layer_weights(many, np.zeros(40), "many").axes[-1]._colorbar.extend == "both"


def test_histograms_have_a_panel_for_each_parameter_that_counts_its_values(rng, tmp_path):
    network = Network([Dense(5), ReLU(), Dense(1), Sigmoid()], (16,), rng)
    figure = drawn(weights.weight_histograms(named_parameters(network)), tmp_path)
    for axes, values in zip(figure.axes, (80, 5, 5, 1), strict=True):
        below, above = axes.patches
        assert below.get_data().values.sum() == above.get_data().values.sum() == values
        assert below.get_data().edges.max() <= 0 <= above.get_data().edges.min()
        assert [to_hex(bars.get_facecolor()) for bars in (below, above)] == [style.NEGATIVE, style.POSITIVE]
        assert f" {values} value" in axes.get_title("left")
    mean = network.layers[0].W.mean(dtype=float)
    assert f"{mean:+.3f}".replace("-", "−") in figure.axes[0].get_xlabel()


# ---- whole networks ----


def test_a_network_gets_tiles_a_heat_map_for_each_further_layer_and_histograms(rng):
    network = Network([Dense(8), ReLU(), Dense(6), ReLU(), Dense(3), Softmax()], (16,), rng)
    found = figures.weight_figures(network, (4, 7, 9))
    assert list(found) == ["first_layer_weights", "layer_2_weights", "layer_3_weights", "weight_histograms"]
    assert len(found["first_layer_weights"].axes[0].images) == 8
    assert np.array_equal(images(found["layer_2_weights"].axes[0]), [network.layers[2].W])
    assert found["layer_2_weights"].axes[0].get_ylabel() == "unit"
    assert [label.get_text() for label in found["layer_3_weights"].axes[0].get_yticklabels()] == ["4", "7", "9"]


@pytest.mark.parametrize(
    ("units", "classes", "name", "labels"),
    [
        (3, (4, 7, 9), "class", ["4", "7", "9"]),
        (1, (1, 2), "class", ["2"]),  # a single output is the probability of the second class
        (5, (4, 7, 9), "unit", ["0", "1", "2", "3", "4"]),
    ],
)
def test_the_units_of_the_last_layer_are_labelled_where_they_fit_the_classes(rng, units, classes, name, labels):
    network = Network([Dense(8), ReLU(), Dense(units), Sigmoid()], (16,), rng)
    figure = figures.weight_figures(network, classes)["layer_2_weights"]
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_ylabel() == name
    assert [label.get_text() for label in axes.get_yticklabels()] == labels


def test_layers_that_are_not_dense_get_what_makes_sense_for_their_parameters(rng, tmp_path):
    layers = [Conv2D(6, 3), BatchNorm(), MaxPool2D(), Conv2D(4, 2, bias=False), Flatten(), Dense(3), Softmax()]
    network = Network(layers, (1, 9, 9), rng)
    found = figures.weight_figures(network, (4, 7, 9))
    names = ["first_layer_weights", "layer_3_weights", "layer_4_weights", "weight_histograms"]
    assert list(found) == names
    tiles = found["first_layer_weights"].axes[0]
    order = [int(number) for number in texts(tiles)[::2]]
    assert sorted(order) == list(range(6))
    assert np.array_equal(images(tiles), layers[0].W[order, 0])
    assert tiles.get_title("left").splitlines()[0] == (
        "layer 1 (Conv2D): 6 kernels of 3 × 3, each with its number and bias"
    )
    assert np.array_equal(images(found["layer_4_weights"].axes[0]), [layers[5].W])
    axes = found["weight_histograms"].axes
    assert [panel.get_title("left") for panel in axes if panel.get_title("left")] == [
        "layer 1 (Conv2D): 54 values of W",
        "layer 1 (Conv2D): 6 values of b",
        "layer 2 (BatchNorm): 6 values of gamma",
        "layer 2 (BatchNorm): 6 values of beta",
        "layer 3 (Conv2D): 96 values of W",
        "layer 4 (Dense): 48 values of W",
        "layer 4 (Dense): 3 values of b",
    ]
    assert len(axes) == 8  # a row of two for each layer, whatever the parameters are called
    for figure in found.values():
        drawn(figure, tmp_path)


def test_a_dense_layer_that_looks_at_images_after_pooling_gets_tiles_of_their_size(rng):
    network = Network([AveragePool2D(2), Flatten(), Dense(3), Softmax()], (1, 8, 12), rng)
    axes = figures.weight_figures(network)["first_layer_weights"].axes[0]
    assert np.array_equal(images(axes), network.layers[2].W.reshape(3, 4, 6))


# ---- kernels ----


def test_kernels_of_one_channel_are_tiles_in_full_rows(rng, tmp_path):
    W, b = rng.normal(size=(16, 1, 5, 5)), rng.normal(size=16)
    axes = drawn(weights.kernels(W, b, "layer 1 (Conv2D)"), tmp_path).axes[0]
    assert np.array_equal(images(axes), W[:, 0])
    assert len({image.get_extent()[0] for image in axes.images}) == 8  # two rows of eight
    assert texts(axes)[::2] == [str(n) for n in range(16)]


@pytest.mark.parametrize("bias", [True, False])
def test_kernels_of_several_channels_are_a_grid_of_filters_and_channels(rng, tmp_path, bias):
    W, b = rng.normal(size=(4, 3, 5, 2)), np.array([0.5, -0.25, 0, 1])
    figure = drawn(weights.kernels(W, b if bias else None, "layer 2 (Conv2D)"), tmp_path)
    axes = figure.axes[0]
    (grid,) = images(axes)
    assert grid.shape == (4 * 6 - 1, 3 * 3 - 1)
    for filter in range(4):
        for channel in range(3):
            tile = grid[filter * 6 : filter * 6 + 5, channel * 3 : channel * 3 + 2]
            assert np.array_equal(tile, W[filter, channel])
    assert np.isnan(grid[5::6]).all()
    assert np.isnan(grid[:, 2::3]).all()
    assert np.isfinite(grid).sum() == W.size
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("channel", "filter")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1", "2", "3"]
    assert texts(axes) == (["bias", "+0.50", "−0.25", "0.00", "+1.00"] if bias else [])
    assert figure.get_suptitle() == "layer 2 (Conv2D): 4 filters, a kernel of 5 × 2 for each of 3 channels"
    norm = axes.images[0].norm
    assert norm.vmin == -norm.vmax < 0


def test_of_a_large_layer_the_first_kernels_are_shown_and_a_line_says_so(rng, tmp_path):
    W = rng.normal(size=(40, 64, 3, 3))
    figure = drawn(weights.kernels(W, np.zeros(40), "layer 4 (Conv2D)"), tmp_path)
    (grid,) = images(figure.axes[0])
    assert np.isfinite(grid).sum() == 32 * 32 * 9
    assert figure.get_suptitle().endswith("\nthe first 32 of 40 filters, the first 32 of 64 channels")
    assert figure.get_size_inches().max() < 12


# ---- feature maps ----


def lines(axes):
    return [text.get_text() for text in axes.texts if text.get_fontweight() == "bold" and ":" in text.get_text()]


def test_feature_maps_are_what_each_stage_puts_out(rng, tmp_path):
    layers = [Conv2D(6, 3), MaxPool2D(), ReLU(), Conv2D(20, 3), BatchNorm(), ReLU(), Flatten()]
    network = Network([*layers, Dense(12), ReLU(), Dense(3), Softmax()], (1, 10, 12), rng)
    image = rng.integers(0, 256, (10, 12), dtype=np.uint8)
    (axes,) = drawn(figures.feature_maps(network, (4, 7, 9), image), tmp_path).axes
    assert lines(axes) == [
        "Conv2D: 6 kernels of 3 × 3, each above its map of 8 × 10",
        "MaxPool2D, ReLU: reduced to 6 maps of 4 × 5",
        "Conv2D, BatchNorm, ReLU: 20 maps of 2 × 3",
        "Dense, ReLU: 12 numbers",
        "Dense, Softmax: the probability of each class",
    ]
    x = image[None, None].astype(np.float32) / 255
    outputs = []
    for layer in network.layers:
        x = layer.forward(x)
        outputs.append(x[0])
    first, *others = images(axes)
    assert np.array_equal(first, image)
    assert np.array_equal(others[0:12:2], network.layers[0].W[:, 0])
    assert np.array_equal(others[1:12:2], outputs[0])
    assert np.array_equal(others[12:18], outputs[2])
    assert np.array_equal(others[18:38], outputs[5])
    assert np.array_equal(others[38:], [outputs[8][None]])
    kernels, maps, left = (axes.images[n].norm for n in (1, 2, 13))
    assert (kernels.vmax, maps.vmax, left.vmax) == pytest.approx(
        [np.abs(values).max() for values in (network.layers[0].W, outputs[0], outputs[2])]
    )
    assert all(norm.vmin == -norm.vmax for norm in (kernels, maps, left))
    answer = int(outputs[-1].argmax())
    assert {"4", "7", "9", style.percent(outputs[-1][answer])} <= set(texts(axes))
    heights = [bar.get_height() for bar in axes.patches if bar.get_fill()]
    assert np.array(heights) / BAR == pytest.approx(outputs[-1])


def test_the_parts_of_the_page_of_feature_maps_neither_overlap_nor_leave_it(rng):
    layers = [Conv2D(12, 3, padding="same"), BatchNorm(), ReLU(), MaxPool2D(), Conv2D(70, 3), ReLU(), Flatten()]
    network = Network([*layers, Dense(600), ReLU(), Dense(10), Softmax()], (1, 28, 28), rng)
    image = rng.integers(0, 256, (28, 28), dtype=np.uint8)
    figure = figures.feature_maps(network, range(10), image)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert [line[line.index(":") :] for line in lines(axes)][2:4] == [
        ": 70 maps of 12 × 12, the first 64",
        ": 600 numbers, the first 512",
    ]
    boxes = [artist.get_window_extent() for artist in (*axes.images, *axes.texts)]
    for i, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1
        for other in boxes[:i]:
            assert (
                min(box.x1, other.x1) - max(box.x0, other.x0) < 1 or min(box.y1, other.y1) - max(box.y0, other.y0) < 1
            )


@pytest.mark.parametrize("scale", [0, 1e38])
def test_feature_maps_of_a_network_that_has_learnt_nothing_or_overflows(rng, tmp_path, scale):
    network = Network([Conv2D(2, 3), ReLU(), Flatten(), Dense(1), Sigmoid()], (1, 5, 5), rng)
    network.parameters[...] *= scale
    figure = figures.feature_maps(network, (1, 2), np.full((5, 5), 255, np.uint8))
    assert len(drawn(figure, tmp_path).axes[0].images) == 5


# ---- files and windows ----


def test_drawing_and_saving_leave_pyplot_alone(tmp_path):
    code = "import sys; from nn_from_scratch import figures; from nn_from_scratch.figures import style; "
    code += "figures.save(style.new_figure(1, 1), sys.argv[1]); "
    code += "sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, tmp_path / "empty.png"], cwd=ROOT, check=True)
    assert (tmp_path / "empty.png").exists()


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf", ".PNG"])
def test_the_same_picture_is_the_same_file(tmp_path, ending):
    for name in ("a", "b"):
        figures.save(figures.confusion_matrix(CONFUSION, (4, 7, 9), 0.775), tmp_path / f"{name}{ending}")
    a, b = ((tmp_path / f"{name}{ending}").read_bytes() for name in ("a", "b"))
    assert a == b
    assert b"Software" not in a


def test_a_figure_that_cannot_be_saved_leaves_the_old_file(tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    figure = style.new_figure(1, 1)
    figure.subplots().set_title(r"$\unknown$")  # no formula: drawing fails
    with pytest.raises(ValueError, match="unknown"):
        figures.save(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["figure", "figure.jpg", "figure.png.txt"])
def test_unknown_endings_are_refused(tmp_path, name):
    with pytest.raises(BadInput, match=r"\.png, \.pdf, \.svg"):
        figures.check(tmp_path / name)


def test_a_name_that_is_a_directory_is_refused(tmp_path):
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(BadInput, match="is a directory"):
        figures.check(tmp_path / "figure.png")


def test_figures_are_plain(rng):
    figure = style.new_figure(4, 3)
    assert type(figure) is Figure
    assert figure.get_size_inches().tolist() == [4, 3]
    assert figure.canvas.manager is None  # nobody's window
    assert len(set(style.PALETTE)) == 7


def test_the_curves_of_several_trainings_are_drawn_together_with_one_entry_of_the_legend_for_each_kind():
    def history(loss: float, epochs: int) -> list[EpochResult]:
        return [EpochResult(epoch, epoch, 0.1, loss, 0.5, loss + 1, 0.4, 0.0) for epoch in range(1, epochs + 1)]

    left, _ = figures.learning_curves(history(1.0, 3), history(2.0, 2)).axes
    assert [list(line.get_ydata()) for line in left.lines] == [[1.0] * 3, [2.0] * 2, [2.0] * 3, [3.0] * 2]
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["training images", "held-out images"]


def test_a_dense_layer_that_looks_at_images_that_are_not_square_gets_their_tiles(rng):
    network = Network([Dense(5), ReLU(), Dense(2), Softmax()], (12,), seed=0)
    images = rng.integers(0, 256, (20, 3, 4), dtype=np.uint8)
    tiles = figures.weight_figures(network, ("dress", "bag"), images)["first_layer_weights"].axes[0].images
    assert {np.asarray(tile.get_array()).shape for tile in tiles} == {(3, 4)}
    labels = figures.weight_figures(network, ("dress", "bag"))["layer_2_weights"].axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["dress", "bag"]
    rows = figures.weight_figures(network, ("dress", "bag"))["first_layer_weights"].axes[0].images[0]
    assert np.asarray(rows.get_array()).shape == (5, 12), "without images nobody knows how wide they are"


def test_what_goes_on_with_an_image_in_colour_ends_in_named_scores(rng):
    network = Network([Conv2D(2, 3), ReLU(), Flatten(), Dense(3), Softmax()], (3, 6, 8), seed=0)
    image = rng.integers(0, 256, (3, 6, 8), dtype=np.uint8)
    names = ("T-shirt", "ankle boot", "a very long name")
    axes = figures.feature_maps(network, names, image).axes[0]
    assert np.array_equal(np.asarray(axes.images[0].get_array()), image.transpose(1, 2, 0))
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text in names] == list(names)

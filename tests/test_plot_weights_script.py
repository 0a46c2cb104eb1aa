"""plot_weights.py as a user runs it."""

import csv

import pytest

import nn_from_scratch as nn
from nn_from_scratch.layers import LAYERS, Dense
from tests.scripts import ROOT, imports, refusal, run


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network of three layers, not trained: its file is like any other."""
    recipe = nn.PRESETS["784-128-64-10"].override(sizes=(784, 12, 6, 10))
    path = tmp_path_factory.mktemp("weights") / "small.json"
    nn.save(nn.SavedNetwork(recipe.make_network(0)), path)
    return path


def test_it_saves_a_figure_per_layer_and_prints_and_writes_the_statistics(weights, tmp_path):
    result = run("plot_weights.py", "--weights", weights, "--output-dir", tmp_path / "new", "--csv", tmp_path / "s.csv")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    names = ["first_layer_weights.png", "layer_2_weights.png", "layer_3_weights.png", "weight_histograms.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    assert all((tmp_path / "new" / name).read_bytes().startswith(b"\x89PNG") for name in names)
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("saved ")] == [
        f"saved {path}" for path in (tmp_path / "s.csv", *(tmp_path / "new" / name for name in names))
    ]
    W = nn.load(weights).network.layers[2].W.astype(float)
    (line,) = (line for line in lines if "6 × 12" in line)
    assert line.split() == [
        *("2", "Dense", "W", "6", "×", "12"),
        *(f"{value:.4f}" for value in (W.mean(), W.std(), W.min(), W.max())),
        f"{(abs(W) <= W.std() / 10).mean():.1%}",
    ]
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [(row["layer"], row["parameter"]) for row in rows] == [(n, p) for n in "123" for p in "Wb"]
    assert float(rows[2]["mean"]) == W.mean()


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory):
    words = "conv2d:6:5 batch-norm max-pool2d relu dropout conv2d:4:3 global-average-pool2d dense:10 softmax".split()
    network = nn.Network([LAYERS.make(word) for word in words], (1, 28, 28), 0)
    path = tmp_path_factory.mktemp("convolutional") / "small.json"
    nn.save(nn.SavedNetwork(network), path)
    return path


@pytest.mark.parametrize(
    "options", [("--example", 7, "--data", "digits"), ("--image", ROOT / "resources" / "handwriting" / "two.png")]
)
def test_with_an_image_it_draws_what_each_stage_makes_of_it(convolutional, tmp_path, options):
    result = run("plot_weights.py", "--weights", convolutional, "--output-dir", tmp_path, *options)
    assert (result.returncode, result.stderr) == (0, "")
    names = ["feature_maps", "first_layer_weights", "layer_3_weights", "layer_4_weights", "weight_histograms"]
    assert sorted(path.stem for path in tmp_path.iterdir()) == names
    assert result.stdout.splitlines()[-1] == f"saved {tmp_path / 'feature_maps.png'}"
    assert [line.split()[1:4] for line in result.stdout.splitlines() if " gamma " in line or " beta " in line] == [
        ["BatchNorm", "gamma", "6"],
        ["BatchNorm", "beta", "6"],
    ]


def test_with_data_the_first_layer_is_sorted_by_what_it_makes_of_them(weights, tmp_path):
    alone = run("plot_weights.py", "--weights", weights, "--output-dir", tmp_path / "alone")
    assert "sorted by its weights; with --data, by its outputs, and dead units are marked" in alone.stdout
    with_data = run("plot_weights.py", "--weights", weights, "--output-dir", tmp_path / "data", "--data", "digits")
    assert (with_data.returncode, with_data.stderr) == (0, "")
    assert "weights alone" not in with_data.stdout
    pictures = [(tmp_path / name / "first_layer_weights.png").read_bytes() for name in ("alone", "data")]
    assert pictures[0] != pictures[1]


def test_the_image_has_to_be_one_that_the_network_can_answer(convolutional, tmp_path, rng):
    def message(*options):
        return refusal(run("plot_weights.py", "--weights", convolutional, "--output-dir", tmp_path, *options))

    assert "--example 360: expected 0 to 359, the last test image" in message("--example", 360, "--data", "digits")
    assert "not allowed with argument" in message("--example", 1, "--image", "a.png")
    assert "no/such.png" in message("--image", "no/such.png")
    nn.save(nn.SavedNetwork(nn.Network([Dense(2), nn.Softmax()], (9,), rng), (1, 2)), tmp_path / "a.json")
    smaller = run(
        "plot_weights.py",
        "--weights",
        tmp_path / "a.json",
        "--output-dir",
        tmp_path,
        "--example",
        0,
        "--data",
        "digits",
    )
    assert "digits: its images have 28 × 28 = 784 pixels, but the network takes 9 inputs" in refusal(smaller)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_without_a_display_show_says_so_and_goes_on(weights, tmp_path):
    result = run("plot_weights.py", "--weights", weights, "--output-dir", tmp_path, "--show", WAYLAND_DISPLAY=None)
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 1
    assert "no window can be opened" in result.stderr
    assert (tmp_path / "first_layer_weights.png").exists()


def test_a_single_layer_whose_input_is_no_image(tmp_path, rng):
    path = tmp_path / "odd.json"
    nn.save(nn.SavedNetwork(nn.Network([Dense(1), nn.Sigmoid()], (60,), rng), (1, 2)), path)
    result = run("plot_weights.py", "--weights", path, "--output-dir", tmp_path / "figures")
    assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["first_layer_weights.png", "weight_histograms.png"]


def test_a_network_without_weights_is_refused(tmp_path, rng):
    path = tmp_path / "empty.json"
    nn.save(nn.SavedNetwork(nn.Network([nn.Softmax()], (10,), rng)), path)
    assert "has weights" in refusal(run("plot_weights.py", "--weights", path, "--output-dir", tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weights", "no/such.json"), "no/such.json: No such file"),
        (("--weights", "README.md"), "README.md: not valid JSON"),
        (("--output-dir", "pyproject.toml"), "pyproject.toml"),
        (("--csv", "tests"), "tests: is a directory"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(weights, tmp_path, options, message):
    given = {"--weights": weights, "--output-dir": tmp_path} | dict([options])
    assert message in refusal(run("plot_weights.py", *(word for pair in given.items() for word in pair)))


def test_help_shows_defaults_and_examples_and_loads_nothing_heavy():
    result = run("plot_weights.py", "--help")
    assert result.returncode == 0
    assert "(default: results)" in result.stdout
    assert "python plot_weights.py" in result.stdout
    assert not {"matplotlib", "pooch"} & imports("plot_weights.py", "--help")

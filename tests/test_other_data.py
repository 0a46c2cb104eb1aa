"""Other data than MNIST, from the file to the answer: recipes that follow them, the scripts, and what doesn't fit."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nn_from_scratch as nn
from nn_from_scratch.command_line.recipe_options import command_of
from nn_from_scratch.data.batches import matching, named_alike
from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.presets import DEFAULT_PRESET, NUMBERS, PICTURES, PRESETS, usual_recipe
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
from nn_from_scratch.runs.training_run import TrainingRun
from tests.scripts import refusal, run


def samples(shape: tuple[int, ...], classes: int, first: int = 0, dtype: type = np.uint8, n: int = 120) -> Dataset:
    """Random samples of this shape, with labels from `first` on."""
    x = np.random.default_rng(0).integers(0, 256, (n, *shape)).astype(dtype)
    split = Split(x, (np.arange(n) % classes + first).astype(np.uint8))
    return Dataset("some", split, split.select(slice(0, n // 2)), "a test")


def table(path: Path) -> Path:
    """Three kinds of flowers, which two of four numbers tell apart; the third number is large, the fourth constant."""
    rng = np.random.default_rng(0)
    lines = ["length,width,year,count,species"]
    for i in range(120):
        x = rng.normal(3 * (i % 3), 0.5), rng.normal(-2 * (i % 3), 0.5), 2000 + rng.normal(), 5
        lines.append(",".join([*(f"{value:.3f}" for value in x), ("rose", "lily", "aster")[i % 3]]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# ---- recipes that follow the data ----


def test_a_recipe_for_digits_becomes_one_for_other_shapes_and_classes():
    lenet = PRESETS["lenet"]
    assert lenet.fitted((1, 28, 28), tuple(range(10))) is lenet
    letters = lenet.fitted((1, 28, 28), tuple(range(1, 27)))
    assert (letters.classes, letters.outputs, letters.input_shape) == (tuple(range(1, 27)), 26, (1, 28, 28))
    colour = lenet.fitted((3, 32, 40), (0, 1, 2))
    assert (colour.input_shape, colour.outputs, colour.layers[:-2]) == ((3, 32, 40), 3, lenet.layers[:-2])
    dense = PRESETS[DEFAULT_PRESET].fitted((3, 32, 40), (0, 1))
    assert (dense.input_shape, dense.outputs) == ((3840,), 2)
    assert PRESETS["784-196-1"].fitted((1, 28, 28), tuple(range(10))) == PRESETS["784-196-1"]  # two were chosen
    assert PRESETS["784-196-1"].fitted((1, 28, 28), (4, 9)).classes == (4, 9)


@pytest.mark.parametrize("shape", [(4,), (1, 3, 3)])
def test_layers_that_do_not_take_the_samples_are_refused(shape):
    with pytest.raises(nn.BadInput, match="on samples of shape"):
        PRESETS["lenet"].fitted(shape, (0, 1))


@pytest.mark.parametrize(
    ("data", "expected", "input_shape", "outputs"),
    [
        (samples((28, 28), 10), PRESETS[DEFAULT_PRESET], (784,), 10),
        (samples((28, 28), 26, first=1), PRESETS[DEFAULT_PRESET], (784,), 26),
        (samples((8, 12), 10), PICTURES, (1, 8, 12), 10),
        (samples((3, 32, 32), 2), PICTURES, (3, 32, 32), 2),
        (samples((4,), 3, dtype=np.float32), NUMBERS, (4,), 3),
        (samples((28, 28), 2, dtype=np.float32), PRESETS[DEFAULT_PRESET], (784,), 2),
        (nn.load_dataset("spiral"), NUMBERS, (2,), 3),
    ],
)
def test_what_is_trained_without_a_preset_follows_the_data(data, expected, input_shape, outputs):
    recipe = usual_recipe(data.train)
    assert recipe is expected
    made = TrainingRun(recipe.fitted(data.train.sample_shape, data.labels).override(epochs=1), data)
    assert (made.network.input_shape, made.network.output_shape) == (input_shape, (outputs,))
    assert made.recipe.classes == data.labels
    assert len(list(made.epochs())) == 1
    told = command_of(made).split()
    assert told[-4:] == ["--data", "some", "--seed", "0"] or told[-4:] == ["--data", "spiral", "--seed", "0"]
    assert not {"--layers", "--classes", "--input-shape"} & set(told)
    assert ("--preset" in told) == (expected is PRESETS[DEFAULT_PRESET])


def test_the_command_names_the_preset_that_was_fitted():
    data = samples((3, 32, 32), 2)
    recipe = PRESETS["lenet-fast"].fitted((3, 32, 32), (0, 1))
    assert command_of(TrainingRun(recipe, data)) == "python train.py --preset lenet-fast --data some --seed 0"


def test_a_checkpoint_of_other_data_goes_on_to_the_byte(tmp_path):
    data = nn.load_dataset("moons")
    recipe = NUMBERS.fitted((2,), (0, 1)).override(epochs=6)
    whole, half = TrainingRun(recipe, data), TrainingRun(recipe, data)
    list(whole.epochs())
    for _ in zip(range(3), half.epochs(), strict=False):
        pass
    save_checkpoint(half, tmp_path / "c.json")
    resumed = load_checkpoint(tmp_path / "c.json", nn.load_dataset)
    list(resumed.epochs())
    assert resumed.network.snapshot().tobytes() == whole.network.snapshot().tobytes()


# ---- classes by name ----


def named(words: str, labels: list[int], name: str = "b") -> Dataset:
    split = Split(np.arange(len(labels), dtype=np.float32)[:, None], np.array(labels, np.uint8))
    return Dataset(name, split, split, "a test", class_names=tuple(words), noun="sample")


@pytest.mark.parametrize(
    ("classes", "names", "words", "labels", "expected"),
    [
        ((0, 1, 2), "abc", "abc", [0, 1, 2], "abc"),
        ((0, 1, 2), "abc", "bc", [0, 1, 0], "bcb"),  # another file lacks one, and numbers the others differently
        ((0, 2), "ac", "abc", [0, 1, 2], "ac"),  # a network that tells some of them apart
        ((5, 1), "xa", "axy", [0, 1, 2], "ax"),
        ((0, 1), "ab", "0ab", [1, 2, 0], "ab"),
    ],
)
def test_labels_mean_what_they_mean_to_the_network(classes, names, words, labels, expected):
    found = matching(named_alike(named(words, labels), classes, tuple(names)), (1,), classes)
    assert "".join(names[label] for label in found.test.labels) == expected
    np.testing.assert_array_equal(
        found.test.images[:, 0], [i for i, label in enumerate(labels) if words[label] in names]
    )


def test_where_one_side_has_no_words_numbers_decide():
    digits = samples((4,), 3, dtype=np.float32)
    assert named_alike(digits, (0, 1, 2), ("a", "b", "c")) is digits
    words = named("abc", [0, 1, 2])
    assert named_alike(words, (0, 1, 2), ("0", "1", "2")) is words
    with pytest.raises(nn.BadInput, match="b: has the classes a, b, c: expected some of the network's classes, x, y"):
        named_alike(words, (0, 1), ("x", "y"))


# ---- augmentation ----


def test_the_channels_of_an_image_move_together(rng):
    images = rng.integers(0, 256, (5, 3, 9, 7), np.uint8)
    indices = np.array([3, 1, 0, 4, 2])
    augment = nn.Augment([nn.Affine(), nn.Elastic()], seed=7)
    y = augment(images, 2, indices)
    assert (y.shape, y.dtype) == (images.shape, np.float32)
    for channel in range(3):
        np.testing.assert_array_equal(y[:, channel], augment(images[:, channel], 2, indices))


# ---- the scripts ----


def test_a_table_is_learnt_and_tested_by_two_commands(tmp_path):
    path, output = table(tmp_path / "flowers.csv"), tmp_path / "n.json"
    result = run("train.py", "--data", path, "--output", output, "--print-every", 100)
    assert result.returncode == 0, result.stderr
    assert "labels in column 5 (species), one in seven samples set aside for testing): 102 training samples" in (
        result.stdout
    )
    assert "test accuracy 100.00% (18 samples)" in result.stdout
    saved = nn.load(output)
    assert (saved.names, saved.noun) == (("aster", "lily", "rose"), "sample")
    data = nn.load_dataset(path)
    norm = saved.network.layers[0]
    np.testing.assert_allclose(norm.mean, data.train.images.mean(axis=0), rtol=1e-3)  # the network has the scale
    np.testing.assert_allclose(norm.variance[:3], data.train.images[:, :3].var(axis=0, ddof=1), rtol=0.02)

    result = run("evaluate.py", "--weights", output, "--data", path, "--figure", tmp_path / "c.png", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["accuracy"] == 1
    some = [line for line in path.read_text().splitlines() if not line.endswith("aster")]  # numbered otherwise
    (tmp_path / "two.csv").write_text("\n".join(some))
    options = ["--weights", output, "--test-data", tmp_path / "two.csv", "--figure", tmp_path / "c.png", "--json"]
    result = run("evaluate.py", *options)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["accuracy"] == 1
    assert json.loads(result.stdout)["images"] == 80


def test_points_are_learnt_and_their_regions_drawn(tmp_path):
    result = run("train.py", "--data", "spiral", "--output", tmp_path / "n.json", "--quiet")
    assert (result.returncode, result.stderr) == (0, "")
    accuracy = float(result.stdout.split()[2].rstrip("%"))
    assert accuracy > 98
    result = run(
        "evaluate.py", "--weights", tmp_path / "n.json", "--figure", tmp_path / "c.png", "--errors", tmp_path / "e"
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "500 test points" in result.stdout
    assert (tmp_path / "decision_regions.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == ["calibration.png", "mistakes.csv"]


def test_own_pictures_are_learnt_from_by_a_network_with_channels(tmp_path):
    for name, place in (("left", 0), ("right", 20)):
        (tmp_path / "p" / name).mkdir(parents=True)
        for i in range(12):
            image = np.full((30, 40, 3), 9 * i, np.uint8)
            image[:, place : place + 20, i % 3] = 255
            Image.fromarray(image).save(tmp_path / "p" / name / f"{i}.png")
    options = ["--data", tmp_path / "p", "--picture-size", "12x16", "--output", tmp_path / "n.json"]
    result = run("train.py", *options, "--print-every", 20)
    assert result.returncode == 0, result.stderr
    assert "in colour, as 12 × 16 pixels" in result.stdout
    saved = nn.load(tmp_path / "n.json")
    assert (saved.network.input_shape, saved.names, saved.noun) == ((3, 12, 16), ("left", "right"), "picture")
    assert saved.training["data"]["picture_size"] == "12x16"
    said = refusal(run("evaluate.py", "--weights", tmp_path / "n.json"))
    assert f"--data {tmp_path / 'p'} --picture-size 12x16" in said
    options = ["--weights", tmp_path / "n.json", *options[:4], "--figure", tmp_path / "c.png", "--json"]
    assert json.loads(run("evaluate.py", *options).stdout)["accuracy"] == 1
    assert run("plot_weights.py", *options[:6], "--example", 1, "--output-dir", tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            ["train.py", "--data", "spiral", "--preset", "lenet"],
            "preset lenet doesn't fit: spiral has samples of 2 numbers: layers conv2d:16:5 ",
        ),
        (["train.py", "--data", "spiral", "--augment", "affine"], "augmentation is for images, uint8"),
        (["train.py", "--data", "digits", "--picture-size", "9"], "picture size 9: is for the pictures of a folder"),
        (["nn_from_scratch.data", "--data", "spiral", "--augment", "affine"], "--augment changes images, but spiral"),
        (["nn_from_scratch.web", "--data", "spiral", "--no-browser"], "spiral: the page shows grey images"),
    ],
)
def test_what_is_only_for_images_is_refused_in_a_line(command, expected):
    assert expected in refusal(run(*command))


def test_what_a_network_of_two_inputs_cannot_do(tmp_path):
    run("train.py", "--data", "xor", "--epochs", 2, "--output", tmp_path / "n.json")
    weights = ["--weights", tmp_path / "n.json"]
    assert "the dashboard shows images" in refusal(run("nn_from_scratch.dashboard", *weights, "--save", "a.png"))
    assert "--example draws images, but xor has samples of 2 numbers" in refusal(
        run("plot_weights.py", *weights, "--example", 1, "--output-dir", tmp_path)
    )
    assert "the network takes 2 numbers that are not the pixels of a picture" in refusal(
        run("evaluate.py", *weights, "--image", tmp_path / "n.json")
    )


@pytest.mark.parametrize("data", ["moons", "table"])
def test_the_viewer_shows_points_and_numbers(tmp_path, data):
    given = table(tmp_path / "t.csv") if data == "table" else data
    result = run("nn_from_scratch.data", "--data", given, "--save", tmp_path / "d.png")
    assert (result.returncode, result.stderr) == (0, "")
    assert "brightness" not in result.stdout
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")

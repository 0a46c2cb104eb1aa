"""evaluate.py as a user runs it, on the embedded digits."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nn_from_scratch as nn
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data.batches import matching
from nn_from_scratch.layers import LAYERS
from tests.scripts import ROOT, imports, refusal, run

RECIPE = nn.PRESETS["784-10-10"].override(epochs=3)


@pytest.fixture(scope="module")
def digits():
    return nn.load_dataset("digits")


@pytest.fixture(scope="module")
def weights(tmp_path_factory, digits):
    """A network trained on the digits, as train.py saves it."""
    network = RECIPE.make_network(0)
    batches = RECIPE.make_batches(digits.train, 0)
    schedule = RECIPE.make_schedule(3 * len(batches))
    list(nn.fit(network, RECIPE.make_loss(), RECIPE.make_optimizer(), schedule, batches, 3))
    path = tmp_path_factory.mktemp("weights") / "digits.json"
    training = {"data": {"name": "digits", "fingerprint": digits.fingerprint()}}
    nn.save(nn.SavedNetwork(network, RECIPE.classes, training), path)
    return path


@pytest.fixture(scope="module")
def expected(weights, digits):
    """The confusion matrix, counted one picture at a time."""
    p = nn.load(weights).network.forward(digits.test.images.reshape(-1, 784).astype(np.float32) / 255)
    confusion = np.zeros((10, 10), int)
    for label, answer in zip(digits.test.labels, p.argmax(axis=1), strict=True):
        confusion[label, answer] += 1
    return confusion


def test_a_convolutional_network_is_tested_reads_pictures_and_answers_like_any_other(digits, tmp_path):
    words = "conv2d:6:5 batch-norm max-pool2d relu dropout conv2d:8:3 average-pool2d flatten dense:10 softmax".split()
    network = nn.Network([LAYERS.make(word) for word in words], (1, 28, 28), 0)
    nn.save(nn.SavedNetwork(network), tmp_path / "a.json")
    options = ("evaluate.py", "--weights", tmp_path / "a.json", "--json")
    p = network.forward(digits.test.images[:, None].astype(np.float32) / 255)
    right = int((p.argmax(axis=1) == digits.test.labels).sum())

    tested = run(*options, "--data", "digits", "--figure", tmp_path / "a.png", "--errors", tmp_path / "errors")
    assert (tested.returncode, tested.stderr) == (0, "")
    assert json.loads(tested.stdout)["accuracy"] == right / 360
    assert len((tmp_path / "errors" / "mistakes.csv").read_text().splitlines()) == 361 - right

    read = run(*options, "--image", ROOT / "resources" / "handwriting" / "two.png", "--figure", tmp_path / "seen.png")
    assert (read.returncode, read.stderr) == (0, "")
    (picture,) = json.loads(read.stdout)["pictures"]
    assert sum(picture["scores"].values()) == pytest.approx(1)
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")

    rows = [
        ",".join(f"pixel{n}" for n in range(784)),
        *(",".join(map(str, x)) for x in digits.test.images[:3].reshape(3, -1)),
    ]
    (tmp_path / "test.csv").write_text("\n".join(rows))
    answered = run(*options, "--predict", tmp_path / "test.csv", "--csv", tmp_path / "answers.csv")
    assert (answered.returncode, answered.stderr) == (0, "")
    assert json.loads(answered.stdout)["labels"] == p[:3].argmax(axis=1).tolist()


def test_text_holds_accuracy_and_tables_and_tells_where_the_figure_is(weights, expected, tmp_path):
    figure = tmp_path / "new" / "confusion.png"
    result = run("evaluate.py", "--weights", weights, "--figure", figure, "--details")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    right, images = int(expected.trace()), int(expected.sum())
    assert images == 360
    assert f"accuracy {right / images:.2%}".replace("%", f" % ({right} of {images})\n") in result.stdout
    for label, row in enumerate(expected):
        assert re.search(rf"^ *{label} +{' +'.join(map(str, row))}$", result.stdout, re.MULTILINE)
    wrong = images - right
    assert re.search(rf"sum  \[\[ *{right}, *{wrong}\], \[ *{wrong}, *{9 * images - wrong}\]\]", result.stdout)
    assert result.stdout.endswith(f"\nsaved {figure}\n")
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_where_nothing_can_be_written_it_still_answers(weights, tmp_path):
    (tmp_path / "results").write_text("a file where the directory would be")
    for option in ((), ("--json",)):
        result = run("evaluate.py", "--weights", weights, *option, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stderr.startswith("note: no picture is saved (results/confusion_matrix.png: can't be written: ")
        assert "saved" not in result.stdout
    assert json.loads(result.stdout)["figure"] is None


def test_where_nothing_was_trained_yet_it_says_what_to_do(tmp_path):
    line = refusal(run("evaluate.py", cwd=tmp_path))
    assert "no such file: python train.py trains a network and saves it here; or name another with --weights" in line


def test_a_file_does_not_choose_which_data_are_opened(weights, tmp_path):
    saved = nn.load(weights)
    saved.training["data"]["name"] = "a directory/my\x1b[31m data.csv"
    nn.save(saved, tmp_path / "n.json")
    line = refusal(run("evaluate.py", "--weights", tmp_path / "n.json"))
    assert f"{tmp_path / 'n.json'}: was trained on the data of --data 'a directory/my" in line
    assert "\x1b" not in line


def test_json_is_one_object_that_agrees_with_numpy(weights, expected, tmp_path):
    figure = tmp_path / "confusion.png"
    result = run("evaluate.py", "--weights", weights, "--json", "--figure", figure)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)  # fails on anything beside the one object
    assert result.stdout.count("\n") == 1
    assert found["confusion_matrix"] == expected.tolist()
    assert found["accuracy"] == expected.trace() / expected.sum()
    assert np.array(found["binary_confusion_matrix"]).sum() == 10 * expected.sum()
    for label, scores in enumerate(found["per_class"]):
        assert scores["class"] == label
        assert scores["support"] == expected[label].sum()
        assert scores["recall"] == expected[label, label] / expected[label].sum()
    assert len(found["most_confused"]) == 10
    assert (found["images"], found["classes"]) == (360, list(range(10)))
    assert (found["data"], found["weights"], found["figure"]) == ("digits", str(weights), str(figure))
    assert figure.exists()


def test_two_runs_write_the_same_bytes(weights, tmp_path):
    for name in ("a", "b"):
        run("evaluate.py", "--weights", weights, "--figure", tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_network_of_two_classes_is_tested_on_those(tmp_path, digits):
    recipe = nn.PRESETS["784-196-1"]
    path = tmp_path / "two.json"
    nn.save(nn.SavedNetwork(recipe.make_network(0), recipe.classes), path)
    result = run("evaluate.py", "--weights", path, "--data", "digits", "--json", "--figure", tmp_path / "two.png")
    found = json.loads(result.stdout)
    assert found["classes"] == [1, 2]
    test = matching(digits, (784,), (1, 2)).test
    predicted = predicted_classes(nn.predict(nn.load(path).network, test.images))
    assert found["accuracy"] == np.mean(predicted == test.labels)
    assert found["images"] == np.isin(digits.test.labels, (1, 2)).sum()


def test_other_data_than_those_on_record_get_a_note_and_no_more(weights, tmp_path, digits):
    saved = nn.load(weights)
    saved.training["data"] = {"name": "mnist", "fingerprint": "0123456789abcdef"}
    path = tmp_path / "other.json"
    nn.save(saved, path)
    options = ("--weights", path, "--data", "digits", "--json", "--figure", tmp_path / "f.png")
    result = run("evaluate.py", *options)
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 1
    assert "mnist (0123456789abcdef)" in result.stderr
    assert digits.fingerprint() in result.stderr
    assert json.loads(result.stdout)["data"] == "digits"


def test_without_a_display_show_says_so_and_goes_on(weights, tmp_path):
    figure = tmp_path / "f.png"
    result = run("evaluate.py", "--weights", weights, "--figure", figure, "--show", DISPLAY=None, WAYLAND_DISPLAY=None)
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 1
    assert "no window can be opened" in result.stderr
    assert figure.exists()


BACKEND = """\
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib import pyplot


class FigureManager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, *, block=None):
        for number in pyplot.get_fignums():
            print("window:", pyplot.figure(number).axes[0].get_title("left"))


class FigureCanvas(FigureCanvasAgg):
    required_interactive_framework = {framework!r}
    manager_class = FigureManager
"""


@pytest.mark.parametrize("framework", ["headless", "tk"])
def test_show_opens_a_window_with_the_figure_where_it_can(weights, tmp_path, framework):
    """With a made-up window system, one that needs no display, and one that does and has none."""
    (tmp_path / "window_backend.py").write_text(BACKEND.format(framework=framework))
    options = ("--weights", weights, "--figure", tmp_path / "f.png", "--show")
    environment = {"MPLBACKEND": "module://window_backend", "PYTHONPATH": str(tmp_path)}
    result = run("evaluate.py", *options, WAYLAND_DISPLAY=None, **environment)
    assert result.returncode == 0, result.stderr
    if framework == "headless":
        assert result.stdout.splitlines()[-1].startswith("window: accuracy ")
        assert result.stderr == ""
    else:
        assert "window:" not in result.stdout
        assert result.stderr.startswith("no window can be opened: ")
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weights", "no/such.json"), "no/such.json: No such file"),
        (("--weights", "pyproject.toml"), "pyproject.toml: not valid JSON"),
        (("--data", "no/such/data"), "no/such/data: no such file"),
        (("--figure", "picture.jpeg"), "picture.jpeg: expected the name of a figure to end in .png"),
        (("--figure", "/dev/null/f.png"), "/dev/null/f.png: can't be written"),
        (("--wieghts", "a.json"), "unrecognized arguments"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(weights, tmp_path, options, message):
    given = {"--weights": weights, "--figure": tmp_path / "f.png"}
    given.update(zip(options[::2], options[1::2], strict=True))
    assert message in refusal(run("evaluate.py", *(word for pair in given.items() for word in pair)))


def test_data_of_another_size_are_refused(weights, tmp_path):
    (tmp_path / "small.csv").write_text("".join(f"{n % 10},{','.join('0' * 63)},{n}\n" for n in range(40)))
    line = refusal(
        run("evaluate.py", "--weights", weights, "--data", tmp_path / "small.csv", "--figure", tmp_path / "f.png")
    )
    assert "8 × 8 = 64 pixels" in line
    assert "784 inputs" in line
    assert not (tmp_path / "f.png").exists()


def test_help_shows_defaults_and_examples_and_loads_nothing_heavy():
    result = run("evaluate.py", "--help")
    assert result.returncode == 0
    assert "results/confusion_matrix.png" in result.stdout
    assert "python evaluate.py --json" in result.stdout
    assert not {"matplotlib", "pooch"} & imports("evaluate.py", "--help")


# ---- mistakes ----


def test_errors_saves_the_grid_the_table_and_the_calibration(weights, digits, tmp_path):
    options = (
        "--weights",
        weights,
        "--figure",
        tmp_path / "f.png",
        "--errors",
        tmp_path / "e",
        "--sort",
        "confidence",
        "--details",
    )
    result = run("evaluate.py", *options)
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == [
        "calibration.png",
        "mistakes.csv",
        "mistakes.png",
    ]
    p = nn.predict(nn.load(weights).network, digits.test.images)
    wrong = np.flatnonzero(p.argmax(axis=1) != digits.test.labels)
    rows = list(csv.DictReader((tmp_path / "e" / "mistakes.csv").read_text().splitlines()))
    assert sorted(int(row["index"]) for row in rows) == wrong.tolist()
    assert [float(row["confidence"]) for row in rows] == sorted(
        (float(row["confidence"]) for row in rows), reverse=True
    )
    for row in rows:
        index = int(row["index"])
        assert (int(row["actual"]), int(row["predicted"])) == (digits.test.labels[index], p[index].argmax())
        assert float(row["confidence"]) == pytest.approx(p[index].max(), rel=1e-5)
        assert float(row["loss"]) == pytest.approx(-np.log(p[index, digits.test.labels[index]]), rel=1e-4)
    assert f"saved {tmp_path / 'e' / 'mistakes.csv'}\n" in result.stdout
    assert "calibration: expected calibration error 0." in result.stdout


@pytest.mark.parametrize("preset", ["784-196-1", "784-100-10"])
def test_errors_of_binary_and_of_squared_error_networks(preset, tmp_path):
    path = tmp_path / "n.json"
    nn.save(nn.SavedNetwork(nn.PRESETS[preset].make_network(0), nn.PRESETS[preset].classes), path)
    options = ("--weights", path, "--data", "digits", "--json", "--figure", tmp_path / "f.png", "--errors", tmp_path)
    found = json.loads(run("evaluate.py", *options, "--sort", "uncertainty").stdout)
    rows = (tmp_path / "mistakes.csv").read_text().splitlines()[1:]
    assert len(rows) == found["images"] - found["right"] > 0
    assert {int(row.split(",")[1]) for row in rows} <= set(found["classes"])
    assert sum(part["images"] for part in found["calibration"]["bins"]) == found["images"]
    assert (found["mistakes"], found["calibration_figure"]) == (
        str(tmp_path / "mistakes.png"),
        str(tmp_path / "calibration.png"),
    )


# ---- pictures ----

EXAMPLES = [f"resources/handwriting/{name}" for name in ("two.png", "three.jpg", "five.png", "seven.png", "eight.png")]


def test_pictures_are_read_with_second_guess_and_probabilities(tmp_path):
    options = ("--weights", "resources/pretrained/784-128-64-10.json", "--image", *EXAMPLES)
    result = run("evaluate.py", *options, "--figure", tmp_path / "seen.png")
    assert (result.returncode, result.stderr) == (0, "")
    head, *rows = (line.split() for line in result.stdout.splitlines()[:6])
    assert head == ["answer", "probability", "second", "guess", "probability", "picture"]
    assert [(row[0], row[-1]) for row in rows] == list(zip("23578", EXAMPLES, strict=True))
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")
    assert result.stdout.endswith(f"saved {tmp_path / 'seen.png'}\n")


def test_pictures_as_json_and_without_a_figure(tmp_path):
    weights = ROOT / "resources" / "pretrained" / "784-100-10.json"
    result = run("evaluate.py", "--weights", weights, "--image", ROOT / EXAMPLES[1], "--json", cwd=tmp_path)
    (found,) = json.loads(result.stdout)["pictures"]
    assert (found["answer"], found["score"], list(found["scores"])) == (3, "output", list("0123456789"))
    assert found["scores"]["3"] == max(found["scores"].values())
    assert found["second_guess"] == int(sorted(found["scores"], key=found["scores"].get)[-2])
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_two_classes_answers_with_their_labels(tmp_path):
    result = run("evaluate.py", "--weights", "resources/pretrained/784-196-1.json", "--image", EXAMPLES[0], "--json")
    (found,) = json.loads(result.stdout)["pictures"]
    assert (found["answer"], found["second_guess"], found["score"]) == (2, 1, "probability")
    assert sum(found["scores"].values()) == pytest.approx(1)


def test_one_bad_picture_among_several_is_skipped_with_its_reason(weights):
    result = run("evaluate.py", "--weights", weights, "--image", EXAMPLES[0], "README.md", EXAMPLES[2])
    assert result.returncode == 0
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:3]] == [EXAMPLES[0], EXAMPLES[2]]
    assert result.stderr.startswith("skipped README.md: is not a picture, expected one of the formats PNG")
    assert len(result.stderr.splitlines()) == 1


def test_pictures_that_cannot_be_read_are_refused(weights, tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "empty.png")
    image = ("--weights", weights, "--image")
    assert f"{tmp_path / 'empty.png'}: the picture has only one colour" in refusal(
        run("evaluate.py", *image, tmp_path / "empty.png")
    )
    assert "README.md: is not a picture" in refusal(run("evaluate.py", *image, "README.md"))
    assert "no/such.png: no such file" in refusal(run("evaluate.py", *image, "no/such.png"))
    assert "no --errors and no data options" in refusal(run("evaluate.py", *image, EXAMPLES[0], "--errors", tmp_path))
    nn.save(nn.SavedNetwork(nn.Network([nn.Dense(10), nn.Softmax()], (64,), 0)), tmp_path / "n.json")
    small = run("evaluate.py", "--weights", tmp_path / "n.json", "--image", EXAMPLES[0])
    assert "28 × 28 = 784 pixels, but the network takes 64 inputs" in refusal(small)


def test_a_folder_of_pictures_is_read_into_a_table(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for example in EXAMPLES:
        shutil.copy(ROOT / example, folder)
    (folder / "notes.txt").write_text("no picture")
    weights = ROOT / "resources" / "pretrained" / "784-128-64-10.json"
    result = run("evaluate.py", "--weights", weights, "--image", "mine", "--csv", "answers.csv", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith(f"skipped {Path('mine', 'notes.txt')}: is not a picture")
    assert result.stdout.endswith("saved answers.csv\n")
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    digits = {"two.png": "2", "three.jpg": "3", "five.png": "5", "seven.png": "7", "eight.png": "8"}
    assert {Path(row["file"]).name: row["answer"] for row in rows} == digits | {"notes.txt": ""}
    assert "expected different files" in refusal(
        run("evaluate.py", "--weights", weights, "--image", "mine", "--figure", "mine/two.png", cwd=tmp_path)
    )


def test_images_without_labels_are_answered_as_kaggle_wants_it(weights, digits, tmp_path):
    images = digits.test.images
    names = ",".join(f"pixel{i}" for i in range(784))
    lines = [",".join(map(str, row)) for row in images.reshape(len(images), -1).tolist()]
    (tmp_path / "test.csv").write_text("\n".join([names, *lines]))
    result = run("evaluate.py", "--weights", weights, "--predict", "test.csv", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "360 images of test.csv answered\n\nsaved results/answers.csv\n"
    head, *answers = (tmp_path / "results" / "answers.csv").read_text().splitlines()
    assert head == "ImageId,Label"
    predicted = predicted_classes(nn.predict(nn.load(weights).network, images))
    assert answers == [f"{number},{label}" for number, label in enumerate(predicted, 1)]
    assert "no --errors and no data options" in refusal(run("evaluate.py", "--predict", "x.csv", "--data", "digits"))
    assert "--csv is for the answers" in refusal(run("evaluate.py", "--csv", "x.csv"))

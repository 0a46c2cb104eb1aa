"""The numbers in the chapters' texts: each is named by a test, or by a check of the chapter itself."""

import json
import math
import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from course.chapters import CHAPTERS
from course.checking import checks
from nn_from_scratch.data import mnist
from tests.course.test_course import LEARNER, python
from tests.docs.numbers import Document, agree
from tests.scripts import ROOT

TEXTS = [Document.read(chapter.directory / "README.md") for chapter in CHAPTERS]
NAMES = (
    r"[Cc]hapter \d+|python -m course \w+ \d+|^\d\. ",  # chapters, and what is counted
    r"`[^`\n]+`",  # code within a line: it runs in the solutions and in tests/course/learner
    r"^    .+$|^[\w∂]\S* = .+$|v = 2 / \(fan_in \+ fan_out\)|a²/3|\d · error|Σ 2 \(z − t\)|\| x² \| 2x \|",  # formulas
    r"the 0\.1 of chapter 3|τ \(tau\) = 1, 2, 3, …|^## 98 %$",
)
watch, neuron, slopes, dense, activations, losses, network, loop, weights, optimizers, real, convolution = TEXTS


def example(chapter: int, directory: Path) -> list[str]:
    """What the chapter's last example prints, run with the classes of somebody who has only the texts."""
    shutil.copytree(LEARNER, directory / "my_nn", ignore=shutil.ignore_patterns("__pycache__"))
    before_hints = TEXTS[chapter].text.partition("<summary>Hints")[0]
    listings = Document(before_hints).listings()
    block = [listing for listing in listings if not re.search(r"^(def|class) ", listing, re.MULTILINE)][-1]
    (directory / "my_nn" / "example.py").write_text(block, encoding="utf-8")
    found = python(directory, "-m", "my_nn.example")
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


@watch.says("You need Python # or later")
def test_the_version_of_python(said):
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    agree(said, [float(needed.removeprefix(">="))])


def test_the_preset_with_a_small_hidden_layer():
    assert "preset `784-10-10`, whose hidden layer has only ten units" in " ".join(watch.text.split())
    assert nn.PRESETS["784-10-10"].layers[0] == "dense:10"


@neuron.says(
    "Each input has a **weight**, here # and #.",
    "always added, the **bias**, here #.",
    "| # | # | # |\n| # | # | # |\n| # | # | # |\n| # | # | # |",
    "The weights come close to # and #, and the bias close to #.",
)
def test_the_prices_of_the_taxi(said, tmp_path):
    *prices, a, b, c = said
    agree(prices[:3], [a, b, c])
    rides = np.array(prices[3:]).reshape(4, 3)
    np.testing.assert_array_equal(rides[:, :2] @ [a, b] + c, rides[:, 2])
    (line,) = example(1, tmp_path)
    found = [float(number) for number in re.findall(r"[\d.]+(?:e-\d+)?", line)]
    np.testing.assert_allclose(found[:3], [a, b, c], atol=0.1)


@slopes.says(
    "A slope of # says: for a tiny change of x, f changes # times as much, in the same direction. A slope of # says"
)
def test_what_a_slope_says(said):
    up, times, down = said
    assert up == times == -down


@slopes.says("they reach the bottom, w = # and b = #.")
def test_four_rates(said, tmp_path):
    lines = [re.findall(r"-?[\d.]+(?:e[-+]\d+)?", line) for line in example(2, tmp_path)]
    (_, w0, b0, _), (_, *found, _), (_, _, b2, loss2), (_, _, _, loss3) = [map(float, line) for line in lines]
    assert max(abs(w0), abs(b0)) < 0.3
    np.testing.assert_allclose(found, said, atol=0.01)
    assert (b2, loss2) == pytest.approx((0, 1))  # after an even number of jumps it is where it was
    assert loss3 > 1e9


@activations.says("e^# is larger than the largest floating-point number")
def test_an_exponential_that_overflows(said):
    with pytest.raises(OverflowError):
        math.exp(said[0])


@losses.says(
    "The digits are ten **classes**, so K is #.", "So the loss of # images is about as large as that of a single"
)
def test_a_loss_is_a_mean(said):
    classes, images = map(int, said)
    assert nn.load_dataset("digits").train.labels.max() + 1 == classes
    p, t = np.full((1, classes), 1 / classes), np.eye(classes)[:1]
    for loss in (nn.MeanSquaredError(), nn.BinaryCrossEntropy(), nn.CrossEntropy()):
        assert loss.value(p.repeat(images, axis=0), t.repeat(images, axis=0)) == pytest.approx(loss.value(p, t))


@network.says("you write a network in about # lines", "default network has # parameters, in six arrays")
def test_a_network_and_its_size(said):
    lines = [line for line in (LEARNER / "network.py").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) == pytest.approx(said[0], rel=0.1)
    made = nn.PRESETS["784-128-64-10"].make_network(0)
    agree(said[1:], [made.parameters.size])
    learning = [layer for layer in made.layers if layer.parameter_shapes((1,))]
    assert all(isinstance(layer, nn.Dense) for layer in learning)
    assert sum(len(layer.parameter_shapes((1,))) for layer in learning) == 6


def test_a_view(tmp_path):
    assert f"print(parameters[0])  # {example(6, tmp_path)[0]}\n" in network.text


def test_the_digits_in_the_package(tmp_path):
    data = nn.load_dataset("digits")
    count = f"{len(data.train) + len(data.test):,}"
    assert f"# {count} small digits, which come with the package" in loop.text
    assert real.text.count(f"the {count} digits") == 2
    assert len(example(7, tmp_path)) == 10


@weights.says("and # units can do no more than one")
def test_equal_units_stay_equal(said):
    from course.lab import learn
    from course.lab import network as small

    made = small(dtype=np.float64)
    made.parameters[...] = 0.05
    learn(made, epochs=1)
    agree(said, [len(made.layers[0].W)])
    assert len(np.unique(made.layers[0].W, axis=0)) == 1


@weights.says("With # they shrink, with # they grow, and with He they keep their size")
def test_the_depth_of_ten_layers(said, tmp_path):
    lines = [line.split() for line in example(8, tmp_path)]
    assert [line[0] for line in lines] == [f"{said[0]:g}", "He", f"{said[1]:g}"]
    shrinking, he, growing = ([float(number) for number in line[1:]] for line in lines)
    assert len(he) == 10
    assert shrinking[0] < 0.1
    assert shrinking[-1] < 1e-9
    assert 0.5 < min(he) <= max(he) < 2
    assert growing[0] < 2 < 10 < growing[-1]


@optimizers.says("The results must agree to # digits.")
def test_how_closely_the_optimizers_are_compared(said):
    source = (CHAPTERS[9].directory / "test_chapter.py").read_text(encoding="utf-8")
    assert set(re.findall(r"\b1e-\d+\b", source)) == {"1e-8", f"1e-{said[0]:g}"}  # 1e-8 is Adam's ε


@real.says(
    "learns from the # handwritten digits of MNIST. It correctly reads # % of # others",
    "for example the last #, and",
)
def test_what_mnist_holds(said):
    train, percent, test, held_out = said
    agree([train, test], [60_000, 10_000])
    assert f"## {percent:g} %" in real.text
    assert f"data.train.select(slice({int(train - held_out):_}, None))" in real.text


@real.says("It downloads MNIST once, # MB.")
def test_the_size_of_mnist(said):
    agree(said, [sum(size for size, _ in mnist.MNIST.files.values()) / 2**20])


@real.says(
    "and asks for only # %",
    "two hidden layers, of # and # units, batches of #, # epochs, and Adam with a peak rate of # and "
    "a weight decay of #. For the # digits take # epochs.",
    "takes the # digits that",
)
def test_settings_that_are_enough(said):
    """They are those of the solution, which the walk through the whole course trains on MNIST and on the digits."""
    digits, first, second, batch, epochs, rate, decay, count, more, count_again = said
    source = CHAPTERS[10].solution("mnist.py")
    for text in (
        f"Dense({first:g}), ReLU(), Dense({second:g}), ReLU(), Dense(10)",
        f"Batches(data.train, {batch:g},",
        f"epochs = {epochs:g} if len(data.train.images) > 10_000 else {more:g}\n",
        f"Cosine({rate:g},",
        f"Adam(weight_decay={decay:g})",
    ):
        assert text in source
    assert count == count_again
    (about,) = [check.__doc__ for check in checks(CHAPTERS[10]) if check.__name__ == "test_mnist"]
    assert f"98 % of MNIST ({digits:g} % of the embedded digits)" in about


@real.says("negative numbers are multiplied by # instead of 0")
def test_a_leak(said):
    assert f"leak={said[0]:g}" in CHAPTERS[10].solution("own_layer.py")


@convolution.says("The network of `python train.py --preset cnn` reads # % of the test images correctly.")
def test_what_cnn_reads(said):
    saved = json.loads((ROOT / "resources" / "pretrained" / "cnn.json").read_text(encoding="utf-8"))
    agree(said, [100 * saved["metrics"]["test_accuracy"]])


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_no_number_is_passed_over(number):
    document = TEXTS[number]
    for pattern in NAMES:
        document.names(pattern)
    assert document.unclaimed() == []

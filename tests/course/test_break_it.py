"""The experiments of docs/break-it.md print what the document says."""

import contextlib
import io
import re

import numpy as np
import pytest

import nn_from_scratch as nn
from course.lab import data, loss, network
from nn_from_scratch.inspection.gradient_check import check_gradients
from nn_from_scratch.web.experiments import EXPERIMENTS, NoMask
from tests.scripts import ROOT

DOCUMENT = ROOT / "docs" / "break-it.md"
NUMBER = re.compile(r"\d+(?:[.,]\d+)?%?")


def said_in(example):
    """What the comments say that it prints: after a print, or in lines of their own."""
    for line in example.splitlines():
        before, found, comment = line.rpartition("# ")
        if found and (not before or "print(" in before):
            yield comment


def test_every_experiment_prints_what_its_comments_say():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count("\n## ") == len(EXPERIMENTS)
    names: dict = {}
    for example in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(example, names)  # in a row, as somebody does who works through the page
        lines, said = printed.getvalue().splitlines(), list(said_in(example))
        assert [NUMBER.sub("N", line) for line in lines] == [NUMBER.sub("N", line) for line in said]
        for line, expected in zip(lines, said, strict=True):
            for found, right in zip(NUMBER.findall(line), NUMBER.findall(expected), strict=True):
                # Another BLAS rounds differently, and training amplifies that: by a few images of 360, or a unit.
                allowed = {"abs": 4} if right.endswith("%") else {"abs": 1} if right.isdigit() else {"rel": 0.15}
                assert number(found) == pytest.approx(number(right), **allowed), f"{line!r}, said {expected!r}"


def plain(text):
    """Text without line breaks and emphasis, in one case."""
    return " ".join(text.replace("*", "").split())


@pytest.mark.parametrize(
    ("number_of_it", "experiment"), list(enumerate(EXPERIMENTS, 1)), ids=lambda v: getattr(v, "name", v)
)
def test_an_experiment_is_told_as_the_live_page_tells_it(number_of_it, experiment):
    """The same title, question and reason, the command for its card, and, of every run, what it reaches."""
    sections = DOCUMENT.read_text(encoding="utf-8").split("\n## ")
    section = sections[number_of_it]
    assert section.startswith(f"{number_of_it}. {experiment.title}\n")
    assert f"Predict: {experiment.question}" in plain(section)
    assert f"Why: {experiment.why}" in plain(section)
    assert f"```sh\npython -m nn_from_scratch.web --experiment {experiment.name}\n```" in section
    said = " ".join([sections[0], *section.split("# ")[1:]])
    for run in experiment.runs:
        assert f"{run.reached:.1%}" in said, run.name


def number(text):
    return float(text.rstrip("%").replace(",", ""))


def test_the_numbers_in_its_sentences():
    """A memory of 25,450 parameters, and a gradient check that differs by 3e-9."""
    assert network().parameters.size == 25_450
    x = data.train.images[:64].reshape(-1, 784) / 255
    t = np.eye(10)[data.train.labels[:64]]
    right = check_gradients(network(dtype=np.float64), loss, x, t).relative_error
    assert 0.000000001 < right < 0.00000001
    wrong = check_gradients(network(nn.Dense(32), NoMask(), nn.Dense(10), nn.Softmax(), dtype=np.float64), loss, x, t)
    assert wrong.relative_error == pytest.approx(1, abs=0.5)
    text, results = (path.read_text(encoding="utf-8") for path in (DOCUMENT, ROOT / "docs" / "results.md"))
    for preset, said in (("784-10-10", "`784-10-10` reads {} %"), ("784-128-64-10", "the default network {} %")):
        (accuracy,) = re.findall(rf"^\| `{preset}`[^|]*\|[^|]*\|[^|]*\| ([\d.]+) ±", results, flags=re.MULTILINE)
        assert said.format(accuracy) in plain(text)

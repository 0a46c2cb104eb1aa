"""python -m nn_from_scratch.data: counts, means and samples of every class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nn_from_scratch import figures
from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.dataset import Split
from tests.scripts import refusal, run

PROGRAM = "nn_from_scratch.data"


def test_it_prints_the_counts_and_saves_the_picture(tmp_path: Path) -> None:
    result = run(PROGRAM, "--data", "digits", "--split", "test", "--save", tmp_path / "d.png")
    assert (result.returncode, result.stderr) == (0, "")
    test = load_dataset("digits").test
    rows = [line.split() for line in result.stdout.splitlines()[2:12]]
    assert [int(row[1]) for row in rows] == np.bincount(test.labels).tolist()
    assert rows[4][3] == f"{test.images[test.labels == 4].mean() / 255:.3f}"
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


def test_a_row_holds_the_mean_and_the_first_images_of_its_class() -> None:
    test = load_dataset("digits").test
    figure = figures.samples(test, (0, 7), "digits", per_class=3)
    axes = figure.axes[5:]
    of_class = test.images[test.labels == 7]
    assert axes[0].texts[0].get_text() == f" 7: {len(of_class)} images"
    assert np.array_equal(np.asarray(axes[1].images[0].get_array()), of_class.mean(axis=0))
    for place, image in zip(axes[2:], of_class, strict=False):
        assert np.array_equal(np.asarray(place.images[0].get_array()), image)


def test_a_class_with_fewer_images_than_places_or_none() -> None:
    split = Split(np.zeros((1, 2, 5), np.uint8), np.array([3], np.uint8))
    figure = figures.samples(split, (3, 4), "few", per_class=2)
    assert [len(axes.images) for axes in figure.axes] == [0, 1, 1, 0, 0, 0, 0, 0]


def test_without_a_display_it_says_so_and_bad_input_is_one_line(tmp_path: Path) -> None:
    result = run(PROGRAM, "--data", "digits", WAYLAND_DISPLAY=None)
    assert result.returncode == 0
    assert "no window can be opened" in result.stderr
    assert "no such file" in refusal(run(PROGRAM, "--data", tmp_path / "none"))
    assert ".png" in refusal(run(PROGRAM, "--save", "a.jpg"))

"""python -m nn_from_scratch.data: counts, means and samples of every class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch import figures
from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.inspection.augmentation import versions
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.runs.training_run import TrainingRun
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
    assert axes[0].texts[0].get_text() == f"7: {len(of_class)}"
    assert np.array_equal(np.asarray(axes[1].images[0].get_array()), of_class.mean(axis=0))
    for place, image in zip(axes[2:], of_class, strict=False):
        assert np.array_equal(np.asarray(place.images[0].get_array()), image)


@pytest.mark.parametrize("counts", [(5421, 6742), (1, 60_000), (1_234_567, 3)])
def test_the_text_of_a_class_is_inside_its_box(counts: tuple[int, int]) -> None:
    labels = np.repeat(np.array([0, 1], np.uint8), counts)
    figure = figures.samples(Split(np.zeros((len(labels), 1, 1), np.uint8), labels), (0, 1), "some")
    figure.draw_without_rendering()
    for axes, count in zip((figure.axes[0], figure.axes[14]), counts, strict=True):
        box, bar = axes.patches
        assert (box.get_width(), bar.get_width()) == (max(counts), count)
        text, around = axes.texts[0].get_window_extent(), box.get_window_extent()
        assert around.x0 < text.x0 < text.x1 < around.x1
        assert around.y0 < text.y0 < text.y1 < around.y1


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


def test_with_augment_it_shows_what_a_training_with_seed_0_sees(tmp_path: Path) -> None:
    words = ("affine:shift=3", "elastic")
    result = run(PROGRAM, "--data", "digits", "--augment", *words, "--save", tmp_path / "a.png")
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    data = load_dataset("digits")
    first = np.array([int(np.argmax(data.train.labels == label)) for label in range(10)])
    made = versions(data.train, first, words)
    assert list(made) == [*words, "all together"]
    run_of_seed_0 = TrainingRun(replace(PRESETS["784-10-10"], augmentation=words), data)
    for epoch in range(4):
        seen, _ = run_of_seed_0.batches.batch(first, epoch)
        shown = made["all together"][:, epoch].reshape(10, 784)
        np.testing.assert_array_equal(np.rint(255 * seen), shown)


def test_a_single_augmentation_has_all_the_places() -> None:
    train = load_dataset("digits").train
    (made,) = versions(train, np.array([5, 9]), ["elastic"]).values()
    assert made.shape == (2, 12, 28, 28)
    assert len({image.tobytes() for image in made.reshape(24, -1)}) == 24


def test_what_is_no_augmentation_is_refused_in_a_line() -> None:
    assert "unknown augmentation 'warp'" in refusal(run(PROGRAM, "--augment", "warp"))
    assert "affine:scale=2: scale must be" in refusal(run(PROGRAM, "--data", "digits", "--augment", "affine:scale=2"))

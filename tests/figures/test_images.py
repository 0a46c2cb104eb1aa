"""Figures made of images: what is written beside which image, and that it can be read."""

from itertools import pairwise

import numpy as np
import pytest

from nn_from_scratch import figures, metrics
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.figures import style
from nn_from_scratch.handwriting.reading import Reading
from nn_from_scratch.inspection.answers import Answers


def made(n, wrong, score_name="probability"):
    scores = np.full((n, 3), 0.1)
    scores[:, 1] = np.linspace(0.5, 0.9, n)
    actual = np.where(np.arange(n) < wrong, 2, 1)
    return Answers(scores, np.full(n, 1), actual, np.arange(100, 100 + n), score_name)


@pytest.mark.parametrize("wrong", [0, 1, 9, 40])
def test_mistakes_are_captioned_with_actual_answer_score_and_index(rng, tmp_path, wrong):
    images = rng.integers(0, 256, (50, 4, 6), dtype=np.uint8)
    found = made(50, wrong)
    figure = figures.mistakes(images, found, (3, 5, 8), "confidence")
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == min(wrong, 32)
    for axes, row in zip(shown, found.mistakes("confidence"), strict=False):
        assert axes.get_title() == f"is 8, read 5\n{found.scores[row, 1]:.1%}, #{100 + row}".replace("%", " %")
        assert np.array_equal(np.asarray(axes.images[0].get_array()), images[row])
    figures.save(figure, tmp_path / "f.png")
    figure.draw_without_rendering()  # at the figure's own resolution again
    boxes = [axes.title.get_window_extent() for axes in shown]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])


@pytest.mark.parametrize("score_name", ["probability", "output"])
def test_figures_call_a_score_what_it_is(rng, score_name):
    images = rng.integers(0, 256, (50, 4, 6), dtype=np.uint8)
    title = figures.mistakes(images, made(50, 3, score_name), (3, 5, 8), "confidence").get_suptitle()
    assert f"with the {score_name} of the answer" in title
    axes = figures.calibration(metrics.calibration(np.array([0.6]), np.array([1])), score_name).axes[0]
    assert axes.get_xlabel() == f"confidence: {score_name} of the answer"


@pytest.mark.parametrize("pictures", [1, 3, 7])
def test_handwriting_shows_ink_image_and_scores(rng, tmp_path, pictures):
    ink, image = rng.integers(0, 256, (50, 90), np.uint8), rng.integers(0, 256, (28, 28), np.uint8)
    reading = Reading("some/where/a_very_long_name_of_a_file.png", ink, image, np.array([0.25, 0.75]), (4, 7), "output")
    figure = figures.handwriting([reading] * pictures)
    figures.save(figure, tmp_path / "f.png")
    shown = [axes for axes in figure.axes if axes.images]
    assert [np.asarray(axes.images[0].get_array()).shape for axes in shown].count((28, 28)) == pictures
    assert [axes.get_title() for axes in figure.axes].count("7: output 75.0 %") == pictures
    bars = next(axes for axes in figure.axes if axes.patches and axes.get_title())
    assert [bar.get_height() for bar in bars.patches] == [0.25, 0.75]


def test_augmented_images_stand_beside_the_stored_one_in_order_under_their_words(rng, tmp_path):
    images = rng.integers(0, 256, (3, 4, 6), dtype=np.uint8)
    versions = {
        word: rng.integers(0, 256, (3, 2, 4, 6), dtype=np.uint8) for word in ("affine:scale=0.2:shift=1", "elastic")
    }
    figure = figures.augmented(images, versions, "some")
    stored, *groups = figure.subfigs
    assert [np.asarray(axes.images[0].get_array()).tobytes() for axes in stored.axes] == [i.tobytes() for i in images]
    for group, (word, made) in zip(groups, versions.items(), strict=True):
        assert group.axes[0].texts[0].get_text() == word.replace(":", "\n")
        shown = [np.asarray(axes.images[0].get_array()) for axes in group.axes]
        np.testing.assert_array_equal(shown, made.reshape(6, 4, 6))
    figures.save(figure, tmp_path / "f.png")
    figure.draw_without_rendering()
    boxes = [[axes.get_window_extent() for axes in (group.axes[0], group.axes[-1])] for group in figure.subfigs]
    middles = np.array([[(box.y0 + box.y1) / 2 for box in ends] for ends in boxes])
    assert np.ptp(middles, axis=0).max() < 0.1, "the rows stand side by side"
    headings = [group.axes[0].texts[0].get_window_extent() for group in figure.subfigs]
    assert not any(one.overlaps(other) for one, other in pairwise(headings))
    assert max(heading.y1 for heading in headings) < figure.bbox.y1 - 10, "room for the title above them"


def test_calibration_shows_accuracy_count_and_interval_of_the_bins_that_have_images(tmp_path):
    found = metrics.calibration(np.array([0.62, 0.66, 0.97, 0.99]), np.array([1, 0, 1, 1]))
    figure = figures.calibration(found)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [0.5, 1]
    assert [text.get_text() for text in axes.texts] == ["50.0 %\nof 2", "100 %\nof 2"]
    assert f"{found.error:.4f} on 4 images" in axes.get_title("left")
    (bars,) = axes.containers[1].lines[2]
    # Wilson by hand, n = 2, z² = 3.8416: of a = ½ the middle is ½ and the half length 1.96 · √(⅛ + 0.2401) / 2.9208;
    # of a = 1 it is from 1 / 2.9208 to 1.
    (x, low), (_, high) = bars.get_segments()[0]
    assert (x, low, high) == pytest.approx((0.64, 0.5 - 0.40546, 0.5 + 0.40546), abs=1e-4)
    (x, low), (_, high) = bars.get_segments()[1]
    assert (x, low, high) == pytest.approx((0.98, 0.34238, 1), abs=1e-4)
    figures.save(figure, tmp_path / "f.png")


def test_percent_never_rounds_to_certainty():
    assert [style.percent(score) for score in (0, 0.1234, 0.9994, 0.99951, 1.0)] == [
        "0.0 %",
        "12.3 %",
        "99.9 %",
        "> 99.9 %",
        "100 %",
    ]


NAMES = ("T-shirt", "ankle boot", "a name of more than twenty letters")


def test_mistakes_with_long_names_have_a_line_for_each_and_do_not_overlap(rng):
    images = rng.integers(0, 256, (50, 6, 4), dtype=np.uint8)
    found = made(50, 40)
    figure = figures.mistakes(images, found, NAMES, "loss")
    shown = [axes for axes in figure.axes if axes.images]
    assert shown[0].get_title().splitlines()[:2] == ["is a name …letters,", "said ankle boot"]
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in shown]
    pictures = [axes.get_window_extent() for axes in shown]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])
    assert not any(box.overlaps(picture) for box in boxes for picture in pictures)


def test_colour_is_drawn_in_its_colours(rng):
    colour = rng.integers(0, 256, (50, 3, 4, 6), dtype=np.uint8)
    axes = next(axes for axes in figures.mistakes(colour, made(50, 1), (3, 5, 8), "loss").axes if axes.images)
    drawn = np.asarray(axes.images[0].get_array())
    assert any(np.array_equal(drawn, image.transpose(1, 2, 0)) for image in colour)
    split = Split(colour, np.zeros(50, np.uint8))
    mean, first = (np.asarray(axes.images[0].get_array()) for axes in figures.samples(split, (0,), "some").axes[1:3])
    np.testing.assert_allclose(mean, colour.mean(axis=0).transpose(1, 2, 0), atol=0.5)
    assert np.array_equal(first, colour[0].transpose(1, 2, 0))


def test_samples_are_headed_by_names_inside_their_boxes(rng):
    split = Split(rng.integers(0, 256, (9, 5, 3), dtype=np.uint8), np.repeat(np.arange(3, dtype=np.uint8), 3))
    figure = figures.samples(split, (0, 1, 2), "some", names=NAMES)
    figure.draw_without_rendering()
    for axes, name in zip(figure.axes[::14], ("T-shirt: 3", "ankle boot: 3", "a name of…y letters\n3"), strict=True):
        assert axes.texts[0].get_text() == name
        text, around = axes.texts[0].get_window_extent(), axes.patches[0].get_window_extent()
        assert around.x0 < text.x0 < text.x1 < around.x1


@pytest.mark.parametrize("names", [NAMES, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), ("letter Q",) * 26, ("setosa",) * 3])
def test_the_names_beside_a_confusion_matrix_do_not_overlap(names):
    figure = figures.confusion_matrix(np.full((len(names), len(names)), 1000), names, 0.5, "samples")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_title("left").endswith("samples")
    below, beside = (
        [label for label in side() if label.get_text()] for side in (axes.get_xticklabels, axes.get_yticklabels)
    )
    assert len(below) == len(beside) == len(names)
    boxes = [label.get_window_extent() for label in beside]
    assert not any(box.overlaps(other) for box, other in pairwise(boxes))
    if not below[0].get_rotation():
        boxes = [label.get_window_extent() for label in below]
        assert not any(box.overlaps(other) for box, other in pairwise(boxes))
    width = (axes.transData.transform((1, 0)) - axes.transData.transform((0, 0)))[0]
    assert all(text.get_window_extent().width < width for text in axes.texts), "numbers inside their cells"


def test_handwriting_is_answered_with_a_name(rng):
    ink, image = rng.integers(0, 256, (50, 90), np.uint8), rng.integers(0, 256, (28, 28), np.uint8)
    reading = Reading("a.png", ink, image, np.array([0.25, 0.75]), (4, 7), "probability", ("dress", "bag"))
    titles = [axes.get_title() for axes in figures.handwriting([reading]).axes]
    assert "bag: probability 75.0 %" in titles

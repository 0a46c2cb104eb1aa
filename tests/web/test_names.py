"""Data that are no digits: what the page is told that they are called, and which of them it can't show."""

from dataclasses import replace

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import __main__ as command
from nn_from_scratch.web import limits
from nn_from_scratch.web.frames import tiles
from nn_from_scratch.web.start import recipe_of_preset
from nn_from_scratch.web.trainer import Trainer
from tests.web.named_data import CLOTHES, LETTERS, clothes, letters

INK = np.full((280, 280), 255, np.uint8)


def test_the_page_is_told_names_articles_and_what_a_sample_is():
    with Trainer(clothes(), seed=7) as trainer:
        told = trainer.ask(trainer.description)
        assert told["names"] == CLOTHES
        assert told["called"][7:] == ["a sneaker", "a bag", "an ankle boot"]
        assert told["called"][1] == "trousers"
        assert told["noun"] == {"one": "fashion item", "a": "a fashion item", "many": "fashion items"}
        assert (told["classes"], told["image"], told["pad"]) == (tuple(range(10)), (28, 28), True)
        saved = trainer.ask(trainer.saved)
        assert (saved.class_names, saved.noun) == (CLOTHES, "fashion item")


def test_an_experiment_is_one_with_digits_whatever_the_page_shows():
    with Trainer(letters(), seed=7) as trainer:
        trainer.ask(trainer.begin_experiment, "rate")
        told = trainer.ask(trainer.description)
        assert (told["noun"]["one"], told["names"][3], told["pad"]) == ("digit", "3", True)
        trainer.ask(trainer.restart, seed=1, preset="784-10-10")
        assert trainer.ask(trainer.description)["names"] == LETTERS


def test_of_two_classes_it_is_told_the_names_of_these():
    with Trainer(clothes(), "784-196-1", seed=7) as trainer:
        told = trainer.ask(trainer.description)
        assert (told["classes"], told["names"]) == ((1, 2), ("trousers", "pullover"))


@pytest.mark.parametrize("preset", ["784-100-10", "lenet"])
def test_a_preset_fits_other_images_and_other_classes(preset):
    data = letters()
    with Trainer(data, preset, seed=7) as trainer:
        trainer.ask(trainer.step, "batch")
        told, frame = trainer.ask(trainer.description), trainer.ask(trainer.frame)
        assert (told["preset"], told["image"], told["pad"]) == (preset, (28, 18), False)
        assert trainer.recipe.outputs == len(frame["example"]["outputs"]) == 26
        x = data.train.images[:1].reshape(1, *trainer.recipe.input_shape) / np.float32(255)
        assert trainer.run.network.forward(x.astype(np.float32)).shape == (1, 26)
        shape = tiles(trainer.run.network, (28, 18))
        assert (shape["rows"], shape["columns"]) == ((5, 5) if preset == "lenet" else (28, 18))
        if preset != "lenet":
            trainer.ask(trainer.restart, seed=1, hidden=(12,), activation="relu")
            assert trainer.recipe.sizes == (504, 12, 26)


def test_without_a_pad_drawings_are_refused():
    with Trainer(letters(), seed=7) as trainer:
        drawings = nn.Split(INK[None, :28, :28], np.zeros(1, np.uint8))
        for method, *arguments in (
            (trainer.guess, INK, True),
            (trainer.show, "drawing", None, INK, True),
            (trainer.learn_drawings, drawings),
        ):
            with pytest.raises(BadInput, match="an image of 28 × 28 pixels, but these have 28 × 18"):
                trainer.ask(method, *arguments)


def test_a_drawing_may_have_any_label_that_there_is():
    data = replace(clothes(), class_names=CLOTHES)
    with Trainer(data, seed=7) as trainer:
        trainer.ask(trainer.learn_drawings, nn.Split(INK[None, :28, :28], np.array([9], np.uint8)))
        with pytest.raises(BadInput, match="label 26: expected one of 0, 1, 2"):
            trainer.ask(trainer.learn_drawings, nn.Split(INK[None, :28, :28], np.array([26], np.uint8)))


@pytest.mark.parametrize("shape", [(65, 28), (28, 65), (3, 28)])
def test_images_that_the_page_does_not_show_are_refused_in_one_line(shape, monkeypatch, capsys):
    split = nn.Split(np.zeros((8, *shape), np.uint8), (np.arange(8) % 2).astype(np.uint8))
    data = nn.Dataset("some data", split, split, "made up")
    expected = "some data: the page shows grey images of 4 to 64 pixels a side only"
    with pytest.raises(BadInput) as caught:
        recipe_of_preset("784-100-10", data)
    assert str(caught.value) == expected
    monkeypatch.setattr("sys.argv", ["web", "--no-browser", "--port", "0"])
    monkeypatch.setattr(command.command_line, "load_data", lambda arguments: data)
    with pytest.raises(BadInput) as caught:
        command.main()
    assert str(caught.value) == expected


def test_numbers_that_are_no_pictures_are_not_shown():
    split = nn.Split(np.zeros((8, 28, 28), np.float32), (np.arange(8) % 2).astype(np.uint8))
    with pytest.raises(BadInput, match="the page shows grey images"):
        limits.image_of(nn.Dataset("points", split, split, "made up"))

"""A network reads pictures: several and whole folders, what can't be read being skipped with its reason."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nn_from_scratch as nn
from nn_from_scratch import figures
from nn_from_scratch.handwriting import reading
from nn_from_scratch.handwriting.picture import read_image
from nn_from_scratch.storage import files
from tests.data.samples import refusal
from tests.handwriting.strokes import drawn
from tests.scripts import ROOT


@pytest.fixture(scope="module")
def saved() -> nn.SavedNetwork:
    return nn.load(ROOT / "resources" / "pretrained" / "784-128-64-10.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Digits 1 and 3, a white picture, a text, a hidden file and a folder with a digit 7 in it."""
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    for name, digit in (("b.png", 3), ("c.jpg", 1), ("inner/d.png", 7)):
        Image.fromarray(255 - drawn(digit)).save(tmp_path / "folder" / name)
    Image.new("L", (50, 50), 255).save(tmp_path / "folder" / "a.png")
    (tmp_path / "folder" / "notes.txt").write_text("about the pictures")
    (tmp_path / "folder" / ".hidden").write_text("of the system")
    return tmp_path / "folder"


def test_a_folder_is_read_in_the_order_of_its_names(saved: nn.SavedNetwork, folder: Path) -> None:
    readings, skipped = reading.read(saved, [folder])
    assert [(found.name, found.ranking[0][0]) for found in readings] == [
        (str(folder / "b.png"), 3),
        (str(folder / "c.jpg"), 1),
    ]
    np.testing.assert_array_equal(readings[0].ink, read_image(folder / "b.png"))
    assert [Path(name).name for name, _ in skipped] == ["a.png", "inner", "notes.txt"]
    assert [reason.partition(",")[0] for _, reason in skipped] == [
        "the picture has only one colour: expected a digit",
        "is a directory",
        "is not a picture",
    ]


def test_files_and_folders_are_read_in_the_order_given(saved: nn.SavedNetwork, folder: Path) -> None:
    readings, skipped = reading.read(saved, [str(folder / "c.jpg"), folder / "none.png", folder / "inner"])
    assert [Path(found.name).name for found in readings] == ["c.jpg", "d.png"]
    assert skipped == [reading.Skipped(str(folder / "none.png"), "no such file")]
    alone, _ = reading.read(saved, [folder / "inner" / "d.png"])
    np.testing.assert_allclose(alone[0].scores, readings[1].scores, rtol=1e-5)


def test_where_nothing_can_be_read_the_reason_is_told(saved: nn.SavedNetwork, folder: Path) -> None:
    white = folder / "a.png"
    assert refusal(reading.read, saved, [white]).startswith(f"{white}: the picture has only one colour")
    message = refusal(reading.read, saved, [white, folder / "notes.txt"])
    assert message.startswith(f"none of 2 files can be read, the first being {white}: the picture has only one colour")
    (folder / "empty").mkdir()
    assert refusal(reading.read, saved, [folder / "empty"]).startswith(f"{folder / 'empty'}: contains no files")


def test_the_answers_as_a_table(saved: nn.SavedNetwork, folder: Path) -> None:
    readings, skipped = reading.read(saved, [folder])
    files.save_rows(reading.rows(readings, skipped), folder / "answers.csv")
    with open(folder / "answers.csv", newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["file", "answer", "confidence", "skipped_because"]
    assert [(Path(row["file"]).name, row["answer"]) for row in found] == [
        *(("b.png", "3"), ("c.jpg", "1")),
        *(("a.png", ""), ("inner", ""), ("notes.txt", "")),
    ]
    assert float(found[0]["confidence"]) == pytest.approx(readings[0].scores.max(), rel=1e-5)
    assert [bool(row["skipped_because"]) for row in found] == [False, False, True, True, True]
    assert found[2]["skipped_because"] == skipped[0].reason


def test_answers_are_told_by_name_and_by_label(folder: Path) -> None:
    saved = nn.load(ROOT / "resources" / "pretrained" / "784-128-64-10.json")
    saved.class_names, saved.noun = tuple("o ki su tsu na ha ma ya re wo".split()), "character"
    readings, skipped = reading.read(saved, [folder])
    assert readings[0].named_ranking[0][0] == "tsu"
    assert [row[::4] for row in reading.rows(readings, skipped)][:3] == [
        ["file", "answer_name"],
        [str(folder / "b.png"), "tsu"],
        [str(folder / "c.jpg"), "ki"],
    ]
    assert {len(row) for row in reading.rows(readings, skipped)} == {5}
    lines = reading.text(readings).splitlines()
    assert lines[1].split()[0] == "tsu"
    assert lines[-3].split() == ["class", *saved.class_names]
    found = reading.as_object(readings)[0]
    assert (found["answer"], found["answer_name"], found["scores"].keys()) == (3, "tsu", set("0123456789"))
    assert "expected a character" in skipped[0].reason
    with pytest.raises(nn.BadInput, match="has only one colour: expected a character"):
        reading.read(saved, [folder / "a.png"])


# ---- pictures of other things than strokes ----


def untrained(input_shape: tuple[int, ...], noun: str, **data: str) -> nn.SavedNetwork:
    """A network that tells two classes apart, badly."""
    flatten = [nn.Flatten()] if len(input_shape) == 3 else []
    network = nn.Network([*flatten, nn.Dense(2), nn.Softmax()], input_shape, 0)
    return nn.SavedNetwork(network, (0, 1), {"data": {"name": "pets", **data}}, {}, ("cat", "dog"), noun)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("size", "flat"), [("9x12", False), ("9x12", True), (None, True), ("28", False)])
def test_a_picture_is_prepared_as_those_of_the_folder_that_a_network_learnt_from(tmp_path, rng, colour, size, flat):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(3):
            pixels = rng.integers(0, 256, (40, 50, 3) if colour else (40, 50), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    learnt = nn.load_dataset(tmp_path, picture_size=size).train.images
    shape = learnt.shape[1:] if colour else (1, *learnt.shape[1:])
    saved = untrained((math.prod(shape),) if flat else shape, "picture", **({"picture_size": size} if size else {}))
    readings, skipped = reading.read(saved, [tmp_path / "cat", tmp_path / "dog"])
    assert not skipped
    assert {found.image.tobytes() for found in readings} >= {image.tobytes() for image in learnt}
    assert readings[0].ink.shape[0] == 3
    assert figures.handwriting(readings).get_size_inches()[0] == 9


@pytest.mark.parametrize("paper", [0, 255])
def test_a_photograph_of_a_garment_lies_on_black_as_those_of_fashion_mnist_do(tmp_path, paper):
    item = np.zeros((28, 28), np.uint8)
    item[4:24, 6:22] = 180
    seen = np.kron(item, np.ones((10, 10), np.uint8))
    Image.fromarray(255 - seen if paper else seen).save(tmp_path / "shirt.png")
    (found,), _ = reading.read(untrained((784,), "fashion item"), [tmp_path / "shirt.png"])
    inside, outside = found.image[6:22, 8:20], np.delete(found.image, np.s_[2:26], axis=0)
    assert (set(inside.ravel()), set(outside.ravel())) == ({180}, {0})  # between them its edge, a little blurred


def test_pictures_of_another_size_or_colour_are_brought_to_what_the_network_takes(tmp_path):
    red = np.zeros((300, 500, 3), np.uint8)
    red[:, 40:460, 0] = 200  # all that is left when the picture is cut to a square
    Image.fromarray(red).save(tmp_path / "wide.png")
    (grey,), _ = reading.read(untrained((1, 16, 16), "picture"), [tmp_path / "wide.png"])
    assert (grey.image.shape, set(grey.image.ravel())) == ((16, 16), {60})  # 0.299 · 200
    (colour,), _ = reading.read(untrained((3, 16, 16), "picture"), [tmp_path / "wide.png"])
    assert (colour.image.shape, colour.image.max(axis=(1, 2)).tolist()) == ((3, 16, 16), [200, 0, 0])
    (tmp_path / "notes.txt").write_text("no picture")
    name = tmp_path / "notes.txt"
    assert refusal(reading.read, untrained((3, 16, 16), "picture"), [name]).startswith(f"{name}: is not a picture")


@pytest.mark.parametrize(
    ("shape", "noun", "message"),
    [
        ((2,), "point", "the network takes 2 numbers that are not the pixels of a picture"),
        ((100,), "sample", "the network takes 100 numbers that are not the pixels"),
        ((101,), "picture", "the network takes 101 numbers that are not the pixels"),
        ((2, 16, 16), "picture", "the network takes 2 channels, expected 1 (grey) or 3 (red, green and blue)"),
        ((64,), "digit", "28 × 28 = 784 pixels, but the network takes 64 inputs"),
    ],
)
def test_networks_that_take_no_pictures_say_so(folder, shape, noun, message):
    assert message in refusal(reading.read, untrained(shape, noun), [folder / "b.png"])

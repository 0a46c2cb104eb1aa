"""A network reads pictures: several and whole folders, what can't be read being skipped with its reason."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nn_from_scratch as nn
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

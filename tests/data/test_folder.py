"""Folders of one's own pictures, of any size and kind, and what can be wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.folder import DEFAULT_SIZE, picture_size
from tests.data.samples import pictures, refusal


def picture(path: Path, colour: int | tuple[int, ...], size: tuple[int, int] = (20, 30), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def folder(root: Path, grey: bool = False) -> Path:
    """Two classes of seven pictures each."""
    for i in range(7):
        for name, colour in (("cat", (200, 10 * i, 20)), ("dog", (20, 10 * i, 200))):
            value = colour[:1] * 3 if grey else colour
            picture(root / name / f"{i}.png", value, size=(20 + i, 30))
    return root


def test_pictures_in_colour(tmp_path: Path) -> None:
    data = load_dataset(folder(tmp_path))
    assert (data.class_names, data.noun, data.plural) == (("cat", "dog"), "picture", "images")
    assert data.train.images.shape == (12, 3, *DEFAULT_SIZE)
    assert data.train.images.dtype == np.uint8
    assert np.bincount(data.test.labels).tolist() == [1, 1]  # one in seven of each class
    assert data.source == (
        f"the folder {tmp_path}, in colour, as 32 × 32 pixels, one in seven images set aside for testing"
    )
    for image, label in zip(data.train.images, data.train.labels, strict=True):
        red, green, blue = image[:, 0, 0]
        assert (image == image[:, :1, :1]).all()
        assert ((red, blue) == (200, 20)) == (data.class_names[label] == "cat")
        assert green % 10 == 0
    assert data.fingerprint() == load_dataset(tmp_path).fingerprint() != load_dataset(tmp_path, seed=1).fingerprint()


def test_grey_pictures_have_one_channel(tmp_path: Path) -> None:
    data = load_dataset(folder(tmp_path, grey=True), picture_size="8x12")
    assert data.train.images.shape == (12, 8, 12)
    assert data.train.sample_shape == (1, 8, 12)
    assert set(np.unique(data.train.images)) == {20, 200}
    assert data.test_set_asked_for() == {"picture_size": "8x12"}


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16"])
def test_every_kind_of_picture(tmp_path: Path, mode: str) -> None:
    folder(tmp_path, grey=True)
    picture(tmp_path / "cat" / "odd.png", 0, mode=mode)
    assert len(load_dataset(tmp_path).train) + len(load_dataset(tmp_path).test) == 15


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    folder(tmp_path)
    for i in range(7):
        picture(tmp_path / "ghost" / f"{i}.png", (0, 0, 0, 0), mode="RGBA")
    data = load_dataset(tmp_path)
    assert (data.train.images[data.train.labels == 2] == 255).all()


def test_pictures_are_cut_around_their_middle_and_not_stretched(tmp_path: Path) -> None:
    image = np.zeros((40, 120), np.uint8)
    image[:, 40:80] = 255
    for name, pixels in (("middle", image), ("sides", 255 - image)):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    data = load_dataset(tmp_path, picture_size="16")
    for split in (data.train, data.test):
        inside = split.images[..., 1:-1]  # the border is interpolated
        assert (inside[split.labels == 0] == 255).all()
        assert (inside[split.labels == 1] == 0).all()


def test_a_given_split_is_kept(tmp_path: Path) -> None:
    folder(tmp_path / "Train")
    picture(tmp_path / "test" / "dog" / "a.png", (1, 2, 3))
    data = load_dataset(tmp_path)
    assert (len(data.train), len(data.test), data.class_names) == (14, 1, ("cat", "dog"))
    assert data.test.labels.tolist() == [1]


def test_what_cannot_be_read_is_named_counted_and_left_out(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "readme.txt").write_text("not in a class")
    for i in range(6):
        (tmp_path / "dog" / f"broken{i}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    os.mkfifo(tmp_path / "dog" / "pipe")
    told: list[str] = []
    data = load_dataset(tmp_path, notify=told.append)
    assert len(data.train) + len(data.test) == 14
    assert len(told) == 6
    assert told[0].startswith(f"skipped {tmp_path}/dog/broken0.png: ")
    assert told[-1] == "7 of 21 files can't be read as pictures, 2 of them not named here"
    assert all(line.isprintable() for line in told)


def bomb(path: Path) -> None:
    """A picture of 10,000 × 10,000 pixels in few bytes."""
    Image.new("1", (10_000, 10_000)).save(path)


def test_a_picture_that_would_fill_the_memory_is_left_out(tmp_path: Path) -> None:
    bomb(folder(tmp_path) / "cat" / "large.png")
    told: list[str] = []
    load_dataset(tmp_path, notify=told.append)
    assert told[0] == (f"skipped {tmp_path}/cat/large.png: has 10,000 × 10,000 pixels, expected at most 25 million")


def test_too_many_pixels_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nn_from_scratch.data.folder.MAX_IMAGE_BYTES", 40_000)
    message = refusal(load_dataset, folder(tmp_path))
    assert "14 pictures of 32 × 32 pixels take 43,008 bytes, expected at most 40,000: fewer of them, or" in message


def test_folders_that_are_no_data(tmp_path: Path) -> None:
    one = tmp_path / "one"
    picture(one / "cat" / "a.png", 0)
    assert "has 1 sub-folder, expected a sub-folder of pictures for each of 2 to 256 classes" in refusal(
        load_dataset, one
    )
    bad = tmp_path / "bad"
    for name in ("a", "b"):
        (bad / name).mkdir(parents=True)
    assert f"{bad}: none of 0 files can be read as a picture" in refusal(load_dataset, bad)
    (bad / "a" / "x.txt").write_text("x")
    message = refusal(load_dataset, bad)
    assert (
        f"none of 1 files can be read as a picture, the first being {bad}/a/x.txt: is not a picture, expected"
        in message
    )


@pytest.mark.parametrize("text", ["0", "3", "257", "32x", "x32", "32x32x3", "-8", "a", "", "٣٢"])
def test_sizes_that_are_none(tmp_path: Path, text: str) -> None:
    if text == "٣٢":  # 32 in other digits is 32
        assert picture_size(text) == (32, 32)
    else:
        assert "expected rows, or rows and columns, from 4 to 256" in refusal(picture_size, text)


def test_a_size_is_for_folders_only(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=pictures()[0])
    for name in ("digits", None, "spiral", tmp_path / "a.npz"):
        assert "is for the pictures of a folder" in refusal(lambda name=name: load_dataset(name, picture_size="32"))

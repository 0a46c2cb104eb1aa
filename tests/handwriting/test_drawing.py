"""Drawings in the form of MNIST: against MNIST itself moved and resized, and against digits drawn by code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import nn_from_scratch as nn
from nn_from_scratch.data.idx import load_idx_directory
from nn_from_scratch.handwriting.drawing import NothingDrawn, prepare
from tests.handwriting.strokes import drawn
from tests.scripts import ROOT

PRETRAINED = ROOT / "resources" / "pretrained"
MIDDLES = np.arange(28) + 0.5


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    ink = image.astype(float)
    return float(ink.sum(axis=1) @ MIDDLES / ink.sum()), float(ink.sum(axis=0) @ MIDDLES / ink.sum())


def box(image: np.ndarray, least: int = 1) -> tuple[int, int]:
    """Height and width of what is drawn."""
    rows, columns = (np.flatnonzero((image >= least).any(axis=axis)) for axis in (1, 0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def replaced(image: np.ndarray, percent: int, down: int, right: int) -> np.ndarray:
    """An MNIST image at another size and place, by Pillow's own resampling, in a field that has room for it."""
    side = round(28 * percent / 100)
    field = Image.new("L", (56, 56))
    field.paste(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), (28 - side // 2 + right,) * 2)
    return np.roll(np.asarray(field), down - right, axis=0)


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Network]:
    names = ("784-10-10", "784-100-10", "784-128-64-10", "784-128-64-10-sigmoid")
    return {name: nn.load(PRETRAINED / f"{name}.json").network for name in names}


# ---- MNIST ----


def test_mnist_is_centred_where_prepare_centres(real_mnist: Path) -> None:
    """The convention, measured: the centre of mass falls anywhere within pixel 14, as if rounded to it."""
    images = load_idx_directory(real_mnist)[1].images
    centres = np.array([centre_of_mass(image) for image in images])
    assert np.abs(centres.mean(axis=0) - 14.5).max() < 0.01
    assert centres.min() >= 13.98
    assert centres.max() <= 15.0
    assert np.mean([max(box(image)) == 20 for image in images]) > 0.999


@pytest.mark.slow
def test_accuracy_of_mnist_at_other_sizes_and_places_stays_within_a_point(
    real_mnist: Path, networks: dict[str, nn.Network]
) -> None:
    """All 10,000 test images, each shifted by its own −6 … 6 pixels, at sizes from 60 to 135 %. Found, in %:

                           original    60     70     80     90    100    110    120    130    135   resized only
                784-10-10     94.72  94.35  94.98  94.88  94.73  95.37  94.86  95.27  95.10  95.21     14.57
               784-100-10     97.97  97.66  97.94  97.98  97.97  98.10  98.13  98.07  98.12  98.10     18.56
            784-128-64-10     98.57  98.38  98.44  98.62  98.54  98.57  98.61  98.55  98.54  98.59     20.59
    784-128-64-10-sigmoid     98.30  98.05  98.28  98.27  98.34  98.37  98.40  98.39  98.41  98.44     18.44
    """
    test = load_idx_directory(real_mnist)[1]
    rng = np.random.default_rng(0)
    for percent in (60, 70, 80, 90, 100, 110, 120, 130, 135):
        shifts = rng.integers(-6, 7, (len(test), 2)).tolist()
        images = [replaced(image, percent, *shift) for image, shift in zip(test.images, shifts, strict=True)]
        prepared = np.stack([prepare(image) for image in images])
        resized = np.stack([prepare(image, centre=False) for image in images]) if percent == 100 else None
        for name, network in networks.items():
            original = accuracy(network, test.images, test.labels)
            assert accuracy(network, prepared, test.labels) >= original - 0.01, (name, percent)
            if resized is not None:  # what the preparation is for
                assert accuracy(network, resized, test.labels) < 0.3, name


def accuracy(network: nn.Network, images: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(nn.predict(network, images).argmax(axis=1) == labels))


def test_an_image_of_mnist_changes_by_less_than_a_pixels_shift(real_mnist: Path) -> None:
    for image in load_idx_directory(real_mnist)[1].images[:200]:
        prepared = prepare(image)
        assert np.abs(np.subtract(centre_of_mass(image), centre_of_mass(prepared))).max() <= 0.55
        assert max(box(prepared)) <= 21


# ---- drawings ----


@settings(max_examples=60)
@given(
    digit=st.integers(0, 9),
    field=st.tuples(st.integers(120, 320), st.integers(120, 320)),
    height=st.integers(60, 90),
    pen=st.floats(0.07, 0.13),
    at=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_drawn_digit_is_centred_and_read_wherever_and_however_large(
    networks: dict[str, nn.Network],
    digit: int,
    field: tuple[int, int],
    height: int,
    pen: float,
    at: tuple[float, float],
) -> None:
    room = 0.62 * height
    middle = (room + at[0] * (field[1] - 2 * room), room + at[1] * (field[0] - 2 * room))
    image = prepare(drawn(digit, field, height, pen * height, middle))
    assert (image.shape, image.dtype, image.max()) == ((28, 28), np.uint8, 255)
    assert centre_of_mass(image) == pytest.approx((14.5, 14.5), abs=0.02)
    assert 20 <= max(box(image)) <= 21  # 21: where it doesn't begin at the edge of a pixel
    assert nn.predict(networks["784-128-64-10"], image[np.newaxis]).argmax() == digit


@pytest.mark.parametrize("pen", [4, 8, 16, 32])
def test_every_network_reads_thin_and_thick_pens(networks: dict[str, nn.Network], pen: int) -> None:
    images = np.stack([prepare(drawn(digit, width=pen)) for digit in range(10)])
    for name, network in networks.items():
        assert nn.predict(network, images).argmax(axis=1).tolist() == list(range(10)), name


# ---- by hand ----


def test_areas_are_averaged_exactly(rng: np.random.Generator) -> None:
    """A symmetric drawing of 40 × 40: new pixels are two old ones wide, and begin half a new one before the old."""
    quarter = rng.integers(64, 200, (20, 20), dtype=np.uint8)
    ink = np.block([[quarter, quarter[:, ::-1]], [quarter[::-1], quarter[::-1, ::-1]]])
    expected = np.pad(ink.astype(float), 1).reshape(21, 2, 21, 2).mean(axis=(1, 3))
    image = prepare(np.pad(ink, ((3, 30), (17, 4))))
    assert image[4:25, 4:25] == pytest.approx(expected * 255 / expected.max(), abs=0.501)
    assert image[4:25, 4:25].sum() == image.sum()


def test_without_centring_the_whole_picture_is_resized() -> None:
    ink = np.zeros((56, 84), np.uint8)
    ink[2:4, 3:6] = 200  # exactly pixel (1, 1)
    ink[10, 30:33] = 120  # the upper half of pixel (5, 10)
    image = prepare(ink, centre=False)
    assert (image[1, 1], image[5, 10], int(image.sum())) == (200, 60, 260)
    assert prepare(ink[::2, ::3], centre=False).tolist()[1][1] == 200


def test_a_digit_of_the_right_size_is_only_shifted() -> None:
    ink = np.zeros((28, 28), np.uint8)
    ink[4:24, 13:16] = ink[4:7, 10:19] = 255  # a T, symmetric about column 14; the mass lies above its middle
    down = 14.5 - centre_of_mass(ink)[0]
    assert 2 < down < 3
    expected = (3 - down) * np.roll(ink, 2, axis=0) + (down - 2) * np.roll(ink, 3, axis=0)
    image = prepare(ink)
    assert image == pytest.approx(expected * 255 / expected.max(), abs=0.51)
    assert np.array_equal(image, prepare(np.pad(ink[4:24, 10:19], ((60, 20), (31, 1)))))


def test_what_is_heavy_at_one_end_stays_within_the_field() -> None:
    ink = np.zeros((220, 220), np.uint8)
    ink[10:60, 10:60] = 255
    ink[58:210, 58:62] = 255  # its centre of mass is far from the middle of its box
    image = prepare(ink)
    assert max(box(image, least=40)) >= 19
    assert image[-1].any() or image[:, -1].any()


def test_faint_dirt_around_the_digit_does_not_count() -> None:
    ink = drawn(3)
    dirty = ink.copy()
    dirty[3, 3] = dirty[270, 10] = 63
    assert np.array_equal(prepare(dirty), prepare(ink))


@settings(max_examples=80)
@given(st.data())
def test_whatever_is_drawn_becomes_an_image_or_is_refused(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(0, 40), st.integers(0, 40)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ink = (rng.integers(0, 256, shape) * (rng.random(shape) < data.draw(st.floats(0, 1)))).astype(np.uint8)
    if ink.size == 0 or ink.max() < 64:
        with pytest.raises(NothingDrawn):
            prepare(ink)
    else:
        image = prepare(ink)
        assert (image.shape, image.dtype, image.max()) == ((28, 28), np.uint8, 255)


@pytest.mark.parametrize("ink", [np.zeros((28, 28), np.uint8), np.full((9, 300), 63, np.uint8)])
def test_an_empty_picture_is_refused(ink: np.ndarray) -> None:
    for centre in (True, False):
        with pytest.raises(NothingDrawn, match="no ink in the picture: expected a digit"):
            prepare(ink, centre)

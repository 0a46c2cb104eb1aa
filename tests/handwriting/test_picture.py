"""Picture files of one digit: whatever the program, the camera or the colours, the ink is found, or the reason said."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import nn_from_scratch as nn
from nn_from_scratch.data import load_dataset
from nn_from_scratch.handwriting.drawing import prepare
from nn_from_scratch.handwriting.picture import find_ink, read_image
from tests.data.samples import damaged, needs_pipes, only_bad_input, refusal
from tests.handwriting.strokes import bytes_of, drawn, examples, on_paper
from tests.scripts import ROOT

INK = drawn(3)  # (280, 280)
CLEAN = prepare(INK)


@pytest.fixture(scope="module")
def network() -> nn.Network:
    return nn.load(ROOT / "resources" / "pretrained" / "784-128-64-10.json").network


def answer(network: nn.Network, ink: np.ndarray) -> int:
    return int(nn.predict(network, prepare(ink)[np.newaxis]).argmax())


# ---- kinds of pictures ----


def kinds() -> dict[str, Image.Image]:
    """The same 3 in every way that a picture can be stored."""
    paper = 255 - INK
    clear = Image.new("RGBA", (280, 280), (255, 255, 255, 0))
    red = np.dstack([np.full_like(INK, 200), np.zeros_like(INK), np.zeros_like(INK), INK])
    white = np.dstack([np.full_like(INK, 255)] * 3 + [INK])
    yellow = np.dstack([np.full_like(INK, 255), np.full_like(INK, 250), paper])
    transparent = Image.fromarray(np.where(INK > 127, 1, 0).astype(np.uint8)).convert("P")
    transparent.putpalette([255, 255, 255, 0, 0, 120])
    transparent.info["transparency"] = 0
    return {
        "grey": Image.fromarray(paper),
        "light on dark": Image.fromarray(INK),
        "colour": Image.fromarray(np.dstack([paper, paper, np.full_like(INK, 255)])),
        "yellow on white": Image.fromarray(yellow),
        "dark on transparent": Image.alpha_composite(clear, Image.fromarray(red)),
        "light on transparent": Image.fromarray(white),
        "grey with alpha": Image.fromarray(np.dstack([np.zeros_like(INK), INK]), "LA"),
        "palette": Image.fromarray(paper).convert("RGB").quantize(16),
        "transparent palette": transparent,
        "black and white": Image.fromarray(paper).convert("1", dither=Image.Dither.NONE),
        "16 bits": Image.fromarray(paper.astype(np.uint16) * 257),
        "12 bits of 16": Image.fromarray(paper.astype(np.uint16) * 16),
    }


@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_picture_shows_the_same_ink(tmp_path: Path, kind: str) -> None:
    kinds()[kind].save(tmp_path / "three.png")
    image = prepare(read_image(tmp_path / "three.png"))
    steps = 130 if kind in ("black and white", "transparent palette") else 40  # one bit has no soft edges
    assert np.abs(np.subtract(image, CLEAN, dtype=int)).max() <= steps
    assert np.abs(np.subtract(image, CLEAN, dtype=int)).mean() <= 4


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif", "a.ppm", "without_ending"])
def test_formats(tmp_path: Path, name: str) -> None:
    formats = {"ppm": "PPM", "jpg": "JPEG", "tif": "TIFF"}
    ending = name.rpartition(".")[2]
    Image.fromarray(255 - INK).save(tmp_path / name, formats.get(ending, "PNG" if ending == name else ending))
    assert np.abs(np.subtract(prepare(read_image(tmp_path / name)), CLEAN, dtype=int)).mean() <= 4


def test_a_photograph_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn it by 90° clockwise
    Image.fromarray(np.rot90(255 - INK).copy()).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert np.abs(np.subtract(prepare(read_image(tmp_path / "turned.jpg")), CLEAN, dtype=int)).mean() <= 2


@pytest.mark.parametrize("shape", [(28, 28), (9, 12), (40, 500), (2000, 1500), (3000, 200)])
def test_any_size(tmp_path: Path, network: nn.Network, shape: tuple[int, int]) -> None:
    height = 0.8 * min(shape[0], 1.5 * shape[1])
    Image.fromarray(255 - drawn(3, shape, height, max(height / 9, 1))).save(tmp_path / "three.png")
    assert answer(network, read_image(tmp_path / "three.png")) == 3


# ---- photographs ----


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    digit=st.integers(0, 9),
    shade=st.floats(0, 0.6),
    noise=st.floats(0, 0.04),
    pen=st.floats(0.4, 0.9),
    height=st.integers(110, 190),
    board=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_uneven_light_noise_and_faint_ink(
    network: nn.Network, digit: int, shade: float, noise: float, pen: float, height: int, board: bool, seed: int
) -> None:
    picture = on_paper(drawn(digit, (300, 260), height, height / 9), shade, noise, pen, seed)
    assert answer(network, find_ink(1 - picture if board else picture)) == digit


def test_shadow_specks_and_the_edge_of_the_table_do_not_count(network: nn.Network) -> None:
    for digit in range(10):
        picture = on_paper(drawn(digit, (300, 300), 170, 18), shade=0.2, seed=digit)
        x, y = np.meshgrid(np.linspace(0, 1, 300), np.linspace(0, 1, 300))
        picture *= 1 - 0.5 / (1 + np.exp(40 * (x + y / 3 - 0.8)))  # half of it in a shadow
        picture[20:23, 250:252] = picture[280:283, 30:33] = 0.1
        picture[x + y < 0.15] = 0.2
        assert answer(network, find_ink(picture)) == digit


def test_a_clean_picture_of_mnist_is_read_as_its_original(real_mnist: Path, network: nn.Network) -> None:
    """1,000 test images as dark on light and light on dark: 98.5 % of the originals are right, 98.6 % of these."""
    test = load_dataset(str(real_mnist)).test.select(slice(0, 1000))
    original = np.mean(nn.predict(network, test.images).argmax(axis=1) == test.labels)
    for pictures in (test.images / 255, 1 - test.images / 255):
        images = np.stack([prepare(find_ink(picture)) for picture in pictures])
        assert np.mean(nn.predict(network, images).argmax(axis=1) == test.labels) >= original - 0.005


# ---- refusals ----

RNG = np.random.default_rng(5)
HOPELESS = {
    "white": (np.ones((60, 40)), "has only one colour"),
    "black": (np.zeros((60, 40)), "has only one colour"),
    "all ink": (np.full((60, 40), 0.3), "has only one colour"),
    "empty paper": (on_paper(np.zeros((200, 200), np.uint8)), "pieces"),
    "a gradient": (np.linspace(0, 1, 300) * np.ones((200, 1)), "nothing stands out"),
    "white noise": (RNG.random((300, 300)), "nothing stands out"),
    "few bright pixels": ((RNG.random((300, 300)) < 0.01) * 1.0, "pieces: expected one digit"),
    "a chequerboard": ((np.indices((200, 200)) // 10).sum(axis=0) % 2 * 1.0, "reaches along the picture's edges"),
    "stripes": (np.indices((200, 200))[0] // 10 % 2 * 1.0, "pieces"),
    "a page of digits": (np.tile(drawn(3, (50, 50), 36, 4), (4, 4)) / 255, "in 16 pieces"),
    "a patch": (np.pad(np.ones((50, 60)), 60), "a solid patch"),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_pictures_without_a_digit_are_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    brightness, reason = HOPELESS[name]
    bytes_of(brightness).save(tmp_path / "picture.png")
    message = refusal(read_image, tmp_path / "picture.png")
    assert reason in message
    assert message.startswith(f"{tmp_path / 'picture.png'}: ")


def png(width: int, height: int) -> bytes:
    """A PNG that declares any size, and holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def stored(format: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(255 - INK).save(content, format)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a picture, expected one of the formats PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture"),
        (png(9000, 9000), "has 9,000 × 9,000 pixels, expected at most 25 million"),
        (png(60_000, 60_000), "expected at most 25 million"),
        (png(2**31 - 1, 2**31 - 1), "has too many pixels, expected at most 25 million"),
        (png(7, 5), "has 7 × 5 pixels, expected at least 8 on a side"),
        (png(300, 300), "the picture is damaged"),
        (stored()[:900], "the picture is damaged"),
        (stored("JPEG")[:900], "the picture is damaged"),
    ],
)
def test_unusable_files_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    found = refusal(read_image, tmp_path / "picture.png")
    assert message in found
    assert found.startswith(f"{tmp_path / 'picture.png'}: ")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(read_image, tmp_path / "missing.png")
    assert "is a directory" in refusal(read_image, tmp_path)


@needs_pipes
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe" in refusal(read_image, tmp_path / "pipe")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, format: str) -> None:
    @settings(max_examples=60)
    @given(damaged(stored(format)))
    def check(content: bytes) -> None:
        (tmp_path / "picture").write_bytes(content)
        only_bad_input(read_image, tmp_path / "picture")

    check()


@settings(max_examples=100)
@given(st.data())
def test_any_picture_gives_ink_or_a_reason(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    levels = data.draw(st.sampled_from([2, 3, 20, 256]))
    coarse = rng.integers(0, levels, [-(-length // data.draw(st.integers(1, 20))) for length in shape])
    scale = -(-shape[0] // coarse.shape[0]), -(-shape[1] // coarse.shape[1])
    brightness = np.kron(coarse, np.ones(scale))[: shape[0], : shape[1]] / (levels - 1)
    try:
        ink = find_ink(brightness)
    except nn.BadInput:
        pass
    else:
        assert (ink.shape, ink.dtype) == (shape, np.uint8)
        assert prepare(ink).max() == 255


# ---- the examples ----


def test_the_example_pictures_are_drawn_by_code_and_read(tmp_path: Path, network: nn.Network) -> None:
    examples(tmp_path)
    names = {"two.png": 2, "three.jpg": 3, "five.png": 5, "seven.png": 7, "eight.png": 8}
    assert sorted(path.name for path in (ROOT / "resources" / "handwriting").iterdir()) == sorted(names)
    for name, digit in names.items():
        shown, made = (np.asarray(Image.open(place / name)) for place in (ROOT / "resources" / "handwriting", tmp_path))
        assert np.abs(np.subtract(shown, made, dtype=int)).max() <= 2
        assert answer(network, read_image(tmp_path / name)) == digit

"""Picture files within bounds: what takes gigabytes or many seconds is refused before anything of it is decoded."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from nn_from_scratch.handwriting import decoding
from nn_from_scratch.handwriting.decoding import decode
from nn_from_scratch.handwriting.drawing import prepare
from nn_from_scratch.handwriting.picture import read_image
from tests.data.samples import refusal
from tests.handwriting.strokes import drawn

INK = drawn(3)  # (280, 280)
PAPER = 255 - INK


def stored(image: Image.Image, format: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def decoded(directory: Path, content: bytes) -> np.ndarray:
    (directory / "picture").write_bytes(content)
    with open(directory / "picture", "rb") as file:
        return decode(file)


# ---- what is refused ----


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, before: bytes = b"") -> bytes:
    """A black PNG with these chunks before its pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(height * (1 + width)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", pixels) + chunk(b"IEND")


def webp(kind: bytes, width: int, height: int) -> bytes:
    """The beginning of a WebP of one of the three kinds."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    content = {
        b"VP8X": bytes(4) + canvas,
        b"VP8L": b"\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little") + bytes(5),
        b"VP8 ": b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height),
    }[kind]
    return b"RIFF" + struct.pack("<I", 12 + len(content)) + b"WEBP" + kind + struct.pack("<I", len(content)) + content


def jpeg(scans: int) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    content = stored(Image.fromarray(PAPER), "JPEG", progressive=True)
    start, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:end] + content[start:end] * (scans - content.count(b"\xff\xda")) + content[end:]


def bmp(width: int, height: int, runs: bytes) -> bytes:
    """A run-length encoded BMP."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + len(head) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + head + bytes(1024) + runs


def tiff(*more: tuple[int, int, int], pieces: int = 0) -> bytes:
    """A TIFF of 100 × 100 pixels with more tags: (number, type, value). With `pieces`, it is in as many strips."""
    tags = [(256, 4, 100), (257, 4, 100), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1), *more]
    start = 8 + 2 + 12 * (len(tags) + bool(pieces)) + 4
    entries = [struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags]
    if pieces:
        entries.append(struct.pack("<HHII", 273, 4, pieces, start))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4 + 4 * pieces)


GIF = stored(Image.fromarray(PAPER), "GIF")
GIF_HEAD = 13 + 3 * 2 ** ((GIF[10] & 7) + 1)
JPEG = stored(Image.fromarray(PAPER), "JPEG")
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "webp": (lambda: webp(b"VP8X", 7700, 7700), "has 7,700 × 7,700 pixels, expected at most 25 million"),
    "webp, lossless": (lambda: webp(b"VP8L", 7700, 7701), "has 7,700 × 7,701 pixels, expected at most 25 million"),
    "webp, simple": (lambda: webp(b"VP8 ", 16383, 5000), "has 16,383 × 5,000 pixels, expected at most 25 million"),
    "png, narrow": (lambda: png(1, 20_000_000), "has 1 × 20,000,000 pixels, expected at most 65,535 on a side"),
    "png, flat": (lambda: png(20_000_000, 1), "has 20,000,000 × 1 pixels, expected at most 65,535 on a side"),
    "png, large": (lambda: png(5001, 5000), "has 5,001 × 5,000 pixels, expected at most 25 million"),
    "png, chunks": (lambda: png(60, 60, chunk(b"abCd") * 100_000), "is made of more than 200,000 parts"),
    "jpeg, scans": (lambda: jpeg(400), "is a JPEG of 400 scans, expected at most 50"),
    "jpeg, comments": (lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 70_000 + JPEG[2:], "is made of more than 200,000 parts"),
    "pgm, large": (lambda: b"P5 7000 4000 100 ", "has 7,000 × 4,000 pixels, expected at most 25 million"),
    "pgm, comments": (lambda: b"P5 " + b"#\n" * 5000 + b"8 8 255 ", "its header has no width, height and value of"),
    "pgm, comments in text": (lambda: b"P2 8 8 255 " + b"#\n" * 10_001 + b"1 " * 64, "more than 10,000 comments"),
    "bmp, runs": (lambda: bmp(65_500, 381, b"\1\1\0\0" * 381), "has run-length encoded 65,500 × 381 pixels, expected"),
    "gif, comments": (
        lambda: GIF[:GIF_HEAD] + b"!\xfe\x01a\0" * 70_000 + GIF[GIF_HEAD:],
        "is made of more than 200,000 parts",
    ),
    "tiff, tile": (lambda: tiff((322, 4, 30_000), (323, 4, 30_000)), "has a tile of 30,000 × 30,000 pixels, expected"),
    "tiff, small tiles": (lambda: tiff((322, 4, 1), (323, 4, 1)), "has a tile of 1 × 1 pixels, expected at least 8"),
    "tiff, strips": (lambda: tiff(pieces=200_001), "is a TIFF in 200,001 pieces, expected at most 200,000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_take_too_much_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make, message = HOSTILE[name]
    (tmp_path / "picture").write_bytes(make())

    def too_late(*_: object) -> None:
        raise AssertionError("it is being decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", too_late)
    monkeypatch.setattr("PIL._webp.WebPAnimDecoder", too_late)
    found = refusal(read_image, tmp_path / "picture")
    assert found.startswith(f"{tmp_path / 'picture'}: ")
    assert message in found


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_BYTES", len(JPEG) - 1)
    (tmp_path / "picture").write_bytes(JPEG)
    assert f"{len(JPEG):,} bytes are too many, expected at most" in refusal(read_image, tmp_path / "picture")


# ---- what is read ----


def large() -> dict[str, bytes]:
    """Pictures of 24 million pixels, of the kinds that take most."""
    grey = Image.fromarray(PAPER).resize((6000, 4000))
    clear = Image.merge("RGBA", [grey, grey, grey, grey.point(lambda value: 255 - value)])
    values = np.asarray(grey)
    return {
        "webp": stored(clear, "WEBP", lossless=True, method=0, quality=0),
        "png, 16 bits": stored(Image.fromarray(values.astype(np.uint16) * 257), "PNG", compress_level=1),
        "jpeg, progressive": stored(grey.convert("CMYK"), "JPEG", progressive=True, subsampling=0),
        "pgm": b"P5 6000 4000 100 " + (values // 2.56).astype(np.uint8).tobytes(),
        "ppm, 16 bits": b"P6 6000 4000 1000 " + np.repeat(values, 3).astype(">u2").tobytes(),
    }


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory that a process had")
def test_pictures_of_24_megapixels_are_read_in_500_megabytes(tmp_path: Path) -> None:
    for name, content in large().items():
        (tmp_path / name).write_bytes(content)
    program = (
        "import re, sys; from nn_from_scratch.handwriting.picture import read_image\n"
        "for path in sys.argv[1:]:\n"
        "    ink = read_image(path)\n"
        "    peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]\n"
        "    print(*ink.shape, int(ink.mean()), peak)\n"
    )
    command = [sys.executable, "-c", program, *map(str, tmp_path.iterdir())]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    for path, line in zip(tmp_path.iterdir(), result.stdout.splitlines(), strict=True):
        height, width, ink, peak = map(int, line.split())
        assert 400 <= (height * width) ** 0.5 < 800, path.name
        assert ink == pytest.approx(INK.mean(), rel=0.1), path.name
        assert peak < 500_000, path.name


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_of_a_large_phone_is_decoded_at_a_smaller_size(tmp_path: Path, options: dict) -> None:
    content = stored(Image.fromarray(PAPER).resize((7700, 7700)), "JPEG", **options)
    if options:  # each scan goes over the whole picture, so the whole of it must be in memory
        (tmp_path / "picture").write_bytes(content)
        assert "has 7,700 × 7,700 pixels, expected at most 25 million" in refusal(read_image, tmp_path / "picture")
    else:
        assert decoded(tmp_path, content).shape == (482, 482)


def test_scans_are_counted_in_the_picture_alone(tmp_path: Path) -> None:
    """Not those in a preview beside it, nor what only looks like one in other data."""
    exif = b"Exif\0\0" + JPEG
    preview = b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + JPEG[2:]
    for content, expected in (
        (JPEG, 1),
        (preview, 1),
        (JPEG + b"\xff\xda" * 1000, 1),
        (b"\xff\xd8" + b"\xff" * 9 + JPEG[2:], 1),
        (jpeg(6), 6),
        (jpeg(50), 50),
        (JPEG[:-9], 1),
        (JPEG[:2], 0),
        (b"\xff\xda\xff\xda", 1),
    ):
        assert decoding._scans(io.BytesIO(content)) == expected


ORIENTED = Image.fromarray(np.rot90(PAPER).copy())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("times", [1, 4])
def test_pictures_are_turned_as_their_exif_says(tmp_path: Path, format: str, times: int) -> None:
    """The camera was held upright: turn it by 90° clockwise. Reduced or not."""
    exif = Image.Exif()
    exif[0x0112] = 6
    large = ORIENTED.resize((280 * times, 300 * times))
    found = decoded(tmp_path, stored(large, format, exif=exif, **({"lossless": True} if format == "WEBP" else {})))
    assert found.shape[1] > found.shape[0]
    image = prepare(np.uint8(255 - np.rint(255 * found)))
    expected = prepare(255 - np.asarray(Image.fromarray(PAPER).resize((300 * times, 280 * times))))
    assert np.abs(np.subtract(image, expected, dtype=int)).mean() <= 2


def test_a_picture_reduced_in_strips_is_as_one_reduced_whole(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3001, 2003, 3), dtype=np.uint8)
    colours[:, :, 0] //= 2
    colours[::2] //= 2
    image = Image.fromarray(colours)
    whole = np.asarray(image.reduce(6)) / 255
    expected = whole[..., whole.std(axis=(0, 1)).argmax()]
    np.testing.assert_array_equal(decoded(tmp_path, stored(image, "BMP")), expected)


# ---- Netpbm ----


def netpbm(kind: int, white: int, values: np.ndarray) -> bytes:
    """A picture of these values with a comment in its header and, where it is text, one in its pixels."""
    height, width = values.shape[:2]
    head = f"P{kind}\n# a comment: 3 4\n{width} {height}\n" + ("" if kind in (1, 4) else f"{white}\n")
    if kind in (1, 2, 3):
        return f"{head}{' '.join(map(str, values.ravel().tolist()))} # the end 7\n".encode()
    if kind == 4:
        return head.encode() + np.packbits(values.astype(bool), axis=1).tobytes()
    return head.encode() + values.astype(np.uint8 if white < 256 else ">u2").tobytes()


@pytest.mark.parametrize("white", [1, 100, 255, 256, 1000, 65535])
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6])
def test_netpbm(tmp_path: Path, kind: int, white: int) -> None:
    rng = np.random.default_rng(kind)
    if kind in (1, 4):
        values = rng.integers(0, 2, (33, 21))
        expected = 1.0 - values  # 1 is ink
    else:
        values = rng.integers(0, white + 1, (33, 21, 3) if kind in (3, 6) else (33, 21))
        expected = np.rint(values * (255 / white)) / 255
    if expected.ndim == 3:
        expected = expected[..., expected.std(axis=(0, 1)).argmax()]
    np.testing.assert_array_equal(decoded(tmp_path, netpbm(kind, white, values)), expected)


def test_a_bitmap_as_text_needs_no_spaces(tmp_path: Path) -> None:
    assert decoded(tmp_path, b"P1 9 2\n010000001\n1111#2\n11110")[:, [0, 1, 8]].tolist() == [[1, 0, 0], [0, 0, 1]]


def test_values_above_white_are_white(tmp_path: Path) -> None:
    assert decoded(tmp_path, b"P5 8 1 100\n" + bytes([0, 50, 100, 101, 200, 255, 0, 0]))[0, 2:6].tolist() == [1] * 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"P5 8 8 255 " + bytes(63), "is damaged (63 numbers of 0 to 255, expected (8, 8))"),
        (b"P6 8 8 1000 " + bytes(383), "is damaged (191 numbers of 0 to 1000, expected (8, 8, 3))"),
        (b"P4 9 8 " + bytes(15), "is damaged (63 numbers"),
        (b"P1 8 8 " + b"0" * 63, "is damaged (63 numbers"),
        (b"P2 8 8 255 " + b"1 " * 63, "is damaged (63 numbers"),
        (b"P5 8 8 0 " + bytes(64), "is damaged (white is 0, expected 1 to 65535)"),
        (b"P5 8 8 65536 " + bytes(128), "is damaged (white is 65536, expected 1 to 65535)"),
        (b"P5 8 8", "its header has no width, height and value of white"),
        (b"P5 8 -8 255 ", "its header has no width"),
        (b"P5 100000 8 255 ", "expected at most 65,535 on a side"),
        (b"P5 7 7 255 " + bytes(49), "has 7 × 7 pixels, expected at least 8"),
        (b"P7\nWIDTH 8\n", "is not a picture"),
        (b"P2 8 8 255 " + b"1 " * 20 + b"x " + b"1 " * 43, "the picture is damaged"),
    ],
)
def test_unusable_netpbm(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "picture").write_bytes(content)
    assert message in refusal(read_image, tmp_path / "picture")

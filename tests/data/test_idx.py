from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.idx import load_idx_directory, read_idx
from tests.data.samples import damaged, idx_bytes, needs_pipes, only_bad_input, pictures, refusal, write_idx_files

same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
IMAGES, LABELS = pictures(6)


def write(directory: Path, content: bytes, name: str = "file.idx") -> Path:
    (directory / name).write_bytes(content)
    return directory / name


@same_file
@given(array=npst.arrays(np.uint8, npst.array_shapes(min_dims=3, max_dims=3, max_side=9)), zipped=st.booleans())
def test_what_is_written_is_read(tmp_path: Path, array: np.ndarray, zipped: bool) -> None:
    content = idx_bytes(array)
    path = write(tmp_path, gzip.compress(content) if zipped else content)
    np.testing.assert_array_equal(read_idx(path, 3), array)
    labels = write(tmp_path, idx_bytes(array.ravel()))
    np.testing.assert_array_equal(read_idx(labels, 1), array.ravel())


@pytest.mark.parametrize("joint", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_directory_under_each_spelling(tmp_path: Path, joint: str, suffix: str) -> None:
    for path in write_idx_files(tmp_path / "set").iterdir():
        content = path.read_bytes() if suffix else gzip.decompress(path.read_bytes())
        path.with_name(path.name.replace("-idx", f"{joint}idx").removesuffix(".gz") + suffix).write_bytes(content)
        if joint == "." or not suffix:
            path.unlink()
    train, test = load_idx_directory(tmp_path / "set")
    assert (len(train), len(test)) == (30, 10)
    np.testing.assert_array_equal(train.images, pictures(30, 28, 1)[0])
    np.testing.assert_array_equal(test.labels, pictures(10, 28, 2)[1])


def test_a_directory_in_the_place_of_a_file_is_passed_over(tmp_path: Path) -> None:
    write_idx_files(tmp_path / "set")
    (tmp_path / "set" / "train-images-idx3-ubyte").mkdir()  # as some unpackers make it
    assert len(load_idx_directory(tmp_path / "set")[0]) == 30


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty, expected IDX images"),
        (idx_bytes(LABELS), "begins with 0x00000801 (IDX labels), expected the magic number 0x00000803 of IDX images"),
        (b"<!DOCTYPE html>", "begins with 0x3c21444f (a web page saved in its place?)"),
        (b"\x00\x00\x0d\x03" + bytes(40), "begins with 0x00000d03, expected the magic number 0x00000803"),
        (idx_bytes(IMAGES)[:15], "ends after 15 bytes, expected a header of 16"),
        (b"\x00\x00", "begins with 0x00000000"),
        (idx_bytes(IMAGES)[:-1], "its header declares 6 × 8 × 8 = 384 bytes after it, found 383"),
        (idx_bytes(IMAGES)[:16], "found 0"),
        (idx_bytes(IMAGES) + b"\n", "= 384 bytes after it, found more"),
        (struct.pack(">4I", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1), "expected at most 201,326,592"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0)[:-20], "the compressed data end too early; the file is cut short"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0)[:-4], "the compressed data end too early; the file is cut short"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0) + b"trailing", "the compressed data are damaged"),
        (gzip.compress(idx_bytes(IMAGES) + b"!", mtime=0), "found more"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0)[:10] + b"\xff" * 40, "the compressed data are damaged"),
        (
            gzip.compress(idx_bytes(IMAGES), mtime=0)[:-8] + bytes(8),
            "the compressed data are damaged (CRC check failed",
        ),
        (gzip.compress(struct.pack(">4I", 0x803, 60_000, 28, 28), mtime=0), "expected at most 16,7"),
    ],
)
def test_unusable_images(tmp_path: Path, content: bytes, expected: str) -> None:
    path = write(tmp_path, content)
    message = refusal(read_idx, path, 3)
    assert message.startswith(f"{path}: ")
    assert expected in message


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    bomb = gzip.compress(struct.pack(">4I", 0x803, 150_000, 28, 28) + bytes(150_000 * 28 * 28))
    path = write(tmp_path, bomb)
    tracemalloc.start()
    assert "declares 150000 × 28 × 28" in refusal(read_idx, path, 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000, "nothing is expanded: it would take 117,600,000 bytes"


def test_labels_and_images_must_agree(tmp_path: Path) -> None:
    message = refusal(load_idx_directory, write_idx_files(tmp_path / "set", train_labels=idx_bytes(LABELS)))
    assert "train-labels-idx1-ubyte.gz: 6 labels, expected 30, one for each image in" in message
    message = refusal(load_idx_directory, write_idx_files(tmp_path / "set", t10k_labels=idx_bytes(LABELS[:0])))
    assert "t10k-labels-idx1-ubyte.gz: 0 labels, expected 10" in message
    empty = write_idx_files(
        tmp_path / "set",
        t10k_images=idx_bytes(np.zeros((0, 28, 28), np.uint8)),
        t10k_labels=idx_bytes(np.zeros(0, np.uint8)),
    )
    assert "no images, its shape is (0, 28, 28)" in refusal(load_idx_directory, empty)
    other_size = write_idx_files(tmp_path / "set", t10k_images=idx_bytes(pictures(10, 14)[0]))
    assert "the training set has images of 28 × 28 pixels, but the test set images of 14 × 14 pixels" in refusal(
        load_dataset, other_size
    )


@pytest.mark.parametrize("missing", ["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"])
def test_images_without_labels_and_the_reverse(tmp_path: Path, missing: str) -> None:
    (write_idx_files(tmp_path / "set") / f"{missing}.gz").unlink()
    message = refusal(load_idx_directory, tmp_path / "set")
    assert message == f"{tmp_path / 'set'}: has no file {missing}, expected it there, or {missing}.gz"


def test_what_is_no_file(tmp_path: Path) -> None:
    assert refusal(read_idx, tmp_path, 3) == f"{tmp_path}: is a directory, expected a file"
    assert refusal(read_idx, tmp_path / "none", 3) == f"{tmp_path / 'none'}: no such file"


@needs_pipes
def test_a_pipe_or_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe or a device" in refusal(read_idx, tmp_path / "pipe", 3)
    assert "is a pipe or a device" in refusal(read_idx, Path("/dev/zero"), 3)
    assert "can't be read (File name too long)" in refusal(read_idx, tmp_path / ("x" * 300), 3)
    assert "can't be read (File name too long)" in refusal(load_idx_directory, tmp_path / ("x" * 300))


def test_a_name_with_a_line_end_stays_on_one_line(tmp_path: Path) -> None:
    assert r"two\nlines.idx: is empty" in refusal(read_idx, write(tmp_path, b"", "two\nlines.idx"), 3)


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, idx_bytes(IMAGES))

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)  # chmod would not stop a test that runs as root
    assert refusal(read_idx, path, 3) == f"{path}: can't be read (Permission denied)"


@same_file
@given(content=damaged(idx_bytes(IMAGES)) | damaged(gzip.compress(idx_bytes(IMAGES))))
def test_damage_is_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    only_bad_input(read_idx, write(tmp_path, content), 3)
    only_bad_input(load_dataset, write(tmp_path, content))


def test_the_real_thing(real_mnist: Path) -> None:
    data = load_dataset(real_mnist)
    assert data.train.images.shape == (60_000, 28, 28)
    assert data.test.images.shape == (10_000, 28, 28)
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert round(float(data.train.images.mean()) / 255, 4) == 0.1307
    assert data.fingerprint() == "25c98f992c005963"
    assert len(data.only_classes([1, 2]).test) == 2167

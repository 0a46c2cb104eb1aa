from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.npz import load_npz
from tests.data.samples import damaged, npz_bytes, only_bad_input, pictures, refusal, zip_bytes

same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
X, Y = pictures(14)
GOOD: dict[str, np.ndarray] = {"x_train": X, "y_train": Y, "x_test": X[:5], "y_test": Y[:5]}


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array, version=version, allow_pickle=True)
    return content.getvalue()


def with_member(name: str, content: bytes) -> bytes:
    return zip_bytes({**{f"{key}.npy": npy(array) for key, array in GOOD.items()}, f"{name}.npy": content})


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode()


class Tripwire:
    touched = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Tripwire, "touched", True)


@pytest.mark.parametrize("name", ["mnist.npz", "no_ending"])
def test_keras_layout(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(npz_bytes(**GOOD))
    data = load_dataset(path)
    for part, found in (("train", data.train), ("test", data.test)):
        np.testing.assert_array_equal(found.images, GOOD[f"x_{part}"])
        np.testing.assert_array_equal(found.labels, GOOD[f"y_{part}"])
    assert data.name == str(path)


@pytest.mark.parametrize("dtype", [np.int64, ">i4", np.uint16, np.int8])
def test_labels_may_be_any_whole_numbers(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(npz_bytes(**{**GOOD, "y_train": Y.astype(dtype)}))
    labels = load_npz(path)[0].labels
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, Y)


@pytest.mark.parametrize("shape", [(14, 3), (14, 9, 16), (14, 3, 8, 8)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_floats_are_taken_as_they_are(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(0).normal(0, 50, shape).astype(dtype)
    (tmp_path / "a.npz").write_bytes(npz_bytes(x_train=x, y_train=Y, x_test=x[:5], y_test=Y[:5]))
    data = load_dataset(tmp_path / "a.npz")
    np.testing.assert_array_equal(data.train.images, x.astype(np.float32))
    assert data.train.images.dtype == np.float32
    assert data.train.sample_shape == ((1, 9, 16) if len(shape) == 3 else shape[1:])


@pytest.mark.parametrize("shape", [(14, 8, 5), (14, 3, 8, 5)])
def test_images_that_are_not_square_and_in_colour(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (tmp_path / "a.npz").write_bytes(npz_bytes(x_train=x, y_train=Y + 100, x_test=x[:5], y_test=Y[:5]))
    data = load_dataset(tmp_path / "a.npz")
    np.testing.assert_array_equal(data.train.images, x)
    assert data.class_names == tuple(map(str, range(110)))


def test_column_order_version_2_and_further_arrays(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(npz_bytes(**{**GOOD, "x_train": np.asfortranarray(X), "notes": np.zeros(3)}))
    np.testing.assert_array_equal(load_npz(path)[0].images, X)
    path.write_bytes(with_member("x_train", npy(X, (2, 0))))
    np.testing.assert_array_equal(load_npz(path)[0].images, X)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            npz_bytes(x_train=X, y_train=Y),
            "has no x_test.npy, expected x_train, y_train, x_test and y_test; found x_tr",
        ),
        (
            npz_bytes(**{**GOOD, "x_train": X / 255}),
            "the training set has samples of 8 × 8 numbers, but the test set im",
        ),
        (
            npz_bytes(**{**GOOD, "x_train": np.full((14, 8, 8), np.inf)}),
            "x_train: sample 1 has a value that is not a finite float32",
        ),
        (npz_bytes(**{**GOOD, "x_train": X * 1e39}), "x_train: sample 1 has a value that is not a finite float32"),
        (
            npz_bytes(**{**GOOD, "x_train": X.astype(int)}),
            "x_train is int64 (14, 8, 8), expected images, uint8 (N, rows, ",
        ),
        (
            npz_bytes(**{**GOOD, "x_train": X.reshape(14, 64)}),
            "x_train is uint8 (14, 64), expected images, uint8 (N, rows, ",
        ),
        (npz_bytes(**{**GOOD, "y_test": np.eye(10)[Y[:5]]}), "y_test is float64 (5, 10), expected whole numbers (N,)"),
        (npz_bytes(**{**GOOD, "y_train": Y[:3]}), "y_train: 3 labels, expected 14, one for each image in"),
        (npz_bytes(**{**GOOD, "y_train": Y + 256 * (Y == 3).astype(int)}), "label 259 of image 4, expected 0 to 255"),
        (npz_bytes(**{**GOOD, "y_train": Y - np.int8(1)}), "y_train: label -1 of image 1, expected 0 to 255"),
        (npz_bytes(**{**GOOD, "x_test": X[:0], "y_test": Y[:0]}), "x_test: no images, its shape is (0, 8, 8)"),
        (
            npz_bytes(**{**GOOD, "x_test": X[:5, :4, :4]}),
            "training set has images of 8 × 8 pixels, but the test set images of 4 × 4 pixels",
        ),
        (with_member("x_train", npy(X)[:-1]), "x_train: declares uint8 (14, 8, 8) = 896 bytes, found 895"),
        (with_member("x_train", npy(X) + b"!"), "x_train: declares uint8 (14, 8, 8) = 896 bytes, found more"),
        (with_member("x_train", b""), "x_train: is not a NumPy array"),
        (with_member("x_train", b"\x93NUMPY\x03\x00" + bytes(9)), "x_train: is .npy version (3, 0), expected (1, 0)"),
        (with_member("x_train", header("{")), "x_train: is not a NumPy array"),
        (with_member("x_train", header("(" * 3000)), "x_train: is not a NumPy array"),
        (with_member("x_train", header("1 " * 3000)), "x_train: is not a NumPy array"),
        (
            with_member("x_train", header("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 28, 28)}")),
            "x_train: declares uint8 (99999999999, 28, 28), expected at most",
        ),
        (
            with_member("x_train", header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -28, 28)}")),
            "x_train: declares the shape (-1, -28, 28), expected no negative extent",
        ),
        (
            with_member("x_train", header("{'descr': '|V0', 'fortran_order': False, 'shape': (99999999999,)}")),
            "x_train: declares |V0 (99999999999,), expected at most",
        ),
        (zip_bytes({"x_train.npy": bytes(40_000_000)}), "'x_train.npy': declares 40,000,000 bytes, expected at most"),
        (npy(X), "is a single NumPy array, expected an .npz archive like Keras's mnist.npz"),
    ],
)
def test_unusable_archives(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    message = refusal(load_dataset, path)
    assert message.startswith(f"{path}: ")
    assert expected in message


def test_pickled_objects_are_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(with_member("y_train", npy(np.array([Tripwire()] * 14, dtype=object))))
    np.load(path, allow_pickle=True)["y_train"]  # the tripwire works …
    assert Tripwire.touched
    Tripwire.touched = False
    assert "y_train: holds pickled objects, expected numbers" in refusal(load_dataset, path)
    assert not Tripwire.touched  # … and wasn't touched


@same_file
@given(content=damaged(npz_bytes(**GOOD)) | damaged(zip_bytes({f"{k}.npy": npy(a) for k, a in GOOD.items()})))
def test_damage_is_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    only_bad_input(load_dataset, path)
    only_bad_input(load_npz, path)


@same_file
@given(content=damaged(npy(X)) | st.text("{}()[]'\":,. descrfotanhpe_u1iO|<>0-", max_size=80).map(header))
def test_damaged_headers_are_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(with_member("x_train", content))
    only_bad_input(load_npz, path)

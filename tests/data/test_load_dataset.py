from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch.data import Dataset, load_dataset, load_test_set, mnist
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, OFFLINE_VARIABLE
from tests.data.samples import (
    csv_bytes,
    idx_bytes,
    idx_files,
    needs_pipes,
    npz_bytes,
    pictures,
    refusal,
    write_idx_files,
    zip_bytes,
)


def test_the_variable_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    directory = write_idx_files(tmp_path / "set")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(directory))
    for name in (None, "mnist"):
        data = load_dataset(name)
        assert (data.name, len(data.train)) == ("mnist", 30)
        assert data.source == f"the directory {directory} (NN_FROM_SCRATCH_DATA)"
    assert load_dataset("digits").name == "digits"
    other = write_idx_files(tmp_path / "other", train_images=idx_bytes(pictures(30, 28, seed=9)[0]))
    assert load_dataset(other).fingerprint() != data.fingerprint()


@pytest.mark.parametrize("name", [None, "mnist"])
def test_a_variable_that_leads_nowhere_is_no_reason_to_look_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str | None
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "none"))
    message = refusal(load_dataset, name)
    assert message == f"{DIRECTORY_VARIABLE} is '{tmp_path / 'none'}', expected a directory with the files of MNIST"
    (tmp_path / "none").write_text("")
    assert "expected a directory" in refusal(load_dataset, name)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    assert refusal(load_dataset, name).startswith(f"{DIRECTORY_VARIABLE}: {tmp_path}: has no file train-images")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(write_idx_files(tmp_path / "set", t10k_images=b"")))
    assert refusal(load_dataset, name).startswith(f"{DIRECTORY_VARIABLE}: {tmp_path}/set/t10k-images-idx3-ubyte.gz: ")
    labels = idx_bytes(np.full(10, 11, np.uint8))
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(write_idx_files(tmp_path / "set", t10k_labels=labels)))
    assert refusal(load_dataset, name).endswith("-labels-idx1-ubyte.gz: label 11 of image 1, expected 0 to 9")


def test_the_fallback_says_what_it_is_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    data = load_dataset(notify=told.append)
    assert (data.name, len(data.train), len(data.test)) == ("digits", 1437, 360)
    assert all(line.isprintable() for line in told)
    text = "\n".join(told[2:])  # after "downloading …", twice
    assert text == "\n".join(
        [
            "MNIST is neither on this machine nor reachable: using the 1,797 small digits of the package instead.",
            "  tried NN_FROM_SCRATCH_DATA: it isn't set",
            f"  tried the cache {mnist.cache_directory()}: train-labels-idx1-ubyte.gz isn't there",
            "  tried http://127.0.0.1:9/first/: Connection refused",
            "  tried http://127.0.0.1:9/second/: Connection refused",
            "  To get MNIST: try again with a network, or put its four files,",
            f"  {', '.join(sorted(mnist.MNIST.files))},",
            "  into a directory and name it in --data or in the environment variable NN_FROM_SCRATCH_DATA.",
            "  To skip this: --data digits, or NN_FROM_SCRATCH_OFFLINE=1.",
        ]
    )


def test_offline_skips_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    told: list[str] = []
    assert load_dataset(notify=told.append).name == "digits"
    assert told[0].startswith("MNIST is neither")
    assert "  tried no download: NN_FROM_SCRATCH_OFFLINE is set" in told
    assert "127.0.0.1" not in "".join(told)
    monkeypatch.setenv(OFFLINE_VARIABLE, "0")
    assert "127.0.0.1" in refusal(load_dataset, "mnist")


def test_without_a_listener_the_fallback_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="using the 1,797 small digits") as caught:
        assert load_dataset().name == "digits"
    assert caught[0].filename == __file__


def test_asked_for_by_name_it_is_mnist_or_nothing() -> None:
    message = refusal(load_dataset, "mnist")
    assert message.startswith("MNIST is neither on this machine nor reachable; tried NN_FROM_SCRATCH_DATA: it isn't")
    assert message.count("Connection refused") == 2
    assert message.endswith("or use the small set that is part of the package: --data digits")


def test_a_set_in_the_cache_is_complete_or_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx_files(mnist.cache_directory())  # readable, but not MNIST
    assert "is damaged (its MD5 sum is" in refusal(load_dataset, "mnist")


@pytest.mark.parametrize("path", ["none", "", "nul\0byte", "MNIST", "x" * 5000, "\udcff"])
def test_a_path_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no such file or directory, and none of the names mnist, fashion, kmnist, digits" in refusal(
        load_dataset, path
    )


def test_names_go_before_files_of_that_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    write_idx_files(tmp_path / "digits")
    assert len(load_dataset("digits").train) == 1437
    data = load_dataset("./digits")
    assert (data.name, len(data.train), data.source) == ("./digits", 30, "the directory digits")


def test_one_idx_file_of_a_set_means_the_set(tmp_path: Path) -> None:
    directory = write_idx_files(tmp_path / "set")
    for name in idx_files():
        data = load_dataset(directory / name)
        assert (len(data.train), len(data.test)) == (30, 10)
        assert data.name == str(directory / name)
    lonely = tmp_path / "images.idx"
    lonely.write_bytes(idx_bytes(pictures()[0]))
    assert refusal(load_dataset, lonely) == (
        f"{lonely}: is one IDX file, expected the directory with all four, named as those of MNIST"
    )


@needs_pipes
def test_a_pipe_or_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe or a device, expected a regular file" in refusal(load_dataset, tmp_path / "pipe")
    assert "is a pipe or a device, expected a regular file" in refusal(load_dataset, "/dev/zero")


def test_a_directory_without_the_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no file train-images-idx3-ubyte, expected it there" in refusal(load_dataset, tmp_path / "empty")


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "digits.npz").write_bytes(csv_bytes(*pictures(70)))
    assert len(load_dataset(tmp_path / "digits.npz").test) == 10


# ---- the test set ----

TRAIN, TEST = pictures(70, seed=1), pictures(30, seed=2)


def assert_holds(data: Dataset) -> None:
    """All of TRAIN to learn from, all of TEST to be tested on, in the order of the files."""
    for part, (images, labels) in ((data.train, TRAIN), (data.test, TEST)):
        np.testing.assert_array_equal(part.images, images)
        np.testing.assert_array_equal(part.labels, labels)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("mnist_train.csv", "mnist_test.csv"),
        ("mnist_train.csv.zip", "mnist_test.csv.zip"),
        ("Train.zip", "TEST.ZIP"),
        ("train.csv.gz", "test.csv"),
    ],
)
def test_a_directory_with_two_csv_files(tmp_path: Path, train: str, test: str) -> None:
    for name, arrays in ((train, TRAIN), (test, TEST)):
        content = csv_bytes(*arrays, header=True)
        packed = gzip.compress(content) if name.endswith(".gz") else content
        (tmp_path / name).write_bytes(zip_bytes({"a.csv": content}) if name.lower().endswith(".zip") else packed)
    (tmp_path / "notes.txt").write_text("about train.csv and test.csv")
    data = load_dataset(tmp_path)
    assert_holds(data)
    assert (data.name, data.source) == (str(tmp_path), f"the directory {tmp_path}")


def test_a_directory_in_which_the_two_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(csv_bytes(*TRAIN))
    message = refusal(load_dataset, tmp_path)
    assert message == (
        f"{tmp_path}: has the CSV files train.csv: expected one with train and one with test in its name, or the name "
        "of one file"
    )
    for name in ("test.csv", "test.csv.zip", "test-train.csv"):
        (tmp_path / name).write_bytes(csv_bytes(*TEST))
    assert "has the CSV files test-train.csv, test.csv, test.csv.zip, train.csv: exp" in refusal(load_dataset, tmp_path)
    assert len(load_dataset(write_idx_files(tmp_path)).train) == 30  # IDX files leave no doubt


def test_the_test_set_of_a_directory_must_have_labels(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(csv_bytes(*TRAIN))
    (tmp_path / "test.csv").write_bytes(b"0" + b",0" * 63)
    assert f"{tmp_path}/test.csv: line 1: 64 columns, none of which is clearly the label" in refusal(
        load_dataset, tmp_path
    )


def test_test_data_of_its_own(tmp_path: Path) -> None:
    """Of a CSV file all images are for training then; of other data, their own test set is not used."""
    test = tmp_path / "b.csv"
    test.write_bytes(csv_bytes(*TEST))
    (tmp_path / "a.csv").write_bytes(csv_bytes(*TRAIN))
    arrays = {"x_train": TRAIN[0], "y_train": TRAIN[1], "x_test": TRAIN[0], "y_test": TRAIN[1]}
    (tmp_path / "a.npz").write_bytes(npz_bytes(**arrays))
    for name in ("a.csv", "a.npz"):
        data = load_dataset(tmp_path / name, test_data=test)
        assert_holds(data)
        assert (data.name, data.test_data, data.test_fraction) == (str(tmp_path / name), str(test), None)
        assert data.source == f"the file {tmp_path / name}, tested on the file {test}"
    assert refusal(lambda: load_dataset("digits", test_data=test)) == (
        "digits: the training set has images of 28 × 28 pixels, but the test set images of 8 × 8 pixels: "
        "expected the same"
    )
    assert "expected a CSV file as test data" in refusal(lambda: load_dataset("digits", test_data=tmp_path / "a.npz"))
    assert "no such file" in refusal(lambda: load_dataset("digits", test_data=tmp_path / "none.csv"))


def test_a_test_set_alone(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(csv_bytes(*TEST))
    data = load_test_set(tmp_path / "test.csv")
    assert len(data.train) == 0
    np.testing.assert_array_equal(data.test.images, TEST[0])
    np.testing.assert_array_equal(data.test.labels, TEST[1])
    assert data.source == f"the file {tmp_path / 'test.csv'}, all of it for testing"


def test_a_fraction_of_all_images(tmp_path: Path) -> None:
    """Also of those that have a test set of their own; another seed draws others."""
    (tmp_path / "a.csv").write_bytes(csv_bytes(*TRAIN))
    arrays = {"x_train": TRAIN[0], "y_train": TRAIN[1], "x_test": TEST[0], "y_test": TEST[1]}
    (tmp_path / "a.npz").write_bytes(npz_bytes(**arrays))
    for name, images, share in (("a.csv", TRAIN[0], 20), ("a.npz", np.concatenate([TRAIN[0], TEST[0]]), 30)):
        data, again, other = (load_dataset(tmp_path / name, test_fraction=0.3, seed=seed) for seed in (0, 0, 1))
        assert (len(data.train), len(data.test)) == (len(images) - share, share)
        assert np.bincount(data.test.labels).tolist() == [share // 10] * 10
        assert data.fingerprint() == again.fingerprint() != other.fingerprint()
        both = data.train.followed_by(data.test).images.reshape(len(images), -1)
        assert sorted(both.tolist()) == sorted(images.reshape(len(images), -1).tolist())
        assert (data.name, data.test_data, data.test_fraction) == (str(tmp_path / name), None, 0.3)
        assert data.source == f"the file {tmp_path / name}, 30 % of all images set aside for testing"


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_must_leave_something_on_either_side(fraction: float) -> None:
    assert "expected a number between 0 and 1" in refusal(lambda: load_dataset("digits", test_fraction=fraction))


def test_test_data_and_a_fraction_exclude_each_other() -> None:
    message = refusal(lambda: load_dataset("digits", test_data="a.csv", test_fraction=0.5))
    assert message == "test data a.csv and a test fraction of 0.5: expected only one of them"


def test_15_percent_of_mnist(real_mnist: Path) -> None:
    data = load_dataset(real_mnist, test_fraction=0.15)
    assert (len(data.train), len(data.test)) == (59_500, 10_500)
    of_all = np.bincount(load_dataset(real_mnist).train.labels) + np.bincount(load_dataset(real_mnist).test.labels)
    np.testing.assert_allclose(np.bincount(data.test.labels), 0.15 * of_all, atol=0.5)


def test_importing_needs_only_numpy() -> None:
    program = "import sys, nn_from_scratch.data; print(sorted({'pooch', 'requests', 'tqdm'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert mnist.cache_directory().name == "nn_from_scratch"
    assert mnist.cache_directory().is_absolute()


def test_the_real_fashion_mnist(monkeypatch: pytest.MonkeyPatch, real_fashion: Path) -> None:
    monkeypatch.setenv("NN_FROM_SCRATCH_FASHION", str(real_fashion))
    data = load_dataset("fashion")
    assert (data.name, data.noun) == ("fashion", "fashion item")
    assert np.bincount(data.train.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert [data.class_names[label] for label in data.train.labels[:4]] == ["ankle boot", "T-shirt", "T-shirt", "dress"]
    assert "NN_FROM_SCRATCH_FASHION" in data.source


# ---- classes that are words ----


def iris(words: str, name: str = "species") -> bytes:
    """A table with one line for each letter, which is its label."""
    lines = [f"{i}.5,{i % 3},{word}" for i, word in enumerate(words)]
    return "\n".join([f"u,v,{name}", *lines]).encode()


def test_words_mean_the_same_in_both_files_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(iris("cab"))
    (tmp_path / "test.csv").write_bytes(iris("cb"))
    data = load_dataset(tmp_path)
    assert (data.class_names, data.noun) == (("a", "b", "c"), "sample")
    assert [data.class_names[label] for label in data.test.labels] == ["c", "b"]
    assert data.source == f"the directory {tmp_path}, labels in column 3 (species)"
    (tmp_path / "test.csv").write_bytes(iris("cxb"))
    assert "has the class 'x', expected one of a, b, c" in refusal(load_dataset, tmp_path)
    (tmp_path / "test.csv").write_bytes(iris("012"))
    assert "has the class '0', expected one of a, b, c" in refusal(load_dataset, tmp_path)


def test_words_mean_the_same_in_test_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(iris("abcabc"))
    (tmp_path / "b.csv").write_bytes(iris("cc"))
    data = load_dataset(tmp_path / "a.csv", test_data=tmp_path / "b.csv")
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0, 1, 2, 0, 1, 2], [2, 2])
    assert len(data.train) == 6


def test_more_classes_among_the_test_images_are_counted(tmp_path: Path) -> None:
    images, labels = pictures(30)
    (tmp_path / "train.csv").write_bytes(csv_bytes(images, labels))
    (tmp_path / "test.csv").write_bytes(csv_bytes(images, labels + np.uint8(20)))
    assert load_dataset(tmp_path).class_names == tuple(map(str, range(30)))


def test_letters_that_are_numbered_from_1(tmp_path: Path) -> None:
    """As in EMNIST's letters."""
    images, _ = pictures(260)
    labels = (np.arange(260) % 26 + 1).astype(np.uint8)
    files = {"train_images": idx_bytes(images), "train_labels": idx_bytes(labels)}
    files |= {"t10k_images": idx_bytes(images[:52]), "t10k_labels": idx_bytes(labels[:52])}
    data = load_dataset(write_idx_files(tmp_path / "letters", **files))
    assert data.labels == tuple(range(1, 27))
    assert data.only_classes(data.labels).class_names == tuple(map(str, range(1, 27)))
    assert data.only_classes([3, 1]).test.labels.tolist() == [1, 0, 1, 0]

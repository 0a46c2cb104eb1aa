from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch.data import digits, load_dataset
from nn_from_scratch.data.digits import like_mnist, load_digits


def test_the_split_is_fixed_stratified_and_covers_everything() -> None:
    data = load_dataset("digits")
    assert (data.name, data.train.images.shape, data.test.images.shape) == ("digits", (1437, 28, 28), (360, 28, 28))
    train, test = np.bincount(data.train.labels), np.bincount(data.test.labels)
    assert (train + test).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.all(np.abs(test - (train + test) / 5) < 1)
    assert len(set(data.test.labels[:20].tolist())) > 5  # shuffled: hold_out takes the last of the training images
    assert len(set(data.train.labels[-20:].tolist())) > 5
    # Whoever changes the pictures or the split changes every number that was measured on them.
    assert data.fingerprint() == "42ec8f1516ac16e9"


def test_the_stored_file_is_small_and_holds_the_original_values() -> None:
    assert digits.FILE.stat().st_size < 60_000
    with np.load(digits.FILE) as stored:
        assert stored["images"].shape == (1797, 8, 8)
        assert (stored["images"].min(), stored["images"].max()) == (0, 16)
        assert stored["images"].sum() == 561718
    assert "CC BY 4.0" in digits.FILE.with_name("DIGITS-LICENSE.txt").read_text()


def test_it_is_what_the_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn, from which digits.npz is made, isn't installed")
    from nn_from_scratch.data import make_digits

    made = tmp_path / "digits.npz"
    monkeypatch.setattr(make_digits, "FILE", made)
    make_digits.main()
    with np.load(made) as new, np.load(digits.FILE) as old:
        for name in ("images", "labels"):
            np.testing.assert_array_equal(new[name], old[name])
    first = made.read_bytes()
    make_digits.main()
    assert made.read_bytes() == first


def test_centred_by_mass_in_a_box_of_twenty() -> None:
    images = load_digits().train.images.astype(float)
    mass = images.sum(axis=(1, 2))
    for axis in (1, 2):
        centre = images.sum(axis=3 - axis) @ np.arange(28) / mass
        assert abs(np.median(centre) - 14) < 0.05
        assert np.all(np.abs(centre - 14) < 1.2)
    rows = np.asarray((images > 80).any(axis=2))
    height = 28 - rows.argmax(axis=1) - rows[:, ::-1].argmax(axis=1)
    assert np.median(height) == 20
    assert np.mean((height >= 17) & (height <= 22)) > 0.95
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert np.mean(edge > 0) < 0.005  # MNIST leaves a margin of about four


def test_as_bright_as_mnist() -> None:
    images = load_digits().train.images / 255
    assert abs(images.mean() - 0.131) < 0.015  # 0.131: MNIST
    assert abs((images > 0.5).mean() - 0.132) < 0.015
    assert abs((images > 0).mean() - 0.191) < 0.03
    assert np.median(images.max(axis=(1, 2))) == 1


def test_interpolation_keeps_values_and_smoothness() -> None:
    flat = np.full((1, 8, 8), 9, np.uint8)
    inside = like_mnist(flat)[0, 8:20, 8:20]
    assert np.all(inside == round((9 - digits.BLACK) * 255 / (digits.WHITE - digits.BLACK)))
    mirrored = like_mnist(np.stack([np.triu(np.full((8, 8), 16)), np.triu(np.full((8, 8), 16)).T]))
    np.testing.assert_array_equal(mirrored[0], mirrored[1].T)


def test_an_image_moves_with_its_mass_not_with_its_place() -> None:
    dot = np.zeros((2, 8, 8), np.uint8)
    dot[0, 2:4, 2:4] = dot[1, 4:6, 3:5] = 16
    there, elsewhere = like_mnist(dot)
    np.testing.assert_array_equal(there, elsewhere)
    assert there[14, 14] == 255

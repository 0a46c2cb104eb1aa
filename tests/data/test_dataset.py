from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.errors import BadInput, one_line
from tests.data.samples import pictures, refusal


@pytest.fixture
def split() -> Split:
    return Split(*pictures(35))


def test_arrays_of_the_wrong_kind_are_refused() -> None:
    images, labels = pictures(5)
    for wrong_images, wrong_labels, message in (
        (
            images.reshape(5, -1),
            labels,
            r"images are uint8 \(5, 64\), expected uint8 \(N, rows, columns\) or \(N, channels, rows, columns\), or",
        ),
        (images.astype(int), labels, r"images are int64 \(5, 8, 8\), expected uint8"),
        (np.zeros(5), labels, r"images are float64 \(5,\), expected uint8"),
        (images.tolist(), labels, "images are a list, expected uint8"),
        (images, labels.astype(int), r"labels are int64 \(5,\), expected uint8 \(5,\), or floats \(5, outputs\)"),
        (images, labels[:4], r"labels are uint8 \(4,\), expected uint8 \(5,\)"),
        (images, labels / 9, r"labels are float64 \(5,\), expected uint8"),
        (images, np.zeros((4, 1)), r"labels are float64 \(4, 1\), expected uint8"),
        (images, labels.tolist(), "labels are a list, expected uint8"),
    ):
        with pytest.raises(ValueError, match=message):
            Split(wrong_images, wrong_labels)


def test_inputs_and_targets_may_be_floats_of_any_kind() -> None:
    images, labels = pictures(5)
    for x in (np.zeros((5, 3)), np.zeros((5, 3, 8, 8), np.float32), images):
        for t, has_classes in ((labels, True), (np.zeros((5, 2), np.float32), False)):
            split = Split(x, t)
            assert split.has_classes is has_classes
            learning, held_out = split.hold_out(2)
            assert (len(learning), len(held_out)) == (3, 2)


def test_a_data_set_holds_samples_of_one_kind_with_classes() -> None:
    images, labels = pictures(5)
    with pytest.raises(ValueError, match="mine: a data set holds samples with classes, not with targets"):
        Dataset("mine", Split(images, labels), Split(images, np.zeros((5, 1))), "made here")
    for numbers in (np.zeros((5, 3)), np.zeros((5, 8, 8)), np.zeros((5, 3, 8, 8), np.uint8), images[:, :, :7]):
        message = refusal(Dataset, "mine", Split(images, labels), Split(numbers, labels), "made here")
        assert message.startswith("mine: the training set has images of 8 × 8 pixels, but the test set ")


def test_select_takes_slices_indices_and_masks(split: Split) -> None:
    assert len(split) == 35
    for rows in (slice(3, 6), np.array([3, 4, 5]), (np.arange(35) >= 3) & (np.arange(35) < 6)):
        part = split.select(rows)
        assert part.labels.tolist() == [3, 4, 5]
        np.testing.assert_array_equal(part.images, split.images[3:6])
    assert np.shares_memory(split.select(slice(3, 6)).images, split.images)


def test_hold_out_takes_the_last(split: Split) -> None:
    rest, held_out = split.hold_out(10)
    np.testing.assert_array_equal(rest.images, split.images[:25])
    np.testing.assert_array_equal(held_out.images, split.images[25:])
    assert held_out.labels.tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


def test_holding_out_nothing_keeps_everything(split: Split) -> None:
    rest, held_out = split.hold_out(0)
    assert (len(rest), len(held_out)) == (35, 0)


@pytest.mark.parametrize("n", [35, 36, -1])
def test_hold_out_must_leave_something(split: Split, n: int) -> None:
    assert refusal(split.hold_out, n) == f"can't hold out {n} of 35 images: expected 0 to 34"


def test_only_classes_renumbers_in_the_order_given(split: Split) -> None:
    part = split.only_classes([7, 2])
    original = split.labels[np.isin(split.labels, [2, 7])]
    assert part.labels.tolist() == [{7: 0, 2: 1}[label] for label in original.tolist()]
    np.testing.assert_array_equal(part.images, split.images[np.isin(split.labels, [2, 7])])


def test_only_classes_needs_an_image_of_each(split: Split) -> None:
    few = split.select(slice(0, 3))
    assert refusal(few.only_classes, [1, 5]) == "no image has the label 5: expected one of [0, 1, 2]"
    assert "expected different labels" in refusal(split.only_classes, [1, 1])
    assert "at least one" in refusal(split.only_classes, [])


@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=200),
    fraction=st.sampled_from([1 / 7, 0.15, 0.5, 0.9, 0.001]),
    seed=st.integers(0, 5),
)
def test_a_part_set_aside_is_a_stratified_partition(labels: list[int], fraction: float, seed: int) -> None:
    n = len(labels)
    images = np.zeros((n, 4, 4), np.uint8)
    images[:, 0, 0] = np.arange(n)  # a name for each image
    split = Split(images, np.array(labels, np.uint8))
    if len(set(labels)) == n:
        assert "can't set aside a test set" in refusal(split.set_aside, fraction, seed)
        return
    train, test = split.set_aside(fraction, seed)
    assert sorted([*train.images[:, 0, 0], *test.images[:, 0, 0]]) == list(range(n))
    for part in (train, test):
        assert part.labels.tolist() == [labels[name] for name in part.images[:, 0, 0]]
    for label in set(labels):
        count, have = labels.count(label), (test.labels == label).sum()
        assert abs(have - count * fraction) <= 0.5 or have in (1, count - 1)
        assert 0 < have < count or (have, count) == (0, 1)


def test_a_part_set_aside_depends_on_the_seed_and_is_shuffled(split: Split) -> None:
    ordered = Split(split.images[np.argsort(split.labels)], np.sort(split.labels))
    first, again, other = (ordered.set_aside(1 / 7, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert len(set(first.labels[-10:].tolist())) > 4  # sorted, the last ten would be of two or three classes


def test_one_heap_after_the_other(split: Split) -> None:
    first, second = split.select(slice(0, 10)), split.select(slice(10, None))
    together = first.followed_by(second)
    np.testing.assert_array_equal(together.images, split.images)
    np.testing.assert_array_equal(together.labels, split.labels)


def test_datasets_of_two_sizes_are_refused() -> None:
    small, large = Split(*pictures(5, 8)), Split(*pictures(5, 28))
    message = refusal(Dataset, "some/path", large, small, "here")
    assert message == (
        "some/path: the training set has images of 28 × 28 pixels, but the test set images of 8 × 8 pixels: "
        "expected the same"
    )


def test_a_dataset_restricted_to_classes(split: Split) -> None:
    whole = Dataset("digits", split, split.select(slice(0, 10)), "a test", "a.csv", 0.25)
    part = whole.only_classes([1, 2])
    assert (part.name, part.source, part.test_data, part.test_fraction) == ("digits", "a test", "a.csv", 0.25)
    assert whole.test_set_asked_for() == part.test_set_asked_for() == {"test_data": "a.csv", "test_fraction": 0.25}
    assert Dataset("digits", split, split, "a test").test_set_asked_for() == {}
    assert sorted(part.train.labels.tolist()) == [0] * 4 + [1] * 4
    assert part.test.labels.tolist() == [0, 1]


def test_the_names_of_the_classes(split: Split) -> None:
    digits = Dataset("mine", split, split, "here")
    assert digits.class_names == tuple("0123456789")
    assert digits.noun == "picture"
    letters = Dataset("mine", split, split, "here", class_names=tuple("abcdefghij"), noun="letter")
    assert letters.only_classes([7, 2]).class_names == ("h", "c")
    assert letters.only_classes([7, 2]).noun == "letter"
    many = Dataset("mine", Split(split.images, split.labels + np.uint8(20)), split, "here")
    assert many.class_names == tuple(map(str, range(int(split.labels.max()) + 21)))
    with pytest.raises(ValueError, match="label 9, but only 3 class names"):
        Dataset("mine", split, split, "here", class_names=("a", "b", "c"))


def test_a_test_set_may_lack_some_of_the_chosen_classes_but_not_all(split: Split) -> None:
    few = split.select(split.labels < 3)
    data = Dataset("mine", split, few, "here").only_classes([2, 8])
    assert set(data.test.labels.tolist()) == {0}
    message = refusal(Dataset("mine", split, few, "here").only_classes, [8, 9])
    assert message == "mine: its test set has only the labels [0, 1, 2], none of [8, 9]"


def test_an_empty_training_set_has_all_classes(split: Split) -> None:
    part = Dataset("a.csv", split.select(slice(0, 0)), split, "a test").only_classes([7, 2])
    assert (len(part.train), len(part.test)) == (0, 7)


def test_the_fingerprint_tells_any_difference() -> None:
    images, labels = pictures(6, 4)
    test = Split(images[:2], labels[:2])
    original = Dataset("a", Split(images, labels), test, "there")
    assert len(original.fingerprint()) == 16
    assert original.fingerprint() == Dataset("b", Split(images.copy(), labels), test, "here").fingerprint()
    assert original.fingerprint() == Dataset("a", Split(np.asfortranarray(images), labels), test, "").fingerprint()

    pixel, label = images.copy(), labels.copy()
    pixel[5, 3, 3] ^= 1
    label[0] += 1
    flat = Dataset("a", Split(images.reshape(6, 2, 8), labels), Split(images[:2].reshape(2, 2, 8), labels[:2]), "")
    others = [
        Dataset("a", Split(pixel, labels), test, ""),
        Dataset("a", Split(images, label), test, ""),
        Dataset("a", Split(images[::-1], labels[::-1]), test, ""),
        Dataset("a", test, Split(images, labels), ""),
        Dataset("a", Split(images, labels), Split(images[:3], labels[:3]), ""),
        flat,
    ]
    assert len({original.fingerprint(), *(other.fingerprint() for other in others)}) == 7


@given(st.text())
def test_one_line_is_one_short_printable_line(text: str) -> None:
    assert one_line(text, 30).isprintable()
    assert one_line(text, 30) == text or not text.isprintable() or len(text) > 30


def test_bad_input_is_what_callers_expect_of_bad_values() -> None:
    assert issubclass(BadInput, ValueError)

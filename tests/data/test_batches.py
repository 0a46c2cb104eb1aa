"""Mini-batches: every sample once an epoch, in an order that depends on the seed and the epoch's number alone."""

import numpy as np
import pytest

from nn_from_scratch.classes import target_table
from nn_from_scratch.data.batches import Batches, inputs, matching
from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.errors import BadInput


@pytest.fixture
def numbered() -> Split:
    """50 pictures, each of which carries its own number in its first two pixels."""
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 5), dtype=np.uint8)
    images[:, 0, 0] = np.arange(50)
    return Split(images, (np.arange(50) % 3).astype(np.uint8))


def batches_of(split: Split, batch_size: int | None = 8, seed: int = 1, **options) -> Batches:
    return Batches(split, batch_size, (20,), 3, seed, **options)


def order(batches: Batches, epoch: int) -> list[int]:
    return [round(float(row[0]) * 255) for x, _ in batches.epoch(epoch) for row in x]


# ---- epochs ----


@pytest.mark.parametrize("batch_size", [1, 7, 8, 25, 50, 64])
def test_each_epoch_visits_each_sample_exactly_once(numbered, batch_size):
    batches = batches_of(numbered, batch_size)
    for epoch in range(3):
        assert sorted(order(batches, epoch)) == list(range(50))


def test_each_sample_comes_with_its_own_target(numbered):
    for x, t in batches_of(numbered).epoch(0):
        numbers = np.rint(x[:, 0] * 255).astype(int)
        np.testing.assert_array_equal(t, np.eye(3)[numbers % 3])
        np.testing.assert_array_equal(x, inputs(numbered.images[numbers], (20,)))


def test_the_order_is_shuffled_and_differs_between_epochs_and_seeds(numbered):
    batches = batches_of(numbered)
    orders = [order(batches, 0), order(batches, 1), order(batches_of(numbered, seed=2), 0), list(range(50))]
    assert len({tuple(o) for o in orders}) == 4


def test_samples_move_between_batches_not_only_within_or_with_them(numbered):
    """Shuffling only the starts of batches would show the same neighbours together for ever."""
    batches = batches_of(numbered)
    together = [{frozenset(order(batches, e)[i : i + 8]) for i in range(0, 48, 8)} for e in (0, 1)]
    assert not together[0] & together[1]


def test_the_order_depends_on_seed_and_epoch_not_on_what_was_drawn_before(numbered):
    one_by_one = batches_of(numbered)
    orders = [order(one_by_one, epoch) for epoch in range(4)]
    assert order(batches_of(numbered), 3) == orders[3]
    assert order(one_by_one, 1) == orders[1]
    assert order(batches_of(numbered, batch_size=11), 2) == orders[2]


def test_a_spawned_seed_and_its_sibling_give_different_orders(numbered):
    first, second = np.random.SeedSequence(5).spawn(2)
    assert order(batches_of(numbered, seed=first), 0) != order(batches_of(numbered, seed=second), 0)
    assert order(batches_of(numbered, seed=first), 0) == order(batches_of(numbered, seed=first), 0)


def test_an_epoch_can_be_left_early_and_begun_again(numbered):
    batches = batches_of(numbered)
    next(batches.epoch(0))
    assert sorted(order(batches, 0)) == list(range(50))


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(8, [8] * 6 + [2]), (25, [25, 25]), (50, [50]), (64, [50]), (1, [1] * 50), (None, [50])]
)
def test_only_the_last_batch_may_be_smaller(numbered, batch_size, sizes):
    batches = batches_of(numbered, batch_size)
    assert [len(x) for x, _ in batches.epoch(0)] == [len(t) for _, t in batches.epoch(0)] == sizes
    assert len(batches) == len(sizes)


def test_the_full_batch_is_made_once_in_the_order_of_the_data(numbered):
    batches = batches_of(numbered, None)
    [(x, t)] = batches.epoch(0)
    [(x_again, t_again)] = batches.epoch(1)
    assert x is x_again
    assert t is t_again
    np.testing.assert_array_equal(x, inputs(numbered.images, (20,)))
    np.testing.assert_array_equal(t.argmax(axis=1), numbered.labels)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_an_empty_batch_is_refused(numbered, batch_size):
    with pytest.raises(ValueError, match=f"at least 1 sample, not {batch_size}"):
        batches_of(numbered, batch_size)


@pytest.mark.parametrize("batch_size", [8, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_have_the_dtype_of_the_network_and_the_data_stays_as_it_was(numbered, batch_size, dtype):
    images, labels = numbered.images.copy(), numbered.labels.copy()
    numbered.images.flags.writeable = numbered.labels.flags.writeable = False
    for x, t in batches_of(numbered, batch_size, dtype=dtype).epoch(0):
        assert x.dtype == t.dtype == dtype
        x[...] = t[...] = 0  # what is done to a batch must not reach the data either
    np.testing.assert_array_equal(numbered.images, images)
    np.testing.assert_array_equal(numbered.labels, labels)
    [(_, t)] = Batches(Split(images, labels), None, (20,), 3, 0).epoch(0)
    assert t.sum() == 50


# ---- inputs and targets ----


def test_inputs_are_the_single_precision_quotients_of_all_256_bytes():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    x = inputs(images, (256,))
    assert x.shape == (1, 256)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[0], [np.float32(value) / np.float32(255) for value in range(256)])
    assert (x.min(), x.max()) == (0, 1)


def test_inputs_in_double_precision_are_not_rounded_to_single_first():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_array_equal(inputs(images, (256,), np.float64)[0], np.arange(256) / 255)


def test_inputs_take_the_shape_that_the_network_asks_for():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert inputs(images, (12,)).shape == (2, 12)
    assert inputs(images, (1, 3, 4)).shape == (2, 1, 3, 4)
    np.testing.assert_array_equal(inputs(images, (1, 3, 4))[:, 0], inputs(images, (3, 4)))


@pytest.mark.parametrize("batch_size", [8, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_taken_as_they_are_and_stay_as_they_were(batch_size, dtype):
    x = np.arange(150, dtype=np.float64).reshape(50, 3) * 1000
    t = np.column_stack([x[:, 0] / 7, -x[:, 1]])
    seen = []
    for some_x, some_t in Batches(Split(x, t), batch_size, (3,), 2, 0, dtype).epoch(0):
        assert some_x.dtype == some_t.dtype == dtype
        rows = np.rint(some_x[:, 0] / 3000).astype(int)
        np.testing.assert_array_equal(some_x, x[rows].astype(dtype))
        np.testing.assert_array_equal(some_t, t[rows].astype(dtype))
        seen += rows.tolist()
        some_x[...] = some_t[...] = 0
    assert sorted(seen) == list(range(50))
    assert x[49, 2] == 149_000
    assert t[49, 1] == -148_000


@pytest.mark.parametrize(
    ("x", "t", "input_shape", "outputs", "message"),
    [
        (np.zeros((5, 4, 5), np.uint8), np.zeros(5, np.uint8), (16,), 3, r"inputs of shape \(4, 5\) for .* \(16,\)"),
        (np.zeros((5, 3)), np.zeros((5, 2)), (4,), 2, r"inputs of shape \(3,\) for a network that takes \(4,\)"),
        (np.zeros((5, 3)), np.zeros((5, 2)), 3, 2, r"a shape is a tuple of whole numbers .* such as \(784,\), not 3"),
        (np.zeros((5, 3)), np.zeros((5, 2)), (3,), 1, r"targets of shape \(5, 2\) for a network of 1 outputs"),
        (np.zeros((5, 3)), np.full(5, 3, np.uint8), (3,), 3, r"label 3: expected 0 to 2 with 3 outputs"),
        (np.zeros((5, 3)), np.full(5, 2, np.uint8), (3,), 1, r"label 2: expected 0 to 1 with 1 outputs"),
    ],
)
def test_data_that_do_not_fit_the_network_are_refused_in_words(x, t, input_shape, outputs, message):
    with pytest.raises(ValueError, match=message):
        Batches(Split(x, t), 8, input_shape, outputs, 0)


def test_inputs_that_are_neither_bytes_nor_floats_are_refused():
    with pytest.raises(ValueError, match="inputs are int64: expected the bytes of images, uint8, or floating-point"):
        inputs(np.zeros((2, 4), int), (4,))


def test_targets_of_several_outputs_are_one_hot():
    table = target_table(3)
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table[np.array([2, 0])], [[0, 0, 1], [1, 0, 0]])


def test_the_target_of_a_single_output_is_the_label_itself():
    table = target_table(1, np.float64)
    assert table.dtype == np.float64
    np.testing.assert_array_equal(table[np.array([1, 0, 1])], [[1], [0], [1]])


# ---- matching ----


def dataset(labels: list[int]) -> Dataset:
    images = np.arange(len(labels) * 6, dtype=np.uint8).reshape(len(labels), 2, 3)
    part = Split(images, np.array(labels, np.uint8))
    return Dataset("mine", part, part, "made here")


def test_a_network_of_all_ten_digits_gets_the_data_set_itself():
    whole = dataset(list(range(10)))
    assert matching(whole, (6,), range(10)) is whole
    assert matching(whole, (1, 2, 3), tuple(range(10))) is whole


def test_classes_are_chosen_and_renumbered_in_the_order_given():
    part = matching(dataset([3, 1, 2, 1, 0]), (6,), (2, 1))
    assert part.train.labels.tolist() == part.test.labels.tolist() == [1, 0, 1]
    assert part.train.images[:, 0, 0].tolist() == [6, 12, 18]


def test_images_of_another_size_are_refused_with_both_sizes():
    with pytest.raises(BadInput, match="mine: its images have 2 × 3 = 6 pixels, but the network takes 784 inputs"):
        matching(dataset([0, 1]), (784,), range(10))


def test_classes_that_the_data_does_not_have_are_refused():
    with pytest.raises(BadInput, match="no image has the label 7"):
        matching(dataset([0, 1]), (6,), (1, 7))


def test_classes_that_are_not_a_choice_are_refused():
    with pytest.raises(BadInput, match="expected different labels, at least one"):
        matching(dataset([0, 1]), (6,), (1, 1))


def test_where_no_classes_are_told_apart_all_images_stay():
    whole = dataset([0, 1])
    assert matching(whole, (6,), ()) is whole

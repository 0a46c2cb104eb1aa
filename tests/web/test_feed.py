"""With one size the batches are the very same as those of Batches, with others their images come in the same order."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.data.augmentation import Affine, Augment
from nn_from_scratch.data.batches import Batches
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.web.feed import LiveBatches
from tests.conftest import random_split

SPLIT = random_split(np.random.default_rng(0), n=50)


def live(split: Split, sizes: Iterator[int]) -> LiveBatches:
    return LiveBatches(split, 16, (16,), 3, 5, next_size=lambda: next(sizes))


@pytest.mark.parametrize("augment", [None, Augment([Affine()], 1)], ids=["as stored", "augmented"])
@pytest.mark.parametrize("size", [1, 7, 16, 50, 60])
def test_with_one_size_the_batches_are_those_of_batches(size, augment):
    plain = Batches(SPLIT, size, (16,), 3, 5, np.float32, augment)
    feed = LiveBatches(SPLIT, size, (16,), 3, 5, np.float32, augment, next_size=lambda: size)
    for epoch in (0, 1, 2):
        pairs = list(zip(plain.epoch(epoch), feed.epoch(epoch), strict=True))
        assert len(pairs) == len(plain)
        for (x, t), (live_x, live_t) in pairs:
            assert x.tobytes() == live_x.tobytes()
            assert t.tobytes() == live_t.tobytes()


@given(sizes=st.lists(st.integers(1, 60), min_size=50, max_size=50))
def test_with_any_sizes_an_epoch_is_every_image_once_in_the_order_of_batches(sizes):
    whole = np.concatenate([x for x, _ in Batches(SPLIT, 16, (16,), 3, 5).epoch(3)])
    parts = [x for x, _ in live(SPLIT, iter(sizes)).epoch(3)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert [len(part) for part in parts[:-1]] == sizes[: len(parts) - 1]


def test_an_epoch_that_is_left_goes_on_where_it_was_left_whatever_it_is_told():
    feed = live(SPLIT, iter([3, 4, 50]))
    epoch = feed.epoch(0)
    next(epoch)
    x, _ = next(epoch)
    assert feed.example == feed.order(0)[6]
    assert x[-1].tobytes() == (SPLIT.images[feed.example].ravel() / np.float32(255)).tobytes()
    rest = list(feed.epoch(0, start=99))
    assert [len(x) for x, _ in rest] == [43]

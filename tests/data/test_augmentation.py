"""New images: each is what the formula says, a function of seed, epoch and index alone, and still an image."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.data import load_dataset
from nn_from_scratch.data.augmentation import (
    AUGMENTATIONS,
    PIXELS_AT_ONCE,
    Affine,
    Augment,
    Elastic,
    bells,
    interpolate,
)
from nn_from_scratch.data.batches import Batches, inputs
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.randomness import key, random_streams, splitmix64, uniform

STILL = {"rotation": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0}
BOTH = [Affine(), Elastic()]
every_kind = pytest.mark.parametrize(
    "parts", [[Affine()], [Affine(mirror=True)], [Elastic()], BOTH], ids=["affine", "mirror", "elastic", "both"]
)


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (60, 9, 7), dtype=np.uint8)


def by_loops(image: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The bilinear value at every place, in double precision: the definition."""
    y = np.zeros(i.shape)
    for place in np.ndindex(i.shape):
        for row in range(image.shape[0]):
            for column in range(image.shape[1]):
                near = max(0, 1 - abs(i[place] - row)) * max(0, 1 - abs(j[place] - column))
                y[place] += near * image[row, column] / 255
    return y


# ---- between pixels ----


def test_a_value_between_pixels_is_bilinear_and_0_outside(images, rng):
    i, j = rng.uniform(-3, 11, (2, 60, 9, 7)).astype(np.float32)
    y = interpolate(images, i, j)
    assert y.dtype == np.float32
    assert y.shape == images.shape
    for some, image, down, right in zip(y, images, i, j, strict=True):
        np.testing.assert_allclose(some, by_loops(image, down, right), atol=2e-6)
    outside = (i <= -1) | (i >= 9) | (j <= -1) | (j >= 7)
    assert 0.1 < outside.mean() < 0.9
    assert not y[outside].any()


def test_at_a_pixel_the_value_is_its_own_to_the_bit_and_a_place_may_be_far_away(images):
    i, j = (place.astype(np.float32) for place in np.broadcast_arrays(np.arange(9)[:, None], np.arange(7)))
    same = interpolate(images, np.stack([i] * 60), np.stack([j] * 60))
    assert same.tobytes() == inputs(images, (9, 7)).tobytes()
    for far in (1e30, -1e30, np.inf):
        assert not interpolate(images, np.full(images.shape, far, np.float32), np.stack([j] * 60)).any()


def test_no_new_pixel_is_brighter_than_the_brightest(rng):
    images = rng.choice(np.array([0, 254, 255], np.uint8), (200, 8, 8))
    y = Augment(BOTH, 0)(images, 0, np.arange(200))
    assert (y.min(), y.max()) == (0, 1)


# ---- the displacements ----


def affine_of(u: list[float], rows: int, columns: int, **settings: Any) -> tuple[np.ndarray, np.ndarray]:
    affine = Affine(**STILL | settings)
    down, right = affine.displacement(np.array([u], np.float32), rows, columns)
    return np.broadcast_to(down, (1, rows, columns))[0], np.broadcast_to(right, (1, rows, columns))[0]


def test_an_affine_map_is_rotation_shear_scale_and_shift_about_the_middle():
    u = np.array([0.5, -0.5, 1.0, 0.25, -0.75], np.float32)
    down, right = affine_of(u.tolist(), 5, 8, rotation=30, scale=0.4, shear=0.3, shift=2)
    angle, k, slant = np.radians(15), 0.8, 0.3
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for i in range(5):
        for j in range(8):
            p = np.array([i - 2, j - 3.5])
            source = R @ np.array([[1, 0], [slant, 1]]) @ p / k + [0.5, -1.5]
            np.testing.assert_allclose([down[i, j], right[i, j]], source - p, atol=1e-5)


@pytest.mark.parametrize(("chance", "side"), [(-0.1, -1), (0.1, 1)])
def test_the_mirror_comes_before_the_rest_of_an_affine_map(chance, side):
    down, right = affine_of([1, 1, 1, 1, -1, chance], 5, 8, rotation=20, scale=0.5, shear=0.3, shift=2, mirror=True)
    angle, k = np.radians(20), 1.5
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for i, j in np.ndindex(5, 8):
        p = np.array([i - 2, j - 3.5])
        source = R @ np.array([[1, 0], [0.3, 1]]) @ np.array([[1, 0], [0, side]]) @ p / k + [2, -2]
        np.testing.assert_allclose([down[i, j], right[i, j]], source - p, atol=1e-5)


def test_half_of_the_images_are_mirrored_to_the_bit_and_the_others_as_they_are(images):
    images = np.tile(images, (10, 1, 1))
    y = Augment([Affine(**STILL, mirror=True)], 0)(images, 2, np.arange(600))
    plain = inputs(images, (9, 7))
    mirrored = np.array([made.tobytes() == image[:, ::-1].tobytes() for made, image in zip(y, plain, strict=True)])
    same = np.array([made.tobytes() == image.tobytes() for made, image in zip(y, plain, strict=True)])
    assert (mirrored ^ same).all()
    assert 240 < mirrored.sum() < 360


def test_what_each_setting_does_to_an_image():
    image = np.zeros((1, 9, 9), np.uint8)
    image[0, 2, 4] = 255  # a dot above the middle

    def dot(u: list[float], **settings: float) -> list[int]:
        down, right = affine_of(u, 9, 9, **settings)
        i, j = np.arange(9, dtype=np.float32)[:, None] + down, np.arange(9, dtype=np.float32) + right
        y = interpolate(image, i[None], j[None])[0]
        return [int(place) for place in np.unravel_index(y.argmax(), y.shape)]

    assert dot([0, 0, 0, 0, 0]) == [2, 4]
    assert dot([1, 0, 0, 0, 0], rotation=90) == [4, 6]  # from above the middle to its right
    assert dot([0, 1, 0, 0, 0], scale=0.5) == [1, 4]  # larger: farther from the middle
    assert dot([0, 0, 1, 0, 0], shear=1.0) == [2, 6]
    assert dot([0, 0, 0, 1, 0], shift=1.0) == [1, 4]
    assert dot([0, 0, 0, 0, -1], shift=2.0) == [2, 6]


def test_the_limits_are_reached_and_never_passed():
    u = 2 * uniform(key(0, 0), np.arange(4000), 5) - 1
    down, right = Affine(**STILL | {"shift": 2.5}).displacement(u, 3, 3)
    for moved in (down[:, 1, 0], right[:, 0, 1]):
        assert np.abs(moved).max() <= 2.5
        assert moved.min() < -2.49
        assert moved.max() > 2.49
        assert abs(moved.mean()) < 0.1


@pytest.mark.parametrize(("strength", "smoothness"), [(1.0, 4.0), (2.5, 2.0), (0.5, 9.0)])
def test_an_elastic_displacement_has_its_strength_in_every_pixel_and_its_smoothness_between_them(strength, smoothness):
    elastic = Elastic(strength, smoothness)
    u = 2 * uniform(key(3, 0), np.arange(8000), elastic.draws(12, 10)) - 1
    down, right = elastic.displacement(u, 12, 10)
    assert down.shape == right.shape == (8000, 12, 10)
    for d in (down, right):
        np.testing.assert_allclose(d.std(axis=0), strength, rtol=0.06)
        assert np.abs(d.mean(axis=0)).max() < 0.08 * strength
    across = (down[:, 0, 0] * down[:, 3, 4]).mean() / strength**2
    assert across == pytest.approx(np.exp(-25 / (2 * smoothness) ** 2), abs=0.06)
    assert abs((down * right).mean()) / strength**2 < 0.05


def test_the_bells_reach_over_the_border_with_all_their_variance():
    for pixels, width in ((28, 4.0), (8, 3.0), (1, 2.0), (28, 50.0)):
        np.testing.assert_allclose(np.square(bells(pixels, width)).sum(axis=1), 1, rtol=1e-5)


def test_without_any_displacement_images_are_as_they_are_to_the_bit(images):
    nothing = Augment([Affine(**STILL), Elastic(strength=0.0)], 0)
    assert nothing(images, 4, np.arange(60)).tobytes() == inputs(images, (9, 7)).tobytes()


def test_displacements_of_several_add_up():
    (i, j), (i_affine, j_affine) = (
        Augment(parts, 0).sources(key(0, 0), np.arange(3), 9, 7) for parts in (BOTH, [Affine(), Elastic(strength=0.0)])
    )
    own = (2 * uniform(key(0, 0), np.arange(3), 5 + Elastic().draws(9, 7)) - 1)[:, 5:]
    down, right = Elastic().displacement(own, 9, 7)
    np.testing.assert_allclose(i, i_affine + down, atol=1e-5)
    np.testing.assert_allclose(j, j_affine + right, atol=1e-5)


# ---- keyed by seed, epoch and index ----


@every_kind
def test_an_image_becomes_the_same_whatever_images_it_comes_with(parts, rng):
    images = rng.integers(0, 256, (150, 28, 28), dtype=np.uint8)
    assert images.size > 2 * PIXELS_AT_ONCE
    augment, indices = Augment(parts, 5), 1000 + rng.permutation(150)
    whole = augment(images, 3, indices)
    order = rng.permutation(150)
    assert augment(images[order], 3, indices[order]).tobytes() == whole[order].tobytes()
    for size in (1, 7, 64):
        pieces = [augment(images[at : at + size], 3, indices[at : at + size]) for at in range(0, 150, size)]
        assert np.concatenate(pieces).tobytes() == whole.tobytes()


@every_kind
def test_every_epoch_seed_and_index_makes_another_image(parts, images):
    one = np.stack([images[0]] * 2)
    made = [
        Augment(parts, seed)(one, epoch, np.array([index, index + 1]))
        for seed in (0, 1)
        for epoch in (0, 1, 7)
        for index in (0, 2, 2**40)
    ]
    assert len({y.tobytes() for pair in made for y in pair}) == 2 * len(made)


def test_the_stored_images_stay_as_they_were(images):
    before = images.copy()
    images.flags.writeable = False
    Augment(BOTH, 0)(images, 0, np.arange(60))
    np.testing.assert_array_equal(images, before)


def test_splitmix64_is_the_published_generator():
    """The first numbers of its reference implementation, in C, from the seed 1234567."""
    state = np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert splitmix64(state).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_random_numbers_are_uniform_and_independent_between_neighbours_of_every_kind():
    def numbers(seed: int, epoch: int) -> np.ndarray:
        return uniform(key(seed, epoch), np.arange(4096), 8)

    u = numbers(0, 0)
    assert u.dtype == np.float32
    assert 0 <= u.min() < 1e-3 < 0.999 < u.max() < 1
    counts = np.histogram(u, bins=64, range=(0, 1))[0]
    expected = u.size / 64
    chi_squared = (np.square(counts - expected) / expected).sum()
    assert 25 < chi_squared < 115  # 63 degrees of freedom: outside of this once in 100,000 times
    neighbours = [(u[:, 0], u[:, 1]), (u[:-1], u[1:]), (u, numbers(0, 1)), (u, numbers(1, 0)), (u[::2], u[1::2])]
    for one, other in neighbours:
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(one.size)
        assert not (one == other).mean() > 1e-4


def test_a_number_depends_on_its_index_and_place_and_not_on_which_others_are_drawn():
    u = uniform(key(0, 2), np.arange(100), 6)
    np.testing.assert_array_equal(uniform(key(0, 2), np.array([70, 3], np.int64), 6), u[[70, 3]])
    assert len(np.unique(u)) > 590


# ---- in batches ----


def digits() -> Split:
    return load_dataset("digits").train.select(slice(0, 100))


def batches_of(batch_size: int | None, input_shape=(784,), seed: int = 0, **options) -> Batches:
    return Batches(digits(), batch_size, input_shape, 10, 1, augment=Augment(BOTH, seed), **options)


@pytest.mark.parametrize("batch_size", [16, 100, None])
def test_batches_hold_the_images_of_their_epoch_with_their_own_targets(batch_size):
    batches, whole = batches_of(batch_size), digits()
    for epoch in (0, 3):
        order = batches.order(epoch)
        x, t = (np.concatenate(parts) for parts in zip(*batches.epoch(epoch), strict=True))
        expected = Augment(BOTH, 0)(whole.images[order], epoch, order)
        assert x.tobytes() == expected.tobytes()
        np.testing.assert_array_equal(t.argmax(axis=1), whole.labels[order])


def test_an_epoch_taken_up_in_its_middle_goes_on_with_the_same_images():
    batches = batches_of(16)
    whole = [x.tobytes() for x, _ in batches.epoch(2)]
    assert [x.tobytes() for x, _ in batches_of(16).epoch(2, start=3)] == whole[3:]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_of_a_channel_hold_the_same_as_rows_of_pixels_in_either_precision(dtype):
    flat, _ = next(batches_of(16, dtype=dtype).epoch(0))
    image, _ = next(batches_of(16, (1, 28, 28), dtype=dtype).epoch(0))
    assert (flat.shape, image.shape, flat.dtype, image.dtype) == ((16, 784), (16, 1, 28, 28), dtype, dtype)
    np.testing.assert_array_equal(flat, image.reshape(16, 784))


def test_inputs_that_are_no_images_are_refused():
    split = Split(np.zeros((5, 3)), np.zeros((5, 2)))
    with pytest.raises(
        BadInput, match=r"augmentation is for images, uint8 \(N, …, rows, columns\): the inputs are float64"
    ):
        Batches(split, 2, (3,), 2, 0, augment=Augment(BOTH, 0))


# ---- the table ----


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("affine:rotation=181", "augmentation affine:rotation=181: rotation must be a number from 0 to 180, not 181"),
        ("affine:rotation=nan", "rotation must be a number from 0 to 180, not nan"),
        ("affine:scale=1", "scale must be a share from 0 up to, not including, 1, not 1"),
        ("affine:scale=-0.1", "scale must be a share from 0"),
        ("affine:shear=-1", "shear must be a number from 0 to 1000, not -1"),
        ("affine:shift=inf", "shift must be a number from 0 to 1000, not inf"),
        ("affine:size=2", "expected affine[:rotation=10][:scale=0.1][:shear=0.1][:shift=2][:mirror=false]"),
        ("elastic:strength=-1", "strength must be a number from 0 to 1000, not -1"),
        ("elastic:smoothness=0.5", "smoothness must be a number of pixels from 1 to 1000, not 0.5"),
        ("warp", "unknown augmentation 'warp': expected one of affine, elastic"),
    ],
)
def test_impossible_settings_are_refused(word, message):
    with pytest.raises(BadInput) as caught:
        AUGMENTATIONS.make(word)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "word", ["affine:rotation=180:scale=0.999:shear=1000:shift=1000:mirror=true", "elastic:strength=1000:smoothness=1"]
)
def test_the_most_that_can_be_asked_for_still_makes_images(word, images):
    y = Augment([AUGMENTATIONS.make(word)], 0)(images, 0, np.arange(60))
    assert np.isfinite(y).all()
    assert (y >= 0).all()
    assert (y <= 1).all()


def test_the_stream_of_augmentation_leaves_the_others_as_they_were():
    old, new = np.random.SeedSequence(7).spawn(3), random_streams(7)
    assert [stream.generate_state(4).tolist() for stream in old] == [
        stream.generate_state(4).tolist() for stream in (new.initialization, new.shuffling, new.noise)
    ]

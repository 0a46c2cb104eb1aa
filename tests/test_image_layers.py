"""What the layers for images compute: convolution against its definition, pooling and flattening by known numbers.

Their invariants and derivatives with the usual settings are tested in test_layers.py, with all layers; here are other
sizes, strides and paddings.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn_from_scratch as nn
from nn_from_scratch.layers import AveragePool2D, Conv2D, Flatten, GlobalAveragePool2D, Layer, MaxPool2D, parallel
from nn_from_scratch.layers.images import as_images, as_stored
from nn_from_scratch.network import Network
from nn_from_scratch.runs.training_run import TrainingRun
from tests.conftest import derivative_error
from tests.slow_convolution import convolution, gradients


def built(layer: Layer, input_shape: tuple[int, ...], rng: np.random.Generator, dtype: type = np.float64) -> Layer:
    """The layer with its arrays, each of them random."""
    network = Network([layer], input_shape, 0, dtype)
    network.parameters[...] = rng.normal(size=network.parameters.shape)
    return layer


def apart(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers none of which is nearer than 0.01 to another: no small step changes which is the largest."""
    return 0.01 * rng.permutation(np.arange(np.prod(shape), dtype=float)).reshape(shape)


def check_derivatives(layer: Layer, x: np.ndarray, rng: np.random.Generator) -> None:
    """Of the parameters and of x, with a random upstream gradient."""
    dy = rng.normal(size=layer.forward(x, training=True).shape)
    layer.backward_parameters(dy)
    wanted = {name: getattr(layer, f"d{name}").copy() for name in layer.parameter_shapes(x.shape[1:])}
    moved, dx = x.copy(), layer.backward_input(dy)
    f = lambda: float((layer.forward(moved, training=True) * dy).sum())  # noqa: E731
    assert derivative_error(f, moved, dx, rng) <= 1e-7
    for name, gradient in wanted.items():
        assert derivative_error(f, getattr(layer, name), gradient, rng) <= 1e-7, name


# ---- convolution ----

SIZES = [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (4, 1), (4, 3), (5, 1), (5, 2)]  # and strides
both_paddings = pytest.mark.parametrize("padding", ["valid", "same"])


@settings(max_examples=60)
@given(
    size=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    samples=st.integers(1, 3),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    bias=st.booleans(),
    seed=st.integers(0, 9),
)
def test_a_convolution_is_what_its_definition_says_and_so_are_its_gradients(
    size, stride, padding, samples, channels, filters, rows, columns, bias, seed
):
    if padding == "valid":
        rows, columns = max(rows, size), max(columns, size)
    rng = np.random.default_rng(seed)
    layer = Conv2D(filters, size, stride, padding, bias=bias)
    built(layer, (channels, rows, columns), rng)
    b = layer.b if bias else np.zeros(filters)
    x = rng.normal(size=(samples, channels, rows, columns))
    y = convolution(x, layer.W, b, stride, padding)
    assert y.shape[1:] == layer.output_shape(x.shape[1:])
    np.testing.assert_allclose(layer.forward(x), y, rtol=0, atol=1e-12)

    dy = rng.normal(size=y.shape)
    dW, db, dx = gradients(x, layer.W, dy, stride, padding)
    np.testing.assert_array_equal(layer.forward(x, training=True), layer.forward(x))
    layer.backward_parameters(dy)
    np.testing.assert_allclose(layer.dW, dW, rtol=0, atol=1e-12)
    if bias:
        np.testing.assert_allclose(layer.db, db, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.backward_input(dy), dx, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("size", "stride"), SIZES)
@both_paddings
def test_the_gradients_of_a_convolution_are_the_derivatives(size, stride, padding, rng):
    layer = built(Conv2D(3, size, stride, padding), (2, 6, 9), rng)
    check_derivatives(layer, rng.normal(size=(4, 2, 6, 9)), rng)


@both_paddings
def test_an_image_as_small_as_the_kernel_or_smaller_where_zeros_stand_around_it(padding, rng):
    layer = built(Conv2D(2, 3, 2, padding), (1, 3, 3), rng)
    check_derivatives(layer, rng.normal(size=(2, 1, 3, 3)), rng)
    if padding == "same":
        layer = built(Conv2D(2, 5, 1, padding), (1, 2, 1), rng)
        check_derivatives(layer, rng.normal(size=(2, 1, 2, 1)), rng)


def test_same_keeps_the_size_of_the_image_and_a_stride_divides_it_rounded_up():
    for size in range(1, 6):
        assert Conv2D(4, size, padding="same").output_shape((3, 7, 10)) == (4, 7, 10)
        assert Conv2D(4, size, 2, "same").output_shape((3, 7, 10)) == (4, 4, 5)
        assert Conv2D(4, size, 3, "same").output_shape((3, 7, 10)) == (4, 3, 4)
        assert Conv2D(4, size).output_shape((3, 7, 10)) == (4, 8 - size, 11 - size)


def test_a_kernel_finds_its_pattern_where_it_is(rng):
    """The output is largest where the image is the kernel: it is not flipped."""
    layer = built(Conv2D(1, 3, bias=False), (1, 8, 8), rng)
    x = np.zeros((1, 1, 8, 8))
    x[0, 0, 2:5, 4:7] = layer.W[0, 0]
    y = layer.forward(x)[0, 0]
    assert np.unravel_index(y.argmax(), y.shape) == (2, 4)
    assert y.max() == pytest.approx(np.square(layer.W).sum())


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_the_numbers_are_the_same_to_the_bit_for_every_number_of_threads(threads, rng):
    x = rng.normal(size=(8, 2, 6, 7)).astype(np.float32)
    found = []
    for number in (1, threads):
        layer = built(Conv2D(3, 3, padding="same"), (2, 6, 7), np.random.default_rng(0), np.float32)
        layer.threads = number
        y = layer.forward(x, training=True)
        layer.backward_parameters(y)
        found.append([y.tobytes(), layer.dW.tobytes(), layer.db.tobytes(), layer.backward_input(y).tobytes()])
    assert found[0] == found[1]


@pytest.mark.parametrize("argument", ["filters", "size", "stride"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "three", None])
def test_a_convolution_refuses_what_is_no_number_from_1_up(argument, value):
    with pytest.raises(ValueError, match=f"whole number from 1 up as {argument}, not {value!r}"):
        Conv2D(**({"filters": 2, "size": 3} | {argument: value}))


def test_a_convolution_refuses_a_padding_that_it_does_not_have():
    with pytest.raises(ValueError, match="valid or same, not 'full'"):
        Conv2D(2, 3, padding="full")


def test_a_convolution_refuses_samples_that_are_no_images_or_too_small():
    with pytest.raises(ValueError, match=r"Conv2D takes images \(channels, rows, columns\), not samples .* \(784,\)"):
        Conv2D(2, 3).output_shape((784,))
    with pytest.raises(ValueError, match=r"a kernel of 3 × 3 does not fit into images of shape \(1, 2, 8\)"):
        Conv2D(2, 3).output_shape((1, 2, 8))


def test_the_config_of_a_convolution_holds_plain_numbers():
    layer = Conv2D(np.int64(4), np.int64(3), np.int64(2), "same", "normal:0.1", bias=False)
    assert layer.config() == {
        "filters": 4, "size": 3, "stride": 2, "padding": "same", "initializer": "normal:0.1", "bias": False
    }  # fmt: skip
    assert type(layer.config()["filters"]) is int


# ---- order in memory ----


def test_images_are_stored_with_the_samples_next_to_each_other_and_not_copied_again(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    stored = as_stored(x)
    assert stored.shape == (4, 5, 3, 2)
    assert stored[1, 2, 0, 1] == x[1, 0, 1, 2]
    images = as_images(stored)
    np.testing.assert_array_equal(images, x)
    assert as_stored(images) is not images
    assert np.shares_memory(as_stored(images), stored)


@pytest.mark.parametrize("layer", [Conv2D(4, 3), AveragePool2D(), MaxPool2D()], ids=lambda layer: type(layer).__name__)
def test_layers_for_images_take_any_order_in_memory_and_put_out_their_own(layer, rng):
    built(layer, (2, 6, 7), rng)
    x = rng.normal(size=(3, 2, 6, 7))
    found = []
    for given_ in (x, as_images(as_stored(x)), np.asfortranarray(x)):
        y = layer.forward(given_, training=True)
        assert y.transpose(2, 3, 1, 0).flags.c_contiguous
        for dy in (np.ascontiguousarray(y), y):
            layer.backward_parameters(dy)
            dx = layer.backward_input(dy)
            assert dx.transpose(2, 3, 1, 0).flags.c_contiguous
            found.append([array.tobytes() for array in (y, dx, *(getattr(layer, "dW", x), getattr(layer, "db", x)))])
    assert all(same == found[0] for same in found)


# ---- pooling ----

POOLS = [AveragePool2D, MaxPool2D]


def test_pooling_has_its_known_values():
    x = np.array([[[[1.0, 2, 5, 0], [3, 6, 1, 2]]]])
    np.testing.assert_array_equal(MaxPool2D().forward(x), [[[[6, 5]]]])
    np.testing.assert_array_equal(AveragePool2D().forward(x), [[[[3, 2]]]])
    np.testing.assert_array_equal(GlobalAveragePool2D().forward(x), [[2.5]])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("pool", POOLS)
def test_the_gradients_of_pooling_are_the_derivatives_also_where_rows_are_left_over(pool, size, rng):
    layer = pool(size)
    x = apart(rng, (3, 2, 5, 7))
    check_derivatives(layer, x, rng)
    y = layer.forward(x, training=True)
    dx = layer.backward_input(np.ones_like(y))
    assert y.shape == (3, 2, 5 // size, 7 // size)
    assert not dx[:, :, 5 // size * size :].any()
    assert not dx[..., 7 // size * size :].any()
    np.testing.assert_allclose(dx.sum(), y.size)  # nothing is lost and nothing is added


def test_the_gradient_of_the_global_average_is_the_derivative(rng):
    check_derivatives(GlobalAveragePool2D(), rng.normal(size=(3, 2, 5, 7)), rng)


def test_pooling_over_the_whole_image_is_the_global_average(rng):
    x = rng.normal(size=(3, 2, 5, 5))
    whole, pooled = GlobalAveragePool2D(), AveragePool2D(5)
    np.testing.assert_allclose(whole.forward(x, training=True), pooled.forward(x, training=True)[..., 0, 0], atol=1e-15)
    dy = rng.normal(size=(3, 2))
    np.testing.assert_allclose(whole.backward_input(dy), pooled.backward_input(dy[..., None, None]), rtol=0, atol=1e-15)


def test_of_several_equals_the_first_takes_the_gradient():
    x = np.array([[[[0.0, 7, 7, 7], [7, 7, 3, 3], [0, 0, 2, 2], [0, 0, 2, 2]]]])
    layer = MaxPool2D()
    layer.forward(x, training=True)
    dx = layer.backward_input(np.array([[[[1.0, 2], [3, 4]]]]))
    np.testing.assert_array_equal(dx, [[[[0, 1, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]]])


def test_a_gradient_of_zero_at_the_first_of_several_equals_is_not_given_to_the_next():
    x, dy = np.zeros((2, 1, 2, 2)), np.array([[[[0.0]]], [[[5.0]]]])
    layer = MaxPool2D()
    layer.forward(x, training=True)
    np.testing.assert_array_equal(layer.backward_input(dy)[:, 0], [[[0, 0], [0, 0]], [[5, 0], [0, 0]]])


@pytest.mark.parametrize("pool", POOLS)
def test_pooling_refuses_what_it_can_not_do(pool):
    for size in (0, -2, 1.5, "two"):
        with pytest.raises(ValueError, match=f"whole number from 1 up as size, not {size!r}"):
            pool(size)
    with pytest.raises(ValueError, match=r"squares of 3 × 3 do not fit into images of shape \(4, 2, 9\)"):
        pool(3).output_shape((4, 2, 9))
    with pytest.raises(ValueError, match=rf"{pool.__name__} takes images \(channels, rows, columns\), not"):
        pool(2).output_shape((9,))


def test_the_global_average_refuses_what_is_no_image():
    with pytest.raises(ValueError, match=r"GlobalAveragePool2D takes images"):
        GlobalAveragePool2D().output_shape((4, 4))


# ---- flattening ----


def test_a_flattened_image_is_read_channel_after_channel_and_row_by_row():
    x = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    layer = Flatten()
    for same in (x, as_images(as_stored(x))):  # whatever their order in memory
        y = layer.forward(same, training=True)
        np.testing.assert_array_equal(y, [np.arange(60), np.arange(60, 120)])
        dx = layer.backward_input(y)
        np.testing.assert_array_equal(dx, x)


# ---- threads ----


@pytest.mark.parametrize("threads", [2, 3, 20])
def test_rows_shared_out_among_threads_give_the_same_bytes(threads, rng, monkeypatch):
    pools = []
    monkeypatch.setattr(parallel, "_pool", lambda threads: pools.append(threads) or ThreadPoolExecutor(threads - 1))
    layer = Conv2D(32, 5, padding="same")
    network = Network([layer], (16, 12, 12), 0)
    x = rng.random((64, 16, 12, 12), np.float32)
    dy = rng.random((64, 32, 12, 12), np.float32)
    seen = []
    for layer.threads in (1, threads):
        y = layer.forward(x, training=True)
        layer.backward_parameters(dy)
        seen.append([array.tobytes() for array in (y, layer.backward_input(dy), network.gradients)])
    assert seen[0] == seen[1]
    assert set(pools) == {threads}


def test_what_fails_in_a_thread_fails_in_the_caller():
    def work(first: int, last: int) -> None:
        if first:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parallel.share_out(4, 2, work)


def test_a_training_run_lets_its_layers_use_its_threads():
    run = TrainingRun(nn.PRESETS["lenet-fast"].override(epochs=1), nn.load_dataset("digits"), threads=2)
    assert {layer.threads for layer in run.network.layers} == {2}

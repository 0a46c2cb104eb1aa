"""The floor: the matrix products of a step and nothing else, into arrays that exist already.

No implementation with the same BLAS can be faster without computing something else. The time of a step beyond the floor
is the price of everything that isn't a product: gathering the batch, activations, loss, optimizer, Python; and in a
convolution, putting the pixels where a product can use them.
"""

from collections.abc import Callable
from itertools import chain

import numpy as np

from nn_from_scratch import Recipe
from nn_from_scratch.layers import Conv2D, Dense
from nn_from_scratch.layers.images import side_by_side
from nn_from_scratch.network import Place

Product = tuple[np.ndarray, np.ndarray, np.ndarray]  # left, right, and where the result goes
Products = dict[str, list[Product]]  # forward, dW and, except for the first layer, dx


def layer_products(recipe: Recipe, batch_size: int) -> list[tuple[Place, Products]]:
    """The products of each layer that learns."""
    makers: dict[type, Callable[[Place, int], Products]] = {Dense: _dense, Conv2D: _convolution}
    learning = [place for place in recipe.places() if place.parameters]
    layers = [(place, makers[type(place.layer)](place, batch_size)) for place in learning]
    del layers[0][1]["dx"]
    return layers


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _dense(place: Place, N: int) -> Products:
    """y = x Wᵀ, dW = dyᵀ x, dx = dy W."""
    (inputs,), (units,) = place.input_shape, place.output_shape
    x, dx, y, dy = _numbers(N, inputs), _numbers(N, inputs), _numbers(N, units), _numbers(N, units)
    W, dW = _numbers(units, inputs), _numbers(units, inputs)
    return {"forward": [(x, W.T, y)], "dW": [(dy.T, x, dW)], "dx": [(dy, W, dx)]}


def _convolution(place: Place, N: int) -> Products:
    """y = W x, dWᵀ = x dyᵀ, dx = Wᵀ dy for each row of outputs, where x is what the kernel sees at its places there.

    The numbers that it sees at two neighbouring places overlap in memory, as in Conv2D. Every row has the same x, which
    is in the processor's cache: putting it there is not a product. No other way to the same gradients was faster.
    """
    (channels, _, _), (filters, rows, columns) = place.input_shape, place.output_shape
    k, stride = place.layer.size, place.layer.stride
    below = _numbers((columns - 1) * stride + k, k * channels, N)
    x = side_by_side(below, k, stride)
    W, dW = _numbers(filters, x.shape[1]), _numbers(columns, x.shape[1], filters)
    y, dy, dx = _numbers(rows, columns, filters, N), _numbers(rows, columns, filters, N), _numbers(*x.shape)
    dy_transposed = _numbers(columns, N, filters)
    return {
        "forward": [(W, x, y_row) for y_row in y],
        "dW": [(x, dy_transposed, dW)] * rows,
        "dx": [(W.T, dy_row, dx) for dy_row in dy],
    }


def multiply_into(left: np.ndarray, right: np.ndarray, result: np.ndarray) -> None:
    """`left @ right`, the faster of two ways: `matmul` uses no BLAS for a column times a row (dW of one image)."""
    (np.dot if left.shape[1:] == (1,) else np.matmul)(left, right, out=result)


def step(recipe: Recipe, batch_size: int) -> Callable[[], None]:
    """All products of a training step, in its order."""
    layers = [products for _, products in layer_products(recipe, batch_size)]
    forward = [products["forward"] for products in layers]
    backward = [of for products in reversed(layers) for name, of in products.items() if name != "forward"]
    return _multiply([*chain(*forward, *backward)])


def epoch(recipe: Recipe, batch_size: int, images: int) -> Callable[[], None]:
    """All products of an epoch. A last, smaller batch counts as a full one."""
    one_step = step(recipe, batch_size)

    def epoch() -> None:
        for _ in range(-(-images // batch_size)):
            one_step()

    return epoch


def predictions(recipe: Recipe, batch_size: int, images: int) -> Callable[[], None]:
    """All products of predicting this many images, a batch at a time."""
    forward = [products["forward"] for _, products in layer_products(recipe, batch_size)]
    return _multiply([*chain(*forward)] * (images // batch_size))


def _multiply(products: list[Product]) -> Callable[[], None]:
    def multiply() -> None:
        for left, right, result in products:
            multiply_into(left, right, result)

    return multiply

"""The floor: the matrix products of a step and nothing else, into arrays that exist already.

No implementation on the same BLAS can be faster without computing something else. What a step takes beyond it is the
price of everything that isn't a product: gathering the batch, activations, loss, optimizer, Python.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

Product = tuple[np.ndarray, np.ndarray, np.ndarray]  # left, right, and where the result goes


def layer_products(sizes: tuple[int, ...], batch_size: int) -> list[dict[str, Product]]:
    """For each Dense layer the products y = x Wᵀ, dW = dyᵀ x and, but for the first layer, dx = dy W."""
    rng = np.random.default_rng(0)
    layers = []
    for inputs, units in pairwise(sizes):
        x, dx = (rng.standard_normal((batch_size, inputs), np.float32) for _ in range(2))
        y, dy = (rng.standard_normal((batch_size, units), np.float32) for _ in range(2))
        W, dW = (rng.standard_normal((units, inputs), np.float32) for _ in range(2))
        layers.append({"forward": (x, W.T, y), "dW": (dy.T, x, dW), "dx": (dy, W, dx)})
    del layers[0]["dx"]
    return layers


def multiply_into(left: np.ndarray, right: np.ndarray, result: np.ndarray) -> None:
    """`left @ right`, the faster of two ways: `matmul` avoids the BLAS for a column times a row (dW of one image)."""
    (np.dot if left.shape[1] == 1 else np.matmul)(left, right, out=result)


def step(sizes: tuple[int, ...], batch_size: int) -> Callable[[], None]:
    """All products of a training step, in its order."""
    layers = layer_products(sizes, batch_size)
    backward = [product for layer in reversed(layers) for name, product in layer.items() if name != "forward"]
    return _multiply([*(layer["forward"] for layer in layers), *backward])


def epoch(sizes: tuple[int, ...], batch_size: int, images: int) -> Callable[[], None]:
    """All products of an epoch; a last, smaller batch counts as a whole one."""
    one_step = step(sizes, batch_size)

    def epoch() -> None:
        for _ in range(-(-images // batch_size)):
            one_step()

    return epoch


def predictions(sizes: tuple[int, ...], batch_size: int, images: int) -> Callable[[], None]:
    """All products of predicting so many images, a batch at a time."""
    forward = [layer["forward"] for layer in layer_products(sizes, batch_size)]
    return _multiply(forward * (images // batch_size))


def _multiply(products: list[Product]) -> Callable[[], None]:
    def multiply() -> None:
        for left, right, result in products:
            multiply_into(left, right, result)

    return multiply

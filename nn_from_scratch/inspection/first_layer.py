"""Which units of the first layer matter to the layers after it, and which always have the same output."""

from typing import NamedTuple

import numpy as np

from nn_from_scratch.data.batches import inputs
from nn_from_scratch.network import Network


class FirstLayer(NamedTuple):
    """How much each unit (or filter, for a convolution) of the first layer with parameters matters.

    mattersⱼ = sizeⱼ · ‖W′ⱼ‖, where W′ⱼ are all weights of the next layer whose input comes from unit j. The size is the
    standard deviation of this input, over many images (and all pixels of a map). Without images, it is ‖Wⱼ‖, the norm
    of the unit's own weights: twice the weights give twice the output, unless a BatchNorm follows.
    Shapes: both arrays (units,)
    """

    matters: np.ndarray
    dead: np.ndarray  # whether a unit's output is the same for all images; without images, all False
    images: int


def first_layer(network: Network, images: np.ndarray | None = None) -> FirstLayer | None:
    """How much each unit matters, (units,), or None if no layer with weights follows. images (N, rows, columns)"""
    places = [n for n, place in enumerate(network.places) if len(place.parameters.get("W", ())) > 1]
    if len(places) < 2 or places[0] != network.first_learning:
        return None
    first, second = (network.layers[n] for n in places[:2])
    W, following = (layer.W.astype(np.float64) for layer in (first, second))
    if following[0].size % len(W):
        return None  # a layer between them mixes the units
    out = np.sqrt(np.square(following.reshape(len(following), len(W), -1)).sum(axis=(0, 2)))
    if images is None or not len(images):
        return FirstLayer(np.linalg.norm(W.reshape(len(W), -1), axis=1) * out, np.zeros(len(W), bool), 0)
    size, alive = _passed_on(network, images, places[1], len(W))
    return FirstLayer(size * out, ~alive, len(images))


def _passed_on(network: Network, images: np.ndarray, end: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """The standard deviation of each unit's output, as input of the layer `end`, and whether it ever changes.

    It takes a hundred images at a time, because feature maps need much memory.
    """
    total, squares, alive = np.zeros(units), np.zeros(units), np.zeros(units, bool)
    usual = None
    for start in range(0, len(images), 100):
        x = inputs(images[start : start + 100], network.input_shape, network.dtype)
        for layer in network.layers[:end]:
            x = layer.forward(x)
        values = x.reshape(len(x), units, -1)
        usual = values[:1] if usual is None else usual
        alive |= (values != usual).any(axis=(0, 2))
        total += values.sum(axis=(0, 2), dtype=np.float64)
        squares += np.square(values, dtype=np.float64).sum(axis=(0, 2))
    count = len(images) * values[0, 0].size
    return np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0)), alive

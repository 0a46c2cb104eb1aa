"""A network: layers in a row over ONE vector of parameters and one of gradients.

The vector is what keeps everything else short. An optimizer is a few lines on two arrays, a gradient check one dot
product, a snapshot one copy, "is everything finite?" one call. Each layer works on views of its own part of it.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, prod
from typing import NamedTuple

import numpy as np

from nn_from_scratch.layers import Layer
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.losses import Loss

Seed = int | np.random.SeedSequence | np.random.Generator


class LayerRow(NamedTuple):
    """A line of the layer table."""

    name: str
    output_shape: Shape
    parameters: int


class Network:
    """p = fₙ(… f₂(f₁(x))): the output of each layer is the input of the next.

    Shapes: x (N, *input_shape), p (N, *output_shape).

    `parameters` and `gradients` are the two vectors. They are allocated here, once, and never again; the layers'
    W, b, dW, db are views into them. `seed` draws the first weights.

    Raises ValueError where the layers don't fit each other.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        seed: Seed,
        dtype: np.dtype | type = np.float32,
    ):
        if not layers:
            raise ValueError("a network needs at least one layer")
        if len({id(layer) for layer in layers}) < len(layers):
            raise ValueError("a layer can stand in a network only once: it has one set of parameters")
        self.layers = list(layers)
        self.input_shape = tuple(input_shape)
        self.shapes = [self.input_shape]  # shapes[i] goes into layers[i], shapes[i + 1] comes out
        for layer in self.layers:
            self.shapes.append(layer.output_shape(self.shapes[-1]))
        self._allocate(np.dtype(dtype))
        rng = np.random.default_rng(seed)
        for layer in self.layers:
            layer.initialize(rng)

    def _allocate(self, dtype: np.dtype) -> None:
        """Make the two vectors and give each layer its views into them."""
        slots = [
            (layer, name, shape)
            for layer, input_shape in zip(self.layers, self.shapes, strict=False)
            for name, shape in layer.parameter_shapes(input_shape).items()
        ]
        ends = np.cumsum([0, *(prod(shape) for _, _, shape in slots)])
        self.parameters = np.zeros(ends[-1], dtype)
        self.gradients = np.zeros(ends[-1], dtype)
        for (layer, name, shape), (start, end) in zip(slots, pairwise(ends), strict=True):
            setattr(layer, name, self.parameters[start:end].reshape(shape))
            setattr(layer, f"d{name}", self.gradients[start:end].reshape(shape))

    @property
    def output_shape(self) -> Shape:
        return self.shapes[-1]

    @property
    def dtype(self) -> np.dtype:
        return self.parameters.dtype

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Predictions p for inputs x. With `training`, the layers keep what `backward` needs."""
        if x.shape[1:] != self.input_shape:
            expected = ", ".join(map(str, ("N", *self.input_shape)))
            raise ValueError(f"this network takes inputs of shape ({expected}), not {x.shape}")
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, loss: Loss, p: np.ndarray, t: np.ndarray) -> None:
        """Overwrite `gradients` with ∂L/∂θ, after `p = forward(x, training=True)`.

        The chain rule, walked from the loss to the first layer. Two calls are left out: the last activation's where
        the loss knows the derivative through both (`logit_gradient`), and the first layer's ∂L/∂x, which nobody uses.

        Maths: docs/mathematics.md, "Back-propagation".
        """
        last = len(self.layers) - 1
        if loss.matching_activation is type(self.layers[last]):
            dy = loss.logit_gradient(p, t)
            last -= 1
        else:
            dy = loss.gradient(p, t)
        for layer in self.layers[last:0:-1]:
            layer.backward_parameters(dy)
            dy = layer.backward_input(dy)
        if last >= 0:
            self.layers[0].backward_parameters(dy)

    def where_not_finite(self, x: np.ndarray, loss: float) -> str | None:
        """The first place where a number is not finite: forward on x to the loss, then back along the gradients."""
        learning = 0  # layers are counted where they learn
        gradients = []
        for layer, input_shape in zip(self.layers, self.shapes, strict=False):
            names = layer.parameter_shapes(input_shape)
            learning += bool(names)
            place = f"layer {learning}" if names else f"the {type(layer).__name__} after layer {learning}"
            x = layer.forward(x)
            if not np.isfinite(x).all():
                return f"the output of {place}"
            gradients += [(f"a gradient of {place}", getattr(layer, f"d{name}")) for name in names]
        if not isfinite(loss):
            return "the loss"
        return next((place for place, dX in reversed(gradients) if not np.isfinite(dX).all()), None)

    def table(self) -> list[LayerRow]:
        """Name, output shape and number of parameters of every layer."""
        return [
            LayerRow(
                type(layer).__name__,
                output_shape,
                sum(prod(shape) for shape in layer.parameter_shapes(input_shape).values()),
            )
            for layer, (input_shape, output_shape) in zip(self.layers, pairwise(self.shapes), strict=True)
        ]

"""A network: layers in a row over ONE vector of parameters, one of gradients and one of state.

The vectors keep everything else short. An optimizer is a few lines on two arrays, a gradient check one dot product, a
snapshot one copy, "is everything finite?" one call. Each layer works on views of its own part of each vector.
"""

from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from math import isfinite, prod
from typing import NamedTuple

import numpy as np

from nn_from_scratch.layers import Layer
from nn_from_scratch.layers.layer import Shape, checked_shape
from nn_from_scratch.losses import Loss

Seed = int | np.random.SeedSequence | np.random.Generator


class Place(NamedTuple):
    """A layer in its place in a network, with all the shapes there."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: dict[str, Shape]  # of the trained arrays
    state: dict[str, Shape]  # of those that are only saved

    @property
    def name(self) -> str:
        return type(self.layer).__name__

    @property
    def size(self) -> int:
        """The number of parameters."""
        return _size(self.parameters)


def walk(layers: Sequence[Layer], input_shape: Shape) -> list[Place]:
    """The shapes on the way through the layers. Nothing is allocated.

    Raises ValueError, naming the place, if a layer can't take the output of the layer before it.
    """
    places = []
    shape = tuple(input_shape)
    for i, layer in enumerate(layers):
        try:
            output_shape = layer.output_shape(shape)
        except ValueError as problem:
            raise ValueError(f"layers[{i}]: {problem}") from None
        places.append(Place(layer, shape, output_shape, layer.parameter_shapes(shape), layer.state_shapes(shape)))
        shape = output_shape
    return places


def check_types(places: Sequence[Place], known: Collection[type[Layer]], where: str) -> None:
    """Raise ValueError for a layer whose type is not among these, the types that other software has, too.

    The type must be exactly one of them: a subclass may compute something else.
    """
    for i, place in enumerate(places):
        if type(place.layer) not in known:
            names = ", ".join(layer.__name__ for layer in known)
            raise ValueError(f"layers[{i}] is a {place.name}, which {where} doesn't have: expected one of {names}")


def sizes(places: Sequence[Place]) -> tuple[int, int]:
    """The total number of the layers' parameters and state values."""
    return sum(place.size for place in places), sum(_size(place.state) for place in places)


def _size(shapes: dict[str, Shape]) -> int:
    return sum(map(prod, shapes.values()))


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for the arrays of the next step.

    glibc gives blocks of megabytes back to the system, until a block as large as this one has been freed. Getting them
    again took a tenth of the time of a convolutional network's steps. The block itself is never touched, so it uses no
    memory.
    """
    np.empty(31 * 2**20, np.uint8)


class Network:
    """p = fₙ(… f₂(f₁(x))): the output of each layer is the input of the next.

    Shapes: x (N, *input_shape), p (N, *output_shape).

    `parameters`, `gradients` and `state` are the three vectors. They are allocated here, once, and never again; the
    layers' W, b, dW, db are views into them. `seed` draws the first weights.

    Raises ValueError if the layers don't fit each other, or if their first weights are too large for the dtype.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        seed: Seed,
        dtype: np.dtype | type = np.float32,
    ):
        if not isinstance(layers, list | tuple) or not layers:
            raise ValueError(f"a network needs a list of at least one layer, such as [Dense(10)], not {layers!r}")
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise ValueError(f"layers[{i}]: expected a layer such as ReLU(), not {layer!r}")
        if len({id(layer) for layer in layers}) < len(layers):
            raise ValueError("a network can contain a layer only once: the layer has one set of parameters")
        self.layers = list(layers)
        self.input_shape = checked_shape(input_shape)
        self.places = walk(self.layers, self.input_shape)
        self.output_shape = self.places[-1].output_shape
        self.first_learning = next((i for i, place in enumerate(self.places) if place.parameters), len(self.layers))
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"a network's dtype is float32 or float64, not {self.dtype}")
        keep_freed_memory()
        self.views: list[tuple[Place, str, np.ndarray, np.ndarray]] = []  # place, name, array, vector
        self.parameters = self._allocate("parameters")
        self.gradients = self._allocate("parameters", prefix="d")
        self.state = self._allocate("state")
        rng = np.random.default_rng(seed)
        with np.errstate(over="ignore"):  # weights that are too large become infinite, and are refused
            for layer in self.layers:
                layer.initialize(rng)
        if not np.isfinite(self.snapshot()).all():
            raise ValueError(f"the first weights are too large for {self.dtype}: expected another initializer")

    def _allocate(self, group: str, prefix: str = "") -> np.ndarray:
        """One vector for all arrays of a group; each layer gets a view of its part for each of its arrays."""
        slots = [
            (place, prefix + name, shape) for place in self.places for name, shape in getattr(place, group).items()
        ]
        ends = [0, *accumulate(prod(shape) for _, _, shape in slots)]
        try:
            vector = np.zeros(ends[-1], self.dtype)
        except (MemoryError, OverflowError, ValueError):
            raise ValueError(f"a network of {ends[-1]:,} parameters does not fit into memory") from None
        for (place, name, shape), (start, end) in zip(slots, pairwise(ends), strict=True):
            view = vector[start:end].reshape(shape)
            setattr(place.layer, name, view)
            self.views.append((place, name, view, vector))
        return vector

    @property
    def output_layer(self) -> Layer:
        return self.layers[-1]

    # ---- a step, in order ----

    @property
    def noisy(self) -> bool:
        """Whether a layer draws noise."""
        return any(type(layer).draw is not Layer.draw for layer in self.layers)

    def draw(self, rng: np.random.Generator) -> None:
        """Draw the noise of the next step."""
        for layer in self.layers:
            layer.draw(rng)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Predictions p for inputs x. With `training`, the layers keep what `backward` needs."""
        if not (isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.shape[1:] == self.input_shape):
            raise ValueError(self._what_it_takes(x))
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def _what_it_takes(self, x: object) -> str:
        """The reason why the network does not take x."""
        if not isinstance(x, np.ndarray):
            return f"a network takes an array of floating-point numbers, not a {type(x).__name__}"
        if x.dtype.kind != "f":
            return f"a network takes floating-point numbers, not {x.dtype}: for images of bytes, pass images / 255"
        expected = ", ".join(map(str, ("N", *self.input_shape)))
        return f"this network takes inputs of shape ({expected}), not {x.shape}"

    def backward(self, loss: Loss, p: np.ndarray, t: np.ndarray) -> None:
        """Overwrite `gradients` with ∂L/∂θ, after `p = forward(x, training=True)`.

        The chain rule, applied from the loss back to the first layer that learns. Two things are left out: the last
        activation, if the loss knows the derivative through both (`logit_gradient`); and every ∂L/∂x that is not
        needed: that of the first layer that learns, and those of the layers before it.

        Maths: docs/mathematics.md, "Back-propagation".
        """
        first = self.first_learning
        if first == len(self.layers):
            return  # nothing learns
        dy, last = self.loss_gradient(loss, p, t)
        for layer in self.layers[last:first:-1]:
            layer.backward_parameters(dy)
            dy = layer.backward_input(dy)
        self.layers[first].backward_parameters(dy)

    def loss_gradient(self, loss: Loss, p: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, int]:
        """∂L/∂y where the way back begins, and the index of the layer whose output y is: the last or the one before it.

        The last activation is left out if the loss knows the derivative through both (`logit_gradient`).
        """
        last = len(self.layers) - 1
        if loss.matching_activation is type(self.layers[last]):
            return loss.logit_gradient(p, t), last - 1
        return loss.gradient(p, t), last

    def settle(self) -> bool:
        """After a completed step, let the layers put their statistics into the state.

        Returns False, and leaves the state as it was, if a statistic is not finite.
        """
        if not self.state.size:
            return True
        before = self.state.copy()
        for layer in self.layers:
            layer.settle()
        if np.isfinite(self.state).all():
            return True
        self.state[...] = before
        return False

    # ---- the network as a whole ----

    def check_views(self) -> None:
        """Raise ValueError if an array of a layer is no longer part of its vector.

        Called once per epoch and before saving. A check of every `layer.W = …` would slow a step on one image by 4 %.
        """
        for place, name, view, vector in self.views:
            array = f"layers[{self.places.index(place)}].{name}"
            if getattr(place.layer, name) is not view:
                raise ValueError(f"{array} was replaced by another array: write into it instead, {array}[...] = …")
            if not np.may_share_memory(view, vector):  # copying a network copies views and vectors separately
                raise ValueError(f"{array} is a copy: make a new network and restore a snapshot instead of copying one")

    def snapshot(self) -> np.ndarray:
        """A copy of everything that the network has learnt: its parameters, then its state."""
        return np.concatenate([self.parameters, self.state])

    def restore(self, snapshot: np.ndarray) -> None:
        """Restore a snapshot, even one of a network with another dtype."""
        self.parameters[...], self.state[...] = np.split(snapshot, [self.parameters.size])

    def check_state(self) -> None:
        """Raise ValueError, naming the place, for a loaded state that no training can produce."""
        for i, layer in enumerate(self.layers):
            try:
                layer.check_state()
            except ValueError as problem:
                raise ValueError(f"layers[{i}].state.{problem}") from None

    def layer_of(self, index: int) -> str:
        """The layer of a parameter, by its index in `parameters`; only layers that learn are counted."""
        ends = np.cumsum([place.size for place in self.places if place.parameters])
        return f"layer {np.searchsorted(ends, index, side='right') + 1}"

    def where_not_finite(self, x: np.ndarray, loss: float) -> str | None:
        """The first place where a number is not finite: forward on x to the loss, then back along the gradients.

        The step is replayed: `forward` with `training` is repeatable.
        """
        learning = 0  # only layers that learn are counted
        gradients = []
        for place in self.places:
            learning += bool(place.parameters)
            name = f"layer {learning}" if place.parameters else f"the {place.name} after layer {learning}"
            x = place.layer.forward(x, training=True)
            if not np.isfinite(x).all():
                return f"the output of {name}"
            gradients += [(f"a gradient of {name}", getattr(place.layer, f"d{array}")) for array in place.parameters]
        if not isfinite(loss):
            return "the loss"
        return next((name for name, dX in reversed(gradients) if not np.isfinite(dX).all()), None)

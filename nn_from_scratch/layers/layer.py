"""The contract that every layer keeps.

A layer is a differentiable function y = f(x; θ). It knows its shapes, computes y, and computes two derivatives of the
loss L: with respect to its own parameters and with respect to its input. It never updates itself. The optimizer does
this, on one vector that holds the parameters of all layers.
"""

from typing import Any

import numpy as np

from nn_from_scratch import words

Shape = tuple[int, ...]


def checked_shape(shape: Any) -> Shape:
    """The shape of a sample as a tuple. For anything else, raises ValueError, which says what was expected."""
    if not isinstance(shape, tuple | list) or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
        raise ValueError(f"a shape is a tuple of whole numbers from 1 up, such as (784,), not {shape!r}")
    return tuple(map(int, shape))


def whole_number(value: Any, expected: str) -> int:
    """The value, a whole number from 1 up. For anything else, raises ValueError, which says what was expected."""
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{expected}, not {value!r}")
    return int(value)


class Layer:
    """A step of the network, y = f(x; θ).

    Shapes: x is (N, *input_shape), y is (N, *output_shape), where N is the batch size; the shapes below leave N out.
    dX always stands for ∂L/∂X and has the shape of X.

    A training step calls, in this order: draw, forward, backward_parameters, backward_input, settle. No method writes
    into x or dy: other layers and the caller still need them.
    Maths: docs/mathematics.md, "Back-propagation".
    """

    shares_out = False  # whether it shares its work among threads
    threads = 1  # the number of these threads; results must not depend on it

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one sample after this layer. Raises ValueError if the layer can't take `input_shape`."""
        return input_shape

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The name and shape of each trained array.

        For a name W the network sets two attributes on the layer, both views into its two long vectors: `W` and its
        gradient `dW`. Write into them (`layer.W[...] = new`). Rebinding (`layer.W = new`) would cut the layer off
        from the vector that the optimizer updates and the file stores; training and saving then raise an error.
        """
        return {}

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The name and shape of each array that is saved but not trained, such as a running mean: views as above."""
        return {}

    def initialize(self, rng: np.random.Generator) -> None:
        """Write the first values into parameters and state."""

    def draw(self, rng: np.random.Generator) -> None:
        """Before a step: draw the noise that `forward(x, training=True)` uses until the next draw."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """y = f(x). With `training`, compute y as in a training step, and keep what the backward methods need.

        Repeatable: a second call with the same x returns the same y, and changes nothing except what is kept.
        Without `training`, nothing is kept, and a sample's y depends on this sample alone.
        """
        raise NotImplementedError

    def backward_parameters(self, dy: np.ndarray) -> None:
        """From dy = ∂L/∂y, overwrite the gradient of every parameter (nothing is accumulated)."""

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        """From dy = ∂L/∂y, return dx = ∂L/∂x.

        Separate from `backward_parameters`, because dx is not needed below the first layer that learns: the network
        leaves out those calls.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """After a completed step: put the statistics that forward found for its batch into the state."""

    def check_state(self) -> None:
        """Raise ValueError, naming the number, for a state that no training can produce."""

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, in JSON's types: `type(layer)(**layer.config())` is the same layer.

        They are read from attributes of the same names. Arguments with their default value are left out.
        """
        return words.settings_in(self)

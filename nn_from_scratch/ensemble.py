"""An ensemble: networks that answer together.

Networks that were trained in the same way from different random numbers make different mistakes. In the mean of their
answers, the mistakes of the single networks partly cancel out.
"""

from collections.abc import Sequence

import numpy as np

from nn_from_scratch.layers import Layer
from nn_from_scratch.network import Network


class Ensemble:
    """p = (p₁ + p₂ + …) / number of members: the mean of the members' outputs.

    Shapes: x (N, *input_shape), p (N, *output_shape), the same for all members.

    Each member is trained by itself, so an ensemble has no gradient. It shares only `forward`, `predict` and `evaluate`
    with a network.

    Raises ValueError, naming the member, if its inputs or outputs differ from those of the first member.

    Maths: docs/mathematics.md, "Ensembles".
    """

    def __init__(self, members: Sequence[Network]):
        if not isinstance(members, list | tuple) or not members:
            raise ValueError(f"an ensemble needs a list of at least one network, not {members!r}")
        for i, member in enumerate(members):
            if not isinstance(member, Network):
                raise ValueError(f"members[{i}]: expected a network, not {member!r}")
            for what in ("input_shape", "output_shape", "dtype"):
                check_same(i, what.replace("_", " "), getattr(member, what), getattr(members[0], what))
            kinds = (type(network.output_layer).__name__ for network in (member, members[0]))
            check_same(i, "output layer", *kinds)  # a mean of probabilities and other outputs has no meaning
        self.members = list(members)
        self.input_shape = members[0].input_shape
        self.output_shape = members[0].output_shape
        self.output_layer: Layer = members[0].output_layer  # every member's output layer has this type
        self.dtype = members[0].dtype

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Predictions p for inputs x."""
        return self.mean([member.forward(x) for member in self.members])

    @staticmethod
    def mean(outputs: Sequence[np.ndarray]) -> np.ndarray:
        """The ensemble's answer for these answers of its members. Each (N, K) → (N, K)"""
        return np.mean(outputs, axis=0)


def check_same(i: int, what: str, found: object, expected: object) -> None:
    """Raise ValueError if a member differs from the first."""
    if found != expected:
        raise ValueError(
            f"members[{i}]: the {what} is {found}, but that of members[0] is {expected}: expected the same"
        )

"""The history of the weights: all parameters as they were at some steps, so that any one can be followed."""

from typing import Any

import numpy as np

from nn_from_scratch.layers import Layer
from nn_from_scratch.network import Network

MOST_BYTES = 32_000_000
MOST = 256  # points: a picture of a trail can't show more


class Trail:
    """The parameters at every step, later at every 2nd, 4th, 8th …, within a fixed amount of memory."""

    def __init__(self, network: Network, most_bytes: int = MOST_BYTES):
        self.network = network
        self.most = min(MOST, max(8, most_bytes // network.parameters.nbytes))
        self.every = 1
        self.steps: list[int] = []
        self.snapshots: list[np.ndarray] = []
        self.add(0)

    def add(self, step: int) -> None:
        if step % self.every:
            return
        self.steps.append(step)
        self.snapshots.append(self.network.parameters.copy())
        if len(self.steps) > self.most:
            self.every *= 2
            kept = [i for i, step in enumerate(self.steps) if step % self.every == 0]
            self.steps = [self.steps[i] for i in kept]
            self.snapshots = [self.snapshots[i] for i in kept]

    def of(self, place: int) -> list[tuple[int, float]]:
        """Step and value of one parameter, numbered in the network's vector."""
        values = (float(snapshot[place]) for snapshot in self.snapshots)
        return list(zip(self.steps, values, strict=True))


def place_of_weight(network: Network, layer: Layer, unit: int, source: int) -> int:
    """The place in the network's vector of the weight from an input to a unit; a kernel's inputs are numbered."""
    start = 0
    for place, name, view, vector in network.views:
        if vector is network.parameters:
            if place.layer is layer and name == "W":
                return start + unit * (view.size // len(view)) + source
            start += view.size
    raise KeyError(type(layer).__name__)


def as_shown(trail: list[tuple[int, float]]) -> list[list[Any]]:
    return [[step, value if np.isfinite(value) else None] for step, value in trail]

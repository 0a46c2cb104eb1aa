"""Two tiny layers that live in the tests: one draws noise, one keeps a state. They prove what the contract promises."""

import numpy as np
import pytest

from nn_from_scratch.layers import LAYERS, Layer


class Jitter(Layer):
    """y = x · m in training, where each number of m is drawn between 1 − strength and 1 + strength; else y = x.

    Gradient: dx = dy · m.
    """

    def __init__(self, strength: float = 0.5):
        self.strength = strength
        self.key = 0

    def draw(self, rng):
        self.key = rng.integers(2**63)

    def forward(self, x, training=False):
        if not training:
            return x.copy()
        drawn = np.random.default_rng(self.key).random(x.shape, dtype=x.dtype)
        self.m = 1 + self.strength * (2 * drawn - 1)
        return x * self.m

    def backward_input(self, dy):
        return dy * self.m


class Centre(Layer):
    """y = x − the mean of x over the batch; without training, over the batches before it.

    Gradient: dx = dy − the mean of dy over the batch.
    """

    def __init__(self, memory: float = 0.9):
        self.memory = memory

    def state_shapes(self, input_shape):
        return {"mean": input_shape}

    def initialize(self, rng):
        self.mean[...] = 0

    def forward(self, x, training=False):
        if not training:
            return x - self.mean
        self.batch_mean = x.mean(axis=0)
        return x - self.batch_mean

    def backward_input(self, dy):
        return dy - dy.mean(axis=0)

    def settle(self):
        self.mean *= self.memory
        self.mean += (1 - self.memory) * self.batch_mean


class Row(Layer):
    """y = x as one row a sample: so that whatever a layer puts out can be the end of a network."""

    def output_shape(self, input_shape):
        return (int(np.prod(input_shape)),)

    def forward(self, x, training=False):
        if training:
            self.shape = x.shape
        return x.reshape(len(x), -1).copy()

    def backward_input(self, dy):
        return dy.reshape(self.shape).copy()


OWN = {"jitter": Jitter, "centre": Centre, "row": Row}


@pytest.fixture
def own_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jitter, Centre and Row stand in the table for a test."""
    for name, layer in OWN.items():
        monkeypatch.setitem(LAYERS, name, layer)

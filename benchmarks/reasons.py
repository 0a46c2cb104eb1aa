"""Why the package is fast: a step as it is, compared with a step in which one choice is made differently.

docs/performance.md explains the choices. All is measured on one thread, because no choice is about threads.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks import ours
from benchmarks.contenders import INSTEAD, OURS
from benchmarks.timing import Row, interleaved, threads
from nn_from_scratch import PRESETS, Adam, Batches, Dataset, Dense, Network, Recipe, Sigmoid, Split, train_step
from nn_from_scratch.data.batches import inputs


class BothGradients(Dense):
    """The first layer of a network that also computes the unneeded ∂L/∂x."""

    def backward_parameters(self, dy: np.ndarray) -> None:
        super().backward_parameters(dy)
        self.backward_input(dy)


class AdamOnPaper(Adam):
    """The formulas in plain NumPy: each operation makes a new array."""

    def step(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> bool:
        self.steps += 1
        m = self.beta1 * self.state.get("m", 0) + (1 - self.beta1) * gradients
        v = self.beta2 * self.state.get("v", 0) + (1 - self.beta2) * gradients**2
        self.state = {"m": m, "v": v}
        m_hat = m / (1 - self.beta1**self.steps)
        v_hat = v / (1 - self.beta2**self.steps)
        parameters[...] = parameters - learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
        return True


class SigmoidByCases(Sigmoid):
    """1 / (1 + e⁻ˣ) where x ≥ 0, else eˣ / (1 + eˣ), so that nothing overflows."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        e = np.exp(-np.abs(x))
        y = np.where(x < 0, e, 1) / (e + 1)
        if training:
            self.y = y
        return y


class ConvertedBefore(Batches):
    """Batches from a copy of all images as floating-point numbers, which is four times as large."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.x, self.t = inputs(self.split.images, self.input_shape), self.targets[self.split.labels]

    def batch(self, chosen: np.ndarray, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
        return self.x[chosen], self.t[chosen]


def measure(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """Steps of the default architecture with Adam, and with sigmoids for the choice about sigmoids."""
    plain = {"optimizer": "adam", "learning_rate": 0.001, "weight_decay": 0.0, "initializer": "glorot"}
    for batch_size in (64, 128):
        relu, sigmoid = (
            partial(_step, PRESETS[name].override(**plain, batch_size=batch_size), data.train)
            for name in ("784-128-64-10", "784-128-64-10-sigmoid")
        )
        for choice, contenders in {
            "float64 instead of float32": {OURS: relu(), INSTEAD: relu(dtype=np.float64)},
            "Adam with a new array for each operation": {OURS: relu(), INSTEAD: relu(adam=AdamOnPaper)},
            "∂L/∂x of the first layer, too": {OURS: relu(), INSTEAD: relu(first=BothGradients)},
            "images as float32 in memory": {OURS: relu(), INSTEAD: relu(batches=ConvertedBefore)},
            "sigmoid by cases": {OURS: sigmoid(), INSTEAD: sigmoid(sigmoid=SigmoidByCases)},
        }.items():
            with threads(1):
                yield Row("reasons", f"batch {batch_size}: {choice}", 1, "s", interleaved(contenders, repeats))


def _step(
    recipe: Recipe,
    split: Split,
    dtype: type = np.float32,
    first: type[Dense] = Dense,
    sigmoid: type[Sigmoid] = Sigmoid,
    adam: type[Adam] = Adam,
    batches: type[Batches] = Batches,
) -> Callable[[], object]:
    """What ours.step is, of parts that can be replaced."""
    layers = [sigmoid() if type(layer) is Sigmoid else layer for layer in recipe.make_layers()]
    layers[0] = first(recipe.sizes[1])
    network, loss, optimizer = Network(layers, recipe.input_shape, 0, dtype), recipe.make_loss(), adam()
    stream = ours.endless(batches(split, recipe.batch_size, recipe.input_shape, recipe.outputs, 0, dtype))
    return lambda: train_step(network, loss, optimizer, recipe.learning_rate, *next(stream))

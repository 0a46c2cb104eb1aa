"""Named configurations: which layers, and the recipe that trains them.

A recipe is plain data, so that it can be compared, overridden part by part on the command line and written into the
file of the network it trained. The presets' numbers were chosen on the last 10,000 training images, held out.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.data.batches import Batches
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.initializers import parse_initializer
from nn_from_scratch.layers import Activation, Dense, Layer, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import LOSSES, Loss
from nn_from_scratch.network import Network, Seed
from nn_from_scratch.optimizers import SGD, Adam, Optimizer
from nn_from_scratch.schedules import SCHEDULES, OneCycle, Schedule, StepDecay

# What a recipe can name, in its own short words. A new activation or optimizer is a class and an entry here.
ACTIVATIONS: dict[str, type[Activation]] = {"relu": ReLU, "sigmoid": Sigmoid, "softmax": Softmax}
OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam}


@dataclass(frozen=True)
class Recipe:
    """Everything that, with a seed and a data set, decides what a network becomes.

    Raises BadInput where a part is impossible or the parts don't fit each other.
    """

    sizes: tuple[int, ...]  # the number of inputs, then the units of each Dense layer
    activations: tuple[str, ...]  # one after each Dense layer
    loss: str
    optimizer: str
    learning_rate: float  # the schedule's peak
    schedule: str
    batch_size: int | None  # None: the whole training set at once
    epochs: int
    momentum: float = 0.0  # SGD only
    nesterov: bool = False  # SGD only
    beta1: float = 0.9  # Adam only
    beta2: float = 0.999  # Adam only
    weight_decay: float = 0.0
    warmup: float = 0.2  # one-cycle only
    decay_factor: float = 0.5  # step-decay only
    decay_pieces: int = 4  # step-decay only
    initializer: str = "he"
    bias_initializer: str = "zeros"
    classes: tuple[int, ...] = tuple(range(10))  # the digits told apart; images of others are left out

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise BadInput(f"sizes {_words(self.sizes)}: expected the number of inputs, then the units of each layer")
        if len(self.activations) != len(self.sizes) - 1:
            raise BadInput(
                f"activations {_words(self.activations)}: expected {len(self.sizes) - 1}, one for each layer of "
                f"sizes {_words(self.sizes)}"
            )
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise BadInput(f"classes {_words(self.classes)}: expected at least two, all different")
        if self.sizes[-1] != len(self.classes) and (self.sizes[-1], len(self.classes)) != (1, 2):
            raise BadInput(
                f"sizes {_words(self.sizes)}: expected one output for each of the classes {_words(self.classes)}, or "
                "a single output for two classes"
            )
        if self.activations[-1] == "softmax" and self.sizes[-1] == 1:
            raise BadInput("activation softmax on a single output: it would always be 1; expected sigmoid")
        if self.loss == "cross-entropy" and self.activations[-1] != "softmax":
            raise BadInput(f"loss cross-entropy after {self.activations[-1]}: expected softmax as the last activation")
        if self.loss == "binary-cross-entropy" and self.activations[-1] != "sigmoid":
            raise BadInput(f"loss binary-cross-entropy after {self.activations[-1]}: expected sigmoid")
        if self.batch_size is not None and self.batch_size < 1:
            raise BadInput(f"batch_size {self.batch_size}: expected at least 1, or None for the whole training set")
        if self.epochs < 1:
            raise BadInput(f"epochs {self.epochs}: expected at least 1")
        if self.optimizer == "adam" and (self.momentum or self.nesterov):
            raise BadInput("momentum and nesterov belong to the optimizer sgd, not to adam, which has its own averages")
        if self.optimizer == "sgd" and (self.beta1, self.beta2) != (Recipe.beta1, Recipe.beta2):
            raise BadInput("beta1 and beta2 belong to the optimizer adam, not to sgd, which has a momentum")
        try:  # the parts know best what they accept
            self.make_loss()
            self.make_optimizer()
            self.make_schedule(total_steps=1)
            self.make_layers()
        except KeyError as unknown:
            raise BadInput(f"unknown name {unknown} in the recipe") from None
        except ValueError as problem:
            raise BadInput(str(problem)) from None

    def make_layers(self) -> list[Layer]:
        weights, biases = parse_initializer(self.initializer), parse_initializer(self.bias_initializer)
        layers: list[Layer] = []
        for units, activation in zip(self.sizes[1:], self.activations, strict=True):
            layers += [Dense(units, weights, biases), ACTIVATIONS[activation]()]
        return layers

    def make_network(self, seed: Seed, dtype: type = np.float32) -> Network:
        return Network(self.make_layers(), self.sizes[:1], seed, dtype)

    def make_loss(self) -> Loss:
        return LOSSES[self.loss]()

    def make_optimizer(self) -> Optimizer:
        options: dict[str, Any] = {"weight_decay": self.weight_decay}
        if self.optimizer == "sgd":
            options |= {"momentum": self.momentum, "nesterov": self.nesterov}
        if self.optimizer == "adam":
            options |= {"beta1": self.beta1, "beta2": self.beta2}
        return OPTIMIZERS[self.optimizer](**options)

    def make_schedule(self, total_steps: int) -> Schedule:
        schedule = SCHEDULES[self.schedule]
        options: dict[str, Any] = {}
        if schedule is OneCycle:
            options = {"warmup": self.warmup}
        if schedule is StepDecay:
            options = {"factor": self.decay_factor, "pieces": self.decay_pieces}
        return schedule(self.learning_rate, total_steps, **options)

    def make_batches(self, split: Split, seed: int | np.random.SeedSequence, dtype: type = np.float32) -> Batches:
        return Batches(split, self.batch_size, self.sizes[:1], self.sizes[-1], seed, dtype)

    def override(self, **changes: Any) -> "Recipe":
        """This recipe with other parts.

        Parts that only made sense with what was replaced go with it: momentum and betas with another optimizer, and,
        with another number of layers, the activations, of which the first is repeated before the last.
        """
        if changes.get("optimizer", self.optimizer) != self.optimizer:
            own = ("momentum", "nesterov", "beta1", "beta2")
            changes = {name: getattr(Recipe, name) for name in own} | changes
        layers = len(changes.get("sizes", self.sizes)) - 1
        if layers != len(self.activations) and layers > 0:
            hidden, last = self.activations[0], self.activations[-1]
            changes = {"activations": (hidden,) * (layers - 1) + (last,), **changes}
        return replace(self, **changes)


def _words(values: tuple) -> str:
    return " ".join(map(str, values))


DEFAULT_PRESET = "784-128-64-10"

PRESETS: dict[str, Recipe] = {
    "784-10-10": Recipe(
        sizes=(784, 10, 10),
        activations=("relu", "softmax"),
        loss="cross-entropy",
        optimizer="adam",
        learning_rate=0.004,
        schedule="one-cycle",
        batch_size=32,
        epochs=100,
        weight_decay=0.05,
        initializer="scaled-normal",
    ),
    "784-100-10": Recipe(
        sizes=(784, 100, 10),
        activations=("sigmoid", "sigmoid"),
        loss="mean-squared-error",
        optimizer="adam",
        learning_rate=0.005,
        schedule="cosine",
        batch_size=64,
        epochs=30,
        weight_decay=0.03,
        initializer="glorot",
    ),
    "784-128-64-10": Recipe(
        sizes=(784, 128, 64, 10),
        activations=("relu", "relu", "softmax"),
        loss="cross-entropy",
        optimizer="adam",
        learning_rate=0.01,
        schedule="one-cycle",
        batch_size=192,
        epochs=18,
        weight_decay=0.15,
        initializer="normal:0.1",
    ),
    # 98 % in a second: a high rate for three epochs, and an Adam that forgets sooner, as there are only 705 steps.
    "784-128-64-10-fast": Recipe(
        sizes=(784, 128, 64, 10),
        activations=("relu", "relu", "softmax"),
        loss="cross-entropy",
        optimizer="adam",
        learning_rate=0.015,
        schedule="one-cycle",
        batch_size=256,
        epochs=3,
        beta1=0.7,
        beta2=0.95,
        weight_decay=0.2,
        warmup=0.15,
        initializer="normal:0.1",
    ),
    "784-128-64-10-sigmoid": Recipe(
        sizes=(784, 128, 64, 10),
        activations=("sigmoid", "sigmoid", "softmax"),
        loss="cross-entropy",
        optimizer="sgd",
        learning_rate=0.1,
        schedule="cosine",
        batch_size=1,
        epochs=8,
        weight_decay=6e-05,
        initializer="glorot",
    ),
    "784-196-1": Recipe(
        sizes=(784, 196, 1),
        activations=("sigmoid", "sigmoid"),
        loss="binary-cross-entropy",
        optimizer="adam",
        learning_rate=0.04,
        schedule="one-cycle",
        batch_size=64,
        epochs=15,
        initializer="glorot",
        classes=(1, 2),
    ),
}

"""A recipe holds all settings of a training: plain data, its parts named by words.

A recipe can be compared, overridden part by part on the command line, and written into the file of the network that it
trained. Together with a seed and a data set, it determines the trained network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.classes import outputs_fit
from nn_from_scratch.data.augmentation import AUGMENTATIONS, Augment
from nn_from_scratch.data.batches import Batches
from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.errors import BadInput, count
from nn_from_scratch.initializers import INITIALIZERS
from nn_from_scratch.layers import LAYERS, Activation, Layer, ReLU
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.losses import LOSSES, Loss, matching_loss
from nn_from_scratch.network import Network, Place, sizes, walk
from nn_from_scratch.optimizers import OPTIMIZERS, Optimizer
from nn_from_scratch.randomness import Seed
from nn_from_scratch.schedules import SCHEDULES, Schedule
from nn_from_scratch.storage import json_files
from nn_from_scratch.words import Table, name_of

# The parts of a recipe that are one word each, with the table for the word.
TABLES: dict[str, Table] = {
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "initializer": INITIALIZERS,
    "bias_initializer": INITIALIZERS,
}

BILLION = 10**9  # no machine finishes more epochs, and a checkpoint could not store the number of their steps


@dataclass(frozen=True)
class Recipe:
    """Layers, and how they are trained.

    Words are kept in their canonical form, so that equal recipes compare equal. Raises BadInput if a part is
    impossible, or if the parts don't fit each other.
    """

    layers: tuple[str, ...]  # from input to output, such as ("dense:128", "relu", "dense:10", "softmax")
    loss: str
    optimizer: str
    learning_rate: float  # the schedule's peak
    schedule: str
    batch_size: int | None  # None: the whole training set at once
    epochs: int
    initializer: str = "he"  # of every layer that takes one and doesn't name its own
    bias_initializer: str = "zeros"  # likewise
    input_shape: tuple[int, ...] = ()  # of one sample; (): that of the data's images
    classes: tuple[int, ...] = ()  # the labels to tell apart, leaving out other images; (): all labels of the data
    augmentation: tuple[str, ...] = ()  # the changes of the training images, new in every epoch; (): none

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(map(LAYERS.canonical, self.layers)))
        object.__setattr__(self, "augmentation", tuple(map(AUGMENTATIONS.canonical, self.augmentation)))
        for part, table in TABLES.items():
            object.__setattr__(self, part, table.canonical(getattr(self, part)))
        if not self.layers:
            raise BadInput("layers: expected at least one, such as dense:10")
        if self.batch_size is not None and not 1 <= self.batch_size <= BILLION:
            raise BadInput(f"batch_size {self.batch_size}: expected 1 to a billion, or None for the whole training set")
        if not 1 <= self.epochs <= BILLION:
            raise BadInput(f"epochs {self.epochs}: expected 1 to a billion")
        if self.classes and (len(self.classes) < 2 or len(set(self.classes)) < len(self.classes)):
            raise BadInput(f"classes {_words(self.classes)}: expected at least two, all different")
        for part, table in TABLES.items():  # the parts know best what they accept
            table.make(getattr(self, part), peak=self.learning_rate, total_steps=1)
        self.make_augment(seed=0)
        last, loss = self.make_layers()[-1], self.make_loss()
        if loss.matching_activation not in (None, type(last)):
            expected = name_of(loss.matching_activation)
            raise BadInput(f"loss {self.loss} after {self.layers[-1]}: expected {expected} as the last layer")
        if self.input_shape:
            self._check_outputs(self.places())

    def _check_outputs(self, places: Sequence[Place]) -> None:
        shape = places[-1].output_shape
        if len(shape) != 1:
            raise BadInput(f"layers {_words(self.layers)}: outputs of shape {shape}, expected a row of numbers")
        if self.classes and not outputs_fit(shape[0], len(self.classes)):
            raise BadInput(
                f"layers {_words(self.layers)}: {count(shape[0], 'output')}, expected one for each of the classes "
                f"{_words(self.classes)}, or a single one for two classes"
            )

    # ---- what it makes ----

    def make_layers(self) -> list[Layer]:
        defaults = {"initializer": self.initializer, "bias_initializer": self.bias_initializer}
        return [LAYERS.make(word, defaults) for word in self.layers]

    def places(self) -> list[Place]:
        """The layers with all their shapes. Nothing is allocated. Raises BadInput if they don't fit each other."""
        if not self.input_shape:
            raise BadInput("the input shape of this recipe follows from the data: expected for_data first")
        try:
            return walk(self.make_layers(), self.input_shape)
        except ValueError as problem:
            raise BadInput(f"layers {_words(self.layers)} on samples of shape {self.input_shape}: {problem}") from None

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.places()[-1].output_shape[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs, then the number of outputs of each layer that learns: 784, 128, 64, 10."""
        learning = [place.output_shape for place in self.places() if place.parameters]
        return tuple(map(prod, (self.input_shape, *learning)))

    def make_network(self, seed: Seed, dtype: type = np.float32) -> Network:
        """Raises BadInput, before the training, for a network whose file could not be read again."""
        places, most = self.places(), json_files.MOST_PARAMETERS
        try:
            if (size := sum(sizes(places))) > most:
                raise ValueError(f"{size:,} parameters are too many: expected at most {most:,}")
            return Network([place.layer for place in places], self.input_shape, seed, dtype)
        except ValueError as problem:
            raise BadInput(f"layers {_words(self.layers)}: {problem}") from None

    def make_loss(self) -> Loss:
        return LOSSES.make(self.loss)

    def make_optimizer(self) -> Optimizer:
        return OPTIMIZERS.make(self.optimizer)

    def make_schedule(self, total_steps: int) -> Schedule:
        return SCHEDULES.make(self.schedule, peak=self.learning_rate, total_steps=total_steps)

    def make_augment(self, seed: Seed) -> Augment | None:
        augmentations = [AUGMENTATIONS.make(word) for word in self.augmentation]
        return Augment(augmentations, seed) if augmentations else None

    def make_batches(
        self,
        split: Split,
        seed: Seed,
        dtype: type = np.float32,
        augmentation_seed: Seed = 0,
        make: Callable[..., Batches] = Batches,
    ) -> Batches:
        augment = self.make_augment(augmentation_seed)
        return make(split, self.batch_size, self.input_shape, self.outputs, seed, dtype, augment)

    # ---- other recipes ----

    def for_data(self, dataset: Dataset) -> "Recipe":
        """This recipe with nothing left open: if it names no input shape or classes, it gets those of the data.

        A grey image is (1, rows, columns), or a row of all its pixels if the layers don't take that shape.
        """
        recipe = self
        if not self.classes:
            recipe = replace(recipe, classes=dataset.labels)
        if not self.input_shape:
            shape = dataset.train.sample_shape
            recipe = replace(recipe, input_shape=shape if self._takes(shape) else (prod(shape),))
        return recipe

    @property
    def for_all_classes(self) -> bool:
        """Whether the recipe makes no choice among the classes: it names none, or all ten digits."""
        return self.classes in ((), tuple(range(10)))

    def fitted(self, shape: Shape, labels: Sequence[int]) -> "Recipe":
        """This recipe for samples of another shape and for other classes, where the data are not as it expects.

        A recipe for the ten digits, or for classes that the data don't have, becomes one for all classes of the data.
        Raises BadInput where the layers don't take such samples.
        """
        changes: dict[str, Any] = {}
        if not self.input_shape or prod(self.input_shape) != prod(shape):
            changes["input_shape"] = shape if self._takes(shape) else (prod(shape),)
        if not set(self.classes) <= set(labels) or (self.for_all_classes and len(labels) != len(self.classes)):
            changes["classes"] = tuple(labels)
        return self.override(**changes) if changes else self

    def _takes(self, input_shape: Shape) -> bool:
        try:
            walk(self.make_layers(), input_shape)
        except ValueError:
            return False
        return True

    def override(self, **changes: Any) -> "Recipe":
        """This recipe with other parts.

        Besides its parts, `changes` may name settings of the optimizer and of the schedule (momentum=0.9), and, for
        Dense layers with an activation after each, sizes=(784, 128, 10) and activations=("relu", "softmax").

        A new part also brings settings that suit it, unless `changes` has them: a new optimizer brings its own settings
        and its usual learning rate; new layers bring their own input shape and first weights, and the loss that matches
        their last activation; a new loss brings its matching last activation; new classes bring an output for each of
        them.
        """
        own = {part.name for part in fields(Recipe)}
        parts = {name: value for name, value in changes.items() if name in own}
        settings = {name: value for name, value in changes.items() if name not in own | {"sizes", "activations"}}
        if "sizes" in changes or "activations" in changes:
            if "layers" in changes:
                raise BadInput("layers, sizes, activations: expected either the layers, or sizes and activations")
            parts = _dense_stack(self.layers, changes.get("sizes"), changes.get("activations")) | parts
        elif "layers" in changes:
            parts = {"input_shape": ()} | parts
        for part in ("optimizer", "schedule"):
            word, table = parts.get(part, getattr(self, part)), TABLES[part]
            known = table.settings(table.parse(word)[0])
            parts[part] = table.changed(word, {name: settings.pop(name) for name in known if name in settings})
        if settings:
            raise BadInput(_whose(next(iter(settings)), parts))
        parts = (self._suiting_layers(parts) if "layers" in parts else {"layers": self._suited_layers(parts)}) | parts
        recipe = replace(self, **parts)
        same = OPTIMIZERS.parse(recipe.optimizer)[0] == OPTIMIZERS.parse(self.optimizer)[0]
        return recipe if same or "learning_rate" in parts else replace(recipe, learning_rate=recipe._usual_rate())

    def _usual_rate(self) -> float:
        """The optimizer's usual learning rate, for gradients of the size that this loss has."""
        optimizer, outputs = self.make_optimizer(), self.outputs if self.input_shape else len(self.classes) or 1
        return optimizer.usual_rate * (outputs if optimizer.follows_size and self.make_loss().over_outputs else 1)

    def _suiting_layers(self, parts: dict[str, Any]) -> dict[str, Any]:
        """The first weights and the loss for the layers in `parts`."""
        layers = [LAYERS.make(word) for word in parts["layers"]]
        if not layers or parts["layers"] == self.layers:
            return {}
        found = {"initializer": "he" if any(isinstance(layer, ReLU) for layer in layers) else "glorot"}
        matching = matching_loss(layers[-1])
        if matching and self.make_loss().matching_activation not in (None, type(layers[-1])):
            found["loss"] = matching
        return found | {"bias_initializer": "zeros"}

    def _suited_layers(self, parts: dict[str, Any]) -> tuple[str, ...]:
        """The layers with a last activation that matches the loss in `parts`, and with an output for each class.

        Only a Dense layer with an activation at the end is changed. Other layers stay as they are, and are accepted or
        refused.
        """
        if len(self.layers) < 2:
            return self.layers
        *first, dense, last = self.layers
        (kind, settings), classes = LAYERS.parse(dense), parts.get("classes", self.classes)
        if kind != "dense" or not issubclass(LAYERS[LAYERS.parse(last)[0]], Activation):
            return self.layers
        if "loss" in parts and (matching := LOSSES.make(parts["loss"]).matching_activation):
            last = name_of(matching)
        outputs = settings["units"]
        if classes and (not outputs_fit(outputs, len(classes)) or (outputs, last) == (1, "softmax")):
            dense = LAYERS.changed(dense, {"units": len(classes)})
        return (*first, dense, last)


class DenseStack(NamedTuple):
    """Dense layers with an activation after each, the oldest form of a network."""

    units: tuple[int, ...]  # of each Dense layer
    activations: tuple[str, ...]  # the word of each activation

    @property
    def layers(self) -> tuple[str, ...]:
        pairs = zip(self.units, self.activations, strict=True)
        return tuple(word for units, activation in pairs for word in (f"dense:{units}", activation))


def dense_stack(layers: Sequence[str]) -> DenseStack | None:
    """These layers as Dense layers with an activation after each, or None if they are something else."""
    names = [LAYERS.parse(word)[0] for word in layers]
    if not names or len(names) % 2 or set(names[::2]) != {"dense"} or not set(names[1::2]) <= set(activations()):
        return None
    return DenseStack(tuple(LAYERS.parse(word)[1]["units"] for word in layers[::2]), tuple(layers[1::2]))


def activations() -> list[str]:
    """The names of the activations among the layers."""
    return [name for name, layer in LAYERS.items() if issubclass(layer, Activation)]


def _dense_stack(
    layers: Sequence[str], sizes: Sequence[int] | None, activations: Sequence[str] | None
) -> dict[str, Any]:
    """The layers for these sizes and activations, and their input shape. If one isn't given, `layers` decides."""
    if sizes is not None and (len(sizes) < 2 or min(sizes) < 1):
        raise BadInput(f"sizes {_words(sizes)}: expected the number of inputs, then the units of each layer")
    if sizes is None or activations is None:
        stack = dense_stack(layers)
        if stack is None:
            raise BadInput(
                "sizes and activations stand for Dense layers with an activation after each, but this recipe has "
                f"{_words(layers)}: expected both of them, or layers"
            )
        units = stack.units if sizes is None else sizes[1:]
        if activations is None and len(units) == len(stack.units):
            activations = stack.activations
        elif activations is None:  # the first, as often as needed, and then the last
            activations = stack.activations[:1] * (len(units) - 1) + stack.activations[-1:]
    else:
        units = sizes[1:]
    if len(activations) != len(units):
        raise BadInput(
            f"activations {_words(activations)}: expected {len(units)}, one for each layer of {_words(units)} units"
        )
    parts: dict[str, Any] = {"layers": DenseStack(tuple(units), tuple(activations)).layers}
    return parts if sizes is None else parts | {"input_shape": (sizes[0],)}


def setting_owners() -> dict[str, list[tuple[Table, str]]]:
    """The settings of optimizers and schedules, each with the tables and names of the parts that have it."""
    owners: dict[str, list[tuple[Table, str]]] = {}
    for table in (OPTIMIZERS, SCHEDULES):
        for name in table:
            for setting in table.settings(name):
                owners.setdefault(setting, []).append((table, name))
    return owners


def _whose(setting: str, parts: dict[str, Any]) -> str:
    """The message for a setting that this recipe's own parts don't have: it names the parts that have it."""
    owners = [f"the {table.kind} {name}" for table, name in setting_owners().get(setting, [])]
    if not owners:
        return f"{setting}: no part of a recipe has that name"
    return (
        f"{setting.replace('_', '-')} belongs to {' or '.join(owners)}, but this recipe has the optimizer "
        f"{parts['optimizer']} and the schedule {parts['schedule']}"
    )


def _words(values: Sequence) -> str:
    return " ".join(map(str, values))

"""What the page may ask for: every number that comes from outside is checked here, and nowhere else.

JSON from outside may hold anything: numbers too large for a float, true in place of a number, unknown names.
"""

from collections.abc import Collection
from contextlib import suppress
from math import isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.layers import LAYERS, Softmax
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import Recipe, activations, dense_stack
from nn_from_scratch.storage import json_files

DEFAULT_PRESET = "784-100-10"
LEARNING_RATE = (1e-5, 10.0)  # of the slider
HIGHEST_LEARNING_RATE = 1e6  # so that a visitor can make a training diverge on purpose
BATCH_SIZE = (1, 1024)  # or all images at once
WEIGHT = (-1e6, 1e6)  # that a visitor may set
WEIGHT_DECAY = (0.0, 10.0)
HIDDEN_LAYERS = 6
UNITS = 512
EPOCHS = 1000
SPEED = (1, 100_000)  # steps per second
SEED = (0, 2**32 - 1)
Image = tuple[int, int]  # rows, columns
MNIST: Image = (28, 28)  # the size of its images, and of drawings on the pad
SIDE = (4, 64)  # pixels of an image that the page can show
LAYERS_SHOWN = 24
PARAMETERS = 1_200_000  # four hidden layers of 512 units
NUMBERS = 20_000  # that a layer may put out: the largest output in a preset is 24 maps of 28×28
LARGEST_UPLOAD = 32_000_000  # bytes: the largest network that the page shows takes 16 million, in float64 26 million
OTHER_VALUES = 200_000  # in an upload, besides the parameters


class Budget(NamedTuple):
    """How much of the machine one training may use."""

    parameters: int = PARAMETERS
    trail_bytes: int = 32_000_000  # for the history of the weights
    copied_bytes: int | None = None  # of images, for a copy of its own that includes drawings; None: no limit


WHOLE = Budget()
# The budget of a pupil. 784-256-128-10 has 235,146 parameters.
SHARE = Budget(parameters=250_000, trail_bytes=4_000_000, copied_bytes=16_000_000)


def as_shown() -> dict[str, Any]:
    """The limits that the page is told."""
    return {
        "learning_rate": LEARNING_RATE,
        "highest_learning_rate": HIGHEST_LEARNING_RATE,
        "batch_size": BATCH_SIZE,
        "weight_decay": WEIGHT_DECAY,
        "hidden_layers": HIDDEN_LAYERS,
        "units": UNITS,
        "epochs": EPOCHS,
        "speed": (SPEED[0], None),
        "seed": SEED,
    }


def menus() -> dict[str, dict[str, str]]:
    """The optimizers, activations of hidden layers and losses whose names are whole words, and what each is called.

    Softmax is for outputs only: in a hidden layer, the outputs of all neurons together would always add up to 1.
    """
    hidden = (name for name in LAYERS.ready() if name in activations() and LAYERS[name] is not Softmax)
    return {
        "optimizers": {name: OPTIMIZERS[name].__name__ for name in OPTIMIZERS.ready()},
        "activations": {name: LAYERS[name].__name__ for name in hidden},
        "losses": {name: LOSSES[name].__name__ for name in LOSSES.ready()},
    }


def presets() -> list[str]:
    """The presets that the page can show."""
    shown = []
    for name, recipe in PRESETS.items():
        with suppress(BadInput):
            check_architecture(recipe)
            shown.append(name)
    return shown


def preset(name: Any) -> str:
    """The name of a preset that the page can show. For any other preset, raises BadInput with the reason."""
    if isinstance(name, str) and name in PRESETS and name not in presets():
        check_architecture(PRESETS[name])
    return one_of(name, "preset", presets())


def parse_object(text: bytes, names: Collection[str]) -> dict[str, Any]:
    """A JSON object that has no names but these. Raises BadInput."""
    try:
        values = json_files.parse(text)
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"not valid JSON: {one_line(problem)}") from None
    if not isinstance(values, dict):
        raise BadInput("expected a JSON object")
    if unknown := values.keys() - set(names):
        known = ", ".join(sorted(names)) or "none"
        raise BadInput(f"unknown name {one_line(sorted(unknown)[0])!r}: expected {known}")
    return values


def check_upload(content: bytes, budget: Budget = WHOLE) -> None:
    """Raise BadInput for a file that holds more values than any network that the page shows.

    Reading makes an object of each value, and nobody else is served meanwhile: 63 MB of "[]," took 1.8 GB and 9
    seconds. Counting the characters that can come before a value takes a twentieth of a second.
    """
    values = sum(map(content.count, (b",", b":", b"[", b"{")))
    most = budget.parameters + OTHER_VALUES
    if values > most:
        raise BadInput(
            f"the uploaded file: some {values:,} values are too many: expected at most {most:,}, because the "
            f"page shows networks of at most {budget.parameters:,} parameters"
        )


def number(value: Any, name: str, least: float, most: float) -> float:
    """A finite number in a range; true and false don't count as numbers."""
    if type(value) not in (int, float) or not least <= value <= most or not isfinite(value):
        raise BadInput(f"{name} {one_line(value, 40)}: expected a number from {least:g} to {most:g}")
    return float(value)


def whole(value: Any, name: str, least: int, most: int) -> int:
    """A whole number in a range; true and false don't count as numbers."""
    if type(value) is not int or not least <= value <= most:
        raise BadInput(f"{name} {one_line(value, 40)}: expected a whole number from {least} to {most}")
    return value


def one_of(value: Any, name: str, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise BadInput(f"{name} {one_line(value, 40)!r}: expected one of {', '.join(known)}")
    return value


def hidden_units(value: Any) -> tuple[int, ...]:
    """The units of each hidden layer."""
    if not isinstance(value, list) or len(value) > HIDDEN_LAYERS:
        raise BadInput(f"hidden {one_line(value, 40)}: expected a list of at most {HIDDEN_LAYERS} numbers of units")
    return tuple(whole(units, "hidden units", 1, UNITS) for units in value)


def layer_words(value: Any) -> tuple[str, ...]:
    """Layers as words. A recipe checks later whether it knows them, and whether they fit each other."""
    if not isinstance(value, list) or len(value) > LAYERS_SHOWN or not all(isinstance(word, str) for word in value):
        raise BadInput(f"layers {one_line(value, 40)}: expected a list of at most {LAYERS_SHOWN} words")
    return tuple(value)


def image_of(dataset: Dataset) -> Image:
    """The size of the images of a data set. Raises BadInput for data that the page can't show."""
    shape = dataset.train.images.shape[1:]
    if dataset.train.images.dtype != np.uint8 or len(shape) != 2 or not all(SIDE[0] <= n <= SIDE[1] for n in shape):
        size = f"{SIDE[0]} to {SIDE[1]}"
        raise BadInput(f"{one_line(dataset.name)}: the page shows grey images of {size} pixels a side only")
    return shape[0], shape[1]


def check_architecture(recipe: Recipe, budget: Budget = WHOLE, image: Image = MNIST) -> None:
    """Raise BadInput for a network that the page can't show, or that would keep the machine too busy."""
    flat, whole = (prod(image),), (1, *image)
    if recipe.input_shape not in (flat, whole):
        raise BadInput(f"inputs of shape {recipe.input_shape}: expected {flat} or {whole}, the pixels of an image")
    stack = dense_stack(recipe.layers)
    if stack and (len(stack.units) > HIDDEN_LAYERS + 1 or max(stack.units[:-1], default=0) > UNITS):
        raise BadInput(
            f"hidden layers of {', '.join(map(str, stack.units[:-1]))} units: expected at most {HIDDEN_LAYERS} layers "
            f"of at most {UNITS} units"
        )
    places = recipe.places()
    numbers, parameters = max(prod(place.output_shape) for place in places), sum(place.size for place in places)
    if len(places) > LAYERS_SHOWN or numbers > NUMBERS or parameters > budget.parameters:
        raise BadInput(
            f"the page can't show {len(places)} layers of up to {numbers:,} numbers and {parameters:,} parameters: "
            f"expected at most {LAYERS_SHOWN} layers, {NUMBERS:,} numbers after each, and {budget.parameters:,} "
            "parameters"
        )

"""The cases that every layer is tested in, made from its signature alone: a layer in the table needs no line here."""

import inspect
from math import prod
from typing import Literal, NamedTuple, get_args, get_origin, get_type_hints

from nn_from_scratch.layers import LAYERS, Layer
from nn_from_scratch.words import REQUIRED, Table, name_of
from tests.own_layers import OWN

SHAPES = [(5,), (2, 6, 7)]  # a row of numbers; channels, rows and columns, all different, so that none can be confused
VALUES = {int: 3, float: 0.5}  # of the settings that a layer requires
TABLE: Table[Layer] = Table("layer", *LAYERS.values(), *OWN.values())


class Case(NamedTuple):
    """A layer by its word, on samples of a shape."""

    word: str
    input_shape: tuple[int, ...]

    def make(self) -> Layer:
        return TABLE.make(self.word)

    @property
    def name(self) -> str:
        return self.word.split(":")[0]

    def __str__(self) -> str:
        return f"{self.word} on {'x'.join(map(str, self.input_shape))}"


def cases() -> list[Case]:
    """Every layer with every choice it has (true or false, one of several names), on every shape that it takes."""
    return [
        Case(word, shape)
        for layer in TABLE.values()
        for word in words(layer)
        for shape in SHAPES
        if takes(TABLE.make(word), shape)
    ]


def words(layer: type[Layer]) -> list[str]:
    """The layer as little as it can be said, and a word for each other choice."""
    hints = get_type_hints(layer.__init__)
    arguments = inspect.signature(layer).parameters
    least = [name_of(layer), *(str(required(hints[key])) for key, a in arguments.items() if a.default is REQUIRED)]
    others = [
        f"{key.replace('_', '-')}={str(choice).lower()}"
        for key, argument in arguments.items()
        for choice in choices(hints[key])
        if argument.default not in (REQUIRED, choice)
    ]
    return [":".join(least), *(":".join([*least, other]) for other in others)]


def required(hint: type) -> object:
    return choices(hint)[0] if choices(hint) else VALUES[hint]


def choices(hint: type) -> tuple:
    if hint is bool:
        return (True, False)
    return get_args(hint) if get_origin(hint) is Literal else ()


def takes(layer: Layer, shape: tuple[int, ...]) -> bool:
    try:
        return prod(layer.output_shape(shape)) > 0
    except ValueError:
        return False

"""The parts of a recipe as words: "relu", "dense:128", "adam:weight-decay=0.1".

A word is the name of a class, then its settings, separated by colons. The settings are the arguments of the class's
constructor: their names, types and defaults are read from its signature. So a new part of any kind is one class and one
line in a table: recipes, options, files and tests then know it.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from nn_from_scratch.errors import BadInput, one_line

Part = TypeVar("Part")
REQUIRED = inspect.Parameter.empty  # stands for the default of a setting without one


class Table(dict[str, type[Part]], Generic[Part]):
    """The classes of one kind, such as "optimizer", by their names as words.

    `given` names the constructor's arguments that a word does not set, because the code that makes the part does.
    """

    def __init__(self, kind: str, *classes: type[Part], given: tuple[str, ...] = ()):
        super().__init__((name_of(part), part) for part in classes)
        self.kind = kind
        self.given = given

    def settings(self, name: str) -> dict[str, inspect.Parameter]:
        """The settings of a word: the arguments of the constructor, in order."""
        return {key: value for key, value in _arguments(self[name]).items() if key not in self.given}

    def parse(self, word: str) -> tuple[str, dict[str, Any]]:
        """The name in a word, and its settings. Raises BadInput, which says what was expected."""
        name, *pieces = word.split(":")
        if name not in self:
            raise BadInput(f"unknown {self.kind} {one_line(name, 60)!r}: expected one of {self.usages()}")
        order = list(self.settings(name))
        texts: dict[str, str] = {}
        key = ""
        for i, piece in enumerate(pieces):
            before, equals, after = piece.partition("=")
            if equals:
                key = before.replace("-", "_")
            elif key:  # after initializer=normal comes :0.1, a setting of that word
                texts[key] += f":{piece}"
                continue
            else:
                before, after = (order[i] if i < len(order) else piece), piece
            name_of_setting = key or before
            if name_of_setting not in order or name_of_setting in texts:
                raise BadInput(f"{self.kind} {one_line(word, 60)}: expected {self.usage(name)}")
            texts[name_of_setting] = after
        return name, {key: self._read(word, name, key, text) for key, text in texts.items()}

    def make(self, word: str, defaults: Mapping[str, Any] | None = None, **given: Any) -> Part:
        """The part that a word describes. `defaults` are used for settings that the word leaves open.

        Raises BadInput if there is no such part, or if it refuses its settings.
        """
        name, settings = self.parse(word)
        own = self.settings(name)
        settings = {key: value for key, value in (defaults or {}).items() if key in own} | settings
        if any(own[key].default is REQUIRED for key in own.keys() - settings.keys()):
            raise BadInput(f"{self.kind} {one_line(word, 60)}: expected {self.usage(name)}")
        arguments = {key: given[key] for key in self.given if key in given and key in _arguments(self[name])}
        try:
            return self[name](**arguments, **settings)
        except BadInput:
            raise
        except (ValueError, TypeError) as problem:
            raise BadInput(f"{self.kind} {one_line(word, 60)}: {problem}") from None

    def canonical(self, word: str) -> str:
        """The word in its canonical form: required settings in order, others by name unless they have their default."""
        name, settings = self.parse(word)
        return spell(self[name], settings, self.given)

    def changed(self, word: str, settings: Mapping[str, Any]) -> str:
        """The word with these settings, values or their texts, instead of its own."""
        name, own = self.parse(word)
        new = {
            key: self._read(word, name, key, value) if isinstance(value, str) else value
            for key, value in settings.items()
        }
        return spell(self[name], own | new, self.given)

    def ready(self) -> list[str]:
        """The names that are complete words: those of classes that need no settings."""
        return [name for name in self if not any(s.default is REQUIRED for s in self.settings(name).values())]

    def usage(self, name: str, optional: bool = True) -> str:
        """How the word is written: "dense:UNITS", with optional settings in brackets."""
        text = name
        for key, setting in self.settings(name).items():
            if setting.default is REQUIRED:
                text += f":{key.upper()}"
            elif optional:
                text += f"[:{key.replace('_', '-')}={_text(setting.default)}]"
        return text

    def usages(self, names: Iterable[str] | None = None, optional: bool = False) -> str:
        """The shortest forms of these words, or of all words in the table: "dense:UNITS, relu, softmax"."""
        return ", ".join(self.usage(name, optional) for name in (self if names is None else names))

    def _read(self, word: str, name: str, key: str, text: str) -> Any:
        hint = _hints(self[name]).get(key, str)
        try:
            return _value(text, hint)
        except ValueError as expected:
            setting = key.replace("_", "-")
            raise BadInput(
                f"{self.kind} {one_line(word, 60)}: {setting} is {one_line(text, 40)!r}, expected {expected}"
            ) from None


def name_of(part: type) -> str:
    """ReLU → "relu", StepDecay → "step-decay", MaxPool2D → "max-pool2d"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "-", part.__name__).lower()


def word(part: Any) -> str:
    """The word that makes the same part again."""
    return spell(type(part), settings_in(part))


def settings_in(part: Any) -> dict[str, Any]:
    """The arguments of the constructor that differ from their defaults, read from attributes of the same names.

    Values are JSON's types: a part, such as an initializer, becomes a word.
    """
    found = {key: getattr(part, key) for key in _arguments(type(part))}
    plain = {key: value if isinstance(value, int | float | str | None) else word(value) for key, value in found.items()}
    return {key: value for key, value in plain.items() if value != _arguments(type(part))[key].default}


def spell(part: type, settings: Mapping[str, Any], given: tuple[str, ...] = ()) -> str:
    """The word for a class and its settings."""
    pieces = [name_of(part)]
    for key, setting in _arguments(part).items():
        if key in given or key not in settings or settings[key] == setting.default:
            continue
        text = _text(settings[key])
        pieces.append(text if setting.default is REQUIRED else f"{key.replace('_', '-')}={text}")
    return ":".join(pieces)


def explanation(part: type, key: str) -> str:
    """The description of a setting in the class's docstring: the line that begins with its name and a colon."""
    found = re.search(rf"^ *{key}: (.+)$", inspect.getdoc(part) or "", flags=re.MULTILINE)
    return found[1] if found else ""


def _arguments(part: Any) -> dict[str, inspect.Parameter]:
    return _signature(part)[0]


def _hints(part: Any) -> dict[str, Any]:
    return _signature(part)[1]


@cache  # reading a signature takes longer than everything else here
def _signature(part: Any) -> tuple[dict[str, inspect.Parameter], dict[str, Any]]:
    """The arguments of a class's constructor, and their types."""
    return dict(inspect.signature(part).parameters), get_type_hints(part.__init__)


def _value(text: str, hint: Any) -> Any:
    """Text as a value of a type. Raises ValueError, whose message names what was expected."""
    if get_origin(hint) in (Union, UnionType):
        kinds = get_args(hint)
        if str in kinds:
            return text
        if type(None) in kinds and text == "none":
            return None
        (hint,) = (kind for kind in kinds if kind is not type(None))
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            raise ValueError(f"one of {', '.join(get_args(hint))}")
        return text
    if hint is bool:
        if text not in ("true", "false"):
            raise ValueError("true or false")
        return text == "true"
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            raise ValueError("a whole number" if hint is int else "a number") from None
    return text


def _text(value: Any) -> str:
    """A value as it is written in a word: true, none, 0.1, 3."""
    if isinstance(value, float):
        return repr(float(value)).removesuffix(".0")  # float: the repr of a NumPy number includes its type
    return str(value).lower() if str(value) in ("True", "False", "None") else str(value)

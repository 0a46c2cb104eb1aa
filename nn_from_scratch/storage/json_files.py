"""Reading and writing JSON: reading trusts nothing in a file, and written files are readable for people, too.

The callers get the parts of a document by name and kind. If a part is not as expected, they raise `Wrong`, which names
the place in the document. It becomes a BadInput, which names the file, too.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

import numpy as np

from nn_from_scratch.errors import BadInput, one_line, printable
from nn_from_scratch.storage.files import whole_file

# Every written file can be read: the limits in bytes for a file and for the memory that reading it takes. A network
# that could exceed them is refused before its training (Recipe.make_network).
LARGEST_FILE = 100_000_000
LARGEST_IN_MEMORY = 500_000_000
MOST_PARAMETERS = 3_000_000  # each takes up to 33 bytes in the file, and up to five times 5⅓ bytes in a checkpoint


class Wrong(Exception):
    """An error in a document, and its place there."""


@contextmanager
def document(path: str | Path) -> Iterator[Any]:
    """The JSON document in a file. In this context, a `Wrong` becomes a BadInput with the file's name."""
    content = _read(Path(path))
    with naming(path):
        yield content


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """In this context, a `Wrong` becomes a BadInput that names this file."""
    try:
        yield
    except Wrong as wrong:
        raise BadInput(f"{path}: {one_line(wrong)}") from None


def parse(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError or RecursionError, also for NaN and infinities."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a number that JSON allows")

    return json.loads(text, parse_constant=refuse)


def write(content: Any, path: str | Path) -> None:
    """Write the complete document or nothing.

    Raises ValueError for a number that is not finite, and BadInput if the file would be too large to be read again.
    """
    data = (_layout(content) + "\n").encode()
    refuse_long(path, len(data))
    refuse_heavy(path, data)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def numbers(values: np.ndarray) -> list:
    """Nested lists of Python floats whose shortest decimals are those of the array's own dtype.

    The float32 0.1 is 0.100000001490116… as a Python float, and would be written like that; converted through its text,
    it stays 0.1. In rare cases, rounding the text to float64 and then to float32 gives a neighbouring float32;
    7.038531e-26 is an example. Such a number is written in full.
    """
    shortest = values.astype(str).astype(float)
    return np.where(shortest.astype(values.dtype) == values, shortest, values).tolist()


def packed(values: np.ndarray) -> str:
    """An array's bytes in base64, for numbers that only this package reads: it takes a tenth of the time of text.

    Raises ValueError for a number that is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("numbers that are not finite can't be saved")
    return b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def vector(values: Any, place: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The finite numbers that `packed` wrote or, in checkpoints before version 3, those in a list."""
    if not isinstance(values, str):
        return array(values, place, dtype, shape)
    try:
        numbers = np.frombuffer(b64decode(values, validate=True), dtype.newbyteorder("<")).astype(dtype)
    except ValueError:
        raise Wrong(f"{place}: expected {dtype.name} numbers in base64") from None
    return checked(numbers, place, shape)


def array(values: Any, place: str, dtype: np.dtype, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Nested lists of finite numbers as an array, which must have `shape`, if given."""
    if not _holds_numbers(values):
        raise Wrong(f"{place}: expected a list of numbers, or of rows of numbers")
    try:
        numbers = np.array(values, float)
    except (ValueError, OverflowError):
        raise Wrong(f"{place}: expected rows of equal length, of numbers within range") from None
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite, and is refused
        numbers = numbers.astype(dtype)
    return checked(numbers, place, shape)


def checked(numbers: np.ndarray, place: str, shape: tuple[int, ...] | None) -> np.ndarray:
    if not np.isfinite(numbers).all():
        first = tuple(map(int, np.argwhere(~np.isfinite(numbers))[0]))
        raise Wrong(f"{place}{list(first)} is not a finite {numbers.dtype.name}")
    if shape is not None and numbers.shape != shape:
        raise Wrong(f"{place} has shape {numbers.shape}: expected {shape}")
    return numbers


def _holds_numbers(values: Any, depth: int = 4) -> bool:
    """Whether these are numbers in lists, at most `depth` deep: NumPy would also accept texts, and any depth."""
    if not isinstance(values, list) or not depth:
        return False
    kinds = set(map(type, values))
    return kinds <= {int, float} or (kinds == {list} and all(_holds_numbers(row, depth - 1) for row in values))


def with_tuples(values: dict) -> dict[str, Any]:
    """An object with its lists as tuples, which JSON doesn't have."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def with_printable_texts(values: dict, place: str, depth: int = 20) -> dict[str, Any]:
    """An object with all its texts printable, down to those of objects and lists within it, at most `depth` deep."""

    def clean(value: Any, depth: int) -> Any:
        if isinstance(value, dict | list) and not depth:
            raise Wrong(f"{place}: nested too deeply")
        if isinstance(value, dict):
            return {printable(name): clean(part, depth - 1) for name, part in value.items()}
        if isinstance(value, list):
            return [clean(part, depth - 1) for part in value]
        return printable(value) if isinstance(value, str) else value

    return clean(values, depth)


def object_in(entry: Any, name: str, place: str) -> dict:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, dict):
        raise Wrong(f"{place}: expected an object named {name!r}")
    return value


def arrays_in(
    entry: dict,
    group: str,
    shapes: dict[str, tuple[int, ...]],
    place: str,
    dtype: np.dtype,
    read: Callable[[Any, str, np.dtype, tuple[int, ...]], np.ndarray] = array,
) -> dict[str, np.ndarray]:
    """The object named `group` in an object: an array for exactly these names, each of exactly this shape."""
    values = object_in(entry, group, place)
    if values.keys() != shapes.keys():
        raise Wrong(f"{place}.{group} holds {sorted(values)}: expected {sorted(shapes)}")
    return {name: read(values[name], f"{place}.{group}.{name}", dtype, shape) for name, shape in shapes.items()}


def check_kinds(values: dict, kinds: dict[str, Any], place: str) -> None:
    """Raise Wrong unless an object has exactly these names, each with a value of its kind, such as `int | None`."""
    if values.keys() != kinds.keys():
        raise Wrong(f"{place} holds {sorted(values)}: expected {sorted(kinds)}")
    for name, kind in kinds.items():
        if not _is_of_kind(values[name], kind):
            raise Wrong(f"{place}.{name} is {values[name]!r}: expected {getattr(kind, '__name__', kind)}")


def _is_of_kind(value: Any, kind: Any) -> bool:
    """Whether a value has a type, one type of a union, or that of a tuple; True is no int, and numbers are finite."""
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is_of_kind(part, get_args(kind)[0]) for part in value)
    kinds = get_args(kind) or (kind,)
    if type(value) is int:
        return (int in kinds or float in kinds) and abs(value) < 2**63
    return type(value) in kinds and not (type(value) is float and not isfinite(value))


def check_format(document: Any, kind: str, name: str, versions: Sequence[int]) -> int:
    """The version of a document of this format; `kind` is its name in messages. Raises Wrong for any other."""
    if not isinstance(document, dict) or document.get("format") != name:
        raise Wrong(f'not a {kind} of this package: expected a JSON object with "format": "{name}"')
    found = document.get("format_version")
    if type(found) is not int or found not in versions:
        known = " and ".join(map(str, versions))
        raise Wrong(f"format_version is {found!r}, but this version of the package reads {known}")
    return found


def integers_in(document: dict, name: str, least: int) -> tuple[int, ...]:
    values = document.get(name)
    if not isinstance(values, list) or not values or not all(type(v) is int and v >= least for v in values):
        raise Wrong(f"{name}: expected a list of whole numbers from {least} up")
    return tuple(values)


def _read(path: Path) -> Any:
    """The JSON document in a file, or BadInput."""
    try:
        check_file(path, "JSON")
        data = path.read_bytes()
        refuse_heavy(path, data)
        text = data.decode("utf-8")
        del data
        return parse(text)
    except json.JSONDecodeError as problem:
        raise BadInput(
            f"{path}: not valid JSON at line {problem.lineno}, column {problem.colno}: {problem.msg}"
        ) from None
    except UnicodeDecodeError as problem:
        raise BadInput(f"{path}: not UTF-8 text at byte {problem.start}: expected JSON") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply: expected a network, at most a few levels deep") from None
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror or problem}") from None
    except BadInput:
        raise
    except ValueError as problem:
        raise BadInput(f"{path}: not valid JSON: {problem}") from None


def check_file(path: Path, kind: str) -> None:
    """Raise BadInput if this is not a regular file, or too large; OSError if it can't be accessed."""
    if path.exists() and not path.is_file():
        found = "Is a directory" if path.is_dir() else "not a regular file"
        raise BadInput(f"{path}: {found}: expected the {kind} file of a network")
    refuse_long(path, path.stat().st_size)


def refuse_long(path: str | Path, size: int) -> None:
    if size > LARGEST_FILE:
        raise BadInput(f"{path}: {size:,} bytes are too many: expected a network of at most {LARGEST_FILE:,}")


def refuse_heavy(path: str | Path, data: bytes) -> None:
    """Raise BadInput for JSON whose values would take too much memory, before they are read."""
    # The text takes as much as the bytes. Text that is not ASCII takes up to four bytes a character, also as a value.
    memory = len(data) * (2 if data.isascii() else 9)
    # Each value is an object and has a place in a list. Measured in CPython: a number takes 33 bytes, {"a": 1} 230.
    for sign, bytes_each in ((b",", 33), (b"[", 110), (b"{", 230), (b'"', 31)):
        memory += bytes_each * data.count(sign)
    if memory > LARGEST_IN_MEMORY:
        expected = f"expected a network of at most {LARGEST_IN_MEMORY:,}"
        raise BadInput(f"{path}: would take some {memory:,} bytes of memory: {expected}")


def _layout(value: Any, indent: str = "") -> str:
    """JSON for people: an object takes several lines, and the weights of each unit or filter take one line."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(str(key))}: {_layout(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        spread = isinstance(value[0], dict)
        lines = [_layout(item, inner) if spread else json.dumps(item, allow_nan=False) for item in value]
        return "[\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)

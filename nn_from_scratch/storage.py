"""A network to and from a JSON file that explains itself.

The file names its format, its layers and their parameters, and says on what and how the network was trained: to load
it takes the file and nothing else. Numbers are written as the shortest decimals that read back to the same bits.
The format: docs/file-formats.md.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nn_from_scratch.data.dataset import one_line
from nn_from_scratch.errors import BadInput
from nn_from_scratch.files import whole_file
from nn_from_scratch.layers import LAYERS, Dense, Layer, ReLU, Softmax
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Network

FORMAT = "nn_from_scratch"
FORMAT_VERSION = 1
LARGEST_FILE = 100_000_000  # bytes, some eight million parameters: a file beyond that is not one of ours


@dataclass
class SavedNetwork:
    """A network and what is known about it."""

    network: Network
    classes: tuple[int, ...] = tuple(range(10))  # the label that each output stands for
    training: dict[str, Any] = field(default_factory=dict)  # recipe, seed, data set, command
    metrics: dict[str, Any] = field(default_factory=dict)


def save(saved: SavedNetwork, path: str | Path) -> None:
    """Write the file, whole or not at all. Raises ValueError for a parameter that is not finite."""
    network = saved.network
    if not np.isfinite(network.parameters).all():
        raise ValueError("a network with parameters that are not finite can't be saved")
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dtype": network.dtype.name,
        "input_shape": list(network.input_shape),
        "classes": list(saved.classes),
        "training": saved.training,
        "metrics": saved.metrics,
        "layers": [
            {
                "type": type(layer).__name__,
                "config": layer.config(),
                "parameters": {name: _numbers(getattr(layer, name)) for name in layer.parameter_shapes(input_shape)},
                "state": {name: _numbers(values) for name, values in layer.state().items()},
            }
            for layer, input_shape in zip(network.layers, network.shapes, strict=False)
        ],
    }
    with whole_file(path) as temporary:
        temporary.write_text(_layout(document) + "\n", encoding="utf-8")


def load(path: str | Path) -> SavedNetwork:
    """Read a network back, bit for bit. Reads this package's format, and the plain two-layer form (`_from_plain`).

    Raises BadInput, naming the file and the place in it, before anything is built from what doesn't fit.
    """
    document = _read(Path(path))
    try:
        if isinstance(document, dict) and document.keys() >= {"hidden_layer", "output_layer"}:
            return _from_plain(document)
        return _from_document(document)
    except _Wrong as wrong:
        raise BadInput(f"{path}: {one_line(wrong)}") from None


class _Wrong(Exception):
    """What is wrong in the document and where; `load` adds the file's name."""


def _from_document(document: Any) -> SavedNetwork:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _Wrong(f'not a network of this package: expected a JSON object with "format": "{FORMAT}"')
    version = document.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise _Wrong(f"format_version is {version!r}, but this version of the package reads {FORMAT_VERSION}")
    if document.get("dtype") not in ("float32", "float64"):
        raise _Wrong(f'dtype is {document.get("dtype")!r}: expected "float32" or "float64"')
    dtype = np.dtype(document["dtype"])
    input_shape = _integers(document, "input_shape", least=1)
    classes = _integers(document, "classes", least=0)
    entries = document.get("layers")
    if not isinstance(entries, list) or not entries:
        raise _Wrong("layers: expected a list of at least one layer")

    layers, arrays, shape = [], [], input_shape
    for i, entry in enumerate(entries):
        place = f"layers[{i}]"
        layer = _layer(entry, place)
        output_shape = _output_shape(layer, shape, place)
        arrays.append(_arrays(entry, "parameters", layer.parameter_shapes(shape), place, dtype))
        layers.append(layer)
        shape = output_shape
    if shape != (len(classes),) and (shape, len(classes)) != ((1,), 2):
        raise _Wrong(f"classes: {len(classes)} of them for outputs of shape {shape}")
    network = _assemble(layers, input_shape, arrays, dtype)
    for i, (layer, entry) in enumerate(zip(layers, entries, strict=True)):
        state = layer.state()
        stored = _arrays(entry, "state", {name: kept.shape for name, kept in state.items()}, f"layers[{i}]", dtype)
        for name, values in stored.items():
            state[name][...] = values
    training, metrics = (_object(document, name, "the file") for name in ("training", "metrics"))
    return SavedNetwork(network, classes, training, metrics)


def _from_plain(document: dict) -> SavedNetwork:
    """The form that older 784-10-10 projects write: a ReLU hidden layer, a softmax output, biases as a column."""
    layers: list[Layer] = []
    arrays: list[dict[str, np.ndarray]] = []
    shape: Shape = ()
    for name, activation in (("hidden_layer", ReLU), ("output_layer", Softmax)):
        entry = document[name] if isinstance(document[name], dict) else {}
        W = _array(entry.get("weights"), f"{name}.weights", np.dtype(np.float32))
        b = _array(entry.get("biases"), f"{name}.biases", np.dtype(np.float32))
        if W.ndim != 2 or W.size == 0:
            raise _Wrong(f"{name}.weights has shape {W.shape}: expected (units, inputs)")
        if shape and W.shape[1:] != shape:
            raise _Wrong(f"{name}.weights has shape {W.shape}, but the layer before it has {shape[0]} units")
        if b.shape not in ((len(W), 1), (len(W),)):
            raise _Wrong(f"{name}.biases has shape {b.shape}: expected ({len(W)}, 1)")
        layers += [Dense(len(W)), activation()]
        arrays += [{"W": W, "b": b.ravel()}, {}]
        shape = W.shape[:1]
    network = _assemble(layers, arrays[0]["W"].shape[1:], arrays, np.dtype(np.float32))
    return SavedNetwork(network, tuple(range(shape[0])))


def _assemble(layers: list[Layer], input_shape: Shape, arrays: list[dict[str, np.ndarray]], dtype: np.dtype) -> Network:
    """A network with these parameters. Their shapes were checked before: nothing large is made from a small file."""
    network = Network(layers, input_shape, seed=0, dtype=dtype)  # the weights it draws are replaced at once
    for layer, named in zip(layers, arrays, strict=True):
        for name, values in named.items():
            getattr(layer, name)[...] = values
    return network


def _layer(entry: Any, place: str) -> Layer:
    """A layer from its type and config."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in LAYERS:
        raise _Wrong(f"{place}.type is {kind!r}: expected one of {', '.join(LAYERS)}")
    config = _object(entry, "config", place)
    try:
        layer = LAYERS[kind](**config)
        if layer.config() != config:
            raise ValueError(f"expected {layer.config()}")
    except (TypeError, ValueError) as problem:
        raise _Wrong(f"{place}.config {config} does not make a {kind}: {problem}") from None
    return layer


def _arrays(entry: dict, group: str, shapes: dict[str, Shape], place: str, dtype: np.dtype) -> dict[str, np.ndarray]:
    """The arrays that a layer's entry holds in one group: exactly those named, of exactly these shapes."""
    values = _object(entry, group, place)
    if values.keys() != shapes.keys():
        raise _Wrong(f"{place}.{group} holds {sorted(values)}: expected {sorted(shapes)}")
    found = {name: _array(values[name], f"{place}.{group}.{name}", dtype) for name in shapes}
    for name, shape in shapes.items():
        if found[name].shape != shape:
            raise _Wrong(f"{place}.{group}.{name} has shape {found[name].shape}: expected {shape}")
    return found


def _output_shape(layer: Layer, input_shape: Shape, place: str) -> Shape:
    try:
        return layer.output_shape(input_shape)
    except ValueError as problem:
        raise _Wrong(f"{place}: {problem}") from None


def _array(values: Any, place: str, dtype: np.dtype) -> np.ndarray:
    """Nested lists of finite numbers as an array."""
    if not _holds_numbers(values):
        raise _Wrong(f"{place}: expected a list of numbers, or of rows of numbers")
    try:
        array = np.array(values, float)
    except (ValueError, OverflowError):
        raise _Wrong(f"{place}: expected rows of equal length, of numbers within range") from None
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite, and is refused as such
        array = array.astype(dtype)
    if not np.isfinite(array).all():
        first = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise _Wrong(f"{place}{list(first)} is not a finite {dtype.name}")
    return array


def _holds_numbers(values: Any, depth: int = 4) -> bool:
    """Whether these are numbers in lists, at most `depth` deep: NumPy would also take texts, and at any depth."""
    if not isinstance(values, list) or not depth:
        return False
    kinds = set(map(type, values))
    return kinds <= {int, float} or (kinds == {list} and all(_holds_numbers(row, depth - 1) for row in values))


def _object(entry: dict, name: str, place: str) -> dict:
    value = entry.get(name)
    if not isinstance(value, dict):
        raise _Wrong(f"{place}: expected an object named {name!r}")
    return value


def _integers(document: dict, name: str, least: int) -> tuple[int, ...]:
    values = document.get(name)
    if not isinstance(values, list) or not values or not all(type(v) is int and v >= least for v in values):
        raise _Wrong(f"{name}: expected a list of whole numbers from {least} up")
    return tuple(values)


def _read(path: Path) -> Any:
    """The JSON document in a file, or BadInput."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a number that JSON allows")

    try:
        if path.exists() and not path.is_file():
            found = "Is a directory" if path.is_dir() else "not a regular file"
            raise BadInput(f"{path}: {found}: expected the JSON file of a network")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise BadInput(f"{path}: {size:,} bytes are too many: expected a network of at most {LARGEST_FILE:,}")
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
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


def _numbers(values: np.ndarray) -> list:
    """Nested lists of Python floats whose shortest decimals are those of the array's own dtype.

    0.1 as a float32 is 0.100000001490116… as a Python float, and would be written so; through its text it stays 0.1.
    Rarely, as with 7.038531e-26, rounding that text to float64 and then to float32 ends one float32 beside: such a
    number is written in full.
    """
    shortest = values.astype(str).astype(float)
    return np.where(shortest.astype(values.dtype) == values, shortest, values).tolist()


def _layout(value: Any, indent: str = "") -> str:
    """JSON for people: objects and lists of lists are spread over lines, a row of numbers stays on its own line."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(str(key))}: {_layout(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return "[\n" + ",\n".join(inner + _layout(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)

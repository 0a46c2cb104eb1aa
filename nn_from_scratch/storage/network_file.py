"""A network to and from a self-describing JSON document.

The document has its format, its layers and their parameters, and a record of the data and the training. So loading
needs nothing but the document. Numbers are written as the shortest decimals that read back to the same bits. The
format: docs/file-formats.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.classes import outputs_fit, own_names
from nn_from_scratch.data.dataset import LONGEST_NAME
from nn_from_scratch.errors import printable
from nn_from_scratch.layers import LAYERS, Dense, Layer, ReLU, Softmax
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Network, Place, walk
from nn_from_scratch.storage.json_files import (
    Wrong,
    array,
    arrays_in,
    check_format,
    integers_in,
    numbers,
    object_in,
    with_printable_texts,
)

FORMAT = "nn_from_scratch"
FORMAT_VERSION = 2
READ_VERSIONS = (1, 2)  # 1 has no initializers
DIGIT = "digit"  # the word for a sample if the file has none


@dataclass
class SavedNetwork:
    """A network and its records."""

    network: Network
    classes: tuple[int, ...] = tuple(range(10))  # the label that each output stands for; (): none, outputs are numbers
    training: dict[str, Any] = field(default_factory=dict)  # recipe, seed, data set, command
    metrics: dict[str, Any] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()  # one name for each class; (): their labels are the names
    noun: str = DIGIT  # the word for a sample in a sentence

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, in order."""
        return self.class_names or tuple(map(str, self.classes))


def network_document(saved: SavedNetwork) -> dict[str, Any]:
    """The document of a network. Raises ValueError for content that could not be read again."""
    document = network_record(saved)
    for entry, place in zip(document["layers"], saved.network.places, strict=True):
        for group in ("parameters", "state"):
            entry[group] = {name: numbers(getattr(place.layer, name)) for name in getattr(place, group)}
    return document


def network_record(saved: SavedNetwork) -> dict[str, Any]:
    """The document of a network without its numbers.

    Raises ValueError for content that could not be read again: a number that is not finite, or classes that don't fit
    the outputs.
    """
    network = saved.network
    if not isinstance(network, Network):
        raise TypeError(f"expected a network, not a {type(network).__name__}: to save several, use SavedEnsemble")
    network.check_views()
    if not _classes_fit(network.output_shape, saved.classes):
        raise ValueError(f"{_misfit(network.output_shape, saved.classes)}, or classes=() if the outputs are numbers")
    told: dict[str, Any] = {}  # default values are left out
    if names := own_names(saved.names, saved.classes):
        told["class_names"] = list(names)
    if saved.noun != DIGIT:
        told["noun"] = saved.noun
    try:
        _called(told, saved.classes)
    except Wrong as wrong:
        raise ValueError(str(wrong)) from None
    if not np.isfinite(network.snapshot()).all():
        raise ValueError("a network with parameters or state that are not finite can't be saved")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dtype": network.dtype.name,
        "input_shape": list(network.input_shape),
        "classes": [int(label) for label in saved.classes],
        **told,
        "training": saved.training,
        "metrics": saved.metrics,
        "layers": [{"type": place.name, "config": place.layer.config()} for place in network.places],
    }


Arrays = list[dict[str, np.ndarray]]  # the arrays of each layer, by their names


def network_in(document: Any, arrays_of: Callable[[list[Place], np.dtype], Arrays] | None = None) -> SavedNetwork:
    """The network in a document. Everything is checked before it is built. Raises Wrong, naming the place.

    Its numbers are in the document, too, unless `arrays_of` gets them from elsewhere.
    """
    check_format(document, "network", FORMAT, READ_VERSIONS)
    if document.get("dtype") not in ("float32", "float64"):
        raise Wrong(f'dtype is {document.get("dtype")!r}: expected "float32" or "float64"')
    dtype = np.dtype(document["dtype"])
    input_shape = integers_in(document, "input_shape", least=1)
    classes = () if document.get("classes") == [] else integers_in(document, "classes", least=0)
    entries = document.get("layers")
    if not isinstance(entries, list) or not entries:
        raise Wrong("layers: expected a list of at least one layer")

    layers = [_layer(entry, f"layers[{i}]") for i, entry in enumerate(entries)]
    places = _walk(layers, input_shape)
    arrays = arrays_of(places, dtype) if arrays_of else _arrays_in(entries, places, dtype)
    if not _classes_fit(places[-1].output_shape, classes):
        raise Wrong(_misfit(places[-1].output_shape, classes))
    network = _assemble(layers, input_shape, arrays, dtype)
    training, metrics = (
        with_printable_texts(object_in(document, name, "the file"), name) for name in ("training", "metrics")
    )
    return SavedNetwork(network, classes, training, metrics, *_called(document, classes))


def _called(document: dict, classes: Sequence[int]) -> tuple[tuple[str, ...], str]:
    """The names of the classes and the word for a sample; the file has them only if they aren't those of digits."""
    names, noun = document.get("class_names", []), document.get("noun", DIGIT)
    if not (isinstance(names, list) and all(_is_name(name) for name in names) and len(names) in (0, len(classes))):
        raise Wrong(f"class_names: expected a text of 1 to {LONGEST_NAME} characters for each of the classes")
    if not _is_name(noun):
        raise Wrong(f"noun: expected a text of 1 to {LONGEST_NAME} characters, such as {DIGIT!r}")
    return tuple(printable(name)[:LONGEST_NAME] for name in names), printable(noun)[:LONGEST_NAME]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_NAME


def _arrays_in(entries: list, places: list[Place], dtype: np.dtype) -> Arrays:
    return [
        arrays_in(entry, "parameters", place.parameters, f"layers[{i}]", dtype)
        | arrays_in(entry, "state", place.state, f"layers[{i}]", dtype)
        for i, (entry, place) in enumerate(zip(entries, places, strict=True))
    ]


def network_in_plain(document: dict) -> SavedNetwork:
    """The form that older 784-10-10 projects write: a ReLU hidden layer, a softmax output, biases as a column."""
    layers: list[Layer] = []
    arrays: Arrays = []
    shape: Shape = ()
    for name, activation in (("hidden_layer", ReLU), ("output_layer", Softmax)):
        entry = document[name] if isinstance(document[name], dict) else {}
        W = array(entry.get("weights"), f"{name}.weights", np.dtype(np.float32))
        b = array(entry.get("biases"), f"{name}.biases", np.dtype(np.float32))
        if W.ndim != 2 or W.size == 0:
            raise Wrong(f"{name}.weights has shape {W.shape}: expected (units, inputs)")
        if shape and W.shape[1:] != shape:
            raise Wrong(f"{name}.weights has shape {W.shape}, but the layer before it has {shape[0]} units")
        if b.shape not in ((len(W), 1), (len(W),)):
            raise Wrong(f"{name}.biases has shape {b.shape}: expected ({len(W)}, 1)")
        layers += [Dense(len(W)), activation()]
        arrays += [{"W": W, "b": b.ravel()}, {}]
        shape = W.shape[:1]
    network = _assemble(layers, arrays[0]["W"].shape[1:], arrays, np.dtype(np.float32))
    return SavedNetwork(network, tuple(range(shape[0])))


def _assemble(layers: list[Layer], input_shape: Shape, arrays: Arrays, dtype: np.dtype) -> Network:
    """A network with these parameters. Their shapes were checked before: a small file can't make a large network."""
    try:
        network = Network(layers, input_shape, seed=0, dtype=dtype)  # its random weights are replaced below
    except ValueError as problem:
        raise Wrong(str(problem)) from None
    for layer, named in zip(layers, arrays, strict=True):
        for name, values in named.items():
            getattr(layer, name)[...] = values
    try:
        network.check_state()
    except ValueError as problem:
        raise Wrong(str(problem)) from None
    return network


def _classes_fit(output_shape: Shape, classes: tuple[int, ...]) -> bool:
    return len(output_shape) == 1 and (not classes or outputs_fit(output_shape[0], len(classes)))


def _misfit(output_shape: Shape, classes: tuple[int, ...]) -> str:
    expected = "expected one for each output, at least two" if output_shape != (1,) else "expected two"
    return f"classes: {len(classes)} of them for outputs of shape {output_shape}: {expected}"


def _layer(entry: Any, place: str) -> Layer:
    """A layer from its type and config."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    known = {layer.__name__: layer for layer in LAYERS.values()}
    if not isinstance(kind, str) or kind not in known:
        raise Wrong(f"{place}.type is {kind!r}: expected one of {', '.join(known)}")
    config = object_in(entry, "config", place)
    try:
        layer = known[kind](**config)
        if layer.config() != config:
            raise ValueError(f"expected {layer.config()}")
    except (TypeError, ValueError) as problem:
        raise Wrong(f"{place}.config {config} does not make a {kind}: {problem}") from None
    return layer


def _walk(layers: list[Layer], input_shape: Shape) -> list[Place]:
    try:
        return walk(layers, input_shape)
    except ValueError as problem:
        raise Wrong(str(problem)) from None

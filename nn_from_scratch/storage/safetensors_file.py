"""A network or an ensemble to and from a safetensors file: numbers in PyTorch's form, and everything else in JSON.

The tensors are those of PyTorch's `nn.Sequential`, which loads the file; those of an ensemble are those of an
`nn.ModuleList` of such. The rest of the JSON document is a text in the file's header, so converting back loses nothing.
A file that PyTorch wrote has no such text, so the caller has to name the layers. The format: docs/file-formats.md.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.classes import are_probabilities
from nn_from_scratch.errors import BadInput, extra, one_line
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Place
from nn_from_scratch.storage import ensemble_file, files, json_files, network_file, sequential
from nn_from_scratch.storage.ensemble_file import SavedEnsemble, ensemble_document, ensemble_in
from nn_from_scratch.storage.json_files import Wrong, checked
from nn_from_scratch.storage.network_file import Arrays, SavedNetwork, network_in, network_record

ENDING = ".safetensors"
RECORD = "nn_from_scratch"  # the only name in the header: safetensors does not keep the order of several names
DTYPES = ("F32", "F64")  # of arrays
COUNTED = "I64"  # of counters

Tensors = Mapping[str, np.ndarray]


def is_safetensors(path: str | Path) -> bool:
    return Path(path).suffix.lower() == ENDING


def check(saved: SavedNetwork | SavedEnsemble) -> None:
    """Raise, before hours of training, the errors that `write` would raise for these layers."""
    with extra("safetensors"):
        import safetensors.numpy  # noqa: F401
    for member in _members(saved):
        sequential.modules(member.network.places)


def write(saved: SavedNetwork | SavedEnsemble, path: str | Path) -> None:
    """Write the complete file or none.

    Raises ValueError as for JSON, and for a layer that PyTorch doesn't have; BadInput if safetensors is not installed.
    """
    with extra("safetensors"):
        from safetensors.numpy import save
    if isinstance(saved, SavedEnsemble):
        record = ensemble_document(saved, network_record)
        arrays = {f"{i}.{key}": array for i, m in enumerate(saved.members) for key, array in _arrays(m).items()}
    else:
        record, arrays = network_record(saved), _arrays(saved)
    data = save(arrays, {RECORD: json.dumps(record, allow_nan=False)})
    json_files.refuse_long(path, len(data))
    with files.whole_file(path) as temporary:
        temporary.write_bytes(data)


def program(saved: SavedNetwork | SavedEnsemble, path: str | Path) -> str:
    """The lines of Python that load such a file in PyTorch."""
    made = [sequential.text(member.network) for member in _members(saved)]
    lines = [
        *("from torch import nn", "from safetensors.torch import load_file", ""),
        f"model = nn.ModuleList([{', '.join(made)}])" if isinstance(saved, SavedEnsemble) else f"model = {made[0]}",
        *(["model.double()"] if saved.network.dtype == np.float64 else []),
        f"model.load_state_dict(load_file({json.dumps(str(path))}))",
        "model.eval()",
    ]
    return "\n".join(lines)


def _members(saved: SavedNetwork | SavedEnsemble) -> Sequence[SavedNetwork]:
    return saved.members if isinstance(saved, SavedEnsemble) else [saved]


def _arrays(saved: SavedNetwork) -> dict[str, np.ndarray]:
    return sequential.arrays(saved.network)


def read(path: str | Path) -> SavedNetwork | SavedEnsemble:
    """Read a file of `write`, bit for bit. Raises BadInput, naming the file and the place in it, for any other."""
    tensors, record = _read(Path(path))
    if record is None:
        raise BadInput(
            f"{path}: does not say what its layers are, like files of PyTorch: convert it first with "
            f"python -m nn_from_scratch.convert {one_line(path, 80)} network.json --layers …"
        )
    with json_files.naming(path):
        if isinstance(record, dict) and record.get("format") == ensemble_file.FORMAT:
            saved = ensemble_in(record, lambda i, entry: _network_in(entry, _of_member(tensors, i)))
            members = tuple(f"{i}." for i in range(len(saved.members)))
            _refuse([key for key in tensors if not key.startswith(members)], "that belong to no member")
            return saved
        return _network_in(record, tensors)


def read_as(
    path: str | Path, layers: Sequence[str], input_shape: Shape, classes: Sequence[int] | None = None
) -> SavedNetwork:
    """The network in a file of PyTorch's whose layers are these words; by default, the classes are 0, 1, ….

    Raises BadInput, naming the tensor, if the file doesn't hold exactly the tensors of these layers.
    """
    tensors, record = _read(Path(path))
    if record is not None:
        raise BadInput(f"{path}: says itself what its layers are: expected no layers and no preset")
    made = [LAYERS.make(word) for word in layers]
    described = {
        "format": network_file.FORMAT,
        "format_version": network_file.FORMAT_VERSION,
        "input_shape": list(input_shape),
        "classes": list(classes or ()),
        "layers": [{"type": type(layer).__name__, "config": layer.config()} for layer in made],
        "training": {},
        "metrics": {},
    }
    with json_files.naming(path):
        saved = _network_in(described | {"dtype": _dtype_of(tensors)}, tensors)
    if classes is None:
        (outputs,) = saved.network.output_shape
        if outputs > 1 or are_probabilities(saved.network.output_layer, outputs):
            saved.classes = tuple(range(max(outputs, 2)))
    return saved


def _read(path: Path) -> tuple[Tensors, Any]:
    """The tensors in a file, and the record in its header, or None. Raises BadInput."""
    with extra("safetensors"):
        from safetensors import SafetensorError, safe_open
    try:
        json_files.check_file(path, "safetensors")
        with safe_open(path, framework="numpy") as file, json_files.naming(path):
            tensors = {key: _tensor(file, key) for key in file.keys()}  # noqa: SIM118 - it can't be iterated over
            text = (file.metadata() or {}).get(RECORD)
        if text is None:
            return tensors, None
        json_files.refuse_heavy(path, text.encode())
        return tensors, json_files.parse(text)
    except SafetensorError as problem:
        raise BadInput(f"{path}: not a safetensors file: {one_line(problem)}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply: expected the record of a network in its header") from None
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror or problem}") from None
    except BadInput:
        raise
    except ValueError as problem:
        raise BadInput(f"{path}: the record in its header is not valid JSON: {one_line(problem)}") from None


def _tensor(file: Any, key: str) -> np.ndarray:
    kind = file.get_slice(key).get_dtype()
    if kind not in (*DTYPES, COUNTED):
        raise Wrong(f"{key} holds numbers of type {kind}: expected {' or '.join(DTYPES)}")
    return file.get_tensor(key)


def _dtype_of(tensors: Tensors) -> str:
    """The precision of the numbers, except counters."""
    found = sorted({array.dtype.name for array in tensors.values() if array.dtype.kind == "f"})
    if len(found) > 1:
        raise Wrong(f"holds numbers of {' and '.join(found)}: expected one precision")
    return found[0] if found else "float32"


def _of_member(tensors: Tensors, i: int) -> Tensors:
    start = f"{i}."
    return {key.removeprefix(start): array for key, array in tensors.items() if key.startswith(start)}


def _network_in(record: Any, tensors: Tensors) -> SavedNetwork:
    """The network of a record, with the numbers of the tensors, which must be exactly those of its layers."""

    def arrays_of(places: list[Place], dtype: np.dtype) -> Arrays:
        try:
            expected = sequential.tensors(places)
        except ValueError as problem:
            raise Wrong(str(problem)) from None
        arrays: Arrays = [{} for _ in places]
        for tensor in expected:
            what = f"the {tensor.name} of layers[{tensor.layer}], a {places[tensor.layer].name}"
            if tensor.key not in tensors:
                raise Wrong(f"{tensor.key} is missing, {what}: the file holds {', '.join(tensors) or 'nothing'}")
            array = tensors[tensor.key]
            if array.dtype != dtype:
                raise Wrong(f"{tensor.key} holds {array.dtype} numbers: expected {dtype}")
            if array.shape != tensor.shape:
                raise Wrong(f"{tensor.key} has shape {array.shape}: expected {tensor.shape}, {what}")
            arrays[tensor.layer][tensor.name] = checked(array, tensor.key, None)
        known = {tensor.key for tensor in expected} | set(sequential.counters(expected))
        _refuse([key for key in tensors if key not in known], "that belong to none of these layers")
        return arrays

    return network_in(record, arrays_of)


def _refuse(strangers: Sequence[str], what: str) -> None:
    if strangers:
        raise Wrong(f"holds tensors {what}: {', '.join(strangers)}")

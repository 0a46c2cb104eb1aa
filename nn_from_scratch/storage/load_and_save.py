"""Networks and ensembles to and from files."""

from pathlib import Path
from typing import Any

from nn_from_scratch.errors import BadInput
from nn_from_scratch.storage import ensemble_file, json_files, safetensors_file
from nn_from_scratch.storage.ensemble_file import SavedEnsemble, ensemble_document, ensemble_in
from nn_from_scratch.storage.network_file import SavedNetwork, network_document, network_in, network_in_plain

Saved = SavedNetwork | SavedEnsemble


def save(saved: Saved, path: str | Path) -> None:
    """Write the complete file or none: JSON or, if its name ends in .safetensors, the tensors of PyTorch.

    Raises ValueError for content that could not be read again: a number that is not finite, classes that don't fit the
    outputs, or a network that is too large.
    """
    if isinstance(saved, Saved) and safetensors_file.is_safetensors(path):
        safetensors_file.write(saved, path)
    elif isinstance(saved, SavedNetwork):
        json_files.write(network_document(saved), path)
    elif isinstance(saved, SavedEnsemble):
        json_files.write(ensemble_document(saved), path)
    else:
        raise TypeError(f'expected save(SavedNetwork(network), "network.json"), not a {type(saved).__name__} first')


def check_format(saved: Saved, path: str | Path) -> None:
    """Raise BadInput, before hours of training, if the format that the path's ending means can't be written."""
    if safetensors_file.is_safetensors(path):
        try:
            safetensors_file.check(saved)
        except ValueError as problem:
            raise BadInput(f"{path}: {problem}") from None


def load(path: str | Path) -> Saved:
    """Read a network or an ensemble back, bit for bit; networks also in the plain two-layer form.

    If the file's name ends in .safetensors, it is read as such. Everything is checked before a network is built. Raises
    BadInput, naming the file and the place in it.
    """
    if safetensors_file.is_safetensors(path):
        return safetensors_file.read(path)
    with json_files.document(path) as document:
        return _saved_in(document)


def _saved_in(document: Any) -> Saved:
    if isinstance(document, dict) and document.keys() >= {"hidden_layer", "output_layer"}:
        return network_in_plain(document)
    if isinstance(document, dict) and document.get("format") == ensemble_file.FORMAT:
        return ensemble_in(document)
    return network_in(document)

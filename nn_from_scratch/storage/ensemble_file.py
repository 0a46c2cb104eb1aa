"""An ensemble to and from a JSON document: a list of its members, each as the document of a network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.ensemble import Ensemble, check_same
from nn_from_scratch.storage.json_files import Wrong, check_format, object_in, with_printable_texts
from nn_from_scratch.storage.network_file import SavedNetwork, network_document, network_in

FORMAT = "nn_from_scratch ensemble"
FORMAT_VERSION = 1


@dataclass
class SavedEnsemble:
    """Networks that answer together, with the records of each, and of all together.

    Raises ValueError, naming the member, if one differs from the first in its inputs, its outputs or its classes.
    """

    members: list[SavedNetwork]
    training: dict[str, Any] = field(
        default_factory=dict
    )  # by default the part that the members' records have in common
    metrics: dict[str, Any] = field(default_factory=dict)  # of the ensemble's answers

    def __post_init__(self) -> None:
        self.network = Ensemble([member.network for member in self.members])
        first = self.members[0]
        self.classes, self.names, self.noun = tuple(first.classes), first.names, first.noun
        for i, member in enumerate(self.members):
            check_same(i, "list of classes", tuple(member.classes), self.classes)
            check_same(i, "list of class names", member.names, self.names)
            check_same(i, "noun", member.noun, self.noun)
        if not self.training:
            others = [member.training for member in self.members[1:]]
            self.training = {
                name: value
                for name, value in first.training.items()
                if all(other.get(name) == value for other in others)
            }


def ensemble_document(
    saved: SavedEnsemble, document_of: Callable[[SavedNetwork], dict[str, Any]] = network_document
) -> dict[str, Any]:
    """The document of an ensemble. Raises ValueError for content that could not be read again."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "training": saved.training,
        "metrics": saved.metrics,
        "members": [document_of(member) for member in saved.members],
    }


def ensemble_in(
    document: Any, member_in: Callable[[int, Any], SavedNetwork] = lambda _, entry: network_in(entry)
) -> SavedEnsemble:
    """The ensemble in a document. Raises Wrong, naming the member and the place in it."""
    check_format(document, "ensemble", FORMAT, (FORMAT_VERSION,))
    known = [with_printable_texts(object_in(document, name, "the file"), name) for name in ("training", "metrics")]
    entries = document.get("members")
    if not isinstance(entries, list) or not entries:
        raise Wrong("members: expected a list of at least one network")
    members = []
    for i, entry in enumerate(entries):
        try:
            members.append(member_in(i, entry))
        except Wrong as wrong:
            raise Wrong(f"members[{i}]: {wrong}") from None
    try:
        return SavedEnsemble(members, *known)
    except ValueError as problem:
        raise Wrong(str(problem)) from None

"""What a script found out: printed as text or as one JSON object, with its figures saved and shown."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from nn_from_scratch import figures
from nn_from_scratch.command_line.paths import Paths, check_paths
from nn_from_scratch.command_line.process import notify
from nn_from_scratch.errors import BadInput


def where_writable(path: str) -> str | None:
    """A place that nobody asked for, or None where nothing can be written there: a note says so."""
    try:
        figures.check(path)
    except BadInput as problem:
        notify(f"note: no picture is saved ({problem})")
        return None
    return path


class Results:
    """Where the figures go, by their names; None: nowhere. And the tables that are written beside them.

    Raises BadInput, before the work, for what could not be saved after it, or would replace what the command `reads`.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        reads: Paths,
        paths: Mapping[str, str | None],
        tables: Sequence[str] = (),
    ):
        self.arguments = arguments
        self.paths = paths
        self.tables = tables
        figures.check_endings(paths.values())
        check_paths(reads, {**paths, "tables": tables})

    def publish(self, found: dict[str, Any], text: str, drawn: Mapping[str, Figure]) -> None:
        """Save the figures, print what was found in one form or the other, and open windows where that is asked for.

        A figure that was not drawn, as there is nothing to be seen in it, has no file.
        """
        paths = {name: path for name, path in self.paths.items() if name in drawn or path is None}
        saved = {name: path for name, path in paths.items() if path}
        for name, path in saved.items():
            figures.save(drawn[name], path)
        if self.arguments.json:
            print(json.dumps(found | {"weights": self.arguments.weights} | paths, allow_nan=False))
        else:
            lines = [f"saved {path}" for path in (*self.tables, *saved.values())]
            print("\n".join([text, *([""] if lines else []), *lines]))
        if self.arguments.show:
            figures.show(list(drawn.values()), notify)

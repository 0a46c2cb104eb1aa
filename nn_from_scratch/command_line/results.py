"""The results of a script: printed as text or as one JSON object, with figures that are saved and shown."""

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
    """A default path, or None, with a note to the user, if it can't be written."""
    try:
        figures.check(path)
    except BadInput as problem:
        notify(f"note: no picture is saved ({problem})")
        return None
    return path


class Results:
    """The paths of the figures by their names (None: not saved), and of the tables that are written with them.

    Raises BadInput, before the work begins, for a file that can't be written, or that would replace one the command
    `reads`.
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
        """Save the figures, print the results as text or JSON, and open windows if asked for.

        A figure that was not drawn, because it would be empty, has no file.
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

"""What a script found out: printed as text or as one JSON object, with its figures saved and shown."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nn_from_scratch import figures
from nn_from_scratch.command_line.process import notify


class Results:
    """Where the figures go, by their names; None: nowhere.

    Raises BadInput, before the work, for a figure that could not be saved after it.
    """

    def __init__(self, arguments: argparse.Namespace, paths: Mapping[str, str | None]):
        self.arguments = arguments
        self.paths = paths
        for path in filter(None, paths.values()):
            figures.check(path)

    def publish(
        self, found: dict[str, Any], text: str, drawn: Mapping[str, Figure], tables: Sequence[str | Path] = ()
    ) -> None:
        """Save the figures, print what was found in one form or the other, and open windows where that is asked for."""
        saved = {name: path for name, path in self.paths.items() if path}
        for name, path in saved.items():
            figures.save(drawn[name], path)
        if self.arguments.json:
            print(json.dumps(found | {"weights": self.arguments.weights} | dict(self.paths), allow_nan=False))
        else:
            lines = [f"saved {path}" for path in (*tables, *saved.values())]
            print("\n".join([text, *([""] if lines else []), *lines]))
        if self.arguments.show:
            figures.show(list(drawn.values()), notify)

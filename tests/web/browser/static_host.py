"""A host that serves files and nothing else, under a path of its own, and remembers what it was asked for.

The folder is that of `--static`. Python for the browser comes from the directory that NN_FROM_SCRATCH_PYODIDE names, a
Pyodide release with NumPy's wheel. Skipped without; with NN_FROM_SCRATCH_REQUIRE_PYODIDE set, as in continuous
integration, that is a failure instead.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nn_from_scratch.web.pyodide_files import RUNTIME, VARIABLE, VERSION
from nn_from_scratch.web.static_site import write_site

REQUIRED = "NN_FROM_SCRATCH_REQUIRE_PYODIDE"
PLACE = "some/path"


def release() -> str:
    """The directory of the Pyodide release to test with."""
    directory = os.environ.get(VARIABLE, "")
    if not directory or not all((Path(directory) / name).is_file() for name in RUNTIME):
        what = f"{VARIABLE} names no directory with Pyodide (npm pack pyodide@{VERSION}) and NumPy's wheel for it in it"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{what}, though {REQUIRED} is set")
        pytest.skip(what)
    return directory


def write(directory: Path) -> Path:
    """The folder as `--static` writes it, at the place where it is hosted; what is to be hosted is returned."""
    write_site(directory / PLACE, release())
    return directory


@dataclass
class StaticHost:
    url: str
    headers: dict[str, str]  # sent with every file; a static host has none of ours
    asked: list[str] = field(default_factory=list)  # paths


class _Handler(SimpleHTTPRequestHandler):
    host: StaticHost

    def do_GET(self) -> None:
        self.host.asked.append(self.path)
        super().do_GET()

    def end_headers(self) -> None:
        for name, value in self.host.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def hosting(directory: Path, **headers: str) -> Iterator[StaticHost]:
    """Serve this directory; `headers` are written with _ for -."""
    host = StaticHost("", {name.replace("_", "-"): value for name, value in headers.items()})
    handler = type("Handler", (_Handler,), {"host": host})
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=directory)) as server:
        host.url = f"http://127.0.0.1:{server.server_port}/{PLACE}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()

"""Where the browser's Python comes from: the files of a Pyodide release, from a directory or an address.

Pyodide is CPython compiled to WebAssembly. Only the runtime and NumPy are taken from a release. Its lock file has the
SHA-256 of every package, so NumPy's wheel is checked, wherever it comes from.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nn_from_scratch.errors import BadInput, one_line

VERSION = "0.27.7"  # the version in the tests
ADDRESS = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
VARIABLE = "NN_FROM_SCRATCH_PYODIDE"
LOCK = "pyodide-lock.json"
RUNTIME = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", LOCK)
LARGEST_FILE = 64 * 2**20  # bytes; the largest has 10 million
PATIENCE = 30  # seconds without a byte, after which a download fails


@dataclass(frozen=True)
class Pyodide:
    """The files of a release by their names, and which of them is NumPy's wheel."""

    version: str
    python: str
    numpy: str
    files: dict[str, bytes]


def read_pyodide(source: str, notify: Callable[[str], object] = lambda line: None) -> Pyodide:
    """The release in a directory, or at an address (http:// or https://). Raises BadInput."""
    if source.startswith(("http://", "https://")):
        notify(f"downloading Python for the browser (17 MB) from {one_line(source)}")
        read: Callable[[str], bytes] = _download
        place = source if source.endswith("/") else f"{source}/"
    elif os.path.isdir(source):
        read, place = _read, os.path.join(source, "")
    else:
        raise BadInput(
            f"{one_line(source)}: no such directory: expected a Pyodide release, or its address, such as {ADDRESS}"
        )
    files = {LOCK: read(place + LOCK)}
    version, python, numpy, checksum = _from_lock(files[LOCK], place + LOCK)
    for name in (*RUNTIME, numpy):
        if name not in files:
            files[name] = read(place + name)
    found = hashlib.sha256(files[numpy]).hexdigest()
    if found != checksum:
        raise BadInput(f"{one_line(place + numpy)}: its SHA-256 is {found}, expected {checksum}, as {LOCK} says")
    return Pyodide(version, python, numpy, files)


def _from_lock(content: bytes, where: str) -> tuple[str, str, str, str]:
    """The versions of Pyodide and of its Python, the name of NumPy's wheel, and its SHA-256."""
    try:
        lock: Any = json.loads(content)
        info, numpy = lock["info"], lock["packages"]["numpy"]
        found = (info["version"], info["python"], numpy["file_name"], numpy["sha256"])
        numbers = [tuple(map(int, text.split(".")[:2])) for text in (info["python"], numpy["version"])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        numbers = []
    if not numbers or not all(isinstance(text, str) for text in found) or os.path.basename(found[2]) != found[2]:
        raise BadInput(f"{one_line(where)}: expected the lock file of a Pyodide release that has NumPy")
    if numbers[0] < (3, 11) or numbers[1] < (2, 0):
        raise BadInput(
            f"{one_line(where)}: has Python {one_line(found[1])} and NumPy {one_line(numpy['version'])}, expected at "
            f"least 3.11 and 2.0, as in Pyodide {VERSION}"
        )
    return found


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        names = ", ".join(RUNTIME)
        raise BadInput(
            f"{one_line(path)}: can't be read ({problem.strerror}): expected the files of a Pyodide release, {names} "
            "and NumPy's wheel"
        ) from None


def _download(address: str) -> bytes:
    from http.client import HTTPException  # imported only when needed: they take as long as all other imports
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(address, timeout=PATIENCE) as answer:
            content: bytes = answer.read(LARGEST_FILE + 1)
    except (OSError, ValueError, HTTPException) as problem:
        if isinstance(problem, HTTPError):
            problem.close()  # this exception is also the open response
        raise BadInput(f"{one_line(address)}: can't be downloaded ({one_line(problem, 200)})") from None
    if len(content) > LARGEST_FILE:
        raise BadInput(f"{one_line(address)}: expected at most {LARGEST_FILE:,} bytes")
    return content

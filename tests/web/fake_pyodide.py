"""A directory as a Pyodide release's, of a few bytes: for what is done with its files, not for what is in them."""

import hashlib
import json
from pathlib import Path
from typing import Any

WHEEL = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
CONTENT = b"the wheel of NumPy"


def write_pyodide(directory: Path, **changes: Any) -> Path:
    """`changes` are of what the lock file says: python, version, file_name, sha256."""
    numpy = {"version": "2.0.2", "file_name": WHEEL, "sha256": hashlib.sha256(CONTENT).hexdigest()}
    info = {"python": "3.12.7", "version": "0.27.7"}
    info |= {name: value for name, value in changes.items() if name == "python"}
    numpy |= {name: value for name, value in changes.items() if name != "python"}
    directory.mkdir()
    lock = {"info": info, "packages": {"numpy": numpy}}
    (directory / "pyodide-lock.json").write_text(json.dumps(lock))
    for name in ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"):
        (directory / name).write_bytes(name.encode())
    (directory / WHEEL).write_bytes(CONTENT)
    return directory

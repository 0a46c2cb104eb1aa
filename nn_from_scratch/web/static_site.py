"""The live page as a folder of files, for any host that serves files: the training runs in the visitor's browser.

The folder holds the page, Python compiled to WebAssembly (pyodide_files.py) and this package, unmodified. All addresses
in it are relative, so it may be anywhere on a host. It requests nothing from other hosts, except MNIST if the visitor
asks for it.
"""

import hashlib
import io
import json
import os
import re
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import threadpoolctl

import nn_from_scratch
from nn_from_scratch.data.mnist import MNIST
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.web import limits
from nn_from_scratch.web.pyodide_files import Pyodide, read_pyodide

PACKAGE = Path(nn_from_scratch.__file__).parent
STATIC = PACKAGE / "web" / "static"
MANIFEST = "site.json"  # tells the page's worker which files to load, and marks the folder as ours
FORMAT = "nn_from_scratch static page"
HOSTS = " ".join(f"https://{urlsplit(mirror).netloc}" for mirror in MNIST.mirrors)
# server.py sends its policy as a header. A static host can't, so this one is in the page. It lets the worker compile
# WebAssembly, and lets the page fetch MNIST if somebody asks for it.
POLICY = (
    f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' {HOSTS}; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; object-src 'none'"
)
Files = dict[str, bytes]  # path in the folder, with slashes → content


def write_site(
    directory: Path,
    pyodide: str,
    preset: str = limits.DEFAULT_PRESET,
    seed: int = 0,
    notify: Callable[[str], object] = lambda line: None,
) -> int:
    """Write the folder, and return its size in bytes. `pyodide` is a directory or an address; see read_pyodide.

    In a folder that was written before, the old files are replaced, and other files stay. Any other folder that is not
    empty is refused. Raises BadInput; the folder is then unchanged.
    """
    before = _written_before(directory)
    files = site(read_pyodide(pyodide, notify), preset, seed)
    try:
        _replace(directory, before, files)
    except OSError as problem:
        where = one_line(problem.filename or directory)
        raise BadInput(f"{where}: can't be written: {problem.strerror}") from None
    return sum(map(len, files.values()))


def site(pyodide: Pyodide, preset: str, seed: int) -> Files:
    """All files of the folder."""
    package = package_archive()
    name = f"nn_from_scratch-{nn_from_scratch.__version__}-{hashlib.sha256(package).hexdigest()[:8]}.zip"
    files = {f"static/{path.name}": path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file()}
    files["index.html"] = page(
        files.pop("static/index.html").decode(), files.pop("static/starting.html").decode()
    ).encode()
    files |= {f"pyodide/{file}": content for file, content in pyodide.files.items()}
    files[f"python/{name}"] = package
    files[".nojekyll"] = b""  # GitHub Pages: take the files as they are
    manifest = {
        "format": FORMAT,
        "version": nn_from_scratch.__version__,
        "pyodide": pyodide.version,
        "python": pyodide.python,
        "start": {"preset": preset, "seed": seed},
        "numpy": _archive(files, f"pyodide/{pyodide.numpy}"),
        "package": _archive(files, f"python/{name}"),
        "runtime_bytes": sum(len(content) for file, content in pyodide.files.items() if file != pyodide.numpy),
        "mnist": {"mirrors": MNIST.mirrors, "files": {file: size for file, (size, _) in MNIST.files.items()}},
        "files": sorted([*files, MANIFEST]),
    }
    return files | {MANIFEST: json.dumps(manifest, indent=1).encode()}


def page(index: str, starting: str) -> str:
    """The page for use without a server: marked as such, with its policy and a notice that shows how it starts."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    changes = {
        '<html lang="en">': '<html lang="en" data-mode="static">',
        '<meta charset="utf-8">': f'<meta charset="utf-8">\n  {policy}',
        "</head>": '  <link rel="stylesheet" href="static/without_server.css">\n'
        '  <script type="module" src="static/without_server.js"></script>\n</head>',
        '<div class="notices">': f'<div class="notices">\n{starting.rstrip()}',
        'href="/api/weights"': 'href="#"',
        "comes from your own machine": "comes from this page's own host",
    }
    for before, after in changes.items():
        if index.count(before) != 1:
            raise ValueError(f"index.html: expected {before} once")
        index = index.replace(before, after)
    return index


def package_archive() -> bytes:
    """This package as a zip, with threadpoolctl, the only other module that it needs besides NumPy.

    The bytes are always the same. The page's own files are left out: they are in the folder.
    """
    members = {f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}": path for path in _sources(PACKAGE)}
    members["threadpoolctl.py"] = Path(threadpoolctl.__file__)
    for file in metadata.files("threadpoolctl") or ():
        if file.name.startswith("LICENSE"):
            members["threadpoolctl-LICENSE.txt"] = Path(str(file.locate()))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _sources(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.is_dir() and path != STATIC and path.name != "__pycache__":
            yield from _sources(path)
        elif path.is_file():
            yield path


def _archive(files: Files, path: str) -> dict[str, Any]:
    """What the worker is told about a file that it unpacks. The browser itself checks the integrity."""
    digest = b64encode(hashlib.sha256(files[path]).digest()).decode()
    return {"path": path, "bytes": len(files[path]), "integrity": f"sha256-{digest}"}


# ---- the folder ----


def _written_before(directory: Path) -> list[str]:
    """The files that were written here before; none in a new or empty folder. Raises BadInput for any other."""
    where = one_line(directory)
    try:
        if not os.path.lexists(directory) or not os.listdir(directory):
            return []
    except OSError as problem:
        raise BadInput(f"{where}: can't be written into ({problem.strerror}): expected a new or empty folder") from None
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        manifest = json.loads((directory / MANIFEST).read_bytes())
        if manifest["format"] == FORMAT and all(map(_is_inside, manifest["files"])):
            return list(manifest["files"])
    raise BadInput(
        f"{where}: is not empty, and has no {MANIFEST} that says it was written by --static: expected a new or empty "
        "folder, or one that --static wrote before"
    )


def _is_inside(name: Any) -> bool:
    """Whether a name in the manifest is that of a file inside the folder: no other file may be removed."""
    return isinstance(name, str) and bool(re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name)) and ".." not in name.split("/")


def _replace(directory: Path, before: list[str], files: Files) -> None:
    """Replace the files from before by these. All are written before the first is moved to its place."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=directory) as room:
        for name, content in files.items():
            path = Path(room) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in set(before) - files.keys():
            (directory / name).unlink(missing_ok=True)
        # The manifest first: then a folder with only some of the files can be written again.
        for name in sorted(files, key=lambda name: name != MANIFEST):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(room) / name, directory / name)

"""The files of the browser's Python: what is taken, what is checked, and what is said of what is wrong."""

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import pyodide_files
from nn_from_scratch.web.pyodide_files import RUNTIME, read_pyodide
from tests.web.fake_pyodide import CONTENT, WHEEL, write_pyodide


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_pyodide(tmp_path / "pyodide")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def address(release: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=release)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def refused(source: object) -> str:
    with pytest.raises(BadInput) as caught:
        read_pyodide(str(source))
    return str(caught.value)


def test_of_a_directory_the_runtime_and_numpy_are_taken_and_nothing_else(release):
    (release / "README.md").write_text("more")
    found = read_pyodide(str(release))
    assert (found.version, found.python, found.numpy) == ("0.27.7", "3.12.7", WHEEL)
    assert set(found.files) == {*RUNTIME, WHEEL}
    assert found.files[WHEEL] == CONTENT
    assert found.files["pyodide.mjs"] == b"pyodide.mjs"


def test_an_address_gives_the_same_and_is_told_before(release, address):
    told: list[str] = []
    for source in (address, f"{address}/"):
        assert read_pyodide(source, told.append) == read_pyodide(str(release))
    assert told[0] == f"downloading Python for the browser (17 MB) from {address}"


def test_a_wheel_with_another_sum_is_refused_wherever_it_comes_from(release, address):
    (release / WHEEL).write_bytes(b"something else")
    for source in (release, address):
        message = refused(source)
        assert message.startswith(f"{source}/{WHEEL}: its SHA-256 is ")
        assert "as pyodide-lock.json says" in message


@pytest.mark.parametrize("name", [*RUNTIME, WHEEL])
def test_a_missing_file_is_named(release, address, name):
    (release / name).unlink()
    assert refused(release).startswith(f"{release}/{name}: can't be read (No such file or directory): expected")
    assert refused(address).startswith(f"{address}/{name}: can't be downloaded (HTTP Error 404")


@pytest.mark.parametrize(
    "lock",
    ["{", "[]", "{}", '{"info": {}}', "[" * 100_000, '{"info": {"version": 1}, "packages": {"numpy": 5}}'],
    ids=lambda text: text[:20],
)
def test_what_is_no_lock_file_is_refused(release, lock):
    (release / "pyodide-lock.json").write_text(lock)
    assert refused(release).endswith("pyodide-lock.json: expected the lock file of a Pyodide release that has NumPy")


@pytest.mark.parametrize("name", ["../numpy.whl", "/numpy.whl", 7])
def test_a_lock_file_can_name_no_file_elsewhere(tmp_path, name):
    assert "expected the lock file" in refused(write_pyodide(tmp_path / "pyodide", file_name=name))


@pytest.mark.parametrize(("changes", "said"), [({"python": "3.10.2"}, "3.10.2"), ({"version": "1.26.4"}, "1.26.4")])
def test_one_that_is_too_old_for_this_package_is_refused(tmp_path, changes, said):
    message = refused(write_pyodide(tmp_path / "pyodide", **changes))
    assert said in message
    assert "expected at least 3.11 and 2.0" in message


def test_neither_a_directory_nor_an_address(tmp_path):
    message = refused(tmp_path / "nowhere")
    assert message.startswith(f"{tmp_path}/nowhere: no such directory: expected a Pyodide release")
    assert "ftp://host/: no such directory" in refused("ftp://host/")


def test_nobody_there_and_too_much(monkeypatch, address):
    monkeypatch.setattr(pyodide_files, "LARGEST_FILE", 10)
    assert refused(address) == f"{address}/pyodide-lock.json: expected at most 10 bytes"
    assert re.match(
        r"http://127\.0\.0\.1:1/pyodide-lock\.json: can't be downloaded \(.*refused", refused("http://127.0.0.1:1")
    )


def test_the_lock_file_of_the_tests_is_like_a_true_one(release):
    lock = json.loads((release / "pyodide-lock.json").read_text())
    assert set(lock) == {"info", "packages"}

"""MNIST from a server, as servers go: a good one, a slow one, and the many ways of not being one."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import logging
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest

from nn_from_scratch.data import download, load_dataset, mnist
from nn_from_scratch.data.download import PATIENCE
from tests.data.samples import idx_files, refusal

FILES = idx_files()
LARGEST = max(FILES, key=lambda name: len(FILES[name]))
Answer = Callable[[http.server.BaseHTTPRequestHandler, bytes], None]


def whole(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def slowly(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    for at in range(0, len(content), 2500):
        request.wfile.write(content[at : at + 2500])
        request.wfile.flush()
        time.sleep(0.1)


def cut_short(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content[: len(content) // 2])


def cut_short_unannounced(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    whole(request, content[: len(content) // 2])


def too_long(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    whole(request, content + bytes(100_000))


def other_content(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    whole(request, content[:-1] + b"?")


def captive_portal(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    whole(request, b"\n<!DOCTYPE html><html><body>Please log in</body></html>")


def missing(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_error(404)


def odd_header(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.send_header("Content-Length", "many")
    request.end_headers()


def endless_redirect(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(302)
    request.send_header("Location", request.path)
    request.send_header("Content-Length", "0")
    request.end_headers()


class Server(http.server.ThreadingHTTPServer):
    """Serves the tiny MNIST, each file below /name/ in the manner `answers[name]`."""

    daemon_threads = False

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.files = FILES
        self.requests: list[str] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append(self.path)
                manner, name = self.path.strip("/").split("/")
                with contextlib.suppress(ConnectionError):  # the client may hang up
                    server.answers[manner](self, server.files[name])

            def log_message(self, *_: object) -> None:
                """Not on the screen."""

        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, manner: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{manner}/"


@pytest.fixture
def server() -> Iterator[Server]:
    all_answers = (whole, slowly, cut_short, cut_short_unannounced, too_long, other_content, captive_portal, missing)
    with Server(**{answer.__name__: answer for answer in (*all_answers, odd_header, endless_redirect)}) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def _tiny_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = {name: (len(content), hashlib.md5(content).hexdigest()) for name, content in FILES.items()}
    for name in mnist.PUBLISHED:
        change(monkeypatch, name, files=sums)


def change(monkeypatch: pytest.MonkeyPatch, name: str = "mnist", **parts: Any) -> None:
    monkeypatch.setitem(mnist.PUBLISHED, name, replace(mnist.PUBLISHED[name], **parts))


def use(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    change(monkeypatch, mirrors=mirrors)


def test_the_addresses_sizes_and_sums_are_those_that_are_published() -> None:
    assert mnist.MNIST.mirrors == (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    assert mnist.MNIST.files == {
        "train-images-idx3-ubyte.gz": (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        "train-labels-idx1-ubyte.gz": (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        "t10k-images-idx3-ubyte.gz": (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        "t10k-labels-idx1-ubyte.gz": (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    }


def test_each_set_has_its_own_place_names_and_sums() -> None:
    sums = {md5 for published in mnist.PUBLISHED.values() for _, md5 in published.files.values()}
    assert list(mnist.PUBLISHED) == ["mnist", "fashion", "kmnist"]
    for published in (mnist.MNIST, mnist.FASHION, mnist.KMNIST):
        assert len(published.class_names) == len(set(published.class_names)) == 10
        assert [*published.files] == [*mnist.MNIST.files]
        assert all(url.endswith("/") for url in published.mirrors)
        sums |= {md5 for _, md5 in published.files.values()}
    assert len(sums) == 16  # 12, and 4 of the tiny set
    assert [published.megabytes for published in (mnist.MNIST, mnist.FASHION, mnist.KMNIST)] == [
        "12 MB",
        "31 MB",
        "21 MB",
    ]
    assert len({published.cache for published in mnist.PUBLISHED.values()}) == 3
    assert mnist.FASHION.files["train-images-idx3-ubyte.gz"][1] == "8d4fb7e6c68d591d4c3dfef9ec88bf0d"
    assert mnist.FASHION.files["t10k-labels-idx1-ubyte.gz"][1] == "bb300cfdad3c16e7a12a480ee83cd310"
    assert mnist.KMNIST.files["train-labels-idx1-ubyte.gz"][1] == "e144d726b3acfaa3e44228e80efcd344"
    assert mnist.KMNIST.files["t10k-images-idx3-ubyte.gz"][1] == "5c965bf0a639b31b8f53240b1b52f4d7"


@pytest.mark.parametrize("name", ["fashion", "kmnist"])
def test_another_set_is_fetched_into_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch, server: Server, name: str
) -> None:
    published = mnist.PUBLISHED[name]
    assert f"{published.title} is neither on this machine nor reachable" in refusal(load_dataset, name)
    change(monkeypatch, name, mirrors=(server.url("whole"),))
    told: list[str] = []
    data = load_dataset(name, notify=told.append)
    assert told[0].startswith(f"downloading {published.title} (")
    assert (data.name, data.class_names, data.noun) == (name, published.class_names, published.noun)
    assert {path.name for path in (mnist.cache_directory() / name).iterdir()} == set(FILES)
    assert load_dataset(name).source == f"the cache {mnist.cache_directory() / name}"
    assert refusal(load_dataset, "mnist").startswith("MNIST is neither")  # which the other has not been taken for


def test_a_download_fills_the_cache_once(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    use(monkeypatch, server.url("whole"))
    told: list[str] = []
    data = load_dataset(notify=told.append)
    assert (data.name, len(data.train), len(data.test)) == ("mnist", 30, 10)
    assert data.source == f"a download from {server.url('whole')}"
    assert len(told) == 1
    assert told[0].startswith("downloading MNIST (0 MB) from http://127.0.0.1")
    cache = mnist.cache_directory()
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == FILES  # and nothing temporary

    assert len(server.requests) == 4
    again = load_dataset("mnist", notify=told.append)
    assert (again.source, again.fingerprint()) == (f"the cache {cache}", data.fingerprint())
    assert (len(server.requests), len(told)) == (4, 1)


def test_only_what_is_damaged_is_fetched_again(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    use(monkeypatch, server.url("whole"))
    load_dataset()
    (mnist.cache_directory() / LARGEST).write_bytes(b"broken")
    server.requests.clear()
    assert len(load_dataset().train) == 30
    assert server.requests == [f"/whole/{LARGEST}"]


def test_what_damaged_the_cache_is_told(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    use(monkeypatch, server.url("whole"))
    load_dataset()
    use(monkeypatch, server.url("missing"))
    damaged = mnist.cache_directory() / LARGEST
    damaged.write_bytes(b"broken")
    assert f"{LARGEST} is damaged (its MD5 sum is" in refusal(load_dataset, "mnist")
    damaged.unlink()
    assert f"{LARGEST} isn't there" in refusal(load_dataset, "mnist")
    damaged.mkdir()
    assert f"{LARGEST} can't be read (Is a directory)" in refusal(load_dataset, "mnist")


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("cut_short", "IncompleteRead("),
        ("cut_short_unannounced", "bytes, it ended after"),
        ("too_long", "bytes, more"),
        ("other_content", "the downloaded file is not the right one (wrong MD5 sum)"),
        ("captive_portal", "received a web page instead of the file; does this network need a login?"),
        ("missing", "404 Client Error: Not Found"),
        ("odd_header", "many"),
        ("endless_redirect", "Exceeded 30 redirects"),
    ],
)
def test_a_bad_mirror_is_named_and_the_next_one_tried(
    monkeypatch: pytest.MonkeyPatch, server: Server, manner: str, reason: str
) -> None:
    use(monkeypatch, server.url(manner), "http://127.0.0.1:9/refused/")
    message = refusal(load_dataset, "mnist")
    assert f"tried {server.url(manner)}: " in message
    assert reason in message
    assert "tried http://127.0.0.1:9/refused/: Connection refused" in message
    assert not any(name in FILES for name in map(str, mnist.cache_directory().glob("*")))

    use(monkeypatch, server.url(manner), server.url("whole"))
    assert load_dataset().source == f"a download from {server.url('whole')}"
    assert {path.name for path in mnist.cache_directory().iterdir()} == set(FILES)


def test_a_slow_download_is_not_cut_off(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """The patience is for the first byte of each file only."""
    waits: list[float] = []

    def read(pipe: download._Pipe, wait: float, original: Callable = download._Pipe.read) -> bytes:
        waits.append(wait)
        return original(pipe, 60)  # also where a pause of the machine is longer than `wait`

    monkeypatch.setattr(download._Pipe, "read", read)
    use(monkeypatch, server.url("slowly"))
    assert load_dataset().source == f"a download from {server.url('slowly')}"
    assert set(waits) == {download.PATIENCE, download.STALL}
    assert waits.count(download.PATIENCE) == len(FILES)


def test_a_dead_network_is_found_dead_in_ten_seconds(monkeypatch: pytest.MonkeyPatch, silent_server: str) -> None:
    assert len(mnist.MNIST.mirrors) * PATIENCE < 9  # the rest is for imports
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    use(monkeypatch, silent_server + "a/", silent_server + "b/")
    assert refusal(load_dataset, "mnist").count("no answer within 0.3 seconds") == 2


def test_a_name_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    done = threading.Event()

    def hang(*_: object, **__: object) -> None:
        done.wait(10)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        assert refusal(load_dataset, "mnist").count("no answer within 0.2 seconds") == 2
    finally:
        done.set()


def test_a_stall_in_the_middle_ends_it(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr(download, "STALL", 0.2)
    released = threading.Event()

    def stall(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[:2000])
        request.wfile.flush()
        released.wait(10)

    server.answers = {**server.answers, "stall": stall}
    change(monkeypatch, files={LARGEST: mnist.PUBLISHED["mnist"].files[LARGEST]})
    use(monkeypatch, server.url("stall"))
    message = refusal(load_dataset, "mnist")
    released.set()
    assert "no answer within 0.2 seconds" in message or "timed out" in message


def test_an_abandoned_fetch_ends(tmp_path: Path) -> None:
    pipe = download._Pipe()
    pipe.write(b"x")
    pipe.flush()
    assert pipe.read(1) == b"x"
    pipe.abandoned = True
    with pytest.raises(OSError, match="nobody waits"):
        pipe.write(b"y")


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path) -> None:
    use(monkeypatch, server.url("whole"))
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(mnist, "cache_directory", lambda: tmp_path / "file" / "cache")
    assert "Not a directory" in refusal(load_dataset, "mnist")


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    use(monkeypatch, server.url("whole"))

    class Full:
        def __init__(self, *_: object) -> None:
            """As open()."""

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            """As a file."""

        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "open", Full, raising=False)
    assert "No space left on device" in refusal(load_dataset, "mnist")
    assert list(mnist.cache_directory().iterdir()) == []


def test_pooch_keeps_its_own_log_level(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    before = pooch.get_logger().level
    use(monkeypatch, server.url("missing"))
    refusal(load_dataset, "mnist")
    assert pooch.get_logger().level == before != logging.WARNING


def test_nothing_is_printed(monkeypatch: pytest.MonkeyPatch, server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    use(monkeypatch, server.url("whole"))
    load_dataset()
    assert capfd.readouterr() == ("", "")  # the progress bar shows on a terminal only


def test_two_processes_at_once_both_end_with_good_files(server: Server, tmp_path: Path) -> None:
    both_ask = threading.Barrier(2)

    def together(request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        if content == next(iter(FILES.values())):  # the first file: nobody gets it before both have asked
            both_ask.wait(60)
        slowly(request, content)

    server.answers = {**server.answers, "together": together}
    program = f"""
        from dataclasses import replace
        from pathlib import Path
        from nn_from_scratch.data import download, load_dataset, mnist
        download.PATIENCE = 60
        mnist.cache_directory = lambda: Path({str(tmp_path / "shared")!r})
        tiny = replace(mnist.MNIST, mirrors=({server.url("together")!r},), files={mnist.PUBLISHED["mnist"].files!r})
        mnist.PUBLISHED["mnist"] = tiny
        print(load_dataset("mnist").fingerprint())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [(process.communicate(timeout=60)[0], process.returncode) for process in both]
    assert results[0] == results[1]
    assert results[0][1] == 0
    assert len(server.requests) > 4  # the first file twice
    assert {path.name: path.read_bytes() for path in (tmp_path / "shared").iterdir()} == FILES


def test_the_real_files_over_the_wire(monkeypatch: pytest.MonkeyPatch, server: Server, real_mnist: Path) -> None:
    change(monkeypatch, files=mnist.MNIST.files)
    use(monkeypatch, server.url("cut_short"), server.url("whole"))
    server.files = {name: (real_mnist / name).read_bytes() for name in mnist.MNIST.files}
    data = load_dataset("mnist")
    assert data.source == f"a download from {server.url('whole')}"
    assert np.bincount(data.train.labels)[1] == 6742
    again = load_dataset("mnist")
    assert (again.source, again.fingerprint()) == (f"the cache {mnist.cache_directory()}", data.fingerprint())

"""`python -m nn_from_scratch.web` as a user runs it: it prints its address, serves, and ends when it is told to."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nn_from_scratch.errors import BadInput
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.web import __main__ as command
from nn_from_scratch.web import addresses
from tests.scripts import ROOT, refusal, without
from tests.web.test_limits import TOO_WIDE


@contextmanager
def running(*arguments: object) -> Iterator[tuple[subprocess.Popen, str]]:
    """The server as a process, and its address."""
    words = [sys.executable, "-W", "error", "-m", "nn_from_scratch.web", "--data", "digits", "--no-browser"]
    with subprocess.Popen(
        [*words, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            for line in process.stdout:
                if found := re.search(r"http://\S+", line):
                    yield process, found[0]
                    break
            else:
                pytest.fail(process.stderr.read())
        finally:
            if process.poll() is None:
                process.kill()


def refused(*arguments: object) -> str:
    return refusal(
        subprocess.run(
            [sys.executable, "-m", "nn_from_scratch.web", *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    )


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_serves_and_ends_at_once_while_it_trains_and_is_watched(number, exit_code):
    with running("--port", 0, "--seed", 5) as (process, address):
        with urllib.request.urlopen(address, timeout=60) as page:
            assert page.headers["Content-Type"].startswith("text/html")
            assert b"<script" in page.read()
        with urllib.request.urlopen(address + "api/state", timeout=60) as answer:
            state = json.load(answer)
        assert (state["seed"], state["data"]["name"], state["preset"]) == (5, "digits", "784-100-10")
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(address + "api/start", b"{}", headers), timeout=60).close()
        news = f"{address}api/next?viewer={'0' * 32}"
        with urllib.request.urlopen(news, timeout=60) as answer:
            assert re.match(rb"seen\t\d+\naccess\t.*\nstate\t", answer.read())
        process.send_signal(number)
        assert process.wait(60) == exit_code
        assert "Traceback" not in process.stderr.read()


def test_a_taken_default_port_is_passed_over_and_a_given_one_is_refused(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(command, "DEFAULT_PORT", port)
        with command.listen("127.0.0.1", None) as found:
            assert port < found.getsockname()[1] < port + command.MORE_PORTS
        with pytest.raises(BadInput, match=f"can't listen on 127.0.0.1, port {port}: Address already in use"):
            command.listen("127.0.0.1", port)
        assert f"port {port}" in refused("--data", "digits", "--port", port)


def test_what_cannot_be_is_refused_in_one_line():
    assert "port 99999" in refused("--data", "digits", "--port", 99999)
    with pytest.raises(BadInput, match=r"can't listen on 203\.0\.113\.7, port 0: "):
        command.listen("203.0.113.7", 0)
    assert "--preset" in refused("--preset", "nothing")
    assert "nowhere" in refused("--data", "nowhere", "--port", 0)


def test_a_preset_that_the_page_cannot_show_is_refused_in_one_line(monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, "wide", TOO_WIDE)
    monkeypatch.setattr(sys, "argv", ["web", "--preset", "wide"])
    with pytest.raises(SystemExit):
        command.parse_arguments()
    (line,) = capsys.readouterr().err.splitlines()
    assert "--preset: the page can't show 4 layers of up to 50,176 numbers" in line
    monkeypatch.setattr(sys, "argv", ["web", "--preset", "784-10-10"])
    assert command.parse_arguments().preset == "784-10-10"


def test_without_flask_it_says_what_to_install(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "nn_from_scratch.web"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": without("flask", tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 'flask is not installed: pip install "nn-from-scratch-numpy[web]"' in refusal(result)


@pytest.mark.parametrize(
    ("host", "loopback", "trusted"),
    [
        ("127.0.0.1", True, "127.0.0.1"),
        ("127.0.0.2", True, "127.0.0.2"),
        ("localhost", True, "localhost"),
        ("::1", True, "[::1]"),
        ("192.168.1.5", False, "192.168.1.5"),
        ("0.0.0.0", False, socket.gethostname()),
        ("my-machine", False, "my-machine"),
    ],
)
def test_which_addresses_are_this_machine_and_which_names_are_trusted(host, loopback, trusted):
    assert addresses.is_loopback(host) == loopback
    assert trusted in addresses.trusted(host)


def test_another_address_than_this_machines_own_is_warned_of():
    with running("--port", 0, "--host", "0.0.0.0") as (process, address):
        assert address.startswith("http://localhost:")
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert "warning: everyone who can reach 0.0.0.0 can watch and control" in process.stderr.read()

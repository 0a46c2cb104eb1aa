"""All addresses of this machine are printed, each of them is answered, and no other."""

import http.client
import json
import re
import signal
import socket
from urllib.parse import urlsplit

import pytest

from nn_from_scratch.web import addresses
from nn_from_scratch.web.server import create_app
from nn_from_scratch.web.trainer import Trainer
from tests.web.conftest import served
from tests.web.test_command import refused, running


def asked(host: str, port: int, name: str | None = None) -> tuple[int, dict]:
    """What the server says at this address to a browser that calls it by this name."""
    connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=60)
    connection.request("GET", "/api/state", headers={"Host": f"{name or host}:{port}"})
    response = connection.getresponse()
    found = response.status, json.load(response)
    connection.close()
    return found


def test_the_address_on_the_way_out_is_among_them():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine has no way out")
        outward = asking.getsockname()[0]
    found = addresses.hosts("0.0.0.0")
    assert found[0] == outward or outward in found
    assert len(set(found)) == len(found)


def test_none_of_them_is_one_that_others_cannot_use():
    for listening in ("0.0.0.0", "::"):
        for host in addresses.hosts(listening):
            assert not addresses.is_loopback(host.strip("[]"))
            assert not host.startswith("[fe80"), "it holds on one cable only, and browsers take none"
    assert all(":" not in host for host in addresses.hosts("0.0.0.0")), "it listens to the older addresses only"
    assert addresses.hosts("127.0.0.1") == addresses.hosts("localhost") == addresses.hosts("::1") == []
    assert addresses.hosts("192.168.1.5") == ["192.168.1.5"]
    assert "127.0.0.1" not in addresses.trusted("192.168.1.5")


@pytest.mark.parametrize("listening", ["0.0.0.0", "::"])
def test_every_printed_address_works_and_is_the_only_kind_that_does(listening):
    if listening == "::" and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with running("--port", 0, "--host", listening) as (process, first):
        lines = [process.stdout.readline() for _ in addresses.hosts(listening)]
        printed = [urlsplit(found) for found in [first, *re.findall(r"http://\S+", "".join(lines))]]
        port = printed[0].port
        hosts = [place.netloc.rpartition(":")[0] for place in printed]
        assert hosts == ["localhost", *addresses.hosts(listening)]
        for host in hosts:
            status, state = asked(host, port)
            assert (status, state.get("state")) == (200, "paused"), host
        strangers = ["evil.com", "127.0.0.1.nip.io", "[::2]", "203.0.113.9", "x" * 200, f"{hosts[-1]}.evil.com"]
        for stranger in strangers:
            status, answer = asked(hosts[-1], port, stranger)
            assert status == 400
            assert answer["error"].startswith("this server does not answer to ")
            assert answer["error"].endswith("use an address that its command prints")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_an_address_of_ipv6_is_answered_in_its_brackets(digits):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with Trainer(digits) as trainer, served(create_app(trainer, addresses.trusted("::1")), host="::1") as port:
        assert asked("[::1]", port)[0] == 200
        assert asked("[::1]", port, "[::2]")[0] == 400
        assert asked("[::1]", port, "LOCALHOST")[0] == 200, "names are the same in capitals"


# ---- the command ----


def test_the_warning_names_what_is_meant_for_a_class():
    with running("--port", 0, "--host", "0.0.0.0") as (process, _):
        process.send_signal(signal.SIGINT)
        process.wait(60)
        warning = process.stderr.read()
    assert "--audience" in warning
    assert "--pupils" in warning


def test_with_an_audience_the_presenter_gets_a_token_and_the_audience_none():
    with running("--port", 0, "--host", "0.0.0.0", "--audience") as (process, address):
        token = re.fullmatch(r"http://localhost:\d+/\?token=(\S{20,})", address)[1]
        port = urlsplit(address).port
        expected = addresses.hosts("0.0.0.0")
        lines = [process.stdout.readline() for _ in expected]
        assert lines == [f"the audience watches at http://{host}:{port}/\n" for host in expected]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        statuses = []
        for headers in ({}, {"X-Token": token}):
            connection.request("POST", "/api/start", b"{}", {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()
        assert statuses == [403, 200]
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert "warning" not in process.stderr.read()


def test_an_experiment_is_what_it_begins_with():
    with running("--port", 0, "--experiment", "rate") as (process, address):
        assert address.endswith("/?experiment=rate")
        state = asked("127.0.0.1", urlsplit(address).port)[1]
        assert state["experiment"] == ["rate", 0]
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_pupils_begin_with_the_experiment_too():
    with running("--port", 0, "--pupils", 2, "--experiment", "zeros") as (process, address):
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(address).port, timeout=60)
        connection.request("GET", f"/api/next?viewer={'0' * 32}")
        lines = dict(line.split("\t") for line in connection.getresponse().read().decode().splitlines())
        connection.close()
        assert json.loads(lines["state"])["experiment"] == ["zeros", 0]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_what_does_not_go_together_is_refused_in_one_line():
    unknown = refused("--experiment", "nothing")
    assert "zeros" in unknown
    assert "batch" in unknown
    assert "--audience" in refused("--audience", "--pupils", 3)
    assert "localhost" in refused("--audience", "--host", "192.0.2.77")
    assert "too many" in refused("--pupils", 61)
    assert "--static" in refused("--static", "nowhere", "--audience")

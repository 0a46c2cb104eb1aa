"""The routes, and the rules that keep other web sites out: with Flask's client, and over real sockets."""

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import nn_from_scratch as nn
from nn_from_scratch import storage
from nn_from_scratch.web import limits
from nn_from_scratch.web.server import HEADERS, create_app
from nn_from_scratch.web.trainer import Trainer
from tests.scripts import ROOT
from tests.web.conftest import LiveServer, serving
from tests.web.test_limits import TOO_WIDE

JSON = {"Content-Type": "application/json"}
COMMANDS = ["start", "pause", "step", "rewind", "restart", "settings", "predict", "weights"]


@pytest.fixture
def trainer(digits) -> Iterator[Trainer]:
    with Trainer(digits, seed=7) as trainer:
        yield trainer


@pytest.fixture
def client(trainer: Trainer) -> FlaskClient:
    return create_app(trainer).test_client()


@pytest.fixture(scope="module")
def untouched(digits) -> Iterator[Trainer]:
    """For requests that are refused, and change nothing: one for all."""
    with Trainer(digits, seed=7) as trainer:
        yield trainer


@pytest.fixture(scope="module")
def stranger(untouched: Trainer) -> FlaskClient:
    return create_app(untouched).test_client()


@pytest.fixture(scope="module")
def closed_server(digits) -> Iterator[LiveServer]:
    with serving(digits) as server:
        yield server


def post(client: FlaskClient, route: str, body: Any, status: int = 200) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(f"/api/{route}", data=data, content_type="application/json")
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json()


def get(client: FlaskClient, route: str, status: int = 200) -> dict[str, Any]:
    response = client.get(f"/api/{route}")
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json()


def drawing(ink: np.ndarray) -> str:
    return base64.b64encode(ink.tobytes()).decode()


# ---- what the routes do ----


def test_the_state_says_what_is_trained_on_what(client):
    state = get(client, "state")
    assert state["data"]["name"] == "digits"
    assert "inside the package" in state["data"]["source"]
    assert (state["data"]["training"], state["data"]["validation"]) == (1437 - 205, 205)
    assert (state["preset"], state["sizes"], state["seed"]) == ("784-100-10", [784, 100, 10], 7)
    assert (state["state"], state["output_kind"], state["parameters"]) == ("paused", "output", 79510)
    assert state["gradient_check"]["relative_error"] < 1e-6
    assert state["menus"] == limits.menus()


def test_commands_are_done_when_they_are_answered(client, trainer):
    post(client, "step", {"unit": "batch"})
    assert trainer.run.progress.step == 1
    assert post(client, "start", {})["state"]["state"] == "training"
    assert post(client, "pause", {})["state"]["state"] == "paused"
    step = trainer.run.progress.step
    state = post(client, "settings", {"learning_rate": 0.25, "batch_size": 8, "speed": 5, "epoch_target": 3})["state"]
    assert (state["learning_rate"], state["batch_size"], state["speed"], state["epoch_target"]) == (0.25, 8, 5, 3)
    post(client, "settings", {"speed": None, "epoch_target": None, "optimizer": "sgd"})
    assert trainer.run.progress.step == step
    state = post(client, "rewind", {})["state"]
    assert (state["learning_rate"], state["optimizer"], trainer.run.progress.step) == (0.005, "adam", 0)
    state = post(client, "restart", {"seed": 5, "hidden": [12], "activation": "relu"})["state"]
    assert (state["seed"], state["sizes"], state["activations"]) == (5, [784, 12, 10], ["relu", "sigmoid"])
    assert post(client, "restart", {"seed": None, "preset": "784-10-10"})["state"]["preset"] == "784-10-10"


def test_the_history_from_any_point_on_and_whole_for_who_missed_a_restart(client):
    for _ in range(5):
        post(client, "step", {"unit": "batch"})
    run = get(client, "state")["run"]
    whole = get(client, "history")
    assert [point[0] for point in whole["points"]] == [1, 2, 3, 4, 5]
    part = get(client, f"history?run={run}&since=3")
    assert (part["from"], part["points"]) == (3, whole["points"][3:])
    assert get(client, f"history?run={run + 1}&since=3")["points"] == whole["points"]
    assert get(client, f"history?run={run}&since=99")["points"] == []


def test_a_neuron_and_a_cell(client, trainer):
    post(client, "step", {"unit": "batch"})
    part = get(client, "neuron?layer=1&neuron=9")
    assert part["sum_of_products"] + part["bias"] == pytest.approx(part["z"], abs=1e-6)
    frame = trainer.ask(trainer.frame)
    row, column = np.unravel_index(np.argmax(frame["confusion"]["matrix"]), (10, 10))
    cell = get(client, f"confusion/{row}/{column}")
    assert cell["step"] == frame["confusion"]["step"]
    assert cell["count"] == frame["confusion"]["matrix"][row][column]
    for route in (
        "neuron",
        "neuron?layer=0",
        "neuron?layer=-1&neuron=0",
        "neuron?layer=0&neuron=1e3",
        "confusion/10/0",
    ):
        assert "error" in get(client, route, 400)
    assert "error" in get(client, "confusion/10/0", 400)
    assert "error" in get(client, "confusion/1/x", 404)


def test_a_drawing_is_answered_while_it_trains(client):
    weights = (ROOT / "resources/pretrained/784-100-10.json").read_bytes()
    post(client, "weights", weights)
    post(client, "settings", {"learning_rate": 1e-5})
    post(client, "start", {})
    ink = np.zeros((280, 280), np.uint8)
    ink[50:230, 130:150] = 255
    part = post(client, "predict", {"strokes_image": drawing(ink), "centre": True})
    assert (part["empty"], part["answer"]) == (False, 1)
    assert len(base64.b64decode(part["image"])) == 784
    assert post(client, "predict", {"strokes_image": drawing(ink * 0)})["message"] == "Draw something."


def test_weights_go_out_and_come_back_to_the_bit(client, trainer, tmp_path):
    post(client, "step", {"unit": "batch"})
    trained = trainer.run.network.parameters.tobytes()
    response = client.get("/api/weights")
    assert response.headers["Content-Disposition"] == "attachment; filename=weights_and_biases.json"
    (tmp_path / "a.json").write_bytes(response.data)
    assert nn.load(tmp_path / "a.json").network.parameters.tobytes() == trained
    post(client, "restart", {"seed": 1})
    assert trainer.run.network.parameters.tobytes() != trained
    state = post(client, "weights", response.data)["state"]
    assert (state["preset"], state["state"]) == (None, "paused")
    assert trainer.run.network.parameters.tobytes() == trained


def test_an_own_activation_and_an_own_optimizer_are_on_the_menus_and_can_be_chosen(own_parts, client, trainer):
    menus = get(client, "state")["menus"]
    assert menus["optimizers"]["sign-descent"] == "SignDescent"
    assert menus["activations"]["leaky-relu"] == "LeakyReLU"
    state = post(client, "restart", {"seed": 5, "hidden": [12], "activation": "leaky-relu"})["state"]
    assert (state["sizes"], state["activations"]) == ([784, 12, 10], ["leaky-relu", "sigmoid"])
    assert state["gradient_check"]["relative_error"] < 1e-6
    assert post(client, "settings", {"optimizer": "sign-descent"})["state"]["optimizer"] == "sign-descent"
    post(client, "step", {"unit": "batch"})
    assert trainer.run.progress.step == 1
    assert get(client, "neuron?layer=0&neuron=3")["activation_name"] == "leaky-relu"
    assert (
        "activation 'threshold': expected one of" in post(client, "restart", {"activation": "threshold"}, 400)["error"]
    )


# ---- what is refused ----


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("settings", {"learning_rate": True}),
        ("settings", {"learning_rate": "0.1"}),
        ("settings", {"learning_rate": 0}),
        ("settings", {"learning_rate": -1}),
        ("settings", {"learning_rate": 1e7}),
        ("settings", {"learning_rate": None}),
        ("settings", b'{"learning_rate": NaN}'),
        ("settings", b'{"learning_rate": Infinity}'),
        ("settings", b'{"learning_rate": 1e999}'),
        ("settings", {"batch_size": 0}),
        ("settings", {"batch_size": 1025}),
        ("settings", {"batch_size": 2.0}),
        ("settings", {"batch_size": True}),
        ("settings", {"speed": 0.5}),
        ("settings", {"epoch_target": 0}),
        ("settings", {"epoch_target": 1001}),
        ("settings", {"optimizer": "lion"}),
        ("settings", {"optimizer": ["sgd"]}),
        ("settings", {"optimizer": "sgd:momentum=0.9"}),
        ("settings", {"optimizer": None}),
        ("settings", {"momentum": 0.9}),
        ("settings", [1]),
        ("settings", b"{"),
        ("settings", b"\x80\x04\x95\x0b"),
        ("step", {}),
        ("step", {"unit": "year"}),
        ("step", {"unit": {}}),
        ("start", {"now": 1}),
        ("rewind", b"null"),
        ("restart", {"hidden": [10] * 7}),
        ("restart", {"hidden": [513]}),
        ("restart", {"hidden": [0]}),
        ("restart", {"hidden": "10"}),
        ("restart", {"seed": -1}),
        ("restart", {"seed": 2**32}),
        ("restart", {"seed": 0.5}),
        ("restart", {"preset": "../../etc/passwd"}),
        ("restart", {"activation": "tanh"}),
        ("restart", {"activation": "dense"}),
        ("restart", {"activation": "dense:10"}),
        ("restart", {"activation": "relu:slope=1"}),
        ("restart", {"activation": ["relu"]}),
        ("restart", {"activation": None}),
        ("restart", {"activation": "softmax", "hidden": [9]}),
        ("predict", {}),
        ("predict", {"strokes_image": "AAAA"}),
        ("predict", {"strokes_image": 5}),
        ("predict", {"strokes_image": "é" * 10_000}),
        ("predict", {"strokes_image": "A" * 104534, "centre": 1}),
        ("weights", {}),
        ("weights", {"format": "nn_from_scratch", "format_version": 1, "layers": []}),
        ("weights", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94."),
        ("weights", b"PK\x03\x04"),
        ("weights", b"[" * 100_000),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_wrong_values_are_refused_and_change_nothing(stranger, untouched, route, body):
    before = untouched.ask(untouched.description), untouched.run.network.parameters.tobytes()
    answer = post(stranger, route, body, 400)
    assert set(answer) == {"error"}
    assert len(answer["error"]) < 500
    assert "Traceback" not in answer["error"]
    assert (untouched.ask(untouched.description), untouched.run.network.parameters.tobytes()) == before


def test_a_network_that_is_too_large_is_neither_on_the_menu_nor_taken_and_one_line_says_so(
    monkeypatch, client, tmp_path
):
    state = get(client, "state")
    monkeypatch.setitem(nn.PRESETS, "wide", TOO_WIDE)
    assert get(client, "state") == state
    assert {"784-10-10", "lenet"} <= set(state["presets"])
    expected = "the page can't show 4 layers of up to 50,176 numbers and"
    assert post(client, "restart", {"seed": 1, "preset": "wide"}, 400)["error"].startswith(expected)
    nn.save(nn.SavedNetwork(TOO_WIDE.make_network(0)), tmp_path / "a.json")
    assert post(client, "weights", (tmp_path / "a.json").read_bytes(), 400)["error"].startswith(expected)
    assert get(client, "state") == state


def test_a_wrong_upload_is_refused_in_the_words_of_storage_without_a_path(client):
    answer = post(client, "weights", {"format": "other"}, 400)
    assert answer["error"].startswith("the uploaded file: not a network of this package")


def test_a_refusal_is_one_short_line_whatever_it_quotes(client):
    network = json.loads(client.get("/api/weights").data)
    for name, value in {"classes": [10**4000, *range(9)], "format_version": "\x1b[31m\u202e\n" * 1000}.items():
        error = post(client, "weights", network | {name: value}, 400)["error"]
        assert len(error) < 500
        assert error.isprintable()
    assert len(client.get("/api/state", headers={"Host": "a" * 9000}).get_json()["error"]) < 500


def test_an_ensemble_is_refused_as_the_page_shows_a_single_network(client, trainer, tmp_path):
    before = trainer.run.network.parameters.tobytes()
    members = [nn.SavedNetwork(nn.PRESETS["784-10-10"].make_network(seed)) for seed in (0, 1)]
    nn.save(nn.SavedEnsemble(members), tmp_path / "e.json")
    answer = post(client, "weights", (tmp_path / "e.json").read_bytes(), status=400)
    expected = "the uploaded file: is an ensemble of 2 networks, but the page shows single ones"
    assert answer["error"] == expected
    assert trainer.run.network.parameters.tobytes() == before


def test_a_wrong_upload_that_would_be_many_objects_is_refused_before_it_is_read(client, monkeypatch):
    monkeypatch.setattr(storage, "load", lambda path: pytest.fail("was read"))
    answer = post(client, "weights", b"[" + b"[]," * 1_000_000 + b"[]]", 400)
    assert answer["error"].startswith("the uploaded file: some 2,000,002 values are too many")


def checked(response: TestResponse) -> TestResponse:
    """What no answer of the application may have. The headers that all must have, its server adds."""
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]
    assert b"Traceback" not in response.data
    return response


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_taken_only_as_json_from_our_own_pages(client, trainer, command):
    before = trainer.ask(trainer.description)
    route = f"/api/{command}"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", None):
        assert checked(client.post(route, data=b"{}", content_type=kind)).status_code == 415
    for origin in (
        "http://evil.com",
        "null",
        "http://localhost:1",
        "https://localhost",
        "",
        "http://localhost.evil.com",
    ):
        response = checked(client.post(route, data=b"{}", headers=JSON | {"Origin": origin}))
        assert response.status_code == 403
    for site in ("cross-site", "same-site"):
        response = checked(client.post(route, data=b"{}", headers=JSON | {"Sec-Fetch-Site": site}))
        assert response.status_code == 403
    assert checked(client.get(route)).status_code == (200 if command == "weights" else 405)
    asking = {
        "Origin": "http://evil.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    assert checked(client.options(route, headers=asking)).status_code in (403, 405)
    assert trainer.ask(trainer.description) == before


def test_our_own_origin_may_command(client):
    for host in ("localhost", "127.0.0.1:8000"):
        headers = JSON | {"Origin": f"http://{host}", "Host": host, "Sec-Fetch-Site": "same-origin"}
        assert checked(client.post("/api/pause", data=b"{}", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.com", "localhost.evil.com", "127.0.0.1.nip.io", "evil.com:8000", "", "[::2]", "a b"]
)
@pytest.mark.parametrize("route", ["/", "/api/state", "/api/next", "/static/index.html", "/nowhere"])
def test_other_names_for_this_machine_are_not_answered(stranger, host, route):
    response = checked(stranger.get(route, headers={"Host": host}))
    assert response.status_code == 400
    assert set(response.get_json()) == {"error"}


@pytest.mark.parametrize(("route", "most"), [("settings", 4_000), ("predict", 120_000), ("weights", 32_000_000)])
def test_bodies_have_their_limits(client, route, most):
    response = checked(client.post(f"/api/{route}", data=b" " * (most + 1), content_type="application/json"))
    assert response.status_code == 413
    assert response.get_json() == {"error": f"{most + 1:,} bytes are too many: expected at most {most:,}"}
    assert client.post(f"/api/{route}", data=b" " * most, content_type="application/json").status_code == 400


def test_unknown_places_and_methods(client):
    assert checked(client.get("/api/nothing")).status_code == 404
    assert checked(client.get("/static/../server.py")).status_code == 404
    assert checked(client.get("/static/%2e%2e/server.py")).status_code == 404
    assert checked(client.delete("/api/state")).status_code == 405
    assert checked(client.put("/api/settings", data=b"{}", content_type="application/json")).status_code == 405
    for response in (client.get("/api/nothing"), client.delete("/api/state")):
        assert set(response.get_json()) == {"error"}


def test_a_mistake_of_ours_shows_nothing_of_it(client, trainer, monkeypatch, caplog):
    monkeypatch.setattr(trainer, "description", lambda: 1 / 0)
    response = checked(client.get("/api/state"))
    assert response.status_code == 500
    assert response.get_json() == {"error": "an error in the server; the terminal in which it runs shows it"}
    assert "ZeroDivisionError" in caplog.text


# ---- over sockets ----


def ask(server: LiveServer, text: str) -> tuple[int, dict[str, str], bytes]:
    """Send these very bytes, and return the status, the headers and the body of the answer.

    Every answer, whoever gives it, has the headers that protect the page, and tells nothing of what runs here.
    """
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
    for name, value in HEADERS.items():
        assert response.msg.get_all(name) == [value]
    assert response.msg.get_all("Server") == ["nn_from_scratch"]
    assert not [name for name in response.msg if name.lower().startswith("access-control")]
    assert b"Traceback" not in body
    return response.status, dict(response.msg), body


def test_the_headers_let_nothing_in_and_nobody_guess():
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]
    assert HEADERS["X-Content-Type-Options"] == "nosniff"


OURS = "Host: 127.0.0.1"
OTHER = "Origin: http://evil.com"
AS_JSON = "Content-Type: application/json\nContent-Length: 2"
TOO_LONG = "Content-Type: application/json\nContent-Length: 99999999"
ASKING = "Access-Control-Request-Method: POST"


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /api/state HTTP/1.1", [OURS], 200),
        ("GET /api/state HTTP/1.1", ["Host: evil.com"], 400),
        ("GET /api/state HTTP/1.0", ["Host: evil.com"], 400),
        ("GET /api/state HTTP/1.1", [], 400),
        ("GET /api/state HTTP/1.0", [], 400),
        ("GET / HTTP/1.1", [], 400),
        ("POST /api/start HTTP/1.1", [AS_JSON], 400),
        ("GET /api/state HTTP/1.1", ["Host:"], 400),
        ("GET /api/state HTTP/1.1", [OURS, "Host: evil.com"], 400),
        ("GET http://evil.com/api/state HTTP/1.1", [OURS], 400),
        ("GET /api/state HTTP/1.1", [OURS, OTHER], 403),
        ("GET /api/next HTTP/1.1", [OURS, "Sec-Fetch-Site: cross-site"], 403),
        ("POST /api/start HTTP/1.1", [OURS, "Content-Type: text/plain\nContent-Length: 2"], 415),
        ("POST /api/start HTTP/1.1", [OURS, "Content-Length: 2"], 415),
        ("POST /api/start HTTP/1.1", [OURS, OTHER, AS_JSON], 403),
        ("POST /api/start HTTP/1.1", ["Host: evil.com", AS_JSON], 400),
        ("POST /api/start HTTP/1.1", [OURS, TOO_LONG], 413),
        ("POST /api/weights HTTP/1.1", [OURS, TOO_LONG], 413),
        ("OPTIONS /api/start HTTP/1.1", [OURS, OTHER, ASKING], 403),
        ("OPTIONS /api/start HTTP/1.1", [OURS, ASKING], 405),
    ],
)
def test_the_rules_hold_on_the_wire(closed_server, request_line, headers, status):
    body = "{}" if "Content-Length: 2" in "\n".join(headers) else ""
    found, _, body = ask(closed_server, "\n".join([request_line, *headers, "", body]))
    assert found == status
    assert ("error" in json.loads(body)) == (status != 200)
    assert closed_server.trainer.ask(closed_server.trainer.description)["state"] == "paused"


def test_a_body_in_chunks_of_which_nobody_knows_the_length_is_refused(live_server):
    text = "POST /api/start HTTP/1.1\nHost: localhost\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n"
    assert ask(live_server, text + "2\n{}\n0\n\n")[0] == 411


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (f"GET /{'a' * 70_000} HTTP/1.1\nHost: localhost\n\n", 414),
        (f"GET / HTTP/1.1\nHost: localhost\nX-Long: {'a' * 70_000}\n\n", 431),
        ("GET / HTTP/1.1\nHost: localhost" + "\nX-Many: a" * 200 + "\n\n", 431),
        ("GET / HTTP/2.0\nHost: localhost\n\n", 505),
        ("GET / FTP/1.1\nHost: localhost\n\n", 400),
        ("GET /api/state\nHost: localhost\n\n", 200),
        ("GET /api/state\n\n", 400),
        ("POST /api/start\nHost: localhost\n\n", 400),
        ("GET /<script>alert(1)</script> now HTTP/1.1\nHost: localhost\n\n", 400),
        ("nonsense\n\n", 400),
        ("GET /static/main.js HTTP/1.1\nHost: localhost\nIf-Modified-Since: Wed, 01 Jan 2080 00:00:00 GMT\n\n", 304),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_answers_that_the_application_never_sees_have_the_headers_too(closed_server, text, status):
    found, headers, _ = ask(closed_server, text)
    assert found == status
    assert not headers.get("Content-Type", "").startswith("text/html")

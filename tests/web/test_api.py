"""The table of routes, asked without HTTP: the same answers as over it, and the same refusals."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import api
from nn_from_scratch.web.server import create_app
from nn_from_scratch.web.trainer import Trainer


@pytest.fixture
def trainer(digits) -> Iterator[Trainer]:
    with Trainer(digits, seed=7) as trainer:
        yield trainer


def get(trainer: Trainer, address: str) -> Any:
    return api.answer(trainer, "GET", address)


def post(trainer: Trainer, address: str, body: Any = None) -> Any:
    return api.answer(trainer, "POST", address, json.dumps(body or {}).encode())


def test_every_route_of_the_table_is_one_of_the_server(trainer):
    rules = {(method, rule.rule) for rule in create_app(trainer).url_map.iter_rules() for method in rule.methods or ()}
    assert {(route.method, route.path) for route in api.ROUTES} <= rules
    assert len({route.name for route in api.ROUTES}) == len(api.ROUTES)


@pytest.mark.parametrize(
    "address",
    ["/api/state", "/api/history?run=1&since=1", "/api/neuron?layer=1&neuron=9", "/api/confusion/3/3"],
)
def test_questions_are_answered_as_over_http(trainer, address):
    for _ in range(3):
        post(trainer, "/api/step", {"unit": "batch"})
    over_http = create_app(trainer).test_client().get(address)
    assert over_http.status_code == 200
    assert json.loads(json.dumps(get(trainer, address))) == over_http.get_json()


def test_commands_are_done_when_they_are_answered(trainer):
    assert post(trainer, "/api/step", {"unit": "batch"})["state"]["state"] == "paused"
    assert trainer.run.progress.step == 1
    assert post(trainer, "/api/settings", {"learning_rate": 0.25})["state"]["learning_rate"] == 0.25
    assert post(trainer, "/api/start")["state"]["state"] == "training"
    assert post(trainer, "/api/pause")["state"]["state"] == "paused"
    assert post(trainer, "/api/restart", {"seed": 5, "hidden": [12]})["state"]["sizes"] == (784, 12, 10)
    assert post(trainer, "/api/rewind")["state"]["seed"] == 5


def test_a_drawing_is_read(trainer):
    ink = np.zeros((api.PAD, api.PAD), np.uint8)
    assert post(trainer, "/api/predict", {"strokes_image": base64.b64encode(ink).decode()})["empty"]
    ink[50:230, 130:150] = 255
    assert len(post(trainer, "/api/predict", {"strokes_image": base64.b64encode(ink).decode()})["outputs"]) == 10


def test_weights_go_out_as_a_file_and_come_back_to_the_bit(trainer, tmp_path):
    post(trainer, "/api/step", {"unit": "batch"})
    trained = trainer.run.network.parameters.tobytes()
    name, content = get(trainer, "/api/weights")
    (tmp_path / name).write_bytes(content)
    assert nn.load(tmp_path / name).network.parameters.tobytes() == trained
    post(trainer, "/api/restart", {"seed": 1})
    api.answer(trainer, "POST", "/api/weights", content)
    assert trainer.run.network.parameters.tobytes() == trained


@pytest.mark.parametrize(
    ("method", "address", "body", "said"),
    [
        ("GET", "/api/nothing", b"", "GET /api/nothing: there is no such route"),
        ("GET", "/api/confusion/1/x", b"", "there is no such route"),
        ("GET", "/api/confusion/1/٣", b"", "there is no such route"),
        ("DELETE", "/api/state", b"", "DELETE /api/state: there is no such route"),
        ("GET", "/api/neuron?layer=0", b"", "neuron: expected a whole number from 0 up"),
        ("GET", "/api/neuron?layer=&neuron=0", b"", "layer: expected a whole number from 0 up"),
        ("GET", "/api/confusion/10/0", b"", "cell 10, 0: expected numbers below 10"),
        ("POST", "/api/start", b'{"now": 1}', "unknown name 'now': expected none"),
        ("POST", "/api/start", b" " * 4001, "4,001 bytes are too many: expected at most 4,000"),
        ("POST", "/api/predict", b"{}", "strokes_image: expected 78,400 bytes in base64"),
        ("POST", "/api/settings", b'{"learning_rate": NaN}', "not valid JSON"),
        ("POST", "/api/weights", b"{}", "the uploaded file: not a network of this package"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refusals_say_what_was_expected(trainer, method, address, body, said):
    with pytest.raises(BadInput, match=re.escape(said)):
        api.answer(trainer, method, address, body)

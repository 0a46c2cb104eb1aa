"""With an audience, everybody watches and only the presenter steers: from this machine, and with the token."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from nn_from_scratch.data import Dataset
from nn_from_scratch.web import addresses, api
from nn_from_scratch.web.presenter import REFUSAL, Presenter
from nn_from_scratch.web.server import create_app
from nn_from_scratch.web.trainer import Trainer
from tests.web.conftest import served
from tests.web.polling import Page

TOKEN = "a-token"
OUTWARD = next((host for host in addresses.hosts("0.0.0.0") if host[0].isdigit()), None)
AUDIENCE = ["http://192.168.1.5:8000/", "http://classroom:8000/"]
COMMANDS = [route for route in api.ROUTES if route.method == "POST"]


@dataclass
class Hall:
    port: int
    trainer: Trainer

    def page(self, **options: str) -> Page:
        return Page(self.port, **options)


@contextmanager
def opened(digits: Dataset) -> Iterator[Hall]:
    trusted = addresses.trusted("0.0.0.0")
    with Trainer(digits, seed=7) as trainer:
        app = create_app(trainer, trusted, Presenter(TOKEN), AUDIENCE)
        with served(app, host="0.0.0.0") as port:
            yield Hall(port, trainer)


@pytest.fixture(scope="module")
def hall(digits) -> Iterator[Hall]:
    with opened(digits) as hall:
        yield hall


@pytest.fixture
def own_hall(digits) -> Iterator[Hall]:
    """One that no other test has used: nobody is in it."""
    with opened(digits) as hall:
        yield hall


def test_the_table_says_which_routes_steer():
    assert {route.path for route in COMMANDS if not route.steers} == {"/api/predict"}
    assert not any(route.steers for route in api.ROUTES if route.method == "GET")


def test_the_audience_sees_everything_and_is_told_that_it_only_watches(hall):
    page = hall.page()
    found = page.next()
    assert found["access"] == {"steers": False, "pace": 0.5, "pupil": False, "addresses": [], "qr": True}
    assert {"state", "frame"} <= found.keys()
    assert page.wait_for("tiles", tiles=True)["units"]
    for route in ("state", "history", "neuron?layer=0&neuron=0", "experiments", "weights"):
        assert "error" not in json.loads(page.ask(f"/api/{route}"))
        assert page.status == 200
    page.close()


def test_what_the_network_says_of_a_drawing_is_a_question_that_everybody_may_ask(hall):
    page = hall.page()
    assert "strokes_image: expected" in page.command("predict", strokes_image="")["error"]
    page.close()


@pytest.mark.parametrize("route", [route.path for route in COMMANDS if route.steers])
def test_commands_of_the_audience_are_refused_in_one_sentence_and_change_nothing(hall, route):
    before = hall.trainer.ask(hall.trainer.description)
    for token in (None, "", "a-toke", "a-token2", "é"):
        page = hall.page()
        page.headers = {} if token is None else {"X-Token": token.encode().decode("latin-1")}
        assert json.loads(page.ask(route, {})) == {"error": REFUSAL}
        assert page.status == 403
        page.close()
    assert hall.trainer.ask(hall.trainer.description) == before


def test_the_presenter_steers_with_the_token_and_is_told_where_the_audience_finds_the_page(hall):
    page = hall.page(token=TOKEN)
    access = page.next()["access"]
    assert (access["steers"], access["addresses"]) == (True, AUDIENCE)
    step = hall.trainer.run.progress.step
    assert page.command("step", unit="batch")["state"]["state"] == "paused"
    assert hall.trainer.run.progress.step == step + 1
    page.close()


@pytest.mark.skipif(OUTWARD is None, reason="this machine has no address but its own")
def test_the_token_alone_is_not_enough_from_an_address_of_the_network(hall):
    page = hall.page(host=OUTWARD, token=TOKEN)
    assert page.next()["access"]["steers"] is False
    assert page.command("step", unit="batch") == {"error": REFUSAL}
    page.close()


@pytest.mark.parametrize(
    ("address", "token", "expected"),
    [
        ("127.0.0.1", TOKEN, True),
        ("127.8.8.8", TOKEN, True),
        ("::1", TOKEN, True),
        ("::ffff:127.0.0.1", TOKEN, True),
        ("::ffff:192.168.1.5", TOKEN, False),
        ("192.168.1.5", TOKEN, False),
        ("127.0.0.1.evil.com", TOKEN, False),
        (None, TOKEN, False),
        ("127.0.0.1", None, False),
        ("127.0.0.1", "", False),
    ],
)
def test_who_the_presenter_is(address, token, expected):
    assert Presenter(TOKEN).sent(address, token) is expected


def test_every_presenter_has_a_token_of_their_own():
    tokens = {Presenter().token for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 20


def test_the_audience_gets_two_answers_a_second_and_all_of_them_the_same_frames(own_hall, monkeypatch):
    monkeypatch.setattr("nn_from_scratch.web.viewers.ABSENCE", 3600.0)
    monkeypatch.setattr("nn_from_scratch.web.server.HEARTBEAT", 60.0)
    trainer, pages = own_hall.trainer, [own_hall.page() for _ in range(3)]
    for page in pages:
        page.next()
    trainer.ask(trainer.change, speed=100)  # far from its end, however long this takes
    trainer.ask(trainer.start)
    frame, made = trainer.frame, []

    def counted() -> dict[str, Any]:
        made.append(frame())
        return made[-1]

    monkeypatch.setattr(trainer, "frame", counted)
    began = time.monotonic()
    for _ in range(4):
        for page in pages:
            page.connection.request("GET", f"/api/next?viewer={page.name}&seen={page.seen}")
        for page in pages:
            text = page.connection.getresponse().read().decode()
            page.seen = int(text.splitlines()[0].split("\t")[1])
    assert time.monotonic() - began > 3 * 0.5, "a page that doesn't wait by itself is kept waiting"
    # The first answers have the frame of the start. After that, a frame is made only when a page waits for one.
    assert 3 <= len(made) <= 3 * 3, "one frame for several pages, and no frame for nobody"
    trainer.ask(trainer.pause)
    for page in pages:
        page.close()


def test_an_address_as_a_qr_code(hall):
    page = hall.page()
    codes = [page.ask(f"/api/qr?address={i}") for i in range(2)]
    assert all(b"<svg" in code for code in codes)
    assert codes[0] != codes[1]
    for number in ("2", "-1", "x"):
        page.ask(f"/api/qr?address={number}")
        assert page.status == 400
    page.close()

"""What a page is told when it asks for news: the present first, then only what is new, and never what it can't take."""

import json
import secrets
import socket
from collections.abc import Callable, Iterator

import pytest

from nn_from_scratch.web import viewers
from nn_from_scratch.web.hub import Watch
from nn_from_scratch.web.viewers import ABSENCE
from tests.web.clock import Clock
from tests.web.conftest import LiveServer
from tests.web.polling import Page


@pytest.fixture(autouse=True)
def pages_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a test asks, its pages have not left."""
    monkeypatch.setattr(viewers, "ABSENCE", 3600.0)


@pytest.fixture
def pages(live_server: LiveServer) -> Iterator[Callable[[], Page]]:
    opened = []

    def open_page() -> Page:
        opened.append(Page(live_server.port))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


def test_a_new_page_sees_the_present_at_once_and_then_every_step(live_server, pages):
    trainer = live_server.trainer
    trainer.ask(trainer.step, "batch")
    page = pages()
    found = page.next()
    assert list(found) == ["access", "state", "frame"]
    assert found["access"] == {"steers": True, "pace": 0.0, "pupil": False, "addresses": [], "qr": True}
    assert found["state"]["state"] == "paused"
    assert (found["frame"]["step"], found["frame"]["confusion"]["step"]) == (1, 1)
    trainer.ask(trainer.step, "batch")
    assert page.wait_for("frame")["step"] == 2
    second = pages()
    assert second.next()["frame"]["step"] == 2


def test_a_page_that_does_not_come_for_them_skips_frames(live_server, pages):
    page, trainer = pages(), live_server.trainer
    page.next()
    for _ in range(5):
        trainer.ask(trainer.step, "batch")
    found = page.next()
    while found["frame"]["step"] < 5:
        found = page.next()
    assert list(found) == ["frame"], "the state is still the one that it has"


def test_an_answer_that_got_lost_is_given_again(live_server, pages):
    page, trainer = pages(), live_server.trainer
    page.next()
    arrived = page.seen
    trainer.ask(trainer.change, learning_rate=0.125)
    assert page.wait_for("state")["learning_rate"] == 0.125
    page.seen = arrived
    assert page.wait_for("state")["learning_rate"] == 0.125


def test_a_page_that_knows_the_numbers_of_another_server_is_a_new_one(live_server, pages):
    page = pages()
    page.seen = 1_000_000
    assert {"state", "frame"} <= page.next().keys()
    assert page.seen < 1000


def test_tiles_only_for_a_page_that_shows_them_and_then_at_once(live_server, pages):
    page, trainer = pages(), live_server.trainer
    assert "tiles" not in page.next()
    trainer.ask(trainer.step, "batch")
    assert "tiles" not in page.next()
    assert "tiles" not in trainer.hub.newest
    assert page.wait_for("tiles", tiles=True)["step"] == 1
    trainer.ask(trainer.step, "batch")
    assert page.wait_for("tiles", tiles=True)["step"] == 2
    trainer.ask(trainer.step, "batch")
    page.next()
    trainer.ask(trainer.frame)  # answered when everything of this step has been published
    number = trainer.hub.newest["tiles"][0]
    trainer.ask(trainer.step, "batch")
    page.next()
    trainer.ask(trainer.frame)
    assert trainer.hub.newest["tiles"][0] == number, "nobody shows them any longer"
    assert page.wait_for("tiles", tiles=True)["step"] == 4


def test_no_tiles_either_in_what_is_published_while_a_page_arrives(monkeypatch, live_server, pages):
    trainer = live_server.trainer
    watch = trainer.hub.watch

    def watch_and_publish(*arguments: object) -> Watch:
        found = watch(*arguments)
        trainer.ask(trainer.publish, whole=True)
        return found

    monkeypatch.setattr(trainer.hub, "watch", watch_and_publish)
    pages().next()
    assert trainer.hub.newest.keys() == {"state", "frame"}


def test_a_page_that_asks_for_tiles_only_now_and_then_gets_no_more_of_them(monkeypatch, live_server, pages):
    """As one on a slow line does, to leave the line to the frames."""
    monkeypatch.setattr("nn_from_scratch.web.trainer.TILES_SECONDS", 3600)
    page, trainer = pages(), live_server.trainer
    page.next(tiles=True)
    trainer.ask(trainer.change, speed=100)  # far from its end, however long this takes
    trainer.ask(trainer.start)
    page.wait_for("frame")
    number = trainer.hub.newest["tiles"][0]
    for i in range(10):
        page.wait_for("frame", tiles=i % 2 == 0)
    assert trainer.hub.newest["tiles"][0] == number


def test_without_news_there_is_an_empty_answer_after_a_while(monkeypatch, live_server, pages):
    monkeypatch.setattr("nn_from_scratch.web.server.HEARTBEAT", 0.05)
    page = pages()
    page.next()
    assert page.next() == {}
    assert page.status == 200


def test_one_connection_is_enough(live_server, pages):
    page = pages()
    page.next()
    mine = page.connection.sock.getsockname()
    live_server.trainer.ask(live_server.trainer.step, "batch")
    assert page.wait_for("frame")["step"] == 1
    assert json.loads(page.ask("/api/state"))["state"] == "paused"
    page.ask("/static/main.js")
    assert page.connection.sock.getsockname() == mine


@pytest.mark.parametrize(
    "smuggled",
    [
        "GET /api/state HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n",
        "POST /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 60\r\n\r\n",
        "POST /api/settings HTTP/1.1\r\nHost: evil.com\r\nContent-Length: 60\r\n\r\n",
        "HEAD /api/state HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_left_of_a_body_is_never_taken_for_a_request(live_server, smuggled):
    inner = b"GET /static/favicon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", live_server.port), timeout=60) as connection:
        connection.sendall(smuggled.encode() + inner)
        connection.shutdown(socket.SHUT_WR)
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    assert found.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in found
    assert b"<svg" not in found


def test_two_questions_on_one_connection_are_two_answers(live_server):
    question = b"GET /api/state HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = question.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", live_server.port), timeout=60) as connection:
        connection.sendall(question + question.replace(b"/api/state", b"/nowhere") + last)
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]
    assert found.count(b"Connection: keep-alive") == 2


def test_the_sixty_fifth_page_is_told_at_once_and_a_closed_one_makes_room(live_server, pages):
    many = [pages() for _ in range(64)]
    for page in many:
        assert page.next()["state"]["state"] == "paused"
        page.connection.close()
    late = pages()
    assert late.next() == {"error": "64 pages are already watching, which is the limit: close one of them"}
    assert late.status == 503
    assert many[0].command(f"leave?viewer={many[0].name}") == {}
    assert "frame" in late.next()


def test_a_page_that_does_not_ask_again_has_left(monkeypatch, pages, live_server):
    clock = Clock()
    monkeypatch.setattr("nn_from_scratch.web.hub.monotonic", clock)
    monkeypatch.setattr(viewers, "ABSENCE", ABSENCE)
    hub, page = live_server.trainer.hub, pages()
    assert "state" in page.next()
    clock.turn(ABSENCE - 0.1)
    assert hub.watchers == 1
    clock.turn(0.2)
    assert hub.watchers == 0
    assert "state" in page.next(), "it is greeted as a new one"
    assert hub.watchers == 1
    assert ABSENCE < 10, "seconds: its place is soon free"


def test_a_name_that_is_none_is_refused(live_server, pages):
    page = pages()
    for page.name in ("", "a", "A" * 32, "0" * 33, "../../etc/passwd", secrets.token_hex(17)):
        assert page.next()["error"].startswith("viewer: expected 32 hexadecimal digits")
        assert page.status == 400
    assert live_server.trainer.hub.watchers == 0


def test_frames_are_small_and_a_page_that_does_not_read_holds_nothing_up(live_server, pages):
    trainer, deaf, page = live_server.trainer, pages(), pages()
    deaf.connection.request("GET", f"/api/next?viewer={deaf.name}")
    trainer.ask(trainer.change, speed=100)  # far from its end, however long this takes
    trainer.ask(trainer.start)
    for _ in range(13):
        frame = page.wait_for("frame")
        assert len(json.dumps(frame, separators=(",", ":"))) < 16_000
    assert frame["step"] > 10, "each is of a later step, except the first and the one that welcomes the deaf page"
    assert len(trainer.hub.newest) == 2


def test_when_the_server_ends_its_pages_are_told_and_all_connections_closed(live_server, pages):
    page = pages()
    page.next()
    live_server.trainer.hub.close()
    assert page.next() == {"error": "this training has ended"}
    assert page.status == 503

"""Each pupil has a training of their own, found again by a cookie, as long as there is room and somebody looks on."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from nn_from_scratch.data import Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import limits
from nn_from_scratch.web.pupils import COOKIE, PATIENCE, NoTraining, Pupils, TooManyPupils
from nn_from_scratch.web.server import create_app
from nn_from_scratch.web.trainer import Trainer
from tests.web.clock import Clock
from tests.web.conftest import served
from tests.web.polling import Page

PAGE, OTHER = "a" * 32, "b" * 32
Enter = Callable[..., Page]


@contextmanager
def classroom(digits, **options: float) -> Iterator[Pupils]:
    most = int(options.pop("most", 3))
    with Pupils(lambda: Trainer(digits, seed=7, budget=limits.SHARE), most, **options) as pupils:
        yield pupils


@pytest.fixture
def pupils(digits) -> Iterator[Pupils]:
    with classroom(digits) as pupils:
        yield pupils


@pytest.fixture
def enter(pupils) -> Iterator[Enter]:
    opened = []
    with served(create_app(pupils)) as port:

        def page(cookie: str | None = None) -> Page:
            opened.append(Page(port, cookie=cookie))
            return opened[-1]

        yield page
        for one in opened:
            one.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("nn_from_scratch.web.pupils.monotonic", clock)
    return clock


def wait_for_a_check(pupils: Pupils, clock: Clock) -> None:
    """Wait until a whole check for trainings that are over is done: each looks at the clock once, as it begins."""
    looked = clock.looks
    while clock.looks < looked + 2 and pupils._cleaner.is_alive():
        time.sleep(0.001)


def test_each_browser_trains_its_own_network(enter, pupils):
    first, second = enter(), enter()
    for page in (first, second):
        found = page.next()
        assert found["access"]["pupil"] is True
        assert found["access"]["steers"] is True
        assert found["frame"]["step"] == 0
    assert first.command("step", unit="batch")["state"]["state"] == "paused"
    assert first.wait_for("frame")["step"] == 1
    assert json.loads(second.ask("/api/history"))["points"] == []
    assert len(pupils) == 2


def test_a_browser_is_known_by_a_cookie_that_no_script_can_read(enter, pupils):
    page = enter()
    page.next()
    name, _, value = page.cookie.partition("=")
    assert name == COOKIE
    assert len(value) == 32
    assert "HttpOnly" in page.given
    assert "SameSite=Strict" in page.given
    assert "Path=/" in page.given
    del page.given
    page.command("step", unit="batch")
    page.next()
    assert not hasattr(page, "given"), "once is enough"
    again = enter(page.cookie)
    assert again.next()["frame"]["step"] == 1
    assert len(pupils) == 1


def test_without_a_training_nothing_is_answered_but_the_page(enter, pupils):
    page = enter()
    for route in ("state", "history", "weights"):
        assert "reload the page" in json.loads(page.ask(f"/api/{route}"))["error"]
        assert page.status == 400
    assert "reload the page" in page.command("start")["error"]
    page.ask("/")
    assert page.status == 200
    assert len(pupils) == 0


def test_one_pupil_too_many_is_told_so_and_there_is_room_again_when_a_training_has_ended(digits, clock):
    with classroom(digits, most=1, every=0.02) as pupils:
        name, viewers = pupils.enter("", PAGE)
        watch = viewers.trainer.hub.watch()
        with pytest.raises(TooManyPupils, match=r"^the places for pupils are all taken \(1\)"):
            pupils.enter("", OTHER)
        clock.turn(PATIENCE)
        wait_for_a_check(pupils, clock)
        assert pupils.of(name) is viewers, "it is watched"
        watch.leave()
        clock.turn(PATIENCE)
        while len(pupils):
            time.sleep(0.02)
        viewers.trainer._thread.join()
        with pytest.raises(NoTraining):
            pupils.of(name)
        again, fresh = pupils.enter(name, PAGE)
        assert again == name, "the browser keeps its cookie"
        assert fresh is not viewers


def test_a_pupil_too_many_reads_why(enter):
    pages = [enter() for _ in range(4)]
    answers = [page.next() for page in pages]
    assert all("frame" in answer for answer in answers[:3])
    assert answers[3]["error"] == (
        "the places for pupils are all taken (3): a place becomes free 10 minutes after its page is closed"
    )
    assert pages[3].status == 503


def test_a_browser_without_cookies_takes_one_place_and_no_more(pupils):
    pupils.enter("", PAGE)
    with pytest.raises(BadInput, match="keeps no cookie"):
        pupils.enter("", PAGE)
    assert len(pupils) == 1


@pytest.mark.parametrize("cookie", ["x", "A" * 32, "a" * 31, "../../etc/passwd", "a" * 5000])
def test_a_cookie_that_is_none_of_ours_gets_a_new_name(pupils, cookie):
    name, _ = pupils.enter(cookie, PAGE)
    assert name != cookie
    assert len(name) == 32


def test_a_class_that_comes_all_at_once_gets_a_training_each(digits):
    with classroom(digits, most=8) as pupils:
        found = []
        threads = [
            threading.Thread(target=lambda i=i: found.append(pupils.enter("", f"{i:032x}")[0])) for i in range(12)
        ]

        def quiet(arguments: threading.ExceptHookArgs) -> None:
            assert arguments.exc_type is TooManyPupils

        before, threading.excepthook = threading.excepthook, quiet
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        threading.excepthook = before
        assert len(set(found)) == len(pupils) == 8
        trainers = {id(pupils.of(name).trainer) for name in found}
        images = {id(pupils.of(name).trainer.dataset.train.images) for name in found}
        assert (len(trainers), len(images)) == (8, 1), "the images are there once"


def test_a_training_that_cannot_begin_leaves_no_place_taken(digits):
    with Pupils(lambda: Trainer(digits, preset="nothing"), 1) as pupils:
        for _ in range(2):
            with pytest.raises(KeyError):
                pupils.enter("", PAGE)
        assert len(pupils) == 0


def test_a_training_that_cannot_begin_does_not_stop_the_check_for_those_that_are_over(digits, monkeypatch, clock):
    with Pupils(lambda: Trainer(digits, preset="nothing"), 1, every=0.001) as pupils:
        forget = pupils._forget

        def forget_after_a_check(name: str) -> None:
            wait_for_a_check(pupils, clock)
            forget(name)

        monkeypatch.setattr(pupils, "_forget", forget_after_a_check)
        with pytest.raises(KeyError):
            pupils.enter("", PAGE)
        assert pupils._cleaner.is_alive()


def test_a_pupil_may_not_take_more_than_a_share_of_the_machine(digits, mnist):
    large = limits.SHARE.parameters
    with Trainer(digits, budget=limits.SHARE) as trainer:
        trainer.ask(trainer.restart, seed=1, hidden=(256, 128), activation="relu")
        assert trainer.run.network.parameters.size == 235_146 <= large
        with pytest.raises(BadInput, match=f"and {large:,} parameters$"):
            trainer.ask(trainer.restart, seed=1, hidden=(512, 512))
        assert trainer.run.network.parameters.size == 235_146
        with pytest.raises(BadInput, match=f"at most {large + 200_000:,}"):
            limits.check_upload(b"[" + b"0," * 600_000 + b"0]", limits.SHARE)
        drawings = Split(np.full((1, 28, 28), 255, np.uint8), np.zeros(1, np.uint8))
        trainer.ask(trainer.learn_drawings, drawings)  # a copy of the digits is small
        kept = sum(snapshot.nbytes for snapshot in trainer.live.trail.snapshots)
        assert kept <= 2 * limits.SHARE.trail_bytes
    with (
        Trainer(mnist, budget=limits.SHARE) as trainer,
        pytest.raises(BadInput, match="a copy of all images, 47 MB"),
    ):
        trainer.ask(trainer.learn_drawings, drawings)

"""The page for a class: who looks on has no controls, the presenter has a QR code, and pupils train by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nn_from_scratch.data import Dataset
from nn_from_scratch.web import limits
from nn_from_scratch.web.presenter import Presenter
from nn_from_scratch.web.pupils import Pupils
from nn_from_scratch.web.server import create_app
from nn_from_scratch.web.trainer import Trainer
from tests.web.browser.conftest import Open, command, step_of, until
from tests.web.conftest import SEED, served

TOKEN = "a-token-for-tests"
AUDIENCE = ["http://192.168.1.5:8000/", "http://classroom:8000/"]


@dataclass
class Hall:
    url: str
    trainer: Trainer


@pytest.fixture
def hall(digits: Dataset) -> Iterator[Hall]:
    with Trainer(digits, seed=SEED) as trainer:
        app = create_app(trainer, presenter=Presenter(TOKEN), addresses=AUDIENCE)
        with served(app) as port:
            yield Hall(f"http://127.0.0.1:{port}", trainer)


def test_who_looks_on_sees_the_training_has_no_controls_and_can_draw(hall: Hall, open_page: Open) -> None:
    presenter = open_page(f"{hall.url}/?level=everything&token={TOKEN}")
    page = open_page(hall.url)
    page.wait_for_selector("body[data-access=looks-on]")
    assert "the presenter controls the training" in page.inner_text("#onlooker")
    controls = (
        "#start #step-example #rewind #learning-rate #restart #preset #upload #drawings-learn #experiments-open #qr"
    )
    for control in controls.split():
        assert page.is_hidden(control), control
    for shown in ("#forward canvas", "#loss-curve", "#tiles-weights", "#confusion", "#download", "#pad"):
        assert page.locator(shown).first.is_visible(), shown
    presenter.click("#start")
    page.wait_for_selector("body[data-state=training]")
    until(page, lambda: step_of(page) > 5, "some steps")

    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30, steps=8)
    page.mouse.up()
    page.wait_for_selector("#pad[data-answered=true]")
    assert re.match("This looks like|Not sure", page.inner_text("#draw-answer"))

    posted = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.locator("h1").click()
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    assert [url for url in posted if not url.endswith("/api/predict")] == [], "the space bar commands nothing"
    presenter.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    page.reload()
    page.wait_for_selector("body[data-step][data-connection=open]")
    assert hall.trainer.run_number == 1, "no address that somebody looks at begins anything"


def test_the_token_leaves_the_address_bar_and_survives_a_reload(hall: Hall, open_page: Open) -> None:
    page = open_page(f"{hall.url}/?level=watch&token={TOKEN}")
    assert TOKEN not in page.url
    command(page, "#step-example", "[data-step='1']")
    page.reload()
    page.wait_for_selector("body[data-step='1'][data-access=steers]")
    assert TOKEN not in page.url
    command(page, "#step-example", "[data-step='2']")
    assert TOKEN not in page.content()
    assert page.evaluate("document.cookie") == ""


def test_a_wrong_token_only_looks_on(hall: Hall, open_page: Open) -> None:
    page = open_page(f"{hall.url}/?level=watch&token=wrong")
    page.wait_for_selector("body[data-access=looks-on]")


def test_the_presenter_shows_the_address_so_large_that_the_last_row_reads_it(hall: Hall, open_page: Open) -> None:
    page = open_page(f"{hall.url}/?level=watch&token={TOKEN}")
    hosts = []
    page.on("request", lambda request: hosts.append(request.url) if "qr" in request.url else None)
    page.click("#qr")
    picture = page.locator("#qr-dialog img")
    until(page, lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"), "the picture")
    assert page.inner_text("#qr-address") == AUDIENCE[0]
    box = picture.bounding_box()
    assert min(box["width"], box["height"]) > 0.6 * 768
    assert page.evaluate("document.querySelector('#qr-dialog').scrollHeight <= innerHeight")
    assert page.locator("#qr-address").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 32
    page.locator(".qr-others button").nth(1).click()
    assert page.inner_text("#qr-address") == AUDIENCE[1]
    assert all(url.startswith(hall.url) for url in hosts)
    assert {url.rpartition("=")[2] for url in hosts} == {"0", "1"}
    page.keyboard.press("Escape")
    assert page.is_hidden("#qr-dialog")


def test_pupils_train_side_by_side_and_find_their_own_again(digits: Dataset, open_page: Open) -> None:
    with (
        Pupils(lambda: Trainer(digits, seed=SEED, budget=limits.SHARE), 2) as pupils,
        served(create_app(pupils)) as port,
    ):
        first, second = (open_page(f"http://127.0.0.1:{port}", complaints=False) for _ in range(2))
        command(first, "#step-batch", "[data-step='1']")
        command(first, "#step-batch", "[data-step='2']")
        command(second, "#step-batch", "[data-step='1']")
        first.reload()
        first.wait_for_selector("body[data-step='2'][data-connection=open]")
        assert step_of(second) == 1
        third = open_page(f"http://127.0.0.1:{port}", wait=False, complaints=False)
        third.wait_for_selector("body[data-connection=lost]")
        assert "the places for pupils are all taken (2)" in third.inner_text("#disconnected")
        assert len(pupils) == 2

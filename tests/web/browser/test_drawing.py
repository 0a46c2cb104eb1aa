"""Digits drawn with the mouse and with the keyboard, and what the network says of them."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nn_from_scratch.training import predict
from tests.handwriting.strokes import STROKES, smooth
from tests.scripts import ROOT
from tests.web.browser.conftest import Open, exact, until
from tests.web.conftest import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRETRAINED = ROOT / "resources" / "pretrained" / "784-128-64-10.json"


def draw(page: Page, digit: int, height: float, left: float, top: float, pieces: int = 1) -> None:
    """Draw with the mouse, each line in so many pieces, and wait for the answer to the last stroke."""
    page.eval_on_selector("#pad", "pad => pad.scrollIntoView({ block: 'center' })")  # not under the bar at the top
    box = page.locator("#pad").bounding_box()
    scale = box["width"] / 280
    for text in STROKES[digit].split("|"):
        points = smooth(np.array([pair.split(",") for pair in text.split()], float) / 100, pieces) * height + (
            left,
            top,
        )
        (x, y), *others = (points * scale + (box["x"], box["y"])).tolist()
        page.mouse.move(x, y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(x, y)
        page.mouse.up()
    answered(page)


def answered(page: Page) -> str:
    """The answer, when there is no newer one to come."""
    page.wait_for_selector("#pad[data-answered=true]")
    return page.get_attribute("#draw-answer", "data-answer")


def upload(page: Page) -> None:
    page.set_input_files("#upload-file", PRETRAINED)
    page.wait_for_selector("body[data-run='2']")


def test_ten_digits_are_read_wherever_and_however_large(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    upload(page)
    places = cycle([(200, 60, 40), (150, 20, 15), (130, 160, 130), (110, 30, 150)])
    answers = []
    for digit, (height, left, top) in zip(range(10), places, strict=False):
        draw(page, digit, height, left, top)
        answers.append(answered(page))
        page.click("#pad-clear")
        page.wait_for_selector("#draw-answer[data-answer='']")
    assert sum(answer == str(digit) for digit, answer in enumerate(answers)) >= 9, answers


def test_what_is_shown_is_what_the_network_says_of_what_it_sees(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    upload(page)
    draw(page, 3, 180, 60, 40)
    red = page.evaluate("Array.from(document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data)")
    image = np.rint((255 - np.array(red[::4])) / (255 - 0x14) * 255).astype(np.uint8).reshape(28, 28)
    ys, xs = np.mgrid[:28, :28] + 0.5
    assert (image * ys).sum() / image.sum() == pytest.approx(14.5, abs=0.3), "the centre of mass is in the middle"
    assert (image * xs).sum() / image.sum() == pytest.approx(14.5, abs=0.3)
    p = predict(live_server.trainer.run.network, image[np.newaxis])[0]
    np.testing.assert_allclose(exact(page, "#draw-outputs li"), p, atol=0.02)
    assert page.inner_text("#draw-outputs .answer .name") == str(p.argmax()) == "3"


def test_an_empty_pad_is_no_digit(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    assert "draw something" in page.inner_text("#draw-answer").lower()
    draw(page, 1, 180, 100, 40)
    assert page.locator("#draw-outputs li").count() == 10
    page.click("#pad-undo")
    page.wait_for_selector("#draw-answer[data-answer='']")
    assert "draw something" in page.inner_text("#draw-answer").lower()
    assert page.locator("#draw-outputs li").count() == 0


def test_doubt_is_said_with_a_second_guess(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)  # a network that has learnt nothing yet
    draw(page, 4, 180, 60, 40)
    outputs = exact(page, "#draw-outputs li")
    best, second = np.argsort(outputs)[::-1][:2]
    text = page.inner_text("#draw-answer")
    assert text.startswith("Not sure")
    assert str(best) in text
    assert str(second) in text


def test_undo_takes_back_one_stroke_and_centring_can_be_switched_off(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    upload(page)
    draw(page, 1, 90, 10, 10)
    seen = "document.querySelector('#seen').toDataURL()"
    one = page.evaluate(seen)
    draw(page, 0, 90, 150, 150)
    assert page.evaluate(seen) != one
    page.click("#pad-undo")
    until(page, lambda: page.evaluate(seen) == one, "the first stroke alone")
    page.uncheck("#centre")
    until(page, lambda: page.evaluate(seen) != one, "another picture")
    answered(page)
    ink = "Array.from(document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data)"
    rows = np.argwhere(np.array(page.evaluate(ink)[::4]).reshape(28, 28) < 200)
    assert rows.max() < 14, "not centred: it stays in its corner"


def test_a_finger_draws(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, width=390, has_touch=True)
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    page.touchscreen.tap(box["x"] + 140, box["y"] + 140)
    assert answered(page) == ""
    assert page.inner_text("#draw-answer") == "That is only a dot: draw a digit."
    touch = page.context.new_cdp_session(page)
    for kind, y in (("touchStart", 60), *(("touchMove", y) for y in range(80, 220, 20))):
        point = {"x": box["x"] + 140, "y": box["y"] + y}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_selector("#pad[data-answered=true]")
    until(page, lambda: page.locator("#draw-outputs li").count() == 10, "an answer")


def test_the_keyboard_draws(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    upload(page)
    page.focus("#pad")
    for _ in range(11):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(22):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert answered(page) == "1"
    assert page.get_attribute("body", "data-state") == "paused", "here Space is the pen"
    page.keyboard.press("Delete")
    page.wait_for_selector("#draw-answer[data-answer='']")


def test_it_answers_while_it_learns(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    page.click("#start")
    draw(page, 1, 180, 100, 40)
    before = exact(page, "#draw-outputs li")
    until(page, lambda: exact(page, "#draw-outputs li") != before, "another answer to the same drawing")
    assert page.get_attribute("body", "data-state") == "training"

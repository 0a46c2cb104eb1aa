"""The page with data that are no digits: it calls them by their names, which have room, and no text says digit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from nn_from_scratch.training import predict
from tests.web.browser.conftest import Open, beat, command, exact, show, until
from tests.web.browser.test_drawing import draw
from tests.web.conftest import LiveServer, serving
from tests.web.named_data import CLOTHES, clothes, letters


@pytest.fixture
def clothes_server() -> Iterator[LiveServer]:
    with serving(clothes()) as server:
        yield server


@pytest.fixture
def letters_server() -> Iterator[LiveServer]:
    with serving(letters()) as server:
        yield server


WORDS = """() => [document.body.textContent, ...[...document.querySelectorAll('[aria-label], [title], [alt]')]
    .flatMap(e => [e.ariaLabel, e.title, e.alt])].join(' ')"""


def said(page) -> str:
    """Every text in the page, also those that are hidden or only read aloud."""
    return page.evaluate(WORDS)


def test_everything_is_called_by_its_name(clothes_server: LiveServer, open_page: Open) -> None:
    page = open_page(clothes_server.url)
    trainer = clothes_server.trainer
    assert page.locator("#forward .outputs .name").all_inner_texts() == list(CLOTHES)
    opening = page.inner_text("#opening-text")
    assert opening.startswith("This network has never seen a fashion item, so it only guesses.")
    assert page.inner_text("#draw-title") == "Draw a fashion item"
    assert page.inner_text("#data").endswith(f"; {', '.join(CLOTHES)}")
    command(page, "#step-example", "[data-step='1']")
    before, label = trainer.live.stage.lesson.part["example"], trainer.live.stage.lesson.example.label
    answer = CLOTHES[int(np.argmax(before["outputs"]))]
    beat(page, 0.5)
    until(page, lambda: "the fashion item goes" in page.inner_text("#lesson-text"), "the first beat")
    assert f"It says {answer} (" in page.inner_text("#lesson-text")
    beat(page, 4)
    until(page, lambda: page.inner_text("#lesson-text").startswith(f"It said {answer}, "), "the end")
    until(page, lambda: page.inner_text("#forward .outputs .target .name") == CLOTHES[label], "the frame")
    with page.expect_response("**/api/step"):
        page.click("#step-epoch")
    until(page, lambda: page.inner_text("#epoch") == "1.00", "the end of the epoch")
    assert "fashion items, the network recognizes about" in page.inner_text("#opening-text")
    show(page, "mistake")
    example = trainer.live.stage.example
    p = predict(trainer.run.network, example.image[None])[0]
    is_one = {"trousers": "trousers", "ankle boot": "an ankle boot"}
    actual, wrong = CLOTHES[example.label], CLOTHES[int(p.argmax())]
    until(page, lambda: page.inner_text("#verdict").startswith(f"✗ The network says {wrong} ("), "the verdict")
    assert page.inner_text("#verdict").endswith(f"but it is {is_one.get(actual, f'a {actual}')}.")
    page.locator(f"#confusion button[data-actual='{example.label}'][data-predicted='{int(p.argmax())}']").click()
    until(page, lambda: page.inner_text("#images-title") == f"{actual} taken for {wrong}", "the images")


def test_no_text_says_digit_where_there_is_none(clothes_server: LiveServer, open_page: Open) -> None:
    page = open_page(clothes_server.url)
    found = [said(page)]
    for selector in ("#step-example", "#step-epoch"):
        with page.expect_response("**/api/step"):
            page.click(selector)
        until(page, lambda: page.get_attribute("body", "data-state") == "paused", "a pause")
        found.append(said(page))
    page.locator("#forward .neurons button").first.click()
    page.wait_for_selector("#inspector .products")
    found.append(said(page))
    page.keyboard.press("Escape")
    draw(page, 3, 180, 60, 40)
    found.append(said(page))
    page.click("#tour")
    while page.is_visible("#tour-card"):
        found.append(page.inner_text("#tour-card"))
        page.click("#tour-next")
    assert not re.search("digit", " ".join(found), re.IGNORECASE)
    texts = page.evaluate("() => import('/static/explain.js').then(({TEXTS}) => Object.entries(TEXTS))")
    assert {name for name, text in texts if "digit" in text} == {"pad", "centre"}  # which tell of MNIST's


@pytest.mark.parametrize("width", [390, 1000, 1366, 1920])
def test_long_names_have_room(width: int, clothes_server: LiveServer, open_page: Open) -> None:
    page = open_page(clothes_server.url, width=width)
    rows = page.locator("#forward .outputs li").all()
    boxes = [row.locator(".name").bounding_box() for row in rows]
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"] + 0.5
    for row, box in zip(rows, boxes, strict=True):
        assert box["height"] < 26, "in one line"
        assert box["x"] + box["width"] <= row.locator(".bar").bounding_box()["x"]
        assert row.locator(".bar").bounding_box()["width"] > 12
    neurons = [button.bounding_box() for button in page.locator("#forward .neurons button[data-layer='1']").all()]
    assert max(box["x"] + box["width"] for box in neurons) <= min(box["x"] for box in boxes)
    names = page.locator("#confusion tbody th").all()
    assert all(name.evaluate("e => e.scrollWidth <= e.clientWidth") for name in names)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_pad_says_what_it_is_for_and_a_drawing_is_answered_with_a_name(
    clothes_server: LiveServer, live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(clothes_server.url)
    assert "The pad draws strokes of a pen" in page.inner_text("#pad-note")
    assert not page.is_checked("#centre"), "as large as it was drawn"
    draw(page, 3, 180, 60, 40)
    assert re.match(rf"(This looks like|Not sure:) (an? )?({'|'.join(CLOTHES)})\b", page.inner_text("#draw-answer"))
    assert page.locator("#draw-outputs .name").all_inner_texts() == list(CLOTHES)
    page.select_option("#drawing-label", label="sneaker")
    page.click("#drawing-keep")
    assert page.locator("#drawings li span").all_inner_texts() == ["sneaker"]
    digits = open_page(live_server.url)
    assert digits.inner_text("#draw-title") == "Draw a digit"
    assert digits.is_hidden("#pad-note")
    assert digits.is_checked("#centre")


def test_images_that_are_not_square_are_drawn_as_they_are_and_have_no_pad(
    letters_server: LiveServer, open_page: Open
) -> None:
    page = open_page(letters_server.url)
    trainer = letters_server.trainer
    assert page.is_hidden("#pad")
    assert page.is_hidden(".stagebar [data-kind=drawing]")
    assert page.locator("#forward .outputs .name").all_inner_texts() == list(trainer.run.called[0])
    assert "504 pixels" in page.inner_text("#forward .captions")
    image = trainer.live.stage.example.image
    y, x = np.argwhere(image > 128)[0].tolist()
    dark = page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector('#forward canvas'), ratio = devicePixelRatio;
            const size = Math.min(canvas.clientHeight * 0.55, canvas.clientWidth * 0.27), pixel = size / 28;
            const legend = document.querySelector('#forward .picture-legend').offsetHeight + 4;
            const captions = parseFloat(document.querySelector('#forward .stage').style.getPropertyValue('--captions'));
            const top = Math.max(legend, (canvas.clientHeight - captions - size) / 2);
            const left = 2 + (size - 18 * pixel) / 2;
            const at = [left + (x + 0.5) * pixel, top + (y + 0.5) * pixel].map(n => Math.round(n * ratio));
            return canvas.getContext('2d').getImageData(...at, 1, 1).data[0];
        }""",
        [x, y],
    )
    assert dark < 128, "ink where the image has it"
    last = page.locator("#forward .outputs li").last.bounding_box()
    stage = page.locator("#forward .stage").bounding_box()
    assert last["y"] + last["height"] <= stage["y"] + stage["height"] - 30, "26 of them above the captions"
    p = predict(trainer.run.network, image[None])[0]
    assert exact(page, "#forward .outputs li") == pytest.approx(p.tolist(), rel=1e-5)
    page.locator("#forward .neurons button[data-layer='0']").first.click()
    page.wait_for_selector("#inspector .products")
    rows = page.locator("#inspector [data-input]").all()
    for row in rows:
        place = int(row.get_attribute("data-input"))
        assert row.locator("th").inner_text() == f"row {place // 18}, col. {place % 18}"
    page.keyboard.press("Escape")
    page.select_option("#preset", "lenet")
    page.wait_for_selector("body[data-run='2']")
    until(page, lambda: "24 × 14" in page.inner_text("#forward .captions").replace("\u00a0", " "), "the maps")
    assert page.input_value("#preset") == "lenet"
    titles = []
    page.click("#tour")
    while page.is_visible("#tour-card"):
        titles.append(page.inner_text("#tour-title"))
        page.click("#tour-next")
    assert titles == ["The letter", "Neurons", "Weights", "The answer", "Learning", "One step", "More"]

"""The page on a slow line, as a browser can pretend to have one: it skips frames, and is never far behind.

400 kbit/s and 100 ms, as of a telephone in the last row. A stream that filled the line's buffers was seen to be 1,600
steps and more than 15 seconds late.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Any

import pytest

from nn_from_scratch.data import Dataset
from nn_from_scratch.web.hub import Event, Watch
from tests.web.browser.conftest import Open, step_of, until
from tests.web.conftest import LiveServer, serving

KBIT = 1000 / 8  # bytes
SPEED = 200  # steps a second


def slow_down(page, kbits: float = 400, latency: float = 100) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    rates = {"downloadThroughput": kbits * KBIT, "uploadThroughput": kbits * KBIT}
    devtools.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency, **rates})


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of each question for news: the number of the newest event that has arrived, and of the newest in the answer."""
    plain, asked = Watch.take, []

    def take(watch: Watch, timeout: float, seen: int, *kinds: Any) -> tuple[int, list[Event]] | None:
        if found := plain(watch, timeout, seen, *kinds):
            asked.append((seen, found[0]))
        return found

    monkeypatch.setattr(Watch, "take", take)
    return asked


@pytest.mark.parametrize("level", ["watch", "everything"])
def test_on_a_slow_line_there_is_one_answer_at_a_time(
    questions: list[tuple[int, int]], live_server: LiveServer, open_page: Open, level: str
) -> None:
    trainer = live_server.trainer
    page = open_page(live_server.url, level=level)
    slow_down(page)
    trainer.ask(trainer.change, speed=SPEED)
    page.click("#start")
    until(page, lambda: step_of(page) > 3 * SPEED, "some seconds of training")
    assert len(questions) > 5
    for (_, sent), (arrived, _) in pairwise(questions):
        assert arrived == sent, "asked when the answer before had arrived whole"

    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    until(page, lambda: step_of(page) == trainer.run.progress.step, "the last step")


def test_a_page_that_nobody_sees_asks_for_nothing_and_goes_on_when_it_is_seen(
    live_server: LiveServer, open_page: Open
) -> None:
    trainer = live_server.trainer
    page = open_page(live_server.url)
    devtools = page.context.new_cdp_session(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/api/next" in request.url else None)

    def be(state: str) -> None:
        page.evaluate(
            """hidden => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            state == "hidden",
        )

    be("hidden")
    trainer.ask(trainer.step, "batch")  # this ends the question under way, and no other follows
    page.wait_for_selector("body[data-step='1']")
    asked.clear()
    trainer.ask(trainer.step, "batch")
    page.wait_for_timeout(300)
    assert asked == []
    assert step_of(page) == 1
    be("visible")
    page.wait_for_selector("body[data-step='2']")
    devtools.detach()


def test_a_closed_or_reloaded_page_gives_up_its_place_at_once(live_server: LiveServer, open_page: Open) -> None:
    hub = live_server.trainer.hub
    page = open_page(live_server.url)
    for _ in range(3):
        page.reload()
        page.wait_for_selector("body[data-step][data-connection=open]")
    until(page, lambda: hub.watchers == 1, "one place taken")
    (watch,) = hub.watches
    watch._lasting = inf  # it would stay for ever, if the page didn't say that it leaves
    page.goto("about:blank")
    until(page, lambda: hub.watchers == 0, "none taken")


def test_a_page_too_many_is_told_so_and_gets_the_next_free_place(digits: Dataset, open_page: Open) -> None:
    with serving(digits) as server:
        hub = server.trainer.hub
        watches = [hub.watch() for _ in range(64)]
        page = open_page(server.url, wait=False, complaints=False)
        page.wait_for_selector("body[data-connection=lost]")
        assert "64 pages are already watching" in page.inner_text("#disconnected")
        watches[0].leave()
        page.wait_for_selector("body[data-connection=open][data-step='0']")


def test_a_page_that_comes_out_of_the_back_forward_cache_goes_on(live_server: LiveServer, open_page: Open) -> None:
    """The cache itself is switched off in a driven browser: here only what the page is told by it."""
    hub = live_server.trainer.hub
    page = open_page(live_server.url)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    until(page, lambda: hub.watchers == 0, "its place given up")
    live_server.trainer.ask(live_server.trainer.step, "batch")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_selector("body[data-step='1'][data-connection=open]")

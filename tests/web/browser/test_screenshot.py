"""The picture in the README is taken here, from the real page, so that it can't show what is not there."""

from __future__ import annotations

import os

import pytest

from tests.scripts import ROOT
from tests.web.browser.conftest import Open, step_of, until
from tests.web.browser.test_drawing import draw
from tests.web.conftest import LiveServer

ASKED = "NN_FROM_SCRATCH_SCREENSHOT"


@pytest.mark.skipif(ASKED not in os.environ, reason=f"writes resources/images/live_page.png: only when {ASKED} is set")
def test_take_the_readmes_picture(mnist_server: LiveServer, open_page: Open) -> None:
    page = open_page(f"{mnist_server.url}/?level=watch", width=1366, height=960)
    page.click("#start")
    until(page, lambda: step_of(page) > 2400, "a few epochs")
    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    draw(page, 3, 190, 75, 45, pieces=6)
    page.click(".stagebar [data-kind=drawing]")
    page.wait_for_selector(".stagebar [data-kind=drawing][aria-pressed=true]")
    page.mouse.move(0, 0)
    until(page, lambda: page.is_hidden("#explanation"), "nothing in the way")
    accuracy = float(page.inner_text("#accuracy-validation").removesuffix(" %"))
    assert accuracy > 90
    page.evaluate("scrollTo(0, 0)")
    path = ROOT / "resources" / "images" / "live_page.png"
    page.screenshot(path=path)
    assert path.stat().st_size > 50_000

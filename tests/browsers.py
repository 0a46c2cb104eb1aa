"""A real browser: headless Chromium from the system, driven by Playwright.

Skipped where Chromium or Playwright is missing; with NN_FROM_SCRATCH_REQUIRE_BROWSER set, as in continuous integration,
that is a failure instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from benchmarks.browser import BROWSERS, installed_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REQUIRED = "NN_FROM_SCRATCH_REQUIRE_BROWSER"
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"


def missing(what: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{what}, though {REQUIRED} is set")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("needs Playwright: pip install playwright")
    executable = installed_browser()
    if executable is None:
        missing(f"needs a browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=executable, args=[*QUIET.split(), "--disable-component-update"]
        )
        yield found
        found.close()

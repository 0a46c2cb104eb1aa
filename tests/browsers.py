"""A real browser: headless Chromium from the system, driven by Playwright.

Skipped where Chromium or Playwright is missing; with NN_FROM_SCRATCH_REQUIRE_BROWSER set, as in continuous integration,
that is a failure instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

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
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        missing(f"needs a browser: none of {', '.join(names)} is installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=executable, args=[*QUIET.split(), "--disable-component-update"]
        )
        yield found
        found.close()

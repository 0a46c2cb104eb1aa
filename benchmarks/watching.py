"""How much watching slows down a training: a step of the live page, without and with an open browser.

Drawing takes a core for itself, so this needs a machine with two cores, on which nothing else runs. The products have
one thread, as on the page by default.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from benchmarks.browser import BROWSERS, installed_browser
from benchmarks.contenders import OURS, WATCHED
from benchmarks.timing import Measured, Row, median_of, threads
from nn_from_scratch import Dataset

if TYPE_CHECKING:
    from nn_from_scratch.web.trainer import Trainer

SECONDS = 1.0  # of training with a browser, and without, in each round
SETTLING = 0.5  # seconds after a page has opened or gone
NEEDED = ("flask", "playwright")


def measure(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """Seconds per step of a training without pauses, while the page is opened and closed."""
    browser = installed_browser()
    missing = [f"{name} is not installed (pip install {name})" for name in NEEDED if not find_spec(name)]
    if not browser:
        missing.append(f"no browser is installed: none of {', '.join(BROWSERS)}")
    with threads(1):
        results = {WATCHED: missing[0]} if missing or not browser else _turns(data, repeats, browser)
        yield Row("watching", "a step of the live page's default network", 1, "s", results)


def _turns(data: Dataset, repeats: int, executable: str) -> dict[str, Measured | str]:
    from playwright.sync_api import sync_playwright

    from nn_from_scratch.web.trainer import Trainer

    samples: dict[str, list[float]] = {OURS: [], WATCHED: []}
    with Trainer(data) as trainer, _served(trainer) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        trainer.ask(trainer.start)
        for _ in range(repeats):
            for name, place, watchers in ((WATCHED, address, 1), (OURS, "about:blank", 0)):
                page.goto(place)
                while trainer.hub.watchers != watchers:
                    page.wait_for_timeout(20)
                page.wait_for_timeout(1000 * SETTLING)
                samples[name].append(_seconds_a_step(lambda: trainer.run.progress.step))
        browser.close()
    return {name: median_of(of) for name, of in samples.items()}


def _seconds_a_step(steps: Callable[[], int]) -> float:
    before, started = steps(), perf_counter()
    sleep(SECONDS)
    return (perf_counter() - started) / (steps() - before)


@contextmanager
def _served(trainer: "Trainer") -> Iterator[str]:
    """The live page's server in a thread, and its address."""
    from nn_from_scratch.web.server import create_app, make_http_server

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = make_http_server(create_app(trainer), listening)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}/"
        finally:
            server.shutdown()
            thread.join()

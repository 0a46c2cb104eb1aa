"""How the page without a server starts, learns and stays alive, in a browser: `python -m benchmarks.static_page`

It is not a group of `python -m benchmarks`, because it compares nothing and needs a Pyodide release. The numbers are
those of one visit with an empty cache, from a host on this machine; the time of a network comes on top. The page's own
tasks are measured in two ways: by the clock, as a visitor feels them, and in processor time, which doesn't depend on
other work on the machine.
"""

import argparse
import functools
import http.server
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.browser import needed_browser
from nn_from_scratch.web.pyodide_files import ADDRESS, VARIABLE
from nn_from_scratch.web.static_site import write_site

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRESETS = ("784-10-10", "784-100-10", "784-128-64-10")
BATCH = 64
SECONDS = 8.0  # of training for each preset
GOOD = 90.0  # % of the held-out digits
LONG = 120_000  # milliseconds
# Runs in the page before any of our code.
WATCH = """
window.tasks = [];
const noted = (list) => tasks.push(...list.getEntries().map((entry) => entry.duration));
new PerformanceObserver(noted).observe({ type: "longtask", buffered: true });
window.stages = [];
document.addEventListener("DOMContentLoaded", () => {
  const stage = document.getElementById("starting-stage");
  const note = () => stages.push([performance.now() / 1000, stage.textContent]);
  new MutationObserver(note).observe(stage, { childList: true });
});
"""
MAIN_THREAD = "CrRendererMain"  # its name in Chromium
TASK = "RunTask"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.static_page", description=__doc__)
    parser.add_argument("--pyodide", default=os.environ.get(VARIABLE) or ADDRESS, metavar="URL_OR_DIR")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    executable = needed_browser()
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        size = write_site(Path(directory) / "site", arguments.pyodide)
        tell("the folder", f"{size / 1e6:.1f} MB")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(LONG)
        page.add_init_script(WATCH)
        with hosted(Path(directory)) as address:
            measure_start(page, f"{address}/site/")
            with traced(page, Path(directory) / "trace.json"):
                measure_learning(page)
            for preset in PRESETS:
                measure_steps(page, preset)
        browser.close()


def measure_start(page: "Page", address: str) -> None:
    """From opening the page to the answer to a first drawing."""
    began = perf_counter()
    page.goto(address)
    page.wait_for_selector("body[data-step][data-connection=open]")
    ready = perf_counter() - began
    for seconds, stage in page.evaluate("stages"):
        tell(f"at {stage}", f"{seconds:.1f} s")
    tell("ready", f"{ready:.1f} s")
    draw_a_one(page)
    tell("the first digit read", f"{perf_counter() - began:.1f} s")
    tell_tasks(page, "while it starts")


def measure_learning(page: "Page") -> None:
    """From pressing start to 90 % of the held-out digits, and on, with the tasks of the page's own thread."""
    began = perf_counter()
    page.click("#start")
    while accuracy(page) < GOOD:
        page.wait_for_timeout(50)
    tell(f"{GOOD:g} % of the digits held out after", f"{perf_counter() - began:.1f} s")
    page.wait_for_timeout(1000 * SECONDS)
    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    tell_tasks(page, "while it trains, with a digit on the pad")
    page.click("#pad-clear")


def measure_steps(page: "Page", preset: str) -> None:
    """Steps of a batch of 64 with all frames and views, for some seconds."""
    run = int(page.get_attribute("body", "data-run") or 0)
    page.check("#level-everything", force=True)  # where the batch size is
    page.select_option("#preset", preset)
    page.wait_for_selector(f"body[data-run='{run + 1}'][data-step='0']")
    page.fill("#batch-size", str(BATCH))
    page.press("#batch-size", "Enter")
    page.evaluate("tasks.length = 0")
    page.click("#start")
    page.wait_for_timeout(1000)
    before, began = step(page), perf_counter()
    page.wait_for_timeout(1000 * SECONDS)
    taken, seconds = step(page) - before, perf_counter() - began
    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    tell(f"{preset}: a step of {BATCH}, watched", f"{1000 * seconds / taken:.1f} ms")
    tell_tasks(page, f"while {preset} trains")


def draw_a_one(page: "Page") -> None:
    page.locator("#pad").scroll_into_view_if_needed()
    box: Any = page.locator("#pad").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + box["height"] / 2, steps=10)
    page.mouse.up()
    page.wait_for_selector("#pad[data-answered=true]")


def accuracy(page: "Page") -> float:
    text = page.inner_text("#accuracy-validation")
    return float(text.removesuffix(" %")) if text.endswith("%") else 0.0


def step(page: "Page") -> int:
    return int(page.get_attribute("body", "data-step") or 0)


def tell_tasks(page: "Page", when: str) -> None:
    """The tasks of the page's own thread that took more than 50 ms: during such a task the page doesn't react."""
    tasks = sorted(page.evaluate("tasks.splice(0)"), reverse=True)
    longest = ", ".join(f"{task:.0f}" for task in tasks[:3]) or "none"
    tell(f"tasks above 50 ms {when}", f"{len(tasks)}, the longest {longest} ms")


@contextmanager
def traced(page: "Page", path: Path) -> Iterator[None]:
    """Also print the processor time of the longest task of the page's own thread."""
    browser = page.context.browser
    assert browser
    browser.start_tracing(page=page, path=path, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    yield
    browser.stop_tracing()
    found = json.loads(path.read_text(encoding="utf-8"))
    events = found["traceEvents"] if isinstance(found, dict) else found
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == MAIN_THREAD
    }
    took = [
        event.get("tdur", 0) / 1000
        for event in events
        if event["name"] == TASK and (event["pid"], event["tid"]) in threads
    ]
    tell("the longest of them, processor time", f"{max(took, default=0):.0f} ms")


def tell(what: str, found: str) -> None:
    print(f"{what:<60} {found}", flush=True)


@contextmanager
def hosted(directory: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    main()

"""A real browser (tests/browsers.py) on a real server.

Tests wait for conditions, never for a while. The page's own policy forbids eval, and with it
Playwright's `wait_for_function`: use `until`.

What tests may rely on in the page:

    body            data-state (paused, training, diverged, finished), data-step, data-run,
                    data-connection (connecting, open, lost)
    commands        #start #step-example #step-batch #step-epoch #rewind #restart #random-start #theme
                    #upload-file #download
    settings        #learning-rate (log₁₀) #learning-rate-number #speed #batch-size #full-batch #optimizer
                    #weight-decay #epoch-target #preset ("" is custom) #loss #seed
    editor          #hidden-1 #hidden-2 … #add-layer #activation
    refusals        [data-refusal=transport|training|new-network|editor|stage|weights|drawings]
    stage           .stagebar [data-kind=pinned|latest|mistake|test|drawing], #stage-next
    lesson          #lesson[data-beat] #beat (0 to 4) #lesson-text
    picture         #forward, #backward: .neurons button[data-layer][data-neuron], .outputs li[data-output][data-value]
                    #edges-weight #edges-flow #phases #verdict #step #epoch
    charts          #loss-curve #accuracy-curve, the last values in #loss-training, #loss-validation, #accuracy-…
    strips, tiles   #strips canvas[data-layer], #tiles-weights, #tiles-gradients
    table           #layers tr[data-layer], [data-value] in it the exact gradient norm and mean
    confusion       #confusion button[data-actual][data-predicted]; #images, in it figure[data-index]
    inspector       #inspector[data-layer][data-neuron][data-z]; .number[data-name][data-value] holds each exact number:
                    sum, bias, z, activation, delta, others, and w, x, product in each tr[data-input]
    drawing         #pad #pad-undo #pad-clear #centre #seen #draw-answer[data-answer] #draw-outputs li[data-value]
    words           #opening-text #summary (aria-live) #explanation #disconnected #diverged #gradient-check[data-value]
    levels          body[data-level], #level-watch #level-explain #level-everything
    experiments     #experiments-open [data-experiment] #experiment[data-stage] [data-answer]
    compare         #keep #forget #kept
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests in this folder are slow: `pytest -m slow` runs them."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)


PATIENCE = 20_000  # milliseconds until something that does not happen is a failure


Open = Callable[..., "Page"]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open an address: `open_page(server.url, width=390)`. A console error or an exception in any page is a failure.

    `complaints=False` is for tests in which the server is meant to be gone, or to refuse.
    """
    complaints: list[str] = []
    contexts = []

    def open_page(url: str, *, width: int = 1366, height: int = 768, wait: bool = True, **options: Any) -> Page:
        listened = options.pop("complaints", True)
        level = options.pop("level", "everything")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        if listened:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(url if "?" in url or not url.startswith("http") else f"{url}/?level={level}")
        if wait:
            page.wait_for_selector("body[data-step][data-connection=open]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def until(page: Page, condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition that is asked in Python; its value."""
    end = monotonic() + PATIENCE / 1000
    while not (found := condition()):
        assert monotonic() < end, f"waited in vain: {what}"
        page.wait_for_timeout(20)
    return found


def step_of(page: Page) -> int:
    return int(page.locator("body").get_attribute("data-step") or 0)


def wait_for_step(page: Page, step: int) -> None:
    page.wait_for_selector(f"body[data-step='{step}']")


def command(page: Page, selector: str, then: str) -> None:
    """Click, and wait until the body is in this state: "[data-step='1']"."""
    page.click(selector)
    page.wait_for_selector(f"body{then}")


def set_number(page: Page, selector: str, value: float) -> None:
    """Type a number into a field and leave it, and wait until the server has taken it."""
    page.fill(selector, str(value))
    with page.expect_response("**/api/settings"):
        page.press(selector, "Enter")


def refusal(page: Page, place: str) -> str:
    """The line beside a field, when it says why something was refused."""
    page.wait_for_selector(f"[data-refusal={place}]")
    return page.inner_text(f"[data-refusal={place}]")


def choose_preset(page: Page, name: str, run: int) -> None:
    """It is built at once."""
    page.select_option("#preset", name)
    page.wait_for_selector(f"body[data-run='{run}']")


def type_hidden(page: Page, sizes: str) -> None:
    """The units of the hidden layers, "12 8", in the editor at the top, one layer after the other."""
    for number, units in enumerate(sizes.split(), 1):
        if not page.locator(f"#hidden-{number}").count():
            page.click("#add-layer")
            page.wait_for_selector(f"#hidden-{number}")
        page.fill(f"#hidden-{number}", units)
        page.press(f"#hidden-{number}", "Enter")
        page.locator(f"#hidden-{number}").blur()
    until(page, lambda: len(page.query_selector_all("#editor-layers input")) == len(sizes.split()), "the layers")


def show(page: Page, kind: str) -> None:
    """Put a digit of this kind on the stage."""
    with page.expect_response("**/api/stage"):
        page.click(f".stagebar [data-kind={kind}]")
    page.wait_for_selector(f".stagebar [data-kind={kind}][aria-pressed=true]")


def beat(page: Page, moment: float) -> None:
    """A moment of the step that was taken with one example, from 0 to 4."""
    page.wait_for_selector("#lesson[data-beat]")  # it has begun to play, and won't begin again
    page.locator("#beat").fill(str(moment))


def exact(page: Page, selector: str) -> list[float]:
    """The exact numbers behind the texts that a selector finds."""
    return [float(value) for value in page.eval_on_selector_all(selector, "all => all.map(e => e.dataset.value)")]


def sum_shown(page: Page, name: str) -> float:
    """One of the numbers of the neuron that is being looked at."""
    return exact(page, f"#inspector .sum [data-name={name}], #inspector .others [data-name={name}]")[0]


def ask(page: Page, path: str) -> Any:
    """What the page itself would be told, asked from within it."""
    return page.evaluate("path => fetch(path).then(answer => answer.json())", path)

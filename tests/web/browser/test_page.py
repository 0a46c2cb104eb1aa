"""The page as a whole: offline, alive after all that happens to a page, usable by everybody, closed to strangers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from nn_from_scratch import SavedNetwork, save
from nn_from_scratch.data import Dataset
from tests.web.browser.conftest import Open, choose_preset, command, refusal, step_of, until, wait_for_step
from tests.web.conftest import LiveServer, serving

# ---- by itself ----


def test_a_whole_tour_asks_nobody_else_and_complains_about_nothing(live_server: LiveServer, open_page: Open) -> None:
    page = open_page("about:blank", wait=False)
    hosts = set()
    page.route("**/*", lambda route: (hosts.add(urlsplit(route.request.url).netloc), route.continue_()))
    page.goto(f"{live_server.url}/?level=everything")
    page.wait_for_selector("body[data-step]")
    for unit in ("example", "batch"):
        page.click(f"#step-{unit}")
    wait_for_step(page, 2)
    page.locator("#forward .neurons button").first.click()
    page.wait_for_selector("#inspector[data-z]")
    page.keyboard.press("Escape")
    for picture in ("#tiles-weights", "#tiles-gradients", "#strips canvas", "#pad", "#loss-curve"):
        page.locator(picture).first.hover()
    page.locator("#pad").click()
    page.wait_for_selector("#pad[data-answered=true]")
    page.click("#confusion [data-actual='0'][data-predicted='0']")
    page.wait_for_selector("#images[open]")
    page.keyboard.press("Escape")
    page.click("#theme")
    page.uncheck("#loss-log")
    choose_preset(page, "784-128-64-10", run=2)
    page.click("#start")
    until(page, lambda: step_of(page) > 20, "some steps")
    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    assert hosts == {f"127.0.0.1:{live_server.port}"}


def test_a_reload_and_a_second_page_show_the_present_state(live_server: LiveServer, open_page: Open) -> None:
    first = open_page(live_server.url)
    for step in (1, 2, 3):
        command(first, "#step-batch", f"[data-step='{step}']")
    shown = first.inner_text("#loss-training"), first.inner_text("#loss-validation"), first.inner_text("#verdict")
    first.reload()
    wait_for_step(first, 3)
    until(first, lambda: first.inner_text("#loss-training") == shown[0], "the curve")
    second = open_page(live_server.url)
    wait_for_step(second, 3)
    for page in (first, second):
        assert (page.inner_text("#loss-training"), page.inner_text("#loss-validation")) == shown[:2]
        assert page.inner_text("#verdict") == shown[2]
    command(second, "#step-batch", "[data-step='4']")
    wait_for_step(first, 4)
    second.click("#start")
    first.wait_for_selector("body[data-state=training]")
    assert first.inner_text("#start") == "Pause"


def test_a_stopped_server_is_said_so_and_found_again(digits: Dataset, open_page: Open) -> None:
    with serving(digits) as server:
        page = open_page(server.url, complaints=False)
        for step in (1, 2):
            command(page, "#step-batch", f"[data-step='{step}']")
        drawn = page.inner_text("#verdict")
        page.route("**/api/rewind", lambda route: None, times=1)  # a command that is lost on its way
        page.click("#rewind")
    page.wait_for_selector("body[data-connection=lost]")
    assert "The server has stopped" in page.inner_text("#disconnected")
    assert page.inner_text("#verdict") == drawn, "what was seen stays"
    with serving(digits, port=server.port):
        page.wait_for_selector("body[data-connection=open][data-step='0']")
        page.wait_for_selector("#disconnected", state="hidden")
        command(page, "#step-batch", "[data-step='1']")  # it doesn't wait for the lost one


def test_a_server_that_was_started_again_is_said_to_have_forgotten_the_training(
    digits: Dataset, open_page: Open
) -> None:
    with serving(digits) as server:
        page = open_page(server.url, complaints=False)
        command(page, "#step-batch", "[data-step='1']")
        command(page, "#start", "[data-state=training]")
    page.wait_for_selector("body[data-connection=lost]")
    assert page.inner_text("#state-text") == "not connected"
    with serving(digits, port=server.port):
        page.wait_for_selector("body[data-connection=open][data-step='0']")
        until(page, lambda: "The server was restarted" in page.inner_text("#opening-text"), "the notice")
        command(page, "#step-batch", "[data-step='1']")
        assert "restarted" not in page.inner_text("#opening-text")


def test_the_whole_page_is_small(live_server: LiveServer, open_page: Open) -> None:
    page = open_page("about:blank", wait=False)
    sizes: dict[str, int] = {}
    page.on("response", lambda got: sizes.setdefault(got.url, len(got.body())) if "/api/" not in got.url else None)
    page.goto(f"{live_server.url}/?level=everything")
    page.wait_for_selector("body[data-step]")
    page.click("#experiments-open")
    page.wait_for_selector("[data-experiment]")
    assert len(sizes) > 25
    assert sum(sizes.values()) < 250_000


# ---- for everybody ----


def test_the_keyboard_alone_is_enough(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)

    def focused() -> str:
        return page.evaluate("document.activeElement.id || document.activeElement.className || 'neuron'")

    def tab_to(selector: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"Tab never comes to {selector}")

    page.keyboard.press("Space")
    page.wait_for_selector("body[data-state=training]")
    until(page, lambda: step_of(page) > 5, "some steps")
    page.keyboard.press("Space")
    page.wait_for_selector("body[data-state=paused]")

    tab_to("#rewind")
    page.keyboard.press("Enter")
    wait_for_step(page, 0)
    page.keyboard.press("Shift+Tab")
    assert focused() == "step-epoch"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    wait_for_step(page, 1)

    tab_to("#forward .neurons button")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    layer, neuron = page.evaluate("[document.activeElement.dataset.layer, document.activeElement.dataset.neuron]")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#inspector[data-layer='{layer}'][data-neuron='{neuron}']")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.neuron") == neuron, "back where it came from"

    tab_to("#tiles-weights")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#inspector[data-layer='0'][data-neuron='1']")
    page.keyboard.press("Escape")

    tab_to("#confusion button")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#images[open]")
    assert page.inner_text("#images-title") == "1, recognized"
    page.keyboard.press("Escape")
    for control in ("learning-rate", "speed", "batch-size", "pad", "preset", "seed", "download", "upload"):
        tab_to(f"#{control}")


def test_everything_explains_itself_in_one_or_two_sentences(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    texts = page.evaluate("async () => (await import('/static/explain.js')).TEXTS")
    used = page.eval_on_selector_all("[data-explain]", "all => all.map(e => e.dataset.explain)")
    assert len(set(used)) > 40
    for key in used:
        assert 1 <= len(re.findall(r"[.?](?:\s|$)", texts[key])) <= 2, texts[key]
    unexplained = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a[href], canvas")]
            .filter((e) => e.checkVisibility() && !e.closest("[data-explain], .neurons, #strips, #confusion, .stage"))
            .map((e) => e.id || e.className)"""
    )
    assert set(unexplained) <= {"skip", "loss-curve", "accuracy-curve"}
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, canvas[tabindex]")]
            .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []

    page.hover("#rewind")
    page.wait_for_selector("#explanation")
    assert page.inner_text("#explanation") == texts["rewind"]
    page.mouse.move(5, 400)
    page.wait_for_selector("#explanation", state="hidden")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.inner_text("#explanation") == texts["start"], "the keyboard gets it at once"
    page.locator("#forward .neurons button").first.hover()
    until(page, lambda: "Click, or press Enter" in page.inner_text("#explanation"), "a neuron's explanation")


def test_sigmoid_outputs_are_not_called_probabilities(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    assert "(output " in page.inner_text("#verdict")
    assert "probability" not in page.inner_text("body")
    choose_preset(page, "784-10-10", run=2)
    until(page, lambda: "(probability " in page.inner_text("#verdict"), "the softmax network's verdict")


def test_a_listener_gets_a_summary_at_most_every_five_seconds(live_server: LiveServer, open_page: Open) -> None:
    page = open_page("about:blank", wait=False)
    page.add_init_script(
        """window.said = [];
        document.addEventListener("DOMContentLoaded", () => {
            const summary = document.getElementById("summary");
            new MutationObserver(() => said.push([performance.now(), summary.textContent]))
                .observe(summary, { childList: true });
        });"""
    )
    page.clock.install()
    page.goto(live_server.url)
    page.wait_for_selector("body[data-step]")
    assert page.get_attribute("#summary", "aria-live") == "polite"
    command(page, "#start", "[data-state=training]")
    page.clock.fast_forward(6000)
    until(page, lambda: page.evaluate("said.length") >= 2, "a second summary")
    (first, before), (second, after), *_ = page.evaluate("said")
    assert second - first >= 5000
    assert before.startswith("paused, step 0")
    assert after.startswith("training, step ")


ESSENTIAL = (
    *("#start", "#step-epoch", "#forward canvas", "#loss-curve", "#pad", "#restart", "#theme"),
    *("#beat", "#hidden-1", "#tour", "#keep"),
)


def test_no_screen_is_too_narrow(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-example", "[data-step='1']")
    page.wait_for_selector("#lesson")
    for width in (360, 390, 768, 1024, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 768})
        until(
            page, lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width, f"{width} pixels"
        )
        for selector in ESSENTIAL:
            box = page.locator(selector).bounding_box()
            assert box["x"] >= 0, (width, selector)
            assert box["x"] + box["width"] <= width + 0.5, (width, selector)


def test_the_essential_needs_no_scrolling(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, width=1366, height=768, level="watch")
    for selector in ("#start", "#opening", "#forward canvas", "#forward .outputs", "#verdict", "#pad", "#draw-answer"):
        box = page.locator(selector).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 768


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2, of rgb(…)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("asked", "least"), [("no-preference", 4.5), ("more", 7)])
def test_texts_stand_out_from_their_paper(
    live_server: LiveServer, open_page: Open, scheme: str, asked: str, least: float
) -> None:
    page = open_page(live_server.url, color_scheme=scheme, contrast=asked)
    colours = page.evaluate(
        """selectors => selectors.map((selector) => [
            selector,
            getComputedStyle(document.querySelector(selector)).color,
            getComputedStyle(document.querySelector(".card")).backgroundColor,
        ])""",
        ["#verdict", "#architecture", "#loss-note", "#opening-text", ".captions b", ".picture-legend"],
    )
    for selector, ink, paper in colours:
        dark, light = sorted([luminance(ink), luminance(paper)])
        assert (light + 0.05) / (dark + 0.05) >= least, (selector, ink, paper)


def test_light_and_dark(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, color_scheme="dark")

    def paper() -> list[int]:
        return page.evaluate(
            "Array.from(document.querySelector('#pad').getContext('2d').getImageData(5, 5, 1, 1).data)"
        )

    assert max(paper()[:3]) < 50
    page.click("#theme")
    until(page, lambda: min(paper()[:3]) > 200, "light canvases")
    page.reload()
    page.wait_for_selector("body[data-step]")
    until(page, lambda: min(paper()[:3]) > 200, "still light after a reload")


def test_reduced_motion_draws_less_often(live_server: LiveServer, open_page: Open) -> None:
    page = open_page("about:blank", wait=False, reduced_motion="reduce")
    page.clock.install()
    page.goto(live_server.url)
    page.wait_for_selector("body[data-step]")
    command(page, "#start", "[data-state=training]")
    page.evaluate(
        """() => {
            window.drawn = [];
            new MutationObserver(() => drawn.push(performance.now()))
                .observe(document.querySelector("#step"), { childList: true });
        }"""
    )
    for picture in range(1, 5):
        page.clock.fast_forward(500)
        until(page, lambda picture=picture: page.evaluate("drawn.length") >= picture, "the next picture")
    assert np.diff(page.evaluate("drawn")).min() > 495, "a pause of half a second between two pictures"


# ---- strangers ----


@pytest.fixture
def stranger() -> Iterator[str]:
    """Another web site on this machine: another port is another origin."""

    class Blank(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>stranger</title>")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


JSON = "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}"
ATTACKS = {
    "a command as JSON": f"fetch(url + '/api/start', {JSON})",
    "a command as plain text": "fetch(url + '/api/start', {method: 'POST', body: '{}'})",
    "a command nobody reads the answer of": "fetch(url + '/api/start', {method: 'POST', mode: 'no-cors', body: '{}'})",
    "the weights": "fetch(url + '/api/weights')",
    "the state": "fetch(url + '/api/state')",
    "the page": "fetch(url + '/')",
}


def test_another_site_can_neither_steer_nor_read(live_server: LiveServer, open_page: Open, stranger: str) -> None:
    """Without request interception, which would answer the browser's pre-flight questions itself."""
    page = open_page(stranger, wait=False, complaints=False)
    for name, attack in ATTACKS.items():
        read = page.evaluate(f"url => {attack}.then(answer => answer.type !== 'opaque', () => false)", live_server.url)
        assert read is False, name
    failed = page.evaluate(
        """url => fetch(`${url}/api/next?viewer=${"0".repeat(32)}`)
            .then((answer) => answer.text()).then(() => "read", () => "refused")""",
        live_server.url,
    )
    assert failed == "refused"
    framed = page.evaluate(
        """url => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = () => {
                try { resolve(frame.contentDocument ? "blocked" : "error page or foreign"); }
                catch { resolve("foreign"); }
            };
            frame.src = url;
            document.body.append(frame);
        })""",
        live_server.url,
    )
    assert framed in ("blocked", "error page or foreign")
    assert all(
        "nn_from_scratch" not in (frame.title() if frame.url.startswith("http") else "") for frame in page.frames
    )
    assert live_server.trainer.state == "paused"
    assert live_server.trainer.run.progress.step == 0


def test_what_stands_in_an_uploaded_file_is_shown_as_text_or_not_at_all(
    live_server: LiveServer, open_page: Open, tmp_path: Path
) -> None:
    page = open_page(live_server.url, complaints=False)  # the browser logs what the server refuses
    hostile = "<img src=/nowhere onerror=\"document.title='taken'\">\u202e\x1b[31m"
    network = live_server.trainer.run.recipe.make_network(0)
    save(SavedNetwork(network, training={hostile: hostile}, metrics={"accuracy": hostile}), tmp_path / "a.json")
    page.set_input_files("#upload-file", tmp_path / "a.json")
    page.wait_for_selector("body[data-run='2']")
    assert "img" not in page.inner_text("body")
    document = json.loads((tmp_path / "a.json").read_text())
    document["layers"][0]["type"] = hostile
    (tmp_path / "a.json").write_text(json.dumps(document))
    page.set_input_files("#upload-file", tmp_path / "a.json")
    said = refusal(page, "weights")
    assert "layers[0].type is '<img src=/nowhere" in said
    assert said.isprintable()
    assert page.locator("img").count() == 0
    assert page.title() == "nn_from_scratch: watch a neural network learn"


def test_nothing_inline_runs_in_the_page(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, complaints=False)
    ran = page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.inlineRan = true";
            document.body.append(script);
            let evaluated = false;
            try { evaluated = Boolean(new Function("return true")()); } catch { /* as it should be */ }
            return [Boolean(window.inlineRan), evaluated];
        }"""
    )
    assert ran[0] is False
    html = page.content()
    assert "onclick=" not in html
    assert "javascript:" not in html

"""The folder that --static writes, in a browser: it trains with this package, and asks nobody for anything.

Where the tests compare numbers with those of a server: the first weights and the order of images are the same to the
bit, but another BLAS rounds sums in another order. So the losses of some steps agree to 4 digits, and so does nearly
every parameter. Adam divides by the size of a gradient, so where that is nothing but rounding, its first steps may go
either way: one parameter in a hundred may differ by more.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.data import Dataset
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, MNIST
from nn_from_scratch.web.static_site import POLICY
from nn_from_scratch.web.trainer import Trainer
from tests.scripts import ROOT
from tests.web.browser import static_host
from tests.web.browser.conftest import Open, beat, command, exact, refusal, step_of, until
from tests.web.browser.static_host import StaticHost, hosting
from tests.web.browser.test_drawing import draw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

STARTED = "body[data-step][data-connection=open]"
LONG = 60_000  # milliseconds for Python to start, on a machine that is busy with other tests
PRETRAINED = ROOT / "resources" / "pretrained" / "784-128-64-10.json"
STEPS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return static_host.write(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[StaticHost]:
    with hosting(folder) as host:
        yield host


@pytest.fixture(scope="module")
def started(browser: Browser, host: StaticHost) -> Iterator[tuple[Page, set[str], list[str]]]:
    """One page for many tests, as starting takes seconds: with what it asked for, and the stages of its start."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    asked: set[str] = set()
    complaints: list[str] = []
    context.on("request", lambda request: asked.add(request.url))
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.goto(f"{host.url}?level=everything")
    stages: list[str] = []
    while page.get_attribute("body", "data-connection") == "connecting":
        stages.append(page.inner_text("#starting"))
        page.wait_for_timeout(20)
    page.wait_for_selector(STARTED)
    yield page, asked, stages
    context.close()
    assert complaints == []


def is_complaint(said: ConsoleMessage) -> bool:
    """An error on the console, but not that of a mirror which a test makes unreachable."""
    return said.type == "error" and not said.location["url"].startswith(MNIST.mirrors)


@pytest.fixture
def page(started: tuple[Page, set[str], list[str]]) -> Page:
    """The page, at the start of the embedded digits again."""
    page = started[0]
    run = int(page.get_attribute("body", "data-run"))
    page.select_option("#preset", "784-100-10")
    page.wait_for_selector(f"body[data-run='{run + 1}']")
    page.fill("#seed", "0")
    page.click("#restart")
    page.wait_for_selector(f"body[data-run='{run + 2}'][data-step='0'][data-state=paused]")
    page.evaluate("document.activeElement.blur()")
    return page


def saved(page: Page, path: Path) -> nn.SavedNetwork:
    """What the download button saves."""
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "weights_and_biases.json"
    download.value.save_as(path)
    return nn.load(path)


# ---- it starts ----


def test_it_tells_how_it_starts(started):
    _, _, stages = started
    text = "\n".join(stages)
    for stage in ("loading Python (", "loading NumPy (", "loading this package", "building the network"):
        assert stage in text
    page = started[0]
    assert page.locator("#starting").is_hidden()
    assert float(page.get_attribute("#starting-progress", "value")) > 90
    assert page.inner_text("#data").startswith("digits: 1,232 images to learn from, 205 held out")


def test_all_that_it_asks_for_is_in_the_folder_and_relative_to_it(started, host):
    _, asked, _ = started
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(host.url).netloc}
    assert all(urlsplit(url).path.startswith(f"/{static_host.PLACE}/") for url in asked)
    names = {urlsplit(url).path.rpartition("/")[2] for url in asked}
    assert {"worker.js", "pyodide.asm.wasm", "site.json"} <= names, "what the worker asks for is seen, too"
    assert {path.partition("?")[0] for path in host.asked} >= {urlsplit(url).path for url in asked}


# ---- it trains ----


def test_its_numbers_are_those_of_a_server(page, digits: Dataset, tmp_path):
    for step in range(1, STEPS + 1):
        command(page, "#step-batch", f"[data-step='{step}']")
    history = in_page(page, "/api/history")
    with Trainer(digits) as trainer:
        trainer.hub.watch()
        for _ in range(STEPS):
            trainer.ask(trainer.step, "batch")
        there = trainer.ask(trainer.history)
        expected = trainer.ask(trainer.run.network.parameters.copy)
        accuracy = trainer.ask(lambda: trainer.live.snapshot.accuracy)
    losses, losses_there = (np.array([point[2] for point in one["points"]]) for one in (history, there))
    assert len(losses) == STEPS
    assert losses[0] == pytest.approx(losses_there[0], rel=1e-6)
    np.testing.assert_allclose(losses, losses_there, rtol=1e-4)
    parameters = saved(page, tmp_path / "a.json").network.parameters
    differing = np.abs(parameters - expected) > 1e-4 * np.abs(expected) + 1e-6
    assert differing.mean() < 0.01
    assert np.abs(parameters - expected).max() < 2 * STEPS * 0.005  # no more than Adam's steps at this rate
    assert history["validation"][-1][2] == pytest.approx(accuracy, abs=0.01)


def in_page(page: Page, path: str) -> Any:
    """What the page itself would be told, asked from within it. Its worker is as near as its modules are."""
    return page.evaluate("async path => (await import('./static/api.js')).get(path)", path)


def test_it_learns_the_digits_and_answers_meanwhile(page):
    page.click("#start")
    until(page, lambda: percent(page.inner_text("#accuracy-validation")) >= 90, "90 % of the held out digits")
    draw(page, 1, 180, 100, 40)
    assert page.get_attribute("body", "data-state") == "training"
    assert page.locator("#draw-outputs li").count() == 10
    page.locator("#forward .neurons button").first.click()
    page.wait_for_selector("#inspector[data-z]")
    terms = exact(page, "#inspector .sum .number")
    assert len(terms) == 5
    page.keyboard.press("Escape")
    page.click("#pad-clear")
    command(page, "#start", "[data-state=paused]")
    step = step_of(page)
    page.click("#confusion [data-actual='0'][data-predicted='0']")
    page.wait_for_selector("#images[open] figure")
    page.keyboard.press("Escape")
    assert step_of(page) == step


def percent(text: str) -> float:
    return float(text.removesuffix(" %")) if "%" in text else 0.0


def test_the_keyboard_and_the_settings_work_as_with_a_server(page):
    page.keyboard.press("Space")
    page.wait_for_selector("body[data-state=training]")
    page.fill("#learning-rate-number", "0.002")
    page.press("#learning-rate-number", "Enter")
    until(page, lambda: in_page(page, "/api/state")["learning_rate"] == 0.002, "another learning rate")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    page.wait_for_selector("body[data-state=paused]")
    page.fill("#batch-size", "5000")
    page.press("#batch-size", "Enter")
    assert "batch_size 5000: expected a whole number from 1 to 1024" in refusal(page, "training")
    with_batch = lambda: in_page(page, "/api/state")["batch_size"] == 32  # noqa: E731
    page.fill("#batch-size", "32")
    page.press("#batch-size", "Enter")
    until(page, with_batch, "another batch size")


def test_what_needs_no_server_is_there(page):
    """A lesson, an experiment, another digit on the stage, a weight, drawings, convolution, the address."""
    command(page, "#step-example", "[data-step='1']")
    beat(page, 4)
    page.wait_for_selector("#lesson[data-beat=update]")
    said = r"It said \d, (which is right|but the right answer is \d): loss \S+ → \S+"
    assert re.fullmatch(said, page.inner_text("#lesson-text"))
    page.click(".stagebar [data-kind=test]")
    page.wait_for_selector(".stagebar [data-kind=test][aria-pressed=true]")
    weight = in_page(page, "/api/weight?layer=1&neuron=3&input=5")
    assert [step for step, _ in weight["trail"]] == [0, 1]
    draw(page, 3, 180, 60, 40)
    page.click("#drawing-keep")
    run = int(page.get_attribute("body", "data-run"))
    page.click("#drawings-learn")
    page.wait_for_selector(f"body[data-run='{run + 1}']")
    assert in_page(page, "/api/state")["data"]["drawings"] == 1
    page.click("#drawings button")
    page.click("#pad-clear")
    page.click("#experiments-open")
    page.click("[data-experiment=sorted]")
    page.click("#experiment [data-answer='2']")
    page.wait_for_selector("#experiment[data-stage=done]")
    shown = page.locator("#experiment td").all_inner_texts()
    for text, reached in zip(shown, (94.7, 20.6), strict=True):
        assert percent(text) == pytest.approx(reached, abs=4)  # another BLAS rounds in another order
    assert "experiment=sorted" in page.url
    page.click("#experiments-close")
    run = int(page.get_attribute("body", "data-run"))
    page.select_option("#preset", "lenet-fast")
    page.wait_for_selector(f"body[data-run='{run + 1}']")
    command(page, "#step-batch", "[data-step='1']")
    page.wait_for_selector("#forward .neurons button.map")


# ---- weights ----


def test_weights_of_a_server_read_a_drawing_and_come_back_to_the_bit(page, tmp_path):
    run = int(page.get_attribute("body", "data-run"))
    page.set_input_files("#upload-file", PRETRAINED)
    page.wait_for_selector(f"body[data-run='{run + 1}']")
    draw(page, 3, 180, 60, 40)
    assert page.get_attribute("#draw-answer", "data-answer") == "3"
    page.click("#pad-clear")
    original = nn.load(PRETRAINED).network
    found = saved(page, tmp_path / "a.json")
    assert found.network.parameters.tobytes() == original.parameters.tobytes()
    command(page, "#step-batch", "[data-step='1']")
    trained = saved(page, tmp_path / "b.json")
    assert trained.network.parameters.tobytes() != original.parameters.tobytes()
    assert trained.training["data"] == {"name": "digits", "training_images": 1437}
    command(page, "#rewind", f"[data-run='{run + 2}']")
    page.set_input_files("#upload-file", tmp_path / "b.json")
    page.wait_for_selector(f"body[data-run='{run + 3}']")
    assert saved(page, tmp_path / "c.json").network.parameters.tobytes() == trained.network.parameters.tobytes()


def test_a_file_that_is_no_network_is_refused_in_the_same_words(page, tmp_path):
    (tmp_path / "a.json").write_text('{"format": "other"}')
    page.set_input_files("#upload-file", tmp_path / "a.json")
    assert refusal(page, "weights").startswith("the uploaded file: not a network of this package")


# ---- other images ----


def test_wrong_files_are_refused_by_name_and_the_digits_stay(page, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8\xff")
    page.set_input_files("#data-files", tmp_path / "holiday.jpg")
    assert refusal(page, "data").startswith("holiday.jpg: ")
    assert "The network still learns from the images that it had." in page.inner_text("#data-said")
    assert page.inner_text("#data").startswith("digits: ")
    command(page, "#step-batch", "[data-step='1']")


def test_without_a_mirror_it_says_where_to_get_the_files(page):
    page.route(re.compile("^https:"), lambda route: route.abort())
    page.click("#download-data")
    page.wait_for_selector("#data-said a")
    page.unroute(re.compile("^https:"))
    links = page.eval_on_selector_all("#data-said a", "all => all.map(a => a.href)")
    assert links == [MNIST.mirrors[0] + name for name in MNIST.files]
    assert page.inner_text("#data").startswith("digits: ")


def test_mnist_is_learnt_from_files_and_from_a_mirror(page, mnist: Dataset):
    directory = Path(os.environ[DIRECTORY_VARIABLE])
    if not all((directory / name).is_file() for name in MNIST.files):
        pytest.skip("the four files of MNIST are not gzipped here")
    run = int(page.get_attribute("body", "data-run"))
    page.set_input_files("#data-files", [directory / name for name in MNIST.files])
    page.wait_for_selector(f"body[data-run='{run + 1}']")
    expected = "mnist: 55,000 images to learn from, 5,000 held out"
    until(page, lambda: page.inner_text("#data").startswith(expected), "MNIST")
    command(page, "#step-batch", "[data-step='1']")
    assert "The network now learns from mnist" in page.inner_text("#data-said")

    def give(route: Any) -> None:
        name = urlsplit(route.request.url).path.rpartition("/")[2]
        route.fulfill(path=directory / name, headers={"Access-Control-Allow-Origin": "*"})

    page.route(re.compile("^https:"), give)
    page.click("#download-data")
    page.wait_for_selector(f"body[data-run='{run + 2}']")
    page.unroute(re.compile("^https:"))
    until(page, lambda: page.inner_text("#data").startswith(expected), "MNIST")


# ---- what can go wrong ----


def lost(page: Page) -> str:
    """The sentence of a page that could not start."""
    page.wait_for_selector("body[data-connection=lost]")
    assert page.locator("#starting").is_hidden()
    return page.inner_text("#disconnected-text")


def opened(open_page: Open, url: str, **options: Any) -> Page:
    page = open_page(url, wait=False, **options)
    page.set_default_timeout(LONG)
    return page


def test_it_starts_where_a_host_sends_the_same_policy_with_every_file(folder, open_page):
    with hosting(folder, Content_Security_Policy=POLICY) as host:
        opened(open_page, host.url).wait_for_selector(STARTED)


def test_a_host_that_forbids_webassembly_is_told_what_to_allow(folder, open_page):
    with hosting(folder, Content_Security_Policy=POLICY.replace(" 'wasm-unsafe-eval'", "")) as host:
        page = opened(open_page, host.url, complaints=False)
        assert "It has to allow script-src 'self' 'wasm-unsafe-eval'" in lost(page)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("site.json", "site.json can't be loaded: the host answered 404"),
        ("pyodide/pyodide.asm.wasm", "pyodide/pyodide.asm.wasm can't be loaded: the host answered 404"),
        ("pyodide/numpy*.whl", ".whl can't be loaded: "),
        ("pyodide/pyodide.mjs", "pyodide.mjs"),
        ("static/worker.js", "static/worker.js can't be loaded"),
    ],
)
def test_a_folder_that_was_not_uploaded_whole_is_told_what_is_missing(folder, open_page, tmp_path, name, said):
    shutil.copytree(folder, tmp_path / "host")
    (missing,) = (tmp_path / "host" / static_host.PLACE).glob(name)
    missing.unlink()
    with hosting(tmp_path / "host") as host:
        page = opened(open_page, host.url, complaints=False)
        assert said in lost(page)


def test_a_drawing_waits_for_python_and_nothing_else_can_be_asked_before(host, open_page):
    page = opened(open_page, f"{host.url}?level=everything")
    assert page.locator("#starting-help").is_hidden()
    for control in ("#restart", "#upload", "#choose-data", "#batch-size"):
        assert page.locator(control).evaluate("element => element.closest('[inert]') !== null")
    draw(page, 1, 180, 100, 40)
    assert page.get_attribute("body", "data-connection") == "open"
    assert page.locator("#draw-outputs li").count() == 10
    assert page.locator("[inert]").count() == 0


def test_python_that_comes_to_its_end_is_told(host, open_page):
    page = opened(open_page, host.url, complaints=False)
    page.wait_for_selector(STARTED)
    (worker,) = page.workers
    worker.evaluate("void Promise.reject(new Error('a long story\\nMemoryError'))")
    assert lost(page) == "Python has stopped: MemoryError. Reload the page to start again."


def test_a_file_that_was_changed_on_the_way_is_not_run(folder, open_page, tmp_path):
    shutil.copytree(folder, tmp_path / "host")
    site = tmp_path / "host" / static_host.PLACE
    package = site / json.loads((site / "site.json").read_text())["package"]["path"]
    package.write_bytes(package.read_bytes()[:-1] + b"!")
    with hosting(tmp_path / "host") as host:
        page = opened(open_page, host.url, complaints=False)
        assert f"python/{package.name} can't be loaded" in lost(page)


def test_opened_as_a_file_it_says_how_to_serve_it(folder, open_page):
    page = open_page((folder / static_host.PLACE / "index.html").as_uri(), wait=False, complaints=False)
    assert page.locator("#starting-help").is_visible()
    assert "python -m http.server" in page.inner_text("#starting-help")
    assert page.get_attribute("body", "data-connection") == "connecting"

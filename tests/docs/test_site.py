"""The documentation site: built without a warning, then looked at in a real browser."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from nn_from_scratch.data.mnist import OFFLINE_VARIABLE
from tests.scripts import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
PYODIDE = os.environ.get("NN_FROM_SCRATCH_PYODIDE")
WIDE, PHONE = {"width": 1366, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, with the live page where Pyodide is at hand."""
    for name in ("sphinx", "furo", "myst_parser", "sphinx_copybutton"):
        pytest.importorskip(name, reason='the site needs it: pip install -e ".[site]"')
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs Node.js and npm, for KaTeX")
    if os.environ.get(OFFLINE_VARIABLE) and not list(ROOT.glob("build/site-work/katex-*/package.json")):
        pytest.skip("needs a network connection, for KaTeX")
    directory = tmp_path_factory.mktemp("host") / "docs"
    command = [sys.executable, ROOT / "docs" / "site", "--output", directory]
    command += ["--pyodide", PYODIDE] if PYODIDE else ["--no-live"]
    built = subprocess.run(
        command, cwd=directory.parent, capture_output=True, encoding="utf-8", timeout=500, check=False
    )
    assert built.returncode == 0, built.stderr  # a warning is an error, and so is a formula that can't be read
    return directory


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site, below a path of its host."""
    handler = functools.partial(Quiet, directory=str(site.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/docs/"
        server.shutdown()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page in which every error is a failure, and so is every request to another host."""
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    wrong: list[str] = []
    context.on(
        "request", lambda sent: wrong.append(sent.url) if not sent.url.startswith((address, "data:", "blob:")) else None
    )
    context.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page = context.new_page()
    page.on("pageerror", lambda problem: wrong.append(str(problem)))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    yield page
    context.close()
    assert wrong == []


# ---- what was written ----


class Anchors(HTMLParser):
    """The places of a page that can be linked to, and what it links to and loads."""

    def __init__(self, path: Path):
        super().__init__()
        self.names: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.names |= {value for key in ("id", "name") if (value := found.get(key))}
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        elif value := found.get("src") or (found.get("href") if tag == "link" else None):
            self.loaded.append(value)


def test_every_link_and_every_anchor_of_the_site_is_there_and_nothing_is_loaded_from_elsewhere(site):
    pages = {path.relative_to(site).as_posix(): Anchors(path) for path in site.rglob("*.html")}
    assert len(pages) > 60
    checked = 0
    for name, page in pages.items():
        for target in page.loaded:
            assert not urlsplit(target).netloc, f"{name} loads {target}"
        for target in [*page.links, *page.loaded]:
            if urlsplit(target).scheme or (target.startswith("live/") and not PYODIDE):
                continue
            path, anchor = urldefrag(urljoin(f"https://site/{name}", target).removeprefix("https://site/"))
            file = unquote(urlsplit(path).path)
            assert (site / file).is_file(), f"{name} links to {target}"
            if file in pages and not file.startswith("live/"):
                assert unquote(anchor) in pages[file].names, f"{name} links to {target}"
            checked += 1
    assert checked > 10_000


def test_every_document_and_every_public_name_has_its_place(site):
    documents = [*ROOT.glob("docs/*.md"), *ROOT.glob("course/*/README.md")]
    for document in documents:
        place = document.relative_to(ROOT).with_suffix(".html").as_posix().replace("README", "index")
        assert (site / place).is_file()
        assert f'href="{place}"' in (site / "index.html").read_text(encoding="utf-8")
    import nn_from_scratch as nn

    overview = (site / "api" / "index.html").read_text(encoding="utf-8")
    linked = set(re.findall(r">nn\.(\w+)</span></code></a>", overview))
    assert linked == {name for name in nn.__all__ if name != "PRESETS"}


# ---- what is seen ----


def test_the_search_finds_back_propagation(page, address):
    page.goto(address)
    page.fill(".sidebar-search", "back-propagation")
    page.press(".sidebar-search", "Enter")
    page.wait_for_selector("#search-results .search a")
    found = page.locator("#search-results ul.search > li > a").all_inner_texts()
    assert "Chapter 6: back-propagation" in found
    page.click("#search-results >> text=The mathematics of nn_from_scratch > Back-propagation")
    page.wait_for_selector("h2:has-text('Back-propagation')")


def test_formulas_are_set_by_katex_in_its_own_fonts(page, address):
    page.goto(f"{address}docs/mathematics.html")
    assert page.locator(".katex").count() > 300
    assert page.locator(".katex-error").count() == 0
    source = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    assert page.locator(".formula .katex-display").count() == source.count("```math\n") > 0
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Main'))")
    used = page.locator(".katex .mathnormal").first.evaluate("e => getComputedStyle(e).fontFamily")
    assert "KaTeX_Math" in used
    assert "$" not in page.locator("#softmax p").first.inner_text()


def test_the_equations_of_the_docstrings_stay_as_they_are_aligned(page, address):
    page.goto(f"{address}api/optimizers.html")
    lines = page.locator("#nn_from_scratch\\.optimizers\\.Adam ~ dd .line-block").first.inner_text().splitlines()
    assert lines[0].replace("\xa0", " ").startswith("m₁ ← β₁m₁ + (1 − β₁)g        m̂₁ = m₁ / (1 − β₁^τ)")
    page.click("#nn_from_scratch\\.optimizers\\.Optimizer ~ dd >> text=Optimizers")
    page.wait_for_url("**/docs/mathematics.html#optimizers")


def test_dark_and_light_can_be_chosen_and_are_kept(page, address):
    def brightness() -> float:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(float, re.findall(r"[\d.]+", color)[:3])) / 3

    page.goto(f"{address}docs/glossary.html")
    assert brightness() > 200
    for _ in range(3):  # automatic, light, dark
        if page.locator("body").get_attribute("data-theme") != "dark":
            page.locator(".theme-toggle:visible").first.click()
    assert brightness() < 60
    page.goto(f"{address}docs/recipes.html")
    assert brightness() < 60


@pytest.mark.parametrize(
    "name",
    [
        "index",
        "docs/mathematics",
        "docs/recipes",
        "docs/performance",
        "course/03_dense/index",
        "api/layers",
        "api/index",
    ],
)
def test_on_a_phone_no_page_is_wider_than_the_screen(page, address, name):
    page.set_viewport_size(PHONE)
    page.goto(f"{address}{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    pictures = page.evaluate(
        "Promise.all([...document.images].map(image => (image.loading = 'eager', image.decode())))"
    )
    assert all(picture is None for picture in pictures)


def test_the_solutions_of_the_course_open_with_their_code_set(page, address):
    page.goto(f"{address}course/03_dense/index.html")
    solution = page.locator("details", has_text="Solution: my_nn/loops.py")
    assert not solution.locator(".highlight").first.is_visible()
    solution.locator("summary").click()
    assert "def dense_forward" in solution.locator(".highlight").first.inner_text()


@pytest.mark.skipif(not PYODIDE, reason="NN_FROM_SCRATCH_PYODIDE names no Pyodide")
def test_the_live_page_is_part_of_the_site(page, address):
    page.goto(f"{address}index.html")
    page.click("text=Try the live page")
    page.click("text=Open the live page")
    page.wait_for_selector("body[data-step][data-connection=open]", timeout=120_000)

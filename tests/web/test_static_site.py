"""The folder that --static writes: what is in it, what its page may do, and which folders are left alone."""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

import nn_from_scratch
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import static_site
from nn_from_scratch.web.server import HEADERS
from nn_from_scratch.web.static_site import MANIFEST, POLICY, STATIC, write_site
from tests.scripts import refusal, run, without
from tests.web.fake_pyodide import WHEEL, write_pyodide


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_pyodide(tmp_path_factory.mktemp("release") / "pyodide"))


@pytest.fixture(scope="module")
def site(release: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is only looked at."""
    directory = tmp_path_factory.mktemp("written") / "site"
    write_site(directory, release, "784-10-10", 3)
    return directory


def files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def manifest(directory: Path) -> dict:
    return json.loads((directory / MANIFEST).read_text())


# ---- what is in it ----


def test_the_folder_holds_the_page_python_and_the_package(site):
    found = files(site)
    page = {f"static/{path.name}" for path in STATIC.iterdir()} - {"static/index.html", "static/starting.html"}
    assert page <= found
    assert {"index.html", ".nojekyll", f"pyodide/{WHEEL}", "pyodide/pyodide.asm.wasm"} <= found
    (package,) = (name for name in found if name.startswith("python/"))
    assert re.fullmatch(rf"python/nn_from_scratch-{re.escape(nn_from_scratch.__version__)}-[0-9a-f]{{8}}\.zip", package)
    for name in page:
        assert (site / name).read_bytes() == (STATIC / Path(name).name).read_bytes()


def test_its_manifest_tells_the_worker_what_to_load_and_the_browser_what_to_check(site):
    told = manifest(site)
    assert set(told["files"]) == files(site)
    assert told["start"] == {"preset": "784-10-10", "seed": 3}
    for archive in (told["numpy"], told["package"]):
        content = (site / archive["path"]).read_bytes()
        assert archive["bytes"] == len(content)
        assert archive["integrity"] == f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"
    runtime = [name for name in files(site) if name.startswith("pyodide/") and not name.endswith(".whl")]
    assert told["runtime_bytes"] == sum((site / name).stat().st_size for name in runtime)
    assert len(told["mnist"]["files"]) == 4


def test_the_size_is_what_was_written(release, tmp_path):
    size = write_site(tmp_path / "site", release)
    assert size == sum((tmp_path / "site" / name).stat().st_size for name in files(tmp_path / "site"))


def test_the_package_is_there_unchanged_and_runs_from_the_archive_with_numpy_alone(site, tmp_path):
    archive = zipfile.ZipFile(io.BytesIO((site / manifest(site)["package"]["path"]).read_bytes()))
    package = Path(nn_from_scratch.__file__).parent
    names = set(archive.namelist())
    assert {"nn_from_scratch/data/digits.npz", "nn_from_scratch/web/in_browser.py", "threadpoolctl.py"} <= names
    assert not any("__pycache__" in name or "static/" in name for name in names)
    for name in names:
        if name.startswith("nn_from_scratch/"):
            assert archive.read(name) == (package.parent / name).read_bytes()
    archive.extractall(tmp_path)
    program = """
import sys
class Refusing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"matplotlib", "tqdm", "pooch", "PIL", "flask", "multiprocessing"}:
            raise ImportError(f"{name} is not in the browser")
sys.meta_path.insert(0, Refusing())
sys.path.insert(0, ".")
from nn_from_scratch.web.in_browser import Page
import nn_from_scratch, threadpoolctl
print(nn_from_scratch.__file__, threadpoolctl.__file__)
page = Page(lambda kind, text: None)
assert page.answer("POST", "/api/step", '{"unit": "batch"}')[0] == "answer"
assert page.answer("GET", "/api/weights")[0] == "file"
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert all(path.startswith((str(tmp_path), "./")) for path in found.stdout.split())


def test_the_same_package_makes_the_same_archive():
    assert static_site.package_archive() == static_site.package_archive()


class Page(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


def test_the_page_says_that_it_is_without_a_server_and_all_its_addresses_are_relative_and_there(site):
    page = Page((site / "index.html").read_text())
    assert page.tags[0] == ("html", {"lang": "en", "data-mode": "static"})
    addresses = [a[name] for _, a in page.tags for name in ("href", "src") if a.get(name)]
    assert len(addresses) >= 7
    for address in addresses:
        assert address.startswith("#") or (site / address).is_file()
    assert "data-mode" not in (STATIC / "index.html").read_text()


def test_no_module_names_an_absolute_address(site):
    for path in site.glob("static/*.*"):
        if path.suffix == ".woff2":  # letters, not text
            continue
        lines = [
            line for line in path.read_text().splitlines() if re.search(r"""["'(]/(static|pyodide|python)/""", line)
        ]
        assert lines == [], path.name
    for name in ("worker.js", "without_server.js", "worker_transport.js"):
        assert "://" not in (site / "static" / name).read_text()


def test_its_policy_comes_before_anything_it_loads_and_allows_no_more_than_webassembly(site):
    page = Page((site / "index.html").read_text())
    (policy,) = (a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv"))
    assert policy == POLICY
    places = [i for i, (tag, a) in enumerate(page.tags) if tag == "meta" and a.get("http-equiv")]
    assert places[0] < min(i for i, (tag, _) in enumerate(page.tags) if tag in ("link", "script"))

    def rules(text: str) -> dict[str, str]:
        return dict(rule.strip().split(" ", 1) for rule in text.split(";"))

    ours, servers = rules(policy), rules(HEADERS["Content-Security-Policy"])
    assert ours.pop("script-src") == "'self' 'wasm-unsafe-eval'"
    connect = ours.pop("connect-src").split()
    assert connect[0] == "'self'"
    assert all(host.startswith("https://") for host in connect[1:])
    del servers["frame-ancestors"]  # only a header can say it, and such a page may be shown inside another
    assert ours == servers
    assert not any("style" in a or any(name.startswith("on") for name in a) for _, a in page.tags)
    assert not any(tag == "script" and "src" not in a for tag, a in page.tags)


def test_an_index_that_has_changed_too_much_is_noticed():
    with pytest.raises(ValueError, match=r"index\.html: expected <html lang="):
        static_site.page("<html>", "")


# ---- which folders are written into ----


def test_a_folder_of_ours_is_written_anew_and_what_else_lies_in_it_stays(release, tmp_path):
    site = tmp_path / "deep" / "site"
    write_site(site, release)
    (site / "CNAME").write_text("example.org")
    (site / "static" / "old.js").write_text("old")
    told = manifest(site)
    (site / MANIFEST).write_text(json.dumps(told | {"files": [*told["files"], "static/old.js"]}))
    (site / "index.html").unlink()
    write_site(site, release, seed=5)
    assert files(site) == {*manifest(site)["files"], "CNAME"}
    assert manifest(site)["start"]["seed"] == 5
    assert [path.name for path in site.iterdir() if path.name.startswith(".")] == [".nojekyll"]


def test_an_empty_folder_is_taken(release, tmp_path):
    (tmp_path / "site").mkdir()
    write_site(tmp_path / "site", release)
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "other", "files": []}',
        json.dumps({"format": static_site.FORMAT}),
        json.dumps({"format": static_site.FORMAT, "files": ["../precious.txt"]}),
        json.dumps({"format": static_site.FORMAT, "files": ["/etc/passwd"]}),
        json.dumps({"format": static_site.FORMAT, "files": ["a\\..\\b"]}),
        json.dumps({"format": static_site.FORMAT, "files": ["C:precious.txt"]}),
        json.dumps({"format": static_site.FORMAT, "files": [""]}),
        json.dumps({"format": static_site.FORMAT, "files": [5]}),
        None,
    ],
    ids=lambda value: str(value)[-30:],
)
def test_any_other_folder_is_refused_and_left_as_it_was(release, tmp_path, content):
    site = tmp_path / "site"
    site.mkdir()
    (site / "thesis.txt").write_text("years of work")
    if content is not None:
        (site / MANIFEST).write_text(content)
    before = {name: (site / name).read_bytes() for name in files(site)}
    with pytest.raises(BadInput) as caught:
        write_site(site, release)
    assert str(caught.value).startswith(
        f"{site}: is not empty, and has no site.json that says it was written by --static"
    )
    assert {name: (site / name).read_bytes() for name in files(site)} == before


def test_a_file_in_its_place_is_refused(release, tmp_path):
    (tmp_path / "site").write_text("a file")
    with pytest.raises(BadInput, match=r"site: can't be written into .*: expected a new or empty folder"):
        write_site(tmp_path / "site", release)


def test_where_python_is_missing_the_folder_stays_as_it_was(release, tmp_path):
    with pytest.raises(BadInput, match="nowhere: no such directory"):
        write_site(tmp_path / "site", str(tmp_path / "nowhere"))
    assert not (tmp_path / "site").exists()


def test_where_the_disk_refuses_one_line_says_so_and_no_half_is_left(monkeypatch, release, tmp_path):
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadInput, match="can't be written: No space left on device"):
        write_site(tmp_path / "site", release)
    assert files(tmp_path / "site") == set()


# ---- the command ----


def test_the_command_writes_it_and_says_how_to_look_at_it(release, tmp_path):
    site = tmp_path / "my site"
    found = run("nn_from_scratch.web", "--static", site, "--pyodide", release, "--preset", "784-10-10", "--seed", 4)
    assert found.returncode == 0, found.stderr
    assert f"python -m http.server --bind 127.0.0.1 --directory '{site}'" in found.stdout
    assert manifest(site)["start"] == {"preset": "784-10-10", "seed": 4}


def test_the_variable_names_where_python_is(release, tmp_path):
    found = run("nn_from_scratch.web", "--static", tmp_path / "site", NN_FROM_SCRATCH_PYODIDE=release)
    assert found.returncode == 0, found.stderr


def test_the_command_needs_no_flask(release, tmp_path):
    path = without("flask", tmp_path)
    found = run("nn_from_scratch.web", "--static", tmp_path / "site", "--pyodide", release, PYTHONPATH=path)
    assert found.returncode == 0, found.stderr


def test_the_command_refuses_in_one_line(release, tmp_path):
    (tmp_path / "a").write_text("something")
    assert "is not empty" in refusal(run("nn_from_scratch.web", "--static", tmp_path, "--pyodide", release))
    for options in (["--data", "mnist"], ["--test-data", "a.csv"], ["--test-fraction", 0.2]):
        answer = refusal(run("nn_from_scratch.web", "--static", tmp_path / "site", *options))
        assert "--static takes no data" in answer
    for options in (["--port", 0], ["--no-browser"]):
        assert "serves nothing" in refusal(run("nn_from_scratch.web", "--static", tmp_path / "site", *options))

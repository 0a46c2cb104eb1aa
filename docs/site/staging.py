"""The sources of the site: copies of the Markdown files, with links that fit, and pages for the API reference."""

import ast
import inspect
import os
import re
import shutil
from pathlib import Path

from docstrings import as_rst

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "nn_from_scratch"

# The pages of the sidebar, in the order in which they are useful.
PAGES = {
    "Learn": ["course/*/README.md", "docs/break-it.md", "docs/mathematics.md", "docs/glossary.md"],
    "Use": [
        "docs/results.md",
        "docs/looking-inside.md",
        "docs/data.md",
        "docs/recipes.md",
        "docs/live-page.md",
        "docs/static-page.md",
        "docs/other-software.md",
        "docs/several-machines.md",
        "docs/file-formats.md",
    ],
    "Go on": ["docs/adding-a-layer.md", "docs/performance.md", "CONTRIBUTING.md", "CHANGELOG.md"],
}
# The rooms of the API reference in the order of reading; front ends and what only scripts use are left out.
ROOMS = """layers losses network initializers optimizers schedules training metrics ensemble recipe presets data storage
handwriting inspection figures runs randomness words errors""".split()
WATCH = """\
# Try the live page

**[Open the live page](page:live/index.html)**, train a network and look into it. The training runs in your browser, in
Python: the page loads 17 MB for that, and nothing that you train, draw or choose leaves your machine.
[What the page can do](docs/live-page.md), and [how it works](docs/static-page.md).

[![The live page, with a network, a digit and learning curves](resources/images/live_page.png)](page:live/index.html)
"""


def stage(directory: Path, live: bool) -> None:
    """Write the sources into a new directory."""
    shutil.copytree(ROOT / "resources" / "images", directory / "resources" / "images")
    chapters = {
        caption: [path for name in names for path in sorted(ROOT.glob(name))] for caption, names in PAGES.items()
    }
    for path in [ROOT / "README.md", *(path for paths in chapters.values() for path in paths)]:
        target = directory / _page(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_with_links(path, chapters), encoding="utf-8")
    reference = [_room(name, directory / "api") for name in ROOMS]
    _overview(directory / "api" / "index.rst")
    contents = {
        caption: [_page(path).with_suffix("").as_posix() for path in paths] for caption, paths in chapters.items()
    }
    if live:
        (directory / "watch.md").write_text(WATCH, encoding="utf-8")
        contents["Learn"].insert(0, "watch")
    contents["Reference"] = ["api/index", *reference]
    with open(directory / "index.md", "a", encoding="utf-8") as index:
        for caption, names in contents.items():
            listed = "\n".join(names)
            index.write(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n")


def _page(path: Path) -> Path:
    """Where a Markdown file lies among the sources. A README is the first page of its folder."""
    relative = path.relative_to(ROOT)
    return relative.with_name("index.md") if path.name == "README.md" else relative


# ---- links ----


def _with_links(path: Path, chapters: dict[str, list[Path]]) -> str:
    """The text, in which links lead to pages of the site or, to what is no page, into the repository."""
    from nn_from_scratch.command_line.programs import REPOSITORY

    pages = {ROOT / "README.md", *(page for paths in chapters.values() for page in paths)}
    here = (ROOT / _page(path)).parent

    def link(found: re.Match[str]) -> str:
        target, _, anchor = found[1].partition("#")
        file = (path.parent / target).resolve()
        if not target or ":" in target or file.is_relative_to(ROOT / "resources" / "images"):
            return found[0]
        fragment = f"#{anchor}" if anchor else ""
        if file in pages:
            return f"]({os.path.relpath(ROOT / _page(file), here)}{fragment})".replace(os.sep, "/")
        if source := _source_page(file):
            return f"](page:{os.path.relpath(ROOT / source, here)})".replace(os.sep, "/")
        kind = "tree" if file.is_dir() else "blob"
        return f"]({REPOSITORY}/{kind}/main/{file.relative_to(ROOT).as_posix()}{fragment})"

    return re.sub(r"\]\(([^)\s]+)\)", link, path.read_text(encoding="utf-8"))


def _source_page(file: Path) -> str | None:
    """The page with the source of a module that is in the reference."""
    if file.suffix != ".py" or not file.is_relative_to(PACKAGE):
        return None
    module = file.relative_to(ROOT).with_suffix("")
    if module.parts[1] not in ROOMS or module.name == "__init__":
        return None
    return f"api/{module.name}.html" if _is_data(file) else f"_modules/{module.as_posix()}.html"


def _is_data(file: Path) -> bool:
    """Whether a module defines no class and no function: then the reference shows its source."""
    return not re.search(r"^(class|def) ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)


# ---- the reference ----


def _room(name: str, directory: Path) -> str:
    """Write the page of a module or a subpackage, and return its name."""
    directory.mkdir(exist_ok=True)
    folder = PACKAGE / name
    files = sorted(folder.glob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]
    files = [file for file in _in_order(files) if file.stem not in ("__init__", "__main__", "make_digits")]
    lines = [name, "=" * len(name), ""]
    for file in files:
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        if len(files) > 1:
            heading = file.relative_to(PACKAGE).as_posix()
            lines += [heading, "-" * len(heading), ""]
        if _is_data(file):
            shutil.copy(file, directory)
            lines += [f".. literalinclude:: {file.name}", ""]
        else:
            lines += [f".. automodule:: {module}", ""]
    (directory / f"{name}.rst").write_text("\n".join(lines), encoding="utf-8")
    return f"api/{name}"


def _in_order(files: list[Path]) -> list[Path]:
    """As the package's docstring has them, then the others."""
    text = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))) or ""
    order = re.findall(r"^\d+\. +(\S+\.py)", text, flags=re.MULTILINE)
    names = {file: file.relative_to(PACKAGE).as_posix() for file in files}
    return sorted(files, key=lambda file: order.index(names[file]) if names[file] in order else len(order))


def _overview(path: Path) -> None:
    """The public names, each with the beginning of its docstring."""
    import nn_from_scratch as nn

    lines = ["All public names", "================", "", "``import nn_from_scratch as nn``, and then:", ""]
    for name in nn.__all__:
        found = getattr(nn, name)
        if not hasattr(found, "__module__"):  # such as PRESETS, which is data
            lines += [f"``nn.{name}``", "    :doc:`The named recipes <presets>`", ""]
            continue
        kind = "class" if inspect.isclass(found) else "func"
        first = (inspect.getdoc(found) or "").split("\n\n")[0]
        text = [f"    {line}" for line in as_rst(first)]
        lines += [f":py:{kind}:`nn.{name} <{found.__module__}.{found.__qualname__}>`", *text, ""]
    path.write_text("\n".join(lines), encoding="utf-8")

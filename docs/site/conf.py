"""How Sphinx builds the site; `python docs/site` runs it."""

import inspect
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import docstrings  # noqa: E402
from katex import KaTeX  # noqa: E402

import nn_from_scratch  # noqa: E402
from nn_from_scratch.command_line.programs import REPOSITORY  # noqa: E402

project = "nn_from_scratch"
author = copyright = "The nn_from_scratch authors"
version = release = nn_from_scratch.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_copybutton"]

# The Markdown is GitHub's: formulas in $…$ and ```math, anchors made of headings.
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
myst_url_schemes = {"http": None, "https": None, "page": "{{path}}"}  # page: an address that the site itself makes

smartquotes = False  # the documents are written with the signs that they mean

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_class_signature = "mixed"
add_module_names = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "nn_from_scratch"
html_static_path = ["static"]
html_css_files = ["katex/katex.min.css", "site.css"]
html_favicon = "../../nn_from_scratch/web/static/favicon.svg"
html_copy_source = False
html_math_renderer = "katex"
pygments_style, pygments_dark_style = "friendly", "native"
html_theme_options = {
    "source_repository": f"{REPOSITORY}/",
    "light_css_variables": {"color-brand-primary": "#0b5fa5", "color-brand-content": "#0b5fa5"},
    "dark_css_variables": {"color-brand-primary": "#7ab8f5", "color-brand-content": "#7ab8f5"},
}

log = logging.getLogger("katex")


def formula(app: Sphinx, node: nodes.math | nodes.math_block, display: bool) -> str:
    try:
        return app.katex.html(node.astext(), display)
    except ValueError as problem:
        log.warning("%s", problem, location=node)
        return ""


def visit_inline(self, node: nodes.math) -> None:
    self.body.append(formula(self.builder.app, node, display=False))
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{formula(self.builder.app, node, display=True)}</div>\n')
    raise nodes.SkipNode


def begin(app: Sphinx) -> None:
    app.katex = KaTeX(Path(app.config.katex))
    app.katex.copy_style(Path(app.outdir) / "_static" / "katex")


def end(app: Sphinx, problem: Exception | None) -> None:
    app.katex.close()


def docstring(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    own = str(getattr(found, "__module__", "")).startswith("nn_from_scratch")  # autodoc also asks for what is imported
    parameters = inspect.signature(found).parameters if own and what in ("class", "function", "method") else ()
    bases = [base for base in getattr(found, "__bases__", ()) if base is not object] if own and what == "class" else []
    inherited = ", ".join(f":py:class:`{base.__name__} <{base.__module__}.{base.__qualname__}>`" for base in bases)
    lines[:] = [
        *([f"Inherits from {inherited}.", ""] if bases else []),
        *docstrings.as_rst("\n".join(lines), parameters),
    ]


def setup(app: Sphinx) -> None:
    app.add_config_value("katex", "", "html", types=str)
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
    app.connect("builder-inited", begin)
    app.connect("build-finished", end)
    app.connect("autodoc-process-docstring", docstring)

"""Build the documentation site: `python docs/site`, then open build/site/index.html.

The pages are the Markdown files of the repository, as they are on its own pages, and an API reference made from the
docstrings. Everything that a page loads is one of its own files.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from katex import fetched
from staging import ROOT, stage


def main() -> None:
    parser = argparse.ArgumentParser(prog="python docs/site", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "site", metavar="DIR", help="(default: build/site)"
    )
    parser.add_argument("--katex", type=Path, metavar="DIR", help="KaTeX's package, unpacked (default: npm gets it)")
    parser.add_argument(
        "--pyodide",
        metavar="URL_OR_DIR",
        help="where the live page's Python for the browser comes from: see docs/static-page.md",
    )
    parser.add_argument("--no-live", action="store_true", help="leave the live page out, which takes 17 MB")
    arguments = parser.parse_args()

    sys.path.insert(0, str(ROOT))  # the reference is made of this clone
    work = ROOT / "build" / "site-work"
    shutil.rmtree(work / "source", ignore_errors=True)
    stage(work / "source", live=not arguments.no_live)
    sphinx = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", "--fresh-env"]
    settings = [f"--define=katex={arguments.katex or fetched(work)}", f"--conf-dir={Path(__file__).parent}"]
    folders = [work / "source", arguments.output, f"--doctree-dir={work / 'doctrees'}"]
    shutil.rmtree(arguments.output, ignore_errors=True)
    subprocess.run([*sphinx, *settings, *folders], check=True)
    if not arguments.no_live:
        pyodide = ["--pyodide", arguments.pyodide] if arguments.pyodide else []
        live = [sys.executable, "-m", "nn_from_scratch.web", "--static", arguments.output / "live", *pyodide]
        subprocess.run(live, cwd=ROOT, check=True)
    (arguments.output / ".nojekyll").touch()  # or GitHub Pages leaves out what begins with _
    print(f"open {arguments.output / 'index.html'}")


if __name__ == "__main__":
    main()

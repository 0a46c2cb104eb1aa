"""Formulas as HTML, made while the site is built, by KaTeX in Node.js. A formula that KaTeX can't read fails the build.

The pages then need KaTeX's style and fonts, and no program.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

VERSION = "0.19.1"
SHA256 = "24da5a599eb2fcede2e270b99a6ff48bca816beecc95feeb84e8cccbd1bb34fd"

PROGRAM = """\
const katex = require(process.argv[1] + "/dist/katex.js");
require("readline").createInterface({input: process.stdin}).on("line", line => {
  const {text, displayMode} = JSON.parse(line);
  let answer;
  try {
    const html = katex.renderToString(text, {displayMode, strict: "error"});
    answer = {html: html.replace(/<annotation .*?<\\/annotation>/s, "")}; // the source, which the search would show
  }
  catch (error) { answer = {error: error.message}; }
  console.log(JSON.stringify(answer));
});"""


def fetched(directory: Path) -> Path:
    """KaTeX's package as npm has it, checked and unpacked into this directory, once."""
    package = directory / f"katex-{VERSION}"
    if not package.is_dir():
        if not shutil.which("npm"):
            raise SystemExit("npm, which gets KaTeX, is not installed; --katex DIR names an unpacked package")
        subprocess.run([shutil.which("npm"), "pack", "--silent", f"katex@{VERSION}"], cwd=directory, check=True)
        archive = directory / f"katex-{VERSION}.tgz"
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
            raise SystemExit(f"{archive} is not KaTeX {VERSION}: its SHA-256 is another one")
        with tarfile.open(archive) as opened:
            opened.extractall(directory / "unpacked", filter="data")
        (directory / "unpacked" / "package").rename(package)
    return package


class KaTeX:
    """One process of Node.js that answers line by line."""

    def __init__(self, package: Path):
        self.package = package
        node = shutil.which("node")
        if not node:
            raise SystemExit("Node.js, which KaTeX needs to make the formulas, is not installed")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        self.process = subprocess.Popen([node, "-e", PROGRAM, str(package.resolve())], **pipes)

    def html(self, text: str, display: bool) -> str:
        """Raises ValueError with what KaTeX says of a formula that it can't read."""
        print(json.dumps({"text": text, "displayMode": display}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def copy_style(self, directory: Path) -> None:
        """The style and its fonts, in the one format that all browsers of today read."""
        dist = self.package / "dist"
        (directory / "fonts").mkdir(parents=True, exist_ok=True)
        style = (dist / "katex.min.css").read_text(encoding="utf-8")
        style = re.sub(r',url\([^)]*\) format\("(?:woff|truetype)"\)', "", style)
        (directory / "katex.min.css").write_text(style, encoding="utf-8")
        for font in (dist / "fonts").glob("*.woff2"):
            shutil.copy(font, directory / "fonts")
        shutil.copy(self.package / "LICENSE", directory)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()

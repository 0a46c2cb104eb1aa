"""What is installed has the page in it: every file of static/ is in the wheel."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.scripts import ROOT


def test_the_wheel_holds_every_file_of_the_page(tmp_path: Path):
    if not importlib.util.find_spec("setuptools"):
        pytest.skip("setuptools, which builds the wheel, is not installed here")
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "nn_from_scratch", source / "nn_from_scratch", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    page = [path for path in (ROOT / "nn_from_scratch/web/static").rglob("*") if path.is_file()]
    assert {path.suffix for path in page} >= {".html", ".css", ".js"}
    assert {path.relative_to(ROOT).as_posix() for path in page} <= packed
    assert {"nn_from_scratch/data/digits.npz", "nn_from_scratch/py.typed"} <= packed

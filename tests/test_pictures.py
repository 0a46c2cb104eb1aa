"""The pictures of the README: each is made by a command that is on record, and the scripts leave them alone."""

import re
import runpy

from tests.scripts import ROOT

MAKE = runpy.run_path(str(ROOT / "resources" / "images" / "make.py"))


def test_every_picture_is_shown_somewhere_and_has_the_command_that_makes_it():
    pictures = {path.stem for path in (ROOT / "resources" / "images").glob("*.png")}
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {name for text in texts for name in re.findall(r"resources/images/(\w+)\.png", text.read_text("utf-8"))}
    made = {name for names in MAKE["COMMANDS"] for name in names.split()} | MAKE["ELSEWHERE"].keys()
    assert pictures == made
    assert shown <= pictures
    assert pictures - shown <= {"layer_2_weights", "layer_3_weights", "weight_histograms"}


def test_no_script_writes_among_them_by_default():
    for script in ("evaluate.py", "plot_weights.py", "hyper-tune.py", "train.py"):
        assert "resources/images" not in (ROOT / script).read_text("utf-8")
    assert "results/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()

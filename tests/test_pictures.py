"""The pictures of the README: each is made by a command that is on record, and the scripts leave them alone."""

import re
import runpy

import numpy as np

from benchmarks import scaling
from nn_from_scratch import Network
from nn_from_scratch.layers import Conv2D
from nn_from_scratch.layers.images import as_stored
from tests.scripts import ROOT

MAKE = runpy.run_path(str(ROOT / "resources" / "images" / "make.py"))


def test_every_picture_is_shown_somewhere_and_has_the_command_that_makes_it():
    pictures = {path.stem for path in (ROOT / "resources" / "images").glob("*.png")}
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {name for text in texts for name in re.findall(r"resources/images/(\w+)\.png", text.read_text("utf-8"))}
    made = {name for names in MAKE["COMMANDS"] for name in names.split()} | MAKE["ELSEWHERE"].keys()
    assert pictures == made == shown


MEMORY = runpy.run_path(str(ROOT / "resources" / "images" / "convolution_in_memory.py"))


def test_the_picture_of_convolution_in_memory_shows_the_order_that_the_layer_computes_in(rng):
    """What stands in its cells is multiplied as it says, and gives the outputs of Conv2D."""
    rows, columns, channels, samples, filters, k = (
        MEMORY[name] for name in ("ROWS", "COLUMNS", "CHANNELS", "SAMPLES", "FILTERS", "K")
    )
    layer = Conv2D(filters, k)
    Network([layer], (channels, rows, columns), rng, np.float64)
    layer.b[...] = rng.normal(size=filters)
    x = rng.normal(size=(samples, channels, rows, columns))
    y = as_stored(layer.forward(x))  # (rows, columns, filters, samples)
    in_memory = as_stored(x).reshape(rows * columns, channels * samples)  # a line for each pixel, one after the other
    pixels = MEMORY["image"]()
    line_of = {int(pixel): line for line, pixel in enumerate(pixels.ravel())}
    W = layer.W.transpose(0, 3, 2, 1).reshape(filters, -1)
    for top in range(rows - k + 1):
        below = MEMORY["side_by_side"](pixels, top)
        for place in range(columns - k + 1):
            lines = [line_of[int(pixel)] for pixel in MEMORY["window"](below, place)]
            seen = in_memory[lines].reshape(-1, samples)
            np.testing.assert_allclose(W @ seen + layer.b[:, None], y[top, place], rtol=1e-12)


def test_the_picture_of_convolution_in_memory_fits_its_page():
    figure = MEMORY["draw"]()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [text for text in axes.texts if text.get_text()]
    assert "place 1: 01 … 23" in [text.get_text() for text in texts]
    boxes = [text.get_window_extent() for text in texts]
    for i, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:i]), texts[i].get_text()


def test_the_picture_of_the_benchmarks_shows_the_results_on_record():
    rows = scaling.saved_rows(ROOT / "benchmarks" / "results.json")
    figure = scaling.draw(rows)
    kinds = list(dict.fromkeys(row.case.split(": ")[0] for row in rows))
    assert [axes.get_xlabel() for axes in figure.axes] == kinds
    drawn = [value for axes in figure.axes for line in axes.lines for value in line.get_ydata()]
    assert sorted(drawn) == sorted(result.value for row in rows for result in row.results.values())


def test_no_script_writes_among_them_by_default():
    for script in ("evaluate.py", "plot_weights.py", "hyper-tune.py", "train.py"):
        assert "resources/images" not in (ROOT / script).read_text("utf-8")
    assert "results/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()

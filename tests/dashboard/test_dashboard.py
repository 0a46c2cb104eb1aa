"""The seven panels: what they show of real networks, the keys, and the command as a user runs it."""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from PIL import Image

import nn_from_scratch as nn
from nn_from_scratch.dashboard import window
from nn_from_scratch.dashboard.graph import into_units
from nn_from_scratch.dashboard.window import Dashboard, Player
from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.figures.style import INK, NEGATIVE, NEGATIVE_TEXT, POSITIVE, styled
from nn_from_scratch.inspection.stages import stages
from nn_from_scratch.layers import LAYERS, Layer
from nn_from_scratch.recipe import dense_stack
from tests.scripts import ROOT, refusal, run

PROGRAM = "nn_from_scratch.dashboard"
PRETRAINED = ROOT / "resources" / "pretrained"
OPTIONS = (PROGRAM, "--weights", PRETRAINED / "784-10-10.json", "--data", "digits")


@pytest.fixture(scope="module")
def digits():
    return nn.load_dataset("digits")


def made(preset, digits):
    return Dashboard(nn.load(PRETRAINED / f"{preset}.json"), digits)


def texts(panel):
    return [artist.get_text() for artist in panel.artists if hasattr(artist, "get_text")]


def test_of_an_ensemble_it_shows_the_answers_of_all_and_the_inside_of_one(digits):
    names = ("784-128-64-10", "784-100-10", "784-128-64-10-sigmoid")
    first, _, third = (nn.load(PRETRAINED / f"{name}.json") for name in names)
    ensemble = nn.SavedEnsemble([first, third])
    dashboard = Dashboard(ensemble, digits, member=2)
    _, outputs, graph, confusions, activity, weights, _ = dashboard.panels
    p = nn.predict(ensemble.network, dashboard.test.images)
    assert confusions.axes.get_title("left") == " "
    assert texts(confusions)[0] == f"accuracy {np.mean(p.argmax(axis=1) == dashboard.test.labels):.2%} of 360"
    dashboard.show(3)
    assert [bar.get_width() for bar in outputs.bars] == pytest.approx(p[3].tolist())
    assert texts(graph)[0].startswith("the most active neurons of member 2")
    assert texts(activity)[0] == "member 2: mean (dark), max"
    assert weights.axes.get_xlabel() == "value of the 64 weights of member 2"
    inside = third.network.forward(dashboard.test.images[3].reshape(1, 784).astype(np.float32) / 255)
    last = texts(activity)[-1]
    assert last.startswith(f" output: {inside.mean():.2f}, {inside.max():.2f}")
    assert "member" not in " ".join(texts(Dashboard(first, digits).panels[2]))


DENSE = [name for name, recipe in nn.PRESETS.items() if dense_stack(recipe.layers)]


@pytest.mark.parametrize("preset", DENSE)
def test_every_preset_shows_what_the_network_answers(preset, digits, tmp_path):
    dashboard = made(preset, digits)
    digit, outputs, graph, confusions, _activity, weights, history = dashboard.panels
    saved = nn.load(PRETRAINED / f"{preset}.json")
    p = nn.predict(saved.network, dashboard.test.images)
    predicted = p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] >= 0.5).astype(int)
    for row in (3, int(dashboard.mistakes[0])):
        dashboard.show(row)
        answer, actual = saved.classes[predicted[row]], saved.classes[dashboard.test.labels[row]]
        assert texts(digit)[0].endswith(f": {'an' if actual == 8 else 'a'} {actual}")
        right = answer == actual
        assert f"{'right' if right else 'wrong'}: {answer}, " in texts(digit)[1]
        assert digit.verdict.get_color() == (POSITIVE if right else NEGATIVE_TEXT)
        winner = [bar for bar in outputs.bars if to_hex(bar.get_facecolor()) == INK]
        assert [outputs.bars.index(bar) for bar in winner] == [predicted[row]]
        if p.shape[1] > 1:
            assert [bar.get_width() for bar in outputs.bars] == pytest.approx(p[row].tolist())
        assert confusions.frame.get_xy() == (predicted[row] - 0.5, dashboard.test.labels[row] - 0.5)
        assert f"weights into {answer if p.shape[1] > 1 else 2}:" in texts(weights)[0]
        W = saved.network.layers[-2].W
        assert {bars.get_data().values.sum() for bars in weights.bars} == {W.shape[1]}
        assert weights.axes.get_xlabel() == f"value of the {W.shape[1]} weights"
        bold = [text.get_text() for text in graph.outputs if text.get_fontweight() == "bold"]
        assert bold == ([str(answer)] if p.shape[1] > 1 or answer == 2 else [])
        shown = min(row + 1, 50)
        right = int(np.sum((predicted == dashboard.test.labels)[row + 1 - shown : row + 1]))
        assert f"last {shown}: ● {right} right, ✖ {shown - right} wrong" in texts(history)[0]
    assert f"accuracy {np.mean(predicted == dashboard.test.labels):.2%} of {len(predicted)}" in texts(confusions)[0]
    assert len(graph.outputs) == p.shape[1]
    assert len(graph.dots.get_offsets()) == 15 + sum({10: 10, 100: 15, 128: 15, 64: 12, 196: 15}[n] for n in
                                                     saved_units(saved)) + p.shape[1]  # fmt: skip
    window.save(dashboard, tmp_path / "one.png", [], 1)
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def saved_units(saved):
    return [layer.units for layer in saved.network.layers if isinstance(layer, nn.Dense)][:-1]


class Halved(Layer):
    """Adds the second half of the numbers to the first: there are fewer outputs than rows of weights."""

    def output_shape(self, input_shape):
        return (input_shape[0] // 2,)

    def forward(self, x, training=False):
        half = x.shape[1] // 2
        return x[:, :half] + x[:, half:]


@pytest.mark.parametrize(
    ("layers", "weights"),
    [
        ([nn.Softmax()], "no layer has weights for each output"),
        ([nn.Dense(6), Halved(), nn.Softmax()], "no layer has weights for each output"),
        ([nn.Dense(3)], "weights into "),
        ([nn.Dense(200), nn.ReLU(), nn.Dense(3), nn.Sigmoid()], "weights into "),
        (
            [layer for _ in range(9) for layer in (nn.Dense(4), nn.ReLU())] + [nn.Dense(3), nn.Softmax()],
            "weights into ",
        ),
    ],
)
def test_networks_of_any_depth_on_images_that_are_not_square(layers, weights, rng, tmp_path):
    images = rng.integers(0, 256, (12, 1, 3), dtype=np.uint8)
    split = Split(images, (np.arange(12) % 3).astype(np.uint8))
    saved = nn.SavedNetwork(nn.Network(layers, (3,), 0), (0, 1, 2))
    dashboard = Dashboard(saved, Dataset("made up", split, split, "here"))
    assert texts(dashboard.panels[5])[0].startswith(weights)
    window.save(dashboard, tmp_path / "a.png", [], 1)
    dashboard.show(-1)
    assert dashboard.row == 11


# ---- networks with feature maps ----

LENET = "conv2d:8:5 max-pool2d relu conv2d:4:5 max-pool2d relu flatten dense:10 softmax"
DEEP = (
    "conv2d:8:3:padding=same batch-norm relu conv2d:8:3 batch-norm relu max-pool2d conv2d:20:3 relu max-pool2d dropout "
    "conv2d:24:3 relu global-average-pool2d dense:10 softmax"
)


def convolutional(layers, digits):
    network = nn.Network([LAYERS.make(word) for word in layers.split()], (1, 28, 28), 0)
    few = Split(digits.test.images[:40], digits.test.labels[:40])
    return Dashboard(nn.SavedNetwork(network), Dataset("few", digits.train, few, "here"))


def test_feature_maps_are_shown_as_images_and_what_flows_from_each_to_the_units_is_that_of_all_its_pixels(digits):
    dashboard = convolutional(LENET, digits)
    graph = dashboard.panels[2]
    assert [stage.name for stage in graph.stages[1:4:2]] == ["Conv2D", "Conv2D"]
    dashboard.show(5)
    found = stages(dashboard.network, digits.test.images[5][None, None].astype(np.float32) / 255)
    assert {k: len(maps.images) for k, maps in graph.maps.items()} == {0: 1, 1: 6, 2: 6, 3: 4, 4: 4}
    for k, maps in graph.maps.items():
        values = found[k].maps[0]
        chosen = np.sort(np.argsort(-np.abs(values).sum(axis=(1, 2)), kind="stable")[: len(maps.images)])
        for image, channel in zip(maps.images, chosen, strict=True):
            shown = np.asarray(image.get_data())
            assert shown == pytest.approx(values[channel] / np.abs(values).max(), abs=1e-6)
    units, sources = np.arange(10), np.array([2, 0])
    flow = into_units(found[5].W, found[4], found[4].a[0], units, sources)
    pixels = (found[5].W * found[4].a[0]).reshape(10, 4, 16)
    assert flow == pytest.approx(pixels[:, sources].sum(axis=2))
    assert len(graph.edges.get_segments()) == 40  # each of four maps to each of ten units
    labels = [text.get_text() for text in graph.axes.texts]
    assert "⋮\n6 of\n8\n24 × 24" in labels
    assert "\n4 × 4" in labels
    assert "MaxPool\nReLU" in labels


def test_of_a_deep_network_the_first_and_the_last_stages_are_shown(digits):
    dashboard = convolutional(DEEP, digits)
    graph = dashboard.panels[2]
    assert graph.shown == [0, 1, 2, 6, 7, 8]
    labels = [text.get_text() for text in graph.axes.texts]
    assert "… 3 more layers …" in labels
    assert {"Conv\nBatch\nNorm\nReLU", "Global\nAverage\nPool"} <= set(labels)
    assert "dead" in texts(dashboard.panels[4])[1]
    dashboard.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in graph.axes.texts if "\n" in text.get_text()]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


@pytest.mark.parametrize(
    "makes", [lambda digits: made("784-128-64-10", digits), lambda digits: convolutional(LENET, digits)]
)
def test_only_what_moves_is_drawn_again_and_nothing_is_left_behind(makes, digits):
    dashboard = makes(digits)
    canvas = FigureCanvasAgg(dashboard.figure)
    canvas.draw()
    dashboard.keep_still()
    frames = {}
    for row in (0, 5, 0):
        dashboard.show(row)
        dashboard.draw_moving()
        pixels = np.asarray(canvas.buffer_rgba()).copy()
        assert np.array_equal(frames.setdefault(row, pixels), pixels)
    assert not np.array_equal(frames[0], frames[5])


def test_nothing_reaches_beyond_the_window_and_titles_and_texts_do_not_overlap(digits):
    """In a window of 900 × 600 pixels, and at the size that it has at first."""
    pair = [nn.load(PRETRAINED / f"{name}.json") for name in ("784-128-64-10", "784-10-10")]
    for dashboard in [
        *(made(preset, digits) for preset in DENSE),
        Dashboard(nn.SavedEnsemble(pair), digits),
        convolutional(LENET, digits),
        convolutional(DEEP, digits),
    ]:
        FigureCanvasAgg(dashboard.figure)
        Player(dashboard, 1.0)
        still = [text for legend in dashboard.figure.legends for text in legend.get_texts()]
        still += [panel.axes.xaxis.label for panel in dashboard.panels if panel.axes.get_xlabel().strip()]
        still += [text for text in dashboard.panels[2].axes.texts if "\n" in text.get_text()]
        moving = [artist for panel in dashboard.panels for artist in panel.artists if hasattr(artist, "get_text")]
        for size in (dashboard.figure.get_size_inches(), (9, 6)):
            dashboard.figure.set_size_inches(size)
            with styled():
                dashboard.figure.canvas.draw()
            dashboard.show(int(dashboard.mistakes[0]))
            shown = [text for text in (*moving, *still) if text.get_text()]
            boxes = [text.get_window_extent() for text in shown]
            for i, (text, box) in enumerate(zip(shown, boxes, strict=True)):
                assert 0 <= box.x0 < box.x1 <= dashboard.figure.bbox.x1, text
                assert 0 <= box.y0 < box.y1 <= dashboard.figure.bbox.y1, text
                assert not any(box.overlaps(other) for other in boxes[:i]), text


def test_the_signs_have_their_colours_in_lines_bars_and_legend(digits):
    dashboard = made("784-10-10", digits)
    dashboard.show(3)
    graph, weights, history = (dashboard.panels[n] for n in (2, 5, 6))
    legend = dashboard.figure.legends[0]
    said = {
        text.get_text(): line.get_color() for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert said == {"blue: positive, raises the next sum": POSITIVE, "orange: negative, lowers it": NEGATIVE}
    assert {to_hex(colour) for colour in graph.edges.get_colors()} == {POSITIVE, NEGATIVE}
    ((k, W),) = [(k, graph.stages[k].W) for k in graph.shown[-1:]]
    before = stages(dashboard.network, dashboard._inputs(slice(3, 4)))[k].x[0]
    strongest = np.unravel_index(np.abs(W * before).argmax(), W.shape)
    by_height = {round(height, 9): unit for unit, height in enumerate(graph.heights[k])}
    last = [
        (abs_width, to_hex(colour), by_height[round(segment[1][1], 9)])
        for segment, colour, abs_width in zip(
            graph.edges.get_segments(), graph.edges.get_colors(), graph.edges.get_linewidths(), strict=True
        )
        if segment[1][0] == graph.columns[k]
    ]
    sign = POSITIVE if (W * before)[strongest] > 0 else NEGATIVE
    assert max(last)[1:] == (sign, strongest[0])
    assert [to_hex(bars.get_facecolor()) for bars in weights.bars] == [NEGATIVE, POSITIVE]
    assert weights.bars[0].get_data().edges.max() == 0 == weights.bars[1].get_data().edges.min()
    assert (history.right.get_color(), history.wrong.get_color()) == (POSITIVE, NEGATIVE)


def test_no_colour_of_the_answer_says_whether_it_is_right(digits):
    dashboard = made("784-10-10", digits)
    right = int(np.flatnonzero(dashboard.panels[0].subject.answers.right)[0])
    of_answer = []
    for row in (right, int(dashboard.mistakes[0])):
        dashboard.show(row)
        bar = dashboard.panels[1].bars[dashboard.panels[0].subject.answers.predicted[row]]
        (output,) = [text for text in dashboard.panels[2].outputs if text.get_fontweight() == "bold"]
        of_answer += [to_hex(bar.get_facecolor()), to_hex(output.get_color())]
    assert set(of_answer) == {INK}


def test_the_keys_are_told_in_a_window_and_only_there(digits):
    dashboard = made("784-10-10", digits)
    FigureCanvasAgg(dashboard.figure)
    assert len(dashboard.figure.legends) == 1
    Player(dashboard, 1.0)
    told = dashboard.figure.legends[1].get_texts()[0].get_text()
    assert all(part in told for part in ("space: pause", "← →: step", "e: next mistake"))


def test_keys_pause_step_and_jump_to_mistakes(digits):
    dashboard = made("784-10-10", digits)
    FigureCanvasAgg(dashboard.figure)
    dashboard.figure.canvas.blit = lambda _: None
    player = Player(dashboard, 1.0)
    dashboard.figure.canvas.draw()  # its event keeps the still picture

    def press(key):
        player.press(SimpleNamespace(key=key))
        return dashboard.row

    player._tick()
    assert (dashboard.row, player.playing) == (1, True)
    press(" ")
    player._tick()
    assert (dashboard.row, player.playing) == (1, False)
    assert [press("right"), press("right"), press("left")] == [2, 3, 2]
    mistakes = dashboard.mistakes.tolist()
    assert [press("e") for _ in mistakes] == [row for row in mistakes if row > 2] + [
        row for row in mistakes if row <= 2
    ]
    press(" ")
    dashboard.show(len(dashboard.test) - 1)
    player._tick()
    assert dashboard.row == 0
    assert press("x") == 0


WINDOW = """\
from matplotlib import pyplot, rcParams
from matplotlib.backend_bases import FigureManagerBase, KeyEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg

class FigureManager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, *, block=None):
        canvas = pyplot.gcf().canvas
        canvas.draw()
        for key in (" ", "right", "right", "left", "e"):
            KeyEvent("key_press_event", canvas, key)._process()
        print(rcParams["keymap.back"], canvas.blits, len(canvas.timers))

class FigureCanvas(FigureCanvasAgg):
    required_interactive_framework = "headless"
    manager_class = FigureManager
    blits, timers = 0, []

    def blit(self, box):
        self.blits += 1

    def new_timer(self, interval):
        self.timers.append(interval)
        assert interval == 250
        return super().new_timer(interval)
"""


def test_the_window_takes_keys_and_is_drawn_over(tmp_path):
    """In a made-up window system that needs no display."""
    (tmp_path / "window_backend.py").write_text(WINDOW)
    environment = {"MPLBACKEND": "module://window_backend", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    result = run(*OPTIONS, "--seconds", 0.25, **environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "[] 4 1\n"


# ---- as a user runs it ----


def test_a_picture_and_an_animation_without_a_display(tmp_path):
    result = run(*OPTIONS, "--save", tmp_path / "a.png", "--start", 7)
    assert (result.returncode, result.stdout) == (0, f"saved {tmp_path / 'a.png'}\n"), result.stderr
    result = run(*OPTIONS, "--save", tmp_path / "a.gif", "--frames", 3, "--seconds", 0.5)
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "a.gif") as animation:
        assert (animation.n_frames, animation.info["duration"]) == (3, 500)


def test_what_cannot_be_done_is_said_in_one_line(tmp_path, monkeypatch):
    assert (
        "there is no display (matplotlib's backend is agg); save a picture or an animation instead: --save"
        in refusal(run(*OPTIONS, WAYLAND_DISPLAY=None))
    )
    assert "expected a name that ends in .png" in refusal(run(*OPTIONS, "--save", tmp_path / "a.jpg"))
    assert "--start 360: expected 0 to 359" in refusal(run(*OPTIONS, "--start", 360, "--save", tmp_path / "a.png"))
    line = refusal(run(*OPTIONS, "--save", tmp_path / "a.mp4", PATH=str(tmp_path)))
    assert line.startswith("python -m nn_from_scratch.dashboard: error: ")
    assert "needs the program ffmpeg, which isn't installed: install it, or save a .gif" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for ffmpeg is a shell script")
def test_mp4_hands_every_frame_to_ffmpeg(tmp_path):
    """With a stand-in for ffmpeg, which writes what it is given to the file that it is told."""
    (tmp_path / "ffmpeg").write_text('#!/bin/sh\nfor name in "$@"; do :; done\ncat > "$name"\n')
    (tmp_path / "ffmpeg").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    result = run(*OPTIONS, "--save", tmp_path / "a.mp4", "--frames", 2, PATH=path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "a.mp4").stat().st_size == 2 * 4 * (10 * 80) * (6.7 * 80)


CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def test_with_long_names_no_text_meets_another_panel_in_a_small_window(digits):
    saved = nn.load(PRETRAINED / "784-128-64-10.json")
    saved.class_names, saved.noun = CLOTHES, "fashion item"
    dashboard = Dashboard(saved, digits)
    dashboard.figure.set_size_inches(9, 6)  # 900 × 600 pixels
    row = int(np.argmax(dashboard.test.labels == 9))
    dashboard.show(row)
    sample, outputs, graph, confusions, _, weights, _ = dashboard.panels
    renderer = FigureCanvasAgg(dashboard.figure).get_renderer()
    dashboard.figure.draw(renderer)
    assert texts(sample)[0] == f"image {row}: an ankle boot"
    assert [label.get_text() for label in outputs.axes.get_yticklabels()] == list(CLOTHES)
    assert [text.get_text() for text in graph.outputs] == list(CLOTHES)
    assert texts(weights)[0].startswith("ankle boot: ")
    left = min(label.get_window_extent(renderer).x0 for label in outputs.axes.get_yticklabels())
    assert max(text.get_window_extent(renderer).x1 for text in graph.outputs) < left
    assert sample.title.get_window_extent(renderer).x1 < graph.title.get_window_extent(renderer).x0
    window_ = dashboard.figure.bbox
    for panel in dashboard.panels:
        assert panel.title.get_window_extent(renderer).x1 < window_.x1
    for label in (*confusions.axes.get_xticklabels(), *confusions.axes.get_yticklabels()):
        box = label.get_window_extent(renderer)
        assert window_.x0 <= box.x0 <= box.x1 <= window_.x1
        assert window_.y0 <= box.y0


def test_colour_and_other_proportions(rng):
    split = Split(rng.integers(0, 256, (6, 3, 8, 12), np.uint8), np.arange(6, dtype=np.uint8) % 2)
    data = Dataset("fruit", split, split, "made up", class_names=("lime", "apple"), noun="fruit")
    network = nn.Network([nn.Conv2D(2, 3), nn.ReLU(), nn.Flatten(), nn.Dense(2), nn.Softmax()], (3, 8, 12), seed=0)
    dashboard = Dashboard(nn.SavedNetwork(network, (0, 1), class_names=("lime", "apple"), noun="fruit"), data)
    dashboard.show(1)
    drawn = np.asarray(dashboard.panels[0].picture.get_array())
    assert np.array_equal(drawn, split.images[1].transpose(1, 2, 0))
    assert texts(dashboard.panels[0])[0] == "image 1: an apple"


def test_what_is_no_picture_is_refused():
    split = Split(np.zeros((4, 2), np.float32), np.arange(4, dtype=np.uint8) % 2)
    saved = nn.SavedNetwork(nn.Network([nn.Dense(2), nn.Softmax()], (2,), seed=0), (0, 1))
    with pytest.raises(nn.BadInput, match="spiral has samples of 2 numbers: the dashboard shows images"):
        Dashboard(saved, Dataset("spiral", split, split, "made up"))

"""Blue is positive and orange negative wherever the page draws a sign, and what it says is so: for any optimizer, any
output and both themes."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nn_from_scratch import Dense, Network, ReLU, SavedNetwork, Sigmoid, Softmax, train_step
from nn_from_scratch.words import name_of
from tests.new_parts import LeakyReLU
from tests.web.browser.conftest import Open, command, exact, until
from tests.web.conftest import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

THEMES = {"light": (255, 255, 255), "dark": (16, 18, 20)}  # and the colour of its paper


def show(page: Page, theme: str) -> None:
    """Have the page drawn in this theme."""
    page.emulate_media(color_scheme=theme)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(b64decode(packed["data"]), np.int8) * packed["scale"]


def pixels(page: Page, selector: str) -> np.ndarray:
    """A canvas, (rows, columns, RGBA)."""
    png = b64decode(page.eval_on_selector(selector, "canvas => canvas.toDataURL()").partition(",")[2])
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA"))


def fillings(page: Page, selector: str) -> np.ndarray:
    """The colours of bars, (bars, RGB)."""
    colours = page.eval_on_selector_all(selector, "all => all.map(e => getComputedStyle(e, '::after').backgroundColor)")
    return np.array([[int(part) for part in re.findall(r"\d+", colour)] for colour in colours])


def hues(colours: np.ndarray) -> np.ndarray:
    """1 where a colour is blue, −1 where it is orange, 0 where it is neither. (…, RGB) → (…)"""
    red, blue = colours[..., 0].astype(int), colours[..., 2].astype(int)
    return np.where(blue - red > 40, 1, np.where(red - blue > 40, -1, 0))


def signs(values: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Those of the values that must be seen in a picture of full scale `most`, and where they are."""
    clear = np.abs(values) > 0.3 * most
    return np.sign(values[clear]), clear


def test_tiles_and_a_neurons_pictures_are_blue_where_positive(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    until(page, lambda: page.inner_text("#tiles-gradients-scale") != "±0", "the gradients of the step")
    dense = live_server.trainer.run.network.layers[0]
    size = (page.eval_on_selector("#tiles-weights", "canvas => canvas.clientWidth") + 4) / 6 - 4
    centres = (np.arange(28) + 0.5) * size / 28
    rows, columns = centres.astype(int), (centres + size + 4).astype(int)  # of the second tile: the first may be marked
    parts = {"weights": dense.W, "gradients": dense.dW}
    for theme in THEMES:
        show(page, theme)
        for part, values in parts.items():
            expected, clear = signs(values[1], np.abs(values[:36]).max(axis=1).mean())
            assert len(expected) > 50
            shown = hues(pixels(page, f"#tiles-{part}")[np.ix_(rows, columns)]).ravel()
            np.testing.assert_array_equal(shown[clear], expected)
        page.click("#tiles-weights", position={"x": size + 10, "y": 5})
        page.wait_for_selector("#inspector[data-neuron='1'][data-z] canvas")
        trainer = live_server.trainer
        own = trainer.ask(trainer.neuron, 0, 1)
        for number, name in ((2, "weights"), (3, "products"), (4, "gradient")):
            values = unpacked(own[name])
            expected, clear = signs(values, np.abs(values).max())
            assert len(expected) > 5
            picture = pixels(page, f"#inspector .products figure:nth-child({number}) canvas")
            places = ((np.arange(28) + 0.5) * 92 / 28).astype(int)
            np.testing.assert_array_equal(hues(picture[np.ix_(places, places)]).ravel()[clear], expected)
        page.keyboard.press("Escape")


def test_deltas_biases_and_products_are_blue_where_positive(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    page.check("#phases")
    page.locator("#forward .neurons button[data-layer='0']").first.click()
    page.wait_for_selector("#inspector[data-layer='0'][data-z]")
    output = live_server.trainer.ask(live_server.trainer.frame)["layers"][1]
    deltas = unpacked(output["deltas"])
    assert {-1, 1} <= set(np.sign(deltas))
    strip = "#strips canvas[data-layer='1']"
    cell = min(30, page.eval_on_selector(strip, "canvas => canvas.clientWidth") / 10)
    columns = ((np.arange(10) + 0.5) * cell).astype(int)
    centres = page.eval_on_selector_all(
        "#backward .neurons button[data-layer='1']",
        """all => all.sort((a, b) => a.dataset.neuron - b.dataset.neuron)
            .map(e => [parseFloat(e.style.left) + e.offsetWidth / 2, parseFloat(e.style.top) + e.offsetHeight / 2])""",
    )
    x, y = np.array(centres).astype(int).T
    for theme in THEMES:
        show(page, theme)
        for row, values in {1: deltas, 2: unpacked(output["biases"])}.items():
            expected, clear = signs(values, np.abs(values).max())
            np.testing.assert_array_equal(hues(pixels(page, strip)[row * 15 + 6, columns])[clear], expected)
        expected, clear = signs(deltas, np.abs(deltas).max())
        np.testing.assert_array_equal(hues(pixels(page, "#backward canvas")[y, x])[clear], expected)
        for bars, values in {
            "#backward .outputs .bar": exact(page, "#backward .outputs li"),
            "#inspector .bar": exact(page, "#inspector [data-name=product]"),
        }.items():
            np.testing.assert_array_equal(hues(fillings(page, bars)), np.sign(values))


def test_edges_are_blue_where_positive(live_server: LiveServer, open_page: Open) -> None:
    """All weights into the outputs are given one sign, and then the other; hidden activations are above 0."""
    page = open_page(live_server.url)
    trainer = live_server.trainer
    lines = page.evaluate(
        """() => {
            const [hidden, output] = [0, 1].map((layer) =>
                document.querySelector(`#forward .neurons button[data-layer='${layer}']`).offsetLeft);
            return [Math.round(hidden + (output - hidden) / 3), Math.round(output - (output - hidden) / 3)];
        }"""
    )

    def turn(sign: int) -> None:
        W = trainer.run.network.layers[2].W
        W[...] = sign * np.abs(W)
        trainer.publish(whole=True)

    def shown() -> set[int]:
        part = pixels(page, "#forward canvas")[:, slice(*lines)]
        return set(hues(part[part[..., 3] > 200]).ravel().tolist()) - {0}

    for theme in THEMES:
        show(page, theme)
        for sign in (1, -1):
            trainer.ask(turn, sign)
            for edges in ("weight", "flow"):
                page.check(f"#edges-{edges}", force=True)
                until(page, lambda sign=sign: shown() == {sign}, f"edges of sign {sign} alone")


def test_the_colour_of_a_neuron_is_the_stronger_the_more_active_it_is(
    own_parts: None, live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    layers = [Dense(30), LeakyReLU(slope=1), Dense(10), Softmax()]
    trainer.ask(trainer.adopt, SavedNetwork(Network(layers, (784,), seed=0)))
    page.locator("#strips h3", has_text="hidden layer, 30 leaky-relu").wait_for()
    activations = unpacked(trainer.ask(trainer.frame)["layers"][0]["activations"])
    assert min(activations) < 0 < max(activations)
    cell = min(30, page.eval_on_selector("#strips canvas", "canvas => canvas.clientWidth") / 30)
    columns = ((np.arange(30) + 0.5) * cell).astype(int)
    for theme, paper in THEMES.items():
        show(page, theme)
        colours = pixels(page, "#strips canvas")[6, columns, :3]
        assert (hues(colours)[activations < -0.3 * np.abs(activations).max()] == -1).all()
        assert (hues(colours)[activations > 0] == 0).all()
        for side in (activations >= 0, activations < 0):
            strength = np.abs(colours[side] - np.array(paper)).sum(axis=1)[np.argsort(np.abs(activations[side]))]
            assert (np.diff(strength) >= 0).all()
            assert strength[-1] > strength[0] + 50
    assert not re.search("dark|light|bright|pale", texts(page)["network"]), "true in one theme only"


def texts(page: Page) -> dict[str, str]:
    return page.evaluate("async () => (await import('/static/explain.js')).TEXTS")


def test_what_is_said_of_the_outputs_is_so(own_parts: None, live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    assert page.get_attribute("#forward .outputs", "data-explain") == "outputs"
    for last, outputs in ((Sigmoid(), 10), (Softmax(), 10), (ReLU(), 10), (LeakyReLU(), 10), (Sigmoid(), 1)):
        network = Network([Dense(9), ReLU(), Dense(outputs), last], (784,), seed=0)
        trainer.ask(trainer.adopt, SavedNetwork(network, tuple(range(max(2, outputs)))))
        page.locator("#strips h3", has_text=f"output layer, {outputs} {name_of(type(last))}").wait_for()
        shown = np.array(exact(page, "#forward .outputs li"))
        one_certainty = bool(abs(shown.sum() - 1) < 1e-5)
        said = texts(page)["outputs"]
        assert ("sum to 1" in said) == ("probabilities" in said) == one_certainty
        assert ("need not add up to 1" in said) != one_certainty
        assert "between 0 and 1" not in said
        np.testing.assert_array_equal(hues(fillings(page, "#forward .outputs .bar")), np.where(shown < 0, -1, 0))
        assert (shown < 0).any() == isinstance(last, LeakyReLU)


def test_what_is_said_of_the_gradients_is_so(live_server: LiveServer, open_page: Open) -> None:
    """A weight moved against its gradient makes the batch's loss smaller; SGD moves every weight so, Adam does not."""
    said = texts(open_page(live_server.url))["tiles_gradients"]
    assert "where a pixel is blue, a smaller weight would be better" in said
    assert "Plain SGD moves the weight that way" in said
    assert "such as Adam, often moves it the other way" in said

    run = live_server.trainer.run
    network, batches = run.network, run.batches
    recipe = run.recipe.override(optimizer="sgd")
    for optimizer, rate in ((recipe.make_optimizer(), 0.5), (run.optimizer, run.recipe.learning_rate)):
        against = moved = 0
        for start in range(0, 1024, 64):
            x, t = batches.batch(batches.order(0)[start : start + 64], 0)
            before = network.parameters.copy()
            train_step(network, run.loss, optimizer, rate, x, t)
            sign = np.sign(network.gradients) * np.sign(network.parameters - before)
            against, moved = against + np.count_nonzero(sign < 0), moved + np.count_nonzero(sign)
        share = against / moved
        assert share == 1 if optimizer is not run.optimizer else 0.5 < share < 0.8, (optimizer, share)

    network = run.recipe.make_network(seed=0, dtype=np.float64)
    network.restore(run.network.snapshot())
    x, t = x.astype(float), t.astype(float)
    network.backward(run.loss, network.forward(x, training=True), t)
    loss = run.loss.value(network.forward(x), t)
    W, dW = network.layers[0].W.ravel(), network.layers[0].dW.ravel().copy()
    for i in np.argsort(-np.abs(dW))[:20]:
        was = W[i]
        W[i] -= 1e-3 * np.sign(dW[i])
        assert run.loss.value(network.forward(x), t) < loss
        W[i] = was

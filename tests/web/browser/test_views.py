"""What the views show is what the network holds: compared with NumPy, number by number."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nn_from_scratch.training import predict
from tests.web.browser.conftest import Open, command, exact, sum_shown, until
from tests.web.conftest import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


def example(server: LiveServer) -> np.ndarray:
    """The digit that is shown, as the network takes it."""
    index = server.trainer.ask(server.trainer.frame)["example"]["index"]
    return server.trainer.run.validation.images[index].reshape(784) / 255


def test_the_outputs_are_the_networks(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    frame = live_server.trainer.ask(live_server.trainer.frame)
    image = live_server.trainer.run.validation.images[frame["example"]["index"]]
    p = predict(live_server.trainer.run.network, image[np.newaxis])[0]
    np.testing.assert_allclose(exact(page, "#forward .outputs li"), p, rtol=1e-6)
    assert page.inner_text("#forward .outputs .answer .name") == str(p.argmax())
    assert page.inner_text("#forward .outputs .target .name") == str(frame["example"]["label"])
    assert f"says {p.argmax()} (output {p.max():.2f})" in page.inner_text("#verdict")


def test_a_neurons_sum_adds_up_to_its_z(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    for layer in (0, 1):
        page.locator(f"#forward .neurons button[data-layer='{layer}']").nth(4).click()
        page.wait_for_selector(f"#inspector[data-layer='{layer}'][data-z]")
        check_the_sum(page, live_server, layer)
        page.keyboard.press("Escape")


def check_the_sum(page: Page, live_server: LiveServer, layer: int) -> None:
    products = exact(page, "#inspector [data-name=product]")
    assert len(products) == 16
    assert products == sorted(products[:8], reverse=True) + sorted(products[8:])
    np.testing.assert_allclose(
        np.multiply(exact(page, "#inspector [data-name=w]"), exact(page, "#inspector [data-name=x]")), products
    )
    z = float(page.get_attribute("#inspector", "data-z"))
    assert sum(products) + sum_shown(page, "others") + sum_shown(page, "bias") == pytest.approx(z, abs=1e-6)
    assert sum_shown(page, "sum") + sum_shown(page, "bias") == pytest.approx(z, abs=1e-6)

    neuron = int(page.get_attribute("#inspector", "data-neuron"))
    first, second = (live_server.trainer.run.network.layers[i] for i in (0, 2))
    x = example(live_server)
    if layer:
        x, first = 1 / (1 + np.exp(-(x @ first.W.T + first.b))), second
    assert x @ first.W[neuron] + first.b[neuron] == pytest.approx(z, abs=1e-5)
    assert sum_shown(page, "activation") == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-6)


def test_the_inspector_stays_alive_while_training(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    page.locator("#strips canvas[data-layer='0']").click(position={"x": 30, "y": 10})
    page.wait_for_selector("#inspector[data-z]")
    seen = {page.get_attribute("#inspector", "data-z")}
    page.click("#start")

    def three_values() -> bool:
        seen.add(page.get_attribute("#inspector", "data-z"))
        return len(seen) >= 3

    until(page, three_values, "three different sums")
    page.keyboard.press("Escape")
    page.wait_for_selector("#inspector", state="hidden")


def test_gradients_are_those_of_the_last_batch(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    layers = [live_server.trainer.run.network.layers[i] for i in (0, 2)]
    gradients = [np.concatenate([layer.dW.ravel(), layer.db]).astype(float) for layer in layers]
    norms = exact(page, "#layers .value[data-value]")
    means = exact(page, "#layers td[data-value]")
    np.testing.assert_allclose(norms, [np.linalg.norm(g) for g in gradients], rtol=1e-5)
    np.testing.assert_allclose(means, [np.abs(g).mean() for g in gradients], rtol=1e-5)
    assert float(page.get_attribute("#gradient-check", "data-value")) < 1e-6
    assert "✓" in page.inner_text("#gradient-check")


def test_a_confusion_cell_opens_exactly_the_images_it_counts(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-epoch", "[data-state=training], body[data-step]")
    until(page, lambda: page.inner_text("#epoch") == "1.00", "the end of the epoch")
    page.wait_for_selector("body[data-state=paused]")
    validation = live_server.trainer.run.validation
    predicted = predict(live_server.trainer.run.network, validation.images).argmax(axis=1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (validation.labels, predicted), 1)
    shown = [int(text) for text in page.locator("#confusion button").all_inner_texts()]
    np.testing.assert_array_equal(np.reshape(shown, (10, 10)), counts)

    wrong = counts - np.diag(np.diag(counts))
    cells = [np.unravel_index(wrong.argmax(), wrong.shape), np.unravel_index(counts.argmax(), counts.shape)]
    for actual, answer in cells:
        page.click(f"#confusion [data-actual='{actual}'][data-predicted='{answer}']")
        page.wait_for_selector("#images figure")
        expected = np.flatnonzero((validation.labels == actual) & (predicted == answer))
        figures = page.eval_on_selector_all("#images figure", "all => all.map(e => Number(e.dataset.index))")
        assert figures == expected.tolist()
        assert page.inner_text("#images-note").startswith(f"{len(expected)} image")
        first = page.evaluate(
            """() => {
                const canvas = document.querySelector("#images canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, 56, 56);
                return Array.from({ length: 784 }, (_, i) => data[4 * (2 * Math.floor(i / 28) * 56 + 2 * (i % 28))]);
            }"""
        )
        paper, ink = 255, 0x14  # the red of --image-paper and --image-ink in the light theme
        np.testing.assert_allclose(
            (paper - np.array(first)) / (paper - ink) * 255, validation.images[expected[0]].ravel(), atol=1.2
        )
        page.keyboard.press("Escape")
        page.wait_for_selector("#images", state="hidden")


def test_the_curves_last_values_are_in_words(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    for step in (1, 2, 3):
        command(page, "#step-batch", f"[data-step='{step}']")
    history = live_server.trainer.ask(live_server.trainer.history)
    step, loss, accuracy = history["validation"][-1]
    assert step == 3
    assert page.inner_text("#loss-validation") == f"{loss:.3g}"
    assert page.inner_text("#accuracy-validation") == f"{accuracy:.1%}".replace("%", " %")
    assert page.inner_text("#loss-training") == f"{history['points'][-1].loss:.3g}"
    page.focus("#loss-curve")
    page.press("#loss-curve", "ArrowLeft")
    assert page.inner_text("#explanation").startswith("Step ")


def test_edges_switch_between_weights_and_what_flows(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    picture = "document.querySelector('#forward canvas').toDataURL()"
    page.check("#phases")  # one layout for both pictures
    page.mouse.move(0, 0)
    before = until(page, lambda: page.evaluate(picture), "a picture")
    page.check("#edges-flow", force=True)
    until(page, lambda: page.evaluate(picture) != before, "another picture")
    page.check("#edges-weight", force=True)
    until(page, lambda: page.evaluate(picture) == before, "the first picture again")


def test_neurons_keep_their_places(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)

    def places() -> list[list[str]]:
        return page.eval_on_selector_all(
            "#forward .neurons button[data-layer='0']", "all => all.map(b => [b.dataset.neuron, b.style.top])"
        )

    first = places()
    assert [int(neuron) for neuron, _ in first] == [i * 100 // 24 for i in range(24)]
    for step in range(1, 6):
        command(page, "#step-batch", f"[data-step='{step}']")
        assert places() == first


def test_the_modules_arithmetic(live_server: LiveServer, open_page: Open) -> None:
    """Decoding, as a function."""
    page = open_page(live_server.url)
    values = np.array([-127, -1, 0, 5, 127], np.int8)
    decoded = page.evaluate(
        "async packed => Array.from((await import('/static/decode.js')).unpack(packed))",
        {"scale": 0.5, "data": b64encode(values.tobytes()).decode()},
    )
    assert decoded == (values * 0.5).tolist()

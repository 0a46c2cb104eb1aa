"""The menus hold what can be chosen, parts that somebody added included, and these are drawn like any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nn_from_scratch import Dense, Network, SavedNetwork, Softmax, save
from nn_from_scratch.layers import LAYERS, Activation
from nn_from_scratch.optimizers import OPTIMIZERS
from tests.new_parts import LeakyReLU
from tests.web.browser.conftest import (
    Open,
    choose_preset,
    command,
    exact,
    set_number,
    show,
    sum_shown,
    type_hidden,
    until,
)
from tests.web.conftest import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


def options(page: Page, selector: str) -> dict[str, str]:
    """The values of a menu and how each is called."""
    read = "all => all.map(option => [option.value, option.textContent])"
    return dict(page.eval_on_selector_all(f"{selector} option", read))


def activations() -> dict[str, str]:
    """Those of hidden layers: all but softmax."""
    found = {name: layer.__name__ for name, layer in LAYERS.items() if issubclass(layer, Activation)}
    assert found.pop("softmax") == "Softmax"
    return found


def test_the_menus_are_the_tables_and_show_the_present(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    assert options(page, "#optimizer") == {name: optimizer.__name__ for name, optimizer in OPTIMIZERS.items()}
    assert options(page, "#activation") == activations()
    assert list(options(page, "#optimizer")) == list(OPTIMIZERS)
    assert (page.input_value("#optimizer"), page.input_value("#activation")) == ("adam", "sigmoid")
    choose_preset(page, "784-128-64-10-sigmoid", run=2)
    assert (page.input_value("#optimizer"), page.input_value("#activation")) == ("sgd", "sigmoid")
    choose_preset(page, "784-10-10", run=3)
    assert (page.input_value("#optimizer"), page.input_value("#activation")) == ("adam", "relu")


def test_choosing_the_present_optimizer_keeps_its_settings(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    before = live_server.trainer.run.optimizer
    with page.expect_response("**/api/settings"):
        page.dispatch_event("#optimizer", "change")
    assert live_server.trainer.run.optimizer is before
    assert live_server.trainer.recipe.optimizer == "adam:weight-decay=0.03"


def test_another_optimizer_takes_its_own_rate_and_learns(live_server: LiveServer, open_page: Open) -> None:
    """At the rate of the preset's Adam, SGD hardly moves."""
    page = open_page(live_server.url)
    trainer = live_server.trainer
    choose_preset(page, "784-10-10", run=2)
    before = trainer.recipe
    set_number(page, "#epoch-target", 5)
    with page.expect_response("**/api/settings"):
        page.select_option("#optimizer", "sgd")
    assert trainer.recipe == before.override(optimizer="sgd")
    assert trainer.recipe.learning_rate != before.learning_rate
    rate = lambda: float(page.input_value("#learning-rate-number"))  # noqa: E731
    until(page, lambda: rate() == trainer.recipe.learning_rate, "the optimizer's own rate")
    page.click("#start")
    page.wait_for_selector("body[data-state=finished]")
    until(page, lambda: page.inner_text("#epoch") == "5.00", "the last frame")
    for accuracy in ("#accuracy-training", "#accuracy-validation"):
        assert float(page.inner_text(accuracy).removesuffix(" %")) > 80


def test_an_own_activation_and_an_own_optimizer_are_chosen_trained_and_drawn(
    own_parts: None, live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    assert options(page, "#optimizer")["sign-descent"] == "SignDescent"
    assert options(page, "#activation")["leaky-relu"] == "LeakyReLU"
    assert "threshold" not in options(page, "#activation")
    type_hidden(page, "12 8")
    page.select_option("#activation", "leaky-relu")
    until(page, lambda: trainer.recipe.layers[:4] == ("dense:12", "leaky-relu", "dense:8", "leaky-relu"), "the network")
    with page.expect_response("**/api/settings"):
        page.select_option("#optimizer", "sign-descent")
    chosen = lambda: (page.input_value("#activation"), page.input_value("#optimizer"))  # noqa: E731
    until(page, lambda: chosen() == ("leaky-relu", "sign-descent"), "the stream's news of the choice")
    show(page, "latest")
    assert float(page.get_attribute("#gradient-check", "data-value")) < 1e-6
    set_number(page, "#learning-rate-number", 0.002)
    before = trainer.run.network.parameters.copy()

    command(page, "#step-batch", "[data-step='1']")

    step = np.sign(trainer.run.network.gradients) * np.float32(0.002)
    np.testing.assert_array_equal(trainer.run.network.parameters, before - step)
    assert page.locator("#forward .neurons button").count() == 12 + 8 + 10
    assert page.locator("#strips h3").all_inner_texts() == [
        "hidden layer 1, 12 leaky-relu",
        "hidden layer 2, 8 leaky-relu",
        "output layer, 10 sigmoid",
    ]
    rows = page.locator("#layers tr")
    assert rows.locator("th").all_inner_texts() == page.locator("#strips h3").all_inner_texts()
    silent = [row.locator("td").last.inner_text() for row in rows.all()]
    assert silent[:2] == ["–", "–"]
    assert silent[2].endswith(" % saturated")

    # A neuron below zero, exactly: its activation is a tenth of its sum, and it is drawn although it is negative.
    frame = trainer.ask(trainer.frame)
    x = trainer.run.learning.images[frame["example"]["index"]].reshape(784) / 255
    z = trainer.run.network.layers[0].W @ x + trainer.run.network.layers[0].b
    lowest = int(z.argmin())
    assert z[lowest] < 0
    page.click(f"#forward .neurons button[data-layer='0'][data-neuron='{lowest}']")
    page.wait_for_selector(f"#inspector[data-neuron='{lowest}'][data-z]")
    assert "leaky-relu(z)" in page.inner_text("#inspector")
    assert sum_shown(page, "z") == pytest.approx(z[lowest], abs=1e-5)
    assert sum_shown(page, "activation") == pytest.approx(0.1 * z[lowest], abs=1e-6)
    assert np.isfinite(exact(page, "#layers [data-value]")).all()
    page.keyboard.press("Escape")

    command(page, "#start", "[data-state=training]")
    page.wait_for_selector("body[data-state=training]:not([data-step='1'])")
    command(page, "#start", "[data-state=paused]")
    json.dumps(trainer.ask(trainer.frame), allow_nan=False)


def test_activations_are_drawn_up_to_the_largest_unless_they_can_be_no_larger_than_1(
    live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url)
    most = "async ([type, values]) => (await import('/static/decode.js')).fullActivation({ type }, values)"
    for kind in ("relu", "leaky-relu", "whatever"):
        assert page.evaluate(most, [kind, [-3, 0.5, 2]]) == 3
        assert page.evaluate(most, [kind, [0, 0]]) == 1
    for kind in ("sigmoid", "softmax"):
        assert page.evaluate(most, [kind, [0.1, 0.2]]) == 1


def test_an_uploaded_activation_with_settings_is_shown_and_kept(
    own_parts: None, live_server: LiveServer, open_page: Open, tmp_path: pytest.TempPathFactory
) -> None:
    """Its word is no name on the menu, so it is an option of its own as long as it is there."""
    page = open_page(live_server.url)
    trainer = live_server.trainer
    menu = options(page, "#activation")
    for run, slope in ((2, 0.25), (3, 0.5)):
        layers = [Dense(9), LeakyReLU(slope), Dense(8), LeakyReLU(slope), Dense(10), Softmax()]
        save(SavedNetwork(Network(layers, (784,), seed=0)), tmp_path / "own.json")
        page.set_input_files("#upload-file", tmp_path / "own.json")
        page.wait_for_selector(f"body[data-run='{run}']")
        word = f"leaky-relu:slope={slope}"
        until(page, lambda word=word: page.input_value("#activation") == word, "the word of the upload")
        assert options(page, "#activation") == {**menu, word: word}
        page.locator("#strips h3", has_text="hidden layer 1, 9 leaky-relu").wait_for()  # its first frame

    command(page, "#restart", "[data-run='4']")
    assert trainer.recipe.layers[1:4:2] == ("leaky-relu:slope=0.5",) * 2
    type_hidden(page, "7 6 5")
    until(page, lambda: trainer.recipe.sizes == (784, 7, 6, 5, 10), "the network")
    assert trainer.recipe.layers[1:6:2] == ("leaky-relu:slope=0.5",) * 3
    command(page, "#step-batch", "[data-step='1']")
    page.select_option("#activation", "leaky-relu")
    until(page, lambda: trainer.recipe.layers[1:6:2] == ("leaky-relu",) * 3, "the activation")
    assert trainer.recipe.sizes == (784, 7, 6, 5, 10)
    until(page, lambda: options(page, "#activation") == menu, "the menu without the upload's word")

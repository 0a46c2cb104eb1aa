"""Start, pause, step, rewind and the settings do exactly what they say, compared with NumPy and with the trainer."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nn_from_scratch import load
from nn_from_scratch.web.hub import Event, Watch
from tests.web.browser.conftest import (
    Open,
    ask,
    choose_preset,
    command,
    exact,
    refusal,
    set_number,
    show,
    step_of,
    sum_shown,
    until,
    wait_for_step,
)
from tests.web.conftest import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Route


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("weight_decay", [0, 0.03])
def test_one_batch_moves_the_weights_that_are_shown_as_numpy_does(
    live_server: LiveServer, open_page: Open, weight_decay: float
) -> None:
    """784-100-10, squared error, SGD, plain and with weight decay, written out once more without the package."""
    page = open_page(live_server.url)
    trainer = live_server.trainer
    with page.expect_response("**/api/settings"):
        page.select_option("#optimizer", "sgd")
    assert trainer.recipe.optimizer == "sgd"
    until(page, lambda: float(page.input_value("#weight-decay") or 0) == 0, "SGD's weight decay instead of Adam's")
    if weight_decay:
        set_number(page, "#weight-decay", weight_decay)
    show(page, "latest")
    set_number(page, "#learning-rate-number", 2)
    set_number(page, "#batch-size", 20)
    (W1, b1), (W2, b2) = (
        [getattr(trainer.run.network.layers[i], name).astype(np.float64) for name in "Wb"] for i in (0, 2)
    )
    order = trainer.run.batches.order(0)[:20]
    x = trainer.run.learning.images[order].reshape(20, 784) / 255
    t = np.eye(10)[trainer.run.learning.labels[order]]

    command(page, "#step-batch", "[data-step='1']")

    h = sigmoid(x @ W1.T + b1)
    p = sigmoid(h @ W2.T + b2)
    d2 = 2 * (p - t) / p.size * p * (1 - p)
    d1 = d2 @ W2 * h * (1 - h)
    keep = 1 - 2 * weight_decay
    new_W1, new_b1 = keep * W1 - 2 * d1.T @ x, keep * b1 - 2 * d1.sum(axis=0)
    assert np.abs(new_W1 - W1).max() > 1e-3, "the step should be seen"
    assert page.inner_text("#loss-training") == f"{np.square(p - t).mean():.3g}"

    page.locator("#forward .neurons button[data-layer='0']").first.click()
    page.wait_for_selector("#inspector[data-layer='0'][data-z]")
    neuron = int(page.get_attribute("#inspector", "data-neuron"))
    rows = page.eval_on_selector_all("#inspector tr[data-input]", "rows => rows.map(row => Number(row.dataset.input))")
    assert len(rows) == 16
    np.testing.assert_allclose(exact(page, "#inspector [data-name=w]"), new_W1[neuron, rows], atol=1e-6)
    assert sum_shown(page, "bias") == pytest.approx(new_b1[neuron], abs=1e-6)
    assert sum_shown(page, "z") == pytest.approx(new_W1[neuron] @ x[-1] + new_b1[neuron], abs=1e-5)


def test_nothing_moves_before_start_nor_after_pause(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    parameters = live_server.trainer.run.network.parameters
    first = parameters.copy()
    assert step_of(page) == 0
    assert page.inner_text("#start") == "Start training"
    command(page, "#start", "[data-state=training]")
    until(page, lambda: step_of(page) > 20, "some steps")
    command(page, "#start", "[data-state=paused]")
    paused = parameters.copy()
    step = live_server.trainer.run.progress.step
    wait_for_step(page, step)
    assert (paused != first).any()
    for _ in range(3):  # three questions and answers later, still the same
        assert ask(page, "/api/state")["state"] == "paused"
    assert live_server.trainer.run.progress.step == step
    np.testing.assert_array_equal(parameters, paused)


def test_forward_and_backward_are_of_the_digit_on_the_stage(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    assert page.is_hidden("#backward")
    command(page, "#step-batch", "[data-step='1']")
    page.check("#phases")
    page.wait_for_selector("#backward canvas")
    assert page.inner_text("#forward figcaption").startswith("Forward:")
    assert page.inner_text("#backward figcaption").startswith("Backward:")
    p = np.array(exact(page, "#forward .outputs li"))
    t = np.eye(10)[int(page.inner_text("#forward .outputs .target .name"))]
    # One digit, so ∂L/∂z = 2(p − t)/10 · p(1 − p); it comes as a byte with a scale.
    delta = 2 * (p - t) / 10 * p * (1 - p)
    np.testing.assert_allclose(exact(page, "#backward .outputs li"), delta, atol=np.abs(delta).max() / 127)


def test_one_epoch_stops_when_all_images_were_seen_once(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    page.click("#step-epoch")
    until(page, lambda: page.inner_text("#epoch") == "1.00", "the end of the epoch")
    page.wait_for_selector("body[data-state=paused]")
    learning = len(live_server.trainer.run.learning)
    assert step_of(page) == -(-learning // live_server.trainer.recipe.batch_size)


def test_an_epoch_target_ends_the_training(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, complaints=False)  # the browser logs that the server refuses to go on
    set_number(page, "#epoch-target", 2)
    page.click("#start")
    page.wait_for_selector("body[data-state=finished]")
    assert page.inner_text("#epoch") == "2.00"
    page.click("#start")
    assert "the training ended after epoch 2" in refusal(page, "transport")


@pytest.fixture
def halting_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event comes alone, and a while after the one before it."""
    plain, waiting = Watch.take, []

    def one_by_one(watch: Watch, *arguments: Any) -> tuple[int, list[Event]] | None:
        time.sleep(0.1)
        if not waiting:
            if not (found := plain(watch, *arguments)) or not found[1]:
                return found
            waiting.extend((found[0], [event]) for event in found[1])
        return waiting.pop(0)

    monkeypatch.setattr(Watch, "take", one_by_one)


def test_a_new_state_is_shown_with_the_frame_that_belongs_to_it(
    halting_stream: None, live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url)
    set_number(page, "#epoch-target", 2)
    page.click("#start")
    page.wait_for_selector("body[data-state=finished]")
    assert page.inner_text("#epoch") == "2.00"
    choose_preset(page, "784-196-1", run=2)
    assert page.get_attribute("body", "data-step") == "0"
    assert page.locator("#forward .outputs .name").all_inner_texts() == ["1", "2"]


def test_rewind_repeats_the_first_losses_to_the_bit(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)

    def five_steps() -> tuple[list, str]:
        for step, unit in enumerate(("batch", "batch", "example", "batch", "batch"), 1):
            command(page, f"#step-{unit}", f"[data-step='{step}']")
        return ask(page, "/api/history?run=0&since=0")["points"], page.inner_text("#loss-training")

    first, shown = five_steps()
    assert len({loss for _, _, loss, *_ in first}) == 5
    command(page, "#rewind", "[data-step='0']")
    assert page.inner_text("#loss-training") == "–"
    assert five_steps() == (first, shown)


def test_the_learning_rate_applies_without_a_reset(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    run = page.get_attribute("body", "data-run")
    set_number(page, "#learning-rate-number", 0.02)
    until(
        page, lambda: float(page.input_value("#learning-rate")) == pytest.approx(np.log10(0.02)), "the slider to follow"
    )
    command(page, "#step-batch", "[data-step='2']")
    with page.expect_response("**/api/settings"):
        page.press("#learning-rate", "PageUp")  # by hand, a tenth of the six powers of ten
    command(page, "#step-batch", "[data-step='3']")
    rates = [rate for *_, rate in ask(page, "/api/history?run=0&since=0")["points"]]
    assert rates[:2] == [0.005, 0.02]
    assert rates[2] == live_server.trainer.recipe.learning_rate > 0.03
    assert page.get_attribute("body", "data-run") == run


def test_what_is_typed_replaces_a_value_that_came_meanwhile(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    page.focus("#learning-rate-number")
    live_server.trainer.ask(live_server.trainer.change, learning_rate=0.7)
    until(page, lambda: page.input_value("#learning-rate-number") == "0.7", "the news")
    page.keyboard.type("3")
    live_server.trainer.ask(live_server.trainer.change, learning_rate=0.9)
    until(page, lambda: page.get_attribute("#learning-rate", "aria-valuetext") == "0.9", "the news")
    assert page.input_value("#learning-rate-number") == "3", "nothing changes under the fingers"
    with page.expect_response("**/api/settings"):
        page.keyboard.press("Enter")
    assert live_server.trainer.recipe.learning_rate == 3


def test_speed_batch_size_and_optimizer_reach_the_trainer(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, complaints=False)  # the browser logs what the server refuses at the end
    with page.expect_response("**/api/settings"):
        page.press("#speed", "Home")
    assert page.inner_text("#speed-text") == "1 step a second"
    assert live_server.trainer.speed == 1
    with page.expect_response("**/api/settings"):
        page.press("#speed", "End")
    assert page.inner_text("#speed-text") == "unlimited"
    assert live_server.trainer.speed is None
    set_number(page, "#batch-size", 7)
    command(page, "#step-batch", "[data-step='1']")
    assert live_server.trainer.run.progress.seen == 7
    with page.expect_response("**/api/settings"):
        page.select_option("#optimizer", "sgd")
    assert live_server.trainer.recipe.optimizer == "sgd"
    page.fill("#batch-size", "100000")
    page.press("#batch-size", "Enter")
    assert "batch_size 100000" in refusal(page, "training")
    assert page.input_value("#batch-size") == "100000", "what was typed stays"
    with page.expect_response("**/api/settings"):
        page.check("#full-batch")
    assert live_server.trainer.recipe.batch_size is None
    page.wait_for_selector("[data-refusal=training]", state="hidden")


def test_a_rate_that_diverges_gives_a_banner_and_a_living_page(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    command(page, "#step-batch", "[data-step='1']")
    set_number(page, "#learning-rate-number", 1e6)
    page.click("#start")
    page.wait_for_selector("#diverged")
    page.wait_for_selector("body[data-state=diverged]")
    banner = page.inner_text("#diverged")
    assert "Diverged at step" in banner
    assert "learning rate of 1e6" in banner
    assert "lower learning rate" in banner
    assert np.isfinite(exact(page, "#forward .outputs li")).all()
    assert page.is_disabled("#start")

    page.click("#rewind")
    page.wait_for_selector("#diverged", state="hidden")
    until(page, lambda: page.input_value("#learning-rate-number") == "0.005", "the rate of the start")
    command(page, "#step-batch", "[data-step='1']")


def test_a_new_network_from_a_preset_from_own_sizes_and_from_a_seed(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    choose_preset(page, "784-128-64-10", run=2)
    assert (page.inner_text("#architecture"), page.inner_text("#editor-end")) == ("784 →", "10 softmax")
    assert [page.input_value(f"#hidden-{layer}") for layer in (1, 2)] == ["128", "64"]
    assert page.inner_text("#forward .captions").count("24 of ") == 2
    assert page.get_attribute("#forward .outputs", "data-explain") == "outputs"

    page.fill("#hidden-1", "5")
    page.press("#hidden-1", "Enter")
    page.wait_for_selector("body[data-run='3']")
    page.fill("#hidden-2", "3")
    page.press("#hidden-2", "Enter")
    page.wait_for_selector("body[data-run='4']")
    page.select_option("#activation", "sigmoid")
    page.wait_for_selector("body[data-run='5']")
    assert live_server.trainer.recipe.sizes == (784, 5, 3, 10)
    assert live_server.trainer.recipe.layers[1] == "sigmoid"
    assert page.input_value("#preset") == ""
    page.fill("#seed", "123")
    command(page, "#restart", "[data-run='6']")
    weights = live_server.trainer.run.network.parameters.copy()
    command(page, "#random-start", "[data-run='7']")
    assert page.input_value("#seed") != "123"
    assert (live_server.trainer.run.network.parameters != weights).any()
    page.fill("#seed", "123")
    command(page, "#restart", "[data-run='8']")
    np.testing.assert_array_equal(live_server.trainer.run.network.parameters, weights)
    page.fill("#hidden-2", "")
    page.press("#hidden-2", "Enter")
    page.wait_for_selector("body[data-run='9']")
    assert live_server.trainer.recipe.sizes == (784, 5, 10)
    page.click("#add-layer")
    page.wait_for_selector("body[data-run='10']")
    assert live_server.trainer.recipe.sizes == (784, 5, 5, 10)

    choose_preset(page, "784-196-1", run=11)
    assert page.locator("#forward .outputs .name").all_inner_texts() == ["1", "2"]
    assert sum(exact(page, "#forward .outputs li")) == pytest.approx(1)


def test_layers_that_are_typed_faster_than_the_server_answers_are_all_built(
    live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url)
    choose_preset(page, "784-128-64-10", run=2)
    held: list[Route] = []
    page.route("**/api/restart", lambda route: held.append(route), times=1)
    page.fill("#hidden-2", "6")
    page.press("#hidden-2", "Enter")
    until(page, lambda: held, "the first change")
    page.locator("#hidden-2").blur()
    trainer = live_server.trainer
    trainer.ask(trainer.change, learning_rate=0.25)  # somebody else's change: its news know nothing of the held one
    until(page, lambda: "rate=0.25" in page.url, "the news")
    page.click("#add-layer")
    page.click("#add-layer")
    page.fill("#hidden-4", "5")
    page.press("#hidden-4", "Enter")
    page.fill("#hidden-1", "7")
    page.press("#hidden-1", "Enter")
    page.select_option("#activation", "sigmoid")
    held[0].continue_()
    page.wait_for_selector("body[data-run='8']")
    assert trainer.recipe.sizes == (784, 7, 6, 6, 5, 10)
    assert trainer.recipe.layers[1:8:2] == ("sigmoid",) * 4
    assert [page.input_value(f"#hidden-{layer}") for layer in range(1, 5)] == ["7", "6", "6", "5"]
    assert page.input_value("#activation") == "sigmoid"


def test_sizes_that_are_refused_stay_beside_the_reason(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, complaints=False)  # the browser logs what the server refuses
    page.fill("#hidden-1", "600")
    page.press("#hidden-1", "Enter")
    assert "hidden units 600: expected a whole number from 1 to 512" in refusal(page, "editor")
    assert page.input_value("#hidden-1") == "600"
    near = page.locator("#hidden-1").bounding_box(), page.locator("[data-refusal=editor]").bounding_box()
    assert 0 <= near[1]["y"] - near[0]["y"] < 80
    page.fill("#hidden-1", "60")
    page.press("#hidden-1", "Enter")
    page.wait_for_selector("body[data-run='2']")
    page.wait_for_selector("[data-refusal=editor]", state="hidden")


def test_weights_go_out_and_come_in_as_the_scripts_write_them(
    live_server: LiveServer, open_page: Open, tmp_path: pytest.TempPathFactory
) -> None:
    page = open_page(live_server.url, accept_downloads=True)
    command(page, "#step-batch", "[data-step='1']")
    with page.expect_download() as download:
        page.click("#download")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "weights_and_biases.json"
    trained = live_server.trainer.run.network.parameters.copy()
    np.testing.assert_array_equal(load(path).network.parameters, trained)

    command(page, "#random-start", "[data-run='2']")
    page.set_input_files("#upload-file", path)
    page.wait_for_selector("body[data-run='3']")
    np.testing.assert_array_equal(live_server.trainer.run.network.parameters, trained)

    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"format": "something else"}))
    refused = open_page(live_server.url, complaints=False)  # the browser itself logs the 400
    refused.set_input_files("#upload-file", wrong)
    assert "the uploaded file" in refusal(refused, "weights")
    assert refused.get_attribute("body", "data-run") == "3"

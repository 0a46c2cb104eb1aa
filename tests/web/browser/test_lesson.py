"""One true step, the stage, experiments, comparison, the address, levels, and the life of a weight."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.training import predict
from nn_from_scratch.web.experiments import EXPERIMENTS
from tests.web.browser.conftest import (
    Open,
    beat,
    choose_preset,
    command,
    exact,
    refusal,
    set_number,
    show,
    step_of,
    until,
)
from tests.web.browser.test_drawing import answered, draw
from tests.web.conftest import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


def short(x: float) -> str:
    """Three significant digits, as the page writes them."""
    return f"{x:#.3g}" if abs(x) >= 1e-3 else f"{x:.2e}".replace("e-0", "e−")


# ---- one true step ----


def test_a_step_shows_what_was_said_before_it_and_what_is_said_after_it(
    live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    order = trainer.run.batches.order(0)
    image, label = trainer.run.learning.images[order[:1]], int(trainer.run.learning.labels[order[0]])
    before, t = predict(trainer.run.network, image)[0], np.eye(10)[label]
    command(page, "#step-example", "[data-step='1']")
    after = predict(trainer.run.network, image)[0]
    loss = [short(float(np.square(p - t).mean())) for p in (before, after)]

    beat(page, 0.99)
    page.wait_for_selector("#lesson[data-beat=guess]")
    np.testing.assert_allclose(exact(page, "#forward .outputs li"), before, rtol=1e-5)
    assert f"It says {before.argmax()} (output {before.max():.2f})" in page.inner_text("#lesson-text")
    beat(page, 1.9)
    page.wait_for_selector("#lesson[data-beat=error]")
    np.testing.assert_allclose(exact(page, "#forward .outputs li"), before - t, atol=1e-6)
    assert page.locator("#forward .outputs .negative .name").all_inner_texts() == [str(label)]
    beat(page, 2.9)
    page.wait_for_selector("#lesson[data-beat=blame]")
    assert page.inner_text("#lesson-text").startswith("Blame:")
    beat(page, 4)
    page.wait_for_selector("#lesson[data-beat=update]")
    np.testing.assert_allclose(exact(page, "#forward .outputs li"), after, rtol=1e-5)
    verdict = "which is right" if before.argmax() == label else f"but the right answer is {label}"
    assert page.inner_text("#lesson-text") == f"It said {before.argmax()}, {verdict}: loss {loss[0]} → {loss[1]}"
    assert page.is_hidden("#verdict")

    command(page, "#step-batch", "[data-step='2']")
    page.wait_for_selector("#lesson", state="hidden")


def test_a_lesson_plays_by_itself_and_not_where_calm_is_asked_for(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # from now on, time passes only where this test says so
    page.click("#step-example")

    def moment() -> str | None:
        page.clock.run_for(20)
        return page.get_attribute("#lesson", "data-beat")

    until(page, moment, "the lesson")
    for expected in ("guess", "error", "blame", "update"):
        assert moment() == expected
        page.clock.run_for(1100)
    assert page.input_value("#beat") == "4"
    calm = open_page(live_server.url, reduced_motion="reduce")
    command(calm, "#step-example", "[data-step='2']")
    until(calm, lambda: calm.input_value("#beat") == "4", "the end at once")
    assert calm.get_attribute("#lesson", "data-beat") == "update"
    calm.click("#lesson [data-beat='1']")
    calm.wait_for_selector("#lesson[data-beat=guess]")


# ---- the stage ----


def test_a_digit_stays_on_the_stage_while_its_opinion_forms(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    label = str(live_server.trainer.run.validation.labels[0])
    first = exact(page, "#forward .outputs li")
    page.click("#start")
    until(page, lambda: step_of(page) > 100, "some steps")
    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    assert page.inner_text("#forward .outputs .target .name") == label
    assert exact(page, "#forward .outputs li") != first
    assert page.get_attribute(".stagebar [data-kind=pinned]", "aria-pressed") == "true"


def test_test_digits_mistakes_and_drawings_come_into_the_big_picture(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    page.click("#step-epoch")
    until(page, lambda: page.inner_text("#epoch") == "1.00", "the end of the epoch")
    show(page, "test")
    test = trainer.run.dataset.test
    for index in (0, 1):
        until(
            page,
            lambda index=index: (
                f"this is a{'n' * int(test.labels[index] == 8)} {test.labels[index]}"
                in page.inner_text("#forward .captions")
            ),
            "the digit",
        )
        p = predict(trainer.run.network, test.images[index : index + 1])[0]
        until(page, lambda p=p: np.allclose(exact(page, "#forward .outputs li"), p, rtol=1e-5), "its outputs")
        page.click("#stage-next")
    show(page, "mistake")
    assert page.inner_text("#verdict").startswith("✗")
    page.locator("#confusion button.wrong:not(.empty)").first.click()
    page.wait_for_selector("#images figure")
    index = int(page.get_attribute("#images figure", "data-index"))
    page.locator("#images figure button").first.click()
    page.wait_for_selector("#images", state="hidden")
    until(page, lambda: trainer.live.stage.example.index == index, "the image of the matrix")
    draw(page, 3, 180, 60, 40)
    show(page, "drawing")
    until(page, lambda: "your drawing" in page.inner_text("#forward .captions"), "the drawing")
    np.testing.assert_allclose(exact(page, "#forward .outputs li"), exact(page, "#draw-outputs li"), rtol=1e-5)
    assert "for your drawing" in page.inner_text("#verdict")
    before = exact(page, "#forward .outputs li")
    draw(page, 1, 100, 180, 60)
    until(page, lambda: exact(page, "#forward .outputs li") != before, "the changed drawing")


# ---- experiments and comparison ----


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_a_card_shows_what_its_text_says(live_server: LiveServer, open_page: Open, experiment) -> None:
    page = open_page(live_server.url)
    page.click("#experiments-open")
    page.click(f"[data-experiment={experiment.name}]")
    assert experiment.question in page.inner_text("#experiment")
    assert experiment.why not in page.inner_text("#experiment"), "the prediction comes first"
    wrong = (experiment.right + 1) % len(experiment.answers)
    page.click(f"#experiment [data-answer='{wrong}']")
    page.wait_for_selector("#experiment[data-stage=done]", timeout=90_000)
    shown = page.locator("#experiment td").all_inner_texts()
    assert shown == [f"{100 * run.reached:.1f} %" for run in experiment.runs]
    said = page.inner_text("#experiment")
    assert f"The right answer: {experiment.answers[experiment.right]}." in said
    assert experiment.why in said
    kept = page.locator("#kept tbody th").all_inner_texts()
    assert kept == ([run.name for run in experiment.runs[:-1]] + ["now"] if len(experiment.runs) > 1 else [])


def test_what_is_kept_is_compared_by_what_differs(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    set_number(page, "#epoch-target", 2)
    for rate in ("0.005", "0.05"):
        if rate == "0.05":
            set_number(page, "#learning-rate-number", 0.05)
        page.click("#start")
        page.wait_for_selector("body[data-state=finished]")
        if rate == "0.005":
            reached = page.inner_text("#accuracy-validation")
            page.click("#keep")
            page.click("#rewind")
            page.wait_for_selector("body[data-step='0']")
    assert page.locator("#kept thead th").all_inner_texts()[:3] == ["run", "rate", "steps"]
    assert page.locator("#kept tbody tr").first.locator("td").first.inner_text() == "0.005"
    assert reached in page.locator("#kept tbody tr").first.inner_text()
    assert page.locator("#kept tbody tr").last.locator("td").first.inner_text() == "0.05"
    page.click("#forget")
    page.wait_for_selector("#kept", state="hidden")


# ---- the address, levels, the tour ----


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_the_same_address_gives_the_same_training(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(f"{live_server.url}/?preset=784-10-10&seed=11&rate=0.02&batch=16&epochs=1&level=explain")
    trainer = live_server.trainer
    of_start = lambda: (trainer.live.start.seed, trainer.recipe.learning_rate, trainer.recipe.batch_size)  # noqa: E731
    until(page, lambda: of_start() == (11, 0.02, 16) and trainer.epoch_target == 1, "what the address asks for")
    page.wait_for_selector("body[data-run='2']")
    page.click("#start")
    page.wait_for_selector("body[data-state=finished]")
    parameters = trainer.run.network.parameters.tobytes()
    address = page.url
    assert query(page) | {"level": "explain", "seed": "11", "rate": "0.02", "batch": "16", "epochs": "1"} == query(page)
    page.reload()
    page.wait_for_selector("body[data-state=finished]")  # what is there already isn't begun anew
    assert trainer.run.network.parameters.tobytes() == parameters
    choose_preset(page, "784-196-1", run=3)
    again = open_page(address)
    again.wait_for_selector("body[data-state=paused][data-step='0']")
    until(again, lambda: trainer.recipe.sizes == (784, 10, 10), "the network of the address")
    again.click("#start")
    again.wait_for_selector("body[data-state=finished]")
    assert trainer.run.network.parameters.tobytes() == parameters


def test_an_address_that_is_wrong_is_refused_in_a_sentence(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(f"{live_server.url}/?preset=784-10-10&seed=-4", complaints=False)
    assert "seed -4: expected a whole number from 0" in refusal(page, "new-network")
    other = open_page(f"{live_server.url}/?experiment=nothing", complaints=False)
    assert "expected one of zeros, equal" in refusal(other, "transport")


def test_own_layers_an_experiment_and_hidden_panels_are_in_the_address(
    live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(
        f"{live_server.url}/?layers=dense:7+relu+dense:10+softmax&seed=1&hide=loss,confusion&level=everything"
    )
    until(page, lambda: live_server.trainer.recipe.sizes == (784, 7, 10), "the layers of the address")
    assert page.is_hidden("#loss-curve")
    assert page.is_hidden("#confusion")
    assert page.is_visible("#accuracy-curve")
    until(page, lambda: query(page).get("layers") == "dense:7 relu dense:10 softmax", "the address")
    assert query(page)["hide"] == "loss,confusion"
    other = open_page(f"{live_server.url}/?experiment=sorted&run=1")
    until(other, lambda: live_server.trainer.live.start.experiment == ("sorted", 1), "the experiment")
    until(other, lambda: "not shuffled but sorted" in other.inner_text("#experiment"), "its card")


def test_levels_show_more_and_more(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, level="watch")
    shown = {
        "watch": ["#forward canvas", "#accuracy-curve", "#pad", "#preset"],
        "explain": ["#loss-curve", "#confusion", "#learning-rate", "#phases", "#keep"],
        "everything": ["#strips canvas", "#tiles-weights", "#layers", "#download"],
    }
    for level, news in shown.items():
        page.check(f"#level-{level}", force=True)
        for other, selectors in shown.items():
            for selector in selectors:
                expected = list(shown).index(other) <= list(shown).index(level)
                until(page, lambda s=selector, e=expected: page.locator(s).first.is_visible() == e, (level, selector))
        del news
    assert query(page)["level"] == "everything"


def test_the_tour_points_at_one_thing_after_another(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url, level="watch")
    page.click("#tour")
    titles = []
    while page.is_visible("#tour-card"):
        titles.append(page.inner_text("#tour-title"))
        assert page.locator(".lit").count() == 1
        card = page.locator("#tour-card").bounding_box()
        assert 0 <= card["y"] <= card["y"] + card["height"] <= 768
        assert 0 <= card["x"] <= card["x"] + card["width"] <= 1366
        page.click("#tour-next")
    assert titles == ["The digit", "Neurons", "Weights", "The answer", "Learning", "One step", "Your digit", "More"]
    page.click("#tour")
    page.keyboard.press("Escape")
    page.wait_for_selector("#tour-card", state="hidden")
    assert page.locator(".lit").count() == 0


def test_presenting_is_large_and_the_verdict_is_seen(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    sizes = "['#verdict', '#step', '#start'].map(s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize))"
    before = page.evaluate(sizes)
    page.keyboard.press("p")
    page.wait_for_selector("body.presenting")
    assert all(now >= 1.599 * was for now, was in zip(page.evaluate(sizes), before, strict=True))
    box = page.locator("#verdict").bounding_box()
    assert box["y"] + box["height"] <= 768
    assert page.is_hidden("#pad")
    page.keyboard.press("p")
    page.wait_for_selector("body:not(.presenting)")


def test_on_a_projector_the_network_and_a_curve_are_seen_at_once(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(f"{live_server.url}/?level=watch", width=1920, height=1080)
    whole = """([...all]) => all.map(e => e.getBoundingClientRect()).every(
        box => box.width > 300 && box.top >= 0 && box.bottom <= innerHeight && box.right <= innerWidth)"""
    for presenting in (False, True):
        if presenting:
            page.keyboard.press("p")
            page.wait_for_selector("body.presenting")
        until(page, lambda: page.eval_on_selector_all(".network, .accuracy", whole), "both on the screen")
        network, curve = (page.locator(name).bounding_box() for name in (".network", ".accuracy"))
        assert network
        assert curve
        assert (network["y"], network["height"]) == (curve["y"], curve["height"])
        assert network["x"] + network["width"] < curve["x"]


def test_the_opening_sentence_says_where_it_stands(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    assert "has never seen a digit" in page.inner_text("#opening-text")
    command(page, "#step-example", "[data-step='1']")
    said = page.inner_text("#opening-text")
    assert said.startswith("After 1 step with 1 digit, the network recognizes about ")
    accuracy = live_server.trainer.live.validation[-1][2]
    assert int(re.search(r"about (\d+) of 100 new digits\.", said)[1]) == round(100 * accuracy)


# ---- the life of a weight ----


def test_a_line_tells_the_life_of_its_weight_and_can_be_dragged(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    for step in (1, 2, 3):
        command(page, "#step-batch", f"[data-step='{step}']")
    # the middle of the strongest line into output 3
    (unit, inputs, *_), frame = trainer.ask(trainer.frame)["layers"][1]["edges"][3], trainer.ask(trainer.frame)
    assert frame["layers"][1]["shown"][3] == unit == 3
    box = page.locator("#forward .stage").bounding_box()
    centre = "e => [parseFloat(e.style.left) + e.offsetWidth / 2, parseFloat(e.style.top) + e.offsetHeight / 2]"
    source = max(inputs, key=lambda i: abs(trainer.run.network.layers[2].W[3, i]))
    from_ = page.eval_on_selector(f"#forward .neurons button[data-layer='0'][data-neuron='{source}']", centre)
    to = page.eval_on_selector("#forward .neurons button[data-layer='1'][data-neuron='3']", centre)
    page.mouse.click(box["x"] + (from_[0] + to[0]) / 2, box["y"] + (from_[1] + to[1]) / 2)
    page.wait_for_selector("#inspector[data-input]")
    layer, neuron, place = (int(page.get_attribute("#inspector", f"data-{n}")) for n in ("layer", "neuron", "input"))
    W = trainer.run.network.layers[2 * layer].W
    assert exact(page, "#inspector [data-name=weight]") == [pytest.approx(float(W[neuron, place]))]
    assert page.locator("#inspector canvas.trail").count() == 1
    before = live_server.trainer.live.validation[-1]
    with page.expect_response("**/api/weight"):
        page.press("#weight-value", "End")
    until(page, lambda: W[neuron, place] == pytest.approx(max(2, 4 * abs(before[0])), rel=10), "the weight to move")
    assert W[neuron, place] > 1.9
    assert trainer.ask(trainer.description)["marks"] == [(3, "a weight")]


# ---- drawings ----


def test_drawings_are_kept_learnt_from_exported_and_imported(
    live_server: LiveServer, open_page: Open, tmp_path: pytest.TempPathFactory
) -> None:
    page = open_page(live_server.url, accept_downloads=True)
    page.click("#drawing-keep")
    assert "nothing on the pad" in refusal(page, "drawings")
    for digit in (3, 7):
        draw(page, digit, 180, 60, 40)
        answered(page)
        page.select_option("#drawing-label", str(digit))
        page.click("#drawing-keep")
        page.click("#pad-clear")
        page.wait_for_selector("#draw-answer[data-answer='']")
    assert page.locator("#drawings li span").all_inner_texts() == ["3", "7"]
    trainer = live_server.trainer
    before, weights = len(trainer.run.learning), trainer.run.network.parameters.copy()
    page.click("#drawings-learn")
    page.wait_for_selector("body[data-run='2']")
    assert len(trainer.run.learning) > before
    assert trainer.live.start.drawings.labels.tolist() == [3, 7]
    np.testing.assert_array_equal(trainer.run.network.parameters, weights)
    with page.expect_download() as download:
        page.click("#drawings-export")
    download.value.save_as(tmp_path / "drawings.json")
    kept = json.loads((tmp_path / "drawings.json").read_text())["drawings"]
    assert [one["label"] for one in kept] == [3, 7]
    page.reload()
    page.wait_for_selector("body[data-step]")
    assert page.locator("#drawings li").count() == 2, "the browser remembers them"
    page.locator("#drawings button").first.click()
    assert page.locator("#drawings li").count() == 1
    page.set_input_files("#drawings-file", tmp_path / "drawings.json")
    until(page, lambda: page.locator("#drawings li").count() == 3, "the file's")
    (tmp_path / "other.json").write_text("{}")
    page.set_input_files("#drawings-file", tmp_path / "other.json")
    assert "other.json: expected a file that this page exported" in refusal(page, "drawings")


# ---- convolution ----


def test_a_convolutional_network_trains_and_its_windows_add_up(live_server: LiveServer, open_page: Open) -> None:
    page = open_page(live_server.url)
    trainer = live_server.trainer
    choose_preset(page, "lenet", run=2)
    command(page, "#step-batch", "[data-step='1']")
    assert page.locator("#forward .captions b").all_inner_texts() == [
        "784 pixels",
        "convolution 1",
        "pooling 1",
        "convolution 2",
        "pooling 2",
        "hidden",
        "output",
    ]
    page.click("#forward .neurons button[data-layer='0'][data-neuron='2']", position={"x": 20, "y": 20})
    page.wait_for_selector("#inspector[data-layer='0'][data-neuron='2'][data-z]")
    title = page.inner_text("#inspector-title")
    row, column = map(int, re.findall(r"(?:row|col\.) (\d+)", title))
    conv = trainer.run.network.layers[0]
    image = trainer.run.validation.images[0] / 255
    z = np.sum(conv.W[2, 0] * image[row : row + 5, column : column + 5]) + conv.b[2]
    assert float(page.get_attribute("#inspector", "data-z")) == pytest.approx(z, abs=1e-5)
    assert "It sees 5 × 5 pixels" in page.inner_text("#inspector")
    assert page.locator("#inspector .products canvas").count() == 4
    page.keyboard.press("Escape")
    page.click("#start")
    until(page, lambda: step_of(page) > 5, "some steps")
    page.click("#start")
    page.wait_for_selector("body[data-state=paused]")
    for preset, run in (("cnn", 3), ("784-196-1", 4), ("lenet-fast", 5)):
        choose_preset(page, preset, run=run)
        command(page, "#step-batch", "[data-step='1']")
        assert float(page.get_attribute("#gradient-check", "data-value")) < 1e-4
    assert nn.PRESETS["lenet-fast"].layers == trainer.recipe.layers


def test_a_step_by_an_example_is_refused_where_batch_normalization_needs_a_batch(
    live_server: LiveServer, open_page: Open
) -> None:
    page = open_page(live_server.url, complaints=False)
    choose_preset(page, "cnn", run=2)
    page.click("#step-example")
    assert "takes the mean of a batch: step by one batch" in refusal(page, "transport")

"""The trainer that works in slices, as in a browser without threads: the same numbers as the one with a thread."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.data import Dataset
from nn_from_scratch.data.mnist import FASHION, md5_of
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import in_browser
from nn_from_scratch.web.in_browser import Page, SlicedTrainer
from nn_from_scratch.web.trainer import Trainer
from tests.data.samples import write_idx_files
from tests.web.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The trainer's clock: each look at it takes a millisecond, and to sleep turns it."""
    clock = Clock(look=0.001)
    monkeypatch.setattr("nn_from_scratch.web.trainer.perf_counter", clock)
    monkeypatch.setattr(in_browser, "perf_counter", clock)
    monkeypatch.setattr(in_browser, "sleep", clock.turn)
    return clock


@pytest.fixture
def trainer(digits: Dataset) -> SlicedTrainer:
    return SlicedTrainer(digits, seed=7)


def step(trainer: Trainer, unit: str = "batch") -> None:
    trainer.ask(trainer.step, unit)


def settled(trainer: SlicedTrainer) -> str:
    """Let it work until it waits for somebody, and say in which state it does."""
    for _ in range(10_000):
        if trainer.work() is None:
            return trainer.state
    raise AssertionError("it never waits")


def test_the_same_commands_give_the_same_network_as_in_a_thread_however_short_the_slices(digits, trainer):
    def commands(trainer: Trainer) -> bytes:
        step(trainer)
        step(trainer, "example")
        trainer.ask(trainer.change, learning_rate=0.01, batch_size=32)
        step(trainer, "epoch")
        while isinstance(trainer, SlicedTrainer) and trainer.work(0.002) is not None:
            pass
        while trainer.ask(trainer.description)["state"] != "paused":
            pass
        trainer.ask(trainer.change, optimizer="sgd")
        step(trainer)
        return trainer.ask(trainer.run.network.parameters.tobytes)

    with Trainer(digits, seed=7) as threaded:
        assert commands(trainer) == commands(threaded)
    assert trainer.history() | {"run": 1} == threaded.history() | {"run": 1}


def test_a_step_is_taken_when_it_is_answered_and_nothing_happens_without_being_asked(trainer):
    step(trainer)
    assert trainer.run.progress.step == 1
    assert trainer.work() is None
    assert trainer.run.progress.step == 1


def test_while_it_trains_it_returns_after_each_slice_and_answers_in_between(trainer):
    trainer.ask(trainer.start)
    assert trainer.work(0.01) == 0.0
    done = trainer.run.progress.step
    assert done > 0
    assert trainer.ask(trainer.description)["state"] == "training"
    assert trainer.run.progress.step == done  # to answer is not to train
    trainer.ask(trainer.pause)
    assert trainer.work() is None


def test_each_slice_takes_a_step_even_if_the_way_into_fit_takes_longer_than_a_slice(monkeypatch, clock, trainer):
    epochs = trainer.run.epochs

    def slow_epochs(*arguments: Any) -> Iterator[Any]:
        clock.turn(1)
        return epochs(*arguments)

    monkeypatch.setattr(trainer.run, "epochs", slow_epochs)
    trainer.ask(trainer.start)
    assert trainer.run.progress.step == 0
    for _ in range(3):
        before = trainer.run.progress.step
        assert trainer.work() == 0.0
        assert trainer.run.progress.step > before


def test_at_a_given_speed_it_says_how_long_there_is_nothing_to_do(clock, trainer):
    trainer.ask(trainer.change, speed=2)
    trainer.ask(trainer.start)
    assert 0 < trainer.work() <= 0.5
    assert trainer.run.progress.step == 1


def test_a_short_wait_between_two_steps_ends_no_slice(clock, trainer):
    trainer.ask(trainer.change, speed=500)
    trainer.ask(trainer.start)
    trainer.work(0.05)
    assert 3 <= trainer.run.progress.step <= 26


def test_a_restart_in_the_middle_of_a_training_is_done_when_it_is_answered(trainer):
    trainer.ask(trainer.start)
    trainer.work(0.01)
    trainer.ask(trainer.restart, seed=3, hidden=(12,))
    assert (trainer.state, trainer.run.progress.step, trainer.recipe.sizes) == ("paused", 0, (784, 12, 10))
    step(trainer)
    assert trainer.run.progress.step == 1


def test_finished_it_waits_and_goes_on_with_a_higher_target(trainer):
    trainer.ask(trainer.change, epoch_target=1)
    trainer.ask(trainer.start)
    assert settled(trainer) == "finished"
    with pytest.raises(BadInput, match="the training ended after epoch 1: raise"):
        step(trainer)
    trainer.ask(trainer.change, epoch_target=2)
    trainer.ask(trainer.start)
    assert settled(trainer) == "finished"
    assert trainer.run.progress.epoch == 2


def test_diverged_it_answers_and_can_be_rewound(trainer):
    step(trainer)
    trainer.ask(trainer.change, learning_rate=1e6)
    trainer.ask(trainer.start)
    assert settled(trainer) == "diverged"
    assert trainer.ask(trainer.frame)["message"]["kind"] == "diverged"
    with pytest.raises(BadInput, match="diverged: rewind or start again"):
        step(trainer)
    trainer.ask(trainer.rewind)
    assert trainer.state == "paused"


def test_what_nobody_can_learn_from_is_refused_and_the_training_stays(digits, trainer, rng):
    step(trainer)
    before = trainer.run.network.parameters.tobytes()
    small = nn.Split(rng.integers(0, 256, (40, 4, 4), np.uint8), rng.integers(0, 10, 40).astype(np.uint8))
    with pytest.raises(BadInput):
        trainer.ask(trainer.learn_from, Dataset("small", small, small, "a test"))
    assert trainer.dataset is digits
    assert trainer.run.network.parameters.tobytes() == before
    step(trainer)
    assert trainer.run.progress.step == 2


def test_drawings_are_learnt_from_here_too(digits, trainer):
    trainer.ask(trainer.learn_drawings, digits.train.select(slice(0, 2)))
    assert trainer.ask(trainer.description)["data"]["drawings"] == 2


# ---- the page ----


class Posted:
    """What a page was pushed, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.page = Page(lambda kind, text: self.events.append((kind, json.loads(text))))

    def ask(self, method: str, address: str, body: Any = None) -> Any:
        text = "" if method == "GET" else json.dumps(body or {})
        kind, answer = self.page.answer(method, address, text)
        assert kind == "answer", answer
        return json.loads(answer)

    def refusal(self, method: str, address: str, body: str = "") -> str:
        kind, sentence = self.page.answer(method, address, body)
        assert kind == "refused"
        return sentence


@pytest.fixture
def posted() -> Posted:
    return Posted()


def test_a_new_page_is_pushed_the_present_and_then_what_is_new(posted):
    assert [kind for kind, _ in posted.events] == ["state", "frame", "tiles"]
    assert posted.events[0][1]["data"]["name"] == "digits"
    posted.events.clear()
    assert posted.ask("POST", "/api/step", {"unit": "batch"})["state"]["state"] == "paused"
    assert {kind: event.get("step") for kind, event in posted.events} == {"frame": 1, "tiles": 1}
    posted.events.clear()
    posted.ask("GET", "/api/state")
    assert posted.events == []


def test_frames_come_at_most_twelve_times_a_second(clock, posted):
    posted.ask("POST", "/api/start")
    posted.events.clear()
    began = clock.now
    while clock.now < began + 3:
        assert posted.page.work() == 0
    frames = sum(kind == "frame" for kind, _ in posted.events)
    assert 3 <= frames <= 12 * (clock.now - began) + 1


def test_weights_leave_as_the_text_of_a_file_and_come_back(posted, tmp_path):
    posted.ask("POST", "/api/step", {"unit": "batch"})
    trained = posted.page.trainer.run.network.parameters.tobytes()
    kind, text = posted.page.answer("GET", "/api/weights")
    assert kind == "file"
    (tmp_path / "a.json").write_text(text, "utf-8")
    assert nn.load(tmp_path / "a.json").network.parameters.tobytes() == trained
    posted.ask("POST", "/api/rewind")
    assert posted.page.answer("POST", "/api/weights", text)[0] == "answer"
    assert posted.page.trainer.run.network.parameters.tobytes() == trained


def test_a_refusal_is_a_sentence_and_a_mistake_of_ours_shows_nothing_of_it(monkeypatch, caplog, posted):
    assert posted.refusal("GET", "/api/nothing") == "GET /api/nothing: there is no such route"
    assert len(posted.refusal("POST", "/api/step", json.dumps({"unit": "a" * 3000}))) < 500
    monkeypatch.setattr(posted.page.trainer, "description", lambda: 1 / 0)
    assert posted.refusal("GET", "/api/state") == in_browser.MISTAKE
    assert "ZeroDivisionError" in caplog.text


# ---- data that were chosen ----


def chosen(tmp_path: Path, **files: bytes) -> Path:
    directory = tmp_path / "chosen"
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


def test_the_four_files_of_a_data_set_are_learnt_from_and_then_removed(posted, tmp_path):
    directory = write_idx_files(tmp_path / "four")
    kind, answer = posted.page.take_data(str(directory))
    assert kind == "answer", answer
    data = json.loads(answer)["state"]["data"]
    assert data["training"] + data["validation"] == 30
    assert data["source"] == "files chosen in the browser"
    assert "t10k-images" in data["name"]
    assert not directory.exists()
    assert posted.events[-1][1]["run"] == posted.page.trainer.run_number == 2


def test_a_published_set_is_called_by_its_name(monkeypatch, posted, tmp_path):
    directory = write_idx_files(tmp_path / "four")
    sums = {path.name: (0, md5_of(path)) for path in directory.iterdir()}
    monkeypatch.setitem(in_browser.PUBLISHED, "fashion", replace(FASHION, files=sums))
    assert json.loads(posted.page.take_data(str(directory))[1])["state"]["data"]["name"] == "fashion"
    assert posted.page.trainer.run.dataset.class_names[9] == "ankle boot"


def test_an_archive_of_keras_is_learnt_from(posted, tmp_path, rng):
    arrays = {}
    for part, count in (("train", 40), ("test", 10)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"y_{part}"] = np.arange(count, dtype=np.uint8) % 10
    directory = chosen(tmp_path)
    np.savez(directory / "mnist.npz", **arrays)
    data = json.loads(posted.page.take_data(str(directory))[1])["state"]["data"]
    assert (data["name"], data["training"] + data["validation"]) == ("mnist.npz", 40)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"train-images-idx3-ubyte.gz": b"\x1f\x8bno", "train-labels-idx1-ubyte.gz": b""},
            "train-images-idx3-ubyte.gz: ",
        ),
        (
            {"train-labels-idx1-ubyte": b"", "notes.txt": b"a"},
            "the chosen files (notes.txt, train-labels-idx1-ubyte): ",
        ),
        ({"holiday.jpg": b"\xff\xd8\xff"}, "holiday.jpg: "),
        ({"a.npz": b"PK\x03\x04"}, "a.npz: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_files_are_refused_by_their_names_and_the_training_goes_on(posted, tmp_path, files, said):
    directory = chosen(tmp_path, **files)
    kind, sentence = posted.page.take_data(str(directory))
    assert kind == "refused"
    assert sentence.startswith(said)
    assert str(tmp_path) not in sentence
    assert not directory.exists()
    assert posted.ask("GET", "/api/state")["data"]["name"] == "digits"

"""The trainer inside the page itself: Python in the browser (Pyodide), in a worker of the page.

Python can't wait there: it can't start a thread, and messages arrive only between two calls. So the trainer works in
slices: it leaves `fit` at the end of a slice, as it does for a new network, and is called again when the messages that
arrived meanwhile have been answered. worker.js makes a Page and calls it.
"""

import json
import logging
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, TypeVar

from nn_from_scratch.data import Dataset, load_dataset
from nn_from_scratch.data.mnist import PUBLISHED, md5_of
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.web import api, limits
from nn_from_scratch.web.hub import Hub
from nn_from_scratch.web.trainer import DIVERGED, FINISHED, Again, Trainer

Answer = TypeVar("Answer")

SLICE_SECONDS = 0.08  # a drawing waits no longer than this, one step, and the way into `fit`, for its answer
LONGEST_REFUSAL = 450  # characters
MISTAKE = "an error in the page's own Python code; the browser's console shows it"


class SlicedTrainer(Trainer):
    """A Trainer without a thread: `work` trains for a while and returns, and `ask` may be called in between."""

    _seconds = 0.0  # that the slice lasts
    _until: float | None = None  # when it ends; None: it has not begun
    wait: float | None = 0.0  # seconds until there is something to do; None: nothing before somebody asks

    def work(self, seconds: float = SLICE_SECONDS) -> float | None:
        """Train for `seconds`, and finish the step. Returns the seconds until the next; None: not before a question.

        If a step is due, at least one is taken, except in 0 seconds.
        """
        self._seconds, self._until, self.wait = seconds, None, 0.0
        if self.state in (DIVERGED, FINISHED):  # `fit` has ended, and would only end again
            with suppress(Again):
                self._serve(None)
        else:
            self._train()
        return self.wait

    def ask(self, method: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
        """Call a method between two steps, as another thread would, and take the single step that it may ask for."""
        future: Future[Answer] = Future()
        self._jobs.put((lambda: method(*arguments, **named), future))
        self.work(0)
        return future.result(0)

    def learn_from(self, dataset: Dataset) -> None:
        """Begin again with other images. Raises BadInput if the network can't learn from them; then nothing changes."""
        before, self.dataset = self.dataset, dataset
        try:
            self._begin(self.live.start)
        except BadInput:
            self.dataset = before
            raise

    def _serve(self, timeout: float | None) -> bool:
        if not self._jobs.empty():
            return super()._serve(0)
        now = perf_counter()
        if self._until is None:  # it begins only here: a slow device may need longer than a slice to enter `fit`
            self._until = now + self._seconds
        if timeout is None or now + timeout >= self._until:
            self.wait = timeout
            raise Again
        sleep(timeout)  # shorter than the rest of the slice: to leave `fit` and enter it again would take longer
        return False


class Page:
    """The page that the worker serves: its questions are answered, and its events are pushed, as (kind, JSON)."""

    def __init__(self, push: Callable[[str, str], object], preset: str = limits.DEFAULT_PRESET, seed: int = 0):
        self._push = push
        hub = Hub()
        self._watch = hub.watch()
        self.trainer = SlicedTrainer(load_dataset("digits"), preset, seed, hub=hub)
        self._show()

    @property
    def wait(self) -> float | None:
        """Seconds until `work` should be called again; None: not before a question."""
        return self.trainer.wait

    def answer(self, method: str, address: str, body: str = "") -> tuple[str, str]:
        """The reply to post: ("answer", JSON), ("file", its text) or ("refused", why)."""
        return self._told(lambda: api.answer(self.trainer, method, address, body.encode()))

    def take_data(self, directory: str) -> tuple[str, str]:
        """Train on the files in this directory, which the visitor chose. They are read once and then removed."""

        def take() -> dict[str, Any]:
            try:
                dataset = _read(Path(directory))
            finally:
                shutil.rmtree(directory)
            self.trainer.ask(self.trainer.learn_from, dataset)
            return {"state": self.trainer.ask(self.trainer.description)}

        return self._told(take)

    def work(self) -> float | None:
        """A slice of training; see SlicedTrainer."""
        wait = self.trainer.work()
        self._show()
        return wait

    def _told(self, what: Callable[[], api.Answer]) -> tuple[str, str]:
        try:
            answer = what()
        except BadInput as problem:
            return "refused", one_line(problem, LONGEST_REFUSAL)
        except Exception:  # only this answer fails: the training goes on
            logging.exception(MISTAKE)
            return "refused", MISTAKE
        self._show()
        if isinstance(answer, api.File):
            return "file", answer.content.decode()
        return "answer", json.dumps(answer, separators=(",", ":"), allow_nan=False)

    def _show(self) -> None:
        while events := self._watch.next(0):  # until there are none: then the hub knows that this page waits
            for kind, text in events:
                self._push(kind, text)


def _read(directory: Path) -> Dataset:
    """The data set in a directory with one or several files. Messages name the files, not the directory."""
    files = sorted(directory.iterdir())
    names = ", ".join(path.name for path in files)
    sums = {path.name: md5_of(path) for path in files}
    try:
        found = load_dataset(files[0] if len(files) == 1 else directory)
    except BadInput as problem:
        told = str(problem).replace(f"{directory}/", "").replace(str(directory), f"the chosen files ({names})")
        raise BadInput(told) from None
    found = replace(found, name=one_line(names, 60), source="files chosen in the browser")
    for known in PUBLISHED.values():
        if sums == {name: md5 for name, (_, md5) in known.files.items()}:
            return replace(found, name=known.name, class_names=known.class_names, noun=known.noun)
    return found

"""The pages that watch over HTTP. A page asks for news again and again, and says which news it already has.

There is never more than one answer on its way to a page. So a page on a slow line is never more than one answer behind:
which frames are skipped depends on what has arrived, not on what was written into some buffer. A page that stops asking
has left.
"""

import re
import threading
from collections.abc import Collection
from time import monotonic, sleep

from nn_from_scratch.errors import BadInput
from nn_from_scratch.web.hub import KINDS, Event, Watch
from nn_from_scratch.web.trainer import Trainer

ABSENCE = 5.0  # seconds after its last answer; a page that has not asked again by then has left
NAME = re.compile("[0-9a-f]{32}")  # drawn at random by the page itself
SELDOM = 0.5  # seconds from an answer to the next question, for the many pages of an audience
MODEST = tuple(kind for kind in KINDS if kind != "tiles")  # for a page that doesn't show the tiles


class Viewers:
    """The pages that watch a trainer, each under the name that it has given itself."""

    def __init__(self, trainer: Trainer):
        self.trainer = trainer
        self._watches: dict[str, Watch] = {}
        self._lock = threading.Lock()

    def next(
        self, name: str, seen: int, tiles: bool, timeout: float, pace: float = 0.0
    ) -> tuple[int, list[Event]] | None:
        """The events that this page doesn't have yet, as soon as there are any; see Watch.take.

        `seen` is the number that came with the last answer that arrived. For a new page it is taken as 0, because the
        page may have the number from another server. A page was told to wait `pace` seconds between an answer and the
        next question; if it asks sooner, it has to wait here. Raises TooManyWatchers.
        """
        kinds = KINDS if tiles else MODEST
        watch, is_new = self._watch_of(name, kinds)
        if is_new:
            self.trainer.ask(self.trainer.welcome)
        elif tiles and "tiles" not in watch.kinds:
            self.trainer.ask(self.trainer.open_tiles)
        if not is_new and (early := watch.answered + pace - monotonic()) > 0:
            sleep(early)
        return watch.take(timeout, 0 if is_new else seen, kinds)

    def leave(self, name: str) -> None:
        with self._lock:
            watch = self._watches.pop(name, None)
        if watch:
            watch.leave()

    def _watch_of(self, name: str, kinds: Collection[str]) -> tuple[Watch, bool]:
        if not NAME.fullmatch(name):
            raise BadInput("viewer: expected 32 hexadecimal digits")
        hub = self.trainer.hub
        with self._lock:
            self._watches = {known: watch for known, watch in self._watches.items() if watch.is_there}
            is_new = name not in self._watches
            if is_new:
                self._watches[name] = hub.watch(ABSENCE, kinds)
            return self._watches[name], is_new

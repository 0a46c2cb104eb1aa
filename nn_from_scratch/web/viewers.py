"""Who looks on over HTTP: a page that asks again and again what is new, and says how far it has come.

Only one answer is ever on its way to a page. So what is on a slow line is never older than one answer, and frames are
skipped by what has arrived, not by what has been written into some buffer. A page that asks no more has left.
"""

import re
import threading
from time import monotonic, sleep

from nn_from_scratch.errors import BadInput
from nn_from_scratch.web.hub import KINDS, Event, Watch
from nn_from_scratch.web.trainer import Trainer

ABSENCE = 5.0  # seconds after its last answer in which a page has to ask again, or it has left
NAME = re.compile("[0-9a-f]{32}")  # drawn by the page itself
SELDOM = 0.5  # seconds from an answer to the next question, for those of whom there are many
MODEST = tuple(kind for kind in KINDS if kind != "tiles")  # what a page takes that doesn't show the tiles


class Viewers:
    """The pages that watch a trainer, each by the name that it has given itself."""

    def __init__(self, trainer: Trainer, absence: float = ABSENCE):
        self.trainer = trainer
        self.absence = absence
        self._watches: dict[str, Watch] = {}
        self._lock = threading.Lock()

    def next(
        self, name: str, seen: int, tiles: bool, timeout: float, pace: float = 0.0
    ) -> tuple[int, list[Event]] | None:
        """What this page has not got yet, as soon as there is something; see Watch.take.

        `seen` is what it was told with the last answer that arrived. Of a new page, whatever it says, it is 0: it may
        know the numbers of another server. One that asks sooner than `pace` seconds after its last answer, though it
        was told to wait, waits here. Raises TooManyWatchers.
        """
        kinds = KINDS if tiles else MODEST
        watch, is_new = self._watch_of(name)
        if is_new or not set(kinds) <= set(watch.kinds):
            watch.kinds = kinds
            self.trainer.ask(self.trainer.welcome)
        if not is_new and (early := watch.answered + pace - monotonic()) > 0:
            sleep(early)
        return watch.take(timeout, 0 if is_new else seen, kinds)

    def leave(self, name: str) -> None:
        with self._lock:
            watch = self._watches.pop(name, None)
        if watch:
            watch.leave()

    def _watch_of(self, name: str) -> tuple[Watch, bool]:
        if not NAME.fullmatch(name):
            raise BadInput("viewer: expected 32 hexadecimal digits")
        hub = self.trainer.hub
        with self._lock:
            self._watches = {known: watch for known, watch in self._watches.items() if watch.is_there}
            is_new = name not in self._watches
            if is_new:
                self._watches[name] = hub.watch(self.absence)
            return self._watches[name], is_new

"""A training for each pupil: every browser that opens the page has its own, until nobody has watched it for a while.

A browser is recognized by a cookie with a random value. No script can read the cookie, and no other site can make the
browser send it.
"""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic

from nn_from_scratch.errors import BadInput
from nn_from_scratch.web.trainer import Trainer
from nn_from_scratch.web.viewers import NAME, Viewers

COOKIE = "nn_from_scratch_pupil"
PATIENCE = 600.0  # seconds without a viewer, after which a training ends
EVERY = 10.0  # seconds between two checks for such trainings


class TooManyPupils(Exception):
    """Every place is taken."""


class NoTraining(BadInput):
    """There is no training of this name, or no longer."""


class Pupils:
    """Up to `most` trainings at a time, between `with Pupils(…) as pupils` and the end of that block."""

    def __init__(self, make: Callable[[], Trainer], most: int, patience: float = PATIENCE, every: float = EVERY):
        self.make = make
        self.most = most
        self.patience = patience
        self.every = every
        self._trainings: dict[str, Future[Viewers]] = {}
        self._watched: dict[str, float] = {}  # when a training was last seen to be watched
        self._met: dict[str, str] = {}  # a page's name for itself → the training that was begun for it
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._cleaner = threading.Thread(target=self._clean, name="pupils", daemon=True)

    def __enter__(self) -> "Pupils":
        self._cleaner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._cleaner.join()
        for name in list(self._trainings):
            self._end(name)

    def __len__(self) -> int:
        return len(self._trainings)

    def of(self, cookie: str) -> Viewers:
        """The training of a pupil. Raises NoTraining."""
        training = self._trainings.get(cookie)
        if training is None:
            raise NoTraining("this browser has no training here, or no longer: reload the page")
        return training.result()

    def enter(self, cookie: str, page: str) -> tuple[str, Viewers]:
        """The training of a pupil whose page watches, and the value for its cookie; a new training if there is none.

        Raises TooManyPupils, and BadInput for a browser that doesn't keep its cookie: it would take one place after
        another.
        """
        with self._lock:
            known = self._trainings.get(cookie)
            if not known:
                name, training = self._reserve(cookie, page)
        if known:
            return cookie, known.result()
        try:
            training.set_result(Viewers(self.make().__enter__()))
        except BaseException as problem:
            self._forget(name)  # first: no training that others find has failed
            training.set_exception(problem)  # tell everybody who waits for it, too
            raise
        return name, training.result()

    def _reserve(self, cookie: str, page: str) -> tuple[str, Future[Viewers]]:
        if page in self._met and not cookie:
            raise BadInput("your browser keeps no cookie for this page, and nothing else identifies it: allow cookies")
        if len(self._trainings) >= self.most:
            raise TooManyPupils(
                f"the places for pupils are all taken ({self.most}): a place becomes free "
                f"{self.patience / 60:g} minutes after its page is closed"
            )
        name = cookie if NAME.fullmatch(cookie) else secrets.token_hex(16)
        training: Future[Viewers] = Future()
        self._trainings[name], self._watched[name], self._met[page] = training, monotonic(), name
        return name, training

    def _clean(self) -> None:
        while not self._over.wait(self.every):
            for name in self._left():
                self._end(name)

    def _left(self) -> list[str]:
        """The trainings that nobody has watched for too long."""
        with self._lock:
            now = monotonic()
            for name, training in self._trainings.items():
                if not training.done() or training.result().trainer.hub.watchers:
                    self._watched[name] = now
            return [name for name, since in self._watched.items() if now - since >= self.patience]

    def _end(self, name: str) -> None:
        self._forget(name).result().trainer.__exit__()

    def _forget(self, name: str) -> Future[Viewers]:
        with self._lock:
            self._watched.pop(name)
            self._met = {page: known for page, known in self._met.items() if known != name}
            return self._trainings.pop(name)

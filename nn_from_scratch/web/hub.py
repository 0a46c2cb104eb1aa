"""Passes events from one publisher to many watchers, and keeps only the newest event of each kind.

Nothing queues up: a slow watcher gets the newest event when it asks again, and never sees those in between. An event
that nobody waits for need not be made: `awaited` holds the kinds that some watcher is waiting for. The hub knows
nothing about neural networks, and nothing about HTTP.
"""

import threading
from collections.abc import Collection
from math import inf
from time import monotonic

Event = tuple[str, str]  # its kind and its text

MOST_WATCHERS = 64
KINDS = ("state", "frame", "tiles")


class TooManyWatchers(Exception):
    """All places for watchers are taken."""


class Watch:
    """One watcher's place: which of the published events it has already seen.

    With `lasting`, the place is kept for that many seconds after each answer; who doesn't ask again by then has left.
    """

    def __init__(self, hub: "Hub", lasting: float = inf, kinds: Collection[str] = KINDS):
        self._hub = hub
        self._lasting = lasting
        self._asking = 0  # how many questions wait here at this moment
        self._has_left = False
        self.answered = monotonic()  # when it last got an answer, with events or without
        self.kinds = kinds  # what it asked for last
        self.seen = 0

    def next(self, timeout: float) -> list[Event] | None:
        """The newest event of each kind not yet seen, oldest first; [] after `timeout` seconds, None at the end."""
        found = self.take(timeout, self.seen)
        return found and found[1]

    def take(self, timeout: float, seen: int, kinds: Collection[str] = KINDS) -> tuple[int, list[Event]] | None:
        """The same for a watcher that may lose events on the way: the newest of these kinds after number `seen`.

        Also returns the number of the newest of them.
        """
        hub, until = self._hub, monotonic() + timeout
        with hub.changed:
            if not self._has_left:
                hub.watches.add(self)  # again, if it was taken for gone a moment before it asked
            self.kinds = kinds
            self._asking += 1
            try:
                while not (hub.closed or (new := hub.after(seen, kinds))):
                    hub.awaited.update(kinds)
                    if (left := until - monotonic()) <= 0:
                        break
                    hub.changed.wait(left)
            finally:
                self._asking -= 1
                self.answered = monotonic()
            if hub.closed:
                return None
            self.seen = new[-1][0] if new else seen
            return self.seen, [(kind, hub.newest[kind][1]) for _, kind in new]

    @property
    def is_there(self) -> bool:
        return self._asking > 0 or monotonic() < self.answered + self._lasting

    def leave(self) -> None:
        """Make room for another watcher. To leave twice is the same as to leave once."""
        with self._hub.changed:
            self._has_left = True
            self._hub.watches.discard(self)


class Hub:
    """Events are published here, and up to `most` watchers get the newest of each kind."""

    def __init__(self, most: int = MOST_WATCHERS):
        self.most = most
        self.changed = threading.Condition()
        self.newest: dict[str, tuple[int, str]] = {}  # kind → the event's number and its text
        self.number = 0  # of the newest event
        self.awaited: set[str] = set()  # kinds whose next event a watcher is waiting for
        self.watches: set[Watch] = set()
        self.closed = False

    @property
    def watchers(self) -> int:
        """The number of watchers. One that has not asked for too long no longer counts."""
        return len(self._present())

    def wants(self, kind: str) -> bool:
        """Whether any watcher takes events of this kind."""
        return any(kind in watch.kinds for watch in self._present())

    def after(self, seen: int, kinds: Collection[str]) -> list[tuple[int, str]]:
        """Number and kind of the events after number `seen`, oldest first."""
        return sorted((self.newest[kind][0], kind) for kind in kinds if self.newest.get(kind, (0,))[0] > seen)

    def publish(self, kind: str, text: str) -> None:
        with self.changed:
            self.number += 1
            self.newest[kind] = (self.number, text)
            self.awaited.discard(kind)
            self.changed.notify_all()

    def watch(self, lasting: float = inf, kinds: Collection[str] = KINDS) -> Watch:
        """A place for one more watcher, of events of these kinds. Raises TooManyWatchers if there is none."""
        with self.changed:
            if len(self._present()) >= self.most:
                raise TooManyWatchers(f"{self.most} pages are already watching, which is the limit: close one of them")
            watch = Watch(self, lasting, kinds)
            self.watches.add(watch)
            return watch

    def close(self) -> None:
        """End it for all watchers at once."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _present(self) -> set[Watch]:
        with self.changed:
            self.watches -= {watch for watch in self.watches if not watch.is_there}
            if not self.watches:
                self.awaited.clear()
            return self.watches

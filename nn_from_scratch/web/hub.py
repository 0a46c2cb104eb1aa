"""Between the one who publishes and those who watch: of each kind of event only the newest is kept.

Nothing queues up: who is slow finds the newest when ready for it, and never learns what was skipped. And nothing need
be made that nobody waits for: `awaited` holds the kinds for which somebody stands here with empty hands. The hub knows
nothing of networks, neither of the neural kind nor of the other.
"""

import threading
from collections.abc import Collection
from math import inf
from time import monotonic

Event = tuple[str, str]  # its kind and its text

MOST_WATCHERS = 64
KINDS = ("state", "frame", "tiles")


class TooManyWatchers(Exception):
    """Everyone who may watch at the same time already does."""


class Watch:
    """One watcher's place: what of all that was published it has already seen.

    With `lasting`, the place is kept for so many seconds after each question: who doesn't come back has left.
    """

    def __init__(self, hub: "Hub", lasting: float = inf):
        self._hub = hub
        self._lasting = lasting
        self._asking = 0  # how many wait here at this moment
        self.answered = monotonic()  # when it was given something last, or told that there is nothing
        self.kinds: Collection[str] = KINDS  # what was asked for last
        self.seen = 0

    def next(self, timeout: float) -> list[Event] | None:
        """The newest event of each kind not yet seen, oldest first; [] after `timeout` seconds, None at the end."""
        found = self.take(timeout, self.seen)
        return found and found[1]

    def take(self, timeout: float, seen: int, kinds: Collection[str] = KINDS) -> tuple[int, list[Event]] | None:
        """The same for one to whom events may get lost on the way: all of these kinds after number `seen`.

        Returns also the number of the newest of them.
        """
        hub, until = self._hub, monotonic() + timeout
        with hub.changed:
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
        """Make room for another. Leaving twice is leaving once."""
        with self._hub.changed:
            self._hub.watches.discard(self)


class Hub:
    """Where events are published, and where up to `most` watchers find the newest of each kind."""

    def __init__(self, most: int = MOST_WATCHERS):
        self.most = most
        self.changed = threading.Condition()
        self.newest: dict[str, tuple[int, str]] = {}  # kind → the event's number and its text
        self.number = 0  # of the newest event
        self.awaited: set[str] = set()  # kinds of which somebody has the newest, and waits for the next
        self.watches: set[Watch] = set()
        self.closed = False

    @property
    def watchers(self) -> int:
        """How many are there. Who has not asked for too long is so no more."""
        return len(self._present())

    def wants(self, kind: str) -> bool:
        """Whether there is anybody who takes events of this kind."""
        return any(kind in watch.kinds for watch in self._present())

    def after(self, seen: int, kinds: Collection[str]) -> list[tuple[int, str]]:
        """Number and kind of what is newer than number `seen`, oldest first."""
        return sorted((self.newest[kind][0], kind) for kind in kinds if self.newest.get(kind, (0,))[0] > seen)

    def publish(self, kind: str, text: str) -> None:
        with self.changed:
            self.number += 1
            self.newest[kind] = (self.number, text)
            self.awaited.discard(kind)
            self.changed.notify_all()

    def watch(self, lasting: float = inf) -> Watch:
        """A place to watch from. Raises TooManyWatchers where there is none."""
        with self.changed:
            if len(self._present()) >= self.most:
                raise TooManyWatchers(f"{self.most} pages are already watching, and more can't: close one of them")
            watch = Watch(self, lasting)
            self.watches.add(watch)
            return watch

    def close(self) -> None:
        """The end, for every watcher at once."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _present(self) -> set[Watch]:
        with self.changed:
            self.watches -= {watch for watch in self.watches if not watch.is_there}
            if not self.watches:
                self.awaited.clear()
            return self.watches

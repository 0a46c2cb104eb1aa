"""Between the one who publishes and those who watch: of each kind of event only the newest is kept.

Nothing queues up: who is slow finds the newest when ready for it, and never learns what was skipped. The hub knows
nothing of networks, neither of the neural kind nor of the other.
"""

import threading
from time import monotonic

Event = tuple[str, str]  # its kind and its text

MOST_WATCHERS = 4


class TooManyWatchers(Exception):
    """Everyone who may watch at the same time already does."""


class Watch:
    """One watcher's place: what of all that was published it has already seen."""

    def __init__(self, hub: "Hub"):
        self._hub = hub
        self._seen = 0

    def next(self, timeout: float) -> list[Event] | None:
        """The newest event of each kind not yet seen, oldest first; [] after `timeout` seconds, None at the end."""
        hub = self._hub
        with hub.changed:
            hub.changed.wait_for(lambda: hub.closed or hub.number > self._seen, timeout)
            if hub.closed:
                return None
            new = sorted((number, kind) for kind, (number, _) in hub.newest.items() if number > self._seen)
            self._seen = hub.number
            return [(kind, hub.newest[kind][1]) for _, kind in new]

    def leave(self) -> None:
        """Make room for another. Leaving twice is leaving once."""
        with self._hub.changed:
            self._hub.watches.discard(self)
            self._hub.changed.notify_all()


class Hub:
    """Where events are published, and where up to `most` watchers find the newest of each kind."""

    def __init__(self, most: int = MOST_WATCHERS):
        self.most = most
        self.changed = threading.Condition()
        self.newest: dict[str, tuple[int, str]] = {}  # kind → the event's number and its text
        self.number = 0  # of the newest event
        self.watches: set[Watch] = set()
        self.closed = False

    @property
    def watchers(self) -> int:
        return len(self.watches)

    def publish(self, kind: str, text: str) -> None:
        with self.changed:
            self.number += 1
            self.newest[kind] = (self.number, text)
            self.changed.notify_all()

    def watch(self, patience: float = 0) -> Watch:
        """A place to watch from. Raises TooManyWatchers where none becomes free for `patience` seconds.

        A page that was closed or reloaded gives up its place only when it can't be written to any more.
        """
        until = monotonic() + patience
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.watches) < self.most, max(0, until - monotonic())):
                raise TooManyWatchers
            watch = Watch(self)
            self.watches.add(watch)
            return watch

    def close(self) -> None:
        """The end, for every watcher at once."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

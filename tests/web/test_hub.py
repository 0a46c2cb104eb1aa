"""Only the newest of each kind is kept, whoever is slow skips, and there is room for so many and no more."""

import threading
import time

import pytest

from nn_from_scratch.web.hub import Hub, TooManyWatchers
from tests.web.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("nn_from_scratch.web.hub.monotonic", clock)
    return clock


def test_who_comes_later_finds_the_newest_of_each_kind_oldest_first():
    hub = Hub()
    for i in range(3):
        hub.publish("frame", f"frame {i}")
    hub.publish("state", "paused")
    hub.publish("frame", "frame 3")
    assert hub.watch().next(0) == [("state", "paused"), ("frame", "frame 3")]


def test_a_slow_watcher_skips_and_nothing_is_kept_for_it():
    hub = Hub()
    slow, quick = hub.watch(), hub.watch()
    for i in range(1000):
        hub.publish("frame", str(i))
        assert quick.next(0) == [("frame", str(i))]
        assert len(hub.newest) == 1
    assert slow.next(0) == [("frame", "999")]
    assert slow.next(0) == []


def test_a_waiting_watcher_is_woken():
    hub = Hub()
    watch, found = hub.watch(), []
    thread = threading.Thread(target=lambda: found.extend(watch.next(60)))
    thread.start()
    hub.publish("frame", "1")
    thread.join(30)
    assert found == [("frame", "1")]


def test_the_next_watcher_after_the_last_place_is_refused_in_words_until_one_leaves():
    hub = Hub()
    watches = [hub.watch() for _ in range(64)]
    with pytest.raises(TooManyWatchers, match="64 pages are already watching"):
        hub.watch()
    watches[0].leave()
    watches[0].leave()
    assert watches[0].next(0) == []  # a question that was on its way takes no place
    assert hub.watchers == 63
    hub.watch()
    assert hub.watchers == 64


def test_who_does_not_ask_again_has_left_and_makes_room(monkeypatch, clock):
    hub = Hub(most=1)
    lasting = hub.watch(lasting=5)
    present = []

    def wait(seconds: float) -> None:
        clock.turn(seconds)
        present.append(hub.watchers)

    monkeypatch.setattr(hub.changed, "wait", wait)
    assert lasting.next(60) == []
    assert present == [1], "who waits for an answer is there, however long that takes"
    clock.turn(4.9)
    assert hub.watchers == 1
    clock.turn(0.1)
    assert hub.watchers == 0
    other = hub.watch()
    assert hub.watches == {other}


def test_who_was_taken_for_gone_and_asks_all_the_same_is_there_again(clock):
    hub = Hub()
    watch = hub.watch(lasting=5)
    clock.turn(6)
    assert hub.watchers == 0
    assert watch.next(0) == []
    assert hub.watchers == 1


def test_an_event_that_got_lost_on_the_way_is_given_again():
    hub = Hub()
    watch = hub.watch()
    hub.publish("state", "paused")
    hub.publish("frame", "1")
    first = watch.take(0, seen=0)
    assert first == (2, [("state", "paused"), ("frame", "1")])
    hub.publish("frame", "2")
    assert watch.take(0, seen=0) == (3, [("state", "paused"), ("frame", "2")])
    assert watch.take(0, seen=3) == (3, [])


def test_only_what_somebody_waits_for_is_awaited():
    hub = Hub()
    assert hub.awaited == set()
    watch = hub.watch()
    hub.publish("frame", "1")
    assert watch.take(0, 0, ("frame",)) == (1, [("frame", "1")])
    assert hub.awaited == set(), "what it has got may still be on its way"
    assert watch.take(0, 1, ("frame",)) == (1, [])
    assert hub.awaited == {"frame"}
    hub.publish("frame", "2")
    assert hub.awaited == set()
    assert (hub.wants("frame"), hub.wants("tiles")) == (True, False)
    watch.take(0, 2, ("frame",))
    watch.leave()
    assert not hub.wants("frame")
    assert hub.awaited == set(), "nobody is left to wait"


def test_when_it_is_closed_every_watcher_comes_to_the_end_at_once():
    hub = Hub()
    watches = [hub.watch(), hub.watch()]
    ends: list[object] = []
    threads = [threading.Thread(target=lambda w=watch: ends.append(w.next(600))) for watch in watches]
    for thread in threads:
        thread.start()
    time.sleep(0.01)
    hub.close()
    for thread in threads:
        thread.join(30)
    assert ends == [None, None]

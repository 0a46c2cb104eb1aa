"""Only the newest of each kind is kept, whoever is slow skips, and there is room for so many and no more."""

import threading
import time

import pytest

from nn_from_scratch.web.hub import Hub, TooManyWatchers


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


def test_the_fifth_watcher_is_refused_until_one_leaves():
    hub = Hub()
    watches = [hub.watch() for _ in range(4)]
    with pytest.raises(TooManyWatchers):
        hub.watch()
    watches[0].leave()
    watches[0].leave()
    assert hub.watchers == 3
    hub.watch()
    assert hub.watchers == 4


def test_a_patient_newcomer_gets_the_place_of_one_who_leaves():
    hub = Hub(most=1)
    first = hub.watch()
    threading.Timer(0.05, first.leave).start()
    assert hub.watch(patience=60) is not first
    assert hub.watchers == 1


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

"""How much viewers slow down a training: steps per second without pages, with one page, and with an audience of forty.

The pages are another process that sends the same requests, but draws nothing: a browser on this machine takes a core
for itself, and a browser on another machine takes none. All take turns in one run, with a turn without pages before and
after each. A ratio is to the mean of these two.
"""

import argparse
import http.client
import multiprocessing
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from benchmarks.timing import median_of
from nn_from_scratch import load_dataset
from nn_from_scratch.web.presenter import Presenter
from nn_from_scratch.web.server import create_app, make_http_server
from nn_from_scratch.web.trainer import Trainer
from nn_from_scratch.web.viewers import SELDOM

SECONDS = 1.0  # of a turn
SETTLING = 0.3  # after a change of the viewers
TURNS = 25
NOBODY, PAGE, TILES, CLASS = "nobody", "one page, 12 frames a second", "the same, tiles shown", "two frames a second"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.viewers", description=__doc__)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--preset", default="784-100-10")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--audience", type=int, default=40)
    arguments = parser.parse_args()
    presenter = Presenter()
    names = [NOBODY, PAGE, TILES, f"{arguments.audience} pages, {CLASS}"]
    with Trainer(load_dataset(arguments.data), arguments.preset) as trainer:
        app = create_app(trainer, presenter=presenter)
        with _served(app) as port, _pages(port, presenter.token, arguments.audience) as watch:
            trainer.ask(trainer.start)
            found = _turns(trainer, watch, names, arguments.turns)
    for name in names:
        print(f"{name:40} {found[name]}", flush=True)


class Turn(NamedTuple):
    """The result of a second of training."""

    steps: float  # per second
    work: float  # milliseconds of processor time of the trainer's thread, per step
    frames: float  # per second, of all pages together


def _turns(trainer: Trainer, watch: Callable[[int], int], names: list[str], turns: int) -> dict[str, str]:
    def turn(number: int) -> Turn:
        watch(number)
        time.sleep(SETTLING)
        watch(number)
        before, mine, began = trainer.run.progress.step, trainer.ask(time.thread_time), time.perf_counter()
        time.sleep(SECONDS)
        seconds, used = time.perf_counter() - began, trainer.ask(time.thread_time) - mine
        steps = trainer.run.progress.step - before
        return Turn(steps / seconds, 1000 * used / steps, watch(number) / seconds)

    alone, found = [turn(0)], {name: [] for name in names}
    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for number, name in enumerate(names):
            found[name].append(turn(number))
            alone.append(turn(0))
            beside = [(before + after) / 2 for before, after in zip(*alone[-2:], strict=True)]
            ratios[name].append((found[name][-1].steps / beside[0], found[name][-1].work / beside[1]))
    said = {}
    for name in names:
        speed, work = (median_of(list(column)) for column in zip(*ratios[name], strict=True))
        steps, _, frames = (median_of(list(column)).value for column in zip(*found[name], strict=True))
        said[name] = (
            f"{steps:6,.0f} steps/s, {speed.value:.3f} ± {speed.spread / turns**0.5:.3f} of the speed; the "
            f"trainer's processor time a step {work.value:.3f}; {frames:.0f} frames/s in all"
        )
    return said


# ---- the pages, in their own process ----


@contextmanager
def _pages(port: int, token: str, audience: int) -> Iterator[Callable[[int], int]]:
    """Set the viewers, by their place among the names. Returns the number of frames since the last call."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_be_pages, args=(theirs, port, token, audience))
    process.start()

    def watch(number: int) -> int:
        ours.send(number)
        return ours.recv()

    try:
        yield watch
    finally:
        ours.send(None)
        process.join()


def _be_pages(orders: Connection, port: int, token: str, audience: int) -> None:
    mode, frames, lock = [0], [0], threading.Lock()

    def page(modes: tuple[int, ...], headers: dict[str, str]) -> None:
        connection, name, seen = http.client.HTTPConnection("127.0.0.1", port, timeout=60), secrets.token_hex(16), 0
        while True:
            while mode[0] not in modes:
                time.sleep(0.05)
            tiles = "&tiles=1" if mode[0] == 2 else ""
            connection.request("GET", f"/api/next?viewer={name}&seen={seen}{tiles}", headers=headers)
            text = connection.getresponse().read().decode()
            seen = int(text[5 : text.index("\n")])
            with lock:
                frames[0] += "\nframe\t" in text
            time.sleep(0 if headers else SELDOM)

    threading.Thread(target=page, args=((1, 2), {"X-Token": token}), daemon=True).start()
    for _ in range(audience):
        threading.Thread(target=page, args=((3,), {}), daemon=True).start()
    while (number := orders.recv()) is not None:
        mode[0] = number
        with lock:
            orders.send(frames[0])
            frames[0] = 0


@contextmanager
def _served(app: object) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = make_http_server(app, listening)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.port
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main()

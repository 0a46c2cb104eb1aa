"""A class on one machine: the speed of thirty trainings side by side, their memory, and the time of an answer.

The server has its own process, started by the same command that a teacher uses. The pupils are this process, which
sends the same requests as their pages, but draws nothing. All train without a pause, as no real class does.
"""

import argparse
import http.client
import json
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median, quantiles

from benchmarks.timing import ROOT

SECONDS = 20.0


class Pupil:
    """A pupil's page: it sends one request after the other, and notes how long each answer took."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.name, self.cookie, self.seen = secrets.token_hex(16), "", 0
        self.step = 0
        self.news: list[float] = []  # seconds from request to answer
        self.replies: list[float] = []  # the same for a request that needs no new frame

    def ask(self, method: str, address: str) -> str:
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        self.connection.request(method, address, b"{}" if method == "POST" else None, headers)
        response = self.connection.getresponse()
        self.cookie = (response.getheader("Set-Cookie") or self.cookie).partition(";")[0]
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(text)
        return text

    def next(self) -> None:
        began = time.perf_counter()
        lines = dict(
            line.split("\t") for line in self.ask("GET", f"/api/next?viewer={self.name}&seen={self.seen}").splitlines()
        )
        self.news.append(time.perf_counter() - began)
        self.seen = int(lines["seen"])
        if "frame" in lines:
            self.step = json.loads(lines["frame"])["step"]

    def work(self, until: threading.Event) -> None:
        while not until.is_set():
            self.next()
            if len(self.news) % 10 == 0:
                began = time.perf_counter()
                self.ask("GET", "/api/neuron?layer=0&neuron=0")
                self.replies.append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pupils", description=__doc__)
    parser.add_argument("--pupils", type=int, default=30)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--preset", default="784-100-10")
    arguments = parser.parse_args()
    words = [sys.executable, "-m", "nn_from_scratch.web", "--no-browser", "--port", "0", "--data", arguments.data]
    words += ["--preset", arguments.preset, "--pupils", str(arguments.pupils)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = next(int(found[1]) for line in server.stdout if (found := re.search(r"http://\S+:(\d+)/", line)))
        try:
            measure(port, server.pid, arguments.pupils)
        finally:
            server.send_signal(signal.SIGINT)


def measure(port: int, process: int, number: int) -> None:
    empty = megabytes(process)
    print(f"the server, without a pupil: {empty:.0f} MB")
    pupils: list[Pupil] = []
    for _ in range(number):
        pupils.append(Pupil(port))
        pupils[-1].next()
        if len(pupils) in (1, number):
            report(pupils, process, empty)


def report(pupils: list[Pupil], process: int, empty: float) -> None:
    entered = time.perf_counter()
    for pupil in pupils:
        pupil.ask("POST", "/api/start")
    began = time.perf_counter() - entered
    until = threading.Event()
    threads = [threading.Thread(target=pupil.work, args=(until,)) for pupil in pupils]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS / 4)
    before, started = [pupil.step for pupil in pupils], time.perf_counter()
    for pupil in pupils:
        pupil.news.clear()
        pupil.replies.clear()
    time.sleep(SECONDS)
    seconds = time.perf_counter() - started
    rates = [(pupil.step - step) / seconds for pupil, step in zip(pupils, before, strict=True)]
    memory = megabytes(process)
    until.set()
    for thread in threads:
        thread.join()
    news = [one for pupil in pupils for one in pupil.news]
    replies = [one for pupil in pupils for one in pupil.replies]
    for pupil in pupils:
        pupil.ask("POST", "/api/pause")
    print(
        f"{len(pupils)} pupils, all training (their starts took {began:.1f} s): {sum(rates):.0f} steps/s in all, each "
        f"{median(rates):.0f} (from {min(rates):.0f} to {max(rates):.0f}); {memory:.0f} MB, "
        f"{(memory - empty) / len(pupils):.1f} for each; news after {spread(news)}; an answer after {spread(replies)}",
        flush=True,
    )


def spread(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "–"
    return f"{1000 * median(seconds):.0f} ms (95 %: within {1000 * quantiles(seconds, n=20)[-1]:.0f} ms)"


def megabytes(process: int) -> float:
    """The memory of the process now, on Linux."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1000 if found else float("nan")


if __name__ == "__main__":
    main()

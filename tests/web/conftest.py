"""A real server with a trainer that waits: nothing happens but what a test asks for.

`live_server` trains on the embedded digits, `mnist_server` on MNIST. Each test gets its own, on a free port, with the
same seed; its trainer is at hand, to compare what the page says with what NumPy holds.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask

import nn_from_scratch as nn
from nn_from_scratch.data import Dataset
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.web.server import create_app, make_http_server
from nn_from_scratch.web.trainer import Trainer
from tests.new_parts import LeakyReLU, SignDescent, Threshold

SEED = 7


@dataclass
class LiveServer:
    url: str  # without a slash at the end
    port: int
    trainer: Trainer


@contextmanager
def serving(dataset: Dataset, port: int = 0, **options: object) -> Iterator[LiveServer]:
    """A server on this port, any that is free by default; `options` are the Trainer's."""
    with Trainer(dataset, **{"seed": SEED, **options}) as trainer, served(create_app(trainer), port) as port:
        yield LiveServer(f"http://127.0.0.1:{port}", port, trainer)


@contextmanager
def served(app: Flask, port: int = 0, host: str = "127.0.0.1") -> Iterator[int]:
    """The application on this port, or on any that is free; its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listening:
        server = make_http_server(app, listening)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return nn.load_dataset("digits")


@pytest.fixture
def own_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of new_parts.py, in their tables as if they had always been there."""
    monkeypatch.setitem(LAYERS, "leaky-relu", LeakyReLU)
    monkeypatch.setitem(LAYERS, "threshold", Threshold)
    monkeypatch.setitem(OPTIMIZERS, "sign-descent", SignDescent)


@pytest.fixture
def live_server(digits: Dataset) -> Iterator[LiveServer]:
    with serving(digits) as server:
        yield server


@pytest.fixture
def mnist_server(mnist: Dataset) -> Iterator[LiveServer]:
    with serving(mnist) as server:
        yield server

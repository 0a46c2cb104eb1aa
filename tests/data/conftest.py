"""No test here may depend on the machine it runs on: not on its variables, its cache, its network or its speed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nn_from_scratch.data import download, mnist
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, FASHION, OFFLINE_VARIABLE, PUBLISHED

REAL_MNIST, REAL_FASHION = os.environ.get(DIRECTORY_VARIABLE), os.environ.get(FASHION.variable)
VARIABLES = (*(published.variable for published in PUBLISHED.values()), OFFLINE_VARIABLE)


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*VARIABLES, "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "PATIENCE", 60)
    cache = tmp_path / "cache"
    monkeypatch.setattr(mnist, "cache_directory", lambda: cache)
    closed = ("http://127.0.0.1:9/first/", "http://127.0.0.1:9/second/")
    for name, published in list(PUBLISHED.items()):
        monkeypatch.setitem(mnist.PUBLISHED, name, replace(published, mirrors=closed))


@pytest.fixture
def real_mnist() -> Path:
    if not REAL_MNIST:
        pytest.skip(f"{DIRECTORY_VARIABLE} isn't set to a directory with MNIST")
    return Path(REAL_MNIST).absolute()


@pytest.fixture
def real_fashion() -> Path:
    if not REAL_FASHION:
        pytest.skip(f"{FASHION.variable} isn't set to a directory with Fashion-MNIST")
    return Path(REAL_FASHION).absolute()

"""No test here may depend on the machine it runs on: not on its variables, its cache or its network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nn_from_scratch.data import mnist
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, OFFLINE_VARIABLE

REAL_MNIST = os.environ.get(DIRECTORY_VARIABLE)


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (DIRECTORY_VARIABLE, OFFLINE_VARIABLE, "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setattr(mnist, "cache_directory", lambda: cache)
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/first/", "http://127.0.0.1:9/second/"))  # closed


@pytest.fixture
def real_mnist() -> Path:
    if not REAL_MNIST:
        pytest.skip(f"{DIRECTORY_VARIABLE} isn't set to a directory with MNIST")
    return Path(REAL_MNIST).absolute()

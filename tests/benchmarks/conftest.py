"""No process of a benchmark outlives the tests that began it: others count the processes there are."""

from collections.abc import Iterator

import pytest

from benchmarks import elsewhere


@pytest.fixture(scope="module", autouse=True)
def processes_end() -> Iterator[None]:
    yield
    elsewhere.end()

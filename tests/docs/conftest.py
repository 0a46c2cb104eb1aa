"""What the tests of the documents share: the numbers of a sentence."""

import pytest

from tests.docs.numbers import Number


@pytest.fixture
def said(request: pytest.FixtureRequest) -> list[Number]:
    """The numbers in the sentences that `says` names."""
    return request.param()

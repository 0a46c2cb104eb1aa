"""What the tests of the documents share: the numbers of a sentence, and MNIST where it is there."""

import os

import pytest

import nn_from_scratch as nn
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE
from tests.docs.numbers import Number


@pytest.fixture
def said(request: pytest.FixtureRequest) -> list[Number]:
    """The numbers in the sentences that `says` names."""
    return request.param()


@pytest.fixture(scope="session")
def mnist() -> nn.Split:
    """The training images."""
    if DIRECTORY_VARIABLE not in os.environ:
        pytest.skip(f"{DIRECTORY_VARIABLE} isn't set to a directory with MNIST")
    return nn.load_dataset("mnist").train

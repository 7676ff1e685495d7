"""What the exactness tests share: each is run again in memory that holds garbage, and in little of it."""

from collections.abc import Iterator

import pytest

from tests.memory import VARIANTS, handed_out


@pytest.fixture(params=VARIANTS[:3])
def memory(request: pytest.FixtureRequest) -> Iterator[str]:
    """Memory as it is, poisoned, scarce."""
    with handed_out(request.param):
        yield request.param


@pytest.fixture(params=VARIANTS)
def memory_and_ways(request: pytest.FixtureRequest) -> Iterator[str]:
    """These, and each way of a convolution forced where it can be, in poisoned and scarce memory."""
    with handed_out(request.param):
        yield request.param

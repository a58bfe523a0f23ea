"""Fixtures of the tests of the stream: a real server on an empty store, and who listens to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.hub import Limits
from tests.listening import Listeners, Served, served_here

SMALL = Limits(listeners=200, ring=7, page=4, readers=2, pace_s=0.01, heartbeat_s=0.2, lag=1_000)
"""So little of everything that every way through the hub is walked."""


@pytest.fixture
def served(store_url: str, tmp_path: Path) -> Iterator[Served]:
    """An application on a store with no map, met with its usual limits."""
    with served_here(store_url, tmp_path) as here:
        yield here


@pytest.fixture
def tight(store_url: str, tmp_path: Path) -> Iterator[Served]:
    """The same with ``SMALL`` limits."""
    with served_here(store_url, tmp_path, SMALL) as here:
        yield here


@pytest.fixture
def ears() -> Iterator[Listeners]:
    """Listeners that leave with the test."""
    made = Listeners()
    yield made
    made.close()

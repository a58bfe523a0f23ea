"""Fixtures of the tests of the HTTP edge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.runtime import Runtime
from tests.api_county import client_of, county_in


@pytest.fixture
def api_runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A runtime on an SQLite store of its own that holds the county."""
    runtime = county_in(tmp_path)
    yield runtime
    runtime.close()


@pytest.fixture
def api(api_runtime: Runtime) -> TestClient:
    """A client on this machine of an application on ``api_runtime``."""
    return client_of(create_app(api_runtime))

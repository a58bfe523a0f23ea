"""Fixtures of the tests of the HTTP edge."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import client_of, county_in, publish_county


@pytest.fixture(scope="session")
def county_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the county. To be copied, not written."""
    folder = tmp_path_factory.mktemp("county")
    county_in(folder).close()
    return folder


@pytest.fixture
def api_runtime(county_data: Path, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime on an SQLite store of its own that holds the county."""
    shutil.copytree(county_data, tmp_path, dirs_exist_ok=True)
    runtime = Runtime.open(Settings.read(data=tmp_path))
    yield runtime
    runtime.close()


@pytest.fixture
def api(api_runtime: Runtime) -> TestClient:
    """A client on this machine of an application on ``api_runtime``."""
    return client_of(create_app(api_runtime))


@pytest.fixture
def county_runtime(store: Store, store_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime on the county, in each of the two stores."""
    publish_county(store)
    runtime = Runtime.open(Settings.read(data=tmp_path, database_url=store_url))
    yield runtime
    runtime.close()

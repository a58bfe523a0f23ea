"""Fixtures of the stores: every test that takes ``store`` runs on SQLite and on PostGIS."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridsvc.store import Store
from tests import postgres
from tests.postgres import Cluster


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The private server of this run."""
    reason = postgres.why_not()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.getbasetemp()
    return postgres.shared_cluster(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """A migrated database of its own on PostGIS."""
    with postgres_cluster.database(postgres.MIGRATED) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """A database with PostGIS and nothing else."""
    with postgres_cluster.database(postgres.POSTGIS) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a database that was never migrated."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'gridsvc.sqlite'}"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a migrated database."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'data' / 'gridsvc.sqlite'}"
    store = Store.open(url)
    store.upgrade()
    store.close()
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A migrated, empty store."""
    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Store]:
    """A migrated, empty store on PostGIS, for what only it can get wrong."""
    opened = Store.open(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """A migrated, empty store in a file."""
    opened = Store.open(f"sqlite:///{tmp_path / 'data' / 'gridsvc.sqlite'}")
    opened.upgrade()
    yield opened
    opened.close()

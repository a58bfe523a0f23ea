"""The demo county's map, for tests that only ask, and a browser to look at pages with."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
from playwright.sync_api import Browser

from gridsvc.flows.mapload import load_map
from gridsvc.locating import GridMap
from gridsvc.locating.frames import published_from
from tests.browser import open_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the test file's own."""
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def demo_map(demo_files: Path, tmp_path_factory: pytest.TempPathFactory) -> GridMap:
    """The whole county straight from its files; the index is kept for the other workers."""
    divisions, grids, units = (
        gpd.read_file(demo_files / f"{name}.gpkg") for name in ("divisions", "grids", "units")
    )
    published = published_from(grids, units, divisions)
    cache = demo_files.parent / "demo-index"
    return load_map(published, cache=cache, central_meridian=None)

"""The maps that are measured: the demo county, and Italy's municipalities where they are."""

import os
from pathlib import Path

import geopandas as gpd

from geodata.synthetic import build
from gridsvc.domain.area import Grid, PublishedMap, as_multipolygon
from gridsvc.locating.frames import published_from

ROOT = Path(__file__).resolve().parents[1]


def demo_files(folder: Path) -> Path:
    """The seeded county as files."""
    build(folder)
    return folder


def published(folder: Path) -> PublishedMap:
    """The map of those files."""
    divisions, grids, units = (
        gpd.read_file(folder / f"{name}.gpkg") for name in ("divisions", "grids", "units")
    )
    return published_from(grids, units, divisions)


def italy() -> PublishedMap | None:
    """7,899 real municipalities as grids, None where the shared data is absent."""
    shared = Path(os.environ.get("GRIDSVC_SHARED_DATA") or ROOT.parent / "shared" / "data")
    path = shared / "coverages" / "it_comuni_7900" / "it_comuni_7900.gpkg"
    if not path.exists():
        return None
    grids = tuple(
        Grid(f"{row:015d}", str(row), f"{row:012d}", as_multipolygon(polygon))
        for row, polygon in enumerate(gpd.read_file(path).geometry)
    )
    return PublishedMap(1, (), grids, (), clean=True)

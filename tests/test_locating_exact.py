"""Locating equals brute force: everywhere, and on edges, corners and cell borders above all."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.domain.area import EndUnit, Grid, PublishedMap, as_multipolygon
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.topology import snap
from gridsvc.flows.mapload import load_map
from gridsvc.locating import GridMap
from gridsvc.locating.cell_index import CellIndex
from tests.brute import assert_agrees, awkward_points
from tests.shared import shared_data


def real_map(polygons: list[shapely.Geometry]) -> GridMap:
    """Real polygons as grids without units; codes in the order of the file."""
    grids = tuple(
        Grid(f"{row:015d}", str(row), f"{row:015d}"[:12], as_multipolygon(polygon))
        for row, polygon in enumerate(polygons)
    )
    clean = bool(shapely.coverage_is_valid([grid.geometry for grid in grids]))
    return GridMap(PublishedMap(1, (), grids, (), clean=clean))


@pytest.fixture(scope="module")
def italy() -> GridMap:
    frame = gpd.read_file(shared_data("coverages", "it_comuni_7900", "it_comuni_7900.gpkg"))
    return real_map(list(frame.geometry))


def test_the_demo_county(demo_map: GridMap) -> None:
    rng = np.random.default_rng(1)
    west, south, east, north = demo_map.bounds
    lng, lat = rng.uniform(west, east, 60_000), rng.uniform(south, north, 60_000)
    assert_agrees(demo_map, lng, lat, scalars=5000)


def test_awkward_points_of_the_demo_county(demo_map: GridMap) -> None:
    rng = np.random.default_rng(2)
    lng, lat = awkward_points(demo_map.leaves.polygons, demo_map.index.resolution, rng, 5000)
    assert_agrees(demo_map, lng, lat, scalars=len(lng))


def test_every_vertex_of_every_grid(demo_map: GridMap) -> None:
    grids = [grid.geometry for grid in demo_map.published.grids]
    coords = np.unique(shapely.get_coordinates(grids), axis=0)
    assert_agrees(demo_map, coords[:, 0].copy(), coords[:, 1].copy(), scalars=500)


@pytest.mark.soak
def test_a_million_points(demo_map: GridMap) -> None:
    rng = np.random.default_rng(3)
    west, south, east, north = demo_map.bounds
    lng, lat = rng.uniform(west, east, 1_000_000), rng.uniform(south, north, 1_000_000)
    assert_agrees(demo_map, lng, lat, scalars=100_000)
    lng, lat = awkward_points(demo_map.leaves.polygons, demo_map.index.resolution, rng, 10_000)
    assert_agrees(demo_map, lng, lat, scalars=len(lng))


def test_italy_whose_edges_bend_between_cells(italy: GridMap) -> None:
    rng = np.random.default_rng(4)
    lng, lat = awkward_points(italy.leaves.polygons, italy.index.resolution, rng, 2000)
    assert_agrees(italy, lng, lat, scalars=4000)


def test_villages_that_overlap_and_break_the_coverage() -> None:
    path = shared_data("coverages", "tw_villages_8067", "tw_villages_8067.gpkg")
    shapes = snap(gpd.read_file(path).geometry.to_numpy())
    whole = [g for g in shapes if shapely.is_valid(g)]
    taiwan = real_map(whole)
    assert not taiwan.published.clean
    rng = np.random.default_rng(5)
    lng, lat = awkward_points(taiwan.leaves.polygons, taiwan.index.resolution, rng, 1500)
    assert_agrees(taiwan, lng, lat, scalars=3000)


@pytest.mark.parametrize("resolution", [9, 10])
def test_the_answer_does_not_depend_on_the_resolution(demo_map: GridMap, resolution: int) -> None:
    index = CellIndex.build(
        demo_map.leaves.polygons, frame=demo_map.frame, clean=True, resolution=resolution
    )
    coarse = GridMap(demo_map.published, frame=demo_map.frame, index=index)
    rng = np.random.default_rng(6)
    lng, lat = awkward_points(demo_map.leaves.polygons, resolution, rng, 2000)
    assert_agrees(coarse, lng, lat, scalars=1000)


def test_the_kept_index_answers_as_the_built_one(
    demo_map: GridMap, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    published = demo_map.published
    built = load_map(published, cache=cache, central_meridian=None)
    (file,) = cache.glob("cells-*.npz")
    stamp = file.stat().st_mtime_ns
    kept = load_map(published, cache=cache, central_meridian=None)
    assert file.stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(kept.index.table, built.index.table)
    file.write_bytes(file.read_bytes()[:1000])
    again = load_map(published, cache=cache, central_meridian=None)
    np.testing.assert_array_equal(again.index.table, built.index.table)


def test_a_cache_that_takes_no_file_costs_only_time(
    demo_map: GridMap, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = PublishedMap(1, (), demo_map.published.grids[:50], (), clean=True)
    (tmp_path / "cache").write_text("a file where the folder should be")
    grid_map = load_map(first, cache=tmp_path / "cache", central_meridian=None)
    assert grid_map.published is first
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_threads_that_ask_a_new_map_at_once(seed: int) -> None:
    """GEOS prepares lazily and without a lock: unsettled polygons crash the process here."""
    command = [sys.executable, "-m", "tests.concurrent_locating", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]


@given(
    seed=st.integers(0, 2**32 - 1),
    seeds=st.integers(2, 40),
    at=st.lists(st.tuples(st.floats(-0.01, 0.06), st.floats(-0.01, 0.06)), min_size=1, max_size=20),
)
def test_law_any_small_coverage(seed: int, seeds: int, at: list[tuple[float, float]]) -> None:
    """Locate agrees with covers, a unit's grid is its parent, everybody's answer is one."""
    published = voronoi_county(seed, seeds)
    grid_map = GridMap(published, frame=MetricFrame())
    lng = np.array([104.3 + x for x, _ in at])
    lat = np.array([24.9 + y for _, y in at])
    coords = shapely.get_coordinates([grid.geometry for grid in published.grids])
    lng, lat = np.concatenate([lng, coords[:, 0]]), np.concatenate([lat, coords[:, 1]])
    assert_agrees(grid_map, lng, lat, scalars=200)
    found = grid_map.locate_many(lng, lat)
    parents = {unit.code: unit.grid for unit in published.units}
    assert all(u is None or parents[u] == g for u, g in zip(found.unit, found.grid, strict=True))


def voronoi_county(seed: int, seeds: int) -> PublishedMap:
    """A county of Voronoi cells about 5 km wide; every third grid has no units."""
    rng = np.random.default_rng(seed)
    box = shapely.box(104.3, 24.9, 104.35, 24.95)
    points = shapely.MultiPoint(rng.uniform((104.3, 24.9), (104.35, 24.95), (seeds, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=box))
    edges = shapely.intersection(shapely.boundary(cells), box)
    noded = shapely.union_all([*edges, box.boundary], grid_size=1e-9)
    faces = snap(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
    groups = np.arange(len(faces)) // 2
    grids, units = [], []
    for group in np.unique(groups):
        own = faces[groups == group]
        code = f"530324001001{group:03d}"
        union = as_multipolygon(shapely.coverage_union_all(own))
        grids.append(Grid(code, code, code[:12], union))
        if group % 3:
            units += [
                EndUnit(f"{code}{k:02d}", code, code, as_multipolygon(face))
                for k, face in enumerate(own)
            ]
    leaves = [u.geometry for u in units]
    assert shapely.coverage_is_valid(leaves)
    return PublishedMap(1, (), tuple(grids), tuple(units), clean=True)

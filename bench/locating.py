"""Point to grid and unit: one at a time, and a million at once."""

from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bench import peers
from bench.measure import Row, together
from gridsvc.locating import GridMap

SINGLE = 20_000
MANY = 1_000_000
SLOW = 2_000
JOINED = 200_000
NEAR_DEG = 30 / 111_000


def evenly(polygons: Any, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Positions evenly over the county."""
    union = shapely.coverage_union_all(polygons)
    shapely.prepare(union)
    west, south, east, north = shapely.bounds(union)
    lng, lat = np.empty(0), np.empty(0)
    while len(lng) < count:
        x, y = rng.uniform(west, east, count), rng.uniform(south, north, count)
        inside = shapely.contains_xy(union, x, y)
        lng, lat = np.concatenate([lng, x[inside]]), np.concatenate([lat, y[inside]])
    return lng[:count].copy(), lat[:count].copy()


def per_polygon(polygons: Any, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """The same number of positions in every polygon, in random order."""
    each = -(-count // len(polygons))
    lng, lat = [], []
    for polygon in polygons:
        west, south, east, north = polygon.bounds
        shapely.prepare(polygon)
        got = 0
        while got < each:
            x, y = rng.uniform(west, east, each * 3), rng.uniform(south, north, each * 3)
            inside = np.flatnonzero(shapely.contains_xy(polygon, x, y))[: each - got]
            lng.append(x[inside])
            lat.append(y[inside])
            got += len(inside)
    order = rng.permutation(each * len(polygons))[:count]
    return np.concatenate(lng)[order], np.concatenate(lat)[order]


def layers_of(grid_map: GridMap) -> dict[str, tuple[Any, list[str]]]:
    """Polygons and codes of each layer that the map has."""
    published = grid_map.published
    layers: dict[str, tuple[Any, list[str]]] = {}
    if published.units:
        layers["unit"] = ([u.geometry for u in published.units], [u.code for u in published.units])
    layers["grid"] = ([g.geometry for g in published.grids], [g.code for g in published.grids])
    return layers


def one_by_one(grid_map: GridMap, name: str, with_postgis: bool) -> list[Row]:
    """Rows for single positions, answers asserted equal."""
    rows = []
    rng = np.random.default_rng(20261123)
    for layer, (polygons, codes) in layers_of(grid_map).items():
        tree = peers.TreePeer(polygons, codes)
        ask = grid_map.locate_grid if layer == "grid" else grid_map.locate_code
        for sample, make, target in (("evenly", evenly, 4.0), ("per polygon", per_polygon, 2.5)):
            x, y = make(tree.polygons, SINGLE, rng)
            points = list(zip(x.tolist(), y.tolist(), strict=True))
            assert [ask(lng=a, lat=b) for a, b in points] == [tree.one(a, b) for a, b in points]
            work = f"{name}, {layer} code of one point, {sample}"
            ours, theirs, floor = together(
                partial(_each_named, ask, points),
                partial(_each, tree.one, points),
                partial(_each, partial(peers.cell_alone, grid_map.index.resolution), points),
            )
            rows.append(Row(work, "shapely STRtree, prepared", ours, theirs, SINGLE, target))
            rows.append(Row(work, "h3 cell alone (no answer)", ours, floor, SINGLE))
            if with_postgis and sample == "evenly":
                rows.append(_postgis_row(work, polygons, codes, ask, points))
    return rows


def _postgis_row(work: str, polygons: Any, codes: list[str], ask: Any, points: Any) -> Row:
    few = points[:SLOW]
    with peers.postgis(polygons, codes) as connection:
        one = peers.postgis_one(connection)
        assert [one(a, b) for a, b in few] == [ask(lng=a, lat=b) for a, b in few]
        ours, theirs = together(partial(_each_named, ask, few), partial(_each, one, few))
    return Row(work, "PostGIS GiST over a socket", ours, theirs, SLOW, 20.0)


def placements(grid_map: GridMap, name: str) -> list[Row]:
    """Rows for the full answer, with neighbours and their distances."""
    rng = np.random.default_rng(7)
    layers = layers_of(grid_map)
    polygons, codes = layers.get("unit", layers["grid"])
    tree = peers.TreePeer(polygons, codes)
    rows = []
    for sample, make in (("evenly", evenly), ("per polygon", per_polygon)):
        x, y = make(tree.polygons, SINGLE, rng)
        points = list(zip(x.tolist(), y.tolist(), strict=True))
        ours, code, near = together(
            partial(_each_named, grid_map.locate, points),
            partial(_each, tree.one, points),
            partial(_each, partial(tree.near, NEAR_DEG), points),
        )
        work = f"{name}, full placement with neighbours, {sample}"
        target = 1.5 if sample == "evenly" else None
        rows.append(Row(work, "STRtree, the code alone", ours, code, SINGLE, target))
        both = code + near
        rows.append(Row(work, "STRtree, code and who is within 30 m", ours, both, SINGLE))
    return rows


def a_million(grid_map: GridMap, name: str, with_postgis: bool) -> list[Row]:
    """Rows for a million positions at once, answers asserted equal."""
    rng = np.random.default_rng(11)
    rows = []
    for layer, (polygons, codes) in layers_of(grid_map).items():
        tree = peers.TreePeer(polygons, codes)
        frame = gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=4490)
        for sample, make in (("evenly", evenly), ("per polygon", per_polygon)):
            x, y = make(tree.polygons, MANY, rng)
            ours = getattr(grid_map.locate_many(x, y), layer)
            np.testing.assert_array_equal(ours, tree.many(x, y))
            ours_s, theirs, floor = together(
                partial(grid_map.locate_many, x, y),
                partial(tree.many, x, y),
                partial(peers.cells_alone, x, y, grid_map.index.resolution),
            )
            work = f"{name}, {layer}, a million points, {sample}"
            rows.append(Row(work, "shapely STRtree, prepared", ours_s, theirs, MANY, 1.5))
            rows.append(Row(work, "h3ronpy cells alone (no answer)", ours_s, floor, MANY))
            if sample == "evenly":
                rows += _joins(grid_map, work, frame, x[:JOINED], y[:JOINED], with_postgis)
    return rows


def _joins(
    grid_map: GridMap, work: str, frame: gpd.GeoDataFrame, x: Any, y: Any, with_postgis: bool
) -> list[Row]:
    work = f"{work} (the first {JOINED:,})"
    ours, theirs = together(partial(grid_map.locate_many, x, y), partial(peers.sjoin, frame, x, y))
    rows = [Row(work, "geopandas sjoin", ours, theirs, JOINED)]
    if with_postgis:
        with peers.postgis(frame.geometry, frame["code"].tolist()) as connection:
            took = peers.postgis_join(connection, x, y)
        rows.append(Row(work, "PostGIS join", ours, took, JOINED))
    return rows


def _each(ask: Any, points: Any) -> list[Any]:
    return [ask(lng, lat) for lng, lat in points]


def _each_named(ask: Any, points: Any) -> list[Any]:
    return [ask(lng=lng, lat=lat) for lng, lat in points]

"""Brute force: what every way of locating must agree with."""

from typing import Any

import h3
import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.locating import GridMap

Floats = npt.NDArray[np.float64]


def lowest_covering(
    polygons: Any, lng: Floats, lat: Floats, own: tuple[Any, Any] | None = None
) -> npt.NDArray[np.int64]:
    """Number of the first polygon that covers each point, -1 for none: shapely alone.

    ``own`` gives the parent of every polygon and the parent of every point's answer: on an edge
    between grids the unit is one of the grid that won.
    """
    pairs = shapely.STRtree(polygons).query(shapely.points(lng, lat), predicate="intersects")
    if own is not None:
        pairs = pairs[:, own[0][pairs[1]] == own[1][pairs[0]]]
    found = np.full(len(lng), len(polygons), dtype=np.int64)
    np.minimum.at(found, pairs[0], pairs[1])
    found[found == len(polygons)] = -1
    return found


def assert_agrees(grid_map: GridMap, lng: Floats, lat: Floats, *, scalars: int = 2000) -> None:
    """Units, grids and outsides of all points, in arrays and (for the first) one by one.

    The grid is asked of the grids' own polygons, the unit of the units'.
    """
    published = grid_map.published
    units = np.array([unit.geometry for unit in published.units], dtype=object)
    grids = np.array([grid.geometry for grid in published.grids], dtype=object)
    units_of = np.array([unit.grid for unit in published.units] + [None], dtype=object)
    unit_codes = np.array([unit.code for unit in published.units] + [None], dtype=object)
    grid_codes = np.array([grid.code for grid in published.grids] + [None], dtype=object)
    grid_at = lowest_covering(grids, lng, lat)
    own = (units_of, grid_codes[grid_at])
    unit_at = lowest_covering(units, lng, lat, own) if len(units) else np.full(len(lng), -1)
    found = grid_map.locate_many(lng, lat)
    inside = found.outside_m == 0
    np.testing.assert_array_equal(inside, grid_at >= 0)
    np.testing.assert_array_equal(found.grid[inside], grid_codes[grid_at[inside]])
    np.testing.assert_array_equal(found.unit[inside], unit_codes[unit_at[inside]])
    for row in range(min(scalars, len(lng))):
        x, y = float(lng[row]), float(lat[row])
        placement = grid_map.locate(lng=x, lat=y)
        assert placement.grid == found.grid[row]
        assert placement.unit == found.unit[row]
        assert placement.outside == (not inside[row])
        code = None if not inside[row] else (found.unit[row] or found.grid[row])
        assert grid_map.locate_code(lng=x, lat=y) == code
        assert grid_map.locate_grid(lng=x, lat=y) == (found.grid[row] if inside[row] else None)


def awkward_points(
    polygons: Any, resolution: int, rng: np.random.Generator, count: int
) -> tuple[Floats, Floats]:
    """About ``count`` points of each kind: vertices, points along edges, beside them by 1e-9
    degree, corners of H3 cells and points within 1e-9 degree of H3 cell edges."""
    bounds = shapely.total_bounds(polygons)
    coords, part = shapely.get_coordinates(shapely.boundary(polygons), return_index=True)
    starts = np.flatnonzero(np.diff(part) == 0)
    chosen = rng.choice(starts, count)
    share = rng.uniform(0, 1, (count, 1))
    along = coords[chosen] + share * (coords[chosen + 1] - coords[chosen])
    vertices = coords[rng.choice(len(coords), count)]
    beside = vertices + rng.choice([-1e-9, 0, 1e-9], (count, 2))
    near_cells = cell_edge_points(bounds, resolution, rng, count)
    points = np.concatenate([vertices, along, beside, near_cells])
    return points[:, 0].copy(), points[:, 1].copy()


def cell_edge_points(
    bounds: Any, resolution: int, rng: np.random.Generator, count: int
) -> npt.NDArray[np.float64]:
    """Points within 1e-9 degree of the edges of H3 cells inside ``bounds``, corners included."""
    out = []
    for lng, lat in rng.uniform(bounds[:2], bounds[2:], (count, 2)):
        ring = h3.cell_to_boundary(h3.latlng_to_cell(lat, lng, resolution))
        at = int(rng.integers(len(ring)))
        a, b = np.array(ring[at]), np.array(ring[(at + 1) % len(ring)])
        share = rng.choice([0.0, rng.uniform()])
        out.append((a + share * (b - a))[::-1] + rng.uniform(-1e-9, 1e-9, 2))
    return np.array(out)

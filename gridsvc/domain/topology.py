"""Polygons that share their edges: the fixed grid, coverage faults, matched vertices, unions.

Everything here is in CGCS2000 degrees, lng, lat. Decision 4: stored vertices lie on multiples of
1e-9 degree, parents are the coverage union of their children, and nothing is clipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.area import Area, Division, EndUnit, Grid, Level, as_multipolygon
from gridsvc.domain.geo import GRID_SIZE_DEG, Floats, Geometries
from gridsvc.domain.noding import match_vertices

__all__ = [
    "CoverageFaults",
    "coverage_faults",
    "derive_divisions",
    "derive_grids",
    "group_unions",
    "is_coverage",
    "match_vertices",
    "polygonal",
    "same_area",
    "snap",
    "union_of",
]

Ints = npt.NDArray[np.intp]

_STEPS_PER_DEGREE = 1e9


def snap(geometries: Any) -> Geometries:
    """Put every vertex on the 1e-9 degree grid, and every ring in one direction.

    Parameters
    ----------
    geometries
        Array of Polygons and MultiPolygons, lng, lat degrees. None stays None.

    Returns
    -------
    Array of the same length of MultiPolygons whose ordinates are ``round(x * 1e9) / 1e9``. No
    vertex is added; vertices that fall together are one. Outer rings run counter-clockwise and
    holes clockwise from the vertex they began with: a Shapefile wants the opposite, and what
    went through one is the same again. Snapping twice changes nothing. A ring may fold over where
    it was thinner than the grid: ask ``shapely.is_valid``.
    """
    array = np.asarray(geometries, dtype=object)
    rounded = shapely.transform(array, _round)
    snapped = shapely.orient_polygons(shapely.remove_repeated_points(rounded, 0.0))
    out = np.empty(array.shape, dtype=object)
    out[:] = [None if one is None else as_multipolygon(one) for one in snapped.tolist()]
    return out


def _round(vertices: Floats) -> Floats:
    # Dividing gives the double nearest to the exact multiple; multiplying by 1e-9 would not.
    # Adding 0.0 turns -0.0 into 0.0, so that equal vertices have equal bytes.
    return np.round(vertices * _STEPS_PER_DEGREE) / _STEPS_PER_DEGREE + 0.0


def polygonal(geometry: Any) -> Area:
    """The polygons of any geometry as a MultiPolygon (empty where it has none)."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == 3]))


def is_coverage(geometries: Any) -> bool:
    """Whether the polygons share their edges vertex for vertex and do not overlap.

    Gaps are not looked for: ``shapely.coverage_is_valid`` finds none, and neither does this.
    Polygons that are not valid themselves are no coverage.
    """
    array = np.asarray(geometries, dtype=object)
    return bool(shapely.is_valid(array).all()) and bool(shapely.coverage_is_valid(array))


def union_of(children: Any, *, clean: bool | None = None) -> Area:
    """The union of polygons, all their outer vertices kept.

    Parameters
    ----------
    children
        Array of valid Polygons and MultiPolygons, lng, lat degrees.
    clean
        Whether they are known to be (or not to be) a coverage; None asks ``is_coverage``.

    Returns
    -------
    The coverage union, or where the children are no coverage the union noded on the 1e-9 grid;
    rings run as in ``snap``.
    """
    array = np.asarray(children, dtype=object)
    if clean if clean is not None else is_coverage(array):
        return polygonal(shapely.orient_polygons(shapely.coverage_union_all(array)))
    return as_multipolygon(snap([polygonal(shapely.union_all(array, grid_size=GRID_SIZE_DEG))])[0])


def same_area(first: Any, second: Any) -> bool:
    """Whether two areas have the same vertices, whatever ring or part comes first."""
    return bool(
        shapely.equals_exact(
            shapely.normalize(as_multipolygon(first)), shapely.normalize(as_multipolygon(second))
        )
    )


@dataclass(frozen=True, slots=True)
class CoverageFaults:
    """Where polygons break a coverage.

    ``edges`` has, for each polygon, the lines of its outline that are not shared properly (empty
    where none); ``pairs`` is an (n, 2) array of positions of polygons whose interiors overlap, the
    lower first; ``overlaps`` the n shapes (MultiPolygons), in degrees.
    """

    edges: Geometries
    pairs: Ints
    overlaps: Geometries

    @property
    def suspects(self) -> Ints:
        """Positions of the polygons with an edge that is not shared properly."""
        return np.flatnonzero(~shapely.is_empty(self.edges))


def coverage_faults(geometries: Any, *, gap_width: float = 0.0) -> CoverageFaults:
    """Find every overlap and every badly shared edge of valid polygons.

    Parameters
    ----------
    geometries
        Array of valid Polygons and MultiPolygons, lng, lat degrees, none of them None or empty.
    gap_width
        Degrees: edges that face each other across a gap narrower than this are reported too.
    """
    array = np.asarray(geometries, dtype=object)
    edges = np.asarray(shapely.coverage_invalid_edges(array, gap_width=gap_width), dtype=object)
    suspects = np.flatnonzero(~shapely.is_empty(edges))
    if not len(suspects):
        return CoverageFaults(edges, np.empty((0, 2), np.intp), np.empty(0, dtype=object))
    left, right = shapely.STRtree(array).query(array[suspects], predicate="intersects")
    left = suspects[left]
    pairs = np.unique(np.sort(np.column_stack([left, right])[left != right], axis=1), axis=0)
    crossing = shapely.relate_pattern(array[pairs[:, 0]], array[pairs[:, 1]], "2********")
    pairs = pairs[crossing]
    shapes = np.empty(len(pairs), dtype=object)
    shapes[:] = [
        polygonal(one)
        for one in shapely.intersection(array[pairs[:, 0]], array[pairs[:, 1]]).tolist()
    ]
    real = ~shapely.is_empty(shapes)
    return CoverageFaults(edges, pairs[real], shapes[real])


def group_unions(
    keys: Sequence[str], geometries: Any, *, clean: bool | None = None
) -> dict[str, Area]:
    """The union of the polygons of each key. ``clean`` as in ``union_of``, for all of them."""
    array = np.asarray(geometries, dtype=object)
    if clean is None:
        clean = is_coverage(array)
    members: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        members.setdefault(key, []).append(position)
    return {key: union_of(array[positions], clean=clean) for key, positions in members.items()}


def derive_grids(grids: Sequence[Grid], units: Sequence[EndUnit]) -> tuple[Grid, ...]:
    """Each grid with the union of its units as its geometry, where it has units.

    The units (and the grids without units) are expected on the 1e-9 degree grid with matched
    vertices; then the grids are a coverage as well.
    """
    ordered = sorted(units, key=lambda unit: unit.code)
    unions = group_unions([u.grid for u in ordered], [u.geometry for u in ordered])
    return tuple(
        replace(grid, geometry=unions[grid.code]) if grid.code in unions else grid
        for grid in sorted(grids, key=lambda grid: grid.code)
    )


def derive_divisions(grids: Sequence[Grid], divisions: Sequence[Division]) -> tuple[Division, ...]:
    """Villages as the union of their grids, townships of their villages, the county of its
    townships. A division without grids gets no geometry; without any grids at all the divisions
    stay as they are."""
    if not grids:
        return tuple(sorted(divisions, key=lambda division: division.code))
    ordered = sorted(grids, key=lambda grid: grid.code)
    shapes = group_unions([g.village for g in ordered], [g.geometry for g in ordered])
    for level in (Level.VILLAGE, Level.TOWNSHIP):
        children = sorted(
            (d for d in divisions if d.level is level and d.code in shapes and d.parent),
            key=lambda division: division.code,
        )
        shapes |= group_unions(
            [d.parent or "" for d in children], [shapes[d.code] for d in children]
        )
    return tuple(
        replace(division, geometry=shapes.get(division.code))
        for division in sorted(divisions, key=lambda division: division.code)
    )

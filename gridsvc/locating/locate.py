"""A published map that answers where a position is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.area import Division, EndUnit, Grid, Level, PublishedMap
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.geo import Bounds, Floats, MetricFrame, bearing_deg, check_position
from gridsvc.domain.incident import Neighbour, Placement
from gridsvc.domain.words import Text
from gridsvc.locating.cell_index import NEAR_M, CellIndex
from gridsvc.locating.frames import published_from
from gridsvc.locating.leaves import Leaves
from gridsvc.locating.many import check_positions, decide_many
from gridsvc.locating.scalar import decider, grid_finder, leaf_finder, settle, settled_tree, view

if TYPE_CHECKING:
    import geopandas as gpd

Codes = npt.NDArray[np.object_]

MOST_NEIGHBOURS = 50
"""The nearest so many are told: a wide radius in a town would name thousands."""

LEAST_OUTSIDE_M = 0.001
"""What a position just outside is told at least: an edge that is straight in degrees bends by
millimetres in metres, and 0 means inside."""


@dataclass(frozen=True)
class Located:
    """The areas of n positions: arrays of codes of shape (n,), ``unit`` None where the grid has
    no units; ``outside_m`` is 0 inside and the distance in metres to the nearest grid, whose
    codes are given, where the position lies in no polygon."""

    unit: Codes
    grid: Codes
    village: Codes
    township: Codes
    outside_m: Floats


class GridMap:
    """One version of the county's map, indexed. Immutable; shared between threads.

    On an edge shared by several grids the lowest grid code wins, and inside it the lowest unit
    code: always, and for every way of asking.
    """

    def __init__(
        self,
        published: PublishedMap,
        *,
        frame: MetricFrame | None = None,
        index: CellIndex | None = None,
        leaves: Leaves | None = None,
    ) -> None:
        if not published.grids:
            raise InputError(
                Fault(
                    "no_grids",
                    Text(
                        "地图中没有网格：请先导入网格", "the map has no grids: import grids first"
                    ),
                )
            )
        self.published = published
        self.leaves = leaves or Leaves.of(published)
        west, south, east, north = (float(v) for v in shapely.total_bounds(self.leaves.polygons))
        self.bounds: Bounds = (west, south, east, north)
        self.frame = frame or MetricFrame.around((west + east) / 2)
        self.index = index or CellIndex.build(
            self.leaves.polygons, frame=self.frame, clean=published.clean
        )
        self.grid_index = self.index.coarsened(self.leaves.grid_number)
        metric = self.frame.geometries(self.leaves.polygons)
        self._tree = settled_tree(metric)
        self._metric: list[Any] = metric.tolist()
        self._area_trees: dict[Level, shapely.STRtree] = {}
        self._grids = {grid.code: grid for grid in published.grids}
        self._units = {unit.code: unit for unit in published.units}
        self._divisions = {division.code: division for division in published.divisions}
        self._prepare()

    @classmethod
    def from_frames(
        cls,
        *,
        grids: "gpd.GeoDataFrame",
        units: "gpd.GeoDataFrame | None" = None,
        divisions: "gpd.GeoDataFrame | None" = None,
        scheme: CodeScheme | None = None,
    ) -> Self:
        """A map straight from frames, without a store.

        Parameters
        ----------
        grids
            Columns ``code``, ``geometry`` (CGCS2000 or WGS 84 degrees; another CRS is an error),
            optionally ``name``, ``village``, ``kind``, ``residents``.
        units
            Likewise, with ``grid``. They must fill the grids they belong to.
        divisions
            Columns ``code``, ``name``, ``level``, ``parent``.
        scheme
            Gives ``village`` and ``grid`` where the columns are absent.
        """
        return cls(published_from(grids, units, divisions, scheme))

    def grid(self, code: str) -> Grid | None:
        """The grid of that code, or None."""
        return self._grids.get(code)

    def unit(self, code: str) -> EndUnit | None:
        """The end unit of that code, or None."""
        return self._units.get(code)

    def division(self, code: str) -> Division | None:
        """The county, township or village of that code, or None."""
        return self._divisions.get(code)

    def name_of(self, code: str | None) -> str:
        """The name of any area of the map; empty where it is not known."""
        area = (
            self._units.get(code or "")
            or self._grids.get(code or "")
            or self._divisions.get(code or "")
        )
        return "" if area is None else area.name

    def locate(self, *, lng: float, lat: float, radius_m: float = NEAR_M) -> Placement:
        """Where a position lies.

        Parameters
        ----------
        lng, lat
            CGCS2000 (or WGS 84) degrees.
        radius_m
            Areas across an edge within this many metres (at least 30) are told as neighbours,
            the nearest ``MOST_NEIGHBOURS`` of them.

        Returns
        -------
        Placement
            Equal to brute force over all polygons; outside all of them the nearest grid.

        Raises
        ------
        PositionError
            Not a number, (0, 0), out of range, swapped, or more than a degree from the county.
        """
        west, south, east, north = self.bounds
        if not (west <= lng <= east and south <= lat <= north):
            check_position(lng=lng, lat=lat, bounds=self.bounds)
        value = self._look_up(lng, lat)
        if value > 0:
            leaf = value - 1
            if radius_m <= NEAR_M:
                return self._interior[leaf]
        else:
            leaf = self._decide(-1 - value, lng, lat) if value else -1
        if leaf < 0:
            return self._outside(lng, lat, radius_m)
        if radius_m > NEAR_M:
            found: Sequence[int] | memoryview[int] = self._within(lng, lat, radius_m)
        else:
            found = self._near[self._near_ptr[-1 - value] : self._near_ptr[-value]]
            if len(found) == 1:
                return self._interior[leaf]
        neighbours = self._neighbours(leaf, found, lng, lat, max(radius_m, NEAR_M))
        known = self._interior[leaf]
        if not neighbours:
            return known
        return Placement(
            known.unit, known.grid, known.village, known.township, 0.0, None, neighbours
        )

    def locate_code(self, *, lng: float, lat: float) -> str | None:
        """Code of the unit (or of the grid, where it has no units) that a position lies in.

        The quickest question: no distances, no checks of what the numbers may mean; None outside,
        and for what is not a finite number.
        """
        try:
            leaf = self._leaf_at(lng, lat)
        except ValueError:  # h3's word for what is not finite; asking first would cost every call
            return None
        return self._leaf_codes[leaf] if leaf >= 0 else None

    def locate_grid(self, *, lng: float, lat: float) -> str | None:
        """Code of the grid that a position lies in, as quickly as can be; None outside, and for
        what is not a finite number."""
        try:
            grid = self._grid_at(lng, lat)
        except ValueError:
            return None
        return self._grid_codes[grid] if grid >= 0 else None

    def locate_many(self, lng: npt.ArrayLike, lat: npt.ArrayLike) -> Located:
        """Where n positions lie.

        Parameters
        ----------
        lng, lat
            CGCS2000 degrees, shape (n,).

        Raises
        ------
        PositionError
            Naming every kind of bad position, how many there are and the first of them.
        """
        xs = np.ascontiguousarray(lng, dtype=np.float64)
        ys = np.ascontiguousarray(lat, dtype=np.float64)
        check_positions(xs, ys, bounds=self.bounds)
        leaf = decide_many(self.index, self.leaves.polygons, xs, ys)
        outside_m = np.zeros(len(xs))
        outside = np.flatnonzero(leaf < 0)
        if len(outside):
            x, y = self.frame.points(lng=xs[outside], lat=ys[outside])
            pairs, distance = self._tree.query_nearest(
                shapely.points(x, y), return_distance=True, all_matches=True
            )
            order = np.lexsort((pairs[1], pairs[0]))
            _, first = np.unique(pairs[0][order], return_index=True)
            leaf[outside] = pairs[1][order][first]
            outside_m[outside] = np.maximum(distance[order][first], LEAST_OUTSIDE_M)
        found = self.leaves
        return Located(
            found.unit[leaf], found.grid[leaf], found.village[leaf], found.township[leaf], outside_m
        )

    def grids_in(self, *, west: float, south: float, east: float, north: float) -> list[Grid]:
        """Grids that touch a box in degrees, by code."""
        box = shapely.box(west, south, east, north)
        found = self._area_tree(Level.GRID).query(box, predicate="intersects")
        return [self.published.grids[i] for i in np.sort(found)]

    def units_in(self, *, west: float, south: float, east: float, north: float) -> list[EndUnit]:
        """End units that touch a box in degrees, by code."""
        box = shapely.box(west, south, east, north)
        found = self._area_tree(Level.UNIT).query(box, predicate="intersects")
        return [self.published.units[i] for i in np.sort(found)]

    def centre_of(self, code: str) -> tuple[float, float]:
        """A (lng, lat) inside the grid of that code: its centroid where that is inside.

        Raises
        ------
        NotFoundError
            No such grid on this map.
        """
        grid = self._grids.get(code)
        if grid is None:
            raise NotFoundError(
                Fault(
                    "unknown_grid",
                    Text(f"没有编码为 {code} 的网格", f"there is no grid with code {code}"),
                    "grid",
                )
            )
        point = shapely.centroid(grid.geometry)
        if not shapely.covers(grid.geometry, point):
            point = shapely.point_on_surface(grid.geometry)
        return float(point.x), float(point.y)

    def _prepare(self) -> None:
        """What the scalar path reads, in the form that is quickest to read."""
        leaves, entries = self.leaves, self.index.entries
        settle(leaves.polygons)
        self._interior = [
            Placement(unit, grid, village, township)
            for unit, grid, village, township in zip(
                leaves.unit, leaves.grid, leaves.village, leaves.township, strict=True
            )
        ]
        self._leaf_codes: list[str] = [p.unit or p.grid for p in self._interior]
        self._grid_codes: list[str] = [grid.code for grid in self.published.grids]
        self._near_ptr, self._near = view(entries.near_ptr), view(entries.near)
        self._look_up = self.index.scalar()
        self._decide = decider(self.index, leaves.polygons.tolist())
        self._leaf_at = leaf_finder(self.index, self._decide)
        self._grid_at = grid_finder(self.grid_index, self._decide, leaves.grid_number)

    def _within(self, lng: float, lat: float, radius_m: float) -> list[int]:
        point = shapely.Point(self.frame.point(lng=lng, lat=lat))
        found: list[int] = self._tree.query(point, predicate="dwithin", distance=radius_m).tolist()
        return found

    def _neighbours(
        self, own: int, near: Iterable[int], lng: float, lat: float, radius_m: float
    ) -> tuple[Neighbour, ...]:
        """Units and grids other than those of leaf ``own``, within ``radius_m``."""
        point: Any = shapely.points(np.array(self.frame.point(lng=lng, lat=lat)))
        grids: dict[str, float] = {}
        found: list[Neighbour] = []
        own_grid = self._interior[own].grid if own >= 0 else None
        for leaf in near:
            if leaf == own:
                continue
            distance = point.distance(self._metric[leaf])
            if distance > radius_m:
                continue
            place = self._interior[leaf]
            if place.unit is not None:
                found.append(Neighbour("unit", place.unit, distance))
            if place.grid != own_grid:
                grids[place.grid] = min(distance, grids.get(place.grid, distance))
        if not found and not grids:
            return ()
        found.extend(Neighbour("grid", code, distance) for code, distance in grids.items())
        found.sort(key=lambda n: (n.distance_m, n.level, n.code))
        return tuple(found[:MOST_NEIGHBOURS])

    def _outside(self, lng: float, lat: float, radius_m: float) -> Placement:
        x, y = self.frame.point(lng=lng, lat=lat)
        point = shapely.Point(x, y)
        leaf = int(np.min(self._tree.query_nearest(point, all_matches=True)))
        line = shapely.shortest_line(point, self._metric[leaf])
        end = self.frame.geometries_back([shapely.get_point(line, 1)])[0]
        bearing = bearing_deg(from_lng=lng, from_lat=lat, to_lng=end.x, to_lat=end.y)
        radius_m = max(radius_m, NEAR_M)
        near = self._tree.query(point, predicate="dwithin", distance=radius_m)
        return replace(
            self._interior[leaf],
            outside_m=max(float(shapely.length(line)), LEAST_OUTSIDE_M),
            bearing_deg=bearing,
            neighbours=self._neighbours(leaf, near, lng, lat, radius_m),
        )

    def _area_tree(self, level: Level) -> shapely.STRtree:
        tree = self._area_trees.get(level)
        if tree is None:
            areas = self.published.grids if level is Level.GRID else self.published.units
            tree = settled_tree([area.geometry for area in areas])
            self._area_trees[level] = tree
        return tree

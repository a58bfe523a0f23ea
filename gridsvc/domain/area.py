"""The county's areas: divisions, grids and end units, and one published map of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import shapely


class Level(StrEnum):
    """Levels of the map, the largest first."""

    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    GRID = "grid"
    UNIT = "unit"


class GridKind(StrEnum):
    """A general grid, or a dedicated one (专属网格: a school, market or estate)."""

    GENERAL = "general"
    DEDICATED = "dedicated"


Area = shapely.MultiPolygon


@dataclass(frozen=True, slots=True)
class Division:
    """County, township or village. ``geometry`` is derived from its children: the coverage union
    (CGCS2000 lng, lat); None while no grid of it is known."""

    code: str
    name: str
    level: Level
    parent: str | None
    geometry: Area | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """网格: belongs to exactly one village. Where it has end units its geometry is their union."""

    code: str
    name: str
    village: str
    geometry: Area
    kind: GridKind = GridKind.GENERAL
    residents: int | None = None


@dataclass(frozen=True, slots=True)
class EndUnit:
    """末端防处单元: inside exactly one grid, the finest area."""

    code: str
    name: str
    grid: str
    geometry: Area
    residents: int | None = None


@dataclass(frozen=True, slots=True)
class PublishedMap:
    """One version of the county's map. Tuples are sorted by code; nothing in it ever changes.

    ``clean`` says that the finest polygons share all their edges, vertex for vertex, without
    overlap (``shapely.coverage_is_valid``); maps that went in with accepted faults may not.
    """

    version: int
    divisions: tuple[Division, ...]
    grids: tuple[Grid, ...]
    units: tuple[EndUnit, ...]
    clean: bool = True
    demo: bool = False

    @property
    def county(self) -> Division | None:
        """The county itself, None on a map without divisions."""
        return next((d for d in self.divisions if d.level is Level.COUNTY), None)

    @property
    def county_name(self) -> str:
        """Its name, empty on a map without divisions."""
        return "" if self.county is None else self.county.name


def as_multipolygon(geometry: Any) -> Area:
    """``geometry`` as the stored type: a Polygon becomes a MultiPolygon of one."""
    if isinstance(geometry, shapely.MultiPolygon):
        return geometry
    if isinstance(geometry, shapely.Polygon):
        return shapely.MultiPolygon([geometry])
    raise TypeError(f"an area is a Polygon or MultiPolygon, not {geometry.geom_type}")

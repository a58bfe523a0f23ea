"""Whoever has no home on file is looked for in the middle of their own unit or grid."""

from collections.abc import Iterable
from dataclasses import replace

import shapely

from gridsvc.domain.area import Area
from gridsvc.domain.force import Responder, Role
from gridsvc.domain.geo import LngLat
from gridsvc.locating import GridMap

AT_HOME = frozenset({Role.SENTINEL, Role.GRID_WORKER})
"""Roles that live where they work."""


def homes_by_area(people: Iterable[Responder], grid_map: GridMap | None) -> tuple[Responder, ...]:
    """``people``, in their order, sentinels and grid workers without a home given a place inside
    their area (``by_area``), so that they are found: a live position counts before it as ever.

    Those whose area is no unit or grid of ``grid_map`` stay without a place.
    """
    every = list(people)
    if grid_map is None:
        return tuple(every)
    found = [
        (number, area.geometry)
        for number, one in enumerate(every)
        if one.home is None
        and one.role in AT_HOME
        and (area := grid_map.unit(one.area) or grid_map.grid(one.area)) is not None
    ]
    for (number, _), at in zip(found, _middles([shape for _, shape in found]), strict=True):
        every[number] = replace(every[number], home=at, by_area=True)
    return tuple(every)


def _middles(shapes: list[Area]) -> list[LngLat]:
    """A point inside each shape: its centroid where that is inside."""
    middles = shapely.centroid(shapes)
    inside = shapely.covers(shapes, middles)
    return [
        LngLat(point.x, point.y)
        for point in (
            middle if within else shapely.point_on_surface(shape)
            for shape, middle, within in zip(shapes, middles, inside, strict=True)
        )
    ]

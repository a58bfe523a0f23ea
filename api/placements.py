"""A placement as an answer: codes and names of the areas, the edges nearby."""

from typing import Literal

from api.shapes import Answer
from gridsvc.domain.incident import Neighbour, Placement
from gridsvc.locating import MOST_NEIGHBOURS, GridMap


class NeighbourAnswer(Answer):
    """An area across an edge nearby, ``distance_m`` metres away."""

    level: Literal["grid", "unit"]
    code: str
    name: str
    distance_m: float


class PlacementAnswer(Answer):
    """Where a position lies.

    ``unit`` is null in a grid without units. Outside the county the areas are those of the
    nearest grid, ``outside_m`` metres away in direction ``bearing_deg`` (clockwise from north).
    ``neighbours_truncated`` says that only the nearest 50 neighbours are told.
    """

    unit: str | None
    unit_name: str | None
    grid: str
    grid_name: str
    village: str
    village_name: str
    township: str
    township_name: str
    outside: bool
    outside_m: float
    bearing_deg: float | None
    neighbours: list[NeighbourAnswer]
    neighbours_truncated: bool


def placement_answer(placement: Placement, grid_map: GridMap) -> PlacementAnswer:
    """Give the areas of ``placement`` the names they have on ``grid_map``.

    A name is empty where the map of today no longer knows the code.
    """
    bearing = placement.bearing_deg
    return PlacementAnswer(
        unit=placement.unit,
        unit_name=None if placement.unit is None else grid_map.name_of(placement.unit),
        grid=placement.grid,
        grid_name=grid_map.name_of(placement.grid),
        village=placement.village,
        village_name=grid_map.name_of(placement.village),
        township=placement.township,
        township_name=grid_map.name_of(placement.township),
        outside=placement.outside,
        outside_m=round(placement.outside_m, 2),
        bearing_deg=None if bearing is None else round(bearing, 1) % 360.0,
        neighbours=[_neighbour(neighbour, grid_map) for neighbour in placement.neighbours],
        neighbours_truncated=len(placement.neighbours) >= MOST_NEIGHBOURS,
    )


def _neighbour(neighbour: Neighbour, grid_map: GridMap) -> NeighbourAnswer:
    return NeighbourAnswer(
        level=neighbour.level,
        code=neighbour.code,
        name=grid_map.name_of(neighbour.code),
        distance_m=round(neighbour.distance_m, 2),
    )

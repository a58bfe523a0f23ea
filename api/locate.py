"""Locating: which unit, grid, village and township a position lies in."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as QueryOf

from api.placements import PlacementAnswer, placement_answer
from api.runtime import TheRuntime
from api.shapes import Query
from gridsvc.domain.geo import Datum
from gridsvc.flows import positions

router = APIRouter(prefix="/api/v1/locate", tags=["locate"])


class LocateQuery(Query):
    """A position in degrees of ``datum``, and how well it is known."""

    lng: float
    lat: float
    datum: Datum = Datum.CGCS2000
    radius_m: float | None = None


class LocateAnswer(PlacementAnswer):
    """Where a position lies on version ``map_version`` of the map."""

    map_version: int


@router.get("")
def locate(query: Annotated[LocateQuery, QueryOf()], runtime: TheRuntime) -> LocateAnswer:
    """Locate one position; outside every area the nearest grid is given and marked."""
    grid_map = runtime.map()
    placement = positions.locate(
        grid_map, lng=query.lng, lat=query.lat, datum=query.datum, radius_m=query.radius_m
    )
    answer = placement_answer(placement, grid_map)
    return LocateAnswer(**dict(answer), map_version=grid_map.published.version)

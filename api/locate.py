"""Locating: which unit, grid, village and township a position lies in."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as QueryOf

from api.placements import PlacementAnswer, placement_answer
from api.runtime import TheRuntime
from api.shapes import Query
from gridsvc.domain.geo import Datum

router = APIRouter(prefix="/api/v1/locate", tags=["locate"])


class LocateQuery(Query):
    """A position in degrees of ``datum``, and how well it is known."""

    lng: float
    lat: float
    datum: Datum = Datum.CGCS2000
    radius_m: float | None = None


@router.get("")
def locate(query: Annotated[LocateQuery, QueryOf()], runtime: TheRuntime) -> PlacementAnswer:
    """Locate one position; outside every area the nearest grid is given and marked."""
    placement = runtime.locate(
        lng=query.lng, lat=query.lat, datum=query.datum, radius_m=query.radius_m
    )
    return placement_answer(placement, runtime.map())

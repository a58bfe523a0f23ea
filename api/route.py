"""The way from one place to another by road."""

from typing import Annotated, Literal

import shapely
from fastapi import APIRouter
from fastapi import Query as QueryOf
from pydantic import Field

from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Answer, Query
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Datum

router = APIRouter(prefix="/api/v1/route", tags=["route"])


class RouteQuery(Query):
    """Two positions as ``lng,lat`` in degrees of ``datum``, and how one moves."""

    start: Annotated[str, Field(alias="from", max_length=100)]
    to: Annotated[str, Field(max_length=100)]
    vehicle: Vehicle = Vehicle.CAR
    datum: Datum = Datum.CGCS2000


class LineAnswer(Answer):
    """A GeoJSON line, longitude first, CGCS2000 degrees."""

    type: Literal["LineString"]
    coordinates: list[tuple[float, float]]


class RouteAnswer(Answer):
    """A way: ``seconds`` and ``metres`` on ``basis`` (road, on_foot or straight_line), ``note``
    what they are worth; ``off_road_m`` of the metres are walked to the road and from it;
    ``roads`` are the names of its roads in order."""

    vehicle: str
    basis: str
    note: str
    seconds: int
    metres: int
    off_road_m: int
    roads: list[str]
    geometry: LineAnswer


@router.get("")
def route(
    query: Annotated[RouteQuery, QueryOf()], runtime: TheRuntime, lang: Speech
) -> RouteAnswer:
    """Find the quickest way; without roads, or far from any, a straight line, marked as such."""
    found = runtime.way(start=query.start, to=query.to, vehicle=query.vehicle, datum=query.datum)
    return RouteAnswer(
        vehicle=query.vehicle,
        basis=found.basis,
        note=runtime.travel.note_of(found.basis).pick(lang),
        seconds=round(found.seconds),
        metres=round(found.metres),
        off_road_m=round(found.off_road_m),
        roads=[*found.names],
        geometry=LineAnswer(
            type="LineString",
            coordinates=[
                (lng, lat) for lng, lat in shapely.get_coordinates(found.line).round(7).tolist()
            ],
        ),
    )

"""Closures: roads that cannot be used for a time."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
import shapely
from fastapi import APIRouter, Path
from fastapi import Query as QueryOf
from pydantic import Field

from api.auth import TheCaller
from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Moment, Query, Readable, county_time
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.force import VEHICLE_NAMES, Vehicle
from gridsvc.domain.roads import CLOSURE_NAMES, RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.closures import Closed, Order

router = APIRouter(prefix="/api/v1", tags=["closures"])

MAX_EDGES = 1000

Which = Annotated[str, Path(max_length=64), Readable]


class Drawn(Body):
    """A GeoJSON geometry in CGCS2000 degrees, longitude first."""

    type: Literal["LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class ClosureBody(Body):
    """What to close: a ``geometry`` (a line closes the roads that run along it within 15 m, a
    polygon those that pass through it), or ``edges`` by id; to everybody or to some ``vehicles``;
    from now or ``starts_at``, until ``ends_at`` or until it is lifted."""

    geometry: Drawn | None = None
    edges: Annotated[
        list[Annotated[str, Field(max_length=100), Readable]],
        Field(default_factory=list, max_length=MAX_EDGES),
    ]
    vehicles: list[Annotated[Vehicle, Field(strict=False)]] | None = Field(
        default=None, max_length=len(VEHICLES)
    )
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    reason: Annotated[str, Field(max_length=500), Readable]


class EdgeAnswer(Answer):
    """A piece of road."""

    edge: str
    name: str
    road_class: str
    length_m: float


class ClosureAnswer(Answer):
    """A closure and what it closes. ``state`` is scheduled, in_force, ended or lifted."""

    id: str
    state: str
    state_name: str
    vehicles: list[str]
    vehicle_names: list[str]
    starts_at: str
    ends_at: str | None
    lifted_at: str | None
    reason: str
    made_by: str
    made_at: str
    geometry: dict[str, Any] | None
    edges: list[EdgeAnswer]
    length_m: float


class ClosuresAnswer(Answer):
    """Closures, the earliest first."""

    closures: list[ClosureAnswer]


class ClosuresQuery(Query):
    """``all``: those that are over, too; otherwise what is in force or begins later."""

    all: bool = False


@router.post("/closures", status_code=201)
def close(body: ClosureBody, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> ClosureAnswer:
    """Close roads from the next dispatch on; it expires by itself at ``ends_at``."""
    order = Order(
        geometry=None if body.geometry is None else _shape(body.geometry),
        edges=tuple(body.edges),
        vehicles=frozenset(VEHICLES if body.vehicles is None else body.vehicles),
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
    )
    found = runtime.close_road(order, caller=caller)
    return _answer(found, runtime.roads(), runtime.clock(), lang)


@router.get("/closures")
def closures(
    query: Annotated[ClosuresQuery, QueryOf()], runtime: TheRuntime, lang: Speech
) -> ClosuresAnswer:
    """Show what is closed, with the edges of the present roads that it closes."""
    now, network = runtime.clock(), runtime.roads()
    return ClosuresAnswer(
        closures=[_answer(one, network, now, lang) for one in runtime.closed_roads(every=query.all)]
    )


@router.get("/closures/{id}")
def closure(id: Which, runtime: TheRuntime, lang: Speech) -> ClosureAnswer:  # noqa: A002
    """Show one closure."""
    return _answer(runtime.closure(id), runtime.roads(), runtime.clock(), lang)


@router.post("/closures/{id}/lift")
def lift(id: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> ClosureAnswer:  # noqa: A002
    """Open the roads again before the end."""
    found = runtime.lift_closure(id, caller=caller)
    return _answer(found, runtime.roads(), runtime.clock(), lang)


def _shape(drawn: Drawn) -> Any:
    """The geometry as shapely has it.

    Raises
    ------
    InputError
        Coordinates that are none.
    """
    try:
        return shapely.from_geojson(orjson.dumps(drawn.model_dump()))
    except (shapely.errors.ShapelyError, orjson.JSONEncodeError) as error:
        text = Text(
            "geometry 的坐标无法读取：应为 GeoJSON，[经度, 纬度]，面的环首尾相同",
            "the coordinates of the geometry cannot be read: give GeoJSON, [longitude, latitude], "
            "rings of polygons closed",
        )
        raise InputError(Fault("geometry_unreadable", text, "geometry")) from error


def _answer(found: Closed, network: RoadNetwork | None, now: datetime, lang: Lang) -> ClosureAnswer:
    one = found.closure
    state = one.state(now)
    edges = [] if network is None else [_edge(network, place) for place in found.edges.tolist()]
    return ClosureAnswer(
        id=one.id,
        state=state,
        state_name=CLOSURE_NAMES[state].pick(lang),
        vehicles=sorted(one.vehicles),
        vehicle_names=[VEHICLE_NAMES[each].pick(lang) for each in sorted(one.vehicles)],
        starts_at=county_time(one.starts_at),
        ends_at=None if one.ends_at is None else county_time(one.ends_at),
        lifted_at=None if one.lifted_at is None else county_time(one.lifted_at),
        reason=one.reason,
        made_by=one.made_by,
        made_at=county_time(one.made_at),
        geometry=None if one.geometry is None else orjson.loads(shapely.to_geojson(one.geometry)),
        edges=edges,
        length_m=round(sum(each.length_m for each in edges), 1),
    )


def _edge(network: RoadNetwork, place: int) -> EdgeAnswer:
    return EdgeAnswer(
        edge=str(network.edge[place]),
        name=str(network.name[place]),
        road_class=str(network.road_class[place]),
        length_m=round(float(network.length_m[place]), 1),
    )

"""Incidents: take a report, give it back."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi import Query as QueryOf
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import Field

from api.faults import of_validation
from api.language import Speech
from api.nearest import NearestAnswer, nearest_answer
from api.placements import PlacementAnswer, placement_answer
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Query, Readable, county_time
from gridsvc.domain.errors import Fault, InputError, NotReadyError
from gridsvc.domain.geo import Datum
from gridsvc.domain.incident import Incident, Position, for_list
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS_BY_CODE, URGENCY_NAMES
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.intake import Report
from gridsvc.locating import GridMap
from gridsvc.runtime import Runtime


class ReportRoute(APIRoute):
    """Answers the faults of a report's shape together with those of its meaning."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's own handler, which stops at the shape."""
        handle = super().get_route_handler()

        async def handle_whole(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                whole = any(len(item["loc"]) == 1 for item in error.errors())
                if whole or not isinstance(error.body, dict):
                    raise  # not a field of it could be read
                _, found = of_validation(error, request.headers.get("content-type", ""))
                raise InputError([*found, *_meant(request, error)]) from error

        return handle_whole


router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], route_class=ReportRoute)


class PositionBody(Body):
    """A position in degrees of ``datum``; ``radius_m`` is its accuracy in metres."""

    lng: float
    lat: float
    datum: Annotated[Datum, Field(strict=False)] = Datum.CGCS2000
    source: Annotated[str, Field(max_length=32), Readable] = "api"
    radius_m: float | None = None


class IncidentBody(Body):
    """One report: a position or the code of a grid, what happened, and how urgent it is.

    Only the shape is judged here. What the values mean is judged in one place for every way in,
    with the map at hand, so that all of it is said at once.
    """

    position: PositionBody | None = None
    grid: Annotated[str, Field(max_length=32), Readable] | None = None
    category: Annotated[str, Field(max_length=64), Readable]
    kind: Annotated[str, Field(max_length=64), Readable]
    urgency: int | None = None
    text: Annotated[str, Field(max_length=8000), Readable] = ""
    address: Annotated[str, Field(max_length=500), Readable] = ""
    drill: bool = False


class PositionAnswer(Answer):
    """The reported position in CGCS2000 degrees, and the datum it was given in."""

    lng: float
    lat: float
    given_datum: Datum
    source: str
    radius_m: float


WITHHELD = Text("【敏感】", "[sensitive]")
"""Stands in a list for the text of an incident of a sensitive kind."""


class IncidentAnswer(Answer):
    """One incident. Times are +08:00; ``number`` can be read aloud.

    ``withheld``: its kind is sensitive, and this list leaves out text, address and position.
    """

    id: str
    number: str
    received_at: str
    category: str
    category_name: str
    kind: str
    kind_name: str
    urgency: int
    urgency_name: str
    text: str
    address: str
    drill: bool
    source: str
    position: PositionAnswer | None
    placement: PlacementAnswer | None
    map_version: int | None
    withheld: bool


class ReceiptAnswer(IncidentAnswer):
    """A report just taken, with the nearest people who can be sent.

    ``notes`` are doubts about the report to be cleared up with whoever sent it.
    """

    nearest: NearestAnswer
    notes: list[str]


class IncidentsQuery(Query):
    """A page of incidents, the newest first, older than the number ``before``."""

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    before: Annotated[str, Field(max_length=64), Readable] | None = None


class IncidentsAnswer(Answer):
    """``next`` is the ``before`` of the next page, null on the last."""

    incidents: list[IncidentAnswer]
    next: str | None


@router.post("", status_code=201)
def receive(
    body: IncidentBody, runtime: TheRuntime, lang: Speech, response: Response
) -> ReceiptAnswer:
    """Take a report: it is durable, numbered and placed before this answers."""
    receipt = runtime.receive(_report(body))
    incident = incident_answer(receipt.incident, receipt.grid_map, lang)
    response.headers["Location"] = f"{router.prefix}/{quote(receipt.incident.id)}"
    return ReceiptAnswer(
        **dict(incident),
        nearest=nearest_answer(receipt.ranking, lang),
        notes=[note.pick(lang) for note in receipt.notes],
    )


@router.get("")
def several(
    query: Annotated[IncidentsQuery, QueryOf()], runtime: TheRuntime, lang: Speech
) -> IncidentsAnswer:
    """List incidents, the newest first; of sensitive kinds without their particulars."""
    found = runtime.incidents(limit=query.limit + 1, before=query.before)
    page = found[: query.limit]
    grid_map = runtime.map()
    return IncidentsAnswer(
        incidents=[_listed(incident, grid_map, lang) for incident in page],
        next=page[-1].number if len(found) > len(page) else None,
    )


@router.get("/{key}")
def one(
    key: Annotated[str, Path(max_length=64), Readable], runtime: TheRuntime, lang: Speech
) -> IncidentAnswer:
    """Give one incident back by its id or number."""
    return incident_answer(runtime.incident(key), runtime.map(), lang)


def incident_answer(incident: Incident, grid_map: GridMap, lang: Lang) -> IncidentAnswer:
    """Say ``incident`` in ``lang``, with the names its areas have on ``grid_map``."""
    kind = KINDS_BY_CODE.get(incident.kind)
    placement = incident.placement
    return IncidentAnswer(
        id=incident.id,
        number=incident.number,
        received_at=county_time(incident.received_at),
        category=incident.category,
        category_name=CATEGORY_NAMES[incident.category].pick(lang),
        kind=incident.kind,
        kind_name=incident.kind if kind is None else kind.name.pick(lang),
        urgency=incident.urgency,
        urgency_name=URGENCY_NAMES[incident.urgency].pick(lang),
        text=incident.text,
        address=incident.address,
        drill=incident.drill,
        source=incident.source,
        position=None if incident.position is None else _position(incident.position),
        placement=None if placement is None else placement_answer(placement, grid_map),
        map_version=incident.map_version,
        withheld=False,
    )


def _listed(incident: Incident, grid_map: GridMap, lang: Lang) -> IncidentAnswer:
    told, withheld = for_list(incident)
    answer = incident_answer(told, grid_map, lang)
    if not withheld:
        return answer
    return answer.model_copy(update={"withheld": True, "text": WITHHELD.pick(lang)})


def _report(body: IncidentBody) -> Report:
    position = body.position
    return Report(
        category=body.category,
        kind=body.kind,
        urgency=body.urgency,
        text=body.text,
        lng=None if position is None else position.lng,
        lat=None if position is None else position.lat,
        datum=Datum.CGCS2000 if position is None else position.datum,
        radius_m=None if position is None else position.radius_m,
        source="api" if position is None else position.source,
        grid=body.grid,
        address=body.address,
        drill=body.drill,
    )


def _meant(request: Request, error: RequestValidationError) -> list[Fault]:
    """Find the faults in the meaning of whatever part of a report could be read."""
    runtime: Runtime = request.app.state.runtime
    bad = {item["loc"][1:3] for item in error.errors() if item["loc"][0] == "body"}
    body = {
        name: value
        for name, value in cast(dict[str, Any], error.body).items()
        if name in IncidentBody.model_fields and (name,) not in bad
    }
    place = body.pop("position", None) or {}
    given = {
        name: value
        for name, value in place.items()
        if name in PositionBody.model_fields and ("position", name) not in bad
    }
    unread = {name for name, *inner in bad if not inner}
    if {"lng", "lat"} - given.keys() or ("position", "datum") in bad:
        given.pop("lng", None)
        unread |= {"position"} if place else set()
    given["datum"] = Datum(given.get("datum", Datum.CGCS2000))
    report = Report(**{"category": "", "kind": "", **body, **given})
    try:
        return runtime.faults(report, unread=unread)
    except NotReadyError:
        return []


def _position(position: Position) -> PositionAnswer:
    return PositionAnswer(
        lng=position.at.lng,
        lat=position.at.lat,
        given_datum=position.given_datum,
        source=position.source,
        radius_m=position.radius_m,
    )

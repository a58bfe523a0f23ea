"""The body of a report: strict in everything but the place, over which no call is refused."""

import math
from typing import Annotated, Any

import orjson
from pydantic import Field, WithJsonSchema

from api.shapes import Body, Readable
from gridsvc.domain.geo import Datum
from gridsvc.domain.incident import Reporter
from gridsvc.domain.kinds import KINDS_BY_CODE, URGENCY_NAMES, Category
from gridsvc.domain.words import Text
from gridsvc.flows.reports import Report

GIVEN_SHOWN = 500
"""So many characters are kept of a position that could not be read."""

_NUMBER = {"type": "number"}
_WHATEVER: dict[str, Any] = {
    "description": "Whatever else a device sends is read as well as it can be"
}
POSITION_SCHEMA = {
    "description": (
        "Longitude and latitude in degrees of datum; radius_m is the accuracy in metres. What "
        "cannot be used leaves the incident unlocated, with the reasons; it is never refused."
    ),
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "lng": _NUMBER,
                "lat": _NUMBER,
                "datum": {"type": "string", "enum": [*Datum], "default": Datum.CGCS2000},
                "source": {"type": "string"},
                "radius_m": {"anyOf": [_NUMBER, {"type": "null"}]},
            },
        },
        {"type": "null"},
        _WHATEVER,
    ],
}
_GRID_SCHEMA = {
    "description": "Code of a grid",
    "anyOf": [{"type": "string"}, {"type": "null"}, _WHATEVER],
}
_CATEGORIES: dict[str, Any] = {"enum": [*Category]}
_KINDS: dict[str, Any] = {"enum": [*KINDS_BY_CODE]}
_URGENCIES: dict[str, Any] = {"enum": [*URGENCY_NAMES, None]}


class ReporterBody(Body):
    """Who reports. ``confidential``: not shown to those who handle the case."""

    name: Annotated[str, Field(max_length=100), Readable] = ""
    phone: Annotated[str, Field(max_length=50), Readable] = ""
    confidential: bool = False


class PlaceBody(Body):
    """Where it is: a position, or the code of a grid where no position is known."""

    position: Annotated[Any, WithJsonSchema(POSITION_SCHEMA)] = None
    grid: Annotated[Any, WithJsonSchema(_GRID_SCHEMA)] = None


class IncidentBody(PlaceBody):
    """One report: where, what happened, and how urgent it is.

    Only the shape is judged here. What the values mean is judged in one place for every way in,
    so that all of it is said at once.
    """

    category: Annotated[str, Field(max_length=64, json_schema_extra=_CATEGORIES), Readable]
    kind: Annotated[str, Field(max_length=64, json_schema_extra=_KINDS), Readable]
    urgency: Annotated[int | None, Field(json_schema_extra=_URGENCIES)] = None
    text: Annotated[str, Field(max_length=8000), Readable] = ""
    address: Annotated[str, Field(max_length=500), Readable] = ""
    reporter: ReporterBody | None = None
    drill: bool = False


def place_report(body: PlaceBody, *, category: str = "", kind: str = "") -> Report:
    """The place of ``body`` as a report."""
    report = _Place(body)
    return Report(
        category=category,
        kind=kind,
        lng=report.lng,
        lat=report.lat,
        datum=report.datum,
        radius_m=report.radius_m,
        source=report.source,
        grid=report.grid,
        given=report.given,
        bad_position=tuple(report.bad),
        doubts=tuple(report.doubts),
    )


def report_of(body: IncidentBody) -> Report:
    """The report that ``body`` makes."""
    place = _Place(body)
    who = body.reporter
    return Report(
        category=body.category,
        kind=body.kind,
        urgency=body.urgency,
        text=body.text,
        lng=place.lng,
        lat=place.lat,
        datum=place.datum,
        radius_m=place.radius_m,
        source=place.source,
        grid=place.grid,
        address=body.address,
        drill=body.drill,
        reporter=None if who is None else Reporter(who.name, who.phone, who.confidential),
        given=place.given,
        bad_position=tuple(place.bad),
        doubts=tuple(place.doubts),
    )


class _Place:
    """Reads what it can of a position, whatever it looks like."""

    def __init__(self, body: PlaceBody) -> None:
        self.lng: float | None = None
        self.lat: float | None = None
        self.datum = Datum.CGCS2000
        self.radius_m: float | None = None
        self.source = "api"
        self.bad: list[Text] = []
        self.doubts: list[Text] = []
        self.given = ""
        self.grid = None if body.grid is None else _shown(body.grid)[:32]
        if body.position is not None:
            empty = isinstance(body.position, dict) and all(
                body.position.get(name) is None for name in ("lng", "lat")
            )
            self.given = "" if empty else _shown(body.position)
            self._read(body.position)

    def _read(self, position: Any) -> None:
        if not isinstance(position, dict):
            self.bad.append(
                # What was sent may name people: it is kept apart, in ``given``.
                Text(
                    "position 应为含 lng、lat 的对象，收到的不是对象",
                    "position must be an object with lng and lat, and is not one",
                )
            )
            return
        lng, lat = self._degrees(position, "lng"), self._degrees(position, "lat")
        if not self.bad:
            self.lng, self.lat = lng, lat
        self._read_datum(position.get("datum", Datum.CGCS2000))
        radius = position.get("radius_m")
        self.radius_m = _number(radius)
        if radius is not None and self.radius_m is None:
            self.doubts.append(
                Text("精度半径 radius_m 不是数字，未采用", "radius_m is no number: left out")
            )
        source = position.get("source")
        self.source = _shown(source)[:32] if source is not None else "api"

    def _read_datum(self, said: Any) -> None:
        try:
            self.datum = Datum(said)
        except ValueError:
            self.datum = Datum.UNKNOWN
            allowed = ", ".join(Datum)
            self.doubts.append(
                Text(
                    f"所报坐标系无法识别，按 unknown 处理，精度放宽 400 米；可用 {allowed}",
                    f"the datum is not known: taken as unknown, 400 m less certain; use {allowed}",
                )
            )

    def _degrees(self, position: dict[str, Any], name: str) -> float | None:
        value = _number(position.get(name))
        if value is None:
            self.bad.append(
                Text(
                    f"position.{name} 不是数字，无法定位",
                    f"position.{name} is no number: it cannot be located",
                )
            )
        return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _shown(value: Any) -> str:
    """``value`` as text that can be stored and shown, cut to a length that a line holds."""
    try:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError):
        text = repr(value)
    return "".join(c if c.isprintable() else "?" for c in text[:GIVEN_SHOWN])

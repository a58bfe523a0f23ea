"""A file of past incidents: placed on the map, numbered by the day."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from geodata.layer import Layer
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, PositionError
from gridsvc.domain.geo import Datum, Floats, LngLat, check_position
from gridsvc.domain.incident import Incident, Placement, Position
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS, URGENCY_NAMES, Kind
from gridsvc.domain.words import Text
from gridsvc.flows.cells import column, moment, number, refuse, row_fault, texts, whole, words
from gridsvc.flows.positions import UNKNOWN_DATUM_M
from gridsvc.locating import GridMap

_KINDS = words({kind.code: kind.name for kind in KINDS})
_BY_CODE = {kind.code: kind for kind in KINDS}
_CATEGORIES = words(CATEGORY_NAMES)
NumberDay = Callable[[date, int], list[str]]
"""Gives the next so many case numbers of a day."""


def to_incidents(layer: Layer, grid_map: GridMap | None) -> list[Incident]:
    """Incidents of the rows, placed where there is a map; ``number`` is "" where the file has none.

    Parameters
    ----------
    layer
        Of kind incidents, positions in CGCS2000. A row's ``datum`` says what its numbers meant in
        the file; ``unknown`` adds 400 m to the radius.
    grid_map
        The current map, None while there is none: positions are kept, nothing is placed.

    Raises
    ------
    LayerError
        Every fault of every row: unknown kinds, no time, positions that cannot be meant.
    """
    faults: list[Fault] = []
    positions = _positions(layer, grid_map, faults)
    placements = _placements(positions, None if faults else grid_map)
    frame = layer.frame
    version = None if grid_map is None else grid_map.published.version
    rows = zip(
        frame.index.tolist(),
        texts(frame, "number"),
        texts(frame, "kind"),
        texts(frame, "category"),
        column(frame, "received_at"),
        column(frame, "urgency"),
        texts(frame, "text"),
        texts(frame, "address"),
        column(frame, "drill"),
        positions,
        placements,
        strict=True,
    )
    read = [_incident(row, version, faults) for row in rows]
    refuse(faults)
    return [incident for incident in read if incident is not None]


def _incident(cells: tuple[Any, ...], version: int | None, faults: list[Fault]) -> Incident | None:
    """The incident of one row, None (and a fault more) where it is none."""
    row, name, said, category, at, urgency, text, address, drill, position, placement = cells
    reader = _Row(row, name, faults)
    kind = reader.kind(said, category)
    received, level = reader.received(at), reader.urgency(urgency, kind)
    if kind is None or received is None or level is None:
        return None
    return Incident(
        id=uuid.uuid4().hex,
        number=name,
        received_at=received,
        category=kind.category,
        kind=kind.code,
        urgency=level,
        text=text,
        position=position,
        address=address,
        placement=placement,
        map_version=version if placement else None,
        drill=bool(drill) if drill is not None else False,
        source="import",
    )


class _Row:
    """Reads the cells of one row and gathers what is wrong with them."""

    def __init__(self, row: int, of: str, faults: list[Fault]) -> None:
        self.row, self.of, self.faults = row, of, faults

    def fault(self, code: str, text: Text) -> None:
        self.faults.append(row_fault(code, self.row, text, self.of))

    def kind(self, said: str, category: str) -> Kind | None:
        kind = _BY_CODE.get(_KINDS.get(said.lower(), ""))
        if kind is None:
            self.fault(
                "unknown_kind",
                Text(f"没有事件类型“{said}”", f"no kind {said!r}: see the table of kinds"),
            )
        elif category and _CATEGORIES.get(category.lower()) is not kind.category:
            self.fault(
                "kind_of_other_category",
                Text(
                    f"“{kind.name.zh}”属于 {kind.category}，不属于 {category}",
                    f"{kind.code} belongs to {kind.category}, not to {category}",
                ),
            )
        return kind

    def received(self, value: Any) -> datetime | None:
        at = moment(value)
        if at is None:
            self.fault("no_time", Text("缺少接报时间", "no time of receipt"))
            return None
        return at if at.tzinfo is not None else at.replace(tzinfo=COUNTY_TIME)

    def urgency(self, value: Any, kind: Kind | None) -> int | None:
        given = whole(value)
        if given is None:
            return None if kind is None else kind.urgency
        if given not in URGENCY_NAMES:
            self.fault(
                "bad_urgency",
                Text(f"紧急程度 {given} 无效：应为 1 到 4", f"urgency {given} is not 1 to 4"),
            )
            return None
        return given


def _positions(
    layer: Layer, grid_map: GridMap | None, faults: list[Fault]
) -> list[Position | None]:
    frame = layer.frame
    points = frame.geometry
    lng: Floats = np.array(points.x, dtype=np.float64)
    lat: Floats = np.array(points.y, dtype=np.float64)
    given = ~(points.isna() | points.is_empty).to_numpy()
    datums = [Datum(said) if said else layer.datum for said in texts(frame, "datum")]
    _refuse_far(layer, grid_map, lng, lat, given, faults)
    radii = [number(value) or 0.0 for value in column(frame, "radius_m")]
    return [
        Position(
            LngLat(x, y),
            datum,
            "import",
            radius + (UNKNOWN_DATUM_M if datum is Datum.UNKNOWN else 0.0),
        )
        if here
        else None
        for x, y, here, datum, radius in zip(
            lng.tolist(), lat.tolist(), given.tolist(), datums, radii, strict=True
        )
    ]


def _refuse_far(
    layer: Layer,
    grid_map: GridMap | None,
    lng: Floats,
    lat: Floats,
    given: npt.NDArray[np.bool_],
    faults: list[Fault],
) -> None:
    bounds = None if grid_map is None else grid_map.bounds
    for place in np.flatnonzero(given).tolist():
        try:
            check_position(lng=float(lng[place]), lat=float(lat[place]), bounds=bounds)
        except PositionError as error:
            row = int(layer.frame.index[place])
            faults += [row_fault(fault.code, row, fault.text) for fault in error.faults]


def _placements(
    positions: list[Position | None], grid_map: GridMap | None
) -> list[Placement | None]:
    """Where each position lies. Those outside every polygon are asked one by one, for the bearing;
    neighbours are not kept for past incidents."""
    out: list[Placement | None] = [None] * len(positions)
    if grid_map is None:
        return out
    held = [(place, one.at) for place, one in enumerate(positions) if one is not None]
    lng = np.array([at.lng for _, at in held], dtype=np.float64)
    lat = np.array([at.lat for _, at in held], dtype=np.float64)
    found = grid_map.locate_many(lng, lat)
    for (place, at), unit, grid, village, township, outside_m in zip(
        held,
        found.unit.tolist(),
        found.grid.tolist(),
        found.village.tolist(),
        found.township.tolist(),
        found.outside_m.tolist(),
        strict=True,
    ):
        if outside_m > 0:
            out[place] = replace(grid_map.locate(lng=at.lng, lat=at.lat), neighbours=())
        else:
            out[place] = Placement(unit, grid, village, township)
    return out


def numbered(
    incidents: list[Incident], taken: Collection[str], number_day: NumberDay
) -> list[Incident]:
    """Give a number to each incident without one: by day of receipt at +08:00, in order of time.

    Raises
    ------
    LayerError
        Numbers of the file that are already in the store, or occur twice in it.
    """
    seen = set(taken)
    faults = []
    for one in incidents:
        if one.number and one.number in seen:
            text = Text("该编号已存在", "this number is already there")
            faults.append(Fault("number_taken", text, one.number))
        seen.add(one.number)
    refuse(faults)
    days: dict[date, list[int]] = defaultdict(list)
    for place, one in sorted(enumerate(incidents), key=lambda item: item[1].received_at):
        if not one.number:
            days[one.received_at.astimezone(COUNTY_TIME).date()].append(place)
    out = list(incidents)
    for day, places in sorted(days.items()):
        for place, name in zip(places, number_day(day, len(places)), strict=True):
            out[place] = replace(out[place], number=name)
    return out

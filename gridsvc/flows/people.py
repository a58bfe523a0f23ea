"""The people that come in with a layer of areas, and whole lists of responders."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import shapely

from geodata.layer import Layer
from gridsvc.domain.area import EndUnit, Grid
from gridsvc.domain.clock import CLOCK_SLACK, COUNTY_TIME
from gridsvc.domain.errors import Fault, PositionError
from gridsvc.domain.force import (
    CAPABILITY_NAMES,
    ROLE_NAMES,
    VEHICLE_NAMES,
    Capability,
    LivePosition,
    Responder,
    Role,
    Vehicle,
)
from gridsvc.domain.geo import Bounds, LngLat, check_position
from gridsvc.domain.words import Text
from gridsvc.flows.cells import column, moment, number, refuse, row_fault, texts, words

USUAL: dict[Role, frozenset[Capability]] = {
    Role.SENTINEL: frozenset({Capability.FIRST_ON_SCENE}),
    Role.GRID_WORKER: frozenset({Capability.GRID_DUTY}),
}
"""What people can do who are only known by name from a layer of grids or units."""

_LETTERS: dict[Role, str] = {Role.GRID_WORKER: "W", Role.SENTINEL: "S"}


def named_people(
    layer: Layer,
    name_column: str,
    role: Role,
    areas: Iterable[Grid | EndUnit],
    known: Sequence[Responder],
) -> list[Responder]:
    """The grid workers of grids, or the sentinels of units, that a layer names.

    Who already answers for an area under another id keeps that id and everything else, and gets
    the name and telephone of the file. Others get the id ``W`` + grid code or ``S`` + unit code and
    a point inside their area as home.
    """
    if name_column not in layer.frame.columns:
        return []
    by_area: dict[str, list[Responder]] = {}
    for one in known:
        if one.role is role:
            by_area.setdefault(one.area, []).append(one)
    shapes = {area.code: area.geometry for area in areas}
    rows = [
        (code, name, phone)
        for code, name, phone in zip(
            texts(layer.frame, "code"),
            texts(layer.frame, name_column),
            texts(layer.frame, "phone"),
            strict=True,
        )
        if name and code in shapes
    ]
    homes = shapely.get_coordinates(
        shapely.point_on_surface(np.array([shapes[code] for code, _, _ in rows], dtype=object))
    )
    people = []
    for (code, name, phone), (lng, lat) in zip(rows, homes.tolist(), strict=True):
        holders = by_area.get(code, [])
        same = [one for one in holders if one.name == name]
        if holders:
            one = (same or holders)[0]
            people.append(replace(one, name=name, phone=phone or one.phone))
        else:
            home = LngLat(lng, lat)
            people.append(
                Responder(_LETTERS[role] + code, name, role, code, home, phone, USUAL[role])
            )
    return people


def superseded(listed: Iterable[Responder], known: Iterable[Responder]) -> list[str]:
    """Ids of those known only by name from a layer of areas, whom a list now brings under another
    id: the same role for the same area."""
    listed = list(listed)
    posts = {(one.role, one.area) for one in listed}
    ids = {one.id for one in listed}
    return [
        one.id
        for one in known
        if one.role in _LETTERS
        and one.id == _LETTERS[one.role] + one.area
        and one.id not in ids
        and (one.role, one.area) in posts
    ]


def to_responders(
    layer: Layer, *, areas: Collection[str], bounds: Bounds | None, now: datetime
) -> list[Responder]:
    """A list of responders, row by row.

    Parameters
    ----------
    layer
        Of kind responders; home places are its points.
    areas
        Codes of every area there is.
    bounds
        Of the map in degrees: homes and live positions far from it are refused.
    now
        The aware time of the import: a live position seen after it is refused.

    Raises
    ------
    LayerError
        Every fault of every row.
    """
    frame = layer.frame
    faults: list[Fault] = []
    people = []
    names = ("id", "name", "role", "area", "phone", "capabilities", "vehicle")
    text_columns = [texts(frame, name) for name in names]
    flags = [column(frame, name) for name in ("app", "night", "on_duty")]
    live = [column(frame, name) for name in ("live_lng", "live_lat", "live_at")]
    for row, home, said, flag, seen in zip(
        frame.index.tolist(),
        frame.geometry.tolist(),
        zip(*text_columns, strict=True),
        zip(*flags, strict=True),
        zip(*live, strict=True),
        strict=True,
    ):
        reader = _Row(row, said[0], faults, bounds, now)
        people.append(
            Responder(
                id=said[0],
                name=said[1],
                role=reader.one_of("role", said[2], _ROLES, Role.SENTINEL),
                area=reader.area(said[3], areas),
                home=reader.home(home),
                phone=said[4],
                capabilities=reader.capabilities(said[5]),
                app=bool(flag[0]) if flag[0] is not None else False,
                night=bool(flag[1]) if flag[1] is not None else False,
                on_duty=bool(flag[2]) if flag[2] is not None else True,
                vehicle=reader.one_of("vehicle", said[6] or "foot", _VEHICLES, Vehicle.FOOT),
                live=reader.live(*seen),
            )
        )
    refuse(faults)
    return people


_ROLES = words(ROLE_NAMES)
_CAPABILITIES = words(CAPABILITY_NAMES)
_VEHICLES = words(VEHICLE_NAMES) | {"摩托": Vehicle.MOTORCYCLE, "car": Vehicle.CAR}


class _Row:
    """Reads the cells of one row and gathers what is wrong with them."""

    def __init__(
        self, row: int, of: str, faults: list[Fault], bounds: Bounds | None, now: datetime
    ) -> None:
        self.row, self.of, self.faults, self.bounds, self.now = row, of, faults, bounds, now

    def fault(self, code: str, text: Text) -> None:
        self.faults.append(row_fault(code, self.row, text, self.of))

    def one_of(self, what: str, said: str, known: dict[str, Any], otherwise: Any) -> Any:
        value = known.get(said.lower())
        if value is None:
            allowed = ", ".join(sorted({str(one) for one in known.values()}))
            self.fault(
                f"unknown_{what}",
                Text(
                    f"“{said}”无法识别：可用 {allowed}", f"{what} {said!r} is not known: {allowed}"
                ),
            )
            return otherwise
        return value

    def area(self, said: str, areas: Collection[str]) -> str:
        if said not in areas:
            self.fault(
                "unknown_area",
                Text(f"责任区编码“{said}”不在地图中", f"area {said!r} is not on the map"),
            )
        return said

    def capabilities(self, said: str) -> frozenset[Capability]:
        listed = [one.strip() for one in said.replace(";", ";").replace("、", ";").split(";")]
        return frozenset(
            value
            for one in listed
            if one and (value := self.one_of("capability", one, _CAPABILITIES, None)) is not None
        )

    def home(self, point: Any) -> LngLat | None:
        if point is None or point.is_empty:
            return None
        at = point if point.geom_type == "Point" else shapely.point_on_surface(point)
        return self.position(at.x, at.y)

    def position(self, lng: float, lat: float) -> LngLat | None:
        try:
            check_position(lng=lng, lat=lat, bounds=self.bounds)
        except PositionError as error:
            for fault in error.faults:
                self.fault(fault.code, fault.text)
            return None
        return LngLat(lng, lat)

    def live(self, lng: Any, lat: Any, at: Any) -> LivePosition | None:
        x, y, seen = number(lng), number(lat), moment(at)
        if x is None or y is None or seen is None:
            return None
        if seen > self.now + CLOCK_SLACK:
            shown = f"{seen.astimezone(COUNTY_TIME):%Y-%m-%d %H:%M:%S}"
            self.fault(
                "live_in_future",
                Text(
                    f"实时位置的时间 {shown} 晚于现在：请核对该列或设备时钟",
                    f"the time of the live position, {shown}, is still to come: check that column "
                    "or the device's clock",
                ),
            )
            return None
        where = self.position(x, y)
        return None if where is None else LivePosition(where, seen)

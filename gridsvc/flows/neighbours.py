"""Outside the county the nearest force goes, and the neighbouring county's duty desk is told."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gridsvc.dispatch.cards import parse
from gridsvc.domain.card_events import NeighbourCountyTold
from gridsvc.domain.errors import ConflictError, Fault, InputError, SettingsError
from gridsvc.domain.events import StoredEvent
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.domain.incident import Incident
from gridsvc.domain.neighbours import NeighbourCounty, nearest_county
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, reached
from gridsvc.flows.patience import patiently
from gridsvc.store import Store, UnitOfWork

_WHERE = "GRIDSVC_NEIGHBOURS"


def load_neighbours(path: Path | None) -> tuple[NeighbourCounty, ...]:
    """The neighbouring counties of a YAML file: a list of ``code``, ``name``, ``phone`` and
    ``border``, which is a list of [lng, lat] along the border.

    Raises
    ------
    SettingsError
        The file cannot be read, with every entry that is at fault.
    """
    if path is None:
        return ()
    try:
        data = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        text = Text(
            f"邻县联系表 {path} 无法读取：请核对路径和编码（UTF-8）",
            f"the table of neighbouring counties {path} cannot be read: correct the path, or save "
            "it as UTF-8",
        )
        raise SettingsError(Fault("neighbours_unreadable", text, _WHERE)) from error
    except InputError as error:
        raise SettingsError(error.faults) from error
    rows = data if isinstance(data, list) else [data]
    found = [_county(row) for row in rows]
    wrong = [n for n, one in enumerate(found, 1) if one is None]
    if wrong:
        raise SettingsError([_bad(n) for n in wrong])
    return tuple(one for one in found if one is not None)


def county_of(
    incident: Incident, counties: tuple[NeighbourCounty, ...], frame: MetricFrame
) -> NeighbourCounty | None:
    """Whom to tell of an incident: None inside the county, and where no neighbour is known."""
    placement, position = incident.placement, incident.position
    if placement is None or position is None or not placement.outside:
        return None
    return nearest_county(counties, position.at, frame)


def told_at(events: list[StoredEvent]) -> datetime | None:
    """When the neighbour was told, by the events of a case."""
    return next((one.at for one in events if one.name == NeighbourCountyTold.name), None)


def tell(
    key: str,
    counties: tuple[NeighbourCounty, ...],
    frame: MetricFrame,
    *,
    store: Store,
    caller: Caller,
) -> NeighbourCounty:
    """Record that the neighbouring county's duty desk was told of a case outside our own.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    ConflictError
        It lies inside the county, or no neighbour is known.
    """

    def once(work: UnitOfWork) -> NeighbourCounty:
        incident, _ = reached(work, key, caller)
        county = county_of(incident, counties, frame)
        if county is None:
            raise ConflictError(Fault("no_neighbour", _NOBODY))
        fields = about(incident, store.county, caller.id)
        work.events.record(NeighbourCountyTold(**fields, county=county.code))
        return county

    return patiently(store, once)


def _county(row: Any) -> NeighbourCounty | None:
    if not isinstance(row, Mapping) or set(row) != {"code", "name", "phone", "border"}:
        return None
    said, border = [row[name] for name in ("code", "name", "phone")], row["border"]
    named = all(isinstance(one, str) and one.strip() for one in said)
    places = [_place(one) for one in border] if isinstance(border, list) else []
    if not named or not places or None in places:
        return None
    code, name, phone = said
    return NeighbourCounty(code, name, phone, tuple(one for one in places if one is not None))


def _place(given: Any) -> LngLat | None:
    if not isinstance(given, list) or len(given) != 2:
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in given):
        return None
    lng, lat = float(given[0]), float(given[1])
    return LngLat(lng, lat) if 70 <= lng <= 140 and 0 <= lat <= 60 else None


def _bad(n: int) -> Fault:
    text = Text(
        f"邻县联系表第 {n} 条有误：需要 code、name、phone（带引号的文字）和 border"
        "（[经度, 纬度] 列表）",
        f"entry {n} of the neighbouring counties is at fault: it needs code, name and phone "
        "(quoted text) and border (a list of [lng, lat])",
    )
    return Fault("bad_neighbour", text, _WHERE)


_NOBODY = Text(
    "案件在县内，或未设邻县联系表（GRIDSVC_NEIGHBOURS），无需告知",
    "the case lies in the county, or no neighbouring county is set (GRIDSVC_NEIGHBOURS)",
)

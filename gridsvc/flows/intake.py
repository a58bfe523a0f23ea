"""A report comes in: it is checked, placed, numbered and stored, and the nearest are found."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import shapely

from gridsvc.dispatch import ForceIndex, Ranking, rank
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.events import IncidentReceived
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Placement, Position, case_prefix
from gridsvc.domain.kinds import KINDS_BY_CODE, URGENCY_NAMES, Category, Kind
from gridsvc.domain.words import Text
from gridsvc.flows.positions import MAX_SEARCH_M, check, faults_of, radius_of, to_stored
from gridsvc.locating import GridMap
from gridsvc.store import Store


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reports: a position (``lng``, ``lat`` in ``datum``) or the code of a grid; of
    both the position counts. ``urgency`` None means the usual one of the kind."""

    category: str
    kind: str
    text: str = ""
    urgency: int | None = None
    lng: float | None = None
    lat: float | None = None
    datum: Datum = Datum.CGCS2000
    radius_m: float | None = None
    source: str = ""
    grid: str | None = None
    address: str = ""
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The stored incident, who could be there first, and the map it was placed on. ``notes`` are
    doubts about the report that were no reason to refuse it; they are told, not stored."""

    incident: Incident
    ranking: Ranking
    grid_map: GridMap
    notes: tuple[Text, ...] = ()


def receive(
    report: Report, *, grid_map: GridMap, force: ForceIndex, store: Store, now: datetime
) -> Receipt:
    """Take a report: when this returns it is durable, with its event.

    Raises
    ------
    InputError
        Every fault of the report at once; nothing is stored.
    """
    kind, position, placement = _understand(report, grid_map)
    ranking = rank(force, lng=position.at.lng, lat=position.at.lat, kind=kind, at=now)
    with store.write() as work:
        number = work.numbers.next_case_number(
            case_prefix(grid_map.published, store.county), now.astimezone(COUNTY_TIME).date()
        )
        incident = Incident(
            id=uuid.uuid4().hex,
            number=number,
            received_at=now,
            category=kind.category,
            kind=kind.code,
            urgency=report.urgency or kind.urgency,
            text=report.text,
            position=position,
            address=report.address,
            placement=placement,
            map_version=grid_map.published.version,
            drill=report.drill,
        )
        work.incidents.add(incident)
        work.events.record(
            IncidentReceived(
                incident=incident.id,
                number=number,
                category=incident.category,
                kind=incident.kind,
                urgency=incident.urgency,
                grid=placement.grid,
                unit=placement.unit,
                nearest=tuple(candidate.responder.id for candidate in ranking.chosen),
            )
        )
    return Receipt(incident, ranking, grid_map, _notes(report, position, placement, grid_map))


def faults(
    report: Report, *, grid_map: GridMap, unread: Collection[str] = frozenset()
) -> list[Fault]:
    """Find every fault of what ``report`` means.

    Parameters
    ----------
    unread
        Fields that could not even be read (``position`` for lng, lat and datum together): whoever
        read the report has said so, and nothing more is said of them.
    """
    return [
        *_kind_faults(report, unread),
        *_urgency_faults(report),
        *_place_faults(report, grid_map, unread),
    ]


def _understand(report: Report, grid_map: GridMap) -> tuple[Kind, Position, Placement]:
    """The report's kind and place, or all its faults at once."""
    found = faults(report, grid_map=grid_map)
    if found:
        raise InputError(found)
    return KINDS_BY_CODE[report.kind], *_place(report, grid_map)


def _place_faults(report: Report, grid_map: GridMap, unread: Collection[str]) -> list[Fault]:
    found = [*faults_of(lambda: radius_of(report.radius_m, report.datum))]
    lng, lat, grid = report.lng, report.lat, report.grid
    if grid is not None:
        found += faults_of(lambda: grid_map.centre_of(grid))
    if lng is not None and lat is not None:
        found += faults_of(lambda: check(grid_map, lng=lng, lat=lat, datum=report.datum))
    elif grid is None and not {"position", "grid"} & {*unread}:
        found.append(_NO_PLACE)
    return found


_NO_PLACE = Fault(
    "no_place",
    Text(
        "缺少位置：请给出 position（经纬度）或 grid（网格编码）",
        "no place is given: give a position or the code of a grid",
    ),
    "position",
)


def _kind_faults(report: Report, unread: Collection[str]) -> list[Fault]:
    kind = KINDS_BY_CODE.get(report.kind)
    known = report.category in [str(category) for category in Category]
    faults = []
    if not known and "category" not in unread:
        faults.append(_unknown_category(report.category))
    if kind is None and "kind" not in unread:
        faults.append(_unknown_kind(report))
    elif kind and known and kind.category != report.category:
        text = Text(
            f"“{kind.name.zh}”（{kind.code}）属于 {kind.category}，不属于 {report.category}",
            f"{kind.code} belongs to {kind.category}, not to {report.category}",
        )
        faults.append(Fault("kind_of_other_category", text, "kind"))
    return faults


def _unknown_category(said: str) -> Fault:
    allowed = ", ".join(Category)
    text = Text(f"没有类别“{said}”：可用 {allowed}", f"no category {said!r}: use one of {allowed}")
    return Fault("unknown_category", text, "category")


def _unknown_kind(report: Report) -> Fault:
    alike = [k.code for k in KINDS_BY_CODE.values() if report.category in (k.category, "")]
    allowed = ", ".join(alike or KINDS_BY_CODE)
    text = Text(
        f"没有事件类型“{report.kind}”：可用 {allowed}",
        f"no kind {report.kind!r}: use one of {allowed}",
    )
    return Fault("unknown_kind", text, "kind")


def _urgency_faults(report: Report) -> list[Fault]:
    if report.urgency is None or report.urgency in URGENCY_NAMES:
        return []
    return [
        Fault(
            "bad_urgency",
            Text(
                f"紧急程度 {report.urgency} 无效：1 特急、2 紧急、3 较急、4 一般",
                f"urgency {report.urgency} is not valid: 1 (critical) to 4 (ordinary)",
            ),
            "urgency",
        )
    ]


def _place(report: Report, grid_map: GridMap) -> tuple[Position, Placement]:
    """Where the report is; of a position and a grid the position counts."""
    if report.lng is None or report.lat is None:
        return _place_in_grid(report.grid or "", grid_map)
    radius = radius_of(report.radius_m, report.datum)
    at = to_stored(lng=report.lng, lat=report.lat, datum=report.datum)
    placement = grid_map.locate(lng=at.lng, lat=at.lat, radius_m=min(radius, MAX_SEARCH_M))
    return Position(at, report.datum, report.source, radius), placement


def _notes(
    report: Report, position: Position, placement: Placement, grid_map: GridMap
) -> tuple[Text, ...]:
    """Doubt a position that lies in another grid than the named one: hundreds of metres are what
    an undeclared datum makes."""
    grid = None if report.grid is None else grid_map.grid(report.grid)
    at = position.at
    if (
        grid is None
        or grid.code == placement.grid
        or shapely.intersects_xy(grid.geometry, at.lng, at.lat)  # on an edge of both
    ):
        return ()
    here = shapely.Point(grid_map.frame.point(lng=at.lng, lat=at.lat))
    metres = float(shapely.distance(grid_map.frame.geometries([grid.geometry])[0], here))
    found = f"{placement.grid}（{grid_map.name_of(placement.grid)}）"
    found_en = f"{placement.grid} ({grid_map.name_of(placement.grid)})"
    where = Text(f"位于网格 {found}", f"lies in grid {found_en}")
    if placement.outside:
        where = Text(
            f"在县外（最近的网格为 {found}）",
            f"lies outside the county (nearest to grid {found_en})",
        )
    return (
        Text(
            f"坐标{where.zh}，不在所报网格 {grid.code}（{grid.name}），相距 {metres:.0f} 米；"
            f"已按坐标定位。坐标按 {report.datum} 理解，疑似坐标系有误"
            "（高德、腾讯为 GCJ-02，偏约 390 米；百度为 BD-09，偏约 950 米）：请核对",
            f"the position {where.en}, not in the named grid {grid.code} ({grid.name}), which is "
            f"{metres:.0f} m away; it was placed by the position. It was read as {report.datum}: "
            "suspect another datum (Amap, Tencent: GCJ-02, about 390 m off; Baidu: BD-09, about "
            "950 m) and ask again",
        ),
    )


def _place_in_grid(code: str, grid_map: GridMap) -> tuple[Position, Placement]:
    """Only the grid is known: its middle stands for the place, and the radius reaches its
    farthest corner, so that nobody takes the middle for the spot."""
    lng, lat = grid_map.centre_of(code)
    grid = grid_map.grid(code)
    village = "" if grid is None else grid.village
    division = grid_map.division(village)
    township = "" if division is None else division.parent or ""
    geometries = [] if grid is None else [grid.geometry]
    x, y = grid_map.frame.point(lng=lng, lat=lat)
    corners = shapely.get_coordinates(grid_map.frame.geometries(geometries))
    radius = float(((corners - (x, y)) ** 2).sum(axis=1).max() ** 0.5)
    placement = Placement(unit=None, grid=code, village=village, township=township)
    return Position(LngLat(lng, lat), Datum.CGCS2000, "grid", radius), placement

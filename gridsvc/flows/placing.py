"""A reported position or grid becomes a placement, or the reasons why it cannot."""

from collections.abc import Iterator
from dataclasses import dataclass

import shapely

from gridsvc.domain.case import Case
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Placement, Position
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import reaches
from gridsvc.flows.positions import MAX_SEARCH_M, check, faults_of, radius_of, to_stored
from gridsvc.flows.reports import Report
from gridsvc.locating import GridMap


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report is. ``unplaced`` says why it has no placement; ``notes`` are doubts."""

    position: Position | None = None
    placement: Placement | None = None
    unplaced: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()


def place_of(report: Report, grid_map: GridMap | None) -> Place:
    """Place a report: by its position, else by its grid, else not at all, with every reason.

    A bad position does not hide a good grid; a bad radius does not hide a good position.
    """
    if grid_map is None:
        return Place(unplaced=(_NO_MAP,))
    doubts = [*report.bad_position, *_reasons(report, grid_map)]
    lng, lat = report.lng, report.lat
    if lng is not None and lat is not None and not doubts:
        radius, radius_doubt = _radius(report)
        at = to_stored(lng=lng, lat=lat, datum=report.datum)
        placement = grid_map.locate(lng=at.lng, lat=at.lat, radius_m=min(radius, MAX_SEARCH_M))
        position = Position(at, report.datum, report.source, radius)
        notes = (*report.doubts, *radius_doubt, *_notes(report, position, placement, grid_map))
        return Place(position, placement, notes=notes)
    if report.grid is not None:
        bad = faults_of(lambda: grid_map.centre_of(report.grid or ""))
        if not bad:
            position, placement = _place_in_grid(report.grid, grid_map)
            return Place(position, placement, notes=tuple(doubts))
        doubts += [fault.text for fault in bad]
    return Place(unplaced=tuple(doubts) or (_NO_POSITION,))


def _reasons(report: Report, grid_map: GridMap) -> Iterator[Text]:
    lng, lat = report.lng, report.lat
    if lng is None or lat is None:
        return
    for fault in faults_of(lambda: check(grid_map, lng=lng, lat=lat, datum=report.datum)):
        yield fault.text


def _radius(report: Report) -> tuple[float, tuple[Text, ...]]:
    bad = faults_of(lambda: radius_of(report.radius_m, report.datum))
    radius = radius_of(None if bad else report.radius_m, report.datum)
    return radius, tuple(fault.text for fault in bad)


_NO_MAP = Text(
    "尚无网格地图，无法定位：请先导入地图，再补充位置",
    "there is no map yet: import one, then give the position",
)
_NO_POSITION = Text(
    "没有坐标也没有网格编码，只有文字：请核实后补充位置",
    "neither a position nor a grid was given, only words: find out and give the position",
)


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


def must_stay_in_reach(
    caller: Caller, incident: Incident, case: Case, county: str, grid_map: GridMap | None
) -> None:
    """Refuse a place that would take a case away from whoever gives it that place.

    Whoever took the call goes on seeing the case wherever it lies, and may correct it to anywhere.

    Raises
    ------
    InputError
        ``incident``, as it would be, lies outside the caller's area and was taken by others.
    """
    placement = incident.placement
    if placement is None or reaches(caller, incident, case, county):
        return
    there, here = _named(placement.township, grid_map), _named(caller.area, grid_map)
    text = Text(
        f"该位置属{there}，不在此密钥的区域（{here}）内，改后将看不到此案，未作任何更改："
        "请由接报人，或由区域为全县的值班员密钥更正",
        f"the position lies in {there}, outside this key's area ({here}): the case would be out of "
        "sight, nothing was changed. Whoever took it, or a duty officer's key for the whole "
        "county, can correct it",
    )
    raise InputError(Fault("outside_your_area", text, "position"))


def _named(code: str, grid_map: GridMap | None) -> str:
    name = "" if grid_map is None else grid_map.name_of(code)
    return f"{name} {code}".strip()

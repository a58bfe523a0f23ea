"""Roads are closed for a time, and opened again before it is over."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.errors import (
    ConflictError,
    Fault,
    GridsvcError,
    InputError,
    NotFoundError,
    NotReadyError,
)
from gridsvc.domain.events import RoadClosed, RoadReopened
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Bounds, MetricFrame, check_position
from gridsvc.domain.rights import COUNTY_DIGITS, Caller
from gridsvc.domain.roads import Closure, RoadNetwork
from gridsvc.domain.words import Text
from gridsvc.locating import GridMap
from gridsvc.store import Store
from gridsvc.travel.closing import BESIDE_M, nearest_road_m, touched

TYPES = ("LineString", "MultiLineString", "Polygon", "MultiPolygon")
"""What a closure can be drawn as."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be closed: a shapely geometry (lng, lat degrees) or edges by id, or both; for
    which vehicles; from when (None: now) until when (None: until lifted); and why."""

    geometry: Any | None
    edges: tuple[str, ...]
    vehicles: frozenset[Vehicle]
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """Where roads are closed: the roads, the metres, the county's bounds and the area of who
    closes them (shapely, degrees), so far as there are such."""

    network: RoadNetwork | None
    frame: MetricFrame
    bounds: Bounds | None = None
    area: Any | None = None


def ground_of(
    grid_map: GridMap | None,
    network: RoadNetwork | None,
    *,
    central_meridian: float | None = None,
    caller: Caller | None = None,
) -> Ground:
    """The ground of the current map and roads, for a caller or for somebody who only looks."""
    if grid_map is None:
        meridian = MetricFrame().central_meridian if central_meridian is None else central_meridian
        return Ground(network, MetricFrame(meridian))
    area = None
    if caller is not None and len(caller.area) > COUNTY_DIGITS:
        divisions = grid_map.published.divisions
        shapes = [one.geometry for one in divisions if one.code == caller.area]
        area = shapely.union_all([shape for shape in shapes if shape is not None])
    return Ground(network, grid_map.frame, grid_map.bounds, area)


@dataclass(frozen=True, eq=False, slots=True)
class Closed:
    """A closure, and the places in the network of the edges that it closes."""

    closure: Closure
    edges: npt.NDArray[np.intp]


def close(order: Order, *, ground: Ground, store: Store, now: datetime, caller: Caller) -> Closed:
    """Close roads: from the next decision on, where it begins now.

    Raises
    ------
    NotReadyError
        No roads have been imported.
    InputError
        With everything that is wrong: no reason, nothing drawn or named, shapes of other types,
        empty or far away, ends before it begins, edges that are not known; or it touches no road,
        or roads outside the caller's area.
    """
    network = ground.network
    if network is None:
        raise _no_roads()
    made = Closure(
        id=uuid.uuid4().hex,
        geometry=None if order.geometry is None else shapely.force_2d(order.geometry),
        edges=tuple(dict.fromkeys(order.edges)),
        vehicles=order.vehicles,
        starts_at=order.starts_at or now,
        ends_at=order.ends_at,
        reason=order.reason.strip(),
        made_by=caller.id,
        made_at=now,
    )
    faults = [
        *_plain_faults(made, now),
        *_shape_faults(made.geometry, ground.bounds),
        *_edge_faults(made, network),
    ]
    if faults:
        raise InputError(faults)
    places = touched(network, made, ground.frame)
    if not len(places):
        raise InputError(_nothing_touched(nearest_road_m(network, made.geometry, ground.frame)))
    _must_lie_in(ground.area, network, places)
    with store.write() as work:
        work.roads.close(made)
        work.events.record(
            RoadClosed(
                closure=made.id,
                vehicles=tuple(sorted(made.vehicles)),
                starts_at=made.starts_at.isoformat(),
                ends_at=None if made.ends_at is None else made.ends_at.isoformat(),
                edges=len(places),
                by=caller.id,
            )
        )
    return Closed(made, places)


def lift(id: str, *, ground: Ground, store: Store, now: datetime, caller: Caller) -> Closed:  # noqa: A002
    """Open the roads of a closure before its end.

    Raises
    ------
    NotFoundError
        No such closure.
    ConflictError
        It was lifted, or is over.
    InputError
        Some of its roads lie outside the caller's area.
    """
    with store.write() as work:
        found = work.roads.closure(id)
        if found is None:
            raise _unknown(id)
        if ground.network is not None:
            _must_lie_in(ground.area, ground.network, touched(ground.network, found, ground.frame))
        over = found.ends_at is not None and found.ends_at <= now
        if over or not work.roads.lift(id, at=now):
            text = Text("该封路已结束或已解除，无需再解除", "it is over or was lifted before")
            raise ConflictError(Fault("closure_over", text, id))
        lifted = work.roads.closure(id)
        work.events.record(RoadReopened(id, caller.id))
    assert lifted is not None
    return closed(lifted, ground)


def show(id: str, *, ground: Ground, store: Store) -> Closed:  # noqa: A002
    """One closure.

    Raises
    ------
    NotFoundError
        No such closure.
    """
    with store.read() as reading:
        found = reading.roads.closure(id)
    if found is None:
        raise _unknown(id)
    return closed(found, ground)


def closed(one: Closure, ground: Ground) -> Closed:
    """A closure with the edges of the present roads that it closes."""
    if ground.network is None:
        return Closed(one, np.array([], dtype=np.intp))
    return Closed(one, touched(ground.network, one, ground.frame))


def _plain_faults(made: Closure, now: datetime) -> list[Fault]:
    faults = []
    if not made.reason:
        text = Text("缺少封路原因，例如 塌方、施工", "say why, for example landslide or works")
        faults.append(Fault("reason_missing", text, "reason"))
    if not made.vehicles:
        listed = ", ".join(Vehicle)
        text = Text(
            f"没有交通方式：可选 {listed}；不填则全部封闭",
            f"no vehicle: choose from {listed}, or leave it out to close the road to all",
        )
        faults.append(Fault("no_vehicle", text, "vehicles"))
    if made.geometry is None and not made.edges:
        text = Text(
            "请给出 geometry（GeoJSON 线或面）或 edges（路段编号）",
            "give a geometry (GeoJSON line or polygon) or edges (their ids)",
        )
        faults.append(Fault("nothing_to_close", text, "geometry"))
    if made.ends_at is not None and made.ends_at <= max(made.starts_at, now):
        text = Text(
            "结束时间应晚于开始时间和当前时间；不填则直到解除",
            "the end must be later than the beginning and than now; left out: until lifted",
        )
        faults.append(Fault("ends_too_early", text, "ends_at"))
    return faults


def _shape_faults(geometry: Any, bounds: Bounds | None) -> list[Fault]:
    if geometry is None:
        return []
    if geometry.geom_type not in TYPES:
        listed = "、".join(TYPES)
        text = Text(
            f"图形类型 {geometry.geom_type} 不可用：应为 {listed}",
            f"a {geometry.geom_type} closes no road: draw a {', '.join(TYPES)}",
        )
        return [Fault("geometry_type", text, "geometry")]
    if geometry.is_empty or geometry.length == 0:
        text = Text("图形为空或没有长度", "the geometry is empty or has no length")
        return [Fault("geometry_empty", text, "geometry")]
    west, south, east, north = geometry.bounds
    faults = _faults_of(lambda: check_position(lng=west, lat=south, bounds=bounds))
    faults = faults or _faults_of(lambda: check_position(lng=east, lat=north, bounds=bounds))
    if not faults and not geometry.is_valid:
        why = shapely.is_valid_reason(geometry)
        text = Text(
            f"图形无效（{why}），请重新绘制", f"the geometry is not valid ({why}): draw it anew"
        )
        faults = [Fault("geometry_invalid", text, "geometry")]
    return [Fault(one.code, one.text, "geometry") for one in faults]


def _faults_of(check: Callable[[], None]) -> list[Fault]:
    try:
        check()
    except GridsvcError as error:
        return list(error.faults)
    return []


def _edge_faults(made: Closure, network: RoadNetwork) -> list[Fault]:
    known = set(network.edge[np.isin(network.edge, made.edges)].tolist()) if made.edges else set()
    return [
        Fault(
            "unknown_edge",
            Text(
                f"现行路网没有路段 {edge}：请核对编号，或改画图形",
                f"the current roads have no edge {edge}: check the id, or draw the place",
            ),
            "edges",
        )
        for edge in made.edges
        if edge not in known
    ]


def _must_lie_in(area: Any, network: RoadNetwork, places: npt.NDArray[np.intp]) -> None:
    """Refuse to close roads none of which is in the caller's area.

    Raises
    ------
    InputError
        An edge lies wholly outside ``area``.
    """
    if area is None:
        return
    shapely.prepare(area)
    start = network.shape_start
    lines = [shapely.LineString(network.shape[start[one] : start[one + 1]]) for one in places]
    outside = places[~shapely.intersects(area, np.array(lines, dtype=object))]
    if len(outside):
        shown = ", ".join(network.edge[outside[:5]].tolist())
        text = Text(
            f"{len(outside)} 条路段在密钥的辖区之外（{shown}）：请缩小图形，或由县级值班员办理",
            f"{len(outside)} edges lie outside the area of this key ({shown}): draw less, or have "
            "the county's duty officer do it",
        )
        raise InputError(Fault("outside_area", text, "geometry"))


def _nothing_touched(metres: float) -> Fault:
    return Fault(
        "no_road_touched",
        Text(
            f"没有封闭任何道路：最近的道路在 {metres:.0f} 米外。线应沿道路绘制（{BESIDE_M:.0f} 米"
            "以内，至少同行较短者的一半），面应压住道路",
            f"it closes no road: the nearest is {metres:.0f} m away. Draw a line along the road "
            f"(within {BESIDE_M:.0f} m, for at least half of the shorter of the two), or a polygon "
            "over it",
        ),
        "geometry",
    )


def _no_roads() -> NotReadyError:
    text = Text(
        "尚未导入道路：请先执行 gridsvc import roads 文件",
        "there are no roads yet: run gridsvc import roads FILE first",
    )
    return NotReadyError(Fault("no_roads", text))


def _unknown(id: str) -> NotFoundError:  # noqa: A002
    text = Text(f"没有编号为“{id}”的封路", f"no closure is known under {id!r}")
    return NotFoundError(Fault("unknown_closure", text, "id"))

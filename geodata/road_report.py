"""What an import of roads comes to: sizes, parts, what was dropped, what looks wrong."""

import heapq
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geodata.road_classes import CLASSES, mask_of
from geodata.road_topology import Ways
from gridsvc.domain.errors import ConflictError, Fault
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, Geometries, LngLat, MetricFrame
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.domain.words import Text

NEAR_M = 15.0
"""A dead end nearer than this to a road that it is not joined to is told."""

_JOINED = 4.0
"""Times as far along the roads, and two roads count as joined."""

EXAMPLES = 10


class Reason(StrEnum):
    """Why a road of the source is not in the network, or not all of it."""

    NOT_BUILT = "not_built"
    NO_ACCESS = "no_access"
    NOT_A_ROAD = "not_a_road"
    TOO_SHORT = "too_short"
    NO_GEOMETRY = "no_geometry"
    CUT_OFF = "cut_off"
    UNKNOWN_CLASS = "unknown_class"
    UNKNOWN_LIMIT = "unknown_limit"
    UNKNOWN_ONE_WAY = "unknown_one_way"
    UNKNOWN_SURFACE = "unknown_surface"


REASON_NAMES: dict[Reason, Text] = {
    Reason.NOT_BUILT: Text("在建、规划或废弃，未导入", "not built or abandoned: left out"),
    Reason.NO_ACCESS: Text("私有或禁止通行，未导入", "private or closed to all: left out"),
    Reason.NOT_A_ROAD: Text("不是可通行道路，未导入", "no road that anybody uses: left out"),
    Reason.TOO_SHORT: Text("没有长度，未导入", "no length: left out"),
    Reason.NO_GEOMETRY: Text("没有图形，未导入", "no geometry: left out"),
    Reason.CUT_OFF: Text("在文件边缘被截断", "cut off at the edge of the file"),
    Reason.UNKNOWN_CLASS: Text("道路等级不认识，按乡道计", "class unknown: taken as unclassified"),
    Reason.UNKNOWN_LIMIT: Text("限速不认识，按未知计", "limit not understood: taken as unknown"),
    Reason.UNKNOWN_ONE_WAY: Text("单行标记不认识，按双向计", "one-way not understood: both ways"),
    Reason.UNKNOWN_SURFACE: Text("路面不认识，按未知计", "surface not understood: unknown"),
}


@dataclass
class Drops:
    """What was left out or not understood, by reason: ids in the order of the file."""

    ids: dict[Reason, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: Reason, source_id: str) -> None:
        """Note one."""
        self.ids[reason].append(source_id)


@dataclass(frozen=True, eq=False)
class Source:
    """The roads of a file, what was left out, and the file's name without its folder."""

    ways: Ways
    drops: Drops
    name: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many were left out for one reason, and the first ids."""

    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """How the roads of one vehicle hang together, directions aside: how many parts there are, and
    the largest one's share of the nodes (0 to 1)."""

    count: int
    largest: float


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A road's end at ``at``, ``distance_m`` from ``other`` (an edge) that it is not joined to,
    whose nearest point is ``beside``."""

    edge: str
    at: LngLat
    other: str
    beside: LngLat
    distance_m: float


@dataclass(frozen=True, slots=True)
class RoadReport:
    """What a network is made of. ``km`` is by class; ``parts`` by vehicle; ``one_way`` the share of
    the length that cars have in one direction alone; ``dead_ends`` the nearest first."""

    nodes: int
    edges: int
    km: Mapping[str, float]
    parts: Mapping[Vehicle, Parts]
    one_way: float
    dropped: Mapping[Reason, Dropped]
    dead_ends: tuple[DeadEnd, ...]
    near_m: float


def road_report(network: RoadNetwork, drops: Drops, *, near_m: float = NEAR_M) -> RoadReport:
    """Describe a network; dead ends are those within ``near_m`` metres of another road."""
    car = mask_of([Vehicle.CAR])
    along, against = (network.along & car) > 0, (network.against & car) > 0
    driven = float(network.length_m[along | against].sum())
    single = float(network.length_m[along ^ against].sum())
    return RoadReport(
        nodes=network.nodes,
        edges=network.edges,
        km={
            name: float(network.length_m[network.road_class == name].sum()) / 1000
            for name in CLASSES
            if (network.road_class == name).any()
        },
        parts={vehicle: parts_of(network, vehicle) for vehicle in VEHICLES},
        one_way=single / driven if driven else 0.0,
        dropped={
            reason: Dropped(len(drops.ids[reason]), tuple(drops.ids[reason][:EXAMPLES]))
            for reason in Reason
            if drops.ids.get(reason)
        },
        dead_ends=dead_ends(network, near_m),
        near_m=near_m,
    )


def parts_of(network: RoadNetwork, vehicle: Vehicle) -> Parts:
    """How the roads that ``vehicle`` may use hang together."""
    bit = mask_of([vehicle])
    used = ((network.along | network.against) & bit) > 0
    tail, head = network.tail[used], network.head[used]
    if not len(tail):
        return Parts(0, 0.0)
    shape = (network.nodes, network.nodes)
    graph = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=shape)
    _, part = connected_components(graph, directed=False)
    sizes = np.bincount(part[np.unique(np.concatenate([tail, head]))])
    return Parts(int((sizes > 0).sum()), float(sizes.max() / sizes.sum()))


def dead_ends(network: RoadNetwork, near_m: float) -> tuple[DeadEnd, ...]:
    """Ends of roads within ``near_m`` metres of a road that cannot be reached from them along the
    roads within four times as far: most are lines that were not drawn to their end."""
    if not network.edges:
        return ()
    ends = np.concatenate([network.tail, network.head])
    dead = np.flatnonzero(np.bincount(ends, minlength=network.nodes) == 1)
    frame = MetricFrame.around(float(np.median(network.node_lng)))
    owner = np.repeat(np.arange(network.edges), np.diff(network.shape_start))
    xy = np.column_stack(frame.points(lng=network.shape[:, 0], lat=network.shape[:, 1]))
    lines: Geometries = np.asarray(shapely.linestrings(xy, indices=owner), dtype=object)
    at = np.column_stack(frame.points(lng=network.node_lng[dead], lat=network.node_lat[dead]))
    points: Geometries = np.asarray(shapely.points(at), dtype=object)
    which, edge = shapely.STRtree(lines).query(points, predicate="dwithin", distance=near_m)
    own = np.full(network.nodes, -1, dtype=np.int64)
    own[ends] = np.concatenate([np.arange(network.edges)] * 2)
    away: Floats = np.asarray(shapely.distance(points[which], lines[edge]))
    streets = _Streets(network, near_m * _JOINED)
    found: dict[int, DeadEnd] = {}
    joined: dict[int, set[int]] = {}
    for place in np.argsort(away, kind="stable").tolist():
        node, other = int(dead[which[place]]), int(edge[place])
        if node in found or other == own[node]:
            continue
        if node not in joined:
            joined[node] = streets.around(node)
        reached = joined[node]
        if network.tail[other] in reached or network.head[other] in reached:
            continue
        line = lines[other]
        beside = line.interpolate(line.project(points[which[place]]))
        lng, lat = frame.back(x=np.array([beside.x]), y=np.array([beside.y]))
        found[node] = DeadEnd(
            edge=str(network.edge[own[node]]),
            at=LngLat(float(network.node_lng[node]), float(network.node_lat[node])),
            other=str(network.edge[other]),
            beside=LngLat(round(float(lng[0]), 9), round(float(lat[0]), 9)),
            distance_m=round(float(away[place]), 2),
        )
    return tuple(found.values())


class _Streets:
    """Which nodes lie within some metres along the roads, directions aside."""

    def __init__(self, network: RoadNetwork, limit_m: float) -> None:
        self._limit = limit_m
        self._next: dict[int, list[tuple[int, float]]] = defaultdict(list)
        rows = zip(
            network.tail.tolist(), network.head.tolist(), network.length_m.tolist(), strict=True
        )
        for tail, head, metres in rows:
            self._next[tail].append((head, metres))
            self._next[head].append((tail, metres))

    def around(self, start: int) -> set[int]:
        """The nodes within the limit of ``start``, itself among them."""
        seen: set[int] = set()
        due = [(0.0, start)]
        while due:
            metres, node = heapq.heappop(due)
            if node in seen:
                continue
            seen.add(node)
            for beyond, more in self._next[node]:
                if beyond not in seen and metres + more <= self._limit:
                    heapq.heappush(due, (metres + more, beyond))
        return seen


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Refuse to replace a file.

    Raises
    ------
    ConflictError
        The file exists and ``overwrite`` was not asked for.
    """
    if path.exists() and not overwrite:
        text = Text("文件已存在，用 --overwrite 替换", "it exists: --overwrite replaces it")
        raise ConflictError(Fault("file_exists", text, str(path)))


def write_dead_ends(found: Sequence[DeadEnd], path: Path) -> int:
    """Write dead ends as GeoJSON, CGCS2000 degrees: a line from each end to the road beside it.

    Returns
    -------
    How many there are.
    """
    features = [
        {
            "type": "Feature",
            "properties": {
                "edge": one.edge,
                "other": one.other,
                "distance_m": one.distance_m,
                "lng": one.at.lng,
                "lat": one.at.lat,
            },
            "geometry": {
                "type": "LineString",
                "coordinates": [[one.at.lng, one.at.lat], [one.beside.lng, one.beside.lat]],
            },
        }
        for one in found
    ]
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
    return len(features)

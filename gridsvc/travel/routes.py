"""The way from one place to another: its line, its length, and how long it takes."""

from typing import NamedTuple

import numpy as np
import shapely
from shapely.ops import substring

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import BASES, VEHICLES, Basis, Route
from gridsvc.travel.eta import RoadSettled
from gridsvc.travel.ground import OFF_ROAD_DETOUR, Access, Ends


class _Piece(NamedTuple):
    """Part of an edge, between two shares of it as it was drawn; backwards where the second is
    the lesser."""

    edge: int
    since: float
    until: float


Place = tuple[float, float]


def route(access: Access, start: Place, to: Place, vehicle: Vehicle) -> Route | None:
    """The quickest way from ``start`` to ``to`` (x, y in the county's metres), None where nothing
    leads there.

    Its seconds are those that `gridsvc.travel.eta` gives somebody at ``start``.
    """
    xy = np.array([start, to])
    settled = RoadSettled(access, xy[:1], np.array([VEHICLES.index(vehicle)], np.int8))
    times = settled.search(to).exactly(np.array([0]))
    seconds, basis = float(times.seconds[0]), BASES[int(times.basis[0])]
    if not np.isfinite(seconds):
        return None
    if basis is not Basis.ROAD:
        detour = OFF_ROAD_DETOUR if basis is Basis.ON_FOOT else access.straight.detour
        metres = detour * float(np.hypot(*(xy[1] - xy[0])))
        walked = metres if basis is Basis.ON_FOOT else 0.0
        return Route(basis, seconds, metres, walked, shapely.LineString(xy), ())
    leaving = settled.groups[0].ends
    arriving = access.targets(to, [vehicle])[vehicle]
    if arriving is None:
        raise ValueError("a time by road to a place that is on none")
    pieces = _pieces(access, vehicle, leaving, arriving, seconds)
    walked_s = float(leaving.walk_s[0] + arriving.walk_s[0])
    walked = walked_s * access.ground.speeds.foot_m_per_s
    network = access.ground.network
    driven = sum(float(network.length_m[p.edge]) * abs(p.until - p.since) for p in pieces)
    names = [str(network.name[p.edge]) for p in pieces]
    line = shapely.LineString(_line(access, xy, pieces))
    return Route(
        basis,
        seconds,
        driven + walked,
        walked,
        line,
        tuple(name for place, name in enumerate(names) if name and name not in names[:place][-1:]),
    )


def _pieces(
    access: Access, vehicle: Vehicle, leaving: Ends, arriving: Ends, seconds: float
) -> list[_Piece]:
    """The parts of edges that the way of ``seconds`` leads over."""
    edge, last = int(leaving.edge[0]), int(arriving.edge[0])
    since, until = float(leaving.along[0]), float(arriving.along[0])
    if edge == last and access.along_edge(vehicle, leaving, arriving)[0] <= seconds:
        return [_Piece(edge, since, until)]
    matrix, edges = access.graph.inward(vehicle), access.ground.network.edges
    # A hair more than it takes, because the sums are made in another order.
    limit_s = seconds * (1 + 1e-9) + 1e-6
    found = matrix.search(*arriving.both(), limit_s=limit_s, trace=True)
    if found.before is None:
        raise ValueError("a search was not traced")
    over_tail = found.seconds[leaving.tail[0]] + leaving.tail_s[0]
    over_head = found.seconds[leaving.head[0]] + leaving.head_s[0]
    first_at_tail = over_tail <= over_head
    node = int((leaving.tail if first_at_tail else leaving.head)[0])
    pieces = [_Piece(edge, since, 0.0 if first_at_tail else 1.0)]
    while (after := int(found.before[node])) != matrix.nodes:
        arc = matrix.between(after, node)
        pieces.append(_Piece(arc % edges, float(arc >= edges), float(arc < edges)))
        node = after
    pieces.append(_Piece(last, _entry(arriving, node), until))
    return [piece for piece in pieces if piece.since != piece.until]


def _entry(arriving: Ends, node: int) -> float:
    """The end of the last edge that is come in by: 0 for its tail."""
    at_tail, at_head = node == arriving.tail[0], node == arriving.head[0]
    if at_tail and at_head:
        return 0.0 if arriving.tail_s[0] <= arriving.head_s[0] else 1.0
    return 0.0 if at_tail else 1.0


def _line(access: Access, xy: Floats, pieces: list[_Piece]) -> Floats:
    """The vertices of the way in metres, from the first position to the second."""
    lines = [
        shapely.get_coordinates(
            substring(access.ground.lines[one.edge], one.since, one.until, normalized=True)
        )
        for one in pieces
    ]
    vertices = np.vstack([xy[:1], *lines, xy[1:]])
    fresh = np.concatenate([[True], (np.diff(vertices, axis=0) != 0.0).any(axis=1)])
    if fresh.sum() < 2:
        return vertices[[0, -1]]
    return np.asarray(vertices[fresh], dtype=np.float64)

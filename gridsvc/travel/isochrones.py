"""Areas that are reached in time, as they are drawn on a map."""

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.ops import substring

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, Geometries
from gridsvc.domain.travel import VEHICLES, VehicleNumbers
from gridsvc.travel.ground import Access
from gridsvc.travel.reach import node_seconds

BESIDE_M = 150.0
"""So far beside a road counts as reached with it: what one sees and walks to in two minutes."""

_CLOSED_M = 150.0
"""Gaps between roads that are narrower than twice this are filled, so that a town is one area."""

_HOLE_M2 = 250_000.0
"""Smaller holes are filled."""

_DETAIL_M = 15.0


def isochrones(
    access: Access,
    *,
    start: Floats,
    vehicle: VehicleNumbers,
    limits_s: Sequence[float],
    offsets_s: Floats | None = None,
) -> list[shapely.MultiPolygon]:
    """What the first of many people reaches within each of some limits, in lng, lat degrees.

    The parts of roads that are reached, cut where the time is up, and what lies beside them;
    each area holds those of the shorter limits. Empty where nobody is on a road.

    Parameters
    ----------
    start, vehicle
        x, y in the county's metres, shape (n, 2), and places in
        `gridsvc.domain.travel.VEHICLES`, shape (n,).
    limits_s
        In seconds, the shortest first.
    offsets_s
        How much later each of them sets out, shape (n,).
    """
    late = np.zeros(len(start)) if offsets_s is None else offsets_s
    numbers = [n for n in range(len(VEHICLES)) if (vehicle == n).any()]
    reached = [
        (
            VEHICLES[n],
            start[vehicle == n],
            late[vehicle == n],
            node_seconds(
                access,
                VEHICLES[n],
                start[vehicle == n],
                offsets_s=late[vehicle == n],
                limit_s=max(limits_s, default=0.0),
            ),
        )
        for n in numbers
    ]
    areas: list[shapely.MultiPolygon] = []
    for limit_s in limits_s:
        lines = [
            line
            for one, here, after, seconds in reached
            for line in (
                *_driven(access, one, seconds, limit_s),
                *_begun(access, one, here, after, limit_s),
            )
        ]
        areas.append(_area(np.array(lines, dtype=object), areas[-1:]))
    frame = access.ground.frame
    return [frame.geometries_back([area])[0] for area in areas]


def _driven(access: Access, vehicle: Vehicle, seconds: Floats, limit_s: float) -> list[object]:
    """The parts of edges that are reached from their nodes in time."""
    network, over = access.ground.network, access.graph.seconds[vehicle]
    with np.errstate(invalid="ignore", divide="ignore"):
        left = limit_s - seconds
        ahead, back = (
            np.where(
                (left[node] >= 0) & np.isfinite(whole), np.clip(left[node] / whole, 0.0, 1.0), 0.0
            )
            for node, whole in (
                (network.tail, over[: network.edges]),
                (network.head, over[network.edges :]),
            )
        )
    ahead, back = np.nan_to_num(ahead), np.nan_to_num(back)
    lines = access.ground.lines
    found: list[object] = [*lines[ahead + back >= 1.0]]
    for edge in np.flatnonzero((ahead + back < 1.0) & (ahead + back > 0.0)).tolist():
        for since, until in ((0.0, ahead[edge]), (1.0 - back[edge], 1.0)):
            if since < until:
                found.append(substring(lines[edge], since, until, normalized=True))
    return found


def _begun(
    access: Access, vehicle: Vehicle, start: Floats, late: Floats, limit_s: float
) -> list[object]:
    """What each reaches of the edge that it is on."""
    snaps = access.ground.snapper(vehicle).snap(start)
    there = np.flatnonzero(snaps.edge >= 0)
    snaps, edges = snaps.at(there), access.ground.network.edges
    left = limit_s - late[there] - snaps.off_m * access.off_road_s_per_m
    over = access.graph.seconds[vehicle]
    back = snaps.along - np.maximum(left, 0.0) / over[snaps.edge + edges]
    ahead = snaps.along + np.maximum(left, 0.0) / over[snaps.edge]
    return [
        substring(access.ground.lines[edge], max(a, 0.0), min(b, 1.0), normalized=True)
        for edge, a, b, more in zip(
            snaps.edge.tolist(), back.tolist(), ahead.tolist(), left.tolist(), strict=True
        )
        if more > 0
    ]


def _area(lines: Geometries, within: list[shapely.MultiPolygon]) -> shapely.MultiPolygon:
    """The area beside ``lines``, with no small holes, over the areas ``within`` it."""
    plain = shapely.simplify(lines, _DETAIL_M)
    wide = shapely.union_all(shapely.buffer(plain, BESIDE_M + _CLOSED_M, quad_segs=4))
    area = shapely.simplify(shapely.buffer(wide, -_CLOSED_M, quad_segs=4), _DETAIL_M)
    whole = shapely.union_all([area, *within])
    pieces = [
        shapely.Polygon(
            piece.exterior, [ring for ring in piece.interiors if _size(ring) >= _HOLE_M2]
        )
        for piece in shapely.get_parts(whole)
        if isinstance(piece, shapely.Polygon) and not piece.is_empty
    ]
    return shapely.MultiPolygon(pieces)


def _size(ring: shapely.LinearRing) -> float:
    return float(shapely.area(shapely.Polygon(ring)))

"""Which edges closures close: one rule for the answer of the API and for the travel times.

A line closes the edges that run along it: of an edge the part within `BESIDE_M` metres of the line
must advance along it by at least half the shorter of the two, so that a road that crosses or
branches off stays open. A polygon closes every edge that passes through it. Edges that are named
are closed whatever their place.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, Geometries, MetricFrame
from gridsvc.domain.roads import Closure, Masks, RoadNetwork
from gridsvc.domain.travel import VEHICLES

BESIDE_M = 15.0
"""An edge this near to a closure's line may run along it."""

SHARE = 0.5
"""Of the shorter of edge and line: how far they must run together."""

_MARGIN_DEG = 0.001  # more than BESIDE_M at any latitude where people live


def closed_edges(
    network: RoadNetwork, closures: Sequence[Closure], at: datetime, frame: MetricFrame
) -> Masks:
    """Whom the closures in force keep off each edge, in both directions.

    Parameters
    ----------
    network
        The roads.
    closures
        Those not in force at ``at`` (aware) do nothing.
    frame
        The county's metres.

    Returns
    -------
    Masks
        Bits as in `RoadNetwork.along`, shape (m,); 0 where an edge is open.
    """
    closed = np.zeros(network.edges, dtype=np.uint8)
    boxes: Floats | None = None
    for one in closures:
        if not one.holds(at):
            continue
        if boxes is None:
            boxes = _boxes(network)
        closed[touched(network, one, frame, boxes=boxes)] |= np.uint8(_mask(one.vehicles))
    return closed


def touched(
    network: RoadNetwork, closure: Closure, frame: MetricFrame, *, boxes: Floats | None = None
) -> npt.NDArray[np.intp]:
    """The places of the edges that a closure closes while it is in force, in order."""
    found = np.zeros(network.edges, dtype=bool)
    if closure.edges:
        found |= np.isin(network.edge, closure.edges)
    if closure.geometry is not None and not closure.geometry.is_empty and network.edges:
        boxes = _boxes(network) if boxes is None else boxes
        parts = shapely.get_parts(shapely.force_2d(closure.geometry))
        for part, metric in zip(parts, frame.geometries(parts), strict=True):
            near = _near(boxes, shapely.bounds(part))
            if len(near):
                found[near[_closes(metric, edges_m(network, near, frame))]] = True
    return np.flatnonzero(found)


def nearest_road_m(network: RoadNetwork, geometry: Any, frame: MetricFrame) -> float:
    """Metres from ``geometry`` (lng, lat degrees) to the nearest edge; infinite without any."""
    if not network.edges:
        return float("inf")
    lines = edges_m(network, np.arange(network.edges), frame)
    metric = frame.geometries(np.array([geometry], dtype=object))[0]
    return float(shapely.distance(lines, metric).min())


def edges_m(network: RoadNetwork, places: npt.NDArray[np.intp], frame: MetricFrame) -> Geometries:
    """The lines of some edges in the metres of ``frame``."""
    start, end = network.shape_start[places], network.shape_start[places + 1]
    count = end - start
    offset = np.concatenate([[0], np.cumsum(count)])
    vertex = np.arange(offset[-1]) + np.repeat(start - offset[:-1], count)
    x, y = frame.points(lng=network.shape[vertex, 0], lat=network.shape[vertex, 1])
    owner = np.repeat(np.arange(len(places)), count)
    return np.asarray(shapely.linestrings(np.column_stack([x, y]), indices=owner), dtype=object)


def _mask(vehicles: frozenset[Vehicle]) -> int:
    return sum(1 << VEHICLES.index(vehicle) for vehicle in vehicles)


def _boxes(network: RoadNetwork) -> Floats:
    """West, south, east, north of each edge in degrees, shape (m, 4)."""
    start = network.shape_start[:-1]
    low = np.minimum.reduceat(network.shape, start, axis=0)
    return np.hstack([low, np.maximum.reduceat(network.shape, start, axis=0)])


def _near(boxes: Floats, bounds: Floats) -> npt.NDArray[np.intp]:
    west, south, east, north = bounds + np.array([-1, -1, 1, 1]) * _MARGIN_DEG
    inside = (boxes[:, 2] >= west) & (boxes[:, 0] <= east)
    return np.flatnonzero(inside & (boxes[:, 3] >= south) & (boxes[:, 1] <= north))


def _closes(part: Any, lines: Geometries) -> npt.NDArray[np.bool_]:
    """Which of ``lines`` (metres) a line or polygon (metres) closes."""
    if part.geom_type == "Polygon":
        shapely.prepare(part)
        return np.asarray(shapely.length(shapely.intersection(lines, part)) > 0)
    along = part if part.geom_type == "LineString" else shapely.LineString(part.coords)
    beside = shapely.intersection(lines, shapely.buffer(along, BESIDE_M))
    shorter = np.minimum(shapely.length(lines), along.length)
    advance = np.array([_advance(along, each) for each in beside])
    return np.asarray((shorter > 0) & (advance >= SHARE * shorter))


def _advance(along: Any, beside: Any) -> float:
    """How far the pieces of an edge get along a line, in metres."""
    metres = 0.0
    for piece in shapely.get_parts(beside):
        if piece.geom_type != "LineString":
            continue
        corners = shapely.get_coordinates(piece)
        steps = np.hypot(*np.diff(corners, axis=0).T)
        places = shapely.line_locate_point(along, shapely.points(corners))
        metres += float(np.minimum(np.abs(np.diff(places)), steps).sum())
    return metres

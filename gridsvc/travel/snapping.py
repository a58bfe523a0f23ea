"""Positions put on the roads: onto the nearest point of an edge, the metres up to it on foot."""

from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, Geometries, MetricFrame
from gridsvc.domain.roads import RoadNetwork
from gridsvc.travel.graph import Nodes, RoadGraph, parts
from gridsvc.travel.speeds import Speeds

MAX_OFF_ROAD_M = 2000.0
"""Farther from any road a position is not put on one. In these hills a house can lie a kilometre
from where one can drive; two are more likely a road that is missing from the data."""

LEAST_PART = 100
"""Roads that hang together in fewer nodes than this, and are cut off from the rest, are taken for
faults of digitising, unless there are none larger."""

AT_NODE_M = 0.05
"""So near an end of an edge a position is at its node: no one-way rule of the edge holds there."""

_KEPT = 250_000
"""So many positions at most are remembered with where they were put."""


_FEW = 16
"""So few positions are not worth remembering."""


class Snaps(NamedTuple):
    """Where n positions were put: edge (-1: on none), the part of it that lies behind them as it
    was drawn (0 to 1), and the metres to it; each of shape (n,)."""

    edge: Nodes
    along: Floats
    off_m: Floats

    def at(self, where: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "Snaps":
        """Those of some positions."""
        return Snaps(self.edge[where], self.along[where], self.off_m[where])


@dataclass(eq=False)
class Snapper:
    """Finds the nearest of some edges, and remembers what it found: people mostly stay.

    Attributes
    ----------
    edges
        The edges that count.
    part
        Which part of the roads each edge of the network belongs to, -1 for one that does not
        count; shape (m,).
    """

    edges: Nodes
    part: Nodes
    _lines: Geometries
    _tree: shapely.STRtree = field(init=False)
    _known: npt.NDArray[np.complex128] = field(init=False)
    _found: Snaps = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._tree = shapely.STRtree(self._lines)
        self._forget()

    def snap(self, xy: Floats) -> Snaps:
        """Put positions in metres, shape (n, 2), on the roads; NaN is put on none.

        Of edges that are equally near the first counts.
        """
        if len(xy) < _FEW:
            return self._snap(xy)
        keys = xy[:, 0] + 1j * xy[:, 1]
        with self._lock:
            place = np.minimum(np.searchsorted(self._known, keys), len(self._known) - 1)
            new = self._known[place] != keys
            if not new.any():
                return self._found.at(place)
            found, fresh = self._found.at(place), self._snap(xy[new])
            found.edge[new], found.along[new], found.off_m[new] = fresh
            if np.isfinite(xy[new]).any():
                self._remember(keys[new], fresh)
        return found

    def _snap(self, xy: Floats) -> Snaps:
        edge = np.full(len(xy), -1, dtype=np.int32)
        along, off_m = np.zeros(len(xy)), np.full(len(xy), np.inf)
        placed = np.flatnonzero(np.isfinite(xy).all(axis=1))
        points = np.asarray(shapely.points(xy[placed]), dtype=object)
        (who, line), metres = self._tree.query_nearest(
            points, max_distance=MAX_OFF_ROAD_M, return_distance=True, all_matches=True
        )
        first = np.lexsort((line, who))
        who, line, metres = who[first], line[first], metres[first]
        one = np.flatnonzero(np.diff(who, prepend=-1))
        who, line, metres = who[one], line[one], metres[one]
        edge[placed[who]] = self.edges[line]
        along[placed[who]] = _shares(self._lines[line], points[who])
        off_m[placed[who]] = metres
        return Snaps(edge, along, off_m)

    def _remember(self, keys: npt.NDArray[np.complex128], fresh: Snaps) -> None:
        if len(self._known) + len(keys) > _KEPT:
            self._forget()
        known, first = np.unique(
            np.concatenate([self._known, keys]), return_index=True, equal_nan=False
        )
        there = ~np.isnan(known)
        old, which = self._found, first[there]
        self._known = known[there]
        self._found = Snaps(
            np.concatenate([old.edge, fresh.edge])[which],
            np.concatenate([old.along, fresh.along])[which],
            np.concatenate([old.off_m, fresh.off_m])[which],
        )

    def _forget(self) -> None:
        nowhere = Snaps(np.array([-1], np.int32), np.zeros(1), np.full(1, np.inf))
        self._known, self._found = np.array([complex(np.inf, np.inf)]), nowhere


def _shares(lines: Geometries, points: Geometries) -> Floats:
    """How much of each line lies before its point; exactly 0 and 1 for points at its ends."""
    metres, length = shapely.line_locate_point(lines, points), shapely.length(lines)
    with np.errstate(invalid="ignore"):
        share = np.where(length - metres <= AT_NODE_M, 1.0, metres / length)
    return np.where(metres <= AT_NODE_M, 0.0, share)


class Ground:
    """One version of the roads on the ground, with nothing closed: what positions are put on.

    Shared by all graphs of the same roads, whatever is closed in them: somebody who lives on a
    closed road lives there still.
    """

    def __init__(self, network: RoadNetwork, frame: MetricFrame, speeds: Speeds) -> None:
        self.network, self.frame, self.speeds = network, frame, speeds
        self.graph = RoadGraph.of(network, speeds)
        xy = np.column_stack(frame.points(lng=network.shape[:, 0], lat=network.shape[:, 1]))
        of_edge = np.repeat(np.arange(network.edges), np.diff(network.shape_start))
        self.lines: Geometries = np.empty(0, dtype=object)
        if network.edges:
            self.lines = np.asarray(shapely.linestrings(xy, indices=of_edge), dtype=object)
        self._snappers: dict[bytes, Snapper] = {}
        self._by_vehicle: dict[Vehicle, Snapper] = {}
        self._lock = Lock()

    def snapper(self, vehicle: Vehicle) -> Snapper:
        """What puts positions on the edges that ``vehicle`` may use."""
        with self._lock:
            if vehicle not in self._by_vehicle:
                self._by_vehicle[vehicle] = self._made(vehicle)
            return self._by_vehicle[vehicle]

    def _made(self, vehicle: Vehicle) -> Snapper:
        network = self.network
        part = parts(self.graph, vehicle, least=LEAST_PART)
        along, against = np.split(np.isfinite(self.graph.free[vehicle]), 2)
        tail, head = part[network.tail], part[network.head]
        usable = (along | against) & (tail == head) & (tail >= 0)
        of_edge = np.where(usable, tail, -1).astype(np.int32)
        key = of_edge.tobytes()
        if key not in self._snappers:
            edges = np.flatnonzero(usable).astype(np.int32)
            self._snappers[key] = Snapper(edges, of_edge, self.lines[edges])
        return self._snappers[key]

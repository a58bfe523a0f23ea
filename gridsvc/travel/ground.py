"""The ways from a position onto the network and off it again."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.travel.graph import Nodes, RoadGraph
from gridsvc.travel.snapping import Ground, Snaps
from gridsvc.travel.straight import StraightLine

OFF_ROAD_DETOUR = 1.5
"""A path across fields is half as long again as the straight line."""

ACROSS_M = 1000.0
"""Whoever is at most this far away may walk straight across."""


class Ends(NamedTuple):
    """Positions on the network: edge, the part of it behind them, seconds on foot between them and
    the edge; the edge's nodes and the seconds over each of those, walking included; and the part
    of the roads they are on. All of shape (n,)."""

    edge: Nodes
    along: Floats
    walk_s: Floats
    tail: Nodes
    head: Nodes
    tail_s: Floats
    head_s: Floats
    part: Nodes

    def at(self, where: Any) -> "Ends":
        """Those of some positions."""
        return Ends(*(column[where] for column in self))

    def both(self) -> tuple[Nodes, Floats]:
        """The nodes of all ends and the seconds of each, shape (2n,)."""
        return np.concatenate([self.tail, self.head]), np.concatenate([self.tail_s, self.head_s])


class Access:
    """Roads with what is closed in them: how positions come onto them and off them.

    A closed edge cannot be driven through. To a position on it, and away from one, one walks
    along it in the directions that are otherwise allowed: what closes a road often happens on it.
    So closing more never makes anybody sooner.
    """

    def __init__(self, ground: Ground, graph: RoadGraph, straight: StraightLine) -> None:
        self.ground, self.graph, self.straight = ground, graph, straight
        self.off_road_s_per_m = OFF_ROAD_DETOUR / ground.speeds.foot_m_per_s
        self.across_m = ACROSS_M
        self._over = lru_cache(maxsize=None)(self._seconds_over)

    def ends(self, vehicle: Vehicle, snaps: Snaps, *, leaving: bool) -> Ends:
        """The ways of positions that were put on edges, shape (n,).

        Parameters
        ----------
        leaving
            From the position to the network; else the other way round.
        """
        network, edge, along = self.ground.network, snaps.edge, snaps.along
        over, against = self._over(vehicle)[edge], self._over(vehicle)[edge + network.edges]
        to_tail, to_head = (against, over) if leaving else (over, against)
        walk_s = snaps.off_m * self.off_road_s_per_m
        return Ends(
            edge,
            along,
            walk_s,
            network.tail[edge].astype(np.int32),
            network.head[edge].astype(np.int32),
            _share(along, to_tail) + walk_s,
            _share(1.0 - along, to_head) + walk_s,
            self.ground.snapper(vehicle).part[edge],
        )

    def targets(
        self, to: tuple[float, float], vehicles: Sequence[Vehicle]
    ) -> dict[Vehicle, Ends | None]:
        """The ways to one place for each vehicle; None where it is on no road."""
        xy, snapped = np.array([to]), dict[int, Snaps]()
        found: dict[Vehicle, Ends | None] = {}
        for vehicle in vehicles:
            snapper = self.ground.snapper(vehicle)
            if id(snapper) not in snapped:
                snapped[id(snapper)] = snapper.snap(xy)
            snaps = snapped[id(snapper)]
            on_road = snaps.edge[0] >= 0
            found[vehicle] = self.ends(vehicle, snaps, leaving=False) if on_road else None
        return found

    def along_edge(self, vehicle: Vehicle, start: Ends, to: Ends) -> Floats:
        """Seconds from positions to positions on the same edges, along those alone."""
        edges = self.ground.network.edges
        share = to.along - start.along
        over = self._over(vehicle)[np.where(share >= 0, start.edge, start.edge + edges)]
        return _share(np.abs(share), over) + start.walk_s + to.walk_s

    def _seconds_over(self, vehicle: Vehicle) -> Floats:
        """Seconds over each arc to a position on it: on foot where it is closed."""
        free, now = self.ground.graph.free[vehicle], self.graph.seconds[vehicle]
        length = self.ground.network.length_m / self.ground.speeds.foot_m_per_s
        return np.where(np.isfinite(now), now, np.maximum(free, np.concatenate([length, length])))


def _share(share: Floats, whole: Floats) -> Floats:
    """A share of seconds; of none, nothing, though the whole be infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(share == 0.0, 0.0, share * whole)

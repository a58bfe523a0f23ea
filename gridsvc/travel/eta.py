"""Exact times of every responder to one place, each in their own way of moving."""

from typing import NamedTuple

import numpy as np

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import BASES, VEHICLES, Basis, Numbers, Times, VehicleNumbers
from gridsvc.travel.graph import Nodes
from gridsvc.travel.ground import Access, Ends

_STRAIGHT, _ROAD, _ON_FOOT = (
    np.int8(BASES.index(one)) for one in (Basis.STRAIGHT_LINE, Basis.ROAD, Basis.ON_FOOT)
)
_FIRST_LIMIT_S = 600.0
_LAST_LIMIT_S = 8 * 3600.0
_GROWTH = 2.0


class Group(NamedTuple):
    """The people of one vehicle who were put on a road: their places among the sorted, and their
    ways onto the network."""

    vehicle: Vehicle
    places: slice
    ends: Ends
    parts: Nodes
    """The parts of the roads that they are on, each once."""


class RoadSettled:
    """People put on the roads; see `gridsvc.domain.travel.Settled`.

    They are sorted by vehicle, those on no road last.
    """

    def __init__(self, access: Access, start: Floats, vehicle: VehicleNumbers) -> None:
        self.access = access
        groups: list[Group] = []
        order: list[Numbers] = []
        on_road = np.zeros(len(start), dtype=np.bool_)
        done = 0
        for number, one in enumerate(VEHICLES):
            people = np.flatnonzero(vehicle == number)
            if not len(people):
                continue
            snaps = access.ground.snapper(one).snap(start[people])
            there = snaps.edge >= 0
            people = people[there]
            if not len(people):
                continue
            on_road[people] = True
            ends = access.ends(one, snaps.at(there), leaving=True)
            places = slice(done, done + len(people))
            groups.append(Group(one, places, ends, np.unique(ends.part)))
            order.append(people)
            done += len(people)
        order.append(np.flatnonzero(~on_road))
        self.groups, self.on_roads = tuple(groups), done
        self.order = np.concatenate(order)
        self.place = np.empty(len(start), dtype=np.intp)
        self.place[self.order] = np.arange(len(start))
        self.x, self.y = np.ascontiguousarray(start[self.order].T)
        self.vehicle = vehicle[self.order]

    def search(self, to: tuple[float, float]) -> "RoadSearch":
        """Look for their times; see `gridsvc.domain.travel.Settled`."""
        return RoadSearch(self, to)


class RoadSearch:
    """The times to one place, from one search for each vehicle that starts at the place and goes
    against the arcs; see `gridsvc.domain.travel.Search`.

    The searches grow: what is asked within minutes costs a few streets, not the county.
    """

    def __init__(self, settled: RoadSettled, to: tuple[float, float]) -> None:
        self._settled, self._to = settled, to
        self._targets = settled.access.targets(to, [group.vehicle for group in settled.groups])
        self._found: dict[Vehicle, tuple[float, Floats]] = {}
        count = len(settled.order)
        self._seconds = np.full(count, np.inf)
        self._basis = np.full(count, _ROAD, dtype=np.int8)
        self._without_roads()
        self._on_the_same_edge()
        self._across()

    def within(self, limit_s: float, who: Numbers | None = None) -> Times:
        """Times up to a limit; see `gridsvc.domain.travel.Search`."""
        if who is not None:
            return self._of(limit_s, self._settled.place[who])
        seconds, basis = self._seconds.copy(), self._basis.copy()
        for group in self._settled.groups:
            before = seconds[group.places]
            road = self._by_road(group, limit_s, slice(None))
            sooner = road < before
            np.minimum(road, before, out=seconds[group.places])
            basis[group.places][sooner] = _ROAD
        seconds[seconds > limit_s] = np.inf
        return Times(seconds[self._settled.place], basis[self._settled.place])

    def exactly(self, who: Numbers) -> Times:
        """Exact times, however far; see `gridsvc.domain.travel.Search`."""
        limit_s = _FIRST_LIMIT_S
        while True:
            times = self.within(limit_s, who)
            if limit_s == np.inf or not np.isinf(times.seconds).any():
                return times
            limit_s = limit_s * _GROWTH if limit_s < _LAST_LIMIT_S else np.inf

    def estimated(self, who: Numbers) -> Times:
        """Straight lines; see `gridsvc.domain.travel.Search`."""
        seconds = self._straight(self._settled.place[who])
        return Times(seconds, np.full(len(seconds), _STRAIGHT, dtype=np.int8))

    def _of(self, limit_s: float, places: Numbers) -> Times:
        seconds, basis = self._seconds[places], self._basis[places]
        for group in self._settled.groups:
            first, last = group.places.start, group.places.stop
            own = np.flatnonzero((places >= first) & (places < last))
            if len(own):
                road = self._by_road(group, limit_s, places[own] - first)
                own, road = own[road < seconds[own]], road[road < seconds[own]]
                seconds[own], basis[own] = road, _ROAD
        seconds[seconds > limit_s] = np.inf
        return Times(seconds, basis)

    def _by_road(self, group: Group, limit_s: float, which: slice | Numbers) -> Floats:
        """Seconds over a node, exact up to ``limit_s``, of some people of a group."""
        ends = group.ends
        if self._targets[group.vehicle] is None:
            return np.full(len(ends.tail[which]), np.inf)
        node = self._node_seconds(group.vehicle, limit_s)
        over_tail = node[ends.tail[which]]
        over_tail += ends.tail_s[which]
        over_head = node[ends.head[which]]
        over_head += ends.head_s[which]
        return np.minimum(over_tail, over_head, out=over_tail)

    def _node_seconds(self, vehicle: Vehicle, limit_s: float) -> Floats:
        """Seconds from each node to the place, exact up to ``limit_s``."""
        limit, found = self._found.get(vehicle, (-1.0, None))
        if found is None or limit < limit_s:
            target = self._targets[vehicle]
            if target is None:
                raise ValueError(f"the place is on no road for {vehicle}")
            nodes, offsets = target.both()
            matrix = self._settled.access.graph.inward(vehicle)
            found = matrix.search(nodes, offsets, limit_s=limit_s).seconds
            self._found[vehicle] = (limit_s, found)
        return found

    def _without_roads(self) -> None:
        """Estimate whoever no road leads from here, by what the data say with nothing closed."""
        settled = self._settled
        count = len(settled.order)
        if settled.on_roads < count:
            self._estimate(np.arange(settled.on_roads, count))
        for group in settled.groups:
            target = self._targets[group.vehicle]
            part = -1 if target is None else int(target.part[0])
            if len(group.parts) > 1 or group.parts[0] != part:
                apart = np.flatnonzero(group.ends.part != part) + group.places.start
                self._estimate(apart)

    def _estimate(self, places: Numbers) -> None:
        self._seconds[places] = self._straight(places)
        self._basis[places] = _STRAIGHT

    def _straight(self, places: Numbers) -> Floats:
        settled = self._settled
        start = np.column_stack([settled.x[places], settled.y[places]])
        straight = settled.access.straight
        return straight.seconds(to=self._to, start=start, vehicle=settled.vehicle[places])

    def _on_the_same_edge(self) -> None:
        for group in self._settled.groups:
            target = self._targets[group.vehicle]
            if target is not None:
                own = np.flatnonzero(group.ends.edge == target.edge[0])
                if len(own):
                    seconds = self._settled.access.along_edge(
                        group.vehicle, group.ends.at(own), target
                    )
                    places = own + group.places.start
                    self._seconds[places] = np.minimum(self._seconds[places], seconds)

    def _across(self) -> None:
        """Who is so near that they walk: whatever they drive, if that is sooner."""
        settled = self._settled
        east, north = settled.x - self._to[0], settled.y - self._to[1]
        east *= east
        north *= north
        east += north
        near = np.flatnonzero(east <= settled.access.across_m**2)
        seconds = np.sqrt(east[near]) * settled.access.off_road_s_per_m
        sooner = seconds < self._seconds[near]
        self._seconds[near[sooner]] = seconds[sooner]
        self._basis[near[sooner]] = _ON_FOOT

"""What many people reach: who is first at each place, seconds of every node, and areas."""

from dataclasses import dataclass

import numpy as np

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import BASES, VEHICLES, Basis, First, Numbers, VehicleNumbers
from gridsvc.travel.graph import Matrix, Nodes
from gridsvc.travel.ground import Access, Ends

_STRAIGHT, _ROAD, _ON_FOOT = (
    np.int8(BASES.index(one)) for one in (Basis.STRAIGHT_LINE, Basis.ROAD, Basis.ON_FOOT)
)


@dataclass
class _Best:
    """The first so far at each of m places."""

    seconds: Floats
    who: Numbers
    basis: VehicleNumbers

    def offer(self, places: Numbers, seconds: Floats, who: Numbers, basis: np.int8) -> None:
        """Take those who are sooner; no place is named twice."""
        sooner = seconds < self.seconds[places]
        at = places[sooner]
        self.seconds[at], self.who[at], self.basis[at] = seconds[sooner], who[sooner], basis


def nearest(access: Access, *, to: Floats, start: Floats, vehicle: VehicleNumbers) -> First:
    """Who of all is first at each of m places; see `gridsvc.domain.travel.TravelTimes`.

    One search for each vehicle, from everybody at once over the roads.
    """
    best = _Best(
        np.full(len(to), np.inf),
        np.full(len(to), -1, dtype=np.intp),
        np.full(len(to), _ROAD, dtype=np.int8),
    )
    placed = np.isfinite(start).all(axis=1)
    for number, one in enumerate(VEHICLES):
        people = np.flatnonzero(placed & (vehicle == number))
        if len(people):
            _by(access, one, best, to, start, people)
    _across(access, best, to, start, np.flatnonzero(placed))
    return First(best.seconds, best.who, best.basis)


def node_seconds(
    access: Access,
    vehicle: Vehicle,
    start: Floats,
    *,
    offsets_s: Floats | None = None,
    limit_s: float = np.inf,
) -> Floats:
    """Seconds until the first of many people of one vehicle is at each node, shape (nodes,).

    Parameters
    ----------
    start
        x, y in the county's metres, shape (n, 2); who is on no road counts for nothing.
    offsets_s
        How much later each of them sets out, shape (n,).
    limit_s
        Nodes beyond it are infinite.
    """
    snaps = access.ground.snapper(vehicle).snap(start)
    there = np.flatnonzero(snaps.edge >= 0)
    ends = access.ends(vehicle, snaps.at(there), leaving=True)
    late = np.zeros(len(there)) if offsets_s is None else offsets_s[there]
    nodes, seconds = ends.both()
    seed_node, seed_s, _ = _seeds(nodes, seconds + np.tile(late, 2))
    return access.graph.outward(vehicle).search(seed_node, seed_s, limit_s=limit_s).seconds


def _by(
    access: Access, vehicle: Vehicle, best: _Best, to: Floats, start: Floats, people: Numbers
) -> None:
    """Offer the people of one vehicle."""
    snapper = access.ground.snapper(vehicle)
    here, there = snapper.snap(start[people]), snapper.snap(to)
    part_here = np.where(here.edge >= 0, snapper.part[here.edge], -1)
    part_there = np.where(there.edge >= 0, snapper.part[there.edge], -1)
    on_road, places = np.flatnonzero(part_here >= 0), np.flatnonzero(part_there >= 0)
    if len(on_road) and len(places):
        leaving = access.ends(vehicle, here.at(on_road), leaving=True)
        arriving = access.ends(vehicle, there.at(places), leaving=False)
        _over_nodes(access.graph.outward(vehicle), best, leaving, people[on_road], arriving, places)
        _on_same_edges(access, vehicle, best, leaving, people[on_road], arriving, places)
    for part in np.unique(part_there):
        apart = people[(part_here != part) | (part_here < 0)]
        if len(apart):
            where = np.flatnonzero(part_there == part)
            number = np.full(len(apart), VEHICLES.index(vehicle), dtype=np.int8)
            found = access.straight.nearest(to=to[where], start=start[apart], vehicle=number)
            best.offer(where, found.seconds, apart[found.who], _STRAIGHT)


def _over_nodes(
    matrix: Matrix, best: _Best, leaving: Ends, people: Numbers, arriving: Ends, places: Numbers
) -> None:
    nodes, late = leaving.both()
    seconds, owner = first_over(matrix, nodes, late, np.tile(people, 2))
    for node, more in ((arriving.tail, arriving.tail_s), (arriving.head, arriving.head_s)):
        best.offer(places, seconds[node] + more, owner[node], _ROAD)


def first_over(matrix: Matrix, nodes: Nodes, late: Floats, who: Numbers) -> tuple[Floats, Numbers]:
    """Seconds until the first is at each node, and who that is (-1 for nobody).

    Parameters
    ----------
    nodes, late, who
        Where each sets out, how many seconds late, and its number; shape (k,).
    """
    seed_node, seed_s, seed = _seeds(nodes, late)
    found = matrix.search(seed_node, seed_s, trace=True)
    if found.before is None:
        raise ValueError("a search was not traced")
    return found.seconds, _owners(found.before, matrix.nodes, seed_node, who[seed])


def _seeds(nodes: Nodes, seconds: Floats) -> tuple[Nodes, Floats, Numbers]:
    """Each node once with its least seconds, and the place of those in ``seconds``."""
    finite = np.flatnonzero(np.isfinite(seconds))
    order = finite[np.lexsort((seconds[finite], nodes[finite]))]
    first = order[np.flatnonzero(np.diff(nodes[order], prepend=-1))]
    return nodes[first], seconds[first], first


def _owners(before: Nodes, nodes: int, seed_node: Nodes, seed_owner: Numbers) -> Numbers:
    """Who is first at each node: whoever set out to the one that its way begins with."""
    root = np.where(before >= 0, before, np.arange(nodes)).astype(np.intp)
    begins = np.flatnonzero(before == nodes)
    root[begins] = begins
    while not np.array_equal(further := root[root], root):
        root = further
    owner = np.full(nodes, -1, dtype=np.intp)
    owner[seed_node] = seed_owner
    return owner[root]


def _on_same_edges(
    access: Access,
    vehicle: Vehicle,
    best: _Best,
    leaving: Ends,
    people: Numbers,
    arriving: Ends,
    places: Numbers,
) -> None:
    """Offer those who are on the edge of a place, along it."""
    order = np.argsort(leaving.edge, kind="stable")
    edges = leaving.edge[order]
    first = np.searchsorted(edges, arriving.edge, side="left")
    count = np.searchsorted(edges, arriving.edge, side="right") - first
    if not count.any():
        return
    place = np.repeat(np.arange(len(places)), count)
    begin = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    person = order[np.arange(len(place)) + begin]
    seconds = access.along_edge(vehicle, leaving.at(person), arriving.at(place))
    sooner = np.lexsort((seconds, place))
    sooner = sooner[np.flatnonzero(np.diff(place[sooner], prepend=-1))]
    best.offer(places[place[sooner]], seconds[sooner], people[person[sooner]], _ROAD)


def _across(access: Access, best: _Best, to: Floats, start: Floats, people: Numbers) -> None:
    """Offer whoever is so near that they walk."""
    from scipy.spatial import cKDTree

    if not len(people):
        return
    # The bound of a tree is not itself within it.
    bound = np.nextafter(access.across_m, np.inf)
    found = cKDTree(start[people]).query(to, distance_upper_bound=bound)
    metres, near = np.asarray(found[0]), np.asarray(found[1])
    places = np.flatnonzero(np.isfinite(metres))
    seconds = metres[places] * access.off_road_s_per_m
    best.offer(places, seconds, people[near[places]], _ON_FOOT)

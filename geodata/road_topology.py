"""A road network of ways: cut where they meet, and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyproj

from geodata.road_classes import EVERYBODY
from gridsvc.domain.geo import Floats
from gridsvc.domain.roads import Ints, Masks, RoadNetwork

_GEOD = pyproj.Geod(ellps="GRS80")


@dataclass(frozen=True, slots=True)
class Barrier:
    """Something at a vertex that not everybody passes: its id, and the mask of who does."""

    id: str
    passes: int


@dataclass(frozen=True, eq=False)
class Ways:
    """Roads as their source has them, each a run of vertices.

    Attributes
    ----------
    id, road_class, surface, name
        One a way, w of them. Ways may share an id: their pieces are counted on.
    limit_kmh
        Shape (w,); NaN where none is known.
    along, against
        Who may go as the way was drawn, and against it, shape (w,).
    start
        Where each way's vertices begin, shape (w + 1,).
    vertex
        Who a vertex is, shape (k,): equal numbers (0 to k) are the same place on the ground.
    xy
        CGCS2000 degrees of each vertex, lng first, shape (k, 2); equal where ``vertex`` is.
    barriers
        Number of a vertex -> what stands there.
    """

    id: Sequence[str]
    road_class: Sequence[str]
    surface: Sequence[str]
    name: Sequence[str]
    limit_kmh: Floats
    along: Masks
    against: Masks
    start: Ints
    vertex: Ints
    xy: Floats
    barriers: Mapping[int, Barrier] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Cut:
    """Edges as first and last place in the vertices, and their way, shape (m,) each."""

    first: Ints
    last: Ints
    way: Ints


def build_network(ways: Ways, *, version: int = 0) -> RoadNetwork:
    """Cut ways at the vertices that they share and at their ends; nothing else is joined or merged.

    A barrier stops whom it does not let pass: its node becomes one for each edge that ends there,
    joined by edges of no length that only those may use who pass. The id of the barrier stands
    where theirs have that of a way.

    Ways of fewer than two different vertices vanish; who cares counts them beforehand.
    """
    ways = _without_repeats(ways)
    cut = _cut(ways)
    names = np.array(ways.id, dtype=np.str_)
    lengths = _lengths(ways, cut)
    shape, shape_start = _shapes(ways, cut)
    nodes, ends = np.unique(
        np.concatenate([ways.vertex[cut.first], ways.vertex[cut.last]]), return_inverse=True
    )
    first_seen = np.zeros(int(ways.vertex.max(initial=0)) + 1, dtype=np.int64)
    first_seen[ways.vertex[::-1]] = np.arange(len(ways.vertex))[::-1]
    at = ways.xy[first_seen[nodes]]
    network = RoadNetwork(
        version=version,
        node_lng=at[:, 0],
        node_lat=at[:, 1],
        tail=ends[: len(cut.way)].astype(np.int64),
        head=ends[len(cut.way) :].astype(np.int64),
        along=ways.along[cut.way].astype(np.uint8),
        against=ways.against[cut.way].astype(np.uint8),
        length_m=lengths,
        limit_kmh=np.asarray(ways.limit_kmh, dtype=np.float64)[cut.way],
        road_class=np.array(ways.road_class, dtype=np.str_)[cut.way],
        surface=np.array(ways.surface, dtype=np.str_)[cut.way],
        name=np.array(ways.name, dtype=np.str_)[cut.way],
        edge=_edge_ids(names[cut.way]),
        shape=shape,
        shape_start=shape_start,
    )
    stopped = {
        node: ways.barriers[vertex]
        for node, vertex in enumerate(nodes.tolist())
        if vertex in ways.barriers and ways.barriers[vertex].passes != EVERYBODY
    }
    return _with_barriers(network, stopped) if stopped else network


def _without_repeats(ways: Ways) -> Ways:
    """Vertices that repeat the one before them go, and ways with fewer than two left."""
    owner = np.repeat(np.arange(len(ways.id)), np.diff(ways.start))
    new = np.ones(len(owner), dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (ways.vertex[1:] != ways.vertex[:-1])
    count = np.bincount(owner[new], minlength=len(ways.id))
    keep = np.flatnonzero(count >= 2).tolist()
    kept = new & (count[owner] >= 2)
    return Ways(
        id=[ways.id[way] for way in keep],
        road_class=[ways.road_class[way] for way in keep],
        surface=[ways.surface[way] for way in keep],
        name=[ways.name[way] for way in keep],
        limit_kmh=ways.limit_kmh[keep],
        along=ways.along[keep],
        against=ways.against[keep],
        start=np.concatenate([[0], np.cumsum(count[keep])]).astype(np.int64),
        vertex=ways.vertex[kept],
        xy=ways.xy[kept],
        barriers=ways.barriers,
    )


def _cut(ways: Ways) -> _Cut:
    owner = np.repeat(np.arange(len(ways.id)), np.diff(ways.start))
    is_node = np.bincount(ways.vertex, minlength=1) > 1
    is_node[ways.vertex[ways.start[:-1]]] = True
    is_node[ways.vertex[ways.start[1:] - 1]] = True
    is_node[list(ways.barriers)] = True
    places = np.flatnonzero(is_node[ways.vertex])
    same = owner[places[1:]] == owner[places[:-1]]
    first, last = places[:-1][same], places[1:][same]
    return _Cut(first, last, owner[first])


def _lengths(ways: Ways, cut: _Cut) -> Floats:
    if not len(cut.first):
        return np.zeros(0)
    steps = np.zeros(len(ways.vertex))
    xy = ways.xy
    steps[:-1] = _GEOD.inv(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])[2]
    steps[ways.start[1:] - 1] = 0.0  # from the end of one way to the beginning of the next
    return np.asarray(np.add.reduceat(steps, cut.first), dtype=np.float64)


def _shapes(ways: Ways, cut: _Cut) -> tuple[Floats, Ints]:
    count = cut.last - cut.first + 1
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    place = np.arange(start[-1]) - np.repeat(start[:-1] - cut.first, count)
    return ways.xy[place], start


def _edge_ids(ids: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Each way's id, a colon, and the place among the pieces of that id in their order."""
    if not len(ids):
        return np.array([], dtype=np.str_)
    order = np.argsort(ids, kind="stable")
    new = np.ones(len(ids), dtype=bool)
    new[1:] = ids[order][1:] != ids[order][:-1]
    run = np.arange(len(ids)) - np.maximum.accumulate(np.where(new, np.arange(len(ids)), 0))
    place = np.empty(len(ids), dtype=np.int64)
    place[order] = run
    return np.array([f"{one}:{number}" for one, number in zip(ids, place, strict=True)])


def _with_barriers(network: RoadNetwork, stopped: Mapping[int, Barrier]) -> RoadNetwork:
    """Each edge end at a barrier but the first gets a node of its own behind the barrier."""
    ends = np.concatenate([network.tail, network.head])
    at_barrier: dict[int, list[int]] = {node: [] for node in stopped}
    for place in np.flatnonzero(np.isin(ends, list(stopped))).tolist():
        at_barrier[int(ends[place])].append(place)
    moved = [(node, place) for node, places in at_barrier.items() for place in places[1:]]
    count, edges = len(moved), network.edges
    if not count:
        return network
    old = np.array([node for node, _ in moved], dtype=np.int64)
    new = network.nodes + np.arange(count, dtype=np.int64)
    places = np.array([place for _, place in moved], dtype=np.int64)
    ends[places] = new
    through = np.array([stopped[node].passes for node, _ in moved], dtype=np.uint8)
    lng, lat = network.node_lng[old], network.node_lat[old]
    points = np.repeat(np.column_stack([lng, lat]), 2, axis=0)
    tips = network.shape_start[-1] + 2 * np.arange(1, count + 1)
    named = _edge_ids(np.array([stopped[node].id for node, _ in moved], dtype=np.str_))
    road = places % edges
    return RoadNetwork(
        version=network.version,
        node_lng=np.concatenate([network.node_lng, lng]),
        node_lat=np.concatenate([network.node_lat, lat]),
        tail=np.concatenate([ends[:edges], old]),
        head=np.concatenate([ends[edges:], new]),
        along=np.concatenate([network.along, through]),
        against=np.concatenate([network.against, through]),
        length_m=np.concatenate([network.length_m, np.zeros(count)]),
        limit_kmh=np.concatenate([network.limit_kmh, np.full(count, np.nan)]),
        road_class=np.concatenate([network.road_class, network.road_class[road]]),
        surface=np.concatenate([network.surface, network.surface[road]]),
        name=np.concatenate([network.name, network.name[road]]),
        edge=np.concatenate([network.edge, named]),
        shape=np.concatenate([network.shape, points]),
        shape_start=np.concatenate([network.shape_start, tips]).astype(np.int64),
    )

"""Roads as sparse matrices: seconds from node to node, one matrix for each way of moving."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.roads import Masks, RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.travel.speeds import Speeds

Nodes = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
_SPARE = 4
"""Places kept free in a matrix for the arcs of a search's own start."""


class Found(NamedTuple):
    """What a search found: seconds of each node, shape (n,), infinite beyond its limit; and the
    node before each, -1 for none and ``n`` for the start itself (None unless asked for)."""

    seconds: Floats
    before: Nodes | None


class Matrix:
    """Seconds from each node to the next ones, in rows, and a search over them.

    A search starts at a node of its own, the last row, from which an arc leads to every start
    with the seconds it is away: so the least over starts that are not equally far is exact. Arcs
    of no length stay in as they are: the search walks over what is stored, zeros and parallel
    arcs included.
    """

    def __init__(self, nodes: int, start: Nodes, to: Nodes, seconds: Floats, arc: Nodes) -> None:
        # Half a second to load: a process without roads does without it.
        from scipy.sparse import csr_array

        self.nodes, self.start, self.arc = nodes, start, arc
        self._arcs = len(to)
        self.to = np.concatenate([to, np.full(_SPARE, nodes, np.int32)])
        self.seconds = np.concatenate([seconds, np.zeros(_SPARE)])
        ends = np.append(start, np.int32(self._arcs + _SPARE))
        self._made: Any = csr_array((self.seconds, self.to, ends), shape=(nodes + 1, nodes + 1))
        self.to, self.seconds = self._made.indices, self._made.data
        self._lock = Lock()

    def search(
        self, nodes: Nodes, offsets: Floats, *, limit_s: float = np.inf, trace: bool = False
    ) -> Found:
        """Search from ``nodes``, each ``offsets`` seconds away from the start (infinite: not at
        all), to everything at most ``limit_s`` seconds away; ``trace``: with the nodes before."""
        open_ = np.isfinite(offsets)
        nodes, offsets = nodes[open_], offsets[open_]
        if len(nodes) > _SPARE:
            return self._run(self._with_row(nodes, offsets), limit_s, trace)
        # The spare places are written anew by every search: one at a time.
        with self._lock:
            self.to[self._arcs :] = self.nodes
            self.to[self._arcs : self._arcs + len(nodes)] = nodes
            self.seconds[self._arcs :] = 0.0
            self.seconds[self._arcs : self._arcs + len(nodes)] = offsets
            return self._run(self._made, limit_s, trace)

    def _run(self, matrix: Any, limit_s: float, trace: bool) -> Found:
        from scipy.sparse import csgraph

        dijkstra: Any = csgraph.dijkstra  # its stubs have no single index
        made = dijkstra(matrix, indices=self.nodes, limit=limit_s, return_predecessors=trace)
        if not trace:
            return Found(made[: self.nodes], None)
        seconds, before = made[0][: self.nodes], made[1][: self.nodes]
        return Found(seconds, np.where(before < 0, -1, before).astype(np.int32))

    def _with_row(self, nodes: Nodes, offsets: Floats) -> Any:
        from scipy.sparse import csr_array

        to = np.concatenate([self.to[: self._arcs], nodes.astype(np.int32)])
        seconds = np.concatenate([self.seconds[: self._arcs], offsets])
        ends = np.append(self.start, np.int32(len(to)))
        return csr_array((seconds, to, ends), shape=(self.nodes + 1, self.nodes + 1))

    def between(self, node: int, other: int) -> int:
        """The quickest of the arcs that this matrix has from ``node`` to ``other``."""
        places = slice(self.start[node], self.start[node + 1])
        fitting = np.flatnonzero(self.to[places] == other) + self.start[node]
        return int(self.arc[fitting[self.seconds[fitting].argmin()]])


@dataclass(frozen=True, eq=False)
class _Sorted:
    """Arcs in the order of the node of one of their ends; ``other`` is the node of the other."""

    order: npt.NDArray[np.intp]
    start: Nodes
    other: Nodes

    @classmethod
    def by(cls, own: Nodes, other: Nodes, nodes: int) -> Self:
        order = np.argsort(own, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=nodes))])
        return cls(order, start.astype(np.int32), other[order])

    def matrix(self, seconds: Floats) -> Matrix:
        ordered = seconds[self.order]
        open_ = np.isfinite(ordered)
        kept = np.concatenate([[0], np.cumsum(open_)])
        return Matrix(
            len(self.start) - 1,
            kept[self.start].astype(np.int32),
            self.other[open_],
            ordered[open_],
            self.order[open_].astype(np.int32),
        )


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Directed arcs between nodes, and the seconds over each for every way of moving.

    Immutable: closures make another graph (`closing`), which shares all that they leave alone.

    Attributes
    ----------
    nodes
        How many there are.
    tail, head
        Of each arc, shape (a,). Of a road network arc ``i`` is edge ``i`` as it was drawn, arc
        ``m + i`` the same edge against it.
    free
        Vehicle -> seconds over each arc with nothing closed, shape (a,); infinite: not allowed.
    seconds
        The same with what is closed; infinite there.
    """

    nodes: int
    tail: Nodes
    head: Nodes
    free: Mapping[Vehicle, Floats]
    seconds: Mapping[Vehicle, Floats]
    _layouts: dict[bool, _Sorted] = field(default_factory=dict)

    @classmethod
    def of(cls, network: RoadNetwork, speeds: Speeds, closed: Masks | None = None) -> Self:
        """Take the edges of a network.

        Parameters
        ----------
        closed
            For each edge the vehicles it is closed for, bit ``i`` place ``i`` in ``VEHICLES``;
            shape (m,); None: nothing is closed.
        """
        free = {one: np.concatenate(speeds.seconds(network, one)) for one in VEHICLES}
        tail = np.concatenate([network.tail, network.head])
        head = np.concatenate([network.head, network.tail])
        graph = cls.of_arcs(network.nodes, tail, head, free)
        return graph if closed is None else graph.closing(closed)

    @classmethod
    def of_arcs(
        cls,
        nodes: int,
        tail: npt.NDArray[np.integer[Any]],
        head: npt.NDArray[np.integer[Any]],
        seconds: Mapping[Vehicle, Floats],
    ) -> Self:
        """Take arcs whose seconds are known, shape (a,); infinite: not allowed."""
        own = tail.astype(np.int32), head.astype(np.int32)
        return cls(nodes, *own, dict(seconds), dict(seconds))

    def closing(self, closed: Masks) -> Self:
        """The same roads with other closures: those of a network's edges alone (see `of`)."""
        both = np.concatenate([closed, closed])
        seconds = {
            one: np.where(both & np.uint8(1 << VEHICLES.index(one)), np.inf, free)
            for one, free in self.free.items()
        }
        return replace(self, seconds=seconds)

    def outward(self, vehicle: Vehicle) -> Matrix:
        """The matrix that a search from a start goes over."""
        return self._matrices[vehicle, True]

    def inward(self, vehicle: Vehicle) -> Matrix:
        """The reversed matrix: a search from a target finds the seconds of everybody to it."""
        return self._matrices[vehicle, False]

    @cached_property
    def _matrices(self) -> "_Matrices":
        return _Matrices(self)

    def layout(self, outward: bool) -> _Sorted:
        """The order of the arcs in the matrices, which closures do not change."""
        if outward not in self._layouts:
            own, other = (self.tail, self.head) if outward else (self.head, self.tail)
            self._layouts[outward] = _Sorted.by(own, other, self.nodes)
        return self._layouts[outward]


class _Matrices(dict[tuple[Vehicle, bool], Matrix]):
    """The matrices of a graph, each made when it is first asked for."""

    def __init__(self, graph: RoadGraph) -> None:
        super().__init__()
        self._graph = graph

    def __missing__(self, key: tuple[Vehicle, bool]) -> Matrix:
        vehicle, outward = key
        made = self._graph.layout(outward).matrix(self._graph.seconds[vehicle])
        self[key] = made
        return made


def parts(graph: RoadGraph, vehicle: Vehicle, *, least: int) -> Nodes:
    """Which part of the roads each node belongs to for somebody who may come and go, shape (n,).

    Roads that hang together count where they have at least ``least`` nodes or are the most; of
    each, the largest part in which everything can be reached from everything. All other nodes,
    -1, are cut off: fragments of digitising, ways out of the county with no way back.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    open_ = np.isfinite(graph.free[vehicle])
    ones = np.ones(int(open_.sum()), dtype=np.int8)
    shape = (graph.nodes, graph.nodes)
    matrix = csr_array((ones, (graph.tail[open_], graph.head[open_])), shape=shape)
    _, strong = connected_components(matrix, directed=True, connection="strong")
    count, weak = connected_components(matrix, directed=False)
    used = np.zeros(graph.nodes, dtype=np.bool_)
    used[graph.tail[open_]] = used[graph.head[open_]] = True
    size, strong_size = np.bincount(weak[used], minlength=count), np.bincount(strong)
    kept = (size >= least) | (size == size.max(initial=0))
    found = np.full(graph.nodes, -1, dtype=np.int32)
    # The largest first; of those equally large the one with the lowest node.
    order = np.lexsort((np.arange(graph.nodes), -strong_size[strong]))
    order = order[used[order] & kept[weak[order]]]
    pieces, first = np.unique(weak[order], return_index=True)
    main = np.full(count, -1, dtype=np.int64)
    main[pieces] = strong[order[first]]
    inside = used & (main[weak] == strong)
    found[inside] = weak[inside]
    return found

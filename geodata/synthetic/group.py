"""Cells to grids, villages and townships, by growing from chosen cells over shared edges."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from geodata.synthetic.settle import Ints
from gridsvc.domain.geo import Floats, Geometries

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Adjacency:
    """Pairs of cells that share an edge, ``(m, 2)`` with the lower first, and how often each
    edge piece of the whole is used: ``outer`` pieces by one cell, the others by two."""

    pairs: Ints
    outer: int


def adjacency(shapes: Geometries) -> Adjacency:
    """Find which polygons share an edge, vertex for vertex.

    Raises
    ------
    RuntimeError
        A piece of an edge belongs to more than two polygons: they overlap.
    """
    parts, whose = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    # Vertices lie on the 1e-9 degree grid: whole numbers name them exactly.
    whole = np.round(xy * 1e9).astype(np.int64)
    _, node = np.unique(whole, axis=0, return_inverse=True)
    ends = np.sort(np.column_stack([node[:-1], node[1:]])[same], axis=1)
    cell = whose[part[ring[:-1][same]]]
    order = np.lexsort((cell, ends[:, 1], ends[:, 0]))
    ends, cell = ends[order], cell[order]
    twin = (ends[1:] == ends[:-1]).all(axis=1)
    if (twin[1:] & twin[:-1]).any():
        raise RuntimeError("an edge of the synthetic county has more than two sides")
    pairs = np.sort(np.column_stack([cell[:-1], cell[1:]])[twin], axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    return Adjacency(pairs, len(ends) - 2 * int(twin.sum()))


def grow(count: int, pairs: Ints, cost: Floats, sources: Ints) -> Ints:
    """For each of ``count`` nodes the position in ``sources`` of the nearest source, or -1.

    The nodes of one source hang together: each lies on a shortest path that is all its own.
    """
    graph = _graph(count, pairs, cost)
    _, _, nearest = dijkstra(
        graph, directed=False, indices=sources, min_only=True, return_predecessors=True
    )
    position = np.full(count, -1, dtype=np.intp)
    position[sources] = np.arange(len(sources))
    return np.where(nearest >= 0, position[nearest], -1)


def parts_of(pairs: Ints, label: Ints) -> tuple[int, Ints]:
    """Number of parts of all labels together, and the part that each node belongs to."""
    inner = pairs[label[pairs[:, 0]] == label[pairs[:, 1]]]
    number, part = connected_components(
        _graph(len(label), inner, np.ones(len(inner))), directed=False
    )
    return int(number), np.asarray(part, dtype=np.intp)


def join_up(label: Ints, pairs: Ints) -> Ints:
    """Let nodes change places between labels until each label hangs together, where that is
    possible by exchanges of two nodes; every label keeps its number of nodes."""
    label = label.copy()
    number, part = parts_of(pairs, label)
    while number > len(np.unique(label)):
        best = _best_exchange(label, pairs, part, number)
        if best is None:
            break
        one, other = best
        label[one], label[other] = label[other], label[one]
        number, part = parts_of(pairs, label)
    return label


def _best_exchange(label: Ints, pairs: Ints, part: Ints, number: int) -> tuple[int, int] | None:
    """Two nodes, one of them astray, that leave the fewest parts when they change places."""
    main = {int(k): int(np.bincount(part[label == k]).argmax()) for k in np.unique(label)}
    stray = [k for k in range(len(label)) if part[k] != main[int(label[k])]]
    best, found = number, None
    for one in stray:
        for other in np.flatnonzero(label != label[one]).tolist():
            tried = label.copy()
            tried[one], tried[other] = label[other], label[one]
            left = parts_of(pairs, tried)[0]
            if left < best:
                best, found = left, (one, other)
    return found


def _graph(count: int, pairs: Ints, cost: Floats) -> csr_array:
    return csr_array(coo_array((cost, (pairs[:, 0], pairs[:, 1])), shape=(count, count)))


def apportion(total: int, room: Ints) -> Ints:
    """Share ``total`` out in proportion to ``room``: at least 1, at most ``room`` each."""
    if not len(room) <= total <= room.sum():
        raise ValueError(f"{total} cannot be shared among {len(room)} with room {room.sum()}")
    exact = total * room / room.sum()
    share = np.clip(np.floor(exact), 1, room).astype(np.intp)
    while share.sum() < total:
        share[np.where(share < room, exact - share, -np.inf).argmax()] += 1
    while share.sum() > total:
        share[np.where(share > 1, share - exact, -np.inf).argmax()] -= 1
    return np.asarray(share)


def grids_of(
    village: Ints, islands: Ints, pairs: Ints, cost: Floats, total: int, rng: np.random.Generator
) -> Ints:
    """Group cells into ``total`` grids, each within one village and each island on its own.

    Parameters
    ----------
    village
        Village of each cell.
    islands
        Cells that are a grid each.
    pairs, cost
        Cells that share an edge, and the distance between them.
    total
        Exact number of grids.
    rng
        Stream of the choice.
    """
    count = len(village)
    alone = np.zeros(count, dtype=bool)
    alone[islands] = True
    room = np.bincount(village[~alone])
    share = apportion(total - len(islands), room)
    chosen = [islands]
    for number, wanted in enumerate(share.tolist()):
        members = np.flatnonzero((village == number) & ~alone)
        chosen.append(_spread(members, wanted, rng))
    sources = np.concatenate(chosen)
    inner = (village[pairs[:, 0]] == village[pairs[:, 1]]) & ~alone[pairs].any(axis=1)
    label = grow(count, pairs[inner], cost[inner] * rng.uniform(0.8, 1.25, inner.sum()), sources)
    if (label < 0).any():
        raise RuntimeError("a cell of the synthetic county is in no grid")
    return label


def _spread(members: Ints, wanted: int, rng: np.random.Generator) -> Ints:
    return np.sort(rng.permutation(members)[:wanted])

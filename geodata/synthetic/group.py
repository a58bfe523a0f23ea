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


def connected(count: int, pairs: Ints, label: Ints) -> Bools:
    """Whether the nodes of each label hang together, as an array over labels."""
    inner = pairs[label[pairs[:, 0]] == label[pairs[:, 1]]]
    _, part = connected_components(_graph(count, inner, np.ones(len(inner))), directed=False)
    both = np.unique(np.column_stack([label, part]), axis=0)
    return np.asarray(np.bincount(both[:, 0]) == 1)


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
    return share


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


def make_exclaves(
    grid_village: Ints,
    village_town: Ints,
    pairs: Ints,
    at: Floats,
    protected: Bools,
    count: int,
    rng: np.random.Generator,
) -> Ints:
    """Give up to ``count`` grids to another village of the township that they do not touch.

    Such a grid is a hole of the village around it and a second part of its own.

    Parameters
    ----------
    grid_village, village_town
        Village of each grid and township of each village.
    pairs
        Grids that share an edge.
    at
        ``(n, 2)`` positions of the grids in metres.
    protected
        Grids that stay where they are.
    """
    village = grid_village.copy()
    near = _neighbours(len(village), pairs)
    done = 0
    for grid in rng.permutation(len(village)).tolist():
        if done >= count:
            break
        around = near[grid]
        home = village[grid]
        if protected[grid] or len(around) < 3 or (village[around] != home).any():
            continue
        others = np.flatnonzero(village_town[village] == village_town[home])
        others = others[village[others] != home]
        if not len(others):
            continue
        nearest = others[((at[others] - at[grid]) ** 2).sum(axis=1).argmin()]
        village[grid] = village[nearest]
        done += 1
    return village


def split_some(
    label: Ints, village: Ints, pairs: Ints, protected: Bools, count: int, rng: np.random.Generator
) -> Ints:
    """Give one cell of up to ``count`` grids to a near grid of the village it does not touch."""
    grid = label.copy()
    near = _neighbours(len(label), pairs)
    size = np.bincount(grid)
    used: set[int] = set()
    for cell in rng.permutation(len(label)).tolist():
        if len(used) >= 2 * count:
            break
        own = int(grid[cell])
        if protected[cell] or size[own] < 2 or own in used:
            continue
        touching = set(grid[near[cell]].tolist())
        ring = {int(c) for n in near[cell].tolist() for c in near[n].tolist()}
        for other in sorted(ring):
            target = int(grid[other])
            free = target not in touching and target not in used and not protected[other]
            if free and target != own and village[other] == village[cell]:
                grid[cell] = target
                used |= {own, target}
                break
    return grid


def _neighbours(count: int, pairs: Ints) -> list[Ints]:
    both = np.vstack([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    starts = np.searchsorted(both[:, 0], np.arange(count + 1))
    return [both[a:b, 1] for a, b in zip(starts, starts[1:], strict=False)]

"""Which cell lies in which grid and village, before anything has a code."""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geodata.synthetic import group, mesh, oddities
from geodata.synthetic.outline import Outline
from geodata.synthetic.seeds import seed_cells
from geodata.synthetic.settle import Ground, Ints, Settlements
from geodata.synthetic.size import CountySize, Streams
from gridsvc.domain.area import Area
from gridsvc.domain.geo import Floats, MetricFrame
from gridsvc.domain.topology import polygonal

_MARGIN_M = 8.0  # between a seed and the outline


@dataclass(frozen=True)
class Layout:
    """Cells and groups before they are sorted and coded."""

    cells: mesh.Cells
    ground: Ints
    grid: Ints
    grid_village: Ints
    grid_middle: Floats
    township: Ints
    dedicated: Ints


def lay_out(
    outline: Outline,
    metres: Area,
    places: Settlements,
    size: CountySize,
    frame: MetricFrame,
    streams: Streams,
) -> Layout:
    """Cut the county into cells and group them into exactly ``size.grids`` grids and villages.

    Parameters
    ----------
    outline, metres
        The county in degrees and in metres.
    places
        Village centres; the cells of a village are those nearest to its centre over shared edges.
    """
    islands = min(size.islands, size.units // 100, size.grids // 100)
    room = polygonal(metres.buffer(-_MARGIN_M))
    seeds, ground = seed_cells(room, places, size.units - islands, streams("cells"))
    seeds = mesh.relax(seeds, room)
    hosts = _hosts(seeds, ground, metres, islands, streams("islands"))
    cells = mesh.make_cells(seeds, hosts, outline, frame, streams("bends"))
    ground = np.concatenate([ground, ground[hosts]])
    at = np.vstack([seeds, seeds[hosts]])
    island = np.arange(len(seeds), len(at))
    pairs = group.adjacency(cells.shapes).pairs
    step = np.hypot(
        at[pairs[:, 0], 0] - at[pairs[:, 1], 0], at[pairs[:, 0], 1] - at[pairs[:, 1], 1]
    )
    village = _villages(at, pairs, step + 1.0, places)
    township = group.join_up(places.township, _joined(village, pairs))
    grid = group.grids_of(village, island, pairs, step + 1.0, size.grids, streams("grids"))
    guarded = np.zeros(len(at), dtype=bool)
    guarded[island] = guarded[hosts] = True
    splits = min(size.split_grids, size.grids // 50)
    grid = oddities.split_some(grid, village, pairs, guarded, splits, streams("splits"))
    fixed = np.zeros(size.grids, dtype=bool)
    fixed[grid[guarded]] = fixed[grid[_centre_cells(at, places.centres)]] = True
    middle = np.column_stack([_mean_by(grid, at[:, k], size.grids) for k in (0, 1)])
    grid_village = np.zeros(size.grids, dtype=np.intp)
    grid_village[grid] = village
    exclaves = min(size.exclaves, size.grids // 50)
    grid_village = oddities.make_exclaves(
        grid_village, township, _joined(grid, pairs), middle, fixed, exclaves, streams("exclaves")
    )
    area = np.asarray(shapely.area(cells.shapes))
    sites = _town_sites(grid, ground, area, size, streams("sites"))
    dedicated = np.unique(np.concatenate([grid[island], sites]))
    return Layout(cells, ground, grid, grid_village, middle, township, dedicated)


def _hosts(seeds: Floats, ground: Ints, metres: Area, count: int, rng: np.random.Generator) -> Ints:
    """Cells in towns, wholly inside the county, wide enough to hold a school or a market."""
    reach = mesh.reach(seeds, metres)
    inside = shapely.distance(shapely.points(seeds), metres.boundary) > reach
    urban = np.flatnonzero((ground <= Ground.SEAT) & inside)
    urban = rng.permutation(urban[_between(reach[urban], 0.5, 0.9)])
    rest = np.setdiff1d(np.flatnonzero(inside), urban)
    hosts = np.concatenate([urban, rest])[:count]
    if len(hosts) < count:
        raise RuntimeError(f"the outline is too narrow for {count} dedicated grids inside others")
    return np.sort(hosts)


def _between(value: Floats, low: float, high: float) -> group.Bools:
    """Which values lie between two quantiles of all of them."""
    if not len(value):
        return np.zeros(0, dtype=bool)
    bottom, top = np.quantile(value, [low, high])
    return np.asarray((value >= bottom) & (value <= top))


def _centre_cells(at: Floats, centres: Floats) -> Ints:
    """The nearest cell to each centre, no cell twice."""
    _, nearest = cKDTree(at).query(centres, k=range(1, len(centres) + 1))
    taken: dict[int, None] = {}
    for row in np.asarray(nearest).tolist():
        taken[next(cell for cell in row if cell not in taken)] = None
    return np.array(list(taken), dtype=np.intp)


def _villages(at: Floats, pairs: Ints, step: Floats, places: Settlements) -> Ints:
    """Village of each cell: the centre nearest over shared edges."""
    village = group.grow(len(at), pairs, step, _centre_cells(at, places.centres))
    if (village < 0).any():  # a part of the outline without a centre
        bare = np.flatnonzero(village < 0)
        away = ((at[bare, None, :] - places.centres[None, :, :]) ** 2).sum(axis=2)
        village[bare] = away.argmin(axis=1)
    return village


def _joined(label: Ints, pairs: Ints) -> Ints:
    """Labels (villages, grids) whose cells share an edge, the lower first."""
    both = np.unique(np.sort(label[pairs], axis=1), axis=0)
    return np.asarray(both[both[:, 0] != both[:, 1]])


def _town_sites(
    grid: Ints, ground: Ints, area: Floats, size: CountySize, rng: np.random.Generator
) -> Ints:
    """Grids of one cell in a town that are dedicated too."""
    alone = np.bincount(grid, minlength=size.grids) == 1
    urban = np.flatnonzero(ground <= Ground.SEAT)
    pool = np.unique(grid[urban[_between(area[urban], 0.5, 0.9)]])
    pool = pool[alone[pool]]
    return rng.permutation(pool)[: min(size.town_sites, len(pool) // 4)]


def _mean_by(label: Ints, value: Floats, count: int) -> Floats:
    total = np.bincount(label, value, count)
    return np.asarray(total / np.maximum(np.bincount(label, minlength=count), 1))

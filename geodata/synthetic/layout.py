"""Which cell lies in which grid and village, before anything has a code."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from geodata.synthetic import group, mesh, settle
from geodata.synthetic.settle import Ground, Ints
from geodata.synthetic.size import CountySize, Streams
from gridsvc.domain.area import Area
from gridsvc.domain.geo import Floats, Geometries, MetricFrame

@dataclass(frozen=True)
class Layout:
    """Cells and groups before they are sorted and coded."""

    cells: mesh.Cells
    ground: Ints
    grid: Ints
    grid_village: Ints
    grid_middle: Floats
    dedicated: Ints


def lay_out(
    outline: Area,
    metres: Area,
    places: settle.Settlements,
    size: CountySize,
    frame: MetricFrame,
    streams: Streams,
) -> Layout:
    islands = min(size.islands, size.units // 100, size.grids // 100)
    seeds, ground = settle.seed_cells(metres, places, size.units - islands, streams("cells"))
    seeds = mesh.relax(seeds, metres)
    hosts = _hosts(ground, islands, streams("islands"))
    cells = mesh.make_cells(seeds, hosts, outline, frame, streams("bends"))
    ground = np.concatenate([ground, ground[hosts]])
    at = np.vstack([seeds, seeds[hosts]])
    count = len(at)
    island = np.arange(count - islands, count)
    pairs = group.adjacency(cells.shapes).pairs
    step = np.hypot(*(at[pairs[:, 0]] - at[pairs[:, 1]]).T) + 1.0
    village = _villages(at, pairs, step, places)
    grid = group.grids_of(village, island, pairs, step, size.grids, streams("grids"))
    guarded = np.zeros(count, dtype=bool)
    guarded[island] = guarded[hosts] = True
    splits = min(size.split_grids, size.grids // 50)
    grid = group.split_some(grid, village, pairs, guarded, splits, streams("splits"))
    grid_village = np.zeros(size.grids, dtype=np.intp)
    grid_village[grid] = village
    middle = np.column_stack([_mean_by(grid, at[:, k], size.grids) for k in (0, 1)])
    fixed = np.zeros(size.grids, dtype=bool)
    fixed[grid[guarded]] = fixed[grid[_centre_cells(at, places.centres)]] = True
    joined = np.unique(np.sort(grid[pairs], axis=1), axis=0)
    joined = joined[joined[:, 0] != joined[:, 1]]
    grid_village = group.make_exclaves(
        grid_village, places.township, joined, middle, fixed,
        min(size.exclaves, size.grids // 50), streams("exclaves"),
    )  # fmt: skip
    dedicated = np.concatenate([grid[island], _town_sites(grid, ground, size, streams)])
    return Layout(cells, ground, grid, grid_village, middle, np.unique(dedicated))


def _hosts(ground: Ints, count: int, rng: np.random.Generator) -> Ints:
    urban = np.flatnonzero(ground <= Ground.SEAT)
    return np.sort(rng.permutation(urban)[:count])


def _centre_cells(at: Floats, centres: Floats) -> Ints:
    taken: list[int] = []
    _, nearest = cKDTree(at).query(centres, k=min(len(at), 12))
    for row in nearest.tolist():
        taken.append(next(k for k in row if k not in taken))
    return np.array(taken, dtype=np.intp)


def _villages(at: Floats, pairs: Ints, step: Floats, places: settle.Settlements) -> Ints:
    """Village of each cell: the centre nearest over shared edges."""
    village = group.grow(len(at), pairs, step, _centre_cells(at, places.centres))
    if (village < 0).any():  # a part of the outline without a centre
        bare = np.flatnonzero(village < 0)
        away = ((at[bare, None, :] - places.centres[None, :, :]) ** 2).sum(axis=2)
        village[bare] = away.argmin(axis=1)
    return village


def _town_sites(grid: Ints, ground: Ints, size: CountySize, streams: Streams) -> Ints:
    """Grids of one cell in a town that are dedicated too."""
    alone = np.bincount(grid, minlength=size.grids) == 1
    urban = np.unique(grid[ground <= Ground.SEAT])
    pool = urban[alone[urban]]
    return streams("sites").permutation(pool)[: min(size.town_sites, len(pool) // 4)]


def _mean_by(label: Ints, value: Floats, count: int) -> Floats:
    total = np.bincount(label, value, count)
    return np.asarray(total / np.maximum(np.bincount(label, minlength=count), 1))

"""What real maps have too: villages in two parts, grids in two parts, holes."""

from itertools import pairwise

import numpy as np

from geodata.synthetic.group import Bools
from geodata.synthetic.settle import Ints
from gridsvc.domain.geo import Floats


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
    return [both[a:b, 1] for a, b in pairwise(starts.tolist())]

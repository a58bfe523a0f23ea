"""The seed of every cell: dense where people live, thin in the hills (metres)."""

import numpy as np
import shapely

from geodata.synthetic.settle import Ground, Ints, Settlements, scatter
from gridsvc.domain.area import Area
from gridsvc.domain.geo import Floats

# Cells about one place of each ground: their number (before scaling) and spread in metres.
_CELLS = {
    Ground.TOWN: (105.0, 520.0),
    Ground.SEAT: (120.0, 520.0),
    Ground.VILLAGE: (32.0, 330.0),
    Ground.HAMLET: (4.2, 170.0),
}
_HAMLETS = 6
_HILLS_SHARE = 0.24


def seed_cells(
    outline: Area, places: Settlements, count: int, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Positions of ``count`` cell seeds in metres, dense in towns, and the ground of each."""
    hamlets = _hamlets(outline, places, rng)
    spots = np.vstack([places.centres, hamlets])
    ground = np.concatenate([places.ground, np.full(len(hamlets), Ground.HAMLET)])
    weight = np.array([_CELLS[Ground(g)][0] for g in ground])
    weight *= rng.lognormal(0, 0.3, len(weight))
    spread = np.array([_CELLS[Ground(g)][1] for g in ground])
    seeds, kinds = np.empty((0, 2)), np.empty(0, dtype=np.intp)
    hills = round(_HILLS_SHARE * count)
    while len(seeds) < count - hills:
        missing = count - hills - len(seeds)
        spot = rng.choice(len(spots), missing, p=weight / weight.sum())
        tries = spots[spot] + rng.normal(0, 1, (missing, 2)) * spread[spot, None]
        inside = shapely.contains_xy(outline, tries)
        seeds = np.vstack([seeds, tries[inside]])
        kinds = np.concatenate([kinds, ground[spot][inside]])
    seeds = np.vstack([seeds, scatter(outline, hills, rng)])
    return seeds, np.concatenate([kinds, np.full(hills, Ground.HILLS)]).astype(np.intp)


def _hamlets(outline: Area, places: Settlements, rng: np.random.Generator) -> Floats:
    rural = places.centres[places.ground != Ground.TOWN]
    centre = np.repeat(rural, _HAMLETS, axis=0)
    reach = rng.uniform(700.0, 2600.0, len(centre))
    angle = rng.uniform(0, 2 * np.pi, len(centre))
    spots = centre + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    return np.asarray(spots[shapely.contains_xy(outline, spots)])

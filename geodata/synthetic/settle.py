"""Where people live: township seats, village centres and the places of all cell seeds (metres)."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from geodata.synthetic.names import DivisionTable
from gridsvc.domain.area import Area
from gridsvc.domain.geo import Floats

Ints = npt.NDArray[np.intp]

TOWN_SPACING_M = 760.0
_TOWN_SHARE = 0.4  # of the subdistricts' villages lie in the county town
# Rough places of the seats within the county's box (west to east, south to north), by code.
_SEATS = {
    "530324001": (0.46, 0.39), "530324002": (0.42, 0.43), "530324003": (0.53, 0.43),
    "530324102": (0.66, 0.52), "530324103": (0.31, 0.31), "530324104": (0.47, 0.66),
    "530324106": (0.19, 0.61), "530324201": (0.42, 0.17), "530324202": (0.76, 0.17),
    "530324203": (0.62, 0.08), "530324204": (0.30, 0.77), "530324205": (0.80, 0.42),
    "530324206": (0.36, 0.90),
}  # fmt: skip


class Ground(IntEnum):
    """What kind of place a cell lies in, the densest first."""

    TOWN = 0
    SEAT = 1
    VILLAGE = 2
    HAMLET = 3
    HILLS = 4


@dataclass(frozen=True)
class Settlements:
    """Village centres, in metres: ``(n, 2)`` positions, the township of each (position in the
    table) and its ground (TOWN, SEAT or VILLAGE). ``seats`` has one position a township."""

    centres: Floats
    township: Ints
    ground: Ints
    seats: Floats


def settle(outline: Area, table: DivisionTable, rng: np.random.Generator) -> Settlements:
    """Place the seats and one centre a village, and give each township its number of them.

    Parameters
    ----------
    outline
        In metres.
    table
        Its townships say how many villages each has.
    rng
        Stream of the settlements.
    """
    seats = _seats(outline, table, rng)
    urban = np.array([t.urban for t in table.townships])
    if not urban.any():
        urban[0] = True
    counts = np.array([len(t.villages) for t in table.townships])
    in_town = int(min(counts[urban].sum(), max(1, round(_TOWN_SHARE * counts[urban].sum()))))
    town = _sunflower(seats[urban].mean(axis=0), in_town, rng)
    town = town[shapely.contains_xy(outline, town)]
    fixed = np.vstack([town, seats[~urban]])
    centres = _fill(outline, fixed, int(counts.sum()), rng)
    ground = np.full(len(centres), Ground.VILLAGE, dtype=np.intp)
    ground[: len(town)] = Ground.TOWN
    ground[len(town) : len(fixed)] = Ground.SEAT
    # Squared distances with fixed numbers give power cells: compact townships that hang together.
    owner = np.repeat(np.arange(len(counts)), counts)
    cost = ((centres[:, None, :] - seats[owner][None, :, :]) ** 2).sum(axis=2)
    _, column = linear_sum_assignment(cost)
    return Settlements(centres, owner[column], ground, seats)


def _seats(outline: Area, table: DivisionTable, rng: np.random.Generator) -> Floats:
    west, south, east, north = outline.bounds
    candidates = _inside(outline, 4000, rng)
    inner = candidates[
        shapely.distance(shapely.points(candidates), outline.boundary) > 0.02 * (east - west)
    ]
    seats: list[Floats] = []
    for township in table.townships:
        if township.code in _SEATS:
            fx, fy = _SEATS[township.code]
            wanted = np.array([west + fx * (east - west), south + fy * (north - south)])
            nearest = ((inner - wanted) ** 2).sum(axis=1).argmin()
        elif seats:
            nearest = cKDTree(np.array(seats)).query(inner)[0].argmax()
        else:
            nearest = ((inner - np.asarray(outline.centroid.coords[0])) ** 2).sum(axis=1).argmin()
        seats.append(inner[nearest])
    return np.array(seats)


def _sunflower(centre: Floats, count: int, rng: np.random.Generator) -> Floats:
    """``count`` points about ``centre``, evenly, some 760 m apart, slightly disturbed."""
    k = np.arange(count)
    radius = TOWN_SPACING_M * 0.56 * np.sqrt(k + 0.5)
    angle = k * np.pi * (3 - np.sqrt(5)) + rng.uniform(0, 2 * np.pi)
    points = centre + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return np.asarray(points + rng.normal(0, 0.1 * TOWN_SPACING_M, points.shape))


def _fill(outline: Area, fixed: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Add points, each the farthest of a few from all before it, until there are ``count``."""
    points = fixed[:count]
    inner = outline.buffer(-400.0)
    while len(points) < count:
        tries = _inside(inner, 12, rng)
        far = cKDTree(points).query(tries)[0].argmax()
        points = np.vstack([points, tries[far]])
    return points


def _inside(outline: Area, count: int, rng: np.random.Generator) -> Floats:
    west, south, east, north = outline.bounds
    shapely.prepare(outline)
    found = np.empty((0, 2))
    while len(found) < count:
        tries = rng.uniform((west, south), (east, north), (4 * count, 2))
        found = np.vstack([found, tries[shapely.contains_xy(outline, tries)]])
    return found[:count]


# Cells about one place of each ground: their number (before scaling) and spread in metres.
_CELLS = {
    Ground.TOWN: (110.0, 430.0),
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
    seeds = np.vstack([seeds, _inside(outline, hills, rng)])
    return seeds, np.concatenate([kinds, np.full(hills, Ground.HILLS)]).astype(np.intp)


def _hamlets(outline: Area, places: Settlements, rng: np.random.Generator) -> Floats:
    rural = places.centres[places.ground != Ground.TOWN]
    centre = np.repeat(rural, _HAMLETS, axis=0)
    reach = rng.uniform(700.0, 2600.0, len(centre))
    angle = rng.uniform(0, 2 * np.pi, len(centre))
    spots = centre + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    return np.asarray(spots[shapely.contains_xy(outline, spots)])

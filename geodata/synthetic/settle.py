"""Where people live: township seats and village centres (metres)."""

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
from gridsvc.domain.topology import polygonal

Ints = npt.NDArray[np.intp]

TOWN_SPACING_M = 900.0
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
    return Settlements(centres, _townships(centres, seats, counts), ground, seats)


def _townships(centres: Floats, seats: Floats, counts: Ints) -> Ints:
    """Give each township its number of centres, compactly.

    Squared distances with fixed numbers make power cells. Their middles then draw instead of the
    seats, so that townships whose seats lie side by side in the county town spread around it.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    middle, township = seats, owner
    for _ in range(6):
        cost = ((centres[:, None, :] - middle[owner][None, :, :]) ** 2).sum(axis=2)
        _, column = linear_sum_assignment(cost)
        township = owner[column]
        middle = np.array([centres[township == k].mean(axis=0) for k in range(len(counts))])
    return township


def _seats(outline: Area, table: DivisionTable, rng: np.random.Generator) -> Floats:
    west, south, east, north = outline.bounds
    candidates = scatter(outline, 4000, rng)
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
            nearest = np.argmax(cKDTree(np.array(seats)).query(inner)[0])
        else:
            nearest = ((inner - np.asarray(outline.centroid.coords[0])) ** 2).sum(axis=1).argmin()
        seats.append(inner[nearest])
    return np.array(seats)


def _sunflower(centre: Floats, count: int, rng: np.random.Generator) -> Floats:
    """``count`` points about ``centre``, evenly, some 900 m apart, slightly disturbed."""
    k = np.arange(count)
    radius = TOWN_SPACING_M * 0.56 * np.sqrt(k + 0.5)
    angle = k * np.pi * (3 - np.sqrt(5)) + rng.uniform(0, 2 * np.pi)
    points = centre + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return np.asarray(points + rng.normal(0, 0.1 * TOWN_SPACING_M, points.shape))


def _fill(outline: Area, fixed: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Add points, each the farthest of a few from all before it, until there are ``count``."""
    points = fixed[:count]
    inner = polygonal(outline.buffer(-400.0))
    while len(points) < count:
        tries = scatter(inner, 12, rng)
        far = np.argmax(cKDTree(points).query(tries)[0])
        points = np.vstack([points, tries[far]])
    return points


def scatter(outline: Area, count: int, rng: np.random.Generator) -> Floats:
    """``count`` even random positions inside an outline in metres, ``(count, 2)``."""
    west, south, east, north = outline.bounds
    shapely.prepare(outline)
    found = np.empty((0, 2))
    while len(found) < count:
        tries = rng.uniform((west, south), (east, north), (4 * count, 2))
        found = np.vstack([found, tries[shapely.contains_xy(outline, tries)]])
    return found[:count]

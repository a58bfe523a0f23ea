"""Who reaches what, and how soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt

from gridsvc.coverage.demand import Demand, Ints
from gridsvc.coverage.groups import Group, State
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import TravelTimes, VehicleNumbers

LIMITS_S = (300.0, 600.0, 900.0)
"""5, 10 and 15 minutes."""

ROLES: tuple[Role, ...] = tuple(Role)
"""A role's place here is its number in arrays."""


@dataclass(frozen=True, slots=True)
class Supply:
    """People with a place: ``start`` in the county's metres, shape (n, 2); ``vehicle`` places in
    `gridsvc.domain.travel.VEHICLES` and ``role`` places in ``ROLES``, both of shape (n,)."""

    start: Floats
    vehicle: VehicleNumbers
    role: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Figures:
    """Grids, residents and square metres: of what is reached, or of the whole county."""

    grids: int
    residents: float
    area_m2: float


@dataclass(frozen=True, slots=True)
class Reach:
    """How soon somebody is at each point, and in each grid.

    Attributes
    ----------
    demand
        The points.
    people
        How many could be sent.
    seconds
        Until the first is there, shape (n_points,); infinite where there is nobody at all.
    grid_seconds
        The same of each grid, shape (n_grids,): that of its worst point, so that a grid counts
        as reached only when all of it is.
    grid_role
        Who would be the first at that worst point: place in ``ROLES``, -1 for nobody.
    """

    demand: Demand
    people: int
    seconds: Floats
    grid_seconds: Floats
    grid_role: npt.NDArray[np.int8]

    @classmethod
    def of(cls, demand: Demand, supply: Supply, travel: TravelTimes) -> Self:
        """Reckon with the travel times of ``travel``, whatever those rest on."""
        seconds, first = travel.nearest(to=demand.xy, start=supply.start, vehicle=supply.vehicle)
        role = np.append(supply.role, np.int8(-1))[first]  # -1, for nobody, is the last place
        order = np.lexsort((seconds, demand.grid))
        last = np.searchsorted(demand.grid[order], np.arange(demand.grids), side="right") - 1
        worst = order[last]
        return cls(demand, len(supply), seconds, seconds[worst], role[worst])

    @property
    def band(self) -> Ints:
        """Which of ``LIMITS_S`` each grid is reached within, shape (n_grids,); 3 for none."""
        return np.searchsorted(LIMITS_S, self.grid_seconds).astype(np.int64)

    def within(self, limit_s: float) -> Figures:
        """What is reached in ``limit_s`` seconds.

        Grids by their worst point; residents and area point by point, so that the reached part
        of a grid counts even where the whole does not.
        """
        reached = self.seconds <= limit_s
        return _figures(self.demand, reached, int((self.grid_seconds <= limit_s).sum()))

    def beyond(self, limit_s: float) -> Ints:
        """Grids that nobody is in within ``limit_s`` seconds, the worst first, then in order."""
        order = np.argsort(-self.grid_seconds, kind="stable")
        return order[self.grid_seconds[order] > limit_s]


def whole(demand: Demand) -> Figures:
    """The denominators: all grids, all residents that are known, all of the area."""
    return _figures(demand, np.ones(len(demand.grid), dtype=np.bool_), demand.grids)


def _figures(demand: Demand, where: npt.NDArray[np.bool_], grids: int) -> Figures:
    return Figures(
        grids=grids,
        residents=float(np.nansum(demand.residents[where])),
        area_m2=float(demand.area_m2[where].sum()),
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """Both states of one group at one moment (aware), and the travel times they rest on.

    ``live_for`` is how long a live position counts.
    """

    group: Group
    at: datetime
    night: bool
    reaches: dict[State, Reach]
    travel: TravelTimes
    live_for: timedelta

    @property
    def demand(self) -> Demand:
        """The points that both are reckoned for."""
        return self.reaches[State.NOMINAL].demand

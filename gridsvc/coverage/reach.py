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
from gridsvc.domain.travel import BASES, Basis, BasisNumbers, TravelTimes, VehicleNumbers
from gridsvc.domain.words import Text

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
    basis
        What the seconds of each point are reckoned on: places in
        `gridsvc.domain.travel.BASES`, shape (n_points,).
    """

    demand: Demand
    people: int
    seconds: Floats
    grid_seconds: Floats
    grid_role: npt.NDArray[np.int8]
    basis: BasisNumbers

    @classmethod
    def of(cls, demand: Demand, supply: Supply, travel: TravelTimes) -> Self:
        """Reckon with the travel times of ``travel``, whatever those rest on."""
        first = travel.nearest(to=demand.xy, start=supply.start, vehicle=supply.vehicle)
        seconds = first.seconds
        role = np.append(supply.role, np.int8(-1))[first.who]  # -1, for nobody, is the last place
        order = np.lexsort((seconds, demand.grid))
        last = np.searchsorted(demand.grid[order], np.arange(demand.grids), side="right") - 1
        worst = order[last]
        return cls(demand, len(supply), seconds, seconds[worst], role[worst], first.basis)

    @property
    def band(self) -> Ints:
        """Which of ``LIMITS_S`` each grid is reached within, shape (n_grids,); 3 for none."""
        return np.searchsorted(LIMITS_S, self.grid_seconds).astype(np.int64)

    @property
    def estimated(self) -> int:
        """How many points have a time, and only from a straight line."""
        straight = self.basis == BASES.index(Basis.STRAIGHT_LINE)
        return int((straight & np.isfinite(self.seconds)).sum())

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

    @property
    def note(self) -> Text:
        """What must be said of the times, where some are estimates which ones."""
        note = self.travel.note
        guessed = max(reach.estimated for reach in self.reaches.values())
        if self.travel.basis is Basis.STRAIGHT_LINE or not guessed:
            return note
        points = len(self.demand.grid)
        return Text(
            f"{note.zh}；{points} 处中有 {guessed} 处无道路数据，按直线估算",
            f"{note.en}; {guessed} of {points} places have no road data and are estimated from "
            "straight lines",
        )

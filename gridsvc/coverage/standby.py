"""Where somebody could wait, and which grids they would cover from there."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from gridsvc.coverage.demand import Demand
from gridsvc.coverage.villages import Villages
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import VEHICLES, Numbers, TravelTimes


@dataclass(frozen=True, slots=True)
class Standbys:
    """From where each grid would be reached by somebody who waits in a village.

    Attributes
    ----------
    villages
        Where they could wait.
    vehicle
        What they would drive.
    place
        Of each grid the standby place nearest to its point that is farthest from all of them:
        place in ``villages``, -1 where nothing leads there; shape (n_grids,).
    seconds
        From there until all of the grid is reached, shape (n_grids,); infinite for none.
    """

    villages: Villages
    vehicle: Vehicle
    place: Numbers
    seconds: Floats

    @classmethod
    def of(cls, demand: Demand, villages: Villages, travel: TravelTimes, vehicle: Vehicle) -> Self:
        """Reckon with the travel times of ``travel``: one search from each village."""
        number = np.full(len(villages), VEHICLES.index(vehicle), dtype=np.int8)
        first = travel.nearest(to=demand.xy, start=villages.xy, vehicle=number)
        order = np.lexsort((first.seconds, demand.grid))
        last = np.searchsorted(demand.grid[order], np.arange(demand.grids), side="right") - 1
        place = first.who[order[last]]
        seconds = np.full(demand.grids, np.inf)
        for village in np.unique(place[place >= 0]).tolist():
            points = np.flatnonzero(place[demand.grid] == village)
            found = travel.nearest(
                to=demand.xy[points], start=villages.xy[[village]], vehicle=number[:1]
            )
            slowest = np.zeros(demand.grids)
            np.maximum.at(slowest, demand.grid[points], found.seconds)
            own = place == village
            seconds[own] = slowest[own]
        return cls(villages, vehicle, place, seconds)

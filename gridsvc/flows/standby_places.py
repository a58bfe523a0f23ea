"""Where people could wait in one map, and what they would cover from there."""

import threading
from typing import Self

from gridsvc.coverage.demand import Demand
from gridsvc.coverage.standby import Standbys
from gridsvc.coverage.villages import Villages
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.force import Vehicle
from gridsvc.domain.travel import TravelTimes
from gridsvc.locating import GridMap


class StandbyPlaces:
    """The standby places of one map; what they cover is kept while the travel times stay."""

    def __init__(self, demand: Demand, published: PublishedMap) -> None:
        self.villages = Villages.of(demand, published)
        self.demand = demand
        self._lock = threading.Lock()
        self._travel: TravelTimes | None = None
        self._kept: dict[Vehicle, Standbys] = {}

    @classmethod
    def made(cls, grid_map: GridMap) -> Self:
        """The standby places of a map, with demand points of their own."""
        return cls(Demand.of(grid_map.published, grid_map.frame), grid_map.published)

    def of(self, travel: TravelTimes, vehicle: Vehicle) -> Standbys:
        """What people with ``vehicle`` would cover from the standby places."""
        with self._lock:
            if self._travel is not travel:
                self._travel, self._kept = travel, {}
            found = self._kept.get(vehicle)
            if found is None:
                found = Standbys.of(self.demand, self.villages, travel, vehicle)
                self._kept[vehicle] = found
            return found

"""Travel times by road, wherever there are roads to go by."""

from typing import Self

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, MetricFrame
from gridsvc.domain.roads import Masks, RoadNetwork
from gridsvc.domain.travel import Basis, First, Route, VehicleNumbers
from gridsvc.domain.words import Text
from gridsvc.travel import reach, routes
from gridsvc.travel.eta import RoadSettled
from gridsvc.travel.graph import RoadGraph
from gridsvc.travel.ground import ACROSS_M, OFF_ROAD_DETOUR, Access
from gridsvc.travel.snapping import MAX_OFF_ROAD_M, Ground
from gridsvc.travel.speeds import Speeds
from gridsvc.travel.straight import StraightLine

_NOTE = Text(
    "到场时间按道路和车型速度表计算，未计路况；速度表为推定值，未经本县实测",
    "times are by road from a table of speeds, without traffic; the speeds are plausible, not "
    "measured in this county",
)
_NOTES = {
    Basis.ROAD: _NOTE,
    Basis.ON_FOOT: Text(
        f"距离不足 {ACROSS_M:.0f} 米，按步行直达估算（直线距离×{OFF_ROAD_DETOUR}）",
        f"within {ACROSS_M:.0f} m: walking straight across (straight line times {OFF_ROAD_DETOUR})",
    ),
}


class RoadTimes:
    """Times by road; where there is none, the straight line of ``straight``, marked as such.

    Immutable: closures make another one (`closing`), which shares the roads.
    """

    basis = Basis.ROAD
    note = _NOTE

    def __init__(
        self,
        ground: Ground,
        closed: Masks | None = None,
        straight: StraightLine | None = None,
    ) -> None:
        self._straight = straight or StraightLine()
        graph = ground.graph if closed is None else ground.graph.closing(closed)
        self.access = Access(ground, graph, self._straight)

    @property
    def graph(self) -> RoadGraph:
        """The roads as they can be driven now."""
        return self.access.graph

    @property
    def network(self) -> RoadNetwork:
        """The roads that they were made of."""
        return self.access.ground.network

    def closing(self, closed: Masks | None) -> Self:
        """The same roads with other closures (see `gridsvc.travel.graph.RoadGraph.of`), or None
        for none: quick, and whoever was put on the roads stays there."""
        return type(self)(self.access.ground, closed, self._straight)

    def note_of(self, basis: Basis) -> Text:
        """Say what a time is worth; see `gridsvc.domain.travel.TravelTimes`."""
        return _NOTES.get(basis, self._straight.note)

    def settle(self, start: Floats, vehicle: VehicleNumbers) -> RoadSettled:
        """Put people on the roads; see `gridsvc.domain.travel.TravelTimes`."""
        return RoadSettled(self.access, start, vehicle)

    def seconds(self, *, to: tuple[float, float], start: Floats, vehicle: VehicleNumbers) -> Floats:
        """Seconds to one place; see `gridsvc.domain.travel.TravelTimes`."""
        return self.settle(start, vehicle).search(to).within(float("inf")).seconds

    def nearest(self, *, to: Floats, start: Floats, vehicle: VehicleNumbers) -> First:
        """Find who is first; see `gridsvc.domain.travel.TravelTimes`."""
        return reach.nearest(self.access, to=to, start=start, vehicle=vehicle)

    def route(
        self, *, start: tuple[float, float], to: tuple[float, float], vehicle: Vehicle
    ) -> Route | None:
        """Find the way itself; see `gridsvc.domain.travel.TravelTimes`."""
        return routes.route(self.access, start, to, vehicle)


def road_times(
    network: RoadNetwork,
    *,
    frame: MetricFrame,
    speeds: Speeds | None = None,
    closed: Masks | None = None,
) -> RoadTimes | StraightLine:
    """Travel times over a network; straight lines where it has no edge at all.

    Parameters
    ----------
    frame
        The county's metres.
    speeds
        The table of speeds, None for the defaults.
    closed
        For each edge the vehicles it is closed for: bit ``i`` for place ``i`` in
        `gridsvc.domain.travel.VEHICLES`, shape (m,); None: nothing is closed. Other closures
        later: `RoadTimes.closing`.
    """
    if not network.edges:
        return StraightLine()
    return RoadTimes(Ground(network, frame, speeds or Speeds()), closed)


__all__ = ["MAX_OFF_ROAD_M", "RoadTimes", "road_times"]

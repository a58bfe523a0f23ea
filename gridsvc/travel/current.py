"""The travel times of the moment: by road, less what is closed just then."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.roads import Closure, RoadNetwork
from gridsvc.domain.travel import TravelTimes
from gridsvc.travel.closing import closed_edges
from gridsvc.travel.speeds import Speeds
from gridsvc.travel.straight import StraightLine
from gridsvc.travel.times import RoadTimes, road_times


class _Kept(NamedTuple):
    closures: Sequence[Closure]
    since: datetime
    until: datetime | None
    times: TravelTimes


class CurrentTimes:
    """The travel times over one version of the roads (None: straight lines), made anew when a
    closure is added, begins or ends, and the same object in between."""

    def __init__(
        self, network: RoadNetwork | None, *, frame: MetricFrame, speeds: Speeds | None = None
    ) -> None:
        self.network, self.frame = network, frame
        self._open: RoadTimes | StraightLine = (
            StraightLine() if network is None else road_times(network, frame=frame, speeds=speeds)
        )
        self._kept: _Kept | None = None

    def at(self, closures: Sequence[Closure], at: datetime) -> TravelTimes:
        """The times as ``closures`` leave them at a moment (aware)."""
        if not isinstance(self._open, RoadTimes) or not closures:
            return self._open
        kept = self._kept
        if (
            kept is None
            or kept.closures is not closures
            or at < kept.since
            or (kept.until is not None and kept.until <= at)
        ):
            # Assigned in one go: whoever reads it meanwhile has the times of a moment ago.
            self._kept = kept = self._made(self._open, closures, at)
        return kept.times

    def _made(self, times: RoadTimes, closures: Sequence[Closure], at: datetime) -> _Kept:
        turns = {turn for one in closures for turn in (one.starts_at, one.ends_at) if turn}
        since = max((turn for turn in turns if turn <= at), default=at)
        until = min((turn for turn in turns if turn > at), default=None)
        closed = closed_edges(times.network, closures, at, self.frame)
        return _Kept(closures, since, until, times.closing(closed) if closed.any() else times)

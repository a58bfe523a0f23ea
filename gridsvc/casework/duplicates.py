"""When another open report of the same kind may be the same thing reported again."""

from dataclasses import dataclass
from datetime import timedelta

from gridsvc.domain.kinds import Category, Kind

RADIUS_CAP_M = 2_000.0
"""However badly a place is known: farther away nobody looks for the same thing."""


@dataclass(frozen=True, slots=True)
class Window:
    """Near enough in metres, and recent enough."""

    radius_m: float
    within: timedelta

    def reach(self, *radii_m: float) -> float:
        """The radius in metres, widened to the accuracy of the positions compared."""
        return min(max((self.radius_m, *radii_m)), RADIUS_CAP_M)


WINDOWS: dict[Category, Window] = {
    Category.EMERGENCY: Window(500.0, timedelta(hours=2)),
    Category.VIOLATION: Window(300.0, timedelta(days=1)),
    Category.DISPUTE: Window(200.0, timedelta(days=7)),
    Category.LIVELIHOOD: Window(200.0, timedelta(days=7)),
}
"""Many report a fire within minutes and from afar, a broken lamp for a week. Configuration."""


def window_of(kind: Kind) -> Window:
    """Where and how far back to look for duplicates of a report of ``kind``."""
    return WINDOWS[kind.category]

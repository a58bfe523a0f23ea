"""The neighbouring counties, and which of them is told of what happens over the line."""

from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from gridsvc.domain.geo import LngLat, MetricFrame


@dataclass(frozen=True, slots=True)
class NeighbourCounty:
    """A neighbouring county's duty desk; ``border`` are places along the border with it, in order,
    as (lng, lat) in CGCS2000 degrees, one at least."""

    code: str
    name: str
    phone: str
    border: tuple[LngLat, ...]


def nearest_county(
    counties: Sequence[NeighbourCounty], at: LngLat, frame: MetricFrame
) -> NeighbourCounty | None:
    """The one whose border comes nearest to ``at``, of equals the lowest code; None of none."""
    here = shapely.Point(frame.point(lng=at.lng, lat=at.lat))

    def metres(one: NeighbourCounty) -> tuple[float, str]:
        places = [frame.point(lng=place.lng, lat=place.lat) for place in one.border]
        border = shapely.LineString(places) if len(places) > 1 else shapely.Point(places[0])
        return float(shapely.distance(border, here)), one.code

    return min(counties, key=metres, default=None)

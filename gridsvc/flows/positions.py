"""A reported pair of numbers becomes a checked position in CGCS2000."""

import math
from collections.abc import Callable
from datetime import datetime

import numpy as np

from geodata.datum import to_cgcs2000
from gridsvc.domain.clock import CLOCK_SLACK
from gridsvc.domain.errors import Fault, GridsvcError, PositionError
from gridsvc.domain.geo import Datum, LngLat, check_position
from gridsvc.domain.incident import Placement
from gridsvc.domain.words import Text
from gridsvc.locating import GridMap

UNKNOWN_DATUM_M = 400.0
"""Added to the radius when nobody knows the datum: GCJ-02 is 393 m off in Luoping."""

MAX_RADIUS_M = 100_000.0
"""A report known only to a telephone mast is still a report."""

MAX_SEARCH_M = 5_000.0
"""Neighbours farther away than this help nobody."""


def to_stored(*, lng: float, lat: float, datum: Datum) -> LngLat:
    """A position of ``datum`` in CGCS2000 degrees; ``unknown`` numbers are taken as they are."""
    if datum is Datum.UNKNOWN or not (math.isfinite(lng) and math.isfinite(lat)):
        return LngLat(lng, lat)
    x, y = to_cgcs2000(np.array([lng]), np.array([lat]), datum)
    return LngLat(float(x[0]), float(y[0]))


def radius_of(radius_m: float | None, datum: Datum, *, most_m: float = MAX_RADIUS_M) -> float:
    """The radius in metres within which a reported position is known.

    Raises
    ------
    PositionError
        A radius that is negative, not a number or over ``most_m``.
    """
    radius = 0.0 if radius_m is None else radius_m
    if not 0 <= radius <= most_m:
        raise PositionError(
            Fault(
                "bad_radius",
                Text(
                    f"精度半径 {radius_m} 无效：应为 0 到 {most_m:.0f} 米",
                    f"radius {radius_m} is not valid: 0 to {most_m:.0f} metres",
                ),
                "radius_m",
            )
        )
    return radius + (UNKNOWN_DATUM_M if datum is Datum.UNKNOWN else 0.0)


def locate(
    grid_map: GridMap, *, lng: float, lat: float, datum: Datum, radius_m: float | None
) -> Placement:
    """Where a position of any datum lies on ``grid_map``, neighbours up to 5 km told.

    Raises
    ------
    PositionError
        Everything that cannot be meant, with the suspicion.
    """
    faults = [
        *faults_of(lambda: radius_of(radius_m, datum, most_m=MAX_SEARCH_M)),
        *faults_of(lambda: check(grid_map, lng=lng, lat=lat, datum=datum)),
    ]
    if faults:
        raise PositionError(faults)
    at = to_stored(lng=lng, lat=lat, datum=datum)
    return grid_map.locate(lng=at.lng, lat=at.lat, radius_m=radius_of(radius_m, datum))


def check(grid_map: GridMap, *, lng: float, lat: float, datum: Datum) -> None:
    """Refuse a position of any datum that cannot be meant.

    Raises
    ------
    PositionError
        With the suspicion.
    """
    at = to_stored(lng=lng, lat=lat, datum=datum)
    check_position(lng=at.lng, lat=at.lat, bounds=grid_map.bounds)


def check_seen(seen_at: datetime, *, now: datetime) -> None:
    """Refuse a live position of a time to come; both are aware datetimes.

    Raises
    ------
    PositionError
        It would outlive every later one.
    """
    if seen_at - now > CLOCK_SLACK:
        raise PositionError(
            Fault(
                "seen_in_the_future",
                Text(
                    "定位时间晚于当前时间 5 分钟以上：请校准设备时钟",
                    "this is more than 5 minutes in the future: set the clock of the device",
                ),
                "seen_at",
            )
        )


def faults_of(judge: Callable[[], object]) -> tuple[Fault, ...]:
    """What ``judge`` raises, so that others may be asked as well."""
    try:
        judge()
    except GridsvcError as error:
        return error.faults
    return ()

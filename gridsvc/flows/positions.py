"""A reported pair of numbers becomes a checked position in CGCS2000."""

import math

import numpy as np

from geodata.datum import to_cgcs2000
from gridsvc.domain.errors import Fault, PositionError
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Placement
from gridsvc.domain.words import Text
from gridsvc.locating import GridMap

UNKNOWN_DATUM_M = 400.0
"""Added to the radius when nobody knows the datum: GCJ-02 is 393 m off in Luoping."""

MAX_RADIUS_M = 100_000.0


def to_stored(*, lng: float, lat: float, datum: Datum) -> LngLat:
    """A position of ``datum`` in CGCS2000 degrees; ``unknown`` numbers are taken as they are."""
    if datum is Datum.UNKNOWN or not (math.isfinite(lng) and math.isfinite(lat)):
        return LngLat(lng, lat)
    x, y = to_cgcs2000(np.array([lng]), np.array([lat]), datum)
    return LngLat(float(x[0]), float(y[0]))


def radius_of(radius_m: float | None, datum: Datum) -> float:
    """The radius in metres within which a reported position is known.

    Raises
    ------
    PositionError
        A radius that is negative, not a number or over 100 km.
    """
    radius = 0.0 if radius_m is None else radius_m
    if not 0 <= radius <= MAX_RADIUS_M:
        raise PositionError(
            Fault(
                "bad_radius",
                Text(
                    f"精度半径 {radius_m} 无效：应为 0 到 {MAX_RADIUS_M:.0f} 米",
                    f"radius {radius_m} is not valid: 0 to {MAX_RADIUS_M:.0f} metres",
                ),
                "radius_m",
            )
        )
    return radius + (UNKNOWN_DATUM_M if datum is Datum.UNKNOWN else 0.0)


def locate(
    grid_map: GridMap, *, lng: float, lat: float, datum: Datum, radius_m: float | None
) -> Placement:
    """Where a position of any datum lies on ``grid_map``.

    Raises
    ------
    PositionError
        What cannot be meant, with the suspicion.
    """
    radius = radius_of(radius_m, datum)
    at = to_stored(lng=lng, lat=lat, datum=datum)
    return grid_map.locate(lng=at.lng, lat=at.lat, radius_m=radius)

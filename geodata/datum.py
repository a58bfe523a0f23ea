"""GCJ-02 and BD-09, there and back, exactly.

GCJ-02 (国测局坐标, Amap and Tencent) shifts WGS 84 by 50 to 700 m; BD-09 (Baidu) shifts GCJ-02
again. Both are functions without a published inverse: the inverses here are iterated until they
stand still, where the usual one-step inverse errs by 0.65 m in Luoping.

Sources: the forward GCJ-02 function is the one published in 2010 as ``EvilTransform.cs``
(on4wp7) and described in "Restrictions on geographic data in China" (Wikipedia, GCJ-02); the
BD-09 formula is the one of ``bd_encrypt`` in the same discussion. China is the rectangle that
those sources use: 72.004 to 137.8347 E, 0.8293 to 55.8271 N.

Outside that rectangle all datums are the same numbers: both transforms are the identity there.
At the rectangle's edge the published function jumps, so within 0.02 degree of it the inverse is
that of the side on which the given (shifted) position lies.

CGCS2000 and WGS 84 agree within the metre and are taken as the same numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.geo import Datum, Floats, Geometries

Pair = tuple[Floats, Floats]

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY_2 = 0.00669342162296594323
_BD_FREQUENCY = np.pi * 3000.0 / 180.0
_CONVERGED_DEG = 1e-13
_MAX_STEPS = 30


def in_china(lng: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether positions (degrees) lie in the rectangle where GCJ-02 and BD-09 differ at all."""
    x, y = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    return np.asarray((x >= WEST) & (x <= EAST) & (y >= SOUTH) & (y <= NORTH))


def to_cgcs2000(lng: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> Pair:
    """Positions in ``datum`` as CGCS2000.

    Parameters
    ----------
    lng, lat
        Degrees, arrays of one shape (or scalars). Not-a-number stays as it is.
    datum
        What the numbers mean. ``WGS84``, ``CGCS2000`` and ``UNKNOWN`` keep them bit for bit.

    Returns
    -------
    tuple of arrays
        Longitudes and latitudes in CGCS2000 degrees, of the same shape; the iteration stands
        still to 1e-13 degree. Outside China the numbers are unchanged.
    """
    x, y = _arrays(lng, lat)
    if datum is Datum.GCJ02:
        return _where_china(_gcj_inverse, x, y)
    if datum is Datum.BD09:
        return _where_china(_bd_to_wgs, x, y)
    return x, y


def from_cgcs2000(lng: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> Pair:
    """CGCS2000 positions in ``datum``: the exact opposite of :func:`to_cgcs2000`.

    Parameters
    ----------
    lng, lat
        CGCS2000 degrees, arrays of one shape (or scalars).
    datum
        The datum wanted.

    Returns
    -------
    tuple of arrays
        Longitudes and latitudes in degrees of ``datum``, of the same shape.
    """
    x, y = _arrays(lng, lat)
    if datum is Datum.GCJ02:
        return _where_china(_gcj_forward, x, y)
    if datum is Datum.BD09:
        return _where_china(_wgs_to_bd, x, y)
    return x, y


def geometries_to_cgcs2000(geometries: Any, datum: Datum) -> Geometries:
    """Geometries (lng, lat degrees of ``datum``) with their vertices in CGCS2000; None stays."""
    return _each_vertex(geometries, datum, to_cgcs2000)


def geometries_from_cgcs2000(geometries: Any, datum: Datum) -> Geometries:
    """Geometries (CGCS2000 lng, lat degrees) with their vertices in ``datum``; None stays."""
    return _each_vertex(geometries, datum, from_cgcs2000)


def _each_vertex(
    geometries: Any,
    datum: Datum,
    change: Callable[[npt.ArrayLike, npt.ArrayLike, Datum], Pair],
) -> Geometries:
    array = np.asarray(geometries, dtype=object)
    if datum not in (Datum.GCJ02, Datum.BD09):
        return array
    moved = shapely.transform(array, lambda xy: np.column_stack(change(xy[:, 0], xy[:, 1], datum)))
    return np.asarray(moved, dtype=object)


def _arrays(lng: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _where_china(change: Callable[[Floats, Floats], Pair], x: Floats, y: Floats) -> Pair:
    inside = in_china(x, y)
    moved_x, moved_y = change(np.where(inside, x, 105.0), np.where(inside, y, 35.0))
    return np.where(inside, moved_x, x), np.where(inside, moved_y, y)


def _gcj_shift(lng: Floats, lat: Floats) -> Pair:
    x, y = lng - 105.0, lat - 35.0
    root, pi = 0.1 * np.sqrt(np.abs(x)), np.pi
    ripple = 20.0 * np.sin(6.0 * x * pi) + 20.0 * np.sin(2.0 * x * pi)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 2.0 * root
    north_m = north_m + (ripple + 20.0 * np.sin(y * pi) + 40.0 * np.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north_m = north_m + (160.0 * np.sin(y / 12.0 * pi) + 320.0 * np.sin(y / 30.0 * pi)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + root
    east_m = east_m + (ripple + 20.0 * np.sin(x * pi) + 40.0 * np.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east_m = east_m + (150.0 * np.sin(x / 12.0 * pi) + 300.0 * np.sin(x / 30.0 * pi)) * 2.0 / 3.0

    latitude = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY_2 * np.sin(latitude) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_2) / (magic * np.sqrt(magic))
    parallel_m = _SEMI_MAJOR_M / np.sqrt(magic) * np.cos(latitude)
    return np.degrees(east_m / parallel_m), np.degrees(north_m / meridian_m)


def _bd_shift(lng: Floats, lat: Floats) -> Pair:
    radius = np.hypot(lng, lat) + 0.00002 * np.sin(lat * _BD_FREQUENCY)
    angle = np.arctan2(lat, lng) + 0.000003 * np.cos(lng * _BD_FREQUENCY)
    return radius * np.cos(angle) + 0.0065 - lng, radius * np.sin(angle) + 0.006 - lat


def _gcj_forward(lng: Floats, lat: Floats) -> Pair:
    east, north = _gcj_shift(lng, lat)
    return lng + east, lat + north


def _bd_forward(lng: Floats, lat: Floats) -> Pair:
    east, north = _bd_shift(lng, lat)
    return lng + east, lat + north


def _gcj_inverse(lng: Floats, lat: Floats) -> Pair:
    return _undo(_gcj_shift, lng, lat)


def _wgs_to_bd(lng: Floats, lat: Floats) -> Pair:
    return _bd_forward(*_gcj_forward(lng, lat))


def _bd_to_wgs(lng: Floats, lat: Floats) -> Pair:
    return _gcj_inverse(*_undo(_bd_shift, lng, lat))


def _undo(shift: Callable[[Floats, Floats], Pair], lng: Floats, lat: Floats) -> Pair:
    """Solve ``p + shift(p) = given`` by fixed-point steps (each step gains about two digits).

    On the meridian 105 E GCJ-02 holds a square root whose slope is infinite there: the steps
    then swing by less than 1e-12 degree and the bound on their number ends them.
    """
    x, y = lng, lat
    for _ in range(_MAX_STEPS):
        east, north = shift(x, y)
        step = max(
            np.abs(lng - east - x).max(initial=0.0), np.abs(lat - north - y).max(initial=0.0)
        )
        x, y = lng - east, lat - north
        if step < _CONVERGED_DEG:
            break
    return x, y

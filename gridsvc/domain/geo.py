"""Positions, datums and the county's metre frame."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridsvc.domain.errors import Fault, PositionError
from gridsvc.domain.words import Text

SRID = 4490
"""CGCS2000 longitude, latitude: what is stored and spoken inside (equal to WGS 84 in the metre)."""

GRID_SIZE_DEG = 1e-9
"""Stored vertices lie on multiples of this (0.11 mm)."""

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]


class Datum(StrEnum):
    """What a pair of numbers means on the ground. GCJ-02 (Amap, Tencent) lies about 390 m off
    in Luoping, BD-09 (Baidu) about 950 m."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"
    GCJ02 = "gcj02"
    BD09 = "bd09"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LngLat:
    """A position in CGCS2000 degrees. Axis order is always lng, lat."""

    lng: float
    lat: float


@dataclass(frozen=True)
class MetricFrame:
    """A Gauss-Kruger frame: metres for a county.

    Parameters
    ----------
    central_meridian
        In degrees east. 105 is the 3-degree zone of Luoping (EPSG:4544: false easting 500 km).

    Notes
    -----
    Scale error is below 1e-4 within 1.2 degrees of the meridian. pyproj does the mathematics;
    it is the one library besides numpy and shapely that ``domain`` uses.
    """

    central_meridian: float = 105.0
    _forward: pyproj.Transformer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_forward", _transformer(self.central_meridian))

    @classmethod
    def around(cls, lng: float) -> "MetricFrame":
        """The frame of the 3-degree zone that ``lng`` lies in."""
        return cls(3.0 * round(lng / 3.0))

    @cached_property
    def crs(self) -> pyproj.CRS:
        """The frame as a coordinate reference system (EPSG:4534 to 4554 within China)."""
        return _frame_crs(self.central_meridian)

    def point(self, *, lng: float, lat: float) -> tuple[float, float]:
        """Easting and northing in metres of one position (degrees, CGCS2000)."""
        x, y = self._forward.transform(lng, lat)
        return x, y

    def points(self, *, lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Eastings and northings in metres of arrays of positions, of the same shape."""
        x, y = self._forward.transform(lng, lat)
        return x, y

    def back(self, *, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitudes and latitudes in degrees of eastings and northings in metres."""
        lng, lat = self._forward.transform(x, y, direction="INVERSE")
        return lng, lat

    def geometries(self, geometries: Any) -> Geometries:
        """The geometries (lng, lat degrees) with their vertices in metres of this frame."""
        return np.asarray(
            shapely.transform(
                np.asarray(geometries, dtype=object),
                lambda xy: np.column_stack(self._forward.transform(xy[:, 0], xy[:, 1])),
            ),
            dtype=object,
        )

    def geometries_back(self, geometries: Any) -> Geometries:
        """The geometries (metres of this frame) with their vertices in lng, lat degrees."""
        return np.asarray(
            shapely.transform(
                np.asarray(geometries, dtype=object),
                lambda xy: np.column_stack(
                    self._forward.transform(xy[:, 0], xy[:, 1], direction="INVERSE")
                ),
            ),
            dtype=object,
        )

    def areas_m2(self, geometries: Any) -> Floats:
        """Areas in square metres (plane, in this frame) of geometries in lng, lat degrees."""
        return np.asarray(shapely.area(self.geometries(geometries)), dtype=np.float64)


def _frame_crs(central_meridian: float) -> pyproj.CRS:
    zone = round((central_meridian - 75.0) / 3.0)
    if 0 <= zone <= 20 and central_meridian == 75.0 + 3.0 * zone:
        return pyproj.CRS.from_epsg(4534 + zone)
    return pyproj.CRS.from_proj4(
        f"+proj=tmerc +lat_0=0 +lon_0={central_meridian} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80"
        " +units=m +type=crs"
    )


@lru_cache(maxsize=16)
def _transformer(central_meridian: float) -> pyproj.Transformer:
    crs = _frame_crs(central_meridian)
    geographic = crs.geodetic_crs
    if geographic is None:
        raise ValueError(f"no geographic base for central meridian {central_meridian}")
    return pyproj.Transformer.from_crs(geographic, crs, always_xy=True)


def bearing_deg(*, from_lng: float, from_lat: float, to_lng: float, to_lat: float) -> float:
    """Initial bearing in degrees clockwise from true north, 0 to 360, on the ellipsoid."""
    azimuth, _, _ = _GEOD.inv(from_lng, from_lat, to_lng, to_lat)
    return float(azimuth) % 360.0


_GEOD = pyproj.Geod(ellps="GRS80")


def distance_m(a: LngLat, b: LngLat) -> float:
    """Metres between two positions, along the ellipsoid."""
    return float(_GEOD.inv(a.lng, a.lat, b.lng, b.lat)[2])


Bounds = tuple[float, float, float, float]

MARGIN_DEG = 1.0
"""A position farther than this outside the county's bounds is not meant."""


def check_position(
    *, lng: float, lat: float, bounds: Bounds | None = None, margin_deg: float = MARGIN_DEG
) -> None:
    """Refuse a position that cannot be meant, naming what is suspected.

    Parameters
    ----------
    lng, lat
        Degrees.
    bounds
        ``(west, south, east, north)`` of the county in degrees; a position more than
        ``margin_deg`` outside it is refused as far away.

    Raises
    ------
    PositionError
        Not a number, (0, 0), out of range, axes swapped, or far away.
    """
    number = _suspicion(lng, lat, bounds, margin_deg)
    if number is not None:
        raise PositionError(suspicion_fault(number, lng=lng, lat=lat, bounds=bounds))


(
    NOT_FINITE,
    NULL_ISLAND,
    SWAPPED_IN_COUNTY,
    SWAPPED,
    OUT_OF_RANGE,
    FAR_AWAY,
) = range(6)
SUSPICIONS: tuple[tuple[str, Text], ...] = (
    (
        "position_not_finite",
        Text(
            "坐标不是有效数字（{given}）：请给出经度和纬度两个数",
            "the position is not a number ({given}): give longitude and latitude as numbers",
        ),
    ),
    (
        "position_null_island",
        Text(
            "坐标为 (0, 0)：多为设备未定位时的空值，请重新定位",
            "the position is (0, 0): usually a device without a fix; take the position again",
        ),
    ),
    (
        "position_swapped",
        Text(
            "经纬度疑似颠倒（{given}）：应先经度后纬度",
            "longitude and latitude look swapped ({given}): longitude comes first",
        ),
    ),
    (
        "position_swapped",
        Text(
            "经纬度疑似颠倒（{given}）：纬度应在 -90 到 90 之间",
            "longitude and latitude look swapped ({given}): latitude is -90 to 90",
        ),
    ),
    (
        "position_out_of_range",
        Text(
            "坐标超出范围（{given}）：经度 -180 到 180，纬度 -90 到 90；若为米制坐标请先换算",
            "the position is out of range ({given}): longitude -180 to 180, latitude -90 to 90; "
            "metres must be converted first",
        ),
    ),
    (
        "position_far_away",
        Text(
            "位置离本县太远（{given}）：本县范围 {box}，请核对坐标或坐标系",
            "the position is far from the county ({given}): the county is {box}; check the "
            "position and its coordinate system",
        ),
    ),
)
"""Code and text of every suspicion, by its number; the first that holds is the one that counts."""


def suspicion_fault(number: int, *, lng: float, lat: float, bounds: Bounds | None) -> Fault:
    """Say suspicion ``number`` of a position in degrees, in a county of ``bounds``."""
    code, text = SUSPICIONS[number]
    west, south, east, north = bounds or (0.0, 0.0, 0.0, 0.0)
    said = {
        "given": f"lng={lng}, lat={lat}",
        "box": f"{west:.2f}-{east:.2f}E, {south:.2f}-{north:.2f}N",
    }
    return Fault(code, Text(text.zh.format(**said), text.en.format(**said)), "position")


def _suspicion(lng: float, lat: float, bounds: Bounds | None, margin: float) -> int | None:
    if not (math.isfinite(lng) and math.isfinite(lat)):
        return NOT_FINITE
    if lng == 0 and lat == 0:
        return NULL_ISLAND
    inside = bounds is None or _within(lng, lat, bounds, margin)
    in_range = abs(lng) <= 180 and abs(lat) <= 90
    if bounds is not None and not inside and _within(lat, lng, bounds, margin):
        return SWAPPED_IN_COUNTY
    if not in_range:
        return SWAPPED if abs(lng) <= 90 and abs(lat) <= 180 else OUT_OF_RANGE
    return None if inside else FAR_AWAY


def _within(lng: float, lat: float, bounds: Bounds, margin: float) -> bool:
    west, south, east, north = bounds
    return west - margin <= lng <= east + margin and south - margin <= lat <= north + margin

"""Coordinate reference systems: what a name means, and the way to CGCS2000 and back.

Axis order is always longitude (or easting) first, whatever the authority says: EPSG:4490 and
EPSG:4326 officially put latitude first, and no file in use does.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError, ProjError

from geodata.datum import geometries_from_cgcs2000, geometries_to_cgcs2000
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import SRID, Datum, Geometries
from gridsvc.domain.words import Text

CGCS2000 = pyproj.CRS.from_epsg(SRID)
"""EPSG:4490, what everything inside is in."""

_WGS84_NAMES = ("world geodetic system 1984", "wgs 84", "wgs_1984", "d_wgs_1984", "wgs84")
_CHINA_NAMES = ("china 2000", "d_china_2000", "china geodetic coordinate system 2000")
_SECRET_NAMES = ("beijing 1954", "xian 1980", "new beijing", "d_beijing_1954", "d_xian_1980")


def resolve_crs(text: str) -> pyproj.CRS:
    """Resolve the CRS that ``text`` names (``EPSG:4544``, ``4544``, ``CRS84``, WKT), in 2D.

    Raises
    ------
    LayerError
        Where PROJ does not know it, or it is not a horizontal CRS of the Earth.
    """
    name = text.strip()
    if name.isdigit():
        name = f"EPSG:{name}"
    elif name.upper() == "CRS84":
        name = "OGC:CRS84"
    try:
        crs = pyproj.CRS.from_user_input(name)
    except CRSError as error:
        raise LayerError(_unknown_crs(text)) from error
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    if crs.is_geographic and len(crs.axis_info) == 3:
        crs = crs.to_2d()
    if not (crs.is_geographic or crs.is_projected) or crs.geodetic_crs is None:
        raise LayerError(_unknown_crs(text))
    return crs


def crs_name(crs: pyproj.CRS) -> str:
    """Name a CRS shortly, to show and to store: ``EPSG:4544`` where it has a number."""
    authority = crs.to_authority(min_confidence=70)
    return ":".join(authority) if authority else crs.name


def datum_of(crs: pyproj.CRS) -> Datum:
    """Name the datum a CRS says: ``CGCS2000`` for China's own, ``WGS84`` for every other.

    Other datums than these two are converted to WGS 84 by PROJ before they are used.
    """
    return Datum.CGCS2000 if _base_name(crs).startswith(_CHINA_NAMES) else Datum.WGS84


def same_numbers(crs: pyproj.CRS) -> bool:
    """Whether positions in ``crs`` are CGCS2000 degrees as they stand (4326, 4490, CRS84)."""
    return (
        crs.is_geographic
        and _base_name(crs).startswith(_WGS84_NAMES + _CHINA_NAMES)
        and all(abs(axis.unit_conversion_factor - np.pi / 180) < 1e-15 for axis in crs.axis_info)
        and crs.prime_meridian is not None
        and crs.prime_meridian.longitude == 0
    )


def to_cgcs2000_geometries(
    geometries: Any, *, crs: pyproj.CRS, datum: Datum | None = None
) -> Geometries:
    """Geometries in ``crs`` as CGCS2000 (EPSG:4490) degrees, axis order lng, lat.

    Parameters
    ----------
    geometries
        Array of shapely geometries, easting or longitude first; None stays None.
    crs
        What they are in. Geographic WGS 84 and CGCS2000 keep their numbers bit for bit.
    datum
        What the geographic numbers (behind the projection, if there is one) really mean, where
        that is not what the CRS says; GCJ-02 and BD-09 are undone.

    Raises
    ------
    LayerError
        Where there is no published way from the CRS (Beijing 1954 and Xi'an 1980: the
        parameters are classified).
    """
    array = np.asarray(geometries, dtype=object)
    if not same_numbers(crs):
        array = _through(array, _transformer(crs), "FORWARD")
    return geometries_to_cgcs2000(array, datum or Datum.CGCS2000)


def from_cgcs2000_geometries(
    geometries: Any, *, crs: pyproj.CRS, datum: Datum | None = None
) -> Geometries:
    """CGCS2000 geometries (lng, lat degrees) in ``crs`` and ``datum``: the way back.

    Raises
    ------
    LayerError
        As :func:`to_cgcs2000_geometries`.
    """
    array = geometries_from_cgcs2000(geometries, datum or Datum.CGCS2000)
    return array if same_numbers(crs) else _through(array, _transformer(crs), "INVERSE")


def _through(array: Geometries, transformer: pyproj.Transformer, direction: Any) -> Geometries:
    moved = shapely.transform(
        array,
        lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1], direction=direction)),
    )
    return np.asarray(moved, dtype=object)


@lru_cache(maxsize=32)
def _transformer(crs: pyproj.CRS) -> pyproj.Transformer:
    """Find the way from ``crs`` to degrees that count as CGCS2000.

    Within WGS 84 and CGCS2000 only the projection is undone: a datum step between the two would
    be noise. From anywhere else PROJ's own step to WGS 84 is taken, never a ballpark one.
    """
    base = _base_name(crs)
    geographic = crs.geodetic_crs
    if base.startswith(_SECRET_NAMES) or geographic is None:
        raise LayerError(_no_way(crs))
    target: Any = "EPSG:4326"
    if base.startswith(_WGS84_NAMES + _CHINA_NAMES) and not crs.is_geographic:
        target = geographic
    try:
        return pyproj.Transformer.from_crs(crs, target, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise LayerError(_no_way(crs)) from error


def _base_name(crs: pyproj.CRS) -> str:
    geographic = crs.geodetic_crs
    datum = geographic.datum if geographic is not None else None
    return datum.name.casefold() if datum is not None else ""


def _unknown_crs(text: str) -> Fault:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return Fault(
        "unknown_crs",
        Text(
            f"无法识别坐标参考系“{shown}”：请给出 EPSG 编号，例如 --crs EPSG:4490 或 EPSG:4544",
            f"the coordinate reference system {shown!r} is not known: give an EPSG number, "
            "e.g. --crs EPSG:4490 or EPSG:4544",
        ),
        "crs",
    )


def _no_way(crs: pyproj.CRS) -> Fault:
    return Fault(
        "crs_without_way",
        Text(
            f"坐标系 {crs.name} 没有公开的转换参数可到 CGCS2000，不能近似换算："
            "请由测绘部门转换为 CGCS2000 后再导入",
            f"no exact public transformation leads from {crs.name} to CGCS2000, and a rough one "
            "is not taken: have the surveying office convert it to CGCS2000 first",
        ),
        "crs",
    )

"""Where the rows of a file are: geometries from its cells, checked, and moved into CGCS2000."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from geodata.crs import crs_name, datum_of, resolve_crs, to_cgcs2000_geometries
from geodata.datum import geometries_to_cgcs2000
from geodata.guess import guess
from geodata.layer import KIND_NAMES, LayerKind
from geodata.raw import fault, rows_text, shapes_of
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import Bounds, Datum, Floats, Geometries
from gridsvc.domain.words import Text

AREA_KINDS = (LayerKind.DIVISIONS, LayerKind.GRIDS, LayerKind.UNITS)
"""Kinds whose rows are polygons; roads are lines, the rows of the others points."""

_POLYGONS = ((3, 6), Text("面", "polygons"))
_LINES = ((1, 5), Text("线", "lines"))
_POINTS = ((0,), Text("点", "points"))

_AREA_MARGIN_DEG = 3.0
_CHINA_LNG, _CHINA_LAT = (73.0, 136.0), (3.0, 54.0)
_EWKT = re.compile(r"\s*SRID=(\d+);", re.IGNORECASE)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Said:
    """What was said about the numbers: by the file (``declared``), by the user (``crs``,
    ``datum``), row by row (``row_datums``), and beside the data (``hints``)."""

    declared: str | None = None
    crs: str | None = None
    datum: Datum | None = None
    row_datums: Sequence[Datum | None] = ()
    hints: Sequence[str] = ()


@dataclass(frozen=True)
class Positions:
    """Geometries in CGCS2000 (lng, lat), what they were in, and everything wrong with them.
    ``row_datum`` is what each row's numbers meant."""

    geometry: Geometries
    row_datum: Sequence[Datum]
    crs: str = ""
    datum: Datum = Datum.CGCS2000
    dropped_z: bool = False
    faults: tuple[Fault, ...] = field(default=())


def from_wkt(cells: Sequence[Any]) -> tuple[Geometries, str | None, tuple[Fault, ...]]:
    """Make geometries of WKT cells; gives them, the CRS of ``SRID=...;`` and the faults."""
    srids: set[str] = set()
    texts = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        text = None if cell is None or not str(cell).strip() else str(cell)
        prefix = _EWKT.match(text) if text else None
        if text and prefix:
            srids.add(prefix[1])
            text = text[prefix.end() :]
        texts[row] = text
    shapes = np.asarray(shapely.from_wkt(texts, on_invalid="ignore"), dtype=object)
    given = np.array([text is not None for text in texts], dtype=bool)
    geometry, faults = shapes_of(shapes, given)
    return geometry, f"EPSG:{srids.pop()}" if len(srids) == 1 else None, faults


def from_lng_lat(
    lng: Sequence[float | None], lat: Sequence[float | None]
) -> tuple[Geometries, tuple[Fault, ...]]:
    """Make points of two columns (x or longitude, y or latitude); both empty is no position."""
    x, y = (np.array([np.nan if v is None else v for v in c], dtype=np.float64) for c in (lng, lat))
    x_there, y_there = (np.array([v is not None for v in c], dtype=bool) for c in (lng, lat))
    faults: tuple[Fault, ...] = ()
    half = np.flatnonzero(x_there != y_there).tolist()
    if half:
        rows = rows_text(half)
        faults = (
            fault(
                "position_half",
                f"经度和纬度只有其一：{rows.zh}",
                f"only one of longitude and latitude is there: {rows.en}",
                "geometry",
            ),
        )
    shapes = np.full(len(x), None, dtype=object)
    both = x_there & y_there
    shapes[both] = shapely.points(x[both], y[both])
    return shapes, faults


def locate(shapes: Geometries, kind: LayerKind, said: Said) -> Positions:
    """Check geometries and move them into CGCS2000.

    Parameters
    ----------
    shapes
        One for each row, as in the file, easting or longitude first; None where there is none.
    kind
        What the rows are: areas want polygons, roads lines, the others points.
    said
        What is known about the numbers. The user's word goes before the file's; a row's own datum
        goes before both.

    Returns
    -------
    Positions
        Its ``faults`` hold everything found; where there are some the geometries may not be moved.
    """
    dropped_z = bool((shapely.has_z(shapes) | shapely.has_m(shapes)).any())
    flat = np.asarray(shapely.force_2d(shapes), dtype=object) if dropped_z else shapes
    faults = _type_faults(flat, kind)
    finite, finite_faults = _finite(flat)
    faults += finite_faults
    usable = finite & ~shapely.is_missing(flat) & ~shapely.is_empty(flat)
    default, crs, declared_faults = _meaning(flat, usable, kind, said)
    faults += declared_faults
    row_datum = _row_datums(len(flat), default, said)
    if crs is not None and not declared_faults:
        faults += _range_faults(flat, usable, crs)
    if crs is None or faults:
        return Positions(flat, row_datum, dropped_z=dropped_z, faults=tuple(faults))
    try:
        moved = _move(flat, crs, row_datum)
    except LayerError as error:
        return Positions(flat, row_datum, dropped_z=dropped_z, faults=error.faults)
    said_crs = crs_name(crs) if said.crs or said.declared else ""
    area = _area_faults(moved, flat, usable, crs)
    return Positions(moved, row_datum, said_crs, default, dropped_z, tuple(area))


def _meaning(
    shapes: Geometries, usable: Mask, kind: LayerKind, said: Said
) -> tuple[Datum, pyproj.CRS | None, list[Fault]]:
    """Tell what rows that say nothing themselves mean; no CRS where there is no position."""
    faults: list[Fault] = []
    told = np.array([value is not None for value in said.row_datums], dtype=bool)
    silent = bool(usable.any()) and not (len(told) == len(usable) and told[usable].all())
    named = said.crs or said.declared
    try:
        crs = resolve_crs(named or "OGC:CRS84")
    except LayerError as error:
        return Datum.CGCS2000, None, list(error.faults)
    if silent and named is None and said.datum is None:
        faults.append(_undeclared(shapes[usable], said.hints))
    rows_say = {value for value in said.row_datums if value is not None}
    only = rows_say.pop() if len(rows_say) == 1 and not silent else Datum.CGCS2000
    default = said.datum or (datum_of(crs) if named else only)
    if kind is not LayerKind.INCIDENTS and Datum.UNKNOWN in (default, *said.row_datums):
        faults.append(
            fault(
                "unknown_datum",
                f"{KIND_NAMES[kind].zh}的坐标系不能为 unknown："
                "请指明 cgcs2000、wgs84、gcj02 或 bd09",
                f"the datum of {KIND_NAMES[kind].en} may not be unknown: say cgcs2000, wgs84, "
                "gcj02 or bd09",
                "datum",
            )
        )
    return default, crs, faults


def _row_datums(rows: int, default: Datum, said: Said) -> Sequence[Datum]:
    if not said.row_datums:
        return [default] * rows
    return [value or default for value in said.row_datums]


def _move(shapes: Geometries, crs: pyproj.CRS, row_datum: Sequence[Datum]) -> Geometries:
    moved = to_cgcs2000_geometries(shapes, crs=crs).copy()
    for datum in set(row_datum):
        rows = np.array([value is datum for value in row_datum], dtype=bool)
        moved[rows] = geometries_to_cgcs2000(moved[rows], datum)
    return moved


def _undeclared(shapes: Geometries, hints: Sequence[str]) -> Fault:
    found = guess(_total(shapes), hints)
    axes_zh = "；并用 --map lng=... --map lat=... 调换两列" if found.swapped else ""
    axes_en = " and swap the two columns with --map lng=... --map lat=..." if found.swapped else ""
    return fault(
        "undeclared_crs",
        f"文件没有声明坐标系，不予导入。{found.text.zh}。请核实后加 {found.options}{axes_zh}",
        f"the file declares no coordinate system and is refused. Best guess: {found.text.en}. Make "
        f"sure, then add {found.options}{axes_en}",
        "crs",
    )


def _type_faults(shapes: Geometries, kind: LayerKind) -> list[Fault]:
    allowed, wanted = _POLYGONS if kind in AREA_KINDS else _POINTS
    if kind is LayerKind.ROADS:
        allowed, wanted = _LINES
    types = shapely.get_type_id(shapes)
    bad = np.flatnonzero((types >= 0) & ~np.isin(types, allowed)).tolist()
    if not bad:
        return []
    names = sorted({shapes[row].geom_type for row in bad})
    rows, listed = rows_text(bad), ", ".join(names)
    return [
        fault(
            "geometry_type",
            f"{KIND_NAMES[kind].zh}应为{wanted.zh}，却有 {listed}：{rows.zh}",
            f"{KIND_NAMES[kind].en} are {wanted.en}, found {listed}: {rows.en}",
            "geometry",
        )
    ]


def _finite(shapes: Geometries) -> tuple[Mask, list[Fault]]:
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    fine = np.ones(len(shapes), dtype=bool)
    fine[owner[~np.isfinite(xy).all(axis=1)]] = False
    return fine, _row_fault(
        ~fine, "position_not_finite", "坐标不是有限数", "ordinates that are not finite numbers"
    )


def _range_faults(shapes: Geometries, usable: Mask, crs: pyproj.CRS) -> list[Fault]:
    """What cannot be degrees; numbers in a projected CRS are judged by where they lead."""
    if not crs.is_geographic or not usable.any():
        return []
    box = shapely.bounds(shapes)
    box[~usable] = 1.0
    swapped = _swapped(box)
    outside = ~((np.abs(box[:, ::2]) <= 180).all(axis=1) & (np.abs(box[:, 1::2]) <= 90).all(axis=1))
    faults = _row_fault(
        swapped,
        "axes_swapped",
        "经纬度疑似颠倒（应先经度后纬度；表格可用 --map lng=... --map lat=... 调换）",
        "longitude and latitude look swapped (longitude comes first; in a table swap the columns "
        "with --map lng=... --map lat=...)",
    )
    beyond = outside & ~swapped
    if beyond.any():
        text = guess(_total(shapes[beyond])).text
        faults += _row_fault(
            beyond,
            "position_out_of_range",
            f"坐标超出经纬度范围（{text.zh}）",
            f"positions that cannot be degrees ({text.en})",
        )
    null_island = usable & (shapely.get_type_id(shapes) == 0) & (box == 0).all(axis=1)
    return faults + _row_fault(
        null_island,
        "position_null_island",
        "坐标为 (0, 0)，多为未定位的空值：请清空或重新定位",
        "positions at (0, 0), usually devices without a fix: blank them or take them again",
    )


def _swapped(box: Floats) -> Mask:
    x, y = box[:, ::2], box[:, 1::2]
    china = (
        (x >= _CHINA_LAT[0]) & (x <= _CHINA_LAT[1]) & (y >= _CHINA_LNG[0]) & (y <= _CHINA_LNG[1])
    ).all(axis=1)
    anywhere = (np.abs(x) <= 90).all(axis=1) & (np.abs(y) <= 180).all(axis=1)
    return np.asarray(china | (anywhere & (np.abs(y) > 90).any(axis=1)))


def _area_faults(
    moved: Geometries, shapes: Geometries, usable: Mask, crs: pyproj.CRS
) -> list[Fault]:
    """Find positions far from where a projected CRS is used: other zone, degrees, swapped axes."""
    area = crs.area_of_use
    if crs.is_geographic:
        return []
    box = shapely.bounds(moved)
    box[~usable] = np.nan
    fine = np.isfinite(box).all(axis=1)
    if area is not None:
        m = _AREA_MARGIN_DEG
        with np.errstate(invalid="ignore"):
            fine &= (box[:, 0] >= area.west - m) & (box[:, 2] <= area.east + m)
            fine &= (box[:, 1] >= area.south - m) & (box[:, 3] <= area.north + m)
    outside = usable & ~fine
    if not outside.any():
        return []
    text = guess(_total(shapes[outside])).text
    return _row_fault(
        outside,
        "outside_crs_area",
        f"坐标不在 {crs_name(crs)} 的适用范围内（{text.zh}）",
        f"positions where {crs_name(crs)} is not used ({text.en})",
    )


def _row_fault(mask: Mask, code: str, zh: str, en: str) -> list[Fault]:
    bad = np.flatnonzero(mask).tolist()
    if not bad:
        return []
    rows = rows_text(bad)
    return [fault(code, f"{zh}：{rows.zh}", f"{en}: {rows.en}", "geometry")]


def _total(shapes: Geometries) -> Bounds:
    west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
    return west, south, east, north

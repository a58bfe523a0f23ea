"""Reading a layer: every fault of a file at once, or its rows in canonical columns and CGCS2000."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geodata.canonical import canonical_frame
from geodata.cells import undefuse
from geodata.columns import field_of, resolve
from geodata.encoding import is_mojibake
from geodata.layer import KIND_NAMES, Layer, LayerKind
from geodata.position import Positions, Said, from_lng_lat, from_wkt, locate
from geodata.raw import RawLayer, fault, refuse, rows_text
from geodata.sensitive import refusals, sensitive_columns
from geodata.sources import read_raw
from geodata.values import convert
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import Datum, Geometries
from gridsvc.domain.words import Text

__all__ = ["Layer", "LayerKind", "read_layer"]

_PLACE = ("wkt", "lng", "lat")
_HINT_WORDS = ("crs", "datum", "坐标", "gcj", "bd09", "高德", "百度", "wgs")

Values = dict[str, list[Any]]


def read_layer(
    path: str | Path,
    kind: LayerKind,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    datum: Datum | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    allow_columns: Collection[str] = (),
    scheme: CodeScheme | None = None,
) -> Layer:
    """Read one layer of a file.

    Parameters
    ----------
    path
        GeoPackage, Shapefile (or its ``.dbf`` alone), FileGDB, GeoJSON, TopoJSON, FlatGeobuf,
        GeoParquet, or a CSV, XLSX or Parquet table with WKT or lng and lat columns; or a ``.zip``
        with one of them.
    kind
        What the rows are.
    columns
        Canonical column -> the file's, where the dictionary is wrong or cannot tell. The places
        of a table are ``wkt``, or ``lng`` and ``lat`` (eastings and northings in a projected CRS).
    crs
        What the numbers are in (``EPSG:4544``); goes before what the file declares.
    datum
        What the degrees mean; goes before the CRS's own datum. A table's ``datum`` column goes
        before it, row by row.
    encoding
        Of the text; found out where it is not given.
    layer
        Which layer, sheet or object, where there are several.
    allow_columns
        Columns of sensitive personal information that the user knows are there. They are left out.
    scheme
        How codes name their parents; the default scheme where it is not given.

    Returns
    -------
    Layer
        All canonical columns of ``kind``; those that the file lacks are derived from the code
        (``village`` of a grid, ``grid`` of a unit, ``level`` and ``parent`` of a division; the
        name from the code), or null.

    Raises
    ------
    LayerError
        All faults found: unreadable, empty, columns missing or ambiguous or sensitive, mojibake,
        rounded codes, cells of the wrong type, geometries of the wrong type, positions that cannot
        be, nothing declared about them.
    """
    path = Path(path)
    raw = read_raw(path, layer=layer, encoding=encoding)
    if raw.rows == 0:
        raise refuse("file_empty", "文件中没有任何数据行", "there is no row in the file", path.name)
    positions, faults = _columns(raw, kind, columns or {}, allow_columns)
    values, value_faults = _values(raw, positions, kind)
    shapes, declared, shape_faults = _shapes(raw, values, kind)
    said = Said(declared, crs, datum, values.get("datum", ()), _hints(raw, path))
    placed = locate(_or_none(shapes, raw.rows), kind, said)
    faults += [*value_faults, *shape_faults, *placed.faults]
    live = None if faults else _live(values, kind, said, placed)
    faults += () if live is None else live.faults
    if faults:
        raise LayerError(faults)
    names = [column.name for column in raw.columns]
    used, located = set(positions.values()), shapes is not None
    null, empty = shapely.is_missing(placed.geometry), shapely.is_empty(placed.geometry)
    return Layer(
        kind=kind,
        frame=canonical_frame(values, kind, placed, live=live, scheme=scheme or CodeScheme()),
        source=path.name,
        encoding=raw.encoding,
        crs=placed.crs,
        datum=placed.datum,
        columns={canonical: names[i] for canonical, i in positions.items()},
        null_rows=tuple(np.flatnonzero(null).tolist()) if located else (),
        empty_rows=tuple(np.flatnonzero(empty).tolist()),
        ignored=tuple(name for i, name in enumerate(names) if i not in used),
        dropped_z=placed.dropped_z,
        located=located,
    )


def _columns(
    raw: RawLayer, kind: LayerKind, override: Mapping[str, str], allowed: Collection[str]
) -> tuple[dict[str, int], list[Fault]]:
    """Tell which columns are used, and everything wrong with the file so far."""
    names = [column.name for column in raw.columns]
    personal = sensitive_columns(raw.columns)
    resolved = resolve(names, kind, override=override, skip=frozenset(personal))
    faults = [
        *raw.faults,
        *_name_faults(names),
        *refusals(raw.columns, personal, allowed),
        *resolved.faults,
    ]
    return _without_unused_places(resolved.positions, raw, override), faults


def _or_none(shapes: Geometries | None, rows: int) -> Geometries:
    return np.full(rows, None, dtype=object) if shapes is None else shapes


def _without_unused_places(
    positions: dict[str, int], raw: RawLayer, override: Mapping[str, str]
) -> dict[str, int]:
    """Leave lng, lat and WKT columns alone where the format has geometries, or WKT is there."""
    unused: set[str] = set()
    if raw.geometry is not None:
        unused = {name for name in _PLACE if name not in override}
    elif "wkt" in positions and "lng" not in override:
        unused = {"lng", "lat"}
    return {name: i for name, i in positions.items() if name not in unused}


def _values(
    raw: RawLayer, positions: Mapping[str, int], kind: LayerKind
) -> tuple[Values, list[Fault]]:
    values: Values = {}
    faults: list[Fault] = []
    for canonical, position in positions.items():
        field = field_of(kind, canonical)
        if field is None:
            continue
        column = raw.columns[position]
        cells = column.values()
        if raw.defused:
            cells = [undefuse(cell) if isinstance(cell, str) else cell for cell in cells]
        values[canonical], bad = convert(cells, field.type, column.name)
        faults += bad
        if field.filled and not bad:
            faults += _unfilled(values[canonical], canonical, column.name)
    return values, faults


def _unfilled(values: Sequence[Any], canonical: str, where: str) -> list[Fault]:
    bad = [row for row, value in enumerate(values) if value is None or value == ""]
    if not bad:
        return []
    rows = rows_text(bad)
    return [
        fault(
            "missing_value",
            f"必需的 {canonical} 为空：{rows.zh}",
            f"{canonical} is required and empty: {rows.en}",
            where,
        )
    ]


def _name_faults(names: Sequence[str]) -> list[Fault]:
    bad = [name for name in names if is_mojibake(name)]
    if not bad:
        return []
    listed = ", ".join(bad)
    return [
        fault(
            "mojibake",
            f"列名是乱码（{listed}）：请用 --encoding 指明正确编码，或从源头重新导出",
            f"column names are mojibake ({listed}): name the right --encoding, or export the file "
            "again at its source",
            "columns",
        )
    ]


def _shapes(
    raw: RawLayer, values: Values, kind: LayerKind
) -> tuple[Geometries | None, str | None, tuple[Fault, ...]]:
    """Take the file's geometries, or make them of its WKT or lng and lat columns."""
    if "wkt" in values:
        shapes, declared, faults = from_wkt(values["wkt"])
        return shapes, declared, faults
    if "lng" in values and "lat" in values:
        shapes, faults = from_lng_lat(values["lng"], values["lat"])
        return shapes, None, faults
    if raw.geometry is not None:
        return raw.geometry, raw.crs, ()
    if kind in (LayerKind.GRIDS, LayerKind.UNITS, LayerKind.ROADS):
        shape = Text("线", "lines") if kind is LayerKind.ROADS else Text("面", "polygons")
        return (
            None,
            None,
            (
                fault(
                    "geometry_missing",
                    f"{KIND_NAMES[kind].zh}需要{shape.zh}状图形：文件没有图形，"
                    "也没有 WKT 列（--map wkt=列名）",
                    f"{KIND_NAMES[kind].en} need {shape.en}: the file has no geometries and no WKT "
                    "column (--map wkt=COLUMN)",
                    "geometry",
                ),
            ),
        )
    return None, None, ()


def _live(values: Values, kind: LayerKind, said: Said, homes: Positions) -> Positions | None:
    """Locate the live positions of responders: degrees in the datum of the homes beside them."""
    if "live_lng" not in values or "live_lat" not in values:
        return None
    shapes, faults = from_lng_lat(values["live_lng"], values["live_lat"])
    known = bool((~shapely.is_missing(homes.geometry)).any()) or said.crs or said.declared
    datum = said.datum or (homes.datum if known else None)
    live = locate(
        shapes,
        kind,
        Said("OGC:CRS84" if known else None, None, datum, said.row_datums, said.hints),
    )
    return replace(live, faults=(*faults, *live.faults))


def _hints(raw: RawLayer, path: Path) -> list[str]:
    hints: list[str] = []
    for column in raw.columns:
        if any(word in column.name.casefold() for word in _HINT_WORDS):
            hints.append(column.name)
            hints += sorted({value for value in column.sample(200) if isinstance(value, str)})
    return [*hints, *raw.hints, path.name]

"""A layer on its way out: typed columns under their written names, geometries in their CRS."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely

from geodata.crs import CGCS2000, from_cgcs2000_geometries, resolve_crs
from geodata.datum import from_cgcs2000
from geodata.layer import KIND_NAMES, LayerKind
from geodata.names import out_names
from gridsvc.domain.errors import Fault, FormatError
from gridsvc.domain.geo import SRID, Datum, Geometries
from gridsvc.domain.words import Lang, Text

SHIFTED = (Datum.GCJ02, Datum.BD09)
"""The datums that no file format can declare."""

TIME = pa.timestamp("us", tz="+08:00")
_DEGREES = {Datum.WGS84: pyproj.CRS.from_epsg(4326)}
TABLES = (".csv", ".xlsx")
_DATUM_NAMES = {
    Datum.CGCS2000: "CGCS2000",
    Datum.WGS84: "WGS 84",
    Datum.GCJ02: "GCJ-02",
    Datum.BD09: "BD-09",
}
POINT_KINDS = (LayerKind.RESPONDERS, LayerKind.INCIDENTS)


@dataclass(frozen=True)
class Outgoing:
    """One layer as it will be written.

    Parameters
    ----------
    kind, lang
        What the rows are, and the language of the column names.
    table
        The attributes: ``string``, ``int64``, ``double``, ``bool`` and ``timestamp[us, +08:00]``
        columns under their written names; nulls are nulls.
    geometries
        As many as there are rows, in ``crs`` and ``datum``, easting or longitude first.
    crs
        What the ordinates are in.
    datum
        What the degrees mean.
    note
        What the import must be told, where the file cannot say it.
    """

    kind: LayerKind
    lang: Lang
    table: pa.Table
    geometries: Geometries
    crs: pyproj.CRS
    datum: Datum
    note: Text | None

    @property
    def declared(self) -> pyproj.CRS | None:
        """The CRS that the file may say it is in: none for GCJ-02 and BD-09, so that it is
        refused on import until ``--datum`` says what it holds."""
        return None if self.datum in SHIFTED else self.crs

    @property
    def layer_name(self) -> str:
        """The layer's name in formats that have one: the kind, and a datum no CRS declares."""
        return f"{self.kind}_{self.datum}" if self.datum in SHIFTED else self.kind.value

    def texts(self) -> dict[str, list[str | None]]:
        """The text columns by written name."""
        return {
            name: self.table[name].to_pylist()
            for name in self.table.column_names
            if pa.types.is_string(self.table.schema.field(name).type)
        }

    def with_times_as_text(self) -> pa.Table:
        """The table with ISO 8601 text (``2026-11-23T08:00:00+08:00``) in place of times."""
        table = self.table
        for position, field in enumerate(table.schema):
            if pa.types.is_timestamp(field.type):
                values = [None if v is None else v.isoformat() for v in table[position].to_pylist()]
                table = table.set_column(position, field.name, pa.array(values, pa.string()))
        return table


def import_note(path: Path, kind: LayerKind, *, crs: str | None, datum: Datum) -> Text | None:
    """The options that the import of such a file needs, None where the file says it all."""
    if datum in SHIFTED:
        option = f"--datum {datum}" + (f" --crs {crs}" if crs else "")
    elif path.suffix.lower() in TABLES:
        option = f"--crs {crs}" if crs else f"--datum {datum}"
    else:
        return None
    meant = _DATUM_NAMES[datum] + (f" ({crs})" if crs else "")
    return Text(
        f"{KIND_NAMES[kind].zh}的坐标为 {meant}，此文件无法声明：导入时请加 {option}",
        f"the positions of these {KIND_NAMES[kind].en} are {meant}, which this file cannot "
        f"declare: import with {option}",
    )


def outgoing(
    frame: gpd.GeoDataFrame,
    path: Path,
    *,
    kind: LayerKind,
    lang: Lang,
    crs: str | None,
    datum: Datum,
) -> Outgoing:
    """Type the columns of a canonical frame, name them and move its positions.

    Parameters
    ----------
    frame
        Canonical, EPSG:4490. Columns that are not canonical go out under their own names.
    path
        The file it is meant for.
    crs
        The CRS wanted (``EPSG:4544``); None for degrees of ``datum``.
    datum
        The datum wanted. ``WGS84`` and ``CGCS2000`` are the same numbers.

    Raises
    ------
    FormatError
        Columns of mixed types, positions that are not flat and finite, a frame in another CRS,
        an unknown datum, two columns of one name: all of them.
    LayerError
        A CRS that is not known or that no exact transformation leads to.
    """
    _check_frame(frame, datum)
    target = resolve_crs(crs) if crs else _DEGREES.get(datum, CGCS2000)
    faults: list[Fault] = []
    attributes = _move_live(frame.drop(columns=frame.geometry.name), datum)
    columns = [_column(attributes[name], str(name), faults) for name in attributes.columns]
    names = out_names((str(name) for name in attributes.columns), kind, lang)
    faults += _doubled(names)
    if faults:
        raise FormatError(faults)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    return Outgoing(
        kind=kind,
        lang=lang,
        table=pa.table(columns, names=list(names)),
        geometries=from_cgcs2000_geometries(shapes, crs=target, datum=datum),
        crs=target,
        datum=datum,
        note=import_note(path, kind, crs=crs, datum=datum),
    )


def _check_frame(frame: gpd.GeoDataFrame, datum: Datum) -> None:
    faults = []
    if datum is Datum.UNKNOWN:
        faults.append(
            Fault(
                "unknown_datum",
                Text(
                    "导出的坐标系必须明确：cgcs2000、wgs84、gcj02 或 bd09",
                    "an export needs a definite datum: cgcs2000, wgs84, gcj02 or bd09",
                ),
                "datum",
            )
        )
    if frame.crs is None or frame.crs.to_epsg() != SRID:
        faults.append(
            Fault(
                "frame_crs",
                Text(
                    f"待导出的数据坐标系为 {frame.crs}，应为 EPSG:{SRID}",
                    f"the frame to be written is in {frame.crs}; it must be EPSG:{SRID}",
                ),
                "crs",
            )
        )
    shapes = np.asarray(frame.geometry.array, dtype=object)
    high = int(np.count_nonzero(shapely.has_z(shapes)))
    endless = int(np.count_nonzero(~np.isfinite(shapely.get_coordinates(shapes))))
    if high or endless:
        faults.append(
            Fault(
                "position_not_flat_or_finite",
                Text(
                    f"{high} 个图形带高程，{endless} 个坐标值不是有限数：只能导出有限的平面坐标",
                    f"{high} geometries have heights, {endless} ordinates are not finite: only "
                    "flat, finite positions are written",
                ),
                "geometry",
            )
        )
    if faults:
        raise FormatError(faults)


def _move_live(attributes: pd.DataFrame, datum: Datum) -> pd.DataFrame:
    """The live positions of responders are degrees of the file's datum too."""
    if datum not in SHIFTED or not {"live_lng", "live_lat"} <= set(attributes.columns):
        return attributes
    lng, lat = (attributes[name].to_numpy(dtype=np.float64) for name in ("live_lng", "live_lat"))
    moved = from_cgcs2000(lng, lat, datum)
    return attributes.assign(live_lng=moved[0], live_lat=moved[1])


def _column(series: pd.Series, name: str, faults: list[Fault]) -> pa.Array:
    try:
        return _typed(pa.array(series, from_pandas=True))
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        faults.append(
            Fault(
                "column_not_one_type",
                Text(
                    f"该列的值不能作为同一种类型写出（{error}）：请统一为文字、整数、小数、是否或时间",
                    f"its values cannot be written as one type ({error}): make them all text, "
                    "whole numbers, decimals, yes/no or times",
                ),
                name,
            )
        )
        return pa.nulls(len(series), pa.string())


def _typed(array: pa.Array) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_boolean(kind):
        return array
    if pa.types.is_timestamp(kind):
        return (array if kind.tz else pc.assume_timezone(array, "+08:00")).cast(TIME)
    if pa.types.is_integer(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind):
        return array.cast(pa.float64())
    if pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return array.cast(pa.string())
    raise TypeError(str(kind))


def _doubled(names: tuple[str, ...]) -> list[Fault]:
    seen = [name.casefold() for name in names]
    doubled = sorted({name for name in names if seen.count(name.casefold()) > 1})
    return [
        Fault(
            "column_name_repeated",
            Text(
                "另一列的名称与之相同或仅大小写不同：请改名",
                "another column has this name, or differs from it in case alone: rename one",
            ),
            name,
        )
        for name in doubled
    ]

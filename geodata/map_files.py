"""Writers of map formats: GeoPackage, Shapefile, FileGDB, FlatGeobuf, GeoJSON, GeoParquet."""

import contextlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyogrio
import shapely
from pyarrow import parquet

from geodata.cells import ordinates_json
from geodata.formats import shapefile_encoding, shapefile_names
from geodata.outgoing import POINT_KINDS, Outgoing
from gridsvc.domain.errors import Fault, FormatError
from gridsvc.domain.geo import Geometries
from gridsvc.domain.words import Text

_GEOMETRY = "geometry"
_TYPES = {0: "Point", 1: "LineString", 4: "MultiPoint", 5: "MultiLineString"}

# FileGDB keeps ordinates as whole steps from an origin, in 53 bits: these steps are far finer
# than a stored vertex, where GDAL's own would be 0.1 mm, or 0.1 m where no CRS is declared.
_GDB_STEPS = {
    True: {"XORIGIN": "-400", "YORIGIN": "-400", "XYSCALE": "1000000000000"},
    False: {"XORIGIN": "-100000000", "YORIGIN": "-100000000", "XYSCALE": "10000000"},
}


def write_gdal(out: Outgoing, path: Path, driver: str) -> None:
    """Write one of the formats that GDAL writes, and look whether all of it arrived.

    Raises
    ------
    FormatError
        Where GDAL refuses, renames a column or loses a row.
    """
    geometries, geometry_type = _of_one_type(out)
    table, options = _prepared(out, driver)
    try:
        with warnings.catch_warnings():
            # Of whole numbers as doubles in FileGDB, which `losses` has looked at, and of files
            # without a CRS, which are meant.
            warnings.simplefilter("ignore")
            pyogrio.write_arrow(
                table.append_column(_GEOMETRY, _wkb(geometries)),
                path,
                driver=driver,
                geometry_name=_GEOMETRY,
                geometry_type=geometry_type,
                crs=None if out.declared is None else out.declared.to_wkt(),
                **options,
            )
        found = pyogrio.read_info(path, force_feature_count=True)
    except (RuntimeError, ValueError) as error:
        raise FormatError(_failed(path, str(error))) from error
    if list(found["fields"]) != table.column_names or found["features"] != table.num_rows:
        got = f"{found['features']} rows, columns {', '.join(found['fields'])}"
        raise FormatError(_failed(path, got))


def write_geojson(out: Outgoing, path: Path) -> None:
    """Write GeoJSON with the shortest decimals that read back bit for bit, one feature a line.

    A ``crs`` member (GeoJSON of 2008) names the CRS, as GDAL reads it; it is null for GCJ-02 and
    BD-09, beside a ``datum`` and a ``note``.
    """
    table = out.with_times_as_text()
    names, columns = table.column_names, [column.to_pylist() for column in table.columns]
    rows = zip(*columns, strict=True) if columns else iter([()] * len(out.geometries))
    head = {"type": "FeatureCollection", "name": out.layer_name, **_json_crs(out)}
    with path.open("wb") as file:
        file.write(orjson.dumps(head)[:-1] + b',"features":[')
        for number, (values, shape) in enumerate(zip(rows, out.geometries, strict=True)):
            feature = {
                "type": "Feature",
                "properties": dict(zip(names, values, strict=True)),
                "geometry": None if shape is None else orjson.Fragment(_json_geometry(shape)),
            }
            file.write(b",\n" if number else b"\n")
            file.write(orjson.dumps(feature))
        file.write(b"\n]}\n")


def write_parquet(out: Outgoing, path: Path) -> None:
    """Write GeoParquet 1.1 (WKB); the schema's metadata say kind and datum under ``gridsvc``."""
    there = out.geometries[~shapely.is_missing(out.geometries)]
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted({shape.geom_type for shape in there}),
        "crs": None if out.declared is None else out.declared.to_json_dict(),
    }
    if not shapely.is_empty(there).all():
        column["bbox"] = shapely.total_bounds(there).tolist()
    geo = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}}
    own = {"kind": out.kind.value, "datum": out.datum.value}
    if out.note is not None:
        own["note"] = out.note.zh
    table = out.table.append_column(_GEOMETRY, _wkb(out.geometries))
    metadata = {"geo": json.dumps(geo), "gridsvc": json.dumps(own, ensure_ascii=False)}
    parquet.write_table(table.replace_schema_metadata(metadata), path)


def _prepared(out: Outgoing, driver: str) -> tuple[pa.Table, dict[str, Any]]:
    """The table with the types that a driver keeps, and its options."""
    layer: dict[str, Any] = {"layer": out.layer_name}
    note = {} if out.note is None else {"DESCRIPTION": out.note.zh}
    if driver == "GPKG":
        # GDAL's times have milliseconds; finer ones are kept as text.
        table = out.table if _whole_milliseconds(out.table) else out.with_times_as_text()
        return table, {**layer, "FID": "gridsvc_fid", **note}
    table = out.with_times_as_text()
    if driver == "FlatGeobuf":
        # Its spatial index would sort the rows.
        return table, {**layer, "SPATIAL_INDEX": "NO", **note}
    if driver == "OpenFileGDB":
        return _small_integers(table), {**layer, **_GDB_STEPS[out.crs.is_geographic]}
    encoding = shapefile_encoding(out.lang)
    return table.rename_columns(shapefile_names(out)), {"encoding": encoding}


def _whole_milliseconds(table: pa.Table) -> bool:
    return all(
        value is None or value.microsecond % 1000 == 0
        for field in table.schema
        if pa.types.is_timestamp(field.type)
        for value in table[field.name].to_pylist()
    )


def _small_integers(table: pa.Table) -> pa.Table:
    """32-bit columns where they suffice: FileGDB writes 64-bit ones as decimals."""
    for position, field in enumerate(table.schema):
        if pa.types.is_integer(field.type):
            with contextlib.suppress(pa.ArrowInvalid):
                small = table[position].cast(pa.int32())
                table = table.set_column(position, field.name, small)
    return table


def _of_one_type(out: Outgoing) -> tuple[Geometries, str]:
    """The geometries and the type their layer declares; polygons become MultiPolygons of one."""
    kinds = {int(kind) for kind in np.unique(shapely.get_type_id(out.geometries))} - {-1}
    if not kinds:
        return out.geometries, "Point" if out.kind in POINT_KINDS else "MultiPolygon"
    if kinds <= {3, 6}:
        promoted = out.geometries.copy()
        for place in np.flatnonzero(shapely.get_type_id(promoted) == 3).tolist():
            shape = promoted[place]
            promoted[place] = shapely.MultiPolygon([] if shape.is_empty else [shape])
        return promoted, "MultiPolygon"
    return out.geometries, _TYPES.get(kinds.pop(), "Unknown") if len(kinds) == 1 else "Unknown"


def _wkb(geometries: Geometries) -> pa.Array:
    return pa.array(shapely.to_wkb(geometries, flavor="iso"), pa.binary())


def _json_crs(out: Outgoing) -> dict[str, Any]:
    if out.declared is None:
        note = {} if out.note is None else {"note": out.note.zh}
        return {"crs": None, "datum": out.datum.value, **note}
    # RFC 7946's own name for degrees: some readers swap the axes of EPSG:4326.
    wgs84 = out.crs.to_epsg() == 4326
    authority = ("OGC:1.3", "CRS84") if wgs84 else out.crs.to_authority()
    if authority is None:
        raise FormatError(
            Fault(
                "crs_without_number",
                Text(
                    f"GeoJSON 只能用编号声明坐标系，{out.crs.name} 没有编号：请换用 GeoPackage",
                    f"GeoJSON declares a CRS by its number and {out.crs.name} has none: write a "
                    "GeoPackage",
                ),
                "crs",
            )
        )
    name = "urn:ogc:def:crs:" + (":" if wgs84 else "::").join(authority)
    return {"crs": {"type": "name", "properties": {"name": name}}}


def _json_geometry(shape: Any) -> str:
    return f'{{"type":"{shape.geom_type}","coordinates":{ordinates_json(shape)}}}'


def _failed(path: Path, reason: str) -> Fault:
    return Fault(
        "not_written",
        Text(
            f"未能完整写出，原有文件未改动：{reason}",
            f"it could not be written whole, and any older file is untouched: {reason}",
        ),
        path.name,
    )

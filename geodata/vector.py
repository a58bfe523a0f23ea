"""GeoPackage, FlatGeobuf, FileGDB and Shapefile, through GDAL."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyogrio
import pyogrio.errors
import shapely

from geodata.dbf import read_dbf
from geodata.raw import RawColumn, RawLayer, refuse, shapes_of
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import Geometries

_NOT_DATA = ("layer_styles", "qgis_projects")


def read_vector(path: Path, *, layer: str | None, source: str) -> RawLayer:
    """Read one layer of a GeoPackage, FlatGeobuf or FileGDB, every row in the file's order.

    Parameters
    ----------
    path
        The file, or the folder of a FileGDB.
    layer
        Which one, where there are several.
    source
        The name to show.

    Raises
    ------
    LayerError
        Unreadable, no layer, several and none chosen, no such layer.
    """
    name = _choose(path, layer, source)
    meta, table = _arrow(path, source, layer=name)
    fields = [str(field) for field in meta["fields"]]
    position = len(table.schema) - 1
    geometry: Geometries | None = None
    faults: tuple[Fault, ...] = ()
    if meta["geometry_type"] is not None and len(table.schema) > len(fields):
        geometry, faults = _shapes(table.column(position), path, name, source)
    columns = tuple(RawColumn(field, table.column(i)) for i, field in enumerate(fields))
    return RawLayer(
        rows=table.num_rows,
        columns=columns,
        geometry=geometry,
        crs=_declared(meta["crs"]),
        faults=faults,
        hints=(name,),
    )


def read_shapefile(path: Path, *, encoding: str | None, source: str) -> RawLayer:
    """Read a shapefile: shapes through GDAL, the table by its own bytes.

    Raises
    ------
    LayerError
        Parts missing or unreadable, shapes and table of different lengths.
    """
    dbf, shx = _sidecar(path, ".dbf"), _sidecar(path, ".shx")
    missing = [s for s, part in ((".dbf", dbf), (".shx", shx)) if part is None]
    if dbf is None or shx is None:
        listed = "、".join(missing)
        raise refuse(
            "sidecar_missing",
            f"缺少同名的 {listed} 文件：Shapefile 由 .shp、.shx、.dbf 等组成，"
            "请一并提供（可打包为 .zip）",
            f"{' and '.join(missing)} of the same name is missing: a shapefile is .shp, .shx, .dbf "
            "and more; bring them all (a .zip will do)",
            source,
        )
    cpg = _sidecar(path, ".cpg")
    declared = cpg.read_bytes().decode("latin-1").strip() if cpg else None
    table = read_dbf(dbf, encoding=encoding, cpg=declared)
    count = _shape_count(path, shx, source)
    meta, shapes = _arrow(path, source, columns=[], return_fids=True, encoding="ISO-8859-1")
    found = shapes.column(0).to_numpy()
    if count != table.total or not np.array_equal(found, table.records):
        raise refuse(
            "sidecar_mismatch",
            f".shp 有 {count} 个图形，.dbf 有 {table.total} 条记录：两者不属于同一数据",
            f"the .shp has {count} shapes and the .dbf {table.total} records: they do not belong "
            "together",
            source,
        )
    geometry, faults = _from_wkb(shapes.column(1))
    return RawLayer(
        rows=len(table.records),
        columns=table.columns,
        geometry=geometry,
        faults=faults,
        crs=_declared(meta["crs"]) if _sidecar(path, ".prj") else None,
        encoding=table.encoding,
    )


def read_table_of_shapefile(path: Path, *, encoding: str | None) -> RawLayer:
    """Read a ``.dbf`` alone, as a table without geometries."""
    cpg = _sidecar(path, ".cpg")
    declared = cpg.read_bytes().decode("latin-1").strip() if cpg else None
    table = read_dbf(path, encoding=encoding, cpg=declared)
    return RawLayer(rows=len(table.records), columns=table.columns, encoding=table.encoding)


def _shape_count(path: Path, shx: Path, source: str) -> int:
    """Count the shapes, and make sure that no part of them is missing: GDAL gives null for those.

    Both files begin with 9994 and hold their length in 16-bit words at byte 24 (ESRI, 1998).
    """
    for part in (path, shx):
        with part.open("rb") as file:
            head = file.read(100)
        size = part.stat().st_size
        if len(head) < 100 or int.from_bytes(head[:4], "big") != 9994:
            raise unreadable(source)
        told = 2 * int.from_bytes(head[24:28], "big")
        if size < told:
            raise refuse(
                "file_cut",
                f"{part.suffix} 文件不完整：应有 {told} 字节，实有 {size} 字节",
                f"the {part.suffix} file is cut off: {told} bytes are told, {size} are there",
                source,
            )
    return (told - 100) // 8


def _sidecar(path: Path, suffix: str) -> Path | None:
    for name in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if name.is_file():
            return name
    return None


def _choose(path: Path, layer: str | None, source: str) -> str:
    found = [str(name) for name, _ in _gdal(pyogrio.list_layers, source, path)]
    names = [name for name in found if name not in _NOT_DATA]
    if layer is not None and layer in found:
        return layer
    listed = "、".join(names)
    if layer is not None:
        raise refuse(
            "unknown_layer",
            f"没有图层“{layer}”：文件中有 {listed}",
            f"there is no layer {layer!r}: the file holds {', '.join(names)}",
            source,
        )
    if not names:
        raise refuse("no_layer", "文件中没有图层", "there is no layer in the file", source)
    if len(names) > 1:
        raise refuse(
            "layer_ambiguous",
            f"文件中有 {len(names)} 个图层（{listed}）：请用 --layer 指明",
            f"the file holds {len(names)} layers ({', '.join(names)}): choose one with --layer",
            source,
        )
    return names[0]


def _arrow(path: Path, source: str, **options: Any) -> tuple[dict[str, Any], pa.Table]:
    # GDAL 3.12's own FlatGeobuf stream gives wrong sizes for null geometries.
    pyogrio.set_gdal_config_options({"OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES"})
    meta, table = _gdal(pyogrio.raw.read_arrow, source, path, **options)
    return meta, table


def _gdal(function: Any, source: str, *args: Any, **options: Any) -> Any:
    """Call into GDAL: its own exceptions and warnings end here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **options)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        reason = error
    except (pyogrio.errors.FeatureError, pyogrio.errors.GeometryError) as error:
        reason = error
    except (RuntimeError, ValueError, IndexError, OSError, pa.ArrowException) as error:
        reason = error
    raise unreadable(source) from reason


def unreadable(source: str) -> LayerError:
    """Make the error of a file that its own format's reader cannot read."""
    return refuse(
        "unreadable",
        "文件无法读取：已损坏、不完整，或内容与扩展名不符；请重新导出",
        "the file cannot be read: it is damaged, cut off, or not what its name says; export it "
        "again",
        source,
    )


def _declared(crs: str | None) -> str | None:
    """What the file declares, None where that is one of GDAL's words for nothing."""
    return None if crs is None or "undefined" in crs.casefold()[:60] else crs


def _shapes(
    column: pa.ChunkedArray, path: Path, name: str, source: str
) -> tuple[Geometries, tuple[Fault, ...]]:
    try:
        return _from_wkb(column)
    except NotImplementedError:
        # Arcs: GEOS does not take them, and GDAL's plain reader turns them into vertices.
        _, _, wkb, _ = _gdal(pyogrio.raw.read, source, path, layer=name, columns=[])
        return _from_wkb(wkb)


def _from_wkb(
    wkb: pa.ChunkedArray | npt.NDArray[np.object_],
) -> tuple[Geometries, tuple[Fault, ...]]:
    if isinstance(wkb, pa.ChunkedArray):
        wkb = wkb.to_numpy(zero_copy_only=False)
    data = np.asarray(wkb, dtype=object)
    shapes = np.asarray(shapely.from_wkb(data, on_invalid="ignore"), dtype=object)
    return shapes_of(shapes, np.array([value is not None for value in data], dtype=bool))

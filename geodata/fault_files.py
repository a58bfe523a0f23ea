"""Fault shapes as a GeoPackage to open in QGIS."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from geodata.faults import Report
from gridsvc.domain.errors import ConflictError, Fault
from gridsvc.domain.words import Text

LAYERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "fault_polygons": ("MultiPolygon", (3, 6)),
    "fault_lines": ("MultiLineString", (1, 2, 5)),
    "fault_points": ("MultiPoint", (0, 4)),
}
"""One layer a type of geometry, because a layer of mixed types does not open as one in QGIS."""


def write_faults(report: Report, path: Path, *, overwrite: bool = False) -> int:
    """Write the fault shapes of a report, EPSG:4490; the layers are there even when empty.

    Returns
    -------
    How many faults have a shape.

    Raises
    ------
    ConflictError
        The file exists and ``overwrite`` was not asked for.
    """
    if path.exists():
        if not overwrite:
            raise ConflictError(
                Fault(
                    "file_exists",
                    Text("文件已存在，用 --overwrite 替换", "it exists: --overwrite replaces it"),
                    str(path),
                )
            )
        path.unlink()
    frame = report.fault_frame()
    kinds = shapely.get_type_id(frame.geometry.to_numpy())
    for name, (geometry_type, ids) in LAYERS.items():
        rows = frame[np.isin(kinds, ids)]
        pyogrio.write_dataframe(
            rows,
            path,
            layer=name,
            driver="GPKG",
            geometry_type=geometry_type,
            promote_to_multi=True,
            append=path.exists(),
        )
    collections: gpd.GeoDataFrame = frame[kinds == 7]
    return len(frame) - len(collections)

"""Layers made in a test, as the reader would give them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from geodata.layer import Layer, LayerKind

WEST, SOUTH = 104.1, 24.7


def box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
    """A box in thousandths of a degree (about 100 m) from (WEST, SOUTH)."""
    return shapely.box(WEST + x0 / 1e3, SOUTH + y0 / 1e3, WEST + x1 / 1e3, SOUTH + y1 / 1e3)


def frame_of(geometries: Sequence[Any], **columns: Sequence[Any]) -> gpd.GeoDataFrame:
    """Canonical columns and geometries in EPSG:4490."""
    shapes = np.empty(len(geometries), dtype=object)
    shapes[:] = list(geometries)
    return gpd.GeoDataFrame(dict(columns), geometry=gpd.GeoSeries(shapes, crs=4490), crs=4490)


def layer_of(
    geometries: Sequence[Any], kind: LayerKind = LayerKind.GRIDS, **columns: Sequence[Any]
) -> Layer:
    """A layer of these geometries; codes are 1, 2, 3 ... where none are given."""
    columns.setdefault("code", [str(place + 1) for place in range(len(geometries))])
    return Layer(kind, frame_of(geometries, **columns), "made.gpkg")


def geojson_layer(path: Path, *, crs: str = "EPSG:4490") -> Layer:
    """Every geometry of a GeoJSON file, collections taken apart, as a layer."""
    data = json.loads(path.read_text(encoding="utf-8"))
    members = [one["geometry"] for one in data.get("features", [])] or data.get("geometries")
    shapes = [shapely.geometry.shape(one) for one in members or [data]]
    move = pyproj.Transformer.from_crs(crs, "EPSG:4490", always_xy=True)

    def moved(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(move.transform(xy[:, 0], xy[:, 1]))

    return layer_of(shapes if crs == "EPSG:4490" else [shapely.transform(s, moved) for s in shapes])

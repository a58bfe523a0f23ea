"""The canonical frame of a layer: all columns of its kind, the missing derived from the code."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.columns import FIELDS
from geodata.crs import CGCS2000
from geodata.layer import LayerKind
from geodata.position import Positions
from geodata.values import series
from gridsvc.domain.codes import CodeScheme

Values = dict[str, list[Any]]

_NOT_STORED = ("wkt", "lng", "lat", "datum")


def canonical_frame(
    values: Values,
    kind: LayerKind,
    placed: Positions,
    *,
    live: Positions | None,
    scheme: CodeScheme,
) -> gpd.GeoDataFrame:
    """Build the frame.

    Parameters
    ----------
    values
        Canonical column -> converted cells, those that the file has.
    kind
        What the rows are.
    placed, live
        Geometries in CGCS2000, and the live positions where there are some.
    scheme
        How codes name their parents.

    Returns
    -------
    GeoDataFrame
        EPSG:4490, index 0, 1, 2 ... in the file's order. The ``datum`` of an incident is what the
        numbers of its row meant; its geometry is CGCS2000 already.
    """
    rows = len(placed.geometry)
    index = pd.RangeIndex(rows)
    filled = _derived(values, kind, scheme)
    if live is not None:
        filled["live_lng"] = _known(shapely.get_x(live.geometry))
        filled["live_lat"] = _known(shapely.get_y(live.geometry))
    data = {
        field.name: series(filled.get(field.name) or [None] * rows, field.type, index)
        for field in FIELDS[kind]
        if field.name not in _NOT_STORED
    }
    if kind is LayerKind.INCIDENTS:
        there = ~(shapely.is_missing(placed.geometry) | shapely.is_empty(placed.geometry))
        data["datum"] = series(
            [
                d.value if is_there else None
                for d, is_there in zip(placed.row_datum, there, strict=True)
            ],
            "text",
            index,
        )
    return gpd.GeoDataFrame(data, index=index, geometry=placed.geometry, crs=CGCS2000)


def _derived(values: Values, kind: LayerKind, scheme: CodeScheme) -> Values:
    """Fill what the code tells: empty cells as well as columns that are not there."""
    filled = dict(values)
    codes = filled.get("code", [])
    if kind is LayerKind.DIVISIONS:
        codes = [None if code is None else scheme.division(code) for code in codes]
        filled["code"] = codes
        filled["level"] = _fill(filled, "level", codes, _level(scheme))
        parents = _fill(filled, "parent", codes, _parent(scheme, "township", "village"))
        filled["parent"] = [None if code is None else scheme.division(code) for code in parents]
    elif kind is LayerKind.GRIDS:
        filled["name"] = _fill(filled, "name", codes, str)
        filled["village"] = _fill(filled, "village", codes, _parent(scheme, "grid"))
    elif kind is LayerKind.UNITS:
        filled["name"] = _fill(filled, "name", codes, str)
        filled["grid"] = _fill(filled, "grid", codes, _parent(scheme, "unit"))
    return filled


def _level(scheme: CodeScheme) -> Callable[[str], str | None]:
    def level(code: str) -> str | None:
        found = scheme.level_of(code)
        return found if found in ("county", "township", "village") else None

    return level


def _parent(scheme: CodeScheme, *levels: str) -> Callable[[str], str | None]:
    """Derive parents from codes that fit the scheme; others tell nothing."""

    def parent(code: str) -> str | None:
        return scheme.parent(code) if scheme.level_of(code) in levels else None

    return parent


def _fill(
    values: Values, column: str, codes: list[str | None], derive: Callable[[str], str | None]
) -> list[str | None]:
    given = values.get(column) or [None] * len(codes)
    return [
        derive(code) if value is None and code is not None else value
        for value, code in zip(given, codes, strict=True)
    ]


def _known(ordinates: Any) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in ordinates]

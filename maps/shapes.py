"""Shapes small enough for a page: simplified without gaps, rounded, as GeoJSON text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely

from gridsvc.domain.area import Level, PublishedMap
from gridsvc.domain.geo import Bounds, Geometries, MetricFrame
from maps.assets import to_json

TOLERANCE_M = 25.0
"""Of `shapely.coverage_simplify`: corners that cut off a triangle of less than about this squared
(625 m2) go. A quarter of a pixel of the whole county on a screen; a few pixels at the nearest."""

DECIMALS = 5
"""1e-5 degree, about a metre. Neighbours share their vertices, so they are rounded alike."""


@dataclass(frozen=True, slots=True)
class MapShapes:
    """What the pages draw of one map version; made once, used for many pages.

    ``grids`` holds one GeoJSON geometry a grid, in the order of the map; ``township`` the index
    in ``townships`` of each grid's township (-1: none known); ``outlines`` one GeoJSON geometry
    a township; ``labels`` a point inside each (lng, lat).
    """

    version: int
    bounds: Bounds
    grids: tuple[orjson.Fragment, ...]
    township: tuple[int, ...]
    townships: tuple[str, ...]
    outlines: tuple[orjson.Fragment, ...]
    labels: tuple[tuple[float, float], ...]


def map_shapes(published: PublishedMap, *, tolerance_m: float = TOLERANCE_M) -> MapShapes:
    """Simplify all grids at once (shared edges stay shared) and build the township outlines.

    About a second for 8,146 grids. On a map that went in with accepted faults the edges that do
    not match stay as they are.

    Raises
    ------
    ValueError
        For a map without grids.
    """
    if not published.grids:
        raise ValueError("a map without grids cannot be drawn")
    exact = np.array([grid.geometry for grid in published.grids], dtype=object)
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(exact))
    frame = MetricFrame.around((west + east) / 2)
    plane = shapely.coverage_simplify(frame.geometries(exact), tolerance_m)
    township, names = _townships(published)
    united = [_union(plane[township == index]) for index in range(len(names))]
    outlines = np.array(united, dtype=object)
    centres = [shapely.maximum_inscribed_circle(_largest(shape), 200.0) for shape in united]
    labels = frame.back(
        x=np.array([line.coords[0][0] for line in centres], dtype=np.float64),
        y=np.array([line.coords[0][1] for line in centres], dtype=np.float64),
    )
    return MapShapes(
        version=published.version,
        bounds=(west, south, east, north),
        grids=tuple(_geojson(frame.geometries_back(plane))),
        township=tuple(township.tolist()),
        townships=tuple(names),
        outlines=tuple(_geojson(frame.geometries_back(outlines))) if names else (),
        labels=tuple(
            (round(float(lng), DECIMALS), round(float(lat), DECIMALS))
            for lng, lat in zip(*labels, strict=True)
        ),
    )


def area_block(shapes: MapShapes) -> bytes:
    """JSON of what every map draws: the extent and the townships (lat first, as Leaflet has it)."""
    west, south, east, north = shapes.bounds
    townships = [
        {"n": name, "at": [lat, lng], "g": outline}
        for name, (lng, lat), outline in zip(
            shapes.townships, shapes.labels, shapes.outlines, strict=True
        )
    ]
    return to_json({"bounds": [[south, west], [north, east]], "townships": townships})


def village_names(published: PublishedMap) -> dict[str, str]:
    """Names of villages by code."""
    return {d.code: d.name for d in published.divisions if d.level is Level.VILLAGE}


def _townships(published: PublishedMap) -> tuple[Any, list[str]]:
    """Index of each grid's township, shape (n_grids,), and the names of the townships."""
    parent = {d.code: d.parent for d in published.divisions if d.level is Level.VILLAGE}
    name = {d.code: d.name for d in published.divisions if d.level is Level.TOWNSHIP}
    codes = [parent.get(grid.village) or "" for grid in published.grids]
    used = sorted({code for code in codes if code in name})
    index = {code: place for place, code in enumerate(used)}
    return np.array([index.get(code, -1) for code in codes]), [name[code] for code in used]


def _union(shapes: Geometries) -> Any:
    """Union of a coverage; where it is none, the general union."""
    if shapely.coverage_is_valid(shapes):
        return shapely.coverage_union_all(shapes)
    return shapely.union_all(shapely.make_valid(shapes))


def _largest(shape: Any) -> Any:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return max(parts, key=lambda part: part.area)


def _geojson(shapes: Geometries) -> Iterator[orjson.Fragment]:
    """GeoJSON geometries (lng, lat; rounded; no vertex twice in a row) of polygons."""
    for shape in shapes:
        parts = [
            rings
            for part in shapely.get_parts(shape)
            if part.geom_type == "Polygon" and (rings := _rings(part))
        ]
        if len(parts) == 1:
            yield orjson.Fragment(to_json({"type": "Polygon", "coordinates": parts[0]}))
        else:
            yield orjson.Fragment(to_json({"type": "MultiPolygon", "coordinates": parts}))


def _rings(part: Any) -> list[list[list[float]]]:
    """The rings that are left after rounding; none where the shell itself is a line by then."""
    rings = []
    for number, ring in enumerate((part.exterior, *part.interiors)):
        xy = np.round(shapely.get_coordinates(ring), DECIMALS)
        moved = np.ones(len(xy), dtype=bool)
        moved[1:] = (xy[1:] != xy[:-1]).any(axis=1)
        kept = xy[moved]
        if len(kept) >= 4:
            rings.append(kept.tolist())
        elif number == 0:
            return []
    return rings

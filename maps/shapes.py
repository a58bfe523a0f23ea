"""Shapes small enough for a page: simplified without gaps, rounded, as GeoJSON text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import shapely

from gridsvc.domain.area import Level, PublishedMap
from gridsvc.domain.geo import Bounds, Floats, Geometries, MetricFrame
from maps.assets import to_json
from maps.tiles import Tiles

if TYPE_CHECKING:
    from gridsvc.risk.surface import Raster

Move = Callable[[Floats], Floats]
"""Positions (n, 2) in CGCS2000 degrees, lng first -> where they are drawn, in the same shape."""

TOLERANCE_M = 25.0
"""Of `shapely.coverage_simplify`: corners that cut off a triangle of less than about this squared
(625 m2) go. A quarter of a pixel of the whole county on a screen; a few pixels at the nearest."""

DECIMALS = 5
"""1e-5 degree, about a metre. Neighbours share their vertices, so they are rounded alike."""


@dataclass(frozen=True)
class MapShapes:
    """What the pages draw of one map version; made once, used for many pages.

    Everything in it lies where it is drawn: on a shifted base map all of it is shifted. ``grids``
    holds one GeoJSON geometry a grid, in the order of the map, and ``polygons`` the same as
    geometries (lng, lat degrees), shape (n_grids,); ``township`` the index in ``townships`` of
    each grid's township (-1: none known); ``outlines`` one GeoJSON geometry a township;
    ``labels`` a point inside each (lng, lat). ``tiles`` is the base map underneath, if any;
    ``move`` shifts what is drawn besides.
    """

    version: int
    bounds: Bounds
    polygons: Geometries
    grids: tuple[orjson.Fragment, ...]
    township: tuple[int, ...]
    townships: tuple[str, ...]
    outlines: tuple[orjson.Fragment, ...]
    labels: tuple[tuple[float, float], ...]
    tiles: Tiles | None = None
    move: Move | None = None

    @cached_property
    def raster(self) -> "Raster":
        """The grids as pixels, for the heat surface."""
        # What it draws with takes long to load: not before somebody wants a surface.
        from gridsvc.risk.surface import Raster

        return Raster.of(self.polygons)


def map_shapes(
    published: PublishedMap,
    *,
    tolerance_m: float = TOLERANCE_M,
    tiles: Tiles | None = None,
    move: Move | None = None,
) -> MapShapes:
    """Simplify all grids at once (shared edges stay shared) and build the township outlines.

    About a second for 8,146 grids. On a map that went in with accepted faults the edges that do
    not match stay as they are.

    Parameters
    ----------
    published
        The map.
    tolerance_m
        Of `shapely.coverage_simplify`, in metres.
    tiles
        The base map to draw on.
    move
        To the datum of the base map, where that is not CGCS2000. Vertices that two polygons
        share are moved alike, so no gap opens.

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
    labels = _moved([shapely.Point(line.coords[0]) for line in centres], frame, move)
    polygons = _moved(plane, frame, move)
    if move is not None:
        (west, south), (east, north) = move(np.array([[west, south], [east, north]])).tolist()
    return MapShapes(
        version=published.version,
        bounds=(west, south, east, north),
        polygons=polygons,
        grids=tuple(_geojson(polygons)),
        township=tuple(township.tolist()),
        townships=tuple(names),
        outlines=tuple(_geojson(_moved(outlines, frame, move))),
        labels=tuple(
            (round(lng, DECIMALS), round(lat, DECIMALS))
            for lng, lat in shapely.get_coordinates(labels).tolist()
        ),
        tiles=tiles,
        move=move,
    )


def area_block(shapes: MapShapes) -> bytes:
    """JSON of what every map draws: the extent, the townships (lat first, as Leaflet has it) and
    the base map, null for none."""
    west, south, east, north = shapes.bounds
    townships = [
        {"n": name, "at": [lat, lng], "g": outline}
        for name, (lng, lat), outline in zip(
            shapes.townships, shapes.labels, shapes.outlines, strict=True
        )
    ]
    tiles = shapes.tiles
    return to_json(
        {
            "bounds": [[south, west], [north, east]],
            "townships": townships,
            "tiles": None if tiles is None else {"url": tiles.url, "by": tiles.attribution},
        }
    )


def _townships(published: PublishedMap) -> tuple[Any, list[str]]:
    """Index of each grid's township, shape (n_grids,), and the names of the townships."""
    parent = {d.code: d.parent for d in published.divisions if d.level is Level.VILLAGE}
    name = {d.code: d.name for d in published.divisions if d.level is Level.TOWNSHIP}
    codes = [parent.get(grid.village) or "" for grid in published.grids]
    used = sorted({code for code in codes if code in name})
    index = {code: place for place, code in enumerate(used)}
    return np.array([index.get(code, -1) for code in codes]), [name[code] for code in used]


def _moved(shapes: Any, frame: MetricFrame, move: Move | None) -> Geometries:
    """Geometries in metres of ``frame``, with their vertices in degrees where they are drawn."""
    array = np.asarray(shapes, dtype=object)
    if not len(array):
        return array
    degrees = frame.geometries_back(array)
    return degrees if move is None else np.asarray(shapely.transform(degrees, move), dtype=object)


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

"""TopoJSON: shared arcs, quantised or not. GDAL drops the objects without a shape silently; here
every object is a row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from geodata.geojson import declared_crs, property_columns
from geodata.raw import RawColumn, RawLayer, refuse, shapes_of
from gridsvc.domain.geo import Floats

Json = Any


def read_topojson(document: Json, *, layer: str | None, encoding: str, source: str) -> RawLayer:
    """Take one object of a parsed topology apart, a row for each of its geometries.

    Parameters
    ----------
    document
        The parsed JSON, whose ``type`` is ``Topology``.
    layer
        Which object, where there are several.
    encoding, source
        What the text was read in; the file's name.

    Raises
    ------
    LayerError
        No such object, several and none chosen, arcs that cannot be read.
    """
    items = _choose(document, layer, source)
    try:
        arcs = _arcs(document)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise refuse(
            "unreadable",
            "TopoJSON 的 arcs 或 transform 无法读取",
            "the arcs or the transform of the TopoJSON cannot be read",
            source,
        ) from error
    shapes = np.array([None, *(_shape(item, arcs) for item in items)], dtype=object)[1:]
    given = np.array([isinstance(item, dict) and item.get("type") is not None for item in items])
    geometries, faults = shapes_of(shapes, given.astype(bool))
    properties = [
        item["properties"]
        if isinstance(item, dict) and isinstance(item.get("properties"), dict)
        else {}
        for item in items
    ]
    columns = property_columns(properties)
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    if any(value is not None for value in ids) and all(column.name != "id" for column in columns):
        columns += (RawColumn("id", ids),)
    return RawLayer(
        rows=len(items),
        columns=columns,
        geometry=geometries,
        crs=declared_crs(document),
        encoding=encoding,
        faults=faults,
        hints=tuple(document["objects"]),
    )


def _choose(document: Json, layer: str | None, source: str) -> list[Json]:
    objects = document.get("objects")
    if not isinstance(objects, dict) or not objects:
        raise refuse("no_layer", "文件中没有图层", "there is no object in the topology", source)
    if layer is None and len(objects) == 1:
        layer = next(iter(objects))
    if layer not in objects:
        names = "、".join(objects)
        raise refuse(
            "layer_ambiguous" if layer is None else "unknown_layer",
            f"请用 --layer 指明图层，文件中有：{names}",
            f"choose an object with --layer; the file holds {', '.join(objects)}",
            source,
        )
    chosen = objects[layer]
    if isinstance(chosen, dict) and chosen.get("type") == "GeometryCollection":
        items = chosen.get("geometries")
        return items if isinstance(items, list) else []
    return [chosen]


def _arcs(document: Json) -> list[Floats]:
    transform = document.get("transform")
    arcs = [np.asarray([point[:2] for point in arc], dtype=np.float64) for arc in document["arcs"]]
    if transform is None:
        return arcs
    scale, translate = np.array(transform["scale"]), np.array(transform["translate"])
    return [np.cumsum(arc, axis=0) * scale + translate for arc in arcs]


def _shape(item: Json, arcs: Sequence[Floats]) -> Any:
    """The shape of one object; None where it has none or where it cannot be made."""
    kind = item.get("type") if isinstance(item, dict) else None
    try:
        if kind == "Polygon":
            return _polygon(item["arcs"], arcs)
        if kind == "MultiPolygon":
            return shapely.MultiPolygon([_polygon(rings, arcs) for rings in item["arcs"]])
        if kind == "LineString":
            return shapely.LineString(_line(item["arcs"], arcs))
        if kind == "MultiLineString":
            return shapely.MultiLineString([_line(line, arcs) for line in item["arcs"]])
    except (TypeError, ValueError, KeyError, IndexError, shapely.errors.ShapelyError):
        return None
    return None


def _polygon(rings: Json, arcs: Sequence[Floats]) -> shapely.Polygon:
    if not rings:
        return shapely.Polygon()
    shell, *holes = (_line(ring, arcs) for ring in rings)
    return shapely.Polygon(shell, holes)


def _line(indices: Json, arcs: Sequence[Floats]) -> Floats:
    """Join arcs end to end; ``~i`` is arc ``i`` backwards, and joints are there once."""
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

"""GeoJSON, every feature of it: GDAL skips what it does not like, here it is a fault with its row.

Coordinates go through GEOS's own GeoJSON reader, which is strict about numbers, rings and nesting.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
import shapely

from geodata.raw import RawColumn, RawLayer, fault, refuse, rows_text
from gridsvc.domain.errors import Fault
from gridsvc.domain.geo import Geometries
from gridsvc.domain.words import Text

Json = Any

_SHAPES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)
_REASONS = (
    ("must be number", Text("坐标不是数字", "ordinates that are not numbers")),
    ("closed linestring", Text("环未闭合", "a ring that does not close")),
    ("0 or >1", Text("点数不足", "too few points")),
    ("point array", Text("点数不足", "too few points")),
    ("two or three", Text("一个坐标应为 2 或 3 个数", "a position needs two or three numbers")),
    ("Unknown geometry type", Text("图形类型未知", "an unknown geometry type")),
    ("key '", Text("缺少 type 或 coordinates", "type or coordinates is missing")),
)
_OTHER = Text("坐标层次或结构错误", "coordinates of the wrong nesting or structure")


def parse_json(text: str, source: str) -> Json:
    """Parse JSON text.

    Raises
    ------
    LayerError
        Where it is not JSON, with the place.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse(
            "json_invalid",
            f"不是有效的 JSON：第 {error.lineno} 行第 {error.colno} 列附近出错，文件可能不完整",
            f"this is not valid JSON: {error.msg} near line {error.lineno}, column {error.colno}; "
            "the file may be cut off",
            source,
        ) from error


def read_geojson(document: Json, *, encoding: str, source: str) -> RawLayer:
    """Take a parsed GeoJSON apart: a FeatureCollection, one Feature or one bare geometry.

    Parameters
    ----------
    document
        The parsed JSON.
    encoding
        What the text was read in.
    source
        The file's name.

    Raises
    ------
    LayerError
        Where it is not GeoJSON at all. Bad single features are faults of the result.
    """
    features = _features(document, source)
    good = [_is_feature(feature) for feature in features]
    faults = _bad_rows(
        "feature_invalid",
        [row for row, fine in enumerate(good) if not fine],
        Text(
            "要素无效（应为 Feature，且 properties 为对象）",
            "features that are none (Feature, with an object of properties)",
        ),
    )
    geometries, geometry_faults = parse_geometries(
        [
            feature.get("geometry") if fine else None
            for feature, fine in zip(features, good, strict=True)
        ]
    )
    properties = [
        (feature.get("properties") or {}) if fine else {}
        for feature, fine in zip(features, good, strict=True)
    ]
    columns = property_columns(properties)
    if not any(column.name == "id" for column in columns):
        ids = [
            feature.get("id") if fine else None
            for feature, fine in zip(features, good, strict=True)
        ]
        columns += (RawColumn("id", ids),) if any(value is not None for value in ids) else ()
        faults += _bad_rows(
            "feature_invalid",
            [
                row
                for row, value in enumerate(ids)
                if not isinstance(value, str | int | float | None)
            ],
            Text("要素的 id 应为文字或数字", "feature ids that are neither text nor number"),
        )
    return RawLayer(
        rows=len(features),
        columns=columns,
        geometry=geometries,
        crs=declared_crs(document),
        encoding=encoding,
        faults=(*faults, *geometry_faults),
        hints=tuple(
            value for key, value in document.items() if isinstance(value, str) and key != "type"
        ),
    )


def declared_crs(document: dict[str, Json]) -> str | None:
    """Name the CRS that the ``crs`` member (GeoJSON 2008, still written by GDAL) declares."""
    member = document.get("crs")
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name if isinstance(name, str) and name else None


def property_columns(properties: Iterable[dict[str, Json]]) -> tuple[RawColumn, ...]:
    """Turn objects of properties into columns, in the order in which names first come."""
    rows = list(properties)
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(RawColumn(name, [row.get(name) for row in rows]) for name in names)


def parse_geometries(objects: list[Json]) -> tuple[Geometries, tuple[Fault, ...]]:
    """Parse GeoJSON geometry objects; null stays None, a bad one is None and a fault."""
    texts = np.array(
        [None if item is None else orjson.dumps(item).decode() for item in objects], dtype=object
    )
    shapes = np.asarray(shapely.from_geojson(texts, on_invalid="ignore"), dtype=object)
    by_reason: dict[Text, list[int]] = {}
    for row in np.flatnonzero(shapely.is_missing(shapes)).tolist():
        if texts[row] is not None:
            by_reason.setdefault(_reason(texts[row]), []).append(row)
    faults = [
        each
        for reason, rows in by_reason.items()
        for each in _bad_rows("geometry_unreadable", rows, reason, "geometry")
    ]
    return shapes, tuple(faults)


def _features(document: Json, source: str) -> list[Json]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        features = document.get("features")
        if isinstance(features, list):
            return features
        raise refuse(
            "not_geojson",
            "FeatureCollection 的 features 应为数组",
            "the features of a FeatureCollection must be an array",
            source,
        )
    if kind == "Feature":
        return [document]
    if kind in _SHAPES:
        return [{"type": "Feature", "properties": {}, "geometry": document}]
    shown = repr(kind)[:40]
    raise refuse(
        "not_geojson",
        f"不是 GeoJSON：顶层应为 FeatureCollection、Feature 或图形，实为 {shown}",
        f"this is not GeoJSON: on top must be a FeatureCollection, a Feature or a geometry, not "
        f"{shown}",
        source,
    )


def _is_feature(item: Json) -> bool:
    return (
        isinstance(item, dict)
        and item.get("type") == "Feature"
        and isinstance(item.get("properties"), dict | None)
    )


def _reason(text: str) -> Text:
    try:
        shapely.from_geojson(text)
    except shapely.errors.GEOSException as error:
        said = str(error)
        return next((reason for words, reason in _REASONS if words in said), _OTHER)
    return _OTHER


def _bad_rows(code: str, rows: list[int], what: Text, where: str = "") -> tuple[Fault, ...]:
    if not rows:
        return ()
    named = rows_text(rows)
    return (fault(code, f"{what.zh}：{named.zh}", f"{what.en}: {named.en}", where),)

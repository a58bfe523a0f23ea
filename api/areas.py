"""Grids and end units as GeoJSON, by code or by bounding box."""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
import shapely
from fastapi import APIRouter, Response
from fastapi import Query as QueryOf
from pydantic import Field

from api.runtime import TheRuntime
from api.shapes import Query, Readable
from gridsvc.domain.area import EndUnit, Grid, GridKind
from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.geo import Bounds
from gridsvc.domain.words import Text
from gridsvc.locating import GridMap

router = APIRouter(prefix="/api/v1", tags=["areas"])

MEDIA_TYPE = "application/geo+json"
MAX_AREAS = 20_000
MAX_CODES = 200


Area = TypeVar("Area", Grid, EndUnit)


class AreasQuery(Query):
    """Which areas, and how many at most.

    By ``code`` (several times) or ``bbox`` (west,south,east,north in CGCS2000 degrees); all of
    them where neither is given.
    """

    code: Annotated[
        list[Annotated[str, Field(max_length=32), Readable]],
        Field(default_factory=list, max_length=MAX_CODES),
    ]
    bbox: Annotated[str, Field(max_length=200), Readable] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_AREAS)] = 1000


class GeoJson(Response):
    """A FeatureCollection."""

    media_type = MEDIA_TYPE


def _described(properties: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """What the description of the API says of a FeatureCollection (RFC 7946) of areas."""
    position = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    ring = {"type": "array", "items": position, "minItems": 4}
    polygon = {"type": "array", "items": ring, "minItems": 1}
    geometry = _object(
        type={"const": "MultiPolygon"}, coordinates={"type": "array", "items": polygon}
    )
    feature = _object(
        type={"const": "Feature"}, id=_TEXT, geometry=geometry, properties=_object(**properties)
    )
    schema = _object(
        type={"const": "FeatureCollection"},
        map_version={"type": "integer"},
        demo={"type": "boolean"},
        matched={"type": "integer"},
        truncated={"type": "boolean"},
        features={"type": "array", "items": feature},
    )
    return {200: {"content": {MEDIA_TYPE: {"schema": schema}}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_RESIDENTS = {"type": ["integer", "null"]}
_GRIDS = {
    **dict.fromkeys(("code", "name", "village", "village_name"), _TEXT),
    "kind": {"type": "string", "enum": [*GridKind]},
    "residents": _RESIDENTS,
}
_UNITS = {
    **dict.fromkeys(("code", "name", "grid", "grid_name"), _TEXT),
    "residents": _RESIDENTS,
}


@router.get("/grids", response_class=GeoJson, responses=_described(_GRIDS))
def grids(query: Annotated[AreasQuery, QueryOf()], runtime: TheRuntime) -> GeoJson:
    """Grids in the order of their codes; ``truncated`` says that there are more than given."""
    grid_map = runtime.map()
    published = grid_map.published
    found = _found(query, grid_map.grid, grid_map.grids_in, published.grids)
    return _collection(found, query.limit, _grid_properties, grid_map)


@router.get("/units", response_class=GeoJson, responses=_described(_UNITS))
def units(query: Annotated[AreasQuery, QueryOf()], runtime: TheRuntime) -> GeoJson:
    """End units in the order of their codes; ``truncated`` says that there are more than given."""
    grid_map = runtime.map()
    published = grid_map.published
    found = _found(query, grid_map.unit, grid_map.units_in, published.units)
    return _collection(found, query.limit, _unit_properties, grid_map)


def _found(
    query: AreasQuery,
    by_code: Callable[[str], Area | None],
    within: Callable[..., list[Area]],
    every: Sequence[Area],
) -> Sequence[Area]:
    """Find what is asked for, before the limit.

    Raises
    ------
    InputError
        Both ways of asking at once, or a box that is none.
    NotFoundError
        With every code that the map does not know.
    """
    if query.code and query.bbox is not None:
        raise InputError(
            Fault(
                "code_and_bbox",
                Text("code 与 bbox 只能用一个", "give either code or bbox, not both"),
                "bbox",
            )
        )
    if query.code:
        asked = {code: by_code(code) for code in sorted(set(query.code))}
        unknown = [code for code, area in asked.items() if area is None]
        if unknown:
            raise NotFoundError(_unknown(code) for code in unknown)
        return [area for area in asked.values() if area is not None]
    if query.bbox is None:
        return every
    west, south, east, north = parse_bbox(query.bbox)
    return within(west=west, south=south, east=east, north=north)


def parse_bbox(text: str) -> Bounds:
    """Read ``west,south,east,north`` in degrees.

    Raises
    ------
    InputError
        Not four numbers in range, or corners the wrong way round.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise _bad_bbox(text) from None
    numbers = (west, south, east, north)
    in_range = all(map(math.isfinite, numbers)) and max(abs(west), abs(east)) <= 180
    if not in_range or max(abs(south), abs(north)) > 90 or west > east or south > north:
        raise _bad_bbox(text)
    return numbers


def _bad_bbox(text: str) -> InputError:
    return InputError(
        Fault(
            "bbox_invalid",
            Text(
                f"bbox 无效（{text}）：应为西、南、东、北四个度数，经度在前，用半角逗号分隔，"
                "例如 104.30,24.88,104.32,24.90",
                f"not a box ({text}): give west,south,east,north in degrees, longitude first, "
                "e.g. 104.30,24.88,104.32,24.90",
            ),
            "bbox",
        )
    )


def _unknown(code: str) -> Fault:
    return Fault(
        "unknown_area",
        Text(f"现行地图上没有编码 {code}", f"the current map has no code {code}"),
        "code",
    )


def _collection(
    found: Sequence[Area],
    limit: int,
    properties: Callable[[Area, GridMap], dict[str, Any]],
    grid_map: GridMap,
) -> GeoJson:
    shown = found[:limit]
    shapes = shapely.to_geojson([area.geometry for area in shown])
    published = grid_map.published
    return GeoJson(
        orjson.dumps(
            {
                "type": "FeatureCollection",
                "map_version": published.version,
                "demo": published.demo,
                "matched": len(found),
                "truncated": len(found) > len(shown),
                "features": [
                    {
                        "type": "Feature",
                        "id": area.code,
                        "geometry": orjson.Fragment(shape),
                        "properties": properties(area, grid_map),
                    }
                    for area, shape in zip(shown, shapes, strict=True)
                ],
            }
        )
    )


def _grid_properties(grid: Grid, grid_map: GridMap) -> dict[str, Any]:
    return {
        "code": grid.code,
        "name": grid.name,
        "village": grid.village,
        "village_name": grid_map.name_of(grid.village),
        "kind": grid.kind,
        "residents": grid.residents,
    }


def _unit_properties(unit: EndUnit, grid_map: GridMap) -> dict[str, Any]:
    return {
        "code": unit.code,
        "name": unit.name,
        "grid": unit.grid,
        "grid_name": grid_map.name_of(unit.grid),
        "residents": unit.residents,
    }

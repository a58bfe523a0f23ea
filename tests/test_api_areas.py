"""Grids and units as GeoJSON."""

from typing import Any

import pytest
import shapely
import shapely.geometry
from fastapi.testclient import TestClient

from gridsvc.domain.topology import same_area
from gridsvc.runtime import Runtime
from tests.api_county import G1, G2, G3, G4, U1, U2, U4

pytest_plugins = ("tests.api_fixtures",)


def _codes(api: TestClient, layer: str, **query: Any) -> list[str]:
    answer = api.get(f"/api/v1/{layer}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    assert body["truncated"] == (body["matched"] > len(body["features"]))
    return [feature["id"] for feature in body["features"]]


def test_all_of_them(api: TestClient) -> None:
    assert _codes(api, "grids") == [G1, G2, G3, G4]
    assert _codes(api, "units") == [U1, U2, U4]


def test_by_code(api: TestClient) -> None:
    assert _codes(api, "grids", code=G2) == [G2]
    assert _codes(api, "grids", code=[G4, G1, G1]) == [G1, G4]
    assert _codes(api, "units", code=U4) == [U4]


def test_every_unknown_code_is_named(api: TestClient) -> None:
    answer = api.get("/api/v1/grids", params={"code": [G1, "1", "2"]})
    assert answer.status_code == 404
    assert [fault["code"] for fault in answer.json()["faults"]] == ["unknown_area"] * 2
    assert api.get("/api/v1/units", params={"code": G1}).status_code == 404


@pytest.mark.parametrize(
    ("bbox", "grids", "units"),
    [
        ("104.301,24.881,104.302,24.882", [G1], [U1]),
        ("104.305,24.881,104.315,24.889", [G1, G2], [U1]),
        ("104.31,24.885,104.31,24.885", [G1, G2], [U1]),
        ("104.3245,24.8895,104.3255,24.8905", [], []),
        ("100,20,101,21", [], []),
        ("-180,-90,180,90", [G1, G2, G3, G4], [U1, U2, U4]),
    ],
)
def test_by_box_edges_count_and_holes_do_not(
    api: TestClient, bbox: str, grids: list[str], units: list[str]
) -> None:
    assert _codes(api, "grids", bbox=bbox) == grids
    assert _codes(api, "units", bbox=bbox) == units


@pytest.mark.parametrize(
    "bbox",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "west,south,east,north",
        "nan,24,105,25",
        "104,24,inf,25",
        "24.8,104.3,24.9,104.4",
        "105,24,104,25",
        "104,25,105,24",
        "-181,24,105,25",
    ],
)
def test_boxes_that_are_none(api: TestClient, bbox: str) -> None:
    answer = api.get("/api/v1/grids", params={"bbox": bbox})
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["faults"]] == ["bbox_invalid"]


def test_one_way_of_asking(api: TestClient) -> None:
    answer = api.get("/api/v1/grids", params={"code": G1, "bbox": "104,24,105,25"})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["code"] == "code_and_bbox"


def test_the_limit_is_told(api: TestClient) -> None:
    body = api.get("/api/v1/grids", params={"limit": 3}).json()
    assert (body["matched"], body["truncated"], len(body["features"])) == (4, True, 3)
    body = api.get("/api/v1/grids", params={"limit": 4}).json()
    assert (body["matched"], body["truncated"]) == (4, False)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 20_001}, {"box": "1"}])
def test_queries_that_are_refused(api: TestClient, query: dict[str, Any]) -> None:
    assert api.get("/api/v1/units", params=query).status_code == 422


def test_properties_and_vertices(api: TestClient, api_runtime: Runtime) -> None:
    body = api.get("/api/v1/grids").json()
    assert (body["map_version"], body["demo"]) == (1, True)
    dedicated = body["features"][2]
    assert dedicated["properties"] == {
        "code": G3,
        "name": "乙一网格",
        "village": "530324102001",
        "village_name": "乙村",
        "kind": "dedicated",
        "residents": None,
    }
    unit = api.get("/api/v1/units", params={"code": U1}).json()["features"][0]
    assert unit["properties"] == {
        "code": U1,
        "name": "甲一单元",
        "grid": G1,
        "grid_name": "甲一网格",
        "residents": 40,
    }
    for feature in body["features"]:
        stored = api_runtime.map().grid(feature["id"])
        assert stored is not None
        given = shapely.geometry.shape(feature["geometry"])
        assert isinstance(given, shapely.MultiPolygon)
        assert same_area(given, stored.geometry)

"""Locating over HTTP: the same answers as the map itself."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsvc.runtime import Runtime
from tests.api_county import EDGE_G1_G2, G1, G2, IN_HOLE, IN_U1, U1

pytest_plugins = ("tests.api_fixtures",)

LOCATE = "/api/v1/locate"


def _faults(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {fault["where"]: fault["code"] for fault in answer.json()["faults"]}


def test_codes_and_names(api: TestClient) -> None:
    answer = api.get(LOCATE, params={"lng": IN_U1[0], "lat": IN_U1[1]}).json()
    assert (answer["unit"], answer["grid"]) == (U1, G1)
    assert answer["township_name"] == "罗雄街道"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lng=st.floats(104.29, 104.35), lat=st.floats(24.87, 24.91))
def test_http_adds_nothing_and_loses_nothing(
    api: TestClient, api_runtime: Runtime, lng: float, lat: float
) -> None:
    answer = api.get(LOCATE, params={"lng": repr(lng), "lat": repr(lat)}).json()
    placement = api_runtime.map().locate(lng=lng, lat=lat)
    for name in ("unit", "grid", "village", "township", "outside"):
        assert answer[name] == getattr(placement, name)
    assert answer["outside_m"] == pytest.approx(placement.outside_m, abs=0.005)
    assert [n["code"] for n in answer["neighbours"]] == [n.code for n in placement.neighbours]


def test_a_radius_that_is_too_wide_and_a_bad_position_are_told_together(api: TestClient) -> None:
    at = {"lng": 24.88, "lat": 104.3, "radius_m": 5001}
    answer = api.get(LOCATE, params=at)
    assert answer.status_code == 422
    faults = {fault["where"]: fault["code"] for fault in answer.json()["faults"]}
    assert faults == {"radius_m": "bad_radius", "position": "position_swapped"}
    assert "5000" in answer.json()["detail"]


def test_radius_and_datum(api: TestClient) -> None:
    at = {"lng": IN_U1[0], "lat": IN_U1[1]}
    assert api.get(LOCATE, params=at).json()["neighbours"] == []
    wide = api.get(LOCATE, params={**at, "radius_m": 600}).json()["neighbours"]
    assert {n["code"] for n in wide} >= {G2}
    assert [n["distance_m"] for n in wide] == sorted(n["distance_m"] for n in wide)
    unknown = api.get(LOCATE, params={**at, "datum": "unknown", "radius_m": 200}).json()
    assert unknown["neighbours"] == wide


def test_awkward_places(api: TestClient) -> None:
    edge = api.get(LOCATE, params={"lng": EDGE_G1_G2[0], "lat": EDGE_G1_G2[1]}).json()
    assert edge["grid"] == G1
    hole = api.get(LOCATE, params={"lng": IN_HOLE[0], "lat": IN_HOLE[1]}).json()
    assert hole["outside"] is True
    assert hole["outside_m"] > 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"lng": "missing", "lat": "missing"}),
        ({"lng": "east", "lat": ""}, {"lng": "float_parsing", "lat": "float_parsing"}),
        ({"lng": "nan", "lat": "inf"}, {"lng": "finite_number", "lat": "finite_number"}),
        ({"lng": "104.3", "lat": "24.88", "lon": "1"}, {"lon": "extra_forbidden"}),
        ({"lng": "104.3", "lat": "24.88", "datum": "mars"}, {"datum": "enum"}),
        ({"lng": "104.3", "lat": "24.88", "lang": "fr"}, {"lang": "literal_error"}),
        ({"lng": "24.88", "lat": "104.3"}, {"position": "position_swapped"}),
        ({"lng": "0", "lat": "0"}, {"position": "position_null_island"}),
        ({"lng": "500", "lat": "500"}, {"position": "position_out_of_range"}),
        ({"lng": "100", "lat": "24.88"}, {"position": "position_far_away"}),
        ({"lng": "104.3", "lat": "24.88", "radius_m": "1e9"}, {"radius_m": "bad_radius"}),
    ],
)
def test_what_cannot_be_meant_names_the_suspicion(
    api: TestClient, query: dict[str, str], expected: dict[str, str]
) -> None:
    assert _faults(api.get(LOCATE, params=query)) == expected


def test_placement_names_and_version_are_of_one_map(
    api: TestClient, api_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = [api_runtime.map()]
    monkeypatch.setattr(api_runtime, "map", maps.pop)  # a second question would find no map
    answer = api.get(LOCATE, params={"lng": IN_U1[0], "lat": IN_U1[1]}).json()
    assert (answer["grid_name"], answer["map_version"]) == ("甲一网格", 1)

"""The way between two places over HTTP."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from gridsvc.runtime import Runtime
from gridsvc.travel.times import RoadTimes, road_times
from tests.api_county import IN_U1
from tests.travel_samples import network_of

pytest_plugins = ("tests.api_fixtures",)

ROUTE = "/api/v1/route"
HERE, THERE = IN_U1, (IN_U1[0] + 0.02, IN_U1[1] + 0.001)


def _said(at: tuple[float, float]) -> str:
    return f"{at[0]!r},{at[1]!r}"


def _asked(api: TestClient, **more: str) -> Any:
    return api.get(ROUTE, params={"from": _said(HERE), "to": _said(THERE), **more})


def test_without_roads_it_is_a_straight_line_and_says_so(api: TestClient) -> None:
    answer = _asked(api, vehicle="car").json()
    assert answer["basis"] == "straight_line"
    assert "直线距离" in answer["note"]
    assert "straight lines" in _asked(api, lang="en").json()["note"]
    assert answer["roads"] == []
    np.testing.assert_allclose(answer["geometry"]["coordinates"], [HERE, THERE], atol=1e-6)


def test_with_roads_it_follows_them(api: TestClient, api_runtime: Runtime) -> None:
    corner = (THERE[0], HERE[1])
    at = np.array([HERE, corner, THERE])
    frame = api_runtime.map().frame
    kept = api_runtime.fixed_travel
    travel = road_times(network_of(at, [(0, 1), (1, 2)], names=["东路", "北路"]), frame=frame)
    assert isinstance(travel, RoadTimes)
    try:
        api_runtime.fixed_travel = travel
        answer = _asked(api, vehicle="motorcycle").json()
        api_runtime.fixed_travel = travel.closing(np.array([7, 0], np.uint8))
        walked = _asked(api, vehicle="motorcycle").json()
    finally:
        api_runtime.fixed_travel = kept
    assert (answer["basis"], answer["roads"], answer["vehicle"]) == (
        "road",
        ["东路", "北路"],
        "motorcycle",
    )
    np.testing.assert_allclose(answer["geometry"]["coordinates"], [HERE, corner, THERE], atol=1e-6)
    assert 0 <= answer["off_road_m"] <= 1
    assert answer["seconds"] == pytest.approx(answer["metres"] * 3.6 / 30, rel=0.02)
    assert walked["seconds"] > answer["seconds"]


def test_everything_that_is_wrong_is_told_at_once(api: TestClient) -> None:
    answer = api.get(ROUTE, params={"from": "hier", "to": "24.88,104.3"})
    assert answer.status_code == 422
    faults = {fault["where"]: fault["code"] for fault in answer.json()["faults"]}
    assert faults == {"from": "bad_position", "to": "position_swapped"}
    for bad in ("1,2,3", "", "nan,nan", "0,0", "1e999,2", "12,50"):
        answer = api.get(ROUTE, params={"from": bad, "to": _said(THERE)})
        assert answer.status_code == 422, bad
        assert [fault["where"] for fault in answer.json()["faults"]] == ["from"]
    for params in ({"vehicle": "horse"}, {"datum": "mars"}, {"via": "x"}, {"to": "1" * 200}):
        assert _asked(api, **params).status_code == 422, params
    assert api.get(ROUTE).status_code == 422


def test_an_emergency_is_dispatched_by_road_and_every_time_says_so(
    api: TestClient, api_runtime: Runtime
) -> None:
    west, east = (IN_U1[0] - 0.05, IN_U1[1]), (IN_U1[0] + 0.05, IN_U1[1])
    network = network_of(np.array([west, IN_U1, east]), [(0, 1), (1, 2)])
    kept = api_runtime.fixed_travel
    api_runtime.fixed_travel = road_times(network, frame=api_runtime.map().frame)
    try:
        made = api.post(
            "/api/v1/incidents",
            json={
                "position": {"lng": IN_U1[0], "lat": IN_U1[1]},
                "category": "emergency",
                "kind": "sudden_illness",
                "urgency": 1,
            },
        )
        assert made.status_code == 201, made.text
        case = made.json()
        again = api.get(f"/api/v1/incidents/{case['id']}").json()
    finally:
        api_runtime.fixed_travel = kept
    told = {one["id"]: one for one in case["nearest"]["chosen"]}
    assert case["nearest"]["basis"] == "road"
    assert {one["eta_basis"] for one in told.values()} <= {"road", "on_foot", "straight_line"}
    assert case["assignments"]
    for one in case["assignments"]:
        near = told[one["responder"]]
        assert (one["basis"], one["eta_s"]) == (near["eta_basis"], near["eta_s"])
        assert one["basis"] != "straight_line"
    assert again["assignments"] == case["assignments"]

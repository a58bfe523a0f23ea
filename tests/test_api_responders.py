"""Live positions of responders."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gridsvc.runtime import Runtime
from tests.api_county import REPORT

pytest_plugins = ("tests.api_fixtures",)

HERE = {"lng": 104.305, "lat": 24.885}


def _nearest(api: TestClient) -> list[dict[str, Any]]:
    drill = {**REPORT, "drill": True}  # which takes nobody away from the next one
    answer = api.post("/api/v1/incidents", json=drill).json()
    chosen: list[dict[str, Any]] = answer["nearest"]["chosen"]
    return chosen


def test_a_live_position_counts_at_once(api: TestClient) -> None:
    assert _nearest(api)[-1]["id"] == "R0002"
    answer = api.put("/api/v1/responders/R0002/position", json=HERE)
    assert answer.status_code == 204
    assert answer.content == b""
    first = _nearest(api)[0]
    assert (first["id"], first["from"], first["distance_m"]) == ("R0002", "live", 0.0)


def test_the_datum_of_the_device_is_heeded(api: TestClient) -> None:
    api.put("/api/v1/responders/R0002/position", json={**HERE, "datum": "gcj02"})
    moved = next(person for person in _nearest(api) if person["id"] == "R0002")
    assert 300 < moved["distance_m"] < 500


@pytest.mark.parametrize("key", ["R9999", "%E5%90%B9", "a%20b"])
def test_nobody_of_that_id(api: TestClient, key: str) -> None:
    answer = api.put(f"/api/v1/responders/{key}/position", json=HERE)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"lng": "missing", "lat": "missing"}),
        ({"lng": "104.3", "lat": None}, {"lng": "float_type", "lat": "float_type"}),
        ({**HERE, "at": "now"}, {"at": "extra_forbidden"}),
        ({**HERE, "seen_at": "now"}, {"seen_at": "moment"}),
        ({**HERE, "seen_at": "2026-11-23T09:30:00"}, {"seen_at": "moment"}),
        ({**HERE, "seen_at": "0001-01-01T00:00:00+08:00"}, {"seen_at": "moment"}),
        ({**HERE, "seen_at": 1790000000}, {"seen_at": "moment"}),
        ({**HERE, "seen_at": "9999-12-31T00:00:00Z"}, {"seen_at": "seen_in_the_future"}),
        (
            {"lng": 0.0, "lat": 0.0, "seen_at": "9999-12-31T00:00:00Z"},
            {"position": "position_null_island", "seen_at": "seen_in_the_future"},
        ),
        ({"lng": 24.885, "lat": 104.305}, {"position": "position_swapped"}),
        ({"lng": 0.0, "lat": 0.0}, {"position": "position_null_island"}),
    ],
)
def test_positions_that_cannot_be_meant(
    api: TestClient, body: dict[str, Any], expected: dict[str, str]
) -> None:
    answer = api.put("/api/v1/responders/R0002/position", json=body)
    assert answer.status_code == 422
    assert {f["where"]: f["code"] for f in answer.json()["faults"]} == expected


@pytest.mark.parametrize("key", ["%00", "a" * 65])
def test_ids_that_are_none(api: TestClient, key: str) -> None:
    answer = api.put(f"/api/v1/responders/{key}/position", json=HERE)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["where"] == "responder"


def test_a_report_that_was_held_up_does_not_undo_a_later_one(
    api: TestClient, api_runtime: Runtime
) -> None:
    now = api_runtime.clock()
    for minutes, lng in ((1, 104.305), (9, 104.306)):
        seen = now - timedelta(minutes=minutes)
        body = {**HERE, "lng": lng, "seen_at": seen.isoformat()}
        assert api.put("/api/v1/responders/R0002/position", json=body).status_code == 204
    first = _nearest(api)[0]
    assert (first["id"], first["distance_m"]) == ("R0002", 0.0)


@pytest.mark.parametrize(("minutes", "status"), [(-20, 204), (4.9, 204), (5.1, 422)])
def test_a_device_says_when_it_was_there(
    api: TestClient, api_runtime: Runtime, minutes: float, status: int
) -> None:
    now = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    api_runtime.clock = lambda: now
    seen = now + timedelta(minutes=minutes)
    answer = api.put(
        "/api/v1/responders/R0002/position", json={**HERE, "seen_at": seen.isoformat()}
    )
    assert answer.status_code == status
    with api_runtime.store.read() as reading:
        live = next(one.live for one in reading.force.all() if one.id == "R0002")
    assert (live and live.seen_at) == (seen if status == 204 else None)

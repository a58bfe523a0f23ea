"""Live positions of responders."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api_county import REPORT

pytest_plugins = ("tests.api_fixtures",)

HERE = {"lng": 104.305, "lat": 24.885}


def _nearest(api: TestClient) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = api.post("/api/v1/incidents", json=REPORT).json()["nearest"][
        "chosen"
    ]
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

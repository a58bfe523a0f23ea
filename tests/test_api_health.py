"""Alive, ready, and the description of the whole API."""

from pathlib import Path

from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import RIGHTS
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import REPORT, client_of

pytest_plugins = ("tests.api_fixtures",)

NOT_DESCRIBED = {
    *("/", "/maps/risk", "/maps/coverage", "/alerts/{alert}", "/a/{token}"),
    *("/metrics", "/static/{path:path}", "/api/v1/openapi.json"),
}
"""Pages, files and the description itself."""


def test_ready_says_what_there_is(api: TestClient) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    api.post("/api/v1/incidents", json=REPORT)
    assert api.get("/readyz").json() == {
        "status": "ready",
        "map_version": 1,
        "demo": True,
        "counts": {"divisions": 5, "grids": 4, "units": 3, "responders": 6, "incidents": 1},
    }


def test_without_a_map_it_is_alive_but_not_ready(tmp_path: Path) -> None:
    settings = Settings.read(data=tmp_path)
    store = Store.open(settings.url, county=settings.county)
    store.upgrade()
    store.close()
    runtime = Runtime.open(settings)
    api = client_of(create_app(runtime))
    try:
        assert api.get("/healthz").status_code == 200
        for answer in (
            api.get("/readyz"),
            api.get("/api/v1/locate", params={"lng": 104.3, "lat": 24.88}),
            api.get("/api/v1/grids"),
        ):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["faults"][0]["code"] == "no_map"
            assert "gridsvc import" in answer.json()["detail"]
        taken = api.post("/api/v1/incidents", json=REPORT)
        assert (taken.status_code, taken.json()["unlocated"]) == (201, True)
    finally:
        runtime.close()


def test_the_description_names_every_path_and_no_other_host(api: TestClient) -> None:
    answer = api.get("/api/v1/openapi.json")
    assert set(answer.json()["paths"]) == {path for _, path in RIGHTS} - NOT_DESCRIBED
    assert "://" not in answer.text


def test_the_description_knows_one_shape_of_error(api: TestClient) -> None:
    for path in api.get("/api/v1/openapi.json").json()["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            assert set(responses) <= {"200", "201", "204", "default"}
            assert list(responses["default"]["content"]) == ["application/problem+json"]

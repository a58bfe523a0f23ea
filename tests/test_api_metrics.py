"""The figures for Prometheus, read with its own parser."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.auth import RIGHTS
from api.metrics import BUCKETS
from gridsvc.domain.errors import Fault, NotReadyError
from gridsvc.domain.words import Text
from gridsvc.runtime import Runtime
from tests.api_county import REPORT, client_of

Labels = dict[str, str]


@pytest.fixture
def watched(api_runtime: Runtime) -> Iterator[TestClient]:
    """A client of an application that follows its event log."""
    with client_of(create_app(api_runtime)) as client:
        yield client


def figures(client: TestClient) -> dict[str, list[tuple[Labels, float]]]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, list[tuple[Labels, float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(client: TestClient, name: str, **labels: str) -> float:
    """The one value of ``name`` with these labels, 0 where there is none."""
    fitting = [one for had, one in figures(client).get(name, []) if had.items() >= labels.items()]
    assert len(fitting) <= 1, fitting
    return fitting[0] if fitting else 0.0


def eventually(client: TestClient, expected: float, name: str, **labels: str) -> None:
    until = time.monotonic() + 20
    while value(client, name, **labels) != expected:
        assert time.monotonic() < until, (name, value(client, name, **labels))
        time.sleep(0.05)


def test_requests_are_counted_by_route_and_never_by_path(watched: TestClient) -> None:
    taken = watched.post("/api/v1/incidents", json=REPORT).json()
    for key in (taken["id"], taken["number"], "absent"):
        watched.get(f"/api/v1/incidents/{key}")
    watched.get("/no/such/page")
    watched.request("BREW", "/api/v1/incidents")
    route = {"route": "/api/v1/incidents/{key}", "method": "GET"}
    name = "gridsvc_requests_total"
    assert value(watched, name, **route, status="200") == 2
    assert value(watched, name, **route, status="404") == 1
    assert value(watched, name, route="other", method="GET", status="404") == 1
    assert value(watched, name, route="other", method="other", status="405") == 1
    seen = figures(watched)
    known = {path for _, path in RIGHTS} | {"other"}
    for metric in (name, "gridsvc_request_seconds_count"):
        assert {labels["route"] for labels, _ in seen[metric]} <= known
    assert value(watched, "gridsvc_request_seconds_count", **route) == 3
    text = watched.get("/metrics").text
    assert "absent" not in text
    assert taken["id"] not in text


def test_incidents_and_assignments_are_counted_and_drills_are_not(watched: TestClient) -> None:
    quiet = {**REPORT, "category": "dispute", "kind": "neighbour_quarrel"}
    watched.post("/api/v1/incidents", json={**REPORT, "drill": True})
    taken = watched.post("/api/v1/incidents", json=REPORT).json()
    watched.post("/api/v1/incidents", json=quiet)
    name = "gridsvc_county_incidents_total"
    urgency = str(taken["urgency"])
    eventually(watched, 1, name, category="dispute", urgency="4")
    assert value(watched, name, category="emergency", urgency=urgency) == 1
    assert sum(one for _, one in figures(watched)[name]) == 2
    eventually(watched, len(taken["assignments"]), "gridsvc_county_assignments_total")
    assert taken["assignments"]
    assert value(watched, "gridsvc_dispatch_seconds_count") == 1
    assert value(watched, "gridsvc_event_head") >= 3


def test_every_process_counts_the_whole_county(watched: TestClient, api_runtime: Runtime) -> None:
    other = Runtime.open(api_runtime.settings)
    with client_of(create_app(other)) as client:
        client.post("/api/v1/incidents", json=REPORT)
        for one in (client, watched):
            eventually(one, 1, "gridsvc_county_incidents_total", category="emergency", urgency="1")
    assert value(watched, "gridsvc_dispatch_seconds_count") == 0, "its own requests alone"


def test_what_is_the_case_now_is_told(watched: TestClient, api_runtime: Runtime) -> None:
    version = api_runtime.map().published.version
    assert value(watched, "gridsvc_map_version") == version
    assert value(watched, "gridsvc_store_up") == 1
    watched.post("/api/v1/incidents", json={**REPORT, "position": None, "address": "东关"})
    watched.post("/api/v1/incidents", json=REPORT)
    assert value(watched, "gridsvc_county_cases", need="open") == 2
    assert value(watched, "gridsvc_county_cases", need="unlocated") == 1
    assert value(watched, "gridsvc_county_cases", need="paperwork_owed") == 2
    assert value(watched, "gridsvc_stream_listeners") == 0
    assert value(watched, "gridsvc_build_info") == 1
    assert value(watched, "process_resident_memory_bytes") > 1e6


def test_what_came_of_offers_is_counted_and_late_timers_are_seen(
    watched: TestClient, api_runtime: Runtime
) -> None:
    drill = watched.post("/api/v1/incidents", json={**REPORT, "drill": True}).json()
    one, other = watched.post("/api/v1/incidents", json=REPORT).json()["assignments"][:2]
    for assignment, step in (
        (drill["assignments"][0], "accept"),
        (one, "accept"),
        (one, "depart"),
        (other, "notify"),
        (other, "decline"),
    ):
        address = f"/api/v1/assignments/{assignment['id']}/steps"
        assert watched.post(address, json={"step": step}).status_code == 200
    name = "gridsvc_county_answers_total"
    eventually(watched, 1, name, outcome="declined")
    assert value(watched, name, outcome="accepted") == 1
    assert value(watched, name, outcome="expired") == 0
    assert value(watched, "gridsvc_late_timers") == 0
    later = api_runtime.clock() + timedelta(minutes=1)
    api_runtime.clock = lambda: later
    assert value(watched, "gridsvc_late_timers") == 2, "nobody fires them here"


def test_a_store_that_fails_is_counted_and_the_figures_are_still_told(
    watched: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise NotReadyError(Fault("store_unreachable", Text("坏", "down")))

    monkeypatch.setattr(Runtime, "receive", broken)
    monkeypatch.setattr(Runtime, "open_cases", broken)
    assert value(watched, "gridsvc_store_errors_total", code="store_unreachable") == 0
    assert watched.post("/api/v1/incidents", json=REPORT).status_code == 503
    assert value(watched, "gridsvc_store_errors_total", code="store_unreachable") == 1
    assert value(watched, "gridsvc_store_up") == 0


def test_the_promise_is_a_bound_of_the_histogram() -> None:
    assert 0.05 in BUCKETS
    assert list(BUCKETS) == sorted(set(BUCKETS))

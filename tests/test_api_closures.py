"""Closing roads over HTTP: what is closed, what is refused, who may."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.codes import CodeScheme
from gridsvc.flows.keys import add_key
from gridsvc.runtime import Runtime
from gridsvc.travel.closing import closed_edges
from tests.api_county import client_of
from tests.road_samples import crossing

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
LINE = {"type": "LineString", "coordinates": [[104.303, 24.885], [104.311, 24.885]]}
BOX = {
    "type": "Polygon",
    "coordinates": [
        [[104.3059, 24.882], [104.3061, 24.882], [104.3061, 24.883], [104.3059, 24.882]]
    ],
}


@pytest.fixture
def roads(api_runtime: Runtime) -> Iterator[Runtime]:
    """The county with three roads, at noon."""
    with api_runtime.store.write() as work:
        work.roads.publish(crossing(), source="roads.gpkg", at=NOON)
    runtime = Runtime.open(api_runtime.settings, clock=lambda: NOON)
    yield runtime
    runtime.close()


@pytest.fixture
def desk(roads: Runtime) -> TestClient:
    return client_of(create_app(roads))


def close(desk: TestClient, **body: Any) -> Any:
    return desk.post("/api/v1/closures", json={"reason": "塌方", **body})


def codes(answer: Any, status: int = 422) -> list[tuple[str, str]]:
    assert answer.status_code == status, answer.text
    return [(fault["code"], fault["where"]) for fault in answer.json()["faults"]]


def test_a_closure_lists_what_it_closes_and_counts_at_once(
    roads: Runtime, desk: TestClient
) -> None:
    answer = close(desk, geometry=LINE, ends_at="2026-11-24T18:00:00+08:00")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert [one["edge"] for one in made["edges"]] == ["1:0", "1:1"]
    assert {one["name"] for one in made["edges"]} == {"东西路"}
    lengths = crossing().length_m[:2]
    assert [one["length_m"] for one in made["edges"]] == [round(one, 1) for one in lengths]
    assert made["vehicles"] == ["car", "foot", "motorcycle"]
    assert (made["state"], made["state_name"]) == ("in_force", "封闭中")
    assert made["starts_at"] == "2026-11-24T12:00:00.000+08:00"
    assert made["geometry"] == LINE
    assert desk.get(f"/api/v1/closures/{made['id']}").json() == made
    assert desk.get("/api/v1/closures").json() == {"closures": [made]}
    network = roads.roads()
    assert network is not None
    frame = roads.map().frame
    for at, expected in ((NOON, [7, 7, 0, 0, 0]), (NOON + timedelta(hours=6), [0] * 5)):
        closed = closed_edges(network, roads.closures(), at, frame)
        assert closed.tolist() == expected


def test_it_expires_by_itself_and_is_kept(roads: Runtime, desk: TestClient) -> None:
    made = close(desk, geometry=BOX, ends_at="2026-11-24T13:00:00+08:00").json()
    assert [one["edge"] for one in made["edges"]] == ["2:0"]
    roads.clock = lambda: NOON + timedelta(hours=1)
    assert desk.get("/api/v1/closures").json() == {"closures": []}
    (kept,) = desk.get("/api/v1/closures?all=true&lang=en").json()["closures"]
    assert (kept["id"], kept["state"], kept["state_name"]) == (made["id"], "ended", "ended")
    assert codes(desk.post(f"/api/v1/closures/{made['id']}/lift"), 409)[0][0] == "closure_over"


def test_it_is_lifted_once(roads: Runtime, desk: TestClient) -> None:
    made = close(desk, edges=["1:1", "1:1"], vehicles=["car"]).json()
    assert made["geometry"] is None
    assert [one["edge"] for one in made["edges"]] == ["1:1"]
    lifted = desk.post(f"/api/v1/closures/{made['id']}/lift")
    assert lifted.status_code == 200
    assert lifted.json()["state"] == "lifted"
    assert roads.closures() == ()
    assert codes(desk.post(f"/api/v1/closures/{made['id']}/lift"), 409)[0][0] == "closure_over"
    assert codes(desk.get("/api/v1/closures/nobody"), 404)[0][0] == "unknown_closure"
    assert codes(desk.post("/api/v1/closures/nobody/lift"), 404)[0][0] == "unknown_closure"
    with roads.store.read() as reading:
        told = {one.name: one.payload for one in reading.events.after(0)}
    assert told["road_closed"]["closure"] == told["road_reopened"]["closure"] == made["id"]
    assert told["road_closed"]["vehicles"] == ["car"]
    assert "塌方" not in str(told)


def test_every_fault_is_told_at_once(desk: TestClient) -> None:
    answer = close(
        desk,
        geometry={"type": "LineString", "coordinates": [[10.0, 20.0], [10.1, 20.0]]},
        edges=["9:9", "1:0"],
        vehicles=[],
        ends_at="2026-11-24T11:00:00+08:00",
        reason=" ",
    )
    assert codes(answer) == [
        ("reason_missing", "reason"),
        ("no_vehicle", "vehicles"),
        ("ends_too_early", "ends_at"),
        ("position_far_away", "geometry"),
        ("unknown_edge", "edges"),
    ]


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        ({"type": "LineString", "coordinates": []}, "geometry_empty"),
        ({"type": "LineString", "coordinates": [[104.3, 24.88], [104.3, 24.88]]}, "geometry_empty"),
        ({"type": "LineString", "coordinates": [["x", 1], [2, 3]]}, "geometry_unreadable"),
        ({"type": "Polygon", "coordinates": [[[104.3, 24.88], [104.31, 24.88]]]}, None),
        (
            {
                "type": "Polygon",
                "coordinates": [
                    [
                        [104.3, 24.88],
                        [104.31, 24.89],
                        [104.31, 24.88],
                        [104.3, 24.89],
                        [104.3, 24.88],
                    ]
                ],
            },
            "geometry_invalid",
        ),
        (
            {"type": "LineString", "coordinates": [[24.88, 104.3], [24.89, 104.3]]},
            "position_swapped",
        ),
    ],
)
def test_shapes_that_close_nothing_are_refused(
    desk: TestClient, geometry: dict[str, Any], code: str | None
) -> None:
    found = codes(close(desk, geometry=geometry))
    assert found == [(code or "geometry_unreadable", "geometry")]


def test_what_touches_no_road_is_told_how_far_it_is(desk: TestClient) -> None:
    far = {"type": "LineString", "coordinates": [[104.303, 24.8865], [104.304, 24.8865]]}
    answer = close(desk, geometry=far)
    assert codes(answer) == [("no_road_touched", "geometry")]
    metres = (24.8865 - 24.88527) * 110_780
    assert f"最近的道路在 {metres:.0f} 米外" in answer.json()["detail"]
    assert codes(close(desk)) == [("nothing_to_close", "geometry")]
    assert desk.get("/api/v1/closures").json() == {"closures": []}


def test_a_point_and_other_nonsense_is_refused(desk: TestClient) -> None:
    point = {"type": "Point", "coordinates": [104.306, 24.885]}
    assert close(desk, geometry=point).status_code == 422
    assert close(desk, geometry=LINE, vehicles=["tank"]).status_code == 422
    assert close(desk, geometry=LINE, starts_at="2026-11-24 10:00").status_code == 422
    assert desk.post("/api/v1/closures", json={"geometry": LINE}).status_code == 422


def test_without_roads_it_says_what_to_import(api: TestClient) -> None:
    assert codes(close(api, geometry=LINE), 503) == [("no_roads", "")]
    assert api.get("/api/v1/closures").json() == {"closures": []}


@pytest.mark.parametrize(
    ("role", "area", "status"),
    [
        ("viewer", "530324", 403),
        ("handler", "530324", 403),
        ("officer", "530324", 201),
        ("officer", "530324102", 422),
        ("officer", "530324001", 201),
    ],
)
def test_duty_officers_close_roads_in_their_area(
    roads: Runtime, role: str, area: str, status: int
) -> None:
    _, token = add_key(
        roads.store, name="值", roles=[role], scheme=CodeScheme(), now=NOON, area=area
    )
    runtime = Runtime.open(roads.settings, clock=lambda: NOON)
    desk = client_of(create_app(runtime))
    desk.headers["Authorization"] = f"Bearer {token}"
    answer = close(desk, edges=["1:0"])
    assert answer.status_code == status, answer.text
    if status == 422:
        assert codes(answer) == [("outside_area", "geometry")]
    assert desk.get("/api/v1/closures").status_code == 200
    runtime.close()


def test_closures_of_roads_that_were_imported_anew_stay_by_their_place(
    roads: Runtime, desk: TestClient
) -> None:
    close(desk, geometry=LINE)
    old = crossing()
    renamed = replace(old, edge=np.char.add("x", old.edge))
    with roads.store.write() as work:
        work.roads.publish(renamed, source="again", at=NOON)
    runtime = Runtime.open(roads.settings, clock=lambda: NOON)
    (one,) = runtime.closed_roads()
    assert renamed.edge[one.edges].tolist() == ["x1:0", "x1:1"]
    runtime.close()

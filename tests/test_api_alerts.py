"""Alerts over HTTP: raised by JSON and by CAP, looked at before, recorded, and shown to whom."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.rights import KeyRole
from gridsvc.runtime import Runtime
from tests.alert_samples import ALL, RING, A, B, again, body, cap, staffed
from tests.api_county import G2, client_of
from tests.test_api_auth import key_for

CAP = {"Content-Type": "application/cap+xml"}
ALERTS = "/api/v1/alerts"


@pytest.fixture
def runtime(api_runtime: Runtime) -> Iterator[Runtime]:
    staffed(api_runtime.store)
    opened = again(api_runtime, "")
    yield opened
    opened.close()


@pytest.fixture
def here(runtime: Runtime) -> TestClient:
    """This machine's own user."""
    return client_of(create_app(runtime))


def keyed(runtime: Runtime, role: KeyRole, area: str | None = None) -> TestClient:
    """Somebody with a key."""
    client = client_of(create_app(runtime))
    client.headers["Authorization"] = f"Bearer {key_for(runtime, role, area=area)}"
    return client


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(fault["code"], fault["where"]) for fault in answer.json()["faults"]]


def test_a_look_before_calls_nobody(here: TestClient) -> None:
    seen = here.post(f"{ALERTS}?dry_run=true", json=body())
    assert seen.status_code == 200
    told = seen.json()
    assert (told["called"], told["unreached"], told["by_position"]) == (6, 1, 1)
    assert told["gaps_total"] == 1
    assert told["gaps"][0]["code"] == G2
    assert {one["name"]: one["called"] for one in told["villages"]} == {"乡镇本级": 1, "甲社区": 5}
    assert here.get(ALERTS).json()["alerts"] == []


def test_raise_record_and_end(here: TestClient) -> None:
    made = here.post(ALERTS, json=body())
    assert made.status_code == 201
    alert = made.json()
    assert (alert["number"], alert["headline"]) == ("罗平-预警-20261123-01", "红色预警·山洪洪涝")
    at = f"{ALERTS}/{alert['number']}"
    answered = here.post(f"{at}/calls/S1/answer").json()
    assert (answered["state"], answered["steps"]) == ("answered", ["unreached"])
    again_ = here.post(f"{at}/calls/S1/answer")
    assert (again_.status_code, codes(again_)) == (409, [("illegal_step", "step")])
    assert (
        here.post(f"{at}/calls/W1/told-in-person", json={"told_by": "M1"}).json()["told_by"] == "M1"
    )
    assert codes(here.post(f"{at}/calls/M1/told-in-person", json={"told_by": "王主任"})) == [
        ("unknown_responder", "told_by")
    ]
    assert here.post(f"{at}/calls/T1/unreached").json()["state"] == "unreached"
    told = here.post(f"{at}/calls/told-in-person", json={"village": A, "told_by": "W1"}).json()
    assert (told["recorded"], told["left"]) == (3, ["S1", "W1"])
    assert codes(here.post(f"{at}/calls/told-in-person", json={})) == [("nobody_named", "body")]
    total = here.get(at).json()["total"]
    assert (total["called"], total["answered"], total["told_in_person"]) == (6, 1, 4)
    assert (total["unreached"], total["waiting"]) == (1, 0)
    (left,) = here.get(f"{at}/calls?state=unreached").json()["calls"]
    assert (left["responder"], left["name"], left["role_name"]) == ("T1", "演示T1", "乡镇处置队")
    first = here.get(f"{at}/calls?limit=4").json()
    rest = here.get(f"{at}/calls?limit=4&after={first['next']}").json()
    assert [c["responder"] for c in first["calls"] + rest["calls"]] == [
        *("M1", "P1", "S1", "S1b", "T1", "W1")
    ]
    assert rest["next"] is None
    assert here.get(ALERTS).json()["on"] == 1
    assert here.post(f"{at}/end").json()["on"] is False
    assert here.post(f"{at}/calls/T1/answer").status_code == 409
    assert here.get(f"{ALERTS}?on=true").json() == {"alerts": [], "next": None, "on": 0}


def test_every_fault_of_a_body_at_once(here: TestClient) -> None:
    wrong = body(hazard="storm", expires_at="2020-01-01T00:00:00+08:00", other=1)
    wrong["polygon"]["coordinates"] = [[[24.9, 104.3], [24.9, 104.4], [24.8, 104.4], [24.9, 104.3]]]
    answer = here.post(ALERTS, json=wrong)
    assert answer.status_code == 422
    assert codes(answer) == [
        *(("literal_error", "hazard"), ("extra_forbidden", "other")),
        *(("position_swapped", "polygon"), ("alert_expired", "expires_at")),
    ]


@pytest.mark.parametrize(
    ("polygon", "code"),
    [
        ({}, "polygon_unreadable"),
        ({"type": "Point", "coordinates": [104.3, 24.9]}, "polygon_unreadable"),
        ({"type": "Polygon", "coordinates": []}, "polygon_unreadable"),
        ({"type": "Polygon", "coordinates": [[]]}, "polygon_unreadable"),
        ({"type": "Polygon", "coordinates": [[["a", 1], [2, 3]]]}, "polygon_unreadable"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "polygon_unreadable"),
        ({"type": "Polygon", "coordinates": [[[104.3, 24.9], [104.4, 24.9]]]}, "polygon_open"),
        (
            {
                "type": "Polygon",
                "coordinates": [
                    [[104.3, 24.8], [104.4, 24.9], [104.4, 24.8], [104.3, 24.9], [104.3, 24.8]]
                ],
            },
            "polygon_invalid",
        ),
    ],
)
def test_a_polygon_that_is_none(here: TestClient, polygon: dict[str, Any], code: str) -> None:
    assert codes(here.post(ALERTS, json=body(polygon=polygon))) == [(code, "polygon")]


def test_bodies_of_no_kind(here: TestClient) -> None:
    for content, kind, status in ((b"{", "application/json", 400), (b"x", "text/plain", 415)):
        answer = here.post(ALERTS, content=content, headers={"Content-Type": kind})
        assert answer.status_code == status
    assert here.post(ALERTS, json=[1]).status_code == 422


def test_a_cap_message_raises_once(here: TestClient) -> None:
    made = here.post(ALERTS, content=cap(), headers=CAP)
    assert made.status_code == 201
    alert = made.json()
    assert (alert["hazard"], alert["level"], alert["total"]["called"]) == ("flood", "red", 6)
    assert alert["expires_at"] == "2026-11-23T18:00:00.000+08:00"
    assert "100 毫米" in alert["text"]
    same = here.post(ALERTS, content=cap(), headers=CAP)
    assert (same.status_code, same.json()["number"]) == (200, alert["number"])
    other = here.post(ALERTS, content=cap(severity="Minor"), headers=CAP)
    assert (other.status_code, codes(other)) == (409, [("key_used", "Idempotency-Key")])
    circle = cap(area="<circle>24.885,104.305 0.2</circle>", identifier="2")
    assert here.post(ALERTS, content=circle, headers=CAP).json()["total"]["called"] == 5


def test_cap_that_is_not_for_calling_tells_every_reason(here: TestClient) -> None:
    message = cap(
        status="Test",
        kind="Cancel",
        severity="Unknown",
        headline="预警",
        expires="2026-11-22T18:00:00+08:00",
        area="<circle>24.885,104.305 0</circle>",
    )
    answer = here.post(ALERTS, content=message, headers=CAP)
    assert codes(answer) == [
        ("cap_not_for_calling", "alert.status"),
        ("cap_not_for_calling", "alert.msgType"),
        ("cap_no_level", "info.severity"),
        ("cap_no_area", "info.area"),
        ("alert_expired", "expires_at"),
    ]
    elsewhere = cap(RING.replace("24.", "54."))
    assert codes(here.post(ALERTS, content=elsewhere, headers=CAP)) == [
        ("position_far_away", "polygon")
    ]
    bomb = b'<!DOCTYPE a [<!ENTITY a "b">]><a/>'
    assert codes(here.post(ALERTS, content=bomb, headers=CAP)) == [("cap_doctype", "body")]


def test_an_exercise_is_a_drill_and_says_so_everywhere(here: TestClient) -> None:
    alert = here.post(ALERTS, content=cap(status="Exercise"), headers=CAP).json()
    assert alert["drill"] is True
    assert alert["headline"].startswith("【演练】")
    line = here.get(ALERTS).json()
    assert line["alerts"][0]["headline"].startswith("【演练】")
    assert line["on"] == 0
    page = here.get(f"/alerts/{alert['number']}").text
    assert "【演练】红色预警" in page
    assert "[DRILL] Red alert" in here.get(f"/alerts/{alert['number']}?lang=en").text


def test_an_idempotency_key_calls_once(here: TestClient) -> None:
    headers = {"Idempotency-Key": "one"}
    first, second = (here.post(ALERTS, json=body(), headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert here.post(ALERTS, json=body(ALL), headers=headers).status_code == 409
    assert here.post(ALERTS, json=body(), headers={"Idempotency-Key": "a b"}).status_code == 422


def test_names_are_for_those_who_record(runtime: Runtime, here: TestClient) -> None:
    at = f"{ALERTS}/{here.post(ALERTS, json=body()).json()['id']}"
    page = f"/alerts/{here.get(at).json()['number']}"
    for role, shown in ((KeyRole.VIEWER, False), (KeyRole.OFFICER, True)):
        client = keyed(runtime, role)
        text = client.get(f"{at}/calls").text + client.get(page).text
        assert ("演示S1" in text, "1380000" in text) == (shown, shown), role
    viewer = keyed(runtime, KeyRole.VIEWER)
    assert viewer.post(f"{at}/calls/S1/answer").status_code == 403
    assert viewer.post(ALERTS, json=body()).status_code == 403
    assert keyed(runtime, KeyRole.HANDLER).post(f"{at}/calls/S1/answer").status_code == 200
    assert keyed(runtime, KeyRole.HANDLER).post(f"{at}/end").status_code == 403


def test_a_key_of_a_township_has_its_own_calls(runtime: Runtime, here: TestClient) -> None:
    whole = here.post(ALERTS, json=body(ALL)).json()
    theirs = keyed(runtime, KeyRole.OFFICER, B[:9])
    at = f"{ALERTS}/{whole['id']}"
    assert theirs.get(at).json()["total"]["called"] == 4
    assert {v["township"] for v in theirs.get(at).json()["villages"]} == {B[:9]}
    assert theirs.post(f"{at}/calls/S1/answer").status_code == 404
    assert theirs.post(f"{at}/calls/W4/answer").status_code == 200
    assert theirs.post(f"{at}/end").status_code == 404
    assert codes(theirs.post(ALERTS, json=body(ALL))) == [("alert_beyond_area", "polygon")]
    west = here.post(ALERTS, json=body()).json()["number"]
    assert theirs.get(f"{ALERTS}/{west}").status_code == 404
    assert theirs.get(f"/alerts/{west}").status_code == 404
    assert [one["id"] for one in theirs.get(ALERTS).json()["alerts"]] == [whole["id"]]


def test_the_stream_tells_whom_it_concerns(runtime: Runtime, here: TestClient) -> None:
    from api.stream_events import Wanted, outgoing
    from gridsvc.domain.rights import Caller, Right

    here.post(f"{ALERTS}/{here.post(ALERTS, json=body()).json()['id']}/calls/S1/answer")
    with runtime.store.read() as reading:
        told = [
            outgoing(event, runtime.settings.code_scheme)
            for event in reading.events.after(0)
            if event.name.startswith("alert_")
        ]
    assert [one.name for one in told] == ["alert_raised", "alert_calls_recorded"]
    last = json.loads(told[1].data.split(b"data: ")[1])
    assert (last["responders"], last["after"]) == (["S1"], "answered")
    for area, hears in (("530324", True), (A[:9], True), (A, True), (B[:9], False)):
        wanted = Wanted(Caller("K", "", frozenset({Right.READ}), area))
        assert [wanted.takes(one) for one in told] == [hears, hears], area

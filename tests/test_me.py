"""A responder's own interface: their assignments and what they do about them, nobody else's."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import InputError
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.flows.dispatching import move
from gridsvc.flows.keys import add_key
from gridsvc.runtime import Runtime
from tests.api_county import REPORT
from tests.test_api_auth import NOW, know_keys

ME = "/api/v1/me/assignments"


def own_key(runtime: Runtime, responder: str) -> dict[str, str]:
    """The header of somebody's own key."""
    _, token = add_key(
        runtime.store,
        name="手机",
        roles=["responder"],
        responder=responder,
        scheme=CodeScheme(),
        now=NOW,
    )
    know_keys(runtime)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def far(api_runtime: Runtime) -> TestClient:
    app = create_app(api_runtime)
    return TestClient(app, base_url="http://grid.example", client=("10.0.0.7", 50000))


@pytest.fixture
def sent(api: TestClient) -> dict[str, dict[str, Any]]:
    """Who was sent, by responder."""
    answer = api.post("/api/v1/incidents", json=REPORT).json()
    return {one["responder"]: one for one in answer["assignments"]}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["faults"][0]["code"]


def test_from_the_offer_to_the_end(
    far: TestClient, api: TestClient, api_runtime: Runtime, sent: dict[str, dict[str, Any]]
) -> None:
    mine = own_key(api_runtime, "R0001")
    (one,) = far.get(ME, headers=mine).json()["assignments"]
    assert one["id"] == sent["R0001"]["id"]
    assert (one["state"], one["open"], one["steps"]) == ("offered", True, ["accept", "decline"])
    assert one["placement"]["grid_name"] == "甲一网格"
    assert one["text"] == "老人胸痛"
    states = []
    for step in ("accept", "depart", "arrive", "check_in", "finish"):
        answer = far.post(f"{ME}/{one['id']}/{step}", headers=mine)
        assert answer.status_code == 200
        states.append(answer.json()["state"])
    assert states == ["accepted", "en_route", "arrived", "arrived", "done"]
    assert code(far.post(f"{ME}/{one['id']}/accept", headers=mine)) == (409, "illegal_step")
    assert [a["open"] for a in far.get(ME, headers=mine).json()["assignments"]] == [False]
    events = api.get(f"/api/v1/incidents/{one['number']}").json()["events"]
    steps = [e["payload"] for e in events if e["name"] == "assignment_stepped"]
    assert {e["by"] for e in steps} == {"R0001"}


def test_open_ones_come_first(far: TestClient, api: TestClient, api_runtime: Runtime) -> None:
    mine = own_key(api_runtime, "R0001")
    drill = {**REPORT, "drill": True}
    numbers = [api.post("/api/v1/incidents", json=drill).json()["number"] for _ in range(3)]
    last = far.get(ME, headers=mine).json()["assignments"][0]
    assert last["number"] == numbers[-1]
    far.post(f"{ME}/{last['id']}/decline", json={"reason": "busy"}, headers=mine)
    told = far.get(ME, headers=mine).json()["assignments"]
    assert [one["number"] for one in told] == [numbers[1], numbers[0], numbers[2]]
    assert all(one["drill"] for one in told)


def test_a_decline_has_a_reason_and_its_words_are_in_no_event(
    far: TestClient, api: TestClient, api_runtime: Runtime, sent: dict[str, dict[str, Any]]
) -> None:
    mine, path = own_key(api_runtime, "R0001"), f"{ME}/{sent['R0001']['id']}/decline"
    assert code(far.post(path, json={}, headers=mine)) == (422, "no_reason")
    assert code(far.post(path, json={"reason": "lazy"}, headers=mine)) == (422, "unknown_reason")
    said = {"reason": "unwell", "words": "发烧三十九度"}
    assert far.post(path, json=said, headers=mine).json()["state"] == "declined"
    number = far.get(ME, headers=mine).json()["assignments"][0]["number"]
    case = api.get(f"/api/v1/incidents/{number}").json()
    (note,) = case["step_notes"]
    assert (note["by"], note["step"], note["text"]) == (
        "R0001",
        "decline",
        "发烧三十九度",
    )
    (one,) = [each for each in case["assignments"] if each["responder"] == "R0001"]
    assert (one["state"], one["reason"]) == ("declined", "unwell")
    assert "发烧" not in str(case["events"])


def test_nobody_answers_for_another(
    far: TestClient, api: TestClient, api_runtime: Runtime, sent: dict[str, dict[str, Any]]
) -> None:
    mine = own_key(api_runtime, "R0002")
    for key in (sent["R0001"]["id"], "absent"):
        answer = far.post(f"{ME}/{key}/accept", headers=mine)
        assert code(answer) == (404, "unknown_assignment")
    told = far.get(ME, headers=mine).json()["assignments"]
    assert {one["id"] for one in told} == {sent["R0002"]["id"]}
    for path in ("/api/v1/incidents", f"/api/v1/incidents/{sent['R0001']['id']}"):
        assert code(far.get(path, headers=mine)) == (403, "missing_right")
    assert code(api.get(ME)) == (409, "no_responders_key"), "this machine is nobody's own"
    assert far.get(ME).status_code == 401


def test_a_sensitive_kind_is_withheld(
    far: TestClient, api: TestClient, api_runtime: Runtime
) -> None:
    report = {**REPORT, "kind": "self_harm_drowning", "address": "东关街12号", "text": "邻居报"}
    answer = api.post("/api/v1/incidents", json=report).json()
    people = [one["responder"] for one in answer["assignments"]]
    told = far.get(ME, headers=own_key(api_runtime, people[0])).json()["assignments"][0]
    assert told["withheld"]
    assert (told["text"], told["address"], told["lng"]) == ("", "", None)


def test_a_late_acceptance_is_a_step_while_the_place_is_open(
    far: TestClient, api_runtime: Runtime, sent: dict[str, dict[str, Any]]
) -> None:
    first, reserve = own_key(api_runtime, "R0001"), own_key(api_runtime, "R0002")

    def steps(mine: dict[str, str]) -> list[str]:
        (one,) = far.get(ME, headers=mine).json()["assignments"]
        found: list[str] = one["steps"]
        return found

    with api_runtime.store.write() as work:
        for name in ("R0001", "R0002"):
            one = work.cases.assignment(sent[name]["id"])
            assert one is not None
            incident, _ = work.cases.known(one.incident, lock=True)
            now = api_runtime.clock()
            move(work, one, incident, AssignmentStep.EXPIRE, now=now, by="clock")
    assert steps(first) == steps(reserve) == ["accept"]
    late = far.post(f"{ME}/{sent['R0002']['id']}/accept", headers=reserve)
    assert (late.status_code, late.json()["state"]) == (200, "accepted")
    assert steps(first) == []
    refused = far.post(f"{ME}/{sent['R0001']['id']}/accept", headers=first)
    assert code(refused) == (409, "too_late")
    assert "R0002" in refused.json()["detail"]


def test_a_key_names_its_responder(api_runtime: Runtime) -> None:
    wrong: list[dict[str, Any]] = [
        {"roles": ["responder"]},
        {"roles": ["viewer"], "responder": "R0001"},
        {"roles": ["responder"], "responder": "R9999"},
    ]
    for fields in wrong:
        with pytest.raises(InputError):
            add_key(api_runtime.store, name="k", scheme=CodeScheme(), now=NOW, **fields)


def test_own_positions_in_any_order(far: TestClient, api_runtime: Runtime) -> None:
    mine = own_key(api_runtime, "R0002")
    minutes = [9, 1, 5, 3]
    at = api_runtime.clock()
    body = [
        {
            "lng": 104.30 + 0.001 * m,
            "lat": 24.885,
            "seen_at": (at - timedelta(minutes=m)).isoformat(),
        }
        for m in minutes
    ]
    body.insert(2, {"lng": 24.885, "lat": 104.3})
    answer = far.post("/api/v1/me/positions", json={"positions": body}, headers=mine).json()
    assert (answer["taken"], answer["moved"]) == (4, 1)
    assert [(one["index"], one["code"]) for one in answer["faults"]] == [(2, "position_swapped")]
    known = api_runtime.force().get("R0002")
    assert known is not None
    assert known.live is not None
    assert known.live.at.lng == pytest.approx(104.301)
    many = {"positions": [body[0]] * 1001}
    assert far.post("/api/v1/me/positions", json=many, headers=mine).status_code == 422
    thousand = {"positions": [body[0]] * 1000}
    answer = far.post("/api/v1/me/positions", json=thousand, headers=mine)
    assert answer.json() == {"taken": 1000, "moved": 0, "faults": []}

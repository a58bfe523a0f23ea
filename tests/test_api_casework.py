"""The handling of cases over HTTP: steps, people, orders, reminders, two that become one."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from gridsvc.domain.lifecycle import CASE, Stage, Step
from gridsvc.runtime import Runtime
from tests.api_county import IN_G2, REPORT

POST = "/api/v1/incidents"
ORDINARY = {**REPORT, "category": "livelihood", "kind": "old_and_young", "text": "独居老人无人照看"}
NEEDS = {
    "route": {"owner": "县民政局"},
    "refuse": {"note": "不属本县管辖"},
    "transfer": {"note": "转师宗县"},
    "rate": {"rating": "satisfied"},
}


def _send(api: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(POST, json=body)
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def _step(api: TestClient, key: str, step: str, **more: Any) -> Any:
    return api.post(f"{POST}/{key}/steps", json={"step": step, **NEEDS.get(step, {}), **more})


def _file(api: TestClient, key: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{POST}/{key}").json()
    return found


def test_the_loop_from_the_first_contact_to_the_archive(api: TestClient) -> None:
    case = _send(api, ORDINARY)
    assert case["answers_for_it"] == "首问负责: local"
    for step, stage in (
        ("route", "routed"),
        ("start", "handling"),
        ("reply", "replied"),
        ("rate", "rated"),
        ("archive", "archived"),
    ):
        answer = _step(api, case["id"], step)
        assert (answer.status_code, answer.json()["stage"]) == (200, stage)
    file = _file(api, case["id"])
    assert file["answers_for_it"] == "县民政局"
    assert file["closed_at"] is not None
    stepped = [e["payload"] for e in file["events"] if e["name"] == "case_stepped"]
    assert [e["step"] for e in stepped] == ["route", "start", "reply", "rate", "archive"]
    assert stepped[3]["rating"] == "satisfied"


def test_every_step_that_the_table_lacks_is_a_conflict_that_changes_nothing(
    api: TestClient,
) -> None:
    case = _send(api, ORDINARY)
    before = _file(api, case["id"])
    for step in set(Step) - set(CASE[Stage.REGISTERED]) - {Step.MERGE}:
        answer = _step(api, case["id"], step)
        assert answer.status_code == 409, step
        assert answer.json()["faults"][0]["code"] == "illegal_step"
    assert _file(api, case["id"]) == before


@pytest.mark.parametrize(
    ("step", "where"), [("route", "owner"), ("refuse", "note"), ("transfer", "note")]
)
def test_what_a_step_needs_is_asked_for(api: TestClient, step: str, where: str) -> None:
    case = _send(api, ORDINARY)
    answer = api.post(f"{POST}/{case['id']}/steps", json={"step": step})
    assert (answer.status_code, answer.json()["faults"][0]["where"]) == (422, where)
    assert _file(api, case["id"])["stage"] == "registered"


def test_paperwork_owed_has_a_clock_and_a_list(api: TestClient, api_runtime: Runtime) -> None:
    case = _send(api, REPORT)
    assert (case["stage"], case["stage_name"]) == ("paperwork_owed", "先处置·待补流程")
    assert case["paperwork_due_at"] > case["received_at"]
    (listed,) = api.get(POST, params={"stage": "paperwork_owed"}).json()["incidents"]
    assert listed["number"] == case["number"]
    assert _step(api, case["id"], "complete_paperwork").json()["stage"] == "handling"
    assert _file(api, case["id"])["paperwork_due_at"] is None
    assert api.get(POST, params={"stage": "paperwork_owed"}).json()["incidents"] == []


def test_a_false_alarm_frees_everybody_sent(api: TestClient, api_runtime: Runtime) -> None:
    case = _send(api, REPORT)
    assert len(case["assignments"]) == 5
    _step(api, case["id"], "false_alarm")
    assert {one["state"] for one in _file(api, case["id"])["assignments"]} == {"stood_down"}
    with api_runtime.store.read() as reading:
        assert reading.cases.taken() == {}


def test_people_are_chosen_from_the_recommendation_by_hand(api: TestClient) -> None:
    case = _send(api, ORDINARY)
    assert case["assignments"] == []
    first = case["nearest"]["chosen"][0]["id"]
    made = api.post(f"{POST}/{case['id']}/assignments", json={"responders": [first]})
    assert made.status_code == 201, made.text
    (one,) = made.json()["assignments"]
    assert (one["responder"], one["state_name"]) == (first, "已指派·未通知")
    again = api.post(f"{POST}/{case['id']}/assignments", json={"responders": [first]})
    assert again.status_code == 409
    assert case["number"] in again.json()["detail"]


def test_who_cannot_be_sent_is_refused_with_every_reason(api: TestClient) -> None:
    case = _send(api, ORDINARY)
    body = {"responders": ["R0006", "nobody"]}
    answer = api.post(f"{POST}/{case['id']}/assignments", json=body)
    assert answer.status_code == 422
    assert [f["code"] for f in answer.json()["faults"]] == ["not_eligible", "unknown_responder"]
    assert "不在岗" in answer.json()["detail"]
    assert _file(api, case["id"])["assignments"] == []


def test_an_assignment_takes_its_steps_and_frees_the_person(
    api: TestClient, api_runtime: Runtime
) -> None:
    case = _send(api, REPORT)
    one = case["assignments"][0]
    address = f"/api/v1/assignments/{one['id']}/steps"
    assert api.post(address, json={"step": "arrive"}).status_code == 409
    for step, state in (
        ("notify", "offered"),
        ("accept", "accepted"),
        ("depart", "en_route"),
        ("arrive", "arrived"),
        ("finish", "done"),
    ):
        answer = api.post(address, json={"step": step, "on_behalf": True})
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    with api_runtime.store.read() as reading:
        assert one["responder"] not in reading.cases.taken()
    last = _file(api, case["id"])["events"][-1]["payload"]
    assert (last["free"], last["on_behalf"]) == (True, True)


def test_orders_and_reminders_are_flags(api: TestClient) -> None:
    case = _send(api, ORDINARY)
    order = {"level": "县级", "supervisor": "政法委", "reply_by": "2099-01-01T00:00:00+08:00"}
    assert api.post(f"{POST}/{case['id']}/supervision", json=order).status_code == 422
    soon = case["due_at"]
    put = api.post(f"{POST}/{case['id']}/supervision", json={**order, "reply_by": soon})
    assert put.status_code == 201, put.text
    assert api.post(f"{POST}/{case['id']}/reminders").json()["reminders"] == 1
    file = _file(api, case["id"])
    assert (file["stage"], file["supervised"], file["alarms"]) == (
        *("registered", True),
        ["supervised"],
    )
    (listed,) = api.get(POST, params={"supervised": "true"}).json()["incidents"]
    assert listed["number"] == case["number"]
    reply = api.post(f"{POST}/{case['id']}/supervision/reply")
    assert (reply.status_code, reply.json()["supervised"]) == (200, False)
    assert _file(api, case["id"])["supervisions"][0]["replied_at"] is not None
    assert api.post(f"{POST}/{case['id']}/supervision/reply").status_code == 409


def test_a_merged_case_hands_its_people_on(api: TestClient, api_runtime: Runtime) -> None:
    first = _send(api, REPORT)
    (spare,) = [one for one in first["assignments"] if one["reserve"]]
    api.post(f"/api/v1/assignments/{spare['id']}/steps", json={"step": "stand_down"})
    api_runtime._catch_up()
    second = _send(api, REPORT)
    assert [one["number"] for one in second["possible_duplicates"]] == [first["number"]]
    sent = {one["responder"] for one in second["assignments"]}
    assert sent
    answer = api.post(f"{POST}/{second['id']}/merge", json={"into": first["number"]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["stage"], answer.json()["merged_into"]) == ("merged", first["number"])
    file = _file(api, first["id"])
    kept = {one["responder"] for one in file["assignments"] if one["state"] == "offered"}
    assert sent <= kept
    with api_runtime.store.read() as reading:
        taken = reading.cases.taken()
    assert set(taken) == kept
    assert set(taken.values()) == {first["number"]}


@pytest.mark.parametrize(("into", "status"), [("itself", 409), ("nothing", 404), ("closed", 409)])
def test_what_cannot_be_merged(api: TestClient, into: str, status: int) -> None:
    one, other = _send(api, REPORT), _send(api, REPORT)
    _step(api, other["id"], "withdraw")
    target = {"itself": one["number"], "closed": other["number"]}.get(into, into)
    answer = api.post(f"{POST}/{one['id']}/merge", json={"into": target})
    assert answer.status_code == status
    assert _file(api, one["id"])["stage"] == "paperwork_owed"


def test_a_drill_is_never_merged_with_a_real_case(api: TestClient) -> None:
    real, drill = _send(api, REPORT), _send(api, {**REPORT, "drill": True})
    assert drill["possible_duplicates"] == []
    answer = api.post(f"{POST}/{drill['id']}/merge", json={"into": real["number"]})
    assert answer.status_code == 409


def test_far_away_is_no_duplicate(api: TestClient) -> None:
    _send(api, ORDINARY)
    far = {**ORDINARY, "position": {"lng": IN_G2[0], "lat": IN_G2[1]}}
    assert _send(api, far)["possible_duplicates"] == []


def test_a_closed_case_is_reopened_before_anything_else(api: TestClient) -> None:
    case = _send(api, ORDINARY)
    _step(api, case["id"], "withdraw")
    for path, body in (
        ("reminders", None),
        ("assignments", {"responders": ["R0001"]}),
    ):
        answer = api.post(f"{POST}/{case['id']}/{path}", json=body)
        assert answer.json()["faults"][0]["code"] == "case_closed"
    place = api.put(f"{POST}/{case['id']}/position", json={"position": REPORT["position"]})
    assert place.status_code == 409
    assert _step(api, case["id"], "reopen").json()["stage"] == "registered"


def test_a_rating_stays_on_the_case_and_is_asked_for_in_lists(api: TestClient) -> None:
    keys = [_send(api, ORDINARY)["id"] for _ in range(3)]
    for key, rating in zip(keys, ("dissatisfied", "satisfied", None), strict=True):
        for step in ("start", "reply"):
            _step(api, key, step)
        if rating is not None:
            assert _step(api, key, "rate", rating=rating).status_code == 200
    assert [_file(api, key)["rating"] for key in keys] == ["dissatisfied", "satisfied", ""]

    def listed(*ratings: str) -> set[str]:
        found = api.get(POST, params={"rating": list(ratings)}).json()["incidents"]
        return {one["id"] for one in found}

    assert listed("dissatisfied") == {keys[0]}
    assert listed("dissatisfied", "satisfied") == set(keys[:2])
    assert listed("fairly_satisfied") == set()
    assert api.get(POST, params={"rating": "awful"}).status_code == 422
    _step(api, keys[0], "reopen")
    assert listed("dissatisfied") == {keys[0]}, "it is the last one given until there is another"

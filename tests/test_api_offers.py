"""Offers over HTTP: what the officer sees, hears by telephone, and calls off."""

from typing import Any

from fastapi.testclient import TestClient

from gridsvc.runtime import Runtime
from tests.api_county import REPORT, client_of
from tests.test_api_auth import key_for, know_keys

POST = "/api/v1/incidents"


def send(api: TestClient, **more: Any) -> dict[str, Any]:
    answer = api.post(POST, json={**REPORT, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def step(api: TestClient, one: dict[str, Any], name: str, **more: Any) -> Any:
    return api.post(f"/api/v1/assignments/{one['id']}/steps", json={"step": name, **more})


def test_a_case_is_red_from_its_first_second_and_says_who_is_asked(api: TestClient) -> None:
    case = send(api)
    assert case["alarms"] == ["unanswered"]
    assert case["unanswered_since"] == case["received_at"]
    one = case["assignments"][0]
    assert (one["wave"], one["reserve"], one["state"]) == (1, False, "offered")
    assert one["state_name"] == "已指派·未通知"
    assert one["answer_by"] > one["assigned_at"]
    assert "expire" not in one["steps"]
    assert step(api, one, "notify").json()["state_name"] == "已通知·待接单"
    listed = api.get(POST, params={"unanswered": "true"}).json()
    assert [each["number"] for each in listed["incidents"]] == [case["number"]]
    assert listed["alarms"]["unanswered"] == 1
    assert api.get(POST, params={"nobody_left": "true"}).json()["incidents"] == []


def test_what_is_heard_by_telephone_is_marked_and_keeps_its_reason(api: TestClient) -> None:
    one = send(api)["assignments"][0]
    bad = step(api, one, "decline", reason="lazy", on_behalf=True)
    assert (bad.status_code, bad.json()["faults"][0]["where"]) == (422, "reason")
    assert "身体不适" in bad.json()["detail"]
    told = step(api, one, "decline", reason="unwell", on_behalf=True).json()
    assert (told["state"], told["reason"], told["on_behalf"]) == ("declined", "unwell", True)
    assert told["reason_name"] == "身体不适"
    assert step(api, one, "accept").status_code == 409


def test_the_clocks_own_step_is_not_for_people(api: TestClient) -> None:
    case = send(api)
    answer = step(api, case["assignments"][0], "expire")
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (409, "not_by_hand")
    states = {one["state"] for one in api.get(f"{POST}/{case['id']}").json()["assignments"]}
    assert states == {"offered"}


def test_a_recall_in_two_steps(api: TestClient) -> None:
    case = send(api)
    address = f"{POST}/{case['id']}/recall"
    shown = api.post(address, json={}).json()
    assert (shown["done"], len(shown["assignments"])) == (False, len(case["assignments"]))
    assert {one["state"] for one in shown["assignments"]} == {"offered"}
    bare = api.post(address, json={"token": shown["token"]})
    assert (bare.status_code, bare.json()["faults"][0]["where"]) == (422, "reason")
    done = api.post(address, json={"token": shown["token"], "reason": "误报，报警人来电更正"})
    assert done.status_code == 200, done.text
    assert done.json()["done"]
    assert {one["reason_name"] for one in done.json()["assignments"]} == {"派单已撤回，请勿前往"}
    file = api.get(f"{POST}/{case['id']}").json()
    assert (file["open"], file["by_hand"], file["alarms"]) == (True, True, [])
    assert [note["text"] for note in file["step_notes"]] == ["误报，报警人来电更正"]
    assert "更正" not in str(file["events"])
    again = api.post(address, json={})
    assert again.json()["faults"][0]["code"] == "nobody_sent"


def test_a_recall_asks_for_the_right_to_dispatch(api: TestClient, api_runtime: Runtime) -> None:
    case = send(api)
    headers = {"Authorization": f"Bearer {key_for(api_runtime, 'handler')}"}
    know_keys(api_runtime)
    answer = client_of(api.app).post(  # type: ignore[arg-type]
        f"{POST}/{case['id']}/recall", json={}, headers=headers
    )
    assert answer.status_code == 403
    unknown = api.post(f"{POST}/nothing/recall", json={})
    assert unknown.status_code == 404


def test_who_owes_paperwork_is_a_list(api: TestClient) -> None:
    case = send(api)
    send(api, category="livelihood", kind="old_and_young")
    listed = api.get(POST, params={"owes": "paperwork"}).json()["incidents"]
    assert [one["number"] for one in listed] == [case["number"]]
    assert listed[0]["paperwork_due_at"] is not None
    assert api.get(POST, params={"owes": "money"}).status_code == 422

"""A report that is sent again under its Idempotency-Key is answered the same, and taken once."""

from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.runtime import Runtime
from tests.api_county import REPORT, client_of

POST = "/api/v1/incidents"
KEYED = {"Idempotency-Key": "call-7"}


def test_the_same_key_is_answered_the_same_also_after_a_restart(
    api: TestClient, api_runtime: Runtime
) -> None:
    report = {
        **REPORT,
        "address": "甲社区1号",
        "reporter": {"name": "张三", "phone": "13800000000"},
    }
    first = api.post(POST, json=report, headers=KEYED)
    assert first.status_code == 201
    number = quote(first.json()["number"])
    done = api.post(f"{POST}/{number}/steps", json={"step": "complete_paperwork"})
    assert done.status_code == 200, done.text
    for again in (api, client_of(create_app(Runtime.open(api_runtime.settings)))):
        answer = again.post(POST, json=report, headers=KEYED)
        assert (answer.status_code, answer.content) == (201, first.content)
        assert answer.headers["location"] == first.headers["location"]
    with api_runtime.store.read() as reading:
        kept = reading.cases.answered("local", "call-7")
    assert kept is not None
    said = str(kept.answer)
    assert not any(word in said for word in ("老人胸痛", "甲社区1号", "19900000001", "张三"))


def test_what_is_kept_for_a_key_names_nobody(api: TestClient, api_runtime: Runtime) -> None:
    api.post(POST, json=REPORT)
    odd = {**REPORT, "position": {**REPORT["position"], "radius_m": "王某家"}}  # type: ignore[dict-item]
    first = api.post(POST, json=odd, headers=KEYED)
    assert any(one["nearest_busy"] for one in first.json()["nearest"]["shortfalls"])
    with api_runtime.store.read() as reading:
        kept = reading.cases.answered("local", "call-7")
    assert kept is not None
    names = [one.name for one in api_runtime.force().responders]
    assert not any(name in str(kept.answer) for name in [*names, "王某家"])
    assert api.post(POST, json=odd, headers=KEYED).content == first.content


def test_a_place_given_later_does_not_change_the_first_answer(api: TestClient) -> None:
    odd = {**REPORT, "position": "王某家旁边"}
    first = api.post(POST, json=odd, headers=KEYED)
    place = {"position": REPORT["position"]}
    assert api.put(f"{POST}/{first.json()['id']}/position", json=place).status_code == 200
    assert api.post(POST, json=odd, headers=KEYED).content == first.content


def test_the_same_key_with_another_body_is_a_conflict(api: TestClient) -> None:
    api.post(POST, json=REPORT, headers=KEYED)
    answer = api.post(POST, json={**REPORT, "text": "另一件"}, headers=KEYED)
    assert answer.status_code == 409
    assert answer.json()["faults"][0]["code"] == "key_of_other_body"
    assert len(api.get(POST).json()["incidents"]) == 1


def test_a_refused_report_does_not_use_up_its_key(api: TestClient) -> None:
    bad = api.post(POST, json={**REPORT, "kind": "murder"}, headers=KEYED)
    assert bad.status_code == 422
    assert api.post(POST, json=REPORT, headers=KEYED).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
def test_a_bad_key_is_told(api: TestClient, key: str) -> None:
    answer = api.post(POST, json=REPORT, headers={"Idempotency-Key": key})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["faults"]
    assert (fault["where"], fault["code"]) == ("Idempotency-Key", "bad_key")

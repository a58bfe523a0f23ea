"""Run cards, alarm levels, hand-overs and who is kept out, over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from gridsvc.dispatch import default_cards
from gridsvc.runtime import Runtime
from tests.api_county import IN_U1, REPORT
from tests.card_county import Hands, open_on

POST = "/api/v1/incidents"
CARDS = "/api/v1/cards"


def _send(api: TestClient, **more: Any) -> dict[str, Any]:
    answer = api.post(POST, json={**REPORT, **more})
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def _codes(answer: Any) -> set[str]:
    return {fault["code"] for fault in answer.json()["faults"]}


def test_a_report_is_answered_with_what_to_do_and_not_to_do(api: TestClient) -> None:
    taken = _send(api)
    hints = default_cards()["sudden_illness"].hints
    assert taken["nearest"]["hints"] == {
        "do": [one.zh for one in hints.do],
        "dont": [one.zh for one in hints.dont],
    }
    file = api.get(f"{POST}/{taken['id']}", params={"lang": "en"}).json()
    assert file["card"]["hints"]["do"][0] == hints.do[0].en
    assert (file["card"]["alarm_level"], file["card"]["highest_level"]) == (1, 3)
    assert [(one["service"], one["state"]) for one in file["handovers"]] == [("120", "asked")]


def test_a_service_answers(api: TestClient) -> None:
    number = _send(api)["number"]
    answered = api.post(
        f"{POST}/{number}/handovers/120/answer", json={"operator": "3 号台", "their_number": "A7"}
    )
    assert answered.status_code == 200
    (one,) = answered.json()["handovers"]
    assert (one["state"], one["operator"], one["their_number"]) == ("answered", "3 号台", "A7")
    asked = api.post(f"{POST}/{number}/handovers/110/ask").json()["handovers"]
    assert {each["service"] for each in asked} == {"110", "120"}
    assert api.post(f"{POST}/{number}/handovers/911/ask").status_code == 404
    assert api.post(f"{POST}/{number}/handovers/120/answer", json={}).status_code == 422


def test_silence_is_an_alarm_in_the_list(api: TestClient, api_runtime: Runtime) -> None:
    hands = Hands()
    api_runtime.clock = hands
    number = _send(api)["number"]
    hands.forward(seconds=61)
    listed = api.get(POST).json()
    assert "handover_unanswered" in listed["incidents"][0]["alarms"]
    assert listed["alarms"]["handover_unanswered"] == 1
    (one,) = api.get(f"{POST}/{number}").json()["handovers"]
    assert (one["state"], one["state_name"]) == ("overdue", "超时未应答")


def test_a_card_is_read_changed_and_kept_with_its_history(
    api: TestClient, api_runtime: Runtime
) -> None:
    read = api.get(f"{CARDS}/sudden_illness")
    assert read.headers["etag"] == '"0"'
    card = read.json()["card"]
    card["sends"] = [{"capability": "first_aid", "count": 2}]
    card["hints"]["do"] = [{"zh": "先呼救。", "en": "Call first."}]
    body = {"card": card, "reason": "本县急救站增员"}
    changed = api.put(f"{CARDS}/sudden_illness", json=body, headers={"If-Match": '"0"'})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["version"], changed.headers["etag"]) == (1, '"1"')
    lost = api.put(f"{CARDS}/sudden_illness", json=body, headers={"If-Match": '"0"'})
    assert (lost.status_code, _codes(lost)) == (409, {"card_changed"})
    (kept,) = api.get(f"{CARDS}/sudden_illness/history").json()["versions"]
    assert (kept["version"], kept["by"], kept["reason"]) == (1, "local", "本县急救站增员")
    assert kept["card"] == card
    taken = _send(api)
    assert taken["nearest"]["hints"]["do"] == ["先呼救。"]
    required = [one["code"] for one in taken["nearest"]["required"]]
    assert required == ["first_on_scene", "grid_duty", "first_aid"], "neighbours go by rule"
    assert (
        next(one for one in taken["nearest"]["shortfalls"] if one["code"] == "first_aid")["wanted"]
        == 2
    )
    with api_runtime.store.read() as reading:
        last = reading.events.after(0)
    assert [e.payload for e in last if e.name == "card_changed"] == [
        {"card": "sudden_illness", "version": 1, "by": "local"}
    ]


@pytest.mark.parametrize("match", [None, "", '"x"', "*"])
def test_a_change_must_say_what_it_changes(api: TestClient, match: str | None) -> None:
    card = api.get(f"{CARDS}/fight").json()["card"]
    headers = {} if match is None else {"If-Match": match}
    answer = api.put(f"{CARDS}/fight", json={"card": card, "reason": "x"}, headers=headers)
    assert (answer.status_code, _codes(answer)) == (422, {"missing_version"})


def test_a_card_cannot_be_loosened_and_every_fault_is_said(api: TestClient) -> None:
    card = api.get(f"{CARDS}/armed_gas_hazmat").json()["card"]
    card |= {"lay": "approach", "asks": [], "sends": [{"capability": "grid_duty"}]}
    answer = api.put(
        f"{CARDS}/armed_gas_hazmat", json={"card": card, "reason": " "}, headers={"If-Match": "0"}
    )
    assert answer.status_code == 422
    assert _codes(answer) == {
        *("lay_too_lax", "service_not_asked", "nobody_may_be_sent", "missing_reason"),
    }
    assert api.get(f"{CARDS}/armed_gas_hazmat").json()["version"] == 0


def test_all_cards_and_unknown_ones(api: TestClient) -> None:
    assert len(api.get(CARDS).json()["cards"]) == 24
    assert api.get(f"{CARDS}/earthquake").status_code == 404
    assert api.get(f"{CARDS}/earthquake/history").status_code == 404
    answer = api.put(
        f"{CARDS}/earthquake", json={"card": {}, "reason": "x"}, headers={"If-Match": "0"}
    )
    assert answer.status_code == 404
    assert api.get(f"{CARDS}/fight/history").json() == {"versions": []}


def test_every_card_that_is_read_can_be_put_back(api: TestClient) -> None:
    for one in api.get(CARDS).json()["cards"]:
        answer = api.put(
            f"{CARDS}/{one['kind']}",
            json={"card": one["card"], "reason": "不变"},
            headers={"If-Match": '"0"'},
        )
        assert answer.status_code == 200, answer.text


def test_another_process_takes_a_changed_card_over(carded: Runtime, hands: Hands) -> None:
    other = open_on(str(carded.settings.url), carded.settings.data, hands)
    card = dict(carded.cards()["fight"].data) | {"next_grids": True}
    carded.put_card("fight", card, version=0, reason="x", caller=carded.local)
    other._catch_up()
    later = open_on(str(carded.settings.url), carded.settings.data, hands)
    for runtime in (carded, other, later):
        assert runtime.cards()["fight"].version == 1
        assert runtime.cards()["fight"].next_grids
    other.close()
    later.close()


def test_a_case_goes_up_a_level(api: TestClient) -> None:
    number = _send(api)["number"]
    raised = api.post(f"{POST}/{number}/alarm-level", json={"level": 2})
    assert raised.status_code == 200, raised.text
    assert raised.json()["alarm_level"] == 2
    assert {one["code"] for one in raised.json()["nearest"]["required"]} == {
        *("first_aid", "ambulance"),
    }
    assert api.post(f"{POST}/{number}/alarm-level", json={"level": 2}).status_code == 409
    assert api.post(f"{POST}/{number}/alarm-level", json={"level": 9}).status_code == 422
    assert api.get(POST).json()["incidents"][0]["alarm_level"] == 2


def test_people_are_kept_out_and_let_in_again(api: TestClient) -> None:
    taken = _send(api, kind="old_and_young", category="livelihood", text="独居")
    body = {"responder": "R0003", "reason": "不合适"}
    made = api.post(f"{POST}/{taken['number']}/exclusions", json=body)
    assert made.status_code == 201
    assert made.json()["incident"] == taken["id"]
    assign = {"responders": ["R0003"]}
    refused = api.post(f"{POST}/{taken['number']}/assignments", json=assign)
    assert refused.status_code == 422
    assert api.delete(f"/api/v1/exclusions/{made.json()['id']}").status_code == 204
    assert api.delete(f"/api/v1/exclusions/{made.json()['id']}").status_code == 404
    recused = api.post(f"{POST}/{taken['number']}/recusals", json=assign)
    assert recused.json() == {"responders": ["R0003"]}
    assert api.post(f"{POST}/{taken['number']}/assignments", json=assign).status_code == 422
    everywhere = api.post("/api/v1/exclusions", json={**body, "responder": "R0004"})
    assert everywhere.json()["incident"] is None
    assert api.get("/api/v1/exclusions").json() == {"exclusions": [everywhere.json()]}
    assert "R0003" not in str(api.get(POST).json()), "no list says who is recused"


def test_a_doubtful_place_is_marked_everywhere(api: TestClient) -> None:
    place = {"lng": IN_U1[0], "lat": IN_U1[1], "radius_m": 700.0}
    taken = _send(api, position=place)
    assert taken["assignments"] == []
    assert taken["headline"].startswith("【位置不准】")
    assert taken["doubt"]["asked_until"] is not None
    assert [one["name"] for one in taken["doubt"]["candidates"]] == ["甲一网格", "甲二网格"]
    assert "位置不准" in taken["doubt"]["why"][0]
    listed = api.get(POST).json()["incidents"][0]
    assert listed["doubt"] == taken["doubt"]
    assert len(api.get(POST, params={"unsure": "true"}).json()["incidents"]) == 1
    assert api.get(POST, params={"unsure": "false"}).json()["incidents"] == []
    assert "place_unsure" in listed["alarms"]
    confirmed = api.put(f"{POST}/{taken['id']}/position", json={"position": place}).json()
    assert confirmed["doubt"] is None
    assert confirmed["assignments"]


def test_of_a_sensitive_kind_a_list_tells_no_candidates(api: TestClient) -> None:
    taken = _send(api, kind="domestic_violence", position=None, address="乙村", text="有人打人")
    assert taken["doubt"]["candidates"]
    listed = api.get(POST).json()["incidents"][0]
    assert listed["withheld"]
    assert (listed["doubt"]["why"], listed["doubt"]["candidates"]) == ([], [])


def test_parties_can_be_named_with_the_report(api: TestClient) -> None:
    taken = _send(api, recused=["R0001", "ghost"])
    assert "R0001" not in {one["responder"] for one in taken["assignments"]}
    assert any("ghost" in note for note in taken["notes"])
    again = api.post(POST, json={**REPORT, "recused": ["R0001"]}, headers={"Idempotency-Key": "k1"})
    twice = api.post(POST, json={**REPORT, "recused": ["R0001"]}, headers={"Idempotency-Key": "k1"})
    assert twice.json() == again.json()

"""Taking a report and giving it back."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.runtime import Runtime
from tests.api_county import (
    EDGE_G1_G2,
    G1,
    G2,
    G3,
    IN_G2,
    IN_HOLE,
    REPORT,
    U1,
    WEST_OF_G1,
    client_of,
)
from tests.test_api_auth import key_for, know_keys

pytest_plugins = ("tests.api_fixtures",)

POST = "/api/v1/incidents"


def _send(api: TestClient, **changes: Any) -> dict[str, Any]:
    answer = api.post(POST, json={**REPORT, **changes})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _faults(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {fault["where"]: fault["code"] for fault in answer.json()["faults"]}


def test_a_report_is_taken_numbered_and_placed(api: TestClient) -> None:
    answer = api.post(POST, json={**REPORT, "urgency": 2, "address": "甲社区1号"})
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["location"] == f"{POST}/{body['id']}"
    received = datetime.fromisoformat(body["received_at"])
    assert received.utcoffset() == timedelta(hours=8)
    assert body["number"] == f"罗平-{received:%Y%m%d}-0001"
    expected = {
        "category": "emergency",
        "category_name": "应急处置",
        "kind": "sudden_illness",
        "kind_name": "突发疾病",
        "urgency": 2,
        "urgency_name": "紧急",
        "text": "老人胸痛",
        "address": "甲社区1号",
        "drill": False,
        "map_version": 1,
    }
    assert {key: body[key] for key in expected} == expected
    assert body["position"] == {
        "lng": 104.305,
        "lat": 24.885,
        "given_datum": "cgcs2000",
        "source": "api",
        "radius_m": 0.0,
    }
    assert body["placement"] == {
        "unit": U1,
        "unit_name": "甲一单元",
        "grid": G1,
        "grid_name": "甲一网格",
        "village": "530324001001",
        "village_name": "甲社区",
        "township": "530324001",
        "township_name": "罗雄街道",
        "outside": False,
        "outside_m": 0.0,
        "bearing_deg": None,
        "neighbours": [],
        "neighbours_truncated": False,
    }


def test_the_nearest_come_with_distances_and_reasons(api: TestClient) -> None:
    nearest = _send(api)["nearest"]
    assert [c["code"] for c in nearest["required"]] == [
        *("first_on_scene", "grid_duty", "first_aid", "ambulance"),
    ]
    assert nearest["missing"] == []
    assert [p["id"] for p in nearest["chosen"]] == [
        *("R0001", "R0003", "R0004", "R0005", "R0002"),
    ]
    first = nearest["chosen"][0]
    assert first["role"] == "sentinel"
    assert first["role_name"] == "吹哨人"
    assert first["phone"] == "19900000001"
    assert first["from"] == "home"
    assert first["distance_m"] == pytest.approx(10.1, abs=0.1)
    assert all(p["reasons"] for p in nearest["chosen"])
    refused = {p["id"]: p["reasons"] for p in nearest["refused"]}
    assert refused["R0006"] == ["不在岗"]
    assert nearest["lay"] == {"code": "approach", "name": "群众力量可到场"}
    assert nearest["hand_over"] == ["120"]
    assert "直线距离" in nearest["note"]
    assert all("直线距离" in p["eta_note"] for p in nearest["chosen"])
    assert all(p["score_s"] == sum(t["seconds"] for t in p["terms"]) for p in nearest["chosen"])


def test_lay_people_stay_away_from_a_weapon(api: TestClient) -> None:
    nearest = _send(api, kind="armed_gas_hazmat")["nearest"]
    assert nearest["chosen"] == []
    assert nearest["lay"]["code"] == "none"
    assert nearest["hand_over"] == ["110", "119"]
    assert all(p["reasons"] for p in nearest["refused"])


def test_english_on_request(api: TestClient) -> None:
    answer = api.post(POST, params={"lang": "en"}, json=REPORT).json()
    assert (answer["category_name"], answer["urgency_name"]) == ("emergency", "critical")
    assert "straight line" in answer["nearest"]["note"]


def test_what_is_given_back_is_what_was_answered(api: TestClient) -> None:
    answer = _send(api, text="多行\n文字 🚑 𠀀", drill=True)
    for name in ("nearest", "notes", "possible_duplicates"):
        answer.pop(name)
    for key in (answer["id"], quote(answer["number"])):
        file = api.get(f"{POST}/{key}").json()
        assert {name: file[name] for name in answer} == answer


def test_a_grid_code_is_enough(api: TestClient) -> None:
    body = _send(api, position=None, grid=G2)
    assert body["placement"]["grid"] == G2
    assert body["placement"]["unit"] is None
    assert body["position"]["source"] == "grid"
    assert body["position"]["radius_m"] > 1000


def test_a_grid_without_units_answers_a_null_unit(api: TestClient) -> None:
    body = _send(api, position={"lng": IN_G2[0], "lat": IN_G2[1]})
    assert body["placement"]["grid"] == G2
    assert body["placement"]["unit"] is None
    assert body["placement"]["unit_name"] is None


def test_on_an_edge_the_lowest_code_wins_and_the_other_is_a_neighbour(api: TestClient) -> None:
    placement = _send(api, position={"lng": EDGE_G1_G2[0], "lat": EDGE_G1_G2[1]})["placement"]
    assert placement["grid"] == G1
    assert {"level": "grid", "code": G2, "name": "甲二网格", "distance_m": 0.0} in placement[
        "neighbours"
    ]


def test_outside_and_in_a_hole_the_nearest_grid_is_marked(api: TestClient) -> None:
    west = _send(api, position={"lng": WEST_OF_G1[0], "lat": WEST_OF_G1[1]})["placement"]
    assert (west["grid"], west["outside"]) == (G1, True)
    assert west["outside_m"] == pytest.approx(202, abs=1)
    assert west["bearing_deg"] == pytest.approx(90, abs=0.1)
    hole = _send(api, position={"lng": IN_HOLE[0], "lat": IN_HOLE[1]})["placement"]
    assert (hole["grid"], hole["outside"]) == (G3, True)


def test_datums(api: TestClient) -> None:
    gcj = _send(api, position={"lng": 104.305, "lat": 24.885, "datum": "gcj02"})
    assert gcj["position"]["given_datum"] == "gcj02"
    assert gcj["position"]["lng"] < 104.304
    unknown = _send(
        api, position={"lng": 104.305, "lat": 24.885, "datum": "unknown", "radius_m": 200.0}
    )
    assert unknown["position"]["radius_m"] == 600.0
    assert unknown["placement"]["neighbours"]


def test_faults_of_meaning_come_all_at_once(api: TestClient) -> None:
    body = {
        "category": "crime",
        "kind": "murder",
        "urgency": 9,
    }
    answer = api.post(POST, json=body)
    assert _faults(answer) == {
        "category": "unknown_category",
        "kind": "unknown_kind",
        "urgency": "bad_urgency",
        "text": "nothing_to_act_on",
    }
    assert "livelihood, dispute, violation, emergency" in answer.json()["detail"]
    assert "sudden_illness" in answer.json()["detail"]
    assert api.get(POST).json()["incidents"] == []


def test_a_kind_of_another_category_is_refused(api: TestClient) -> None:
    answer = api.post(POST, json={**REPORT, "category": "dispute"})
    assert _faults(answer) == {"kind": "kind_of_other_category"}


@pytest.mark.parametrize(
    "place",
    [
        {"position": None},
        {"position": None, "grid": "530324999999999"},
        {"position": None, "grid": {"no": "code"}},
        {"position": {"lng": 0, "lat": 0}},
        {"position": {"lng": 24.885, "lat": 104.305}},
        {"position": {"lng": 116.4, "lat": 39.9}},
        {"position": {"lng": 34634000.0, "lat": 2753000.0}},
        {"position": {"lng": 1e308, "lat": -1e308, "datum": "bd09"}},
        {"position": {"lng": 5e-324, "lat": 5e-324, "datum": "gcj02"}},
        {"position": {"lng": "104.3", "lat": None}},
        {"position": {"lng": True, "lat": 24.88}},
        {"position": {"lat": 24.88}},
        {"position": "茶馆旁边"},
        {"position": [104.3, 24.88]},
        {"position": {"lng": 10**400, "lat": 24.88}},
    ],
)
def test_a_call_is_never_refused_over_its_position(api: TestClient, place: dict[str, Any]) -> None:
    body = _send(api, **place)
    assert body["unlocated"]
    assert body["unplaced"]
    assert (body["placement"], body["nearest"], body["assignments"]) == (None, None, [])
    assert "待定位" in body["headline"]
    listed = api.get(POST, params={"unlocated": "true"}).json()
    assert [one["number"] for one in listed["incidents"]] == [body["number"]]
    assert listed["incidents"][0]["alarms"] == ["unlocated", "place_unsure"]
    assert listed["alarms"]["unlocated"] == 1
    placed = api.put(f"{POST}/{body['id']}/position", json={"position": REPORT["position"]})
    assert placed.status_code == 200, placed.text
    assert placed.json()["placement"]["unit"] == U1
    assert len(placed.json()["assignments"]) == 5
    assert api.get(POST, params={"unlocated": "true"}).json()["incidents"] == []


@pytest.mark.parametrize(
    ("changes", "radius_m"),
    [({"radius_m": -5}, 0.0), ({"radius_m": "wide"}, 0.0), ({"datum": "mars"}, 400.0)],
)
def test_a_doubtful_part_does_not_hide_a_good_position(
    api: TestClient, changes: dict[str, Any], radius_m: float
) -> None:
    body = _send(api, position={**REPORT["position"], **changes})  # type: ignore[dict-item]
    assert body["placement"]["unit"] == U1
    assert body["position"]["radius_m"] == radius_m
    assert len(body["notes"]) == 1


def test_text_at_its_limit(api: TestClient) -> None:
    assert _send(api, text="火" * 8000)["text"] == "火" * 8000
    assert _faults(api.post(POST, json={**REPORT, "text": "火" * 8001})) == {
        "text": "string_too_long"
    }


@pytest.mark.parametrize("key", ["nothing", "罗平-20261123-9999", "%00", "%F0%9F%9A%91", "a" * 65])
def test_what_is_not_known_is_not_found(api: TestClient, key: str) -> None:
    answer = api.get(f"{POST}/{key}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_pages_of_the_list_meet_without_gap_or_overlap(api: TestClient) -> None:
    sent = [_send(api, text=str(n))["number"] for n in range(7)]
    listed: list[str] = []
    before: str | None = None
    pages = 0
    while pages == 0 or before:
        query = {"limit": 3} | ({"before": before} if before else {})
        page = api.get(POST, params=query).json()
        listed += [incident["number"] for incident in page["incidents"]]
        before = page["next"]
        pages += 1
    assert pages == 3
    assert listed == sent[::-1]
    assert api.get(POST, params={"limit": 7}).json()["next"] is None


@pytest.mark.parametrize("limit", ["0", "501", "1.5", "many", ""])
def test_limits_of_the_list(api: TestClient, limit: str) -> None:
    assert set(_faults(api.get(POST, params={"limit": limit}))) == {"limit"}


def test_a_page_after_nothing_is_not_found(api: TestClient) -> None:
    assert api.get(POST, params={"before": "罗平-20200101-0001"}).status_code == 404


def test_the_events_come_with_the_case(api: TestClient) -> None:
    answer = _send(api)
    events = api.get(f"{POST}/{answer['id']}").json()["events"]
    assert [e["name"] for e in events] == [
        *("incident_received", "handover_asked"),
        *["responder_assigned"] * 5,
        "force_missing",
    ]
    assigned = [one["responder"] for one in answer["assignments"]]
    assert [e["payload"]["responder"] for e in events[2:7]] == assigned
    assert "19900000001" not in str(events)


def test_a_named_grid_that_contradicts_the_position_is_told_and_not_stored(api: TestClient) -> None:
    body = _send(api, grid=G2)
    assert body["placement"]["grid"] == G1
    (note,) = body["notes"]
    assert G1 in note
    assert G2 in note
    assert "GCJ-02" in note


def test_the_list_withholds_the_particulars_of_sensitive_kinds(api: TestClient) -> None:
    private = {"text": "丈夫打人", "address": "甲社区1号"}
    hidden = _send(api, kind="domestic_violence", **private)
    plain = _send(api, **private)
    assert (hidden["withheld"], hidden["text"]) == (False, "丈夫打人")
    answer = api.get(POST)
    shown, listed = answer.json()["incidents"]
    assert (listed["number"], listed["withheld"]) == (hidden["number"], True)
    assert (listed["text"], listed["address"], listed["position"]) == ("【敏感】", "", None)
    assert listed["placement"]["neighbours"] == []
    assert (shown["number"], shown["withheld"]) == (plain["number"], False)
    assert {name: shown[name] for name in private} == private
    assert answer.text.count("丈夫打人") == 1
    one = api.get(f"{POST}/{quote(hidden['number'])}").json()
    assert {name: one[name] for name in private} == private
    assert (one["withheld"], one["position"]) == (False, hidden["position"])


def test_names_are_of_the_map_the_report_was_placed_on(
    api: TestClient, api_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_runtime, "map_or_none", lambda: None)
    monkeypatch.setattr(api_runtime, "map", lambda: None)
    assert _send(api)["placement"]["grid_name"] == "甲一网格"


def test_who_may_only_report_is_not_told_who_the_force_are(api_runtime: Runtime) -> None:
    token = key_for(api_runtime, "reporter")
    know_keys(api_runtime)
    api = client_of(create_app(api_runtime))
    headers = {"Authorization": f"Bearer {token}"}
    answer = api.post(POST, json=REPORT, headers=headers)
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["assignments"]) == 5
    assert not any(one.name in answer.text for one in api_runtime.force().responders)
    assert api.get(f"{POST}/{answer.json()['id']}", headers=headers).status_code == 403


def test_the_reporter_is_kept_apart_and_shown_to_the_desk(api: TestClient) -> None:
    who = {"name": "张三", "phone": "13800000000", "confidential": True}
    body = _send(api, reporter=who)
    assert "张三" not in str(body)
    file = api.get(f"{POST}/{body['id']}").json()
    assert file["reporter"] == who
    assert "张三" not in str(file["events"]) + str(file["decision"])


def test_filters_of_the_list(api: TestClient) -> None:
    urgent = _send(api)["number"]
    drill = _send(api, drill=True, position={"lng": IN_G2[0], "lat": IN_G2[1]})["number"]
    plain = _send(api, category="livelihood", kind="policy_advice")["number"]

    def found(**query: Any) -> list[str]:
        answer = api.get(POST, params=query)
        assert answer.status_code == 200, answer.text
        return [one["number"] for one in answer.json()["incidents"]]

    assert found(stage="paperwork_owed") == [drill, urgent]
    assert found(stage="paperwork_owed", drill="false") == [urgent]
    assert found(category="livelihood") == [plain]
    assert found(urgency=[1, 4]) == [plain, drill, urgent]
    assert found(area=G2) == [drill]
    assert found(area="530324102") == []
    assert found(area="530324") == [plain, drill, urgent]
    assert found(kind=["policy_advice", "fight"]) == [plain]
    assert found(open="true", unlocated="false", overdue="true") == []
    assert found(until="2020-01-01T00:00:00+08:00") == []
    assert _faults(api.get(POST, params={"kind": "murder"})) == {"kind": "unknown_kind"}
    assert api.get(POST).json()["alarms"]["paperwork_owed"] == 1  # a drill is in no figure


def test_a_drill_is_marked(api: TestClient) -> None:
    assert _send(api, drill=True)["headline"].startswith("【演练】特急")

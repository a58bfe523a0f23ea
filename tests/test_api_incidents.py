"""Taking a report and giving it back."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from gridsvc.domain.events import IncidentReceived
from gridsvc.runtime import Runtime
from tests.api_county import EDGE_G1_G2, G1, G2, G3, IN_G2, IN_HOLE, REPORT, U1, WEST_OF_G1

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
    assert [c["code"] for c in nearest["required"]] == ["first_on_scene", "first_aid", "ambulance"]
    assert nearest["missing"] == []
    assert [p["id"] for p in nearest["chosen"]] == ["R0001", "R0004", "R0005", "R0002"]
    first = nearest["chosen"][0]
    assert first["role"] == "sentinel"
    assert first["role_name"] == "吹哨人"
    assert first["phone"] == "19900000001"
    assert first["from"] == "home"
    assert first["distance_m"] == pytest.approx(10.1, abs=0.1)
    assert all(p["reasons"] for p in nearest["chosen"])
    refused = {p["id"]: p["reasons"] for p in nearest["refused"]}
    assert refused["R0006"] == ["不在岗"]
    assert "不具备所需能力" in refused["R0003"][0]
    assert nearest["lay"] == {"code": "approach", "name": "群众力量可到场"}
    assert nearest["hand_over"] == ["120"]
    assert "直线距离" in nearest["note"]


def test_lay_people_stay_away_from_a_weapon(api: TestClient) -> None:
    nearest = _send(api, kind="armed_gas_hazmat")["nearest"]
    assert nearest["chosen"] == []
    assert nearest["lay"]["code"] == "none"
    assert nearest["hand_over"] == ["110", "119"]
    assert all(p["reasons"] for p in nearest["refused"])


def test_english_on_request(api: TestClient) -> None:
    answer = api.post(POST, params={"lang": "en"}, json=REPORT).json()
    assert (answer["category_name"], answer["urgency_name"]) == ("emergency", "critical")
    assert "straight lines" in answer["nearest"]["note"]


def test_what_is_given_back_is_what_was_answered(api: TestClient) -> None:
    answer = _send(api, text="多行\n文字 🚑 𠀀", drill=True)
    answer.pop("nearest")
    assert answer.pop("notes") == []
    assert api.get(f"{POST}/{answer['id']}").json() == answer
    assert api.get(f"{POST}/{quote(answer['number'])}").json() == answer


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
        "position": {"lng": 24.885, "lat": 104.305},
        "category": "crime",
        "kind": "murder",
        "urgency": 9,
    }
    answer = api.post(POST, json=body)
    assert _faults(answer) == {
        "category": "unknown_category",
        "kind": "unknown_kind",
        "urgency": "bad_urgency",
        "position": "position_swapped",
    }
    assert "livelihood, dispute, violation, emergency" in answer.json()["detail"]
    assert "sudden_illness" in answer.json()["detail"]
    assert api.get(POST).json()["incidents"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"category": "dispute"}, {"kind": "kind_of_other_category"}),
        ({"position": None}, {"position": "no_place"}),
        ({"position": None, "grid": "530324999999999"}, {"grid": "unknown_grid"}),
        ({"position": {"lng": 0, "lat": 0}}, {"position": "position_null_island"}),
        ({"position": {"lng": 116.4, "lat": 39.9}}, {"position": "position_far_away"}),
        (
            {"position": {"lng": 34634000.0, "lat": 2753000.0}},
            {"position": "position_out_of_range"},
        ),
        (
            {"position": {"lng": 104.3, "lat": 24.88, "radius_m": -5}},
            {"radius_m": "bad_radius"},
        ),
        ({"position": {"lng": 1e308, "lat": -1e308, "datum": "bd09"}}, None),
        ({"position": {"lng": 5e-324, "lat": 5e-324, "datum": "gcj02"}}, None),
    ],
)
def test_reports_that_cannot_be_taken(
    api: TestClient, changes: dict[str, Any], expected: dict[str, str] | None
) -> None:
    faults = _faults(api.post(POST, json={**REPORT, **changes}))
    assert faults == expected or (expected is None and set(faults) == {"position"})


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


def test_the_event_says_what_was_answered(api: TestClient, api_runtime: Runtime) -> None:
    answer = _send(api)
    with api_runtime.store.read() as reading:
        events = [e for e in reading.events.after(0) if e.name == IncidentReceived.name]
    assert [e.payload["incident"] for e in events] == [answer["id"]]
    assert events[0].payload["nearest"] == [p["id"] for p in answer["nearest"]["chosen"]]
    assert "19900000001" not in str(events[0].payload)


def test_a_named_grid_that_contradicts_the_position_is_told_and_not_stored(api: TestClient) -> None:
    body = _send(api, grid=G2)
    assert body["placement"]["grid"] == G1
    (note,) = body["notes"]
    assert G1 in note
    assert G2 in note
    assert "GCJ-02" in note
    assert "notes" not in api.get(f"{POST}/{body['id']}").json()


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
    maps = [api_runtime.map()]
    monkeypatch.setattr(api_runtime, "map", maps.pop)  # a second question would find no map
    assert _send(api)["placement"]["grid_name"] == "甲一网格"

"""Every error is a problem with all its faults, in the asked language."""

import json
import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.errors import FAULTS_SHOWN, STATUS, status_of
from gridsvc.domain import errors as domain_errors
from gridsvc.domain.errors import Fault, GridsvcError, NotReadyError, PositionError
from gridsvc.domain.words import Text
from gridsvc.runtime import Runtime
from tests.api_county import REPORT, client_of

pytest_plugins = ("tests.api_fixtures",)

POST = "/api/v1/incidents"


def _problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "faults"}
    assert body["status"] == status
    assert body["type"].startswith("urn:gridsvc:problem:")
    assert body["faults"]
    for fault in body["faults"]:
        assert set(fault) == {"code", "where", "message"}
        assert fault["message"] in body["detail"]
    return body


def _faults(answer: Any, status: int = 422) -> dict[str, str]:
    return {fault["where"]: fault["code"] for fault in _problem(answer, status)["faults"]}


def test_every_error_class_has_a_status() -> None:
    family = [
        value
        for value in vars(domain_errors).values()
        if isinstance(value, type) and issubclass(value, GridsvcError)
    ]
    fault = Fault("x", Text("错", "wrong"))
    assert {status_of(kind(fault)) for kind in family} == set(STATUS.values())
    assert status_of(PositionError(fault)) == 422
    assert status_of(NotReadyError(fault)) == 503


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/incidents/", "/api/v2/grids", "/docs"])
def test_unknown_paths(api: TestClient, path: str) -> None:
    assert _faults(api.get(path), 404) == {"": "unknown_path"}


def test_unknown_methods_say_which_are_known(api: TestClient) -> None:
    answer = api.delete(POST)
    assert _faults(answer, 405) == {"": "method_not_allowed"}
    assert answer.headers["allow"] == "GET, POST", "every method, whichever route has it"
    assert api.post("/static/vendor").headers["allow"]


def test_all_faults_of_a_body_at_once(api: TestClient) -> None:
    body = {
        "position": {"lng": "104.3", "lat": True, "datum": "mars", "radius_m": "1", "hight": 3},
        "category": 7,
        "urgency": 1.5,
        "drill": "yes",
        "colour": "red",
    }
    assert _faults(api.post(POST, json=body)) == {
        "category": "string_type",
        "kind": "missing",
        "urgency": "int_type",
        "drill": "bool_type",
        "colour": "extra_forbidden",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"kind": "unheard_of", "urgency": 9, "grid": "530324", "colour": "red"},
            {
                "category": "missing",
                "colour": "extra_forbidden",
                "kind": "unknown_kind",
                "urgency": "bad_urgency",
            },
        ),
        ({**REPORT, "position": {"lng": 24.88, "lat": 104.3}, "drill": 1}, {"drill": "bool_type"}),
        (
            {"position": {"lng": "x", "lat": 0.0, "radius_m": 1e9}, "category": "crime"},
            {"kind": "missing", "category": "unknown_category"},
        ),
        (
            {"position": None, "category": "dispute", "kind": "fight", "text": 1},
            {"text": "string_type", "kind": "kind_of_other_category"},
        ),
        (
            {"category": "", "kind": ""},
            {
                "category": "unknown_category",
                "kind": "unknown_kind",
                "text": "nothing_to_act_on",
            },
        ),
        ({}, {"category": "missing", "kind": "missing"}),
    ],
)
def test_faults_of_shape_and_of_meaning_come_together(
    api: TestClient, body: dict[str, Any], expected: dict[str, str]
) -> None:
    assert _faults(api.post(POST, json=body)) == expected
    assert len(_problem(api.post(POST, json=body), 422)["faults"]) == len(expected)


def test_messages_carry_the_value_and_the_remedy_in_both_languages(api: TestClient) -> None:
    body = {**REPORT, "urgency": "1", "drill": 1}
    chinese = _problem(api.post(POST, json=body), 422)
    assert chinese["title"] == "内容有误"
    assert "urgency：应为整数" in chinese["detail"]
    assert "drill：应为 true 或 false，收到的是 1" in chinese["detail"]
    english = _problem(api.post(POST, params={"lang": "en"}, json=body), 422)
    assert "drill: must be true or false, not 1" in english["detail"]
    assert english == _problem(api.post(POST, json=body, headers={"Accept-Language": "en"}), 422)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999", "1" + "0" * 400, "null", "[]"])
def test_numbers_that_are_none_leave_the_call_unlocated(api: TestClient, number: str) -> None:
    said = '"category": "emergency", "kind": "sudden_illness"'
    content = f'{{"position": {{"lng": {number}, "lat": 24.8}}, {said}}}'
    headers = {"Content-Type": "application/json", "Idempotency-Key": "odd"}
    first, again = (api.post(POST, content=content, headers=headers) for _ in range(2))
    assert first.status_code == 201, first.text
    assert first.json()["unlocated"]
    assert again.content == first.content


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b'{"text": "\xd6\xd0"}',
        b"[" * 60_000,
        b'{"urgency": ' + b"9" * 5000 + b"}",
        "罗平".encode("utf-16"),
    ],
)
def test_bodies_that_are_no_json(api: TestClient, content: bytes) -> None:
    answer = api.post(POST, content=content, headers={"Content-Type": "application/json"})
    expected = {"body": "missing"} if not content else None
    faults = _faults(answer, 422 if expected else 400)
    assert faults == expected or set(faults.values()) <= {"json_invalid", "body_unreadable"}


@pytest.mark.parametrize("content", [b"[]", b"null", b"7", b'"text"', b"true"])
def test_bodies_that_are_no_object(api: TestClient, content: bytes) -> None:
    answer = api.post(POST, content=content, headers={"Content-Type": "application/json"})
    assert set(_faults(answer)) == {"body"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_json_must_be_called_json(api: TestClient, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = api.post(POST, content=b'{"category": "emergency"}', headers=headers)
    assert _faults(answer, 415) == {"Content-Type": "content_type"}


@pytest.mark.parametrize("character", ["\ud800", "\x00", "\x1b", "\x7f"])
def test_text_that_no_store_can_hold(api: TestClient, character: str) -> None:
    body = json.dumps({**REPORT, "text": f"甲{character}"}).encode()
    answer = api.post(POST, content=body, headers={"Content-Type": "application/json"})
    assert _faults(answer) in ({"text": "text_character"}, {"text": "string_unicode"})
    name = json.dumps({**REPORT, character: 1}).encode()
    answer = api.post(POST, content=name, headers={"Content-Type": "application/json"})
    assert len(_faults(answer)) == 1


def test_thousands_of_faults_are_counted_not_listed(api: TestClient) -> None:
    answer = api.post(POST, json={**REPORT, **{f"x{n}": 1 for n in range(3000)}})
    faults = _problem(answer, 422)["faults"]
    assert len(faults) == FAULTS_SHOWN + 1
    assert faults[-1]["code"] == "more_faults"
    assert str(3000 - FAULTS_SHOWN) in faults[-1]["message"]


def test_what_nobody_foresaw_is_logged_and_not_told(
    api_runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(api_runtime)
    secret = "/home/secret/password.txt"

    def fail() -> None:
        raise RuntimeError(secret)

    app.add_api_route("/fail", fail)
    with caplog.at_level(logging.ERROR, "gridsvc.api"):
        answer = client_of(app).get("/fail")
    assert _faults(answer, 500) == {"": "internal"}
    assert secret not in answer.text
    assert "RuntimeError" not in answer.text
    assert secret in caplog.text
    assert "GET '/fail'" in caplog.text

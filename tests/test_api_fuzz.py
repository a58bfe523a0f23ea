"""Bodies and queries that nobody in their right mind sends: an answer each time, never a 500."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.app import create_app
from gridsvc.domain.geo import Datum
from gridsvc.domain.kinds import KINDS
from tests.api_county import G1, G2, client_of, county_in

MANY = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXTS = st.text(st.characters(codec=None), max_size=40)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.floats(104.29, 104.35),
    st.floats(24.87, 24.91),
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


READABLE = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)
PLACES = st.fixed_dictionaries(
    {"lng": st.floats(104.29, 104.35), "lat": st.floats(24.87, 24.91)},
    optional={
        "datum": st.sampled_from(list(Datum)),
        "source": READABLE.map(lambda text: text[:32]),
        "radius_m": st.floats(0, 2000) | st.none(),
    },
)


@st.composite
def sound_reports(draw: st.DrawFn) -> dict[str, Any]:
    """A report that must be taken."""
    kind = draw(st.sampled_from(KINDS))
    body: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"kind": st.just(kind.code), "category": st.just(kind.category)},
            optional={
                "urgency": st.integers(1, 4) | st.none(),
                "text": READABLE,
                "address": READABLE,
                "drill": st.booleans(),
            },
        )
    )
    if draw(st.booleans()):
        return {**body, "position": draw(PLACES)}
    return {**body, "grid": draw(st.sampled_from([G1, G2]))}


FIELDS = ["position", "grid", "category", "kind", "urgency", "text", "address", "drill"]
INNER = ["lng", "lat", "datum", "source", "radius_m"]


@st.composite
def odd_reports(draw: st.DrawFn) -> Any:
    """A sound report in which one thing is anything at all."""
    body = draw(sound_reports())
    place = body.get("position")
    name = draw(st.sampled_from(FIELDS + INNER) | TEXTS)
    if place is not None and name in INNER:
        return {**body, "position": {**place, name: draw(JSON)}}
    return {**body, name: draw(JSON)}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client of one county for all examples: what an example stores, the next one finds."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    runtime = county_in(folder)
    yield client_of(create_app(runtime))
    runtime.close()


def _answered(answer: Any, *good: int) -> None:
    assert answer.status_code in (*good, 400, 404, 405, 413, 415, 422), answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["faults"]


def _post(api: TestClient, body: Any) -> Any:
    content = json.dumps(body).encode()
    return api.post(
        "/api/v1/incidents", content=content, headers={"Content-Type": "application/json"}
    )


@MANY
@given(body=sound_reports())
@example(body={"category": "emergency", "kind": "fight", "grid": G1, "text": "\U0010ffff\ufffe"})
@example(body={"category": "dispute", "kind": "land_dispute", "grid": G1, "text": "\u202e ﷽"})
def test_sound_reports_are_taken_and_given_back(served: TestClient, body: Any) -> None:
    answer = _post(served, body)
    assert answer.status_code == 201, answer.text
    stored = served.get(answer.headers["location"]).json()
    assert stored["text"] == body.get("text", "")
    assert stored["address"] == body.get("address", "")
    assert stored["drill"] == body.get("drill", False)


@MANY
@given(body=odd_reports())
def test_odd_reports(served: TestClient, body: Any) -> None:
    _answered(_post(served, body), 201)


@MANY
@given(
    body=st.dictionaries(st.sampled_from(FIELDS) | TEXTS, JSON, max_size=6),
    place=st.dictionaries(st.sampled_from(INNER) | TEXTS, JSON | st.sampled_from(list(Datum))),
)
@example(body={"grid": "", "category": "", "kind": "", "urgency": 10**30}, place={"lng": 1e308})
@example(
    body={"kind": "x" * 64, "text": None}, place={"lng": 1e308, "lat": -1e308, "datum": "bd09"}
)
@example(body={"category": "crime"}, place={"lng": 104.3, "lat": 24.8, "radius_m": 1e308})
def test_many_odd_things_at_once(served: TestClient, body: Any, place: Any) -> None:
    _answered(_post(served, {**body, "position": place}), 201)
    _answered(_post(served, body), 201)


@MANY
@given(body=JSON)
def test_any_json(served: TestClient, body: Any) -> None:
    _answered(_post(served, body))


@MANY
@given(content=st.binary(max_size=200), kind=st.sampled_from(["application/json", "x", "a/b;c"]))
def test_any_bytes(served: TestClient, content: bytes, kind: str) -> None:
    headers = {"Content-Type": kind}
    _answered(served.post("/api/v1/incidents", content=content, headers=headers))
    _answered(served.put("/api/v1/responders/R0001/position", content=content, headers=headers))


@MANY
@given(
    path=st.sampled_from(["locate", "grids", "units", "incidents", "../maps/risk"]),
    query=st.dictionaries(
        st.sampled_from(
            ["lng", "lat", "datum", "radius_m", "code", "bbox", "limit", "before", "days"]
        )
        | st.text(max_size=8),
        st.text(max_size=20) | NUMBERS.map(str) | st.lists(NUMBERS, max_size=5).map(str),
        max_size=4,
    ),
)
def test_any_query(served: TestClient, path: str, query: dict[str, str]) -> None:
    _answered(served.get(f"/api/v1/{path}", params=query), 200)


@MANY
@given(key=st.text(min_size=1, max_size=80), raw=st.binary(min_size=1, max_size=8))
def test_any_key(served: TestClient, key: str, raw: bytes) -> None:
    for part in (quote(key, safe="", errors="replace"), quote(raw, safe="")):
        _answered(served.get(f"/api/v1/incidents/{part}"), 200)
        position = {"lng": 104.305, "lat": 24.885}
        _answered(served.put(f"/api/v1/responders/{part}/position", json=position), 204)


@MANY
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]),
    path=st.sampled_from(["/", "/readyz", "/static/base.js", "/api/v1/grids"])
    | st.text(max_size=9),
    language=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
)
def test_any_method_path_and_language(
    served: TestClient, method: str, path: str, language: str
) -> None:
    url = "/" + quote(path.lstrip("/"), errors="replace")
    answer = served.request(method, url, headers={"Accept-Language": language})
    assert answer.status_code in (200, 404, 405, 422), answer.text

"""The pages as the server gives them; what they look like is tried in a browser elsewhere."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.area import as_multipolygon
from gridsvc.domain.events import MapPublished
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import G4, REPORT, client_of

pytest_plugins = ("tests.api_fixtures",)


def _page(api: TestClient, path: str) -> str:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return str(answer.text)


@pytest.mark.parametrize("path", ["/", "/maps/risk", "/maps/coverage"])
def test_pages_name_only_files_that_we_serve(api: TestClient, path: str) -> None:
    page = _page(api, path)
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(name.startswith("/static/") for name in named)
    for name in named:
        assert name.startswith(("/", "#", "data:")), name
        assert not name.startswith("//"), name
        if name.startswith("/static/"):
            assert api.get(name).status_code == 200, name


@pytest.mark.parametrize("path", ["/", "/maps/risk", "/maps/coverage"])
def test_pages_are_chinese_or_english_and_say_demo(api: TestClient, path: str) -> None:
    assert "演示数据" in _page(api, path)
    assert "DEMO DATA" in _page(api, f"{path}?lang=en")


@pytest.mark.parametrize("path", ["/", "/maps/risk", "/maps/coverage"])
def test_a_browser_set_to_english_does_not_turn_a_page_english(api: TestClient, path: str) -> None:
    asked = {"Accept-Language": "en-US,en;q=0.9"}
    assert "演示数据" in api.get(path, headers=asked).text
    refused = api.get("/maps/risk?days=0", headers=asked).json()
    assert refused["title"] == "内容有误"
    assert api.get("/api/v1/nothing", headers=asked).json()["title"] == "Not found"


def test_the_other_language_is_one_click_away_with_the_same_choice(api: TestClient) -> None:
    page = _page(api, "/maps/risk?days=30&category=dispute")
    assert 'href="/maps/risk?lang=en&amp;days=30&amp;category=dispute"' in page
    english = _page(api, "/maps/risk?lang=en&days=30&category=dispute")
    assert 'href="/maps/risk?lang=zh&amp;days=30&amp;category=dispute"' in english
    assert 'href="/?lang=en"' in english
    surface = _page(api, "/maps/risk?view=surface")
    assert 'href="/maps/risk?lang=en&amp;days=365&amp;view=surface"' in surface
    coverage = _page(api, "/maps/coverage?group=fire&state=nominal&minutes=5")
    chosen = "group=fire&amp;state=nominal&amp;minutes=5"
    assert f'href="/maps/coverage?lang=en&amp;{chosen}"' in coverage


def test_static_files_are_kept_by_their_content_and_asked_anew_otherwise(api: TestClient) -> None:
    named = re.search(r'"(/static/base\.js\?v=\w+)"', _page(api, "/"))
    assert named is not None
    answer = api.get(named[1])
    assert "immutable" in answer.headers["cache-control"]
    plain = api.get("/static/base.js")
    assert plain.headers["cache-control"] == "no-cache"
    again = api.get("/static/base.js", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = api.head("/static/base.js")
    assert (head.status_code, head.headers["etag"]) == (200, plain.headers["etag"])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/maps/risk",
        "/maps/coverage",
        "/healthz",
        "/nothing",
        "/static/base.js",
        "/api/v1/grids",
    ],
)
def test_every_answer_tells_the_browser_what_not_to_do(api: TestClient, path: str) -> None:
    headers = api.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert path.startswith("/static") or headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_large_answers_are_compressed(api: TestClient) -> None:
    for path in (
        "/",
        "/maps/risk",
        "/maps/coverage",
        "/static/vendor/leaflet/leaflet.js",
        "/api/v1/openapi.json",
    ):
        assert api.get(path).headers["content-encoding"] == "gzip", path
        plain = api.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers


def test_a_new_map_is_drawn_anew(api_runtime: Runtime) -> None:
    api = client_of(create_app(api_runtime))
    assert "地图版本 1" in _page(api, "/maps/risk")
    api_runtime.watch()
    with api_runtime.store.write() as work:
        grids = [
            replace(grid, geometry=as_multipolygon(shapely.box(104.33, 24.88, 104.345, 24.90)))
            if grid.code == G4
            else grid
            for grid in api_runtime.map().published.grids
        ]
        units = [unit for unit in api_runtime.map().published.units if unit.grid != G4]
        change = work.areas.publish(
            grids=grids,
            units=units,
            layer="grids",
            source="t",
            clean=False,
            demo=True,
            at=datetime.now(UTC),
        )
        work.events.record(MapPublished(change.version, "grids", 0, 1, 0))
    until = time.monotonic() + 10
    while api_runtime.map().published.version == 1:
        assert time.monotonic() < until
        time.sleep(0.02)
    for path in ("/maps/risk", "/maps/coverage", "/"):
        assert "[24.9,104.345]" in _page(api, path), path
    assert "Grids (of 4)" in _page(api, "/maps/coverage?lang=en")
    assert "地图版本 2" in _page(api, "/maps/risk")


def test_the_risk_page_counts_what_was_reported(api: TestClient) -> None:
    quarrel = {**REPORT, "category": "dispute", "kind": "neighbour_quarrel"}
    for body in (REPORT, REPORT, REPORT, quarrel):
        assert api.post("/api/v1/incidents", json=body).status_code == 201
    assert api.post("/api/v1/incidents", json={**REPORT, "drill": True}).status_code == 201

    def counted(query: str) -> str:
        found = re.search(r"Reports counted</dt><dd>([\d,]+)", _page(api, f"/maps/risk?{query}"))
        assert found is not None
        return found[1]

    assert counted("lang=en") == "4"
    assert counted("lang=en&category=") == "4"
    assert counted("lang=en&category=dispute") == "1"
    assert counted("lang=en&category=dispute&category=emergency&days=1") == "4"


@pytest.mark.parametrize(
    "query",
    [
        *("risk?days=0", "risk?days=x", "risk?category=crime", "risk?period=7", "risk?view=3d"),
        *("coverage?group=police", "coverage?minutes=7", "coverage?state=now", "coverage?at=1"),
    ],
)
def test_what_the_maps_refuse(api: TestClient, query: str) -> None:
    answer = api.get(f"/maps/{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_before_any_import_home_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings.read(data=tmp_path)
    store = Store.open(settings.url, county=settings.county)
    store.upgrade()
    store.close()
    runtime = Runtime.open(settings)
    try:
        api = client_of(create_app(runtime))
        assert "gridsvc import" in _page(api, "/")
        assert api.get("/maps/risk").status_code == 503
        assert api.get("/maps/coverage").status_code == 503
    finally:
        runtime.close()


@pytest.mark.parametrize(
    "name", ["nothing.js", "", "../page.py", "..%2fpage.py", "%2e%2e/page.py", "vendor"]
)
def test_nothing_else_is_served(api: TestClient, name: str) -> None:
    answer = api.get(f"/static/{name}")
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/problem+json"

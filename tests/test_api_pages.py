"""The pages as the server gives them; what they look like is tried in a browser elsewhere."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import REPORT, client_of

pytest_plugins = ("tests.api_fixtures",)


def _page(api: TestClient, path: str) -> str:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return str(answer.text)


@pytest.mark.parametrize("path", ["/", "/maps/risk"])
def test_pages_name_only_files_that_we_serve(api: TestClient, path: str) -> None:
    page = _page(api, path)
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(name.startswith("/static/") for name in named)
    for name in named:
        assert name.startswith(("/", "#", "data:")), name
        assert not name.startswith("//"), name
        if name.startswith("/static/"):
            assert api.get(name).status_code == 200, name


@pytest.mark.parametrize("path", ["/", "/maps/risk"])
def test_pages_are_chinese_or_english_and_say_demo(api: TestClient, path: str) -> None:
    assert "演示数据" in _page(api, path)
    assert "DEMO DATA" in _page(api, f"{path}?lang=en")


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


@pytest.mark.parametrize("query", ["days=0", "days=x", "category=crime", "period=7"])
def test_what_the_risk_page_refuses(api: TestClient, query: str) -> None:
    answer = api.get(f"/maps/risk?{query}")
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
    finally:
        runtime.close()


@pytest.mark.parametrize(
    "name", ["nothing.js", "", "../page.py", "..%2fpage.py", "%2e%2e/page.py", "vendor"]
)
def test_nothing_else_is_served(api: TestClient, name: str) -> None:
    answer = api.get(f"/static/{name}")
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/problem+json"

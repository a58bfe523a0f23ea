"""Behind a proxy on this machine: who needs a key, and which path is asked for."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import RIGHTS
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.api_county import client_of
from tests.test_api_auth import key_for

LIST = "/api/v1/incidents"
PROXIED = "/grid"


@pytest.fixture
def wary(api_runtime: Runtime, tmp_path: Path) -> Runtime:
    """The county's runtime as one that trusts nobody without a key."""
    api_runtime.settings = Settings.read(data=tmp_path, trust_loopback=False)
    return api_runtime


def test_where_loopback_is_not_trusted_everybody_shows_a_key(wary: Runtime) -> None:
    """A proxy that rewrites Host and adds no header makes everybody look like this machine."""
    here = client_of(create_app(wary))
    refused = here.get(LIST)
    assert (refused.status_code, refused.json()["faults"][0]["code"]) == (401, "key_for_all")
    assert "www-authenticate" in refused.headers
    assert "GRIDSVC_TRUST_LOOPBACK" in refused.json()["detail"]
    assert here.get("/healthz").status_code == 200
    assert here.get("/readyz").status_code == 200
    assert here.get("/metrics").status_code == 401
    viewer = {"Authorization": f"Bearer {key_for(wary, 'viewer')}"}
    assert here.get(LIST, headers=viewer).status_code == 200
    assert here.get("/metrics", headers=viewer).status_code == 200
    assert here.post(LIST, headers=viewer, json={}).status_code == 403


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().trust_loopback is True
    monkeypatch.setenv("GRIDSVC_TRUST_LOOPBACK", "false")
    assert Settings.read().trust_loopback is False


@pytest.fixture
def under(api_runtime: Runtime) -> TestClient:
    """A client of an application that a proxy serves under a path, as uvicorn's --root-path has
    it: the path of every request begins with it."""
    app = create_app(api_runtime)
    return TestClient(
        app,
        base_url=f"http://127.0.0.1:8000{PROXIED}",
        root_path=PROXIED,
        client=("10.0.0.7", 50000),
    )


def test_rights_are_asked_for_under_the_path_of_a_proxy(
    under: TestClient, api_runtime: Runtime
) -> None:
    token = key_for(api_runtime, "viewer")
    for method, path in RIGHTS:
        if "{" in path or path == "/api/v1/stream":
            continue
        asked = under.request(method, path)
        expected = 200 if RIGHTS[method, path] is None else 401
        assert asked.status_code == expected, (method, path)
    viewer = {"Authorization": f"Bearer {token}"}
    assert under.get(LIST, headers=viewer).status_code == 200
    assert under.get("/healthz").url.path == f"{PROXIED}/healthz"
    refused = under.post(LIST, headers=viewer, json={})
    assert (refused.status_code, refused.json()["faults"][0]["code"]) == (403, "missing_right")
    english = under.get(LIST, headers={"Accept-Language": "en"})
    assert english.json()["title"] == "A key is needed"


def test_figures_name_the_route_whatever_it_is_served_under(
    under: TestClient, api_runtime: Runtime
) -> None:
    viewer = {"Authorization": f"Bearer {key_for(api_runtime, 'viewer')}"}
    under.get(LIST, headers=viewer)
    figures = under.get("/metrics", headers=viewer).text
    assert f'method="GET",route="{LIST}",status="200"' in figures

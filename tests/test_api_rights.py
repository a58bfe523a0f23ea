"""The table of rights: every route is in it, and what a path asks for."""

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.auth import RIGHTS, check_rights, rights_asked, routes_of
from gridsvc.domain.rights import Right
from gridsvc.runtime import Runtime


@pytest.fixture
def app(api_runtime: Runtime) -> FastAPI:
    """An application on the small county."""
    return create_app(api_runtime)


def test_every_route_is_in_the_table_of_rights(app: FastAPI) -> None:
    assert len(routes_of(app)) >= 12
    assert set(routes_of(app)) <= set(RIGHTS)
    assert {path for (_, path), right in RIGHTS.items() if right is None} == {
        "/healthz",
        "/readyz",
        "/static/{path:path}",
        "/a/{token}",
    }


def test_a_route_that_is_not_there_stops_the_start(app: FastAPI) -> None:
    app.add_api_route("/api/v1/forgotten", lambda: None, methods=["DELETE"])
    with pytest.raises(RuntimeError, match=r"DELETE.*/api/v1/forgotten"):
        check_rights(app)


def test_what_several_routes_could_take_asks_for_the_rights_of_all() -> None:
    assert rights_asked("GET", "/healthz") == {None}
    assert rights_asked("HEAD", "/healthz") == {None}
    assert rights_asked("POST", "/healthz") == set()
    assert rights_asked("POST", "/api/v1/incidents/x/supervision") == {Right.SUPERVISE}
    assert rights_asked("GET", "/api/v1/incidents/罗平-20261123-0042") == {Right.READ}

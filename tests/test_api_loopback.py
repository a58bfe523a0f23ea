"""Nobody but this machine's own user: clients, Host and Origin headers."""

import pytest
from fastapi.testclient import TestClient

from api.loopback import refusal
from tests.api_county import REPORT

pytest_plugins = ("tests.api_fixtures",)

OURS = [("host", "127.0.0.1:8000")]


def _refused(
    headers: list[tuple[str, str]] | None = None,
    *,
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
    method: str = "GET",
) -> str | None:
    raw = [(k.encode(), v.encode("latin-1")) for k, v in (OURS if headers is None else headers)]
    fault = refusal({"type": "http", "method": method, "headers": raw, "client": client})
    return None if fault is None else fault.code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_clients_are_served(host: str) -> None:
    assert _refused(client=(host, 1)) is None


@pytest.mark.parametrize(
    "host", ["10.0.0.7", "192.168.1.5", "::ffff:10.0.0.7", "fe80::1", "0.0.0.0", "", "testclient"]
)
def test_other_clients_are_refused(host: str) -> None:
    assert _refused(client=(host, 1)) == "foreign_client"


def test_a_client_without_an_address_is_refused() -> None:
    assert _refused(client=None) == "foreign_client"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_opens_no_door(header: str) -> None:
    assert _refused([*OURS, (header.lower(), "203.0.113.9")]) == "foreign_client"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "[::1]", "127.0.0.2"]
)
def test_hosts_that_name_this_machine(host: str) -> None:
    assert _refused([("host", host)]) is None


@pytest.mark.parametrize(
    "host",
    [
        "rebind.example",
        "127.0.0.1.rebind.example",
        "localhost.rebind.example",
        "localhost@rebind.example",
        "192.168.1.5:8000",
        "::1",
        "",
        "127.0.0.1:port",
        "127.0.0.1:8000 rebind.example",
    ],
)
def test_hosts_that_do_not(host: str) -> None:
    assert _refused([("host", host)]) == "foreign_host"


def test_no_host_and_two_hosts_are_refused() -> None:
    assert _refused([]) == "foreign_host"
    assert _refused([("host", "localhost"), ("host", "rebind.example")]) == "foreign_host"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://rebind.example",
        "null",
        "http://127.0.0.1:3000",
        "http://localhost:8000",
        "file://127.0.0.1:8000",
        "http://[bad",
        "",
    ],
)
def test_pages_of_other_origins_may_not_change_anything(method: str, origin: str) -> None:
    assert _refused([*OURS, ("origin", origin)], method=method) == "foreign_origin"


def test_our_own_pages_may() -> None:
    own = [*OURS, ("origin", "http://127.0.0.1:8000"), ("sec-fetch-site", "same-origin")]
    assert _refused(own, method="POST") is None
    assert _refused(method="POST") is None, "curl sends no Origin"
    assert _refused([*OURS, ("sec-fetch-site", "cross-site")], method="POST") == "foreign_origin"


def test_reading_asks_for_no_origin() -> None:
    assert _refused([*OURS, ("origin", "http://rebind.example")]) is None


def test_the_application_answers_a_problem_and_takes_nothing(api: TestClient) -> None:
    for headers, code in [
        ({"Host": "rebind.example"}, "foreign_host"),
        ({"Origin": "http://rebind.example"}, "foreign_origin"),
    ]:
        before = api.get("/api/v1/incidents").json()
        answer = api.post("/api/v1/incidents", json=REPORT, headers=headers)
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert [fault["code"] for fault in answer.json()["faults"]] == [code]
        assert api.get("/api/v1/incidents").json() == before


def test_a_foreign_client_is_refused_by_the_application(api: TestClient) -> None:
    stranger = TestClient(api.app, base_url="http://127.0.0.1:8000", client=("10.0.0.7", 50000))
    for path in ("/", "/healthz", "/static/page.css", "/api/v1/openapi.json", "/nothing"):
        assert stranger.get(path).status_code == 403


def test_websockets_are_closed(api: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), api.websocket_connect("/"):
        pass

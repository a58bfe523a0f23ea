"""Who may ask: this machine's own user, and who shows a key; each what they have the right to."""

import base64
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api.app import create_app
from api.auth import Refusal, TheCaller, judge
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.keys import KeyRing
from gridsvc.domain.rights import RIGHTS_OF, Caller, KeyRole, Right
from gridsvc.flows.keys import add_key, revoke_key
from gridsvc.runtime import Runtime
from tests.api_county import IN_U1, REPORT

OURS = [("host", "127.0.0.1:8000")]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PAGES = ("/", "/maps/risk", "/api/v1/openapi.json", "/api/v1/incidents", "/api/v1/grids")


def key_for(runtime: Runtime, *roles: str, area: str | None = None) -> str:
    """The token of a new key, which the runtime knows already."""
    whose = "R0001" if "responder" in roles else None
    _, token = add_key(
        runtime.store,
        name="k",
        roles=roles,
        area=area,
        responder=whose,
        scheme=CodeScheme(),
        now=NOW,
    )
    know_keys(runtime)
    return token


def know_keys(runtime: Runtime) -> None:
    """What a follower of the log does at a new key."""
    with runtime.store.read() as reading:
        runtime._keys = KeyRing(reading.keys.all())


def basic(password: str, user: str = "anybody") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def app(api_runtime: Runtime) -> FastAPI:
    """An application on the small county."""
    return create_app(api_runtime)


@pytest.fixture
def far(app: FastAPI) -> TestClient:
    """A client on another machine, which reaches this one by its name."""
    return TestClient(app, base_url="http://grid.example", client=("10.0.0.7", 50000))


def judged(
    app: FastAPI,
    headers: list[tuple[str, str]] | None = None,
    *,
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
    method: str = "GET",
    path: str = "/api/v1/incidents",
) -> Caller | str:
    """The caller of a request, or the code of its refusal."""
    raw = [(k.encode(), v.encode("latin-1")) for k, v in (OURS if headers is None else headers)]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": raw,
        "client": client,
        "app": app,
    }
    answer = judge(scope)
    assert answer is not None
    return answer.fault.code if isinstance(answer, Refusal) else answer


def is_local(answer: Caller | str) -> bool:
    return isinstance(answer, Caller) and answer.id == "local" and answer.area == "530324"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_clients_need_no_key(app: FastAPI, host: str) -> None:
    assert is_local(judged(app, client=(host, 1)))


@pytest.mark.parametrize(
    "host", ["10.0.0.7", "192.168.1.5", "::ffff:10.0.0.7", "fe80::1", "0.0.0.0", "", "testclient"]
)
def test_other_clients_need_one(app: FastAPI, host: str) -> None:
    assert judged(app, client=(host, 1)) == "foreign_client"


def test_a_client_without_an_address_needs_one(app: FastAPI) -> None:
    assert judged(app, client=None) == "foreign_client"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto", "Via"]
)
def test_a_proxy_on_this_machine_opens_no_door(app: FastAPI, header: str) -> None:
    assert judged(app, [*OURS, (header.lower(), "203.0.113.9")]) == "foreign_client"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "[::1]", "127.0.0.2"]
)
def test_hosts_that_name_this_machine(app: FastAPI, host: str) -> None:
    assert is_local(judged(app, [("host", host)]))


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
def test_hosts_that_do_not(app: FastAPI, host: str) -> None:
    assert judged(app, [("host", host)]) == "foreign_host"


def test_no_host_and_two_hosts_are_not_this_machine(app: FastAPI) -> None:
    assert judged(app, []) == "foreign_host"
    assert judged(app, [("host", "localhost"), ("host", "rebind.example")]) == "foreign_host"


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
def test_pages_of_other_origins_may_not_change_anything(
    app: FastAPI, method: str, origin: str
) -> None:
    assert judged(app, [*OURS, ("origin", origin)], method=method) == "foreign_origin"


def test_our_own_pages_may(app: FastAPI) -> None:
    own = [*OURS, ("origin", "http://127.0.0.1:8000"), ("sec-fetch-site", "same-origin")]
    assert is_local(judged(app, own, method="POST"))
    assert is_local(judged(app, method="POST")), "curl sends no Origin"
    cross = [*OURS, ("sec-fetch-site", "cross-site")]
    assert judged(app, cross, method="POST") == "foreign_origin"


def test_reading_asks_for_no_origin(app: FastAPI) -> None:
    assert is_local(judged(app, [*OURS, ("origin", "http://rebind.example")]))


def test_what_a_browser_sends_by_itself_is_held_to_the_origin_and_a_bearer_token_is_not(
    app: FastAPI, api_runtime: Runtime
) -> None:
    token = key_for(api_runtime, "reporter")
    for shown, code in ((basic(token), "foreign_origin"), (f"Bearer {token}", None)):
        for page in (("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")):
            headers = [("host", "grid.example"), ("authorization", shown), page]
            answer = judged(app, headers, client=("10.0.0.7", 1), method="POST")
            assert answer == code if code else isinstance(answer, Caller)
    own = [
        ("host", "grid.example"),
        ("authorization", basic(token)),
        ("origin", "https://grid.example"),
    ]
    assert isinstance(judged(app, own, client=("10.0.0.7", 1), method="POST"), Caller)


def test_strangers_get_a_problem_a_challenge_and_nothing_else(far: TestClient) -> None:
    for path in (*PAGES, "/nothing", "/api/v1/incidents/x"):
        answer = far.get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Basic realm=" in answer.headers["www-authenticate"]
        assert "Bearer realm=" in answer.headers["www-authenticate"]
        assert [fault["code"] for fault in answer.json()["faults"]] == ["foreign_client"]
        assert "gridsvc keys add" in answer.json()["detail"]
    assert far.post("/healthz").status_code == 401, "open to be asked, not for anything else"


def test_health_and_static_files_are_open(far: TestClient) -> None:
    assert far.get("/healthz").json() == {"status": "ok"}
    assert far.get("/readyz").status_code == 200
    assert far.get("/static/page.css").status_code == 200
    assert far.get("/static/../api/v1/incidents").status_code != 200
    assert far.get("/static/%2e%2e/auth.py").status_code == 404


def test_a_stranger_changes_nothing(far: TestClient, api_runtime: Runtime) -> None:
    before = api_runtime.counts()
    for headers in ({}, {"Authorization": "Bearer gsk_x"}, {"Host": "127.0.0.1:8000"}):
        answer = far.post("/api/v1/incidents", json=REPORT, headers=headers)
        assert answer.status_code == 401
    assert api_runtime.counts() == before


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}", "BEARER  {}", "Basic"])
def test_a_key_opens_the_pages(far: TestClient, api_runtime: Runtime, scheme: str) -> None:
    token = key_for(api_runtime, "viewer")
    shown = basic(token) if scheme == "Basic" else scheme.format(token)
    for path in PAGES:
        assert far.get(path, headers={"Authorization": shown}).status_code == 200
    assert far.get("/nothing", headers={"Authorization": shown}).status_code == 404
    assert far.get("/healthz", headers={"Authorization": shown}).status_code == 200


def test_a_key_has_the_rights_of_its_roles_and_no_others(
    far: TestClient, api_runtime: Runtime
) -> None:
    place = {"lng": IN_U1[0], "lat": IN_U1[1]}
    for role in KeyRole:
        headers = {"Authorization": f"Bearer {key_for(api_runtime, role)}"}
        for right, answer in (
            (Right.READ, far.get("/api/v1/incidents", headers=headers)),
            (Right.READ, far.get("/", headers=headers)),
            (
                Right.FORCE,
                far.put("/api/v1/responders/R0005/position", json=place, headers=headers),
            ),
            (Right.REPORT, far.post("/api/v1/incidents", content=b"{", headers=headers)),
        ):
            held = right in RIGHTS_OF[role]
            assert (answer.status_code != 403) is held, (role, right)
            assert answer.status_code != 401
            if not held:
                fault = answer.json()["faults"][0]
                assert fault["code"] == "missing_right"
                assert f"（{right}）" in fault["message"]


def test_a_device_of_one_area_moves_nobody_of_another(
    far: TestClient, api_runtime: Runtime
) -> None:
    known = api_runtime.force().get("R0005")
    assert known is not None
    with api_runtime.store.write() as work:
        work.force.upsert([replace(known, area="530324001001")])
    runtime = Runtime.open(api_runtime.settings)
    far.app.state.runtime = runtime  # type: ignore[attr-defined]
    place = {"lng": IN_U1[0], "lat": IN_U1[1]}
    for area, responder, status in (
        ("530324001", "R0005", 204),
        ("530324001001", "R0005", 204),
        ("530324102", "R0005", 404),
        ("530324001", "R0001", 404),
        ("530324001", "nobody", 404),
        ("530324", "R0001", 204),
        ("530324", "nobody", 404),
    ):
        headers = {"Authorization": f"Bearer {key_for(runtime, 'device', area=area)}"}
        answer = far.put(f"/api/v1/responders/{responder}/position", json=place, headers=headers)
        assert answer.status_code == status, (area, responder)
        if status == 404:
            assert answer.json()["faults"][0]["code"] == "unknown_responder"
    runtime.close()


def test_no_spelling_of_a_path_goes_round_its_right(far: TestClient, api_runtime: Runtime) -> None:
    headers = {"Authorization": f"Bearer {key_for(api_runtime, 'device')}"}
    for path in (
        *("/api/v1/incidents", "/api/v1/incidents%0A", "/api/v1/incidents/", "//api/v1/incidents"),
        *("/%61pi/v1/incidents", "/api/v1/incidents;x", "/api/v1/incidents?x=/healthz", "/%0A"),
        *("/static/..%2fapi/v1/incidents", "/healthz/../api/v1/incidents", "/API/v1/incidents"),
    ):
        assert far.get(path, headers=headers).status_code in (403, 404)
        assert far.head(path, headers=headers).status_code in (403, 404, 405)


def test_a_revoked_key_is_refused(far: TestClient, api_runtime: Runtime) -> None:
    token = key_for(api_runtime, "viewer")
    headers = {"Authorization": f"Bearer {token}"}
    assert far.get("/api/v1/incidents", headers=headers).status_code == 200
    revoke_key(api_runtime.store, token.split("_")[1], now=NOW)
    know_keys(api_runtime)
    answer = far.get("/api/v1/incidents", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["faults"][0]["code"] == "bad_key"


def test_on_this_machine_a_shown_key_counts_with_its_own_rights(
    api: TestClient, api_runtime: Runtime
) -> None:
    headers = {"Authorization": f"Bearer {key_for(api_runtime, 'reporter')}"}
    assert api.get("/api/v1/incidents").status_code == 200
    assert api.get("/api/v1/incidents", headers=headers).status_code == 403
    wrong = {"Authorization": "Bearer nonsense"}
    assert api.get("/api/v1/incidents", headers=wrong).status_code == 401


@pytest.mark.parametrize(
    "shown",
    [
        b"",
        b" ",
        b"Bearer",
        b"Bearer ",
        b"Basic",
        b"Basic ",
        b"Basic !!!!",
        b"Basic YQ",
        b"Basic YQ==",
        b"Basic " + base64.b64encode(b"\xff\xfe:\xff"),
        b"Basic " + base64.b64encode(b":"),
        b"Basic " + base64.b64encode("用户:gsk_密钥".encode()),
        b"Bearer \xff\xfe\x80",
        "Bearer gsk_密钥".encode(),
        b"Bearer " + b"gsk_" * 25_000,
        b"Digest username=x",
        b"Negotiate AAAA",
        b"gsk_aaaaaaaaaaaa_" + b"A" * 43,
        b"Bearer gsk_aaaaaaaaaaaa_" + b"A" * 43,
        b"Basic " + b"A" * 1_000_000,
        b"\t\x0b\x0c",
    ],
)
def test_nonsense_is_no_key_and_no_failure(far: TestClient, shown: bytes) -> None:
    answer = far.get("/api/v1/incidents", headers=[(b"authorization", shown)])
    assert answer.status_code == 401
    assert answer.json()["faults"]


def test_two_authorizations_are_none(far: TestClient, api_runtime: Runtime) -> None:
    shown = f"Bearer {key_for(api_runtime, 'viewer')}".encode()
    twice = [(b"authorization", shown), (b"authorization", shown)]
    assert far.get("/api/v1/incidents", headers=twice).status_code == 401


def test_tokens_stay_out_of_answers_and_logs(
    far: TestClient, api_runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    token = key_for(api_runtime, "device")
    secret = token.split("_", 2)[2]
    with caplog.at_level(logging.DEBUG):
        answers = [
            far.get("/", headers={"Authorization": shown})
            for shown in (f"Bearer {token}", f"Bearer {token}x", basic(token + "x"), token)
        ]
    assert [answer.status_code for answer in answers] == [403, 401, 401, 401]
    for answer in answers:
        assert secret not in answer.text + str(answer.headers)
    assert secret not in caplog.text


def test_a_route_is_told_who_asks(app: FastAPI, far: TestClient, api_runtime: Runtime) -> None:
    def who(caller: TheCaller) -> dict[str, str]:
        return {"id": caller.id, "area": caller.area}

    app.add_api_route("/metrics", who)
    app.router.routes.insert(0, app.router.routes.pop())  # asked before the one of that path
    token = key_for(api_runtime, "viewer", area="530324001")
    told = far.get("/metrics", headers={"Authorization": f"Bearer {token}"}).json()
    assert told == {"id": token.split("_")[1], "area": "530324001"}


def test_websockets_are_closed(api: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), api.websocket_connect("/"):
        pass

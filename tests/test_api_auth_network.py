"""Who may ask over a real network: the address that counts is the one that cannot be claimed."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import uvicorn

from api.app import create_app
from gridsvc.runtime import Runtime
from tests.api_county import REPORT
from tests.test_api_auth import basic, key_for


def own_address() -> str:
    """This machine's address on its network, by which it is a stranger to itself."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        with suppress(OSError):
            probe.connect(("192.0.2.1", 9))  # Nothing is sent: the kernel picks the address.
        found: str = probe.getsockname()[0]
    if found.startswith(("127.", "0.")):
        with suppress(OSError):
            found = socket.gethostbyname(socket.gethostname())
    if found.startswith(("127.", "0.")):
        pytest.skip("no IPv6 nor any other network: this machine has a loopback address alone")
    return found


@pytest.fixture
def served(api_runtime: Runtime) -> Iterator[int]:
    """The port of a real server on every address of this machine."""
    app = create_app(api_runtime)
    listener = socket.create_server(("0.0.0.0", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", proxy_headers=False))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(timeout=20)
    listener.close()


def test_over_the_network_a_key_is_what_counts(served: int, api_runtime: Runtime) -> None:
    def ask(host: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(host, served, timeout=20)) as wire:
            body = json.dumps(REPORT) if method == "POST" else None
            wire.request(method, "/api/v1/incidents", body, {"Connection": "close"} | headers)
            answer = wire.getresponse()
            return answer.status, json.loads(answer.read())

    far = own_address()
    assert ask("127.0.0.1")[0] == 200
    assert ask(far)[0] == 401
    assert ask(far, Host="127.0.0.1")[0] == 401, "a Host header is only a claim"
    assert ask("127.0.0.1", Host=far)[0] == 401
    local = {"X-Forwarded-For": "127.0.0.1"}
    assert ask(far, Host="localhost", **local)[0] == 401
    assert ask("127.0.0.1", **local)[0] == 401
    token = key_for(api_runtime, "viewer")
    assert ask(far, Authorization=f"Bearer {token}")[0] == 200
    assert ask(far, Authorization=basic(token))[0] == 200
    assert ask(far, "POST", Authorization=f"Bearer {token}")[0] == 403
    assert ask(far, Authorization=f"Bearer {token[:-1]}")[0] == 401


def test_headers_of_ten_megabytes_are_no_failure_of_ours(served: int) -> None:
    host = own_address()
    with socket.create_connection((host, served), timeout=20) as wire:
        with suppress(OSError):
            wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ")
            for _ in range(160):
                wire.sendall(b"A" * 65536)
            wire.sendall(b"\r\n\r\n")
        answer = b""
        with suppress(OSError):
            answer = wire.recv(200)
    assert b" 200 " not in answer
    assert b" 500 " not in answer
    with closing(http.client.HTTPConnection(host, served, timeout=20)) as again:
        again.request("GET", "/healthz")
        assert again.getresponse().status == 200

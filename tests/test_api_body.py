"""The limit on request bodies, declared or not."""

import asyncio
from collections.abc import Iterator

from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api.body import MAX_BODY_BYTES, BodyLimit
from tests.api_county import REPORT

pytest_plugins = ("tests.api_fixtures",)

JSON = {"Content-Type": "application/json"}


def _refused(api: TestClient, content: bytes | Iterator[bytes]) -> None:
    answer = api.post("/api/v1/incidents", content=content, headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["faults"][0]["code"] == "body_too_large"
    assert "64 KB" in answer.json()["detail"]


def test_a_body_of_exactly_the_limit_is_read(api: TestClient) -> None:
    answer = api.post("/api/v1/incidents", content=b" " * MAX_BODY_BYTES, headers=JSON)
    assert answer.status_code == 400


def test_a_byte_more_is_refused(api: TestClient) -> None:
    _refused(api, b" " * (MAX_BODY_BYTES + 1))


def test_a_body_in_pieces_without_a_length_is_refused_too(api: TestClient) -> None:
    _refused(api, iter([b" " * 1024] * 65))


def test_a_text_of_ten_megabytes_is_refused(api: TestClient) -> None:
    answer = api.post("/api/v1/incidents", json={**REPORT, "text": "火" * 3_500_000})
    assert answer.status_code == 413


def test_any_path_and_method_has_the_limit(api: TestClient) -> None:
    large = b" " * (MAX_BODY_BYTES + 1)
    assert api.request("GET", "/healthz", content=large).status_code == 413
    assert api.put("/api/v1/nothing", content=large).status_code == 413


def test_half_a_body_of_a_client_that_left_reaches_nobody() -> None:
    reached: list[Scope] = []
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"a": 1}', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope)

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there to be answered")

    asyncio.run(BodyLimit(application)({"type": "http", "headers": []}, receive, send))
    assert not reached

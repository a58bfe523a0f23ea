"""A limit on the size of request bodies, however they are sent."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem, spoken
from gridsvc.domain.errors import Fault
from gridsvc.domain.words import Text

MAX_BODY_BYTES = 64 * 1024

MAX_POSITIONS_BYTES = 512 * 1024
"""A thousand positions are the one thing that is larger."""

_POSITIONS = ("/api/v1/positions", "/api/v1/me/positions")


class BodyLimit:
    """Reads the body before anybody else does, and answers 413 where it is too large.

    Bodies are small by design, so one is held in memory whole and handed on in one piece.
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = MAX_POSITIONS_BYTES if scope.get("path") in _POSITIONS else self.limit
        declared = Headers(scope=scope).get("content-length", "0")
        too_large = declared.isdecimal() and int(declared[:20]) > limit
        try:
            body = None if too_large else await self._read(receive, limit)
        except ClientDisconnect:
            return  # Half a report is not a report, and nobody waits for an answer.
        if body is None:
            answer = problem(413, [_fault(limit)], spoken(Request(scope)), {"Connection": "close"})
            await answer(scope, receive, send)
            return
        given: Message | None = {"type": "http.request", "body": body, "more_body": False}

        async def replay() -> Message:
            nonlocal given
            if given is None:
                return await receive()
            message, given = given, None
            return message

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive, limit: int) -> bytes | None:
        """Read the whole body, None where it is too large.

        Raises
        ------
        ClientDisconnect
            The client left before the end of it.
        """
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                return None
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)


def _fault(limit: int) -> Fault:
    kilobytes = limit // 1024
    return Fault(
        "body_too_large",
        Text(
            f"请求体过大：最多 {kilobytes} KB，请缩短文字",
            f"the body is too large: at most {kilobytes} KB, shorten the text",
        ),
        "body",
    )

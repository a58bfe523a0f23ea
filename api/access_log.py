"""A log line for every request that changes something or fails."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import caller_of
from api.errors import shown_path
from gridsvc import logs

_log = logging.getLogger("gridsvc.api")

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class AccessLog:
    """Says method, path, status, duration, who asked, and the case it was about.

    The query and the body are not said: they may hold what nobody else should read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with logs.bound():
            try:
                await self.app(scope, receive, watched)
            finally:
                if scope["method"] not in _READING or status >= 400 or status == 0:
                    _say(scope, status, time.perf_counter() - started)


def _say(scope: Scope, status: int, duration_s: float) -> None:
    """``status`` 0: the connection ended before there was an answer."""
    caller = caller_of(scope)
    fields = {
        "method": scope["method"],
        "path": shown_path(scope["path"]),
        "status": status,
        "duration_ms": round(1000 * duration_s, 1),
        "caller": None if caller is None else caller.id,
    }
    level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
    _log.log(level, "request", extra={logs.FIELDS: fields})

"""Every error as ``application/problem+json`` (RFC 9457) with all its faults."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import faults, language
from gridsvc.domain.errors import (
    ConflictError,
    Fault,
    GridsvcError,
    InputError,
    NotFoundError,
    NotReadyError,
)
from gridsvc.domain.words import Lang, Text

STATUS: dict[type[GridsvcError], int] = {
    InputError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    NotReadyError: 503,
    GridsvcError: 500,
}
"""Error class -> status. A class that is not named has the status of its base."""

TITLES: dict[int, tuple[str, Text]] = {
    400: ("malformed", Text("请求无法读取", "The request cannot be read")),
    401: ("unauthorized", Text("需要访问密钥", "A key is needed")),
    403: ("refused", Text("拒绝访问", "Access refused")),
    404: ("not_found", Text("没有找到", "Not found")),
    405: ("method_not_allowed", Text("不支持此方法", "Method not allowed")),
    409: ("conflict", Text("与现状冲突", "In conflict with the present state")),
    413: ("too_large", Text("请求过大", "The request is too large")),
    415: ("media_type", Text("内容类型不支持", "Unsupported content type")),
    422: ("invalid", Text("内容有误", "The request has faults")),
    500: ("internal", Text("系统内部错误", "Internal error")),
    503: ("not_ready", Text("系统尚未就绪", "Not ready")),
}
"""Status -> the last part of the problem's ``type``, and its title."""

MEDIA_TYPE = "application/problem+json"
FAULTS_SHOWN = 100
_MOST_PATH = 200

_TEXT = {"type": "string"}
_FAULT_SCHEMA = {
    "type": "object",
    "required": ["code", "where", "message"],
    "properties": {"code": _TEXT, "where": _TEXT, "message": _TEXT},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "faults"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "faults": {"type": "array", "minItems": 1, "items": _FAULT_SCHEMA},
    },
}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Everything that is not a success, with all its faults",
        "content": {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}},
    }
}
"""What the description of the API says of errors."""

_INTERNAL = Fault(
    "internal",
    Text(
        "系统内部出错，已记入日志；请稍后重试，仍不行请联系运维人员",
        "something went wrong inside and was logged; try again, and call the operator if it stays",
    ),
)

_log = logging.getLogger("gridsvc.api")


def status_of(error: GridsvcError) -> int:
    """Look up the status in ``STATUS`` of the error's class or its nearest base."""
    return next(STATUS[base] for base in type(error).__mro__ if base in STATUS)


def problem(
    status: int,
    found: Iterable[Fault],
    lang: Lang,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer ``status`` with every fault, said in ``lang``.

    Parameters
    ----------
    status
        HTTP status.
    found
        The faults; beyond the first ``FAULTS_SHOWN`` only their number is said.
    lang
        Language of title, detail and messages.
    headers
        Further response headers.
    """
    every = tuple(found)
    shown = list(every[:FAULTS_SHOWN])
    if len(every) > FAULTS_SHOWN:
        more = len(every) - FAULTS_SHOWN
        shown.append(Fault("more_faults", Text(f"另有 {more} 处错误未列出", f"{more} more faults")))
    slug, title = TITLES.get(status) or _other_title(status)
    body = {
        "type": f"urn:gridsvc:problem:{slug}",
        "title": title.pick(lang),
        "status": status,
        "detail": GridsvcError(shown).say(lang),
        "faults": [
            {"code": fault.code, "where": fault.where, "message": fault.text.pick(lang)}
            for fault in shown
        ],
    }
    # A name or value echoed back may hold half a surrogate pair, which UTF-8 cannot.
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, headers, MEDIA_TYPE)


def shown_path(path: str) -> str:
    """A path as a log may show it: a link to an assignment is a secret, and is left out."""
    return "/a/..." if path.startswith("/a/") else path[:_MOST_PATH]


def _other_title(status: int) -> tuple[str, Text]:
    phrase = HTTPStatus(status).phrase
    return phrase.lower().replace(" ", "_"), Text(phrase, phrase)


def spoken(connection: HTTPConnection) -> Lang:
    """Pick the language of the answer to ``connection``."""
    default = cast(Lang, connection.app.state.runtime.settings.lang)
    header = get_route_path(connection.scope).startswith("/api/")
    return language.language(connection, default, header=header)


def install(app: FastAPI, *, methods_of: Callable[[Scope], Iterable[str]]) -> None:
    """Make ``app`` answer every error as a problem; ``methods_of`` names the methods that a path
    takes, where the router knows only those of the first route that fits."""

    async def _http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        fault = faults.of_http(error.status_code, request.method, request.url.path)
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(methods_of(request.scope))
        return problem(error.status_code, [fault], spoken(request), headers)

    app.add_exception_handler(GridsvcError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, GridsvcError)
    request.app.state.metrics.refused(error)
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s %r failed", request.method, shown_path(request.url.path), exc_info=error)
        return problem(status, [_INTERNAL], spoken(request))
    return problem(status, error.faults, spoken(request))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    status, found = faults.of_validation(error, request.headers.get("content-type", ""))
    return problem(status, found, spoken(request))


class Unexpected:
    """Logs what nobody foresaw and answers 500 without a word about the inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            _log.error("%s %r failed", scope["method"], shown_path(scope["path"]), exc_info=error)
            if started:
                raise
            answer = problem(500, [_INTERNAL], spoken(Request(scope)))
            await answer(scope, receive, send)

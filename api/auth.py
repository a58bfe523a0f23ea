"""Who asks, and what they may do: asked here and nowhere else, before a byte of a body is read.

This machine's own user needs no key unless the settings ask everybody for one; anybody else shows
one, as a Bearer token or as the password
of HTTP Basic, which browsers can send with every request of a page. A web page in this machine's
browser is somebody else too: a foreign Host header is DNS rebinding, and where a browser vouches
by itself (loopback, Basic) a foreign Origin on a changing request is a page of another site.
"""

import base64
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Literal, cast
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Mount, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem, spoken
from gridsvc.domain.errors import Fault
from gridsvc.domain.keys import KeyRing
from gridsvc.domain.rights import (
    RIGHT_NAMES,
    RIGHTS_OF,
    ROLE_NAMES,
    Caller,
    Right,
    local_caller,
)
from gridsvc.domain.words import Text

_INCIDENT = "/api/v1/incidents/{key}"
_ALERT = "/api/v1/alerts/{alert}"
_ROSTER = "/api/v1/responders/{responder}/roster"

RIGHTS: dict[tuple[str, str], Right | None] = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/static/{path:path}"): None,
    ("GET", "/metrics"): Right.READ,
    ("GET", "/"): Right.READ,
    ("GET", "/maps/risk"): Right.READ,
    ("GET", "/maps/coverage"): Right.READ,
    ("GET", "/api/v1/openapi.json"): Right.READ,
    ("GET", "/api/v1/locate"): Right.READ,
    ("GET", "/api/v1/coverage"): Right.READ,
    ("GET", "/api/v1/route"): Right.READ,
    ("GET", "/api/v1/grids"): Right.READ,
    ("GET", "/api/v1/units"): Right.READ,
    ("GET", "/api/v1/stream"): Right.READ,
    ("GET", "/api/v1/incidents"): Right.READ,
    ("POST", "/api/v1/incidents"): Right.REPORT,
    ("GET", _INCIDENT): Right.READ,
    ("GET", f"{_INCIDENT}/coverage-advice"): Right.DISPATCH,
    ("PUT", f"{_INCIDENT}/position"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/assignments"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/merge"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/recall"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/steps"): Right.HANDLE,
    ("POST", f"{_INCIDENT}/supervision"): Right.SUPERVISE,
    ("POST", f"{_INCIDENT}/supervision/reply"): Right.HANDLE,
    ("POST", f"{_INCIDENT}/reminders"): Right.SUPERVISE,
    ("POST", "/api/v1/assignments/{id}/steps"): Right.HANDLE,
    ("POST", "/api/v1/dispatch/together"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/alarm-level"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/handovers/{{service}}/ask"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/handovers/{{service}}/answer"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/exclusions"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/recusals"): Right.DISPATCH,
    ("POST", f"{_INCIDENT}/neighbour-told"): Right.DISPATCH,
    ("GET", "/api/v1/exclusions"): Right.DISPATCH,
    ("POST", "/api/v1/exclusions"): Right.DISPATCH,
    ("DELETE", "/api/v1/exclusions/{id}"): Right.DISPATCH,
    ("GET", "/api/v1/cards"): Right.READ,
    ("GET", "/api/v1/cards/{kind}"): Right.READ,
    ("GET", "/api/v1/cards/{kind}/history"): Right.READ,
    ("PUT", "/api/v1/cards/{kind}"): Right.CARDS,
    ("GET", _ROSTER): Right.DISPATCH,
    ("POST", f"{_ROSTER}/exceptions"): Right.DISPATCH,
    ("DELETE", f"{_ROSTER}/exceptions/{{id}}"): Right.DISPATCH,
    ("GET", "/api/v1/closures"): Right.READ,
    ("POST", "/api/v1/closures"): Right.DISPATCH,
    ("GET", "/api/v1/closures/{id}"): Right.READ,
    ("POST", "/api/v1/closures/{id}/lift"): Right.DISPATCH,
    ("PUT", "/api/v1/responders/{responder}/position"): Right.FORCE,
    ("GET", "/alerts/{alert}"): Right.READ,
    ("GET", "/api/v1/alerts"): Right.READ,
    ("POST", "/api/v1/alerts"): Right.DISPATCH,
    ("GET", _ALERT): Right.READ,
    ("POST", f"{_ALERT}/end"): Right.DISPATCH,
    ("GET", f"{_ALERT}/calls"): Right.READ,
    ("POST", f"{_ALERT}/calls/told-in-person"): Right.HANDLE,
    ("POST", f"{_ALERT}/calls/{{responder}}/answer"): Right.HANDLE,
    ("POST", f"{_ALERT}/calls/{{responder}}/told-in-person"): Right.HANDLE,
    ("POST", f"{_ALERT}/calls/{{responder}}/unreached"): Right.HANDLE,
    ("POST", "/api/v1/positions"): Right.FORCE,
    ("GET", "/api/v1/me/assignments"): Right.OWN,
    ("POST", "/api/v1/me/assignments/{id}/decline"): Right.OWN,
    ("POST", "/api/v1/me/assignments/{id}/{step}"): Right.OWN,
    ("POST", "/api/v1/me/positions"): Right.OWN,
    ("GET", "/a/{token}"): None,
    ("POST", "/a/{token}"): None,
}
"""(method, route) -> the right it asks for; None: open to everybody. HEAD asks as GET does."""

_PATTERNS = [(method, compile_path(path)[0], right) for (method, path), right in RIGHTS.items()]
_CALLER = "gridsvc.caller"
_PATH = "gridsvc.path"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = (
    *("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
    "x-real-ip",
)
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^:\[\]@/]+))(?::\d{1,5})?")
_MAX_CREDENTIALS = 1024
_REALM = 'realm="gridsvc", charset="UTF-8"'
_CHALLENGE = {"WWW-Authenticate": f"Basic {_REALM}, Bearer {_REALM}"}

Scheme = Literal["none", "basic", "bearer"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to who may not: HTTP status and the reason."""

    status: int
    fault: Fault


class Doorkeeper:
    """Lets in this machine's own user and who shows a key, each to what they have the right to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            # Kept as the router first sees it: what a mount serves has a path of its own.
            scope[_PATH] = get_route_path(scope)
            judged = judge(scope)
            if isinstance(judged, Refusal):
                headers = _CHALLENGE if judged.status == 401 else None
                answer = problem(judged.status, [judged.fault], spoken(Request(scope)), headers)
                await answer(scope, receive, send)
                return
            scope[_CALLER] = judged
        await self.app(scope, receive, send)


def judge(scope: Scope) -> Caller | Refusal | None:
    """Who asks with an ASGI ``scope``, where they may; None for nobody, at an open door.

    A key that is shown counts even on this machine, with the rights it has; a wrong one is told.
    """
    runtime = scope["app"].state.runtime
    headers = Headers(scope=scope)
    asked = rights_asked(scope["method"], _path(scope))
    caller, scheme, why = _identify(headers, runtime.keys())
    if scheme == "none":
        trusted = runtime.settings.trust_loopback
        why = _not_local(scope, headers) if trusted else _KEY_FOR_ALL
        caller = local_caller(runtime.settings.county) if why is None else None
    if caller is None:
        return None if asked == {None} else Refusal(401, why or _BAD_KEY)
    # At an open door nobody acts as the browser's own user; a link's token is its own proof.
    vouched = asked != {None} and scheme != "bearer" and scope["method"] not in _SAFE_METHODS
    if vouched and _is_foreign_page(headers):
        return Refusal(403, _FOREIGN_ORIGIN)
    missing = [right for right in Right if right in asked and not caller.may(right)]
    return Refusal(403, _missing(missing[0])) if missing else caller


def rights_asked(method: str, path: str) -> set[Right | None]:
    """What every route asks for that could take ``method`` and ``path`` (as the router sees it,
    without the ``root_path`` of a proxy), {None} for an open one.

    Empty where none could: that is for the router to refuse, and for nobody but a caller to know.
    The patterns are the router's own, so that no spelling of a path slips past one of them.
    """
    method = "GET" if method == "HEAD" else method
    return {right for known, pattern, right in _PATTERNS if known == method and pattern.match(path)}


def methods_of(scope: Scope) -> list[str]:
    """Every method that the path of ``scope`` takes, in the order of the alphabet."""
    path = _path(scope)
    return sorted({method for method, pattern, _ in _PATTERNS if pattern.match(path)})


def route_of(scope: Scope) -> str | None:
    """The route that takes the request of ``scope`` as ``RIGHTS`` names it, None where none."""
    method, path = scope["method"], _path(scope)
    method = "GET" if method == "HEAD" else method
    fitting = (
        route
        for (known, route), (_, pattern, _) in zip(RIGHTS, _PATTERNS, strict=True)
        if known == method and pattern.match(path)
    )
    return next(fitting, None)


def _path(scope: Scope) -> str:
    """The path as the router sees it, without the ``root_path`` under which a proxy serves us."""
    kept = cast(str | None, scope.get(_PATH))
    return get_route_path(scope) if kept is None else kept


def caller_of(scope: Scope) -> Caller | None:
    """Who asked with ``scope``, None for who was not let in or asked at an open door."""
    return cast(Caller | None, scope.get(_CALLER))


def check_rights(app: FastAPI) -> None:
    """Refuse an application with a route that ``RIGHTS`` does not name.

    Raises
    ------
    RuntimeError
        With every such route.
    """
    missing = [route for route in routes_of(app) if route not in RIGHTS]
    if missing:
        raise RuntimeError(f"routes without an entry in api.auth.RIGHTS: {missing}")


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every (method, route) of ``app`` as ``RIGHTS`` names them."""
    found: list[tuple[str, str]] = []
    for context in iter_route_contexts(app.routes):
        path, methods = str(context.path), context.methods or {"GET"}
        if isinstance(context.original_route, Mount):
            path += "/{path:path}"
        found += [(method, path) for method in sorted(methods - {"HEAD"})]
    return found


def is_loopback(host: str) -> bool:
    """Whether ``host`` is ``localhost`` or a loopback address (127.0.0.0/8, ::1)."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _identify(headers: Headers, ring: KeyRing) -> tuple[Caller | None, Scheme, Fault | None]:
    """Whose key ``headers`` show, how, and why it is not taken."""
    shown = headers.getlist("authorization")
    if not shown:
        return None, "none", None
    if len(shown) > 1 or len(shown[0]) > _MAX_CREDENTIALS:
        return None, "bearer", _BAD_CREDENTIALS
    word, _, rest = shown[0].strip().partition(" ")
    match word.lower():
        case "bearer":
            token: str | None = rest.strip()
            scheme: Scheme = "bearer"
        case "basic":
            token, scheme = _password(rest.strip()), "basic"
        case _:
            token, scheme = None, "bearer"
    if token is None:
        return None, scheme, _BAD_CREDENTIALS
    caller = ring.caller(token)
    return caller, scheme, None if caller is not None else _BAD_KEY


def _password(encoded: str) -> str | None:
    """The password of HTTP Basic; the user name says nothing here."""
    try:
        _, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return password if colon else None


def _not_local(scope: Scope, headers: Headers) -> Fault | None:
    """Why the request is not of this machine's own user, or None where it is."""
    client = scope.get("client")
    if client is None or not is_loopback(client[0]) or any(h in headers for h in _FORWARDED):
        return _FOREIGN_CLIENT
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _is_loopback_host(hosts[0]):
        return _FOREIGN_HOST
    return None


def _is_loopback_host(header: str) -> bool:
    found = _HOST.fullmatch(header)
    return found is not None and is_loopback(found["v6"] or found["name"])


def _is_foreign_page(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    return any(len(hosts) != 1 or not _same_origin(origin, hosts[0]) for origin in origins)


def _same_origin(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _missing(right: Right) -> Fault:
    name = RIGHT_NAMES[right]
    roles = [role for role, held in RIGHTS_OF.items() if right in held]
    zh = "、".join(f"{role}（{ROLE_NAMES[role].zh}）" for role in roles)
    return Fault(
        "missing_right",
        Text(
            f"此密钥没有“{name.zh}”权限（{right}）：请改用角色为 {zh} 的密钥",
            f"this key lacks the right to {name.en} ({right}): "
            f"use one with the role {' or '.join(roles)}",
        ),
        "Authorization",
    )


async def _caller(request: Request) -> Caller:
    return cast(Caller, request.scope[_CALLER])


TheCaller = Annotated[Caller, Depends(_caller)]
"""Parameter of a route that must know who asks; not of one that is open to everybody."""

_HOW = Text(
    "请用请求头 Authorization: Bearer 令牌，或在浏览器登录框的密码栏填写令牌；"
    "令牌由管理员用 gridsvc keys add 建立",
    "send the header Authorization: Bearer TOKEN, or enter the token as the password where the "
    "browser asks for one; gridsvc keys add makes a token",
)
_FOREIGN_CLIENT = Fault(
    "foreign_client",
    Text(
        f"从其他机器或经代理访问需要密钥：{_HOW.zh}",
        f"from another machine or through a proxy a key is needed: {_HOW.en}",
    ),
    "Authorization",
)
_KEY_FOR_ALL = Fault(
    "key_for_all",
    Text(
        f"本系统要求所有访问都使用密钥，包括本机（GRIDSVC_TRUST_LOOPBACK=false）：{_HOW.zh}",
        "everybody needs a key here, this machine's own user too (GRIDSVC_TRUST_LOOPBACK=false): "
        f"{_HOW.en}",
    ),
    "Authorization",
)
_FOREIGN_HOST = Fault(
    "foreign_host",
    Text(
        "请求头 Host 不是本机，需要密钥：在本机请用 http://127.0.0.1 或 http://localhost 访问；"
        f"否则{_HOW.zh}",
        "the Host header does not name this machine, so a key is needed: on this machine use "
        f"http://127.0.0.1 or http://localhost; elsewhere {_HOW.en}",
    ),
    "Host",
)
_BAD_CREDENTIALS = Fault(
    "bad_credentials",
    Text(
        f"请求头 Authorization 无法读取：{_HOW.zh}",
        f"the Authorization header cannot be read: {_HOW.en}",
    ),
    "Authorization",
)
_BAD_KEY = Fault(
    "bad_key",
    Text(
        f"密钥无效或已撤销：请核对令牌是否完整；{_HOW.zh}",
        f"the key is not valid or was revoked: check that the token is whole; {_HOW.en}",
    ),
    "Authorization",
)
_FOREIGN_ORIGIN = Fault(
    "foreign_origin",
    Text(
        "来自其他网站的页面不能提交：请在本系统自己的页面上操作",
        "pages of other sites may not send changes: use this system's own pages",
    ),
    "Origin",
)

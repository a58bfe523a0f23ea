"""Only this machine is served: there are no keys yet, so nobody else may ask.

A web page in this machine's browser is somebody else too: a foreign Host header is DNS rebinding,
a foreign Origin on a changing request is a page of another site.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem, spoken
from gridsvc.domain.errors import Fault
from gridsvc.domain.words import Text

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^:\[\]@/]+))(?::\d{1,5})?")


class LoopbackOnly:
    """Refuses every request that does not come from this machine's own user with a 403."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            fault = refusal(scope)
            if fault is not None:
                answer = problem(403, [fault], spoken(Request(scope)))
                await answer(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)


def refusal(scope: Scope) -> Fault | None:
    """Why the request of an ASGI ``scope`` is refused, or None."""
    client = scope.get("client")
    headers = Headers(scope=scope)
    if client is None or not is_loopback(client[0]) or any(h in headers for h in _FORWARDED):
        return _FOREIGN_CLIENT
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _is_loopback_host(hosts[0]):
        return _FOREIGN_HOST
    if scope["method"] not in _SAFE_METHODS and _is_foreign_page(headers, hosts[0]):
        return _FOREIGN_ORIGIN
    return None


def is_loopback(host: str) -> bool:
    """Whether ``host`` is ``localhost`` or a loopback address (127.0.0.0/8, ::1)."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_loopback_host(header: str) -> bool:
    found = _HOST.fullmatch(header)
    return found is not None and is_loopback(found["v6"] or found["name"])


def _is_foreign_page(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origins = headers.getlist("origin")
    return any(not _same_origin(origin, host) for origin in origins)


def _same_origin(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


_FOREIGN_CLIENT = Fault(
    "foreign_client",
    Text(
        "本系统目前只在本机使用：请在运行它的这台电脑上访问，不要经代理转发",
        "only this machine is served: use the computer it runs on, not a proxy in front of it",
    ),
)
_FOREIGN_HOST = Fault(
    "foreign_host",
    Text(
        "请求头 Host 不是本机：请用 http://127.0.0.1 或 http://localhost 访问",
        "the Host header does not name this machine: use http://127.0.0.1 or http://localhost",
    ),
    "Host",
)
_FOREIGN_ORIGIN = Fault(
    "foreign_origin",
    Text(
        "来自其他网站的页面不能提交：请在本系统自己的页面上操作",
        "pages of other sites may not send changes: use this system's own pages",
    ),
    "Origin",
)

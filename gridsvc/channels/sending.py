"""Sending one message by one channel. Nothing here knows of cases, and nothing is retried."""

import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode

from gridsvc.channels.config import BY_APPRISE, Channel, ChannelKind
from gridsvc.domain.words import Text

_MOST_ANSWER = 64 * 1024
_SAMPLE_PHONE = "13800000000"

# They name addresses, and addresses hold secrets.
for _name in ("apprise", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message with its words and its addressee, who exist nowhere else."""

    id: str
    responder: str
    title: str
    text: str = field(repr=False)
    phone: str = field(default="", repr=False)
    name: str = field(default="", repr=False)

    def filled(self, template: str, quoted: bool = False) -> str:
        """``template`` with its placeholders filled, for an address in percent encoding."""
        for name in ("phone", "responder", "name", "title", "id", "text"):
            value = str(getattr(self, name))
            template = template.replace(f"{{{name}}}", quote(value, safe="") if quoted else value)
        return template


class SendError(Exception):
    """A channel did not take a message; ``code`` says why and holds nothing of either."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def deliver(channel: Channel, message: Outgoing) -> None:
    """Send ``message`` by ``channel``; returns when it was taken.

    Raises
    ------
    SendError
        It was not, or nobody can say whether it was.
    """
    send = _by_apprise if channel.kind in BY_APPRISE else _by_gateway
    try:
        send(channel, message)
    except SendError:
        raise
    except TimeoutError:
        raise SendError("timeout") from None
    except Exception as error:
        # Whatever a library raises may show an address.
        raise SendError(f"error_{type(error).__name__.lower()}") from None


def apprise_fault(channel: Channel) -> Text | None:
    """Why the address of a channel of apprise cannot be used."""
    plugin = _plugin(channel, Outgoing("0", "R0", "-", "-", _SAMPLE_PHONE))
    if plugin is None:
        return Text(
            "apprise 不认识此地址：请对照 apprise 文档中该服务的格式",
            "apprise does not know this address: see its documentation of the service",
        )
    if channel.kind is ChannelKind.MAIL and "mail" not in str(plugin.secure_protocol or ""):
        return Text("邮件地址应以 mailto:// 或 mailtos:// 开头", "mail begins with mailtos://")
    return None


def _plugin(channel: Channel, message: Outgoing) -> Any:
    from apprise import Apprise

    plugin = Apprise.instantiate(message.filled(channel.url, quoted=True), suppress_exceptions=True)
    if plugin is not None:
        plugin.socket_connect_timeout = plugin.socket_read_timeout = channel.timeout_s
    return plugin


def _by_apprise(channel: Channel, message: Outgoing) -> None:
    from apprise import Apprise, NotifyFormat

    plugin = _plugin(channel, message)
    if plugin is None:
        raise SendError("bad_address")
    apprise = Apprise(plugin)
    if not apprise.notify(title=message.title, body=message.text, body_format=NotifyFormat.TEXT):
        raise SendError("not_taken")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A gateway that sends elsewhere is not the one that was configured."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(_NoRedirects)


def _by_gateway(channel: Channel, message: Outgoing) -> None:
    body = _filled(dict(channel.body), message.filled)
    if channel.form:
        content, kind = urlencode(body).encode(), "application/x-www-form-urlencoded"
    else:
        content, kind = json.dumps(body, ensure_ascii=False).encode(), "application/json"
    headers = {name: message.filled(value) for name, value in channel.headers.items()}
    request = urllib.request.Request(  # noqa: S310 checked to be http or https
        message.filled(channel.url, quoted=True),
        data=content,
        headers={"Content-Type": kind, "Idempotency-Key": message.id, **headers},
    )
    until = time.monotonic() + channel.timeout_s
    try:
        with _OPENER.open(request, timeout=channel.timeout_s) as answer:
            said = _read(answer, until)
    except urllib.error.HTTPError as error:
        error.close()
        raise SendError(f"http_{error.code}") from None
    except urllib.error.URLError as error:
        late = isinstance(error.reason, TimeoutError)
        raise SendError("timeout" if late else "unreachable") from None
    except (HTTPException, ConnectionError):
        raise SendError("unreachable") from None
    if channel.expect:
        _expect(channel, said)


def _read(answer: HTTPResponse, until: float) -> bytes:
    """What is answered, as far as it comes in time."""
    said = b""
    while len(said) < _MOST_ANSWER and (piece := answer.read1(4096)):
        said += piece
        if time.monotonic() > until:
            raise SendError("timeout")
    return said


def _expect(channel: Channel, said: bytes) -> None:
    try:
        told = json.loads(said)
    except ValueError:
        raise SendError("bad_answer") from None
    if not isinstance(told, dict):
        raise SendError("bad_answer")
    if any(told.get(name) != value for name, value in channel.expect.items()):
        raise SendError("not_taken")


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {name: _filled(part, fill) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, fill) for part in value]
    return value

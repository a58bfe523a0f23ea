"""The file of channels: which there are, and who is told by which.

Addresses of channels hold secrets: no fault, no log line and no ``repr`` shows one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gridsvc.domain.force import Responder, Role
from gridsvc.domain.messages import MessageKind


class ChannelKind(StrEnum):
    """What is behind a channel: a service that apprise knows (WeCom, DingTalk and a hundred
    more), mail (apprise too), or a gateway that takes an HTTP request."""

    APPRISE = "apprise"
    MAIL = "mail"
    SMS = "sms"
    VOICE = "voice"
    WEBHOOK = "webhook"


BY_APPRISE = frozenset({ChannelKind.APPRISE, ChannelKind.MAIL})
PLACEHOLDERS = ("phone", "responder", "name", "title", "text", "id")
"""What an address, a header or a body may name in braces."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. ``url`` is apprise's or a gateway's; ``headers`` and ``body`` are a gateway's,
    ``form`` says that the body is sent as a form, ``expect`` what its JSON answer must say.
    ``link``: its messages hold the link that opens the assignment. ``timeout_s`` seconds are
    waited for an answer, ``at_once`` messages are under way together, ``tries`` made at most."""

    name: str
    kind: ChannelKind
    url: str = field(repr=False)
    link: bool
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    form: bool = False
    expect: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = 10.0
    at_once: int = 4
    tries: int = 8

    def asks_for(self, name: str) -> bool:
        """Whether the placeholder ``name`` is in its address, headers or body."""
        return any(f"{{{name}}}" in text for text in self.texts())

    def texts(self) -> Iterator[str]:
        """Every text of it that may hold placeholders."""
        yield self.url
        yield from _texts(dict(self.headers))
        yield from _texts(dict(self.body))


@dataclass(frozen=True, slots=True)
class Route:
    """A row of who is told by what: messages of ``kinds`` to people of ``roles`` (empty: all), who
    have the app or not (``app`` None: either), go by the channel called ``channel``."""

    channel: str
    kinds: frozenset[MessageKind]
    roles: frozenset[Role] = frozenset()
    app: bool | None = None

    def fits(self, kind: MessageKind, who: Responder) -> bool:
        """Whether a message of ``kind`` to ``who`` may go by this route."""
        return (
            kind in self.kinds
            and (not self.roles or who.role in self.roles)
            and self.app in (None, who.app)
        )


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels by name, the routes in order, and the telephone number of the command centre
    that messages give (empty: none)."""

    by_name: Mapping[str, Channel] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    centre: str = ""

    def __bool__(self) -> bool:
        return bool(self.routes)

    def of(self, kind: MessageKind, who: Responder) -> Iterator[str]:
        """Names of the channels by which ``who`` may be told, the first to be tried first."""
        told: set[str] = set()
        for route in self.routes:
            channel = self.by_name[route.channel]
            if channel.name in told or not route.fits(kind, who):
                continue
            if who.phone or not channel.asks_for("phone"):
                told.add(channel.name)
                yield channel.name


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)

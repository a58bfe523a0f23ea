"""An event as the stream tells it: its bytes, made once for all listeners, and who gets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.shapes import county_time
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.events import (
    ApiKeyAdded,
    ApiKeyRevoked,
    IncidentsImported,
    MapPublished,
    RespondersImported,
    RoadClosed,
    RoadReopened,
    RoadsImported,
    StoredEvent,
)
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.rights import Caller, Right, within

ABOUT_KEYS = frozenset({ApiKeyAdded.name, ApiKeyRevoked.name})
"""Told to those who may manage keys."""

SENSITIVE = "sensitive"
"""Stands for the kind where that is not told."""

_FOR_EVERYBODY = frozenset(
    {MapPublished.name, RespondersImported.name, IncidentsImported.name}
    | {RoadsImported.name, RoadClosed.name, RoadReopened.name}
)
"""Without a place, and no business of one area more than of another."""

_NOT_SENSITIVE = frozenset(
    [
        "incident",
        "number",
        "category",
        "urgency",
        "drill",
        "stage",
        "located",
        "corrected",
        "step",
        "before",
        "after",
        "free",
        "level",
        "replied",
        "times",
        "reason",
        "wave",
        "reserve",
        "after_s",
    ]
)
"""What is told of a case of a sensitive kind. Neither who was sent nor what was asked for: both
tell the kind; nor an ETA, which tells the place."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event ready to be sent.

    Attributes
    ----------
    kind
        Of the incident; empty where it has none or that is not told.
    lies_in
        Codes of the areas it happened in; None for an event that is not about a case.
    shown_in
        Those of them that are told.
    revokes
        Id of the key that no longer opens.
    data
        The whole message of the stream, its empty line included.
    """

    position: int
    name: str
    kind: str
    lies_in: frozenset[str] | None
    shown_in: frozenset[str]
    revokes: str
    data: bytes


def outgoing(event: StoredEvent, scheme: CodeScheme) -> Outgoing:
    """Encode ``event``; of a sensitive kind, or one nobody knows, only what may hang on a wall."""
    told: Mapping[str, Any] = event.payload
    lies_in = frozenset(told.get("areas") or ()) if "incident" in told else None
    shown_in, kind = lies_in or frozenset(), str(told.get("kind") or "")
    if lies_in is not None and _is_sensitive(kind):
        areas = [code for code in told.get("areas") or () if _is_wide(code, scheme)]
        told = {name: value for name, value in told.items() if name in _NOT_SENSITIVE}
        told = {**told, "kind": SENSITIVE, "areas": areas}
        shown_in, kind = frozenset(areas), ""
    return Outgoing(
        position=event.position,
        name=event.name,
        kind=kind,
        lies_in=lies_in,
        shown_in=shown_in,
        revokes=str(told.get("key", "")) if event.name == ApiKeyRevoked.name else "",
        data=message(event.position, event.name, county_time(event.at), told),
    )


def message(position: int, name: str, at: str, told: Mapping[str, Any]) -> bytes:
    """Write one message of the stream; ``at`` is ISO 8601."""
    common = {"position": position, "at": at, "name": name}
    # One line whatever a text holds: JSON writes line breaks as escapes.
    line = orjson.dumps({**common, **told, **common})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (position, name.encode(), line)


def _is_sensitive(kind: str) -> bool:
    known = KINDS_BY_CODE.get(kind)
    return known is None or known.sensitive


def _is_wide(code: str, scheme: CodeScheme) -> bool:
    return scheme.fits(code, "county") or scheme.fits(code, "township")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listener asked for and may know. An empty set asks for everything."""

    caller: Caller
    areas: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def takes(self, event: Outgoing) -> bool:
        """Whether the listener is told of ``event``."""
        return self._asked(event) and self._may_know(event)

    def _asked(self, event: Outgoing) -> bool:
        if self.names and event.name not in self.names:
            return False
        if self.kinds and event.kind not in self.kinds:
            return False
        return event.lies_in is None or not self.areas or not self.areas.isdisjoint(event.shown_in)

    def _may_know(self, event: Outgoing) -> bool:
        if event.name in ABOUT_KEYS:
            return self.caller.may(Right.KEYS)
        if event.lies_in is None and event.name in _FOR_EVERYBODY:
            return True
        return within(self.caller.area, event.lies_in or ())

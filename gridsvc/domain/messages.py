"""Messages to the people who are sent: what is told of an assignment, and how far that is."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gridsvc.domain.keys import hash_of
from gridsvc.domain.reasons import ENOUGH, REDIRECTED
from gridsvc.domain.words import Text

TOO_LATE = timedelta(hours=2)
"""What nobody could be told for so long is not told any more: it would send people to the past."""

LINK_FOR = timedelta(hours=2)
"""So long the link of an offer can be answered, from the moment at which it is sent."""

LINK_AFTER_ACCEPTING = timedelta(hours=12)
"""So long the link of an accepted assignment goes on, until the assignment ends."""

TOKEN_BYTES = 18
"""144 bits in 24 letters: nobody guesses one, and a short message has room for it."""


class MessageKind(StrEnum):
    """What a message says of its assignment."""

    ASSIGNED = "assigned"
    CALL = "call"
    STOOD_DOWN = "stood_down"
    THANKED = "thanked"
    REDIRECTED = "redirected"
    CHECK = "check"


KIND_NAMES: dict[MessageKind, Text] = {
    MessageKind.ASSIGNED: Text("派单", "an assignment"),
    MessageKind.CALL: Text("未接单，再次呼叫", "not accepted yet, called again"),
    MessageKind.STOOD_DOWN: Text("撤回", "stood down"),
    MessageKind.THANKED: Text("人手已够，致谢", "enough are going, thanks"),
    MessageKind.REDIRECTED: Text("改派", "sent to another case"),
    MessageKind.CHECK: Text("现场平安确认", "are you safe there?"),
}

OFFERS = frozenset({MessageKind.ASSIGNED, MessageKind.CALL})
"""Messages after which the person has been told of the assignment."""


class MessageState(StrEnum):
    """How far a message is. ``dropped``: what it says was no longer so when it could be sent."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


DUE = (MessageState.QUEUED, MessageState.FAILED)
"""States in which it is to be sent, now or later."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one assignment by one channel, of the event at position ``event`` of the log;
    its words and the address are made when it is sent. While somebody sends it, ``next_at`` is the
    moment at which they are given up for lost. ``attempts`` counts beginnings; moments are aware.
    """

    id: str
    assignment: str
    responder: str
    channel: str
    kind: MessageKind
    event: int
    created_at: datetime
    next_at: datetime
    state: MessageState = MessageState.QUEUED
    attempts: int = 0
    sent_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Opens one assignment to whoever holds the token. ``hash`` is its SHA-256."""

    hash: str
    assignment: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """A row of the table of what is told: events called ``event`` (of that ``step`` and ``reason``
    where they are given) make messages of ``kind``."""

    event: str
    kind: MessageKind
    step: str = ""
    reason: str = ""


TELLS: tuple[Tell, ...] = (
    Tell("responder_assigned", MessageKind.ASSIGNED),
    Tell("second_channel_asked", MessageKind.CALL),
    Tell("silent_on_scene", MessageKind.CHECK),
    Tell("assignment_stepped", MessageKind.THANKED, "stand_down", ENOUGH),
    Tell("assignment_stepped", MessageKind.STOOD_DOWN, "stand_down"),
    Tell("assignment_stepped", MessageKind.REDIRECTED, "release", REDIRECTED),
    Tell("assignment_stepped", MessageKind.STOOD_DOWN, "release"),
    Tell("acceptance_refused", MessageKind.THANKED, reason=ENOUGH),
)
"""Which event is told to whom it is about; of several rows that fit the first counts.

Whoever let their time pass is told nothing: they may accept still, while the place is open."""

_NAMED = frozenset(row.event for row in TELLS)


def told_by(name: str, payload: Mapping[str, Any]) -> tuple[MessageKind, tuple[str, ...]] | None:
    """The kind of message that an event makes and the ids of the assignments it is about.

    Returns
    -------
    tuple or None
        None where nobody is told: also where the person took the step, who knows.
    """
    if name not in _NAMED or ("responder" in payload and payload["responder"] == payload["by"]):
        return None
    for row in TELLS:
        step, reason = payload.get("step", ""), payload.get("reason", "")
        if row.event == name and row.step in ("", step) and row.reason in ("", reason):
            several = payload.get("assignments") or [payload["assignment"]]
            return row.kind, tuple(several)
    return None


def new_token() -> tuple[str, str]:
    """A token for a link, and the hash to be stored."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, hash_of(token)

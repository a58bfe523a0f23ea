"""What is to happen at a moment to come, kept in the store so that no restart forgets it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

LATE_S = 2.0
"""A timer that fires later than this, in seconds, is told in the log."""


class TimerKind(StrEnum):
    """What a timer is for."""

    OFFERS = "offers"
    SILENCE = "silence"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Timer:
    """One thing to be done about ``incident`` at ``due_at`` (aware), for one ``assignment`` or
    for all of it. ``payload`` holds ids and numbers, never personal data."""

    id: str
    incident: str
    kind: TimerKind
    due_at: datetime
    assignment: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)


def offers_timer(incident: str) -> str:
    """The id of the one timer that watches the offers of an incident."""
    return f"offers-{incident}"


def silence_timer(assignment: str) -> str:
    """The id of the timer that watches over somebody on the scene."""
    return f"silence-{assignment}"

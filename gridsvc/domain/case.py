"""The handling of an incident: its case, who was sent, and what flies over it as a flag."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gridsvc.domain.force import Capability
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import OPEN_STAGES, AssignmentState, Stage

PAPERWORK_WITHIN = timedelta(hours=24)
"""After a dispatch-first the paperwork is owed for so long. Configuration, not law."""

URGENT = frozenset({1, 2})
"""Urgencies that are dispatched at once, in any category."""


@dataclass(frozen=True, slots=True)
class Case:
    """How far the handling is. Until it has an ``owner``, whoever took it (``first_contact``, a
    caller's id) answers for it (首问负责). ``due_at`` is the end of its limit, None where its kind
    has none; ``paperwork_due_at`` is set while paperwork is owed. ``not_told``: somebody is
    assigned whom no channel could tell."""

    stage: Stage
    first_contact: str
    owner: str = ""
    due_at: datetime | None = None
    paperwork_due_at: datetime | None = None
    closed_at: datetime | None = None
    merged_into: str | None = None
    supervised: bool = False
    reminders: int = 0
    not_told: bool = False

    @property
    def open(self) -> bool:
        """Whether somebody still owes something."""
        return self.stage in OPEN_STAGES

    def overdue(self, at: datetime) -> bool:
        """Whether its limit had passed at ``at`` (aware) and it is not handled."""
        return self.due_at is not None and self.due_at < at and self.closed_at is None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One person sent to one case. ``eta_s`` seconds and ``distance_m`` metres are as estimated at
    ``assigned_at`` on ``basis``; ``stand_off``: told to keep away from the danger itself."""

    id: str
    incident: str
    responder: str
    capability: Capability
    state: AssignmentState
    stand_off: bool
    eta_s: float
    distance_m: float
    basis: str
    assigned_at: datetime
    changed_at: datetime
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Supervision:
    """A supervision order (督办): a flag over an open stage, with a reply date."""

    id: str
    incident: str
    level: str
    supervisor: str
    reply_by: datetime
    note: str
    ordered_at: datetime
    replied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What was written at a step."""

    at: datetime
    by: str
    step: str
    text: str


@dataclass(frozen=True, slots=True)
class File:
    """Everything of one case: what was reported, its handling, who was sent, the orders over it,
    the notes, and the last decision (ids, numbers, codes and sentences; no personal data)."""

    incident: Incident
    case: Case
    assignments: tuple[Assignment, ...] = ()
    supervisions: tuple[Supervision, ...] = ()
    notes: tuple[Note, ...] = ()
    decision: dict[str, Any] | None = None


def urgent(urgency: int) -> bool:
    """Whether an incident of this urgency is dispatched at once, before any paperwork."""
    return urgency in URGENT


def alarms(incident: Incident, case: Case, *, at: datetime) -> tuple[str, ...]:
    """What a duty officer must see of a case at ``at`` (aware): codes, the gravest first."""
    if not case.open:
        return ()
    found = {
        "unlocated": incident.placement is None,
        "not_told": case.not_told,
        "paperwork_overdue": case.paperwork_due_at is not None and case.paperwork_due_at < at,
        "overdue": case.overdue(at),
        "supervised": case.supervised,
    }
    return tuple(code for code, so in found.items() if so)

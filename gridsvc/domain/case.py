"""The handling of an incident: its case, who was sent, and what flies over it as a flag."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gridsvc.domain.force import Capability
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import (
    ASSIGNMENT_STATE_NAMES,
    OFFER_NAMES,
    OPEN_STAGES,
    AssignmentState,
    Stage,
)
from gridsvc.domain.words import Text

PAPERWORK_WITHIN = timedelta(hours=24)
"""After a dispatch-first the paperwork is owed for so long. Configuration, not law."""

URGENT = frozenset({1, 2})
"""Urgencies that are dispatched at once, in any category."""


@dataclass(frozen=True, slots=True)
class Case:
    """How far the handling is. Until it has an ``owner``, whoever took it (``first_contact``, a
    caller's id) answers for it (首问负责). ``due_at`` is the end of its limit, None where its kind
    has none; ``paperwork_due_at`` is set while paperwork is owed. ``not_told``: somebody is
    offered it whom no channel could tell. ``rating`` is the last one given, empty before the first.

    ``unanswered_since``: since when too few of those it needs have accepted, None while enough
    have. ``nobody_left``: nobody more can be asked. ``escalation``: 0; 1 the township was
    alarmed; 2 the county's leader on duty, at ``escalated_at``. ``silent``: how many on the scene
    have not been heard of. ``by_hand``: its dispatch was recalled, and only a person sends people
    now. ``handover_due_at`` is when the silence of a service that was asked becomes an alarm, None
    while none is awaited."""

    stage: Stage
    first_contact: str
    owner: str = ""
    due_at: datetime | None = None
    paperwork_due_at: datetime | None = None
    closed_at: datetime | None = None
    merged_into: str | None = None
    supervised: bool = False
    reminders: int = 0
    rating: str = ""
    unanswered_since: datetime | None = None
    nobody_left: bool = False
    escalation: int = 0
    escalated_at: datetime | None = None
    silent: int = 0
    by_hand: bool = False
    handover_due_at: datetime | None = None
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
    """One person asked to go to one case. ``eta_s`` seconds and ``distance_m`` metres are as
    estimated at ``assigned_at``, the moment of the offer, on ``basis``; ``stand_off``: told to
    keep away from the danger itself.

    ``wave`` counts from 1, 0 for somebody chosen by a person; ``reserve``: asked besides those the
    card needs; ``also``: what else the person would serve; ``why`` says why this one is asked for
    the incident's own people. The offer ends at ``answer_by``, None for never. ``notified_at``: a
    channel has confirmed it; ``rung_at``: the second channel was asked; ``silent_since``: not
    heard of on the scene. ``reason`` is a code of `gridsvc.domain.reasons`; ``on_behalf``: the
    officer recorded the last step by telephone (代接单)."""

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
    wave: int = 0
    reserve: bool = False
    also: tuple[Capability, ...] = ()
    why: Text | None = None
    answer_by: datetime | None = None
    notified_at: datetime | None = None
    rung_at: datetime | None = None
    silent_since: datetime | None = None
    reason: str = ""
    on_behalf: bool = False

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """Everything the person is asked for."""
        return (self.capability, *self.also)

    @property
    def state_name(self) -> Text:
        """What the state is called; of an offer also whether the person was told."""
        if self.state is AssignmentState.OFFERED:
            return OFFER_NAMES[self.notified_at is not None]
        return ASSIGNMENT_STATE_NAMES[self.state]


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


def quiet(case: Case) -> Case:
    """``case`` as one that nobody is asked to go to any more."""
    return replace(
        case,
        unanswered_since=None,
        nobody_left=False,
        escalation=0,
        escalated_at=None,
        silent=0,
    )


def alarms(incident: Incident, case: Case, *, at: datetime) -> tuple[str, ...]:
    """What a duty officer must see of a case at ``at`` (aware): codes, the gravest first."""
    if not case.open:
        return ()
    calling = case.unanswered_since is not None and case.closed_at is None
    found = {
        "silent_on_scene": case.silent > 0 and case.closed_at is None,
        "nobody_left": calling and case.nobody_left,
        "leader_alarmed": calling and case.escalation > 1,
        "township_alarmed": calling and case.escalation == 1,
        "unanswered": calling,
        "unlocated": incident.placement is None,
        "place_unsure": incident.doubt is not None,
        "handover_unanswered": case.handover_due_at is not None and case.handover_due_at < at,
        "not_told": case.not_told,
        "paperwork_overdue": case.paperwork_due_at is not None and case.paperwork_due_at < at,
        "overdue": case.overdue(at),
        "supervised": case.supervised,
    }
    return tuple(code for code, so in found.items() if so)

"""Cases as answers: the incident, its handling, who was sent, what happened."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from api.placements import PlacementAnswer, placement_answer
from api.shapes import Answer, county_time
from gridsvc.domain.case import Assignment, Case, Note, Supervision, alarms
from gridsvc.domain.events import StoredEvent
from gridsvc.domain.force import CAPABILITY_NAMES, ROLE_NAMES, Responder
from gridsvc.domain.geo import Datum
from gridsvc.domain.incident import Incident, Position, for_list
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS_BY_CODE, URGENCY_NAMES
from gridsvc.domain.lifecycle import ASSIGNMENT, CASE, STAGE_NAMES, AssignmentStep
from gridsvc.domain.reasons import REASONS
from gridsvc.domain.words import Lang, Text
from gridsvc.locating import GridMap

WITHHELD = Text("【敏感】", "[sensitive]")
"""Stands for the text of an incident of a sensitive kind."""

DRILL = Text("【演练】", "[DRILL] ")
FIRST_CONTACT = Text("首问负责", "first contact")
UNLOCATED = Text("待定位", "unlocated")


class PositionAnswer(Answer):
    """The reported position in CGCS2000 degrees, and the datum it was given in."""

    lng: float
    lat: float
    given_datum: Datum
    source: str
    radius_m: float


class IncidentAnswer(Answer):
    """One incident with its case. Times are +08:00; ``number`` can be read aloud.

    ``headline`` is what to show of it in one line. While it is ``unlocated`` (待定位) its
    ``placement`` is null and ``unplaced`` says why. ``steps`` are the steps possible now.
    ``withheld``: its kind is sensitive, and text, address and position are left out.

    ``alarms``, the gravest first: ``silent_on_scene``, ``nobody_left``, ``leader_alarmed``,
    ``township_alarmed``, ``unanswered`` (from the first second until enough have accepted),
    ``unlocated``, ``paperwork_overdue``, ``overdue``, ``supervised``. ``escalation``: 0, 1 the
    township, 2 the county's leader on duty. ``by_hand``: recalled, a person sends people now.
    """

    id: str
    number: str
    headline: str
    received_at: str
    category: str
    category_name: str
    kind: str
    kind_name: str
    urgency: int
    urgency_name: str
    text: str
    address: str
    drill: bool
    source: str
    position: PositionAnswer | None
    placement: PlacementAnswer | None
    map_version: int | None
    unlocated: bool
    unplaced: list[str]
    given: str
    stage: str
    stage_name: str
    steps: list[str]
    open: bool
    owner: str
    answers_for_it: str
    due_at: str | None
    paperwork_due_at: str | None
    closed_at: str | None
    merged_into: str | None
    supervised: bool
    reminders: int
    rating: str
    unanswered_since: str | None
    nobody_left: bool
    escalation: int
    escalated_at: str | None
    silent: int
    by_hand: bool
    alarms: list[str]
    withheld: bool


class AssignmentAnswer(Answer):
    """One person sent, 已指派·未通知 until a channel confirms it.

    ``eta_s`` seconds and ``distance_m`` metres as estimated on ``basis`` when assigned. ``wave``
    counts from 1, 0 for somebody chosen by a person; ``reserve``: asked besides those the card
    needs; ``why``: why this one is asked for the incident's own people. The offer ends at
    ``answer_by``. ``on_behalf``: the officer recorded the last step by telephone (代接单).
    """

    id: str
    responder: str
    name: str
    phone: str
    role: str
    role_name: str
    capability: str
    capability_name: str
    state: str
    state_name: str
    steps: list[str]
    stand_off: bool
    eta_s: float
    distance_m: float
    basis: str
    assigned_at: str
    changed_at: str
    wave: int
    reserve: bool
    also: list[str]
    why: str
    answer_by: str | None
    notified_at: str | None
    rung_at: str | None
    silent_since: str | None
    reason: str
    reason_name: str
    on_behalf: bool


class SupervisionAnswer(Answer):
    """A supervision order over a case."""

    id: str
    level: str
    supervisor: str
    reply_by: str
    note: str
    ordered_at: str
    replied_at: str | None


class NoteAnswer(Answer):
    """What was written at a step."""

    at: str
    by: str
    step: str
    text: str


class EventAnswer(Answer):
    """One fact of the log."""

    position: int
    at: str
    name: str
    payload: dict[str, Any]


def incident_answer(
    incident: Incident, case: Case, grid_map: GridMap | None, lang: Lang, *, now: datetime
) -> IncidentAnswer:
    """Say ``incident`` in ``lang``, with the names its areas have on ``grid_map``."""
    kind = KINDS_BY_CODE.get(incident.kind)
    kind_name = incident.kind if kind is None else kind.name.pick(lang)
    urgency_name = URGENCY_NAMES[incident.urgency].pick(lang)
    placement = incident.placement
    placed = None
    if placement is not None and grid_map is not None:
        placed = placement_answer(placement, grid_map)
    where = UNLOCATED.pick(lang) if placed is None else placed.grid_name
    mark = DRILL.pick(lang) if incident.drill else ""
    return IncidentAnswer(
        id=incident.id,
        number=incident.number,
        headline=f"{mark}{urgency_name} {kind_name} {where}",
        received_at=county_time(incident.received_at),
        category=incident.category,
        category_name=CATEGORY_NAMES[incident.category].pick(lang),
        kind=incident.kind,
        kind_name=kind_name,
        urgency=incident.urgency,
        urgency_name=urgency_name,
        text=incident.text,
        address=incident.address,
        drill=incident.drill,
        source=incident.source,
        position=None if incident.position is None else _position(incident.position),
        placement=placed,
        map_version=incident.map_version,
        unlocated=placement is None,
        unplaced=[reason.pick(lang) for reason in incident.unplaced],
        given=incident.given,
        stage=case.stage,
        stage_name=STAGE_NAMES[case.stage].pick(lang),
        steps=[*CASE[case.stage]],
        open=case.open,
        owner=case.owner,
        answers_for_it=case.owner or f"{FIRST_CONTACT.pick(lang)}: {case.first_contact}",
        due_at=_time(case.due_at),
        paperwork_due_at=_time(case.paperwork_due_at),
        closed_at=_time(case.closed_at),
        merged_into=case.merged_into,
        supervised=case.supervised,
        reminders=case.reminders,
        rating=case.rating,
        unanswered_since=_time(case.unanswered_since),
        nobody_left=case.nobody_left,
        escalation=case.escalation,
        escalated_at=_time(case.escalated_at),
        silent=case.silent,
        by_hand=case.by_hand,
        alarms=[*alarms(incident, case, at=now)],
        withheld=False,
    )


def listed(
    incident: Incident, case: Case, grid_map: GridMap | None, lang: Lang, *, now: datetime
) -> IncidentAnswer:
    """Say ``incident`` where others may see it: of a sensitive kind without its particulars."""
    told, withheld = for_list(incident)
    answer = incident_answer(told, case, grid_map, lang, now=now)
    if not withheld:
        return answer
    return answer.model_copy(
        update={"withheld": True, "text": WITHHELD.pick(lang), "given": "", "unplaced": []}
    )


def assignment_answer(
    one: Assignment, find: Callable[[str], Responder | None], lang: Lang
) -> AssignmentAnswer:
    """Say ``one`` in ``lang``; who was erased has no name any more."""
    who = find(one.responder)
    return AssignmentAnswer(
        id=one.id,
        responder=one.responder,
        name="" if who is None else who.name,
        phone="" if who is None else who.phone,
        role="" if who is None else who.role,
        role_name="" if who is None else ROLE_NAMES[who.role].pick(lang),
        capability=one.capability,
        capability_name=CAPABILITY_NAMES[one.capability].pick(lang),
        state=one.state,
        state_name=one.state_name.pick(lang),
        steps=[step for step in ASSIGNMENT[one.state] if step is not AssignmentStep.EXPIRE],
        stand_off=one.stand_off,
        eta_s=one.eta_s,
        distance_m=one.distance_m,
        basis=one.basis,
        assigned_at=county_time(one.assigned_at),
        changed_at=county_time(one.changed_at),
        wave=one.wave,
        reserve=one.reserve,
        also=[*one.also],
        why="" if one.why is None else one.why.pick(lang),
        answer_by=_time(one.answer_by),
        notified_at=_time(one.notified_at),
        rung_at=_time(one.rung_at),
        silent_since=_time(one.silent_since),
        reason=one.reason,
        reason_name=REASONS[one.reason].pick(lang) if one.reason in REASONS else "",
        on_behalf=one.on_behalf,
    )


def supervision_answer(one: Supervision) -> SupervisionAnswer:
    """Say a supervision order."""
    return SupervisionAnswer(
        id=one.id,
        level=one.level,
        supervisor=one.supervisor,
        reply_by=county_time(one.reply_by),
        note=one.note,
        ordered_at=county_time(one.ordered_at),
        replied_at=_time(one.replied_at),
    )


def note_answer(one: Note) -> NoteAnswer:
    """Say a note."""
    return NoteAnswer(at=county_time(one.at), by=one.by, step=one.step, text=one.text)


def event_answer(one: StoredEvent) -> EventAnswer:
    """Say an event of the log."""
    return EventAnswer(
        position=one.position, at=county_time(one.at), name=one.name, payload=one.payload
    )


def _time(at: datetime | None) -> str | None:
    return None if at is None else county_time(at)


def _position(position: Position) -> PositionAnswer:
    return PositionAnswer(
        lng=position.at.lng,
        lat=position.at.lat,
        given_datum=position.given_datum,
        source=position.source,
        radius_m=position.radius_m,
    )

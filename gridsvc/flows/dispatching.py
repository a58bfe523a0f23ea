"""People are assigned: claimed by a row that only one transaction can take."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gridsvc import logs
from gridsvc.dispatch import Card, Pick, Ranking, Shortfall, View, next_wave, rank
from gridsvc.domain.case import Assignment, Case, urgent
from gridsvc.domain.errors import ConflictError, Fault
from gridsvc.domain.events import AssignmentStepped, ForceMissing, ResponderAssigned
from gridsvc.domain.incident import Incident, unknown_incident
from gridsvc.domain.lifecycle import (
    ASSIGNMENT,
    ENDED,
    AssignmentState,
    AssignmentStep,
    next_state,
)
from gridsvc.domain.reasons import CASE_OVER
from gridsvc.domain.rights import Caller, within
from gridsvc.domain.words import Text
from gridsvc.flows.scene import Scene, card_of
from gridsvc.store import Store, UnitOfWork

ATTEMPTS = 5
"""How often a decision that another transaction was in the way of is taken anew."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weighed:
    """The force as seen from an incident, what the incident asks for, and who could go."""

    view: View
    card: Card
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class Decision:
    """Who could go, who was assigned, and what nobody could be assigned for."""

    ranking: Ranking
    assignments: tuple[Assignment, ...]
    shortfalls: tuple[Shortfall, ...]

    def as_json(self) -> dict[str, Any]:
        """What is kept of it, without personal data."""
        told = replace(self.ranking, shortfalls=self.shortfalls).as_json()
        return told | {"assigned": [one.responder for one in self.assignments]}


def patiently(store: Store, decide: Callable[[UnitOfWork], T]) -> T:
    """What ``decide`` returns, durable; tried anew where another transaction was in the way."""
    left = ATTEMPTS
    while True:
        left -= 1
        try:
            with store.write() as work:
                return decide(work)
        except ConflictError as error:
            if not left or error.faults[0].code != "store_busy":
                raise


def about(incident: Incident, county: str, by: str) -> dict[str, Any]:
    """The fields that every event about ``incident`` has."""
    return {
        "incident": incident.id,
        "number": incident.number,
        "category": incident.category,
        "kind": incident.kind,
        "urgency": incident.urgency,
        "areas": incident.areas(county),
        "drill": incident.drill,
        "by": by,
    }


def weigh(incident: Incident, *, scene: Scene, now: datetime) -> Weighed | None:
    """Who could go, without a transaction; None while the place is not known."""
    view = scene.view(incident, at=now)
    if view is None:
        return None
    card = card_of(incident)
    return Weighed(view, card, rank(view, card, travel=scene.travel, busy=scene.busy))


def decide(
    work: UnitOfWork,
    incident: Incident,
    weighed: Weighed | None,
    *,
    scene: Scene,
    now: datetime,
    by: str,
    number: int = 1,
    claim: bool = True,
) -> Decision | None:
    """Keep who could go, and at urgency 1 and 2 assign at once; None where nothing was weighed.

    The decision is kept as the ``number``-th of its incident; the caller commits. ``claim`` False:
    people are at it already, it is only ranked anew.
    """
    if weighed is None:
        return None
    ranking = weighed.ranking
    decision = Decision(ranking, (), ranking.shortfalls)
    if claim and urgent(incident.urgency):
        assignments, missing = claim_wave(
            work, incident, weighed.view, weighed.card, scene=scene, now=now, by=by
        )
        decision = Decision(ranking, assignments, missing)
        work.cases.assign(assignments)
    fields = about(incident, work.cases.county, by)
    work.events.record(*(assigned(one, fields) for one in decision.assignments))
    if decision.shortfalls:
        missing_now = tuple(one.capability for one in decision.shortfalls)
        work.events.record(ForceMissing(**fields, capabilities=missing_now))
    work.cases.decide(incident.id, decision.as_json(), number=number, at=now)
    return decision


def claim_wave(
    work: UnitOfWork,
    incident: Incident,
    view: View,
    card: Card,
    *,
    scene: Scene,
    now: datetime,
    by: str,
    sent: Sequence[Assignment] = (),
) -> tuple[tuple[Assignment, ...], tuple[Shortfall, ...]]:
    """Claim whom the card asks for, beyond those ``sent`` already. Who turns out to be taken gives
    way to the next one."""
    placement = incident.placement
    unit, grid = (placement.unit, placement.grid) if placement else (None, None)
    wave = 1 + max((one.wave for one in sent), default=0)
    lost: dict[str, str] = {}
    held: dict[str, Assignment] = {}
    while True:
        busy = {**scene.busy, **lost} if lost else scene.busy
        chosen, missing = next_wave(view, card, sent, unit=unit, grid=grid, busy=busy)
        made = {
            pick.responder.id: offer(pick, incident, card, scene=scene, now=now, by=by, wave=wave)
            for pick in chosen
        }
        beaten = False
        # In one order for everybody: two that claim crosswise would wait for each other.
        for pick in sorted(chosen, key=lambda one: one.responder.id):
            who = pick.responder.id
            if who in held:
                continue
            taken_by = take(work, pick, made[who], incident)
            if taken_by is None:
                held[who] = made[who]
            else:
                lost[who], beaten = taken_by, True
        if not beaten:
            break
        # What this process knew was old: of the others that are taken the store tells at once.
        lost |= {who: by for who, by in work.cases.taken().items() if who not in held}
    # Somebody claimed at an earlier try keeps that claim, and may be asked for something else now.
    kept = tuple(replace(one, id=held.pop(who).id) for who, one in made.items())
    for spare in held.values():
        work.cases.free(spare)
    return kept, missing


def take(work: UnitOfWork, pick: Pick, made: Assignment, incident: Incident) -> str | None:
    """Claim whoever was picked; see `take_person`."""
    return take_person(work, made, incident, exclusive=pick.responder.role.exclusive)


def take_person(
    work: UnitOfWork, made: Assignment, incident: Incident, *, exclusive: bool
) -> str | None:
    """Claim somebody; the number of the case that has them, None for success."""
    # A drill holds nobody back: a real case would find the people gone.
    if incident.drill or not exclusive:
        return None
    return work.cases.claim(made.responder, assignment_id=made.id, number=incident.number)


def offer(
    pick: Pick,
    incident: Incident,
    card: Card,
    *,
    scene: Scene,
    now: datetime,
    by: str,
    wave: int,
) -> Assignment:
    """An offer to whoever was picked; it ends after the card's time for an answer."""
    waves = card.waves
    return Assignment(
        id=uuid.uuid4().hex,
        incident=incident.id,
        responder=pick.responder.id,
        capability=pick.capability,
        state=AssignmentState.OFFERED,
        stand_off=pick.stand_off,
        eta_s=round(pick.near.eta_s, 1),
        distance_m=round(pick.near.distance_m, 1),
        basis=scene.travel.basis,
        assigned_at=now,
        changed_at=now,
        changed_by=by,
        wave=wave,
        reserve=pick.reserve,
        also=pick.also,
        why=pick.reason,
        answer_by=None if waves is None else now + timedelta(seconds=waves.answer_s),
    )


def assigned(one: Assignment, fields: dict[str, Any]) -> ResponderAssigned:
    """The event that ``one`` was sent to the case that `about` gave the fields of."""
    return ResponderAssigned(
        **fields,
        assignment=one.id,
        responder=one.responder,
        capability=one.capability,
        stand_off=one.stand_off,
        eta_s=one.eta_s,
        wave=one.wave,
        reserve=one.reserve,
    )


def move(
    work: UnitOfWork,
    one: Assignment,
    incident: Incident,
    step: AssignmentStep,
    *,
    now: datetime,
    by: str,
    on_behalf: bool = False,
    reason: str = "",
) -> Assignment:
    """Take a step inside a unit of work; whoever is at the end of it is free again.

    Raises
    ------
    ConflictError
        The table has no such step; nothing is changed.
    """
    state = next_state(one.state, step)
    after = replace(
        one,
        state=state,
        changed_at=now,
        changed_by=by,
        notified_at=now if step is AssignmentStep.NOTIFY else one.notified_at,
        silent_since=None,
        reason=reason,
        on_behalf=on_behalf,
    )
    work.cases.change_assignment(after)
    if state in ENDED:
        work.cases.free(one)
    work.events.record(
        AssignmentStepped(
            **about(incident, work.cases.county, by),
            assignment=one.id,
            responder=one.responder,
            step=step,
            before=one.state,
            after=state,
            free=state in ENDED,
            on_behalf=on_behalf,
            reason=reason,
        )
    )
    return after


def call_off(
    work: UnitOfWork, incident: Incident, *, now: datetime, by: str, reason: str = CASE_OVER
) -> list[Assignment]:
    """Free everybody who is still sent to a case that needs nobody any more, and watch no more."""
    work.timers.cancel(incident.id)
    return [
        move(work, one, incident, AssignmentStep.STAND_DOWN, now=now, by=by, reason=reason)
        for one in work.cases.assignments(incident.id)
        if AssignmentStep.STAND_DOWN in ASSIGNMENT[one.state]
    ]


def reached(work: UnitOfWork, key: str, caller: Caller) -> tuple[Incident, Case]:
    """One incident with its case, locked, if it lies in the caller's area.

    Raises
    ------
    NotFoundError
        It does not exist, or not for this caller.
    """
    incident, case = work.cases.known(key, lock=True)
    if not reaches(caller, incident, case, work.cases.county):
        raise unknown_incident(key)
    logs.bind(incident=incident.number)
    return incident, case


def reaches(caller: Caller, incident: Incident, case: Case, county: str) -> bool:
    """Whether a case is the caller's business: of their area, or taken by themselves."""
    return within(caller.area, incident.areas(county)) or case.first_contact == caller.id


def must_be_open(case: Case) -> None:
    """Refuse to work on a closed case.

    Raises
    ------
    ConflictError
        It is closed.
    """
    if not case.open:
        raise ConflictError(_CLOSED)


def must_be_at_work(case: Case) -> None:
    """Refuse to send people to a case that is handled already.

    Raises
    ------
    ConflictError
        It is closed, or its reply is given.
    """
    if not case.open or case.closed_at is not None:
        raise ConflictError(_CLOSED)


_CLOSED = Fault(
    "case_closed",
    Text(
        "案件已结束，未作任何更改：请先重新打开",
        "the case is closed, nothing was changed: reopen it first",
    ),
)

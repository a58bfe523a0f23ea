"""People are assigned: claimed by a row that only one transaction can take."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

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
from gridsvc.flows.patience import BeatenError
from gridsvc.flows.scene import Scene, card_of
from gridsvc.store import UnitOfWork

Lost = dict[str, str]
"""Who turned out to be taken, and the number of the case that has them."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The force as seen from an incident, what the incident asks for, and who could go.

    ``lost`` grows with each attempt to claim them.
    """

    view: View
    card: Card
    ranking: Ranking
    lost: Lost


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


def weigh(
    incident: Incident, *, scene: Scene, now: datetime, lost: Lost | None = None
) -> Weighed | None:
    """Who could go, without a transaction; None while the place is not known.

    ``lost`` is given where attempts weigh anew: what one has learned the next one knows.
    """
    view = scene.view(incident, at=now)
    if view is None:
        return None
    card = card_of(incident)
    ranking = rank(view, card, travel=scene.travel, busy=scene.busy)
    return Weighed(view, card, ranking, {} if lost is None else lost)


def decide(
    work: UnitOfWork,
    incident: Incident,
    weighed: Weighed | None,
    *,
    scene: Scene,
    now: datetime,
    by: str,
    claim: bool = True,
) -> Decision | None:
    """Decide whom to send, and at urgency 1 and 2 claim them; None where nothing was weighed.

    Must run in `patiently`; what it returns is stored by `keep`. ``claim`` False: people are at
    it already, it is only ranked anew.
    """
    if weighed is None:
        return None
    ranking = weighed.ranking
    if not claim or not urgent(incident.urgency):
        return Decision(ranking, (), ranking.shortfalls)
    scene = replace(scene, busy={**scene.busy, **weighed.lost}) if weighed.lost else scene
    made, missing = claim_wave(
        work,
        incident,
        weighed.view,
        weighed.card,
        scene=scene,
        now=now,
        by=by,
        lost=weighed.lost,
    )
    return Decision(ranking, made, missing)


def keep(
    work: UnitOfWork,
    incident: Incident,
    decision: Decision | None,
    *,
    now: datetime,
    by: str,
    number: int = 1,
) -> None:
    """Store a decision as the ``number``-th of its incident, with its events."""
    if decision is None:
        return
    work.cases.assign(decision.assignments)
    fields = about(incident, work.cases.county, by)
    work.events.record(*(assigned(one, fields) for one in decision.assignments))
    if decision.shortfalls:
        missing = tuple(one.capability for one in decision.shortfalls)
        work.events.record(ForceMissing(**fields, capabilities=missing))
    work.cases.decide(incident.id, decision.as_json(), number=number, at=now)


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
    lost: Lost | None = None,
) -> tuple[tuple[Assignment, ...], tuple[Shortfall, ...]]:
    """Claim whom the card asks for, beyond those ``sent`` already.

    Must run in `patiently`: where somebody turns out to be taken it is taken anew without them,
    of whom ``lost`` is told for the next attempt.
    """
    placement = incident.placement
    unit, grid = (placement.unit, placement.grid) if placement else (None, None)
    wave = 1 + max((one.wave for one in sent), default=0)
    chosen, missing = next_wave(view, card, sent, unit=unit, grid=grid, busy=scene.busy)
    made = [offer(pick, incident, card, now=now, by=by, wave=wave) for pick in chosen]
    beaten = take(work, list(zip(chosen, made, strict=True)), incident)
    if beaten:
        # Not the next one here and now: out of the order of ids two transactions could wait for
        # each other. What this one has claimed is given back with it.
        if lost is not None:
            lost.update(beaten)
        raise BeatenError
    return tuple(made), missing


def take(work: UnitOfWork, made: Sequence[tuple[Pick, Assignment]], incident: Incident) -> Lost:
    """Claim whoever can be at one case only; return who is taken already."""
    # A drill holds nobody back: a real case would find the people gone.
    if incident.drill:
        return {}
    alone = [one for pick, one in made if pick.responder.role.exclusive]
    return work.cases.claim(alone, number=incident.number)


def take_person(
    work: UnitOfWork, made: Assignment, incident: Incident, *, exclusive: bool
) -> str | None:
    """Claim somebody; the number of the case that has them, None for success."""
    if incident.drill or not exclusive:
        return None
    return work.cases.claim([made], number=incident.number).get(made.responder)


def offer(
    pick: Pick,
    incident: Incident,
    card: Card,
    *,
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
        basis=pick.near.basis,
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

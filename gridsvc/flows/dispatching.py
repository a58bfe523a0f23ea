"""People are assigned: claimed by a row that only one transaction can take."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from gridsvc import logs
from gridsvc.dispatch import Card, Pick, Ranking, Shortfall, View, picks, rank
from gridsvc.dispatch.eligibility import refusals
from gridsvc.domain.case import Assignment, Case, urgent
from gridsvc.domain.errors import ConflictError, Fault, InputError, NotFoundError
from gridsvc.domain.events import AssignmentStepped, ForceMissing, ResponderAssigned
from gridsvc.domain.incident import Incident, unknown_incident
from gridsvc.domain.kinds import Lay
from gridsvc.domain.lifecycle import (
    ASSIGNMENT,
    ENDED,
    AssignmentState,
    AssignmentStep,
    next_state,
)
from gridsvc.domain.rights import Caller, within
from gridsvc.domain.words import Text
from gridsvc.flows.frees import expected
from gridsvc.flows.scene import Scene
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


def weigh(
    incident: Incident, *, scene: Scene, now: datetime, card: Card | None = None
) -> Weighed | None:
    """Who could go, without a transaction; None while the place is not known. ``card``: what is
    asked for; None: what the incident's card asks for."""
    view = scene.view(incident, at=now)
    if view is None:
        return None
    card = card or scene.card(incident, at=now)
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
        assignments, missing = _claim(work, incident, weighed, scene, now, by)
        decision = Decision(ranking, assignments, missing)
        work.cases.assign(assignments)
    if decision.shortfalls:
        short = [expected(one, weighed.card, scene=scene, now=now) for one in decision.shortfalls]
        decision = replace(decision, shortfalls=tuple(short))
    fields = about(incident, work.cases.county, by)
    work.events.record(*(assigned(one, fields) for one in decision.assignments))
    if decision.shortfalls:
        missing_now = tuple(one.capability for one in decision.shortfalls)
        work.events.record(ForceMissing(**fields, capabilities=missing_now))
    told = decision.as_json() | incident.edges()
    work.cases.decide(incident.id, told, number=number, at=now)
    return decision


def _claim(
    work: UnitOfWork,
    incident: Incident,
    weighed: Weighed,
    scene: Scene,
    now: datetime,
    by: str,
) -> tuple[tuple[Assignment, ...], tuple[Shortfall, ...]]:
    """Claim whom the card asks for. Who turns out to be taken gives way to the next one."""
    placement = incident.placement
    unit, grid = (placement.unit, placement.grid) if placement else (None, None)
    lost: dict[str, str] = {}
    held: dict[str, Assignment] = {}
    while True:
        busy = {**scene.busy, **lost} if lost else scene.busy
        chosen, missing = picks(weighed.view, weighed.card, unit=unit, grid=grid, busy=busy)
        beaten = False
        # In one order for everybody: two that claim crosswise would wait for each other.
        for pick in sorted(chosen, key=lambda one: one.responder.id):
            if pick.responder.id in held:
                continue
            made = _assignment(pick, incident, scene, now, by)
            taken_by = _take(work, pick, made, incident)
            if taken_by is None:
                held[made.responder] = made
            else:
                lost[made.responder], beaten = taken_by, True
        if not beaten:
            break
    kept = tuple(held.pop(pick.responder.id) for pick in chosen)
    for spare in held.values():
        work.cases.free(spare)
    return kept, missing


def _take(work: UnitOfWork, pick: Pick, made: Assignment, incident: Incident) -> str | None:
    # A drill holds nobody back: a real case would find the people gone.
    if incident.drill or not pick.responder.role.exclusive:
        return None
    return work.cases.claim(made.responder, assignment_id=made.id, number=incident.number)


def _assignment(pick: Pick, incident: Incident, scene: Scene, now: datetime, by: str) -> Assignment:
    return Assignment(
        id=uuid.uuid4().hex,
        incident=incident.id,
        responder=pick.responder.id,
        capability=pick.capability,
        state=AssignmentState.ASSIGNED,
        stand_off=pick.stand_off,
        eta_s=round(pick.near.eta_s, 1),
        distance_m=round(pick.near.distance_m, 1),
        basis=scene.travel.basis,
        assigned_at=now,
        changed_at=now,
        changed_by=by,
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
    )


def assign(
    key: str,
    responders: Collection[str],
    *,
    scene: Scene,
    store: Store,
    now: datetime,
    caller: Caller,
) -> tuple[Assignment, ...]:
    """Assign people whom a person has chosen: all of them or nobody.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    InputError
        Somebody is unknown or not eligible, with every reason.
    ConflictError
        The case is closed or unlocated, or somebody is taken.
    """

    def once(work: UnitOfWork) -> tuple[Assignment, ...]:
        incident, case = reached(work, key, caller)
        must_be_at_work(case)
        view, card = scene.view(incident, at=now), scene.card(incident, at=now)
        if view is None:
            raise ConflictError(Fault("unlocated", _UNLOCATED))
        picked = _chosen(view, card, responders)
        made = [_assignment(pick, incident, scene, now, caller.id) for pick in picked]
        for pick, one in sorted(zip(picked, made, strict=True), key=lambda pair: pair[1].responder):
            taken_by = _take(work, pick, one, incident)
            if taken_by is not None:
                raise ConflictError(_taken(one.responder, taken_by))
        work.cases.assign(made)
        fields = about(incident, store.county, caller.id)
        work.events.record(*(assigned(one, fields) for one in made))
        return tuple(made)

    return patiently(store, once)


def _chosen(view: View, card: Card, responders: Collection[str]) -> list[Pick]:
    faults: list[Fault] = []
    found: list[Pick] = []
    for key in dict.fromkeys(responders):
        near = view.find(key)
        if near is None:
            text = Text(f"没有可派的人员“{key}”", f"nobody who can be sent is known under {key!r}")
            faults.append(Fault("unknown_responder", text, "responders"))
            continue
        reasons = refusals(near.responder, card=card, at=view.at)
        if reasons:
            text = Text(
                f"{key} 不能派：{'；'.join(reason.zh for reason in reasons)}",
                f"{key} cannot be sent: {'; '.join(reason.en for reason in reasons)}",
            )
            faults.append(Fault("not_eligible", text, "responders"))
            continue
        able = next(c for c in card.required if c in near.responder.capabilities)
        outside = card.lay is Lay.STAND_OFF and near.responder.role.lay
        found.append(Pick(near, able, outside or able in card.stand_off))
    if not responders:
        text = Text("未给出人员：请给出至少一人", "nobody is named: give at least one")
        faults.append(Fault("nobody_named", text, "responders"))
    if faults:
        raise InputError(faults)
    return found


def step_assignment(
    id: str,  # noqa: A002
    step: AssignmentStep,
    *,
    on_behalf: bool,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Assignment:
    """Take a step of an assignment's table.

    Raises
    ------
    NotFoundError
        No such assignment in the caller's area.
    ConflictError
        The table has no such step; nothing is changed.
    """

    def once(work: UnitOfWork) -> Assignment:
        # The case is locked before its assignments, here as everywhere.
        found = work.cases.assignment(id)
        if found is None:
            raise _unknown_assignment(id)
        try:
            incident, _ = reached(work, found.incident, caller)
        except NotFoundError:
            raise _unknown_assignment(id) from None
        one = work.cases.assignment(id, lock=True) or found
        if one.incident != incident.id:
            incident, _ = reached(work, one.incident, caller)
        return move(work, one, incident, step, now=now, by=caller.id, on_behalf=on_behalf)

    return patiently(store, once)


def _unknown_assignment(id: str) -> NotFoundError:  # noqa: A002
    text = Text(f"没有编号为“{id}”的指派", f"no assignment is known under {id!r}")
    return NotFoundError(Fault("unknown_assignment", text))


def move(
    work: UnitOfWork,
    one: Assignment,
    incident: Incident,
    step: AssignmentStep,
    *,
    now: datetime,
    by: str,
    on_behalf: bool = False,
) -> Assignment:
    """Take a step inside a unit of work; whoever is at the end of it is free again."""
    state = next_state(one.state, step)
    after = replace(one, state=state, changed_at=now, changed_by=by)
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
        )
    )
    return after


def call_off(work: UnitOfWork, incident: Incident, *, now: datetime, by: str) -> None:
    """Free everybody who is still sent to a case that needs nobody any more."""
    for one in work.cases.assignments(incident.id):
        if AssignmentStep.STAND_DOWN in ASSIGNMENT[one.state]:
            move(work, one, incident, AssignmentStep.STAND_DOWN, now=now, by=by)


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


def _taken(responder: str, number: str) -> Fault:
    text = Text(
        f"{responder} 已指派到 {number}，未作任何更改：请另选一人",
        f"{responder} is assigned to {number}; nothing was changed: choose somebody else",
    )
    return Fault("responder_taken", text, "responders")


_CLOSED = Fault(
    "case_closed",
    Text(
        "案件已结束，未作任何更改：请先重新打开",
        "the case is closed, nothing was changed: reopen it first",
    ),
)
_UNLOCATED = Text(
    "案件尚未定位，不能派人：请先补充位置", "the case is not located yet: give its position first"
)

"""A case takes its steps; orders and reminders fly over it; two become one."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from gridsvc.domain.case import (
    PAPERWORK_WITHIN,
    Assignment,
    Case,
    Note,
    Supervision,
    quiet,
    urgent,
)
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import ConflictError, Fault, InputError
from gridsvc.domain.events import CaseReminded, CaseStepped, CaseSupervised
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import (
    ENDED,
    OPEN_STAGES,
    STEP_NAMES,
    Stage,
    Step,
    next_stage,
)
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import (
    Decision,
    about,
    assigned,
    call_off,
    decide,
    keep,
    must_be_at_work,
    must_be_open,
    reached,
    weigh,
)
from gridsvc.flows.offering import look_soon, start_offers
from gridsvc.flows.patience import patiently
from gridsvc.flows.scene import Scene
from gridsvc.store import Store, UnitOfWork

RATINGS: dict[str, Text] = {
    "satisfied": Text("满意", "satisfied"),
    "fairly_satisfied": Text("基本满意", "fairly satisfied"),
    "dissatisfied": Text("不满意", "dissatisfied"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """A step with what it needs: ``owner`` to route, ``note`` to refuse or transfer out, ``rating``
    to rate."""

    step: Step
    owner: str = ""
    note: str = ""
    rating: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A case after a step, and what was decided where that sent people anew."""

    incident: Incident
    case: Case
    decision: Decision | None = None

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """Who was sent by the step."""
        return () if self.decision is None else self.decision.assignments


def step(
    key: str, action: Action, *, scene: Scene, store: Store, now: datetime, caller: Caller
) -> Stepped:
    """Take a step of the case table. An urgent case that is opened again is dispatched at once.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    InputError
        What the step needs is missing.
    ConflictError
        The table has no such step, or it would end a case whose supervision order is not answered;
        nothing is changed.
    """

    def once(work: UnitOfWork) -> Stepped:
        incident, case = reached(work, key, caller)
        stage = next_stage(case.stage, action.step, urgent=urgent(incident.urgency))
        _needs(action)
        if case.open and stage not in OPEN_STAGES:
            _must_be_answered(work, incident, action.step)
        after = _changed(case, stage, action, now)
        work.cases.change(incident.id, after)
        if action.note:
            work.cases.note(incident.id, Note(now, caller.id, action.step, action.note))
        work.events.record(
            CaseStepped(
                **about(incident, store.county, caller.id),
                step=action.step,
                before=case.stage,
                after=stage,
                rating=action.rating if action.step is Step.RATE else "",
            )
        )
        if case.open and stage in _NOBODY_NEEDED:
            call_off(work, incident, now=now, by=caller.id)
        if stage is not Stage.PAPERWORK_OWED:
            return Stepped(incident, after)
        return _sent_anew(work, incident, after, scene, now, caller)

    return patiently(store, once)


def _sent_anew(
    work: UnitOfWork, incident: Incident, case: Case, scene: Scene, now: datetime, caller: Caller
) -> Stepped:
    """Dispatch a case that was opened again, unless people are at it or its place is not known."""
    if any(one.state not in ENDED for one in work.cases.assignments(incident.id)):
        return Stepped(incident, case)
    # Whom its own end has freed a moment ago this process may not know to be free yet.
    scene = replace(scene, busy=work.cases.taken())
    weighed = weigh(incident, scene=scene, now=now)
    decision = decide(work, incident, weighed, scene=scene, now=now, by=caller.id)
    number = work.cases.decisions(incident.id) + 1
    keep(work, incident, decision, now=now, by=caller.id, number=number)
    return Stepped(incident, start_offers(work, incident, case, decision, now=now), decision)


def _must_be_answered(work: UnitOfWork, incident: Incident, step: Step) -> None:
    owed = _owed(work, incident)
    if not owed:
        return
    due = [one.reply_by.astimezone(COUNTY_TIME).strftime("%Y-%m-%d %H:%M") for one in owed]
    zh = "；".join(
        f"{one.level} {one.supervisor}，{at} 前回复" for one, at in zip(owed, due, strict=True)
    )
    en = "; ".join(
        f"{one.level} {one.supervisor}, due {at}" for one, at in zip(owed, due, strict=True)
    )
    text = Text(
        f"督办尚未回复（{zh}），不能执行“{STEP_NAMES[step].zh}”：请先回复督办"
        f"（POST /api/v1/incidents/{incident.number}/supervision/reply）。未作任何更改",
        f"a supervision order is not answered ({en}), {step} is not possible: answer it first "
        f"(POST /api/v1/incidents/{incident.number}/supervision/reply). Nothing was changed",
    )
    raise ConflictError(Fault("supervision_owed", text, "step"))


def _owed(work: UnitOfWork, incident: Incident) -> list[Supervision]:
    """The orders over a case that are not answered."""
    return [one for one in work.cases.supervisions(incident.id) if one.replied_at is None]


_NOBODY_NEEDED = frozenset(Stage) - {
    Stage.PAPERWORK_OWED,
    Stage.REGISTERED,
    Stage.ROUTED,
    Stage.HANDLING,
}


def _needs(action: Action) -> None:
    wanted = {
        Step.ROUTE: ("owner", action.owner.strip(), Text("承办单位或人员", "who handles it")),
        Step.REFUSE: ("note", action.note.strip(), Text("不予受理理由", "the reason")),
        Step.TRANSFER: ("note", action.note.strip(), Text("转出去向和理由", "where to and why")),
        Step.RATE: ("rating", action.rating, Text("评价", "the rating")),
    }
    if action.step is Step.MERGE:
        text = Text("并案请用 /merge，并说明并入哪一案", "use /merge and say into which case")
        raise InputError(Fault("use_merge", text, "step"))
    where, given, what = wanted.get(action.step, ("", "-", Text("", "")))
    if not given:
        text = Text(f"缺少{what.zh}：请填写 {where}", f"{what.en} is missing: give {where}")
        raise InputError(Fault("missing_" + where, text, where))
    if action.rating and action.rating not in RATINGS:
        allowed = ", ".join(RATINGS)
        text = Text(f"没有评价“{action.rating}”：可用 {allowed}", f"use one of {allowed}")
        raise InputError(Fault("unknown_rating", text, "rating"))


def _changed(case: Case, stage: Stage, action: Action, now: datetime) -> Case:
    owner = action.owner or ("" if action.step is Step.SEND_BACK else case.owner)
    handled = stage in _NOBODY_NEEDED
    return replace(
        quiet(case) if handled else case,
        stage=stage,
        owner=owner,
        closed_at=(case.closed_at or now) if handled else None,
        paperwork_due_at=now + PAPERWORK_WITHIN if stage is Stage.PAPERWORK_OWED else None,
        merged_into=None if action.step is Step.REOPEN else case.merged_into,
        rating=action.rating if action.step is Step.RATE else case.rating,
    )


def merge(key: str, into: str, *, store: Store, now: datetime, caller: Caller) -> Case:
    """Make the case ``key`` part of the case ``into``: those sent to it stay sent, to the other,
    which owes the answers to its supervision orders from now on.

    Raises
    ------
    NotFoundError
        One of them is unknown in the caller's area.
    ConflictError
        One of them is closed, or they are the same; nothing is changed.
    """

    def once(work: UnitOfWork) -> Case:
        incident, case = reached(work, key, caller)
        target, other = reached(work, into, caller)
        if incident.id == target.id:
            text = Text("不能并入自身", "a case cannot be merged into itself")
            raise ConflictError(Fault("merge_into_itself", text, "into"))
        if incident.drill != target.drill:
            text = Text("演练与真实案件不能并案", "a drill and a real case stay apart")
            raise ConflictError(Fault("merge_with_drill", text, "into"))
        stage = next_stage(case.stage, Step.MERGE)
        must_be_at_work(other)
        after = replace(
            quiet(case),
            stage=stage,
            merged_into=target.number,
            closed_at=now,
            paperwork_due_at=None,
            supervised=False,
        )
        work.cases.change(incident.id, after)
        work.events.record(
            CaseStepped(
                **about(incident, store.county, caller.id),
                step=Step.MERGE,
                before=case.stage,
                after=stage,
                into=target.number,
            )
        )
        _hand_on(work, incident, target, caller)
        _hand_orders_on(work, incident, target, other, caller)
        look_soon(work, target.id, now)
        return after

    return patiently(store, once)


def _hand_on(work: UnitOfWork, incident: Incident, target: Incident, caller: Caller) -> None:
    fields = about(target, work.cases.county, caller.id)
    for one in work.cases.assignments(incident.id):
        if one.state in ENDED:
            continue
        work.cases.change_assignment(replace(one, incident=target.id))
        work.events.record(assigned(one, fields))
    work.cases.rename_claims(incident.number, target.number)
    work.timers.hand_on(incident.id, target.id)


def _hand_orders_on(
    work: UnitOfWork, incident: Incident, target: Incident, other: Case, caller: Caller
) -> None:
    moving = _owed(work, incident)
    if not moving:
        return
    work.cases.move_supervisions(incident.id, target.id)
    work.cases.change(target.id, replace(other, supervised=True))
    fields = about(target, work.cases.county, caller.id)
    work.events.record(*(CaseSupervised(**fields, order=one.id, replied=False) for one in moving))


def supervise(
    key: str,
    *,
    level: str,
    supervisor: str,
    reply_by: datetime,
    note: str,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Supervision:
    """Put a supervision order over an open case: a flag, its stage stays.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    InputError
        The reply date has passed, or is years away.
    ConflictError
        The case is closed.
    """
    if not now < reply_by < now + timedelta(days=366):
        text = Text("回复期限须在此后一年之内", "the reply date must be within the year to come")
        raise InputError(Fault("bad_reply_date", text, "reply_by"))
    order = Supervision(uuid.uuid4().hex, "", level, supervisor, reply_by, note, now)

    def put(work: UnitOfWork, incident: Incident, case: Case) -> Supervision:
        kept = replace(order, incident=incident.id)
        work.cases.supervise(kept)
        work.cases.change(incident.id, replace(case, supervised=True))
        fields = about(incident, store.county, caller.id)
        work.events.record(CaseSupervised(**fields, order=kept.id, replied=False))
        return kept

    return _over_open(key, put, store, caller)


def reply_to_supervision(key: str, *, store: Store, now: datetime, caller: Caller) -> Case:
    """Mark every order over a case as answered.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    ConflictError
        There is none to answer.
    """

    def once(work: UnitOfWork) -> Case:
        incident, case = reached(work, key, caller)
        if not case.supervised:
            text = Text("没有待回复的督办", "there is no supervision order to answer")
            raise ConflictError(Fault("not_supervised", text))
        fields = about(incident, store.county, caller.id)
        work.events.record(
            *(
                CaseSupervised(**fields, order=order.id, replied=True)
                for order in _owed(work, incident)
            )
        )
        work.cases.answer_supervisions(incident.id, now)
        after = replace(case, supervised=False)
        work.cases.change(incident.id, after)
        return after

    return patiently(store, once)


def remind(key: str, *, store: Store, caller: Caller) -> Case:
    """Remind whoever answers for an open case: a flag, its stage stays.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    ConflictError
        The case is closed.
    """

    def put(work: UnitOfWork, incident: Incident, case: Case) -> Case:
        after = replace(case, reminders=case.reminders + 1)
        work.cases.change(incident.id, after)
        fields = about(incident, store.county, caller.id)
        work.events.record(CaseReminded(**fields, times=after.reminders))
        return after

    return _over_open(key, put, store, caller)


T = TypeVar("T")


def _over_open(
    key: str,
    put: Callable[[UnitOfWork, Incident, Case], T],
    store: Store,
    caller: Caller,
) -> T:
    def once(work: UnitOfWork) -> T:
        incident, case = reached(work, key, caller)
        must_be_open(case)
        return put(work, incident, case)

    return patiently(store, once)

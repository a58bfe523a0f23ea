"""Somebody answers an offer, sets out, arrives, is silent: the steps of an assignment.

The rule of late acceptances: the first acceptance in the order of the log holds. Whoever accepts
after their offer has ended gets the place while it is open; else they are told at once who has it,
and nothing but that fact is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gridsvc.dispatch import Card
from gridsvc.dispatch.offers import fills, lacking
from gridsvc.domain.case import Assignment, Case, Note
from gridsvc.domain.errors import ConflictError, Fault, InputError, NotFoundError
from gridsvc.domain.events import Event
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import LATE, AssignmentState, AssignmentStep
from gridsvc.domain.offer_events import AcceptanceRefused, SilentOnScene
from gridsvc.domain.reasons import DECLINED_FOR, NOT_NEEDED
from gridsvc.domain.rights import Caller
from gridsvc.domain.timers import Timer, TimerKind, silence_timer
from gridsvc.domain.waves import ORDINARY
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, move, reached, take_person
from gridsvc.flows.offering import CLOCK, settle
from gridsvc.flows.patience import patiently
from gridsvc.flows.scene import Scene
from gridsvc.store import Store, UnitOfWork

_MACHINES = frozenset({AssignmentStep.EXPIRE})
_SETTLED_ANEW = frozenset(
    {
        AssignmentStep.ACCEPT,
        AssignmentStep.DECLINE,
        AssignmentStep.RELEASE,
        AssignmentStep.STAND_DOWN,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A step with what is said to it. ``reason`` is a code of `DECLINED_FOR`, for a decline;
    ``note`` are words, kept with the case. ``on_behalf``: recorded by telephone (代接单)."""

    step: AssignmentStep
    reason: str = ""
    note: str = ""
    on_behalf: bool = False


@dataclass(frozen=True, slots=True)
class _Refused:
    """An acceptance that came too late; the event of it is kept."""

    fault: Fault


def step_assignment(
    id: str,  # noqa: A002
    answer: Answer,
    *,
    scene: Scene,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Assignment:
    """Take a step of an assignment's table; who is enough and who is asked next follows at once.

    Raises
    ------
    NotFoundError
        No such assignment in the caller's area.
    InputError
        A reason that is none.
    ConflictError
        The table has no such step, or the acceptance came too late; nothing is changed.
    """
    _must_have_meaning(answer)

    def once(work: UnitOfWork) -> Assignment | _Refused:
        one, incident, case = _found(work, id, caller)
        if answer.step in _MACHINES:
            raise ConflictError(_NOT_BY_HAND)
        if answer.step is AssignmentStep.ACCEPT and one.state in LATE:
            refused = _too_late(work, one, incident, case, scene=scene, now=now, caller=caller)
            if refused is not None:
                return refused
        after = move(
            work,
            one,
            incident,
            answer.step,
            now=now,
            by=caller.id,
            on_behalf=answer.on_behalf,
            reason=_reason(answer),
        )
        if answer.note.strip():
            said = Note(now, caller.id, answer.step, answer.note)
            work.cases.note(incident.id, said)
        case = _watch(work, incident, case, one, after, scene=scene, now=now)
        if answer.step in _SETTLED_ANEW:
            settle(work, incident, case, scene=scene, now=now, by=caller.id)
        return after

    done = patiently(store, once)
    if isinstance(done, _Refused):
        raise ConflictError(done.fault)
    return done


def _must_have_meaning(answer: Answer) -> None:
    if not answer.reason or answer.reason in DECLINED_FOR:
        return
    allowed = "、".join(f"{name.zh}（{code}）" for code, name in DECLINED_FOR.items())
    text = Text(
        f"没有谢绝理由“{answer.reason}”：可用 {allowed}",
        f"no reason {answer.reason!r}: use one of {', '.join(DECLINED_FOR)}",
    )
    raise InputError(Fault("unknown_reason", text, "reason"))


def _reason(answer: Answer) -> str:
    match answer.step:
        case AssignmentStep.DECLINE | AssignmentStep.RELEASE:
            return answer.reason or "declined"
        case AssignmentStep.STAND_DOWN:
            return NOT_NEEDED
        case _:
            return ""


def _found(work: UnitOfWork, id: str, caller: Caller) -> tuple[Assignment, Incident, Case]:  # noqa: A002
    """One assignment with its case, the case locked before it, here as everywhere."""
    found = work.cases.assignment(id)
    if found is None:
        raise _unknown_assignment(id)
    try:
        incident, case = reached(work, found.incident, caller)
    except NotFoundError:
        raise _unknown_assignment(id) from None
    one = work.cases.assignment(id, lock=True) or found
    if one.incident != incident.id:
        incident, case = reached(work, one.incident, caller)
    return one, incident, case


def _too_late(
    work: UnitOfWork,
    one: Assignment,
    incident: Incident,
    case: Case,
    *,
    scene: Scene,
    now: datetime,
    caller: Caller,
) -> _Refused | None:
    """Settle a late acceptance: None where the place is open and the person free, who is claimed
    again."""
    sent = work.cases.assignments(incident.id)
    holders = _holders(one, sent)
    if not open_for(one, scene.card(incident, at=now), case, sent):
        who = "、".join(each.responder for each in holders) or "无"
        text = Text(
            f"接单过晚，未作任何更改：此案已不需要人手（已接单：{who}），请勿前往，谢谢",
            "accepted too late, nothing was changed: nobody more is needed "
            f"(going: {', '.join(each.responder for each in holders) or 'nobody'}); thank you",
        )
        return _refuse(work, one, incident, caller, "enough", Fault("too_late", text), holders)
    office = scene.force.get(one.responder)
    taken_by = take_person(work, one, incident, exclusive=office is None or office.role.exclusive)
    if taken_by is None:
        return None
    text = Text(
        f"接单过晚，未作任何更改：{one.responder} 现已指派到 {taken_by}",
        f"accepted too late, nothing was changed: {one.responder} is assigned to {taken_by} now",
    )
    return _refuse(work, one, incident, caller, "elsewhere", Fault("too_late", text), ())


def open_for(one: Assignment, card: Card, case: Case, sent: Sequence[Assignment]) -> bool:
    """Whether the place that ``one`` was offered is still open, of all who were ``sent``."""
    if not case.open or case.closed_at is not None or case.unanswered_since is None:
        return False
    again = any(each.responder == one.responder and each.state in _STILL_ASKED for each in sent)
    left = lacking(card, sent)
    return not again and (
        case.by_hand or any(capability in left for capability in one.capabilities)
    )


_STILL_ASKED = frozenset(
    {
        AssignmentState.OFFERED,
        AssignmentState.ACCEPTED,
        AssignmentState.EN_ROUTE,
        AssignmentState.ARRIVED,
    }
)


def _holders(one: Assignment, sent: Sequence[Assignment]) -> list[Assignment]:
    """Who has the places that ``one`` was asked for."""
    wanted = set(one.capabilities)
    return [each for each in sent if fills(each) and not wanted.isdisjoint(each.capabilities)]


def _refuse(
    work: UnitOfWork,
    one: Assignment,
    incident: Incident,
    caller: Caller,
    reason: str,
    fault: Fault,
    holders: Sequence[Assignment],
) -> _Refused:
    event: Event = AcceptanceRefused(
        **about(incident, work.cases.county, caller.id),
        assignment=one.id,
        responder=one.responder,
        reason=reason,
        holders=tuple(each.id for each in holders),
    )
    work.events.record(event)
    return _Refused(fault)


def _watch(
    work: UnitOfWork,
    incident: Incident,
    case: Case,
    before: Assignment,
    after: Assignment,
    *,
    scene: Scene,
    now: datetime,
) -> Case:
    """Watch over who is on the scene, from their arrival until they are heard of last."""
    if AssignmentState.ARRIVED not in (before.state, after.state):
        return case
    if after.state is AssignmentState.ARRIVED:
        _look_after(work, incident, after, scene=scene, now=now)
    else:
        work.timers.take(silence_timer(after.id))
    return _count_silent(work, incident, case)


def _look_after(
    work: UnitOfWork, incident: Incident, one: Assignment, *, scene: Scene, now: datetime
) -> None:
    waves = scene.card(incident, at=now).waves or ORDINARY
    due = now + timedelta(seconds=waves.silence_s)
    timer = silence_timer(one.id)
    work.timers.set(Timer(timer, incident.id, TimerKind.SILENCE, due, assignment=one.id))


def _count_silent(work: UnitOfWork, incident: Incident, case: Case) -> Case:
    silent = sum(one.silent_since is not None for one in work.cases.assignments(incident.id))
    if silent == case.silent:
        return case
    after = replace(case, silent=silent)
    work.cases.change(incident.id, after)
    return after


def silent(
    work: UnitOfWork,
    incident: Incident,
    case: Case,
    assignment: str,
    *,
    scene: Scene,
    now: datetime,
) -> None:
    """Somebody on the scene was not heard of in time: alarm, ring, and look again later. The
    incident is locked."""
    one = work.cases.assignment(assignment, lock=True)
    if one is None or one.state is not AssignmentState.ARRIVED:
        return
    work.cases.change_assignment(replace(one, silent_since=one.silent_since or now))
    work.events.record(
        SilentOnScene(
            **about(incident, work.cases.county, CLOCK), assignment=one.id, responder=one.responder
        )
    )
    _look_after(work, incident, one, scene=scene, now=now)
    _count_silent(work, incident, case)


def _unknown_assignment(id: str) -> NotFoundError:  # noqa: A002
    text = Text(f"没有编号为“{id}”的指派", f"no assignment is known under {id!r}")
    return NotFoundError(Fault("unknown_assignment", text))


_NOT_BY_HAND = Fault(
    "not_by_hand",
    Text(
        "“超时”由系统计时产生，不能手工执行；不再需要此人请用“撤回力量”（stand_down）",
        "expire is what the clock does; to call somebody off use stand_down",
    ),
    "step",
)

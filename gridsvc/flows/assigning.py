"""A person chooses whom to send, and calls a dispatch off, in two steps."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gridsvc.dispatch import Card, Pick, View
from gridsvc.dispatch.eligibility import refusals
from gridsvc.domain.case import Assignment, Case, Note, quiet
from gridsvc.domain.errors import ConflictError, Fault, InputError
from gridsvc.domain.incident import Incident
from gridsvc.domain.kinds import Lay
from gridsvc.domain.lifecycle import ENDED
from gridsvc.domain.offer_events import DispatchRecalled
from gridsvc.domain.reasons import RECALLED
from gridsvc.domain.rights import Caller
from gridsvc.domain.timers import Timer, TimerKind
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import (
    about,
    assigned,
    call_off,
    must_be_at_work,
    offer,
    reached,
    take,
)
from gridsvc.flows.offering import calling, settle
from gridsvc.flows.patience import patiently
from gridsvc.flows.scene import Scene, card_of
from gridsvc.store import Store, UnitOfWork

CONFIRM_WITHIN = timedelta(seconds=120)
"""A recall that was prepared must be confirmed within so long."""


@dataclass(frozen=True, slots=True)
class Recall:
    """What a recall would do: ``token`` confirms it until ``confirm_by``; these are stood down."""

    token: str
    confirm_by: datetime
    assignments: tuple[Assignment, ...]


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
        view, card = scene.view(incident, at=now), card_of(incident)
        if view is None:
            raise ConflictError(Fault("unlocated", _UNLOCATED))
        picked = _chosen(view, card, responders)
        made = [offer(pick, incident, card, now=now, by=caller.id, wave=0) for pick in picked]
        lost = take(work, list(zip(picked, made, strict=True)), incident)
        if lost:
            raise ConflictError(_taken(*min(lost.items())))
        work.cases.assign(made)
        fields = about(incident, store.county, caller.id)
        work.events.record(*(assigned(one, fields) for one in made))
        if case.by_hand and case.unanswered_since is None:
            case = calling(case, now)
            work.cases.change(incident.id, case)
        settle(work, incident, case, scene=scene, now=now, by=caller.id)
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


def prepare_recall(key: str, *, store: Store, now: datetime, caller: Caller) -> Recall:
    """Say whom a recall of the dispatch would stand down; nothing is changed yet.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    ConflictError
        Nobody is sent to it.
    """

    def once(work: UnitOfWork) -> Recall:
        incident, case = reached(work, key, caller)
        active = _active(work, incident)
        if not active and case.unanswered_since is None:
            raise ConflictError(_NOBODY_SENT)
        recall = Recall(uuid.uuid4().hex, now + CONFIRM_WITHIN, active)
        shown = {"shown": sorted(one.id for one in active), "by": caller.id}
        work.timers.set(
            Timer(recall.token, incident.id, TimerKind.RECALL, recall.confirm_by, payload=shown)
        )
        return recall

    return patiently(store, once)


def recall(
    key: str, token: str, reason: str, *, store: Store, now: datetime, caller: Caller
) -> tuple[Case, tuple[Assignment, ...]]:
    """Call a dispatch off: everybody is stood down and told, the case stays open, and from now on
    only a person sends people to it.

    Parameters
    ----------
    token
        Of `prepare_recall`, by the same caller.
    reason
        In words, kept with the case.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    InputError
        No reason is given.
    ConflictError
        The token is not of this recall, too old, or other people are sent now than were shown.
    """
    if not reason.strip():
        text = Text("缺少撤回理由：请填写 reason", "the reason is missing: give reason")
        raise InputError(Fault("missing_reason", text, "reason"))

    def once(work: UnitOfWork) -> tuple[Case, tuple[Assignment, ...]]:
        incident, case = reached(work, key, caller)
        timer = work.timers.take(token)
        if timer is None or timer.incident != incident.id or timer.due_at <= now:
            raise ConflictError(_NOT_PREPARED)
        shown = {"shown": sorted(one.id for one in _active(work, incident)), "by": caller.id}
        if timer.kind is not TimerKind.RECALL or timer.payload != shown:
            raise ConflictError(_SENT_MEANWHILE)
        gone = call_off(work, incident, now=now, by=caller.id, reason=RECALLED)
        after = replace(quiet(case), by_hand=True)
        work.cases.change(incident.id, after)
        work.cases.note(incident.id, Note(now, caller.id, "recall", reason))
        names = tuple(one.id for one in gone)
        work.events.record(
            DispatchRecalled(**about(incident, store.county, caller.id), assignments=names)
        )
        return after, tuple(gone)

    return patiently(store, once)


def _active(work: UnitOfWork, incident: Incident) -> tuple[Assignment, ...]:
    return tuple(one for one in work.cases.assignments(incident.id) if one.state not in ENDED)


def _taken(responder: str, number: str) -> Fault:
    text = Text(
        f"{responder} 已指派到 {number}，未作任何更改：请另选一人",
        f"{responder} is assigned to {number}; nothing was changed: choose somebody else",
    )
    return Fault("responder_taken", text, "responders")


_UNLOCATED = Text(
    "案件尚未定位，不能派人：请先补充位置", "the case is not located yet: give its position first"
)
_NOBODY_SENT = Fault(
    "nobody_sent",
    Text("此案现无派出人员，无可撤回", "nobody is sent to this case: there is nothing to recall"),
)
_NOT_PREPARED = Fault(
    "recall_not_prepared",
    Text(
        "撤回须先预览再确认：请不带 token 重新提交一次，两分钟内用返回的 token 确认；未作任何更改",
        "a recall is shown first and then confirmed: send it without a token, and confirm with "
        "the token of that answer within two minutes; nothing was changed",
    ),
    "token",
)
_SENT_MEANWHILE = Fault(
    "sent_meanwhile",
    Text(
        "预览之后派出人员已有变化，未作任何更改：请重新预览后再确认",
        "other people are sent now than were shown, nothing was changed: look again, then confirm",
    ),
    "token",
)

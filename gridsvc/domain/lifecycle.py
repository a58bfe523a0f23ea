"""The only (state, step) -> state tables: one for the case, one for an assignment.

`docs/lifecycle.md` is drawn from them, and a test keeps it true. Supervision orders and reminders
are flags over any open stage (`gridsvc.domain.case`), never stages.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from gridsvc.domain.errors import ConflictError, Fault
from gridsvc.domain.words import Text


class Stage(StrEnum):
    """Where a case stands. The first is dispatch first, paperwork owed; then the loop in order;
    then the exits."""

    PAPERWORK_OWED = "paperwork_owed"
    REGISTERED = "registered"
    ROUTED = "routed"
    HANDLING = "handling"
    REPLIED = "replied"
    RATED = "rated"
    ARCHIVED = "archived"
    REFUSED = "refused"
    TRANSFERRED = "transferred"
    MERGED = "merged"
    FALSE_ALARM = "false_alarm"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What is done to a case."""

    COMPLETE_PAPERWORK = "complete_paperwork"
    ROUTE = "route"
    SEND_BACK = "send_back"
    START = "start"
    REPLY = "reply"
    RATE = "rate"
    ARCHIVE = "archive"
    REFUSE = "refuse"
    TRANSFER = "transfer"
    MERGE = "merge"
    FALSE_ALARM = "false_alarm"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


class AssignmentState(StrEnum):
    """Where the sending of one person to one case stands; a person has no such state."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    DONE = "done"
    STOOD_DOWN = "stood_down"
    RELEASED = "released"


class AssignmentStep(StrEnum):
    """What happens to an assignment."""

    NOTIFY = "notify"
    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE = "expire"
    DEPART = "depart"
    ARRIVE = "arrive"
    CHECK_IN = "check_in"
    FINISH = "finish"
    STAND_DOWN = "stand_down"
    RELEASE = "release"


STAGE_NAMES: dict[Stage, Text] = {
    Stage.PAPERWORK_OWED: Text("先处置·待补流程", "dispatched first, paperwork owed"),
    Stage.REGISTERED: Text("受理", "registered"),
    Stage.ROUTED: Text("分流", "routed"),
    Stage.HANDLING: Text("办理", "handling"),
    Stage.REPLIED: Text("反馈", "replied"),
    Stage.RATED: Text("评价", "rated"),
    Stage.ARCHIVED: Text("归档", "archived"),
    Stage.REFUSED: Text("不予受理", "refused with notice"),
    Stage.TRANSFERRED: Text("转出", "transferred out"),
    Stage.MERGED: Text("并案", "merged"),
    Stage.FALSE_ALARM: Text("误报", "false alarm"),
    Stage.WITHDRAWN: Text("撤回", "withdrawn"),
}

STEP_NAMES: dict[Step, Text] = {
    Step.COMPLETE_PAPERWORK: Text("补齐流程", "complete the paperwork"),
    Step.ROUTE: Text("分流交办", "route"),
    Step.SEND_BACK: Text("退回重派", "send back"),
    Step.START: Text("开始办理", "start handling"),
    Step.REPLY: Text("反馈", "reply"),
    Step.RATE: Text("评价", "rate"),
    Step.ARCHIVE: Text("归档", "archive"),
    Step.REFUSE: Text("不予受理", "refuse with notice"),
    Step.TRANSFER: Text("转出", "transfer out"),
    Step.MERGE: Text("并案", "merge"),
    Step.FALSE_ALARM: Text("认定误报", "call a false alarm"),
    Step.WITHDRAW: Text("撤回", "withdraw"),
    Step.REOPEN: Text("重新打开", "reopen"),
}

ASSIGNMENT_STATE_NAMES: dict[AssignmentState, Text] = {
    AssignmentState.OFFERED: Text("已指派·待接单", "offered, not accepted yet"),
    AssignmentState.ACCEPTED: Text("已接单", "accepted"),
    AssignmentState.EXPIRED: Text("超时未接单", "not accepted in time"),
    AssignmentState.EN_ROUTE: Text("赶赴途中", "en route"),
    AssignmentState.ARRIVED: Text("已到场", "arrived"),
    AssignmentState.DONE: Text("已完成", "done"),
    AssignmentState.DECLINED: Text("已谢绝", "declined"),
    AssignmentState.STOOD_DOWN: Text("已撤回", "stood down"),
    AssignmentState.RELEASED: Text("已解除", "released"),
}

ASSIGNMENT_STEP_NAMES: dict[AssignmentStep, Text] = {
    AssignmentStep.NOTIFY: Text("确认已通知", "notify"),
    AssignmentStep.ACCEPT: Text("接单", "accept"),
    AssignmentStep.DECLINE: Text("谢绝", "decline"),
    AssignmentStep.EXPIRE: Text("超时", "expire"),
    AssignmentStep.DEPART: Text("出发", "depart"),
    AssignmentStep.ARRIVE: Text("到场", "arrive"),
    AssignmentStep.CHECK_IN: Text("报平安", "report to be safe"),
    AssignmentStep.FINISH: Text("完成", "finish"),
    AssignmentStep.STAND_DOWN: Text("撤回力量", "stand down"),
    AssignmentStep.RELEASE: Text("解除指派", "release"),
}

_LEAVES = {
    Step.MERGE: Stage.MERGED,
    Step.FALSE_ALARM: Stage.FALSE_ALARM,
    Step.WITHDRAW: Stage.WITHDRAWN,
}
"""The exits of every stage before the reply."""

CASE: dict[Stage, dict[Step, Stage]] = {
    Stage.PAPERWORK_OWED: {Step.COMPLETE_PAPERWORK: Stage.HANDLING, **_LEAVES},
    Stage.REGISTERED: {
        Step.ROUTE: Stage.ROUTED,
        Step.START: Stage.HANDLING,
        Step.REFUSE: Stage.REFUSED,
        Step.TRANSFER: Stage.TRANSFERRED,
        **_LEAVES,
    },
    Stage.ROUTED: {
        Step.START: Stage.HANDLING,
        Step.SEND_BACK: Stage.REGISTERED,
        Step.TRANSFER: Stage.TRANSFERRED,
        **_LEAVES,
    },
    Stage.HANDLING: {
        Step.REPLY: Stage.REPLIED,
        Step.SEND_BACK: Stage.REGISTERED,
        Step.TRANSFER: Stage.TRANSFERRED,
        **_LEAVES,
    },
    Stage.REPLIED: {
        Step.RATE: Stage.RATED,
        Step.ARCHIVE: Stage.ARCHIVED,
        Step.REOPEN: Stage.HANDLING,
    },
    Stage.RATED: {Step.ARCHIVE: Stage.ARCHIVED, Step.REOPEN: Stage.HANDLING},
    Stage.ARCHIVED: {Step.REOPEN: Stage.HANDLING},
    Stage.REFUSED: {Step.REOPEN: Stage.REGISTERED},
    Stage.TRANSFERRED: {Step.REOPEN: Stage.REGISTERED},
    Stage.MERGED: {Step.REOPEN: Stage.REGISTERED},
    Stage.FALSE_ALARM: {Step.REOPEN: Stage.REGISTERED},
    Stage.WITHDRAWN: {Step.REOPEN: Stage.REGISTERED},
}

URGENT_CASE: dict[Stage, dict[Step, Stage]] = {
    stage: {Step.REOPEN: Stage.PAPERWORK_OWED}
    for stage, steps in CASE.items()
    if steps.get(Step.REOPEN) is Stage.REGISTERED
}
"""Where a case of urgency 1 or 2 goes on otherwise: an emergency that was given up by mistake is
dispatched first again."""

_A, _DO = AssignmentState, AssignmentStep
_CALLED_OFF = {_DO.STAND_DOWN: _A.STOOD_DOWN, _DO.RELEASE: _A.RELEASED}

ASSIGNMENT: dict[AssignmentState, dict[AssignmentStep, AssignmentState]] = {
    _A.OFFERED: {
        _DO.NOTIFY: _A.OFFERED,
        _DO.ACCEPT: _A.ACCEPTED,
        _DO.DECLINE: _A.DECLINED,
        _DO.EXPIRE: _A.EXPIRED,
        **_CALLED_OFF,
    },
    _A.ACCEPTED: {
        _DO.DEPART: _A.EN_ROUTE,
        _DO.ARRIVE: _A.ARRIVED,
        _DO.DECLINE: _A.DECLINED,
        **_CALLED_OFF,
    },
    _A.DECLINED: {},
    _A.EXPIRED: {_DO.ACCEPT: _A.ACCEPTED},
    _A.EN_ROUTE: {_DO.ARRIVE: _A.ARRIVED, _DO.DECLINE: _A.DECLINED, **_CALLED_OFF},
    _A.ARRIVED: {_DO.CHECK_IN: _A.ARRIVED, _DO.FINISH: _A.DONE, **_CALLED_OFF},
    _A.DONE: {},
    _A.STOOD_DOWN: {_DO.ACCEPT: _A.ACCEPTED},
    _A.RELEASED: {},
}

OPEN_STAGES = frozenset(
    {Stage.PAPERWORK_OWED, Stage.REGISTERED, Stage.ROUTED, Stage.HANDLING, Stage.REPLIED}
)
"""Somebody still owes something. A rated case only waits for its archive."""

ENDED = frozenset({_A.DECLINED, _A.EXPIRED, _A.DONE, _A.STOOD_DOWN, _A.RELEASED})
"""States in which the person is free again."""

LATE = frozenset({_A.EXPIRED, _A.STOOD_DOWN})
"""States from which somebody may still accept, while the place is open: a late acceptance."""

GOING = frozenset({_A.ACCEPTED, _A.EN_ROUTE, _A.ARRIVED})
"""States in which the person has said yes and is at it."""

OFFER_NAMES: dict[bool, Text] = {
    False: Text("已指派·未通知", "assigned, not notified"),
    True: Text("已通知·待接单", "notified, not accepted yet"),
}
"""What an offer is called, by whether a channel has confirmed that the person was told."""


def next_stage(stage: Stage, step: Step, *, urgent: bool = False) -> Stage:
    """Stage after ``step`` of a case, ``urgent`` for one of urgency 1 or 2.

    Raises
    ------
    ConflictError
        The table has no such step, with those it has.
    """
    after = _next(CASE, stage, step, STAGE_NAMES, STEP_NAMES, "illegal_step")
    return URGENT_CASE.get(stage, {}).get(step, after) if urgent else after


def next_state(state: AssignmentState, step: AssignmentStep) -> AssignmentState:
    """State of an assignment after ``step``.

    Raises
    ------
    ConflictError
        The table has no such step, with those it has.
    """
    return _next(
        ASSIGNMENT, state, step, ASSIGNMENT_STATE_NAMES, ASSIGNMENT_STEP_NAMES, "illegal_step"
    )


S = TypeVar("S", bound=StrEnum)
D = TypeVar("D", bound=StrEnum)


def _next(
    table: Mapping[S, Mapping[D, S]],
    state: S,
    step: D,
    state_names: Mapping[S, Text],
    step_names: Mapping[D, Text],
    code: str,
) -> S:
    allowed = table[state]
    if step in allowed:
        return allowed[step]
    now, wanted = state_names[state], step_names[step]
    listed = "、".join(f"{step_names[one].zh}（{one}）" for one in allowed) or "无"
    listed_en = ", ".join(allowed) or "nothing"
    text = Text(
        f"当前为“{now.zh}”，不能执行“{wanted.zh}”（{step}）；现在可执行：{listed}。未作任何更改",
        f"it is {now.en} ({state}), {step} is not possible; possible now: {listed_en}. "
        "Nothing was changed",
    )
    raise ConflictError(Fault(code, text, "step"))

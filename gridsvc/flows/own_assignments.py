"""Somebody answers their own assignment: with their own key, or by the link they were sent.

Whoever holds one of these is the person it was given to, so steps are recorded as theirs.
"""

from dataclasses import dataclass
from datetime import datetime

from gridsvc.domain.case import Assignment
from gridsvc.domain.errors import ConflictError, Fault, InputError, NotFoundError
from gridsvc.domain.incident import Incident, for_list
from gridsvc.domain.keys import hash_of
from gridsvc.domain.lifecycle import ASSIGNMENT, LATE, AssignmentStep
from gridsvc.domain.messages import LINK_AFTER_ACCEPTING
from gridsvc.domain.reasons import DECLINED_FOR
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.answering import Answer, open_for, step_assignment
from gridsvc.flows.patience import patiently
from gridsvc.flows.scene import Scene
from gridsvc.store import Reading, Store, UnitOfWork

OWN_STEPS = (
    AssignmentStep.ACCEPT,
    AssignmentStep.DECLINE,
    AssignmentStep.DEPART,
    AssignmentStep.ARRIVE,
    AssignmentStep.CHECK_IN,
    AssignmentStep.FINISH,
)
"""What the person sent may do, in order."""

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Own:
    """An assignment and its incident, as far as the person may see it: of a sensitive kind the
    particulars are ``withheld``. ``steps`` are what the person may do now, in order."""

    assignment: Assignment
    incident: Incident
    withheld: bool
    steps: tuple[AssignmentStep, ...]


def mine(caller: Caller, *, scene: Scene, store: Store, now: datetime) -> tuple[Own, ...]:
    """The caller's last assignments, the open ones first.

    Raises
    ------
    ConflictError
        The caller shows no key of a responder.
    """
    responder = whose(caller)
    with store.read() as reading:
        found = reading.cases.assignments_of(responder, limit=MOST_SHOWN)
        return tuple(_own(reading, one, scene, now) for one in found)


def answer_mine(
    id: str,  # noqa: A002
    answer: Answer,
    *,
    scene: Scene,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Own:
    """Take a step of one of the caller's own assignments.

    Raises
    ------
    NotFoundError
        The caller has no such assignment.
    InputError
        A decline with neither a reason nor words, or for none of the known reasons.
    ConflictError
        The table has no such step, an acceptance came too late, or the caller shows no key of a
        responder.
    """
    responder = whose(caller)
    with store.read() as reading:
        found = reading.cases.assignment(id)
    if found is None or found.responder != responder:
        text = Text(f"您没有编号为“{id}”的任务", f"you have no assignment {id!r}")
        raise NotFoundError(Fault("unknown_assignment", text))
    return _answer(found, answer, scene=scene, store=store, now=now)


def open_link(token: str, *, scene: Scene, store: Store, now: datetime) -> Own:
    """What a link opens: nothing is changed, for messengers fetch links to preview them.

    Raises
    ------
    NotFoundError
        There never was such a link.
    ConflictError
        It has expired.
    """
    with store.read() as reading:
        return _own(reading, _linked(reading, token, now), scene, now)


def answer_by_link(token: str, answer: Answer, *, scene: Scene, store: Store, now: datetime) -> Own:
    """Take a step of the assignment that a link opens.

    An acceptance can be made once, also late while the place is open; from then on the link
    goes on for the steps that follow, until the assignment ends.

    Raises
    ------
    NotFoundError, InputError, ConflictError
        As `open_link` and `answer_mine` do.
    """
    with store.read() as reading:
        found = _linked(reading, token, now)
    own = _answer(found, answer, scene=scene, store=store, now=now)
    if answer.step is AssignmentStep.ACCEPT:

        def extend(work: UnitOfWork) -> None:
            work.messages.extend_links(found.id, now + LINK_AFTER_ACCEPTING)

        patiently(store, extend)
    return own


def whose(caller: Caller) -> str:
    """Id of the responder whose own key the caller shows.

    Raises
    ------
    ConflictError
        It is nobody's own.
    """
    if caller.responder is None:
        raise ConflictError(_NOBODYS_KEY)
    return caller.responder


def _linked(reading: Reading, token: str, now: datetime) -> Assignment:
    link = reading.messages.link(hash_of(token)) if token.isascii() else None
    found = None if link is None else reading.cases.assignment(link.assignment)
    if link is None or found is None:
        raise NotFoundError(_UNKNOWN_LINK)
    if link.expires_at < now:
        raise ConflictError(_EXPIRED_LINK)
    return found


def _answer(found: Assignment, answer: Answer, *, scene: Scene, store: Store, now: datetime) -> Own:
    if answer.step is AssignmentStep.DECLINE and not (answer.reason or answer.note.strip()):
        raise InputError(_NO_REASON)
    person = Caller(found.responder, found.responder, frozenset(), store.county)
    after = step_assignment(found.id, answer, scene=scene, store=store, now=now, caller=person)
    with store.read() as reading:
        return _own(reading, after, scene, now)


def _own(reading: Reading, one: Assignment, scene: Scene, now: datetime) -> Own:
    incident, case = reading.cases.known(one.incident)
    told, withheld = for_list(incident)
    possible = ASSIGNMENT[one.state]
    if one.state in LATE:
        card, sent = scene.card(incident, at=now), reading.cases.assignments(incident.id)
        possible = possible if open_for(one, card, case, sent) else {}
    return Own(one, told, withheld, tuple(step for step in OWN_STEPS if step in possible))


_ALLOWED = "、".join(f"{name.zh}（{code}）" for code, name in DECLINED_FOR.items())
_NO_REASON = Fault(
    "no_reason",
    Text(
        f"谢绝须说明理由：请给出 reason（{_ALLOWED}）或用文字说明",
        f"a decline needs a reason: one of {', '.join(DECLINED_FOR)}, or words of your own",
    ),
    "reason",
)
_NOBODYS_KEY = Fault(
    "no_responders_key",
    Text(
        "此密钥不属于任何处置人员：请用 gridsvc keys add 名称 --responder 编号 建立的密钥",
        "this key is no responder's own: use one made by gridsvc keys add NAME --responder ID",
    ),
    "Authorization",
)
_UNKNOWN_LINK = Fault(
    "unknown_link",
    Text(
        "链接无效：请核对短信中的链接是否完整，或致电指挥中心",
        "this link is not known: check that it is whole, or call the command centre",
    ),
)
_EXPIRED_LINK = Fault(
    "expired_link",
    Text(
        "链接已过期：请致电指挥中心，或等待新的短信",
        "this link has expired: call the command centre, or wait for a new message",
    ),
)

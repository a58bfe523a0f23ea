"""What offers in waves tell people: ended, thanked, redirected, called off again, silent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gridsvc.domain.errors import ConflictError
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.messages import TELLS, MessageKind, MessageState, told_by
from gridsvc.domain.offer_events import SilentOnScene
from gridsvc.domain.reasons import REASONS
from gridsvc.flows import telling
from gridsvc.flows.dispatching import about, move
from tests.gateway import Gateway
from tests.test_telling import REPORT, Desk, desk, sent, there, work_off

__all__ = ["desk", "there"]


def texts(there: Gateway, responder: str) -> list[str]:
    phone = f"1990000{responder[-4:]}"
    return [str(one["text"]) for one in there.taken if one["phone"] == phone]


def step(desk: Desk, key: str, *steps: AssignmentStep) -> None:
    for one in steps:
        desk.runtime.step_assignment(key, one, on_behalf=True, caller=desk.runtime.local)


def recall(desk: Desk, key: str) -> None:
    runtime = desk.runtime
    token = runtime.prepare_recall(key, caller=runtime.local).token
    runtime.recall(key, token, "误报", caller=runtime.local)


def test_who_comes_late_and_is_recalled_again_is_told_again(desk: Desk, there: Gateway) -> None:
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    one, other = sent(receipt)[:2]
    work_off(teller)
    recall(desk, receipt.incident.id)
    work_off(teller)
    assert [("【撤回】" in text) for text in texts(there, one.responder)] == [False, True]
    desk.runtime.assign(receipt.incident.id, [other.responder], caller=desk.runtime.local)
    step(desk, one.id, AssignmentStep.ACCEPT)
    recall(desk, receipt.incident.id)
    work_off(teller)
    assert [("【撤回】" in text) for text in texts(there, one.responder)] == [False, True, True]


def test_a_second_delivery_leaves_the_moment_of_the_first(desk: Desk) -> None:
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    one = sent(receipt)[0]
    work_off(teller)
    first, message = desk.now, desk.messages(receipt)[0]
    desk.now += timedelta(seconds=10)
    with desk.runtime.store.write() as work:
        again = replace(message, id="again", channel="other", next_at=desk.now)
        work.messages.add([replace(again, state=MessageState.QUEUED, attempts=0)])
        taken = work.messages.take("other", now=desk.now, until=desk.now)
    assert taken is not None
    telling.sent(desk.runtime.store, taken, now=desk.now)
    assert desk.assignment(one.id).notified_at == first


def test_who_lets_their_time_pass_is_told_nothing_and_may_still_accept(
    desk: Desk, there: Gateway
) -> None:
    teller = desk.teller()
    teller.look()
    one = sent(desk.runtime.receive(REPORT))[0]
    work_off(teller)
    with desk.runtime.store.write() as work:
        incident, _ = work.cases.known(one.incident, lock=True)
        now = work.cases.assignment(one.id)
        assert now is not None
        move(work, now, incident, AssignmentStep.EXPIRE, now=desk.now, by="clock")
    work_off(teller)
    assert len(texts(there, one.responder)) == 1
    step(desk, one.id, AssignmentStep.ACCEPT, AssignmentStep.DEPART)


def test_an_acceptance_that_was_recorded_too_late_is_answered_with_thanks(
    desk: Desk, there: Gateway
) -> None:
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    reserve = next(one for one in sent(receipt) if one.reserve)
    work_off(teller)
    (first,) = [
        one for one in sent(receipt) if one.capability == reserve.capability and one != reserve
    ]
    step(desk, first.id, AssignmentStep.ACCEPT)
    work_off(teller)
    assert "人手已够" in texts(there, reserve.responder)[-1]
    with pytest.raises(ConflictError):
        step(desk, reserve.id, AssignmentStep.ACCEPT)
    work_off(teller)
    assert [("人手已够" in text) for text in texts(there, reserve.responder)] == [
        False,
        True,
        True,
    ]


def test_every_silence_is_asked_about(desk: Desk, there: Gateway) -> None:
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    one = sent(receipt)[0]
    work_off(teller)
    do = AssignmentStep
    step(desk, one.id, do.ACCEPT, do.ARRIVE)
    for times in (1, 2):
        with desk.runtime.store.write() as work:
            fields = about(receipt.incident, work.cases.county, "clock")
            work.events.record(SilentOnScene(**fields, assignment=one.id, responder=one.responder))
        work_off(teller)
        assert sum("报平安" in text for text in texts(there, one.responder)) == times


def test_every_reason_of_an_end_is_told_as_the_table_says() -> None:
    def told(name: str, **more: str) -> MessageKind | None:
        payload = {"assignment": "a", "responder": "r", "by": "clock", **more}
        found = told_by(name, payload)
        assert found is None or found[1] == ("a",)
        return None if found is None else found[0]

    def ended(step: str, reason: str) -> MessageKind | None:
        return told("assignment_stepped", step=step, reason=reason)

    stood = {reason: ended("stand_down", reason) for reason in REASONS}
    assert {reason for reason, kind in stood.items() if kind is MessageKind.THANKED} == {"enough"}
    assert set(stood.values()) == {MessageKind.THANKED, MessageKind.STOOD_DOWN}
    assert ended("release", "redirected") is MessageKind.REDIRECTED
    assert ended("release", "declined") is MessageKind.STOOD_DOWN
    assert ended("expire", "no_answer") is None
    assert told("acceptance_refused", reason="enough") is MessageKind.THANKED
    assert told("acceptance_refused", reason="elsewhere") is None
    assert told("acceptance_refused", reason="enough", by="r") is None, "answered on their screen"
    assert {row.kind for row in TELLS} == set(MessageKind)

"""Services are asked in the transaction of the report, answer, and are an alarm when silent."""

from datetime import timedelta

import pytest

from gridsvc.domain.case import alarms
from gridsvc.domain.errors import InputError, NotFoundError
from gridsvc.domain.lifecycle import Step
from gridsvc.domain.timers import TimerKind
from gridsvc.flows.casework import Action
from gridsvc.runtime import Runtime
from gridsvc.store import CaseFilter
from tests.card_county import START, Hands, due, named, nowhere, report, tick

A_MINUTE = timedelta(seconds=60)


def alarmed(runtime: Runtime, key: str) -> bool:
    file = runtime.show(key, by=runtime.local).file
    return "handover_unanswered" in alarms(file.incident, file.case, at=runtime.clock())


def states(runtime: Runtime, key: str) -> dict[str, str]:
    shown = runtime.show(key, by=runtime.local)
    return {one.service: one.state(runtime.clock()) for one in shown.handovers}


def test_an_urgent_card_asks_in_the_same_transaction_also_without_a_place(
    carded: Runtime, hands: Hands
) -> None:
    for given in (report("road_accident"), nowhere("road_accident", text="有人受伤")):
        number = carded.receive(given).incident.number
        asked = carded.show(number, by=carded.local).handovers
        assert {one.service for one in asked} == {"120", "122"}
        assert {(one.asked_at, one.asked_by, one.answered_at) for one in asked} == {
            (START, "local", None)
        }
        assert named(carded, number, "handover_asked")[0]["services"] == ["122", "120"]
    ordinary = carded.receive(report("old_and_young")).incident.number
    assert states(carded, ordinary) == {}


def test_words_that_name_a_knife_ask_the_police_whatever_the_urgency(carded: Runtime) -> None:
    calm = carded.receive(report("neighbour_quarrel", urgency=4, text="吵架")).incident.number
    knife = carded.receive(report("neighbour_quarrel", urgency=4, text="动刀了")).incident.number
    assert states(carded, calm) == {}
    assert states(carded, knife) == {"110": "asked"}


def test_silence_is_an_alarm_after_a_minute_until_all_have_answered(
    carded: Runtime, hands: Hands
) -> None:
    number = carded.receive(report("road_accident")).incident.number
    hands.forward(seconds=60)
    assert not alarmed(carded, number)
    hands.forward(seconds=0.001)
    assert alarmed(carded, number)
    assert states(carded, number) == {"120": "overdue", "122": "overdue"}
    page = carded.page(CaseFilter(), limit=5, before=None, by=carded.local)
    assert page.alarms["handover_unanswered"] == 1
    for service, left in (("120", True), ("122", False)):
        found = carded.service_answered(
            number, service, operator="3 号台", their_number="JJ-17", caller=carded.local
        )
        one = next(each for each in found if each.service == service)
        assert (one.operator, one.their_number, one.answered_at) == ("3 号台", "JJ-17", hands.at)
        assert alarmed(carded, number) is left
    assert "3 号台" not in str(carded.show(number, by=carded.local).events)
    page = carded.page(CaseFilter(), limit=5, before=None, by=carded.local)
    assert page.alarms["handover_unanswered"] == 0


def test_a_service_can_be_asked_later_and_again(carded: Runtime, hands: Hands) -> None:
    number = carded.receive(report("old_and_young")).incident.number
    hands.forward(minutes=5)
    (asked,) = carded.ask_service(number, "110", caller=carded.local)
    assert asked.asked_at == hands.at
    carded.service_answered(number, "110", operator="", their_number="7", caller=carded.local)
    hands.forward(minutes=5)
    (again,) = carded.ask_service(number, "110", caller=carded.local)
    assert (again.asked_at, again.answered_at, again.their_number) == (hands.at, None, "")
    hands.forward(minutes=5)
    assert alarmed(carded, number)
    assert len(named(carded, number, "handover_asked")) == 2


def test_a_corrected_answer_keeps_the_moment_of_the_first(carded: Runtime, hands: Hands) -> None:
    number = carded.receive(report()).incident.number
    carded.service_answered(number, "120", operator="甲", their_number="", caller=carded.local)
    first = hands.at
    hands.forward(minutes=1)
    (one,) = carded.service_answered(
        number, "120", operator="乙", their_number="8", caller=carded.local
    )
    assert (one.operator, one.their_number, one.answered_at) == ("乙", "8", first)


def test_what_cannot_be_meant_is_refused(carded: Runtime) -> None:
    number = carded.receive(report()).incident.number
    with pytest.raises(NotFoundError, match="110, 119, 120, 122"):
        carded.ask_service(number, "911", caller=carded.local)
    with pytest.raises(NotFoundError, match="ask it first"):
        carded.service_answered(number, "119", operator="x", their_number="", caller=carded.local)
    with pytest.raises(InputError):
        carded.service_answered(number, "120", operator=" ", their_number="", caller=carded.local)


def test_the_timer_tells_each_silence_once(carded: Runtime, hands: Hands) -> None:
    incident = carded.receive(report("road_accident")).incident
    assert due(carded, incident.id, TimerKind.HANDOVERS) == START + A_MINUTE
    hands.forward(seconds=30)
    carded.ask_service(incident.number, "119", caller=carded.local)
    carded.service_answered(
        incident.number, "122", operator="x", their_number="", caller=carded.local
    )
    assert due(carded, incident.id, TimerKind.HANDOVERS) == START + A_MINUTE
    hands.forward(seconds=40)
    tick(carded)
    (told,) = named(carded, incident.number, "handover_overdue")
    assert told["services"] == ["120"]
    assert due(carded, incident.id, TimerKind.HANDOVERS) == START + timedelta(seconds=90)
    tick(carded)
    assert len(named(carded, incident.number, "handover_overdue")) == 1
    for step in (Step.COMPLETE_PAPERWORK, Step.REPLY, Step.RATE, Step.ARCHIVE):
        rating = "satisfied" if step is Step.RATE else ""
        carded.step(incident.number, Action(step, rating=rating), caller=carded.local)
    hands.forward(minutes=5)
    tick(carded)
    assert len(named(carded, incident.number, "handover_overdue")) == 1


def test_whose_silence_was_told_is_not_told_again_when_another_is_asked(
    carded: Runtime, hands: Hands
) -> None:
    number = carded.receive(report("road_accident")).incident.number
    hands.forward(seconds=60)
    tick(carded)
    hands.forward(seconds=30)
    carded.ask_service(number, "119", caller=carded.local)
    hands.forward(seconds=60)
    tick(carded)
    told = [set(one["services"]) for one in named(carded, number, "handover_overdue")]
    assert told == [{"120", "122"}, {"119"}]
    carded.ask_service(number, "120", caller=carded.local)
    hands.forward(seconds=60)
    tick(carded)
    assert named(carded, number, "handover_overdue")[-1]["services"] == ["120"]


def test_a_recall_of_people_does_not_end_the_watch_over_services(
    carded: Runtime, hands: Hands
) -> None:
    number = carded.receive(report("road_accident")).incident.number
    token = carded.prepare_recall(number, caller=carded.local).token
    carded.recall(number, token, "误派", caller=carded.local)
    hands.forward(seconds=60)
    tick(carded)
    (told,) = named(carded, number, "handover_overdue")
    assert set(told["services"]) == {"120", "122"}


def test_a_merged_case_hands_its_silent_services_on(carded: Runtime, hands: Hands) -> None:
    first = carded.receive(report("sudden_illness")).incident
    hands.forward(seconds=20)
    second = carded.receive(report("road_accident")).incident
    carded.service_answered(
        first.number, "120", operator="甲", their_number="", caller=carded.local
    )
    assert states(carded, second.number) == {"120": "asked", "122": "asked"}
    carded.merge(second.number, first.number, caller=carded.local)
    assert states(carded, first.number) == {"120": "answered", "122": "asked"}
    assert due(carded, first.id, TimerKind.HANDOVERS) == START + timedelta(seconds=80)
    assert due(carded, second.id, TimerKind.HANDOVERS) is None
    hands.forward(seconds=60)
    tick(carded)
    assert named(carded, first.number, "handover_overdue")[0]["services"] == ["122"]
    hands.forward(seconds=1)
    assert alarmed(carded, first.number)
    assert not alarmed(carded, second.number)
    carded.service_answered(
        first.number, "122", operator="乙", their_number="", caller=carded.local
    )
    assert not alarmed(carded, first.number)

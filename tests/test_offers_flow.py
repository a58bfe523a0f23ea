"""An emergency is offered until somebody goes: waves, answers, escalation, silence, recall."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gridsvc.domain.errors import ConflictError, InputError
from gridsvc.domain.force import Capability, Role
from gridsvc.domain.lifecycle import GOING, Step
from gridsvc.flows.casework import Action
from gridsvc.store import Store
from tests.offers_desk import BEGIN, ILLNESS, SENT, Desk

Open = Callable[..., Desk]


BOTH = pytest.mark.parametrize("home", ["sqlite", "postgres"], indirect=True)
"""On PostGIS too, where the store has to do more than keep a row."""


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated store."""
    if getattr(request, "param", "sqlite") == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'county.sqlite'}"
    store = Store.open(url)
    store.upgrade()
    store.close()
    return url


@pytest.fixture
def open_desk(home: str, tmp_path: Path) -> Iterator[Open]:
    desks: list[Desk] = []
    store = Store.open(home)

    def make(many: int = 10) -> Desk:
        desks.append(Desk.at(store, home, tmp_path, SENT * many))
        return desks[-1]

    yield make
    store.close()
    for desk in desks:
        desk.runtime.close()


def accept_all(desk: Desk, key: str) -> None:
    while waiting := desk.sent(key, "offered"):
        desk.step(waiting[0], "accept")


def test_everybody_and_a_reserve_each_are_asked_at_once_and_red_from_the_first_second(
    open_desk: Open,
) -> None:
    desk = open_desk()
    key = desk.call()
    for _, capability in SENT:
        asked = desk.offered(key, capability)
        assert [one.reserve for one in asked].count(False) == 1
        assert [one.reserve for one in asked].count(True) == 1
        assert {one.answer_by for one in asked} == {BEGIN + timedelta(seconds=45)}
        assert {one.wave for one in asked} == {1}
    assert desk.alarms(key) == ("unanswered",)
    assert desk.case(key).unanswered_since == BEGIN
    assert len(desk.taken()) == 8


@BOTH
def test_the_times_of_urgency_one(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    first = {one.id for one in desk.sent(key)}
    desk.wait(19.9)
    assert desk.happened(key, "second_channel_asked") == []
    desk.wait(0.2)
    (rung,) = desk.happened(key, "second_channel_asked")
    assert set(rung["assignments"]) == first
    desk.wait(24.8)
    assert {one.id for one in desk.sent(key, "offered")} == first
    desk.wait(0.2)
    assert {one.id for one in desk.sent(key, "expired")} == first
    assert {one.reason for one in desk.sent(key, "expired")} == {"no_answer"}
    second = desk.sent(key, "offered")
    assert {one.wave for one in second} == {2}
    assert len(second) == 8
    assert {one.responder for one in second}.isdisjoint(
        one.responder for one in desk.sent(key, "expired")
    )
    assert desk.happened(key, "township_alarmed", "leader_alarmed") == []
    desk.wait(45)
    assert len(desk.happened(key, "township_alarmed")) == 1
    assert desk.alarms(key) == ("township_alarmed", "unanswered")
    desk.wait(90)
    assert len(desk.happened(key, "leader_alarmed")) == 1
    assert desk.alarms(key)[0] == "leader_alarmed"
    assert desk.case(key).escalation == 2
    assert desk.case(key).escalated_at == BEGIN + timedelta(seconds=180)
    assert all(one.late_s == 0 for one in desk.fired)


def test_who_is_enough_is_the_cards_count_and_the_rest_are_thanked(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    doctor, reserve = desk.offered(key, "first_aid")
    desk.now += timedelta(seconds=12)
    desk.step(reserve, "accept")
    (thanked,) = desk.sent(key, "stood_down")
    assert (thanked.id, thanked.reason) == (doctor.id, "enough")
    assert doctor.responder not in desk.taken()
    assert desk.alarms(key) == ("unanswered",)
    accept_all(desk, key)
    assert len(desk.sent(key, "accepted")) == 4
    assert desk.alarms(key) == ()
    (settled,) = desk.happened(key, "offers_settled")
    assert settled["after_s"] == 12
    assert set(desk.taken()) == {one.responder for one in desk.sent(key, "accepted")}
    desk.wait(3600)
    assert len(desk.sent(key)) == 8, "somebody was asked although enough are going"


@BOTH
def test_a_decline_asks_the_next_at_once_and_keeps_its_reason(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    doctor = desk.offered(key, "first_aid")[0]
    desk.now += timedelta(seconds=7)
    desk.step(doctor, "decline", reason="unwell", note="发烧在家")
    (declined,) = desk.sent(key, "declined")
    assert (declined.reason, declined.on_behalf) == ("unwell", True)
    new = [one for one in desk.offered(key, "first_aid") if one.wave == 2]
    assert len(new) == 1
    assert new[0].answer_by == desk.now + timedelta(seconds=45)
    told = desk.happened(key, "assignment_stepped")[-1]
    assert (told["reason"], told["free"]) == ("unwell", True)
    assert "发烧" not in str(desk.happened(key, "assignment_stepped"))
    with desk.runtime.store.read() as reading:
        (note,) = reading.cases.notes(key)
    assert note.text == "发烧在家"
    desk.wait(600)
    again = [one for one in desk.sent(key) if one.responder == doctor.responder]
    assert len(again) == 1, "who declined is asked again"


def test_an_unknown_reason_is_refused(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    with pytest.raises(InputError, match="unwell"):
        desk.step(desk.sent(key)[0], "decline", reason="lazy")
    assert len(desk.sent(key, "offered")) == 8


def test_urgency_two_is_one_by_one_a_minute_each(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call(replace(ILLNESS, urgency=2))
    assert len(desk.sent(key)) == 4
    assert not any(one.reserve for one in desk.sent(key))
    desk.wait(59)
    assert len(desk.sent(key)) == 4
    desk.wait(1)
    assert len(desk.sent(key, "expired")) == 4
    assert len(desk.sent(key, "offered")) == 4
    desk.wait(240)
    assert desk.happened(key, "township_alarmed") == []
    assert "unanswered" in desk.alarms(key)


def test_with_nobody_left_it_stays_red_until_a_person_acts(open_desk: Open) -> None:
    desk = open_desk(1)
    key = desk.call()
    assert desk.case(key).nobody_left is False
    desk.wait(100)
    assert desk.alarms(key)[:2] == ("nobody_left", "township_alarmed")
    (told,) = desk.happened(key, "nobody_left")
    assert set(told["capabilities"]) <= {capability for _, capability in SENT}
    desk.wait(150)
    assert "nobody_left" in desk.alarms(key)
    doctor = next(one for one in desk.sent(key, "expired") if one.capability == "first_aid")
    desk.runtime._catch_up()
    (made,) = desk.runtime.assign(key, [doctor.responder], caller=desk.runtime.local)
    assert (made.wave, made.answer_by) == (0, desk.now + timedelta(seconds=45))
    desk.step(made, "accept")
    assert "first_aid" not in {one.capability for one in desk.sent(key, "offered")}
    assert "unanswered" in desk.alarms(key), "the others are still missing"


@BOTH
def test_who_did_not_answer_is_asked_again_where_nobody_else_is_left(open_desk: Open) -> None:
    desk = open_desk(1)
    key = desk.call()
    desk.wait(100)
    asked = {one.responder for one in desk.sent(key)}
    desk.wait(240)
    assert len(desk.sent(key)) == len(asked), "too soon"
    desk.wait(700)
    again = desk.sent(key)
    assert len(again) > len(asked)
    assert {one.responder for one in again} == asked


@BOTH
def test_the_first_acceptance_in_the_log_holds_and_the_late_one_is_told(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    first, second = desk.offered(key, "first_aid")
    desk.step(second, "accept")
    before = desk.sent(key)
    with pytest.raises(ConflictError) as caught:
        desk.step(first, "accept")
    (fault,) = caught.value.faults
    assert fault.code == "too_late"
    assert second.responder in fault.text.zh
    assert desk.sent(key) == before
    (refused,) = desk.happened(key, "acceptance_refused")
    assert (refused["assignment"], refused["reason"]) == (first.id, "enough")
    assert refused["holders"] == [second.id]


def test_a_late_acceptance_gets_a_place_that_is_open(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    doctor = desk.offered(key, "first_aid")[0]
    desk.wait(46)
    assert doctor.id in {one.id for one in desk.sent(key, "expired")}
    assert doctor.responder not in desk.taken()
    came = desk.step(doctor, "accept")
    assert came.state in GOING
    assert desk.taken()[doctor.responder]
    assert desk.offered(key, "first_aid") == []
    desk.runtime._catch_up()
    assert doctor.responder in desk.runtime.scene().busy


@BOTH
def test_a_late_acceptance_of_somebody_who_is_elsewhere_now(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    doctor = desk.offered(key, "first_aid")[0]
    desk.wait(46)
    other = desk.call()
    there = [one for one in desk.sent(other) if one.responder == doctor.responder]
    assert there, "the nearest doctor is free again and goes to the next case"
    with pytest.raises(ConflictError) as caught:
        desk.step(doctor, "accept")
    assert desk.taken()[doctor.responder] in caught.value.faults[0].text.zh
    (refused,) = desk.happened(key, "acceptance_refused")
    assert refused["reason"] == "elsewhere"
    assert desk.sent(other, "offered")


def test_who_drops_out_is_replaced_and_it_is_red_again(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    accept_all(desk, key)
    doctor = next(one for one in desk.sent(key, "accepted") if one.capability == "first_aid")
    desk.step(doctor, "depart")
    desk.now += timedelta(minutes=3)
    desk.step(doctor, "decline", reason="no_transport")
    assert desk.alarms(key) == ("unanswered",)
    assert desk.case(key).unanswered_since == desk.now
    assert len(desk.offered(key, "first_aid")) == 2
    assert desk.happened(key, "offers_reopened")[0]["capabilities"] == ["first_aid"]


def test_whom_the_officer_stands_down_is_not_replaced(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    for one in desk.offered(key, "first_aid"):
        if one.state == "offered" and one.id in {each.id for each in desk.sent(key, "offered")}:
            desk.step(one, "stand_down")
            break
    desk.wait(50)
    assert desk.offered(key, "first_aid") == []


@BOTH
def test_silence_on_the_scene_is_an_alarm_until_somebody_is_heard(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    accept_all(desk, key)
    one = desk.sent(key, "accepted")[0]
    desk.step(one, "arrive")
    desk.wait(20 * 60 - 1)
    assert desk.alarms(key) == ()
    desk.wait(1)
    assert desk.alarms(key) == ("silent_on_scene",)
    (told,) = desk.happened(key, "silent_on_scene")
    assert told["assignment"] == one.id
    desk.wait(20 * 60)
    assert len(desk.happened(key, "silent_on_scene")) == 2
    desk.step(one, "check_in")
    assert desk.alarms(key) == ()
    desk.wait(19 * 60)
    assert desk.alarms(key) == ()
    desk.step(one, "finish")
    desk.wait(3600)
    assert desk.alarms(key) == ()


def test_a_closed_case_asks_nobody_any_more(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    desk.runtime.step(key, Action(Step.FALSE_ALARM), caller=desk.runtime.local)
    assert {(one.state, one.reason) for one in desk.sent(key)} == {("stood_down", "case_over")}
    desk.wait(600)
    assert desk.fired == []
    assert len(desk.sent(key)) == 8
    assert desk.taken() == {}
    desk.runtime.step(key, Action(Step.REOPEN), caller=desk.runtime.local)
    assert desk.alarms(key) == ("unanswered",), "an urgent case is dispatched again at once"


@BOTH
def test_a_recall_is_shown_first_and_done_on_the_second_word(open_desk: Open) -> None:
    desk = open_desk()
    key, me = desk.call(), desk.runtime.local
    desk.step(desk.sent(key)[0], "accept")
    shown = desk.runtime.prepare_recall(key, caller=me)
    assert {one.id for one in shown.assignments} == {
        one.id for one in desk.sent(key, "offered", "accepted")
    }
    assert desk.taken()
    with pytest.raises(InputError):
        desk.runtime.recall(key, shown.token, " ", caller=me)
    case, gone = desk.runtime.recall(key, shown.token, "报警人来电：已自行送医", caller=me)
    assert case.open
    assert {one.reason for one in gone} == {"recalled"}
    assert desk.taken() == {}
    assert desk.alarms(key) == ()
    desk.wait(600)
    assert desk.sent(key, "offered", "accepted") == []
    (told,) = desk.happened(key, "dispatch_recalled")
    assert set(told["assignments"]) == {one.id for one in gone}
    with pytest.raises(ConflictError):
        desk.step(gone[0], "accept")
    with pytest.raises(ConflictError):
        desk.runtime.recall(key, shown.token, "再来一次", caller=me)


def test_after_a_recall_only_a_person_sends_people(open_desk: Open) -> None:
    desk = open_desk()
    key, me = desk.call(), desk.runtime.local
    shown = desk.runtime.prepare_recall(key, caller=me)
    desk.runtime.recall(key, shown.token, "误派", caller=me)
    desk.runtime._catch_up()
    (made,) = desk.runtime.assign(key, ["R0004"], caller=me)
    assert desk.alarms(key) == ("unanswered",)
    desk.wait(50)
    assert desk.alarms(key) == ("nobody_left", "unanswered")
    assert desk.sent(key, "offered") == []
    desk.step(made, "accept")
    assert desk.alarms(key) == ()
    desk.runtime.place(key, ILLNESS, caller=me)
    assert [one.id for one in desk.sent(key, "offered", "accepted")] == [made.id]


def test_a_recall_that_was_not_meant_like_that(open_desk: Open) -> None:
    desk = open_desk()
    key, me = desk.call(), desk.runtime.local
    shown = desk.runtime.prepare_recall(key, caller=me)
    desk.step(desk.sent(key)[0], "decline")
    with pytest.raises(ConflictError, match="were shown"):
        desk.runtime.recall(key, shown.token, "误派", caller=me)
    shown = desk.runtime.prepare_recall(key, caller=me)
    with pytest.raises(ConflictError):
        desk.runtime.recall(key, f"offers-{key}", "误派", caller=me)
    desk.wait(40)
    desk.now += timedelta(seconds=200)
    with pytest.raises(ConflictError, match="two minutes"):
        desk.runtime.recall(key, shown.token, "误派", caller=me)
    assert desk.sent(key, "offered")


def test_a_drill_is_a_whole_exercise_that_holds_nobody_back(open_desk: Open) -> None:
    desk = open_desk()
    drill = desk.call(replace(ILLNESS, drill=True))
    assert desk.taken() == {}
    real = desk.call()
    people = {one.responder for one in desk.sent(drill)}
    assert {one.responder for one in desk.sent(real)} == people
    desk.wait(46)
    assert desk.sent(drill, "expired")
    assert {one.wave for one in desk.sent(drill, "offered")} == {2}
    accept_all(desk, drill)
    assert desk.alarms(drill) == ()
    names = ("responder_assigned", "assignment_stepped", "second_channel_asked", "wave_offered")
    told = desk.happened(drill, *names)
    assert told
    assert all(one["drill"] for one in told)
    with desk.runtime.store.read() as reading:
        assert set(reading.cases.taken().values()) == {reading.cases.known(real)[0].number}
    assert desk.runtime.open_cases()["unanswered"] == 1


@BOTH
def test_a_merged_case_goes_on_asking_under_the_other_number(open_desk: Open) -> None:
    desk = open_desk()
    one, other = desk.call(), desk.call()
    mine = {each.id for each in desk.sent(other)}
    desk.runtime.merge(other, one, caller=desk.runtime.local)
    assert mine <= {each.id for each in desk.sent(one)}
    desk.wait(46)
    assert mine <= {each.id for each in desk.sent(one, "expired")}
    assert desk.alarms(other) == ()
    assert len(desk.sent(one, "offered")) == 8


def test_why_somebody_goes_for_the_own_people_is_kept(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    (sentinel,) = [one for one in desk.offered(key, "first_on_scene") if not one.reserve]
    assert sentinel.why is not None
    assert "本单元吹哨人" in sentinel.why.zh


def test_a_sentence_for_each_case_where_nobody_can_be_asked_at_all(open_desk: Open) -> None:
    desk = open_desk(0)
    key = desk.call(replace(ILLNESS, kind="house_fire"))
    assert desk.alarms(key)[0] == "nobody_left"
    assert "fire" in desk.happened(key, "nobody_left")[0]["capabilities"]
    assert desk.runtime.open_cases()["nobody_left"] == 1


@BOTH
def test_both_stores_keep_every_field_of_an_offer(open_desk: Open) -> None:
    desk = open_desk()
    key = desk.call()
    made = desk.sent(key)[0]
    told = replace(made, notified_at=desk.now, rung_at=desk.now, silent_since=desk.now)
    with desk.runtime.store.write() as work:
        work.cases.change_assignment(told)
    assert desk.sent(key)[0] == told
    assert told.state_name.zh == "已通知·待接单"
    assert made.state_name.zh == "已指派·未通知"


def test_roles_of_the_sample_are_those_of_the_card() -> None:
    assert {capability for _, capability in SENT} == {
        Capability.FIRST_ON_SCENE,
        Capability.GRID_DUTY,
        Capability.FIRST_AID,
        Capability.AMBULANCE,
    }
    assert all(role is not Role.DEPARTMENT for role, _ in SENT)

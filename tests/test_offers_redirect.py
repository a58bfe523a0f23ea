"""Who is needed less goes where nobody is left; nobody is robbed without a reason."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gridsvc.domain.force import Capability, Role
from gridsvc.store import Store
from tests.offers_desk import BEGIN, ILLNESS, SENT, Desk
from tests.test_offers_crowd import log_of, replay

LESS = replace(ILLNESS, urgency=2)
OTHERS = tuple(one for one in SENT if one[1] is not Capability.FIRST_AID) * 6


@pytest.fixture
def desk(store: Store, store_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Many of everybody, and one doctor (R0004) alone."""
    one = Desk.at(store, store_url, tmp_path, OTHERS)
    yield one
    one.runtime.close()


def doctor(desk: Desk, key: str, *states: str) -> list[str]:
    return [one.responder for one in desk.sent(key, *states) if one.capability == "first_aid"]


def take_all(desk: Desk, key: str, *steps: str) -> None:
    for one in desk.sent(key, "offered"):
        if one.id in {each.id for each in desk.sent(key, "offered")}:
            for step in steps:
                desk.step(one, step)


def test_the_more_urgent_case_takes_the_only_doctor_and_says_why(desk: Desk) -> None:
    less = desk.call(LESS)
    take_all(desk, less, "accept", "depart")
    assert desk.alarms(less) == ()
    key = desk.call()
    assert desk.case(key).nobody_left
    desk.wait(0)
    assert doctor(desk, key, "offered") == ["R0004"]
    (came,) = [one for one in desk.sent(key, "offered") if one.responder == "R0004"]
    assert came.why is not None
    with desk.runtime.store.read() as reading:
        number = reading.cases.known(less)[0].number
        assert reading.cases.taken()["R0004"] == reading.cases.known(key)[0].number
    assert number in came.why.zh
    (gone,) = desk.sent(less, "released")
    assert (gone.responder, gone.reason) == ("R0004", "redirected")
    (told,) = desk.happened(less, "responder_redirected")
    assert told["into"] == key
    assert desk.alarms(less) == ("nobody_left", "unanswered"), "it is offered again at once"
    replay(log_of(desk.runtime.store))


def test_somebody_free_is_asked_before_anybody_is_robbed(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    desk = Desk.at(store, store_url, tmp_path, (*OTHERS, (Role.DOCTOR, Capability.FIRST_AID)))
    less, spare = desk.call(LESS), desk.call(LESS)
    take_all(desk, less, "accept")
    take_all(desk, spare, "accept")
    freed = next(one for one in desk.sent(spare, "accepted") if one.capability == "first_aid")
    key = desk.call()
    with desk.runtime.store.write() as work:
        work.cases.free(freed)  # somebody is free of whom this process does not know yet
    desk.wait(0)
    assert doctor(desk, key, "offered") == [freed.responder]
    assert desk.happened(less, "responder_redirected") == []
    desk.runtime.close()


@pytest.mark.parametrize("states", [("accept", "arrive")])
def test_nobody_is_taken_from_a_scene(desk: Desk, states: Sequence[str]) -> None:
    less = desk.call(LESS)
    take_all(desk, less, *states)
    key = desk.call()
    desk.wait(0)
    assert doctor(desk, key) == []
    assert desk.alarms(key)[0] == "nobody_left"
    assert desk.alarms(less) == ()


def test_nobody_is_taken_from_a_case_as_urgent(desk: Desk) -> None:
    first = desk.call()
    take_all(desk, first, "accept")
    key = desk.call()
    desk.wait(0)
    assert doctor(desk, key) == []
    assert doctor(desk, first, "accepted") == ["R0004"]


def test_who_is_recused_is_not_taken_over(desk: Desk) -> None:
    less = desk.call(LESS)
    take_all(desk, less, "accept", "depart")
    key = desk.call(replace(ILLNESS, recused=("R0004",)))
    assert desk.case(key).nobody_left
    desk.wait(0)
    assert doctor(desk, key) == []
    assert doctor(desk, less, "en_route") == ["R0004"]


def test_urgency_two_takes_nobody(desk: Desk) -> None:
    first = desk.call(replace(LESS, urgency=2))
    take_all(desk, first, "accept")
    key = desk.call(LESS)
    desk.wait(0)
    assert doctor(desk, key) == []


def test_a_drill_takes_nobody(desk: Desk) -> None:
    less = desk.call(LESS)
    take_all(desk, less, "accept")
    drill = desk.call(replace(ILLNESS, drill=True))
    desk.wait(0)
    assert doctor(desk, less, "accepted") == ["R0004"]
    assert doctor(desk, drill) == []


def test_a_reserve_who_has_not_accepted_gives_way(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    desk = Desk.at(store, store_url, tmp_path, (*OTHERS, (Role.DOCTOR, Capability.FIRST_AID)))
    first = desk.call()
    (spare,) = [
        one for one in desk.sent(first, "offered") if one.reserve and one.capability == "first_aid"
    ]
    second = desk.call()
    assert desk.case(second).nobody_left
    desk.wait(0)
    assert doctor(desk, second, "offered") == [spare.responder]
    assert len(doctor(desk, first, "offered")) == 1
    assert not desk.case(first).nobody_left
    desk.runtime.close()


def test_two_that_rob_each_others_people_at_once(
    desk: Desk, store_url: str, tmp_path: Path
) -> None:
    """Many urgent cases want the one doctor of a lesser case, from two processes."""
    less = desk.call(LESS)
    take_all(desk, less, "accept")
    keys = [desk.call() for _ in range(6)]
    other = Desk.open(store_url, tmp_path / "other", BEGIN + timedelta(seconds=1))
    desk.now = other.now
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(one.fire) for one in (desk, other, desk, other)]
        for one in done:
            one.result(timeout=60)
    for _ in range(3):
        desk.fire()
    asked = [key for key in keys if doctor(desk, key, "offered")]
    assert len(asked) == 1
    robbed = [one["responder"] for one in desk.happened(less, "responder_redirected")]
    assert robbed.count("R0004") == 1
    replay(log_of(desk.runtime.store))
    other.runtime.close()

"""Timers: in the store, through a restart, once however many look, not stopped by an error."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gridsvc.clockwork import Clockwork
from gridsvc.domain.timers import LATE_S, Timer, TimerKind
from gridsvc.flows import timing
from gridsvc.flows.offering import settle
from gridsvc.store import Store
from tests.offers_desk import BEGIN, SENT, Desk


@pytest.fixture
def desk(store: Store, store_url: str, tmp_path: Path) -> Iterator[Desk]:
    one = Desk.at(store, store_url, tmp_path, SENT * 4)
    yield one
    one.runtime.close()


def due_at(desk: Desk, seconds: float) -> list[Timer]:
    with desk.runtime.store.read() as reading:
        return reading.timers.due(BEGIN + timedelta(seconds=seconds))


def test_timers_survive_the_process_that_set_them(
    desk: Desk, store_url: str, tmp_path: Path
) -> None:
    key = desk.call()
    desk.runtime.close()
    later = Desk.open(store_url, tmp_path / "other", BEGIN + timedelta(minutes=10))
    while later.fire():
        pass
    assert later.case(key).escalation == 2
    assert later.sent(key, "expired")
    late = later.fired[0].late_s
    assert late == pytest.approx(600 - 20)
    later.runtime.close()


def test_a_timer_fires_once_however_many_look(desk: Desk, store_url: str, tmp_path: Path) -> None:
    keys = [desk.call() for _ in range(3)]
    desks = [desk, Desk.open(store_url, tmp_path / "other")]
    for one in desks:
        one.now = BEGIN + timedelta(seconds=20)
    timers = due_at(desk, 20)
    assert len(timers) == 3
    begin = threading.Barrier(8)

    def look(n: int) -> int:
        one = desks[n % 2]
        scene, store = one.runtime.scene(), one.runtime.store
        begin.wait(timeout=30)
        done = [timing.fire(each, scene=scene, store=store, now=one.now) for each in timers]
        return sum(each is not None for each in done)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(look, range(8))) == 3
    for key in keys:
        assert len(desk.happened(key, "second_channel_asked")) == 1
    desks[1].runtime.close()


def test_a_timer_that_was_put_off_meanwhile_does_not_fire(desk: Desk) -> None:
    key = desk.call()
    (timer,) = due_at(desk, 20)
    with desk.runtime.store.write() as work:
        work.timers.set(Timer(timer.id, key, TimerKind.OFFERS, BEGIN + timedelta(hours=1)))
    desk.now = BEGIN + timedelta(seconds=20)
    scene, store = desk.runtime.scene(), desk.runtime.store
    assert timing.fire(timer, scene=scene, store=store, now=desk.now) is None
    assert desk.happened(key, "second_channel_asked") == []


def test_the_clockwork_never_sleeps_past_the_next_timer(desk: Desk) -> None:
    works = Clockwork(desk.runtime)
    assert 0 < works.tick() <= LATE_S / 2
    desk.call()
    desk.now = BEGIN + timedelta(seconds=19.9)
    desk.runtime._catch_up()
    assert works.tick() == pytest.approx(0.1)
    assert works.fired == 0
    desk.now = BEGIN + timedelta(seconds=20)
    assert works.tick() == 0.0
    assert (works.fired, works.latest_s) == (1, 0.0)


def test_one_case_that_cannot_be_settled_keeps_nobody_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = desk.call(), desk.call()

    def failing(work: Any, incident: Any, *rest: Any, **more: Any) -> Any:
        if incident.id == bad:
            raise ZeroDivisionError
        return settle(work, incident, *rest, **more)

    monkeypatch.setattr("gridsvc.flows.timing.settle", failing)
    works = Clockwork(desk.runtime)
    desk.now = BEGIN + timedelta(seconds=21)
    works.tick()
    works.tick()
    assert (works.fired, works.failed) == (1, 1)
    assert desk.happened(good, "second_channel_asked")
    monkeypatch.undo()
    works._failing.clear()
    works.tick()
    assert desk.happened(bad, "second_channel_asked"), "its timer was lost"


def test_a_thread_of_its_own_fires_and_stops(desk: Desk) -> None:
    key = desk.call()
    works = Clockwork(desk.runtime)
    desk.now = BEGIN + timedelta(seconds=20)
    works.start()
    done = threading.Event()
    for _ in range(600):
        if works.fired:
            break
        done.wait(0.05)
    works.close()
    assert works.fired == 1
    assert desk.happened(key, "second_channel_asked")


def test_timers_of_another_county_are_not_seen(store_url: str, desk: Desk) -> None:
    desk.call()
    other = Store.open(store_url, county="530325")
    with other.read() as reading:
        assert reading.timers.next_due() is None
        assert reading.timers.due(BEGIN + timedelta(days=1)) == []
    other.close()

"""Responders in both stores; names and telephone numbers can be erased."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from gridsvc.domain.errors import ConflictError, NotFoundError
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import LngLat
from gridsvc.store import Store
from gridsvc.store.tables import person
from tests.store_samples import NOON, live, responder


def upsert(store: Store, *responders: Responder) -> tuple[int, int]:
    with store.write() as work:
        return work.force.upsert(responders)


def everyone(store: Store) -> tuple[Responder, ...]:
    with store.read() as reading:
        return reading.force.all()


def test_everything_known_of_a_responder_comes_back(store: Store) -> None:
    full = responder(2, live=live(5), night=True, on_duty=False)
    bare = Responder("R001", "无名", Role.DEPARTMENT, "530324", None)
    assert upsert(store, full, bare) == (2, 0)
    assert everyone(store) == (bare, full)
    with store.read() as reading:
        assert reading.force.get("R002") == full
        assert reading.force.get("R003") is None


def test_only_what_differs_is_changed(store: Store) -> None:
    upsert(store, *(responder(i) for i in range(4)))
    moved = responder(1, home=LngLat(104.2, 24.8))
    renamed = responder(2, phone="")
    able = responder(3, capabilities=frozenset({Capability.MEDIATION}))
    assert upsert(store, responder(0), moved, renamed, able, responder(4)) == (1, 3)
    assert everyone(store) == (responder(0), moved, renamed, able, responder(4))


def test_a_list_of_people_leaves_live_positions_alone(store: Store) -> None:
    upsert(store, responder(1, live=live(5)))
    assert upsert(store, responder(1)) == (0, 0)
    assert upsert(store, responder(1, name="改名")) == (0, 1)
    assert everyone(store) == (responder(1, name="改名", live=live(5)),)


def test_of_an_id_given_twice_the_last_counts(store: Store) -> None:
    assert upsert(store, responder(1), responder(1, name="后来")) == (1, 0)
    assert everyone(store)[0].name == "后来"


def test_a_late_report_does_not_move_anyone_back(store: Store) -> None:
    upsert(store, responder(1))
    with store.write() as work:
        assert work.force.move("R001", live(5))
        assert not work.force.move("R001", live(4))
        assert work.force.move("R001", live(5))
        assert not work.force.move("R001", live(-50), now=NOON)
    assert everyone(store) == (responder(1, live=live(5)),)


def test_a_clock_that_once_ran_ahead_freezes_nobody(store: Store) -> None:
    upsert(store, responder(1, live=replace(live(5), seen_at=NOON.replace(year=2062))))
    with store.write() as work:
        assert work.force.move("R001", live(5))
        assert work.force.move("R001", live(60))
        # Another process's clock may be a little behind: that is no reason to go back.
        assert not work.force.move("R001", live(57))
        assert work.force.move("R001", live(20))
    assert everyone(store) == (responder(1, live=live(20)),)


def test_who_was_erased_is_not_tracked_again(store: Store) -> None:
    upsert(store, responder(1, live=live(1)))
    with store.write() as work:
        work.force.erase("R001", at=NOON)
    with pytest.raises(NotFoundError), store.write() as work:
        work.force.move("R001", live(5))
    with store.read() as reading:
        blank = reading.force.get("R001")
    assert blank is not None
    assert blank.live is None


def test_a_report_that_meets_an_erasure_half_way_is_refused(postgres_store: Store) -> None:
    upsert(postgres_store, responder(1, live=live(1)))
    refused: list[NotFoundError] = []

    def report() -> None:
        try:
            with postgres_store.write() as work:
                work.force.move("R001", live(5))
        except NotFoundError as error:
            refused.append(error)

    reporting = threading.Thread(target=report)
    with postgres_store.write() as work:
        work.force.erase("R001", at=NOON)
        reporting.start()
        reporting.join(0.5)
    reporting.join(20)
    assert len(refused) == 1
    with postgres_store.read() as reading:
        blank = reading.force.get("R001")
    assert blank is not None
    assert blank.live is None


def test_nobody_known_under_that_id(store: Store) -> None:
    with pytest.raises(NotFoundError), store.write() as work:
        work.force.move("nobody", live(1))
    with pytest.raises(NotFoundError), store.write() as work:
        work.force.erase("nobody", at=NOON)


def test_an_erased_person_leaves_nothing_behind(store: Store) -> None:
    upsert(store, responder(1, live=live(1)), responder(2))
    with store.write() as work:
        work.force.erase("R001", at=NOON + timedelta(microseconds=7))
    assert everyone(store) == (responder(2),)
    with store.read() as reading:
        erased_at = select(person.c.erased_at).where(person.c.id == "R001")
        erased = reading.force.connection.execute(erased_at).scalar_one()
    assert erased == NOON + timedelta(microseconds=7)
    with store.read() as reading:
        blank = reading.force.get("R001")
        rows = [
            str(tuple(row))
            for table in ("person", "responder")
            for row in reading.force.connection.execute(text(f"SELECT * FROM {table}"))
        ]
    assert blank is not None
    assert (blank.name, blank.phone, blank.home, blank.live) == ("", "", None, None)
    assert not any("演示1" in row or "13800000001" in row for row in rows)
    assert upsert(store, responder(1)) == (0, 1)  # back on the list by somebody's decision
    assert everyone(store) == (responder(1), responder(2))


def test_the_people_of_a_whole_county(store: Store) -> None:
    people = [responder(i, live=live(i % 9) if i % 2 else None) for i in range(3000)]
    assert upsert(store, *people) == (3000, 0)
    assert set(everyone(store)) == set(people)
    assert upsert(store, *(replace(one, app=False) for one in people)) == (0, 3000)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE responder SET role = 'police'",
        "UPDATE responder SET vehicle = 'boat'",
        "UPDATE responder SET home_lng = 181",
        "UPDATE responder SET home_lat = NULL",
        "UPDATE responder SET live_lat = -91",
        "UPDATE responder SET live_at = NULL",
        "DELETE FROM person",
    ],
)
def test_the_database_itself_refuses(store: Store, statement: str) -> None:
    upsert(store, responder(1, live=live(1)))
    with pytest.raises(ConflictError) as refused, store.write() as work:
        work.force.connection.execute(text(statement))
    assert "演示1" not in refused.value.say("zh")
    assert "演示1" not in repr(refused.value.__cause__)


def test_postgis_does_not_let_numbers_and_geometry_differ(postgres_store: Store) -> None:
    upsert(postgres_store, responder(1))
    with pytest.raises(ConflictError), postgres_store.write() as work:
        work.force.connection.execute(text("UPDATE responder SET home_lng = 104.0"))

"""The event log: one order without holes, whoever commits when."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gridsvc.domain.events import IncidentsImported, MapPublished, ResponderMoved, StoredEvent
from gridsvc.store import Store
from tests.store_child import take

ROOT = Path(__file__).parents[1]


def record(store: Store, *names: str) -> None:
    with store.write() as work:
        work.events.record(*(ResponderMoved(name) for name in names))


def log(store: Store, after: int = 0) -> list[tuple[int, str]]:
    with store.read() as reading:
        return [
            (stored.position, stored.payload["responder"]) for stored in reading.events.after(after)
        ]


def test_events_come_back_in_the_order_of_their_recording(store_url: str) -> None:
    at = datetime(2026, 11, 23, 4, 0, 0, 5, tzinfo=UTC)
    store = Store.open(store_url, clock=lambda: at)
    with store.write() as work:
        work.events.record(MapPublished(1, "grids", 9, 0, 0, ("overlap",)), IncidentsImported(5))
        assert work.events.head() == 0  # positions are given at the commit
    with store.read() as reading:
        assert reading.events.head() == 2
        first, second = reading.events.after(0)
        assert reading.events.after(1, limit=5) == [second]
        assert reading.events.after(0, limit=1) == [first]
        assert reading.events.after(2) == []
    store.close()
    assert second == StoredEvent(2, at, "incidents_imported", {"added": 5})
    assert second.at.utcoffset() == timedelta(hours=8)
    assert first.payload["accepted_faults"] == ["overlap"]


def test_a_rollback_leaves_no_hole(store: Store) -> None:
    record(store, "a")
    with suppress(ZeroDivisionError), store.write() as work:
        work.events.record(ResponderMoved("lost"))
        work.events.write_recorded()
        raise ZeroDivisionError
    record(store, "b", "c")
    assert log(store) == [(1, "a"), (2, "b"), (3, "c")]


def test_a_transaction_held_open_gets_its_position_when_it_commits(
    postgres_store: Store,
) -> None:
    with postgres_store.write() as held:
        held.events.record(ResponderMoved("held"))
        take(held, "begun first")
        record(postgres_store, "quick")  # does not wait for the held one
        assert log(postgres_store) == [(1, "quick")]
    with postgres_store.read() as reading:
        names = [(stored.position, stored.name) for stored in reading.events.after(0)]
    assert names == [(1, "responder_moved"), (2, "responder_moved"), (3, "incident_received")]


@pytest.mark.parametrize("ends_well", [True, False], ids=["commit", "rollback"])
def test_nothing_overtakes_a_position_that_is_given_and_not_yet_committed(
    postgres_store: Store, ends_well: bool
) -> None:
    other = threading.Thread(target=record, args=(postgres_store, "later"))
    with suppress(ZeroDivisionError), postgres_store.write() as held:
        held.events.record(ResponderMoved("held"))
        held.events.write_recorded()
        other.start()
        time.sleep(0.4)
        assert log(postgres_store) == []
        if not ends_well:
            raise ZeroDivisionError
    other.join(20)
    assert log(postgres_store) == ([(1, "held"), (2, "later")] if ends_well else [(1, "later")])


def test_many_writers_in_threads_and_processes(store: Store, store_url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store_child", "write", store_url, name, "3", "10"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    # A reader that only ever asks for what follows, as the stream does, misses nothing.
    seen: list[int] = []
    until = time.monotonic() + 60
    while len(seen) < 60 and time.monotonic() < until:
        with store.read() as reading:
            seen += [one.position for one in reading.events.after(seen[-1] if seen else 0)]
        time.sleep(0.005)
    told = [line for writer in writers for line in writer.communicate(timeout=30)[0].split()]
    assert seen == list(range(1, 61))
    expected = [f"罗平-20261123-{n:04d}" for n in range(1, 61)]
    assert sorted(told) == expected
    with store.read() as reading:
        assert sorted(one.number for one in reading.incidents.all()) == expected
        recorded = [stored.payload["number"] for stored in reading.events.after(0)]
        assert recorded == expected  # numbers and positions were taken by the same commits


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET name = 'other'",
        "DELETE FROM event",
        "INSERT INTO event (county, position, at, name, payload) "
        "SELECT county, 4, at, name, payload FROM event WHERE position = 1",
    ],
)
def test_the_log_is_append_only(store: Store, statement: str) -> None:
    record(store, "a", "b")
    with (
        pytest.raises(Exception, match=r"append-only|no holes"),
        store.write() as work,
    ):
        work.events.connection.execute(text(statement))
    assert log(store) == [(1, "a"), (2, "b")]


def test_the_log_is_not_replaced_or_truncated(store: Store) -> None:
    record(store, "a", "b")
    with store.read() as reading:
        dialect = reading.events.dialect
    statement = "TRUNCATE event"
    if dialect == "sqlite":
        statement = (
            "REPLACE INTO event SELECT county, 2, at, 'x', payload, incident FROM event LIMIT 1"
        )
    with pytest.raises(Exception, match=r"append-only|no holes"), store.write() as work:
        work.events.connection.execute(text(statement))
    assert log(store) == [(1, "a"), (2, "b")]


def test_counties_have_logs_of_their_own(store: Store, store_url: str) -> None:
    other = Store.open(store_url, county="530325")
    record(store, "a")
    record(other, "b")
    assert log(store) == [(1, "a")]
    assert log(other) == [(1, "b")]
    other.close()


def test_a_listener_learns_of_every_new_head(store: Store, store_url: str) -> None:
    record(store, "a")
    stop, heads = threading.Event(), list[int]()
    listener = Store.open(store_url)

    def listen() -> None:
        heads.extend(listener.listen(stop=stop, after=0))

    thread = threading.Thread(target=listen)
    thread.start()
    wait_for(lambda: heads == [1])
    record(store, "b", "c")
    wait_for(lambda: heads == [1, 3])
    time.sleep(0.5)
    started = time.monotonic()
    record(store, "d")
    wait_for(lambda: heads == [1, 3, 4])
    assert time.monotonic() - started < 2
    stop.set()
    started = time.monotonic()
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - started < 1.5
    listener.close()


def test_a_listener_is_woken_and_does_not_only_poll(postgres_store: Store) -> None:
    stop = threading.Event()
    heads = postgres_store.listen(stop=stop, after=0, poll_s=20)
    writer = threading.Timer(0.7, record, (postgres_store, "a"))
    writer.start()
    started = time.monotonic()
    assert next(heads) == 1
    assert time.monotonic() - started < 10
    heads.close()  # type: ignore[attr-defined]
    writer.join()


def test_a_listener_outlives_broken_connections(postgres_store: Store) -> None:
    stop = threading.Event()
    heads = postgres_store.listen(stop=stop, after=0)
    record(postgres_store, "a")
    assert next(heads) == 1
    with postgres_store.read() as reading:
        reading.events.connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    record(postgres_store, "b")
    assert next(heads) == 2
    stop.set()
    assert list(heads) == []


def wait_for(happened: object, within_s: float = 15) -> None:
    assert callable(happened)
    until = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)

"""The event log handed on inside a process: at once, in order, each event once."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridsvc.domain.events import MapPublished, RespondersImported, StoredEvent
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import publish_county
from tests.listening import eventually, moved


@pytest.fixture
def runtime(store_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime with the small county that does not follow the log yet."""
    store = Store.open(store_url)
    publish_county(store)
    store.close()
    opened = Runtime.open(Settings.read(data=tmp_path, database_url=store_url))
    yield opened
    opened.close()


def record(runtime: Runtime, count: int) -> None:
    with runtime.store.write() as work:
        work.events.record(*moved(count))


def test_a_commit_of_this_process_is_learned_of_at_once(store: Store) -> None:
    heads = store.listen(stop=threading.Event(), after=0, poll_s=20)

    def write() -> None:
        with store.write() as work:
            work.events.record(*moved(2))

    writer = threading.Timer(0.5, write)
    writer.start()
    started = time.monotonic()
    assert next(heads) == 2
    assert time.monotonic() - started < 10  # it did not wait for its next look
    heads.close()  # type: ignore[attr-defined]
    writer.join()


def test_every_event_is_handed_on_once_and_in_order(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []
    briefly: list[int] = []

    def broken(_: Sequence[StoredEvent]) -> None:
        raise ZeroDivisionError

    def hear(events: Sequence[StoredEvent]) -> None:
        heard.extend(event.position for event in events)

    with caplog.at_level(logging.CRITICAL + 1, "gridsvc.following"):
        runtime.subscribe(broken)
        leave = runtime.subscribe(lambda events: briefly.extend(e.position for e in events))
        runtime.subscribe(hear)
        runtime.watch()
        for _ in range(20):
            record(runtime, 7)
        eventually(lambda: len(heard) == 140)
        leave()
        record(runtime, 1500)  # more than is read at a time
        eventually(lambda: len(heard) >= 1640)
    assert heard == list(range(1, 1641))
    assert briefly == heard[:140]


def test_what_is_read_again_after_a_failure_is_not_handed_on_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []
    failures: list[int] = []

    def take(_: object) -> None:
        if len(failures) < 2:
            failures.append(len(heard))
            raise ZeroDivisionError

    monkeypatch.setattr(runtime, "_take_force", take)
    monkeypatch.setattr("gridsvc.following._RETRY_S", 0.05)
    runtime.subscribe(lambda events: heard.extend(event.position for event in events))
    with caplog.at_level(logging.CRITICAL + 1, "gridsvc.following"):
        runtime.watch()
        with runtime.store.write() as work:
            work.events.record(*[RespondersImported(added=1, changed=0)] * 3)
        record(runtime, 2)
        eventually(lambda: len(failures) == 2)
        record(runtime, 1)
        eventually(lambda: len(heard) >= 6)
    assert failures[1] >= 3  # all of them had been handed on when it failed
    assert heard == [1, 2, 3, 4, 5, 6]


def test_a_map_that_takes_long_holds_nothing_up(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, finish = threading.Event(), threading.Event()

    def take(_: object) -> None:
        begun.set()
        assert finish.wait(20)

    monkeypatch.setattr(runtime, "_take_map", take)
    heard: list[int] = []
    runtime.subscribe(lambda events: heard.extend(event.position for event in events))
    runtime.watch()
    grids = runtime.map().published.grids
    with runtime.store.write() as work:
        change = work.areas.publish(
            grids=grids, layer="grids", source="t", clean=True, demo=True, at=datetime.now(UTC)
        )
        work.events.record(MapPublished(change.version, "grids", 0, 1, 0))
    assert begun.wait(20)
    record(runtime, 3)
    eventually(lambda: heard == [1, 2, 3, 4])
    assert runtime.map_overdue_s() > 0
    finish.set()
    eventually(lambda: runtime.map_overdue_s() == 0)

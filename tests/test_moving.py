"""Positions of many devices: outside the log, in one transaction, and known to every process."""

import random
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gridsvc.domain.events import ResponderErased, RespondersImported
from gridsvc.domain.force import LivePosition
from gridsvc.domain.geo import LngLat
from gridsvc.flows.moving import Said
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import FORCE, publish_county
from tests.test_api_auth import key_for
from tests.test_runtime import eventually

KEYS = [one.id for one in FORCE]


@pytest.fixture
def pair(store: Store, store_url: str, tmp_path: Path) -> Iterator[tuple[Runtime, Runtime]]:
    """Two runtimes on one database."""
    publish_county(store)
    settings = Settings.read(data=tmp_path, database_url=store_url)
    one, other = Runtime.open(settings), Runtime.open(settings)
    one.watch()
    other.watch()
    yield one, other
    one.close()
    other.close()


def lives(runtime: Runtime) -> dict[str, LivePosition | None]:
    return {one.id: one.live for one in runtime.force().responders}


def stored(runtime: Runtime) -> dict[str, LivePosition | None]:
    with runtime.store.read() as reading:
        return {one.id: one.live for one in reading.force.all()}


def said(key: str, n: int, at: datetime) -> Said:
    return Said(key, 104.30 + 0.00001 * n, 24.885, seen_at=at)


def test_of_each_device_the_newest_counts_and_the_log_says_nothing(
    pair: tuple[Runtime, Runtime],
) -> None:
    one, other = pair
    at = one.clock()
    many = [said(key, n, at - timedelta(seconds=n)) for n in range(50) for key in KEYS]
    random.Random(5).shuffle(many)
    moved = one.move_many(many, caller=one.local)
    assert set(moved.lives) == set(KEYS)
    assert moved.refused == ()
    expected = {key: LivePosition(LngLat(104.30, 24.885), at) for key in KEYS}
    assert stored(one) == lives(one) == expected
    eventually(lambda: lives(other) == expected)
    with one.store.read() as reading:
        assert reading.events.head() == 0
    stale = one.move_many([said("R0001", 9, at - timedelta(hours=1))], caller=one.local)
    assert (stale.lives, stale.refused) == ({}, ())


def test_the_bad_ones_are_told_and_the_good_ones_taken(pair: tuple[Runtime, Runtime]) -> None:
    one, _ = pair
    at = one.clock()
    many = [
        said("R0001", 1, at),
        said("R9999", 1, at),
        Said("R0002", 24.885, 104.3),
        said("R0003", 1, at + timedelta(hours=1)),
        said("R0004", 1, at),
    ]
    moved = one.move_many(many, caller=one.local)
    assert set(moved.lives) == {"R0001", "R0004"}
    assert [(r.index, r.error.faults[0].code) for r in moved.refused] == [
        (1, "unknown_responder"),
        (2, "position_swapped"),
        (3, "seen_in_the_future"),
    ]


def test_no_update_is_lost_between_two_processes_and_an_import(
    pair: tuple[Runtime, Runtime],
) -> None:
    at = pair[0].clock() - timedelta(minutes=5)

    def report(runtime: Runtime, seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(25):
            keys = chance.sample(KEYS, 3)
            seen = at + timedelta(seconds=turn * 2 + seed)
            runtime.move_many([said(k, turn, seen) for k in keys], caller=runtime.local)
            if turn % 10 == 0:  # the force is read anew meanwhile
                with runtime.store.write() as work:
                    work.events.record(RespondersImported(0, 0))

    threads = [threading.Thread(target=report, args=(r, n)) for n, r in enumerate(pair)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    truth = stored(pair[0])
    assert all(truth.values())
    for runtime in pair:
        eventually(lambda known=runtime: lives(known) == truth)  # type: ignore[misc]


def test_whoever_was_erased_moves_no_more(pair: tuple[Runtime, Runtime]) -> None:
    one, other = pair
    with one.store.write() as work:
        work.force.erase("R0001", at=one.clock())
        work.events.record(ResponderErased("R0001"))
    moved = other.move_many([said("R0001", 1, other.clock())], caller=other.local)
    assert [r.error.faults[0].code for r in moved.refused] == ["unknown_responder"]


def test_a_gateway_reports_for_many(api: TestClient, api_runtime: Runtime) -> None:
    at = api_runtime.clock().isoformat()
    body = [
        {"responder": key, "lng": 104.305, "lat": 24.885, "seen_at": at} for key in (*KEYS, "R9")
    ]
    answer = api.post("/api/v1/positions", json={"positions": body})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["taken"], told["moved"]) == (6, 6)
    assert [(one["index"], one["code"]) for one in told["faults"]] == [(6, "unknown_responder")]
    assert len({live.at for live in lives(api_runtime).values() if live}) == 1
    full = {"positions": body[:1] * 1000}
    assert api.post("/api/v1/positions", json=full).status_code == 200
    assert api.post("/api/v1/positions", json={"positions": []}).status_code == 422
    viewer = {"Authorization": f"Bearer {key_for(api_runtime, 'viewer')}"}
    assert api.post("/api/v1/positions", json=full, headers=viewer).status_code == 403

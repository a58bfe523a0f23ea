"""A process killed half-way leaves the old or the new, in both stores, never a mix."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridsvc.store import Store
from tests import postgres
from tests.postgres import Cluster
from tests.store_child import AFTER_COMMIT, map_layers, publish, take

ROOT = Path(__file__).parents[1]


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store_child", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_at(moment: str, what: str, url: str) -> None:
    """Let a child come to ``moment`` and kill it there."""
    process = child(what, url, moment)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert said == ["ready\n", "here\n"]
    assert process.returncode == -signal.SIGKILL


def which_map(store: Store) -> str:
    """``old`` or ``new``, whole, with its event and its history; fails on anything else."""
    with store.read() as reading:
        published = reading.areas.load()
        versions = reading.areas.versions()
        events = reading.events.after(0)
    assert published is not None
    which = {1: "old", 2: "new"}[published.version]
    grids, units = map_layers(which)
    assert published.grids == tuple(sorted(grids, key=lambda one: one.code))
    assert published.units == tuple(sorted(units, key=lambda one: one.code))
    assert [version.source for version in versions] == ["old", "new"][: published.version]
    assert [event.payload["version"] for event in events] == [1, 2][: published.version]
    return which


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("INSERT INTO map_version", "old"),
        ("UPDATE grid SET to_version", "old"),
        ("UPDATE unit SET to_version", "old"),  # the grids are written, the units are not
        ("INSERT INTO event", "old"),
        ("COMMIT", "old"),
        (AFTER_COMMIT, "new"),
    ],
)
def test_killed_while_publishing(store: Store, store_url: str, moment: str, expected: str) -> None:
    publish(store, "old")
    kill_at(moment, "publish", store_url)
    assert which_map(store) == expected
    if expected == "old":
        publish(store, "new")  # nobody is locked out, and nothing of the dead one is in the way
        assert which_map(store) == "new"


def test_killed_at_any_moment_of_a_publication(store: Store, store_url: str) -> None:
    publish(store, "old")
    chance = random.Random(530324)
    for _ in range(4):
        process = child("publish", store_url, AFTER_COMMIT)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.6))  # a publication takes about half a second
        process.kill()
        process.communicate(timeout=30)
        if which_map(store) == "new":
            break


@pytest.mark.parametrize(
    ("moment", "stored"),
    [
        ("INSERT INTO incident", False),
        ("INSERT INTO event", False),
        ("COMMIT", False),
        (AFTER_COMMIT, True),
    ],
)
def test_killed_while_taking_an_incident(
    store: Store, store_url: str, moment: str, stored: bool
) -> None:
    kill_at(moment, "intake", store_url)
    with store.write() as work:
        take(work, "next")
    names = ["killed", "next"] if stored else ["next"]
    with store.read() as reading:
        assert [one.payload["incident"] for one in reading.events.after(0)] == names
        incidents = sorted(reading.incidents.all(), key=lambda one: one.number)
    assert [one.id for one in incidents] == names
    assert [one.number[-4:] for one in incidents] == ["0001", "0002"][: len(names)]


def check_nothing_told_is_lost(store: Store, told: list[str]) -> None:
    with store.read() as reading:
        numbers = sorted(one.number for one in reading.incidents.all())
        events = [one.payload["number"] for one in reading.events.after(0)]
        head = reading.events.head()
    assert numbers == events
    assert numbers == [f"罗平-20261123-{n:04d}" for n in range(1, head + 1)]
    assert set(told) <= set(numbers)


def test_killed_while_taking_many(store: Store, store_url: str) -> None:
    process = child("write", store_url, "busy", "3", "100000")
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(25)]
    process.kill()
    rest, _ = process.communicate(timeout=30)
    # The last line may be cut in the middle.
    told += rest.split("\n")[:-1]
    assert len(told) >= 25
    check_nothing_told_is_lost(store, told)


@pytest.fixture
def durable_cluster() -> Iterator[Cluster]:
    """A server of its own that writes as in production, to be killed itself."""
    reason = postgres.why_not()
    if reason is not None:
        pytest.skip(reason)
    cluster = Cluster.start(fsync=True)
    yield cluster
    cluster.stop()


def test_the_server_is_killed_while_incidents_are_taken(durable_cluster: Cluster) -> None:
    url = durable_cluster.url(postgres.POSTGIS)
    store = Store.open(url)
    store.upgrade()
    process = child("write", url, "busy", "3", "100000")
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(25)]
    durable_cluster.restart_after_crash()
    process.kill()
    rest, _ = process.communicate(timeout=30)
    told += rest.split("\n")[:-1]
    check_nothing_told_is_lost(store, told)  # the pool notices by itself and connects anew
    store.close()

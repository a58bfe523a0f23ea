"""Nobody is claimed twice, no key dispatches twice, and a kill at any moment leaves no half."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from gridsvc.domain.case import Assignment
from gridsvc.domain.force import Capability, Role
from gridsvc.domain.lifecycle import ENDED
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter, Store
from tests.claims_child import take
from tests.crowd import publish_crowded_county
from tests.shared import KILLS

ROOT = Path(__file__).parents[1]
SENT = (
    (Role.SENTINEL, Capability.FIRST_ON_SCENE),
    (Role.GRID_WORKER, Capability.GRID_DUTY),
    (Role.DOCTOR, Capability.FIRST_AID),
    (Role.AMBULANCE, Capability.AMBULANCE),
)


def county(url: str) -> Store:
    """The small county with some people more, who run out."""
    store = Store.open(url)
    publish_crowded_county(store, SENT * 10)
    return store


def child(url: str, folder: Path, name: str, threads: int, count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.claims_child",
            url,
            str(folder),
            name,
            str(threads),
            f"{count}",
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def check_whole(store: Store, keys: set[str]) -> dict[str, str]:
    """Nothing half-done, nobody twice, one case a key. Returns the case number of each key."""
    with store.read() as reading:
        cases = [one for one, _ in reading.cases.page(CaseFilter(), limit=10_000)]
        sent: list[Assignment] = []
        for one in cases:
            happened = Counter(event.name for event in reading.events.of_incident(one.id))
            mine = reading.cases.assignments(one.id)
            assert happened["incident_received"] == 1
            assert happened["responder_assigned"] == len(mine)
            decision = reading.cases.decision(one.id)
            assert decision is not None
            people = {each.responder for each in mine}
            assert set(decision["assigned"]) <= people  # later waves come on top
            served = {each.capability for each in mine}
            missing = {each["capability"] for each in decision["shortfalls"]}
            assert served | missing == {capability for _, capability in SENT}
            sent += mine
        taken = reading.cases.taken()
        numbers = {one.id: one.number for one in cases}
        answered = {key: reading.cases.answered("local", key) for key in keys}
        head, events = reading.events.head(), reading.events.after(0, limit=100_000)
    assert [event.position for event in events] == list(range(1, head + 1))
    held = [(one.responder, numbers[one.incident]) for one in sent if one.state not in ENDED]
    assert max(Counter(who for who, _ in held).values(), default=0) <= 1
    assert dict(held) == taken
    found = {key: numbers[one.incident] for key, one in answered.items() if one is not None}
    assert sorted(found.values()) == sorted(numbers.values())
    for told in answered.values():
        if told is not None:
            people = {each.responder for each in sent if each.incident == told.incident}
            assert set(json.loads(told.answer)["sent"]) <= people
    return found


def said_by(processes: list[subprocess.Popen[str]]) -> dict[str, str]:
    """What the children say they took, when they have ended well."""
    told: dict[str, str] = {}
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        told.update(line.split(" ", 1) for line in output.splitlines())  # type: ignore[misc]
    return told


def start(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def test_16_writers_of_two_processes_claim_nobody_twice(store_url: str, tmp_path: Path) -> None:
    store = county(store_url)
    both = [child(store_url, tmp_path / name, name, 8, 4) for name in ("a", "b")]
    start(both)
    told = said_by(both)
    assert len(told) == 64
    assert check_whole(store, set(told)) == told
    store.close()


def test_one_key_sent_by_all_at_once_is_one_case(store_url: str, tmp_path: Path) -> None:
    store = county(store_url)
    both = [child(store_url, tmp_path / name, "same", 8, 1) for name in ("a", "b")]
    start(both)
    told: list[str] = []
    for process in both:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        told += output.splitlines()
    assert len(told) == 16
    assert len(set(told)) == 1
    check_whole(store, {"same-0"})
    store.close()


def kill_and_look(url: str, folder: Path, times: int, seed: int) -> None:
    """Kill two writing processes at a random moment, look, send again what was sent: each key
    makes one case, and what was told is still there."""
    store, chance = county(url), random.Random(seed)
    told: dict[str, str] = {}
    for turn in range(times):
        both = [child(url, folder / f"{name}", f"{name}{turn}", 2, 200) for name in ("a", "b")]
        start(both)
        time.sleep(chance.uniform(0.05, 0.6))
        for process in both:
            process.send_signal(signal.SIGKILL)
        for process in both:
            output, _ = process.communicate(timeout=30)
            lines = [line for line in output.splitlines(keepends=True) if line.endswith("\n")]
            told.update(line.strip().split(" ", 1) for line in lines)  # type: ignore[misc]
    sent = {
        f"{name}{t}-{n}-{i}"
        for name in "ab"
        for t in range(times)
        for n in (0, 1)
        for i in range(200)
    }
    kept = check_whole(store, sent)
    assert told.items() <= kept.items()
    runtime = Runtime.open(Settings.read(data=folder, database_url=url))
    again = sorted(kept)[:20] + sorted(sent - kept.keys())[:5]
    numbers = {key: take(runtime, key) for key in again}
    runtime.close()
    assert all(kept.get(key, number) == number for key, number in numbers.items())
    check_whole(store, sent)
    store.close()


def test_killed_under_load_nothing_told_is_lost_and_nothing_is_half_done(
    store_url: str, tmp_path: Path
) -> None:
    kill_and_look(store_url, tmp_path, 5, seed=7)


@pytest.mark.soak
def test_killed_a_hundred_times_in_each_store(store_url: str, tmp_path: Path) -> None:
    kill_and_look(store_url, tmp_path, KILLS, seed=8)

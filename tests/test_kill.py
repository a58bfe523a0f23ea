"""Servers killed under load: what was answered is there, nothing is half-done, no key counts twice.

The tables are read here in plain SQL, beside the code that wrote them.
"""

import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select

from gridsvc.domain.force import Capability, Role
from gridsvc.domain.lifecycle import ENDED
from gridsvc.store import Store
from gridsvc.store.tables import assignment, claim, decision, event, incident, receipt, responder
from tests.crowd import publish_crowded_county
from tests.kill_child import INCIDENTS, Load, ask, connect
from tests.shared import KILLS
from tests.test_api_server import serving

_CREWS = (
    (Role.SENTINEL, Capability.FIRST_ON_SCENE),
    (Role.GRID_WORKER, Capability.GRID_DUTY),
    (Role.DOCTOR, Capability.FIRST_AID),
    (Role.AMBULANCE, Capability.AMBULANCE),
    (Role.TOWNSHIP_TEAM, Capability.ORDER),
)


@pytest.fixture
def county(store: Store) -> Store:
    """The small county with people enough to be sent, and few enough to run out."""
    publish_crowded_county(store, _CREWS * 12)
    return store


def rows(connection: Connection, table: Table, *names: str) -> list[Any]:
    return list(connection.execute(select(*(table.c[name] for name in names))))


def check_whole(store: Store, load: Load) -> None:
    """Every table tells the same story as the event log, and each key at most one case."""
    with store._engine.connect() as connection:
        cases = {r.id: r for r in rows(connection, incident, "id", "number", "urgency", "grid")}
        sent = rows(connection, assignment, "id", "incident", "responder", "state")
        claims = rows(connection, claim, "responder", "assignment", "number")
        decided = {r.incident: r.payload for r in rows(connection, decision, "incident", "payload")}
        keys = rows(connection, receipt, "key", "incident")
        events = rows(connection, event, "position", "name", "payload")
        offices = {
            r.id for r in rows(connection, responder, "id", "role") if r.role == Role.DEPARTMENT
        }
    assert sorted(e.position for e in events) == list(range(1, len(events) + 1))
    named: dict[str, Counter[str]] = {}
    for one in events:
        named.setdefault(one.name, Counter())[str(one.payload.get("incident"))] += 1
    assert named.get("incident_received", Counter()) == Counter(list(cases))
    assert Counter(one.incident for one in sent) == named.get("responder_assigned", Counter())
    assert {key for key, case in cases.items() if case.grid is not None} == decided.keys()
    people: dict[str, list[str]] = {}
    for one in sent:
        people.setdefault(one.incident, []).append(one.responder)
    for key, payload in decided.items():
        assert set(payload["assigned"]) <= set(people.get(key, []))  # later waves come on top
        urgent = cases[key].urgency <= 2
        assert bool(payload["assigned"] or payload["shortfalls"]) or not urgent
        assert urgent or not payload["assigned"]
    holding = {
        one.responder: (one.id, cases[one.incident].number)
        for one in sent
        if one.state not in ENDED and one.responder not in offices
    }
    open_now = [o for o in sent if o.state not in ENDED and o.responder not in offices]
    assert len(open_now) == len(holding), "somebody is at two cases"
    assert holding == {one.responder: (one.assignment, one.number) for one in claims}
    ended = {one.id for one in sent if one.state in ENDED}
    assert ended == {e.payload["assignment"] for e in events if e.name == "assignment_stepped"}
    assert load.stood_down <= ended, "a release that was answered is lost"
    by_key = {one.key: one.incident for one in keys}
    assert sorted(by_key.values()) == sorted(cases), "a case without its key, or a key twice"
    assert by_key.keys() <= load.sent.keys()
    assert {key: told["id"] for key, told in load.answered.items()}.items() <= by_key.items()
    assert all(cases[told["id"]].number == told["number"] for told in load.answered.values())


def check_answers(address: str, load: Load, keys: list[str]) -> None:
    """After a restart: what was answered is found, and every key sent again is answered once."""
    connection = connect(address)
    for key in keys:
        before = load.answered.get(key)
        if before is not None:
            status, found = ask(connection, "GET", f"{INCIDENTS}/{before['id']}")
            assert (status, found["number"]) == (200, before["number"])
            assert {each["id"] for each in before["assignments"]} <= {
                each["id"] for each in found["assignments"]
            }
        load.put(connection, key, load.sent[key])
    assert load.wrong == []


def kill_and_look(store: Store, url: str, folder: Path, times: int, seed: int) -> None:
    """Kill the servers under load ``times`` times, each time at a random moment."""
    chance, load = random.Random(seed), Load()
    servers = 2 if url.startswith("postgresql") else 1
    for turn in range(times + 1):
        with ExitStack() as stack, ThreadPoolExecutor(4 * servers) as pool:
            running = [stack.enter_context(serving(url, folder)) for _ in range(servers)]
            addresses = [address for _, address in running]
            last = [key for key in load.sent if key.startswith(f"{turn - 1}-")]
            check_answers(addresses[turn % servers], load, last)
            check_whole(store, load)
            assert load.answered.keys() == load.sent.keys()
            if turn == times:
                check_answers(
                    addresses[0], load, chance.sample(sorted(load.sent), k=min(40, len(load.sent)))
                )
                check_whole(store, load)
                break
            workers = load.begin(pool, addresses, turn)
            time.sleep(chance.uniform(0.05, 0.8))
            for process, _ in chance.sample(running, k=servers):
                process.send_signal(signal.SIGKILL)
                time.sleep(chance.choice((0.0, 0.1)))  # the other one goes on for a while
            for worker in workers:
                worker.result(timeout=60)
            for process, _ in running:
                assert process.wait(timeout=10) == -signal.SIGKILL
        assert load.wrong == []
        check_whole(store, load)
    assert len(load.sent) > times, "there was no load"


def test_killed_five_times_nothing_answered_is_lost_and_no_key_counts_twice(
    county: Store, store_url: str, tmp_path: Path
) -> None:
    kill_and_look(county, store_url, tmp_path, 5, seed=530324)


@pytest.mark.soak
@pytest.mark.parametrize("quarter", range(4))
def test_killed_a_hundred_times_in_each_store(
    county: Store, store_url: str, tmp_path: Path, quarter: int
) -> None:
    """In four stores one after the other: after each kill all that a store holds is read."""
    kill_and_look(county, store_url, tmp_path, KILLS // 4, seed=20261123 + quarter)

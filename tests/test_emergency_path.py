"""What an emergency leaves out for speed, and what it must do all the same; on both stores."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, delete, insert, select, text, update

from api.app import create_app
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Capability, Role
from gridsvc.flows.intake import Key
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from gridsvc.store.tables import claim, receipt
from tests.api_county import REPORT, client_of
from tests.claims_child import REPORT as PLACED
from tests.crowd import publish_crowded_county
from tests.store_samples import incident

POST = "/api/v1/incidents"
KEYED = {"Idempotency-Key": "call-7"}
CREWS = (
    (Role.SENTINEL, Capability.FIRST_ON_SCENE),
    (Role.GRID_WORKER, Capability.GRID_DUTY),
    (Role.DOCTOR, Capability.FIRST_AID),
    (Role.AMBULANCE, Capability.AMBULANCE),
)


@pytest.fixture
def crowded(store_url: str, tmp_path: Path) -> Iterator[Runtime]:
    store = Store.open(store_url)
    publish_crowded_county(store, CREWS * 6)
    store.close()
    runtime = Runtime.open(Settings.read(data=tmp_path / "data", database_url=store_url))
    yield runtime
    runtime.close()


def restarted(runtime: Runtime) -> TestClient:
    return client_of(create_app(Runtime.open(runtime.settings)))


def test_a_keyed_answer_is_repeated_byte_for_byte_also_after_a_restart(crowded: Runtime) -> None:
    api = client_of(create_app(crowded))
    report = {**REPORT, "address": "甲社区1号", "reporter": {"name": "张三", "phone": "1"}}
    first = api.post(POST, json=report, headers=KEYED)
    assert first.status_code == 201
    told = first.json()
    assert told["nearest"]["chosen"][0]["terms"]
    assert told["assignments"][0]["name"]
    for again in (api, restarted(crowded)):
        answer = again.post(POST, json=report, headers=KEYED)
        assert (answer.status_code, answer.content) == (201, first.content)
    keyless = api.post(POST, json=report)
    assert [*keyless.json()] == [*told]
    assert keyless.headers["content-type"] == first.headers["content-type"] == "application/json"


def test_an_answer_of_an_older_program_is_repeated_as_it_was(crowded: Runtime) -> None:
    api = client_of(create_app(crowded))
    told: dict[str, Any] = api.post(POST, json=REPORT, headers=KEYED).json()
    for later in ("alarms", "withheld", "given"):
        del told[later]
    del told["nearest"]["shortfalls"]
    with crowded.store._engine.begin() as connection:
        kept = orjson.loads(connection.execute(select(receipt.c.answer)).scalar_one())
        for later in kept.keys() - told.keys():
            del kept[later]
        del kept["nearest"]["shortfalls"]
        connection.execute(update(receipt).values(answer=orjson.dumps(kept).decode()))
    for again in (api, restarted(crowded)):
        answer = again.post(POST, json=REPORT, headers=KEYED)
        assert (answer.status_code, answer.content) == (201, orjson.dumps(told))


@pytest.mark.parametrize("keyed", [False, True])
def test_a_number_that_came_with_an_import_is_passed_over(crowded: Runtime, keyed: bool) -> None:
    day = f"罗平-{crowded.clock().astimezone(COUNTY_TIME):%Y%m%d}"
    imported = [replace(incident(n), number=f"{day}-{n:04d}", map_version=None) for n in (1, 2, 4)]
    with crowded.store.write() as work:
        work.incidents.add_many(imported)
        before = work.events.head()
    numbers = []
    for turn in range(3):
        if keyed:
            key = Key(f"k{turn}", "the body", lambda _: "{}")
            taken = crowded.receive_once(PLACED, key, caller=crowded.local).incident
        else:
            taken = crowded.receive(PLACED).incident
        numbers.append(taken.number)
    assert numbers == [f"{day}-0003", f"{day}-0005", f"{day}-0006"]
    with crowded.store.read() as reading:
        happened = reading.events.after(before)
        held = reading.cases.taken()
    assert [one.position for one in happened] == list(range(before + 1, before + 1 + len(happened)))
    assert [one.name for one in happened].count("incident_received") == 3
    assert set(held.values()) <= set(numbers)


def waits(connection: Connection) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(connection.execute(waiting).scalar_one())


def test_who_is_beaten_to_one_person_does_not_wait_for_the_next_while_holding_others(
    postgres_store: Store, postgres_url: str, tmp_path: Path
) -> None:
    """Another transaction holds the next doctor and then wants the ambulance, in the order of ids;
    PostgreSQL counts the deadlocks itself."""
    publish_crowded_county(postgres_store, CREWS[2:3] * 6 + CREWS[3:] * 6)
    settings = Settings.read(data=tmp_path, database_url=postgres_url)
    knowing, deaf = Runtime.open(settings), Runtime.open(settings)
    unplaced = replace(PLACED, lng=None, lat=None, text="老人胸痛")
    number = deaf.receive(unplaced).incident.number
    before = knowing.receive(PLACED).decision
    assert before is not None
    first = {(each.capability, each.reserve): each.responder for each in before.assignments}
    lost, following = first[Capability.FIRST_AID, False], first[Capability.FIRST_AID, True]
    ambulance = first[Capability.AMBULANCE, False]
    assert following < ambulance
    engine, row = postgres_store._engine, {"county": "530324", "assignment": "x", "number": "x"}
    with engine.begin() as connection:
        connection.execute(delete(claim).where(claim.c.responder != lost))
    with ThreadPoolExecutor(1) as pool, engine.connect() as looking:
        with engine.begin() as other:
            other.execute(insert(claim).values(responder=following, **row))
            placing = pool.submit(deaf.place, number, PLACED, caller=deaf.local)
            until = time.monotonic() + 30
            while not waits(looking) and time.monotonic() < until:
                time.sleep(0.02)
            assert not placing.done()
            other.execute(insert(claim).values(responder=ambulance, **row))
        decision = placing.result(timeout=60).decision
    assert decision is not None
    sent = {each.responder for each in decision.assignments}
    assert {each.capability for each in decision.assignments} == {one for one, _ in first}
    assert not sent & {lost, following, ambulance}
    knowing.close()
    deaf.close()
    with engine.connect() as connection:
        time.sleep(1.1)  # a server process tells its counts at most once a second
        count = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert connection.execute(count).scalar_one() == 0

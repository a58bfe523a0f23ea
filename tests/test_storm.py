"""Many incidents at once: empty places are filled together, in both stores and over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.dispatch import ForceIndex, card_for
from gridsvc.dispatch.batch import WEIGHTS
from gridsvc.dispatch.eligibility import refusals
from gridsvc.dispatch.together import Open, Together, together
from gridsvc.domain.case import Assignment
from gridsvc.domain.force import Capability, Responder, Role, Vehicle
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.domain.rights import Caller, Right
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import REPORT
from tests.crowd import publish_crowded_county
from tests.dispatch_people import CASE, FRAME, NOON, TRAVEL, crew, person
from tests.dispatch_people import people as some_people

C = Capability
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SOMEBODY = Assignment(
    "x", "x", "x", C.FIRST_AID, AssignmentState.OFFERED, False, 0.0, 0.0, "x", NOW, NOW
)
ILLNESS = card_for(KINDS_BY_CODE["sudden_illness"], urgency=1)


def opened(
    force: list[Responder], *places: tuple[float, int, tuple[Capability, ...]]
) -> list[Open]:
    index = ForceIndex(force, FRAME)
    return [
        Open(index.view(lng=lng, lat=24.9, at=NOON, travel=TRAVEL), ILLNESS, urgency, wanted)
        for lng, urgency, wanted in places
    ]


def doctor(key: str, lng: float) -> Responder:
    return person(key, lng, vehicle=Vehicle.CAR)


def who(found: Together) -> list[dict[str, list[Capability]]]:
    return [{one.responder.id: [one.capability, *one.also] for one in mine} for mine in found.picks]


def test_the_second_nearest_goes_where_that_saves_the_other_a_long_way() -> None:
    near, far = doctor("near", 104.30), doctor("far", 104.32)
    places = opened([near, far], (104.305, 2, (C.FIRST_AID,)), (104.20, 2, (C.FIRST_AID,)))
    assert who(together(places)) == [{"far": [C.FIRST_AID]}, {"near": [C.FIRST_AID]}]


def test_the_critical_place_is_filled_before_the_ordinary_one() -> None:
    places = opened(
        [doctor("one", 104.30)], (104.30, 4, (C.FIRST_AID,)), (104.38, 1, (C.FIRST_AID,))
    )
    found = together(places)
    assert who(found) == [{}, {"one": [C.FIRST_AID]}]
    assert found.missing == ((C.FIRST_AID,), ())


def test_one_crew_serves_two_places_of_one_incident_and_the_other_is_free_for_the_next() -> None:
    ambulance = crew("A", Role.AMBULANCE, C.AMBULANCE, C.FIRST_AID, lng=104.301)
    both = (C.FIRST_AID, C.AMBULANCE)
    places = opened(
        [ambulance, doctor("D", 104.33)], (104.30, 1, both), (104.40, 2, (C.FIRST_AID,))
    )
    found = together(places)
    assert who(found) == [{"A": [C.AMBULANCE, C.FIRST_AID]}, {"D": [C.FIRST_AID]}]
    assert found.missing == ((), ())


def test_an_office_has_many_hands_and_the_busy_and_those_sent_before_none() -> None:
    office = person("O", role=Role.DEPARTMENT, capabilities=frozenset({C.TRADE}))
    force = [office, person("busy", 104.3), person("sent", 104.3), person("free", 104.31)]
    wanted = (C.TRADE, C.FIRST_AID)
    one, other = opened(force, (104.30, 1, wanted), (104.31, 1, (C.TRADE,)))
    index = one.view.index
    sent = index.number("sent")
    assert sent is not None
    one = Open(one.view, one.card, 1, wanted, frozenset({sent}))
    found = together([one, other], busy={"busy": CASE})
    assert who(found) == [{"O": [C.TRADE], "free": [C.FIRST_AID]}, {"O": [C.TRADE]}]


def test_nobody_is_sent_who_would_come_too_late() -> None:
    (one,) = opened([doctor("far", 104.5)], (104.30, 1, (C.FIRST_AID,)))
    assert together([one]).missing == ((),)
    soon = Open(one.view, one.card, 1, one.wanted, latest_s=600.0)
    assert together([soon]).missing == ((C.FIRST_AID,),)


@settings(max_examples=60)
@given(some_people, st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 4)), max_size=5))
def test_nobody_goes_twice_nobody_goes_who_may_not_and_no_place_is_empty_for_nothing(
    force: list[Responder], cases: list[tuple[int, int]]
) -> None:
    wanted = tuple(c for c in ILLNESS.required for _ in range(ILLNESS.wanted(c)))
    places = opened(force, *((104.3 + 0.01 * east, level, wanted) for east, level in cases))
    found = together(places)
    sent = [one.responder for mine in found.picks for one in mine]
    going = {one.id for one in sent}
    assert len(going) == len(sent) or any(not one.role.exclusive for one in sent)
    assert not any(refusals(one, card=ILLNESS, at=NOON) for one in sent)
    for mine, missing in zip(found.picks, found.missing, strict=True):
        served = [c for one in mine for c in (one.capability, *one.also)]
        assert sorted([*served, *missing]) == sorted(wanted)


def weighted(found: Together, cases: list[Open]) -> float:
    return sum(
        WEIGHTS[one.urgency] * pick.near.score_s
        for one, mine in zip(cases, found.picks, strict=True)
        for pick in mine
    )


def test_together_is_better_than_one_by_one_where_each_wants_one() -> None:
    rng = np.random.default_rng(3)
    force = [doctor(f"{n:02d}", 104.0 + 0.6 * float(rng.random())) for n in range(19)]
    cases = opened(
        force, *((104.0 + 0.6 * float(rng.random()), 1 + n % 4, (C.FIRST_AID,)) for n in range(13))
    )
    busy: dict[str, str] = {}
    singly = 0.0
    for case in cases:
        alone = together([case], busy=busy)
        singly += weighted(alone, [case])
        busy |= {pick.responder.id: CASE for pick in alone.picks[0]}
    assert weighted(together(cases), cases) < singly


@pytest.fixture
def storm(store_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """The small county on both stores: two doctors, of whom one is far, and nobody else free."""
    store = Store.open(store_url)
    publish_crowded_county(store, [(Role.DOCTOR, C.FIRST_AID)] * 2)
    store.close()
    runtime = Runtime.open(Settings.read(data=tmp_path / "d", database_url=store_url))
    runtime.clock = lambda: NOW
    yield runtime
    runtime.close()


def illness(lng: float, **more: Any) -> Report:
    known = {"category": "emergency", "kind": "sudden_illness", "lng": lng, "lat": 24.885}
    return Report(**{**known, **more})


def free(store: Store, *people: str) -> None:
    with store.write() as work:
        for key in people:
            gone = replace(SOMEBODY, id=key, responder=key)
            work.cases.free(gone)


def active(runtime: Runtime, key: str) -> set[str]:
    file = runtime.show(key, by=runtime.local).file
    return {one.responder for one in file.assignments if one.state == "offered"}


def hold(store: Store, *people: str) -> None:
    with store.write() as work:
        gone = [replace(SOMEBODY, id=key, responder=key) for key in people]
        assert work.cases.claim(gone, number="x") == {}


def test_empty_places_are_filled_once_and_nothing_else_is_touched(storm: Runtime) -> None:
    hold(storm.store, "R0004", "X0000", "X0001")
    first, second = storm.receive(illness(104.305)), storm.receive(illness(104.315))
    keys = first.incident.id, second.incident.id
    free(storm.store, "X0000")
    before = [active(storm, key) for key in keys]
    preview = storm.assign_together(urgencies=[1, 2], dry_run=True, caller=storm.local)
    assert preview.incidents == 2
    assert [active(storm, key) for key in keys] == before
    done = storm.assign_together(urgencies=[1, 2], dry_run=False, caller=storm.local)
    assert done == preview
    (new,) = done.sent
    assert (new.capability, new.responder) == (C.FIRST_AID, "X0000")
    got = keys.index(new.incident.id)
    after = [active(storm, key) for key in keys]
    assert after[got] == before[got] | {"X0000"}
    assert after[1 - got] == before[1 - got]
    with storm.store.read() as reading:
        assert reading.cases.taken()["X0000"] == new.incident.number
        last = reading.events.of_incident(new.incident.id)
    sent = [event.payload for event in last if event.name == "responder_assigned"][-1]
    assert sent["responder"] == "X0000"
    again = storm.assign_together(urgencies=[1, 2], dry_run=False, caller=storm.local)
    assert again.sent == ()
    assert keys[1 - got] in {incident.id for incident, _ in again.missing}


def test_two_calls_at_once_send_nobody_twice(storm: Runtime) -> None:
    everybody = [one.id for one in storm.force().responders]
    hold(storm.store, *everybody)
    cases = [storm.receive(illness(104.305 + 0.001 * n)).incident for n in range(3)]
    free(storm.store, *everybody)
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(
                lambda _: storm.assign_together(
                    urgencies=[1, 2], dry_run=False, caller=storm.local
                ),
                range(2),
            )
        )
    sent = [one.responder for found in both for one in found.sent]
    held = sorted(who for case in cases for who in active(storm, case.id))
    assert sent
    assert set(sent) <= set(held), "whoever is offered beside them comes with the first wave"
    assert len(set(held)) == len(held)


def test_over_http_a_preview_changes_nothing_and_the_area_limits(
    api: TestClient, api_runtime: Runtime
) -> None:
    hold(api_runtime.store, "R0002")
    case = api.post("/api/v1/incidents", json=REPORT).json()
    for one in case["assignments"]:
        step = f"/api/v1/assignments/{one['id']}/steps"
        assert api.post(step, json={"step": "decline", "on_behalf": True}).status_code == 200
    free(api_runtime.store, "R0002")
    asked = {"dry_run": True}
    preview = api.post("/api/v1/dispatch/together", json=asked)
    assert preview.status_code == 200, preview.text
    assert preview.json()["incidents"] == 1
    (sentinel,) = preview.json()["sent"]
    assert (sentinel["responder"], sentinel["name"]) == ("R0002", "乙吹哨人")
    assert sentinel["capability"] == {"code": "first_on_scene", "name": "先到现场"}
    assert sentinel["number"] == case["number"]
    assert "直线" in preview.json()["note"]
    (empty,) = preview.json()["missing"]
    assert [each["code"] for each in empty["capabilities"]] == [
        "grid_duty",
        "first_aid",
        "ambulance",
    ]
    assert "R0002" not in {
        one["responder"] for one in api.get(f"/api/v1/incidents/{case['id']}").json()["assignments"]
    }
    far = Caller("k", "乙", frozenset(Right), "530324102")
    assert api_runtime.assign_together(urgencies=[1], dry_run=True, caller=far).incidents == 0
    assert api.post("/api/v1/dispatch/together", json={"urgencies": [5]}).status_code == 422
    assert api.post("/api/v1/dispatch/together", json={}).json()["dry_run"] is False
    assert "R0002" in {
        one["responder"] for one in api.get(f"/api/v1/incidents/{case['id']}").json()["assignments"]
    }

"""叫应 on both stores: who is called, each once; who was reached; nothing is lost or half done."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.dispatch.calling import Parents, called, gaps, touched
from gridsvc.domain.alerts import CALLS, CallState, CallStep, Why, next_call_state, tally
from gridsvc.domain.area import as_multipolygon
from gridsvc.domain.errors import ConflictError, InputError, NotFoundError
from gridsvc.domain.force import Role
from gridsvc.domain.rights import Caller, Right
from gridsvc.flows import alert_progress, alerts
from gridsvc.runtime import Runtime
from gridsvc.store import CallFilter, Store
from tests.alert_samples import ALL, NOW, WEST, A, B, again, order, somebody, staffed
from tests.api_county import G2, G3, U1
from tests.maps_county import jagged_map

ROOT = Path(__file__).parents[1]


@pytest.fixture
def county(county_runtime: Runtime, store: Store, store_url: str) -> Iterator[Runtime]:
    """The small county with people who answer for it, on both stores."""
    staffed(store)
    runtime = again(county_runtime, store_url)
    yield runtime
    runtime.close()


def raised(county: Runtime, caller: Caller | None = None, **given: object) -> alerts.Raised:
    box = given.pop("box", WEST)
    return alerts.raise_alert(
        order(box, **given),  # type: ignore[arg-type]
        grid_map=county.map(),
        force=county.force(),
        store=county.store,
        now=NOW,
        caller=caller or county.local,
    )


def record(
    county: Runtime,
    key: str,
    who: str,
    step: CallStep,
    caller: Caller | None = None,
    after: int = 0,
) -> None:
    alerts.record(
        *(key, who, step),
        store=county.store,
        now=NOW + timedelta(minutes=after),
        caller=caller or county.local,
    )


def seen(county: Runtime, key: str, caller: Caller | None = None) -> alert_progress.Progress:
    return alert_progress.progress(key, store=county.store, caller=caller or county.local)


def officer(area: str) -> Caller:
    return Caller("K1", "乡镇值班", frozenset(Right), area)


def test_everybody_responsible_and_everybody_inside_is_called_once(county: Runtime) -> None:
    alert = raised(county).alert
    assert alert.number == "罗平-预警-20261123-01"
    found = seen(county, alert.number)
    assert [call.responder for call in found.calls] == ["M1", "P1", "S1", "S1b", "T1", "W1"]
    state = {call.responder: call.state for call in found.calls}
    assert state.pop("S1b") is CallState.UNREACHED
    assert set(state.values()) == {CallState.CALLED}
    passing = next(call for call in found.calls if call.responder == "P1")
    assert (passing.why, passing.place) == (Why.POSITION, (A[:9], A))
    assert [(gap.code, gap.others) for gap in alert.gaps] == [(G2, 0)]
    assert (found.total.called, found.total.unreached, found.total.waiting) == (6, 1, 5)
    assert {place: one.called for place, one in found.places.items()} == {
        (A[:9], ""): 1,
        (A[:9], A): 5,
    }
    assert raised(county).alert.number == "罗平-预警-20261123-02"


def test_the_raising_is_one_event_with_ids_alone(county: Runtime) -> None:
    before = _head(county)
    alert = raised(county, drill=True).alert
    with county.store.read() as reading:
        (told,) = reading.events.after(before)
    assert told.name == "alert_raised"
    assert told.payload == {
        "alert": alert.id,
        "number": alert.number,
        "areas": ["530324", A[:9], A],
        "drill": True,
        "by": "local",
        "hazard": "flood",
        "level": "red",
        "called": 6,
        "unreached": 1,
        "gaps": 1,
    }
    assert (
        alert_progress.page(
            limit=5, before=None, is_on=None, store=county.store, caller=county.local
        ).on
        == 0
    )


def test_what_touches_nothing_calls_nobody_and_is_refused(county: Runtime) -> None:
    before = _head(county)
    with pytest.raises(InputError) as refused:
        raised(county, box=(104.5, 24.8, 104.51, 24.81))
    assert refused.value.faults[0].code == "alert_touches_nothing"
    assert _head(county) == before


def test_steps_follow_the_table_and_an_illegal_one_changes_nothing(county: Runtime) -> None:
    key = raised(county).alert.number
    for state, allowed in CALLS.items():
        for step in CallStep:
            if step not in allowed:
                with pytest.raises(ConflictError):
                    next_call_state(state, step)
    record(county, key, "S1", CallStep.ANSWER, after=1)
    before, calls = _head(county), seen(county, key).calls
    for step in (CallStep.ANSWER, CallStep.TELL_IN_PERSON):
        with pytest.raises(ConflictError, match="Nothing was changed"):
            record(county, key, "S1", step, after=2)
    assert (_head(county), seen(county, key).calls) == (before, calls)
    record(county, key, "S1", CallStep.GIVE_UP, after=3)
    record(county, key, "S1b", CallStep.TELL_IN_PERSON, after=4)
    states = {call.responder: call.state for call in seen(county, key).calls}
    assert states["S1"] is CallState.UNREACHED
    assert states["S1b"] is CallState.TOLD_IN_PERSON
    with pytest.raises(NotFoundError):
        record(county, key, "W4", CallStep.ANSWER)
    with pytest.raises(NotFoundError):
        record(county, "罗平-预警-20261123-99", "S1", CallStep.ANSWER)


def test_minutes_to_half_and_nine_tenths(county: Runtime) -> None:
    key = raised(county).alert.number
    for minute, who in enumerate(("S1", "M1"), 1):
        record(county, key, who, CallStep.ANSWER, after=minute)
    assert seen(county, key).total.half_min is None
    record(county, key, "T1", CallStep.TELL_IN_PERSON, after=7)
    total = seen(county, key).total
    assert (total.half_min, total.most_min, total.share) == (7.0, None, 0.5)
    for minute, who in enumerate(("P1", "S1b", "W1"), 10):
        record(county, key, who, CallStep.ANSWER, after=minute)
    total = seen(county, key).total
    assert (total.half_min, total.most_min, total.share) == (7.0, 12.0, 1.0)


@given(st.lists(st.sampled_from([None, *range(1, 50)]), max_size=60))
def test_the_minutes_are_the_least_after_which_the_share_is_reached(
    minutes: list[int | None],
) -> None:
    found = [
        (CallState.CALLED, NOW)
        if one is None
        else (CallState.ANSWERED, NOW + timedelta(minutes=one))
        for one in minutes
    ]
    told = tally(found, since=NOW)
    for tenths, said in ((5, told.half_min), (9, told.most_min)):
        reached = [sum(o is not None and o <= m for o in minutes) for m in range(50)]
        by_then = [m for m in range(50) if 10 * reached[m] >= tenths * len(minutes)]
        assert said == (float(by_then[0]) if by_then and minutes else None)


def test_a_village_is_told_in_person_at_once(county: Runtime) -> None:
    key = raised(county, box=ALL).alert.number
    record(county, key, "M1", CallStep.ANSWER)
    before = _head(county)
    told = alerts.tell_many(
        key,
        CallFilter(village=A),
        told_by="W1",
        store=county.store,
        now=NOW,
        caller=county.local,
    )
    assert [call.responder for call in told.changed] == ["S1", "S1b", "S2", "W1"]
    assert [call.responder for call in told.left] == ["M1"]
    with county.store.read() as reading:
        (event,) = reading.events.after(before)
    assert event.payload["responders"] == ["S1", "S1b", "S2", "W1"]
    by_range = alerts.tell_many(
        key,
        CallFilter(first_area=B[:9], last_area=B + "999"),
        store=county.store,
        now=NOW,
        caller=county.local,
    )
    assert {call.responder for call in by_range.changed} == {"P1", "P2", "T2", "W4"}
    with pytest.raises(NotFoundError, match="nobody"):
        alerts.tell_many(
            key,
            CallFilter(responders=["T1", "nobody"]),
            store=county.store,
            now=NOW,
            caller=county.local,
        )
    assert {c.responder for c in seen(county, key).calls if c.state is CallState.CALLED} == {"T1"}


def test_a_key_of_an_area_sees_and_records_its_own_calls_alone(county: Runtime) -> None:
    key = raised(county, box=ALL).alert.number
    theirs = officer(B[:9])
    mine = seen(county, key, theirs)
    assert {call.responder for call in mine.calls} == {"P1", "P2", "T2", "W4"}
    assert {gap.code for gap in mine.gaps} == {G3, "53032410200100201"}
    record(county, key, "W4", CallStep.ANSWER, theirs)
    with pytest.raises(NotFoundError):
        record(county, key, "S1", CallStep.ANSWER, theirs)
    with pytest.raises(NotFoundError):
        alerts.end(key, store=county.store, now=NOW, caller=theirs)
    with pytest.raises(InputError) as refused:
        raised(county, theirs, box=ALL)
    assert refused.value.faults[0].code == "alert_beyond_area"
    west = raised(county).alert.number
    with pytest.raises(NotFoundError):
        seen(county, west, theirs)


def test_nothing_is_recorded_after_the_end(county: Runtime) -> None:
    key = raised(county).alert.number
    ended = alerts.end(key, store=county.store, now=NOW, caller=county.local)
    assert ended.ended_at == NOW
    with pytest.raises(ConflictError):
        record(county, key, "S1", CallStep.ANSWER)
    with pytest.raises(ConflictError):
        alerts.end(key, store=county.store, now=NOW, caller=county.local)


def test_a_key_calls_once(county: Runtime) -> None:
    first = raised(county, key="k", digest="d")
    second = raised(county, key="k", digest="d")
    assert (first.fresh, second.fresh) == (True, False)
    assert first.alert == second.alert
    with pytest.raises(ConflictError) as refused:
        raised(county, key="k", digest="other")
    assert refused.value.faults[0].code == "key_used"


def test_a_key_sent_many_times_at_once_calls_once(county: Runtime) -> None:
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(raised, county, key="k", digest="d") for _ in range(6)]
        found = [one.result() for one in sent]
    assert sorted(one.fresh for one in found) == [False] * 5 + [True]
    assert {one.alert.number for one in found} == {"罗平-预警-20261123-01"}


def test_two_processes_record_at_once_and_lose_nothing(county: Runtime, store_url: str) -> None:
    """Each takes half of the people one by one; both try everybody of the other half as well."""
    many = [somebody(f"X{n:03d}", Role.SENTINEL, U1) for n in range(60)]
    with county.store.write() as work:
        work.force.upsert(many)
    crowded = again(county, store_url)
    key = raised(crowded).alert.number
    crowded.close()
    command = [
        sys.executable,
        "-m",
        "tests.alerts_child",
        store_url,
        str(county.settings.data),
        key,
    ]
    children = [
        subprocess.Popen(
            [*command, name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("up", "down")
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    taken: Counter[str] = Counter()
    for child in children:
        said, _ = child.communicate(timeout=120)
        assert child.returncode == 0
        taken.update(said.split())
    assert taken == Counter(one.id for one in many)
    calls = {call.responder: call for call in seen(county, key).calls}
    assert all(calls[one.id].state is CallState.ANSWERED for one in many)
    with county.store.read() as reading:
        events = [e for e in reading.events.after(0) if e.name == "alert_calls_recorded"]
    assert Counter(who for e in events for who in e.payload["responders"]) == taken


MAP = jagged_map(12, 12)
CROWD = [
    somebody(f"{role.value}-{grid.code}-{n}", role, code)
    for k, grid in enumerate(MAP.grids)
    for n, (role, code) in enumerate(
        [(Role.GRID_WORKER, grid.code), (Role.MEDIATOR, grid.village), (Role.SENTINEL, "530399")]
    )
    if k % 7
]
SIDE = st.floats(-0.01, 0.09)


@settings(max_examples=60)
@given(
    corners=st.lists(st.tuples(SIDE, SIDE), min_size=3, max_size=7),
    on_grid=st.sampled_from([None, 0, 17, 60]),
)
def test_the_called_are_those_of_brute_force(
    corners: list[tuple[float, float]], on_grid: int | None
) -> None:
    """Every grid is asked by itself; a polygon that is a grid touches its neighbours' edges."""
    polygon = as_multipolygon(
        shapely.MultiPoint([(104.0 + x, 24.6 + y) for x, y in corners]).convex_hull.buffer(1e-4)
        if on_grid is None
        else MAP.grids[on_grid].geometry
    )
    hit = {grid.code for grid in MAP.grids if grid.geometry.intersects(polygon)}
    villages = {grid.village for grid in MAP.grids if grid.code in hit}
    parents = Parents(MAP)
    found = touched(MAP, polygon, parents)
    people = called(found, polygon, CROWD, parents, at=NOW)
    areas = hit | villages | {village[:9] for village in villages}
    assert Counter(one.responder.id for one in people) == Counter(
        one.id for one in CROWD if one.area in areas
    )
    staffed_grids = {one.area for one in CROWD}
    assert {gap.code for gap in gaps(found, people, parents)} == hit - staffed_grids


def _head(county: Runtime) -> int:
    with county.store.read() as reading:
        return reading.events.head()

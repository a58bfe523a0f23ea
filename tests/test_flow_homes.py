"""A sentinel or grid worker without a home on file is found in the middle of their own area."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import shapely

from gridsvc.domain.area import as_multipolygon
from gridsvc.domain.events import MapPublished
from gridsvc.domain.force import LivePosition, Role
from gridsvc.domain.geo import LngLat
from gridsvc.flows.homes import homes_by_area
from gridsvc.flows.intake import Receipt
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import FORCE, G1, IN_U1, U1, publish_county

SENTINEL, WORKER, DOCTOR = FORCE[0], FORCE[2], FORCE[3]


def illness(runtime: Runtime) -> Receipt:
    given = {"category": "emergency", "kind": "sudden_illness", "lng": IN_U1[0], "lat": IN_U1[1]}
    return runtime.receive(Report(**given))  # type: ignore[arg-type]


def without_homes(runtime: Runtime) -> None:
    people = [
        replace(SENTINEL, area=U1, home=None),
        replace(WORKER, area=G1, home=None),
        replace(DOCTOR, area=G1, home=None),
    ]
    with runtime.store.write() as work:
        work.force.upsert(people)
    runtime.load()


def test_the_own_sentinel_without_a_home_is_sent(county_runtime: Runtime) -> None:
    runtime = county_runtime
    without_homes(runtime)
    receipt = illness(runtime)
    assert receipt.decision is not None
    sent = {one.responder for one in receipt.decision.assignments}
    assert {SENTINEL.id, WORKER.id} <= sent
    assert DOCTOR.id not in sent, "who does not live where they work has no such place"
    told = {one.responder.id: one for one in receipt.decision.ranking.chosen}
    for known in (told[SENTINEL.id], told[WORKER.id]):
        said = [reason.zh for reason in known.reasons]
        assert "按辖区位置计算" in said
        assert "按住所位置计算" not in said
        assert "住所未登记，仅有辖区位置" in [term.text.zh for term in known.terms]
    assert "按住所位置计算" in [r.zh for r in told["R0005"].reasons]


def test_the_place_lies_in_the_own_area_and_is_not_kept(county_runtime: Runtime) -> None:
    runtime = county_runtime
    without_homes(runtime)
    for key, area in ((SENTINEL.id, runtime.map().unit(U1)), (WORKER.id, runtime.map().grid(G1))):
        known = runtime.force().get(key)
        assert known is not None
        assert known.by_area
        assert known.home is not None
        assert area is not None
        assert shapely.contains_xy(area.geometry, known.home.lng, known.home.lat)
        with runtime.store.read() as reading:
            stored = reading.force.get(key)
        assert stored is not None
        assert (stored.home, stored.by_area) == (None, False)


def test_a_live_position_counts_before_it(county_runtime: Runtime) -> None:
    runtime = county_runtime
    without_homes(runtime)
    here = LivePosition(LngLat(104.3052, 24.8852), datetime.now(UTC))
    with runtime.store.write() as work:
        work.force.move(SENTINEL.id, here)
    runtime.load()
    decision = illness(runtime).decision
    assert decision is not None
    (one,) = [c for c in decision.ranking.chosen if c.responder.id == SENTINEL.id]
    assert one.near.from_live
    assert "按辖区位置计算" not in [reason.zh for reason in one.reasons]


def test_the_first_map_places_those_who_were_known_before_it(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    early = replace(SENTINEL, id="R9001", area=U1, home=None)
    with store.write() as work:
        work.force.upsert([early])
    runtime = Runtime.open(Settings.read(data=tmp_path, database_url=store_url))
    runtime.watch()
    assert runtime.force().without_place == 1
    publish_county(store)
    with store.write() as work:
        work.events.record(MapPublished(1, "county", 4, 0, 0))
    until = time.monotonic() + 30
    while (known := runtime.force().get("R9001")) is None or not known.by_area:
        assert time.monotonic() < until, "the force was not placed on the new map"
        time.sleep(0.02)
    runtime.close()


def test_an_area_that_bends_around_its_centroid(county_runtime: Runtime) -> None:
    grid_map = county_runtime.map()
    horseshoe = as_multipolygon(
        shapely.Polygon([(0, 0), (9, 0), (9, 9), (8, 9), (8, 1), (1, 1), (1, 9), (0, 9)])
    )
    assert not shapely.covers(horseshoe, shapely.centroid(horseshoe))

    class Bent:
        def unit(self, code: str) -> object:
            return replace(grid_map.published.units[0], geometry=horseshoe)

    (one,) = homes_by_area([replace(SENTINEL, home=None)], Bent())  # type: ignore[arg-type]
    assert one.home is not None
    assert shapely.contains_xy(horseshoe, one.home.lng, one.home.lat)


def test_who_answers_for_no_area_of_the_map_has_no_place(county_runtime: Runtime) -> None:
    lost = replace(SENTINEL, area="530324999", home=None)
    doctor = replace(DOCTOR, role=Role.DOCTOR, home=None)
    known = replace(SENTINEL, area=U1)
    people = (lost, doctor, known)
    assert homes_by_area(people, county_runtime.map()) == people
    assert homes_by_area(people, None) == people

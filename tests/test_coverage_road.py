"""Coverage by road beside the straight line, and from where the rest could be covered."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from gridsvc.casework.clocks import Calendar
from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import Group, State
from gridsvc.coverage.reach import LIMITS_S, Coverage
from gridsvc.coverage.standby import Standbys
from gridsvc.dispatch import ForceIndex
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.force import Role, Vehicle
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.domain.travel import VEHICLES, TravelTimes
from gridsvc.flows.mapping import coverage
from gridsvc.flows.scene import Scene
from gridsvc.flows.standby_places import StandbyPlaces
from gridsvc.runtime import Runtime
from gridsvc.travel.straight import StraightLine
from gridsvc.travel.times import RoadTimes, road_times
from maps.assets import static_dir
from maps.coverage import coverage_page
from tests.browser import serve, visit
from tests.dispatch_people import NOON, person
from tests.maps_county import jagged_map
from tests.travel_samples import network_of

COUNTY = jagged_map(12, 12)
FRAME = MetricFrame.around(104.0)
DEMAND = Demand.of(COUNTY, FRAME)
PLACES = StandbyPlaces(DEMAND, COUNTY)


def lattice(published: PublishedMap) -> RoadTimes:
    """Township roads in a lattice over a map, wider than its grids."""
    west, south, east, north = np.array([g.geometry.bounds for g in published.grids]).T
    lng = np.linspace(west.min(), east.max(), 7)
    lat = np.linspace(south.min(), north.max(), 7)
    nodes = np.array([(x, y) for y in lat for x in lng])
    across = [(7 * row + n, 7 * row + n + 1) for row in range(7) for n in range(6)]
    up = [(7 * row + n, 7 * (row + 1) + n) for row in range(6) for n in range(7)]
    times = road_times(network_of(nodes, [*across, *up]), frame=FRAME)
    assert isinstance(times, RoadTimes)
    return times


ROADS = lattice(COUNTY)
HOMES = FRAME.back(x=DEMAND.xy[[3, 70], 0], y=DEMAND.xy[[3, 70], 1])


def found(travel: TravelTimes = ROADS, *, people: int = 2) -> Coverage:
    """Doctors with cars at two grids, the second one busy."""
    doctors = [person(f"D{n}", role=Role.DOCTOR, vehicle=Vehicle.CAR) for n in range(people)]
    homes = [LngLat(float(x), float(y)) for x, y in zip(*HOMES, strict=True)]
    force = ForceIndex([replace(d, home=h) for d, h in zip(doctors, homes, strict=False)], FRAME)
    scene = Scene(None, force, travel, Calendar(), {"D1": "罗平-20261123-0001"})
    return coverage(scene, DEMAND, group=Group.MEDICAL, at=NOON, places=PLACES)


FOUND = found()


@pytest.mark.parametrize("travel", [ROADS, StraightLine()], ids=["road", "straight"])
def test_a_standby_place_is_the_nearest_and_its_time_that_of_the_slowest_point(
    travel: TravelTimes,
) -> None:
    rng = np.random.default_rng(4)
    demand = replace(DEMAND, grid=rng.permutation(np.repeat(np.arange(36), 4)), grids=36)
    villages = PLACES.villages
    found = Standbys.of(demand, villages, travel, Vehicle.CAR)
    car = np.full(len(villages), VEHICLES.index(Vehicle.CAR), dtype=np.int8)
    times = np.array(
        [travel.seconds(to=(x, y), start=villages.xy, vehicle=car) for x, y in demand.xy.tolist()]
    )
    for grid in range(demand.grids):
        own = np.flatnonzero(demand.grid == grid)
        worst = own[times[own].min(axis=1).argmax()]
        place = int(found.place[grid])
        assert times[worst, place] == pytest.approx(times[worst].min())
        assert found.seconds[grid] == pytest.approx(times[own, place].max())


def test_by_road_the_straight_line_stands_beside_it() -> None:
    assert FOUND.straight is not None
    alone = found(StraightLine())
    assert alone.straight is None
    for state in State:
        assert (FOUND.straight[state].seconds == alone.reaches[state].seconds).all()
        assert FOUND.straight[state].people == FOUND.reaches[state].people
    assert FOUND.reaches[State.STAFFED].people == 1
    assert (FOUND.reaches[State.STAFFED].seconds != alone.reaches[State.STAFFED].seconds).any()


def test_what_standby_places_cover_is_kept_while_the_travel_times_stay() -> None:
    one = PLACES.of(ROADS, Vehicle.CAR)
    assert PLACES.of(ROADS, Vehicle.CAR) is one
    other = PLACES.of(StraightLine(), Vehicle.CAR)
    assert other is not one
    assert (other.seconds != one.seconds).any()


def test_the_page_says_both_and_which_is_which() -> None:
    page = coverage_page(COUNTY, FOUND, lang="zh", minutes=5)
    assert "按道路行车时间估算" in page
    assert "直线距离估算，非道路时间" not in page
    assert FOUND.straight is not None
    for state in State:
        part = FOUND.straight[state].within(300.0).grids / len(COUNTY.grids)
        assert f'<small class="line">直线 {part:.1%}</small>' in page
    assert "仅供对照" in page
    english = coverage_page(COUNTY, FOUND, lang="en")
    assert "estimated by road" in english
    assert "for comparison" in english
    straight = coverage_page(COUNTY, found(StraightLine()))
    assert 'class="line"' not in straight


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_listed_grid_names_its_standby(browser: Browser, lang: Any) -> None:
    page = coverage_page(COUNTY, FOUND, lang=lang, minutes=5)
    with (
        serve({"/maps/coverage": page}, static_dir()) as origin,
        visit(browser, f"{origin}/maps/coverage") as seen,
    ):
        beyond = FOUND.reaches[State.STAFFED].beyond(300.0)
        rows = seen.page.locator("#uncovered li")
        expect(rows).to_have_count(min(50, len(beyond)))
        said = seen.page.locator("#uncovered .standby").all_inner_texts()
        standbys = FOUND.standbys
        assert standbys is not None
        whole = np.ceil(FOUND.reaches[State.STAFFED].grid_seconds)
        order = sorted(beyond.tolist(), key=lambda grid: (-whole[grid], grid))
        for text, grid in zip(said, order, strict=False):
            name = standbys.villages.names[standbys.place[grid]]
            minutes = int(np.ceil(np.ceil(standbys.seconds[grid]) / 60))
            assert name in text
            assert str(minutes) in text
            covers = standbys.seconds[grid] <= 300
            assert (("备勤：" in text) or text.startswith("standby:")) == covers
        assert not seen.probe("tooWide")
        assert seen.probe("clipped", ".figures td, .figures th, .legend td") == []
        seen.check_quiet()


@pytest.fixture
def by_road(api_runtime: Runtime) -> Runtime:
    """The small county with one road through it."""
    nodes = np.array([[104.30, 24.885], [104.34, 24.885]])
    frame = api_runtime.map().frame
    api_runtime.fixed_travel = road_times(network_of(nodes, [(0, 1)]), frame=frame)
    return api_runtime


def test_over_http_the_figures_have_their_denominators_and_their_basis(
    api: TestClient, by_road: Runtime
) -> None:
    answer = api.get("/api/v1/coverage", params={"minutes": "5", "limit": 2})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["denominators"]["grids"] == 4
    assert told["denominators"]["residents"] == 180
    assert [(one["state"], one["basis"]) for one in told["reaches"]] == [
        ("staffed", "road"),
        ("nominal", "road"),
        ("staffed", "straight_line"),
        ("nominal", "straight_line"),
    ]
    for one in told["reaches"]:
        assert [each["minutes"] for each in one["within"]] == [5, 10, 15]
        areas = [each["area_km2"] for each in one["within"]]
        assert areas == sorted(areas)
    assert told["basis"] == "road"
    assert "道路" in told["note"]
    assert told["uncovered_total"] >= len(told["uncovered"]) == 2
    first, second = told["uncovered"]
    assert first["eta_s"] >= second["eta_s"] > 300
    assert first["village_name"] in ("甲社区", "乙村")
    assert first["standby"]["village_name"] in ("甲社区", "乙村")
    assert first["standby"]["covers"] == (first["standby"]["eta_s"] <= 300)
    for bad in ("minutes=7", "group=police", "limit=-1", "state=now"):
        assert api.get(f"/api/v1/coverage?{bad}").status_code == 422
    page = api.get("/maps/coverage").text
    assert "按道路行车时间估算" in page


def test_over_http_without_roads_there_is_one_basis(api: TestClient) -> None:
    told = api.get("/api/v1/coverage", params={"lang": "en"}).json()
    assert {one["basis"] for one in told["reaches"]} == {"straight_line"}
    assert told["group_name"] == "medical crews"
    assert len(told["reaches"][0]["within"]) == len(LIMITS_S)

"""People ranked by road: in the order of their exact times, each time with what it rests on."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from api.nearest import nearest_answer, stored_answer
from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import Group, State
from gridsvc.coverage.reach import Coverage, Reach, Supply
from gridsvc.dispatch import ForceIndex, View, card_for, rank
from gridsvc.dispatch.eligibility import LIVE_MAX_AGE
from gridsvc.dispatch.view import SEARCH_LIMIT_S
from gridsvc.domain.force import Capability, Responder, Role, Vehicle
from gridsvc.domain.geo import LngLat
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.travel import BASES, VEHICLES, Basis, TravelTimes
from gridsvc.travel.times import RoadTimes
from tests.dispatch_people import GRID, NOON, UNIT, crew, person, sentinel
from tests.test_travel_eta import CAR, FRAME, Town, degrees, metres, times_over, towns
from tests.travel_samples import demo_network, network_of

ILL = card_for(KINDS_BY_CODE["sudden_illness"], urgency=1)


def _view(people: list[Responder], travel: TravelTimes, at: tuple[float, float]) -> View:
    index = ForceIndex(people, FRAME)
    return index.view(lng=at[0], lat=at[1], at=NOON, travel=travel, unit=UNIT, grid=GRID)


@given(towns())
@settings(max_examples=60)
def test_law_a_walk_by_road_is_in_the_order_of_the_whole_table(town: Town) -> None:
    times = times_over(town.network, town.closed)
    rng = np.random.default_rng(len(town.start))
    lng, lat = FRAME.back(x=town.start[:, 0], y=town.start[:, 1])
    people = [
        person(
            f"{n:02d}",
            float(lng[n]),
            float(lat[n]),
            vehicle=VEHICLES[town.vehicle[n]],
            role=Role.SENTINEL if n % 4 == 0 else Role.DOCTOR,
            area=UNIT,
            app=bool(rng.integers(2)),
        )
        for n in range(len(lng))
    ]
    here = FRAME.back(x=town.to[:, 0], y=town.to[:, 1])
    at = (float(here[0][0]), float(here[1][0]))
    view = _view(people, times, at)
    start = np.array([FRAME.point(lng=a, lat=b) for a, b in zip(lng, lat, strict=True)])
    search = times.settle(start, town.vehicle).search(FRAME.point(lng=at[0], lat=at[1]))
    table = search.within(np.inf)
    eta = np.rint(table.seconds)
    score = eta + [
        120 + (0 if one.app else 60) - (300 if one.role is Role.SENTINEL else 0) for one in people
    ]
    expected = [n for n in np.lexsort((np.arange(len(eta)), score)) if eta[n] <= SEARCH_LIMIT_S]
    assert list(view.walk_all()) == expected
    assert list(_view(people, times, at).walk([Capability.FIRST_AID])) == expected
    assert _view(people, times, at).in_order(expected[::-1]) == expected
    far = _view(people, times, at)
    for number, one in enumerate(people):
        near = far.find(one.id)
        assert near is not None
        if np.isfinite(eta[number]):
            assert (near.eta_s, near.score_s) == (eta[number], score[number])
            assert near.basis is BASES[table.basis[number]]
        else:
            assert near.basis is Basis.STRAIGHT_LINE
            assert not far.within_reach(number)


def _county() -> RoadTimes:
    at = np.array([degrees(0, 0), degrees(9000, 0), degrees(18_000, 0)])
    return times_over(network_of(at, [(0, 1), (1, 2)]))


def _at(one: Responder, x: float, y: float = 0.0) -> Responder:
    return replace(one, home=LngLat(*degrees(x, y)))


def test_every_time_says_what_it_rests_on_and_the_note_counts_the_estimates() -> None:
    people = [
        _at(sentinel("S1"), 9100, 300),
        _at(person("V1", vehicle=Vehicle.MOTORCYCLE), 12_000),
        _at(crew("A1", Role.AMBULANCE, Capability.AMBULANCE), 1000, 4000),
    ]
    ranking = rank(_view(people, _county(), degrees(9000, 0)), ILL, travel=_county())
    told = {one.responder.id: one.near.basis for one in ranking.chosen}
    assert told == {"S1": Basis.ON_FOOT, "V1": Basis.ROAD, "A1": Basis.STRAIGHT_LINE}
    zh, en = nearest_answer(ranking, "zh"), nearest_answer(ranking, "en")
    assert zh.basis == "road"
    assert zh.note.endswith("其中 1 人无道路数据，按直线估算")
    assert "1 of the people have no road data" in en.note
    notes = {one.id: (one.eta_basis, one.eta_note) for one in zh.chosen}
    assert notes["A1"][0] == "straight_line"
    assert "直线距离" in notes["A1"][1]
    assert notes["S1"][0] == "on_foot"
    assert "步行直达" in notes["S1"][1]
    assert notes["V1"] == ("road", notes["V1"][1])
    assert "按道路" in notes["V1"][1]
    kept = json.loads(json.dumps(ranking.as_json()))
    assert {one["responder"]: one["basis"] for one in kept["chosen"]} == told
    by_id = {one.id: one for one in people}
    assert stored_answer(kept, by_id.get, "zh") == zh


def test_where_nothing_is_by_road_the_whole_answer_says_so() -> None:
    people = [_at(person("V1", vehicle=Vehicle.CAR), 1000), _at(sentinel("S1"), 9000, 4500)]
    ranking = rank(_view(people, _county(), degrees(9000, 6000)), ILL, travel=_county())
    assert ranking.basis is Basis.STRAIGHT_LINE
    assert "其中" not in ranking.travel_note.zh
    assert "直线距离" in ranking.travel_note.zh


def test_a_decision_kept_by_an_earlier_version_has_one_basis_for_all() -> None:
    people = [_at(person("V1", vehicle=Vehicle.CAR), 1000)]
    kept = rank(_view(people, _county(), degrees(9000, 0)), ILL, travel=_county()).as_json()
    del kept["eta_notes"]
    for one in kept["chosen"]:
        del one["basis"]
    (told,) = stored_answer(kept, lambda _: None, "zh").chosen
    assert (told.eta_basis, told.eta_note) == ("road", kept["travel_note"]["zh"])


def test_people_are_put_on_the_roads_again_when_the_roads_change() -> None:
    index = ForceIndex([_at(person("V1", vehicle=Vehicle.CAR), 1000)], FRAME)
    travel = times_over(network_of(np.array([degrees(0, 0), degrees(18_000, 0)]), [(0, 1)]))

    def seconds(by: TravelTimes) -> tuple[float, Basis]:
        lng, lat = degrees(9000, 0)
        near = index.view(lng=lng, lat=lat, at=NOON, travel=by).find("V1")
        assert near is not None
        return near.eta_s, near.basis

    by_road = seconds(travel)
    assert by_road == (960.0, Basis.ROAD)
    shut = travel.closing(np.array([1 << CAR], np.uint8))
    assert seconds(shut) == (6400.0, Basis.ROAD)
    assert seconds(travel) == by_road


def test_coverage_says_how_many_places_are_only_estimated() -> None:
    xy = metres((1000, 0), (1000, 5000), (16_000, 100))
    demand = Demand(xy, np.arange(3), np.ones(3), np.ones(3), 3)
    start, cars = metres((2000, 0)), np.array([CAR], np.int8)
    travel = _county()
    reach = Reach.of(demand, Supply(start, cars, cars), travel)
    by = [Basis.ROAD, Basis.STRAIGHT_LINE, Basis.ROAD]
    assert [BASES[n] for n in reach.basis] == by
    found = Coverage(
        Group.MEDICAL,
        NOON,
        False,
        {State.NOMINAL: reach, State.STAFFED: reach},
        travel,
        LIVE_MAX_AGE,
    )
    assert found.note.zh.endswith("3 处中有 1 处无道路数据，按直线估算")
    for place, (x, y) in enumerate(xy.tolist()):
        one = travel.seconds(to=(x, y), start=start, vehicle=cars)
        assert reach.seconds[place] == pytest.approx(one[0])


def test_in_the_demo_county_every_sentinel_s_time_has_a_basis(demo_files: Path) -> None:
    travel = times_over(demo_network(demo_files))
    with (demo_files / "responders.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["role"] == "sentinel"]
    lng, lat = (np.array([float(row[name]) for row in rows]) for name in ("lng", "lat"))
    start = np.column_stack(FRAME.points(lng=lng, lat=lat))
    names = {vehicle.value: number for number, vehicle in enumerate(VEHICLES)}
    vehicle = np.array([names[row["vehicle"]] for row in rows], np.int8)
    assert len(rows) > 10_000
    x, y = FRAME.point(lng=104.3087, lat=24.8846)
    times = travel.settle(start, vehicle).search((x, y)).within(np.inf)
    assert np.isfinite(times.seconds).all()
    shares = np.bincount(times.basis, minlength=len(BASES)) / len(rows)
    assert shares[BASES.index(Basis.ROAD)] > 0.95
    assert shares[BASES.index(Basis.STRAIGHT_LINE)] < 0.01

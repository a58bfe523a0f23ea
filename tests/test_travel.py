"""Travel times by the straight line: plain arithmetic, and every note says what they are."""

import numpy as np
import pyproj
import pytest

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.travel import VEHICLES, Basis, TravelTimes
from gridsvc.travel.straight import DETOUR, SPEEDS_KMH, StraightLine

GEOD = pyproj.Geod(ellps="GRS80")


def _seconds(travel: TravelTimes, vehicle: Vehicle, metres: float) -> float:
    start = np.array([[3.0 + 0.6 * metres, 4.0 + 0.8 * metres]])
    number = np.array([VEHICLES.index(vehicle)], np.int8)
    return float(travel.seconds(to=(3.0, 4.0), start=start, vehicle=number)[0])


@pytest.mark.parametrize(
    ("vehicle", "seconds"), [(Vehicle.FOOT, 1600), (Vehicle.MOTORCYCLE, 240), (Vehicle.CAR, 180)]
)
def test_a_kilometre_counts_as_two(vehicle: Vehicle, seconds: float) -> None:
    assert _seconds(StraightLine(), vehicle, 1000.0) == pytest.approx(seconds)
    assert _seconds(StraightLine(detour=3.0), vehicle, 1000.0) == pytest.approx(1.5 * seconds)
    assert _seconds(StraightLine(), vehicle, 0.0) == 0.0


def test_every_vehicle_has_a_speed() -> None:
    assert set(SPEEDS_KMH) == set(Vehicle) == set(VEHICLES)


def test_metres_in_the_frame_are_metres_on_the_ground() -> None:
    frame = MetricFrame()
    ends = [(104.05, 24.6), (104.65, 25.3)]
    x, y = np.array([frame.point(lng=lng, lat=lat) for lng, lat in ends]).T
    found = StraightLine().seconds(
        to=(x[0], y[0]), start=np.array([[x[1], y[1]]]), vehicle=np.array([2], np.int8)
    )
    _, _, ground = GEOD.inv(*ends[0], *ends[1])
    assert found[0] == pytest.approx(ground * DETOUR / (40 / 3.6), rel=1e-4)


def test_without_a_place_there_is_no_time() -> None:
    start = np.array([[np.nan, np.nan], [0.0, 0.0]])
    found = StraightLine().seconds(to=(0.0, 0.0), start=start, vehicle=np.array([0, 0], np.int8))
    assert np.isnan(found[0])
    assert found[1] == 0
    assert start[1].tolist() == [0.0, 0.0]


def test_the_note_says_that_it_is_no_road_time() -> None:
    travel = StraightLine(detour=2.5)
    assert travel.basis is Basis.STRAIGHT_LINE
    assert "直线距离×2.5" in travel.note.zh
    assert "非道路行车时间" in travel.note.zh
    assert "not by road" in travel.note.en


@pytest.mark.parametrize("people", [0, 1, 60])
def test_the_first_at_each_place_is_the_least_of_all_times(people: int) -> None:
    rng = np.random.default_rng(people)
    start = rng.uniform(0, 20_000, (people, 2))
    start[::4] = np.nan
    vehicle = rng.integers(0, len(VEHICLES), people).astype(np.int8)
    to, travel = rng.uniform(0, 20_000, (50, 2)), StraightLine()
    seconds, first, _ = travel.nearest(to=to, start=start, vehicle=vehicle)
    for place, found, who in zip(to, seconds, first, strict=True):
        x, y = place.tolist()
        times = travel.seconds(to=(x, y), start=start, vehicle=vehicle)
        if np.isfinite(times).any():
            assert found == pytest.approx(np.nanmin(times))
            assert times[who] == pytest.approx(found)
        else:
            assert (found, who) == (np.inf, -1)

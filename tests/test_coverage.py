"""Reach and its figures against every pair of places, and plain loops."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import GROUP_NAMES, GROUP_ROLES, Group
from gridsvc.coverage.reach import LIMITS_S, ROLES, Reach, Supply, whole
from gridsvc.domain.area import EndUnit, Grid, PublishedMap, as_multipolygon
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.travel import VEHICLES
from gridsvc.travel.straight import DETOUR, SPEEDS_KMH, StraightLine
from tests.maps_county import jagged_map

FRAME = MetricFrame()
PACE = np.array([DETOUR * 3.6 / SPEEDS_KMH[one] for one in VEHICLES])


def demand_of(points: int, grids: int, rng: np.random.Generator) -> Demand:
    """Made-up points; every grid has at least one."""
    grid = np.concatenate([np.arange(grids), rng.integers(0, grids, points - grids)])
    residents = rng.integers(0, 90, points).astype(float)
    residents[rng.random(points) < 0.1] = np.nan
    return Demand(
        rng.uniform(0, 40_000, (points, 2)), grid, residents, rng.uniform(1e4, 1e6, points), grids
    )


def supply_of(people: int, rng: np.random.Generator) -> Supply:
    return Supply(
        rng.uniform(0, 40_000, (people, 2)),
        rng.integers(0, len(VEHICLES), people).astype(np.int8),
        rng.integers(0, len(ROLES), people).astype(np.int8),
    )


@pytest.mark.parametrize(("people", "seed"), [(1, 0), (2, 1), (40, 2), (700, 3)])
def test_seconds_are_the_least_over_every_pair(people: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    demand, supply = demand_of(900, 300, rng), supply_of(people, rng)
    found = Reach.of(demand, supply, StraightLine())
    pairs = cdist(demand.xy, supply.start) * PACE[supply.vehicle]
    np.testing.assert_allclose(found.seconds, pairs.min(axis=1), rtol=1e-12)
    assert found.people == people
    first = supply.role[pairs.argmin(axis=1)]
    for grid in range(demand.grids):
        mine = np.flatnonzero(demand.grid == grid)
        worst = mine[pairs.min(axis=1)[mine].argmax()]
        assert found.grid_seconds[grid] == pytest.approx(pairs[worst].min())
        assert found.grid_role[grid] == first[worst]


def test_the_nearest_of_all_is_the_least_of_the_times_to_each_place() -> None:
    rng = np.random.default_rng(9)
    supply, travel = supply_of(60, rng), StraightLine()
    supply.start[rng.random(60) < 0.2] = np.nan
    to = rng.uniform(-5_000, 45_000, (200, 2))
    seconds, first, _ = travel.nearest(to=to, start=supply.start, vehicle=supply.vehicle)
    for place, (found, who) in enumerate(zip(seconds, first, strict=True)):
        x, y = to[place]
        each = travel.seconds(to=(x, y), start=supply.start, vehicle=supply.vehicle)
        assert found == pytest.approx(np.nanmin(each))
        assert each[who] == pytest.approx(found)


@pytest.mark.parametrize("start", [np.empty((0, 2)), np.full((3, 2), np.nan)])
def test_where_nobody_is_nobody_comes(start: np.ndarray) -> None:
    demand = demand_of(12, 5, np.random.default_rng(1))
    number = np.zeros(len(start), dtype=np.int8)
    found = Reach.of(demand, Supply(start, number, number), StraightLine())
    assert np.isinf(found.grid_seconds).all()
    assert set(found.grid_role.tolist()) == {-1}
    assert set(found.band.tolist()) == {len(LIMITS_S)}
    assert found.beyond(900.0).tolist() == [0, 1, 2, 3, 4]
    assert found.within(900.0) == replace(whole(demand), grids=0, residents=0.0, area_m2=0.0)


def test_figures_equal_a_plain_loop_with_their_denominators() -> None:
    rng = np.random.default_rng(4)
    demand = demand_of(600, 200, rng)
    found = Reach.of(demand, supply_of(30, rng), StraightLine())
    everything = whole(demand)
    assert everything.grids == 200
    assert everything.residents == sum(n for n in demand.residents if n == n)
    assert everything.area_m2 == pytest.approx(demand.area_m2.sum())
    for limit in LIMITS_S:
        reached = [p for p in range(600) if found.seconds[p] <= limit]
        part = found.within(limit)
        assert part.residents == sum(
            demand.residents[p] for p in reached if demand.residents[p] >= 0
        )
        assert part.area_m2 == pytest.approx(sum(demand.area_m2[p] for p in reached))
        late = {int(demand.grid[p]) for p in range(600) if found.seconds[p] > limit}
        assert part.grids == 200 - len(late)
        beyond = found.beyond(limit)
        assert set(beyond.tolist()) == late
        assert (np.diff(found.grid_seconds[beyond]) <= 0).all()
    assert 0 < found.within(900.0).grids < 200


@given(st.lists(st.sampled_from([0.0, 299.9, 300.0, 300.1, 600.0, 900.0, 900.1]), min_size=1))
def test_a_limit_belongs_to_its_own_band(seconds: list[float]) -> None:
    times = np.array(seconds)
    number = np.arange(len(times))
    demand = Demand(np.zeros((len(times), 2)), number, times, times, len(times))
    straight = np.zeros(len(times), np.int8)
    found = Reach(demand, 1, times, times, number.astype(np.int8), straight)
    for band, limit in enumerate(LIMITS_S):
        assert found.within(limit).grids == (found.band <= band).sum()


@given(st.integers(0, 10_000))
def test_one_more_person_makes_nothing_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    demand, supply = demand_of(60, 20, rng), supply_of(6, rng)
    fewer = Supply(supply.start[1:], supply.vehicle[1:], supply.role[1:])
    more = Reach.of(demand, supply, StraightLine())
    less = Reach.of(demand, fewer, StraightLine())
    assert (more.grid_seconds <= less.grid_seconds).all()


def test_points_lie_inside_the_finest_areas_of_a_map() -> None:
    county = jagged_map(6, 6)
    first = county.grids[0]
    west, south, east, north = first.geometry.bounds
    left = first.geometry & shapely.box(west, south, (west + east) / 2, north)
    right = first.geometry - left
    units = tuple(
        EndUnit(first.code + number, number, first.code, as_multipolygon(shape), residents)
        for number, shape, residents in (("01", left, 30), ("02", right, None))
    )
    demand = Demand.of(replace(county, units=units), FRAME)
    assert len(demand.xy) == 2 + len(county.grids) - 1
    assert sorted(demand.grid.tolist()) == sorted([0, 0, *range(1, len(county.grids))])
    areas = [*(unit.geometry for unit in units), *(grid.geometry for grid in county.grids[1:])]
    lng, lat = FRAME.back(x=demand.xy[:, 0], y=demand.xy[:, 1])
    assert shapely.contains_xy(np.array(areas, dtype=object), lng, lat).all()
    np.testing.assert_allclose(demand.area_m2, FRAME.areas_m2(areas))
    assert demand.residents[0] == 30
    assert np.isnan(demand.residents[1])
    assert demand.residents[2:].tolist() == [grid.residents for grid in county.grids[1:]]


def test_a_grids_residents_are_spread_over_units_that_have_no_figure() -> None:
    shape = shapely.box(104.0, 24.6, 104.01, 24.61)
    grid = Grid("530324001001001", "一", "530324001001", as_multipolygon(shape), residents=100)
    wide = shapely.box(104.0, 24.6, 104.0075, 24.61)
    units = tuple(
        EndUnit(grid.code + number, number, grid.code, as_multipolygon(part))
        for number, part in (("01", wide), ("02", shape - wide))
    )
    demand = Demand.of(PublishedMap(1, (), (grid,), units), FRAME)
    assert demand.residents.tolist() == pytest.approx([75.0, 25.0], abs=0.1)
    assert demand.residents.sum() == pytest.approx(100.0)


def test_every_group_has_roles_of_its_own_and_a_name() -> None:
    assert set(GROUP_ROLES) == set(GROUP_NAMES) == set(Group)
    roles = [role for group in Group for role in GROUP_ROLES[group]]
    assert len(roles) == len(set(roles))

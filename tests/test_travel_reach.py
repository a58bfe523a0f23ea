"""Who is first at each place, the way itself, and the areas that are reached."""

import itertools

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import VEHICLES, Basis
from gridsvc.travel.isochrones import BESIDE_M, isochrones
from gridsvc.travel.reach import node_seconds
from gridsvc.travel.speeds import Speeds
from tests.test_travel_eta import CAR, FRAME, PER_M, Town, degrees, metres, times_over, towns
from tests.travel_samples import network_of, oracle


@given(towns())
def test_law_the_first_at_each_place_is_the_least_of_all_times(town: Town) -> None:
    for shut in (None, town.closed):
        times = times_over(town.network, shut)
        start = town.start.copy()
        start[1::5] = np.nan
        places = np.vstack([town.to, town.start, metres((9000.0, 9000.0), (3000.0, 3000.0))])
        found = times.nearest(to=places, start=start, vehicle=town.vehicle)
        for place, (x, y) in enumerate(places.tolist()):
            each = times.settle(start, town.vehicle).search((x, y)).within(np.inf)
            least = np.nanmin(each.seconds)
            assert found.seconds[place] == pytest.approx(least, rel=1e-9, abs=1e-6)
            if np.isfinite(least):
                who = found.who[place]
                assert each.seconds[who] == pytest.approx(least, rel=1e-9, abs=1e-6)
                assert found.basis[place] == each.basis[who]
            else:
                assert found.who[place] == -1


@given(towns())
@settings(max_examples=50)
def test_law_a_way_is_as_long_as_the_time_says_and_runs_from_end_to_end(town: Town) -> None:
    times = times_over(town.network, town.closed)
    x, y = town.to[0].tolist()
    end = (x, y)
    expected = times.settle(town.start, town.vehicle).search(end).within(np.inf).seconds
    for number, (x, y) in enumerate(town.start.tolist()):
        at = (x, y)
        way = times.route(start=at, to=end, vehicle=VEHICLES[town.vehicle[number]])
        if way is None:
            assert np.isinf(expected[number])
            continue
        assert way.seconds == pytest.approx(expected[number], rel=1e-6, abs=1e-3)
        assert shapely.get_coordinates(way.line)[[0, -1]].tolist() == [[*at], [*end]]
        if way.basis is Basis.ROAD:
            assert way.metres >= way.off_road_m
            length = shapely.length(way.line)
            # The made-up edges are up to 1.6 times as long as they are drawn, paths 1.5 times.
            assert length * 0.99 - 0.1 <= way.metres <= length * 1.61 + 0.1


def test_a_way_names_its_roads_and_follows_them() -> None:
    at = np.array([degrees(0, 0), degrees(3000, 0), degrees(3000, 3000), degrees(0, 3000)])
    network = network_of(at, [(0, 1), (2, 1), (2, 3)], names=["东路", "", "北路"])
    (x, y), (u, v) = metres((500, 0), (500, 3000)).tolist()
    way = times_over(network).route(start=(x, y), to=(u, v), vehicle=Vehicle.CAR)
    assert way is not None
    assert way.names == ("东路", "北路")
    assert way.metres == pytest.approx(8000, rel=1e-3)
    assert way.seconds == pytest.approx(8000 * PER_M, rel=1e-3)
    corners = metres((500, 0), (3000, 0), (3000, 3000), (500, 3000))
    line = shapely.LineString(corners)
    assert shapely.hausdorff_distance(way.line, line) < 0.5


def test_seconds_of_nodes_are_the_least_over_those_who_set_out() -> None:
    rng = np.random.default_rng(4)
    xy = rng.uniform(0, 20_000, (60, 2))
    nodes = np.array([degrees(x, y) for x, y in xy])
    edges = [(a, b) for a, b in itertools.combinations(range(60), 2) if rng.random() < 0.06]
    network = network_of(nodes, edges)
    peer, times = oracle(network, Speeds(), Vehicle.CAR), times_over(network)
    strong = [sorted(part) for part in nx.strongly_connected_components(peer)]
    main: list[int] = max(strong, key=len)
    begin, late = main[::9], rng.uniform(0, 600, len(main[::9]))
    found = node_seconds(times.access, Vehicle.CAR, metres(*xy[begin].tolist()), offsets_s=late)
    for node in main:
        ways = [
            wait + nx.dijkstra_path_length(peer, one, node, weight="s")
            for one, wait in zip(begin, late, strict=True)
        ]
        assert found[node] == pytest.approx(min(ways), abs=1e-2)


def _drawn(areas: list[shapely.MultiPolygon]) -> Floats:
    return np.array(shapely.area(FRAME.geometries(areas)))


def test_areas_end_where_the_time_is_up_and_hold_the_shorter_ones() -> None:
    at = np.array([degrees(0, 0), degrees(20_000, 0), degrees(20_000, 9000)])
    times = times_over(network_of(at, [(0, 1), (1, 2)]))
    start, cars = metres((8000, 0)), np.array([CAR], np.int8)
    limits = (300.0, 600.0, 900.0, 1800.0)
    areas = isochrones(times.access, start=start, vehicle=cars, limits_s=limits)
    for limit, area, wider in zip(limits, areas, [*areas[1:], areas[-1]], strict=True):
        plane = FRAME.geometries([area])[0]
        reach_m = limit / PER_M
        west, east = max(8000 - reach_m, 0), min(8000 + reach_m, 20_000)
        bounds = shapely.bounds(plane)
        assert bounds[0] == pytest.approx(430_000 + west - BESIDE_M, abs=20)
        assert bounds[2] == pytest.approx(430_000 + east + BESIDE_M, abs=20)
        assert area.is_valid
        assert shapely.area(shapely.difference(plane, FRAME.geometries([wider])[0])) < 1.0
    again = isochrones(times.access, start=start, vehicle=cars, limits_s=limits)
    assert [area.wkb for area in again] == [area.wkb for area in areas]


def test_somebody_on_no_road_has_no_area() -> None:
    at = np.array([degrees(0, 0), degrees(20_000, 0)])
    times = times_over(network_of(at, [(0, 1)]))
    far, cars = metres((8000, 5000)), np.array([CAR], np.int8)
    (area,) = isochrones(times.access, start=far, vehicle=cars, limits_s=[900.0])
    assert area.is_empty
    (late,) = isochrones(
        times.access,
        start=metres((8000, 0)),
        vehicle=cars,
        limits_s=[900.0],
        offsets_s=np.array([901.0]),
    )
    assert late.is_empty
    assert _drawn([area]).tolist() == [0.0]

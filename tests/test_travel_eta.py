"""Everybody's time to one place: exact to the metre on the edge, marked with what it rests on."""

from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, MetricFrame
from gridsvc.domain.roads import Masks, RoadNetwork
from gridsvc.domain.travel import BASES, VEHICLES, Basis, Times
from gridsvc.travel.ground import ACROSS_M, OFF_ROAD_DETOUR
from gridsvc.travel.snapping import MAX_OFF_ROAD_M
from gridsvc.travel.speeds import Speeds
from gridsvc.travel.straight import StraightLine
from gridsvc.travel.times import RoadTimes, road_times
from tests.travel_samples import EVERYBODY, network_of, oracle

FRAME = MetricFrame()
CAR, FOOT = VEHICLES.index(Vehicle.CAR), VEHICLES.index(Vehicle.FOOT)
WALK = OFF_ROAD_DETOUR / (4.5 / 3.6)
"""Seconds for a metre off the road."""


def times_over(network: RoadNetwork, closed: Masks | None = None) -> RoadTimes:
    made = road_times(network, frame=FRAME, closed=closed)
    assert isinstance(made, RoadTimes)
    return made


def degrees(x: float, y: float) -> tuple[float, float]:
    """A place so many metres east and north of one in the county."""
    lng, lat = FRAME.back(x=np.array([430_000.0 + x]), y=np.array([2_754_000.0 + y]))
    return float(lng[0]), float(lat[0])


def metres(*places: tuple[float, float]) -> Floats:
    return np.array([(430_000.0 + x, 2_754_000.0 + y) for x, y in places])


def asked(
    times: RoadTimes, start: Floats, to: Floats, vehicle: int = CAR, limit_s: float = np.inf
) -> Times:
    numbers = np.full(len(start), vehicle, np.int8)
    settled = times.settle(start, numbers)
    return settled.search((float(to[0, 0]), float(to[0, 1]))).within(limit_s)


def the_basis(times: Times) -> list[Basis]:
    return [BASES[number] for number in times.basis]


def _straight_road() -> RoadNetwork:
    """Ten kilometres from west to east in two edges."""
    at = np.array([degrees(0, 0), degrees(4000, 0), degrees(10_000, 0)])
    return network_of(at, [(0, 1), (1, 2)], length_m=np.array([4000.0, 6000.0]))


PER_M = 3.6 / 30.0
"""Seconds for a metre by car on a township road."""


def test_positions_lie_on_the_edge_not_at_its_nodes_and_the_rest_is_walked() -> None:
    found = asked(
        times_over(_straight_road()),
        metres((1000, 200), (5000, 0), (9000, -300)),
        metres((7000, 100)),
    )
    expected = [6000 * PER_M + 300 * WALK, 2000 * PER_M + 100 * WALK, 2000 * PER_M + 400 * WALK]
    np.testing.assert_allclose(found.seconds, expected, rtol=1e-4)
    assert set(the_basis(found)) == {Basis.ROAD}


def test_one_way_is_obeyed_on_the_edge_itself() -> None:
    both = [EVERYBODY, EVERYBODY]
    ring = np.array([degrees(0, 0), degrees(10_000, 0)])
    network = network_of(
        ring,
        [(0, 1), (0, 1)],
        along=both,
        against=[0, EVERYBODY],
        length_m=np.array([10_000.0, 30_000.0]),
        shapes=[ring, np.array([ring[0], degrees(5000, 9000), ring[1]])],
    )
    with_it = asked(times_over(network), metres((2000, 0)), metres((8000, 0))).seconds[0]
    against = asked(times_over(network), metres((8000, 0)), metres((2000, 0))).seconds[0]
    assert with_it == pytest.approx(6000 * PER_M, rel=1e-4)
    assert against == pytest.approx((2000 + 30_000 + 2000) * PER_M, rel=1e-4)


def test_who_is_near_walks_straight_across() -> None:
    at = np.array([degrees(0, 0), degrees(4000, 0), degrees(4000, 600), degrees(0, 600)])
    network = network_of(at, [(0, 1), (1, 2), (2, 3)])
    found = asked(times_over(network), metres((0, 600), (1500, 600)), metres((0, 0)))
    assert the_basis(found) == [Basis.ON_FOOT, Basis.ROAD]
    np.testing.assert_allclose(found.seconds, [600 * WALK, (2500 + 600 + 4000) * PER_M], rtol=1e-3)
    assert ACROSS_M == 1000.0


def test_far_from_any_road_it_is_the_straight_line_and_marked() -> None:
    off = MAX_OFF_ROAD_M + 50.0
    times, straight = times_over(_straight_road()), StraightLine()
    start = metres((1000, off), (1000, 100), (np.nan, np.nan))
    found = asked(times, start, metres((7000, 0)))
    assert the_basis(found)[:2] == [Basis.STRAIGHT_LINE, Basis.ROAD]
    x, y = metres((7000, 0))[0].tolist()
    by_line = straight.seconds(to=(x, y), start=start, vehicle=np.full(3, CAR, np.int8))
    assert found.seconds[0] == by_line[0]
    assert np.isnan(found.seconds[2])
    # A place far from any road: everybody is estimated, nobody is mixed in.
    everybody = asked(times, start[:2], metres((7000, off)))
    assert set(the_basis(everybody)) == {Basis.STRAIGHT_LINE}


def test_without_roads_there_are_only_straight_lines() -> None:
    none = network_of(np.empty((0, 2)), [], length_m=np.empty(0))
    assert isinstance(road_times(none, frame=FRAME), StraightLine)


def _ladder(count: int = 120, at: float = 0.0) -> tuple[Floats, list[tuple[int, int]]]:
    nodes = np.array([degrees(at + 300.0 * n, 0.0) for n in range(count)])
    return nodes, [(n, n + 1) for n in range(count - 1)]


def test_fragments_are_not_put_on_and_roads_apart_are_estimated() -> None:
    long, edges = _ladder()
    fragment = np.array([degrees(1000, 50), degrees(1200, 50)])
    found = times_over(network_of(np.vstack([long, fragment]), [*edges, (120, 121)]))
    seconds = asked(found, metres((1100, 50)), metres((9000, 0)))
    assert the_basis(seconds) == [Basis.ROAD]
    assert seconds.seconds[0] == pytest.approx(7900 * PER_M + 50 * WALK, rel=1e-3)
    other = np.array([degrees(300.0 * n, 9000.0) for n in range(120)])
    apart = times_over(
        network_of(np.vstack([long, other]), [*edges, *((120 + a, 120 + b) for a, b in edges)])
    )
    across = asked(apart, metres((3000, 9000), (3000, 0)), metres((9000, 0)))
    assert the_basis(across) == [Basis.STRAIGHT_LINE, Basis.ROAD]


def test_a_closed_road_is_not_driven_through_but_reached_on_foot() -> None:
    at = np.array([degrees(0, 0), degrees(4000, 0), degrees(10_000, 0), degrees(12_000, 0)])
    network = network_of(at, [(0, 1), (1, 2), (2, 3)])
    shut = np.array([0, 1 << CAR, 0], np.uint8)
    times = times_over(network, shut)
    beyond = asked(times, metres((2000, 0), (2000, 0)), metres((11_000, 0)))
    assert np.isinf(beyond.seconds).all()
    on_it = asked(times, metres((2000, 0)), metres((4600, 0)))
    assert on_it.seconds[0] == pytest.approx(2000 * PER_M + 600 / (4.5 / 3.6), rel=1e-3)
    assert the_basis(on_it) == [Basis.ROAD]
    walker = asked(times, metres((2000, 0)), metres((4600, 0)), FOOT)
    assert walker.seconds[0] == pytest.approx(2600 / (4.5 / 3.6), rel=1e-3)
    opened = times.closing(None)
    assert asked(opened, metres((2000, 0)), metres((11_000, 0))).seconds[0] < 1100
    search = times.settle(metres((2000, 0)), np.array([CAR], np.int8)).search(
        tuple(metres((11_000, 0))[0].tolist())
    )
    who = np.array([0])
    assert np.isinf(search.exactly(who).seconds[0])
    assert search.estimated(who).seconds[0] == pytest.approx(2 * 9000 / (40 / 3.6))


class Town(NamedTuple):
    """A few streets, people, and a place."""

    network: RoadNetwork
    start: Floats
    vehicle: np.ndarray
    to: Floats
    closed: Masks


@st.composite
def towns(draw: st.DrawFn) -> Town:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 12))
    xy = rng.uniform(0, 6000, (count, 2))
    nodes = np.array([degrees(x, y) for x, y in xy])
    edges = [(n, int(rng.integers(n))) for n in range(1, count)]
    edges += [(int(a), int(b)) for a, b in rng.integers(count, size=(draw(st.integers(0, 8)), 2))]
    edges = [(a, b) for a, b in edges if a != b]
    masks = st.lists(
        st.sampled_from([7, 7, 7, 7, 3, 1, 0]), min_size=len(edges), max_size=len(edges)
    )
    length = rng.uniform(1.0, 1.6, len(edges)) * [
        float(np.hypot(*(xy[a] - xy[b]))) for a, b in edges
    ]
    network = network_of(nodes, edges, along=draw(masks), against=draw(masks), length_m=length)
    people = draw(st.integers(1, 12))
    start = metres(*rng.uniform(-500, 6500, (people, 2)).tolist())
    start[:: draw(st.integers(2, 5))] = metres(*xy[rng.integers(count, size=1)].tolist())
    vehicle = rng.integers(0, 3, people).astype(np.int8)
    closed = np.where(rng.random(len(edges)) < 0.3, rng.integers(0, 8, len(edges)), 0)
    to = metres(*rng.uniform(0, 6000, (1, 2)).tolist())
    return Town(network, start, vehicle, to, closed.astype(np.uint8))


@given(towns())
@settings(max_examples=40)
def test_law_it_is_what_networkx_finds_with_the_positions_as_nodes(town: Town) -> None:
    """Every person and the place are nodes of their own, cut into the edges by shapely."""
    for shut in (None, town.closed):
        times = times_over(town.network, shut)
        x, y = town.to[0].tolist()
        found = times.settle(town.start, town.vehicle).search((x, y)).within(np.inf)
        for number, (start, vehicle) in enumerate(zip(town.start, town.vehicle, strict=True)):
            seconds, basis = _slowly(times, town.network, shut, start, town.to[0], int(vehicle))
            assert found.seconds[number] == pytest.approx(seconds, rel=1e-6, abs=1e-3)
            if np.isfinite(seconds):
                assert BASES[found.basis[number]] is basis


class Near(NamedTuple):
    """An edge, the share of it before a position, metres to it, and which piece of the roads."""

    edge: int
    share: float
    off_m: float
    piece: int


def _slowly(
    times: RoadTimes,
    network: RoadNetwork,
    shut: Masks | None,
    start: Floats,
    to: Floats,
    number: int,
) -> tuple[float, Basis]:
    vehicle = VEHICLES[number]
    near, far = (_nearest_edge(times, network, at, vehicle) for at in (start, to))
    away = float(np.hypot(*(start - to)))
    walked = away * WALK if away <= 1000 else np.inf
    if near is None or far is None or near.piece != far.piece:
        line = StraightLine().seconds(
            to=(float(to[0]), float(to[1])),
            start=start[None],
            vehicle=np.array([number], np.int8),
        )[0]
        return min((line, Basis.STRAIGHT_LINE), (walked, Basis.ON_FOOT))
    peer = oracle(network, Speeds(), vehicle, shut)
    bit, kmh = 1 << number, Speeds().kmh(network, vehicle)
    (e, at_start, off_start, _), (f, at_end, off_end, _) = near, far

    def over(edge: int, share: float, allowed: Any) -> float | None:
        if share == 0.0:
            return 0.0
        if not allowed & bit:
            return None
        drive = network.length_m[edge] / (kmh[edge] / 3.6)
        if shut is not None and shut[edge] & bit:
            drive = max(drive, network.length_m[edge] / (4.5 / 3.6))
        return float(share * drive)

    ways = [
        ("S", int(network.tail[e]), over(e, at_start, network.against[e])),
        ("S", int(network.head[e]), over(e, 1 - at_start, network.along[e])),
        (int(network.tail[f]), "T", over(f, at_end, network.along[f])),
        (int(network.head[f]), "T", over(f, 1 - at_end, network.against[f])),
    ]
    if e == f:
        ahead = at_end >= at_start
        allowed = network.along[e] if ahead else network.against[e]
        ways.append(("S", "T", over(e, abs(at_end - at_start), allowed)))
    for a, b, seconds in ways:
        if seconds is not None and seconds < peer.get_edge_data(a, b, {"s": np.inf})["s"]:
            peer.add_edge(a, b, s=seconds)
    try:
        road = nx.dijkstra_path_length(peer, "S", "T", weight="s") + (off_start + off_end) * WALK
    except (nx.NetworkXNoPath, nx.NodeNotFound):
        road = np.inf
    return min((road, Basis.ROAD), (walked, Basis.ON_FOOT), key=lambda pair: pair[0])


def _nearest_edge(
    times: RoadTimes, network: RoadNetwork, at: Floats, vehicle: Vehicle
) -> Near | None:
    """The nearest edge between nodes of the largest strongly connected part of the largest piece,
    by distances to every single one."""
    free = oracle(network, Speeds(), vehicle)
    pieces = [one for one in nx.weakly_connected_components(free) if len(one) > 1]
    most = max((len(one) for one in pieces), default=0)
    main: dict[int, int] = {}
    for number, piece in enumerate(pieces):
        if len(piece) == most:
            strong = nx.strongly_connected_components(free.subgraph(piece))
            best = max(strong, key=lambda one: (len(one), -min(one)))
            main |= dict.fromkeys(best, number)
    bit = 1 << VEHICLES.index(vehicle)
    lines, point = times.access.ground.lines, shapely.Point(at)
    away = [
        (shapely.distance(lines[e], point), e)
        for e in range(network.edges)
        if (network.along[e] | network.against[e]) & bit
        and {int(network.tail[e]), int(network.head[e])} <= set(main)
    ]
    if not away or min(away)[0] > 2000:
        return None
    metres_off, edge = min(away)
    before, whole = shapely.line_locate_point(lines[edge], point), shapely.length(lines[edge])
    share = 0.0 if before <= 0.05 else 1.0 if whole - before <= 0.05 else before / whole
    return Near(edge, float(share), float(metres_off), main[int(network.tail[edge])])


@given(towns())
def test_law_a_growing_search_finds_what_the_whole_one_does(town: Town) -> None:
    times = times_over(town.network, town.closed)
    settled, to = times.settle(town.start, town.vehicle), tuple(town.to[0].tolist())
    whole, growing = settled.search(to).within(np.inf), settled.search(to)
    numbers = np.arange(len(town.start))
    for limit in (0.0, 60.0, 400.0, 200.0, 2000.0, np.inf):
        some = numbers[:: 2 if limit == 400.0 else 1]
        for found, who in ((growing.within(limit), numbers), (growing.within(limit, some), some)):
            inside = whole.seconds[who] <= limit
            assert (found.seconds[inside] == whole.seconds[who][inside]).all()
            assert (found.basis[inside] == whole.basis[who][inside]).all()
            assert np.isinf(found.seconds[~inside]).all()
    exact = settled.search(to).exactly(numbers[::-1])
    assert (exact.seconds == whole.seconds[::-1]).all()


@given(towns())
def test_law_closing_more_makes_nobody_sooner(town: Town) -> None:
    x, y = town.to[0].tolist()
    times = times_over(town.network)
    none, some, more = (
        one.seconds(to=(x, y), start=town.start, vehicle=town.vehicle)
        for one in (times, times.closing(town.closed & np.uint8(5)), times.closing(town.closed))
    )
    assert (some >= none - 1e-9).all()
    assert (more >= some - 1e-9).all()


@given(towns())
def test_law_who_was_put_on_the_roads_stays_there(town: Town) -> None:
    """What is remembered of positions is what is found anew."""
    first, again = times_over(town.network), times_over(town.network)
    many = np.vstack([town.start] * 3 + [town.to] * 14)
    for vehicle in VEHICLES:
        snapper = first.access.ground.snapper(vehicle)
        snapper.snap(many[:17])
        kept, fresh = snapper.snap(many), again.access.ground.snapper(vehicle).snap(many)
        for a, b in zip(kept, fresh, strict=True):
            np.testing.assert_array_equal(a, b)

"""Searches over roads: equal to networkx on the same roads, real and made up."""

import csv
import gzip
import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.travel.graph import Matrix, RoadGraph, parts
from gridsvc.travel.reach import first_over
from gridsvc.travel.speeds import Speeds
from tests.shared import shared_data
from tests.travel_samples import network_of, oracle, osm_network

FILES = ("liechtenstein-latest", "monaco", "heidelberg.test")


@lru_cache
def _extract(name: str) -> RoadNetwork:
    return osm_network(shared_data("roads", f"{name}.osm.pbf"))


def _one_to_all(matrix: Matrix, node: int, limit_s: float = np.inf) -> Floats:
    return matrix.search(np.array([node], np.int32), np.zeros(1), limit_s=limit_s).seconds


@pytest.mark.parametrize("name", FILES)
def test_a_thousand_pairs_take_as_long_as_networkx_says(name: str) -> None:
    network, rng = _extract(name), np.random.default_rng(1)
    graph = RoadGraph.of(network, Speeds())
    one_ways = (network.along != network.against).sum()
    assert one_ways > 100
    closed = np.where(rng.random(network.edges) < 0.02, np.uint8(7), np.uint8(0))
    asked = 0
    for run in range(8):
        vehicle, shut = VEHICLES[run % 3], closed if run % 2 else None
        peer = oracle(network, Speeds(), vehicle, shut)
        now = graph if shut is None else graph.closing(shut)
        start, targets = int(rng.integers(network.nodes)), rng.integers(network.nodes, size=125)
        there = nx.single_source_dijkstra_path_length(peer, start, weight="s")
        expected = [there.get(int(node), np.inf) for node in targets]
        found = _one_to_all(now.outward(vehicle), start)
        np.testing.assert_allclose(found[targets], expected, rtol=1e-12)
        for node in targets[:3].tolist():
            back = _one_to_all(now.inward(vehicle), node)[start]
            np.testing.assert_allclose(back, there.get(node, np.inf), rtol=1e-12)
        asked += len(targets)
    assert asked == 1000


@pytest.mark.parametrize("name", FILES)
def test_in_one_part_everything_is_reached_from_everything(name: str) -> None:
    network = _extract(name)
    graph = RoadGraph.of(network, Speeds())
    for vehicle in VEHICLES:
        part = parts(graph, vehicle, least=100)
        peer = oracle(network, Speeds(), vehicle)
        whole = max(nx.strongly_connected_components(peer), key=len)
        (number,) = set(part[sorted(whole)].tolist())
        assert number >= 0
        assert set(np.flatnonzero(part == number).tolist()) == whole
        for weak in nx.weakly_connected_components(peer):
            kept = set(part[sorted(weak)].tolist()) - {-1}
            assert len(kept) == (len(weak) >= 100 or whole <= weak)


def test_auckland_s_nearest_station_is_the_one_networkx_finds() -> None:
    at, tail, head, seconds = _auckland()
    graph = RoadGraph.of_arcs(len(at), tail, head, {Vehicle.CAR: seconds})
    peer: nx.DiGraph[int] = nx.DiGraph()
    peer.add_nodes_from(range(len(at)))
    for a, b, s in zip(tail.tolist(), head.tolist(), seconds.tolist(), strict=True):
        if s < peer.get_edge_data(a, b, {"s": np.inf})["s"]:
            peer.add_edge(a, b, s=s)
    with shared_data("ems", "auckland", "stations_1.csv").open(encoding="utf-8") as file:
        lines = file.read().splitlines()[1:]
    stations = np.array([[float(r["x"]), float(r["y"])] for r in csv.DictReader(lines)])
    nodes = np.array([((at - one) ** 2).sum(axis=1).argmin() for one in stations], np.int32)
    assert len(set(nodes.tolist())) == len(nodes) > 10
    matrix = graph.outward(Vehicle.CAR)
    found, first = first_over(matrix, nodes, np.zeros(len(nodes)), np.arange(len(nodes)))
    rng = np.random.default_rng(2)
    asked = rng.integers(len(at), size=1000).tolist()
    times, paths = nx.multi_source_dijkstra(peer, set(nodes.tolist()), weight="s")
    for node in asked:
        assert found[node] == pytest.approx(times.get(node, np.inf), rel=1e-12)
        if node in paths:
            assert nodes[first[node]] == paths[node][0]
    # Pairs too, each from another node.
    for start in asked[:8]:
        there = nx.single_source_dijkstra_path_length(peer, start, weight="s")
        expected = [there.get(node, np.inf) for node in asked[:125]]
        np.testing.assert_allclose(_one_to_all(matrix, start)[asked[:125]], expected, rtol=1e-12)


def _auckland() -> tuple[Floats, np.ndarray, np.ndarray, Floats]:
    """Nodes (lng, lat) and arcs with the published seconds under lights and sirens."""

    def rows(name: str) -> Iterator[dict[str, str]]:
        path = shared_data("ems", "auckland", f"{name}.csv.gz")
        text = gzip.decompress(path.read_bytes()).decode()
        table = csv.DictReader(io.StringIO(text[text.index("index,") :]))
        return takewhile(lambda row: row["index"], table)

    at = np.array([[float(row["x"]), float(row["y"])] for row in rows("nodes")])
    arcs = [(row["fromNode"], row["toNode"], row["mode_1"]) for row in rows("arcs")]
    tail, head, days = np.array(arcs, dtype=np.float64).T
    return at, tail.astype(np.int64) - 1, head.astype(np.int64) - 1, days * 86400.0


nodes = st.integers(0, 7)
arcs = st.lists(
    st.tuples(nodes, nodes, st.sampled_from([0.0, 1.0, 2.5, 7.0, 30.0, np.inf])), max_size=30
)


def _small(some: list[tuple[int, int, float]]) -> RoadGraph:
    columns = np.array(some, dtype=np.float64).reshape(-1, 3)
    ends = columns[:, :2].astype(np.int64)
    return RoadGraph.of_arcs(8, ends[:, 0], ends[:, 1], {Vehicle.CAR: columns[:, 2].copy()})


def _table(some: list[tuple[int, int, float]]) -> Floats:
    """Floyd's way, by hand: parallel arcs and arcs of no length included."""
    table = np.full((8, 8), np.inf)
    np.fill_diagonal(table, 0.0)
    for a, b, s in some:
        table[a, b] = min(table[a, b], s)
    for k in range(8):
        table = np.minimum(table, table[:, k, None] + table[None, k])
    return table


@given(arcs)
def test_law_both_directions_agree_with_the_table_and_the_triangle(
    some: list[tuple[int, int, float]],
) -> None:
    graph, table = _small(some), _table(some)
    outward, inward = graph.outward(Vehicle.CAR), graph.inward(Vehicle.CAR)
    found = np.array([_one_to_all(outward, node) for node in range(8)])
    back = np.array([_one_to_all(inward, node) for node in range(8)])
    np.testing.assert_allclose(found, table)
    np.testing.assert_allclose(back.T, table)
    assert (found[:, None, :] <= found[:, :, None] + found[None, :, :] + 1e-9).all()


@given(arcs, st.lists(st.tuples(nodes, st.sampled_from([0.0, 3.0, 11.0, np.inf])), max_size=7))
def test_law_many_starts_each_with_its_own_delay(
    some: list[tuple[int, int, float]], starts: list[tuple[int, float]]
) -> None:
    table, matrix = _table(some), _small(some).outward(Vehicle.CAR)
    at = np.array([node for node, _ in starts], np.int32)
    late = np.array([seconds for _, seconds in starts], np.float64)
    for limit in (0.0, 5.0, 12.0, np.inf):
        found = matrix.search(at, late, limit_s=limit).seconds
        best = (late[:, None] + table[at]).min(axis=0, initial=np.inf)
        np.testing.assert_allclose(found, np.where(best <= limit, best, np.inf))


@given(arcs, st.lists(st.booleans(), min_size=30, max_size=30))
def test_law_what_is_closed_makes_nobody_sooner(
    some: list[tuple[int, int, float]], shut: list[bool]
) -> None:
    less = [one for one, closed in zip(some, shut, strict=False) if not closed]
    before = _one_to_all(_small(some).outward(Vehicle.CAR), 0)
    after = _one_to_all(_small(less).outward(Vehicle.CAR), 0)
    assert (after >= before).all()


def test_a_closure_holds_for_its_vehicles_alone_and_leaves_the_open_roads_as_they_were() -> None:
    at = np.array([[104.30, 24.9], [104.31, 24.9], [104.31, 24.91]])
    graph = RoadGraph.of(network_of(at, [(0, 1), (1, 2), (0, 2)]), Speeds())
    car = np.uint8(1 << VEHICLES.index(Vehicle.CAR))
    shut = graph.closing(np.array([car, 0, 0], np.uint8))
    free, now = (_one_to_all(one.outward(Vehicle.CAR), 0) for one in (graph, shut))
    assert now[1] == pytest.approx(free[2] + _one_to_all(graph.outward(Vehicle.CAR), 2)[1])
    assert now[1] > free[1]
    foot = _one_to_all(shut.outward(Vehicle.FOOT), 0)
    assert foot[1] == _one_to_all(graph.outward(Vehicle.FOOT), 0)[1]
    assert _one_to_all(graph.outward(Vehicle.CAR), 0)[1] == free[1]

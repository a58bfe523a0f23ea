"""Roads of OpenStreetMap: every rule on a case made by hand, whole files against other readers."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmium
import pyogrio
import pyproj
import pytest
import shapely

from geodata.road_classes import NOT_BUILT, OSM_CLASSES, limit_of, mask_of
from geodata.road_report import Reason, parts_of, road_report
from geodata.road_topology import build_network
from geodata.roads_osm import read_osm
from gridsvc.domain.errors import LayerError
from gridsvc.domain.force import Vehicle
from gridsvc.domain.roads import RoadNetwork
from tests.road_samples import ALL, MOTORS, edges_of, osm_file, osm_network, who
from tests.shared import shared_data

FILES = ["monaco.osm.pbf", "liechtenstein-latest.osm.pbf", "heidelberg.test.osm.pbf"]
ROAD = {"highway": "residential"}


def one_way_road(tmp_path: Path, **tags: str) -> tuple[set[str], set[str]]:
    given = {"highway": "residential"} | {name.replace("__", ":"): v for name, v in tags.items()}
    network = osm_network(osm_file(tmp_path / "a.osm.pbf", [([1, 2], given)]))
    return edges_of(network)["1:0"]


@pytest.mark.parametrize(
    ("tags", "along", "against"),
    [
        ({}, ALL, ALL),
        ({"oneway": "yes"}, ALL, {"foot"}),
        ({"oneway": "-1"}, {"foot"}, ALL),
        ({"oneway": "reversible"}, {"foot"}, {"foot"}),
        ({"junction": "roundabout"}, ALL, {"foot"}),
        ({"junction": "roundabout", "oneway": "no"}, ALL, ALL),
        ({"oneway": "yes", "oneway__motorcycle": "no"}, ALL, {"foot", "motorcycle"}),
        ({"oneway": "yes", "oneway__foot": "yes"}, ALL, set()),
        ({"highway": "motorway"}, MOTORS, set()),
        ({"highway": "motorway_link", "oneway": "no"}, MOTORS, MOTORS),
        ({"highway": "path"}, {"foot"}, {"foot"}),
        ({"highway": "path", "motorcycle": "yes"}, {"foot", "motorcycle"}, {"foot", "motorcycle"}),
        ({"motor_vehicle": "no"}, {"foot"}, {"foot"}),
        ({"vehicle": "no", "motor_vehicle": "yes"}, ALL, ALL),
        ({"motor_vehicle": "no", "motorcycle": "yes"}, ALL - {"car"}, ALL - {"car"}),
        ({"access": "private", "foot": "permissive"}, {"foot"}, {"foot"}),
        ({"access": "no", "vehicle": "destination"}, MOTORS, MOTORS),
        ({"foot": "use_sidepath"}, MOTORS, MOTORS),
        ({"motor_vehicle": "agricultural;destination"}, ALL, ALL),
        ({"vehicle__backward": "no"}, ALL, {"foot"}),
        ({"motorroad": "yes"}, MOTORS, MOTORS),
    ],
)
def test_who_may_go_which_way(
    tmp_path: Path, tags: dict[str, str], along: set[str], against: set[str]
) -> None:
    assert one_way_road(tmp_path, **tags) == (along, against)


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        ("30 mph", 48.28032),
        ("60 km/h", 60.0),
        ("80公里/小时", 80.0),
        ("30;50", 30.0),
        ("walk", 6.0),
        ("CN:urban", 50.0),
        ("CN:rural", 70.0),
        ("DE:zone:30", 30.0),
        ("DE:30", 30.0),
        ("none", np.nan),
        ("signals", np.nan),
        ("0", np.nan),
        ("9999", np.nan),
        ("", np.nan),
    ],
)
def test_limits(text: str, kmh: float) -> None:
    assert limit_of(text) == pytest.approx(kmh, nan_ok=True)


def test_roads_are_cut_where_they_share_a_node_and_nowhere_else(tmp_path: Path) -> None:
    ways = [([1, 2, 3, 4], ROAD), ([3, 103], ROAD), ([202, 2 + 100, 302], ROAD)]
    network = osm_network(osm_file(tmp_path / "a.osm.pbf", ways))
    assert network.edge.tolist() == ["1:0", "1:1", "2:0", "3:0"]
    assert network.nodes == 6
    degree = np.bincount(np.concatenate([network.tail, network.head]))
    assert sorted(degree.tolist()) == [1, 1, 1, 1, 1, 3]
    assert np.diff(network.shape_start).tolist() == [3, 2, 2, 3]
    ends = network.shape[network.shape_start[:-1]]
    assert (ends == np.column_stack([network.node_lng, network.node_lat])[network.tail]).all()


def test_lengths_are_geodesic(tmp_path: Path) -> None:
    network = osm_network(osm_file(tmp_path / "a.osm.pbf", [([1, 2, 103, 205], ROAD)]))
    line = shapely.LineString(network.shape)
    assert network.length_m == pytest.approx(
        [pyproj.Geod(ellps="GRS80").geometry_length(line)], abs=1e-6
    )


@pytest.mark.parametrize(
    ("tags", "passes"),
    [
        ({"barrier": "gate"}, ALL),
        ({"barrier": "gate", "access": "private"}, set()),
        ({"barrier": "gate", "locked": "yes"}, {"foot"}),
        ({"barrier": "bollard"}, {"foot"}),
        ({"barrier": "bollard", "motorcycle": "yes"}, {"foot", "motorcycle"}),
        ({"barrier": "lift_gate", "motor_vehicle": "no"}, {"foot"}),
        ({"barrier": "wall"}, set()),
    ],
)
def test_a_barrier_stops_whom_it_stops(
    tmp_path: Path, tags: dict[str, str], passes: set[str]
) -> None:
    # On one road, and where three meet: from each to each only who passes.
    ways = [([1, 2, 3], ROAD), ([2, 102], ROAD)]
    network = osm_network(osm_file(tmp_path / "a.osm.pbf", ways, tags={2: tags}))
    tips = {
        edge: {int(network.tail[place]), int(network.head[place])}
        for place, edge in enumerate(network.edge.tolist())
    }
    far = [tips["1:0"], tips["1:1"], tips["2:0"]]
    for bit, vehicle in enumerate(Vehicle):
        graph = nx.Graph()
        graph.add_nodes_from(range(network.nodes))
        for place in range(network.edges):
            if int(network.along[place]) >> bit & 1:
                graph.add_edge(int(network.tail[place]), int(network.head[place]))
        outer = [next(node for node in ends if _degree(network, node) == 1) for ends in far]
        reached = [nx.has_path(graph, outer[a], outer[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
        assert reached == [str(vehicle) in passes] * 3
    new = [edge for edge in network.edge.tolist() if edge.startswith("n")]
    assert new == ([] if passes == ALL else ["n2:0", "n2:1"])
    assert network.length_m[np.isin(network.edge, new)].sum() == 0


def _degree(network: RoadNetwork, node: int) -> int:
    ends = np.concatenate([network.tail, network.head])
    return int((ends == node).sum())


def test_ferries_take_their_time(tmp_path: Path) -> None:
    ways = [([1, 11], {"route": "ferry", "duration": "00:20"}), ([11, 12], {"route": "ferry"})]
    network = osm_network(osm_file(tmp_path / "a.osm.pbf", ways))
    assert network.road_class.tolist() == ["ferry", "ferry"]
    assert network.length_m[0] / (network.limit_kmh[0] / 3.6) == pytest.approx(1200)
    assert np.isnan(network.limit_kmh[1])


def test_what_is_dropped_is_counted_with_its_reason(tmp_path: Path) -> None:
    ways = [
        ([1, 2], ROAD),
        ([2, 3], {"highway": "construction"}),
        ([3, 4], {"highway": "service", "access": "private"}),
        ([4, 5], {"highway": "raceway"}),
        ([6, 6], ROAD),
        ([7, 8, 9, 10], ROAD),
        ([1, 2], {"waterway": "river"}),
    ]
    path = osm_file(tmp_path / "a.osm.pbf", ways, missing=[9])
    source = read_osm(path)
    network = build_network(source.ways)
    found = road_report(network, source.drops).dropped
    assert {reason: (one.count, one.examples) for reason, one in found.items()} == {
        Reason.NOT_BUILT: (1, ("2",)),
        Reason.NO_ACCESS: (1, ("3",)),
        Reason.NOT_A_ROAD: (1, ("4",)),
        Reason.TOO_SHORT: (1, ("5",)),
        Reason.CUT_OFF: (1, ("6",)),
    }
    assert network.edge.tolist() == ["1:0", "6:0"]


def test_a_road_that_runs_into_itself_keeps_its_shape(tmp_path: Path) -> None:
    ways = [([1, 2, 3, 103, 102, 2], ROAD), ([210, 211, 311, 210], ROAD)]
    network = osm_network(osm_file(tmp_path / "a.osm.pbf", ways))
    assert network.edge.tolist() == ["1:0", "1:1", "2:0"]
    assert network.tail[1] == network.head[1]
    assert network.tail[2] == network.head[2]


def test_files_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    whole = osm_file(tmp_path / "a.osm.pbf", [([1, 2], ROAD)]).read_bytes()
    half = tmp_path / "half.osm.pbf"
    half.write_bytes(whole[: len(whole) - 20])
    with pytest.raises(LayerError, match="cannot be read to its end"):
        read_osm(half)
    (tmp_path / "no.osm.pbf").write_bytes(b"not a pbf at all")
    with pytest.raises(LayerError, match="cannot be read to its end"):
        read_osm(tmp_path / "no.osm.pbf")
    with pytest.raises(LayerError, match="no road"):
        read_osm(osm_file(tmp_path / "b.osm.pbf", [([1, 2], {"waterway": "river"})]))
    with pytest.raises(LayerError, match="no such file"):
        read_osm(tmp_path / "absent.osm.pbf")


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_what_gdal_reads(name: str) -> None:
    """Lengths way by way against GDAL's own reader of the format."""
    path = shared_data("roads", name)
    source = read_osm(path)
    network = build_network(source.ways)
    ours: Counter[str] = Counter()
    for edge, metres in zip(network.edge.tolist(), network.length_m.tolist(), strict=True):
        ours[edge.rpartition(":")[0]] += metres
    lines = pyogrio.read_dataframe(
        path, layer="lines", columns=["osm_id", "highway"], where="highway IS NOT NULL"
    )
    geod = pyproj.Geod(ellps="GRS80")
    dropped = {one for ids in source.drops.ids.values() for one in ids}
    usable = lines[lines["highway"].isin(OSM_CLASSES)]
    assert not set(usable["highway"]) & NOT_BUILT
    theirs = {
        osm_id: geod.geometry_length(shape)
        for osm_id, shape in zip(usable["osm_id"], usable.geometry, strict=True)
        if osm_id not in dropped
    }
    assert len(theirs) > 1000
    for osm_id, metres in theirs.items():
        assert ours[osm_id] == pytest.approx(metres, abs=0.01), osm_id
    more = {one for one in ours if not one.startswith("n")} - set(theirs)
    assert more <= _areas_and_ferries(path)


def ways_in(path: Path) -> Iterator[Any]:
    things: Any = osmium.FileProcessor(str(path))
    return (thing for thing in things if thing.is_way())


def _areas_and_ferries(path: Path) -> set[str]:
    return {
        str(way.id)
        for way in ways_in(path)
        if (way.tags.get("route") == "ferry" or way.is_closed() or way.tags.get("area") == "yes")
    }


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_hangs_together_as_a_plain_count_says(name: str) -> None:
    path = shared_data("roads", name)
    source = read_osm(path)
    network = build_network(source.ways)
    taken = set(source.ways.id)
    uses: Counter[int] = Counter()
    ends: set[int] = set()
    one_way = driven = 0
    for way in ways_in(path):
        if str(way.id) in taken:
            refs = [node.ref for node in way.nodes]
            uses.update(refs)
            ends |= {refs[0], refs[-1]}
            if way.tags.get("highway") in ("primary", "secondary", "tertiary", "residential"):
                driven += 1
                one_way += way.tags.get("oneway") == "yes"
    shared = {ref for ref, count in uses.items() if count > 1} | ends
    stopped = network.edge[np.char.startswith(network.edge, "n")]
    # Each barrier that is no junction makes a node, and each end behind it one more.
    barriers = {int(edge[1:].partition(":")[0]) for edge in stopped.tolist()}
    assert network.nodes == len(shared | barriers) + len(stopped)
    for vehicle in Vehicle:
        bit = mask_of([vehicle])
        graph = nx.Graph()
        used = ((network.along | network.against) & bit) > 0
        graph.add_edges_from(
            zip(network.tail[used].tolist(), network.head[used].tolist(), strict=True)
        )
        sizes = [len(part) for part in nx.connected_components(graph)]
        found = parts_of(network, vehicle)
        assert found.count == len(sizes)
        assert found.largest == pytest.approx(max(sizes) / sum(sizes))
    ours = [
        along != against
        for along, against, kind in zip(
            source.ways.along & 4, source.ways.against & 4, source.ways.road_class, strict=True
        )
        if kind in ("primary", "secondary", "tertiary", "residential") and (along or against)
    ]
    assert sum(ours) / len(ours) == pytest.approx(one_way / driven, abs=0.05)


def test_masks_are_bits_of_vehicles() -> None:
    assert [who(1 << bit) for bit in range(3)] == [{str(one)} for one in Vehicle]

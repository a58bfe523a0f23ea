"""Road networks for tests: plain lines, extracts of OpenStreetMap, the demo county's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmium
import shapely

from geodata.road_topology import Ways, build_network
from geodata.roads_osm import read_osm
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, MetricFrame
from gridsvc.domain.roads import Masks, RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.travel.speeds import Speeds

EVERYBODY = (1 << len(VEHICLES)) - 1
ON_FOOT = 1 << VEHICLES.index(Vehicle.FOOT)


def network_of(
    nodes: Floats,
    edges: list[tuple[int, int]],
    *,
    along: list[int] | None = None,
    against: list[int] | None = None,
    shapes: list[Any] | None = None,
    classes: list[str] | None = None,
    length_m: Floats | None = None,
    names: list[str] | None = None,
    surface: list[str] | None = None,
    limit: list[float] | None = None,
) -> RoadNetwork:
    """A network between nodes (lng, lat); everybody may go everywhere unless told otherwise."""
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    count = len(ends)
    if shapes is None:
        shapes = [nodes[[a, b]] for a, b in ends.tolist()]
    points = np.vstack(shapes) if shapes else np.empty((0, 2))
    start = np.concatenate([[0], np.cumsum([len(one) for one in shapes])]).astype(np.int64)
    if length_m is None:
        frame = MetricFrame.around(float(nodes[:, 0].mean()))
        length_m = np.array(
            [shapely.length(frame.geometries([shapely.LineString(one)]))[0] for one in shapes]
        )
    return RoadNetwork(
        version=0,
        node_lng=nodes[:, 0],
        node_lat=nodes[:, 1],
        tail=ends[:, 0],
        head=ends[:, 1],
        along=np.array([EVERYBODY] * count if along is None else along, dtype=np.uint8),
        against=np.array([EVERYBODY] * count if against is None else against, dtype=np.uint8),
        length_m=length_m,
        limit_kmh=np.array([np.nan] * count if limit is None else limit, dtype=np.float64),
        road_class=np.array(["township"] * count if classes is None else classes, dtype=str),
        surface=np.array([""] * count if surface is None else surface, dtype=str),
        name=np.array([""] * count if names is None else names, dtype=str),
        edge=np.array([f"{number}:0" for number in range(count)], dtype=str),
        shape=points,
        shape_start=start,
    )


def demo_network(folder: Path, *, bends: bool = False) -> RoadNetwork:
    """The demo county's roads; ``bends``: with a node at every other vertex, as a survey has."""
    import geopandas as gpd

    roads = gpd.read_file(folder / "roads.gpkg")
    shapes = [shapely.get_coordinates(line) for line in roads.geometry]
    columns: dict[str, Any] = {
        "classes": roads["class"].tolist(),
        "surface": roads["surface"].tolist(),
        "names": roads["name"].tolist(),
        "limit": roads["speed_kmh"].astype(float).tolist(),
    }
    if bends:
        pieces = [
            (one[at : at + 3], row)
            for row, one in enumerate(shapes)
            for at in range(0, len(one) - 1, 2)
        ]
        shapes = [piece for piece, _ in pieces]
        columns = {name: [values[row] for _, row in pieces] for name, values in columns.items()}
    ends = np.vstack([[one[0], one[-1]] for one in shapes])
    nodes, place = np.unique(ends, axis=0, return_inverse=True)
    edges = [(a, b) for a, b in place.reshape(-1, 2).tolist()]
    return network_of(nodes, edges, shapes=shapes, **columns)


def oracle(
    network: RoadNetwork, speeds: Speeds, vehicle: Vehicle, closed: Masks | None = None
) -> "nx.DiGraph[int]":
    """The same roads as a graph of networkx, made edge by edge from the masks and the table."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(network.nodes))
    bit = 1 << VEHICLES.index(vehicle)
    kmh = speeds.kmh(network, vehicle)
    for e in range(network.edges):
        if closed is not None and closed[e] & bit:
            continue
        a, b = int(network.tail[e]), int(network.head[e])
        seconds = float(network.length_m[e]) / (float(kmh[e]) / 3.6)
        for allowed, u, v in ((network.along[e], a, b), (network.against[e], b, a)):
            if allowed & bit and seconds < graph.get_edge_data(u, v, {"s": np.inf})["s"]:
                graph.add_edge(u, v, s=seconds)
    return graph


WEST, SOUTH = 104.3, 24.88
STEP = 0.001  # about 100 m

Place = tuple[float, float]


def osm_file(
    path: Path,
    ways: Sequence[tuple[Sequence[int], Mapping[str, str]]],
    *,
    tags: Mapping[int, Mapping[str, str]] | None = None,
    missing: Sequence[int] = (),
) -> Path:
    """An extract in which node n lies ``n % 100`` steps east and ``n // 100`` north; ways count
    from 1."""
    nodes = sorted({node for refs, _ in ways for node in refs} - set(missing))
    with osmium.SimpleWriter(str(path)) as writer:
        for node in nodes:
            at = (WEST + node % 100 * STEP, SOUTH + node // 100 * STEP)
            about = dict((tags or {}).get(node, {}))
            writer.add_node(osmium.osm.mutable.Node(id=node, location=at, tags=about))
        for number, (refs, said) in enumerate(ways, 1):
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=list(refs), tags=dict(said)))
    return path


def osm_network(path: Path) -> RoadNetwork:
    return build_network(read_osm(path).ways)


def who(mask: int) -> set[str]:
    """The vehicles of a mask."""
    return {str(vehicle) for bit, vehicle in enumerate(VEHICLES) if int(mask) >> bit & 1}


ALL = {str(vehicle) for vehicle in Vehicle}
MOTORS = ALL - {"foot"}


def edges_of(network: RoadNetwork) -> dict[str, tuple[set[str], set[str]]]:
    """Who may go along and against each edge."""
    return {
        str(edge): (who(along), who(against))
        for edge, along, against in zip(network.edge, network.along, network.against, strict=True)
    }


def lines_network(lines: Sequence[Sequence[Place]], **more: Sequence[str]) -> RoadNetwork:
    """A network of lines (lng, lat) that are joined where they share a vertex exactly."""
    count = [len(line) for line in lines]
    xy = np.array([place for line in lines for place in line], dtype=np.float64)
    _, vertex = np.unique(xy, axis=0, return_inverse=True)
    ids = [str(number + 1) for number in range(len(lines))]
    everybody = np.full(len(lines), 7, dtype=np.uint8)
    return build_network(
        Ways(
            id=more.get("id", ids),
            road_class=more.get("road_class", ["tertiary"] * len(lines)),
            surface=[""] * len(lines),
            name=more.get("name", [f"{one}号路" for one in ids]),
            limit_kmh=np.full(len(lines), np.nan),
            along=everybody,
            against=everybody,
            start=np.concatenate([[0], np.cumsum(count)]),
            vertex=vertex.ravel(),
            xy=xy,
        )
    )


def crossing() -> RoadNetwork:
    """A road from west to east in the small county of the HTTP tests, one from north to south over
    its middle, and one that runs along 30 m north of the first."""
    across = [(104.302, 24.885), (104.306, 24.885), (104.312, 24.885)]
    up = [(104.306, 24.881), (104.306, 24.885), (104.306, 24.889)]
    beside = [(104.302, 24.88527), (104.312, 24.88527)]
    return lines_network([across, up, beside], name=["东西路", "南北路", "辅路"])


def line_of(*places: Place) -> shapely.LineString:
    return shapely.LineString(places)

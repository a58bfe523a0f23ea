"""Road networks for tests: plain lines, extracts of OpenStreetMap, the demo county's own."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmium
import shapely

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, MetricFrame
from gridsvc.domain.roads import Masks, RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.travel.speeds import Speeds

EVERYBODY = (1 << len(VEHICLES)) - 1
ON_FOOT = 1 << VEHICLES.index(Vehicle.FOOT)
_NOT_DRIVEN = {"footway", "path", "steps", "pedestrian", "cycleway", "bridleway"}


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


def osm_network(path: Path) -> RoadNetwork:
    """The ways of an extract that have a highway, cut where they share nodes."""
    ways: list[tuple[list[int], dict[str, str]]] = []
    at: dict[int, tuple[float, float]] = {}
    for way in osmium.FileProcessor(str(path)).with_locations():
        if not isinstance(way, osmium.osm.Way) or "highway" not in way.tags:
            continue
        known = [node for node in way.nodes if node.location.valid()]
        if len(known) < 2 or way.tags["highway"] in ("construction", "proposed", "platform"):
            continue
        at |= {node.ref: (node.location.lon, node.location.lat) for node in known}
        ways.append(([node.ref for node in known], dict(way.tags)))
    return _cut(ways, at)


def _cut(
    ways: list[tuple[list[int], dict[str, str]]], at: dict[int, tuple[float, float]]
) -> RoadNetwork:
    uses = Counter(ref for refs, _ in ways for ref in refs)
    number: dict[int, int] = {}
    rows: list[tuple[tuple[int, int], Any, int, int, dict[str, str]]] = []
    for refs, tags in ways:
        cuts = [n for n, ref in enumerate(refs) if n in (0, len(refs) - 1) or uses[ref] > 1]
        walked = tags["highway"] in _NOT_DRIVEN
        along = ON_FOOT if walked else EVERYBODY
        one_way = tags.get("oneway") in ("yes", "1", "true") or tags.get("junction") == "roundabout"
        backwards = tags.get("oneway") == "-1"
        for first, last in pairwise(cuts):
            ends = tuple(number.setdefault(refs[n], len(number)) for n in (first, last))
            line = np.array([at[ref] for ref in refs[first : last + 1]])
            rows.append(
                (
                    (ends[0], ends[1]),
                    line,
                    ON_FOOT if backwards else along,
                    ON_FOOT if one_way else along,
                    tags,
                )
            )
    nodes = np.array([at[ref] for ref in number])
    return network_of(
        nodes,
        [row[0] for row in rows],
        shapes=[row[1] for row in rows],
        along=[row[2] for row in rows],
        against=[row[3] for row in rows],
        classes=[row[4]["highway"] for row in rows],
        surface=[row[4].get("surface", "") for row in rows],
        names=[row[4].get("name", "") for row in rows],
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

"""Roads small enough to read, as OpenStreetMap and as lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import osmium
import shapely

from geodata.road_topology import Ways, build_network
from geodata.roads_osm import read_osm
from gridsvc.domain.force import Vehicle
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES

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

"""Vertices that neighbours should share: finding the ones that are missed, and matching them.

Everything here is in CGCS2000 degrees, lng, lat.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.area import Area
from gridsvc.domain.geo import GRID_SIZE_DEG, Floats, Geometries

Ints = npt.NDArray[np.intp]
Vertex = tuple[float, float]

MATCH_DISTANCE_DEG = 1.5 * GRID_SIZE_DEG
"""Two vertices of the grid that were one before rounding are at most a diagonal step apart."""

_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class NearMisses:
    """Vertices of one polygon that lie on or near an edge of another without being shared.

    ``owners`` and ``others`` (n,) are positions of the polygons, ``vertices`` (n, 2) the owner's
    vertices, ``feet`` (n, 2) the nearest points on the other's edge, which runs from ``starts``
    to ``ends`` (n, 2). Degrees. A vertex is there once for each other polygon it misses.
    """

    owners: Ints
    others: Ints
    vertices: Floats
    feet: Floats
    starts: Floats
    ends: Floats

    def __len__(self) -> int:
        return len(self.owners)


def near_misses(geometries: Any, edges: Any, distance: float) -> NearMisses:
    """Find the vertices that a neighbour's edge passes without having them.

    Parameters
    ----------
    geometries
        Array of n Polygons and MultiPolygons, lng, lat degrees.
    edges
        Array of n: their badly shared edges (``shapely.coverage_invalid_edges``), empty lines
        where there are none. Only polygons near those are looked at.
    distance
        Degrees from a vertex to the other polygon's edge.
    """
    array = np.asarray(geometries, dtype=object)
    lines = np.asarray(edges, dtype=object)
    lines = lines[~shapely.is_empty(lines)]
    near = np.empty(0, np.intp)
    if len(lines):
        near = np.unique(shapely.STRtree(array).query(lines, "dwithin", distance)[1])
    rings, of_ring = _rings(array, near)
    xy, of_vertex = shapely.get_coordinates(rings, return_index=True)
    owners = of_ring[of_vertex]
    first = np.flatnonzero(of_vertex[:-1] == of_vertex[1:])
    keys, place = np.unique(_keys(owners, xy), return_index=True)
    segments = shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1))
    tree = shapely.STRtree(np.asarray(segments, dtype=object))
    point, edge = tree.query(shapely.points(xy[place]), "dwithin", distance)
    vertices, owner, other = xy[place][point], owners[place][point], owners[first[edge]]
    missed = (owner != other) & ~np.isin(_keys(other, vertices), keys)
    vertices, owner, other, edge = vertices[missed], owner[missed], other[missed], edge[missed]
    start, end = xy[first[edge]], xy[first[edge] + 1]
    feet = _feet(vertices, start, end)
    order = np.lexsort((np.hypot(*(vertices - feet).T), *vertices.T, other, owner))
    triples = _keys(owner * len(array) + other, vertices)[order]
    order = order[np.unique(triples, return_index=True)[1]]
    return NearMisses(
        owner[order], other[order], vertices[order], feet[order], start[order], end[order]
    )


def _rings(array: Geometries, positions: Ints) -> tuple[Geometries, Ints]:
    parts, of_part = shapely.get_parts(array[positions], return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    return rings, positions[of_part[of_ring]]


def _keys(owners: Ints, vertices: Floats) -> npt.NDArray[np.void]:
    # One opaque key for (polygon, lng, lat), so that set operations run in numpy; + 0.0 because
    # keys are compared as bytes and -0.0 has others than 0.0.
    packed = np.empty((len(owners), 3), dtype=np.float64)
    packed[:, 0], packed[:, 1:] = owners, vertices + 0.0
    return packed.view(np.dtype((np.void, packed.itemsize * 3))).ravel()


def _feet(points: Floats, start: Floats, end: Floats) -> Floats:
    along = end - start
    length2 = np.maximum((along**2).sum(axis=1), np.finfo(np.float64).tiny)
    share = np.clip(((points - start) * along).sum(axis=1) / length2, 0.0, 1.0)
    return np.asarray(start + share[:, None] * along, dtype=np.float64)


def match_vertices(geometries: Any, *, distance: float = MATCH_DISTANCE_DEG) -> Geometries:
    """Give neighbours the same vertices along the edges they share.

    Vertices of different polygons that are within ``distance`` become the lower of the two;
    a vertex within ``distance`` of a neighbour's edge is put into that edge. Nothing moves by
    more than ``distance``, and polygons that already share their vertices stay as they are.

    Parameters
    ----------
    geometries
        Array of valid MultiPolygons on the 1e-9 degree grid.
    distance
        Degrees.

    Returns
    -------
    Array of MultiPolygons. One may be invalid where it was thinner than ``distance``.
    """
    array = np.array(geometries, dtype=object)
    for _ in range(_ROUNDS):
        edges = shapely.coverage_invalid_edges(array, gap_width=distance)
        misses = near_misses(array, edges, distance)
        if not len(misses):
            break
        moves, inserts = _moves_and_inserts(misses, distance)
        touched = set(misses.others.tolist()) | set(misses.owners.tolist())
        if moves:
            at = shapely.points(list(moves))
            touched |= set(shapely.STRtree(array).query(at, "intersects")[1].tolist())
        for position in touched:
            rebuilt = _rebuilt(array[position], moves, inserts.get(position, {}))
            if rebuilt is not None:
                array[position] = rebuilt
    return array


Edge = tuple[Vertex, Vertex]


def _moves_and_inserts(
    misses: NearMisses, distance: float
) -> tuple[dict[Vertex, Vertex], dict[int, dict[Edge, list[Vertex]]]]:
    moves: dict[Vertex, Vertex] = {}
    inserts: dict[int, dict[Edge, list[Vertex]]] = {}
    to_start = np.hypot(*(misses.vertices - misses.starts).T)
    to_end = np.hypot(*(misses.vertices - misses.ends).T)
    for row, other in enumerate(misses.others.tolist()):
        vertex = _vertex(misses.vertices[row])
        start, end = _vertex(misses.starts[row]), _vertex(misses.ends[row])
        if min(to_start[row], to_end[row]) <= distance:
            twin = start if to_start[row] <= to_end[row] else end
            moves[max(vertex, twin)] = min(vertex, twin)
        else:
            inserts.setdefault(other, {}).setdefault((start, end), []).append(vertex)
    return moves, inserts


def _vertex(xy: Floats) -> Vertex:
    return float(xy[0]), float(xy[1])


def _rebuilt(
    area: Area, moves: dict[Vertex, Vertex], inserts: dict[Edge, list[Vertex]]
) -> Area | None:
    """``area`` with vertices moved and put in; None where a ring would vanish."""
    polygons = []
    for polygon in area.geoms:
        rings = [
            _edited(ring.coords, moves, inserts) for ring in (polygon.exterior, *polygon.interiors)
        ]
        if any(len(ring) < 4 for ring in rings):
            return None
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.MultiPolygon(polygons)


def _edited(
    coords: Any, moves: dict[Vertex, Vertex], inserts: dict[Edge, list[Vertex]]
) -> list[Vertex]:
    ring: list[Vertex] = [(x, y) for x, y in coords]
    out = [moves.get(ring[0], ring[0])]
    for start, end in pairwise(ring):
        between = sorted(
            set(inserts.get((start, end), ())),
            key=lambda v: (v[0] - start[0]) ** 2 + (v[1] - start[1]) ** 2,
        )
        for vertex in (*between, end):
            vertex = moves.get(vertex, vertex)
            if vertex != out[-1]:
                out.append(vertex)
    return out

"""Seeds to cells: a bent Voronoi diagram, noded with the outline on the 1e-9 degree grid."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.spatial import Voronoi

from geodata.synthetic.hug import hug
from geodata.synthetic.outline import Outline
from geodata.synthetic.settle import Ints
from gridsvc.domain.area import Area
from gridsvc.domain.geo import GRID_SIZE_DEG, Floats, Geometries, MetricFrame
from gridsvc.domain.topology import snap, union_of

_ISLAND = 0.42  # size of an island within its host; bends reach 0.75 at most, so they never meet
_BEND_FROM_M = 40.0
_DEEPEST = 0.22  # of an edge's length


@dataclass(frozen=True)
class Cells:
    """The finest polygons (MultiPolygons, degrees) and a point inside each (degrees, ``(n, 2)``).

    The last ``len(hosts)`` cells are islands; ``hosts`` names the cell each lies in.
    """

    shapes: Geometries
    inside: Floats
    hosts: Ints


def relax(seeds: Floats, outline: Area, steps: int = 2) -> Floats:
    """Move each seed to the middle of its cell (Lloyd), which rounds off slivers; metres."""
    shapely.prepare(outline)
    for _ in range(steps):
        diagram = _diagram(seeds, outline)
        pairs, ends = diagram.ridge_points, np.asarray(diagram.ridge_vertices)
        area, moment = np.zeros(len(diagram.points)), np.zeros((len(diagram.points), 2))
        finite = (ends >= 0).all(axis=1)
        first, second = (diagram.vertices[ends[finite, k]] for k in (0, 1))
        for side in (0, 1):
            at = pairs[finite, side]
            own = diagram.points[at]
            size = np.abs(_cross(first - own, second - own)) / 2
            np.add.at(area, at, size)
            np.add.at(moment, at, size[:, None] * (own + first + second) / 3)
        n = len(seeds)
        moved = moment[:n] / area[:n, None]
        loose = shapely.contains_xy(outline, moved) & (area[:n] < 25e6)
        seeds = np.where(loose[:, None], moved, seeds)
    return seeds


def reach(seeds: Floats, outline: Area) -> Floats:
    """How far the farthest corner of each seed's cell is, before the outline cuts it; metres."""
    diagram = _diagram(seeds, outline)
    ends = np.asarray(diagram.ridge_vertices)
    finite = (ends >= 0).all(axis=1)
    farthest = np.zeros(len(diagram.points))
    for side in (0, 1):
        own = diagram.ridge_points[finite, side]
        for end in (0, 1):
            away = diagram.vertices[ends[finite, end]] - diagram.points[own]
            np.maximum.at(farthest, own, np.hypot(away[:, 0], away[:, 1]))
    return farthest[: len(seeds)]


def make_cells(
    seeds: Floats, hosts: Ints, outline: Outline, frame: MetricFrame, rng: np.random.Generator
) -> Cells:
    """Cut the outline into one cell a seed and one island in each of ``hosts``.

    Parameters
    ----------
    seeds
        ``(n, 2)`` metres, inside the outline.
    hosts
        Cells that get an island in their middle.
    outline
        In degrees; the cells fill it.
    frame
        The county's metre frame.
    rng
        Stream of the bends.

    Raises
    ------
    RuntimeError
        A seed got no cell of its own.
    """
    diagram = _diagram(seeds, frame.geometries([outline.area])[0])
    lines = _bent_edges(diagram, len(seeds), rng)
    rings, label = _islands(diagram, seeds, hosts)
    drawn = frame.geometries_back(np.concatenate([lines, rings]))
    box = shapely.box(*outline.area.bounds)
    drawn = drawn[shapely.intersects(box, drawn)]
    noded = shapely.union_all([*drawn, outline.area.boundary], grid_size=GRID_SIZE_DEG)
    lines = np.asarray(shapely.get_parts(noded), dtype=object)
    lines = hug(lines, outline.area.boundary, outline.exact.boundary)
    faces = np.asarray(shapely.get_parts(shapely.polygonize(lines)))
    shapely.prepare(outline.area)
    faces = faces[shapely.contains(outline.area, shapely.point_on_surface(faces))]
    faces = shapely.get_parts(snap(faces))
    lng, lat = frame.back(x=label[:, 0], y=label[:, 1])
    inside = np.column_stack([lng, lat])
    owner = _owners(faces, inside)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(inside) + 1))
    groups = [order[a:b] for a, b in pairwise(starts.tolist())]
    if any(len(group) == 0 for group in groups):
        raise RuntimeError("a seed of the synthetic county has no cell of its own")
    shapes = np.empty(len(groups), dtype=object)
    shapes[:] = [
        shapely.MultiPolygon([faces[g[0]]]) if len(g) == 1 else union_of(faces[g], clean=True)
        for g in groups
    ]
    return Cells(shapes, inside, hosts)


def _diagram(seeds: Floats, outline: Area) -> Voronoi:
    """The Voronoi diagram with a far ring of sentries, so that every real cell is bounded."""
    west, south, east, north = outline.bounds
    reach = 2 * max(east - west, north - south)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * reach
    return Voronoi(np.vstack([seeds, ring + np.array([(west + east) / 2, (south + north) / 2])]))


def _points(at: Floats) -> Geometries:
    return np.asarray(shapely.points(at), dtype=object)


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _bent_edges(diagram: Voronoi, count: int, rng: np.random.Generator) -> Geometries:
    """The diagram's edges, each bent within the two triangles it spans with its seeds.

    Triangles of different edges never overlap, and the points of one half lie on rays from one
    seed in growing angle: bent edges cannot cross themselves or each other.
    """
    ends = np.asarray(diagram.ridge_vertices)
    keep = (ends >= 0).all(axis=1) & (diagram.ridge_points < count).any(axis=1)
    ends, pairs = ends[keep], diagram.ridge_points[keep]
    first, second = diagram.vertices[ends[:, 0]], diagram.vertices[ends[:, 1]]
    n = len(ends)
    depth = rng.uniform(0.02, 0.2, (n, 3))
    side = rng.integers(0, 2, n)
    curve = rng.random(n) < 0.5  # one arc, or an S through the middle
    length = np.hypot(*(second - first).T)
    straight = (length < _BEND_FROM_M) | (length > 8000)
    path = [first]
    for k, t in enumerate((0.25, 0.5, 0.75)):
        on_edge = first + t * (second - first)
        if k == 1:
            toward, how = pairs[np.arange(n), side], np.where(curve, depth.max(axis=1), 0.0)
        else:
            flip = (k == 2) & ~curve
            toward, how = pairs[np.arange(n), np.where(flip, 1 - side, side)], depth[:, k]
        inward = diagram.points[toward] - on_edge
        most = _DEEPEST * length / np.hypot(*inward.T)
        how = np.where(straight, 0.0, np.minimum(how, most))
        path.append(on_edge + how[:, None] * inward)
    path.append(second)
    stacked = np.stack(path, axis=1)
    bent = shapely.linestrings(stacked[~straight])
    return np.concatenate([bent, shapely.linestrings(stacked[straight][:, [0, 4]])])


def _islands(diagram: Voronoi, seeds: Floats, hosts: Ints) -> tuple[Geometries, Floats]:
    """Rings of the islands and a point for every cell: hosts get one beside their island."""
    label, rings = seeds.copy(), []
    for host in hosts.tolist():
        corners = diagram.vertices[diagram.regions[diagram.point_region[host]]]
        middle = seeds[host]
        turn = np.arctan2(*(corners - middle).T[::-1])
        corners = corners[np.argsort(turn)]
        rings.append(shapely.LinearRing(middle + _ISLAND * (corners - middle)))
        label[host] = middle + 0.55 * (corners[:2].mean(axis=0) - middle)
    out = np.empty(len(rings), dtype=object)
    out[:] = rings
    return out, np.vstack([label, seeds[hosts]])


def _owners(faces: Geometries, inside: Floats) -> Ints:
    """The cell of every face: its point's, else that of the neighbour it shares most with."""
    tree = shapely.STRtree(faces)
    point, face = tree.query(shapely.points(inside), predicate="within")
    owner = np.full(len(faces), -1, dtype=np.intp)
    owner[face] = point
    while (owner < 0).any():
        bare = np.flatnonzero(owner < 0)
        left, right = tree.query(faces[bare], predicate="touches")
        left, right = left[owner[right] >= 0], right[owner[right] >= 0]
        if not len(left):
            far = shapely.STRtree(_points(inside)).nearest(faces[bare])
            owner[bare] = far
            break
        shared = shapely.length(
            shapely.intersection(
                shapely.boundary(faces[bare[left]]), shapely.boundary(faces[right])
            )
        )
        given = np.full(len(bare), -1, dtype=np.intp)
        for k in np.argsort(shared, kind="stable"):
            if shared[k] > 0 or given[left[k]] < 0:
                given[left[k]] = owner[right[k]]
        owner[bare] = given
    return owner

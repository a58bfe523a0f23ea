"""Where inner lines meet the county's outline: new vertices that hardly leave it.

A vertex put on an edge of the outline is rounded to the 1e-9 degree grid, and so were the edge's
ends: it can lie 1.4e-9 degree off the outline that was given. Among the grid points close by
there is one that is much nearer, because it may slide along the edge.
"""

import numpy as np
import shapely

from geodata.synthetic.settle import Ints
from gridsvc.domain.geo import GRID_SIZE_DEG, Floats, Geometries

_STEPS = 5
_PER_DEGREE = 1e9


def hug(lines: Geometries, snapped: shapely.Geometry, exact: shapely.Geometry) -> Geometries:
    """Move the nodes of ``lines`` that lie on the outline, but are no vertices of it, by at most
    5e-9 degree to where they lie closest to both the outline as snapped and as given.

    Parameters
    ----------
    lines
        Noded LineStrings on the 1e-9 degree grid. Every copy of a node moves alike.
    snapped, exact
        The outline's boundary on the grid and before that, degrees.
    """
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    nodes = np.unique(_whole(shapely.get_coordinates(ends)), axis=0)
    corners = np.unique(_whole(shapely.get_coordinates(snapped)), axis=0)
    sides = [shapely.STRtree(_segments(one)) for one in (snapped, exact)]
    at = shapely.points(nodes / _PER_DEGREE)
    near = sides[0].query_nearest(at, max_distance=GRID_SIZE_DEG, all_matches=False)[0]
    loose = nodes[near]
    loose = loose[~_among(loose, corners)]
    step = np.arange(-_STEPS, _STEPS + 1)
    offset = np.stack(np.meshgrid(step, step), axis=-1).reshape(-1, 2)
    tries = (loose[:, None, :] + offset[None, :, :]).reshape(-1, 2)
    points = shapely.points(tries / _PER_DEGREE)
    away = np.max([_distance(tree, points) for tree in sides], axis=0).reshape(-1, len(offset))
    best = loose + offset[away.argmin(axis=1)] if len(loose) else loose
    return _moved(lines, loose, best)


def _whole(xy: Floats) -> Ints:
    return np.round(xy * _PER_DEGREE).astype(np.intp)


def _among(some: Ints, known: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    listed = set(map(tuple, known.tolist()))
    return np.array([tuple(one) in listed for one in some.tolist()], dtype=bool)


def _segments(boundary: shapely.Geometry) -> Geometries:
    xy, ring = shapely.get_coordinates(shapely.get_parts(boundary), return_index=True)
    ends = np.stack([xy[:-1], xy[1:]], axis=1)[ring[1:] == ring[:-1]]
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _distance(tree: shapely.STRtree, points: Geometries) -> Floats:
    if not len(points):
        return np.empty(0)
    _, distance = tree.query_nearest(points, return_distance=True, all_matches=False)
    return np.asarray(distance)


def _moved(lines: Geometries, old: Ints, new: Ints) -> Geometries:
    whole = _whole(shapely.get_coordinates(lines))
    target = dict(zip(map(tuple, old.tolist()), new.tolist(), strict=True))
    columns = np.isin(whole[:, 0], old[:, 0]) & np.isin(whole[:, 1], old[:, 1])
    for row in np.flatnonzero(columns).tolist():
        key = (int(whole[row, 0]), int(whole[row, 1]))
        whole[row] = target.get(key, key)
    return np.asarray(shapely.set_coordinates(lines.copy(), whole / _PER_DEGREE), dtype=object)

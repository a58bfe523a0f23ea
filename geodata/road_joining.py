"""Where the lines of a layer meet: at vertices that coincide, and at ends that lie on a line.

Lines that only cross are not joined: one of them may be a bridge.
"""

import numpy as np
import shapely
from scipy.spatial import cKDTree

from gridsvc.domain.geo import Floats, Geometries, MetricFrame
from gridsvc.domain.roads import Ints

DECIMALS = 9
"""Of a degree: the fixed grid that stored vertices lie on, 0.11 mm."""


def join(
    xy: Floats, start: Ints, *, tolerance_m: float, frame: MetricFrame
) -> tuple[Floats, Ints, Ints]:
    """Tell which vertices of lines are the same place.

    Vertices of different lines that lie within the tolerance of each other are one, the nearest
    pairs first; so are the two ends of a line. Two vertices of one line never become one through
    a third. Then an end within the tolerance of another line's interior becomes a vertex of that
    line. What is joined takes the position of the vertex that comes first in the file.

    Parameters
    ----------
    xy
        CGCS2000 degrees, shape (k, 2).
    start
        Where each line begins, shape (w + 1,).
    tolerance_m
        Metres on the ground; 0 joins equal positions alone.
    frame
        In which metres are measured.

    Returns
    -------
    tuple
        Positions, numbers of the vertices, and starts of the lines; some vertices may be new.
    """
    xy = np.round(xy, DECIMALS)
    _, first, number = np.unique(xy, axis=0, return_index=True, return_inverse=True)
    vertex = first[number.ravel()]  # a place is called by its first vertex
    if tolerance_m > 0 and len(xy):
        metres = np.column_stack(frame.points(lng=xy[:, 0], lat=xy[:, 1]))
        vertex = _merged(metres, start, vertex, np.sort(first), tolerance_m)
        xy, vertex, start = _split(xy[vertex], metres[vertex], start, vertex, tolerance_m)
    return xy, vertex, start


def _merged(metres: Floats, start: Ints, vertex: Ints, places: Ints, tolerance_m: float) -> Ints:
    """Make one of places that belong together; gives ``vertex`` anew."""
    pairs = cKDTree(metres[places]).query_pairs(tolerance_m, output_type="ndarray")
    if not len(pairs):
        return vertex
    pairs = places[pairs]
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))
    times = np.bincount(vertex, minlength=len(vertex))
    is_tip = np.zeros(len(vertex), dtype=bool)
    is_tip[vertex[start[:-1]]] = is_tip[vertex[start[1:] - 1]] = True
    # What one line alone has close together are its bends.
    bends = (times[pairs] == 1).all(axis=1) & (owner[pairs[:, 0]] == owner[pairs[:, 1]])
    pairs = pairs[~bends | is_tip[pairs].all(axis=1)]
    apart = np.hypot(*(metres[pairs[:, 0]] - metres[pairs[:, 1]]).T)
    roads: dict[int, set[int]] = {int(place): set() for place in np.unique(pairs)}
    for place in np.flatnonzero(np.isin(vertex, list(roads))).tolist():
        roads[int(vertex[place])].add(int(owner[place]))
    tips = {int(a): int(b) for a, b in zip(vertex[start[:-1]], vertex[start[1:] - 1], strict=True)}
    root = {place: place for place in roads}

    def find(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for a, b in pairs[np.argsort(apart, kind="stable")].tolist():
        low, high = sorted((find(a), find(b)))
        one_line = tips.get(a) == b or tips.get(b) == a
        if low != high and (one_line or not roads[low] & roads[high]):
            root[high] = low
            roads[low] |= roads[high]
    called = np.arange(len(vertex))
    for place in roads:
        called[place] = find(place)
    return called[vertex]


def _split(
    xy: Floats, metres: Floats, start: Ints, vertex: Ints, tolerance_m: float
) -> tuple[Floats, Ints, Ints]:
    """Give lines a vertex where an end of another lies on them."""
    lines = _lines(metres, start)
    ends = np.unique(np.concatenate([vertex[start[:-1]], vertex[start[1:] - 1]]))
    points = shapely.points(metres[ends])
    which, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=tolerance_m)
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))
    has = set(zip(owner.tolist(), vertex.tolist(), strict=True))
    new: list[tuple[int, float, int]] = []
    for end, way in zip(ends[which].tolist(), line.tolist(), strict=True):
        if (way, end) not in has:
            place, part = _nearest_segment(metres[start[way] : start[way + 1]], metres[end])
            new.append((int(start[way]) + place + 1, part, end))
    if not new:
        return xy, vertex, start
    new.sort()
    before = np.array([place for place, _, _ in new])
    who = np.array([end for _, _, end in new])
    added = np.bincount(owner[before - 1], minlength=len(start) - 1)
    grown = start + np.concatenate([[0], np.cumsum(added)])
    return np.insert(xy, before, xy[who], axis=0), np.insert(vertex, before, who), grown


def _lines(metres: Floats, start: Ints) -> Geometries:
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.asarray(shapely.linestrings(metres, indices=owner), dtype=object)


def _nearest_segment(line: Floats, at: Floats) -> tuple[int, float]:
    """The segment of a line nearest to a point, and how far along it that is, 0 to 1."""
    a, along = line[:-1], np.diff(line, axis=0)
    square = np.maximum((along**2).sum(axis=1), 1e-30)
    part = np.clip(((at - a) * along).sum(axis=1) / square, 0.0, 1.0)
    away = np.hypot(*(a + part[:, None] * along - at).T)
    place = int(away.argmin())
    return place, float(part[place])

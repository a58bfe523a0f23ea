"""Where the areas of a layer break its coverage: overlaps, and edges that are not shared."""

import numpy as np
import numpy.typing as npt
import shapely

from geodata.faults import FaultCode, LayerFault
from geodata.shapes import METRES_PER_DEGREE, Shapes, widest_part_m
from gridsvc.domain.geo import Floats
from gridsvc.domain.noding import near_misses
from gridsvc.domain.topology import CoverageFaults, coverage_faults
from gridsvc.domain.words import Text


def overlap_faults(shapes: Shapes, *, tolerance_m: float) -> list[LayerFault]:
    """Overlaps by pair (m2), and unmatched vertices on shared edges by pair (largest offset, m).

    An overlap of which no part is wider (mean width, twice the area over the perimeter) than
    ``tolerance_m`` is float noise along a shared edge and is reported as an unmatched edge, as
    are gaps that narrow. Where a pair overlaps, its unmatched vertices at the overlap are not
    told again. Every area that ``shapely.coverage_invalid_edges`` names is in some fault.
    """
    found = coverage_faults(shapes.areas, gap_width=tolerance_m / METRES_PER_DEGREE)
    thick = widest_part_m(shapes.frame, found.overlaps) > tolerance_m
    size = shapes.frame.areas_m2(found.overlaps)
    overlaps = [
        _overlap(shapes, first, second, float(size[row]), found.overlaps[row])
        for row, (first, second) in enumerate(found.pairs.tolist())
        if thick[row]
    ]
    unmatched = _unmatched(shapes, found, thick, tolerance_m)
    named = {row for fault in (*overlaps, *unmatched) for row in fault.rows}
    beyond = [
        _beyond(shapes, place, found.edges[place], tolerance_m)
        for place in found.suspects.tolist()
        if int(shapes.rows[place]) not in named
    ]
    return [*overlaps, *unmatched, *beyond]


def _overlap(shapes: Shapes, first: int, second: int, size_m2: float, shape: object) -> LayerFault:
    a, b = shapes.say(first), shapes.say(second)
    return LayerFault(
        FaultCode.OVERLAP,
        **shapes.named(first, second),
        text=Text(
            f"{a} 与 {b} 重叠 {size_m2:,.2f} 平方米", f"{a} and {b} overlap by {size_m2:,.2f} m2"
        ),
        measure=size_m2,
        geometry=shape,
    )


def _unmatched(
    shapes: Shapes, found: CoverageFaults, thick: npt.NDArray[np.bool_], tolerance_m: float
) -> list[LayerFault]:
    reach = shapes.degrees(tolerance_m)
    misses = near_misses(shapes.areas, found.edges, reach)
    offset = _metres(shapes, misses.vertices, misses.feet)
    by_pair: dict[tuple[int, int], list[int]] = {}
    for row in np.flatnonzero(offset <= tolerance_m).tolist():
        first, second = sorted((int(misses.owners[row]), int(misses.others[row])))
        by_pair.setdefault((first, second), []).append(row)
    overlap_of = {
        (first, second): found.overlaps[row]
        for row, (first, second) in enumerate(found.pairs.tolist())
        if thick[row]
    }
    told = []
    for pair, rows in sorted(by_pair.items()):
        places = misses.vertices[rows]
        if (overlap := overlap_of.get(pair)) is not None:
            away = ~shapely.dwithin(shapely.points(places), overlap, reach)
            places, rows = places[away], np.asarray(rows)[away].tolist()
        if rows:
            at = shapely.MultiPoint(np.unique(places, axis=0))
            told.append(_noise(shapes, pair, at, float(offset[rows].max()), tolerance_m))
    return told


def _noise(
    shapes: Shapes,
    pair: tuple[int, int],
    at: shapely.MultiPoint,
    offset_m: float,
    tolerance_m: float,
) -> LayerFault:
    a, b = (shapes.say(place) for place in pair)
    count = len(at.geoms)
    return LayerFault(
        FaultCode.UNMATCHED_EDGE,
        **shapes.named(*pair),
        text=Text(
            f"{a} 与 {b} 的共边有 {count} 个顶点不一致，最大偏移 {offset_m:.2g} 米"
            f"（在容差 {tolerance_m:g} 米以内）",
            f"{a} and {b}: {count} unmatched vertices on the shared edge, largest offset "
            f"{offset_m:.2g} m (within the tolerance of {tolerance_m:g} m)",
        ),
        measure=offset_m,
        geometry=at,
        within_tolerance=True,
    )


def _beyond(shapes: Shapes, place: int, edge: object, tolerance_m: float) -> LayerFault:
    name = shapes.say(place)
    return LayerFault(
        FaultCode.UNMATCHED_EDGE,
        **shapes.named(place),
        text=Text(
            f"{name} 的边与相邻区域不一致，偏移超过容差 {tolerance_m:g} 米",
            f"{name}: its edge does not match its neighbours', by more than the tolerance of "
            f"{tolerance_m:g} m",
        ),
        geometry=edge,
    )


def _metres(shapes: Shapes, start: Floats, end: Floats) -> Floats:
    if not len(start):
        return np.empty(0)
    x0, y0 = shapes.frame.points(lng=start[:, 0], lat=start[:, 1])
    x1, y1 = shapes.frame.points(lng=end[:, 0], lat=end[:, 1])
    return np.asarray(np.hypot(x1 - x0, y1 - y0), dtype=np.float64)

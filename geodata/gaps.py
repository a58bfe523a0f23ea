"""Gaps inside a layer that has no parent layer to be compared with."""

import numpy as np
import shapely

from geodata.faults import FaultCode, LayerFault
from geodata.shapes import Shapes, mean_width_m
from gridsvc.domain.geo import Geometries
from gridsvc.domain.topology import union_of
from gridsvc.domain.words import Text

GAP_SHARE = 0.01
GAP_WIDTH_M = 2.0


def gap_faults(shapes: Shapes, *, tolerance_m: float) -> tuple[list[LayerFault], list[Text]]:
    """Holes in the union of the layer.

    A hole is a gap where it is smaller than 1 % (``GAP_SHARE``) of the median area of the layer's
    polygons, or narrower than ``GAP_WIDTH_M`` (mean width: twice the area over the perimeter).
    A larger hole is taken as an enclave that belongs to somebody else; how many and how large
    they are is a note. Holes narrower than ``tolerance_m`` are float noise along a shared edge,
    which ``overlap_faults`` tells. Gaps open to the outside only show against a parent layer.
    """
    if not len(shapes):
        return [], []
    holes = _holes(union_of(shapes.areas))
    metric = shapes.frame.geometries(holes)
    size, width = shapely.area(metric), mean_width_m(metric)
    small = (size < GAP_SHARE * float(np.median(shapes.areas_m2))) | (width < GAP_WIDTH_M)
    gaps = np.flatnonzero(small & (width > tolerance_m))
    faults = [gap_fault(shapes, holes[place], float(size[place])) for place in gaps.tolist()]
    return faults, _enclaves(size[~small])


def _holes(union: shapely.MultiPolygon) -> Geometries:
    rings = [ring for polygon in union.geoms for ring in polygon.interiors]
    return np.asarray(shapely.polygons(np.asarray(rings, dtype=object)), dtype=object)


def _enclaves(sizes_m2: np.ndarray) -> list[Text]:
    if not len(sizes_m2):
        return []
    listed = " / ".join(f"{size:,.0f}" for size in sorted(sizes_m2.tolist(), reverse=True)[:5])
    count = len(sizes_m2)
    return [
        Text(
            f"图层内部有 {count} 处较大的空白（平方米：{listed}），按飞地处理；"
            "如应覆盖，请给出上级图层",
            f"{count} larger enclosed areas are not covered (m2: {listed}) and were taken as "
            "enclaves; give the parent layer to test them",
        )
    ]


def gap_fault(shapes: Shapes, gap: shapely.Polygon, size_m2: float, parent: str = "") -> LayerFault:
    """The fault of one gap; its rows are the areas that touch it."""
    around = np.sort(shapes.tree.query(gap, predicate="dwithin", distance=1e-9)).tolist()
    inside = Text(f"{parent} 内", f" in {parent}") if parent else Text("", "")
    beside = ", ".join(shapes.say(place) for place in around[:4]) + (" ..." if around[4:] else "")
    return LayerFault(
        FaultCode.GAP,
        **shapes.named(*around),
        text=Text(
            f"{inside.zh}有缝隙 {size_m2:,.2f} 平方米" + (f"，邻接 {beside}" if beside else ""),
            f"gap of {size_m2:,.2f} m2{inside.en}" + (f" beside {beside}" if beside else ""),
        ),
        measure=size_m2,
        geometry=gap,
    )

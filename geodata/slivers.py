"""Thin areas, thin parts of areas, thin holes."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely

from geodata.faults import FaultCode, LayerFault
from geodata.shapes import Shapes, mean_width_m
from gridsvc.domain.geo import Geometries
from gridsvc.domain.words import Text

SLIVER_WIDTH_M = 1.0
SLIVER_RATIO = 100.0


def sliver_faults(shapes: Shapes, *, tolerance_m: float) -> list[LayerFault]:
    """Thin pieces of a layer: whole areas, parts of multiparts, and holes.

    A sliver is narrower than ``SLIVER_WIDTH_M`` (mean width, twice the area over the perimeter)
    and more than ``SLIVER_RATIO`` times as long (half the perimeter) as wide. Parts and holes
    narrower than ``tolerance_m`` are float noise and not told; an area that is nothing else is.
    """
    parts, owner = shapely.get_parts(shapes.areas, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    inner = np.zeros(len(of_part), dtype=bool)
    inner[1:] = of_part[1:] == of_part[:-1]
    alone = np.bincount(owner, minlength=len(shapes))[owner] == 1
    hole_owner = owner[of_part[inner]]
    told = [
        *_thin(shapes, parts, owner, np.where(alone, 0.0, tolerance_m), Text("部分", "part")),
        *_thin(
            shapes,
            np.asarray(shapely.polygons(rings[inner]), dtype=object),
            hole_owner,
            np.full(len(hole_owner), tolerance_m),
            Text("孔洞", "hole"),
        ),
    ]
    return sorted(told, key=lambda fault: fault.rows)


def _thin(
    shapes: Shapes,
    pieces: Geometries,
    owner: npt.NDArray[np.intp],
    at_least_m: npt.NDArray[np.float64],
    what: Text,
) -> Iterator[LayerFault]:
    metric = shapes.frame.geometries(pieces)
    width = mean_width_m(metric)
    ratio = shapely.length(metric) / 2.0 / np.maximum(width, np.finfo(np.float64).tiny)
    thin = (width < SLIVER_WIDTH_M) & (ratio > SLIVER_RATIO) & (width >= at_least_m)
    for row in np.flatnonzero(thin).tolist():
        place, size = int(owner[row]), float(shapely.area(metric[row]))
        name = shapes.say(place)
        yield LayerFault(
            FaultCode.SLIVER,
            **shapes.named(place),
            text=Text(
                f"{name} 有狭长{what.zh}：平均宽 {width[row]:.2f} 米，{size:,.2f} 平方米",
                f"{name}: a thin {what.en}, {width[row]:.2f} m wide on average, {size:,.2f} m2",
            ),
            measure=size,
            geometry=pieces[row],
        )

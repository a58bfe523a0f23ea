"""A layer's polygons become stored ones: on the 1e-9 degree grid, with the vertices they share.

What folds over when it is rounded is thinner than the grid, a tenth of a millimetre: it is cut off
and told. Polygons that are not valid in the file come here only when they were accepted by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from geodata.layer import Layer
from gridsvc.domain.area import Area, EndUnit, Grid
from gridsvc.domain.geo import GRID_SIZE_DEG, Geometries
from gridsvc.domain.topology import is_coverage, match_vertices, polygonal, snap
from gridsvc.domain.words import Text
from gridsvc.flows.cells import refuse, row_fault, texts

_THIN = Text(
    "整个图形比 1e-9 度格网（约 0.1 毫米）还窄，落到格网上后不复存在：请修正或删去",
    "all of it is thinner than the 1e-9 degree grid (0.1 mm) and nothing is left there: mend it or "
    "leave it out",
)


@dataclass(frozen=True)
class Snapped:
    """Areas on the 1e-9 degree grid by row, and the rows (with their codes) that were valid in
    the file and lost a part thinner than the grid."""

    shapes: dict[int, Area]
    thinned: dict[int, str]


def snapped_shapes(layer: Layer) -> Snapped:
    """The areas of a layer on the 1e-9 degree grid; rows without a shape are left out.

    Parameters
    ----------
    layer
        Areas in CGCS2000 lng, lat. Those that are not valid were accepted: they go in as
        ``shapely.make_valid`` makes them.

    Raises
    ------
    LayerError
        Rows of whose polygon nothing is left: all of it is thinner than the grid.
    """
    geometries = np.asarray(layer.frame.geometry.to_numpy(), dtype=object)
    areal = np.isin(shapely.get_type_id(geometries), (3, 6)) & ~shapely.is_empty(geometries)
    places = np.flatnonzero(areal)
    areas = snap(geometries[places])
    folded = np.flatnonzero(~shapely.is_valid(areas))
    sound = shapely.is_valid(geometries[places])
    for place in folded.tolist():
        areas[place] = _mended(areas[place])
    lost = np.flatnonzero(~shapely.is_valid(areas) | shapely.is_empty(areas))
    rows = layer.frame.index.to_numpy()[places]
    codes = texts(layer.frame, "code")
    refuse(
        [
            row_fault("thinner_than_grid", int(rows[place]), _THIN, codes[places[place]])
            for place in lost.tolist()
        ]
    )
    return Snapped(
        dict(zip(rows.tolist(), areas.tolist(), strict=True)),
        {int(rows[place]): codes[places[place]] for place in folded.tolist() if sound[place]},
    )


def _mended(area: Area) -> Area:
    valid = polygonal(shapely.make_valid(area))
    return snap([polygonal(shapely.set_precision(valid, GRID_SIZE_DEG))])[0]  # type: ignore[no-any-return]


def matched(
    grids: Sequence[Grid], units: Sequence[EndUnit]
) -> tuple[tuple[Grid, ...], tuple[EndUnit, ...], bool]:
    """Grids and units whose finest polygons have all the vertices they share.

    The finest are the units, and the grids without units. The third value says whether they are
    now a coverage without overlaps.

    Raises
    ------
    LayerError
        Areas that a vertex of a neighbour, a grid step away, folds over.
    """
    divided = {unit.grid for unit in units}
    whole = [grid for grid in grids if grid.code not in divided]
    leaves: list[Grid | EndUnit] = [*units, *whole]
    before = np.empty(len(leaves), dtype=object)
    before[:] = [leaf.geometry for leaf in leaves]
    after: Geometries = match_vertices(before)
    folded = np.flatnonzero(~shapely.is_valid(after))
    # An area that cannot take a neighbour's vertex keeps its own; the map is then not clean.
    after[folded] = before[folded]
    new = {leaf.code: shape for leaf, shape in zip(leaves, after.tolist(), strict=True)}
    return (
        tuple(
            grid if grid.code in divided else replace(grid, geometry=new[grid.code])
            for grid in grids
        ),
        tuple(replace(unit, geometry=new[unit.code]) for unit in units),
        is_coverage(after),
    )

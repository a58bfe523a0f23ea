"""A layer's polygons become stored ones: on the 1e-9 degree grid, with the vertices they share.

Nothing is mended here unless invalid polygons were accepted by name.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from geodata.layer import Layer
from gridsvc.domain.area import Area, EndUnit, Grid
from gridsvc.domain.geo import GRID_SIZE_DEG, Geometries
from gridsvc.domain.topology import is_coverage, match_vertices, polygonal, snap
from gridsvc.domain.words import Text
from gridsvc.flows.cells import refuse, row_fault, texts


def snapped_shapes(layer: Layer, *, mend: bool) -> dict[int, Area]:
    """The areas of a layer on the 1e-9 degree grid, by row; rows without a shape are left out.

    Parameters
    ----------
    layer
        Areas in CGCS2000 lng, lat.
    mend
        Invalid polygons were accepted: they go in as ``shapely.make_valid`` makes them.

    Raises
    ------
    LayerError
        Rows whose polygon is not valid on the grid: thinner than the grid, they fold over.
    """
    geometries = np.asarray(layer.frame.geometry.to_numpy(), dtype=object)
    areal = np.isin(shapely.get_type_id(geometries), (3, 6)) & ~shapely.is_empty(geometries)
    places = np.flatnonzero(areal)
    areas = snap(geometries[places])
    folded = np.flatnonzero(~shapely.is_valid(areas))
    if mend:
        for place in folded.tolist():
            areas[place] = _mended(areas[place])
        folded = np.flatnonzero(~shapely.is_valid(areas) | shapely.is_empty(areas))
    rows = layer.frame.index.to_numpy()[places]
    codes = texts(layer.frame, "code")
    refuse(
        [
            row_fault("folds_on_grid", int(rows[place]), _folds(areas[place]), codes[places[place]])
            for place in folded.tolist()
        ]
    )
    return dict(zip(rows.tolist(), areas.tolist(), strict=True))


def _mended(area: Area) -> Area:
    valid = polygonal(shapely.make_valid(area))
    return snap([polygonal(shapely.set_precision(valid, GRID_SIZE_DEG))])[0]  # type: ignore[no-any-return]


def _folds(area: Area) -> Text:
    reason = shapely.is_valid_reason(area)
    return Text(
        f"落到 1e-9 度格网上后图形无效({reason}):该处比格网还窄,请修正,"
        "或用 --accept-faults invalid 接受修正后的图形",
        f"not valid once on the 1e-9 degree grid ({reason}): it is thinner than the grid there; "
        "mend it, or take it as make_valid makes it with --accept-faults invalid",
    )


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

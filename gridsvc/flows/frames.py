"""A county straight from frames, without a store."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from geodata.layer import Layer, LayerKind
from geodata.validate import check_layer
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.force import Responder
from gridsvc.domain.geo import SRID
from gridsvc.domain.topology import derive_divisions
from gridsvc.domain.words import Text
from gridsvc.flows.cells import refuse, row_fault
from gridsvc.flows.people import to_responders
from gridsvc.locating import GridMap
from gridsvc.locating.frames import published_from

if TYPE_CHECKING:
    import geopandas as gpd

_REQUIRED = ("id", "name", "role", "area", "geometry")
_WGS84 = 4326


def map_of(
    grids: "gpd.GeoDataFrame",
    units: "gpd.GeoDataFrame | None",
    divisions: "gpd.GeoDataFrame | None",
    *,
    scheme: CodeScheme,
    demo: bool,
) -> GridMap:
    """The map of frames, as `GridMap.from_frames` takes them. Divisions get their shapes from the
    grids, as on every published map; ``demo``: it is made up.

    Raises
    ------
    InputError
        Every fault of the frames.
    """
    published = published_from(grids, units, divisions, scheme)
    shaped = derive_divisions(published.grids, published.divisions)
    return GridMap(replace(published, divisions=shaped, demo=demo))


def responders_of(
    frame: "gpd.GeoDataFrame", grid_map: GridMap, *, now: datetime
) -> list[Responder]:
    """The people of a frame, checked as a file of them is.

    Parameters
    ----------
    frame
        Columns ``id``, ``name``, ``role``, ``area`` and points (CGCS2000 or WGS 84 degrees), and
        any of those of `geodata.frames.responders_frame`.
    grid_map
        Holds the areas that they answer for.
    now
        Aware: a live position seen after it is refused.

    Raises
    ------
    InputError
        Every fault of the frame, or else of its rows.
    """
    faults = _frame_faults(frame)
    if faults:
        raise InputError(faults)
    layer = Layer(LayerKind.RESPONDERS, frame.reset_index(drop=True), "responders")
    found = check_layer(layer).faults
    refuse([row_fault(f.code.value, f.rows[0], f.text, f.codes[0]) for f in found])
    published = grid_map.published
    areas = {one.code for one in published.divisions}
    areas |= {one.code for one in published.grids} | {one.code for one in published.units}
    return to_responders(layer, areas=areas, bounds=grid_map.bounds, now=now)


def _frame_faults(frame: "gpd.GeoDataFrame") -> list[Fault]:
    faults = []
    missing = [name for name in _REQUIRED if name not in frame.columns]
    if missing:
        there = ", ".join(str(name) for name in frame.columns)
        wanted = ", ".join(missing)
        text = Text(
            f"缺少列 {wanted}；现有列：{there}", f"columns {wanted} are missing; it has {there}"
        )
        faults.append(Fault("missing_column", text, "responders"))
    crs = None if missing or frame.crs is None else frame.crs
    if crs is not None and crs.to_epsg() not in (SRID, _WGS84):
        text = Text(
            f"应为 EPSG:{SRID}（请用 to_crs 转换），现为 {crs.to_string()}",
            f"must be in EPSG:{SRID} (use to_crs), it is in {crs.to_string()}",
        )
        faults.append(Fault("wrong_crs", text, "responders"))
    return faults

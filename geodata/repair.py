"""Propose a mended layer. The input is never touched; every change is listed with its areas."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geodata.faults import LayerFault
from geodata.layer import Layer
from geodata.records import code_faults, geometry_faults
from geodata.shapes import Shapes
from geodata.validate import levelled, metric_frame
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.geo import GRID_SIZE_DEG, Geometries, MetricFrame
from gridsvc.domain.topology import is_coverage, polygonal, same_area, snap
from gridsvc.domain.words import Text

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One area that the proposal changes: its code and row, its area before and after in square
    metres (before: as ``shapely.make_valid`` makes it, where it was invalid), and why."""

    code: str
    row: int
    area_before_m2: float
    area_after_m2: float
    why: Text

    def to_json(self) -> dict[str, Any]:
        """The change as JSON values, the row from 1."""
        return {
            "code": self.code,
            "row": self.row + 1,
            "area_before_m2": self.area_before_m2,
            "area_after_m2": self.area_after_m2,
            "why": {"zh": self.why.zh, "en": self.why.en},
        }


@dataclass(frozen=True)
class Repair:
    """A proposal.

    Attributes
    ----------
    frame
        The canonical frame with mended geometries (CGCS2000, on the 1e-9 degree grid); rows that
        could not be mended are as they were.
    changes
        Every area whose outline changed by more than rounding onto the grid.
    remaining
        What no geometry operation can mend: rows without geometry, repeated or missing codes.
    """

    frame: gpd.GeoDataFrame
    changes: tuple[Change, ...]
    remaining: tuple[LayerFault, ...]

    def to_json(self) -> dict[str, Any]:
        """The changes and what remains, as JSON values."""
        return {
            "changes": [change.to_json() for change in self.changes],
            "remaining": [fault.to_json() for fault in self.remaining],
        }


def propose(
    layer: Layer,
    *,
    tolerance_m: float,
    frame: MetricFrame | None = None,
    scheme: CodeScheme | None = None,
) -> Repair:
    """Mend invalid polygons, overlaps, badly shared edges and gaps up to a width.

    Invalid polygons go through ``shapely.make_valid``; then ``shapely.coverage_clean`` (in metres)
    snaps vertices within ``tolerance_m``, gives each overlap to the neighbour with the longest
    common border, whatever its size, and each gap narrower than ``tolerance_m`` likewise; then all
    vertices go onto the 1e-9 degree grid.

    Parameters
    ----------
    layer
        One level of areas; divisions with several levels are mended level by level.
    tolerance_m
        Metres, above 0.
    frame
        Metres; None: the 3-degree zone of the layer's middle.
    scheme
        Tells the level of divisions whose file does not.
    """
    layer = levelled(layer, scheme)
    metric = frame or metric_frame(layer)
    geometries = layer.frame.geometry.copy()
    changes: list[Change] = []
    for rows in _levels(layer.frame):
        shapes = Shapes.of(rows, metric)
        if len(shapes):
            mended = _mended(shapes, tolerance_m)
            changes += _changes(shapes, mended)
            kept = ~shapely.is_empty(mended)
            geometries.update(gpd.GeoSeries(mended[kept], index=shapes.rows[kept]))
    changes.sort(key=lambda change: change.row)
    remaining = (*code_faults(layer, None), *_shapeless(layer))
    return Repair(layer.frame.set_geometry(geometries), tuple(changes), remaining)


def _levels(frame: gpd.GeoDataFrame) -> list[gpd.GeoDataFrame]:
    if "level" not in frame.columns:
        return [frame]
    return [frame[frame["level"] == level] for level in frame["level"].unique()]


def _shapeless(layer: Layer) -> list[LayerFault]:
    areal = np.isin(shapely.get_type_id(layer.frame.geometry.to_numpy()), (3, 6))
    lost = set(layer.frame.index[~areal | layer.frame.geometry.is_empty].tolist())
    return [fault for fault in geometry_faults(layer) if fault.rows[0] in lost]


def _mended(shapes: Shapes, tolerance_m: float) -> Geometries:
    """The areas as a valid coverage on the 1e-9 degree grid; empty where one vanished."""
    frame = shapes.frame
    areas = frame.geometries(_valid(snap(shapes.areas)))
    areas = _on_grid(frame.geometries_back(_cleaned(areas, tolerance_m)))
    step = 2.0 * GRID_SIZE_DEG
    for _ in range(_ROUNDS):
        if is_coverage(areas[~shapely.is_empty(areas)]):
            break
        # Rounding folded something over: clean again, in steps of the grid itself.
        areas = _on_grid(_cleaned(_valid(areas), step))
        step *= 4.0
    return areas


def _cleaned(areas: Geometries, width: float) -> Geometries:
    # The type stubs of shapely do not know this function yet.
    cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]
        areas, snapping_distance=width, gap_width=width
    )
    return np.asarray(cleaned, dtype=object)


def _valid(areas: Geometries) -> Geometries:
    out = np.empty(len(areas), dtype=object)
    out[:] = [polygonal(one) for one in shapely.make_valid(areas).tolist()]
    return out


def _on_grid(areas: Any) -> Geometries:
    out = np.empty(len(areas), dtype=object)
    out[:] = [polygonal(one) for one in areas]
    return snap(out)


def _changes(shapes: Shapes, mended: Geometries) -> list[Change]:
    before, after = snap(shapes.areas), mended
    invalid = set(shapes.mended.tolist())
    sizes = shapes.frame.areas_m2(after)
    told = []
    for place in range(len(shapes)):
        if place not in invalid and same_area(before[place], after[place]):
            continue
        if after[place].is_empty:
            why = Text("完全被相邻区域覆盖，请人工处理", "wholly covered by others: mend by hand")
        elif place in invalid:
            why = Text("图形无效，已修正", "the polygon was invalid")
        else:
            why = Text("与相邻区域的边不一致", "its edges did not match its neighbours'")
        told.append(
            Change(
                shapes.codes[place],
                int(shapes.rows[place]),
                float(shapes.areas_m2[place]),
                float(sizes[place]),
                why,
            )
        )
    return told

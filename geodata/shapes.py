"""A layer's polygons as arrays, ready to be checked: valid ones, and the others made valid."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.geo import Floats, Geometries, MetricFrame
from gridsvc.domain.topology import polygonal

METRES_PER_DEGREE = 111_320.0
"""Of latitude; along a parallel it is less by the cosine of the latitude."""


@dataclass(frozen=True)
class Shapes:
    """The polygons of a layer that have a shape.

    Attributes
    ----------
    rows
        Row in the file, one an area.
    codes
        Code of that row, ``""`` where it has none.
    areas
        MultiPolygons and Polygons in CGCS2000 lng, lat; those of ``mended`` rows are what
        ``shapely.make_valid`` makes of them, so that overlaps and gaps can be looked for.
    mended
        Positions (in these arrays) of polygons that are not valid in the file.
    frame
        For metres.
    """

    rows: npt.NDArray[np.intp]
    codes: tuple[str, ...]
    areas: Geometries
    mended: npt.NDArray[np.intp]
    frame: MetricFrame

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, metric: MetricFrame) -> "Shapes":
        """The polygons of a canonical frame; rows without a polygon are left out."""
        geometries = np.asarray(frame.geometry.to_numpy(), dtype=object)
        drawn = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
        areal = np.isin(shapely.get_type_id(geometries), (3, 6))
        usable = np.flatnonzero(drawn & areal)
        areas = geometries[usable]
        codes = codes_of(frame)
        mended = np.flatnonzero(~shapely.is_valid(areas))
        for place in mended.tolist():
            areas[place] = polygonal(shapely.make_valid(areas[place]))
        kept = np.flatnonzero(~shapely.is_empty(areas))
        return cls(
            rows=np.asarray(frame.index.to_numpy(), dtype=np.intp)[usable][kept],
            codes=tuple(codes[place] for place in usable[kept].tolist()),
            areas=areas[kept],
            mended=np.flatnonzero(np.isin(kept, mended)),
            frame=metric,
        )

    def __len__(self) -> int:
        return len(self.areas)

    def named(self, *places: int) -> dict[str, Any]:
        """Rows and codes of these positions, as ``LayerFault`` takes them."""
        return {
            "rows": tuple(int(self.rows[place]) for place in places),
            "codes": tuple(self.codes[place] for place in places),
        }

    def say(self, place: int) -> str:
        """One area by code, or by row (from 1) where it has no code."""
        return self.codes[place] or f"#{self.rows[place] + 1}"

    @cached_property
    def areas_m2(self) -> Floats:
        """Area of each, in square metres."""
        return self.frame.areas_m2(self.areas)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of the areas by position."""
        return shapely.STRtree(self.areas)

    def degrees(self, metres: float) -> float:
        """A distance in degrees that is at least ``metres`` in every direction."""
        lat = float(np.abs(shapely.bounds(self.areas)[:, [1, 3]]).max()) if len(self) else 0.0
        return metres / (METRES_PER_DEGREE * max(0.02, float(np.cos(np.radians(min(lat, 89.0))))))


def codes_of(frame: gpd.GeoDataFrame, column: str = "code") -> list[str]:
    """A column of codes as text, ``""`` where the value or the column is missing."""
    if column not in frame.columns:
        return [""] * len(frame)
    return [value.strip() if isinstance(value, str) else "" for value in frame[column].tolist()]


def mean_width_m(metric: Any) -> Floats:
    """Mean width of polygons in a metric frame: twice the area over the perimeter.

    It is the width of a long strip, half the side of a square and the radius of a disc.
    """
    length = np.maximum(shapely.length(metric), np.finfo(np.float64).tiny)
    return np.asarray(2.0 * shapely.area(metric) / length, dtype=np.float64)


def widest_part_m(frame: MetricFrame, shapes: Sequence[Any] | Geometries) -> Floats:
    """Mean width in metres of the widest part of each shape (lng, lat degrees); 0 if empty."""
    array = np.asarray(shapes, dtype=object)
    widest = np.zeros(len(array))
    parts, owner = shapely.get_parts(array, return_index=True)
    if len(parts):
        np.maximum.at(widest, owner, mean_width_m(frame.geometries(parts)))
    return widest

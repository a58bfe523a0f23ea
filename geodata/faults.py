"""What can be wrong with a layer, and the report that holds every fault of one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import geopandas as gpd
import shapely

from gridsvc.domain.geo import SRID
from gridsvc.domain.words import Text


class FaultCode(StrEnum):
    """Kinds of fault, in the order in which they are reported."""

    NULL_GEOMETRY = "null_geometry"
    EMPTY_GEOMETRY = "empty_geometry"
    INVALID = "invalid"
    CODE_MISSING = "code_missing"
    CODE_REPEATED = "code_repeated"
    CODE_OFF_SCHEME = "code_off_scheme"
    UNKNOWN_PARENT = "unknown_parent"
    OVERLAP = "overlap"
    GAP = "gap"
    SLIVER = "sliver"
    UNMATCHED_EDGE = "unmatched_edge"
    OUTSIDE_PARENT = "outside_parent"
    UNIT_NOT_IN_ONE_GRID = "unit_not_in_one_grid"


FAULT_NAMES: dict[FaultCode, Text] = {
    FaultCode.NULL_GEOMETRY: Text("图形缺失", "no geometry"),
    FaultCode.EMPTY_GEOMETRY: Text("图形为空", "empty geometry"),
    FaultCode.INVALID: Text("图形无效", "invalid geometry"),
    FaultCode.CODE_MISSING: Text("缺少编码", "no code"),
    FaultCode.CODE_REPEATED: Text("编码重复", "repeated code"),
    FaultCode.CODE_OFF_SCHEME: Text("编码不合方案", "code off the scheme"),
    FaultCode.UNKNOWN_PARENT: Text("上级未知", "unknown parent"),
    FaultCode.OVERLAP: Text("重叠", "overlap"),
    FaultCode.GAP: Text("缝隙", "gap"),
    FaultCode.SLIVER: Text("狭长碎片", "sliver"),
    FaultCode.UNMATCHED_EDGE: Text("共边顶点不一致", "unmatched vertices on a shared edge"),
    FaultCode.OUTSIDE_PARENT: Text("超出上级范围", "outside the parent"),
    FaultCode.UNIT_NOT_IN_ONE_GRID: Text("单元不在唯一网格内", "unit not inside exactly one grid"),
}


@dataclass(frozen=True, slots=True)
class LayerFault:
    """One fault of a layer.

    Parameters
    ----------
    code
        What kind of fault it is.
    rows
        0-based rows of the file that it is about; none where it is about the whole layer.
    codes
        The area codes of those rows, "" where a row has none.
    text
        The fault in words, with its values.
    measure
        Square metres of an overlap, gap, sliver or part outside; metres of the largest offset of
        an unmatched edge; None where nothing is measured.
    geometry
        The fault's shape or place in CGCS2000 lng, lat, if it has one.
    within_tolerance
        Whether it is no more than float noise: every offset is within the tolerance of the check.
    """

    code: FaultCode
    rows: tuple[int, ...]
    codes: tuple[str, ...]
    text: Text
    measure: float | None = None
    geometry: Any = None
    within_tolerance: bool = False

    def to_json(self) -> dict[str, Any]:
        """The fault as JSON values: rows from 1 (the header not counted), the geometry as its
        bounds ``[west, south, east, north]``."""
        shape = self.geometry
        return {
            "code": self.code.value,
            "rows": [row + 1 for row in self.rows],
            "codes": list(self.codes),
            "text": {"zh": self.text.zh, "en": self.text.en},
            "measure": self.measure,
            "within_tolerance": self.within_tolerance,
            "bounds": None if shape is None or shape.is_empty else list(shape.bounds),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Every fault of one layer, and what the check did or left out (``notes``)."""

    layer_name: str
    rows: int
    faults: tuple[LayerFault, ...]
    notes: tuple[Text, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is nothing to report."""
        return not self.faults

    def by_code(self) -> dict[FaultCode, int]:
        """How many faults there are of each kind, in the order of ``FaultCode``."""
        counts = Counter(fault.code for fault in self.faults)
        return {code: counts[code] for code in FaultCode if counts[code]}

    def of(self, *codes: FaultCode) -> tuple[LayerFault, ...]:
        """The faults of these kinds."""
        return tuple(fault for fault in self.faults if fault.code in codes)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "layer": self.layer_name,
            "rows": self.rows,
            "ok": self.ok,
            "counts": {code.value: count for code, count in self.by_code().items()},
            "faults": [fault.to_json() for fault in self.faults],
            "notes": [{"zh": note.zh, "en": note.en} for note in self.notes],
        }

    def fault_frame(self) -> gpd.GeoDataFrame:
        """One row a fault that has a shape or place, EPSG:4490 (points, lines and polygons);
        its ``rows`` count from 1."""
        drawn = [f for f in self.faults if f.geometry is not None and not f.geometry.is_empty]
        return gpd.GeoDataFrame(
            {
                "fault": [f.code.value for f in drawn],
                "rows": [_joined(row + 1 for row in f.rows) for f in drawn],
                "codes": [_joined(f.codes) for f in drawn],
                "measure": [f.measure for f in drawn],
                "within_tolerance": [f.within_tolerance for f in drawn],
                "text_zh": [f.text.zh for f in drawn],
                "text_en": [f.text.en for f in drawn],
            },
            geometry=[shapely.force_2d(f.geometry) for f in drawn],
            crs=SRID,
        )


def _joined(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)

"""Faults of single rows: no geometry, an invalid one, a code that is missing, repeated or off."""

from collections import defaultdict

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geodata.faults import FaultCode, LayerFault
from geodata.layer import Layer, LayerKind
from geodata.shapes import codes_of
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.words import Text

AREAS = frozenset({LayerKind.DIVISIONS, LayerKind.GRIDS, LayerKind.UNITS})
_DIVISION_LEVELS = ("county", "township", "village")


def geometry_faults(layer: Layer) -> list[LayerFault]:
    """Rows of areas without geometry, with an empty one, or with one that is no valid polygon.

    Divisions may come as a table without any positions (``layer.located`` False).
    """
    if layer.kind not in AREAS or not layer.located:
        return []
    codes = codes_of(layer.frame)
    rows = layer.frame.index.tolist()
    geometries = np.asarray(layer.frame.geometry.to_numpy(), dtype=object)
    null, empty = shapely.is_missing(geometries), shapely.is_empty(geometries)
    areal = np.isin(shapely.get_type_id(geometries), (3, 6))
    bad = ~(shapely.is_valid(geometries) & areal)
    told = []
    for place in np.flatnonzero(null | empty | bad).tolist():
        named = ((int(rows[place]),), (codes[place],))
        if null[place]:
            text = Text("没有图形", "no geometry")
            told.append(LayerFault(FaultCode.NULL_GEOMETRY, *named, text))
        elif empty[place]:
            text = Text("图形为空", "the geometry is empty")
            told.append(LayerFault(FaultCode.EMPTY_GEOMETRY, *named, text))
        else:
            text, at = _reason(geometries[place])
            told.append(LayerFault(FaultCode.INVALID, *named, text, geometry=at))
    return told


def _reason(geometry: BaseGeometry) -> tuple[Text, BaseGeometry]:
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        kind = geometry.geom_type
        return Text(f"不是面而是 {kind}", f"a {kind}, not an area"), geometry
    reason = str(shapely.is_valid_reason(geometry))
    what, _, place = reason.partition("[")
    numbers = place.rstrip("]").split()
    at = shapely.Point(*(float(number) for number in numbers[:2])) if numbers else None
    where = f"({numbers[0]}, {numbers[1]})" if numbers else ""
    text = Text(f"图形无效：{what} {where}".rstrip(), f"invalid: {what} at {where}".rstrip())
    return text, at if at is not None else geometry


def code_faults(layer: Layer, scheme: CodeScheme | None) -> list[LayerFault]:
    """Rows without a code, rows that share one, and codes that the scheme does not know."""
    column = "number" if layer.kind is LayerKind.INCIDENTS else "code"
    column = "id" if layer.kind is LayerKind.RESPONDERS else column
    codes = codes_of(layer.frame, column)
    rows = [int(row) for row in layer.frame.index.tolist()]
    told: list[LayerFault] = []
    by_code: dict[str, list[int]] = defaultdict(list)
    for row, code in zip(rows, codes, strict=True):
        if code:
            by_code[code].append(row)
        elif layer.kind is not LayerKind.INCIDENTS:
            text = Text("没有编码", "no code")
            told.append(LayerFault(FaultCode.CODE_MISSING, (row,), ("",), text))
    for code, holders in by_code.items():
        if len(holders) > 1:
            told.append(_repeated(code, holders))
        if scheme is not None and layer.kind in AREAS and not _fits(scheme, layer.kind, code):
            told.append(_off_scheme(scheme, layer.kind, code, holders))
    return told


def _repeated(code: str, holders: list[int]) -> LayerFault:
    listed = ", ".join(str(row + 1) for row in holders[:8]) + (" ..." if len(holders) > 8 else "")
    return LayerFault(
        FaultCode.CODE_REPEATED,
        tuple(holders),
        (code,) * len(holders),
        Text(
            f"编码 {code} 出现 {len(holders)} 次（第 {listed} 行）",
            f"code {code} occurs {len(holders)} times (rows {listed})",
        ),
    )


def _fits(scheme: CodeScheme, kind: LayerKind, code: str) -> bool:
    if kind is LayerKind.DIVISIONS:
        return any(scheme.fits(code, level) for level in _DIVISION_LEVELS)
    return scheme.fits(code, "grid" if kind is LayerKind.GRIDS else "unit")


def _off_scheme(scheme: CodeScheme, kind: LayerKind, code: str, holders: list[int]) -> LayerFault:
    if kind is LayerKind.DIVISIONS:
        allowed = "/".join(str(getattr(scheme, level)) for level in _DIVISION_LEVELS)
    else:
        allowed = str(scheme.grid if kind is LayerKind.GRIDS else scheme.unit)
    return LayerFault(
        FaultCode.CODE_OFF_SCHEME,
        tuple(holders),
        (code,) * len(holders),
        Text(
            f"编码 {code} 不合方案：应为 {allowed} 位数字"
            "（本县编码长度不同时设置 GRIDSVC_CODE_SCHEME）",
            f"code {code} is off the scheme: {allowed} digits are expected (set "
            "GRIDSVC_CODE_SCHEME where the county's codes have other lengths)",
        ),
    )

"""Who is above each row of a layer: by column, by code, by village name."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np

from geodata.faults import FaultCode, LayerFault
from geodata.layer import Layer, LayerKind
from geodata.shapes import codes_of
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.words import Text

PARENT_COLUMNS: dict[LayerKind, str] = {
    LayerKind.DIVISIONS: "parent",
    LayerKind.GRIDS: "village",
    LayerKind.UNITS: "grid",
}
_LEVELS: dict[LayerKind, tuple[str, ...]] = {
    LayerKind.DIVISIONS: ("township", "village"),
    LayerKind.GRIDS: ("grid",),
    LayerKind.UNITS: ("unit",),
}


def resolve_parents(
    layer: Layer, parents: gpd.GeoDataFrame | None, scheme: CodeScheme | None
) -> tuple[list[str], list[LayerFault]]:
    """The parent's code of each row, and the rows whose parent is not to be found.

    Parameters
    ----------
    layer
        Divisions, grids or units.
    parents
        The layer above (``code``, and ``name`` where names may be used); None: nothing is looked
        up and nothing is at fault.
    scheme
        Tells the parent from the row's own code where the file has no column for it, and decides
        between two parents of the same name; None: only the column counts.

    Returns
    -------
    One code a row, ``""`` where there is none, and the faults. Counties need no parent.
    """
    own = codes_of(layer.frame)
    by_code = [_by_code(code, layer.kind, scheme) for code in own]
    given = codes_of(layer.frame, PARENT_COLUMNS[layer.kind])
    if parents is None:
        return [one or other for one, other in zip(given, by_code, strict=True)], []
    if layer.kind is LayerKind.GRIDS and "level" in parents.columns:
        parents = parents[parents["level"] == "village"]
        if parents.empty:
            # An outline of the county: grids lie in it, and it says nothing of their villages.
            return [one or other for one, other in zip(given, by_code, strict=True)], []
    known = {code for code in codes_of(parents) if code}
    if layer.kind is LayerKind.DIVISIONS:
        known |= set(own)
    names = _codes_by_name(parents)
    found: list[str] = []
    faults: list[LayerFault] = []
    for row, code, named, derived in zip(
        layer.frame.index.tolist(), own, given, by_code, strict=True
    ):
        parent, text = _resolve(named, derived, known, names, scheme)
        if text is not None and _top(layer.kind, code, named, scheme):
            parent, text = "", None
        found.append(parent)
        if text is not None:
            faults.append(LayerFault(FaultCode.UNKNOWN_PARENT, (int(row),), (code,), text))
    return found, faults


def _by_code(code: str, kind: LayerKind, scheme: CodeScheme | None) -> str:
    """The parent that the code tells, "" where the code is none of this layer's."""
    if scheme is None or scheme.level_of(code) not in _LEVELS[kind]:
        return ""
    return scheme.parent(code) or ""


def _codes_by_name(parents: gpd.GeoDataFrame) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for code, name in zip(codes_of(parents), codes_of(parents, "name"), strict=True):
        if code and name:
            by_name.setdefault(name, []).append(code)
    return by_name


def _top(kind: LayerKind, code: str, named: str, scheme: CodeScheme | None) -> bool:
    """Whether a division is the county, whose prefecture is nobody's business here."""
    if kind is not LayerKind.DIVISIONS:
        return False
    return not named if scheme is None else scheme.level_of(code) == "county"


def _resolve(
    named: str,
    derived: str,
    known: set[str],
    names: dict[str, list[str]],
    scheme: CodeScheme | None,
) -> tuple[str, Text | None]:
    if not named:
        if derived in known or (not derived and scheme is None):
            return derived, None
        return derived, _unknown(derived)
    code = scheme.division(named) if scheme else named
    for candidate in (named, code):
        if candidate in known:
            return candidate, None
    matches = names.get(named, [])
    if len(matches) == 1:
        return matches[0], None
    if derived in matches:
        return derived, None
    if matches:
        return "", Text(
            f"上级名称“{named}”有 {len(matches)} 个（{'、'.join(matches)}），无法确定，请改填编码",
            f"the parent's name {named!r} occurs {len(matches)} times ({', '.join(matches)}): "
            "give its code",
        )
    return named, _unknown(named)


def _unknown(parent: str) -> Text:
    if not parent:
        return Text(
            "没有上级编码，也无法由编码推得：请用 --map 指明上级列，例如 --map village=所属村",
            "no parent is given, nor told by the code: name its column, e.g. --map village=COLUMN",
        )
    return Text(f"上级 {parent} 不存在", f"its parent {parent} is not known")


def rows_at(parents: gpd.GeoDataFrame, levels: Sequence[str]) -> gpd.GeoDataFrame:
    """The rows of the first of ``levels`` of which any has a shape; all rows without levels."""
    if "level" not in parents.columns:
        return parents
    for level in levels:
        rows = parents[parents["level"] == level]
        if bool((rows.geometry.notna() & ~rows.geometry.is_empty).any()):
            return rows
    return parents.iloc[:0]


def without_shapes(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The same rows with no geometry: for looking up who is above whom, and nothing else."""
    return frame.set_geometry(
        gpd.GeoSeries(np.full(len(frame), None, object), frame.index, frame.crs)
    )

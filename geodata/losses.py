"""Searches for what a format may not hold: each yields one fault a column, with its rows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from geodata.outgoing import Outgoing
from gridsvc.domain.errors import Fault
from gridsvc.domain.words import Text

Losses = Iterator[Fault]
Test = Callable[[Any], bool]

FAMILIES = {
    0: "Point",
    1: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "LineString",
    6: "Polygon",
}
"""What a shapefile or FileGDB layer can hold one of, by shapely type id."""


def texts(out: Outgoing, code: str, holds: Test, zh: str, en: str) -> Losses:
    """Text that ``holds`` says no to. ``zh`` and ``en`` follow "n rows"."""
    return _values(out, pa.types.is_string, code, holds, zh, en)


def integers(out: Outgoing, holds: Test, limit: str) -> Losses:
    """Whole numbers that ``holds`` says no to, where ``limit`` is the bound in words."""
    return _values(
        out,
        pa.types.is_integer,
        "integer_too_large",
        holds,
        f"整数超出可精确保存的范围（{limit}）",
        f"are whole numbers beyond what is held exactly ({limit})",
    )


def decimals(out: Outgoing, code: str, holds: Test, zh: str, en: str) -> Losses:
    """Decimals that ``holds`` says no to."""
    return _values(out, pa.types.is_floating, code, holds, zh, en)


def no_nul(out: Outgoing) -> Losses:
    """Text with a NUL, where strings end at one."""
    return texts(
        out,
        "nul_character",
        lambda text: "\0" not in text,
        "含有空字符（U+0000），其后的文字会丢失",
        "have a NUL character (U+0000), which cuts the text off",
    )


def no_infinity(out: Outgoing) -> Losses:
    """Infinite decimals, where numbers are written in digits."""
    return decimals(
        out, "infinite_number", np.isfinite, "为无穷大", "are infinite, which is no number there"
    )


def no_empty(out: Outgoing) -> Losses:
    """Empty geometries, where only none at all can be written."""
    return in_rows(
        "empty_geometry",
        "geometry",
        np.flatnonzero(shapely.is_empty(out.geometries)).tolist(),
        "为空图形，读回时成为缺失",
        "are empty geometries, which read back as none",
    )


def one_family(out: Outgoing) -> Losses:
    """Points, lines and polygons together, where a layer holds one of them."""
    kinds = np.unique(shapely.get_type_id(out.geometries))
    families = {FAMILIES.get(int(kind), "Collection") for kind in kinds[kinds >= 0]}
    if len(families) > 1 or "Collection" in families:
        yield fault(
            "mixed_geometry",
            f"图形类型混杂（{', '.join(sorted(families))}），此格式一个图层只能有一种",
            f"geometries of several types ({', '.join(sorted(families))}); a layer of this format "
            "holds points, lines or polygons",
            "geometry",
        )


def sound_rings(out: Outgoing) -> Losses:
    """Invalid polygons, where rings are stored without saying which belong together."""
    areal = np.isin(shapely.get_type_id(out.geometries), (3, 6))
    return in_rows(
        "invalid_polygon",
        "geometry",
        np.flatnonzero(areal & ~shapely.is_valid(out.geometries)).tolist(),
        "为无效面，此格式只存环，读回时内外环可能变化",
        "are invalid polygons; this format holds bare rings, which may be grouped otherwise",
    )


def in_rows(code: str, where: str, rows: list[int], zh: str, en: str) -> Losses:
    """One fault about ``rows`` (0-based), none where there are none."""
    if rows:
        shown = ", ".join(str(row + 1) for row in rows[:5]) + (" ..." if len(rows) > 5 else "")
        zh, en = f"{len(rows)} 行{zh}（第 {shown} 行）", f"{len(rows)} rows {en} (rows {shown})"
        yield fault(code, zh, en, where)


def fault(code: str, zh: str, en: str, where: str = "") -> Fault:
    """A loss in both languages; ``where`` is the written column name."""
    return Fault(code, Text(zh, en), where)


def _values(
    out: Outgoing, typed: Callable[[pa.DataType], bool], code: str, holds: Test, zh: str, en: str
) -> Losses:
    for field in out.table.schema:
        if typed(field.type):
            values = out.table[field.name].to_pylist()
            rows = [row for row, one in enumerate(values) if one is not None and not holds(one)]
            yield from in_rows(code, field.name, rows, zh, en)

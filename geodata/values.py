"""Cells as canonical values: codes stay exact text, times get their zone, nothing is rounded."""

import datetime as dt
import decimal
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from geodata.columns import Type
from geodata.encoding import is_mojibake
from geodata.raw import fault, rows_text
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault
from gridsvc.domain.geo import Datum
from gridsvc.domain.kinds import URGENCY_NAMES
from gridsvc.domain.words import Text

EXACT_DIGITS = 15
"""How many digits of a whole number a spreadsheet keeps."""

_PLAIN_FLOAT = re.compile(r"(\d+)\.0+")
_EXPONENT = re.compile(r"[+-]?\d(\.\d+)?[eE][+-]?\d{1,3}")
_CHINESE_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:时点](\d{1,2})?(?:[:分](\d{1,2}))?(?:秒|分)?)?"
)
_FORMULA_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")
_TRUE = frozenset(
    ["true", "t", "yes", "y", "1", "1.0", "是", "有", "对", "√", "✓", "在岗", "可", "能", "在"]
)
_FALSE = frozenset(
    ["false", "f", "no", "n", "0", "0.0", "否", "无", "没有", "×", "不在岗", "离岗", "不可", "不能"]
)

_LEVELS = {
    **dict.fromkeys(("county", "3", "3.0", "县", "县级", "区县", "区县级", "district"), "county"),
    **dict.fromkeys(
        ("township", "4", "4.0", "乡", "镇", "乡镇", "乡级", "乡镇级", "街道", "street", "town"),
        "township",
    ),
    **dict.fromkeys(("village", "5", "5.0", "村", "村级", "社区", "村居", "村社区"), "village"),
}
_GRID_KINDS = {
    **dict.fromkeys(("general", "一般", "普通", "基础", "综合"), "general"),
    **dict.fromkeys(("dedicated", "专属", "专用", "专门"), "dedicated"),
}
_URGENCIES = {
    name: level for level, text in URGENCY_NAMES.items() for name in (text.zh, text.en, str(level))
}
_DATUMS = {
    **dict.fromkeys(
        ("wgs84", "wgs1984", "gps", "epsg4326", "4326", "crs84"),
        Datum.WGS84,
    ),
    **dict.fromkeys(
        ("cgcs2000", "国家2000", "2000国家大地坐标系", "大地2000", "epsg4490", "4490", "2000"),
        Datum.CGCS2000,
    ),
    **dict.fromkeys(
        (
            "gcj02",
            "gcj",
            "火星",
            "火星坐标",
            "火星坐标系",
            "高德",
            "高德地图",
            "腾讯",
            "国测局",
            "amap",
        ),
        Datum.GCJ02,
    ),
    **dict.fromkeys(("bd09", "bd09ll", "百度", "百度地图", "baidu"), Datum.BD09),
    **dict.fromkeys(("unknown", "未知", "不详"), Datum.UNKNOWN),
}

_MESSAGES = {
    "code_rounded": Text(
        f"编码被存成了浮点数，超过 {EXACT_DIGITS} 位的数字已丢失（如 5.30324E+14）："
        "请把该列设为文本，重新填入完整编码",
        f"codes were stored as floating-point numbers and their digits past {EXACT_DIGITS} are "
        "lost (5.30324E+14): make the column text and enter the whole codes again",
    ),
    "code_not_text": Text("编码不是文字或整数", "codes that are neither text nor whole numbers"),
    "not_whole": Text("应为非负整数", "a whole number, 0 or more, is needed"),
    "not_number": Text("应为数字", "a number is needed"),
    "not_bool": Text("应为 是/否", "yes or no is needed"),
    "not_time": Text(
        "时间无法识别：请写成 2026-11-23 08:30 的样子",
        "times that are not understood: write them like 2026-11-23 08:30",
    ),
    "not_scalar": Text("单元格不是文字或数值", "cells that are neither text nor number"),
    "formula_error": Text(
        "单元格是公式错误值（如 #N/A）", "cells that hold a formula's error (such as #N/A)"
    ),
    "mojibake": Text(
        "乱码：文字曾按错误的编码读取，不能导入；请用 --encoding 指明正确编码，或从源头重新导出",
        "mojibake: the text was once read in the wrong encoding and is refused; name the right one "
        "with --encoding, or export it again at its source",
    ),
    "unknown_level": Text(
        "级别应为 county/township/village、3/4/5 或 县/乡镇/村",
        "the level is county, township, village, or 3, 4, 5",
    ),
    "unknown_grid_kind": Text(
        "网格类型应为 general（一般）或 dedicated（专属）", "the kind is general or dedicated"
    ),
    "unknown_urgency": Text(
        "紧急程度应为 1 至 4，或 特急/紧急/较急/一般",
        "the urgency is 1 to 4, or critical, urgent, pressing, ordinary",
    ),
    "unknown_datum": Text(
        "坐标系应为 cgcs2000、wgs84、gcj02、bd09 或 unknown",
        "the datum is cgcs2000, wgs84, gcj02, bd09 or unknown",
    ),
}


class _BadCellError(Exception):
    """A cell that cannot be taken; its argument is the fault's code."""


def convert(values: Sequence[Any], kind: Type, where: str) -> tuple[list[Any], tuple[Fault, ...]]:
    """Turn cells into values of a canonical type, None where there is none.

    Parameters
    ----------
    values
        Cells as the file has them.
    kind
        The canonical type.
    where
        The column's name in the file, for the faults.

    Returns
    -------
    tuple
        As many values as cells, and a fault for each sort of bad cell with its rows (from 0).
    """
    change = _CONVERTERS[kind]
    result: list[Any] = []
    bad: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        try:
            result.append(None if _is_null(value) else change(value))
        except _BadCellError as error:
            result.append(None)
            bad.setdefault(str(error), []).append(row)
    return result, tuple(_fault(code, rows, values, where) for code, rows in bad.items())


def series(values: Sequence[Any], kind: Type, index: pd.RangeIndex) -> pd.Series:
    """Make the frame's column of a canonical type.

    Text, codes and levels are ``object`` with None; whole numbers ``Int64``; decimals
    ``float64`` with NaN; yes and no ``boolean``; times ``datetime64[us, UTC+08:00]``.
    """
    if kind in ("int", "urgency"):
        return pd.Series(pd.array(list(values), dtype="Int64"), index=index)
    if kind == "float":
        data = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        return pd.Series(data, index=index)
    if kind == "bool":
        return pd.Series(pd.array(list(values), dtype="boolean"), index=index)
    if kind == "time":
        zone = pd.DatetimeTZDtype("us", COUNTY_TIME)
        return pd.Series(list(values), index=index, dtype=zone)
    data = np.empty(len(values), dtype=object)
    data[:] = values
    return pd.Series(data, index=index, dtype=object)


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NaT


def _fault(code: str, rows: list[int], values: Sequence[Any], where: str) -> Fault:
    text, named = _MESSAGES[code], rows_text(rows)
    shown = str(values[rows[0]])
    shown = shown if len(shown) <= 30 else shown[:27] + "..."
    return fault(
        code,
        f"{text.zh}（{named.zh}，如“{shown}”）",
        f"{text.en} ({named.en}, e.g. {shown!r})",
        where,
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        if value in _FORMULA_ERRORS:
            raise _BadCellError("formula_error")
        if is_mojibake(value):
            raise _BadCellError("mojibake")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise _BadCellError("not_scalar")


def _code(value: Any) -> str | None:
    """Whole numbers become their exact digits; a ``.0`` is mended only where nothing is lost."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, decimal.Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, float):
        if not value.is_integer():
            raise _BadCellError("code_not_text")
        if abs(value) >= 10**EXACT_DIGITS:
            raise _BadCellError("code_rounded")
        return str(int(value))
    if not isinstance(value, str):
        raise _BadCellError("code_not_text")
    text = _text(value).strip()
    if _EXPONENT.fullmatch(text):
        raise _BadCellError("code_rounded")
    plain = _PLAIN_FLOAT.fullmatch(text)
    if plain is None:
        return text or None
    if len(plain[1].lstrip("0")) > EXACT_DIGITS:
        raise _BadCellError("code_rounded")
    return plain[1]


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        raise _BadCellError("not_number")
    if isinstance(value, int | float | decimal.Decimal):
        return value if isinstance(value, int) else float(value)
    text = unicodedata.normalize("NFKC", _text(value)).strip()
    if re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        text = text.replace(",", "")
    if not text:
        return None
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        raise _BadCellError("not_number") from None


def _int(value: Any) -> int | None:
    try:
        number = _number(value)
    except _BadCellError:
        raise _BadCellError("not_whole") from None
    if number is None:
        return None
    if not math.isfinite(number) or number != int(number) or not 0 <= number < 2**53:
        raise _BadCellError("not_whole")
    return int(number)


def _float(value: Any) -> float | None:
    number = _number(value)
    return None if number is None else float(number)


def _bool(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = unicodedata.normalize("NFKC", _text(value)).strip().casefold()
    if not word or word in ("?", "-"):
        return None
    if word not in _TRUE | _FALSE:
        raise _BadCellError("not_bool")
    return word in _TRUE


def _time(value: Any) -> dt.datetime | None:
    """A naive time is China's."""
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime(warn=False)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        text = unicodedata.normalize("NFKC", value).strip()
        if not text:
            return None
        value = _parsed_time(text)
    if not isinstance(value, dt.datetime):
        raise _BadCellError("not_time")
    zoned = value.replace(tzinfo=COUNTY_TIME) if value.tzinfo is None else value
    return zoned.astimezone(COUNTY_TIME)


def _parsed_time(text: str) -> dt.datetime:
    try:
        if not text.isdigit():
            return dt.datetime.fromisoformat(text)
    except ValueError:
        pass
    match = _CHINESE_TIME.fullmatch(text)
    try:
        if match is not None:
            return dt.datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        pass
    raise _BadCellError("not_time")


def _word_in(table: dict[str, Any], code: str, ends: str = "") -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        word = unicodedata.normalize("NFKC", _text(value)).strip().casefold()
        word = re.sub(r"[\s_\-:()]", "", word)
        if not word:
            return None
        found = table.get(word) or table.get(word.removesuffix(ends) if ends else word)
        if found is None:
            raise _BadCellError(code)
        return found

    return change


_CONVERTERS: dict[Type, Callable[[Any], Any]] = {
    "code": _code,
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "time": _time,
    "level": _word_in(_LEVELS, "unknown_level"),
    "grid_kind": _word_in(_GRID_KINDS, "unknown_grid_kind", "网格"),
    "urgency": _word_in(_URGENCIES, "unknown_urgency"),
    "datum": _word_in(_DATUMS, "unknown_datum", "坐标系"),
    "wkt": _text,
}

"""The formats that are written, and everything each of them cannot hold.

Limits are Excel's and dBASE's published ones, and what GDAL 3.12 was seen to change when files
were written and read back.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from geodata.cells import defuse, marked, wkt
from geodata.losses import (
    Losses,
    decimals,
    fault,
    in_rows,
    integers,
    no_empty,
    no_infinity,
    no_nul,
    one_family,
    sound_rings,
    texts,
)
from geodata.names import SHAPEFILE
from geodata.outgoing import POINT_KINDS, Outgoing
from gridsvc.domain.errors import Fault, FormatError
from gridsvc.domain.words import Lang, Text

XLSX_CELL, XLSX_ROWS, XLSX_COLUMNS = 32_767, 1_048_576, 16_384
DBF_NAME, DBF_TEXT, DBF_DIGITS, DBF_COLUMNS = 10, 254, 18, 255
SHAPEFILE_BYTES = 2**31 - 1
EXACT_INTEGER = 2**53

# XML 1.0 has no room for these, turns a carriage return into a line feed, and XLSX reads _xHHHH_
# as an escape.
_NOT_IN_CELLS = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_GDB_NAME = re.compile(r"[^\W\d]\w{0,63}")
_GDB_RESERVED = re.compile(
    "objectid|shape|add|alter|and|between|by|column|create|delete|drop|exists|for|from|group|in|"
    "insert|into|is|like|not|null|or|order|select|set|table|update|values|where",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: its name to show and its GDAL driver ("" where GDAL does not write it)."""

    name: str
    driver: str
    losses: Callable[[Outgoing], Losses]


def format_of(path: Path) -> Format:
    """The format that the ending of ``path`` names.

    Raises
    ------
    FormatError
        With the endings that are written.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is not None:
        return found
    known = ", ".join(f"{suffix} ({one.name})" for suffix, one in FORMATS.items())
    raise FormatError(
        Fault(
            "format_not_written",
            Text(
                f"不能写出扩展名为“{path.suffix}”的文件，可用：{known}",
                f"files ending in {path.suffix!r} are not written; use one of {known}",
            ),
            path.name,
        )
    )


def shapefile_encoding(lang: Lang) -> str:
    """The encoding of a shapefile's text: GB18030 for Chinese column names (two bytes each)."""
    return "GB18030" if lang == "zh" else "UTF-8"


def shapefile_names(out: Outgoing) -> list[str]:
    """Column names, the long standard ones replaced by their stated short ones."""
    return [SHAPEFILE.get(name, name) for name in out.table.column_names]


def as_points(out: Outgoing) -> bool:
    """Whether a CSV or XLSX of this layer has ``lng`` and ``lat`` columns instead of WKT."""
    kinds = shapely.get_type_id(out.geometries)
    return out.kind in POINT_KINDS and out.crs.is_geographic and bool(np.isin(kinds, (-1, 0)).all())


def _gpkg(out: Outgoing) -> Losses:
    yield from no_nul(out)


def _flatgeobuf(out: Outgoing) -> Losses:
    yield from no_nul(out)
    yield from no_empty(out)


def _parquet(_: Outgoing) -> Losses:
    yield from ()


def _geojson(out: Outgoing) -> Losses:
    yield from no_nul(out)
    yield from no_infinity(out)


def _csv(out: Outgoing) -> Losses:
    yield from no_nul(out)
    yield from no_infinity(out)
    yield from _plain_names(out)
    if as_points(out):
        yield from no_empty(out)


def _xlsx(out: Outgoing) -> Losses:
    yield from _plain_names(out)
    yield from no_infinity(out)
    yield from integers(out, lambda value: abs(value) <= EXACT_INTEGER, f"±{EXACT_INTEGER}")
    yield from texts(
        out,
        "control_characters",
        lambda text: not _NOT_IN_CELLS.search(text),
        "含有单元格不能保存的控制字符（或 _x000D_ 一类的转义）",
        "have control characters (or escapes such as _x000D_) that a cell cannot hold",
    )
    too_long = (
        f"超过单元格上限 {XLSX_CELL} 个字符",
        f"have more than a cell's {XLSX_CELL} characters",
    )
    yield from texts(
        out, "cell_too_long", lambda text: _utf16(defuse(text)) <= XLSX_CELL, *too_long
    )
    if as_points(out):
        yield from no_empty(out)
    else:
        shapes = enumerate(wkt(out.geometries))
        long = [row for row, text in shapes if text is not None and len(text) > XLSX_CELL]
        yield from in_rows("cell_too_long", "wkt", long, *too_long)
    if len(out.geometries) >= XLSX_ROWS:
        yield fault(
            "too_many_rows",
            f"共 {len(out.geometries)} 行，一个工作表最多 {XLSX_ROWS - 1} 行数据",
            f"{len(out.geometries)} rows; a sheet holds {XLSX_ROWS - 1} beside its header",
        )
    if out.table.num_columns + 2 > XLSX_COLUMNS:
        yield _columns(out, XLSX_COLUMNS - 2)


def _filegdb(out: Outgoing) -> Losses:
    yield from no_nul(out)
    yield from no_empty(out)
    yield from one_family(out)
    yield from sound_rings(out)
    yield from integers(out, lambda value: abs(value) <= EXACT_INTEGER, f"±{EXACT_INTEGER}")
    for name in out.table.column_names:
        if not _GDB_NAME.fullmatch(name) or _GDB_RESERVED.fullmatch(name):
            yield fault(
                "column_name",
                "FileGDB 列名只能是字母、汉字、数字、下划线，不以数字开头，不超过 64 字，"
                "不用保留字",
                "a FileGDB column name is letters, digits and underscores, does not begin with a "
                "digit, has 64 characters at most and is no reserved word",
                name,
            )


def _shapefile(out: Outgoing) -> Losses:
    encoding = shapefile_encoding(out.lang)
    yield from _shapefile_columns(out, encoding)
    yield from no_nul(out)
    yield from texts(
        out,
        "text_too_long",
        lambda text: len(text.encode(encoding)) <= DBF_TEXT,
        f"超过 {DBF_TEXT} 字节（{encoding}）",
        f"have more than {DBF_TEXT} bytes ({encoding})",
    )
    yield from texts(
        out,
        "empty_text",
        bool,
        "为空文字，读回时成为缺失",
        "are empty text, which reads back as null",
    )
    yield from texts(
        out,
        "outer_spaces",
        lambda text: text == text.strip(" "),
        "首尾有空格，会被去掉",
        "begin or end with spaces, which are cut off",
    )
    span = f"{1 - 10 ** (DBF_DIGITS - 1)} ... {10**DBF_DIGITS - 1}"
    yield from integers(out, lambda value: len(str(value)) <= DBF_DIGITS, span)
    yield from decimals(
        out,
        "decimals",
        _dbf_holds,
        "超出 Shapefile 小数的 24 位宽、15 位小数",
        "do not fit the 24 characters and 15 decimals of a shapefile's number",
    )
    yield from no_empty(out)
    yield from one_family(out)
    yield from sound_rings(out)
    size = int(shapely.count_coordinates(out.geometries)) * 16 + len(out.geometries) * 60
    if size > SHAPEFILE_BYTES:
        yield fault(
            "too_large",
            f"图形约 {size} 字节，Shapefile 上限 {SHAPEFILE_BYTES} 字节",
            f"the geometries take about {size} bytes; a shapefile holds {SHAPEFILE_BYTES}",
        )


def _shapefile_columns(out: Outgoing, encoding: str) -> Losses:
    names = shapefile_names(out)
    for name in names:
        size = len(name.encode(encoding))
        if size > DBF_NAME:
            yield fault(
                "column_name",
                f"列名占 {size} 字节（{encoding}），Shapefile 列名最多 {DBF_NAME} 字节",
                f"the name has {size} bytes ({encoding}); a shapefile's have {DBF_NAME} at most",
                name,
            )
    folded = [name.casefold() for name in names]
    for name in sorted({name for name in names if folded.count(name.casefold()) > 1}):
        yield fault(
            "column_name", "缩短后与另一列同名", "shortened, it is another column's name", name
        )
    if len(names) > DBF_COLUMNS:
        yield _columns(out, DBF_COLUMNS)


def _columns(out: Outgoing, limit: int) -> Fault:
    count = out.table.num_columns
    return fault(
        "too_many_columns", f"共 {count} 列，最多 {limit} 列", f"{count} columns; {limit} at most"
    )


def _plain_names(out: Outgoing) -> Losses:
    for name in out.table.column_names:
        if marked(name):
            yield fault(
                "column_name",
                "列名以公式符号（= + - @）开头，表格软件会当作公式",
                "a column name that begins with = + - @ would be run as a formula",
                name,
            )


def _dbf_holds(value: float) -> bool:
    text = f"{value:.15f}"
    return len(text) <= 24 and float(text) == value


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


FORMATS: dict[str, Format] = {
    ".gpkg": Format("GeoPackage", "GPKG", _gpkg),
    ".shp": Format("Shapefile", "ESRI Shapefile", _shapefile),
    ".gdb": Format("FileGDB", "OpenFileGDB", _filegdb),
    ".geojson": Format("GeoJSON", "", _geojson),
    ".fgb": Format("FlatGeobuf", "FlatGeobuf", _flatgeobuf),
    ".parquet": Format("GeoParquet", "", _parquet),
    ".csv": Format("CSV", "", _csv),
    ".xlsx": Format("XLSX", "", _xlsx),
}
"""By file ending. TopoJSON is read and not written: it rounds vertices."""

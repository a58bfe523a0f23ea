"""CSV, XLSX and Parquet: columns, and geometries only where Parquet carries them."""

import csv
import io
import json
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import geopandas as gpd
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils.exceptions import InvalidFileException

from geodata.encoding import decode_file
from geodata.raw import RawColumn, RawLayer, fault, refuse, rows_text
from geodata.vector import unreadable
from gridsvc.domain.errors import Fault
from gridsvc.domain.geo import Geometries

csv.field_size_limit(2**31 - 1)  # one village's WKT is longer than the default of 131,072
_DELIMITERS = ",\t;|"
_HIDDEN_NAME = "__index_level_"


def read_csv(path: Path, *, encoding: str | None, source: str) -> RawLayer:
    """Read a CSV with a line of column names; comma, tab, semicolon and bar are recognised.

    An empty cell is a null. Lines without any cell are passed over.

    Raises
    ------
    LayerError
        Text in no recognised encoding, an unclosed quote.
    """
    text, name = decode_file(path.read_bytes(), encoding=encoding, source=source)
    first = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        lines = [
            line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if line
        ]
    except csv.Error as error:
        raise unreadable(source) from error
    if not lines:
        return RawLayer(rows=0, columns=())
    header, body = lines[0], lines[1:]
    columns, faults = _columns(header, body)
    return RawLayer(rows=len(body), columns=columns, encoding=name, faults=faults, defused=True)


def read_xlsx(path: Path, *, layer: str | None, source: str) -> RawLayer:
    """Read one sheet of a workbook; its first row that is not blank holds the column names.

    Raises
    ------
    LayerError
        Unreadable, several filled sheets and none chosen, no such sheet.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            sheets = {
                sheet.title: list(_filled(sheet.iter_rows(values_only=True)))
                for sheet in book.worksheets
                if layer in (None, sheet.title)
            }
            titles = book.sheetnames
            book.close()
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        OSError,
        ParseError,
    ) as error:
        raise unreadable(source) from error
    filled = {title: rows for title, rows in sheets.items() if rows}
    if (layer is not None and layer not in sheets) or len(filled) > 1:
        listed = "、".join(titles)
        raise refuse(
            "layer_ambiguous" if layer is None else "unknown_layer",
            f"请用 --layer 指明工作表，文件中有：{listed}",
            f"choose a sheet with --layer; the file holds {', '.join(titles)}",
            source,
        )
    if not filled:
        return RawLayer(rows=0, columns=())
    ((title, rows),) = filled.items()
    header = ["" if cell is None else str(cell) for cell in rows[0]]
    width = max(len(header), *(len(row) for row in rows))
    # A sheet leaves out the blank cells at the end of a row.
    body = [(*row, *[None] * (width - len(row))) for row in rows[1:]]
    columns, faults = _columns(header, body)
    return RawLayer(
        rows=len(rows) - 1, columns=columns, faults=faults, hints=(title,), defused=True
    )


def read_parquet(path: Path, *, source: str) -> RawLayer:
    """Read a Parquet file: with GeoParquet's metadata a layer with shapes, without it a table.

    Raises
    ------
    LayerError
        Unreadable.
    """
    try:
        table = pq.ParquetFile(path).read()
        metadata = table.schema.metadata or {}
        geo = json.loads(metadata[b"geo"]) if b"geo" in metadata else None
        geometry, crs = (None, None) if geo is None else _geoparquet(path, geo)
        others = set() if geo is None else set(geo["columns"])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(source) from error
    columns = tuple(
        RawColumn(name, table.column(i))
        for i, name in enumerate(table.column_names)
        if name not in others and not name.startswith(_HIDDEN_NAME)
    )
    own = metadata.get(b"gridsvc", b"").decode("utf-8", "replace")
    return RawLayer(
        rows=table.num_rows,
        columns=columns,
        geometry=geometry,
        crs=crs,
        hints=(own,) if own else (),
    )


def _geoparquet(path: Path, geo: dict[str, Any]) -> tuple[Geometries, str | None]:
    primary = geo["primary_column"]
    frame = gpd.read_parquet(path, columns=[primary])
    crs = frame.crs.to_wkt() if frame.crs is not None else None
    return np.asarray(frame.geometry.array, dtype=object), crs


def _filled(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return (row for row in rows if any(cell is not None for cell in row))


def _columns(
    header: Sequence[str], body: Sequence[Sequence[Any]]
) -> tuple[tuple[RawColumn, ...], tuple[Fault, ...]]:
    """Columns of a table; an empty cell is None; rows of another length are a fault."""
    width = len(header)
    while (
        width and not header[width - 1].strip() and not any(_cell(row, width - 1) for row in body)
    ):
        width -= 1
    ragged = [
        number
        for number, row in enumerate(body)
        if len(row) < width or any(cell not in (None, "") for cell in row[width:])
    ]
    faults: tuple[Fault, ...] = ()
    if ragged:
        rows = rows_text(ragged)
        faults = (
            fault(
                "ragged_rows",
                f"单元格数与表头（{width} 列）不符：{rows.zh}；多为未加引号的逗号",
                f"rows with another number of cells than the {width} column names: {rows.en}; "
                "usually a comma without quotes",
            ),
        )
    columns = tuple(RawColumn(header[i], [_cell(row, i) for row in body]) for i in range(width))
    return columns, faults


def _cell(row: Sequence[Any], i: int) -> Any:
    value = row[i] if i < len(row) else None
    return None if value == "" else value

"""Writers of tables: CSV and XLSX, with WKT or lng and lat columns and defused text."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from geodata.cells import defuse, wkt
from geodata.formats import as_points
from geodata.names import CHINESE
from geodata.outgoing import Outgoing
from gridsvc.domain.geo import Floats

Row = tuple[Any, ...]


def write_csv(out: Outgoing, path: Path) -> None:
    """Write UTF-8 with a byte order mark (which Excel needs for Chinese), RFC 4180 quoting.

    Null is a blank cell; yes and no are ``true`` and ``false``; times are ISO 8601.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_header(out))
        for row in _rows(out):
            writer.writerow(
                str(value).lower() if isinstance(value, bool) else value for value in row
            )


def write_xlsx(out: Outgoing, path: Path) -> None:
    """Write one sheet, named as the layer; text cells have the text format, numbers are numbers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(out.layer_name)
    if out.note is not None:
        book.properties.description = out.note.zh
    sheet.append(_header(out))
    for *row, last in _rows(out):
        # A last cell is always written, even a blank one: rows are all as long as the header.
        end = _text_cell(sheet, None) if last is None else _cell(sheet, last)
        sheet.append([*(_cell(sheet, value) for value in row), end])
    book.save(path)


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, str):
        return _text_cell(sheet, value)
    if isinstance(value, float):
        # Left to itself openpyxl writes 16 digits, and some doubles need 17.
        cell = WriteOnlyCell(sheet, repr(value))
        cell.data_type = "n"
        return cell
    return value


def _text_cell(sheet: Any, value: str | None) -> Any:
    cell = WriteOnlyCell(sheet, value)
    if value is not None:
        cell.data_type = "s"
    cell.number_format = "@"
    return cell


def _header(out: Outgoing) -> list[str]:
    names = list(out.table.column_names)
    if not as_points(out):
        return [*names, "wkt"]
    chinese = CHINESE[out.kind] if out.lang == "zh" else {}
    return [*names, chinese.get("lng", "lng"), chinese.get("lat", "lat")]


def _rows(out: Outgoing) -> Iterator[Row]:
    columns: list[list[Any]] = [
        [defuse(value) if isinstance(value, str) else value for value in column.to_pylist()]
        for column in out.with_times_as_text().columns
    ]
    if as_points(out):
        columns += [_known(shapely.get_x(out.geometries)), _known(shapely.get_y(out.geometries))]
    else:
        columns.append(wkt(out.geometries))
    return zip(*columns, strict=True)


def _known(ordinates: Floats) -> list[float | None]:
    return [None if np.isnan(value) else value for value in ordinates.tolist()]

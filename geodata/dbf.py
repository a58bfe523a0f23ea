"""dBase tables, alone or beside a shapefile: every cell as the exact text that stands in it.

GDAL is not used for them: it decodes GBK without a declaration into mojibake silently, and turns
codes in wide numeric fields into rounded floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from geodata.encoding import detect, given_codec
from geodata.raw import RawColumn, refuse

_LANGUAGE_BYTES = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
_READ_TYPES = "CNFDL"

Bytes = npt.NDArray[np.bytes_]


@dataclass(frozen=True)
class DbfTable:
    """The rows of a table, deleted ones left out; ``records`` are their numbers among all the
    ``total`` ones of the file."""

    columns: tuple[RawColumn, ...]
    records: npt.NDArray[np.int64]
    total: int
    encoding: str


@dataclass(frozen=True)
class _Field:
    name: bytes
    kind: str
    width: int
    cells: Bytes


def read_dbf(path: Path, *, encoding: str | None = None, cpg: str | None = None) -> DbfTable:
    """Read a ``.dbf``.

    Parameters
    ----------
    path
        The file.
    encoding
        What the user says; followed strictly.
    cpg
        What the ``.cpg`` beside it says; followed where the bytes decode with it.

    Raises
    ------
    LayerError
        A file that is no table, is cut off, or holds field types that are not read; text in an
        encoding that is not recognised.
    """
    data = path.read_bytes()
    fields, records, language = _take_apart(data, path.name)
    if encoding:
        name: str | None = given_codec(encoding)
    else:
        name = detect(_whole_pieces(fields), hints=(cpg, language))
    if name is None:
        raise refuse(
            "unrecognised_encoding",
            "文字编码无法识别：请用 --encoding 指明，例如 --encoding gb18030",
            "the encoding of the text was not recognised: name it, e.g. --encoding gb18030",
            path.name,
        )
    columns = tuple(
        RawColumn(_field_name(field.name, name), _cells(field, name)) for field in fields
    )
    return DbfTable(columns, records, int.from_bytes(data[4:8], "little"), name)


def _take_apart(data: bytes, source: str) -> tuple[list[_Field], npt.NDArray[np.int64], str | None]:
    if len(data) < 33 or data[0] & 0x07 not in (2, 3, 4, 5) or 0x0D not in data[32:]:
        raise refuse("unreadable", "不是 dBase 表", "this is not a dBase table", source)
    count = int.from_bytes(data[4:8], "little")
    start = int.from_bytes(data[8:10], "little")
    width = int.from_bytes(data[10:12], "little")
    needed = start + count * width
    if width < 1 or len(data) < needed:
        raise refuse(
            "file_cut",
            f"文件不完整：{count} 条记录至少需 {needed} 字节，实有 {len(data)} 字节",
            f"the file is cut off: {count} records need {needed} bytes, {len(data)} are there",
            source,
        )
    table = np.frombuffer(data, np.uint8, count * width, start).reshape(count, width)
    kept = np.flatnonzero(table[:, 0] != ord("*")) if count else np.empty(0, np.int64)
    fields: list[_Field] = []
    offset = 1
    for at in range(32, start - 1, 32):
        if data[at] == 0x0D:
            break
        name, kind = data[at : at + 11].split(b"\0")[0], chr(data[at + 11])
        # A text field's decimals byte is the high byte of its length (Clipper, FoxPro).
        size = data[at + 16] + (256 * data[at + 17] if kind == "C" else 0)
        cells = np.ascontiguousarray(table[kept, offset : offset + size])
        fields.append(_Field(name, kind, size, cells.view(f"S{max(size, 1)}").reshape(-1)))
        offset += size
    strange = [
        f"{f.name.decode('latin-1')} ({f.kind})" for f in fields if f.kind not in _READ_TYPES
    ]
    if strange:
        listed = ", ".join(strange)
        raise refuse(
            "field_type",
            f"字段类型不支持：{listed}；请改为文本或数值",
            f"field types that are not read: {listed}; make them text or numbers",
            source,
        )
    return fields, kept.astype(np.int64), _LANGUAGE_BYTES.get(data[29])


def _whole_pieces(fields: Sequence[_Field]) -> list[bytes]:
    """All texts that are not cut inside a character by the width of their field."""
    pieces = [field.name for field in fields if len(field.name) < 10]
    for field in fields:
        if field.kind == "C":
            values = np.unique(np.char.rstrip(field.cells, b" \0")).tolist()
            pieces += [value for value in values if len(value) < field.width - 2] or values
    return pieces


def _cells(field: _Field, encoding: str) -> list[str | None]:
    stripped = np.char.strip(field.cells, b" \0").tolist()
    if field.kind == "C":
        return [_decode(cell, encoding) if cell else None for cell in stripped]
    texts = [cell.decode("latin-1") for cell in stripped]
    if field.kind == "D":
        return [f"{t[:4]}-{t[4:6]}-{t[6:]}" if len(t) == 8 and t.isdigit() else None for t in texts]
    return [text if text.strip("*?") else None for text in texts]


def _field_name(value: bytes, encoding: str) -> str:
    """Decode a name; one of ten bytes may end in half a character, which is left out."""
    return value.decode(encoding, "ignore") if len(value) == 10 else _decode(value, encoding)


def _decode(value: bytes, encoding: str) -> str:
    """Decode a cell; what does not decode becomes U+FFFD and is refused later, with its row."""
    return value.decode(encoding, "replace")

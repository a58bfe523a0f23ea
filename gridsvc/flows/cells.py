"""Values of a table as plain Python: what is missing is None, whatever the reader calls it."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.words import Text


def column(frame: Any, name: str) -> list[Any]:
    """A column as a list, None for missing values; all None where there is no such column."""
    if name not in frame.columns:
        return [None] * len(frame)
    values = frame[name].astype(object)
    return list(values.where(values.notna(), None).tolist())


def texts(frame: Any, name: str) -> list[str]:
    """A column as stripped text, ``""`` for missing values."""
    return ["" if value is None else str(value).strip() for value in column(frame, name)]


def whole(value: Any) -> int | None:
    """A whole number, None where it is missing."""
    return None if value is None or value != value else int(value)


def number(value: Any) -> float | None:
    """A finite number, None where it is missing or not finite."""
    if value is None:
        return None
    given = float(value)
    return given if math.isfinite(given) else None


def moment(value: Any) -> datetime | None:
    """A moment as a plain datetime, None where it is missing."""
    plain = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return plain if isinstance(plain, datetime) else None


def words(names: Mapping[Any, Text]) -> dict[str, Any]:
    """Every way to write a value: itself, its Chinese name, its English name."""
    known: dict[str, Any] = {}
    for value, name in names.items():
        known |= {str(value): value, name.zh: value, name.en.lower(): value}
    return known


def row_fault(code: str, row: int, text: Text, of: str = "") -> Fault:
    """A fault of one row of a file (0-based; told from 1), with the code of what is in it."""
    told = Text(f"第 {row + 1} 行：{text.zh}", f"row {row + 1}: {text.en}")
    return Fault(code, told, of)


def refuse(faults: list[Fault]) -> None:
    """Raise LayerError with the faults, if there are any."""
    if faults:
        raise LayerError(faults)

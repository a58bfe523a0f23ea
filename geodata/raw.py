"""A file as it stands, before anything is understood: columns, geometries, what it declares."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import Geometries
from gridsvc.domain.words import Text


@dataclass(frozen=True)
class RawColumn:
    """One column under the file's own name; ``cells`` as many as there are rows."""

    name: str
    cells: pa.ChunkedArray | Sequence[Any]

    def values(self) -> list[Any]:
        """Give the cells as Python values, None where there is none."""
        return _python(self.cells)

    def sample(self, most: int = 2000) -> list[Any]:
        """Give at most ``most`` cells, spread evenly over the file."""
        step = max(1, len(self.cells) // most)
        if isinstance(self.cells, pa.ChunkedArray):
            return _python(self.cells.take(pa.array(range(0, len(self.cells), step))))
        return list(self.cells[::step])


@dataclass(frozen=True)
class RawLayer:
    """What a reader of one format hands on.

    Parameters
    ----------
    rows
        How many there are.
    columns
        In the file's order; names may repeat.
    geometry
        The geometries in the file's CRS, None where the format or the table has none.
    crs
        The CRS that the file declares (any text PROJ takes), None where it declares nothing.
    encoding
        What the text was read in, None where the format has only one.
    faults
        What was wrong in single rows; reported together with everything found later.
    hints
        Texts beside the data that may tell the datum: layer names, notes.
    defused
        Whether text cells carry the apostrophe that keeps spreadsheets from running them.
    """

    rows: int
    columns: tuple[RawColumn, ...]
    geometry: Geometries | None = None
    crs: str | None = None
    encoding: str | None = None
    faults: tuple[Fault, ...] = ()
    hints: tuple[str, ...] = field(default=())
    defused: bool = False


def _python(cells: pa.ChunkedArray | Sequence[Any]) -> list[Any]:
    if not isinstance(cells, pa.ChunkedArray):
        return list(cells)
    try:
        return list(cells.to_pylist())
    except UnicodeDecodeError:
        # Bytes that are not UTF-8 in a format that promises it: refused later, with their rows.
        raw = cells.cast(pa.large_binary()).to_pylist()
        return [None if cell is None else cell.decode("utf-8", "replace") for cell in raw]


def shapes_of(
    shapes: Geometries, given: npt.NDArray[np.bool_]
) -> tuple[Geometries, tuple[Fault, ...]]:
    """Pair shapes with the fault of the rows that hold something which became no shape."""
    bad = np.flatnonzero(given & shapely.is_missing(shapes)).tolist()
    if not bad:
        return shapes, ()
    rows = rows_text(bad)
    return shapes, (
        fault(
            "geometry_unreadable",
            f"图形无法读取（环未闭合、点数不足或格式错误）：{rows.zh}",
            f"geometries that cannot be read (a ring not closed, too few points, malformed): "
            f"{rows.en}",
            "geometry",
        ),
    )


def fault(code: str, zh: str, en: str, where: str = "") -> Fault:
    """Make a fault from its two sentences."""
    return Fault(code, Text(zh, en), where)


def refuse(code: str, zh: str, en: str, where: str = "") -> LayerError:
    """Make the error of one fault that ends the reading."""
    return LayerError(fault(code, zh, en, where))


def rows_text(rows: Sequence[int], most: int = 8) -> Text:
    """Name 0-based rows as people count them: from 1, without the header; the first few."""
    shown = ", ".join(str(row + 1) for row in rows[:most])
    if len(rows) > most:
        return Text(
            f"共 {len(rows)} 行（第 {shown} 等行，不计表头）",
            f"{len(rows)} rows ({shown}, ..., the header not counted)",
        )
    return Text(f"第 {shown} 行（不计表头）", f"row {shown} (the header not counted)")

"""Cells of CSV and XLSX: text that a spreadsheet would run, and geometries as exact text.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula (OWASP, "CSV
Injection"; a tab, carriage return or line feed before it and the full-width signs count too). On
export such text gets one apostrophe in front; on import the apostrophe is taken off again.

The rule loses nothing, because it is applied to every text that the import would change as well:
text is *marked* when, after any leading apostrophes, it is empty or begins with one of the signs.
Marked text is written with one more apostrophe and read with one fewer; other text is never
touched (``'24 block`` stays). The empty text is marked, so a blank cell is always a null. Numbers
are not text: negative numbers stay numbers.
"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PAIR = re.compile(r"\[([^\[\],]+),([^\[\],]+)\]")


def marked(text: str) -> bool:
    """Whether ``text`` is written with an apostrophe more and read with one fewer."""
    bare = text.lstrip("'")
    return not bare or bare.startswith(_SIGNS)


def defuse(text: str) -> str:
    """The cell that holds ``text``: it never begins with a sign that starts a formula."""
    return "'" + text if marked(text) else text


def undefuse(cell: str) -> str:
    """The text that ``defuse`` was given."""
    return cell[1:] if cell.startswith("'") and marked(cell) else cell


def wkt(geometries: npt.NDArray[np.object_]) -> list[str | None]:
    """WKT of each geometry (2D), None for None, that reads back bit for bit.

    GEOS's own WKT writer keeps 16 decimals, which is too few for ordinates below 0.1; its GeoJSON
    writer gives the shortest decimals that round-trip, so the WKT is made from those.
    """
    return [None if shape is None else _wkt(shape) for shape in geometries]


def _wkt(shape: Any) -> str:
    name = shape.geom_type.upper()
    if shape.is_empty:
        return f"{name} EMPTY"
    ordinates = ordinates_json(shape)
    if name == "POINT":
        ordinates = f"[{ordinates}]"
    body = _PAIR.sub(r"\1 \2", ordinates).replace("[", "(").replace("]", ")").replace(",", ", ")
    return f"{name} {body}"


def ordinates_json(shape: Any) -> str:
    """The ``coordinates`` of one geometry (2D) as JSON, shortest decimals that round-trip."""
    if shape.is_empty:
        return "[]"
    text = str(shapely.to_geojson(shape))
    return text[text.index("[") : -1]

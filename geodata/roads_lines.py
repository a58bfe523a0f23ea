"""Roads of a line layer: survey data in any format that layers come in."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import shapely

from geodata.layer import Layer, LayerKind
from geodata.raw import refuse
from geodata.read import read_layer
from geodata.road_classes import class_of, letter_of, limit_of, one_way_of, surface_of, usual_access
from geodata.road_joining import join
from geodata.road_report import Drops, Reason, Source
from geodata.road_topology import Ways
from gridsvc.domain.geo import Datum, MetricFrame

TOLERANCE_M = 0.5
"""Vertices this near to each other are one place, and an end this near to a line lies on it."""

T = TypeVar("T")


def read_lines(
    path: Path,
    *,
    tolerance_m: float = TOLERANCE_M,
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    datum: Datum | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    allow_columns: Sequence[str] = (),
) -> Source:
    """Read the roads of a line layer.

    Lines are joined where vertices of them lie within ``tolerance_m`` metres, and where one ends
    on another (`geodata.road_joining.join`); not where they only cross. Everybody may use what
    their class is for. The columns are those of `geodata.columns` for roads, the others as
    `geodata.read.read_layer` takes them.

    Raises
    ------
    LayerError
        With every fault that ``read_layer`` finds, or where no row is a line.
    """
    read = read_layer(
        path,
        LayerKind.ROADS,
        columns=columns,
        crs=crs,
        datum=datum,
        encoding=encoding,
        layer=layer,
        allow_columns=allow_columns,
    )
    return source_of(read, tolerance_m=tolerance_m)


def source_of(layer: Layer, *, tolerance_m: float = TOLERANCE_M) -> Source:
    """The roads of a layer that was read."""
    drops = Drops()
    geometry = np.asarray(layer.frame.geometry.to_numpy(), dtype=object)
    ids = _ids(layer)
    there = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    for row in np.flatnonzero(~there).tolist():
        drops.add(Reason.NO_GEOMETRY, ids[row])
    rows = np.flatnonzero(there)
    if not len(rows):
        raise refuse("no_roads", "没有一行有图形", "no row has a geometry", layer.source)
    lines, own = shapely.get_parts(geometry[rows], return_index=True)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    start = np.concatenate([[0], np.cumsum(np.bincount(line, minlength=len(lines)))])
    frame = MetricFrame.around(float(np.median(xy[:, 0])))
    xy, vertex, start = join(xy, start.astype(np.int64), tolerance_m=tolerance_m, frame=frame)
    place = rows[own]
    for number in np.flatnonzero(_same(vertex, start)).tolist():
        drops.add(Reason.TOO_SHORT, ids[place[number]])
    told = _Cells(layer, ids, drops)
    classes = told.of("class", class_of, "unclassified", Reason.UNKNOWN_CLASS)
    surface = told.of("surface", lambda word: surface_of(word) or None, "", Reason.UNKNOWN_SURFACE)
    limit = told.of("speed", _known_limit, math.nan, Reason.UNKNOWN_LIMIT)
    letters = layer.frame["oneway"].isin(["B", "b"]).any()
    which_way = letter_of if letters else one_way_of
    one_way = np.array(told.of("oneway", which_way, 0, Reason.UNKNOWN_ONE_WAY))[place]
    names = told.of("name", str.strip, "", Reason.UNKNOWN_CLASS)
    access = np.array([usual_access(classes[row]) for row in place], dtype=np.uint8)
    foot = access & 1
    ways = Ways(
        id=[ids[row] for row in place],
        road_class=[classes[row] for row in place],
        surface=[surface[row] for row in place],
        name=[names[row] for row in place],
        limit_kmh=np.array([limit[row] for row in place], dtype=np.float64),
        along=np.where(one_way < 0, foot, access).astype(np.uint8),
        against=np.where(one_way > 0, foot, access).astype(np.uint8),
        start=start,
        vertex=vertex,
        xy=xy,
    )
    return Source(ways, drops, layer.source)


class _Cells:
    """The words of a layer's columns; those that nobody knows are noted."""

    def __init__(self, layer: Layer, ids: Sequence[str], drops: Drops) -> None:
        self._frame, self._ids, self._drops = layer.frame, ids, drops

    def of(self, column: str, known: Callable[[str], T | None], default: T, why: Reason) -> list[T]:
        """What each row's word means, ``default`` where there is none or nobody knows it."""
        meanings: dict[str, T | None] = {}
        values: list[T] = []
        for row, cell in enumerate(self._frame[column].tolist()):
            word = "" if cell is None else str(cell)
            if word not in meanings:
                meanings[word] = known(word) if word.strip() else None
            meaning = meanings[word]
            if meaning is None and word.strip():
                self._drops.add(why, f"{self._ids[row]}（{word}）")
            values.append(default if meaning is None else meaning)
        return values


def _known_limit(word: str) -> float | None:
    kmh = limit_of(word)
    return kmh if math.isfinite(kmh) else None


def _ids(layer: Layer) -> list[str]:
    """Ids of the rows: the file's own, else the row's number from 1."""
    cells: list[Any] = layer.frame["id"].tolist()
    return [str(row + 1) if not cell else str(cell) for row, cell in enumerate(cells)]


def _same(vertex: np.ndarray[Any, Any], start: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Lines all of whose vertices are one place."""
    low = np.minimum.reduceat(vertex, start[:-1])
    return np.asarray(low == np.maximum.reduceat(vertex, start[:-1]))

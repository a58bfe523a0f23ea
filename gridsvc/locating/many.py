"""Many positions at once, in arrays."""

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.errors import Fault, PositionError
from gridsvc.domain.geo import Bounds, Floats, Geometries, check_position
from gridsvc.domain.words import Text
from gridsvc.locating.cell_index import CellIndex

_SHOWN = 5


def decide_many(
    index: CellIndex, polygons: Geometries, lng: Floats, lat: Floats
) -> npt.NDArray[np.int64]:
    """Number of the polygon that holds each position, -1 for none.

    Parameters
    ----------
    index
        Of ``polygons``.
    polygons
        (n,) prepared, in order of preference.
    lng, lat
        (m,) degrees.

    Returns
    -------
    numpy.ndarray
        (m,) int64.
    """
    values = index.look_up_many(lng=lng, lat=lat)
    leaf = values.astype(np.int64) - 1
    leaf[values <= 0] = -1
    entries = index.entries
    mixed = np.flatnonzero(values < 0)
    entry = -1 - values[mixed].astype(np.int64)
    leaf[mixed] = entries.sure[entry]
    unsure = entries.sure[entry] < 0
    todo, entry = mixed[unsure], entry[unsure]
    at, stop = entries.touch_ptr[entry].astype(np.int64), entries.touch_ptr[entry + 1]
    closed = ~entries.open[entry]
    while len(todo):
        going = at < stop
        todo, at, stop, closed = todo[going], at[going], stop[going], closed[going]
        candidate = entries.touch[at]
        hit = closed & (at == stop - 1)
        ask = np.flatnonzero(~hit)
        hit[ask] = shapely.intersects_xy(polygons[candidate[ask]], lng[todo[ask]], lat[todo[ask]])
        leaf[todo[hit]] = candidate[hit]
        todo, at, stop, closed = todo[~hit], at[~hit] + 1, stop[~hit], closed[~hit]
    return leaf


def check_positions(lng: Floats, lat: Floats, *, bounds: Bounds) -> None:
    """Refuse arrays that hold positions that cannot be meant.

    Raises
    ------
    PositionError
        A fault a kind of suspicion, with the number of positions and the first rows.
    """
    if lng.shape != lat.shape or lng.ndim != 1:
        raise PositionError(
            Fault(
                "bad_shape",
                Text(
                    f"lng 与 lat 应为等长一维数组，现为 {lng.shape} 和 {lat.shape}",
                    f"lng and lat must be 1-d and of one length, not {lng.shape}, {lat.shape}",
                ),
            )
        )
    problems = suspicions(lng, lat, bounds=bounds)
    if not problems:
        return
    by_code: dict[str, list[int]] = {}
    first: dict[str, Fault] = {}
    for row, fault in problems.items():
        by_code.setdefault(fault.code, []).append(row)
        first.setdefault(fault.code, fault)
    faults = []
    for code, rows in by_code.items():
        text = first[code].text
        shown = ", ".join(str(row) for row in rows[:_SHOWN])
        faults.append(
            Fault(
                code,
                Text(
                    f"{len(rows)} 个位置（行 {shown} 等）：{text.zh}",
                    f"{len(rows)} positions (rows {shown} ...): {text.en}",
                ),
                "position",
            )
        )
    raise PositionError(faults)


def suspicions(lng: Floats, lat: Floats, *, bounds: Bounds) -> dict[int, Fault]:
    """What is wrong with each bad position, by row; empty where all are good."""
    west, south, east, north = bounds
    inside = (lng >= west) & (lng <= east) & (lat >= south) & (lat <= north)
    problems: dict[int, Fault] = {}
    for row in np.flatnonzero(~inside).tolist():
        try:
            check_position(lng=float(lng[row]), lat=float(lat[row]), bounds=bounds)
        except PositionError as error:
            problems[row] = error.faults[0]
    return problems

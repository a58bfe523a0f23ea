"""Many positions at once, in arrays."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.errors import Fault, PositionError
from gridsvc.domain.geo import (
    FAR_AWAY,
    MARGIN_DEG,
    NOT_FINITE,
    NULL_ISLAND,
    OUT_OF_RANGE,
    SUSPICIONS,
    SWAPPED,
    SWAPPED_IN_COUNTY,
    Bounds,
    Floats,
    Geometries,
    suspicion_fault,
)
from gridsvc.domain.words import Lang, Text
from gridsvc.locating.cell_index import CellIndex

Numbers = npt.NDArray[np.int8]

GOOD = -1
"""The number of a position that nothing is suspected of."""

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
    bad = BadRows(bounds, _SHOWN)
    bad.add(suspicions(lng, lat, bounds=bounds), lng, lat)
    faults = []
    for code, told in bad.by_code.items():
        shown = ", ".join(str(row) for row in told.rows)
        faults.append(
            Fault(
                code,
                Text(
                    f"{told.count} 个位置（行 {shown} 等）：{told.text.zh}",
                    f"{told.count} positions (rows {shown} ...): {told.text.en}",
                ),
                "position",
            )
        )
    if faults:
        raise PositionError(faults)


def suspicions(lng: Floats, lat: Floats, *, bounds: Bounds) -> Numbers:
    """What is wrong with each position: `gridsvc.domain.geo.check_position` for arrays.

    Parameters
    ----------
    lng, lat
        (n,) degrees.
    bounds
        ``(west, south, east, north)`` of the county in degrees.

    Returns
    -------
    numpy.ndarray
        (n,) int8: the number of the suspicion in ``domain.geo.SUSPICIONS``, ``GOOD`` for none.
    """
    numbers = np.full(len(lng), GOOD, dtype=np.int8)
    near = _within(lng, lat, bounds) & (np.abs(lng) <= 180) & (np.abs(lat) <= 90)
    rows = np.flatnonzero(~near | ((lng == 0) & (lat == 0)))
    x, y = lng[rows], lat[rows]
    inside, in_range = _within(x, y, bounds), (np.abs(x) <= 180) & (np.abs(y) <= 90)
    numbers[rows] = np.select(
        [
            ~(np.isfinite(x) & np.isfinite(y)),
            (x == 0) & (y == 0),
            ~inside & _within(y, x, bounds),
            ~in_range & (np.abs(x) <= 90) & (np.abs(y) <= 180),
            ~in_range,
            ~inside,
        ],
        [NOT_FINITE, NULL_ISLAND, SWAPPED_IN_COUNTY, SWAPPED, OUT_OF_RANGE, FAR_AWAY],
        default=GOOD,
    )
    return numbers


@dataclass(slots=True)
class Told:
    """What is told of all positions of one suspicion: how many, the first rows, one text."""

    count: int
    rows: list[int]
    text: Text


@dataclass
class BadRows:
    """The bad positions of a file of any length, in a few words for each code: ``shown`` rows."""

    bounds: Bounds
    shown: int
    by_code: dict[str, Told] = field(default_factory=dict)
    read: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(told.count for told in self.by_code.values())

    def add(self, numbers: Numbers, lng: Floats, lat: Floats) -> None:
        """Count the next positions, all of shape (n,); rows are told from the first ever added."""
        by_code: dict[str, list[int]] = {}
        for number in np.unique(numbers[numbers != GOOD]).tolist():
            by_code.setdefault(SUSPICIONS[number][0], []).append(number)
        for code, alike in by_code.items():
            rows = np.flatnonzero(np.isin(numbers, alike))
            told = self.by_code.get(code)
            if told is None:
                row = int(rows[0])
                told = self.by_code[code] = Told(0, [], self._fault(numbers, lng, lat, row).text)
            told.count += len(rows)
            told.rows += (rows[: self.shown - len(told.rows)] + self.read).tolist()
        self.read += len(numbers)

    def texts(self, numbers: Numbers, lng: Floats, lat: Floats, *, lang: Lang) -> list[str | None]:
        """A sentence for every position of shape (n,), None for the good ones."""
        said: list[str | None] = [None] * len(numbers)
        for row in np.flatnonzero(numbers != GOOD).tolist():
            said[row] = self._fault(numbers, lng, lat, row).text.pick(lang)
        return said

    def _fault(self, numbers: Numbers, lng: Floats, lat: Floats, row: int) -> Fault:
        at = {"lng": float(lng[row]), "lat": float(lat[row])}
        return suspicion_fault(int(numbers[row]), bounds=self.bounds, **at)


def _within(lng: Floats, lat: Floats, bounds: Bounds) -> npt.NDArray[np.bool_]:
    west, south, east, north = bounds
    found: npt.NDArray[np.bool_] = (
        (west - MARGIN_DEG <= lng)
        & (lng <= east + MARGIN_DEG)
        & (south - MARGIN_DEG <= lat)
        & (lat <= north + MARGIN_DEG)
    )
    return found

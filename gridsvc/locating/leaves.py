"""The finest polygons of a map: its end units, and the grids that have none."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from gridsvc.domain.area import Level, PublishedMap
from gridsvc.domain.geo import Geometries

Codes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Leaves:
    """Arrays of shape (n,), in order of grid code, then unit code: the order of preference.

    ``grid_number`` is the place of the leaf's grid among the map's grids.
    """

    polygons: Geometries
    unit: Codes
    grid: Codes
    village: Codes
    township: Codes
    grid_number: npt.NDArray[np.int64]

    @classmethod
    def of(cls, published: PublishedMap) -> Self:
        """Gather the leaves of a map. A grid with units is exactly their union, so the leaves
        say everything that the grids' polygons would."""
        units_of: dict[str, list[int]] = {}
        for at, unit in enumerate(published.units):
            units_of.setdefault(unit.grid, []).append(at)
        townships = {d.code: d.parent for d in published.divisions if d.level is Level.VILLAGE}
        rows: list[tuple[object, str | None, str, str, str, int]] = []
        for number, grid in enumerate(published.grids):
            township = townships.get(grid.village) or ""
            own = units_of.get(grid.code)
            if own is None:
                rows.append((grid.geometry, None, grid.code, grid.village, township, number))
                continue
            for at in own:
                unit = published.units[at]
                rows.append((unit.geometry, unit.code, grid.code, grid.village, township, number))
        columns = [np.empty(len(rows), dtype=object) for _ in range(5)]
        for column, values in zip(columns, zip(*rows, strict=True), strict=False):
            column[:] = values
        number_of = np.fromiter((row[5] for row in rows), dtype=np.int64, count=len(rows))
        return cls(columns[0], columns[1], columns[2], columns[3], columns[4], number_of)

"""Where help may be needed: one point for each of the county's finest areas."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.area import EndUnit, Grid, PublishedMap
from gridsvc.domain.geo import Floats, MetricFrame

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Demand:
    """A point inside every end unit, and inside every grid that has none.

    Attributes
    ----------
    xy
        In the county's metres, shape (n_points, 2).
    grid
        Which grid of the map each point belongs to, shape (n_points,).
    residents
        Of each point's area, shape (n_points,); NaN where none are known.
    area_m2
        Of each point's area, in square metres, shape (n_points,).
    grids
        Number of grids of the map. Each has at least one point.
    """

    xy: Floats
    grid: Ints
    residents: Floats
    area_m2: Floats
    grids: int

    @classmethod
    def of(cls, published: PublishedMap, frame: MetricFrame) -> Self:
        """Take the points of a map.

        Where no unit of a grid has a resident figure but the grid has one, its residents are
        spread over the units by their area.
        """
        index = {grid.code: place for place, grid in enumerate(published.grids)}
        with_units = {unit.grid for unit in published.units}
        own = [place for place, grid in enumerate(published.grids) if grid.code not in with_units]
        areas: list[EndUnit | Grid] = [*published.units, *(published.grids[place] for place in own)]
        grid = np.array([*(index[unit.grid] for unit in published.units), *own], dtype=np.int64)
        plane = frame.geometries([area.geometry for area in areas])
        area_m2 = np.asarray(shapely.area(plane), dtype=np.float64)
        return cls(
            xy=shapely.get_coordinates(shapely.point_on_surface(plane)),
            grid=grid,
            residents=_residents(
                _figures([area.residents for area in areas]),
                _figures([each.residents for each in published.grids]),
                grid,
                area_m2,
            ),
            area_m2=area_m2,
            grids=len(published.grids),
        )


def _figures(numbers: list[int | None]) -> Floats:
    return np.array([np.nan if n is None else n for n in numbers], dtype=np.float64)


def _residents(own: Floats, of_grid: Floats, grid: Ints, area_m2: Floats) -> Floats:
    """Residents of the points: their own, or their share of the grid's."""
    known = np.isfinite(own)
    silent = np.bincount(grid, weights=known, minlength=len(of_grid)) == 0
    whole_m2 = np.bincount(grid, weights=area_m2, minlength=len(of_grid))
    return np.where(silent[grid], of_grid[grid] * area_m2 / whole_m2[grid], own)

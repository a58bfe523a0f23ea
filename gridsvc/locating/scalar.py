"""One position at a time, with nothing on the way that could be done before.

These functions are closures over plain local values because a look-up takes a microsecond: every
attribute that is not asked for shows.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.locating.cell_index import CellIndex

Find = Callable[[float, float], int]
"""(lng, lat) in degrees to a number."""


def view(array: npt.NDArray[Any]) -> "memoryview[int]":
    """An array whose single items are quick to read."""
    return memoryview(cast(Any, array))


def settle(polygons: npt.NDArray[np.object_]) -> None:
    """Prepare polygons so that threads may ask them at once.

    GEOS builds the index of a prepared polygon when it is first needed, which is the second
    question, and takes no lock: two threads that ask at that moment corrupt memory. Asked twice
    here, before anybody else can, it is only read afterwards.
    """
    shapely.prepare(polygons)
    coords, part = shapely.get_coordinates(polygons, return_index=True)
    asked, first = np.unique(part, return_index=True)
    for _ in range(2):
        shapely.intersects_xy(polygons[asked], coords[first, 0], coords[first, 1])


def settled_tree(geometries: Any) -> shapely.STRtree:
    """A tree that is built, not one that builds itself at the first question."""
    tree = shapely.STRtree(geometries)
    tree.query(shapely.Point(0, 0))
    return tree


def decider(index: CellIndex, polygons: Sequence[Any]) -> Callable[[int, float, float], int]:
    """The function (entry, lng, lat) -> number of the polygon that holds the position, or -1.

    The polygons (prepared, in order of preference) decide. In a cell that is covered whole the
    last candidate needs no question: the others have said no.
    """
    entries = index.entries
    sure, is_open = view(entries.sure), view(entries.open)
    ptr, touch = view(entries.touch_ptr), view(entries.touch)
    intersects_xy = shapely.intersects_xy

    def decide(entry: int, lng: float, lat: float) -> int:
        known = sure[entry]
        if known >= 0:
            return known
        stop = ptr[entry + 1]
        last = stop if is_open[entry] else stop - 1
        for at in range(ptr[entry], last):
            polygon = touch[at]
            if intersects_xy(polygons[polygon], lng, lat):
                return polygon
        return -1 if last == stop else touch[last]

    return decide


def leaf_finder(index: CellIndex, decide: Callable[[int, float, float], int]) -> Find:
    """The function (lng, lat) -> number of the leaf that holds the position, or -1."""
    look_up = index.scalar()

    def find(lng: float, lat: float) -> int:
        value = look_up(lng, lat)
        if value > 0:
            return value - 1
        return decide(-1 - value, lng, lat) if value else -1

    return find


def grid_finder(
    index: CellIndex, decide: Callable[[int, float, float], int], grid_of: npt.NDArray[Any]
) -> Find:
    """The function (lng, lat) -> number of the grid that holds the position, or -1.

    ``index`` is the leaves' index coarsened to grids; where it is not sure, the leaves decide,
    and ``grid_of`` gives the grid of the leaf.
    """
    look_up, sure, parent = index.scalar(), view(index.entries.sure), view(grid_of)

    def find(lng: float, lat: float) -> int:
        value = look_up(lng, lat)
        if value > 0:
            return value - 1
        if value == 0:
            return -1
        known = sure[-1 - value]
        if known >= 0:
            return known
        leaf = decide(-1 - value, lng, lat)
        return parent[leaf] if leaf >= 0 else -1

    return find

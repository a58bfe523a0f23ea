"""The current map with its index, which is kept in a file beside the data."""

import hashlib
from pathlib import Path

import shapely

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.geo import MetricFrame
from gridsvc.flows.kept_arrays import keep, read_kept
from gridsvc.locating import GridMap
from gridsvc.locating.cell_index import LAYOUT, CellIndex
from gridsvc.locating.leaves import Leaves


def load_map(
    published: PublishedMap, *, cache: Path | None, central_meridian: float | None
) -> GridMap:
    """Make a map ready to answer.

    Parameters
    ----------
    published
        A version of the map with at least one grid.
    cache
        Folder in which the built index is kept; a file that does not fit these polygons, this
        layout, or cannot be read, is built anew. None: nothing is kept.
    central_meridian
        Of the metre frame; None: of the zone that the map lies in.
    """
    leaves = Leaves.of(published)
    west, _, east, _ = shapely.total_bounds(leaves.polygons)
    frame = (
        MetricFrame.around((west + east) / 2)
        if central_meridian is None
        else MetricFrame(central_meridian)
    )
    if cache is None:
        return GridMap(published, frame=frame, leaves=leaves)
    path = cache / f"cells-{_digest(published, leaves, frame)}.npz"
    index = read_kept(path, CellIndex.from_arrays)
    grid_map = GridMap(published, frame=frame, index=index, leaves=leaves)
    if index is None:
        kept = grid_map.index.arrays()
        keep(path, kept, older="cells-*.npz", what="the index of the map")
    return grid_map


def _digest(published: PublishedMap, leaves: Leaves, frame: MetricFrame) -> str:
    """What the index depends on: the polygons in their order, and how it is laid out."""
    digest = hashlib.sha256(f"{LAYOUT} {frame.central_meridian} {published.clean}".encode())
    for wkb in shapely.to_wkb(leaves.polygons).tolist():
        digest.update(wkb)
    return digest.hexdigest()[:24]

"""The current map with its index, which is kept in a file beside the data."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import shapely

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.geo import MetricFrame
from gridsvc.locating import GridMap
from gridsvc.locating.cell_index import LAYOUT, CellIndex
from gridsvc.locating.leaves import Leaves

log = logging.getLogger(__name__)


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
    index = _read(path)
    grid_map = GridMap(published, frame=frame, index=index, leaves=leaves)
    if index is None:
        _write(path, grid_map.index)
    return grid_map


def _digest(published: PublishedMap, leaves: Leaves, frame: MetricFrame) -> str:
    """What the index depends on: the polygons in their order, and how it is laid out."""
    digest = hashlib.sha256(f"{LAYOUT} {frame.central_meridian} {published.clean}".encode())
    for wkb in shapely.to_wkb(leaves.polygons).tolist():
        digest.update(wkb)
    return digest.hexdigest()[:24]


def _read(path: Path) -> CellIndex | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return CellIndex.from_arrays(dict(arrays))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _write(path: Path, index: CellIndex) -> None:
    """Keep the index, and no older one. A folder that takes no file costs the next start some
    seconds, nothing more."""
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **index.arrays())
        part.replace(path)
        for other in path.parent.glob("cells-*.npz"):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the index of the map cannot be kept in %s: %s", path.parent, error)
        if part is not None:
            part.unlink(missing_ok=True)

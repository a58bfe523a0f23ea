"""Several threads ask a map that was just built. Run as a process of its own: a fault here is a
crash, not an exception.

Usage: python -m tests.concurrent_locating SEED
"""

import sys
import threading

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.area import Grid, PublishedMap, as_multipolygon
from gridsvc.domain.geo import MetricFrame
from gridsvc.locating import GridMap
from gridsvc.locating.cell_index import CellIndex

THREADS = 4
SIDE = 12
CELLS, LINES = range(SIDE), range(SIDE + 1)
BENDS = 1500


def wavy_map() -> GridMap:
    """A coverage of grids with thousands of vertices each, so that preparing one takes a while."""
    west, south, step = 104.0, 24.5, 0.01
    rows = [[_wave(west + step * x, south + step * y, step, 0) for x in CELLS] for y in LINES]
    columns = [[_wave(west + step * x, south + step * y, step, 1) for x in LINES] for y in CELLS]
    grids = []
    for y in CELLS:
        for x in CELLS:
            ring = [rows[y][x], columns[y][x + 1], rows[y + 1][x][::-1], columns[y][x][::-1]]
            polygon = shapely.Polygon(np.concatenate([part[:-1] for part in ring]))
            code = f"530324001001{y * SIDE + x:03d}"
            grids.append(Grid(code, code, code[:12], as_multipolygon(polygon)))
    # Coarse cells of the boxes: quick to build, and the polygons are asked about every point.
    frame = MetricFrame()
    boxes = shapely.envelope(np.array([grid.geometry for grid in grids], dtype=object))
    index = CellIndex.build(boxes, frame=frame, clean=False, resolution=8)
    published = PublishedMap(1, (), tuple(grids), (), clean=True)
    return GridMap(published, frame=frame, index=index)


def _wave(lng: float, lat: float, length: float, axis: int) -> npt.NDArray[np.float64]:
    """A wavy line that starts at a corner and runs east (axis 0) or north (axis 1)."""
    share = np.linspace(0, 1, BENDS)
    line = np.tile([lng, lat], (BENDS, 1))
    line[:, axis] += share * length
    line[:, 1 - axis] += 0.0004 * np.sin(40 * np.pi * share)
    return np.round(line, 9)


def main(seed: int) -> None:
    """Ask near every edge from every thread at once, the moment the map is there."""
    grid_map = wavy_map()
    rng = np.random.default_rng(seed)
    edges = shapely.get_coordinates([grid.geometry for grid in grid_map.published.grids])
    points = (rng.permutation(edges)[:4000] + rng.uniform(-2e-6, 2e-6, (4000, 2))).tolist()
    barrier = threading.Barrier(THREADS)
    answers: list[list[str | None]] = [[] for _ in range(THREADS)]

    def ask(own: list[str | None]) -> None:
        barrier.wait()
        own.extend(grid_map.locate_code(lng=lng, lat=lat) for lng, lat in points)

    threads = [threading.Thread(target=ask, args=(own,)) for own in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(own == answers[0] for own in answers)


if __name__ == "__main__":
    main(int(sys.argv[1]))

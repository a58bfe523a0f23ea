"""A made-up county with jagged edges for the tests of the pages: no file, no network."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import shapely

from gridsvc.domain.area import Division, Grid, Level, PublishedMap, as_multipolygon
from gridsvc.domain.kinds import KINDS
from gridsvc.domain.topology import snap

LAST_DAY = date(2026, 11, 23)
WEST, SOUTH, STEP = 104.0, 24.6, 0.006
TOWNSHIPS = ("罗雄街道", "鲁布革布依族苗族乡", "旧屋基彝族乡", "板桥镇")
EVIL = "</script><img src=x onerror=document.title='broken'><b>&amp;\"'`${1}"

Counts = dict[str, dict[tuple[date, str, int], int]]


def jagged_map(
    columns: int = 20, rows: int = 20, *, evil: bool = False, demo: bool = True, bends: int = 12
) -> PublishedMap:
    """``columns`` x ``rows`` grids whose shared edges wander by some metres, four townships."""
    rng = np.random.default_rng(11)
    corner = {
        (i, j): np.array([WEST + STEP * i, SOUTH + STEP * j]) + rng.normal(0, STEP / 12, 2)
        for i in range(columns + 1)
        for j in range(rows + 1)
    }

    def edge(a: tuple[int, int], b: tuple[int, int]) -> np.ndarray:
        if (a, b) not in edges:
            part = np.linspace(0, 1, bends + 2)[:, None]
            line = corner[a] + part * (corner[b] - corner[a])
            line[1:-1] += rng.normal(0, STEP / 60, (bends, 2))
            edges[a, b], edges[b, a] = line, line[::-1]
        return edges[a, b]

    edges: dict[tuple[tuple[int, int], tuple[int, int]], np.ndarray] = {}
    divisions = [Division("530324", "罗平县", Level.COUNTY, None)]
    for number, name in enumerate(TOWNSHIPS, 1):
        township = f"530324{number:03d}"
        shown = EVIL if evil and number == 2 else name
        divisions.append(Division(township, shown, Level.TOWNSHIP, "530324"))
        for village in (1, 2):
            code = f"{township}{village:03d}"
            divisions.append(Division(code, f"{name[:2]}{village}村", Level.VILLAGE, township))
    grids: list[Grid] = []
    for i in range(columns):
        for j in range(rows):
            ring = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
            line = np.vstack([edge(a, b)[:-1] for a, b in pairwise(ring)])
            shape = snap(np.array([as_multipolygon(shapely.Polygon(line))], dtype=object))[0]
            part = 1 + (2 * i // columns) + 2 * (2 * j // rows)
            home = f"530324{part:03d}{1 + j % 2:03d}"
            place = len(grids)
            name = EVIL if evil and place % 3 == 0 else f"第{place + 1}网格"
            code = f"{home}{place + 1:03d}"
            grids.append(Grid(code, name, home, shape, residents=40 + 7 * (place % 13)))
    return PublishedMap(
        7,
        tuple(sorted(divisions, key=lambda d: d.code)),
        tuple(sorted(grids, key=lambda g: g.code)),
        (),
        demo=demo,
    )


def made_up_counts(published: PublishedMap, *, each: int = 6) -> Counts:
    """Reports of the last 120 days: about ``each`` a grid, of all kinds, more in some grids."""
    rng = np.random.default_rng(5)
    counts: Counts = {}
    for grid in published.grids:
        for _ in range(rng.poisson(each * rng.gamma(1.0))):
            kind = KINDS[rng.integers(len(KINDS))]
            day = LAST_DAY - timedelta(days=int(rng.integers(120)))
            of_grid = counts.setdefault(grid.code, {})
            key = (day, kind.code, kind.urgency)
            of_grid[key] = of_grid.get(key, 0) + 1
    return counts

"""The county as arrays: codes, names, polygons, residents, and who lies in whom."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely

from geodata.synthetic.group import adjacency
from geodata.synthetic.layout import Layout, lay_out
from geodata.synthetic.names import DivisionTable, Village
from geodata.synthetic.outline import Outline
from geodata.synthetic.settle import Ground, Ints, Settlements, settle
from geodata.synthetic.size import CountySize, Streams
from gridsvc.domain.area import Area, GridKind
from gridsvc.domain.geo import GRID_SIZE_DEG, Floats, Geometries, MetricFrame
from gridsvc.domain.topology import is_coverage, union_of

_RESIDENTS = {
    Ground.TOWN: 62.0,
    Ground.SEAT: 52.0,
    Ground.VILLAGE: 42.0,
    Ground.HAMLET: 34.0,
    Ground.HILLS: 12.0,
}
_FEWEST = 3
_PIECE_DEG = 0.01
_SITES = ("中心学校", "农贸市场", "安置小区", "工业园", "客运站", "卫生院")


@dataclass(frozen=True)
class County:
    """Everything about the areas. Each level is sorted by code; shapes are MultiPolygons in
    CGCS2000 degrees; ``unit_at`` and ``village_at`` are ``(n, 2)`` lng, lat of a point inside.

    ``unit_grid``, ``grid_village`` and ``village_township`` are positions in the level above.
    """

    table: DivisionTable
    frame: MetricFrame
    outline: Area
    unit_codes: list[str]
    unit_names: list[str]
    unit_shapes: Geometries
    unit_at: Floats
    unit_ground: Ints
    unit_residents: Ints
    unit_grid: Ints
    grid_codes: list[str]
    grid_names: list[str]
    grid_shapes: Geometries
    grid_kinds: list[str]
    grid_residents: Ints
    grid_village: Ints
    village_shapes: Geometries
    village_codes: list[str]
    village_names: list[str]
    village_at: Floats
    village_ground: Ints
    village_township: Ints
    township_shapes: Geometries
    township_seat: Ints
    """Position of the village that each township's seat lies in."""


def make_county(
    outline: Outline, table: DivisionTable, size: CountySize, frame: MetricFrame, streams: Streams
) -> County:
    """Fill ``outline`` with the county's areas.

    Raises
    ------
    RuntimeError
        The result breaks a promise: a coverage, its union, or a count.
    """
    # Straight in degrees is not straight in metres: short pieces keep the two outlines together.
    metres = frame.geometries([shapely.segmentize(outline.area, _PIECE_DEG)])[0]
    places = settle(metres, table, streams("settlements"))
    layout = lay_out(outline, metres, places, size, frame, streams)
    places = replace(places, township=layout.township)
    villages = _name_villages(places, table)
    order = np.argsort([village.code for village in villages], kind="stable")
    rank = np.argsort(order)
    grid_village, grid_rank = _number_grids(layout, rank)
    unit_grid, unit_order = _number_units(layout, grid_rank)
    shapes = layout.cells.shapes[unit_order]
    grid_shapes = _unions(unit_grid, shapes)
    village_shapes = _unions(grid_village, grid_shapes)
    village_township = places.township[order]
    township_shapes = _unions(village_township, village_shapes)
    _check(outline, shapes, township_shapes)
    named = [villages[k] for k in order]
    grid_codes, grid_names, kinds = _grid_words(named, grid_village, layout.dedicated, grid_rank)
    unit_codes, unit_names = _unit_words(unit_grid, grid_codes, grid_names)
    ground = layout.ground[unit_order]
    residents = _people_in(ground, size.residents, streams("residents"))
    lng, lat = frame.back(x=places.centres[order, 0], y=places.centres[order, 1])
    return County(
        table=table,
        frame=frame,
        outline=outline.area,
        unit_codes=unit_codes,
        unit_names=unit_names,
        unit_shapes=shapes,
        unit_at=layout.cells.inside[unit_order],
        unit_ground=ground,
        unit_residents=residents,
        unit_grid=unit_grid,
        grid_codes=grid_codes,
        grid_names=grid_names,
        grid_shapes=grid_shapes,
        grid_kinds=kinds,
        grid_residents=np.bincount(unit_grid, residents).astype(np.intp),
        grid_village=grid_village,
        village_shapes=village_shapes,
        village_codes=[village.code for village in named],
        village_names=[village.name for village in named],
        village_at=np.column_stack([lng, lat]),
        village_ground=places.ground[order],
        village_township=village_township,
        township_shapes=township_shapes,
        township_seat=_seat_villages(places, order),
    )


def _name_villages(places: Settlements, table: DivisionTable) -> list[Village]:
    """The table's entry for each settlement: communities go to the most urban ones."""
    villages: list[Village | None] = [None] * len(places.centres)
    for number, township in enumerate(table.townships):
        own = np.flatnonzero(places.township == number)
        rows = _reading_order(places.centres[own])
        own = own[rows][np.argsort(places.ground[own][rows], kind="stable")]
        entries = sorted(township.villages, key=lambda village: not village.community)
        for place, entry in zip(own.tolist(), entries, strict=True):
            villages[place] = entry
    return [village for village in villages if village is not None]


def _reading_order(at: Floats) -> Ints:
    """West to east, then north to south: rows as high as the mean area's side, from the north;
    within a row from the west."""
    if len(at) < 2:
        return np.arange(len(at))
    span = np.maximum(at.max(axis=0) - at.min(axis=0), 1e-12)
    height = np.sqrt(span[0] * span[1] / len(at))
    row = np.floor((at[:, 1].max() - at[:, 1]) / height).astype(np.intp)
    return np.lexsort((at[:, 0], row))


def _number_grids(layout: Layout, village_rank: Ints) -> tuple[Ints, Ints]:
    """Village of each grid once sorted, and the sorted place of each grid of the layout."""
    village = village_rank[layout.grid_village]
    at = layout.grid_middle
    order = np.concatenate(
        [
            own[_reading_order(at[own])]
            for own in (np.flatnonzero(village == k) for k in range(len(village_rank)))
        ]
    )
    return village[order], np.argsort(order)


def _number_units(layout: Layout, grid_rank: Ints) -> tuple[Ints, Ints]:
    """Grid of each unit once sorted, and the cells in that order."""
    grid = grid_rank[layout.grid]
    by_grid = np.argsort(grid, kind="stable")
    starts = np.searchsorted(grid[by_grid], np.arange(len(grid_rank) + 1))
    at = layout.cells.inside
    order = np.concatenate(
        [by_grid[a:b][_reading_order(at[by_grid[a:b]])] for a, b in pairwise(starts.tolist())]
    )
    return grid[order], order


def _unions(label: Ints, shapes: Geometries) -> Geometries:
    """The coverage union of the shapes of each label; they are known to be a coverage."""
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(label.max() + 2))
    out = np.empty(len(starts) - 1, dtype=object)
    out[:] = [union_of(shapes[order[a:b]], clean=True) for a, b in pairwise(starts.tolist())]
    return out


def _check(outline: Outline, units: Geometries, townships: Geometries) -> None:
    """Units are a coverage without gaps that fills the outline.

    Every piece of an edge that only one unit has must be a piece of the county's own outline, so
    there is no gap inside; the county's outline must be the given one to within 1e-9 degree.
    """
    county = union_of(townships, clean=True)
    pieces = int(shapely.get_num_coordinates(county)) - int(
        sum(1 + len(p.interiors) for p in county.geoms)
    )
    if not is_coverage(units) or adjacency(units).outer != pieces:
        raise RuntimeError("the units of the synthetic county are not a coverage without gaps")
    off = max(_apart(county.boundary, given.boundary) for given in (outline.area, outline.exact))
    lost = abs(outline.exact.area - county.area)
    if off > GRID_SIZE_DEG or lost > GRID_SIZE_DEG * county.length:
        raise RuntimeError(f"the synthetic county leaves its outline by {off} degrees ({lost})")


def _apart(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """The farthest that a vertex of one line is from the other."""
    return max(
        float(shapely.distance(shapely.points(shapely.get_coordinates(a)), b).max())
        for a, b in ((one, other), (other, one))
    )


def _grid_words(
    villages: list[Village], grid_village: Ints, dedicated: Ints, grid_rank: Ints
) -> tuple[list[str], list[str], list[str]]:
    special = set(grid_rank[dedicated].tolist())
    codes, names, kinds = [], [], []
    last: dict[int, int] = {}
    for grid, village in enumerate(grid_village.tolist()):
        number = last[village] = last.get(village, 0) + 1
        codes.append(f"{villages[village].code}{number:03d}")
        kinds.append((GridKind.DEDICATED if grid in special else GridKind.GENERAL).value)
        site = _SITES[grid % len(_SITES)] + "专属网格" if grid in special else f"第{number}网格"
        names.append(villages[village].name + site)
    return codes, names, kinds


def _unit_words(
    unit_grid: Ints, grid_codes: list[str], grid_names: list[str]
) -> tuple[list[str], list[str]]:
    codes, names, last = [], [], -1
    number = 0
    for grid in unit_grid.tolist():
        number = number + 1 if grid == last else 1
        last = grid
        codes.append(f"{grid_codes[grid]}{number:02d}")
        names.append(f"{grid_names[grid]}{number}单元")
    return codes, names


def _people_in(ground: Ints, total: int, rng: np.random.Generator) -> Ints:
    """Residents of each unit: at least 3, the rest by the kind of ground."""
    fewest = min(_FEWEST, total // len(ground))
    weight = np.array([_RESIDENTS[Ground(g)] for g in range(len(Ground))])[ground]
    weight = weight * rng.lognormal(0, 0.45, len(ground))
    rest = rng.multinomial(total - fewest * len(ground), weight / weight.sum())
    return np.asarray(rest + fewest, dtype=np.intp)


def _seat_villages(places: Settlements, order: Ints) -> Ints:
    """Of each township the village whose centre lies nearest to the seat."""
    centres, township = places.centres[order], places.township[order]
    away = ((centres[None, :, :] - places.seats[:, None, :]) ** 2).sum(axis=2)
    away[township[None, :] != np.arange(len(places.seats))[:, None]] = np.inf
    return np.asarray(away.argmin(axis=1), dtype=np.intp)

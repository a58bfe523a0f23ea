"""H3 candidates for a layer of polygons. The only file that knows h3.

A position's cell at one fine resolution leads to the few polygons that touch the cell; often it
is one, and nothing more need be asked. The cell decides nothing that is near an edge: there the
polygons do, and an answer always equals brute force over all of them.

Layout: the digits of an H3 cell address a table directly. The leading digits name a block of
8^5 entries, the last five the entry in it; an entry is one small integer. So a look-up is two
shifts and two reads, and the index of a county takes a few ten megabytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, cast

import h3
import h3.api.basic_int
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from h3ronpy import ContainmentMode
from h3ronpy.vector import coordinates_to_cells, wkb_to_cells

from gridsvc.domain.geo import Floats, Geometries, MetricFrame

LAYOUT = 1
"""Changed whenever the arrays mean something else, so that kept ones are not misread."""

NEAR_M = 30.0
"""Within this many metres of an edge the areas across it are told of."""

_BLOCK_DIGITS = 5
_BLOCK_BITS = 3 * _BLOCK_DIGITS
_BLOCK_MASK = (1 << _BLOCK_BITS) - 1
_BASE_BITS = 7
_MOST_POLYGONS = 1 << 21
_NOT_TOUCHING = 1
_PAIR_BITS = 22
"""A (cell, polygon) pair while building is one integer: the cell's base cell and digits (7 + 33
bits at most), the polygon's number (21 bits), and a bit that is set where it is only near."""

_CELLS_A_POLYGON = 120
_MOST_CELLS = 2_500_000
_FINEST, _COARSEST = 11, 6
_ARC_SEGMENTS = 3
_SAMPLES = 7
_AT_A_TIME = 2000
_EARTH_M = 6_371_000.0

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_latlng_to_cell = h3.api.basic_int.latlng_to_cell


@dataclass(frozen=True)
class Entries:
    """What is known of cells near edges: lists of polygon numbers, stored end to end.

    Attributes
    ----------
    sure
        (e,) the polygon that holds the whole cell, or -1.
    open
        (e,) whether some of the cell may lie in no polygon.
    touch_ptr, touch
        Entry ``i`` is touched by ``touch[touch_ptr[i]:touch_ptr[i + 1]]``, preferred first.
    near_ptr, near
        Likewise all polygons within ``NEAR_M`` metres of the cell, the touching ones included.
    """

    sure: npt.NDArray[np.int32]
    open: Bools
    touch_ptr: npt.NDArray[np.int32]
    touch: npt.NDArray[np.int32]
    near_ptr: npt.NDArray[np.int32]
    near: npt.NDArray[np.int32]


@dataclass(frozen=True)
class CellIndex:
    """The polygons that matter to each cell.

    Attributes
    ----------
    resolution
        H3 resolution of the cells.
    blocks
        Sorted leading digits of the cells, shape (b,), int64.
    table
        Shape (b * 8^5,), int32: 0 nothing within ``NEAR_M``; ``v > 0`` the cell lies in polygon
        ``v - 1`` and nothing else is near; ``v < 0`` see entry ``-v - 1`` of ``entries``.
    entries
        The distinct answers of cells near edges.
    """

    resolution: int
    blocks: Ints
    table: npt.NDArray[np.int32]
    entries: Entries

    @classmethod
    def build(
        cls, polygons: Geometries, *, frame: MetricFrame, clean: bool, resolution: int | None = None
    ) -> Self:
        """Index a layer.

        Parameters
        ----------
        polygons
            (n,) MultiPolygons in CGCS2000 lng, lat, in order of preference: on a shared edge
            the first wins.
        frame
            The county's metres.
        clean
            Whether they are a valid coverage, so that a cell away from the layer's outline is
            known to be covered whole.
        resolution
            H3 resolution; None: chosen by ``resolution_for``.
        """
        if resolution is None:
            resolution = resolution_for(polygons, frame=frame)
        metric = frame.geometries(polygons)
        reach = reach_m(polygons, frame=frame, resolution=resolution)
        touching = _cells_within(metric, reach, frame, resolution)
        if clean and len(polygons):
            outline = frame.geometries([shapely.boundary(shapely.coverage_union_all(polygons))])
            ends = _cells_within(outline, reach.max(keepdims=True), frame, resolution)
        else:
            ends = touching
        open_cells = np.unique(ends >> _PAIR_BITS)
        near = _cells_within(metric, reach + NEAR_M, frame, resolution) | _NOT_TOUCHING
        pairs = np.concatenate([touching, near])
        del touching, near, ends
        return cls._assemble(resolution, pairs, open_cells)

    @classmethod
    def _assemble(cls, resolution: int, pairs: Ints, open_cells: Ints) -> Self:
        """Put (cell, polygon) pairs together into the table."""
        pairs.sort()
        pairs = pairs[np.r_[True, pairs[1:] >> 1 != pairs[:-1] >> 1]]
        # The polygon's number twice, and one more where it touches the cell.
        labels = (pairs.astype(np.int32) & ((1 << _PAIR_BITS) - 1)) ^ _NOT_TOUCHING
        pairs >>= _PAIR_BITS
        starts = np.flatnonzero(np.r_[True, pairs[1:] != pairs[:-1]])
        counts = np.diff(starts, append=len(pairs))
        cells = pairs[starts]
        del pairs
        is_open = np.isin(cells, open_cells, assume_unique=True)
        single = labels[starts]
        alone = (counts == 1) & (single % 2 == 1) & ~is_open
        values = np.where(alone, (single >> 1) + 1, 0).astype(np.int32)
        rest = np.flatnonzero(~alone)
        group, first = _distinct(labels, starts[rest], counts[rest], is_open[rest])
        values[rest] = -1 - group
        chosen = rest[first]
        flat = np.repeat(starts[chosen] - _ends(counts[chosen]), counts[chosen])
        flat += np.arange(len(flat))
        entries = _entries(labels[flat], counts[chosen], is_open[chosen])
        blocks, table = _lay_out(cells, values, resolution)
        return cls(resolution, blocks, table, entries)

    def coarsened(self, parent_of: Ints) -> Self:
        """The index of the layer above, whose polygons are the unions of this layer's.

        Parameters
        ----------
        parent_of
            (n,) number of the parent of each polygon, nowhere falling, so that both layers have
            the same order of preference.
        """
        old = self.entries
        touch_ptr, touch = _unrepeated(old.touch_ptr, parent_of[old.touch])
        near_ptr, near = _unrepeated(old.near_ptr, parent_of[old.near])
        one = (np.diff(touch_ptr) == 1) & ~old.open
        sure = np.full(len(one), -1, dtype=np.int32)
        sure[one] = touch[touch_ptr[:-1][one]]
        deep = one & (np.diff(near_ptr) == 1)
        recode = np.where(deep, sure + 1, -1 - np.arange(len(one)))
        lift = np.concatenate([recode[::-1], [0], parent_of + 1]).astype(np.int32)
        entries = Entries(sure, old.open, touch_ptr, touch, near_ptr, near)
        return type(self)(self.resolution, self.blocks, lift[self.table + len(one)], entries)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The index as plain arrays, to be kept in a file."""
        entries = {
            f"entries_{field.name}": getattr(self.entries, field.name) for field in fields(Entries)
        }
        resolution = np.array([self.resolution])
        return {"resolution": resolution, "blocks": self.blocks, "table": self.table, **entries}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The index that ``arrays`` was taken from."""
        entries = Entries(
            **{field.name: arrays[f"entries_{field.name}"] for field in fields(Entries)}
        )
        return cls(int(arrays["resolution"][0]), arrays["blocks"], arrays["table"], entries)

    def scalar(self) -> Callable[[float, float], int]:
        """The function (lng, lat) in degrees -> the table's entry for that position."""
        starts = {int(key): n << _BLOCK_BITS for n, key in enumerate(self.blocks)}.get
        table, shift = memoryview(cast(Any, self.table)), 3 * (15 - self.resolution)
        resolution, to_cell, bits, mask = self.resolution, _latlng_to_cell, _BLOCK_BITS, _BLOCK_MASK

        def look_up(lng: float, lat: float) -> int:
            cell = to_cell(lat, lng, resolution) >> shift
            start = starts(cell >> bits)
            return 0 if start is None else table[start + (cell & mask)]

        return look_up

    def look_up_many(self, *, lng: Floats, lat: Floats) -> npt.NDArray[np.int32]:
        """``scalar`` for arrays of positions of shape (n,)."""
        if not len(self.blocks):
            return np.zeros(len(lng), dtype=np.int32)
        cells = np.asarray(pa.array(coordinates_to_cells(lat, lng, self.resolution)))
        cells = cells.astype(np.int64) >> 3 * (15 - self.resolution)
        keys = cells >> _BLOCK_BITS
        block = np.minimum(np.searchsorted(self.blocks, keys), len(self.blocks) - 1)
        values = self.table[(block << _BLOCK_BITS) + (cells & _BLOCK_MASK)]
        return np.where(self.blocks[block] == keys, values, np.int32(0))


def resolution_for(polygons: Geometries, *, frame: MetricFrame) -> int:
    """The coarsest resolution at which a polygon of median size has about 120 cells, or a coarser
    one where that would make more than about two and a half million of them in all."""
    areas_m2 = frame.areas_m2(polygons) if len(polygons) else np.zeros(1)
    finest_m2 = max(float(np.median(areas_m2)) / _CELLS_A_POLYGON, areas_m2.sum() / _MOST_CELLS)
    for resolution in range(_COARSEST, _FINEST):
        if h3.average_hexagon_area(resolution + 1, unit="m^2") < finest_m2:
            return resolution
    return _FINEST


def reach_m(polygons: Geometries, *, frame: MetricFrame, resolution: int) -> Floats:
    """How far from a cell's centre something can be that touches the cell, in metres.

    The largest distance from centre to corner among cells over the layer's extent (they differ
    by little and smoothly; 2 % is added), and twice the sag of the polygon's longest edge: an edge
    of length L that is straight in degrees leaves the one that is straight in metres by up to
    L^2 / 8 * tan(lat) / R. Shape (n,).
    """
    if not len(polygons):
        return np.zeros(0)
    west, south, east, north = shapely.total_bounds(polygons)
    corner_m = 0.0
    for lat in np.linspace(south, north, _SAMPLES):
        for lng in np.linspace(west, east, _SAMPLES):
            cell = h3.latlng_to_cell(lat, lng, resolution)
            centre_lat, centre_lng = h3.cell_to_latlng(cell)
            x0, y0 = frame.point(lng=centre_lng, lat=centre_lat)
            lats, lngs = np.array(h3.cell_to_boundary(cell)).T
            x, y = frame.points(lng=lngs, lat=lats)
            corner_m = max(corner_m, float(np.hypot(x - x0, y - y0).max()))
    steepest = np.tan(np.radians(min(85.0, max(abs(south), abs(north)))))
    coords, part = shapely.get_coordinates(shapely.boundary(polygons), return_index=True)
    x, y = frame.points(lng=coords[:, 0], lat=coords[:, 1])
    longest = np.zeros(len(polygons))
    inner = np.diff(part) == 0
    np.maximum.at(longest, part[1:][inner], np.hypot(np.diff(x), np.diff(y))[inner])
    sag_m = longest**2 / 8 * steepest / _EARTH_M
    reach: Floats = 1.02 * corner_m + 2 * sag_m + 0.1
    return reach


def _cells_within(
    metric: Geometries, distance_m: Floats, frame: MetricFrame, resolution: int
) -> Ints:
    """Pairs of every cell whose centre lies within ``distance_m`` of a geometry, and its number.

    A few cells more are found, none less: arcs are drawn around the circle, not in it. Some
    thousand geometries are taken at a time, so that memory stays what the result needs.
    """
    pairs = [np.zeros(0, dtype=np.int64)]
    shift, mask = 3 * (15 - resolution), (1 << (_BASE_BITS + 3 * resolution)) - 1
    for start in range(0, len(metric), _AT_A_TIME):
        part = slice(start, start + _AT_A_TIME)
        radii = distance_m[part] / np.cos(np.pi / 4 / _ARC_SEGMENTS)
        around = shapely.buffer(metric[part], radii, quad_segs=_ARC_SEGMENTS)
        wkb = pa.array(shapely.to_wkb(frame.geometries_back(around)), type=pa.binary())
        lists = pa.array(wkb_to_cells(wkb, resolution, ContainmentMode.ContainsCentroid))
        cells = np.asarray(lists.flatten()).astype(np.int64)
        sizes = np.diff(np.asarray(lists.offsets))
        numbers = np.repeat(np.arange(start, start + len(sizes), dtype=np.int64), sizes)
        pairs.append((cells >> shift & mask) << _PAIR_BITS | numbers << 1)
    return np.concatenate(pairs)


def _distinct(
    labels: npt.NDArray[np.int32], starts: Ints, counts: Ints, is_open: Bools
) -> tuple[Ints, Ints]:
    """Number the distinct runs of labels, one step of their length at a time.

    Returns the number of each run's group, and for each group one run that has it.
    """
    group = is_open.astype(np.int64)
    width = int(labels.max(initial=0)) + 1
    base = 2
    for step in range(int(counts.max(initial=0))):
        going = np.flatnonzero(counts > step)
        key = group[going] * width + labels[starts[going] + step]
        distinct, inverse = np.unique(key, return_inverse=True)
        group[going] = base + inverse
        base += len(distinct)
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    return inverse.astype(np.int64), first.astype(np.int64)


def _entries(labels: npt.NDArray[np.int32], counts: Ints, is_open: Bools) -> Entries:
    """Entries of runs of ``counts`` labels each, laid end to end."""
    owners, touches = labels >> 1, labels % 2 == 1
    run = np.repeat(np.arange(len(counts)), counts)
    touching = np.bincount(run, weights=touches, minlength=len(counts)).astype(np.int64)
    is_open = is_open | (touching == 0)
    touch = owners[touches].astype(np.int32)
    touch_ptr = np.r_[0, np.cumsum(touching)].astype(np.int32)
    sure = np.full(len(counts), -1, dtype=np.int32)
    one = (touching == 1) & ~is_open
    sure[one] = touch[touch_ptr[:-1][one]]
    near_ptr = np.r_[0, np.cumsum(counts)].astype(np.int32)
    return Entries(sure, is_open, touch_ptr, touch, near_ptr, owners.astype(np.int32))


def _ends(counts: Ints) -> Ints:
    return np.cumsum(counts) - counts


def _unrepeated(
    ptr: npt.NDArray[np.int32], values: Ints
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Runs of sorted ``values`` between ``ptr`` without repeats inside a run."""
    run = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    keep = np.ones(len(values), dtype=np.bool_)
    keep[1:] = (values[1:] != values[:-1]) | (run[1:] != run[:-1])
    sizes = np.bincount(run[keep], minlength=len(ptr) - 1)
    return np.r_[0, np.cumsum(sizes)].astype(np.int32), values[keep].astype(np.int32)


def _lay_out(
    cells: Ints, values: npt.NDArray[np.int32], resolution: int
) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Blocks and table of the sorted digits of cells."""
    digits_bits = _BASE_BITS + 3 * resolution
    any_cell = _latlng_to_cell(0.0, 0.0, resolution) >> (3 * (15 - resolution))
    header = any_cell >> digits_bits << digits_bits
    keys = cells >> _BLOCK_BITS
    begins = np.r_[True, keys[1:] != keys[:-1]]
    blocks = keys[begins]
    table = np.zeros(len(blocks) << _BLOCK_BITS, dtype=np.int32)
    table[(np.cumsum(begins) - 1 << _BLOCK_BITS) + (cells & _BLOCK_MASK)] = values
    return blocks | header >> _BLOCK_BITS, table

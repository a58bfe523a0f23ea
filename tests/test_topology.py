"""The fixed grid, unions and matched vertices."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.domain.area import Division, EndUnit, Grid, Level
from gridsvc.domain.geo import Geometries
from gridsvc.domain.noding import match_vertices
from gridsvc.domain.topology import (
    coverage_faults,
    derive_divisions,
    derive_grids,
    is_coverage,
    polygonal,
    same_area,
    snap,
    union_of,
)

WEST, SOUTH = 104.1, 24.7


def box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
    """A box in thousandths of a degree from (WEST, SOUTH)."""
    return shapely.box(WEST + x0 / 1e3, SOUTH + y0 / 1e3, WEST + x1 / 1e3, SOUTH + y1 / 1e3)


def voronoi(count: int, seed: int) -> Geometries:
    """Cells around random points: a coverage whose vertices are not on the grid."""
    points = np.random.default_rng(seed).random((count, 2)) * 0.1 + (WEST, SOUTH)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points)))
    return np.asarray(cells, dtype=object)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_snapped_vertex_is_the_double_nearest_to_its_multiple(lng: float, lat: float) -> None:
    shape = shapely.Polygon([(lng, lat), (lng + 1e-3, lat), (lng, lat + 1e-3)])
    once = snap([shape])
    for value in shapely.get_coordinates(once).ravel().tolist():
        assert value == float(f"{round(value * 1e9)}e-9")
    assert shapely.to_wkb(snap(once)[0]) == shapely.to_wkb(once[0])


def test_snapping_keeps_a_coverage_and_adds_no_vertex() -> None:
    cells = voronoi(500, 1)
    snapped = snap(cells)
    assert {shape.geom_type for shape in snapped} == {"MultiPolygon"}
    assert (shapely.get_num_coordinates(snapped) <= shapely.get_num_coordinates(cells)).all()
    assert is_coverage(snapped)
    assert shapely.to_wkb(snap(cells)).tolist() == shapely.to_wkb(snapped).tolist()


def test_snapping_keeps_none_and_holes() -> None:
    holed = shapely.Polygon(box(0, 0, 9, 9).exterior, [box(3, 3, 4, 4).exterior])
    snapped = snap([None, holed])
    assert snapped[0] is None
    assert len(snapped[1].geoms[0].interiors) == 1


def test_snapped_rings_run_one_way_with_the_same_vertices() -> None:
    holed = shapely.Polygon(box(0, 0, 9, 9).exterior, [box(3, 3, 4, 4).exterior])
    shapes = np.array([*voronoi(200, 2), holed], dtype=object)
    once, other = snap(shapes), snap(shapely.reverse(shapes))
    # A reversed ring begins with the same vertex: what a Shapefile turns round comes back.
    assert shapely.to_wkb(once).tolist() == shapely.to_wkb(other).tolist()
    assert shapely.to_wkb(snap(once)).tolist() == shapely.to_wkb(once).tolist()
    polygons = shapely.get_parts(once)
    assert shapely.is_ccw(shapely.get_exterior_ring(polygons)).all()
    assert not shapely.is_ccw(polygons[-1].interiors[0])
    plain = np.round(shapely.get_coordinates(shapes) * 1e9) / 1e9
    assert {*map(tuple, shapely.get_coordinates(once).tolist())} == {*map(tuple, plain.tolist())}


def test_a_ring_without_area_is_snapped_once_and_for_all() -> None:
    flat = snap([shapely.Polygon([(104, 25), (105, 25), (106, 25), (105, 25)])])
    assert shapely.to_wkb(snap(flat)[0]) == shapely.to_wkb(flat[0])


def test_coverage_is_valid_finds_no_gap_and_neither_does_is_coverage() -> None:
    assert is_coverage([box(0, 0, 1, 1), box(3, 0, 4, 1)])
    assert not is_coverage([box(0, 0, 2, 1), box(1, 0, 3, 1)])
    assert not is_coverage([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])])


def test_the_union_keeps_every_outer_vertex() -> None:
    left, right = snap([box(0, 0, 1, 1), box(1, 0, 2, 1)])
    union = union_of([left, right])
    outer = {tuple(xy) for xy in shapely.get_coordinates(union).tolist()}
    assert outer == {tuple(xy) for xy in shapely.get_coordinates([left, right]).tolist()}


def test_the_union_of_what_overlaps_lies_on_the_grid() -> None:
    triangle = shapely.Polygon([(WEST, SOUTH), (WEST + 3e-3, SOUTH + 1e-3), (WEST, SOUTH + 2e-3)])
    union = union_of(snap([triangle, box(1, 0, 2, 2)]))
    assert union.is_valid
    assert same_area(union, snap([union])[0])


def test_same_area_whatever_vertex_comes_first() -> None:
    one = box(0, 0, 1, 1)
    turned = shapely.Polygon(np.roll(shapely.get_coordinates(one)[:-1], 1, axis=0))
    assert same_area(one, turned)
    assert not same_area(one, box(0, 0, 1, 1.000001))


def test_overlaps_are_found_where_no_edges_cross() -> None:
    inside, twice = box(2, 2, 3, 3), box(0, 0, 9, 9)
    found = coverage_faults([twice, inside, box(20, 0, 21, 1)])
    assert found.pairs.tolist() == [[0, 1]]
    assert same_area(found.overlaps[0], inside)
    assert coverage_faults([inside, box(2, 2, 3, 3)]).pairs.tolist() == [[0, 1]]


def test_polygonal_drops_what_has_no_area() -> None:
    mixed = shapely.GeometryCollection([box(0, 0, 1, 1), shapely.Point(0, 0)])
    assert same_area(polygonal(mixed), box(0, 0, 1, 1))
    assert polygonal(shapely.LineString([(0, 0), (1, 1)])).is_empty


def test_matching_puts_a_neighbours_vertex_into_a_long_edge() -> None:
    wide = box(0, -1, 3, 0)
    shapes = snap([wide, box(0, 0, 1, 1), box(1, 0, 3, 1)])
    assert not is_coverage(shapes)
    assert is_coverage(match_vertices(shapes))
    assert is_coverage(match_vertices(match_vertices(shapes)))


def test_matching_a_slanted_edge_moves_nothing_by_more_than_a_grid_step() -> None:
    # A vertex put on a slanted edge is never exactly on it once it is rounded.
    start, end = np.array([WEST, SOUTH]), np.array([WEST + 7e-3, SOUTH + 3e-3])
    middle = start + (end - start) / 3
    low, high = np.array([WEST + 7e-3, SOUTH - 1e-3]), np.array([WEST, SOUTH + 4e-3])
    below = shapely.Polygon(np.array([start, low, end]))
    left = shapely.Polygon(np.array([start, middle, high]))
    right = shapely.Polygon(np.array([middle, end, high]))
    before = snap([below, left, right])
    after = match_vertices(before)
    assert is_coverage(after)
    assert (shapely.hausdorff_distance(before, after) <= 1.5e-9).all()


@pytest.mark.parametrize("seed", range(5))
def test_noise_around_a_grid_step_is_matched(seed: int) -> None:
    cells = snap(voronoi(200, seed))
    noise = np.random.default_rng(seed)

    def shake(xy: np.ndarray) -> np.ndarray:
        # Some vertices of each cell on its own, one step aside: what rounding does to float noise.
        shifted = xy + 1e-9 * (noise.random(xy.shape) < 0.02)
        shifted[-1] = shifted[0]
        return np.asarray(shifted)

    shaken = snap([polygonal(shapely.make_valid(shapely.transform(cell, shake))) for cell in cells])
    matched = match_vertices(shaken)
    assert is_coverage(matched)
    assert shapely.hausdorff_distance(shaken, matched).max() < 1e-8


def test_what_matches_is_left_alone() -> None:
    cells = snap(voronoi(100, 3))
    assert shapely.to_wkb(match_vertices(cells)).tolist() == shapely.to_wkb(cells).tolist()


def test_parents_are_the_union_of_their_children() -> None:
    quarters = snap([box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 4, 1), box(4, 0, 6, 1)])
    grids = [
        Grid("A1", "", "A", snap([box(0, 0, 2, 1)])[0]),
        Grid("A2", "", "A", quarters[2]),
        Grid("B1", "", "B", quarters[3]),
    ]
    units = [EndUnit("A101", "", "A1", quarters[0]), EndUnit("A102", "", "A1", quarters[1])]
    derived = derive_grids(grids, units)
    assert same_area(derived[0].geometry, shapely.coverage_union_all(quarters[:2]))
    assert derived[1:] == tuple(grids[1:])
    divisions = [
        Division("C", "", Level.COUNTY, None),
        Division("T", "", Level.TOWNSHIP, "C"),
        Division("A", "", Level.VILLAGE, "T"),
        Division("B", "", Level.VILLAGE, "T"),
        Division("D", "", Level.VILLAGE, "T", quarters[0]),
    ]
    by_code = {one.code: one.geometry for one in derive_divisions(derived, divisions)}
    assert same_area(by_code["A"], shapely.coverage_union_all(quarters[:3]))
    assert same_area(by_code["C"], shapely.coverage_union_all(quarters))
    assert same_area(by_code["T"], by_code["C"])
    assert by_code["D"] is None
    assert derive_divisions([], divisions)[3].geometry is quarters[0]

"""Small shapes that still fill the county: judged by GEOS on the text that the page carries."""

from dataclasses import replace

import numpy as np
import orjson
import pytest
import shapely

from gridsvc.domain.area import Division, Grid, Level, PublishedMap, as_multipolygon
from maps.shapes import DECIMALS, TOLERANCE_M, area_block, map_shapes
from tests.maps_county import TOWNSHIPS, jagged_map


def drawn(fragments: tuple[orjson.Fragment, ...]) -> np.ndarray:
    """The shapes as a browser would read them."""
    return shapely.from_geojson([orjson.dumps(each).decode() for each in fragments])


def test_neighbours_still_share_their_edges_and_no_gap_opens() -> None:
    published = jagged_map()
    shapes = drawn(map_shapes(published).grids)
    exact = np.array([grid.geometry for grid in published.grids], dtype=object)
    assert shapely.coverage_is_valid(shapes)
    county = shapely.coverage_union_all(shapes)
    assert county.geom_type == "Polygon"
    assert shapely.get_num_interior_rings(county) == 0
    assert (
        shapely.get_num_coordinates(shapes).sum() < 0.6 * shapely.get_num_coordinates(exact).sum()
    )
    metres = shapely.hausdorff_distance(shapely.boundary(county), shapely.union_all(exact).boundary)
    assert metres * 111_000 < 4 * TOLERANCE_M


def test_vertices_are_rounded_and_none_is_said_twice() -> None:
    for shape in drawn(map_shapes(jagged_map(6, 6)).grids):
        for part in shapely.get_parts(shape):
            xy = shapely.get_coordinates(part)
            assert (xy == np.round(xy, DECIMALS)).all()
            assert (xy[1:] != xy[:-1]).any(axis=1).all()


def test_outlines_are_the_unions_of_what_is_drawn() -> None:
    shapes = map_shapes(jagged_map(8, 8))
    grids, outlines = drawn(shapes.grids), drawn(shapes.outlines)
    assert shapes.townships == TOWNSHIPS
    for number, outline in enumerate(outlines):
        mine = grids[np.array(shapes.township) == number]
        assert shapely.coverage_union_all(mine).normalize() == outline.normalize()
        assert outline.contains(shapely.Point(shapes.labels[number]))


def test_holes_exclaves_and_specks() -> None:
    ring = shapely.box(104.0, 24.6, 104.02, 24.62) - shapely.box(104.005, 24.605, 104.01, 24.61)
    twice = shapely.MultiPolygon(
        [shapely.box(104.005, 24.605, 104.01, 24.61), shapely.box(104.1, 24.6, 104.11, 24.61)]
    )
    speck = shapely.box(104.2, 24.6, 104.2000001, 24.6000001)
    grids = tuple(
        Grid(f"53032400100100{n}", f"{n}", "530324001001", as_multipolygon(shape))
        for n, shape in enumerate((ring, twice, speck))
    )
    shapes = drawn(map_shapes(PublishedMap(1, (), grids, ())).grids)
    assert [shape.geom_type for shape in shapes] == ["Polygon", "MultiPolygon", "MultiPolygon"]
    assert len(shapes[0].interiors) == 1
    assert shapes[2].is_empty
    assert shapely.area(shapes[:2]) == pytest.approx([0.000375, 0.000125], rel=1e-3)


def test_a_map_without_divisions_has_grids_and_no_township() -> None:
    whole = jagged_map(4, 4)
    shapes = map_shapes(replace(whole, divisions=()))
    assert set(shapes.township) == {-1}
    assert (shapes.townships, shapes.outlines, shapes.labels) == ((), (), ())
    assert orjson.loads(area_block(shapes))["townships"] == []


def test_a_village_whose_township_is_unknown_is_left_out_of_the_outlines() -> None:
    whole = jagged_map(4, 4)
    known = tuple(d for d in whole.divisions if d.code != "530324002")
    shapes = map_shapes(replace(whole, divisions=known))
    assert len(shapes.townships) == 3
    assert -1 in shapes.township


def test_overlapping_grids_are_drawn_as_they_are() -> None:
    overlap = [shapely.box(104.0, 24.6, 104.02, 24.62), shapely.box(104.01, 24.6, 104.03, 24.62)]
    township = Division("530324001", "罗雄街道", Level.TOWNSHIP, "530324")
    village = Division("530324001001", "一村", Level.VILLAGE, "530324001")
    grids = tuple(
        Grid(f"53032400100100{n}", f"{n}", village.code, as_multipolygon(shape))
        for n, shape in enumerate(overlap)
    )
    shapes = map_shapes(PublishedMap(1, (township, village), grids, (), clean=False))
    assert shapely.area(drawn(shapes.outlines)) == pytest.approx([0.0006], rel=1e-3)


def test_a_map_without_grids_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="without grids"):
        map_shapes(PublishedMap(1, (), (), ()))

"""Placements: named awkward places, neighbours, distances and bearings, against other oracles."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.domain.errors import Fault, InputError, PositionError
from gridsvc.domain.geo import check_position
from gridsvc.locating import MOST_NEIGHBOURS, GridMap
from gridsvc.locating.many import BadRows, suspicions
from gridsvc.runtime import Runtime
from tests.api_county import (
    EDGE_G1_G2,
    G1,
    G2,
    G3,
    IN_G2,
    IN_HOLE,
    IN_U1,
    U1,
    U2,
    county_in,
)

GEOD = pyproj.Geod(ellps="GRS80")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GridMap]:
    runtime: Runtime = county_in(tmp_path_factory.mktemp("county"))
    yield runtime.map()
    runtime.close()


def near(grid_map: GridMap, at: tuple[float, float], **more: float) -> dict[str, float]:
    placement = grid_map.locate(lng=at[0], lat=at[1], **more)
    return {n.code: n.distance_m for n in placement.neighbours}


def test_inside(county: GridMap) -> None:
    placement = county.locate(lng=IN_U1[0], lat=IN_U1[1])
    assert (placement.unit, placement.grid) == (U1, G1)
    assert (placement.village, placement.township) == ("530324001001", "530324001")
    assert not placement.outside
    assert placement.neighbours == ()


def test_a_grid_without_units_answers_no_unit(county: GridMap) -> None:
    placement = county.locate(lng=IN_G2[0], lat=IN_G2[1])
    assert (placement.unit, placement.grid) == (None, G2)


def test_on_a_shared_edge_the_lowest_code_wins(county: GridMap) -> None:
    placement = county.locate(lng=EDGE_G1_G2[0], lat=EDGE_G1_G2[1])
    assert (placement.unit, placement.grid) == (U2, G1)
    assert near(county, EDGE_G1_G2) == {G2: pytest.approx(0.0, abs=0.001)}


def test_on_the_corner_of_three(county: GridMap) -> None:
    placement = county.locate(lng=104.31, lat=24.89)
    assert (placement.unit, placement.grid) == (U1, G1)
    assert set(near(county, (104.31, 24.89))) == {U2, G2}


def test_in_a_hole_the_nearest_grid_with_distance_and_bearing(county: GridMap) -> None:
    lng, lat = IN_HOLE[0] + 0.0008, IN_HOLE[1]
    placement = county.locate(lng=lng, lat=lat)
    azimuth, _, metres = GEOD.inv(lng, lat, 104.326, lat)
    assert placement.grid == G3
    assert placement.outside
    assert placement.outside_m == pytest.approx(metres, rel=2e-4)
    assert placement.bearing_deg == pytest.approx(azimuth % 360, abs=0.05)


def test_just_outside_is_outside(county: GridMap) -> None:
    placement = county.locate(lng=104.30 - 1e-9, lat=24.885)
    assert placement.outside
    assert 0 < placement.outside_m <= 0.001
    assert placement.grid == G1


def test_far_outside_is_an_error(county: GridMap) -> None:
    with pytest.raises(PositionError, match="far from the county"):
        county.locate(lng=106.5, lat=24.9)


def test_neighbours_within_30_m_or_the_radius(county: GridMap) -> None:
    at = (104.3098, 24.895)  # about 20 m west of G2
    _, _, metres = GEOD.inv(*at, 104.31, at[1])
    assert near(county, at) == {G2: pytest.approx(metres, rel=1e-3)}
    assert near(county, at, radius_m=5.0) == near(county, at)
    assert near(county, (104.309, 24.895)) == {}
    assert set(near(county, (104.309, 24.895), radius_m=200.0)) == {G2}
    assert set(near(county, (104.309, 24.895), radius_m=5000.0)) >= {U1, G2, G3}


def test_of_many_neighbours_the_nearest_fifty_are_told(demo_map: GridMap) -> None:
    lng, lat = demo_map.centre_of(
        max(demo_map.published.grids, key=lambda g: g.residents or 0).code
    )
    told = demo_map.locate(lng=lng, lat=lat, radius_m=1500.0).neighbours
    assert len(told) == MOST_NEIGHBOURS
    units = np.array([unit.geometry for unit in demo_map.published.units], dtype=object)
    here = shapely.Point(demo_map.frame.point(lng=lng, lat=lat))
    brute = np.sort(shapely.distance(demo_map.frame.geometries(units), here))
    farthest = told[-1].distance_m
    of_units = [n.distance_m for n in told if n.level == "unit"]
    assert of_units == pytest.approx(brute[1 : len(of_units) + 1])
    assert brute[len(of_units) + 1] >= farthest


def test_neighbours_equal_geodesic_brute_force(demo_map: GridMap) -> None:
    """Within 30 m along the ellipsoid, by another library, except within 1 cm of the limit."""
    rng = np.random.default_rng(7)
    west, south, east, north = demo_map.bounds
    grids = demo_map.published.grids
    tree = shapely.STRtree([grid.geometry for grid in grids])
    for lng, lat in rng.uniform((west, south), (east, north), (1500, 2)):
        point = shapely.Point(lng, lat)
        expected = {}
        for at in tree.query(point.buffer(0.001)):
            if shapely.intersects(grids[at].geometry, point):
                continue
            line = shapely.shortest_line(point, _stretched(grids[at].geometry, lat, lng))
            end = shapely.get_point(line, 1)
            metres = GEOD.inv(lng, lat, lng + (end.x - lng) / _squeeze(lat), end.y)[2]
            expected[grids[at].code] = metres
        placement = demo_map.locate(lng=lng, lat=lat)
        found = {n.code: n.distance_m for n in placement.neighbours if n.level == "grid"}
        if placement.outside:
            found[placement.grid] = placement.outside_m
            expected = {c: m for c, m in expected.items() if m < 30 or c == placement.grid}
            found = {c: m for c, m in found.items() if c in expected or m < 29.99}
        sure = {code for code, metres in expected.items() if metres < 29.99}
        assert sure <= set(found)
        for code, metres in found.items():
            if code in expected:
                assert metres == pytest.approx(expected[code], rel=1e-3, abs=0.02)
            else:
                assert metres > 29.9


def _squeeze(lat: float) -> float:
    return float(np.cos(np.radians(lat)))


def _stretched(geometry: shapely.Geometry, lat: float, lng: float) -> shapely.Geometry:
    """Degrees made alike in both directions around a point, for a plane nearest point."""
    squeeze = _squeeze(lat)
    return shapely.transform(
        geometry, lambda xy: np.column_stack([lng + (xy[:, 0] - lng) * squeeze, xy[:, 1]])
    )


def test_frames_without_a_store(demo_files: Path, demo_map: GridMap) -> None:
    import geopandas as gpd

    grids = gpd.read_file(demo_files / "grids.gpkg").iloc[:200]
    from_frames = GridMap.from_frames(grids=grids)
    west, south, east, north = from_frames.bounds
    rng = np.random.default_rng(8)
    lng, lat = rng.uniform(west, east, 2000), rng.uniform(south, north, 2000)
    part = from_frames.locate_many(lng, lat)
    whole = demo_map.locate_many(lng, lat)
    inside = part.outside_m == 0
    assert inside.any()
    np.testing.assert_array_equal(part.grid[inside], whole.grid[inside])
    with pytest.raises(InputError, match="to_crs"):
        GridMap.from_frames(grids=grids.to_crs(4544))


def test_frames_that_make_no_map_name_every_fault() -> None:
    import geopandas as gpd

    box = shapely.box(104.3, 24.9, 104.31, 24.91)
    shapes = np.array([box, None], dtype=object)
    grids = gpd.GeoDataFrame({"code": ["1", "1"]}, geometry=shapes, crs=4326)
    units = gpd.GeoDataFrame({"name": ["a"]}, geometry=[box], crs=4326)
    with pytest.raises(InputError) as caught:
        GridMap.from_frames(grids=grids, units=units)
    assert {(fault.where, fault.code) for fault in caught.value.faults} == {
        ("grids", "code_repeated"),
        ("grids", "bad_geometry"),
        ("units", "missing_column"),
    }
    units = gpd.GeoDataFrame({"code": ["2" * 17]}, geometry=[box], crs=4326)
    with pytest.raises(InputError, match="not among the grids"):
        GridMap.from_frames(grids=grids.iloc[:1], units=units)


def test_arrays_name_every_suspicion(county: GridMap) -> None:
    lng = np.array([104.305, np.nan, 24.885, 0.0, 430147.0, 116.4, np.nan])
    lat = np.array([24.885, 24.885, 104.305, 0.0, 2753448.0, 39.9, 1.0])
    with pytest.raises(PositionError) as caught:
        county.locate_many(lng, lat)
    faults = {fault.code: fault.text.en for fault in caught.value.faults}
    assert set(faults) == {
        "position_not_finite",
        "position_swapped",
        "position_null_island",
        "position_out_of_range",
        "position_far_away",
    }
    assert faults["position_not_finite"].startswith("2 positions (rows 1, 6")
    with pytest.raises(PositionError, match="one length"):
        county.locate_many([1.0], [1.0, 2.0])


def test_areas_in_a_box(county: GridMap) -> None:
    box = {"west": 104.301, "south": 24.885, "east": 104.309, "north": 24.888}
    assert [grid.code for grid in county.grids_in(**box)] == [G1]
    assert [unit.code for unit in county.units_in(**box)] == [U1]
    assert county.grids_in(west=0, south=0, east=1, north=1) == []


@pytest.mark.parametrize("at", [(np.nan, 24.9), (104.3, np.nan), (np.inf, 24.9), (104.3, -np.inf)])
def test_what_is_no_number_lies_nowhere(county: GridMap, at: tuple[float, float]) -> None:
    assert county.locate_code(lng=at[0], lat=at[1]) is None
    assert county.locate_grid(lng=at[0], lat=at[1]) is None


BOXES = ((103.9, 24.5, 104.7, 25.3), (-0.5, -0.5, 0.5, 0.5), (88.0, 80.0, 95.0, 89.5))
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-200, 200),
    st.sampled_from([0.0, -0.0, 24.9, 104.3, 90.0, 180.0, -90.0, -180.0, 100.0, 105.7, 23.5]),
)


@given(st.sampled_from(BOXES), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_law_arrays_are_suspected_of_what_each_position_is(
    box: tuple[float, float, float, float], given_at: list[tuple[float, float]]
) -> None:
    lng, lat = (np.array(values, dtype=np.float64) for values in zip(*given_at, strict=True))
    bad = BadRows(bounds=box, shown=10)
    numbers = suspicions(lng, lat, bounds=box)
    bad.add(numbers, lng, lat)
    texts = bad.texts(numbers, lng, lat, lang="zh")
    expected: dict[str, list[int]] = {}
    for row, (x, y) in enumerate(given_at):
        fault = _refused(x, y, box)
        assert texts[row] == (fault and fault.text.zh)
        if fault is not None:
            expected.setdefault(fault.code, []).append(row)
            told = bad.by_code[fault.code]
            assert told.rows[0] < row or told.text == fault.text
    assert {code: told.count for code, told in bad.by_code.items()} == {
        code: len(rows) for code, rows in expected.items()
    }
    assert {code: told.rows for code, told in bad.by_code.items()} == {
        code: rows[:10] for code, rows in expected.items()
    }


def _refused(lng: float, lat: float, box: tuple[float, float, float, float]) -> Fault | None:
    try:
        check_position(lng=lng, lat=lat, bounds=box)
    except PositionError as error:
        return error.faults[0]
    return None

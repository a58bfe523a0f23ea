"""GCJ-02 and BD-09: published figures, and laws."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geodata.crs import (
    from_cgcs2000_geometries,
    resolve_crs,
    same_numbers,
    to_cgcs2000_geometries,
)
from geodata.datum import (
    from_cgcs2000,
    geometries_from_cgcs2000,
    geometries_to_cgcs2000,
    in_china,
    to_cgcs2000,
)
from gridsvc.domain.errors import LayerError
from gridsvc.domain.geo import Datum

SHIFTED = (Datum.GCJ02, Datum.BD09)
INLAND = st.tuples(st.floats(73.0, 135.0), st.floats(3.0, 53.0))
ANYWHERE = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
LUOPING = (104.3087, 24.8846)


def shift_m(datum: Datum) -> float:
    lng, lat = from_cgcs2000(*LUOPING, datum)
    return float(pyproj.Geod(ellps="WGS84").inv(*LUOPING, float(lng), float(lat))[2])


def test_forward_agrees_with_the_published_implementations_to_the_last_digits() -> None:
    # wandergis/coordtransform, test/app.js: WGS 84 -> GCJ-02 of (116.404, 39.915).
    lng, lat = from_cgcs2000(116.404, 39.915, Datum.GCJ02)
    assert (float(lng), float(lat)) == pytest.approx(
        (116.41024449916938, 39.91640428150164), abs=1e-13
    )


def test_bd09_agrees_with_the_published_implementation() -> None:
    # The same file: GCJ-02 -> BD-09 of (116.404, 39.915), reached here from its CGCS2000 point.
    lng, lat = from_cgcs2000(*to_cgcs2000(116.404, 39.915, Datum.GCJ02), Datum.BD09)
    assert (float(lng), float(lat)) == pytest.approx(
        (116.41036949371029, 39.92133699351021), abs=1e-12
    )


def test_known_shifts_in_luoping() -> None:
    assert shift_m(Datum.GCJ02) == pytest.approx(393, rel=0.004)
    assert shift_m(Datum.BD09) == pytest.approx(951, rel=0.004)


def test_the_one_step_inverse_errs_where_ours_does_not() -> None:
    lng, lat = LUOPING
    gcj = from_cgcs2000(lng, lat, Datum.GCJ02)
    again = from_cgcs2000(*gcj, Datum.GCJ02)
    one_step = (2 * float(gcj[0]) - float(again[0]), 2 * float(gcj[1]) - float(again[1]))
    geod = pyproj.Geod(ellps="WGS84")
    assert geod.inv(*LUOPING, *one_step)[2] == pytest.approx(0.65, abs=0.02)
    ours = to_cgcs2000(*gcj, Datum.GCJ02)
    assert geod.inv(*LUOPING, float(ours[0]), float(ours[1]))[2] < 1e-6


@pytest.mark.parametrize("datum", SHIFTED)
@given(points=st.lists(INLAND, min_size=1, max_size=20))
def test_inverse_undoes_forward(datum: Datum, points: list[tuple[float, float]]) -> None:
    lng, lat = np.array(points).T
    back = to_cgcs2000(*from_cgcs2000(lng, lat, datum), datum)
    assert np.abs(back[0] - lng).max() < 1e-9
    assert np.abs(back[1] - lat).max() < 1e-9


@pytest.mark.parametrize("datum", SHIFTED)
@given(point=INLAND)
def test_forward_undoes_inverse(datum: Datum, point: tuple[float, float]) -> None:
    there = from_cgcs2000(*to_cgcs2000(*point, datum), datum)
    assert abs(float(there[0]) - point[0]) < 1e-9
    assert abs(float(there[1]) - point[1]) < 1e-9


@pytest.mark.parametrize("datum", SHIFTED)
@pytest.mark.parametrize("lng", [105.0, 105.0 + 1e-13, 105.0 - 1e-9, 104.999])
def test_meridian_of_the_square_root(datum: Datum, lng: float) -> None:
    """At 105 E, which runs just east of the county, the slope of GCJ-02 is infinite."""
    back = to_cgcs2000(*from_cgcs2000(lng, 24.9, datum), datum)
    assert abs(float(back[0]) - lng) < 1e-11
    given_there = from_cgcs2000(*to_cgcs2000(lng, 24.9, datum), datum)
    assert abs(float(given_there[0]) - lng) < 1e-11


@pytest.mark.parametrize("datum", SHIFTED)
@given(point=ANYWHERE)
def test_outside_china_nothing_moves(datum: Datum, point: tuple[float, float]) -> None:
    if not in_china(*point):
        assert [float(v) for v in to_cgcs2000(*point, datum)] == list(point)
        assert [float(v) for v in from_cgcs2000(*point, datum)] == list(point)


@pytest.mark.parametrize("datum", [Datum.WGS84, Datum.CGCS2000, Datum.UNKNOWN])
@given(point=ANYWHERE)
def test_other_datums_keep_their_bits(datum: Datum, point: tuple[float, float]) -> None:
    assert [float(v) for v in to_cgcs2000(*point, datum)] == list(point)


def test_arrays_keep_their_shape_and_nan_stays() -> None:
    lng, lat = np.full((2, 3), 104.3), np.full((2, 3), 24.9)
    lng[0, 0] = np.nan
    x, y = to_cgcs2000(lng, lat, Datum.BD09)
    assert x.shape == y.shape == (2, 3)
    assert np.isnan(x[0, 0])
    assert np.isfinite(x[1]).all()
    assert to_cgcs2000([], [], Datum.GCJ02)[0].shape == (0,)


def test_geometries_there_and_back_with_none_and_holes() -> None:
    holed = shapely.box(104, 24, 105, 25).difference(shapely.box(104.4, 24.4, 104.6, 24.6))
    moved = geometries_from_cgcs2000([holed, None, shapely.Polygon()], Datum.GCJ02)
    assert moved[1] is None
    assert moved[2].is_empty
    back = geometries_to_cgcs2000(moved, Datum.GCJ02)
    assert shapely.equals_exact(back[0], holed, tolerance=1e-9)
    assert not shapely.equals_exact(moved[0], holed, tolerance=1e-4)


def test_luoping_in_its_zone() -> None:
    (point,) = from_cgcs2000_geometries([shapely.Point(*LUOPING)], crs=resolve_crs("4544"))
    assert (point.x, point.y) == pytest.approx((430147.059, 2753448.406), abs=1e-3)
    (prefixed,) = from_cgcs2000_geometries([shapely.Point(*LUOPING)], crs=resolve_crs("EPSG:4523"))
    assert prefixed.x == pytest.approx(35_430_147.059, abs=1e-3)


@pytest.mark.parametrize("name", ["EPSG:4326", "4490", "CRS84", "urn:ogc:def:crs:EPSG::4490"])
def test_the_same_numbers_keep_their_bits(name: str) -> None:
    crs = resolve_crs(name)
    assert same_numbers(crs)
    point = shapely.Point(104.1 + 1e-14, 24.3)
    assert to_cgcs2000_geometries([point], crs=crs)[0].wkb == point.wkb


@pytest.mark.parametrize("name", ["EPSG:4544", "EPSG:32648", "EPSG:3857", "EPSG:4523"])
@pytest.mark.parametrize("datum", [Datum.CGCS2000, *SHIFTED])
def test_through_a_crs_and_a_datum_and_back(name: str, datum: Datum) -> None:
    crs = resolve_crs(name)
    point = shapely.Point(*LUOPING)
    there = from_cgcs2000_geometries([point], crs=crs, datum=datum)
    (back,) = to_cgcs2000_geometries(there, crs=crs, datum=datum)
    assert back.distance(point) < 1e-9


@pytest.mark.parametrize("name", ["EPSG:4214", "EPSG:2343"])
def test_secret_parameters_are_not_approximated(name: str) -> None:
    with pytest.raises(LayerError, match="no exact public transformation"):
        to_cgcs2000_geometries([shapely.Point(104, 25)], crs=resolve_crs(name))


@pytest.mark.parametrize("name", ["EPSG:999999", "nonsense", "EPSG:4978", ""])
def test_unknown_crs(name: str) -> None:
    with pytest.raises(LayerError, match="not known"):
        resolve_crs(name)

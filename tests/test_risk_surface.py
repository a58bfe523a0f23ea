"""The heat surface: pixels where they belong, figures a plain double loop finds too, no leak."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.domain.geo import MetricFrame
from gridsvc.risk.surface import (
    BANDWIDTH_M,
    REACH_M,
    Raster,
    from_mercator,
    mercator,
    surface,
)
from tests.maps_county import jagged_map

COUNTY = jagged_map(10, 10)
SHAPES = np.array([grid.geometry for grid in COUNTY.grids], dtype=object)
RASTER = Raster.of(SHAPES)
SIZE = len(SHAPES)
RNG = np.random.default_rng(3)
RATE, RESIDENTS = RNG.gamma(2.0, 10.0, SIZE), RNG.integers(20, 200, SIZE).astype(float)
SHOWN = RNG.random(SIZE) < 0.6


def centres(raster: Raster) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of the pixels' centres, each of shape (rows, columns)."""
    rows, columns = raster.inside.shape
    west, south, east, north = raster.bounds
    (x0, y0), (x1, y1) = mercator([[west, south], [east, north]])
    x = x0 + (x1 - x0) * (np.arange(columns) + 0.5) / columns
    y = y1 - (y1 - y0) * (np.arange(rows) + 0.5) / rows
    lng_lat = from_mercator(np.stack(np.meshgrid(x, y), axis=-1))
    return lng_lat[..., 0], lng_lat[..., 1]


def test_mercator_is_that_of_epsg_3857() -> None:
    lng, lat = RNG.uniform(-179, 179, 500), RNG.uniform(-80, 80, 500)
    to = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    expected = np.column_stack(to.transform(lng, lat)) / 6_378_137.0
    found = mercator(np.column_stack([lng, lat]))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(from_mercator(found), np.column_stack([lng, lat]), atol=1e-11)


def test_a_pixel_belongs_to_the_area_its_centre_lies_in() -> None:
    lng, lat = centres(RASTER)
    inside = shapely.contains_xy(shapely.union_all(shapely.make_valid(SHAPES)), lng, lat)
    assert (inside != RASTER.inside).sum() <= 2  # centres within rounding of the outer edge
    flat = np.flatnonzero(RASTER.inside.ravel()[RASTER.pixel])
    points = shapely.points(lng.ravel()[RASTER.pixel[flat]], lat.ravel()[RASTER.pixel[flat]])
    assert (shapely.distance(points, SHAPES[RASTER.area[flat]]) < 1e-9).all()


def test_pixels_are_as_large_as_they_say() -> None:
    lng, lat = centres(RASTER)
    x, y = MetricFrame().points(lng=lng, lat=lat)
    wide = np.hypot(np.diff(x, axis=1), np.diff(y, axis=1))
    high = np.hypot(np.diff(x, axis=0), np.diff(y, axis=0))
    for side in (wide, high):
        assert side == pytest.approx(RASTER.pixel_m, rel=0.01)  # of a sphere, not of the ellipsoid


def test_an_area_smaller_than_a_pixel_has_one_and_an_empty_one_has_none() -> None:
    speck = shapely.box(104.00501, 24.60501, 104.00502, 24.60502)
    raster = Raster.of([shapely.box(104, 24.6, 104.005, 24.605), speck, shapely.Polygon()])
    pixel = raster.pixel[raster.area == 1]
    assert len(pixel) == 1
    lng, lat = (float(each.ravel()[pixel[0]]) for each in centres(raster))
    assert MetricFrame().point(lng=lng, lat=lat) == pytest.approx(
        MetricFrame().point(lng=104.005015, lat=24.605015), abs=raster.pixel_m * 0.75
    )
    assert 2 not in raster.area


def brute(raster: Raster, rate: np.ndarray, residents: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Sums over every pair of pixels, with the kernel written out."""
    columns = raster.inside.shape[1]
    sigma = BANDWIDTH_M / raster.pixel_m
    reach = int(4 * sigma + 0.5)
    own = {area: raster.pixel[raster.area == area] for area in np.flatnonzero(shown)}
    found = np.full(raster.inside.shape, np.nan)
    for row, column in np.argwhere(raster.inside)[::37]:
        above = below = 0.0
        nearest = np.inf
        for area, pixels in own.items():
            down, across = pixels // columns - row, pixels % columns - column
            squared = down**2 + across**2
            nearest = min(nearest, squared.min())
            near = (abs(down) <= reach) & (abs(across) <= reach)
            kernel = np.exp(-squared[near] / (2 * sigma**2)).sum() / len(pixels)
            above += kernel * rate[area] * residents[area]
            below += kernel * residents[area]
        if np.sqrt(nearest) * raster.pixel_m <= REACH_M:
            found[row, column] = above / below
    return found


@pytest.mark.parametrize("share", [0.6, 0.02])
def test_it_equals_the_sum_over_all_pairs(share: float) -> None:
    shown = np.random.default_rng(8).random(SIZE) < share
    found = surface(RASTER, rate=RATE, residents=RESIDENTS, shown=shown)
    expected = brute(RASTER, RATE, RESIDENTS, shown)
    asked = tuple(np.argwhere(RASTER.inside)[::37].T)
    assert np.isfinite(expected[asked]).any()
    assert np.isnan(expected[asked]).any() == (share < 0.1)
    np.testing.assert_allclose(found[asked], expected[asked], rtol=1e-9)
    assert np.isnan(found[~RASTER.inside]).all()


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_what_is_not_shown_leaves_no_trace(seed: int) -> None:
    rng = np.random.default_rng(seed)
    other_rate, other_people = RATE.copy(), RESIDENTS.copy()
    other_rate[~SHOWN] = rng.choice([0.0, 1e6, np.nan], (~SHOWN).sum())
    other_people[~SHOWN] = rng.choice([0.0, 1.0, 1e9, np.nan], (~SHOWN).sum())
    np.testing.assert_array_equal(
        surface(RASTER, rate=RATE, residents=RESIDENTS, shown=SHOWN),
        surface(RASTER, rate=other_rate, residents=other_people, shown=SHOWN),
    )


def test_equal_rates_are_a_flat_surface_within_the_figures_it_is_made_of() -> None:
    flat = surface(RASTER, rate=np.full(SIZE, 7.0), residents=RESIDENTS, shown=SHOWN)
    assert flat[np.isfinite(flat)] == pytest.approx(7.0)
    found = surface(RASTER, rate=RATE, residents=RESIDENTS, shown=SHOWN)
    assert np.nanmin(found) >= RATE[SHOWN].min() - 1e-9
    assert np.nanmax(found) <= RATE[SHOWN].max() + 1e-9


def test_nothing_shown_is_no_surface() -> None:
    none = surface(RASTER, rate=RATE, residents=RESIDENTS, shown=np.zeros(SIZE, dtype=bool))
    assert np.isnan(none).all()

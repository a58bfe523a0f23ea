"""Within which distance and time another report may be the same thing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.casework.duplicates import RADIUS_CAP_M, WINDOWS, Window, window_of
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Category

metres = st.floats(0, 200_000, allow_nan=False)


def test_every_kind_has_a_window() -> None:
    assert set(WINDOWS) == set(Category)
    for kind in KINDS:
        window = window_of(kind)
        assert 0 < window.radius_m <= RADIUS_CAP_M
        assert timedelta() < window.within <= timedelta(days=30)


def test_emergencies_are_told_from_afar_and_at_once_the_rest_close_by_and_for_days() -> None:
    fire, lamp = window_of(KINDS_BY_CODE["forest_fire"]), window_of(KINDS_BY_CODE["road_light"])
    assert fire.radius_m > lamp.radius_m
    assert fire.within < lamp.within


@given(st.lists(metres, max_size=3))
def test_law_a_badly_known_place_widens_the_search_up_to_a_limit(radii: list[float]) -> None:
    window = Window(200.0, timedelta(days=7))
    reach = window.reach(*radii)
    assert window.radius_m <= reach <= RADIUS_CAP_M
    assert all(reach >= radius or reach == RADIUS_CAP_M for radius in radii)
    assert reach in (window.radius_m, RADIUS_CAP_M, *radii)


@pytest.mark.parametrize(
    ("radii", "reach"), [((), 200), ((50, 199), 200), ((0, 400), 400), ((900, 1e5), 2000)]
)
def test_the_worse_of_two_positions_counts(radii: tuple[float, ...], reach: float) -> None:
    assert Window(200.0, timedelta(days=7)).reach(*radii) == reach

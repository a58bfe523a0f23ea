"""Closed roads on the pages, in a real Chromium."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from maps.assets import AssetMode, static_dir
from maps.closures import DrawnClosure, closure_block
from maps.coverage import coverage_page
from maps.home import home_page
from maps.shapes import map_shapes
from tests.browser import serve, visit
from tests.maps_county import EVIL, jagged_map
from tests.test_maps_coverage import found_on

COUNTY = jagged_map(12, 12)
SHAPES = map_shapes(COUNTY)
START = datetime(2026, 11, 24, 4, tzinfo=UTC)
END = datetime(2026, 11, 24, 10, tzinfo=UTC)


def closed(reason: str = "山体塌方", end: datetime | None = END) -> DrawnClosure:
    line = shapely.MultiLineString(
        [[(104.01, 24.63), (104.035, 24.633)], [(104.035, 24.633), (104.06, 24.63)]]
    )
    vehicles = frozenset({Vehicle.CAR, Vehicle.MOTORCYCLE})
    return DrawnClosure(line, vehicles, START, end, reason)


def page_of(name: str, *closures: DrawnClosure) -> str:
    if name == "home":
        return home_page(COUNTY, {}, shapes=SHAPES, closures=closures)
    return coverage_page(COUNTY, found_on(COUNTY), shapes=SHAPES, closures=closures)


@pytest.mark.parametrize("name", ["home", "coverage"])
def test_a_closed_road_is_dashed_and_says_why_and_until_when(browser: Browser, name: str) -> None:
    pages = {"/": page_of(name, closed(), closed(EVIL, None)), "/open": page_of(name)}
    with serve(pages, static_dir()) as origin, visit(browser, f"{origin}/") as seen:
        drawn = seen.page.locator("path.closure")
        assert drawn.count() == 2
        assert drawn.first.get_attribute("stroke-dasharray") == "9 6"
        place = seen.page.evaluate(
            f"(() => {{ const p = map_{name}.latLngToContainerPoint([24.632, 104.0267]);"
            f" const b = map_{name}.getContainer().getBoundingClientRect();"
            " return [b.left + p.x, b.top + p.y]; })()"
        )
        seen.page.mouse.move(place[0] + 40, place[1] + 40)
        seen.page.mouse.move(*place)
        tip = seen.page.locator(".leaflet-tooltip .closed")
        assert tip.inner_text() in (
            "封路：山体塌方\n11-24 12:00 起，至 11-24 18:00\n禁止摩托车、汽车通行",
            f"封路：{EVIL}\n11-24 12:00 起，直到解除\n禁止摩托车、汽车通行",
        )
        assert seen.page.locator("img").count() == 0
        seen.check_quiet()
    with serve(pages, static_dir()) as origin, visit(browser, f"{origin}/open") as seen:
        assert seen.page.locator("path.closure").count() == 0
        seen.check_quiet()


def test_a_file_draws_them_too(browser: Browser, tmp_path: Path) -> None:
    page = coverage_page(
        COUNTY, found_on(COUNTY), shapes=SHAPES, closures=[closed()], base=AssetMode.EMBEDDED
    )
    path = tmp_path / "coverage.html"
    path.write_text(page, encoding="utf-8")
    with visit(browser, path.as_uri()) as seen:
        assert seen.page.locator("path.closure").count() == 1
        seen.check_quiet()


def test_on_a_shifted_base_map_they_are_shifted_too() -> None:
    def shifted(lng_lat: Floats) -> Floats:
        return np.asarray(lng_lat + np.array([0.005, -0.003]))

    plain, moved = closure_block([closed()], "en"), closure_block([closed()], "en", shifted)
    assert b"[104.01,24.63]" in plain.replace(b" ", b"")
    assert b"[104.015,24.627]" in moved.replace(b" ", b"")
    assert b"closed to motorbike, car" in plain
    assert b"from 11-24 12:00 until 11-24 18:00" in plain

"""The heat surface on the page: its colours, its switch, and that it lies where it belongs."""

import base64
import re
import struct
import zlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser, expect

from gridsvc.risk.rates import MIN_COUNT
from gridsvc.risk.surface import REACH_M
from maps.assets import AssetMode, static_dir
from maps.heat import png
from maps.legend import PALETTE, Legend
from maps.risk import risk_page
from tests.browser import serve, visit
from tests.maps_county import LAST_DAY, SOUTH, STEP, WEST, Counts, jagged_map, made_up_counts

PERIOD = (LAST_DAY - timedelta(days=89), LAST_DAY)
LEGEND = Legend((10.0, 20.0, 40.0), (0, 2, 3, 5), (1, 1, 1, 1))


def decoded(picture: bytes) -> np.ndarray:
    """Red, green, blue and opacity of a PNG as `maps.heat.png` writes it, by the PNG standard."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        name, content = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", picture, at + 8 + length)
        assert check == zlib.crc32(name + content)
        chunks[name] = content
        at += 12 + length
    columns, rows, depth, kind = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert (depth, kind) == (8, 3)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    colours = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    opacity = np.full(len(colours), 255, np.uint8)
    opacity[: len(chunks[b"tRNS"])] = np.frombuffer(chunks[b"tRNS"], np.uint8)
    return np.dstack([colours[lines[:, 1:]], opacity[lines[:, 1:]]])


def test_the_palette_is_that_of_the_style() -> None:
    style = (static_dir() / "risk.css").read_text(encoding="utf-8")
    found = re.findall(r"--k(\d): #(\w\w)(\w\w)(\w\w);", style)
    assert [tuple(int(part, 16) for part in colour) for _, *colour in found] == list(PALETTE)


def test_a_value_has_the_colour_of_its_class_and_the_gaps_are_transparent() -> None:
    values = np.array([[5.0, np.sqrt(200.0), np.sqrt(800.0), 400.0], [np.nan, 10.0, 0.0, np.inf]])
    found = decoded(png(values, LEGEND)).astype(int)
    assert found[0, 0].tolist() == [*PALETTE[0], 255]
    assert found[0, 3].tolist() == [*PALETTE[5], 255]
    middle = np.array(PALETTE[1]) + 0.75 * (np.array(PALETTE[2]) - np.array(PALETTE[1]))
    assert abs(found[0, 1, :3] - middle).max() <= 1
    assert found[1, 0, 3] == 0
    assert found[1, 2].tolist() == [*PALETTE[0], 255]


def test_places_on_the_palette_rise_with_the_value_and_part_at_the_breaks() -> None:
    values = np.geomspace(0.1, 1000, 400)
    place = LEGEND.place(values)
    assert (np.diff(place) >= 0).all()
    assert LEGEND.place(LEGEND.breaks).tolist() == [1.0, 2.5, 4.0]
    classes = np.array(LEGEND.colours)[np.digitize(values, LEGEND.breaks)]
    assert np.corrcoef(place, classes)[0, 1] > 0.95
    assert Legend((), (2,), (4,)).place([1.0, 9.0]).tolist() == [2.0, 2.0]
    assert Legend((), (), ()).place([1.0]).tolist() == [0.0]
    assert Legend((3.0,), (0, 5), (1, 1)).place([3.0]).tolist() == [2.5]


COUNTY = jagged_map(20, 20)


@pytest.mark.parametrize("across", [4, 15])
@pytest.mark.parametrize("up", [4, 15])
@pytest.mark.parametrize("zoomed", [0, 2])
def test_a_hot_spot_lies_where_its_grid_is(
    browser: Browser, tmp_path: Path, across: int, up: int, zoomed: int
) -> None:
    at = shapely.Point(WEST + STEP * (across + 0.5), SOUTH + STEP * (up + 0.5))
    place = next(n for n, grid in enumerate(COUNTY.grids) if grid.geometry.contains(at))
    counts: Counts = {COUNTY.grids[place].code: {(LAST_DAY, "road_accident", 1): MIN_COUNT}}
    page = risk_page(COUNTY, counts, period=PERIOD, view="surface", base=AssetMode.EMBEDDED)
    path = tmp_path / "risk.html"
    path.write_text(page, encoding="utf-8")
    lng, lat = shapely.get_coordinates(shapely.centroid(COUNTY.grids[place].geometry))[0]
    with visit(browser, path.as_uri(), width=1920, height=1080) as seen:
        seen.page.evaluate(
            f"void map_risk.setView([{lat}, {lng}], map_risk.getZoom() + {zoomed},"
            " {animate: false})"
        )
        seen.page.evaluate(
            "document.querySelectorAll('.township, .legend').forEach((each) => each.remove())"
        )
        seen.probe("pixels")  # painted by now
        picture = base64.b64encode(seen.page.screenshot()).decode()
        x, y, count = seen.probe("middle", [picture, PALETTE[2]])
        here = np.array(seen.probe("onScreen", [lng, lat]))
        east = np.array(seen.probe("onScreen", [lng + 0.01, lat]))
        metres = 0.01 * 111_320 * np.cos(np.radians(lat)) / np.hypot(*(east - here))
        assert np.hypot(*(here - (x, y))) * metres < 75  # half a pixel of the raster
        # It reaches as far as it should: a disc, but for the shape of the grid.
        assert np.sqrt(count / np.pi) * metres == pytest.approx(REACH_M + 330, rel=0.1)
        seen.check_quiet()


def test_the_switch_leads_there_and_back_and_the_figures_stay_readable(browser: Browser) -> None:
    page = risk_page(COUNTY, made_up_counts(COUNTY), period=PERIOD)
    with (
        serve({"/maps/risk": page}, static_dir()) as origin,
        visit(browser, f"{origin}/maps/risk") as seen,
    ):
        heat, grids = seen.page.locator("img.heat"), seen.page.locator(".legend .by-grid").first
        expect(heat).to_have_count(0)
        expect(grids).to_be_visible()
        before = sum(seen.probe("pixels").values())
        seen.page.locator(".switch label").nth(1).click()
        expect(heat).to_be_visible()
        expect(grids).not_to_be_visible()
        expect(seen.page.locator(".legend .by-surface").first).to_be_visible()
        assert sum(seen.probe("pixels").values()) < before / 10  # the grids are seen through
        assert "view=surface" in seen.page.url
        box = seen.page.locator(".folium-map").bounding_box()
        assert box
        seen.page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
        seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert "编码" in seen.page.locator(".leaflet-tooltip .tip").inner_text()
        seen.page.locator(".switch label").nth(0).click()
        expect(heat).to_have_count(0)
        assert sum(seen.probe("pixels").values()) == before
        assert "view=grid" in seen.page.url
        seen.page.locator(".switch label").nth(1).click()
        seen.page.locator("form.choose button").click()
        seen.page.wait_for_url("**/maps/risk?*days=90*")
        assert any("view=surface&" in url or url.endswith("view=surface") for url in seen.requests)
        seen.check_quiet()


def test_it_says_what_it_shows(browser: Browser, tmp_path: Path) -> None:
    page = risk_page(COUNTY, {}, period=PERIOD, view="surface", base=AssetMode.EMBEDDED)
    assert "不暴露单户" in page
    assert "800 米" in page
    path = tmp_path / "risk.html"
    path.write_text(page, encoding="utf-8")
    with visit(browser, path.as_uri()) as seen:
        assert seen.probe("overlaps", [".legend", ".switch", ".leaflet-control-zoom"]) == 0
        seen.check_quiet()

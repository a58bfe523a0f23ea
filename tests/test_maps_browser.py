"""The risk page in a real Chromium, with every request to elsewhere blocked."""

import gzip
import time
from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import pytest
from playwright.sync_api import Browser, expect

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.words import Lang
from gridsvc.locating.frames import published_from
from maps.assets import AssetMode, static_dir
from maps.coverage import coverage_page
from maps.risk import risk_page
from maps.shapes import MapShapes, map_shapes
from tests.browser import serve, visit
from tests.maps_county import EVIL, LAST_DAY, TOWNSHIPS, jagged_map, made_up_counts
from tests.test_maps_coverage import found_on

PERIOD = (LAST_DAY - timedelta(days=89), LAST_DAY)
SIZES = [(1366, 768), (1920, 1080)]


def _file(folder: Path, page: str) -> str:
    path = folder / "risk.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_file_opens_with_no_network(
    browser: Browser, tmp_path: Path, lang: Lang, width: int, height: int
) -> None:
    county = jagged_map()
    counts = made_up_counts(county)
    page = risk_page(county, counts, period=PERIOD, lang=lang, base=AssetMode.EMBEDDED)
    with visit(browser, _file(tmp_path, page), width=width, height=height) as seen:
        colours = seen.probe("pixels")
        classes = seen.page.locator(".legend .swatch").count()
        assert len([n for n in colours.values() if n > 200]) >= classes - 1
        labels = seen.page.locator(".leaflet-tooltip.township:not(.hidden)").all_inner_texts()
        assert {name.replace("\n", "") for name in labels} == set(TOWNSHIPS)
        assert seen.page.locator(".leaflet-control-scale-line").inner_text().endswith("m")
        assert seen.probe("overlaps", [".township", ".legend", ".watermark"]) == 0
        assert seen.probe("overlaps", [".legend", ".leaflet-control-scale", "aside"]) == 0
        assert not seen.probe("tooWide")
        assert len(seen.requests) == 1 + len([u for u in seen.requests if u.startswith("data:")])
        seen.check_quiet()


def test_the_list_leads_to_its_grid_and_the_pointer_reads_it(
    browser: Browser, tmp_path: Path
) -> None:
    county = jagged_map()
    page = risk_page(county, made_up_counts(county), period=PERIOD, base=AssetMode.EMBEDDED)
    with visit(browser, _file(tmp_path, page)) as seen:
        before = seen.page.evaluate("map_risk.getZoom()")
        name = seen.page.locator(".top .name").nth(3).inner_text()
        seen.page.locator(".top button").nth(3).click()
        assert seen.page.evaluate("map_risk.getZoom()") > before + 1
        pinned = seen.page.locator(".leaflet-tooltip .tip")
        assert name in pinned.inner_text()
        box = seen.page.locator(".folium-map").bounding_box()
        assert box
        seen.page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
        seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(pinned).to_have_count(1)
        tip = pinned.inner_text()
        assert name in tip
        for words in ("编码", "上报", "加权件数", "每千人（直接计算）", "每千人（已收缩）"):
            assert words in tip
        seen.check_quiet()


@pytest.mark.parametrize("base", list(AssetMode))
def test_a_name_that_is_markup_does_nothing(
    browser: Browser, tmp_path: Path, base: AssetMode
) -> None:
    county = jagged_map(6, 6, evil=True)
    page = risk_page(county, made_up_counts(county, each=60), period=PERIOD, base=base)
    with serve({"/maps/risk": page}, static_dir()) as origin:
        url = f"{origin}/maps/risk" if base is AssetMode.LINKED else _file(tmp_path, page)
        with visit(browser, url) as seen:
            names = seen.page.locator(".top .name")
            listed = names.all_inner_texts()
            assert EVIL in listed
            names.nth(listed.index(EVIL)).click()
            assert EVIL in seen.page.locator(".leaflet-tooltip .tip").inner_text()
            assert seen.page.locator(f"text={TOWNSHIPS[0]}").count() > 0
            assert seen.page.locator("img").count() == 0
            assert seen.page.title() == "罗平县网格风险图"
            seen.check_quiet()


def test_linked_pages_ask_their_own_server_only_and_choose_again(browser: Browser) -> None:
    county = jagged_map(8, 8)
    page = risk_page(county, made_up_counts(county), period=PERIOD)
    with (
        serve({"/maps/risk": page}, static_dir()) as origin,
        visit(browser, f"{origin}/maps/risk") as seen,
    ):
        assert sum(seen.probe("pixels").values()) > 10_000
        assert seen.page.locator("select[name=days]").input_value() == "90"
        seen.page.select_option("select[name=category]", "dispute")
        seen.page.locator("form.choose button").click()
        seen.page.wait_for_url("**/maps/risk?*lang=zh&days=90&category=dispute")
        seen.check_quiet()


def test_it_prints_on_one_sheet_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    county = jagged_map()
    page = risk_page(county, made_up_counts(county), period=PERIOD, base=AssetMode.EMBEDDED)
    with visit(browser, _file(tmp_path, page)) as seen:
        view = "[map_risk.getZoom(), map_risk.getCenter().lat, map_risk.getSize().x]"
        before = seen.page.evaluate(view)
        sheet = seen.page.pdf(prefer_css_page_size=True)
        assert sheet.startswith(b"%PDF")
        assert sheet.count(b"/Type /Page\n") == 1
        after = seen.page.evaluate(view)
        assert after[2] == before[2]
        assert after[:2] == pytest.approx(before[:2], abs=1e-6)
        seen.check_quiet()


@pytest.fixture(scope="module")
def whole_county(demo_files: Path) -> tuple[PublishedMap, MapShapes]:
    divisions, grids, units = (
        gpd.read_file(demo_files / f"{name}.gpkg") for name in ("divisions", "grids", "units")
    )
    published = published_from(divisions=divisions, grids=grids, units=units)
    assert len(published.grids) == 8146
    return published, map_shapes(published)


@pytest.mark.parametrize("name", ["grid", "surface", "coverage"])
def test_the_whole_county_is_small_and_quick(
    browser: Browser, tmp_path: Path, whole_county: tuple[PublishedMap, MapShapes], name: str
) -> None:
    published, shapes = whole_county
    if name == "coverage":
        found = found_on(published, people=160, now=120)
        page = coverage_page(published, found, base=AssetMode.EMBEDDED, shapes=shapes)
    else:
        page = risk_page(
            published,
            made_up_counts(published, each=8),
            period=PERIOD,
            view="surface" if name == "surface" else "grid",
            base=AssetMode.EMBEDDED,
            shapes=shapes,
        )
    assert len(gzip.compress(page.encode(), 6)) < 1_100_000
    url = _file(tmp_path, page)
    took_s = []
    for _ in range(3):  # other tests run beside this one: the best of three counts
        with visit(browser, "about:blank") as seen:
            seen.origin = url
            started = time.monotonic()
            seen.page.goto(url)
            colours = seen.probe("pixels")
            took_s.append(time.monotonic() - started)
            if name == "surface":
                assert seen.page.evaluate("document.querySelector('img.heat').naturalWidth") > 400
            else:
                assert sum(colours.values()) > 50_000
            assert seen.page.locator(".township:not(.hidden)").count() == 13
            over = [".township", ".legend", ".watermark", ".switch"]
            assert seen.probe("overlaps", over) == 0
            seen.check_quiet()
    assert min(took_s) < 3, took_s

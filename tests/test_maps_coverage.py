"""What the coverage page says, counted again from the data it carries, and in a real Chromium."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import Group, State
from gridsvc.coverage.reach import LIMITS_S, ROLES, Coverage, Reach, Supply
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.force import ROLE_NAMES, Role
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.words import Lang
from gridsvc.travel.straight import StraightLine
from maps.assets import LEAFLET_JS, AssetMode, static_dir, text
from maps.coverage import MINUTES, coverage_page
from maps.shapes import map_shapes
from tests.browser import serve, visit
from tests.maps_county import EVIL, TOWNSHIPS, jagged_map

COUNTY = jagged_map(20, 20)
SHAPES = map_shapes(COUNTY)
SIZES = [(1366, 768), (1920, 1080)]


def found_on(published: PublishedMap, *, people: int = 6, now: int = 3) -> Coverage:
    """Some crews on foot here and there, half of them away now."""
    frame = MetricFrame.around(104.0)
    demand = Demand.of(published, frame)
    start = demand.xy[np.random.default_rng(2).integers(0, len(demand.xy), people)]
    kinds = np.array([ROLES.index(Role.DOCTOR), ROLES.index(Role.AMBULANCE)], dtype=np.int8)
    role = kinds[np.arange(people) % 2]
    supply = Supply(start, np.ones(people, dtype=np.int8), role)
    fewer = Supply(start[:now], supply.vehicle[:now], role[:now])
    travel = StraightLine()
    return Coverage(
        group=Group.MEDICAL,
        at=datetime(2026, 11, 23, 15, 30, tzinfo=UTC),
        night=True,
        reaches={
            State.STAFFED: Reach.of(demand, fewer, travel),
            State.NOMINAL: Reach.of(demand, supply, travel),
        },
        travel=travel,
        live_for=timedelta(minutes=15),
    )


FOUND = found_on(COUNTY)


def page_of(found: Coverage = FOUND, **options: Any) -> str:
    return coverage_page(COUNTY, found, **{"shapes": SHAPES, **options})


def carried(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="coverage-data">(.*?)</script>', page)
    assert found
    return dict(json.loads(found[1]))


def test_each_grid_carries_both_times_and_roles_and_nothing_of_a_person() -> None:
    page = page_of()
    features = carried(page)["grids"]["features"]
    assert len(features) == len(COUNTY.grids)
    for place, feature in enumerate(features):
        about = feature["properties"]
        assert set(about) == {"c", "n", "v", "t", "s", "r"}
        for number, state in enumerate(State):
            reach = FOUND.reaches[state]
            assert 0 <= about["s"][number] - reach.grid_seconds[place] < 1
            assert ROLES[about["r"][number]] is ROLES[reach.grid_role[place]]


def test_the_figures_stand_side_by_side_with_their_denominators() -> None:
    page = page_of(lang="en")
    residents = sum(grid.residents or 0 for grid in COUNTY.grids)
    assert f"Grids (of {len(COUNTY.grids):,})" in page
    assert f"Residents (of {residents:,} known)" in page
    assert f"Area (of {FOUND.demand.area_m2.sum() / 1e6:,.0f} km²)" in page
    table = re.search(r'<table class="figures">(.*?)</table>', page, re.S)
    assert table
    cells = re.findall(r"<b>([^<]+)</b> <small>([^<]+)</small>", table[1])
    expected = [
        getattr(FOUND.reaches[state].within(limit), value) / scale
        for value, scale in (("grids", 1.0), ("residents", 1.0), ("area_m2", 1e6))
        for limit in LIMITS_S
        for state in State
    ]
    assert [figure for _, figure in cells] == [f"{each:,.0f}" for each in expected]
    whole = len(COUNTY.grids)
    assert float(cells[0][0].rstrip("%")) == pytest.approx(expected[0] / whole * 100, abs=0.06)
    assert expected[0] != expected[1]


def test_what_a_reader_must_be_told() -> None:
    page = page_of()
    for words in ("直线距离估算，非道路时间", "演示数据", "2026-11-23 23:30（夜间）", "地图版本 7"):
        assert words in page
    assert "最慢的单元" in page
    assert "15 分钟内的定位" in page
    assert FOUND.travel.note.zh in page
    other = coverage_page(replace(COUNTY, demo=False), FOUND, shapes=SHAPES)
    assert "演示数据" not in other
    english = page_of(lang="en")
    assert "straight-line estimate, not by road" in english
    plain = re.sub(
        r"<script.*?</script>|<h1>罗平县|<title>罗平县|>中文</a>", "", english, flags=re.S
    )
    assert not re.search(r"[\u4e00-\u9fff]", plain)


def test_a_share_that_is_not_whole_never_reads_as_whole() -> None:
    cells = re.findall(r"<b>([^<]+)</b> <small>([^<]+)</small>", page_of())
    for share, figure in cells:
        assert (share == "100%") == (figure in {"400", f"{FOUND.demand.residents.sum():,.0f}"}) or (
            share.endswith("%")
        )
    demand = FOUND.demand
    seconds = np.full(len(demand.xy), 60.0)
    seconds[0] = 1e4
    late = Reach(
        demand,
        1,
        seconds,
        seconds[np.argsort(demand.grid)],
        np.zeros(400, dtype=np.int8),
        np.zeros(len(seconds), np.int8),
    )
    page = page_of(replace(FOUND, reaches=dict.fromkeys(State, late)))
    assert "<b>99.8%</b> <small>399</small>" in page
    assert "<b>100%</b>" not in page


def test_unknown_residents_are_named_and_left_out() -> None:
    bare = replace(COUNTY, grids=tuple(replace(g, residents=None) for g in COUNTY.grids))
    page = coverage_page(bare, found_on(bare), shapes=SHAPES)
    assert "已知 0 人" in page
    assert "400 个单元无人口数据" in page
    assert "<b>–</b> <small>0</small>" in page


@pytest.mark.parametrize("base", list(AssetMode))
def test_no_address_remains_and_the_same_arguments_give_the_same_page(base: AssetMode) -> None:
    page = page_of(base=base)
    assert page == page_of(base=base)
    ours = page.replace(text(LEAFLET_JS), "")
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", ours, re.I) == []
    if base is AssetMode.EMBEDDED:
        assert "/static/" not in page
        assert "<form" not in page


def test_other_minutes_are_refused() -> None:
    with pytest.raises(ValueError, match="minutes is 7"):
        page_of(minutes=7)


def _file(folder: Path, page: str) -> str:
    path = folder / "coverage.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_file_opens_with_no_network(
    browser: Browser, tmp_path: Path, lang: Lang, width: int, height: int
) -> None:
    page = page_of(lang=lang, base=AssetMode.EMBEDDED)
    with visit(browser, _file(tmp_path, page), width=width, height=height) as seen:
        colours = seen.probe("pixels")
        shown = {band: colours.get(seen.probe("variable", f"b{band}"), 0) for band in range(4)}
        counts = np.bincount(FOUND.reaches[State.STAFFED].band, minlength=4)
        assert {band for band, pixels in shown.items() if pixels > 200} == set(
            np.flatnonzero(counts).tolist()
        )
        labels = seen.page.locator(".leaflet-tooltip.township:not(.hidden)").all_inner_texts()
        assert {name.replace("\n", "") for name in labels} == set(TOWNSHIPS)
        for group in (
            [".township", ".legend", ".watermark", ".switch"],
            [".legend", ".leaflet-control-scale", "aside", ".switch", ".leaflet-control-zoom"],
        ):
            assert seen.probe("overlaps", group) == 0
        assert not seen.probe("tooWide")
        assert seen.probe("clipped", ".figures td, .figures th, .legend td, .choose select") == []
        assert len(seen.requests) == 1 + len([u for u in seen.requests if u.startswith("data:")])
        seen.check_quiet()


def _listed(state: State) -> list[int]:
    """Grids beyond ten minutes by their whole seconds, the worst first, then by code."""
    seconds = np.ceil(FOUND.reaches[state].grid_seconds)
    late = [place for place in range(len(seconds)) if seconds[place] > 600]
    return sorted(late, key=lambda place: (-seconds[place], place))


def test_the_switch_changes_map_and_list_and_the_list_leads_to_its_grid(browser: Browser) -> None:
    with (
        serve({"/maps/coverage": page_of(minutes=10)}, static_dir()) as origin,
        visit(browser, f"{origin}/maps/coverage") as seen,
    ):
        rows = seen.page.locator("#uncovered li")
        title = seen.page.locator("#beyond")
        beyond = {state: FOUND.reaches[state].beyond(600.0) for state in State}
        assert len(beyond[State.NOMINAL]) < len(beyond[State.STAFFED])
        expect(title).to_have_text(f"{len(beyond[State.STAFFED])} 个")
        expect(rows).to_have_count(50)
        seen.page.click("#more")
        expect(rows).to_have_count(len(beyond[State.STAFFED]))
        names = seen.page.locator("#uncovered .name").all_inner_texts()
        assert names == [COUNTY.grids[place].name for place in _listed(State.STAFFED)]
        before = seen.probe("pixels")
        seen.page.locator(".switch label").nth(1).click()
        expect(title).to_have_text(f"{len(beyond[State.NOMINAL])} 个")
        far = seen.probe("variable", "b3")
        assert seen.probe("pixels").get(far, 0) < before[far]
        assert "state=nominal" in seen.page.url
        other = seen.page.locator("#other-language").get_attribute("href") or ""
        assert "state=nominal" in other
        zoom = seen.page.evaluate("map_coverage.getZoom()")
        rows.nth(2).locator("button").click()
        assert seen.page.evaluate("map_coverage.getZoom()") > zoom
        place = _listed(State.NOMINAL)[2]
        tip = seen.page.locator(".leaflet-tooltip .tip").inner_text()
        assert COUNTY.grids[place].name in tip
        seconds = int(np.ceil(FOUND.reaches[State.NOMINAL].grid_seconds[place]))
        assert f"{seconds // 60} 分 {seconds % 60:02d} 秒" in tip
        assert ROLE_NAMES[ROLES[FOUND.reaches[State.NOMINAL].grid_role[place]]].zh in tip
        seen.page.select_option("select[name=group]", "fire")
        seen.page.locator("form.choose button").click()
        seen.page.wait_for_url("**/maps/coverage?*group=fire*")
        asked = [url for url in seen.requests if "group=fire" in url]
        assert len(asked) == 1
        assert "state=nominal" in asked[0]
        seen.check_quiet()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_choice_is_cut_off(browser: Browser, lang: Lang) -> None:
    with (
        serve({"/maps/coverage": page_of(lang=lang)}, static_dir()) as origin,
        visit(browser, f"{origin}/maps/coverage") as seen,
    ):
        assert seen.page.locator("select option").count() == len(Group) + len(MINUTES)
        assert seen.probe("cutOff") == []
        seen.check_quiet()


def test_nobody_at_all_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    found = found_on(COUNTY, people=1, now=0)
    with visit(browser, _file(tmp_path, page_of(found, base=AssetMode.EMBEDDED))) as seen:
        expect(seen.page.locator("#beyond")).to_have_text("400 个")
        assert seen.page.locator("#uncovered .value").first.inner_text() == "无人可派"
        seen.check_quiet()


def test_every_grid_in_time_is_said(browser: Browser, tmp_path: Path) -> None:
    found = found_on(COUNTY, people=400, now=400)
    page = page_of(found, base=AssetMode.EMBEDDED, minutes=MINUTES[-1])
    with visit(browser, _file(tmp_path, page)) as seen:
        assert "全部网格都在时限内" in seen.page.locator("#none").inner_text()
        assert seen.page.locator("#uncovered li").count() == 0
        seen.check_quiet()


def test_a_name_that_is_markup_does_nothing(browser: Browser, tmp_path: Path) -> None:
    county = jagged_map(6, 6, evil=True)
    found = found_on(county, people=1, now=0)
    page = coverage_page(county, found, base=AssetMode.EMBEDDED)
    with visit(browser, _file(tmp_path, page)) as seen:
        names = seen.page.locator("#uncovered .name").all_inner_texts()
        assert EVIL in names
        seen.page.locator("#uncovered button").nth(names.index(EVIL)).click()
        assert EVIL in seen.page.locator(".leaflet-tooltip .tip").inner_text()
        assert seen.page.locator("img").count() == 0
        assert seen.page.title() == "罗平县响应覆盖图"
        seen.check_quiet()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_prints_on_one_sheet_and_comes_back(
    browser: Browser, tmp_path: Path, lang: Lang
) -> None:
    page = page_of(lang=lang, base=AssetMode.EMBEDDED)
    with visit(browser, _file(tmp_path, page)) as seen:
        view = "[map_coverage.getZoom(), map_coverage.getSize().x]"
        before = seen.page.evaluate(view)
        assert seen.page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
        assert seen.page.evaluate(view) == pytest.approx(before, abs=1e-6)
        seen.page.emulate_media(media="print")
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert seen.probe("overlaps", [".notes", ".split"]) <= 1  # the notes lie inside the sheet
        assert seen.probe("overlaps", [".notes", ".stage", "#uncovered"]) == 0
        assert not seen.page.locator(".switch").is_visible()
        seen.check_quiet()

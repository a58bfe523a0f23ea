"""The start page: what it says, and a first incident reported in a real Chromium."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from api.app import create_app
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.kinds import Category
from gridsvc.domain.words import Lang
from gridsvc.runtime import Runtime
from maps.assets import static_dir
from maps.home import home_page
from tests.api_county import G1, IN_U1, county_in
from tests.browser import serve, visit
from tests.maps_county import jagged_map

COUNTS = {"responders": 23456, "incidents": 70001}


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The application on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def test_it_says_what_is_loaded_and_where_to_go() -> None:
    page = home_page(jagged_map(5, 5), COUNTS)
    figures = re.findall(r"<b[^>]*>([^<]*)</b>", page)
    assert figures == ["25", "0", "23,456", "70,001", "7"]
    for address in (
        "/maps/risk?lang=zh",
        "/maps/coverage?lang=zh",
        "/api/v1/openapi.json",
        "/?lang=en",
    ):
        assert f'href="{address}"' in page
    assert "演示数据" in page
    assert "罗平县综治中心" in page
    assert "演示数据" not in home_page(replace(jagged_map(5, 5), demo=False), COUNTS)


@pytest.mark.parametrize("published", [None, PublishedMap(1, (), (), ())])
def test_before_any_import_it_says_how(published: PublishedMap | None) -> None:
    page = home_page(published, {})
    for layer in ("divisions", "grids", "units", "responders"):
        assert f"gridsvc import {layer}" in page
    assert "<form" not in page
    assert "<script" not in re.sub(r'<script src="/static/', "", page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_address_but_this_machines(lang: str) -> None:
    page = home_page(jagged_map(5, 5), COUNTS, lang="en" if lang == "en" else "zh")
    assert set(re.findall(r"https?://[^/\s'\"]+", page)) == {"http://127.0.0.1:8000"}


@pytest.mark.parametrize("published", [None, jagged_map(8, 8, evil=True)], ids=["empty", "evil"])
def test_it_is_quiet_on_small_and_large_screens(
    browser: Browser, published: PublishedMap | None
) -> None:
    pages = {"/": home_page(published, COUNTS)}
    with serve(pages, static_dir()) as origin:
        for width, height in ((1366, 768), (1920, 1080), (420, 800)):
            with visit(browser, f"{origin}/", width=width, height=height) as seen:
                assert seen.page.locator(".card").count() > 5
                assert not seen.probe("tooWide")
                seen.check_quiet()


def test_a_first_incident_is_located_reported_and_answered(
    browser: Browser, api_runtime: Runtime
) -> None:
    with running(create_app(api_runtime)) as origin, visit(browser, f"{origin}/?lang=zh") as seen:
        seen.page.mouse.click(*seen.probe("onScreen", list(IN_U1)))
        place = seen.page.locator("#place")
        expect(place).to_have_text("罗雄街道 · 甲社区 · 甲一网格 · 甲一单元")
        seen.page.select_option("select[name=category]", "emergency")
        expect(seen.page.locator("select[name=kind]")).to_have_value("sudden_illness")
        expect(seen.page.locator("select[name=urgency]")).to_have_value("1")
        seen.page.fill("textarea[name=text]", "老人胸痛 <b>急</b>")
        seen.page.click("#report button")
        answer = seen.page.locator("#answer")
        number = answer.locator(".number")
        expect(number).to_have_text(re.compile(r"^罗平-\d{8}-0001$"))
        said = answer.inner_text()
        for words in ("甲一网格", "120", "已指派·未通知", "甲吹哨人", "丁村医", "戊救护车", "米"):
            assert words in said
        assert api_runtime.force().responders[0].phone in said
        expect(seen.page.locator("#incidents")).to_have_text("1")
        answer.locator("summary").click()
        assert "己村医" in answer.inner_text()
        seen.check_quiet()
        kept = api_runtime.show(number.inner_text(), by=api_runtime.local).file.incident
    assert kept.text == "老人胸痛 <b>急</b>"
    assert kept.placement is not None
    assert kept.placement.grid == G1
    assert kept.position is not None
    assert (kept.position.source, kept.drill) == ("map", False)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_choice_of_the_form_is_cut_off(browser: Browser, lang: Lang) -> None:
    page = home_page(jagged_map(5, 5), COUNTS, lang=lang)
    with serve({"/": page}, static_dir()) as origin, visit(browser, f"{origin}/") as seen:
        for category in Category:
            seen.page.select_option("select[name=category]", category.value)
            assert seen.probe("cutOff") == []


def test_the_answer_prints_whole(browser: Browser, api_runtime: Runtime) -> None:
    with running(create_app(api_runtime)) as origin, visit(browser, f"{origin}/") as seen:
        seen.page.mouse.click(*seen.probe("onScreen", list(IN_U1)))
        expect(seen.page.locator("#place")).to_contain_text("甲一网格")
        seen.page.click("#report button")
        expect(seen.page.locator("#answer .number")).to_be_visible()
        before = seen.page.evaluate("[map_home.getZoom(), map_home.getSize().x]")
        assert 1 <= seen.page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") <= 2
        after = seen.page.evaluate("[map_home.getZoom(), map_home.getSize().x]")
        assert after == pytest.approx(before, abs=1e-6)
        seen.page.emulate_media(media="print")
        assert not seen.page.locator("#report button").is_visible()
        assert seen.page.locator("#answer").is_visible()
        seen.check_quiet()


def test_a_call_without_a_good_place_is_taken_and_shown_as_unlocated(
    browser: Browser, tmp_path: Path
) -> None:
    runtime = county_in(tmp_path)
    try:
        with running(create_app(runtime)) as origin, visit(browser, f"{origin}/?lang=en") as seen:
            seen.page.fill("input[name=lng]", "24.885")
            seen.page.fill("input[name=lat]", "104.305")
            seen.page.locator("input[name=lat]").blur()
            expect(seen.page.locator("#place")).to_contain_text("swapped")
            seen.page.click("#report button")
            answer = seen.page.locator("#answer")
            expect(answer.locator(".number")).to_be_visible()
            expect(answer).to_contain_text("Unlocated")
            expect(answer).to_contain_text("swapped")
            assert runtime.counts()["incidents"] == 1
            # The browser itself notes the 422 of the place; nothing else may be said.
            assert all("422" in line for line in seen.console)
            assert (seen.blocked, seen.errors) == ([], [])
    finally:
        runtime.close()

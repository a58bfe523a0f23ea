"""The page of an alert in a real Chromium, from a real server on loopback."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gridsvc.domain.alerts import CallStep
from gridsvc.domain.words import Lang
from gridsvc.flows import alerts
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.alert_samples import ALL, NOW, again, order, staffed
from tests.browser import visit
from tests.listening import Served, served_here


class Raised:
    """The small county with an alert over all of it, served."""

    def __init__(self, served: Served, runtime: Runtime) -> None:
        self.served, self.runtime = served, runtime
        self.number = alerts.raise_alert(
            order(ALL, drill=True, text="<b>山洪</b>红色预警"),
            grid_map=runtime.map(),
            force=runtime.force(),
            store=runtime.store,
            now=NOW,
            caller=runtime.local,
        ).alert.number

    def url(self, lang: Lang = "zh") -> str:
        return f"{self.served.url}/alerts/{self.number}?lang={lang}"

    def record(self, who: str, step: CallStep) -> None:
        alerts.record(
            *(self.number, who, step),
            store=self.runtime.store,
            now=NOW,
            caller=self.runtime.local,
        )


@pytest.fixture
def raised(county_data: Path, tmp_path: Path) -> Iterator[Raised]:
    shutil.copytree(county_data, tmp_path, dirs_exist_ok=True)
    empty = Runtime.open(Settings.read(data=tmp_path))
    staffed(empty.store)
    runtime = again(empty, "")
    empty.close()
    with served_here("", tmp_path) as served:
        yield Raised(served, runtime)
    runtime.close()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_shows_the_gaps_the_villages_and_who_is_missing(
    browser: Browser, raised: Raised, lang: Lang, width: int, height: int
) -> None:
    raised.record("S1", CallStep.ANSWER)
    with visit(browser, raised.url(lang), width=width, height=height) as seen:
        page = seen.page
        title = {"zh": "【演练】红色预警·山洪洪涝叫应", "en": "[DRILL] Red alert: flood"}[lang]
        assert page.title() == title
        assert page.locator(".words").inner_text() == "<b>山洪</b>红色预警"
        assert page.locator("#gaps li").count() == 3
        assert page.locator("#villages tbody tr").count() == 4
        assert page.locator("#waiting tbody tr").count() == 9
        assert "演示W1" in page.locator("#waiting").inner_text()
        colours = seen.probe("pixels")
        for state in ("answered", "called", "gap"):
            assert colours[seen.probe("variable", f"s-{state}")] > 500, state
        assert seen.probe("overlaps", [".township", ".legend", ".watermark"]) == 0
        assert seen.probe("overlaps", [".legend", ".leaflet-control-scale", "aside"]) == 0
        assert not seen.probe("tooWide")
        seen.check_quiet()


def test_an_answer_shows_by_itself(browser: Browser, raised: Raised) -> None:
    with visit(browser, raised.url()) as seen:
        answered = seen.page.locator("dd.answered")
        expect(answered).to_have_text("0")
        view = seen.page.evaluate("map_alert.getZoom()")
        seen.page.wait_for_timeout(300)  # the stream begins when the page is there
        raised.record("S2", CallStep.ANSWER)
        expect(answered).to_have_text("1")
        assert "演示S2" not in seen.page.locator("#waiting").inner_text()
        assert seen.page.evaluate("map_alert.getZoom()") == view
        seen.check_quiet()


def test_it_prints_with_everybody_on_it(browser: Browser, raised: Raised) -> None:
    with visit(browser, raised.url()) as seen:
        sheet = seen.page.pdf(prefer_css_page_size=True)
        assert sheet.count(b"/Type /Page\n") in (1, 2)
        assert not seen.page.evaluate("document.documentElement.classList.contains('paper')")

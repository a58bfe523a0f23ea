"""The link in a message: one assignment on a telephone, for nobody who only looks at it."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.messages import LINK_AFTER_ACCEPTING, LINK_FOR, Link, new_token
from gridsvc.flows.dispatching import move
from gridsvc.runtime import Runtime
from tests.api_county import REPORT
from tests.browser import open_browser, visit
from tests.test_maps_home import running


@pytest.fixture
def phone(api_runtime: Runtime) -> TestClient:
    """A telephone somewhere, without a key, behind the proxy."""
    return TestClient(
        create_app(api_runtime),
        base_url="https://grid.example",
        client=("10.0.0.7", 50000),
        headers={"X-Forwarded-For": "1.2.3.4", "Origin": "null"},
        follow_redirects=False,
    )


def link_to(runtime: Runtime, assignment: str, *, until: datetime | None = None) -> str:
    token, hash_ = new_token()
    with runtime.store.write() as work:
        work.messages.add_link(Link(hash_, assignment, until or runtime.clock() + LINK_FOR))
    return f"/a/{token}"


def reported(api: TestClient, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = api.post("/api/v1/incidents", json={**REPORT, **more}).json()
    return answer


def state(page: str) -> str:
    found = re.search(r'id="state">([^<]+)<', page)
    assert found, page
    return found[1]


def test_all_steps_without_a_script_or_a_key(
    api: TestClient, phone: TestClient, api_runtime: Runtime
) -> None:
    told = reported(api, address="东关街12号")
    path = link_to(api_runtime, told["assignments"][0]["id"])
    head = api_runtime.store.read
    with head() as reading:
        before = reading.events.head()
    page = phone.get(path)
    assert page.status_code == 200
    for words in ("突发疾病", "特急", "东关街12号", "甲社区", told["number"], "接单", "谢绝"):
        assert words in page.text
    assert "<script" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    phone.head(path)
    with head() as reading:
        assert reading.events.head() == before, "a preview of the link changes nothing"
    states = []
    for step in ("accept", "depart", "arrive", "check_in", "finish"):
        answer = phone.post(path, data={"step": step})
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        states.append(state(phone.get(path).text))
    assert states == ["已接单", "赶赴途中", "已到场", "已到场", "已完成"]
    over = phone.get(path).text
    assert "已结束" in over
    assert "东关街" not in over
    assert "<form" not in over


def test_an_acceptance_is_made_once_and_a_wrong_step_changes_nothing(
    api: TestClient, phone: TestClient, api_runtime: Runtime
) -> None:
    one = reported(api)["assignments"][0]
    path = link_to(api_runtime, one["id"])
    assert phone.post(path, data={"step": "finish"}).status_code == 409
    assert phone.post(path, data={"step": "release"}).status_code == 303, "not theirs to do"
    assert phone.post(path, data={"step": "decline"}).status_code == 422
    assert state(phone.get(path).text) == "待您接单"
    assert phone.post(path, data={"step": "accept"}).status_code == 303
    again = phone.post(path, data={"step": "accept"})
    assert again.status_code == 409
    assert 'role="alert"' in again.text


def test_a_decline_with_words(api: TestClient, phone: TestClient, api_runtime: Runtime) -> None:
    told = reported(api)
    path = link_to(api_runtime, told["assignments"][0]["id"])
    data = {"step": "decline", "reason": "busy", "words": "在外地\x00" + "很远" * 400}
    assert phone.post(path, data=data).status_code == 303
    (note,) = api.get(f"/api/v1/incidents/{told['id']}").json()["step_notes"]
    assert note["text"].startswith("在外地 很远")
    assert len(note["text"]) < 520


def test_a_late_acceptance_while_the_place_is_open(
    api: TestClient, phone: TestClient, api_runtime: Runtime
) -> None:
    told = {one["responder"]: one["id"] for one in reported(api, address="东关街")["assignments"]}
    first, reserve = (link_to(api_runtime, told[name]) for name in ("R0001", "R0002"))
    with api_runtime.store.write() as work:
        for name in ("R0001", "R0002"):
            one = work.cases.assignment(told[name])
            assert one is not None
            incident, _ = work.cases.known(one.incident, lock=True)
            now = api_runtime.clock()
            move(work, one, incident, AssignmentStep.EXPIRE, now=now, by="clock")
    page = phone.get(first).text
    assert state(page) == "超时未接单，仍可接单"
    assert "东关街" in page
    assert phone.post(reserve, data={"step": "accept"}).status_code == 303
    assert state(phone.get(reserve).text) == "已接单"
    page = phone.get(first).text
    assert state(page) == "超时未接单"
    assert "东关街" not in page
    refused = phone.post(first, data={"step": "accept"})
    assert refused.status_code == 409
    assert "接单过晚" in refused.text


def test_links_that_open_nothing(api: TestClient, phone: TestClient, api_runtime: Runtime) -> None:
    one = reported(api)["assignments"][0]
    path = link_to(api_runtime, one["id"])
    for wrong in ("/a/x", path[:-1], path + "A", "/a/%E5%8D%A0", "/a/" + "A" * 24):
        for answer in (phone.get(wrong), phone.post(wrong, data={"step": "accept"})):
            assert answer.status_code == 404
            assert "链接无效" in answer.text
            assert "突发疾病" not in answer.text
    late = link_to(api_runtime, one["id"], until=api_runtime.clock() - timedelta(seconds=1))
    for answer in (phone.get(late), phone.post(late, data={"step": "accept"})):
        assert answer.status_code == 410
        assert "已过期" in answer.text
    assert phone.get("/a/x?lang=en").text.count("This link opens nothing") == 1


def test_who_has_accepted_has_time_to_go_on(
    api: TestClient, phone: TestClient, api_runtime: Runtime
) -> None:
    one = reported(api)["assignments"][0]
    path = link_to(api_runtime, one["id"])
    phone.post(path, data={"step": "accept"})
    now = api_runtime.clock()
    for after, status in ((LINK_FOR, 200), (LINK_AFTER_ACCEPTING, 410)):
        later = now + after + timedelta(minutes=1)
        api_runtime.clock = lambda later=later: later  # type: ignore[misc]
        assert phone.get(path).status_code == status


def test_of_a_sensitive_kind_the_page_says_nothing_either(
    api: TestClient, phone: TestClient, api_runtime: Runtime
) -> None:
    told = reported(api, kind="self_harm_drowning", address="东关街12号", text="有人在河边")
    page = phone.get(link_to(api_runtime, told["assignments"][0]["id"])).text
    assert "请致电指挥中心" in page
    for hidden in ("轻生", "溺水", "东关街", "河边", "甲社区", "甲一网格"):
        assert hidden not in page


def test_what_others_wrote_is_text(
    api: TestClient, phone: TestClient, api_runtime: Runtime
) -> None:
    told = reported(api, text="<script>alert(1)</script>", address='"><img src=x>')
    page = phone.get(link_to(api_runtime, told["assignments"][0]["id"])).text
    assert "<script" not in page
    assert "<img" not in page


def test_no_log_shows_a_link(
    api: TestClient, phone: TestClient, api_runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    from gridsvc import logs

    path = link_to(api_runtime, reported(api)["assignments"][0]["id"])
    with caplog.at_level("INFO", "gridsvc.api"):
        phone.post(path, data={"step": "accept"})
        phone.get(path + "A")
    fields = [getattr(record, logs.FIELDS, {}) for record in caplog.records]
    assert [one["path"] for one in fields] == ["/a/...", "/a/..."]


def test_in_a_browser_of_a_telephones_size(
    api: TestClient, api_runtime: Runtime, tmp_path: Path
) -> None:
    told = reported(api, address="东关街12号", drill=True)
    path = link_to(api_runtime, told["assignments"][0]["id"])
    with (
        open_browser() as browser,
        running(create_app(api_runtime)) as origin,
        visit(browser, origin + path, width=390, height=844) as seen,
    ):
        page = seen.page
        page.screenshot(path=tmp_path / "offer.png", full_page=True)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
        for box in page.locator("button:visible, summary").all():
            size = box.bounding_box()
            assert size is not None
            assert size["height"] >= 32
            assert size["x"] + size["width"] <= 390
        page.get_by_role("button", name="接单").click()
        page.wait_for_load_state()
        assert page.locator("#state").inner_text() == "已接单"
        page.screenshot(path=tmp_path / "accepted.png", full_page=True)
        page.get_by_text("谢绝（不能前往）").click()
        page.screenshot(path=tmp_path / "decline.png", full_page=True)
        page.get_by_role("button", name="确认谢绝").click()
        page.wait_for_load_state()
        assert page.locator("#state").inner_text() == "已谢绝"
        page.screenshot(path=tmp_path / "over.png", full_page=True)
        seen.check_quiet()

"""Duty rosters against a calendar walked minute by minute, from files, and with exceptions."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from gridsvc.cli import cli
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.duty import OFF_SHIFT, Roster, RosterException, Shift
from gridsvc.domain.errors import InputError, LayerError, NotFoundError
from gridsvc.flows.rosters import import_roster
from gridsvc.runtime import Runtime
from tests.api_county import client_of
from tests.card_county import START, Hands, open_on, report, sent

MONDAY = datetime(2026, 11, 23, tzinfo=COUNTY_TIME)
HEAD = "人员编号,星期,上班,下班\n"


def spans_of(shift: Shift) -> list[tuple[datetime, datetime]]:
    """The shift as moments of three weeks, the middle one from ``MONDAY``."""
    days = [MONDAY + timedelta(days=shift.weekday + 7 * week) for week in (-1, 0, 1)]
    return [
        (day + timedelta(minutes=shift.starts), day + timedelta(minutes=shift.ends)) for day in days
    ]


shifts = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)
    ).map(lambda t: Shift(t[0], t[1], t[2], t[2] + t[3])),
    max_size=6,
)
moments = st.integers(0, 7 * 24 * 60 * 60 - 1).map(lambda s: MONDAY + timedelta(seconds=s))
exceptions = st.lists(
    st.tuples(
        st.sampled_from("AB"), moments, st.integers(1, 3000), st.booleans(), st.integers(0, 9)
    ).map(
        lambda t: RosterException(
            f"{t[4]}",
            t[0],
            t[1],
            t[1] + timedelta(minutes=t[2]),
            t[3],
            "r",
            "b",
            MONDAY + timedelta(seconds=t[4]),
        )
    ),
    max_size=3,
    unique_by=lambda one: one.id,
)


@given(shifts, exceptions, moments)
def test_law_who_is_off_duty(
    given_shifts: list[Shift], given_exceptions: list[RosterException], moment: datetime
) -> None:
    roster = Roster(tuple(given_shifts), tuple(given_exceptions))
    duty = roster.at(moment)
    for who in "AB":
        own = [one for one in given_shifts if one.responder == who]
        inside = any(start <= moment < end for one in own for start, end in spans_of(one))
        off, on = bool(own) and not inside, inside
        for one in sorted(given_exceptions, key=lambda one: one.at):
            if one.responder == who and one.starts_at <= moment < one.ends_at:
                off, on = not one.on_duty, one.on_duty
        assert (who in duty.off, who in duty.on) == (off, on)
    assert duty.until > moment
    # Until then nothing changes.
    between = moment + (duty.until - moment) / 2
    later = roster.at(min(between, duty.until - timedelta(microseconds=1)))
    assert (dict(later.off), later.on) == (dict(duty.off), duty.on)


@given(shifts, moments)
def test_law_the_next_start(given_shifts: list[Shift], moment: datetime) -> None:
    roster = Roster(tuple(given_shifts))
    if "A" not in roster.at(moment).off:
        return
    found = roster.next_start(["A"], moment)
    starts = [
        start
        for one in given_shifts
        if one.responder == "A"
        for start, _ in (*spans_of(one), *((s + timedelta(14), e) for s, e in spans_of(one)))
        if start > moment
    ]
    assert found == min(starts)


def imported(runtime: Runtime, path: Path, text: str) -> None:
    path.write_text(HEAD + text, encoding="utf-8")
    import_roster(runtime.store, path)
    runtime._catch_up()


def test_who_is_off_by_the_roster_is_not_sent_and_is_told_so(
    carded: Runtime, hands: Hands, tmp_path: Path
) -> None:
    # START is Monday 11:00 in the county.
    imported(carded, tmp_path / "r.csv", "W1,1-5,14:00,18:00\nR0003,周二,08:00,12:00\n")
    receipt = carded.receive(report(drill=True))
    assert receipt.decision is not None
    refused = {one.responder.id: one.reasons for one in receipt.decision.ranking.refused}
    assert refused["W1"] == (OFF_SHIFT,)
    assert not {"W1", "R0003"} & set(sent(carded, receipt.incident.number))
    hands.at = START + timedelta(hours=3, microseconds=-1)
    with pytest.raises(InputError, match="roster"):
        carded.assign(receipt.incident.number, ["W1"], caller=carded.local)
    hands.at = START + timedelta(hours=3)
    assert "W1" in sent(carded, carded.receive(report(drill=True)).incident.number)
    hands.at = START + timedelta(hours=7)
    assert "W1" not in sent(carded, carded.receive(report(drill=True)).incident.number)


def test_an_exception_counts_at_once_and_in_every_process(
    carded: Runtime, hands: Hands, store_url: str, tmp_path: Path
) -> None:
    other = open_on(store_url, tmp_path, hands)
    one = carded.add_roster_exception(
        "W1",
        starts_at=START - timedelta(hours=1),
        ends_at=START + timedelta(hours=1),
        on_duty=False,
        reason="请假：家事",
        caller=carded.local,
    )
    other._catch_up()
    for runtime in (carded, other):
        assert "W1" not in sent(runtime, runtime.receive(report(drill=True)).incident.number)
    with pytest.raises(NotFoundError):
        carded.drop_roster_exception("W2", one.id, caller=carded.local)
    with carded.store.read() as reading:
        assert "家事" not in str(reading.events.after(0))
    carded.drop_roster_exception("W1", one.id, caller=carded.local)
    assert "W1" in sent(carded, carded.receive(report(drill=True)).incident.number)
    with pytest.raises(NotFoundError):
        carded.drop_roster_exception("W1", one.id, caller=carded.local)
    other.close()


def test_an_exception_brings_somebody_on_duty(carded: Runtime) -> None:
    assert "R0006" not in sent(carded, carded.receive(report(drill=True)).incident.number)
    carded.add_roster_exception(
        "R0006",
        starts_at=START,
        ends_at=START + timedelta(hours=1),
        on_duty=True,
        reason="加班",
        caller=carded.local,
    )
    assert "R0006" in sent(carded, carded.receive(report(drill=True)).incident.number)


def test_who_moves_stays_off_duty(carded: Runtime, tmp_path: Path) -> None:
    imported(carded, tmp_path / "r.csv", "W1,日,08:00,12:00\n")
    carded.scene()
    carded._place_anew({"W1": None})
    assert "W1" not in sent(carded, carded.receive(report(drill=True)).incident.number)


def test_a_workbook_with_times_is_read_and_a_later_file_replaces(
    carded: Runtime, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["编号", "周几", "开始时间", "结束时间"])
    sheet.append(["W1", 1, datetime(2026, 1, 1, 8).time(), "12:00"])
    sheet.append(["W1", "周六至周日", "22:00", "06:00"])
    book.save(tmp_path / "r.xlsx")
    report_ = import_roster(carded.store, tmp_path / "r.xlsx")
    assert (report_.responders, report_.shifts) == (1, 3)
    assert set(carded.roster_of("W1", caller=carded.local).shifts) == {
        Shift("W1", 0, 480, 720),
        Shift("W1", 5, 1320, 1800),
        Shift("W1", 6, 1320, 1800),
    }
    imported(carded, tmp_path / "r.csv", "W1,2,00:00,24:00\n")
    assert carded.roster_of("W1", caller=carded.local).shifts == (Shift("W1", 1, 0, 1440),)


def test_every_fault_of_a_file_is_said_and_nothing_is_changed(
    carded: Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        HEAD + "ghost,1,08:00,12:00\nS1,1,08:00,12:00\nW1,8,08:00,12:00\nW1,1,25:00,x\n"
        "W2,1,08:00,12:00\nW2,1,11:00,13:00\nW4,日,22:00,06:00\nW4,1,05:00,07:00\n",
        encoding="gbk",
    )
    with pytest.raises(LayerError) as refused:
        import_roster(carded.store, path)
    assert [(fault.code, fault.where) for fault in refused.value.faults] == [
        ("unknown_responder", "row 2"),
        ("no_roster", "row 3"),
        ("bad_weekday", "row 4"),
        ("bad_time", "row 5"),
        ("shifts_overlap", "W2"),
        ("shifts_overlap", "W4"),
    ]
    assert carded.roster_of("W2", caller=carded.local).shifts == ()
    path.write_text("谁,何时\nW1,1\n", encoding="utf-8")
    with pytest.raises(LayerError) as refused:
        import_roster(carded.store, path)
    assert [fault.where for fault in refused.value.faults] == [
        *("responder", "weekday", "starts", "ends"),
    ]


def test_volunteers_have_no_exceptions(carded: Runtime) -> None:
    with pytest.raises(InputError) as refused:
        carded.add_roster_exception(
            "S1",
            starts_at=START,
            ends_at=START,
            on_duty=False,
            reason="",
            caller=carded.local,
        )
    assert {fault.code for fault in refused.value.faults} == {
        *("missing_reason", "bad_span", "no_roster"),
    }


def test_the_roster_over_http_and_on_the_command_line(
    carded: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_text(HEAD + "W1,1,08:00,12:00\n", encoding="utf-8")
    monkeypatch.setenv("GRIDSVC_DATABASE_URL", str(carded.settings.url))
    done = CliRunner().invoke(cli, ["import", "roster", str(tmp_path / "r.csv")])
    assert done.output == "已导入 1 人的排班，共 1 个班次\n"
    api = client_of(create_app(carded))
    url = "/api/v1/responders/W1/roster"
    body = {
        "starts_at": "2026-11-23T11:00:00+08:00",
        "ends_at": "2026-11-23T12:00:00+08:00",
        "on_duty": False,
        "reason": "请假",
    }
    made = api.post(f"{url}/exceptions", json=body)
    assert made.status_code == 201, made.text
    found = api.get(url).json()
    assert found["shifts"] == [{"weekday": 1, "starts": "08:00", "ends": "12:00"}]
    assert [one["reason"] for one in found["exceptions"]] == ["请假"]
    assert api.delete(f"{url}/exceptions/{made.json()['id']}").status_code == 204
    assert api.get("/api/v1/responders/ghost/roster").status_code == 404

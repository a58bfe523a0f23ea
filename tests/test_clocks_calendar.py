"""The table of holidays: every way to write it, every fault at once, and days as numpy counts."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.casework.calendars import read_calendar
from gridsvc.casework.clocks import Calendar, due_at
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, InputError, SettingsError
from gridsvc.domain.kinds import Clock, Limit
from gridsvc.domain.words import Text
from gridsvc.flows.calendars import load_calendar
from gridsvc.settings import Settings

TABLE = """日期,类型,名称
2026-10-01,节假日,国庆节
2026/10/2,放假,国庆节
2026年10月3日,holiday,"国庆节, 第三天"

20261010,调休上班,国庆节
2026-09-27,workday,国庆节
"""
MEANT = Calendar(
    frozenset({date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 3)}),
    frozenset({date(2026, 10, 10), date(2026, 9, 27)}),
)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_the_table_is_read_as_a_spreadsheet_saves_it(
    tmp_path: Path, encoding: str, line: str
) -> None:
    file = tmp_path / "holidays.csv"
    file.write_bytes(TABLE.replace("\n", line).encode(encoding))
    assert load_calendar(file) == MEANT


def test_the_columns_may_stand_anywhere() -> None:
    table = "Name,KIND, Date \n国庆节,Holiday,2026-10-01\n"
    assert read_calendar(table) == Calendar(frozenset({date(2026, 10, 1)}))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    table = (
        "date,kind,name\n2026-02-30,holiday,\n2026-10-01,perhaps,\n2026-10/02,休,\n"
        "2026-10-03,holiday,\n2026-10-03,workday,\n2026-10-04\n"
    )
    with pytest.raises(InputError) as caught:
        read_calendar(table)
    assert [(fault.code, fault.text.en.split(":")[0]) for fault in caught.value.faults] == [
        ("bad_date", "line 2"),
        ("bad_day_kind", "line 3"),
        ("bad_date", "line 4"),
        ("day_of_both_kinds", "line 6"),
        ("bad_day_kind", "line 7"),
    ]


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("", ["calendar_empty"]),
        ("date,kind,name\n", ["calendar_empty"]),
        ("day,what\n2026-10-01,holiday\n", ["missing_column", "missing_column"]),
        ("date,name\n2026-10-01,国庆节\n", ["missing_column"]),
    ],
)
def test_what_is_no_table_is_refused(table: str, codes: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_calendar(table)
    assert [fault.code for fault in caught.value.faults] == codes


@given(st.text())
def test_law_any_text_is_read_or_refused_in_our_words(text: str) -> None:
    for table in (text, f"date,kind\n{text}"):
        assert all(fault.text.zh and fault.text.en for fault in _faults_of(table))


def _faults_of(table: str) -> tuple[Fault, ...]:
    try:
        read_calendar(table)
    except InputError as error:
        return error.faults
    return ()


@given(st.dictionaries(DAYS, st.booleans(), min_size=1), DAYS, st.integers(1, 60))
def test_law_days_read_from_a_table_are_counted_as_numpy_does(
    table: dict[date, bool], start: date, days: int
) -> None:
    rows = (f"{day},{'workday' if worked else 'holiday'}," for day, worked in table.items())
    calendar = read_calendar("\n".join(["date,kind,name", *rows]))
    received = datetime.combine(start, time(15, 30), COUNTY_TIME)
    limit = Limit(Text("", ""), Clock.WORKING_DAYS, days)
    due = due_at(limit, start=received, calendar=calendar)
    assert due is not None
    last = due.astimezone(COUNTY_TIME).date()
    assert _working_days(table, start + timedelta(days=1), last + timedelta(days=1)) == days
    assert _working_days(table, last, last + timedelta(days=1)) == 1


def _working_days(table: dict[date, bool], first: date, stop: date) -> int:
    """Of numpy, which knows holidays but no make-up days."""
    off = np.array([day for day, worked in table.items() if not worked], dtype="datetime64[D]")
    counted = int(np.busday_count(first, stop, holidays=off))
    return counted + sum(
        worked and first <= day < stop and day.weekday() >= 5 for day, worked in table.items()
    )


def test_no_table_is_monday_to_friday_all_year() -> None:
    assert load_calendar(None) == Calendar()


def test_the_setting_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().holidays is None
    monkeypatch.setenv("GRIDSVC_HOLIDAYS", str(tmp_path / "holidays.csv"))
    file = Settings.read().holidays
    with pytest.raises(SettingsError, match=r"GRIDSVC_HOLIDAYS: .*holidays\.csv cannot be opened"):
        load_calendar(file)
    (tmp_path / "holidays.csv").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(SettingsError, match=r"GRIDSVC_HOLIDAYS: .*save it as CSV"):
        load_calendar(file)

"""Deadlines, against numpy's business days and a walk over every minute."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.casework.clocks import HOURS, URGENT_LIMITS, Calendar, due_at, due_of
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Clock, Limit
from gridsvc.domain.words import Text

HOLIDAYS = frozenset(date(2026, 10, day) for day in range(1, 8))
MAKE_UP = frozenset({date(2026, 9, 27), date(2026, 10, 10)})
CALENDAR = Calendar(HOLIDAYS, MAKE_UP)
moments = st.datetimes(datetime(2026, 9, 20), datetime(2026, 10, 20)).map(
    lambda at: at.replace(microsecond=0, second=0, tzinfo=COUNTY_TIME)
)


def limit(clock: Clock, amount: int | None) -> Limit:
    return Limit(Text("", ""), clock, amount)


@given(moments, st.integers(1, 40))
def test_law_working_days_are_those_of_numpy(start: datetime, days: int) -> None:
    due = due_at(limit(Clock.WORKING_DAYS, days), start=start, calendar=Calendar(HOLIDAYS))
    assert due is not None
    local = due.astimezone(COUNTY_TIME)
    day = np.datetime64(start.date())
    holidays = np.array(sorted(HOLIDAYS), dtype="datetime64[D]")
    counted = np.busday_count(day + 1, np.datetime64(local.date()) + 1, holidays=holidays)
    assert counted == days
    assert np.is_busday(np.datetime64(local.date()), holidays=holidays)
    assert local.time() == time(18, 0)


@given(moments, st.integers(1, 30))
def test_law_working_hours_are_counted_minute_by_minute(start: datetime, hours: int) -> None:
    due = due_at(limit(Clock.WORKING_HOURS, hours), start=start, calendar=CALENDAR)
    at, left = start, 60 * hours
    while left:
        inside = any(begins <= at.time() < ends for begins, ends in HOURS)
        left -= inside and CALENDAR.is_working(at.date())
        at += timedelta(minutes=1)
    assert due == at


def test_make_up_days_are_worked_and_holidays_are_not() -> None:
    start = datetime(2026, 9, 26, 9, tzinfo=COUNTY_TIME)  # a Saturday
    due = due_at(limit(Clock.WORKING_DAYS, 5), start=start, calendar=CALENDAR)
    # 27 (make-up), 28, 29, 30 September; 1 to 7 October off; 8 October
    assert due == datetime(2026, 10, 8, 18, tzinfo=COUNTY_TIME)


@pytest.mark.parametrize(
    ("days", "due"), [(0, "2026-11-24T00:00:00+08:00"), (7, "2026-12-01T00:00:00+08:00")]
)
def test_calendar_days_end_at_midnight(days: int, due: str) -> None:
    start = datetime(2026, 11, 22, 20, tzinfo=UTC)  # 04:00 of the 23rd in the county
    found = due_at(limit(Clock.CALENDAR_DAYS, days), start=start, calendar=Calendar())
    assert found == datetime.fromisoformat(due)


def test_an_emergency_has_no_date_and_half_an_hour_is_half_an_hour() -> None:
    start = datetime(2026, 11, 23, tzinfo=UTC)

    def due(kind: str, urgency: int) -> datetime | None:
        return due_of(KINDS_BY_CODE[kind], urgency=urgency, start=start, calendar=Calendar())

    assert due("sudden_illness", 1) is None
    assert due("illegal_burning", 2) == start + timedelta(minutes=30)
    assert due("road_light", 1) == start + URGENT_LIMITS[1]


@given(moments, st.sampled_from(KINDS), st.integers(1, 4))
def test_law_a_limit_ends_after_it_began_and_urgency_only_tightens(
    start: datetime, kind: object, urgency: int
) -> None:
    assert isinstance(kind, type(KINDS[0]))
    ordinary = due_of(kind, urgency=4, start=start, calendar=CALENDAR)
    due = due_of(kind, urgency=urgency, start=start, calendar=CALENDAR)
    if ordinary is None:
        assert due is None
    else:
        assert due is not None
        assert start <= due <= ordinary

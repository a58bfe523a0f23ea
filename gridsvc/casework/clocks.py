"""Deadlines on four clocks: continuous, working hours, working days, calendar days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.kinds import Clock, Kind, Limit

DAY_ENDS = time(18, 0)
"""The end of a working day."""

HOURS = ((time(8, 0), time(12, 0)), (time(14, 0), DAY_ENDS))
"""The working hours of a day."""

URGENT_LIMITS: dict[int, timedelta] = {1: timedelta(hours=2), 2: timedelta(hours=4)}
"""An ordinary kind made urgent runs on the continuous clock. Plausible, not measured."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked: Monday to Friday, without ``holidays``, with ``make_up_days``."""

    holidays: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        """Whether ``day`` is a working day."""
        if day in self.make_up_days:
            return True
        return day.weekday() < 5 and day not in self.holidays


def due_of(kind: Kind, *, urgency: int, start: datetime, calendar: Calendar) -> datetime | None:
    """When a case of ``kind`` that began at ``start`` (aware) must be handled, None: no limit.

    An emergency is handled without a pause and has no date. Of another kind at urgency 1 or 2
    the earlier of its own limit and ``URGENT_LIMITS`` counts.
    """
    due = due_at(kind.limit, start=start, calendar=calendar)
    if due is None or urgency not in URGENT_LIMITS:
        return due
    return min(due, start + URGENT_LIMITS[urgency])


def due_at(limit: Limit, *, start: datetime, calendar: Calendar) -> datetime | None:
    """The end of ``limit`` for what began at ``start`` (aware), in UTC.

    Continuous: so many minutes later, None without a number. Working hours: so many hours of
    `HOURS` on working days. Working days: the end of the n-th working day after the day of
    receipt. Calendar days: the end (24:00) of the n-th day after it; 0 is the day itself.
    """
    if limit.amount is None:
        return None
    if limit.clock is Clock.CONTINUOUS:
        return start.astimezone(UTC) + timedelta(minutes=limit.amount)
    local = start.astimezone(COUNTY_TIME)
    if limit.clock is Clock.CALENDAR_DAYS:
        midnight = datetime.combine(local.date(), time(), COUNTY_TIME)
        return (midnight + timedelta(days=limit.amount + 1)).astimezone(UTC)
    if limit.clock is Clock.WORKING_DAYS:
        return _after_working_days(local.date(), limit.amount, calendar).astimezone(UTC)
    return _after_working_hours(local, timedelta(hours=limit.amount), calendar).astimezone(UTC)


def _after_working_days(day: date, days: int, calendar: Calendar) -> datetime:
    while days > 0:
        day += timedelta(days=1)
        days -= calendar.is_working(day)
    return datetime.combine(day, DAY_ENDS, COUNTY_TIME)


def _after_working_hours(at: datetime, left: timedelta, calendar: Calendar) -> datetime:
    day = at.date()
    while True:
        for begins, ends in HOURS if calendar.is_working(day) else ():
            opening = max(at, datetime.combine(day, begins, COUNTY_TIME))
            closing = datetime.combine(day, ends, COUNTY_TIME)
            if opening + left <= closing:
                return opening + left
            left -= max(closing - opening, timedelta())
        day += timedelta(days=1)

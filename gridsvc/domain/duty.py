"""Duty rosters: a weekly pattern with exceptions, asked for a moment at a time.

Sentinels and mediators are volunteers and have none: they are on call at home, and declining never
counts against them. Whoever has no roster counts as on duty as the list of people says.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Role
from gridsvc.domain.words import Text

ROSTERED = frozenset(Role) - {Role.SENTINEL, Role.MEDIATOR}
"""Roles that may have a roster."""

DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN

OFF_SHIFT = Text("不在岗（按排班）", "off duty by the roster")
ON_LEAVE = Text("不在岗（排班例外）", "off duty by an exception from the roster")


@dataclass(frozen=True, slots=True)
class Shift:
    """On duty every week: ``weekday`` from Monday 0, ``starts`` and ``ends`` in minutes of that
    day's county time; ``ends`` may reach into the next day."""

    responder: str
    weekday: int
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class RosterException:
    """On or off duty from one aware moment up to another, whatever the pattern says. The latest
    written one counts. The ``reason`` is shown to officers alone."""

    id: str
    responder: str
    starts_at: datetime
    ends_at: datetime
    on_duty: bool
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is off duty, by id, and why; who is on by a shift or an exception; from and up to which
    aware moment that is sure."""

    off: Mapping[str, Text]
    on: frozenset[str]
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Roster:
    """Everybody's pattern and exceptions. Immutable."""

    shifts: tuple[Shift, ...] = ()
    exceptions: tuple[RosterException, ...] = ()

    def at(self, moment: datetime) -> Duty:
        """Who is off duty at an aware moment."""
        minute = _minute(moment)
        on = {key for key, spans in self._spans.items() if _in(spans, minute)}
        off = {key: OFF_SHIFT for key in self._spans if key not in on}
        for one in self._exceptions:
            if one.starts_at <= moment < one.ends_at:
                off.pop(one.responder, None)
                on.discard(one.responder)
                if one.on_duty:
                    on.add(one.responder)
                else:
                    off[one.responder] = ON_LEAVE
        return Duty(off, frozenset(on), moment, self._next(moment))

    def next_start(self, responders: Collection[str], moment: datetime) -> datetime | None:
        """When the first of those who are off duty is on again, within a week; None where nothing
        says."""
        at = moment
        while at < moment + timedelta(days=7):
            at = self._next(at)
            off = self.at(at).off
            if any(one not in off for one in responders):
                return at
        return None

    def _next(self, moment: datetime) -> datetime:
        """The first moment after ``moment`` at which anything may change."""
        minute = _minute(moment)
        start = moment.replace(second=0, microsecond=0) - timedelta(minutes=minute)
        found = bisect_right(self._turns, minute)
        turns = [*self._turns[found : found + 1], *(t + WEEK_MIN for t in self._turns[:1])]
        moments = [start + timedelta(minutes=turn) for turn in turns]
        moments += [
            at for one in self._exceptions for at in (one.starts_at, one.ends_at) if at > moment
        ]
        return min(moments, default=moment + timedelta(days=7))

    @cached_property
    def _spans(self) -> dict[str, list[tuple[int, int]]]:
        """Spans of the week on duty, in minutes since Monday, by responder."""
        spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for one in self.shifts:
            start, end = one.weekday * DAY_MIN + one.starts, one.weekday * DAY_MIN + one.ends
            spans[one.responder].append((start, end))
            if end > WEEK_MIN:
                spans[one.responder].append((start - WEEK_MIN, end - WEEK_MIN))
        return dict(spans)

    @cached_property
    def _turns(self) -> list[int]:
        """The minutes of the week at which somebody's duty begins or ends."""
        ends = {
            edge % WEEK_MIN for spans in self._spans.values() for span in spans for edge in span
        }
        return sorted(ends)

    @cached_property
    def _exceptions(self) -> list[RosterException]:
        return sorted(self.exceptions, key=lambda one: (one.at, one.id))


def volunteers(people: Iterable[tuple[str, Role]]) -> list[str]:
    """Ids of those who cannot have a roster."""
    return [key for key, role in people if role not in ROSTERED]


def _in(spans: list[tuple[int, int]], minute: int) -> bool:
    return any(start <= minute < end for start, end in spans)


def _minute(moment: datetime) -> int:
    """Whole minutes since Monday 00:00 of the county's week."""
    local = moment.astimezone(COUNTY_TIME)
    return local.weekday() * DAY_MIN + local.hour * 60 + local.minute

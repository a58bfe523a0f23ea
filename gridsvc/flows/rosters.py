"""Duty rosters come in from a file, and exceptions from them by hand."""

import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from gridsvc.domain.card_events import RosterChanged
from gridsvc.domain.duty import DAY_MIN, ROSTERED, WEEK_MIN, Roster, RosterException, Shift
from gridsvc.domain.errors import Fault, InputError, LayerError, NotFoundError
from gridsvc.domain.force import ROLE_NAMES, Role, unknown_responder
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.patience import patiently
from gridsvc.store import Store, UnitOfWork

COLUMNS: dict[str, tuple[str, ...]] = {
    "responder": ("responder", "id", "人员编号", "编号"),
    "weekday": ("weekday", "day", "星期", "周几"),
    "starts": ("from", "start", "starts", "上班", "开始", "上班时间", "开始时间"),
    "ends": ("to", "end", "ends", "下班", "结束", "下班时间", "结束时间"),
}
"""What is needed, and what a file may call it."""

LONGEST_EXCEPTION = timedelta(days=366)

_DAYS = {
    **{str(n): n - 1 for n in range(1, 8)},
    **{name: n for n, name in enumerate("一二三四五六日")},
    "天": 6,
    **{name: n for n, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}
_DAY_WORD = re.compile(r"^(?:星期|周|礼拜)")
_TIME = re.compile(r"(\d{1,2})[:：](\d{2})(?::00)?")


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What an import has done."""

    responders: int
    shifts: int


def import_roster(
    store: Store, path: Path, *, layer: str | None = None, encoding: str | None = None
) -> RosterReport:
    """Let a CSV or XLSX file be the weekly pattern of everybody who is in it.

    One row is one shift: who, weekday (1 to 7, 一 to 日, mon to sun, a span such as 1-5), from and
    to (08:00). A shift that ends before it begins ends the next day; 24:00 is midnight.

    Raises
    ------
    LayerError
        Every fault of the file at once: nothing is changed.
    """
    # What reads files takes a second to load, and a service that starts reads none.
    from geodata.sources import read_raw

    raw = read_raw(path, layer=layer, encoding=encoding)
    faults = list(raw.faults)
    columns = {column.name.strip().lower(): column.values() for column in raw.columns}
    found = {name: _column(columns, called) for name, called in COLUMNS.items()}
    faults += [_no_column(name) for name, values in found.items() if values is None]
    if faults:
        raise LayerError(faults)
    rows = list(zip(*(values or () for values in found.values()), strict=True))

    def once(work: UnitOfWork) -> RosterReport:
        roles = {one.id: one.role for one in work.force.all()}
        shifts, wrong = _shifts(rows, roles)
        if wrong:
            raise LayerError(wrong)
        people = {one.responder for one in shifts}
        work.standing.replace_shifts(people, shifts)
        work.events.record(RosterChanged(len(people)))
        return RosterReport(len(people), len(shifts))

    return patiently(store, once)


def add_exception(
    responder: str,
    *,
    starts_at: datetime,
    ends_at: datetime,
    on_duty: bool,
    reason: str,
    store: Store,
    now: datetime,
    caller: Caller,
) -> RosterException:
    """Put somebody on or off duty from one aware moment up to another, whatever the roster says.

    Raises
    ------
    NotFoundError
        No such person.
    InputError
        A volunteer, no reason, or moments that are not in order, over, or more than a year long.
    """
    faults = [] if reason.strip() else [_fault("missing_reason", "请写明理由", "say why", "reason")]
    if not (starts_at < ends_at and now < ends_at <= starts_at + LONGEST_EXCEPTION):
        zh = "起止时间须先后有序、尚未过去、不超过一年"
        en = "the moments must be in order, not over yet, and a year apart at most"
        faults.append(_fault("bad_span", zh, en, "ends_at"))

    def once(work: UnitOfWork) -> RosterException:
        who = work.force.get(responder)
        if who is None:
            raise unknown_responder(responder)
        wrong = [*faults, *([] if who.role in ROSTERED else [_volunteer(who.role, "responder")])]
        if wrong:
            raise InputError(wrong)
        one = RosterException(
            uuid.uuid4().hex, responder, starts_at, ends_at, on_duty, reason, caller.id, now
        )
        work.standing.add_exception(one)
        work.events.record(RosterChanged(1))
        return one

    return patiently(store, once)


def drop_exception(responder: str, id: str, *, store: Store) -> None:  # noqa: A002
    """Take an exception of somebody back.

    Raises
    ------
    NotFoundError
        None is known under ``id``.
    """

    def once(work: UnitOfWork) -> None:
        if not work.standing.drop_exception(responder, id):
            text = Text(f"没有编号为“{id}”的排班例外", f"no exception is known under {id!r}")
            raise NotFoundError(Fault("unknown_exception", text))
        work.events.record(RosterChanged(1))

    patiently(store, once)


def of_responder(responder: str, *, store: Store) -> Roster:
    """The pattern and the exceptions of one person.

    Raises
    ------
    NotFoundError
        No such person.
    """
    with store.read() as reading:
        if reading.force.get(responder) is None:
            raise unknown_responder(responder)
        whole = reading.standing.roster()
    return Roster(
        tuple(one for one in whole.shifts if one.responder == responder),
        tuple(one for one in whole.exceptions if one.responder == responder),
    )


def _column(columns: Mapping[str, Sequence[Any]], called: tuple[str, ...]) -> Sequence[Any] | None:
    return next((columns[name] for name in called if name in columns), None)


def _shifts(
    rows: Sequence[tuple[Any, ...]], roles: Mapping[str, Role]
) -> tuple[list[Shift], list[Fault]]:
    shifts: list[Shift] = []
    faults: list[Fault] = []
    for n, (who, days, starts, ends) in enumerate(rows, 2):
        key, where = _said(who), f"row {n}"
        role = roles.get(key)
        if role is None:
            faults.append(
                _fault(
                    "unknown_responder", f"没有人员“{key}”", f"nobody is known as {key!r}", where
                )
            )
        elif role not in ROSTERED:
            faults.append(_volunteer(role, where))
        meant, start, end = _weekdays(_said(days)), _minute(starts), _minute(ends)
        if not meant:
            zh, en = (
                f"星期“{days}”无法识别：可用 1 至 7 或 1-5",
                f"no weekday {days!r}: use 1 to 7 or 1-5",
            )
            faults.append(_fault("bad_weekday", zh, en, where))
        if start is None or end is None or start == DAY_MIN:
            said = f"{starts} - {ends}"
            zh, en = f"时间“{said}”无法识别：如 08:00", f"no times {said!r}: write 08:00"
            faults.append(_fault("bad_time", zh, en, where))
            continue
        until = end if end > start else end + DAY_MIN
        shifts += [Shift(key, day, start, until) for day in meant]
    return shifts, [*faults, *_overlaps(shifts)]


def _overlaps(shifts: Sequence[Shift]) -> list[Fault]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in shifts:
        start = one.weekday * DAY_MIN
        spans[one.responder].append((start + one.starts, start + one.ends))
    wrong = []
    for key, found in spans.items():
        found.sort()
        around = [*found, (found[0][0] + WEEK_MIN, found[0][1] + WEEK_MIN)]
        if any(end > start for (_, end), (start, _) in pairwise(around)):
            zh, en = f"{key} 的班次互相重叠", f"shifts of {key} overlap each other"
            wrong.append(_fault("shifts_overlap", zh, en, key))
    return wrong


def _weekdays(said: str) -> list[int]:
    """The days meant by 一, 周一, 1, mon, 1-5 or 周一至周五; none where they cannot be read."""
    ends = [_DAYS.get(_DAY_WORD.sub("", one.strip().lower())) for one in re.split("[-~至到]", said)]
    if not 0 < len(ends) <= 2 or None in ends:
        return []
    first, last = ends[0] or 0, ends[-1] or 0
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def _minute(said: Any) -> int | None:
    if isinstance(said, datetime | time):
        return said.hour * 60 + said.minute
    found = _TIME.fullmatch(_said(said))
    if found is None:
        return None
    minute = int(found[1]) * 60 + int(found[2])
    return minute if int(found[2]) < 60 and minute <= DAY_MIN else None


def _said(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _volunteer(role: Role, where: str) -> Fault:
    name = ROLE_NAMES[role]
    return _fault(
        "no_roster",
        f"{name.zh}是志愿力量，默认在家待命，不排班",
        f"a {name.en} is a volunteer, on call at home, and has no roster",
        where,
    )


def _no_column(name: str) -> Fault:
    called = "、".join(COLUMNS[name])
    return _fault(
        "missing_column",
        f"缺少列 {name}：可用列名 {called}",
        f"the column {name} is missing: it may be called {', '.join(COLUMNS[name])}",
        name,
    )


def _fault(code: str, zh: str, en: str, where: str) -> Fault:
    return Fault(code, Text(zh, en), where)

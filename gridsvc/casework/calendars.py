"""The state's table of holidays and make-up days, as text."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date

from gridsvc.casework.clocks import Calendar
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.words import Text

_COLUMNS = {"date": ("date", "日期"), "kind": ("kind", "type", "类型", "类别")}
_OFF = frozenset({"holiday", "节假日", "休", "放假"})
_WORKED = frozenset({"workday", "调休上班", "班", "上班"})
_DATES = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d\d)(\d\d))",
    re.ASCII,
)


def read_calendar(text: str) -> Calendar:
    """The calendar of a CSV table.

    Parameters
    ----------
    text
        With a heading that names the columns ``date`` (日期) and ``kind`` (类型); others, such as
        the holiday's name, are not read. A date is 2026-10-01, 2026/10/1, 2026年10月1日 or
        20261001; a kind ``holiday`` (节假日) or ``workday`` (调休上班).

    Raises
    ------
    InputError
        Every fault of every row at once.
    """
    try:
        rows = [*_filled(text)]
    except csv.Error as error:
        raise InputError(_unreadable(error)) from error
    if len(rows) < 2:
        raise InputError(_EMPTY)
    places, faults = _places(rows[0][1])
    if faults:
        raise InputError(faults)
    days: dict[date, bool] = {}
    for line, cells in rows[1:]:
        said = {name: cells[at].strip() if at < len(cells) else "" for name, at in places.items()}
        day, worked = _day(said["date"]), _worked(said["kind"])
        if day is None:
            faults.append(_bad_date(line, said["date"]))
        if worked is None:
            faults.append(_bad_kind(line, said["kind"]))
        if day is None or worked is None:
            continue
        if days.setdefault(day, worked) is not worked:
            faults.append(_both(line, day))
    if faults:
        raise InputError(faults)
    return Calendar(
        holidays=frozenset(day for day, worked in days.items() if not worked),
        make_up_days=frozenset(day for day, worked in days.items() if worked),
    )


def _filled(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, with their line in the file."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _places(heading: list[str]) -> tuple[dict[str, int], list[Fault]]:
    """Where the columns are, and those that are missing."""
    names = [cell.strip().lower() for cell in heading]
    found = {
        column: next((at for at, name in enumerate(names) if name in known), None)
        for column, known in _COLUMNS.items()
    }
    missing = [column for column, at in found.items() if at is None]
    faults = [_no_column(column, heading) for column in missing]
    return {column: at for column, at in found.items() if at is not None}, faults


def _day(said: str) -> date | None:
    match = _DATES.fullmatch(said)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _worked(said: str) -> bool | None:
    if said.lower() in _WORKED:
        return True
    return False if said.lower() in _OFF else None


_EMPTY = Fault(
    "calendar_empty",
    Text(
        "节假日表为空：第一行应为 date,kind,name（日期,类型,名称），以下每天一行",
        "the table of holidays is empty: it takes a heading date,kind,name and a row for each day",
    ),
)


def _unreadable(error: csv.Error) -> Fault:
    return Fault(
        "calendar_unreadable",
        Text(
            f"节假日表不是可读的 CSV（{error}）：请另存为 CSV 后重试",
            f"the table of holidays cannot be read as CSV ({error}): save it as CSV again",
        ),
    )


def _no_column(column: str, heading: list[str]) -> Fault:
    names, there = " / ".join(_COLUMNS[column]), ", ".join(heading)
    return Fault(
        "missing_column",
        Text(
            f"节假日表缺少列 {names}；现有列：{there}",
            f"the table of holidays has no column {names}; it has {there}",
        ),
        column,
    )


def _bad_date(line: int, said: str) -> Fault:
    return Fault(
        "bad_date",
        Text(
            f"第 {line} 行：日期“{said}”无效，应如 2026-10-01",
            f"line {line}: {said!r} is no date, write it like 2026-10-01",
        ),
        "date",
    )


def _bad_kind(line: int, said: str) -> Fault:
    return Fault(
        "bad_day_kind",
        Text(
            f"第 {line} 行：类型“{said}”无效，应为 holiday（节假日）或 workday（调休上班）",
            f"line {line}: kind {said!r} is neither holiday nor workday",
        ),
        "kind",
    )


def _both(line: int, day: date) -> Fault:
    return Fault(
        "day_of_both_kinds",
        Text(
            f"第 {line} 行：{day} 既列为节假日又列为调休上班，请只保留一种",
            f"line {line}: {day} is listed both as a holiday and as a workday, keep one",
        ),
        "kind",
    )

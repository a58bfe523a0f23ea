"""Which cases a list shows, and what that means in SQL."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_

from gridsvc.domain.kinds import Category
from gridsvc.domain.lifecycle import OPEN_STAGES, Stage
from gridsvc.store.messages import NOT_TOLD
from gridsvc.store.tables import incident

_C = incident.c
OPEN = sorted(OPEN_STAGES)
"""Open stages, in the order in which a statement names them."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases a list shows; what is None or empty does not restrict it. ``area`` is the code
    of any area; ``within`` the area that the asker is limited to; ``overdue_at`` an aware time;
    ``unanswered_at`` one at which a hand-over waits too long; ``unsure``: the place is."""

    stages: Collection[Stage] = ()
    categories: Collection[Category] = ()
    kinds: Collection[str] = ()
    urgencies: Collection[int] = ()
    ratings: Collection[str] = ()
    area: str | None = None
    within: str | None = None
    open: bool | None = None
    unlocated: bool | None = None
    supervised: bool | None = None
    drill: bool | None = None
    not_told: bool | None = None
    unanswered: bool | None = None
    nobody_left: bool | None = None
    silent: bool | None = None
    overdue_at: datetime | None = None
    unsure: bool | None = None
    unanswered_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None


def conditions(which: CaseFilter, county: str) -> list[ColumnElement[bool]]:
    """What a row of ``incident`` must fulfil to pass ``which`` in ``county``."""
    listed = [
        column.in_(sorted(values))
        for column, values in (
            (_C.stage, which.stages),
            (_C.category, which.categories),
            (_C.kind, which.kinds),
            (_C.urgency, which.urgencies),
            (_C.rating, which.ratings),
        )
        if values
    ]
    flags = [
        condition if wanted else ~condition
        for condition, wanted in (
            (_C.stage.in_(OPEN), which.open),
            (_C.grid.is_(None), which.unlocated),
            (_C.supervised.is_(True), which.supervised),
            (_C.doubt.is_not(None), which.unsure),
            (_C.drill.is_(True), which.drill),
            (NOT_TOLD, which.not_told),
            (_C.unanswered_since.is_not(None), which.unanswered),
            (_C.nobody_left.is_(True), which.nobody_left),
            (_C.silent > 0, which.silent),
        )
        if wanted is not None
    ]
    areas = [_in_area(code, county) for code in (which.area, which.within) if code is not None]
    times = []
    if which.since is not None:
        times.append(_C.received_at >= which.since)
    if which.until is not None:
        times.append(_C.received_at < which.until)
    if which.overdue_at is not None:
        late = and_(_C.due_at < which.overdue_at, _C.closed_at.is_(None))
        owed = _C.paperwork_due_at < which.overdue_at
        times.append(and_(_C.stage.in_(OPEN), or_(late, owed)))
    if which.unanswered_at is not None:
        times.append(_C.handover_due_at < which.unanswered_at)
    return [*listed, *flags, *[one for one in areas if one is not None], *times]


def _in_area(code: str, county: str) -> ColumnElement[bool] | None:
    """The condition to lie in the area ``code``, None for the whole county."""
    if code == county:
        return None
    return or_(_C.township == code, _C.village == code, _C.grid == code, _C.unit == code)

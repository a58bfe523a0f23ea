"""What a caller may see of the cases: those of their area."""

from dataclasses import dataclass, replace
from datetime import datetime

from gridsvc.domain.case import Case, File
from gridsvc.domain.events import StoredEvent
from gridsvc.domain.handover import Handover
from gridsvc.domain.incident import Incident, Reporter, unknown_incident
from gridsvc.domain.lifecycle import Stage
from gridsvc.domain.rights import Caller, Right
from gridsvc.flows.dispatching import reaches
from gridsvc.store import CaseFilter, Reading, Store


@dataclass(frozen=True, slots=True)
class Page:
    """Cases, whether more follow, and how many open ones need somebody's eye (drills left out)."""

    cases: list[tuple[Incident, Case]]
    more: bool
    alarms: dict[str, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything of one case that a caller may see, with its events."""

    file: File
    events: list[StoredEvent]
    reporter: Reporter | None
    handovers: tuple[Handover, ...] = ()


def page(
    which: CaseFilter,
    *,
    limit: int,
    before: str | None,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Page:
    """A page of cases, the last received first.

    Raises
    ------
    NotFoundError
        No incident of the caller's is known under ``before``.
    """
    which = replace(which, within=caller.area)
    with store.read() as reading:
        last = None if before is None else reading.cases.get(before)
        if before is not None and last is not None and not reaches(caller, *last, store.county):
            raise unknown_incident(before, where="before")
        found = reading.cases.page(which, limit=limit + 1, before=before)
        alarms = _alarms(reading, now, caller.area)
    return Page(found[:limit], len(found) > limit, alarms)


def open_cases(*, store: Store, now: datetime) -> dict[str, int]:
    """How many cases of the county are open, and how many of them need somebody's eye (drills left
    out)."""
    counted = CaseFilter(within=store.county, drill=False, open=True)
    with store.read() as reading:
        return {"open": reading.cases.count(counted), **_alarms(reading, now, store.county)}


def _alarms(reading: Reading, now: datetime, area: str) -> dict[str, int]:
    counted = CaseFilter(within=area, drill=False, open=True)
    return {
        "unanswered": reading.cases.count(replace(counted, unanswered=True)),
        "nobody_left": reading.cases.count(replace(counted, nobody_left=True)),
        "silent_on_scene": reading.cases.count(replace(counted, silent=True)),
        "unlocated": reading.cases.count(replace(counted, unlocated=True)),
        "not_told": reading.cases.count(replace(counted, not_told=True)),
        "paperwork_owed": reading.cases.count(replace(counted, stages=[Stage.PAPERWORK_OWED])),
        "overdue": reading.cases.count(replace(counted, overdue_at=now)),
        "supervised": reading.cases.count(replace(counted, supervised=True)),
        "place_unsure": reading.cases.count(replace(counted, unsure=True)),
        "handover_unanswered": reading.cases.count(replace(counted, unanswered_at=now)),
    }


def show(key: str, *, store: Store, caller: Caller) -> Shown:
    """One case with its events.

    Raises
    ------
    NotFoundError
        It does not exist, or lies outside the caller's area.
    """
    with store.read() as reading:
        file = reading.cases.file(key)
        if not reaches(caller, file.incident, file.case, store.county):
            raise unknown_incident(key)
        events = reading.events.of_incident(file.incident.id)
        reporter = None
        who, confidential = file.incident.reporter, file.incident.confidential
        if who is not None and (not confidential or caller.may(Right.READ_SENSITIVE)):
            reporter = Reporter(*reading.force.person(who), confidential)
        handovers = reading.handovers.of_incident(file.incident.id)
    return Shown(file, events, reporter, handovers)

"""Services are asked, and answer: police, fire, ambulance and traffic are never ordered."""

from dataclasses import replace
from datetime import datetime

from gridsvc.domain.card_events import HandoverAnswered, HandoverAsked, HandoverOverdue
from gridsvc.domain.cards import SERVICES
from gridsvc.domain.case import Case
from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.handover import ANSWERED_WITHIN, Handover
from gridsvc.domain.incident import Incident
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, must_be_open, patiently, reached
from gridsvc.store import Store, UnitOfWork


def ask_at_once(
    work: UnitOfWork, incident: Incident, services: tuple[str, ...], *, now: datetime, by: str
) -> None:
    """Keep that ``services`` are asked about a new incident, whose case says by when they must
    have answered."""
    if not services:
        return
    work.handovers.ask([Handover(incident.id, one, now, by) for one in services])
    work.events.record(HandoverAsked(**about(incident, work.cases.county, by), services=services))


def ask_more(
    work: UnitOfWork,
    incident: Incident,
    case: Case,
    services: tuple[str, ...],
    *,
    now: datetime,
    by: str,
) -> tuple[str, ...]:
    """Ask those of ``services`` that were not asked about an incident before; return them. The
    incident is locked."""
    asked = {one.service for one in work.handovers.of_incident(incident.id)}
    new = tuple(one for one in services if one not in asked)
    ask_at_once(work, incident, new, now=now, by=by)
    if new:
        _await(work, incident, case)
    return new


def ask(
    key: str, service: str, *, store: Store, now: datetime, caller: Caller
) -> tuple[Handover, ...]:
    """Ask a service about an open case, also one that was asked before: its answer is withdrawn.

    Returns
    -------
    tuple of Handover
        All of the case.

    Raises
    ------
    NotFoundError
        No such case in the caller's area, or no such service.
    ConflictError
        The case is closed.
    """
    _must_be_known(service)

    def once(work: UnitOfWork) -> tuple[Handover, ...]:
        incident, case = reached(work, key, caller)
        must_be_open(case)
        if not ask_more(work, incident, case, (service,), now=now, by=caller.id):
            work.handovers.ask_again(incident.id, service, at=now, by=caller.id)
            fields = about(incident, store.county, caller.id)
            work.events.record(HandoverAsked(**fields, services=(service,)))
            _await(work, incident, case)
        return work.handovers.of_incident(incident.id)

    return patiently(store, once)


def answer(
    key: str,
    service: str,
    *,
    operator: str,
    their_number: str,
    store: Store,
    now: datetime,
    caller: Caller,
) -> tuple[Handover, ...]:
    """Record that a service has answered: who, and under which number of theirs.

    An answer given before is corrected; the moment of the first one stays.

    Raises
    ------
    NotFoundError
        No such case in the caller's area, no such service, or it was not asked.
    InputError
        Nobody and no number is named.
    """
    _must_be_known(service)
    if not operator.strip() and not their_number.strip():
        raise InputError(Fault("nobody_answered", _NOBODY, "operator"))

    def once(work: UnitOfWork) -> tuple[Handover, ...]:
        incident, case = reached(work, key, caller)
        found = {one.service: one for one in work.handovers.of_incident(incident.id)}
        if service not in found:
            raise NotFoundError(_not_asked(service))
        work.handovers.answer(
            incident.id,
            service,
            at=found[service].answered_at or now,
            operator=operator,
            their_number=their_number,
        )
        fields = about(incident, store.county, caller.id)
        work.events.record(HandoverAnswered(**fields, service=service))
        _await(work, incident, case)
        return work.handovers.of_incident(incident.id)

    return patiently(store, once)


def handover_overdue(work: UnitOfWork, id: str, now: datetime) -> datetime | None:  # noqa: A002
    """Tell once who was asked about the incident ``id`` and is silent: for a timer.

    Returns
    -------
    datetime or None
        When to look again, None where nobody is awaited any more.
    """
    incident, case = work.cases.known(id, lock=True)
    if not case.open or case.handover_due_at is None:
        return None
    if now <= case.handover_due_at:
        return case.handover_due_at
    silent = [one for one in work.handovers.of_incident(id) if one.answered_at is None]
    # Of those asked at several times each is told when its own time is up.
    late = tuple(one.service for one in silent if one.due_at < now)
    fields = about(incident, work.cases.county, "timer")
    work.events.record(HandoverOverdue(**fields, services=late))
    return min((one.due_at for one in silent if one.due_at >= now), default=None)


def due_at(services: tuple[str, ...], now: datetime) -> datetime | None:
    """When the silence of ``services`` that are asked now becomes an alarm."""
    return now + ANSWERED_WITHIN if services else None


def _await(work: UnitOfWork, incident: Incident, case: Case) -> None:
    """Let the case say when the first of those still silent is due."""
    silent = [one for one in work.handovers.of_incident(incident.id) if one.answered_at is None]
    due = min((one.due_at for one in silent), default=None)
    work.cases.change(incident.id, replace(case, handover_due_at=due))


def _must_be_known(service: str) -> None:
    if service not in SERVICES:
        allowed = ", ".join(SERVICES)
        text = Text(
            f"没有可移交的“{service}”：可用 {allowed}",
            f"no service {service!r} can be asked: use one of {allowed}",
        )
        raise NotFoundError(Fault("unknown_service", text, "service"))


def _not_asked(service: str) -> Fault:
    text = Text(
        f"尚未请求 {service}：请先用 .../handovers/{service}/ask 请求",
        f"{service} was not asked yet: ask it first with .../handovers/{service}/ask",
    )
    return Fault("not_asked", text, "service")


_NOBODY = Text(
    "请写明对方接警员或警单号，至少一项", "say who answered or their number, at least one of them"
)

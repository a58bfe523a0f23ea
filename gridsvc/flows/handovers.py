"""Services are asked, and answer: police, fire, ambulance and traffic are never ordered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gridsvc.domain.card_events import HandoverAnswered, HandoverAsked, HandoverOverdue
from gridsvc.domain.cards import SERVICES
from gridsvc.domain.case import Case
from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.handover import ANSWERED_WITHIN, Handover
from gridsvc.domain.incident import Incident
from gridsvc.domain.rights import Caller
from gridsvc.domain.timers import Timer, TimerKind, handovers_timer
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, must_be_open, reached
from gridsvc.flows.offering import CLOCK
from gridsvc.flows.patience import patiently
from gridsvc.store import Store, UnitOfWork


def ask_at_once(
    work: UnitOfWork, incident: Incident, services: tuple[str, ...], *, now: datetime, by: str
) -> None:
    """Keep that ``services`` are asked about a new incident, whose case says by when they must
    have answered, and watch over them. Nothing is read."""
    due = due_at(services, now)
    if due is None:
        return
    _keep(work, incident, services, now=now, by=by)
    work.timers.set(Timer(handovers_timer(incident.id), incident.id, TimerKind.HANDOVERS, due))


def ask_more(
    work: UnitOfWork,
    incident: Incident,
    case: Case,
    services: tuple[str, ...],
    *,
    now: datetime,
    by: str,
) -> Case:
    """Ask those of ``services`` that were not asked about an incident before; return its case as
    it is kept now. The incident is locked."""
    asked = {one.service for one in work.handovers.of_incident(incident.id)}
    new = tuple(one for one in services if one not in asked)
    if not new:
        return case
    _keep(work, incident, new, now=now, by=by)
    return _await(work, incident, case, now)


def _keep(
    work: UnitOfWork, incident: Incident, services: tuple[str, ...], *, now: datetime, by: str
) -> None:
    work.handovers.ask([Handover(incident.id, one, now, by) for one in services])
    work.events.record(HandoverAsked(**about(incident, work.cases.county, by), services=services))


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
        asked = {one.service for one in work.handovers.of_incident(incident.id)}
        ask_more(work, incident, case, (service,), now=now, by=caller.id)
        if service in asked:
            work.handovers.ask_again(incident.id, service, at=now, by=caller.id)
            fields = about(incident, store.county, caller.id)
            work.events.record(HandoverAsked(**fields, services=(service,)))
            _await(work, incident, case, now)
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
        _await(work, incident, case, now)
        return work.handovers.of_incident(incident.id)

    return patiently(store, once)


def handovers_overdue(
    work: UnitOfWork, incident: Incident, case: Case, timer: Timer, *, now: datetime
) -> None:
    """Tell once who was asked about an incident and is silent, and watch over those whose time is
    not up: what the timer does. The incident is locked."""
    if not case.open:
        return
    silent = _silent(work, incident)
    # Of those asked at several times each is told when its own time is up.
    told = _told_until(timer)
    late = tuple(
        one.service for one in silent if one.due_at <= now and (told is None or told < one.due_at)
    )
    if late:
        fields = about(incident, work.cases.county, CLOCK)
        work.events.record(HandoverOverdue(**fields, services=late))
    _watch(work, incident, silent, now)


def hand_on(
    work: UnitOfWork, incident: Incident, target: Incident, other: Case, *, now: datetime
) -> Case:
    """Let the case ``other`` of ``target`` await the services that were asked about ``incident``,
    which is made part of it, and are silent; those that it asked itself stay as they are.

    Returns
    -------
    Case
        ``other`` as it is kept now. Both incidents are locked.
    """
    asked = {one.service for one in work.handovers.of_incident(target.id)}
    moving = [one.service for one in _silent(work, incident) if one.service not in asked]
    if not moving:
        return other
    work.handovers.hand_on(incident.id, target.id, moving)
    return _await(work, target, other, now)


def due_at(services: tuple[str, ...], now: datetime) -> datetime | None:
    """When the silence of ``services`` that are asked now becomes an alarm."""
    return now + ANSWERED_WITHIN if services else None


def _silent(work: UnitOfWork, incident: Incident) -> list[Handover]:
    return [one for one in work.handovers.of_incident(incident.id) if one.answered_at is None]


def _await(work: UnitOfWork, incident: Incident, case: Case, now: datetime) -> Case:
    """Let the case say when the first of those still silent is due, and watch over them."""
    silent = _silent(work, incident)
    after = replace(case, handover_due_at=min((one.due_at for one in silent), default=None))
    work.cases.change(incident.id, after)
    before = work.timers.take(handovers_timer(incident.id))
    # Where none was set, everybody whose time is up by now was told.
    _watch(work, incident, silent, now if before is None else _told_until(before))
    return after


def _watch(
    work: UnitOfWork, incident: Incident, silent: Sequence[Handover], told: datetime | None
) -> None:
    """Set the timer of the first of ``silent`` that is due after ``told``: until then each was."""
    due = min((one.due_at for one in silent if told is None or told < one.due_at), default=None)
    if due is not None:
        payload = {} if told is None else {"told": told.isoformat()}
        work.timers.set(
            Timer(
                handovers_timer(incident.id),
                incident.id,
                TimerKind.HANDOVERS,
                due,
                payload=payload,
            )
        )


def _told_until(timer: Timer) -> datetime | None:
    told = timer.payload.get("told")
    return None if told is None else datetime.fromisoformat(told)


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

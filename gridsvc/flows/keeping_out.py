"""Who is not offered a case: excluded by an officer's hand, or recused."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from gridsvc.domain.card_events import ExclusionLifted, ResponderExcluded, ResponderRecused
from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.force import unknown_responder
from gridsvc.domain.rights import Caller
from gridsvc.domain.standing import Exclusion
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, reached
from gridsvc.flows.patience import patiently
from gridsvc.store import Store, UnitOfWork

LONGEST = timedelta(days=366)


def exclude(
    responder: str,
    *,
    key: str | None,
    until: datetime | None,
    reason: str,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Exclusion:
    """Keep somebody from the case ``key``, or (None) from every case, until an aware moment or,
    None, until it is lifted.

    Raises
    ------
    NotFoundError
        No such person, or no such case in the caller's area.
    InputError
        No reason, or a moment that has passed or is years away.
    """
    faults = [*_reason_faults(reason), *_until_faults(until, now)]
    if faults:
        raise InputError(faults)

    def once(work: UnitOfWork) -> Exclusion:
        _must_exist(work, [responder])
        incident = None if key is None else reached(work, key, caller)[0].id
        one = Exclusion(uuid.uuid4().hex, responder, incident, until, reason, caller.id, now)
        work.standing.exclude(one)
        work.events.record(ResponderExcluded(one.id, responder))
        return one

    return patiently(store, once)


def lift(id: str, *, store: Store, now: datetime, caller: Caller) -> None:  # noqa: A002
    """End an exclusion.

    Raises
    ------
    NotFoundError
        None that counts is known under ``id``, or it is of a case outside the caller's area.
    """

    def once(work: UnitOfWork) -> None:
        one = work.standing.exclusion(id)
        if one is None or not one.holds(now):
            text = Text(f"没有编号为“{id}”的排除", f"no exclusion is known under {id!r}")
            raise NotFoundError(Fault("unknown_exclusion", text))
        if one.incident is not None:
            reached(work, one.incident, caller)
        work.standing.lift(id, at=now)
        work.events.record(ExclusionLifted(id, one.responder))

    patiently(store, once)


def recuse(
    key: str, responders: Collection[str], *, store: Store, now: datetime, caller: Caller
) -> frozenset[str]:
    """Keep people from a case that they are party to, or relatives of a party.

    Returns
    -------
    frozenset of str
        Ids of all who are recused from it.

    Raises
    ------
    NotFoundError
        No such case in the caller's area, or no such person.
    """

    def once(work: UnitOfWork) -> frozenset[str]:
        incident, _ = reached(work, key, caller)
        _must_exist(work, responders)
        known = work.standing.recused_from(incident.id)
        work.standing.recuse(incident.id, responders, by=caller.id, at=now)
        fields = about(incident, store.county, caller.id)
        work.events.record(
            *(ResponderRecused(**fields, responder=one) for one in sorted(set(responders) - known))
        )
        return known | frozenset(responders)

    return patiently(store, once)


def _must_exist(work: UnitOfWork, responders: Iterable[str]) -> None:
    for one in responders:
        if work.force.get(one) is None:
            raise unknown_responder(one)


def _reason_faults(reason: str) -> list[Fault]:
    if reason.strip():
        return []
    return [Fault("missing_reason", Text("请写明理由", "say why"), "reason")]


def _until_faults(until: datetime | None, now: datetime) -> list[Fault]:
    if until is None or now < until < now + LONGEST:
        return []
    text = Text("期限须在此后一年之内", "the end must be within the year to come")
    return [Fault("bad_until", text, "until")]

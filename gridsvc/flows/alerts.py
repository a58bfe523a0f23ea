"""叫应: an alert polygon calls everybody responsible inside it; who was reached is recorded."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from gridsvc.dispatch.calling import Called, Parents, Touched, called, gaps, touched
from gridsvc.dispatch.force_index import ForceIndex
from gridsvc.domain.alerts import (
    REACHED,
    Alert,
    AlertLevel,
    Call,
    CallState,
    CallStep,
    Gap,
    Hazard,
    Place,
    next_call_state,
    unknown_alert,
    unknown_calls,
)
from gridsvc.domain.area import Area
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import ConflictError, Fault, InputError
from gridsvc.domain.events import AlertCallsRecorded, AlertEnded, AlertRaised
from gridsvc.domain.incident import case_prefix
from gridsvc.domain.rights import Caller, within
from gridsvc.domain.words import Text
from gridsvc.flows.patience import patiently
from gridsvc.locating import GridMap
from gridsvc.store import CallFilter, Reading, Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be raised. ``polygon`` is CGCS2000 lng, lat and valid; ``key`` names the request,
    so that one sent again calls nobody twice, and ``digest`` what it said."""

    hazard: Hazard
    level: AlertLevel
    text: str
    polygon: Area
    expires_at: datetime
    drill: bool = False
    key: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom an order would call, and where nobody answers."""

    touched: Touched
    called: tuple[Called, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, and whether it was raised just now or by the same request before."""

    alert: Alert
    fresh: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """Calls that took a step, and (in bulk) those that were left as they are."""

    changed: tuple[Call, ...]
    left: tuple[Call, ...] = ()


def preview(
    order: Order, *, grid_map: GridMap, force: ForceIndex, now: datetime, caller: Caller
) -> Preview:
    """Whom ``order`` would call now; nothing is stored.

    Raises
    ------
    InputError
        It touches nothing of the county, or reaches beyond the caller's area.
    """
    published = grid_map.published
    parents = Parents(published)
    found = touched(published, order.polygon, parents)
    _must_be_for(found, caller, grid_map)
    people = called(found, order.polygon, force.responders, parents, at=now)
    return Preview(found, people, gaps(found, people, parents))


def raise_alert(
    order: Order,
    *,
    grid_map: GridMap,
    force: ForceIndex,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Raised:
    """Call everybody: the alert, its calls and one event in one transaction.

    Raises
    ------
    InputError
        As `preview`.
    ConflictError
        The key of the order came with another content before.
    """
    key = order.key
    with store.read() as reading:
        before = _raised_before(reading, key, order)
    if before is not None:
        return before
    seen = preview(order, grid_map=grid_map, force=force, now=now, caller=caller)
    published, day = grid_map.published, now.astimezone(COUNTY_TIME).date()

    def once(work: UnitOfWork) -> Raised:
        work.alerts.alone(day)
        again = _raised_before(work, key, order)
        if again is not None:
            return again
        prefix = case_prefix(published, store.county)
        alert = Alert(
            id=uuid.uuid4().hex,
            number=work.alerts.next_number(prefix, day),
            hazard=order.hazard,
            level=order.level,
            text=order.text,
            polygon=order.polygon,
            issued_at=now,
            expires_at=order.expires_at,
            by=caller.id,
            drill=order.drill,
            map_version=published.version,
            places=seen.touched.places,
            gaps=seen.gaps,
        )
        calls = [_call(alert, one) for one in seen.called]
        work.alerts.add(alert, calls, key=key, digest=order.digest)
        work.events.record(
            AlertRaised(
                alert=alert.id,
                number=alert.number,
                areas=(store.county, *alert.areas),
                drill=alert.drill,
                by=caller.id,
                hazard=alert.hazard,
                level=alert.level,
                called=len(calls),
                unreached=sum(call.state is CallState.UNREACHED for call in calls),
                gaps=len(alert.gaps),
            )
        )
        return Raised(alert, True)

    return patiently(store, once)


def record(
    key: str,
    responder: str,
    step: CallStep,
    *,
    told_by: str = "",
    store: Store,
    now: datetime,
    caller: Caller,
) -> Call:
    """Record what became of one call.

    Raises
    ------
    NotFoundError
        No such alert or call in the caller's area.
    ConflictError
        The table has no such step, or the alert has ended; nothing is changed.
    """

    def once(work: UnitOfWork) -> Call:
        alert = _on(work, key, caller)
        which = CallFilter(responders=[responder], within=caller.area)
        found = work.alerts.calls(alert.id, which, lock=True)
        if not found:
            raise unknown_calls(alert, [responder])
        state = next_call_state(found[0].state, step)
        return _keep(work, alert, found, step, state, told_by, now, caller)[0]

    return patiently(store, once)


def tell_many(
    key: str,
    which: CallFilter,
    *,
    told_by: str = "",
    store: Store,
    now: datetime,
    caller: Caller,
) -> Recorded:
    """Record that many people were told in person; those who were reached before stay as they are.

    Raises
    ------
    NotFoundError
        No such alert, or some of the people named are not called by it (then nothing is changed).
    ConflictError
        The alert has ended.
    """

    def once(work: UnitOfWork) -> Recorded:
        alert = _on(work, key, caller)
        chosen = replace(which, within=caller.area)
        found = work.alerts.calls(alert.id, chosen, lock=True)
        missing = set(which.responders) - {call.responder for call in found}
        if missing or not found:
            raise unknown_calls(alert, missing or ["-"])
        step, after = CallStep.TELL_IN_PERSON, CallState.TOLD_IN_PERSON
        open_ones = [call for call in found if call.state not in REACHED]
        left = tuple(call for call in found if call.state in REACHED)
        return Recorded(
            tuple(_keep(work, alert, open_ones, step, after, told_by, now, caller)), left
        )

    return patiently(store, once)


def end(key: str, *, store: Store, now: datetime, caller: Caller) -> Alert:
    """End an alert: nothing more is recorded.

    Raises
    ------
    NotFoundError
        No such alert that the caller could have raised.
    ConflictError
        It has ended already.
    """

    def once(work: UnitOfWork) -> Alert:
        alert = work.alerts.known(key)
        if not all(within(caller.area, place) for place in alert.places):
            raise unknown_alert(key)
        if not work.alerts.end(alert.id, at=now, by=caller.id):
            raise ConflictError(_ENDED)
        areas = (store.county, *alert.areas)
        work.events.record(
            AlertEnded(
                alert=alert.id, number=alert.number, areas=areas, drill=alert.drill, by=caller.id
            )
        )
        return replace(alert, ended_at=now, ended_by=caller.id)

    return patiently(store, once)


def _raised_before(reading: Reading, key: str | None, order: Order) -> Raised | None:
    found = None if key is None else reading.alerts.by_key(key)
    if found is None:
        return None
    alert, digest = found
    if digest != order.digest:
        raise ConflictError(_other_content(alert))
    return Raised(alert, False)


def _call(alert: Alert, one: Called) -> Call:
    return Call(
        alert=alert.id,
        responder=one.responder.id,
        role=one.responder.role,
        area=one.responder.area,
        village=one.village,
        township=one.township,
        why=one.why,
        state=CallState.CALLED if one.by_telephone else CallState.UNREACHED,
        at=alert.issued_at,
    )


def _keep(
    work: UnitOfWork,
    alert: Alert,
    found: Sequence[Call],
    step: CallStep,
    state: CallState,
    told_by: str,
    now: datetime,
    caller: Caller,
) -> list[Call]:
    """Store the step of locked calls, and one event a village."""
    if not found:
        return []
    ids = [call.responder for call in found]
    work.alerts.record(alert.id, ids, state, at=now, told_by=told_by, by=caller.id)
    for place, group in groupby(sorted(found, key=_place), key=_place):
        work.events.record(
            AlertCallsRecorded(
                alert=alert.id,
                number=alert.number,
                areas=(work.alerts.county, *(code for code in place if code)),
                drill=alert.drill,
                by=caller.id,
                step=step,
                after=state,
                responders=tuple(call.responder for call in group),
            )
        )
    return [replace(call, state=state, at=now, told_by=told_by, by=caller.id) for call in found]


def _place(call: Call) -> Place:
    return call.place


def _on(work: UnitOfWork, key: str, caller: Caller) -> Alert:
    """An alert that is on, kept so until the transaction ends."""
    alert = work.alerts.known(key, lock=True)
    if not within(caller.area, alert.areas):
        raise unknown_alert(key)
    if alert.ended_at is not None:
        raise ConflictError(_ENDED)
    return alert


def _must_be_for(found: Touched, caller: Caller, grid_map: GridMap) -> None:
    if not found.grids and not found.units:
        raise InputError(_TOUCHES_NOTHING)
    beyond = [place for place in found.places if not within(caller.area, place)]
    if beyond:
        raise InputError(_beyond([grid_map.name_of(village) for _, village in beyond]))


def _beyond(names: Sequence[str]) -> Fault:
    shown = names[:10]
    return Fault(
        "alert_beyond_area",
        Text(
            f"预警范围超出您的辖区（{'、'.join(shown)} 等 {len(names)} 个村）："
            "请缩小范围，或请县级值班员发布",
            f"the polygon reaches beyond your area ({', '.join(shown)}; {len(names)} villages): "
            "draw it smaller, or have the county's officer raise it",
        ),
        "polygon",
    )


def _other_content(alert: Alert) -> Fault:
    return Fault(
        "key_used",
        Text(
            f"此请求编号已用于 {alert.number}，但内容不同，未作任何更改：新预警请用新编号",
            f"this key has raised {alert.number} with another content; nothing was changed: "
            "use a new key for a new alert",
        ),
        "Idempotency-Key",
    )


_TOUCHES_NOTHING = Fault(
    "alert_touches_nothing",
    Text(
        "预警范围没有触及本县任何网格：请核对坐标、坐标系和经纬度顺序",
        "the polygon touches no grid of the county: check its position, datum and axis order",
    ),
    "polygon",
)
_ENDED = Fault(
    "alert_ended",
    Text(
        "预警已结束，未作任何更改：如仍需叫应请重新发布",
        "the alert has ended, nothing was changed: raise a new one if people must be called",
    ),
)

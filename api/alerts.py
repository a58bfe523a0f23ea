"""叫应: raise an alert, look at it before and after, record who was reached, end it."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi import Query as QueryOf
from pydantic import Field

from api.alert_answers import (
    AlertAnswer,
    AlertsAnswer,
    CallAnswer,
    CallsAnswer,
    Names,
    PreviewAnswer,
    RecordedAnswer,
    alert_answer,
    alert_line,
    call_answer,
    preview_answer,
)
from api.alert_body import CAP_TYPE, AlertBody, not_readable, order_of_cap, order_of_json
from api.auth import TheCaller
from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Body, Query, Readable
from gridsvc.domain.alerts import CallState, CallStep
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Lang, Text
from gridsvc.flows import alert_progress, alerts
from gridsvc.runtime import Runtime
from gridsvc.store import CallFilter

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

Which = Annotated[str, Path(max_length=64), Readable]
Id = Annotated[str, Field(max_length=64), Readable]
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": AlertBody.model_json_schema()},
        },
        "description": f"JSON, or a CAP 1.2 message as {CAP_TYPE}",
    }
}


class RaiseQuery(Query):
    """``dry_run``: only tell whom it would call."""

    dry_run: bool = False


class AlertsQuery(Query):
    """A page of alerts, the last first, older than the alert ``before``; ``on``: not ended."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Id | None = None
    on: bool | None = None


class CallsQuery(Query):
    """A page of calls in any of the states and in a ``village``, by the id of the responder."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Id = ""
    state: Annotated[list[CallState], Field(default_factory=list, max_length=4)]
    village: Annotated[str, Field(max_length=32), Readable] | None = None


class ToldBody(Body):
    """Who told them: the id of a responder, such as the village's own worker."""

    told_by: Id = ""


class ToldManyBody(ToldBody):
    """Whom: ``responders`` by id, everybody of a ``village``, or of areas from ``first_area`` to
    ``last_area``; of several, those who fit all of them."""

    responders: Annotated[list[Id], Field(default_factory=list, max_length=2000)]
    village: Annotated[str, Field(min_length=1, max_length=32), Readable] | None = None
    first_area: Annotated[str, Field(min_length=1, max_length=32), Readable] | None = None
    last_area: Annotated[str, Field(min_length=1, max_length=32), Readable] | None = None


async def _content(request: Request) -> bytes:
    return await request.body()


@router.post("", status_code=201, openapi_extra=_REQUEST)
def raise_alert(
    request: Request,
    content: Annotated[bytes, Depends(_content)],
    query: Annotated[RaiseQuery, QueryOf()],
    response: Response,
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> AlertAnswer | PreviewAnswer:
    """Call everybody responsible for what the polygon touches, and whoever is inside now.

    With ``dry_run`` nobody is called (200). Sent again with its Idempotency-Key, or the same CAP
    message, it is answered with the alert that there is (200).
    """
    grid_map, now, names = runtime.map(), runtime.clock(), Names(runtime, caller, lang)
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given == CAP_TYPE:
        order = order_of_cap(content, grid_map=grid_map, now=now)
    elif given == "application/json":
        key = _key(idempotency_key, caller)
        order = order_of_json(content, key=key, grid_map=grid_map, now=now)
    else:
        raise not_readable()
    force = runtime.force()
    if query.dry_run:
        seen = alerts.preview(order, grid_map=grid_map, force=force, now=now, caller=caller)
        response.status_code = 200
        return preview_answer(order, seen, names)
    raised = alerts.raise_alert(
        order, grid_map=grid_map, force=force, store=runtime.store, now=now, caller=caller
    )
    response.status_code = 201 if raised.fresh else 200
    found = alert_progress.progress(raised.alert.id, store=runtime.store, caller=caller)
    return alert_answer(found, names)


@router.get("")
def listed(
    query: Annotated[AlertsQuery, QueryOf()], runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> AlertsAnswer:
    """Alerts that touch the caller's area, the last first."""
    found = alert_progress.page(
        limit=query.limit, before=query.before, is_on=query.on, store=runtime.store, caller=caller
    )
    return AlertsAnswer(
        alerts=[alert_line(alert, counts, lang) for alert, counts in found.alerts],
        next=found.next,
        on=found.on,
    )


@router.get("/{alert}")
def shown(alert: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> AlertAnswer:
    """One alert, by id or number, with its counts by township and village, and its gaps."""
    found = alert_progress.progress(alert, store=runtime.store, caller=caller)
    return alert_answer(found, Names(runtime, caller, lang))


@router.get("/{alert}/calls")
def calls(
    alert: Which,
    query: Annotated[CallsQuery, QueryOf()],
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> CallsAnswer:
    """Who is called, and whether they were reached."""
    which = CallFilter(states=query.state, village=query.village)
    found, more = alert_progress.calls(
        alert, which, after=query.after, limit=query.limit, store=runtime.store, caller=caller
    )
    names = Names(runtime, caller, lang)
    return CallsAnswer(
        calls=[call_answer(call, names) for call in found],
        next=found[-1].responder if more else None,
    )


@router.post("/{alert}/calls/told-in-person")
def told_many(
    alert: Which, body: ToldManyBody, runtime: TheRuntime, caller: TheCaller
) -> RecordedAnswer:
    """Record that many were told in person; those who were reached before are left as they are."""
    which = CallFilter(
        responders=body.responders,
        village=body.village,
        first_area=body.first_area,
        last_area=body.last_area,
    )
    if not (body.responders or body.village or body.first_area or body.last_area):
        raise InputError(_NOBODY_NAMED)
    done = alerts.tell_many(
        alert,
        which,
        told_by=_teller(body.told_by, runtime),
        store=runtime.store,
        now=runtime.clock(),
        caller=caller,
    )
    return RecordedAnswer(
        recorded=len(done.changed),
        responders=[call.responder for call in done.changed],
        left=[call.responder for call in done.left],
    )


@router.post("/{alert}/calls/{responder}/answer")
def answered(
    alert: Which, responder: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> CallAnswer:
    """Record that somebody answered."""
    return _record(alert, responder, CallStep.ANSWER, "", runtime, caller, lang)


@router.post("/{alert}/calls/{responder}/told-in-person")
def told(
    alert: Which,
    responder: Which,
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
    body: ToldBody | None = None,
) -> CallAnswer:
    """Record that somebody was told in person."""
    by = "" if body is None else _teller(body.told_by, runtime)
    return _record(alert, responder, CallStep.TELL_IN_PERSON, by, runtime, caller, lang)


@router.post("/{alert}/calls/{responder}/unreached")
def unreached(
    alert: Which, responder: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> CallAnswer:
    """Record that somebody cannot be reached, or was recorded as reached by mistake."""
    return _record(alert, responder, CallStep.GIVE_UP, "", runtime, caller, lang)


@router.post("/{alert}/end")
def end(alert: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> AlertAnswer:
    """End an alert: nothing more is recorded."""
    done = alerts.end(alert, store=runtime.store, now=runtime.clock(), caller=caller)
    found = alert_progress.progress(done.id, store=runtime.store, caller=caller)
    return alert_answer(found, Names(runtime, caller, lang))


def _record(
    alert: str,
    responder: str,
    step: CallStep,
    told_by: str,
    runtime: Runtime,
    caller: Caller,
    lang: Lang,
) -> CallAnswer:
    done = alerts.record(
        alert,
        responder,
        step,
        told_by=told_by,
        store=runtime.store,
        now=runtime.clock(),
        caller=caller,
    )
    return call_answer(done, Names(runtime, caller, lang))


def _key(given: str | None, caller: Caller) -> str | None:
    """What names the request: keys are each caller's own."""
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise InputError(_BAD_KEY)
    return f"{caller.id} {given}"


def _teller(id: str, runtime: Runtime) -> str:  # noqa: A002
    """An id of the force: names of people are kept nowhere but on their list."""
    if id and runtime.force().get(id) is None:
        raise InputError(
            Fault(
                "unknown_responder",
                Text(
                    f"没有编号为“{id}”的力量人员：请填写告知人的编号，不要填写姓名",
                    f"no responder is known under {id!r}: give the id of who told them, no name",
                ),
                "told_by",
            )
        )
    return id


_BAD_KEY = Fault(
    "bad_idempotency_key",
    Text(
        "Idempotency-Key 无效：应为 1 到 200 个可见的 ASCII 字符，例如 UUID",
        "the Idempotency-Key is not valid: give 1 to 200 visible ASCII characters, such as a UUID",
    ),
    "Idempotency-Key",
)
_NOBODY_NAMED = Fault(
    "nobody_named",
    Text(
        "没有指明是谁：请填写 responders、village，或 first_area 和 last_area",
        "nobody is named: give responders, a village, or first_area and last_area",
    ),
    "body",
)

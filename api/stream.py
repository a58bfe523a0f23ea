"""The event log as server-sent events, from now on or from where a client was cut off."""

import asyncio
import logging
from collections.abc import Collection
from typing import Annotated, cast

from fastapi import APIRouter, Header, Request
from fastapi import Query as QueryOf
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.auth import TheCaller
from api.errors import problem, spoken
from api.hub import Hub, Listener
from api.runtime import TheRuntime
from api.shapes import Query, county_time
from api.stream_events import ABOUT_KEYS, Wanted, message
from gridsvc.domain import events as domain_events
from gridsvc.domain.errors import Fault, GridsvcError, InputError
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.rights import Caller, Right
from gridsvc.domain.words import Text
from gridsvc.runtime import Runtime

router = APIRouter(prefix="/api/v1", tags=["stream"])

EVENT_NAMES = frozenset(
    found.name
    for found in vars(domain_events).values()
    if isinstance(found, type) and issubclass(found, domain_events.Event) and found.name
)
"""Of every event there is."""

RETRY_MS = 2000
"""How long a browser waits before it connects again."""

RETRY_AFTER_S = 5
RESET = "reset"
"""Tells that the position asked for lies beyond the log, which was restored from an older state."""

_LAST_POSITION = 2**63 - 1
_SHOWN = 60

_log = logging.getLogger("gridsvc.api")


class StreamQuery(Query):
    """What to tell. Several values of one filter mean any of them; of two filters both must fit."""

    after: Annotated[str, Field(max_length=64)] | None = None
    area: Annotated[list[str], Field(default_factory=list, max_length=200)]
    kind: Annotated[list[str], Field(default_factory=list, max_length=100)]
    name: Annotated[list[str], Field(default_factory=list, max_length=100)]


class EventStream(Response):
    """The answer that does not end by itself."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, wanted: Wanted, *, after: int, first: bytes = b"") -> None:
        self._hub = hub
        self._wanted = wanted
        self._after = after
        self._first = first
        # Over the network's proxies too every event leaves at once.
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves, is cut off, or the stream is ended."""
        refusal = _refusal(self._hub)
        if refusal is not None:
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            await problem(503, [refusal], spoken(Request(scope)), headers)(scope, receive, send)
            return
        listener = Listener(self._wanted, self._after, scope, told=self._after)
        self._hub.enter(listener)
        listener.sender = asyncio.create_task(self._send(listener, send))
        leaving = asyncio.create_task(_left(receive))
        tasks = {listener.sender, leaving}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(listener)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _send(self, listener: Listener, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await _timed(listener, send, start)
        opening = b":head %d\nretry: %d\nid: %d\n\n" % (self._hub.head, RETRY_MS, self._after)
        await _timed(listener, send, _body(opening + self._first))
        try:
            async for chunk in self._hub.chunks(listener):
                await _timed(listener, send, _body(chunk))
        except GridsvcError as error:
            # The client comes back with its position.
            _log.warning("a stream ends at position %d: %s", listener.position, error)
        await _timed(listener, send, _body(b"", more=False))


@router.get(
    "/stream",
    status_code=200,
    response_class=EventStream,
    responses={200: {"description": "Events, until either side leaves"}},
)
async def stream(
    request: Request,
    runtime: TheRuntime,
    caller: TheCaller,
    query: Annotated[StreamQuery, QueryOf()],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """Tell what happens, as it happens.

    Without a position it begins now. With one, ``Last-Event-ID`` (which a browser sends by itself
    when it connects again) or ``after``, of which the header counts, everything behind it comes
    first: nothing is missed and nothing comes twice. A position beyond the log, of a database that
    was restored from an older state, is answered with an event ``reset``, and the stream goes on
    from the head of the log: what a client has kept from before is to be asked for again.

    Every message has the position as its ``id``, the event's name as ``event`` and one JSON object
    as ``data``. Of sensitive kinds only the township is told, and neither the kind nor who was
    sent. A client that takes nothing for half a minute, or lags far behind, is cut off and can
    come back with its position.
    """
    faults = [
        *_position_faults(last_event_id, "Last-Event-ID"),
        *_position_faults(query.after, "after"),
        *_filter_faults(query, runtime, caller),
    ]
    if faults:
        raise InputError(faults)
    hub = cast(Hub, request.app.state.hub)
    wanted = Wanted(
        caller,
        # The whole county is no filter.
        frozenset() if runtime.settings.county in query.area else frozenset(query.area),
        frozenset(query.kind),
        frozenset(query.name),
    )
    asked = last_event_id or query.after
    if not asked:
        return EventStream(hub, wanted, after=hub.head)
    after = int(asked)
    if hub.is_open and after > hub.head:
        # Perhaps another process was ahead of this one a moment ago.
        head = await run_in_threadpool(hub.log_head)
        if after > head:
            told = {"asked": after}
            first = message(head, RESET, county_time(runtime.clock()), told)
            return EventStream(hub, wanted, after=head, first=first)
    return EventStream(hub, wanted, after=after)


def _body(data: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _timed(listener: Listener, send: Send, message: dict[str, object]) -> None:
    """Send, with the hub able to see for how long that has been waiting."""
    listener.sending_since = asyncio.get_running_loop().time()
    await send(message)
    listener.sending_since = None


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _refusal(hub: Hub) -> Fault | None:
    if not hub.is_open:
        return _NOT_OPEN
    if hub.is_full:
        most = hub.limits.listeners
        return Fault(
            "too_many_listeners",
            Text(
                f"事件流连接数已达上限（{most} 个）：请关闭不用的页面，稍后重试",
                f"there are {most} listeners already, the most this process takes: close what is "
                "not needed, and try again later",
            ),
        )
    return None


def _position_faults(given: str | None, where: str) -> list[Fault]:
    if not given and where == "Last-Event-ID":
        return []  # an empty header is a browser's way of having none
    if given is None or (given.isascii() and given.isdecimal() and int(given) <= _LAST_POSITION):
        return []
    return [
        Fault(
            "bad_event_position",
            Text(
                f"事件位置“{given[:_SHOWN]}”无效：应为此前收到的事件 id，即不小于 0 的整数；"
                "从现在开始则不要填写",
                f"{given[:_SHOWN]!r} is not the position of an event: give the id of the last "
                "event received, a whole number from 0 up, or nothing to begin now",
            ),
            where,
        )
    ]


def _filter_faults(query: StreamQuery, runtime: Runtime, caller: Caller) -> list[Fault]:
    names = EVENT_NAMES if caller.may(Right.KEYS) else EVENT_NAMES - ABOUT_KEYS
    kinds = {code for code, kind in KINDS_BY_CODE.items() if not kind.sensitive}
    return [
        *(
            _unknown("name", "事件名称", "name of an event", one, names)
            for one in query.name
            if one not in names
        ),
        *(_kind_fault(one, kinds) for one in query.kind if one not in kinds),
        *(fault for one in query.area if (fault := _area_fault(one, runtime, caller))),
    ]


def _kind_fault(given: str, kinds: Collection[str]) -> Fault:
    if given not in KINDS_BY_CODE:
        return _unknown("kind", "事件类型", "kind of incident", given, kinds)
    return Fault(
        "sensitive_kind",
        Text(
            f"敏感类型 {given} 不能用于筛选，事件流中也不注明：请去掉此项",
            f"{given} is a sensitive kind, which the stream neither names nor filters by: "
            "leave it out",
        ),
        "kind",
    )


def _unknown(where: str, zh: str, en: str, given: str, allowed: Collection[str]) -> Fault:
    shown = sorted(allowed)
    return Fault(
        f"unknown_{where}",
        Text(
            f"没有“{given[:_SHOWN]}”这一{zh}：只能是 {'、'.join(shown)}",
            f"{given[:_SHOWN]!r} is not the {en}: it must be one of {', '.join(shown)}",
        ),
        where,
    )


def _area_fault(given: str, runtime: Runtime, caller: Caller) -> Fault | None:
    scheme, county = runtime.settings.code_scheme, runtime.settings.county
    if scheme.level_of(given) is None or not given.startswith(county):
        return Fault(
            "bad_area",
            Text(
                f"区划编码“{given[:_SHOWN]}”无效：应为以 {county} 开头的县（{scheme.county} 位）、"
                f"乡镇（{scheme.township} 位）、村（{scheme.village} 位）、网格（{scheme.grid} 位）"
                f"或单元（{scheme.unit} 位）编码",
                f"{given[:_SHOWN]!r} is not the code of an area: give digits that begin with "
                f"{county}, {scheme.county} for the county, {scheme.township} for a township, "
                f"{scheme.village} for a village, {scheme.grid} for a grid, {scheme.unit} for a "
                "unit",
            ),
            "area",
        )
    if given.startswith(caller.area) or caller.area.startswith(given):
        return None
    return Fault(
        "area_beyond_key",
        Text(
            f"此密钥只限 {caller.area}，不能查看 {given}：请改用该区域的密钥",
            f"this key is for {caller.area} alone and does not see {given}: use a key of that area",
        ),
        "area",
    )


_NOT_OPEN = Fault(
    "stream_closed",
    Text(
        "事件流未开放，服务正在启动或停止：请稍后重试",
        "the stream is not open, the service is starting or stopping: try again later",
    ),
)

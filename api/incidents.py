"""Incidents: take a report, find it again, give it its place."""

import hashlib
import json
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Header, Path, Request, Response
from fastapi import Query as QueryOf
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import Field

from api.auth import TheCaller
from api.case_answers import (
    AssignmentAnswer,
    EventAnswer,
    IncidentAnswer,
    NoteAnswer,
    SupervisionAnswer,
    assignment_answer,
    event_answer,
    incident_answer,
    listed,
    note_answer,
    supervision_answer,
)
from api.faults import of_validation
from api.language import Speech
from api.nearest import NearestAnswer, nearest_answer
from api.report_body import IncidentBody, PlaceBody, ReporterBody, place_report, report_of
from api.runtime import TheRuntime
from api.shapes import Answer, Moment, Query, Readable
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.kinds import KINDS_BY_CODE, Category
from gridsvc.domain.lifecycle import Stage
from gridsvc.domain.rights import Caller, Right
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.intake import Answered, Key, Receipt
from gridsvc.flows.reports import Report, faults
from gridsvc.runtime import Runtime
from gridsvc.store import CaseFilter


class ReportRoute(APIRoute):
    """Answers the faults of a report's shape together with those of its meaning."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's own handler, which stops at the shape."""
        handle = super().get_route_handler()

        async def handle_whole(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                whole = any(len(item["loc"]) == 1 for item in error.errors())
                if whole or not isinstance(error.body, dict) or request.method != "POST":
                    raise  # not a field of it could be read
                _, found = of_validation(error, request.headers.get("content-type", ""))
                raise InputError([*found, *_meant(error)]) from error

        return handle_whole


router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], route_class=ReportRoute)

Which = Annotated[str, Path(max_length=64), Readable]


class DuplicateAnswer(Answer):
    """An open report of the same kind nearby: perhaps the same thing."""

    id: str
    number: str
    distance_m: float


class ReceiptAnswer(IncidentAnswer):
    """A report just taken: who could go and why (null while unlocated), who was assigned, what
    may be the same, and ``notes``: doubts to be cleared up with whoever sent it."""

    nearest: NearestAnswer | None
    assignments: list[AssignmentAnswer]
    possible_duplicates: list[DuplicateAnswer]
    notes: list[str]


class FileAnswer(IncidentAnswer):
    """Everything of one case. ``decision`` is the last one: ids, numbers, codes and sentences."""

    reporter: ReporterBody | None
    assignments: list[AssignmentAnswer]
    supervisions: list[SupervisionAnswer]
    step_notes: list[NoteAnswer]
    decision: dict[str, Any] | None
    events: list[EventAnswer]


Rating = Literal["satisfied", "fairly_satisfied", "dissatisfied"]


class IncidentsQuery(Query):
    """A page of cases, the newest first, older than the number ``before``."""

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    before: Annotated[str, Field(max_length=64), Readable] | None = None
    stage: Annotated[list[Stage], Field(default_factory=list, max_length=20)]
    category: Annotated[list[Category], Field(default_factory=list, max_length=4)]
    kind: Annotated[list[str], Field(default_factory=list, max_length=50)]
    urgency: Annotated[
        list[Annotated[int, Field(ge=1, le=4)]], Field(default_factory=list, max_length=4)
    ]
    rating: Annotated[list[Rating], Field(default_factory=list, max_length=3)]
    area: Annotated[str, Field(max_length=32), Readable] | None = None
    owes: Literal["paperwork"] | None = None
    open: bool | None = None
    unanswered: bool | None = None
    nobody_left: bool | None = None
    unlocated: bool | None = None
    supervised: bool | None = None
    overdue: bool = False
    drill: bool | None = None
    since: Moment | None = None
    until: Moment | None = None


class IncidentsAnswer(Answer):
    """``next`` is the ``before`` of the next page, null on the last. ``alarms`` counts the open
    cases, drills left out, that need somebody's eye."""

    incidents: list[IncidentAnswer]
    next: str | None
    alarms: dict[str, int]


_SAID = ("text", "address", "given")
"""What whoever reported said: it may name people, and stands in the incident alone."""

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@router.post("", status_code=201, response_model=ReceiptAnswer)
def receive(
    body: IncidentBody,
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Take a report: durable, numbered and, where urgent, dispatched before this answers."""
    report = report_of(body)
    if idempotency_key is None:
        receipt = runtime.receive(report, caller=caller)
        answer = _receipt_answer(receipt, runtime, lang).model_dump(by_alias=True)
        return _receipt(answer, caller)
    if not _KEY.fullmatch(idempotency_key):
        raise InputError([_BAD_KEY, *faults(report)])
    key = Key(
        idempotency_key,
        _digest(body),
        lambda receipt: _bare(_receipt_answer(receipt, runtime, lang).model_dump(by_alias=True)),
    )
    answered = runtime.receive_once(report, key, caller=caller)
    return _receipt(_filled(answered, runtime), caller)


@router.get("")
def several(
    query: Annotated[IncidentsQuery, QueryOf()],
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> IncidentsAnswer:
    """List cases, the newest first; of sensitive kinds without their particulars."""
    now = runtime.clock()
    page = runtime.page(_filter(query, runtime), limit=query.limit, before=query.before, by=caller)
    grid_map = runtime.map_or_none()
    return IncidentsAnswer(
        incidents=[listed(one, case, grid_map, lang, now=now) for one, case in page.cases],
        next=page.cases[-1][0].number if page.more else None,
        alarms=page.alarms,
    )


@router.get("/{key}")
def one(key: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> FileAnswer:
    """Give one case back by its id or number, with everything that happened to it."""
    shown = runtime.show(key, by=caller)
    file, find, now = shown.file, runtime.force().get, runtime.clock()
    kind = KINDS_BY_CODE.get(file.incident.kind)
    sensitive = kind is None or kind.sensitive
    say = listed if sensitive and not caller.may(Right.READ_SENSITIVE) else incident_answer
    answer = say(file.incident, file.case, runtime.map_or_none(), lang, now=now)
    who = shown.reporter
    return FileAnswer(
        **dict(answer),
        reporter=None
        if who is None or answer.withheld
        else ReporterBody(name=who.name, phone=who.phone, confidential=who.confidential),
        assignments=[]
        if answer.withheld
        else [assignment_answer(each, find, lang) for each in file.assignments],
        supervisions=[]
        if answer.withheld
        else [supervision_answer(each) for each in file.supervisions],
        step_notes=[] if answer.withheld else [note_answer(each) for each in file.notes],
        decision=None if answer.withheld else _in(lang, file.decision),
        events=[] if answer.withheld else [event_answer(each) for each in shown.events],
    )


@router.put("/{key}/position")
def place(
    key: Which, body: PlaceBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> ReceiptAnswer:
    """Give a case its place or correct it; an urgent one that nobody was sent to is dispatched."""
    return _receipt_answer(runtime.place(key, place_report(body), caller=caller), runtime, lang)


def _digest(body: IncidentBody) -> str:
    """What tells one body from another, however its JSON was laid out."""
    # The standard library's, which writes any number that it reads.
    said = json.dumps(body.model_dump(), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _receipt_answer(receipt: Receipt, runtime: Runtime, lang: Lang) -> ReceiptAnswer:
    decision = receipt.decision
    answer = incident_answer(
        receipt.incident, receipt.case, receipt.grid_map, lang, now=receipt.incident.received_at
    )
    find = runtime.force().get
    assignments = () if decision is None else decision.assignments
    return ReceiptAnswer(
        **dict(answer),
        nearest=None if decision is None else nearest_answer(decision.ranking, lang),
        assignments=[assignment_answer(one, find, lang) for one in assignments],
        possible_duplicates=[
            DuplicateAnswer(id=one.id, number=one.number, distance_m=round(one.distance_m, 1))
            for one in receipt.duplicates
        ],
        notes=[note.pick(lang) for note in receipt.notes],
    )


def _receipt(answer: dict[str, Any], caller: Caller) -> Response:
    if not caller.may(Right.READ):
        # Who may only report is not told who the force are, nor what others reported.
        answer = _nameless(answer) | {"possible_duplicates": []}
    place = f"{router.prefix}/{quote(answer['id'])}"
    return Response(
        orjson.dumps(answer),
        status_code=201,
        headers={"Location": place},
        media_type="application/json",
    )


def _people(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Every part of a receipt that names a person."""
    # Of an older program's answer parts may be missing.
    nearest = answer.get("nearest") or {}
    chosen, refused = nearest.get("chosen", []), nearest.get("refused", [])
    short = nearest.get("shortfalls", [])
    busy = [one["nearest_busy"] for one in short if one.get("nearest_busy")]
    return [*chosen, *refused, *busy, *answer.get("assignments", [])]


def _nameless(answer: dict[str, Any]) -> dict[str, Any]:
    """The receipt with every name and telephone number in it blanked."""
    for who in _people(answer):
        who.update({name: "" for name in ("name", "phone") if name in who})
    return answer


def _bare(answer: dict[str, Any]) -> str:
    """A receipt without personal data: what is kept for a key must be erasable elsewhere."""
    return orjson.dumps(_nameless(answer) | dict.fromkeys(_SAID, "")).decode()


def _filled(answered: Answered, runtime: Runtime) -> dict[str, Any]:
    """The receipt of a key, whole, as the program had it that answered first; whoever was erased
    since has no name any more."""
    answer: dict[str, Any] = orjson.loads(answered.answer)
    incident, force = answered.incident, runtime.force()
    for who in _people(answer):
        known = force.get(who.get("responder") or who["id"])
        if known is not None:
            told = {"name": known.name, "phone": known.phone}
            who.update({name: told[name] for name in told if name in who})
    return answer | {name: getattr(incident, name) for name in _SAID if name in answer}


def _filter(query: IncidentsQuery, runtime: Runtime) -> CaseFilter:
    unknown = [code for code in query.kind if code not in KINDS_BY_CODE]
    if unknown:
        raise InputError(
            [
                Fault(
                    "unknown_kind",
                    Text(f"没有事件类型“{code}”", f"no kind {code!r}: see the table of kinds"),
                    "kind",
                )
                for code in unknown
            ]
        )
    return CaseFilter(
        stages=query.stage or ([Stage.PAPERWORK_OWED] if query.owes else []),
        categories=query.category,
        kinds=query.kind,
        urgencies=query.urgency,
        ratings=query.rating,
        area=query.area,
        open=query.open,
        unanswered=query.unanswered,
        nobody_left=query.nobody_left,
        unlocated=query.unlocated,
        supervised=query.supervised,
        drill=query.drill,
        overdue_at=runtime.clock() if query.overdue else None,
        since=query.since,
        until=query.until,
    )


def _in(lang: Lang, told: Any) -> Any:
    """A stored decision in ``lang``: its pairs of sentences become one of the two."""
    if isinstance(told, dict):
        if told.keys() == {"zh", "en"}:
            return told[lang]
        return {name: _in(lang, value) for name, value in told.items()}
    if isinstance(told, list):
        return [_in(lang, value) for value in told]
    return told


def _meant(error: RequestValidationError) -> list[Fault]:
    """Find the faults in the meaning of whatever part of a report could be read."""
    bad = {item["loc"][1] for item in error.errors() if item["loc"][0] == "body"}
    body = {
        name: value
        for name, value in cast(dict[str, Any], error.body).items()
        if name in IncidentBody.model_fields and name not in bad
    }
    for name in ("position", "grid", "reporter"):
        body.pop(name, None)
    return faults(Report(**{"category": "", "kind": "", **body}), unread=bad)


_BAD_KEY = Fault(
    "bad_key",
    Text(
        "Idempotency-Key 应为 1 到 200 个可见 ASCII 字符",
        "an Idempotency-Key has 1 to 200 visible ASCII characters",
    ),
    "Idempotency-Key",
)

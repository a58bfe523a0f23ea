"""Run cards: read and changed with their history; alarm levels; hand-overs; who is kept out."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from pydantic import Field

from api.auth import TheCaller
from api.card_answers import (
    HandoverAnswer,
    NeighbourCountyAnswer,
    handover_answer,
    neighbour_answer,
)
from api.case_answers import AssignmentAnswer, assignment_answer
from api.language import Speech
from api.nearest import NearestAnswer, nearest_answer
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Moment, Readable, county_time
from gridsvc.domain.cards import RunCard
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.handover import Handover
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE
from gridsvc.domain.standing import Exclusion
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.carding import must_be_kind
from gridsvc.runtime import Runtime

router = APIRouter(prefix="/api/v1", tags=["cards"])

Which = Annotated[str, Path(max_length=64), Readable]
Words = Annotated[str, Field(max_length=2000), Readable]
Name = Annotated[str, Field(max_length=100), Readable]
Id = Annotated[str, Field(max_length=64), Readable]


class CardOfKind(Answer):
    """The run card of a kind. ``version`` 0 is the shipped one; ``card`` is as ``docs/cards.md``
    says, and what ``PUT`` takes."""

    kind: str
    kind_name: str
    category: str
    version: int
    card: dict[str, Any]


class CardsAnswer(Answer):
    """The card of every kind."""

    cards: list[CardOfKind]


class PutCardBody(Body):
    """A whole card in place of the one in force, and why."""

    card: dict[str, Any]
    reason: Words


class KeptCardAnswer(Answer):
    """One version of a card: who made it, when and why."""

    version: int
    by: str
    at: str
    reason: str
    card: dict[str, Any]


class CardHistoryAnswer(Answer):
    """Every version a county made of a kind's card, the first one first; empty while the shipped
    one is in force."""

    versions: list[KeptCardAnswer]


class LevelBody(Body):
    """The alarm level that a case goes up to."""

    level: int


class LevelAnswer(Answer):
    """A case at its new alarm level: who could go for what is added (null while its place is not
    known), who was assigned, and every service asked by now."""

    number: str
    alarm_level: int
    nearest: NearestAnswer | None
    assignments: list[AssignmentAnswer]
    handovers: list[HandoverAnswer]


class ServiceAnswerBody(Body):
    """Who of the service answered, and under which number of theirs; one of both at least."""

    operator: Name = ""
    their_number: Name = ""


class HandoversAnswer(Answer):
    """Every service asked about a case."""

    handovers: list[HandoverAnswer]


class ExclusionBody(Body):
    """Whom to keep out, until when (null: until it is lifted), and why."""

    responder: Id
    until: Moment | None = None
    reason: Words


class ExclusionAnswer(Answer):
    """Somebody kept from one case, or (``incident`` null) from all."""

    id: str
    responder: str
    incident: str | None
    until: str | None
    reason: str
    by: str
    at: str


class ExclusionsAnswer(Answer):
    """Everybody kept out now, of the caller's area."""

    exclusions: list[ExclusionAnswer]


class RecusalBody(Body):
    """Responders who are party to a case or relatives of a party."""

    responders: Annotated[list[Id], Field(min_length=1, max_length=50)]


class RecusalAnswer(Answer):
    """All who are recused from a case, by id."""

    responders: list[str]


@router.get("/cards")
def cards(runtime: TheRuntime, lang: Speech) -> CardsAnswer:
    """Give the run cards in force."""
    found = runtime.cards()
    return CardsAnswer(cards=[_card(found[kind.code], lang) for kind in KINDS])


@router.get("/cards/{kind}")
def card(kind: Which, runtime: TheRuntime, response: Response, lang: Speech) -> CardOfKind:
    """Give the run card of a kind; its version is the ETag."""
    must_be_kind(kind)
    found = runtime.cards()[kind]
    response.headers["ETag"] = f'"{found.version}"'
    return _card(found, lang)


@router.put("/cards/{kind}")
def put_card(
    kind: Which,
    body: PutCardBody,
    runtime: TheRuntime,
    caller: TheCaller,
    response: Response,
    lang: Speech,
    if_match: Annotated[str | None, Header()] = None,
) -> CardOfKind:
    """Change the run card of a kind. ``If-Match`` names the version that was read: where another is
    in force by now it is a 409 that changes nothing."""
    changed = runtime.put_card(
        kind, body.card, version=_version(if_match), reason=body.reason, caller=caller
    )
    response.headers["ETag"] = f'"{changed.version}"'
    return _card(changed, lang)


@router.get("/cards/{kind}/history")
def card_history(kind: Which, runtime: TheRuntime) -> CardHistoryAnswer:
    """Give every version of the card of a kind."""
    return CardHistoryAnswer(
        versions=[
            KeptCardAnswer(
                version=one.version,
                by=one.by,
                at=county_time(one.at),
                reason=one.reason,
                card=one.data,
            )
            for one in runtime.card_history(kind)
        ]
    )


@router.post("/incidents/{key}/alarm-level")
def raise_level(
    key: Which, body: LevelBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> LevelAnswer:
    """Take a case up an alarm level; what the level adds is dispatched and asked."""
    raised = runtime.raise_level(key, body.level, caller=caller)
    find, decision = runtime.force().get, raised.decision
    made = () if decision is None else decision.assignments
    return LevelAnswer(
        number=raised.incident.number,
        alarm_level=raised.incident.alarm_level,
        nearest=None if decision is None else nearest_answer(decision.ranking, lang),
        assignments=[assignment_answer(one, find, lang) for one in made],
        handovers=[handover_answer(one, runtime, lang) for one in raised.handovers],
    )


@router.post("/incidents/{key}/handovers/{service}/ask")
def ask_service(
    key: Which, service: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> HandoversAnswer:
    """Record that a service is asked about a case, or asked again."""
    return _handovers(runtime.ask_service(key, service, caller=caller), runtime, lang)


@router.post("/incidents/{key}/handovers/{service}/answer")
def service_answered(
    key: Which,
    service: Which,
    body: ServiceAnswerBody,
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> HandoversAnswer:
    """Record that a service has answered: who, and their number of the case."""
    found = runtime.service_answered(
        key, service, operator=body.operator, their_number=body.their_number, caller=caller
    )
    return _handovers(found, runtime, lang)


@router.post("/incidents/{key}/exclusions", status_code=201)
def exclude_from_case(
    key: Which, body: ExclusionBody, runtime: TheRuntime, caller: TheCaller
) -> ExclusionAnswer:
    """Keep somebody from one case."""
    return _exclusion(
        runtime.exclude(
            body.responder, key=key, until=body.until, reason=body.reason, caller=caller
        )
    )


@router.post("/exclusions", status_code=201)
def exclude(body: ExclusionBody, runtime: TheRuntime, caller: TheCaller) -> ExclusionAnswer:
    """Keep somebody from every case."""
    return _exclusion(
        runtime.exclude(
            body.responder, key=None, until=body.until, reason=body.reason, caller=caller
        )
    )


@router.get("/exclusions")
def exclusions(runtime: TheRuntime, caller: TheCaller) -> ExclusionsAnswer:
    """List who is kept out now, from one case or from all."""
    return ExclusionsAnswer(
        exclusions=[_exclusion(one) for one in runtime.exclusions(caller=caller)]
    )


@router.delete("/exclusions/{id}", status_code=204)
def lift_exclusion(id: Which, runtime: TheRuntime, caller: TheCaller) -> None:  # noqa: A002
    """Let somebody be sent again."""
    runtime.lift_exclusion(id, caller=caller)


@router.post("/incidents/{key}/neighbour-told")
def tell_neighbour(
    key: Which, runtime: TheRuntime, caller: TheCaller
) -> NeighbourCountyAnswer | None:
    """Record that the neighbouring county was told of a case outside our own."""
    return neighbour_answer(runtime.tell_neighbour(key, caller=caller), runtime.clock())


@router.post("/incidents/{key}/recusals")
def recuse(key: Which, body: RecusalBody, runtime: TheRuntime, caller: TheCaller) -> RecusalAnswer:
    """Keep people from a case that they are party to (回避)."""
    return RecusalAnswer(responders=sorted(runtime.recuse(key, body.responders, caller=caller)))


def _card(one: RunCard, lang: Lang) -> CardOfKind:
    kind = KINDS_BY_CODE[one.kind]
    return CardOfKind(
        kind=one.kind,
        kind_name=kind.name.pick(lang),
        category=kind.category,
        version=one.version,
        card=dict(one.data),
    )


def _version(if_match: str | None) -> int:
    said = (if_match or "").strip().removeprefix("W/").strip('"')
    if not said.isdecimal() or len(said) > 9:
        raise InputError(_NO_VERSION)
    return int(said)


def _handovers(found: tuple[Handover, ...], runtime: Runtime, lang: Lang) -> HandoversAnswer:
    return HandoversAnswer(handovers=[handover_answer(one, runtime, lang) for one in found])


def _exclusion(one: Exclusion) -> ExclusionAnswer:
    return ExclusionAnswer(
        id=one.id,
        responder=one.responder,
        incident=one.incident,
        until=None if one.until is None else county_time(one.until),
        reason=one.reason,
        by=one.by,
        at=county_time(one.at),
    )


_NO_VERSION = Fault(
    "missing_version",
    Text(
        '请用请求头 If-Match 写明所依据的版本号，例如 If-Match: "0"（GET 的 ETag）',
        'say in the header If-Match which version was read, as If-Match: "0" (the ETag of GET)',
    ),
    "If-Match",
)

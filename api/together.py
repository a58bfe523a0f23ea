"""A storm: the empty places of all open incidents filled together."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.auth import TheCaller
from api.language import Speech
from api.nearest import Named
from api.runtime import TheRuntime
from api.shapes import Answer, Body
from gridsvc.domain.case import URGENT
from gridsvc.domain.force import CAPABILITY_NAMES, ROLE_NAMES, Capability
from gridsvc.domain.words import Lang

router = APIRouter(prefix="/api/v1/dispatch", tags=["dispatch"])


class TogetherBody(Body):
    """Which urgencies take part. ``dry_run``: say what would be done, and do nothing."""

    urgencies: Annotated[
        list[Annotated[int, Field(ge=1, le=4)]], Field(min_length=1, max_length=4)
    ] = sorted(URGENT)
    dry_run: bool = False


class SentAnswer(Answer):
    """Somebody for an empty place of the incident ``number``, and what else they serve there;
    ``eta_s`` in seconds. ``name`` and ``phone`` are empty for one who was erased."""

    incident: str
    number: str
    urgency: int
    responder: str
    role: str
    role_name: str
    name: str
    phone: str
    capability: Named
    also: list[Named]
    eta_s: int


class EmptyAnswer(Answer):
    """An incident with places that nobody is left for."""

    incident: str
    number: str
    urgency: int
    capabilities: list[Named]


class TogetherAnswer(Answer):
    """What was decided together for ``incidents`` with empty places; ``left_over`` more wait for
    the next call. ``basis`` and ``note`` say what the times rest on."""

    dry_run: bool
    incidents: int
    left_over: int
    sent: list[SentAnswer]
    missing: list[EmptyAnswer]
    basis: str
    note: str


@router.post("/together")
def together(
    body: TogetherBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> TogetherAnswer:
    """Send whoever is missing at all open incidents, with the least urgency-weighted time.

    Only places that nobody was sent for, or that were declined, are filled.
    """
    found = runtime.assign_together(urgencies=body.urgencies, dry_run=body.dry_run, caller=caller)
    sent = []
    for one in found.sent:
        who = runtime.force().get(one.responder)
        sent.append(
            SentAnswer(
                incident=one.incident.id,
                number=one.incident.number,
                urgency=one.incident.urgency,
                responder=one.responder,
                role="" if who is None else who.role,
                role_name="" if who is None else ROLE_NAMES[who.role].pick(lang),
                name="" if who is None else who.name,
                phone="" if who is None else who.phone,
                capability=_named(one.capability, lang),
                also=[_named(each, lang) for each in one.also],
                eta_s=round(one.eta_s),
            )
        )
    return TogetherAnswer(
        dry_run=body.dry_run,
        incidents=found.incidents,
        left_over=found.left_over,
        sent=sent,
        missing=[
            EmptyAnswer(
                incident=incident.id,
                number=incident.number,
                urgency=incident.urgency,
                capabilities=[_named(each, lang) for each in empty],
            )
            for incident, empty in found.missing
        ],
        basis=found.basis,
        note=found.travel_note.pick(lang),
    )


def _named(capability: Capability, lang: Lang) -> Named:
    return Named(code=capability, name=CAPABILITY_NAMES[capability].pick(lang))

"""A responder's own: what they are sent to, what they do about it, where they are."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from api.auth import TheCaller
from api.language import Speech
from api.placements import PlacementAnswer, placement_answer
from api.positions import MovedAnswer, PositionBody, moved_answer
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Readable, county_time
from gridsvc.domain.force import CAPABILITY_NAMES
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS_BY_CODE, URGENCY_NAMES
from gridsvc.domain.lifecycle import ASSIGNMENT_STATE_NAMES, ENDED, AssignmentStep
from gridsvc.domain.words import Lang
from gridsvc.flows import answering, own_assignments
from gridsvc.flows.moving import Said
from gridsvc.flows.own_assignments import Own
from gridsvc.locating import GridMap

router = APIRouter(prefix="/api/v1/me", tags=["me"])

Which = Annotated[str, Path(max_length=64), Readable]


class OwnAnswer(Answer):
    """One assignment of the caller's own. Times are +08:00, positions CGCS2000 degrees.

    ``steps`` are those that the caller may take now. ``withheld``: the kind is sensitive, the
    particulars are told by the command centre alone. ``stand_off``: keep away from the danger.
    """

    id: str
    number: str
    state: str
    state_name: str
    open: bool
    steps: list[str]
    category: str
    category_name: str
    kind: str
    kind_name: str
    urgency: int
    urgency_name: str
    drill: bool
    withheld: bool
    text: str
    address: str
    lng: float | None
    lat: float | None
    placement: PlacementAnswer | None
    capability: str
    capability_name: str
    stand_off: bool
    eta_s: float
    assigned_at: str
    changed_at: str


class OwnListAnswer(Answer):
    """The last 100 assignments, the open ones first."""

    assignments: list[OwnAnswer]


class DeclineBody(Body):
    """Why somebody does not go: a ``reason`` (declined, busy, too_far, unwell, no_transport,
    unsafe, other), or words of their own, or both."""

    reason: Annotated[str, Field(max_length=32), Readable] = ""
    words: Annotated[str, Field(max_length=500), Readable] = ""


class OwnPositionsBody(Body):
    """Where the caller's own device was, in any order; the newest counts."""

    positions: Annotated[list[PositionBody], Field(min_length=1, max_length=1000)]


@router.get("/assignments")
def mine(runtime: TheRuntime, caller: TheCaller, lang: Speech) -> OwnListAnswer:
    """List the caller's own assignments, the open ones first."""
    grid_map = runtime.map_or_none()
    found = runtime.mine(caller=caller)
    return OwnListAnswer(assignments=[own_answer(one, grid_map, lang) for one in found])


@router.post("/assignments/{id}/decline")
def decline(
    id: Which,  # noqa: A002
    body: DeclineBody,
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> OwnAnswer:
    """Decline an assignment of one's own; the words are kept with the case, in no event."""
    said = answering.Answer(AssignmentStep.DECLINE, body.reason, body.words)
    own = runtime.answer_mine(id, said, caller=caller)
    return own_answer(own, runtime.map_or_none(), lang)


@router.post("/assignments/{id}/{step}")
def answer(
    id: Which,  # noqa: A002
    step: Literal["accept", "depart", "arrive", "check_in", "finish"],
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> OwnAnswer:
    """Accept an assignment of one's own, set out, arrive, report to be safe, or finish it.

    An acceptance after the offer has ended counts while the place is open; else 409 says why.
    """
    said = answering.Answer(AssignmentStep(step))
    own = runtime.answer_mine(id, said, caller=caller)
    return own_answer(own, runtime.map_or_none(), lang)


@router.post("/positions")
def move(
    body: OwnPositionsBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> MovedAnswer:
    """Store where the caller's device is; bad positions are listed, the good ones are taken."""
    responder = own_assignments.whose(caller)
    many = [Said(responder, one.lng, one.lat, one.datum, one.seen_at) for one in body.positions]
    return moved_answer(runtime.move_many(many, caller=caller), len(many), lang)


def own_answer(own: Own, grid_map: GridMap | None, lang: Lang) -> OwnAnswer:
    """Say ``own`` in ``lang``."""
    one, incident = own.assignment, own.incident
    kind = KINDS_BY_CODE.get(incident.kind)
    at, placement = incident.position, incident.placement
    placed = None
    if placement is not None and grid_map is not None:
        placed = placement_answer(placement, grid_map)
    return OwnAnswer(
        id=one.id,
        number=incident.number,
        state=one.state,
        state_name=ASSIGNMENT_STATE_NAMES[one.state].pick(lang),
        open=one.state not in ENDED,
        steps=[*own.steps],
        category=incident.category,
        category_name=CATEGORY_NAMES[incident.category].pick(lang),
        kind=incident.kind,
        kind_name=incident.kind if kind is None else kind.name.pick(lang),
        urgency=incident.urgency,
        urgency_name=URGENCY_NAMES[incident.urgency].pick(lang),
        drill=incident.drill,
        withheld=own.withheld,
        text=incident.text,
        address=incident.address,
        lng=None if at is None else at.at.lng,
        lat=None if at is None else at.at.lat,
        placement=placed,
        capability=one.capability,
        capability_name=CAPABILITY_NAMES[one.capability].pick(lang),
        stand_off=one.stand_off,
        eta_s=one.eta_s,
        assigned_at=county_time(one.assigned_at),
        changed_at=county_time(one.changed_at),
    )

"""Run cards, hand-overs and doubtful places as answers."""

from datetime import datetime

from api.shapes import Answer, county_time
from gridsvc.dispatch import Card
from gridsvc.domain.cards import SERVICES, Hints
from gridsvc.domain.handover import HANDOVER_STATE_NAMES, Handover
from gridsvc.domain.incident import PlaceDoubt
from gridsvc.domain.neighbours import NeighbourCounty
from gridsvc.domain.words import Lang
from gridsvc.locating import GridMap
from gridsvc.runtime import Runtime


class HintsAnswer(Answer):
    """处置提示: what to do and what not to do, the weightiest first."""

    do: list[str]
    dont: list[str]


class HandoverAnswer(Answer):
    """A service that was asked (移交), never ordered. ``state`` is asked, overdue (not answered in
    60 s) or answered."""

    service: str
    service_name: str
    state: str
    state_name: str
    asked_at: str
    asked_by: str
    answered_at: str | None
    operator: str
    their_number: str


class CandidateAnswer(Answer):
    """An area where a case may be."""

    code: str
    name: str


class DoubtAnswer(Answer):
    """位置不准: why the place is not sure, and where it may be, the best first. Until
    ``asked_until`` the officer is asked, then people go to the best candidate; ``guessed``: they
    have gone. ``PUT .../position`` confirms."""

    why: list[str]
    candidates: list[CandidateAnswer]
    asked_until: str | None
    guessed: bool


class CardAnswer(Answer):
    """What the run card of a case says at its alarm level."""

    kind: str
    version: int
    alarm_level: int
    highest_level: int
    hints: HintsAnswer


class NeighbourCountyAnswer(Answer):
    """The neighbouring county whose duty desk is to be told of a case outside our own, and when it
    was."""

    code: str
    name: str
    phone: str
    told_at: str | None


def neighbour_answer(
    one: NeighbourCounty | None, told: datetime | None
) -> NeighbourCountyAnswer | None:
    """Say whom to tell, None where nobody is."""
    if one is None:
        return None
    return NeighbourCountyAnswer(
        code=one.code,
        name=one.name,
        phone=one.phone,
        told_at=None if told is None else county_time(told),
    )


def hints_answer(hints: Hints, lang: Lang) -> HintsAnswer:
    """Say hints in ``lang``."""
    return HintsAnswer(
        do=[one.pick(lang) for one in hints.do], dont=[one.pick(lang) for one in hints.dont]
    )


def handover_answer(one: Handover, runtime: Runtime, lang: Lang) -> HandoverAnswer:
    """Say a hand-over as it stands now."""
    state = one.state(runtime.clock())
    return HandoverAnswer(
        service=one.service,
        service_name=SERVICES[one.service].pick(lang),
        state=state,
        state_name=HANDOVER_STATE_NAMES[state].pick(lang),
        asked_at=county_time(one.asked_at),
        asked_by=one.asked_by,
        answered_at=None if one.answered_at is None else county_time(one.answered_at),
        operator=one.operator,
        their_number=one.their_number,
    )


def doubt_answer(
    doubt: PlaceDoubt | None, grid_map: GridMap | None, lang: Lang
) -> DoubtAnswer | None:
    """Say why a place is not sure, None where it is."""
    if doubt is None:
        return None
    return DoubtAnswer(
        why=[one.pick(lang) for one in doubt.why],
        candidates=[
            CandidateAnswer(code=code, name="" if grid_map is None else grid_map.name_of(code))
            for code in doubt.candidates
        ],
        asked_until=None if doubt.asked_until is None else county_time(doubt.asked_until),
        guessed=doubt.guessed,
    )


def card_answer(kind: str, card: Card, runtime: Runtime, lang: Lang) -> CardAnswer:
    """Say what a case's card says."""
    return CardAnswer(
        kind=kind,
        version=card.version,
        alarm_level=card.level,
        highest_level=runtime.cards()[kind].highest,
        hints=hints_answer(card.hints, lang),
    )

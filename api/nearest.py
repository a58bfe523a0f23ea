"""The nearest people as an answer: who, how soon, why, and why not."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from api.shapes import Answer
from gridsvc.dispatch import Ranking
from gridsvc.domain.force import CAPABILITY_NAMES, ROLE_NAMES, Capability, Responder, Role
from gridsvc.domain.kinds import Lay
from gridsvc.domain.words import Lang, Text

LAY_NAMES: dict[Lay, Text] = {
    Lay.APPROACH: Text("群众力量可到场", "lay people may approach"),
    Lay.STAND_OFF: Text("群众力量只在外围", "lay people stand off"),
    Lay.NONE: Text("群众力量不得靠近", "lay people stay away"),
    Lay.NOT_NEEDED: Text("无需群众力量", "lay people are not needed"),
}

Find = Callable[[str], Responder | None]
"""Gives the responder of an id, None for one who is unknown or erased."""


class Named(Answer):
    """A code with the words for it."""

    code: str
    name: str


class TermAnswer(Answer):
    """One part of a score, in seconds. They add up to ``score_s``."""

    code: str
    name: str
    seconds: int


class Person(Answer):
    """A responder near an incident; ``name`` and ``phone`` are empty for one who was erased.

    ``from`` says whether ``distance_m`` (metres, straight line) and ``eta_s`` (seconds) are from
    its live position or its home; ``eta_basis`` and ``eta_note`` what the time is reckoned on.
    ``own``: of the incident's own unit or grid.
    """

    id: str
    role: str
    role_name: str
    name: str
    phone: str
    distance_m: float
    measured_from: Annotated[Literal["live", "home"], Field(serialization_alias="from")]
    eta_s: int
    eta_basis: str
    eta_note: str
    own: bool
    score_s: int
    terms: list[TermAnswer]
    reasons: list[str]


class BusyAnswer(Answer):
    """Somebody who could have gone, and the case that holds them."""

    id: str
    name: str
    case: str


class ShortfallAnswer(Named):
    """What too few people can be sent for, and why."""

    wanted: int
    found: int
    reason: str
    nearest_busy: BusyAnswer | None


class NearestAnswer(Answer):
    """What the card asks for, who is soonest there and able, and who was passed over.

    ``notes`` say why the card differs from that of the kind; ``note`` what the times are worth.
    """

    required: list[Named]
    missing: list[Named]
    shortfalls: list[ShortfallAnswer]
    chosen: list[Person]
    refused: list[Person]
    lay: Named
    hand_over: list[str]
    notes: list[str]
    basis: str
    note: str


def nearest_answer(ranking: Ranking, lang: Lang) -> NearestAnswer:
    """Say ``ranking`` in ``lang``."""
    people = [one.near.responder for one in ranking.chosen]
    people += [one.near.responder for one in ranking.refused]
    known = {one.id: one for one in people}
    return stored_answer(ranking.as_json(), known.get, lang)


def stored_answer(kept: dict[str, Any], find: Find, lang: Lang) -> NearestAnswer:
    """Say in ``lang`` what was kept of a ranking (`gridsvc.dispatch.Ranking.as_json`).

    Parameters
    ----------
    find
        Gives those who are still known.
    """
    return NearestAnswer(
        required=[_capability(c, lang) for c in kept["required"]],
        missing=[_capability(c, lang) for c in kept["missing"]],
        shortfalls=[_shortfall(one, find, lang) for one in kept["shortfalls"]],
        chosen=[_person(one, kept, find, lang) for one in kept["chosen"]],
        refused=[_person(one, kept, find, lang) for one in kept["refused"]],
        lay=Named(code=kept["lay"], name=LAY_NAMES[Lay(kept["lay"])].pick(lang)),
        hand_over=kept["hand_over"],
        notes=[note[lang] for note in kept["notes"]],
        basis=kept["basis"],
        note=kept["travel_note"][lang],
    )


def _capability(code: str, lang: Lang) -> Named:
    return Named(code=code, name=CAPABILITY_NAMES[Capability(code)].pick(lang))


def _person(one: dict[str, Any], kept: dict[str, Any], find: Find, lang: Lang) -> Person:
    who = find(one["responder"])
    # What was kept by earlier versions has one basis for all.
    basis = one.get("basis", kept["basis"])
    return Person(
        id=one["responder"],
        role=one["role"],
        role_name=ROLE_NAMES[Role(one["role"])].pick(lang),
        name="" if who is None else who.name,
        phone="" if who is None else who.phone,
        distance_m=one["distance_m"],
        measured_from=one["from"],
        eta_s=one["eta_s"],
        eta_basis=basis,
        eta_note=kept.get("eta_notes", {}).get(basis, kept["travel_note"])[lang],
        own=one["own"],
        score_s=one["score_s"],
        terms=[
            TermAnswer(code=term["code"], name=term["text"][lang], seconds=term["seconds"])
            for term in one["terms"]
        ],
        reasons=[reason[lang] for reason in one["reasons"]],
    )


def _shortfall(one: dict[str, Any], find: Find, lang: Lang) -> ShortfallAnswer:
    busy = one["nearest_busy"]
    who = None if busy is None else find(busy["responder"])
    return ShortfallAnswer(
        **dict(_capability(one["capability"], lang)),
        wanted=one["wanted"],
        found=one["found"],
        reason=one["reason"][lang],
        nearest_busy=None
        if busy is None
        else BusyAnswer(
            id=busy["responder"], name="" if who is None else who.name, case=busy["case"]
        ),
    )

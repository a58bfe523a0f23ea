"""The nearest people as an answer: who, how far, why, and why not."""

from typing import Annotated, Literal

from pydantic import Field

from api.shapes import Answer
from gridsvc.dispatch import Candidate, Ranking, Refusal
from gridsvc.domain.force import CAPABILITY_NAMES, ROLE_NAMES, Capability
from gridsvc.domain.kinds import Lay
from gridsvc.domain.words import Lang, Text

LAY_NAMES: dict[Lay, Text] = {
    Lay.APPROACH: Text("群众力量可到场", "lay people may approach"),
    Lay.STAND_OFF: Text("群众力量只在外围", "lay people stand off"),
    Lay.NONE: Text("群众力量不得靠近", "lay people stay away"),
    Lay.NOT_NEEDED: Text("无需群众力量", "lay people are not needed"),
}

STRAIGHT_LINE = Text(
    "距离为直线距离，不是道路里程；山区道路可能是其两三倍",
    "distances are straight lines, not by road; in the hills the road can be two or three times "
    "as long",
)


class Named(Answer):
    """A code with the words for it."""

    code: str
    name: str


class Person(Answer):
    """A responder near an incident.

    ``from`` says whether ``distance_m`` (metres, straight line) is from its live position or its
    home.
    """

    id: str
    role: str
    role_name: str
    name: str
    phone: str
    distance_m: float
    measured_from: Annotated[Literal["live", "home"], Field(serialization_alias="from")]
    reasons: list[str]


class NearestAnswer(Answer):
    """What the kind's card asks for, who is nearest and able, and who was passed over."""

    required: list[Named]
    missing: list[Named]
    chosen: list[Person]
    refused: list[Person]
    lay: Named
    hand_over: list[str]
    note: str


def nearest_answer(ranking: Ranking, lang: Lang) -> NearestAnswer:
    """Say ``ranking`` in ``lang``."""
    return NearestAnswer(
        required=[_capability(c, lang) for c in ranking.required],
        missing=[_capability(c, lang) for c in ranking.missing],
        chosen=[_person(candidate, lang) for candidate in ranking.chosen],
        refused=[_person(refusal, lang) for refusal in ranking.refused],
        lay=Named(code=ranking.lay, name=LAY_NAMES[ranking.lay].pick(lang)),
        hand_over=list(ranking.hand_over),
        note=STRAIGHT_LINE.pick(lang),
    )


def _capability(capability: Capability, lang: Lang) -> Named:
    return Named(code=capability, name=CAPABILITY_NAMES[capability].pick(lang))


def _person(near: Candidate | Refusal, lang: Lang) -> Person:
    who = near.responder
    return Person(
        id=who.id,
        role=who.role,
        role_name=ROLE_NAMES[who.role].pick(lang),
        name=who.name,
        phone=who.phone,
        distance_m=round(near.distance_m, 1),
        measured_from="live" if near.from_live else "home",
        reasons=[reason.pick(lang) for reason in near.reasons],
    )

"""Who may be sent to an incident: every refusal has its reason."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType

from gridsvc.dispatch.runcard import LAY_ROLES, Card
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import CAPABILITY_NAMES, ROLE_NAMES, Capability, Responder
from gridsvc.domain.kinds import Lay
from gridsvc.domain.words import Text

NIGHT = (time(22, 0), time(6, 0))
"""From and to: the hours in which only those marked reachable at night are called out."""

LIVE_MAX_AGE = timedelta(minutes=15)
"""An older live position says little of where someone is now: the home place is used instead."""

LAY_REASONS: dict[Lay, Text] = {
    Lay.NONE: Text(
        "此类警情群众不得靠近，不派群众力量", "lay people must stay away from this kind"
    ),
}

UNARMED = Text(
    "现场可能有凶器，未携带武器的人员一律不派", "there may be a weapon, nobody unarmed is sent"
)

Busy = Mapping[str, str]
"""Who is taken: responder id -> number of the case that holds them."""

NOBODY_BUSY: Busy = MappingProxyType({})


def eligible(responder: Responder, *, card: Card, at: datetime, busy: Busy = NOBODY_BUSY) -> bool:
    """Whether ``responder`` is sent to what ``card`` asks for at ``at``: there are no `refusals`.

    It makes no sentences.
    """
    return (
        not responder.capabilities.isdisjoint(card.required)
        and reachable(responder, night=is_night(at))
        and responder.role not in card.excluded
        and responder.id not in card.kept_out
        and held_by(responder, busy) is None
    )


def reachable(responder: Responder, *, night: bool) -> bool:
    """Whether ``responder`` can be called out at all, by ``night`` or by day."""
    return (
        responder.on_duty
        and bool(responder.phone or responder.app)
        and (responder.night or not night)
    )


def held_by(responder: Responder, busy: Busy) -> str | None:
    """The number of the case that holds ``responder``, None where it is free."""
    return busy.get(responder.id) if responder.role.exclusive else None


def refusals(
    responder: Responder, *, card: Card, at: datetime, busy: Busy = NOBODY_BUSY
) -> tuple[Text, ...]:
    """Every reason why ``responder`` is not sent to what ``card`` asks for at ``at``.

    Parameters
    ----------
    responder
        Somebody with a place (live or home).
    card
        What is asked for, and the lay rule.
    at
        Aware datetime of the decision.
    busy
        Who is taken.

    Returns
    -------
    tuple of Text
        Empty where the responder is eligible.
    """
    reasons: list[Text] = []
    if not responder.on_duty:
        reasons.append(responder.off_because or Text("不在岗", "off duty"))
    if not responder.phone and not responder.app:
        reasons.append(Text("无联系方式", "no way to reach them"))
    if is_night(at) and not responder.night:
        reasons.append(Text("夜间联系不上", "not reachable at night"))
    number = held_by(responder, busy)
    if number is not None:
        reasons.append(Text(f"已指派到 {number}", f"assigned to {number}"))
    if responder.id in card.kept_out:
        reasons.append(card.kept_out[responder.id])
    return (*reasons, *_of_the_card(responder, card))


def _of_the_card(responder: Responder, card: Card) -> list[Text]:
    reasons: list[Text] = []
    role = responder.role
    if card.armed:
        reasons.append(UNARMED)
    elif card.lay in LAY_REASONS and role in LAY_ROLES:
        reasons.append(LAY_REASONS[card.lay])
    elif role in card.excluded:
        name = ROLE_NAMES[role]
        reasons.append(Text(f"此类事件不派{name.zh}", f"no {name.en} is sent to this kind"))
    if not card.required:
        reasons.append(_nobody_sent(card.hand_over))
    elif responder.capabilities.isdisjoint(card.required):
        reasons.append(_cannot(card.required))
    return reasons


def is_night(at: datetime) -> bool:
    """Whether ``at`` (aware) falls in the county's night hours."""
    local = at.astimezone(COUNTY_TIME).time()
    return local >= NIGHT[0] or local < NIGHT[1]


@lru_cache(maxsize=256)
def _cannot(wanted: tuple[Capability, ...]) -> Text:
    zh = "、".join(CAPABILITY_NAMES[c].zh for c in wanted)
    en = ", ".join(CAPABILITY_NAMES[c].en for c in wanted)
    return Text(f"不具备所需能力（{zh}）", f"cannot do any of: {en}")


def _nobody_sent(hand_over: tuple[str, ...]) -> Text:
    if hand_over:
        services = "、".join(hand_over)
        return Text(f"此类只移交 {services}，不派人", f"handed over to {services}, nobody is sent")
    return Text("此类由窗口办理，不派人", "handled at the window, nobody is sent")

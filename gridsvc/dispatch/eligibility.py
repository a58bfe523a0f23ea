"""Who may be sent to an incident: every refusal has its reason."""

from datetime import datetime, time, timedelta

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import CAPABILITY_NAMES, Responder
from gridsvc.domain.kinds import Kind, Lay
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


def eligible(responder: Responder, *, kind: Kind, at: datetime) -> bool:
    """Whether ``responder`` is sent to an incident of ``kind`` at ``at``: there are no `refusals`.

    For walks over many people: it makes no sentences.
    """
    return (
        not responder.capabilities.isdisjoint(kind.sends)
        and reachable(responder, night=is_night(at))
        and not (responder.role.lay and kind.lay in LAY_REASONS)
    )


def reachable(responder: Responder, *, night: bool) -> bool:
    """Whether ``responder`` can be called out at all, by ``night`` or by day."""
    return (
        responder.on_duty
        and bool(responder.phone or responder.app)
        and (responder.night or not night)
    )


def refusals(responder: Responder, *, kind: Kind, at: datetime) -> tuple[Text, ...]:
    """Every reason why ``responder`` is not sent to an incident of ``kind`` at ``at``.

    Parameters
    ----------
    responder
        Somebody with a place (live or home).
    kind
        Its card: what it asks for, and its lay rule.
    at
        Aware datetime of the decision.

    Returns
    -------
    tuple of Text
        Empty where the responder is eligible.
    """
    reasons: list[Text] = []
    if not responder.on_duty:
        reasons.append(Text("不在岗", "off duty"))
    if not responder.phone and not responder.app:
        reasons.append(Text("无联系方式", "no way to reach them"))
    if is_night(at) and not responder.night:
        reasons.append(Text("夜间联系不上", "not reachable at night"))
    if responder.role.lay and kind.lay in LAY_REASONS:
        reasons.append(LAY_REASONS[kind.lay])
    if kind.sends and not responder.capabilities.intersection(kind.sends):
        wanted_zh = "、".join(CAPABILITY_NAMES[c].zh for c in kind.sends)
        wanted_en = ", ".join(CAPABILITY_NAMES[c].en for c in kind.sends)
        reasons.append(Text(f"不具备所需能力（{wanted_zh}）", f"cannot do any of: {wanted_en}"))
    if not kind.sends:
        reasons.append(_nobody_sent(kind))
    return tuple(reasons)


def is_night(at: datetime) -> bool:
    """Whether ``at`` (aware) falls in the county's night hours."""
    local = at.astimezone(COUNTY_TIME).time()
    return local >= NIGHT[0] or local < NIGHT[1]


def _nobody_sent(kind: Kind) -> Text:
    if kind.hand_over:
        services = "、".join(kind.hand_over)
        return Text(f"此类只移交 {services}，不派人", f"handed over to {services}, nobody is sent")
    return Text("此类由窗口办理，不派人", "handled at the window, nobody is sent")

"""What a card asks for and the county cannot give, in people or in time, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from gridsvc.dispatch.eligibility import Busy, held_by
from gridsvc.dispatch.runcard import Card
from gridsvc.dispatch.serving import not_serving, serving
from gridsvc.dispatch.view import SEARCH_LIMIT_S, View
from gridsvc.domain.force import Capability
from gridsvc.domain.words import Text


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What the card asks for and the county cannot give: ``found`` of the ``wanted`` people.

    ``nearest_busy`` is the first who could have gone, and the number of the case that holds them.
    ``late`` of those found come after the card's latest ETA; they are sent all the same.
    ``frees_at`` (aware) is an estimate of when somebody more can go, ``frees_note`` says of what.
    """

    capability: Capability
    wanted: int
    found: int
    reason: Text
    nearest_busy: tuple[str, str] | None = None
    late: int = 0
    frees_at: datetime | None = None
    frees_note: Text | None = None


def kept_shortfall(one: Shortfall) -> dict[str, Any]:
    """What is kept of a shortfall."""
    busy = one.nearest_busy
    return {
        "capability": one.capability,
        "wanted": one.wanted,
        "found": one.found,
        "reason": said(one.reason),
        "nearest_busy": None if busy is None else {"responder": busy[0], "case": busy[1]},
        "late": one.late,
        "frees_at": None if one.frees_at is None else one.frees_at.isoformat(),
        "frees_note": None if one.frees_note is None else said(one.frees_note),
    }


def shortfall_of(
    view: View,
    card: Card,
    capability: Capability,
    numbers: Sequence[int],
    busy: Busy,
    *,
    wanted: int,
) -> Shortfall | None:
    """What ``numbers``, who go for ``capability``, fall short by: of so many people ``wanted``, or
    of the card's time; None where it has what it asks for."""
    etas = sorted(view.one(number).eta_s for number in numbers)
    latest = card.latest.get(capability)
    late = [] if latest is None else [eta for eta in etas if eta > latest]
    if len(numbers) >= wanted and not late:
        return None
    short = _shortfall(view, card, capability, wanted=wanted, found=len(numbers), busy=busy)
    if not late or latest is None:
        return short
    told = _late(etas, late, latest)
    if len(numbers) < wanted:
        told = Text(f"{told.zh}；{short.reason.zh}", f"{told.en}; {short.reason.en}")
    return replace(short, reason=told, late=len(late))


def _late(etas: Sequence[float], late: Sequence[float], latest: float) -> Text:
    first, limit, place = ceil(late[0] / 60), round(latest / 60), len(etas) - len(late) + 1
    who = Text("最近的", "the nearest") if place == 1 else Text(f"第 {place} 人", f"number {place}")
    return Text(
        f"{who.zh} {first} 分钟，超过 {limit} 分钟",
        f"{who.en} takes {first} minutes, more than {limit}",
    )


def _shortfall(
    view: View, card: Card, capability: Capability, *, wanted: int, found: int, busy: Busy
) -> Shortfall:
    """Why only ``found`` people, all that are free, can go for ``capability``."""
    barred = not_serving(card, capability)
    have = len(view.index.able((capability,), barred=barred)[1])
    reached = view.index.able((capability,), barred=barred, night=view.night)[1]
    near = view.count_within_reach(reached)
    people = view.index.responders
    held = (people[number] for number in serving(view, card, capability))
    holding = ((one.id, held_by(one, busy)) for one in held)
    nearest = next(((key, number) for key, number in holding if number is not None), None)
    if not have:
        reason = Text("全县无人具备此能力", "nobody in the county has this capability")
    else:
        hours = round(SEARCH_LIMIT_S / 3600)
        out = _kept_out(view, card, capability, busy)
        off, far, gone = have - len(reached), len(reached) - near, near - found - out
        left = Text(f"，排除、回避或休整 {out} 人", f", {out} excluded, recused or resting")
        left = left if out else Text("", "")
        reason = Text(
            f"需 {wanted} 人，可派 {found} 人：全县具备此能力的 {have} 人中，已指派 {gone} 人"
            f"{left.zh}，不在岗或联系不上 {off} 人，位置不明或 {hours} 小时内到不了 {far} 人",
            f"{wanted} wanted, {found} can go: of {have} in the county with this capability {gone} "
            f"are assigned{left.en}, {off} off duty or unreachable, {far} without a place or more "
            f"than {hours} hours away",
        )
    return Shortfall(capability, wanted, found, reason, nearest)


def _kept_out(view: View, card: Card, capability: Capability, busy: Busy) -> int:
    """How many free people within reach, who count for ``capability``, are not offered it."""
    if not card.kept_out:
        return 0
    people = view.index.responders
    return sum(
        people[number].id in card.kept_out and held_by(people[number], busy) is None
        for number in serving(view, card, capability)
    )


def said(text: Text) -> dict[str, str]:
    """How a sentence is kept."""
    return {"zh": text.zh, "en": text.en}

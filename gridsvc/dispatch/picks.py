"""Whom to assign at once: the own sentinel, the grid worker, the nearest able professionals."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil

from gridsvc.dispatch.eligibility import NOBODY_BUSY, Busy, refusals
from gridsvc.dispatch.runcard import Card
from gridsvc.dispatch.serving import free_to_serve
from gridsvc.dispatch.shortfalls import Shortfall, shortfall_of
from gridsvc.dispatch.view import OWN_S, Nearby, View
from gridsvc.domain.force import LAY_CAPABILITIES, Capability, Responder, Role
from gridsvc.domain.words import Text

_OWN = {Capability.FIRST_ON_SCENE: Role.SENTINEL, Capability.GRID_DUTY: Role.GRID_WORKER}


@dataclass(frozen=True, slots=True)
class Pick:
    """Somebody to be assigned for ``capability``, and ``also`` serving others.

    ``stand_off``: to keep away from the danger itself. ``reason`` says why this one goes for the
    incident's own sentinel or grid worker, None where nobody is replaced. ``reserve``: asked
    besides those the card needs, in case somebody does not answer.
    """

    near: Nearby
    capability: Capability
    stand_off: bool
    also: tuple[Capability, ...] = ()
    reason: Text | None = None
    reserve: bool = False

    @property
    def responder(self) -> Responder:
        """Who it is."""
        return self.near.responder


def places(card: Card) -> dict[Capability, int]:
    """How many people of which capability are sent before anybody confirms: mediators are not."""
    return {
        capability: card.wanted(capability)
        for capability in card.required
        if card.at_once and (capability in _OWN or capability not in LAY_CAPABILITIES)
    }


def picks(
    view: View,
    card: Card,
    *,
    unit: str | None = None,
    grid: str | None = None,
    busy: Busy = NOBODY_BUSY,
    wanted: Mapping[Capability, int] | None = None,
    asked: Collection[str] = frozenset(),
) -> tuple[tuple[Pick, ...], tuple[Shortfall, ...]]:
    """Whom to assign, nobody twice, and what too few people can be assigned for.

    The unit's own sentinel and the grid's own worker come before those who would be there by less
    than ``OWN_S`` sooner; where they cannot go, or take longer than that, the nearest able one
    goes. For every professional capability the nearest able
    professional goes; one person may serve several. Mediators are not sent before somebody has
    confirmed it.

    Parameters
    ----------
    view
        The force as seen from the incident, with its own unit and grid.
    unit, grid
        Their codes, for the words about somebody who goes for their people.
    card
        What is asked for. A card that does not send ``at_once`` picks nobody.
    busy
        Who is taken. When a claim fails, ask again with more of them: it is quick.
    wanted
        How many of each capability, None for `places`: all that the card asks for.
    asked
        Ids of those who are not picked, whatever they can do: they have been asked.
    """
    chosen: dict[int, Pick] = {}
    missing: list[Shortfall] = []
    index = view.index
    passed = {number for one in asked if (number := index.number(one)) is not None}
    for capability, count in (places(card) if wanted is None else wanted).items():
        if capability in _OWN:
            area = unit if capability is Capability.FIRST_ON_SCENE else grid
            found = _pick_neighbours(view, card, capability, count, busy, chosen, passed, area)
        else:
            found = _pick_professional(view, card, capability, count, busy, chosen, passed)
        short = shortfall_of(view, card, capability, found, busy, wanted=count)
        if short is not None:
            missing.append(short)
    return tuple(chosen.values()), tuple(missing)


def _pick_neighbours(
    view: View,
    card: Card,
    capability: Capability,
    wanted: int,
    busy: Busy,
    chosen: dict[int, Pick],
    passed: set[int],
    area: str | None,
) -> list[int]:
    """Choose the lowest scores, in which the own one has its margin already; return who."""
    people = view.index.responders
    answering = view.in_order([n for n in view.own if people[n].role is _OWN[capability]])
    others = _others(free_to_serve(view, card, capability, busy), {*chosen, *passed})
    going = list(islice(others, wanted))
    for number in going:
        chosen[number] = _pick(view, number, card, capability)
    if going and not set(going) & set(answering):
        reason = _replaced(view, card, capability, answering, busy, passed, area, going[0])
        chosen[going[0]] = replace(chosen[going[0]], reason=reason)
    return going


def _others(walk: Iterator[int], known: Collection[int]) -> Iterator[int]:
    return (number for number in walk if number not in known)


def _pick_professional(
    view: View,
    card: Card,
    capability: Capability,
    wanted: int,
    busy: Busy,
    chosen: dict[int, Pick],
    passed: set[int],
) -> list[int]:
    """Choose the nearest, who may have been chosen already; return who."""
    others = _others(free_to_serve(view, card, capability, busy), passed)
    found = list(islice(others, wanted))
    for number in found:
        known = chosen.get(number)
        chosen[number] = (
            _pick(view, number, card, capability)
            if known is None
            else replace(known, also=(*known.also, capability))
        )
    return found


def _pick(view: View, number: int, card: Card, capability: Capability) -> Pick:
    return Pick(view.one(number), capability, capability in card.stand_off)


def _replaced(
    view: View,
    card: Card,
    capability: Capability,
    answering: list[int],
    busy: Busy,
    passed: set[int],
    area: str | None,
    instead: int,
) -> Text:
    """Why the incident's own one does not go."""
    own = (
        Text("本单元吹哨人", "the unit's own sentinel")
        if capability is Capability.FIRST_ON_SCENE
        else Text("本网格网格员", "the grid's own worker")
    )
    if area is None:
        why = Text("地点不在已知的单元或网格内", "the place is in no known unit or grid")
    elif not answering:
        why = Text(f"{area} 没有登记", f"nobody is registered for {area}")
    elif answering[0] in passed:
        why = Text("已另行联系", "they were asked already")
    else:
        who = view.index.responders[answering[0]]
        reasons = refusals(who, card=card, at=view.at, busy=busy)
        if not reasons and view.within_reach(answering[0]):
            return _slower(own, view.one(answering[0]).eta_s - view.one(instead).eta_s)
        reasons = reasons or (_AWAY,)
        why = Text("、".join(r.zh for r in reasons), ", ".join(r.en for r in reasons))
    return Text(
        f"{own.zh}不能到场（{why.zh}），由最近的人员代替",
        f"{own.en} cannot go ({why.en}): the nearest who can goes instead",
    )


def _slower(own: Text, seconds: float) -> Text:
    minutes, margin = ceil(seconds / 60), round(OWN_S / 60)
    return Text(
        f"{own.zh}要晚 {minutes} 分钟，超过优先幅度 {margin} 分钟，由最近的人员前往",
        f"{own.en} would be {minutes} minutes later, more than the margin of {margin}: the nearest "
        "goes",
    )


_AWAY = Text("位置不明或路程过远", "no place is known, or it is too far away")

"""Who counts for what a card asks for, nearest first; and who of them can be offered it."""

from collections.abc import Iterator

from gridsvc.dispatch.eligibility import Busy, held_by
from gridsvc.dispatch.runcard import LAY_ROLES, Card
from gridsvc.dispatch.view import View
from gridsvc.domain.force import LAY_CAPABILITIES, Capability, Responder, Role
from gridsvc.domain.trades import trades_of


def serving(view: View, card: Card, capability: Capability) -> Iterator[int]:
    """Walk over those who count for ``capability`` and can be reached, free or not."""
    return view.walk((capability,), not_serving(card, capability))


def free_to_serve(view: View, card: Card, capability: Capability, busy: Busy) -> Iterator[int]:
    """Walk over those who count for ``capability`` and can go; departments that are for the matter
    before the others."""
    able = free(view, serving(view, card, capability), card, busy)
    if capability is not Capability.TRADE or not card.trades:
        return able
    people = view.index.responders
    return iter(sorted(able, key=lambda number: other_office(people[number], card)))


def other_office(who: Responder, card: Card) -> bool:
    """Whether it is a department, and for other matters than the card asks for."""
    return (
        who.role is Role.DEPARTMENT
        and bool(card.trades)
        and card.trades.isdisjoint(trades_of(who.name))
    )


def free(view: View, walk: Iterator[int], card: Card, busy: Busy) -> Iterator[int]:
    """Those of ``walk`` who are not taken, and not kept from the incident."""
    people, out = view.index.responders, card.kept_out
    return (
        number
        for number in walk
        if held_by(people[number], busy) is None and people[number].id not in out
    )


def not_serving(card: Card, capability: Capability) -> frozenset[Role]:
    """The roles that do not count for ``capability``."""
    if capability in LAY_CAPABILITIES:
        return card.excluded
    # An office that has first aid or fire among its trades is not the one who comes running.
    offices = frozenset() if capability is Capability.TRADE else frozenset({Role.DEPARTMENT})
    return card.excluded | LAY_ROLES | offices


def counts_for(who: Responder, card: Card, capability: Capability) -> bool:
    """Whether somebody counts for ``capability`` of ``card``: a neighbour who has learned a
    professional's trade is welcome, but does not stand in for the professional."""
    if capability is Capability.TRADE and other_office(who, card):
        return False
    return capability in who.capabilities and who.role not in not_serving(card, capability)

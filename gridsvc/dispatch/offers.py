"""Who is enough, who is asked next, who is thanked: decided from the card and the answers alone.

The rules, which docs/dispatch.md tells the officer:

- A place is filled by whoever accepted it, or whom the officer told not to go.
- An offer whose every place is filled ends with thanks; somebody chosen by a person is left be.
- Who declined, or was taken away, is not asked again for this incident. Who did not answer is
  asked again only where nobody else is left, ``FORGIVEN_S`` after. Who was thanked may be asked
  again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gridsvc.dispatch.eligibility import NOBODY_BUSY, Busy
from gridsvc.dispatch.picks import Pick, picks, places
from gridsvc.dispatch.runcard import Card
from gridsvc.dispatch.shortfalls import Shortfall
from gridsvc.dispatch.view import View
from gridsvc.domain.case import Assignment
from gridsvc.domain.force import Capability
from gridsvc.domain.lifecycle import GOING, AssignmentState
from gridsvc.domain.reasons import ENOUGH, NOT_NEEDED
from gridsvc.domain.waves import FORGIVEN_S, Waves

Counts = dict[Capability, int]
_FORGIVEN = timedelta(seconds=FORGIVEN_S)


def fills(one: Assignment) -> bool:
    """Whether nobody else is needed for what ``one`` was asked for."""
    if one.state is AssignmentState.STOOD_DOWN:
        return one.reason == NOT_NEEDED
    return one.state in GOING or one.state is AssignmentState.DONE


def lacking(card: Card, sent: Sequence[Assignment]) -> Counts:
    """How many people of which capability have not accepted yet, those of none left out."""
    filled = _served([one for one in sent if fills(one)])
    left = {one: count - filled.get(one, 0) for one, count in places(card).items()}
    return {one: count for one, count in left.items() if count > 0}


def open_offers(sent: Sequence[Assignment]) -> list[Assignment]:
    """The offers that wait for an answer."""
    return [one for one in sent if one.state is AssignmentState.OFFERED]


def surplus(card: Card, sent: Sequence[Assignment]) -> list[Assignment]:
    """The offers that nobody needs any more."""
    left = lacking(card, sent)
    return [
        one
        for one in open_offers(sent)
        if one.wave > 0 and not any(capability in left for capability in one.capabilities)
    ]


def short_of_offers(card: Card, sent: Sequence[Assignment]) -> bool:
    """Whether more people should be asked than are now."""
    waves, offered = card.waves or Waves(together=False), _served(open_offers(sent))
    spare = waves.reserves if waves.together else 0
    return any(offered.get(one, 0) < n + spare for one, n in lacking(card, sent).items())


def next_wave(
    view: View,
    card: Card,
    sent: Sequence[Assignment] = (),
    *,
    unit: str | None = None,
    grid: str | None = None,
    busy: Busy = NOBODY_BUSY,
) -> tuple[tuple[Pick, ...], tuple[Shortfall, ...]]:
    """Whom to offer the incident now, and what too few can be offered it for.

    Parameters
    ----------
    view
        The force as seen from the incident, at the moment of the offer.
    card
        What is asked for, and how it is offered (``waves``).
    sent
        Everybody asked so far, in any state; empty for the first wave.
    unit, grid
        Codes of the incident's own, for the words about somebody who goes for their people.
    busy
        Who is taken.

    Returns
    -------
    tuple
        Those needed first, then the reserves; nobody twice. A lack of reserves is no shortfall.
    """
    waves = card.waves or Waves(together=False)
    offered = _served(open_offers(sent))
    left = lacking(card, sent)
    needed = {one: more for one, n in left.items() if (more := n - offered.get(one, 0)) > 0}
    asked = _asked(sent)
    chosen, missing = picks(view, card, unit=unit, grid=grid, busy=busy, wanted=needed, asked=asked)
    silent = _forgiven(sent, view.at)
    # Who comes late is sent all the same: nobody is missing for them.
    few = {one.capability: n for one in missing if (n := one.wanted - one.found) > 0}
    short = few if silent else {}
    if short:
        names = {pick.responder.id for pick in chosen}
        again, _ = picks(view, card, busy=busy, wanted=short, asked=(asked - silent) | names)
        chosen = (*chosen, *again)
        found = _counted(pick.capability for pick in again)
        missing = tuple(
            one
            for one in missing
            if one.capability not in short or found.get(one.capability, 0) < short[one.capability]
        )
    return (*chosen, *_reserves(view, card, waves, left, offered, chosen, asked, busy)), missing


def _reserves(
    view: View,
    card: Card,
    waves: Waves,
    left: Counts,
    offered: Counts,
    chosen: tuple[Pick, ...],
    asked: frozenset[str],
    busy: Busy,
) -> list[Pick]:
    if not waves.together or not waves.reserves:
        return []
    going = _counted(c for pick in chosen for c in (pick.capability, *pick.also))
    now = {one: offered.get(one, 0) + going.get(one, 0) for one in left}
    more = {one: least for one, n in left.items() if (least := n + waves.reserves - now[one]) > 0}
    known = asked | {pick.responder.id for pick in chosen}
    found, _ = picks(view, card, busy=busy, wanted=more, asked=known) if more else ((), ())
    return [replace(pick, reserve=True, reason=None) for pick in found]


def next_moment(
    sent: Sequence[Assignment],
    waves: Waves,
    *,
    since: datetime | None,
    escalation: int,
    look_again_at: datetime | None,
) -> datetime | None:
    """When something about the offers of an incident is due next, None for never.

    Parameters
    ----------
    since
        Since when too few have accepted, None where enough have.
    escalation
        Who has been alarmed so far: 0 nobody, 1 the township, 2 the leader.
    look_again_at
        When it is looked for somebody again, None where people are left.
    """
    moments = [] if look_again_at is None else [look_again_at]
    for one in open_offers(sent):
        if one.answer_by is not None:
            moments.append(one.answer_by)
        if one.rung_at is None and waves.second_channel_s is not None:
            moments.append(one.assigned_at + timedelta(seconds=waves.second_channel_s))
    if since is not None:
        moments += [
            since + timedelta(seconds=after) for level, after in levels(waves) if level > escalation
        ]
    return min(moments, default=None)


def levels(waves: Waves) -> list[tuple[int, float]]:
    """The levels of escalation and how many seconds after the first offer each comes."""
    listed = ((1, waves.township_s), (2, waves.leader_s))
    return [(level, after) for level, after in listed if after is not None]


def _served(sent: Sequence[Assignment]) -> Counts:
    return _counted(capability for one in sent for capability in one.capabilities)


def _counted(capabilities: Iterable[Capability]) -> Counts:
    return dict(Counter(capabilities))


def _asked(sent: Sequence[Assignment]) -> frozenset[str]:
    return frozenset(one.responder for one in sent if not _was_thanked(one))


def _was_thanked(one: Assignment) -> bool:
    return one.state is AssignmentState.STOOD_DOWN and one.reason == ENOUGH


def _forgiven(sent: Sequence[Assignment], at: datetime) -> frozenset[str]:
    """Who did not answer, long enough ago, and is not known for anything else."""
    silent = {one.responder for one in sent if _silent_since(one, at)}
    return frozenset(silent - {one.responder for one in sent if not _silent_since(one, at)})


def _silent_since(one: Assignment, at: datetime) -> bool:
    return one.state is AssignmentState.EXPIRED and one.changed_at + _FORGIVEN <= at

"""A case that nobody is left for takes somebody from where they are needed less.

Conservative, and explained where it is done: only for a place that nobody free can be asked for,
only who can be there within ``WITHIN_S``, and only, in this order of mildness,

1. a reserve of another case who has not accepted: that case has somebody else asked for the place;
2. where the card allows it (``waves.redirects``), somebody asked by or on the way to a case of a
   lower urgency. Nobody is taken from a scene.

Drills hold nobody, so there is nothing to take from them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from gridsvc.dispatch import Card, Pick, View
from gridsvc.dispatch.serving import serving
from gridsvc.domain.case import Assignment, Case
from gridsvc.domain.force import Capability
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import AssignmentState, AssignmentStep
from gridsvc.domain.offer_events import ResponderRedirected
from gridsvc.domain.reasons import REDIRECTED
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, move, offer, take_person
from gridsvc.store import UnitOfWork
from gridsvc.store.holds import Hold

WITHIN_S = 30 * 60.0
"""Who would be on the way for longer is left where they are."""

_ON_THE_WAY = frozenset(
    {AssignmentState.OFFERED, AssignmentState.ACCEPTED, AssignmentState.EN_ROUTE}
)

Resettle = Callable[[Incident, Case], object]
"""Settles the case that was robbed, in the same unit of work."""


def redirect(
    work: UnitOfWork,
    incident: Incident,
    card: Card,
    view: View,
    without: Sequence[Capability],
    sent: Sequence[Assignment],
    *,
    now: datetime,
    by: str,
    resettle: Resettle,
) -> list[Assignment]:
    """Take one person for each of ``without``, where somebody may be taken.

    The incident is locked. The other case is locked without waiting: where another transaction has
    it, its people are left alone, so that two cases never wait for each other.

    Returns
    -------
    list of Assignment
        The new offers; the claims have moved, the other cases are offered again at once.
    """
    if incident.drill:
        return []
    holds = work.holds.all()
    asked = {one.responder for one in sent}
    made: list[Assignment] = []
    for capability in without:
        for number, hold in _candidates(view, card, capability, holds, incident, asked):
            taken = _take_over(
                work, incident, card, view, number, capability, hold, now, by, sent, resettle
            )
            if taken is not None:
                made.append(taken)
                asked.add(taken.responder)
                break
    return made


def _candidates(
    view: View,
    card: Card,
    capability: Capability,
    holds: dict[str, Hold],
    incident: Incident,
    asked: set[str],
) -> list[tuple[int, Hold]]:
    """Who may be taken, the mildest robbery first, then in the order of the view."""
    people = view.index.responders
    mild: list[tuple[int, Hold]] = []
    harder: list[tuple[int, Hold]] = []
    redirects = card.waves is not None and card.waves.redirects
    for number in serving(view, card, capability):
        hold = holds.get(people[number].id)
        who = people[number].id
        if hold is None or who in asked or who in card.kept_out:
            continue
        if view.one(number).eta_s > WITHIN_S:
            continue
        if hold.reserve and hold.state is AssignmentState.OFFERED:
            if hold.urgency >= incident.urgency:
                mild.append((number, hold))
        elif redirects and hold.urgency > incident.urgency and hold.state in _ON_THE_WAY:
            harder.append((number, hold))
    return [*mild, *harder]


def _take_over(
    work: UnitOfWork,
    incident: Incident,
    card: Card,
    view: View,
    number: int,
    capability: Capability,
    hold: Hold,
    now: datetime,
    by: str,
    sent: Sequence[Assignment],
    resettle: Resettle,
) -> Assignment | None:
    if hold.incident == incident.id or not work.timers.lock(hold.incident):
        return None
    other, case = work.cases.known(hold.incident)
    one = work.cases.assignment(hold.assignment, lock=True)
    if one is None or one.state is not hold.state or one.incident != other.id:
        return None
    why = Text(
        f"从 {other.number} 改派：本案已无其他可派人员",
        f"taken from {other.number}: nobody else is left for this case",
    )
    move(work, one, other, AssignmentStep.RELEASE, now=now, by=by, reason=REDIRECTED)
    pick = Pick(view.one(number), capability, capability in card.stand_off, reason=why)
    wave = 1 + max((each.wave for each in sent), default=0)
    new = offer(pick, incident, card, now=now, by=by, wave=wave)
    if take_person(work, new, incident, exclusive=True) is not None:
        return None
    work.cases.assign([new])
    work.events.record(
        ResponderRedirected(
            **about(other, work.cases.county, by),
            assignment=one.id,
            responder=one.responder,
            into=incident.id,
            into_number=incident.number,
        )
    )
    resettle(other, case)
    return new

"""An emergency is offered until enough have accepted: one reconciler, called whenever something was
answered or a time has come. Everything it does is in the unit of work of whoever calls it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from gridsvc.dispatch import Card, View
from gridsvc.dispatch.offers import (
    fills,
    lacking,
    levels,
    next_moment,
    open_offers,
    short_of_offers,
    surplus,
)
from gridsvc.dispatch.picks import places
from gridsvc.domain.case import Assignment, Case
from gridsvc.domain.events import Event
from gridsvc.domain.force import Capability
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.offer_events import (
    LeaderAlarmed,
    NobodyLeft,
    OffersReopened,
    OffersSettled,
    SecondChannelAsked,
    TownshipAlarmed,
    WaveOffered,
)
from gridsvc.domain.reasons import ENOUGH, NO_ANSWER
from gridsvc.domain.timers import Timer, TimerKind, offers_timer
from gridsvc.domain.waves import AGAIN_AT_MOST_S, ORDINARY, Waves
from gridsvc.flows.dispatching import Decision, about, assigned, claim_wave, move
from gridsvc.flows.redirecting import redirect
from gridsvc.flows.scene import Scene, card_of
from gridsvc.store import UnitOfWork

CLOCK = "clock"
"""Who did what no person did: the offers, as their times came."""


def begun(
    work: UnitOfWork, incident: Incident, case: Case, decision: Decision | None, *, now: datetime
) -> Case:
    """The case of an incident whose first wave is decided: alarmed from this second on. Nothing
    is stored; `begin` does that."""
    card = card_of(incident)
    if decision is None or card.waves is None or not places(card):
        return case
    return _first_wave(work, incident, calling(case, now), card, decision, now).judged()


def begin(
    work: UnitOfWork, incident: Incident, case: Case, decision: Decision | None, *, now: datetime
) -> None:
    """Set the timer of a first wave and record who is missing. ``case`` is what `begun` made, and
    is stored already; nothing is read."""
    if decision is None or case.unanswered_since is None:
        return
    before = replace(case, nobody_left=False)
    offers = _first_wave(work, incident, before, card_of(incident), decision, now)
    offers.note_who_is_left()
    offers.keep(stored=offers.case)
    if offers.case.nobody_left:
        look_soon(work, incident.id, now)  # whether somebody may be taken from another case


def start_offers(
    work: UnitOfWork, incident: Incident, case: Case, decision: Decision | None, *, now: datetime
) -> Case:
    """`begun` and `begin` for a case that is stored already, as it is kept then."""
    after = begun(work, incident, case, decision, now=now)
    if after != case:
        work.cases.change(incident.id, after)
        begin(work, incident, after, decision, now=now)
    return after


def _first_wave(
    work: UnitOfWork, incident: Incident, case: Case, card: Card, decision: Decision, now: datetime
) -> "Offers":
    return Offers(work, incident, case, card, None, now, CLOCK, list(decision.assignments))


def calling(case: Case, now: datetime) -> Case:
    """``case`` as one that too few have accepted, from ``now`` on."""
    return replace(case, unanswered_since=now, nobody_left=False, escalation=0, escalated_at=None)


def settle(
    work: UnitOfWork,
    incident: Incident,
    case: Case,
    *,
    scene: Scene,
    now: datetime,
    by: str = CLOCK,
    tries: int = 0,
    look_at: datetime | None = None,
    robs: bool = True,
) -> Case:
    """Bring the offers of a case in line with what was answered and with the time.

    Offers that were not answered in time end; those nobody needs any more end with thanks; while
    too few have accepted the next are offered, rung and, by the card's times, leaders alarmed. The
    incident is locked.

    Parameters
    ----------
    tries
        How often it was looked for somebody in vain, one after the other.
    look_at
        While nobody is left it is not looked for somebody again before this moment, unless
        somebody's offer has ended; None for at once.
    robs
        Whether people may be taken from cases that need them less. A case that was robbed takes
        nobody in turn, in the same unit of work.

    Returns
    -------
    Case
        As it is kept now.
    """
    if not case.open or case.closed_at is not None:
        work.timers.cancel(incident.id)
        return case
    offers = Offers.of(work, incident, case, scene, now, by)
    ended = offers.expire()
    waits = case.nobody_left and not ended and look_at is not None and now < look_at
    offers.judge()
    if offers.case.unanswered_since is not None:
        offers.ring()
        if not case.by_hand and not waits:
            offers.ask(robs=robs)
        offers.note_who_is_left()
        offers.escalate()
    return offers.keep(stored=case, tries=tries, look_at=look_at if waits else None)


def look_soon(work: UnitOfWork, incident: str, now: datetime) -> None:
    """Have the offers of an incident settled as soon as the clock looks."""
    work.timers.set(Timer(offers_timer(incident), incident, TimerKind.OFFERS, now))


@dataclass
class Offers:
    """The offers of one incident while they are settled; ``scene`` is None where nobody more is
    asked."""

    work: UnitOfWork
    incident: Incident
    case: Case
    card: Card
    scene: Scene | None
    now: datetime
    by: str
    sent: list[Assignment]
    _fields: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._fields = about(self.incident, self.work.cases.county, self.by)

    @classmethod
    def of(
        cls,
        work: UnitOfWork,
        incident: Incident,
        case: Case,
        scene: Scene,
        now: datetime,
        by: str,
    ) -> Self:
        """Read who was asked."""
        sent = list(work.cases.assignments(incident.id))
        return cls(work, incident, case, card_of(incident), scene, now, by, sent)

    @property
    def waves(self) -> Waves:
        """How the card offers; by one person's hand alone where it does not."""
        return self.card.waves or replace(ORDINARY, second_channel_s=None)

    def expire(self) -> bool:
        """End the offers whose time is up; whether there were any."""
        late = [
            one
            for one in open_offers(self.sent)
            if one.answer_by is not None and one.answer_by <= self.now
        ]
        for one in late:
            self._move(one, AssignmentStep.EXPIRE, NO_ANSWER)
        return bool(late)

    def judge(self) -> None:
        """Thank those nobody needs any more; know whether enough have accepted."""
        for one in surplus(self.card, self.sent) if self.card.waves else ():
            self._move(one, AssignmentStep.STAND_DOWN, ENOUGH)
        since, left = self.case.unanswered_since, self._lacking()
        if since is not None and not left:
            after = (self.now - since).total_seconds()
            self._record(OffersSettled(**self._fields, after_s=round(after, 3)))
            self.case = replace(self.case, unanswered_since=None, nobody_left=False)
        elif since is None and left and self.card.waves is not None:
            self._record(OffersReopened(**self._fields, capabilities=tuple(left)))
            self.case = calling(self.case, self.now)

    def ring(self) -> None:
        """Ask the second channel about those who have not answered for so long."""
        after = self.waves.second_channel_s
        if after is None:
            return
        late = [
            one
            for one in open_offers(self.sent)
            if one.rung_at is None and one.assigned_at + timedelta(seconds=after) <= self.now
        ]
        for one in late:
            self._change(replace(one, rung_at=self.now))
        if late:
            names = tuple(one.id for one in late)
            self._record(SecondChannelAsked(**self._fields, assignments=names))

    def ask(self, *, robs: bool) -> None:
        """Offer the case to the next, where too few have accepted or can still answer."""
        if self.scene is None or not short_of_offers(self.card, self.sent):
            return
        # Who is taken is read here: what the process has heard may be a moment old.
        scene = replace(self.scene, busy=self.work.cases.taken())
        view: View | None = scene.view(self.incident, at=self.now)
        if view is None:
            return
        made, _ = claim_wave(
            self.work,
            self.incident,
            view,
            self.card,
            scene=scene,
            now=self.now,
            by=self.by,
            sent=self.sent,
        )
        self.work.cases.assign(made)
        self.sent += made
        if robs and (without := self._without()):
            made = (*made, *self._redirected(scene, view, without))
        if not made:
            return
        self._record(
            *(assigned(one, self._fields) for one in made),
            WaveOffered(
                **self._fields,
                wave=made[0].wave,
                assignments=tuple(one.id for one in made),
            ),
        )

    def _redirected(
        self, scene: Scene, view: View, without: Sequence[Capability]
    ) -> list[Assignment]:
        def resettle(other: Incident, case: Case) -> None:
            settle(self.work, other, case, scene=scene, now=self.now, by=self.by, robs=False)

        made = redirect(
            self.work,
            self.incident,
            self.card,
            view,
            without,
            self.sent,
            now=self.now,
            by=self.by,
            resettle=resettle,
        )
        self.sent += made
        return made

    def _without(self) -> tuple[Capability, ...]:
        """The places that nobody is asked for although too few have accepted."""
        waiting = open_offers(self.sent)
        asked = {c for one in waiting for c in one.capabilities}
        if self.case.by_hand and waiting:
            asked = {*places(self.card)}
        return tuple(one for one in self._lacking() if one not in asked)

    def judged(self) -> Case:
        """The case, with whether somebody can still answer for every place."""
        return replace(self.case, nobody_left=bool(self._without()))

    def note_who_is_left(self) -> None:
        """Know whether somebody can still answer for every place, and record where not."""
        without = self._without()
        if without and not self.case.nobody_left:
            self._record(NobodyLeft(**self._fields, capabilities=without))
        self.case = replace(self.case, nobody_left=bool(without))

    def escalate(self) -> None:
        """Alarm the township and the county's leader when their times have come."""
        since = self.case.unanswered_since
        if since is None:
            return
        for level, after in levels(self.waves):
            if level > self.case.escalation and since + timedelta(seconds=after) <= self.now:
                event = TownshipAlarmed if level == 1 else LeaderAlarmed
                self._record(event(**self._fields, after_s=after))
                self.case = replace(self.case, escalation=level, escalated_at=self.now)

    def keep(self, *, stored: Case, tries: int = 0, look_at: datetime | None = None) -> Case:
        """Store what has changed, and set the timer of what is due next."""
        if self.case != stored:
            self.work.cases.change(self.incident.id, self.case)
        again_at, told = None, {}
        if self.case.nobody_left and not self.case.by_hand:
            wait = min(self.waves.again_s * 2.0 ** min(tries, 20), AGAIN_AT_MOST_S)
            again_at = look_at or self.now + timedelta(seconds=wait)
            told = {"tries": tries + (look_at is None), "look_at": again_at.isoformat()}
        due = next_moment(
            self.sent,
            self.waves,
            since=self.case.unanswered_since,
            escalation=self.case.escalation,
            look_again_at=again_at,
        )
        timer = offers_timer(self.incident.id)
        if due is None:
            self.work.timers.take(timer)
        else:
            self.work.timers.set(
                Timer(timer, self.incident.id, TimerKind.OFFERS, due, payload=told)
            )
        return self.case

    def _lacking(self) -> Sequence[Capability]:
        """The capabilities that too few have accepted for. Where only a person sends people, one
        who goes is enough."""
        if not self.case.by_hand:
            return tuple(lacking(self.card, self.sent))
        called = self.case.unanswered_since is not None
        return tuple(places(self.card)) if called and not any(map(fills, self.sent)) else ()

    def _move(self, one: Assignment, step: AssignmentStep, reason: str) -> None:
        after = move(self.work, one, self.incident, step, now=self.now, by=self.by, reason=reason)
        self.sent[self.sent.index(one)] = after

    def _change(self, after: Assignment) -> None:
        self.work.cases.change_assignment(after)
        places_ = [one.id for one in self.sent]
        self.sent[places_.index(after.id)] = after

    def _record(self, *events: Event) -> None:
        self.work.events.record(*events)

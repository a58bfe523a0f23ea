"""A past period again, under another way of choosing whom to send: who would have been there when.

Everybody is driven by the truth, the times by road; a policy only chooses. What is left out:
sentinels, grid workers and mediators (who walk, whatever is chosen), traffic, and people who do
not answer. How long somebody is busy is drawn from a seed, the same under every policy.
"""

import heapq
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from gridsvc.coverage.advice import BUSY_FRACTION
from gridsvc.coverage.villages import Villages
from gridsvc.dispatch import Card, ForceIndex, Pick, card_for, picks
from gridsvc.dispatch.eligibility import Busy, is_night, reachable
from gridsvc.domain.case import URGENT
from gridsvc.domain.force import LAY_CAPABILITIES, LivePosition, Responder, Role
from gridsvc.domain.geo import Floats, LngLat, MetricFrame
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.travel import VEHICLES, TravelTimes
from gridsvc.domain.words import Text
from gridsvc.flows.replay_standby import Standing
from gridsvc.store import CaseFilter, Reading
from gridsvc.travel.straight import StraightLine

SERVICE_S = 1800.0
"""Half of all calls hold their people for at most so long on the scene: assumed, not measured."""

SPREAD = 0.4
"""Standard deviation of the logarithm of that time."""

_MOST = 200_000


class Policy(StrEnum):
    """How it is chosen whom to send."""

    STRAIGHT = "straight"
    ROAD = "road"
    ADVICE = "advice"


POLICY_NAMES: dict[Policy, Text] = {
    Policy.STRAIGHT: Text("直线最近", "nearest by straight line"),
    Policy.ROAD: Text("道路最近", "nearest by road"),
    Policy.ADVICE: Text("道路最近，并采纳备勤建议", "by road, standby advice followed"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One urgent report: ``id`` tells it from others, ``at`` is aware, degrees are CGCS2000."""

    id: str
    at: datetime
    lng: float
    lat: float
    urgency: int
    card: Card


@dataclass(frozen=True, slots=True)
class World:
    """What all policies share: the professionals, the times by road, and where one may stand by."""

    people: tuple[Responder, ...]
    frame: MetricFrame
    truth: TravelTimes
    villages: Villages
    busy_fraction: float = BUSY_FRACTION


@dataclass(frozen=True, slots=True)
class Run:
    """What one policy came to.

    Attributes
    ----------
    policy
        Which.
    calls
        In the order of their time.
    seconds
        Until the first professional is on the scene, waiting for somebody to be free included;
        infinite where nobody came; shape (n_calls,).
    sent
        How many people were sent in all.
    moves
        How many standby moves were made.
    """

    policy: Policy
    calls: tuple[Call, ...]
    seconds: Floats
    sent: int
    moves: int


def calls_of(reading: Reading, *, since: datetime, until: datetime) -> list[Call]:
    """The urgent reports of a period that ask for professionals, drills and unlocated ones left
    out, in the order of their time (``since`` included, ``until`` not)."""
    which = CaseFilter(urgencies=URGENT, unlocated=False, drill=False, since=since, until=until)
    found = []
    for incident, _ in reading.cases.page(which, limit=_MOST):
        card = professional(
            card_for(KINDS_BY_CODE[incident.kind], urgency=incident.urgency, text=incident.text)
        )
        if incident.position is not None and card.required:
            at = incident.position.at
            found.append(
                Call(incident.id, incident.received_at, at.lng, at.lat, incident.urgency, card)
            )
    return sorted(found, key=lambda one: (one.at, one.id))


def professional(card: Card) -> Card:
    """A card without what neighbours do."""
    return replace(
        card, required=tuple(one for one in card.required if one not in LAY_CAPABILITIES)
    )


def professionals(people: Sequence[Responder]) -> tuple[Responder, ...]:
    """Who takes part: everybody with a home but neighbours and offices."""
    return tuple(
        replace(one, live=None)
        for one in people
        if not one.role.lay and one.role is not Role.DEPARTMENT and one.home is not None
    )


def replay(calls: Sequence[Call], world: World, policy: Policy, *, seed: int) -> Run:
    """Send people to all calls as ``policy`` chooses; the same for the same seed."""
    simulated = _Simulation(world, policy, seed)
    ordered = sorted(calls, key=lambda one: (one.at, one.id))
    for number, call in enumerate(ordered):
        simulated.call(number, call)
    simulated.finish()
    seconds = np.array([simulated.answered.get(n, np.inf) for n in range(len(ordered))])
    return Run(policy, tuple(ordered), seconds, simulated.sent, simulated.moves)


class _Simulation:
    """Where everybody is, who is busy, and who waits.

    Somebody who drives is on the straight way between the two ends, at the share of the road time
    that has passed.
    """

    def __init__(self, world: World, policy: Policy, seed: int) -> None:
        self._world, self._seed = world, seed
        self._force = ForceIndex(world.people, world.frame)
        self._travel = StraightLine() if policy is Policy.STRAIGHT else world.truth
        self._vehicle = np.array([VEHICLES.index(p.vehicle) for p in world.people], dtype=np.int8)
        self._number = {one.id: number for number, one in enumerate(world.people)}
        self._home = self._force.homes
        self._from, self._to = self._home.copy(), self._home.copy()
        self._left, self._there = np.zeros(len(self._home)), np.zeros(len(self._home))
        self._busy = np.zeros(len(self._home), dtype=np.bool_)
        self._done: list[tuple[float, int]] = []
        self._waiting: list[tuple[int, float, int, Call]] = []
        self._begin: datetime | None = None
        self._standing = (
            Standing(world.villages, world.truth, world.people, self._home, world.busy_fraction)
            if policy is Policy.ADVICE
            else None
        )
        self.answered: dict[int, float] = {}
        self.sent = self.moves = 0

    def call(self, number: int, call: Call) -> None:
        """Take one call, after all that happens before it."""
        if self._begin is None:
            self._begin = call.at
        now = (call.at - self._begin).total_seconds()
        self._until(now)
        if not self._send(number, call, now, now):
            self._waiting.append((call.urgency, now, number, call))

    def finish(self) -> None:
        """Let everybody come free, for those who wait."""
        while self._done and self._waiting:
            self._until(self._done[0][0])

    def _until(self, now: float) -> None:
        """Free whoever is done by then, and send them to whoever waits."""
        while self._done and self._done[0][0] <= now:
            at, who = heapq.heappop(self._done)
            self._busy[who] = False
            self._drive(who, self._home[who], at)
            if self._standing is not None:
                for back in self._standing.relieved(who, self._busy):
                    self._drive(back, self._home[back], at)
            for one in sorted(self._waiting, key=lambda each: each[:3]):
                _, since, number, call = one
                if self._send(number, call, since, at):
                    self._waiting.remove(one)

    def _send(self, number: int, call: Call, since: float, now: float) -> bool:
        """Send whom the policy chooses; whether there was anybody."""
        if not (self._able(call.card) & ~self._busy).any():
            return False
        chosen = self._chosen(call, now)
        if not chosen:
            return False
        who = [self._number[pick.responder.id] for pick in chosen]
        here = self._world.frame.point(lng=call.lng, lat=call.lat)
        start = self._where(now)[who]
        eta = _seconds(self._world.truth, start, self._vehicle[who], here)
        service = self._service(call)
        for person, seconds in zip(who, eta.tolist(), strict=True):
            self._busy[person] = True
            self._from[person], self._to[person] = self._where(now)[person], here
            self._left[person], self._there[person] = now, now + seconds
            heapq.heappush(self._done, (now + seconds + service, person))
        self.answered[number] = now - since + float(eta.min())
        self.sent += len(who)
        if self._standing is not None:
            for move in self._standing.after(who, self._busy, self._reachable(now)):
                self._drive(move.who, self._world.villages.xy[move.to], now)
                self.moves += 1
        return True

    def _able(self, card: Card) -> npt.NDArray[np.bool_]:
        """Who can do anything that a card asks for."""
        return self._force.able(card.required, barred=card.excluded)[0]

    def _chosen(self, call: Call, now: float) -> tuple[Pick, ...]:
        at = self._at(now)
        xy = self._where(now)
        lng, lat = self._world.frame.back(x=xy[:, 0], y=xy[:, 1])
        lives: dict[str, LivePosition | None] = {
            one.id: LivePosition(LngLat(float(x), float(y)), at)
            for one, x, y in zip(self._world.people, lng, lat, strict=True)
        }
        view = self._force.moved(lives).view(lng=call.lng, lat=call.lat, at=at, travel=self._travel)
        busy: Busy = {self._world.people[who].id: "-" for who in np.flatnonzero(self._busy)}
        return picks(view, call.card, busy=busy)[0]

    def _reachable(self, now: float) -> npt.NDArray[np.bool_]:
        """Who can be called out now."""
        night = is_night(self._at(now))
        people = self._world.people
        return np.array([reachable(one, night=night) for one in people], dtype=np.bool_)

    def _at(self, now: float) -> datetime:
        if self._begin is None:
            raise ValueError("nothing has happened yet")
        return self._begin + timedelta(seconds=now)

    def _where(self, now: float) -> Floats:
        """Where everybody is, in metres."""
        took = np.maximum(self._there - self._left, 1e-9)
        share = np.clip((now - self._left) / took, 0.0, 1.0)[:, None]
        return np.asarray(self._from + (self._to - self._from) * share)

    def _drive(self, who: int, to: Floats, now: float) -> None:
        """Let somebody set out."""
        here = self._where(now)[who]
        x, y = to.tolist()
        took = _seconds(self._world.truth, here[None], self._vehicle[[who]], (x, y))
        self._from[who], self._to[who] = here, to
        self._left[who], self._there[who] = now, now + float(took[0])

    def _service(self, call: Call) -> float:
        drawn = np.random.default_rng([self._seed, zlib.crc32(call.id.encode())])
        return float(drawn.lognormal(np.log(SERVICE_S), SPREAD))


def _seconds(
    truth: TravelTimes, start: Floats, vehicle: npt.NDArray[np.int8], to: tuple[float, float]
) -> Floats:
    """Times of some people to a place; straight lines where nothing leads there."""
    search, everybody = truth.settle(start, vehicle).search(to), np.arange(len(start))
    seconds = search.exactly(everybody).seconds
    return np.where(np.isfinite(seconds), seconds, search.estimated(everybody).seconds)

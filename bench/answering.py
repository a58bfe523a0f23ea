"""Until somebody goes: emergencies offered to the demo county's people, of whom many do not answer.

The offers, waves, timers and the store are the real ones; only the clock and the people are not.
"""

import heapq
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from gridsvc.domain.case import Assignment
from gridsvc.domain.errors import ConflictError
from gridsvc.domain.kinds import KINDS
from gridsvc.domain.lifecycle import GOING, AssignmentStep, Step
from gridsvc.flows.casework import Action
from gridsvc.flows.reports import Report
from gridsvc.flows.scene import Scene
from gridsvc.flows.timing import fire
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.demo_fixtures import COMMAND
from tests.serving import served

CALLS = 300
SILENT = 0.40
DECLINING = 0.06
PATIENCE_S = 300.0
BEGIN = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
HEAD = (
    "| hours | calls | accepted within 60 s | median, s | 90 %, s | never in 300 s "
    "| whole card within 60 s | within 180 s |\n" + "|---" * 8 + "|"
)


@dataclass(frozen=True)
class Outcome:
    """Seconds from a call to the first acceptance, and to all the card asks for; None: never.
    ``asked`` people in all, at ``at`` (aware)."""

    at: datetime
    first_s: float | None
    whole_s: float | None
    asked: int

    @property
    def by_night(self) -> bool:
        return not 6 <= (self.at + timedelta(hours=8)).hour < 22


@dataclass(frozen=True)
class Summary:
    """What came of some calls."""

    hours: str
    outcomes: Sequence[Outcome]

    def share(self, seconds: float, *, whole: bool = False) -> float:
        """The share answered within so many seconds."""
        return float(np.mean([self._s(one, whole) <= seconds for one in self.outcomes]))

    def line(self) -> str:
        """One row of the table."""
        first = np.array([self._s(one, False) for one in self.outcomes])
        median, late = np.percentile(first, [50, 90], method="higher")
        return (
            f"| {self.hours} | {len(first)} | {self.share(60):.1%} | {median:.0f} | {late:.0f} "
            f"| {1 - self.share(PATIENCE_S):.1%} | {self.share(60, whole=True):.1%} "
            f"| {self.share(180, whole=True):.1%} |"
        )

    @staticmethod
    def _s(one: Outcome, whole: bool) -> float:
        seconds = one.whole_s if whole else one.first_s
        return float("inf") if seconds is None else seconds


@dataclass
class Simulation:
    """A county whose clock and people are made up; everything else is the program."""

    runtime: Runtime
    seed: int
    now: datetime = BEGIN
    _answers: list[tuple[datetime, str, Assignment]] = field(default_factory=list)
    _heard: set[tuple[str, bool]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.runtime.clock = lambda: self.now

    def run(self, calls: int) -> list[Outcome]:
        """Take so many calls, one after the other, at any hour of the day."""
        chance = random.Random(self.seed)
        kinds = [kind for kind in KINDS if kind.urgency == 1 and kind.sends and not kind.sensitive]
        units = self.runtime.map().published.units
        outcomes = []
        for n in range(calls):
            self.now = BEGIN + timedelta(minutes=37 * n)
            kind, unit = chance.choice(kinds), chance.choice(units)
            spot = unit.geometry.representative_point()
            report = Report(category=kind.category, kind=kind.code, lng=spot.x, lat=spot.y)
            outcomes.append(self._one(report, n))
        return outcomes

    def _one(self, report: Report, n: int) -> Outcome:
        self.runtime._catch_up()
        key, begin = self.runtime.receive(report).incident.id, self.now
        self._answers.clear()
        self._heard.clear()
        first = whole = None
        while True:
            sent, due = self._look(key)
            self._expect_answers(sent, n)
            since = (self.now - begin).total_seconds()
            if first is None and any(one.state in GOING for one in sent):
                first = since
            if due is None:
                whole = since
                break
            self.now = min([due, *(answer[0] for answer in self._answers[:1])])
            if (self.now - begin).total_seconds() > PATIENCE_S:
                break
            self._happen(key)
        self.runtime.step(key, Action(Step.FALSE_ALARM), caller=self.runtime.local)
        return Outcome(begin, first, whole, len(sent))

    def _look(self, key: str) -> tuple[tuple[Assignment, ...], datetime | None]:
        """Who was asked, and when something is due next; None where enough have accepted."""
        with self.runtime.store.read() as reading:
            _, case = reading.cases.known(key)
            timers = reading.timers.of_incident(key)
            sent = reading.cases.assignments(key)
        return sent, timers[0].due_at if case.unanswered_since and timers else None

    def _expect_answers(self, sent: Sequence[Assignment], n: int) -> None:
        """Those with the app hear of an offer at once, the others when they are rung."""
        find = self.runtime.force().get
        for one in sent:
            who = find(one.responder)
            rings = who is None or not who.app
            heard = one.rung_at if rings else one.assigned_at
            if heard is None or (one.id, rings) in self._heard:
                continue
            self._heard.add((one.id, rings))
            chance = random.Random(f"{self.seed}-{n}-{one.responder}-{one.wave}")
            if chance.random() >= SILENT:
                wait = 5.0 + chance.expovariate(1 / 9.0)
                at = heard + timedelta(seconds=round(wait, 1))
                heapq.heappush(self._answers, (at, one.responder, one))

    def _happen(self, key: str) -> None:
        """Let whatever is due now happen: answers before timers."""
        self.runtime._catch_up()
        while self._answers and self._answers[0][0] <= self.now:
            _, who, one = heapq.heappop(self._answers)
            declines = random.Random(f"{self.seed}-{who}-{one.assigned_at}").random() < DECLINING
            step = AssignmentStep.DECLINE if declines else AssignmentStep.ACCEPT
            self._answer(one, step)
        with self.runtime.store.read() as reading:
            due = [one for one in reading.timers.of_incident(key) if one.due_at <= self.now]
        for timer in due:
            scene: Scene = self.runtime.scene()
            fire(timer, scene=scene, store=self.runtime.store, now=self.now)

    def _answer(self, one: Assignment, step: AssignmentStep) -> None:
        try:
            self.runtime.step_assignment(one.id, step, on_behalf=False, caller=self.runtime.local)
        except ConflictError:
            return  # too late: told so


def simulate(data: Path, *, calls: int, seed: int) -> list[Outcome]:
    """Take ``calls`` on the county in the folder ``data``, which is changed by it."""
    runtime = Runtime.open(Settings.read(data=data))
    try:
        return Simulation(runtime, seed).run(calls)
    finally:
        runtime.close()


def summaries(outcomes: Sequence[Outcome]) -> list[Summary]:
    """By day, by night and together."""
    day = [one for one in outcomes if not one.by_night]
    night = [one for one in outcomes if one.by_night]
    return [Summary("all", outcomes), Summary("06:00-22:00", day), Summary("22:00-06:00", night)]


def measured(folder: Path) -> Iterator[Summary]:
    """Build the demo county in ``folder`` and simulate."""
    env = {**os.environ, "GRIDSVC_DATA": str(folder)}
    with served([COMMAND, "run"], cwd=folder, env=env, log=folder / "demo.log"):
        pass  # makes the demo county
    outcomes = simulate(folder, calls=CALLS, seed=530324)
    yield from summaries(outcomes)

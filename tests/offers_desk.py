"""A duty desk with a clock of its own: timers are fired at their times, nobody waits for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gridsvc.domain.case import Assignment, Case, alarms
from gridsvc.domain.force import Capability, Role
from gridsvc.domain.lifecycle import AssignmentState, AssignmentStep
from gridsvc.flows.reports import Report
from gridsvc.flows.timing import Fired, fire_due
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import IN_U1
from tests.crowd import publish_crowded_county

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ILLNESS = Report(category="emergency", kind="sudden_illness", lng=IN_U1[0], lat=IN_U1[1])
"""Asks for a sentinel, a grid worker, first aid and an ambulance."""

SENT = (
    (Role.SENTINEL, Capability.FIRST_ON_SCENE),
    (Role.GRID_WORKER, Capability.GRID_DUTY),
    (Role.DOCTOR, Capability.FIRST_AID),
    (Role.AMBULANCE, Capability.AMBULANCE),
)


@dataclass
class Desk:
    """One process of the county, and what its clock shows."""

    runtime: Runtime
    now: datetime = BEGIN
    fired: list[Fired] = field(default_factory=list)

    @classmethod
    def at(
        cls, store: Store, url: str, folder: Path, crews: Sequence[tuple[Role, Capability]]
    ) -> "Desk":
        """Open one on a county with ``crews`` more."""
        publish_crowded_county(store, crews)
        return cls.open(url, folder)

    @classmethod
    def open(cls, url: str, folder: Path, now: datetime = BEGIN) -> "Desk":
        desk = cls(Runtime.open(Settings.read(data=folder, database_url=url)), now)
        desk.runtime.clock = lambda: desk.now
        return desk

    def call(self, report: Report = ILLNESS) -> str:
        """Take a report; the id of its incident."""
        self.runtime._catch_up()
        return self.runtime.receive(report).incident.id

    def wait(self, seconds: float) -> None:
        """Let so much time pass, with every timer fired at its moment."""
        until = self.now + timedelta(seconds=seconds)
        while True:
            with self.runtime.store.read() as reading:
                due = reading.timers.next_due()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.fire()
        self.now = until

    def fire(self) -> list[Fired]:
        """Fire what is due now."""
        self.runtime._catch_up()
        done = fire_due(scene=self.runtime.scene(), store=self.runtime.store, now=self.now)
        self.fired += done
        return done

    def step(self, one: Assignment, step: str, **more: Any) -> Assignment:
        """Let somebody take a step, as the officer hears it on the telephone."""
        self.runtime._catch_up()
        return self.runtime.step_assignment(
            one.id,
            AssignmentStep(step),
            on_behalf=True,
            caller=self.runtime.local,
            **more,
        )

    def sent(self, key: str, *states: str) -> list[Assignment]:
        """Who was asked, in these states (all of them where none is given)."""
        with self.runtime.store.read() as reading:
            found = reading.cases.assignments(key)
        wanted = {AssignmentState(state) for state in states} or set(AssignmentState)
        return [one for one in found if one.state in wanted]

    def offered(self, key: str, capability: str) -> list[Assignment]:
        """Who is asked for a capability just now, the first to be asked first."""
        return [one for one in self.sent(key, "offered") if one.capability == capability]

    def case(self, key: str) -> Case:
        with self.runtime.store.read() as reading:
            return reading.cases.known(key)[1]

    def alarms(self, key: str) -> tuple[str, ...]:
        """Those of a case, but for the services that nobody answers for here."""
        with self.runtime.store.read() as reading:
            found = alarms(*reading.cases.known(key), at=self.now)
        return tuple(one for one in found if one != "handover_unanswered")

    def happened(self, key: str, *names: str) -> list[dict[str, Any]]:
        """The payloads of the events of those names, in order."""
        with self.runtime.store.read() as reading:
            events = reading.events.of_incident(key)
        return [one.payload for one in events if one.name in names]

    def taken(self) -> dict[str, str]:
        with self.runtime.store.read() as reading:
            return reading.cases.taken()

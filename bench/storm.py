"""A storm: many incidents at once, assigned together and one by one in the same run."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gridsvc.dispatch import picks
from gridsvc.dispatch.batch import WEIGHTS
from gridsvc.dispatch.together import Open, together
from gridsvc.dispatch.view import SEARCH_LIMIT_S
from gridsvc.domain.force import LAY_CAPABILITIES, Capability
from gridsvc.domain.incident import Incident
from gridsvc.flows.scene import Scene
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter
from gridsvc.travel.times import road_times

INCIDENTS = 200
SEED = 20261125
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
HEAD = (
    "| way | mean, min | professionals, min | of urgency 1, min | empty places of urgency 1 "
    "| all empty places | people sent | CPU, s |\n" + "|---" * 8 + "|"
)

Filled = list[dict[Capability, float]]
"""For each incident the seconds until somebody is there for each capability that was filled."""


@dataclass(frozen=True)
class Way:
    """One way to fill the places of the same incidents."""

    name: str
    filled: Filled
    people: int
    cpu_s: float
    cases: Sequence[Open]

    def weighted_min(self, counts: Callable[[Open, Capability], bool]) -> float:
        """Urgency-weighted mean minutes; an empty place counts with the four hours' limit."""
        seconds = weights = 0.0
        for one, filled in zip(self.cases, self.filled, strict=True):
            for capability in one.wanted:
                if counts(one, capability):
                    weight = WEIGHTS[one.urgency]
                    seconds += weight * filled.get(capability, SEARCH_LIMIT_S)
                    weights += weight
        return seconds / weights / 60

    def empty(self, urgency: int | None = None) -> int:
        """Places that nobody fills."""
        return sum(
            capability not in filled
            for one, filled in zip(self.cases, self.filled, strict=True)
            for capability in one.wanted
            if urgency in (None, one.urgency)
        )

    def line(self) -> str:
        """One row of the table."""
        mean = self.weighted_min(lambda _one, _capability: True)
        able = self.weighted_min(lambda _one, capability: capability not in LAY_CAPABILITIES)
        first = self.weighted_min(lambda one, _capability: one.urgency == 1)
        return (
            f"| {self.name} | {mean:.1f} | {able:.1f} | {first:.1f} | {self.empty(1)} "
            f"| {self.empty()} | {self.people} | {self.cpu_s:.2f} |"
        )


def measured(folder: Path) -> Iterator[Way]:
    """One by one as they come, one by one by urgency, and together.

    Parameters
    ----------
    folder
        A data folder that holds the demo county.
    """
    runtime = Runtime.open(Settings.read(data=folder))
    try:
        roads, frame = runtime.roads(), runtime.map().frame
        travel = runtime.travel if roads is None else road_times(roads, frame=frame)
        scene = replace(runtime.scene(), busy={}, travel=travel)
        cases = _opened(_incidents(runtime), scene)
    finally:
        runtime.close()
    for one in cases:
        deque(one.view.walk_all(), maxlen=0)  # looked for before either way is timed
    by_urgency = sorted(range(len(cases)), key=lambda place: cases[place].urgency)
    for name, order in (
        ("one by one, as they come", range(len(cases))),
        ("one by one, by urgency", by_urgency),
    ):
        start = time.process_time()
        filled, people = _singly(cases, order)
        yield Way(name, filled, people, time.process_time() - start, cases)
    start = time.process_time()
    found = together(cases)
    spent = time.process_time() - start
    filled = [
        {
            capability: pick.near.eta_s
            for pick in mine
            for capability in (pick.capability, *pick.also)
        }
        for mine in found.picks
    ]
    yield Way("together", filled, sum(map(len, found.picks)), spent, cases)


def _incidents(runtime: Runtime) -> list[Incident]:
    """Past urgent incidents as if they came all at once, in an order of their own."""
    which = CaseFilter(urgencies=[1, 2], unlocated=False, drill=False)
    with runtime.store.read() as reading:
        cases = reading.cases.page(which, limit=5000)
    scene = runtime.scene()
    asking = [one for one, _ in cases if scene.card(one, at=NOON).required]
    return random.Random(SEED).sample(asking, INCIDENTS)


def _opened(incidents: Sequence[Incident], scene: Scene) -> list[Open]:
    opened = []
    for one in incidents:
        view, card = scene.view(one, at=NOON), scene.card(one, at=NOON)
        if view is None:
            raise AssertionError(one.number)
        # Each capability once: where two are wanted both ways send a second alike.
        wanted = tuple(
            c
            for c in card.required
            if c in (Capability.FIRST_ON_SCENE, Capability.GRID_DUTY) or c not in LAY_CAPABILITIES
        )
        opened.append(Open(view, replace(card, counts={}), one.urgency, wanted))
    return opened


def _singly(cases: Sequence[Open], order: Sequence[int]) -> tuple[Filled, int]:
    busy: dict[str, str] = {}
    filled: Filled = [{} for _ in cases]
    people = 0
    for place in order:
        one = cases[place]
        chosen, _ = picks(one.view, one.card, unit=None, grid=None, busy=busy)
        for pick in chosen:
            people += 1
            if pick.responder.role.exclusive:
                busy[pick.responder.id] = "-"
            for capability in (pick.capability, *pick.also):
                filled[place][capability] = pick.near.eta_s
    return filled, people


def table(folder: Path) -> str:
    """Measure, print as it goes, and say it as a part of the results."""
    lines = [HEAD]
    print(HEAD)
    for way in measured(folder):
        lines.append(way.line())
        print(lines[-1], flush=True)
    return (
        f"\n## Storm\n\n{INCIDENTS} past urgent incidents of the demo county as if all were"
        " reported at once and everybody were free, times by road, filled one by one and together"
        " in the same run. Minutes are travel times of the places weighted by urgency (8, 4, 2, 1);"
        " an empty place counts with the limit of four hours.\n\n" + "\n".join(lines) + "\n"
    )

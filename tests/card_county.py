"""The small county with people who answer for its grids and units, on either store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gridsvc.domain.events import StoredEvent
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import LngLat
from gridsvc.domain.timers import TimerKind
from gridsvc.flows.reports import Report
from gridsvc.flows.timing import fire_due
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import G1, G2, G4, IN_U1, U1, U2, U4, publish_county

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""Monday 11:00 in the county."""


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def _answers(key: str, role: Role, area: str, lng: float) -> Responder:
    able = {Role.SENTINEL: Capability.FIRST_ON_SCENE, Role.GRID_WORKER: Capability.GRID_DUTY}
    return Responder(
        id=key,
        name=key,
        role=role,
        area=area,
        home=LngLat(lng, 24.885),
        phone="1",
        capabilities=frozenset({able[role]}),
        night=True,
    )


OWN = (
    _answers("W1", Role.GRID_WORKER, G1, 104.304),
    _answers("W2", Role.GRID_WORKER, G2, 104.314),
    _answers("W4", Role.GRID_WORKER, G4, 104.334),
    _answers("S1", Role.SENTINEL, U1, 104.304),
    _answers("S2", Role.SENTINEL, U2, 104.304),
    _answers("S4", Role.SENTINEL, U4, 104.334),
)
TEAM = Responder(
    id="T1",
    name="T1",
    role=Role.TOWNSHIP_TEAM,
    area="530324001",
    home=LngLat(104.32, 24.885),
    phone="1",
    capabilities=frozenset({Capability.ORDER}),
    night=True,
    app=True,
)


def open_on(url: str, folder: Path, clock: Hands, **settings: Any) -> Runtime:
    """A runtime on the store at ``url``, which holds the county already."""
    return Runtime.open(Settings.read(data=folder, database_url=url, **settings), clock=clock)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def carded(store_url: str, tmp_path: Path, hands: Hands) -> Iterator[Runtime]:
    """A runtime on either store."""
    store = Store.open(store_url)
    publish_county(store)
    with store.write() as work:
        work.force.upsert([*OWN, TEAM])
    store.close()
    runtime = open_on(store_url, tmp_path, hands)
    yield runtime
    runtime.close()


def report(kind: str = "sudden_illness", **given: object) -> Report:
    """A report in U1."""
    category = {"neighbour_quarrel": "dispute", "old_and_young": "livelihood"}.get(
        kind, "emergency"
    )
    known: dict[str, object] = {
        "category": category,
        "kind": kind,
        "lng": IN_U1[0],
        "lat": IN_U1[1],
    }
    return Report(**{**known, **given})  # type: ignore[arg-type]


def nowhere(kind: str = "sudden_illness", **given: object) -> Report:
    """A report in words alone."""
    return report(kind, **{"lng": None, "lat": None, **given})


def happened(runtime: Runtime, key: str) -> list[StoredEvent]:
    """The events of a case."""
    return runtime.show(key, by=runtime.local).events


def named(runtime: Runtime, key: str, name: str) -> list[dict[str, Any]]:
    """The payloads of its events called ``name``."""
    return [event.payload for event in happened(runtime, key) if event.name == name]


def sent(runtime: Runtime, key: str) -> dict[str, str]:
    """Who was sent to a case, and for what."""
    file = runtime.show(key, by=runtime.local).file
    return {one.responder: one.capability for one in file.assignments}


def tick(runtime: Runtime) -> None:
    """What the clockwork does at this moment."""
    fire_due(scene=runtime.scene(), store=runtime.store, now=runtime.clock())


def due(runtime: Runtime, id: str, kind: TimerKind) -> datetime | None:  # noqa: A002
    """When the timer of that kind of the incident ``id`` is due, None where there is none."""
    with runtime.store.read() as reading:
        found = [one.due_at for one in reading.timers.of_incident(id) if one.kind is kind]
    return found[0] if found else None

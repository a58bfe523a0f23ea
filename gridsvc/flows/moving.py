"""Devices report where they are: one of them, or thousands a minute through a gateway."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gridsvc.dispatch import ForceIndex
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import GridsvcError, PositionError
from gridsvc.domain.force import LivePosition, unknown_responder
from gridsvc.domain.geo import Datum
from gridsvc.domain.rights import Caller, within
from gridsvc.flows import positions
from gridsvc.locating import GridMap
from gridsvc.store import Store


@dataclass(frozen=True, slots=True)
class Said:
    """Where a device says it is, in degrees of ``datum``; ``seen_at`` (aware) is when it found
    out, None: now."""

    responder: str
    lng: float
    lat: float
    datum: Datum = Datum.CGCS2000
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the ``index``-th of several reports was not taken."""

    index: int
    error: GridsvcError


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of several reports: where those are who have moved (by id), and which reports
    were refused. A report that is older than what is known changes nothing and is no fault."""

    lives: dict[str, LivePosition | None]
    refused: tuple[Refused, ...]


def move_many(
    many: Sequence[Said],
    *,
    grid_map: GridMap,
    force: ForceIndex,
    scheme: CodeScheme,
    store: Store,
    now: datetime,
    caller: Caller,
) -> Moved:
    """Take reports in one transaction, in any order: of each device the newest counts.

    Those that are good are taken, the others are refused one by one. Positions are no events:
    see `gridsvc.store.force`.
    """
    refused: list[Refused] = []
    taken: list[tuple[int, Said, LivePosition]] = []
    for index, said in enumerate(many):
        error = _wrong(said, grid_map, force, scheme, now, caller)
        if error is None:
            at = positions.to_stored(lng=said.lng, lat=said.lat, datum=said.datum)
            taken.append((index, said, LivePosition(at, said.seen_at or now)))
        else:
            refused.append(Refused(index, error))
    newest: dict[str, LivePosition] = {}
    for _, said, live in taken:
        known = newest.get(said.responder)
        if known is None or known.seen_at <= live.seen_at:
            newest[said.responder] = live
    listed: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    if newest:
        with store.write() as work:
            listed, moved = work.force.move_many(newest, now=now)
    refused += [
        Refused(index, unknown_responder(said.responder))
        for index, said, _ in taken
        if said.responder not in listed
    ]
    refused.sort(key=lambda one: one.index)
    return Moved({key: newest[key] for key in moved}, tuple(refused))


def _wrong(
    said: Said,
    grid_map: GridMap,
    force: ForceIndex,
    scheme: CodeScheme,
    now: datetime,
    caller: Caller,
) -> GridsvcError | None:
    if caller.responder != said.responder:
        known = force.get(said.responder)
        areas = () if known is None else scheme.with_parents(known.area)
        if not within(caller.area, areas):
            return unknown_responder(said.responder)
    faults = (
        *positions.faults_of(
            lambda: positions.check(grid_map, lng=said.lng, lat=said.lat, datum=said.datum)
        ),
        *positions.faults_of(lambda: positions.check_seen(said.seen_at or now, now=now)),
    )
    return PositionError(faults) if faults else None

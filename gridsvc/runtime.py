"""The composition root: settings, store, map and force, put together once."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Self

from gridsvc import logs
from gridsvc.casework.clocks import Calendar
from gridsvc.dispatch import ForceIndex
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.case import Assignment, Case, Supervision
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, GridsvcError, NotReadyError, PositionError
from gridsvc.domain.events import (
    ApiKeyAdded,
    ApiKeyRevoked,
    AssignmentStepped,
    MapPublished,
    ResponderAssigned,
    ResponderErased,
    ResponderMoved,
    RespondersImported,
    StoredEvent,
)
from gridsvc.domain.force import LivePosition, Responder, unknown_responder
from gridsvc.domain.geo import Datum, MetricFrame
from gridsvc.domain.incident import Placement
from gridsvc.domain.keys import KeyRing
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.rights import Caller, local_caller, within
from gridsvc.domain.travel import TravelTimes
from gridsvc.domain.words import Text
from gridsvc.flows import casework, dispatching, intake, positions, reading
from gridsvc.flows.mapload import load_map
from gridsvc.flows.reports import Report
from gridsvc.flows.scene import Scene
from gridsvc.locating import GridMap
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter, GridCounts, Store
from gridsvc.travel.straight import StraightLine

log = logging.getLogger(__name__)

Subscriber = Callable[[Sequence[StoredEvent]], None]
"""Is told of events in the order of the log."""

_FORCE_ANEW = {MapPublished.name, RespondersImported.name, ResponderErased.name}
_KEYS_ANEW = {ApiKeyAdded.name, ApiKeyRevoked.name}
_RETRY_S = 1.0
_RETRY_AT_MOST_S = 60.0


def now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


@dataclass
class Runtime:
    """Everything a process needs to answer.

    The map and the force are immutable snapshots, each swapped in one assignment when the event
    log tells of a change, whichever process made it.
    """

    settings: Settings
    store: Store
    clock: Callable[[], datetime] = now
    travel: TravelTimes = field(default_factory=StraightLine)
    calendar: Calendar = field(default_factory=Calendar)
    _busy: dict[str, str] = field(default_factory=dict)
    _map: GridMap | None = None
    _force: ForceIndex | None = None
    _keys: KeyRing = field(default_factory=KeyRing)
    _seen: int = 0
    _told: int = 0
    _subscribers: list[Subscriber] = field(default_factory=list)
    _map_due: float | None = None
    _swapping: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _map_told: threading.Event = field(default_factory=threading.Event)
    _watchers: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def open(cls, settings: Settings, *, clock: Callable[[], datetime] = now) -> Self:
        """Open the store and load the map and the force, so far as there are any.

        Raises
        ------
        NotReadyError
            The store cannot be reached or its schema is not this program's.
        """
        runtime = cls(settings, Store.open(settings.url, county=settings.county), clock)
        if settings.holidays is not None:
            from gridsvc.flows.calendars import load_calendar

            runtime.calendar = load_calendar(settings.holidays)
        with runtime.store.read() as reading:
            runtime._seen = runtime._told = reading.events.head()
            published, people = reading.areas.load(), reading.force.all()
            runtime._busy.update(reading.cases.taken())
            runtime._keys = KeyRing(reading.keys.all())
        runtime._take_map(published)
        runtime._take_force(people)
        return runtime

    def watch(self) -> None:
        """Follow the event log in threads of its own, until ``close``."""
        for name, follow in (("event-log", self._follow), ("maps", self._follow_maps)):
            watcher = threading.Thread(target=follow, name=name, daemon=True)
            watcher.start()
            self._watchers.append(watcher)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Have ``callback`` told of every event from now on, each once, in batches without holes.

        It runs in the thread that follows the log, and must return at once.

        Returns
        -------
        Callable
            Ends it.
        """
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def close(self) -> None:
        """Stop following and close the store."""
        self._stop.set()
        self._map_told.set()
        for watcher in self._watchers:
            watcher.join(timeout=5)
        self.store.close()

    def map(self) -> GridMap:
        """The current map.

        Raises
        ------
        NotReadyError
            None has been imported.
        """
        if self._map is None:
            raise NotReadyError(
                Fault(
                    "no_map",
                    Text(
                        "尚无网格地图：请依次执行 gridsvc import divisions、grids、units",
                        "there is no map yet: run gridsvc import divisions, grids and units",
                    ),
                )
            )
        return self._map

    def map_overdue_s(self) -> float:
        """Seconds since a newer map was published that this process has not taken over yet."""
        due = self._map_due
        return 0.0 if due is None else time.monotonic() - due

    def force(self) -> ForceIndex:
        """Everybody who can be sent, with their places."""
        return self._force or ForceIndex((), MetricFrame())

    def keys(self) -> KeyRing:
        """The keys that open, as of the last change this process has learned of."""
        return self._keys

    def locate(
        self,
        *,
        lng: float,
        lat: float,
        datum: Datum = Datum.CGCS2000,
        radius_m: float | None = None,
    ) -> Placement:
        """Where a position lies; see `gridsvc.flows.positions.locate`."""
        return positions.locate(self.map(), lng=lng, lat=lat, datum=datum, radius_m=radius_m)

    def scene(self) -> Scene:
        """What a decision is made with now."""
        return Scene(self._map, self.force(), self.travel, self.calendar, self._busy)

    def receive(self, report: Report, *, caller: Caller | None = None) -> intake.Receipt:
        """Take a report; see `gridsvc.flows.intake.receive`."""
        receipt = intake.receive(
            report,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller or self.local,
        )
        self._claimed(receipt)
        return receipt

    def receive_once(
        self, report: Report, key: intake.Key, *, caller: Caller
    ) -> intake.Receipt | intake.Repeated:
        """Take a report unless its key was answered; see `gridsvc.flows.intake.receive_once`."""
        receipt = intake.receive_once(
            report, key, scene=self.scene(), store=self.store, now=self.clock(), caller=caller
        )
        if isinstance(receipt, intake.Receipt):
            self._claimed(receipt)
        return receipt

    def place(self, key: str, report: Report, *, caller: Caller) -> intake.Receipt:
        """Give a case its place; see `gridsvc.flows.intake.place`."""
        receipt = intake.place(
            key, report, scene=self.scene(), store=self.store, now=self.clock(), caller=caller
        )
        self._claimed(receipt)
        return receipt

    def assign(
        self, key: str, responders: Collection[str], *, caller: Caller
    ) -> tuple[Assignment, ...]:
        """Assign chosen people; see `gridsvc.flows.dispatching.assign`."""
        return dispatching.assign(
            key,
            responders,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def step(self, key: str, action: casework.Action, *, caller: Caller) -> Case:
        """Take a step of a case; see `gridsvc.flows.casework.step`."""
        return casework.step(key, action, store=self.store, now=self.clock(), caller=caller)

    def merge(self, key: str, into: str, *, caller: Caller) -> Case:
        """Make one case part of another; see `gridsvc.flows.casework.merge`."""
        return casework.merge(key, into, store=self.store, now=self.clock(), caller=caller)

    def step_assignment(
        self, key: str, step: AssignmentStep, *, on_behalf: bool, caller: Caller
    ) -> Assignment:
        """Take a step of an assignment; see `gridsvc.flows.dispatching.step_assignment`."""
        return dispatching.step_assignment(
            key,
            step,
            on_behalf=on_behalf,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def supervise(
        self,
        key: str,
        *,
        level: str,
        supervisor: str,
        reply_by: datetime,
        note: str,
        caller: Caller,
    ) -> Supervision:
        """Put an order over a case; see `gridsvc.flows.casework.supervise`."""
        return casework.supervise(
            key,
            level=level,
            supervisor=supervisor,
            reply_by=reply_by,
            note=note,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def reply_to_supervision(self, key: str, *, caller: Caller) -> Case:
        """Answer its orders; see `gridsvc.flows.casework.reply_to_supervision`."""
        return casework.reply_to_supervision(key, store=self.store, now=self.clock(), caller=caller)

    def remind(self, key: str, *, caller: Caller) -> Case:
        """Remind whoever answers for a case; see `gridsvc.flows.casework.remind`."""
        return casework.remind(key, store=self.store, caller=caller)

    def page(
        self, which: CaseFilter, *, limit: int, before: str | None, by: Caller
    ) -> reading.Page:
        """A page of cases; see `gridsvc.flows.reading.page`."""
        return reading.page(
            which, limit=limit, before=before, store=self.store, now=self.clock(), caller=by
        )

    def open_cases(self) -> dict[str, int]:
        """How many cases are open; see `gridsvc.flows.reading.open_cases`."""
        return reading.open_cases(store=self.store, now=self.clock())

    def show(self, key: str, *, by: Caller) -> reading.Shown:
        """One case with its events; see `gridsvc.flows.reading.show`."""
        return reading.show(key, store=self.store, caller=by)

    def map_or_none(self) -> GridMap | None:
        """The current map, None before the first import."""
        return self._map

    def _claimed(self, receipt: intake.Receipt) -> None:
        """Know at once whom this process has claimed; of others the event log tells."""
        number = receipt.incident.number
        logs.bind(incident=number)
        if receipt.decision is not None and not receipt.incident.drill:
            logs.bind(assigned=len(receipt.decision.assignments))
            for one in receipt.decision.assignments:
                self._busy.setdefault(one.responder, number)

    @property
    def local(self) -> Caller:
        """The person at this machine."""
        return local_caller(self.settings.county)

    def move(
        self,
        responder: str,
        *,
        lng: float,
        lat: float,
        datum: Datum,
        seen_at: datetime | None = None,
        caller: Caller | None = None,
    ) -> None:
        """Take the live position of a responder's device.

        Parameters
        ----------
        responder
            Its id.
        lng, lat
            Degrees of ``datum``.
        seen_at
            Aware datetime at which the device was there, None for now.
        caller
            Who asks; None: this machine's own user.

        Raises
        ------
        PositionError
            A position that cannot be meant, or of a time to come.
        NotFoundError
            No such responder, or none that works in the caller's area.
        """
        if caller is not None:
            self._must_reach(responder, caller)
        grid_map, at = self.map(), positions.to_stored(lng=lng, lat=lat, datum=datum)
        present = self.clock()
        live = LivePosition(at, seen_at or present)
        faults = [
            *positions.faults_of(lambda: positions.check(grid_map, lng=lng, lat=lat, datum=datum)),
            *positions.faults_of(lambda: positions.check_seen(live.seen_at, now=present)),
        ]
        if faults:
            raise PositionError(faults)
        with self.store.write() as work:
            newest = work.force.move(responder, live, now=present)
            if newest:
                work.events.record(ResponderMoved(responder))
        if newest:
            self._place_anew({responder: live})

    def _must_reach(self, responder: str, caller: Caller) -> None:
        known = self.force().get(responder)
        areas = () if known is None else self.settings.code_scheme.with_parents(known.area)
        if not within(caller.area, areas):
            raise unknown_responder(responder)

    def counts(self) -> dict[str, int]:
        """How many of each thing there are; drills are no incidents."""
        with self.store.read() as snapshot:
            incidents = snapshot.cases.count(CaseFilter(drill=False))
        published = None if self._map is None else self._map.published
        return {
            "divisions": len(published.divisions) if published else 0,
            "grids": len(published.grids) if published else 0,
            "units": len(published.units) if published else 0,
            "responders": len(self.force()),
            "incidents": incidents,
        }

    def reports_of(self, *, days: int) -> tuple[GridCounts, tuple[date, date]]:
        """Reports of the last ``days`` days (county time, today included), and that period."""
        today = self.clock().astimezone(COUNTY_TIME).date()
        start = today - timedelta(days=days - 1)
        since = datetime(start.year, start.month, start.day, tzinfo=COUNTY_TIME)
        with self.store.read() as snapshot:
            return snapshot.incidents.counts_by_grid(since=since), (start, today)

    def _note_claims(self, events: Iterable[StoredEvent]) -> None:
        """Who was taken and freed, in the order in which it happened."""
        for event in events:
            told = event.payload
            if told.get("drill"):
                continue
            if event.name == ResponderAssigned.name:
                self._busy[told["responder"]] = told["number"]
            elif event.name == AssignmentStepped.name and told["free"]:
                self._busy.pop(told["responder"], None)

    def _take_map(self, published: PublishedMap | None) -> None:
        if published is None or not published.grids:
            return
        self._map = load_map(
            published,
            cache=self.settings.data / "cache",
            central_meridian=self.settings.central_meridian,
        )

    def _take_force(self, people: Iterable[Responder]) -> None:
        frame = MetricFrame() if self._map is None else self._map.frame
        self._force = ForceIndex(tuple(people), frame)

    def _place_anew(self, moved: dict[str, LivePosition | None]) -> None:
        """A force in which some people have moved, swapped for the present one."""
        with self._swapping:
            self._force = self.force().moved(moved)

    def _follow(self) -> None:
        wait_s = _RETRY_S
        while not self._stop.is_set():
            try:
                self._catch_up()
                for _ in self.store.listen(stop=self._stop, after=self._seen):
                    self._catch_up()
                    wait_s = _RETRY_S
            except GridsvcError as error:
                log.warning("a change cannot be taken over, it is tried again: %s", error)
            except Exception:
                # What is served stays as it is; deaf to every later change it must not become.
                log.exception("a change cannot be taken over, it is tried again")
            self._stop.wait(wait_s)
            wait_s = min(2 * wait_s, _RETRY_AT_MOST_S)

    def _catch_up(self) -> None:
        """Learn what has happened since the last event seen."""
        with self.store.read() as snapshot:
            names: set[str] = set()
            moved: set[str] = set()
            seen = self._seen
            while events := snapshot.events.after(seen):
                names.update(event.name for event in events)
                self._note_claims(events)
                moved.update(
                    event.payload["responder"]
                    for event in events
                    if event.name == ResponderMoved.name
                )
                seen = events[-1].position
                if any(event.name in _KEYS_ANEW for event in events):
                    self._keys = KeyRing(snapshot.keys.all())
                # Before the force, whose loading takes its time.
                self._tell(events)
            anew = bool(names & _FORCE_ANEW)
            people = snapshot.force.all() if anew else ()
            found = [] if anew else [snapshot.force.get(responder) for responder in moved]
        if anew:
            with self._swapping:
                self._take_force(people)
        elif found:
            self._place_anew({one.id: one.live for one in found if one is not None})
        self._seen = seen
        if MapPublished.name in names:
            self._map_due = self._map_due or time.monotonic()
            self._map_told.set()

    def _follow_maps(self) -> None:
        """Take published maps over while the log is followed on: indexing one takes seconds, and
        one that cannot be indexed is tried again."""
        wait_s: float | None = None
        while not self._stop.is_set():
            told = self._map_told.wait(wait_s)
            if self._stop.is_set():
                break
            self._map_told.clear()
            try:
                with self.store.read() as snapshot:
                    published = snapshot.areas.load()
                self._take_map(published)
            except Exception:
                # What is served stays as it is; the next map may be better.
                log.exception("a map cannot be taken over, it is tried again")
                wait_s = _RETRY_S if told or wait_s is None else min(2 * wait_s, _RETRY_AT_MOST_S)
            else:
                wait_s = None
                if not self._map_told.is_set():
                    self._map_due = None

    def _tell(self, events: Sequence[StoredEvent]) -> None:
        """Hand events on; those read again after a failure were handed on before it."""
        fresh = [event for event in events if event.position > self._told]
        if not fresh:
            return
        self._told = fresh[-1].position
        for callback in tuple(self._subscribers):
            try:
                callback(fresh)
            except Exception:
                log.exception("a subscriber of the event log failed")

"""The composition root: settings, store, map and force, put together once."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Self

from gridsvc.dispatch import ForceIndex
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, GridsvcError, NotReadyError, PositionError
from gridsvc.domain.events import (
    MapPublished,
    ResponderErased,
    ResponderMoved,
    RespondersImported,
)
from gridsvc.domain.force import LivePosition, Responder
from gridsvc.domain.geo import Datum, MetricFrame
from gridsvc.domain.incident import Incident, Placement, unknown_incident
from gridsvc.domain.words import Text
from gridsvc.flows import intake, positions
from gridsvc.flows.mapload import load_map
from gridsvc.locating import GridMap
from gridsvc.settings import Settings
from gridsvc.store import GridCounts, Store

log = logging.getLogger(__name__)

_FORCE_ANEW = {MapPublished.name, RespondersImported.name, ResponderErased.name}
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
    _map: GridMap | None = None
    _force: ForceIndex | None = None
    _seen: int = 0
    _map_due: float | None = None
    _swapping: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None

    @classmethod
    def open(cls, settings: Settings, *, clock: Callable[[], datetime] = now) -> Self:
        """Open the store and load the map and the force, so far as there are any.

        Raises
        ------
        NotReadyError
            The store cannot be reached or its schema is not this program's.
        """
        runtime = cls(settings, Store.open(settings.url, county=settings.county), clock)
        with runtime.store.read() as reading:
            runtime._seen = reading.events.head()
            published, people = reading.areas.load(), reading.force.all()
        runtime._take_map(published)
        runtime._take_force(people)
        return runtime

    def watch(self) -> None:
        """Follow the event log in a thread of its own, until ``close``."""
        self._watcher = threading.Thread(target=self._follow, name="event-log", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop following and close the store."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join(timeout=5)
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

    def faults(self, report: intake.Report, *, unread: Collection[str]) -> list[Fault]:
        """What is wrong with a report that could be read in part; see `intake.faults`."""
        return intake.faults(report, grid_map=self.map(), unread=unread)

    def receive(self, report: intake.Report) -> intake.Receipt:
        """Take a report; see `gridsvc.flows.intake.receive`."""
        return intake.receive(
            report,
            grid_map=self.map(),
            force=self.force(),
            store=self.store,
            now=self.clock(),
        )

    def incident(self, id_or_number: str) -> Incident:
        """One incident by its id or number.

        Raises
        ------
        NotFoundError
            Nothing is known under it.
        """
        with self.store.read() as reading:
            found = reading.incidents.get(id_or_number)
        if found is None:
            raise unknown_incident(id_or_number)
        return found

    def incidents(self, *, limit: int, before: str | None = None) -> list[Incident]:
        """The newest incidents, older than ``before`` (an id or number) where it is given."""
        with self.store.read() as reading:
            return reading.incidents.list(limit=limit, before=before)

    def move(
        self,
        responder: str,
        *,
        lng: float,
        lat: float,
        datum: Datum,
        seen_at: datetime | None = None,
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

        Raises
        ------
        PositionError
            A position that cannot be meant, or of a time to come.
        NotFoundError
            No such responder.
        """
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

    def counts(self) -> dict[str, int]:
        """How many of each thing there are."""
        with self.store.read() as reading:
            incidents = reading.incidents.count()
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
        with self.store.read() as reading:
            return reading.incidents.counts_by_grid(since=since), (start, today)

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
        with self.store.read() as reading:
            names: set[str] = set()
            moved: set[str] = set()
            seen = self._seen
            while events := reading.events.after(seen):
                names.update(event.name for event in events)
                moved.update(
                    event.payload["responder"]
                    for event in events
                    if event.name == ResponderMoved.name
                )
                seen = events[-1].position
            if MapPublished.name in names and self._map_due is None:
                self._map_due = time.monotonic()
            published = reading.areas.load() if self._map_due is not None else None
            anew = bool(names & _FORCE_ANEW)
            people = reading.force.all() if anew else ()
            found = [] if anew else [reading.force.get(responder) for responder in moved]
        if anew:
            with self._swapping:
                self._take_force(people)
        elif found:
            self._place_anew({one.id: one.live for one in found if one is not None})
        self._seen = seen
        if self._map_due is not None:
            # Last, so that a map that cannot be indexed does not keep people's moves away.
            self._take_map(published)
            self._map_due = None

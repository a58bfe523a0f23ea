"""What a process knows of the county, kept up with the event log, whichever process wrote to it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gridsvc.dispatch import CardSet, ForceIndex, default_cards
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.card_events import (
    CardChanged,
    ExclusionLifted,
    ResponderExcluded,
    ResponderRecused,
    RosterChanged,
)
from gridsvc.domain.duty import Duty, Roster
from gridsvc.domain.errors import Fault, GridsvcError, NotReadyError
from gridsvc.domain.events import (
    ApiKeyAdded,
    ApiKeyRevoked,
    AssignmentStepped,
    MapPublished,
    ResponderAssigned,
    ResponderErased,
    RespondersImported,
    RoadClosed,
    RoadReopened,
    RoadsImported,
    StoredEvent,
)
from gridsvc.domain.force import LivePosition, Responder
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.keys import KeyRing
from gridsvc.domain.lifecycle import ENDED, AssignmentState
from gridsvc.domain.roads import Closure, RoadNetwork
from gridsvc.domain.standing import Standing
from gridsvc.domain.travel import TravelTimes
from gridsvc.domain.words import Text
from gridsvc.flows.carding import cards_in_force
from gridsvc.flows.homes import homes_by_area
from gridsvc.flows.mapload import load_map
from gridsvc.flows.roadload import load_roads
from gridsvc.locating import GridMap
from gridsvc.settings import Settings
from gridsvc.store import Reading, Store
from gridsvc.travel.current import CurrentTimes
from gridsvc.travel.speeds import Speeds

log = logging.getLogger(__name__)

Subscriber = Callable[[Sequence[StoredEvent]], None]
"""Is told of events in the order of the log."""

_FORCE_ANEW = {MapPublished.name, RespondersImported.name, ResponderErased.name}
_KEYS_ANEW = {ApiKeyAdded.name, ApiKeyRevoked.name}
_STANDING_ANEW = {ResponderExcluded.name, ExclusionLifted.name, ResponderRecused.name}
_CLOSURES_ANEW = {RoadClosed.name, RoadReopened.name}
_RETRY_S = 1.0
_LOOK_FOR_MOVES_S = 1.0
_RETRY_AT_MOST_S = 60.0


@dataclass
class Following:
    """The map, the force, the keys, the cards, the roster, who is taken and who is kept out, as of
    the last event that was seen, and where everybody's device is.

    The map and the force are immutable snapshots, each swapped in one assignment when the event
    log tells of a change.
    """

    settings: Settings
    store: Store
    _busy: dict[str, str] = field(default_factory=dict, kw_only=True)
    _held: dict[str, tuple[str, datetime]] = field(default_factory=dict, kw_only=True)
    _map: GridMap | None = field(default=None, kw_only=True)
    _force: ForceIndex | None = field(default=None, kw_only=True)
    _keys: KeyRing = field(default_factory=KeyRing, kw_only=True)
    _cards: CardSet = field(default_factory=default_cards, kw_only=True)
    _standing: Standing = field(default_factory=Standing, kw_only=True)
    _roster: Roster = field(default_factory=Roster, kw_only=True)
    _duty: Duty | None = field(default=None, kw_only=True)
    speeds: Speeds = field(default_factory=Speeds, kw_only=True)
    _times: CurrentTimes = field(
        default_factory=lambda: CurrentTimes(None, frame=MetricFrame()), kw_only=True
    )
    _closures: tuple[Closure, ...] = field(default=(), kw_only=True)
    _seen: int = field(default=0, kw_only=True)
    _moves: int = field(default=0, kw_only=True)
    _told: int = field(default=0, kw_only=True)
    _subscribers: list[Subscriber] = field(default_factory=list, kw_only=True)
    _map_due: float | None = field(default=None, kw_only=True)
    _swapping: threading.Lock = field(default_factory=threading.Lock, kw_only=True)
    _stop: threading.Event = field(default_factory=threading.Event, kw_only=True)
    _map_told: threading.Event = field(default_factory=threading.Event, kw_only=True)
    _roads_told: threading.Event = field(default_factory=threading.Event, kw_only=True)
    _watchers: list[threading.Thread] = field(default_factory=list, kw_only=True)

    def load(self) -> None:
        """Load what there is, as of one moment of the log.

        Raises
        ------
        NotReadyError
            The store cannot be reached or its schema is not this program's.
        """
        with self.store.read() as snapshot:
            self._seen = self._told = snapshot.events.head()
            published, people = snapshot.areas.load(), snapshot.force.all()
            self._moves = snapshot.force.moves()
            self._busy.update(snapshot.cases.taken())
            self._held.update(snapshot.standing.held())
            self._keys = KeyRing(snapshot.keys.all())
            self._standing = replace(self._standing, rest=self.settings.rest)
            self._learn(snapshot, {CardChanged.name, RosterChanged.name, *_STANDING_ANEW})
            since = self._present() - max(self.settings.rest.values(), default=timedelta())
            for who, (role, at) in snapshot.standing.freed(since=since).items():
                self._standing = self._standing.freed(who, role, at)
            roads = load_roads(snapshot, cache=self.settings.data / "cache")
            self._closures = snapshot.roads.closures(standing=True)
        self._take_map(published)
        self._take_force(people)
        self._take_roads(roads)

    def watch(self) -> None:
        """Follow the event log in threads of its own, until ``close``."""
        for name, follow in (
            ("event-log", self._follow),
            ("maps", self._follow_maps),
            ("moves", self._follow_moves),
            ("roads", self._follow_roads),
        ):
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
        self._roads_told.set()
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

    def map_or_none(self) -> GridMap | None:
        """The current map, None before the first import."""
        return self._map

    def roads(self) -> RoadNetwork | None:
        """The current roads, None before the first import of some."""
        return self._times.network

    def travel_at(self, at: datetime) -> TravelTimes:
        """How long everybody travels at a moment (aware): by road, less what is closed then."""
        return self._times.at(self._closures, at)

    def closures(self) -> tuple[Closure, ...]:
        """What closes roads and was not lifted, the earliest first: also what is over by now, or
        begins later (`Closure.holds`)."""
        return self._closures

    def _take_closures(self) -> None:
        with self._swapping, self.store.read() as snapshot:
            self._closures = snapshot.roads.closures(standing=True)

    def _note_claims(self, events: Iterable[StoredEvent]) -> None:
        """Who was taken and freed, in the order in which it happened."""
        for event in events:
            told = event.payload
            if told.get("drill"):
                continue
            if event.name == ResponderAssigned.name:
                self._busy[told["responder"]] = told["number"]
                self._held[told["responder"]] = (told["kind"], event.at)
            elif event.name == AssignmentStepped.name:
                self._note_step(told, event.at)

    def _note_step(self, told: dict[str, Any], at: datetime) -> None:
        who = told["responder"]
        if told["free"]:
            self._busy.pop(who, None)
            self._held.pop(who, None)
            known = self.force().get(who)
            if told["after"] == AssignmentState.DONE and known is not None:
                self._standing = self._standing.freed(who, known.role, at)
        elif told["before"] in ENDED:  # a late acceptance
            self._busy[who] = told["number"]
            self._held[who] = (told["kind"], at)

    def _learn(self, snapshot: Reading, names: set[str]) -> None:
        """Take over what events of these ``names`` have changed."""
        if CardChanged.name in names:
            self._cards = cards_in_force(snapshot.run_cards.in_force())
        if RosterChanged.name in names:
            roster = snapshot.standing.roster(since=self._present())
            with self._swapping:
                self._roster, self._duty = roster, None
        if names & _STANDING_ANEW:
            self._standing = replace(
                self._standing,
                exclusions=snapshot.standing.exclusions(at=self._present()),
                recused=snapshot.standing.recused(),
            )

    def _present(self) -> datetime:
        return datetime.now(UTC)

    def _learn_at_once(self, *names: str) -> None:
        """Know at once what this process has changed; of others the event log tells."""
        with self.store.read() as snapshot:
            self._learn(snapshot, set(names))

    def _force_at(self, now: datetime) -> ForceIndex:
        """The force as the roster has it on duty at an aware moment."""
        duty = self._duty
        if duty is None or not duty.since <= now < duty.until:
            with self._swapping:
                self._duty = self._roster.at(now)
                self._force = self.force().with_duty(self._duty)
        return self.force()

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
        self._force, self._duty = ForceIndex(homes_by_area(people, self._map), frame), None

    def _take_roads(self, roads: RoadNetwork | None) -> None:
        frame = MetricFrame() if self._map is None else self._map.frame
        times, now = CurrentTimes(roads, frame=frame, speeds=self.speeds), datetime.now(UTC)
        # Once for everybody before anybody asks: no emergency waits for it.
        self.force().settle(times.at(self._closures, now), at=now)
        self._times = times

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
            seen = self._seen
            while events := snapshot.events.after(seen):
                names.update(event.name for event in events)
                self._note_claims(events)
                seen = events[-1].position
                if any(event.name in _KEYS_ANEW for event in events):
                    self._keys = KeyRing(snapshot.keys.all())
                self._learn(snapshot, {event.name for event in events})
                # Before the force, whose loading takes its time.
                self._tell(events)
            anew = bool(names & _FORCE_ANEW)
            people = snapshot.force.all() if anew else ()
            moves = snapshot.force.moves() if anew else 0
        if anew:
            with self._swapping:
                self._take_force(people)
                # Whoever moved since is looked for again.
                self._moves = moves
        if names & _CLOSURES_ANEW:
            self._take_closures()
        self._seen = seen
        if RoadsImported.name in names:
            self._roads_told.set()
        if MapPublished.name in names:
            self._map_due = self._map_due or time.monotonic()
            self._map_told.set()

    def _follow_moves(self) -> None:
        """Look once a second who has moved: positions are in no log."""
        wait_s = _LOOK_FOR_MOVES_S
        while not self._stop.wait(wait_s):
            try:
                self._catch_up_moves()
                wait_s = _LOOK_FOR_MOVES_S
                continue
            except GridsvcError as error:
                log.warning("positions cannot be taken over, it is tried again: %s", error)
            except Exception:
                log.exception("positions cannot be taken over, it is tried again")
            wait_s = min(2 * wait_s, _RETRY_AT_MOST_S)

    def _catch_up_moves(self) -> None:
        """Learn where those are who have moved since the last look."""
        before = self._moves
        with self.store.read() as snapshot:
            count = snapshot.force.moves()
            moved = snapshot.force.moved_since(before) if count != before else {}
        with self._swapping:
            if moved:
                self._force = self.force().moved(moved)
            # The force may have been read anew meanwhile, of an earlier moment or of a later one.
            self._moves = count if self._moves == before else min(self._moves, count)

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
                # Who has no home is placed by the areas of the map.
                with self._swapping, self.store.read() as snapshot:
                    self._take_force(snapshot.force.all())
                if self._map is not None and self._map.frame != self._times.frame:
                    self._take_roads(self.roads())
            except Exception:
                # What is served stays as it is; the next map may be better.
                log.exception("a map cannot be taken over, it is tried again")
                wait_s = _RETRY_S if told or wait_s is None else min(2 * wait_s, _RETRY_AT_MOST_S)
            else:
                wait_s = None
                if not self._map_told.is_set():
                    self._map_due = None

    def _follow_roads(self) -> None:
        """Take imported roads over while the log is followed on; failing that, try again."""
        wait_s: float | None = None
        while not self._stop.is_set():
            self._roads_told.wait(wait_s)
            if self._stop.is_set():
                break
            self._roads_told.clear()
            try:
                with self.store.read() as snapshot:
                    roads = load_roads(snapshot, cache=self.settings.data / "cache")
                self._take_roads(roads)
            except Exception:
                # What is served stays as it is.
                log.exception("roads cannot be taken over, it is tried again")
                wait_s = _RETRY_S if wait_s is None else min(2 * wait_s, _RETRY_AT_MOST_S)
            else:
                wait_s = None

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

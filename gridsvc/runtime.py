"""The composition root: settings, store, map and force, put together once."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Self

from gridsvc.casework.clocks import Calendar
from gridsvc.channels import Channels
from gridsvc.coverage.villages import Villages
from gridsvc.desk import Desk
from gridsvc.desk import now as now
from gridsvc.domain.card_events import ResponderRecused
from gridsvc.domain.case import Assignment, Case, Supervision
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Datum
from gridsvc.domain.incident import Placement
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.rights import Caller, local_caller
from gridsvc.domain.timers import LATE_S
from gridsvc.domain.travel import Route, TravelTimes
from gridsvc.flows import (
    advising,
    answering,
    assigning,
    casework,
    closures,
    intake,
    moving,
    own_assignments,
    positions,
    reading,
    storm,
    ways,
)
from gridsvc.flows.reports import Report
from gridsvc.flows.scene import Scene
from gridsvc.flows.telling import Speech
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter, GridCounts, Store
from gridsvc.teller import Teller
from gridsvc.travel.speeds import Speeds


@dataclass
class Runtime(Desk):
    """Everything a process needs to answer: what it knows of the county, and what can be asked.

    ``fixed_travel`` takes the place of the travel times by the imported roads.
    """

    fixed_travel: TravelTimes | None = None
    calendar: Calendar = field(default_factory=Calendar)
    channels: Channels = field(default_factory=Channels)
    _teller: Teller | None = field(default=None, init=False)

    @classmethod
    def open(cls, settings: Settings, *, clock: Callable[[], datetime] = now) -> Self:
        """Open the store and load the map and the force, so far as there are any.

        Raises
        ------
        NotReadyError
            The store cannot be reached or its schema is not this program's.
        SettingsError
            The file of channels, of holidays or of speeds has faults.
        """
        channels = Channels()
        if settings.channels is not None:
            from gridsvc.channels.reading import load_channels

            channels = load_channels(settings.channels)
        store = Store.open(settings.url, county=settings.county)
        runtime = cls(settings, store, clock=clock, channels=channels)
        if settings.holidays is not None:
            from gridsvc.flows.calendars import load_calendar

            runtime.calendar = load_calendar(settings.holidays)
        if settings.neighbours is not None:
            from gridsvc.flows.neighbours import load_neighbours

            runtime.neighbours = load_neighbours(settings.neighbours)
        if settings.speeds is not None:
            runtime.speeds = Speeds.from_file(settings.speeds)
        runtime.load()
        return runtime

    def watch(self) -> None:
        """Follow the event log, and tell people of their assignments where there are channels."""
        # What happens from here on is told, also where it happens before the first look.
        first = self._seen
        super().watch()
        if self.channels:
            teller = Teller(
                self.store,
                self.channels,
                speech=self.speech,
                find=lambda responder: self.force().get(responder),
                clock=self.clock,
                first=first,
            )
            self.subscribe(teller.wake)
            teller.start()
            self._teller = teller

    def close(self) -> None:
        """Stop telling and following, and close the store."""
        if self._teller is not None:
            self._teller.close()
        super().close()

    def speech(self) -> Speech:
        """What the words of messages are made with now."""
        settings = self.settings
        return Speech(self.channels, self.map_or_none(), settings.lang, settings.public_url)

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

    def way(self, *, start: str, to: str, vehicle: Vehicle, datum: Datum) -> Route:
        """The way between two positions; see `gridsvc.flows.ways.way`."""
        return ways.way(self.scene(), self.map(), start=start, to=to, vehicle=vehicle, datum=datum)

    @property
    def travel(self) -> TravelTimes:
        """How long everybody travels now."""
        return self.fixed_travel or self.travel_at(self.clock())

    def scene(self) -> Scene:
        """What a decision is made with now."""
        return Scene(
            self._map,
            self._force_at(self.clock()),
            self.travel,
            self.calendar,
            self._busy,
            cards=self._cards,
            standing=self._standing,
            roster=self._roster,
            held=self._held,
        )

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

    def receive_once(self, report: Report, key: intake.Key, *, caller: Caller) -> intake.Answered:
        """Take a report unless its key was answered; see `gridsvc.flows.intake.receive_once`."""
        answered = intake.receive_once(
            report, key, scene=self.scene(), store=self.store, now=self.clock(), caller=caller
        )
        if answered.receipt is not None:
            self._claimed(answered.receipt)
        return answered

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
        """Assign chosen people; see `gridsvc.flows.assigning.assign`."""
        return assigning.assign(
            key,
            responders,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def assign_together(
        self, *, urgencies: Collection[int], dry_run: bool, caller: Caller
    ) -> storm.Storm:
        """Fill the empty places of all open incidents; see `gridsvc.flows.storm`."""
        return storm.assign_together(
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
            urgencies=urgencies,
            dry_run=dry_run,
        )

    def coverage_advice(
        self, key: str, villages: Villages, *, busy_fraction: float, caller: Caller
    ) -> advising.Advised:
        """What an incident's dispatch uncovers; see `gridsvc.flows.advising`."""
        return advising.coverage_advice(
            key,
            villages=villages,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
            busy_fraction=busy_fraction,
        )

    def step(self, key: str, action: casework.Action, *, caller: Caller) -> casework.Stepped:
        """Take a step of a case; see `gridsvc.flows.casework.step`."""
        stepped = casework.step(
            key,
            action,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
        )
        self._claimed(stepped)
        return stepped

    def merge(self, key: str, into: str, *, caller: Caller) -> Case:
        """Make one case part of another; see `gridsvc.flows.casework.merge`."""
        return casework.merge(key, into, store=self.store, now=self.clock(), caller=caller)

    def step_assignment(
        self,
        key: str,
        step: AssignmentStep,
        *,
        on_behalf: bool,
        caller: Caller,
        reason: str = "",
        note: str = "",
    ) -> Assignment:
        """Take a step of an assignment; see `gridsvc.flows.answering.step_assignment`."""
        return answering.step_assignment(
            key,
            answering.Answer(step, reason, note, on_behalf),
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def prepare_recall(self, key: str, *, caller: Caller) -> assigning.Recall:
        """Say what a recall would do; see `gridsvc.flows.assigning.prepare_recall`."""
        return assigning.prepare_recall(key, store=self.store, now=self.clock(), caller=caller)

    def recall(
        self, key: str, token: str, reason: str, *, caller: Caller
    ) -> tuple[Case, tuple[Assignment, ...]]:
        """Call a dispatch off; see `gridsvc.flows.assigning.recall`."""
        return assigning.recall(
            key, token, reason, store=self.store, now=self.clock(), caller=caller
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

    def late_timers(self) -> int:
        """How many timers of the county should have fired ``LATE_S`` ago, in any process."""
        with self.store.read() as snapshot:
            return snapshot.timers.count_due(self.clock() - timedelta(seconds=LATE_S))

    def show(self, key: str, *, by: Caller) -> reading.Shown:
        """One case with its events; see `gridsvc.flows.reading.show`."""
        return reading.show(key, store=self.store, caller=by)

    def close_road(self, order: closures.Order, *, caller: Caller) -> closures.Closed:
        """Close roads for a time; see `gridsvc.flows.closures.close`."""
        found = closures.close(
            order, ground=self._ground(caller), store=self.store, now=self.clock(), caller=caller
        )
        self._take_closures()
        return found

    def lift_closure(self, key: str, *, caller: Caller) -> closures.Closed:
        """Open roads again; see `gridsvc.flows.closures.lift`."""
        found = closures.lift(
            key, ground=self._ground(caller), store=self.store, now=self.clock(), caller=caller
        )
        self._take_closures()
        return found

    def closure(self, key: str) -> closures.Closed:
        """One closure; see `gridsvc.flows.closures.show`."""
        return closures.show(key, ground=self._ground(), store=self.store)

    def closed_roads(self, *, every: bool = False) -> list[closures.Closed]:
        """What is closed now or will be, or ``every`` closure there ever was."""
        ground, now = self._ground(), self.clock()
        if every:
            with self.store.read() as snapshot:
                return [closures.closed(one, ground) for one in snapshot.roads.closures()]
        return [
            closures.closed(one, ground)
            for one in self.closures()
            if one.ends_at is None or now < one.ends_at
        ]

    def _ground(self, caller: Caller | None = None) -> closures.Ground:
        return closures.ground_of(
            self.map_or_none(),
            self.roads(),
            central_meridian=self.settings.central_meridian,
            caller=caller,
        )

    def _claimed(self, receipt: intake.Receipt | casework.Stepped) -> None:
        """Know at once whom this process has claimed; of others the event log tells."""
        self._know(receipt.incident, receipt.decision)
        if isinstance(receipt, intake.Receipt) and receipt.recused:
            self._learn_at_once(ResponderRecused.name)

    @property
    def local(self) -> Caller:
        """The person at this machine."""
        return local_caller(self.settings.county)

    def mine(self, *, caller: Caller) -> tuple[own_assignments.Own, ...]:
        """The caller's own assignments; see `gridsvc.flows.own_assignments.mine`."""
        return own_assignments.mine(caller, scene=self.scene(), store=self.store, now=self.clock())

    def answer_mine(
        self, key: str, answer: answering.Answer, *, caller: Caller
    ) -> own_assignments.Own:
        """Take a step of one's own; see `gridsvc.flows.own_assignments.answer_mine`."""
        return own_assignments.answer_mine(
            key,
            answer,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def open_link(self, token: str) -> own_assignments.Own:
        """What a link opens; see `gridsvc.flows.own_assignments.open_link`."""
        return own_assignments.open_link(
            token, scene=self.scene(), store=self.store, now=self.clock()
        )

    def answer_by_link(self, token: str, answer: answering.Answer) -> own_assignments.Own:
        """Take a step by a link; see `gridsvc.flows.own_assignments.answer_by_link`."""
        return own_assignments.answer_by_link(
            token, answer, scene=self.scene(), store=self.store, now=self.clock()
        )

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
        said = moving.Said(responder, lng, lat, datum, seen_at)
        moved = self.move_many([said], caller=caller or self.local)
        for refused in moved.refused:
            raise refused.error

    def move_many(self, many: Sequence[moving.Said], *, caller: Caller) -> moving.Moved:
        """Take the live positions of devices; see `gridsvc.flows.moving.move_many`."""
        moved = moving.move_many(
            many,
            grid_map=self.map(),
            force=self.force(),
            scheme=self.settings.code_scheme,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )
        if moved.lives:
            self._place_anew(moved.lives)
        return moved

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

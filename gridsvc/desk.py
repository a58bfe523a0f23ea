"""The duty desk: alarm levels, services, doubtful places, run cards, rosters, who is kept out."""

from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gridsvc import logs
from gridsvc.dispatch import CardSet
from gridsvc.domain.card_events import (
    CardChanged,
    ResponderExcluded,
    ResponderRecused,
    RosterChanged,
)
from gridsvc.domain.cards import RunCard
from gridsvc.domain.duty import Roster, RosterException
from gridsvc.domain.force import unknown_responder
from gridsvc.domain.handover import Handover
from gridsvc.domain.incident import Incident
from gridsvc.domain.neighbours import NeighbourCounty
from gridsvc.domain.rights import Caller, within
from gridsvc.domain.standing import Exclusion
from gridsvc.flows import (
    carding,
    dispatching,
    handovers,
    keeping_out,
    levels,
    neighbours,
    rosters,
)
from gridsvc.flows.scene import Scene
from gridsvc.following import Following
from gridsvc.store.run_cards import KeptCard


def now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


@dataclass
class Desk(Following):
    """What an officer does besides the steps of a case, on what this process knows."""

    clock: Callable[[], datetime] = now
    neighbours: tuple[NeighbourCounty, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def scene(self) -> Scene:
        """What a decision is made with now."""

    def _present(self) -> datetime:
        return self.clock()

    def raise_level(self, key: str, level: int, *, caller: Caller) -> levels.Raised:
        """Take a case up an alarm level; see `gridsvc.flows.levels.raise_level`."""
        raised = levels.raise_level(
            key,
            level,
            scene=self.scene(),
            store=self.store,
            now=self.clock(),
            caller=caller,
        )
        self._know(raised.incident, raised.decision)
        return raised

    def ask_service(self, key: str, service: str, *, caller: Caller) -> tuple[Handover, ...]:
        """Ask a service about a case; see `gridsvc.flows.handovers.ask`."""
        return handovers.ask(key, service, store=self.store, now=self.clock(), caller=caller)

    def service_answered(
        self, key: str, service: str, *, operator: str, their_number: str, caller: Caller
    ) -> tuple[Handover, ...]:
        """Record a service's answer; see `gridsvc.flows.handovers.answer`."""
        return handovers.answer(
            key,
            service,
            operator=operator,
            their_number=their_number,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )

    def exclude(
        self,
        responder: str,
        *,
        key: str | None,
        until: datetime | None,
        reason: str,
        caller: Caller,
    ) -> Exclusion:
        """Keep somebody from cases by hand; see `gridsvc.flows.keeping_out.exclude`.

        From all cases only somebody who works in the caller's area.
        """
        if key is None:
            self._must_reach(responder, caller)
        one = keeping_out.exclude(
            responder,
            key=key,
            until=until,
            reason=reason,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )
        self._learn_at_once(ResponderExcluded.name)
        return one

    def exclusions(self, *, caller: Caller) -> tuple[Exclusion, ...]:
        """Those that count now, of people who work in the caller's area."""
        now = self.clock()
        return tuple(
            one
            for one in self._standing.exclusions
            if one.holds(now) and self._reaches(one.responder, caller)
        )

    def lift_exclusion(self, id: str, *, caller: Caller) -> None:  # noqa: A002
        """Let somebody be sent again; see `gridsvc.flows.keeping_out.lift`."""
        for one in self._standing.exclusions:
            if one.id == id and one.incident is None:
                self._must_reach(one.responder, caller)
        keeping_out.lift(id, store=self.store, now=self.clock(), caller=caller)
        self._learn_at_once(ResponderExcluded.name)

    def recuse(self, key: str, responders: Collection[str], *, caller: Caller) -> frozenset[str]:
        """Keep parties from a case; see `gridsvc.flows.keeping_out.recuse`."""
        now = self.clock()
        found = keeping_out.recuse(key, responders, store=self.store, now=now, caller=caller)
        self._learn_at_once(ResponderRecused.name)
        return found

    def neighbour_of(self, incident: Incident) -> NeighbourCounty | None:
        """Which neighbouring county to tell; see `gridsvc.flows.neighbours.county_of`."""
        if self._map is None:
            return None
        return neighbours.county_of(incident, self.neighbours, self._map.frame)

    def tell_neighbour(self, key: str, *, caller: Caller) -> NeighbourCounty:
        """Record that it was told; see `gridsvc.flows.neighbours.tell`."""
        return neighbours.tell(
            key, self.neighbours, self.map().frame, store=self.store, caller=caller
        )

    def roster_of(self, responder: str, *, caller: Caller) -> Roster:
        """The duty roster of a person; see `gridsvc.flows.rosters.of_responder`."""
        self._must_reach(responder, caller)
        return rosters.of_responder(responder, store=self.store)

    def add_roster_exception(
        self,
        responder: str,
        *,
        starts_at: datetime,
        ends_at: datetime,
        on_duty: bool,
        reason: str,
        caller: Caller,
    ) -> RosterException:
        """Put somebody on or off duty for a time; see `gridsvc.flows.rosters.add_exception`."""
        self._must_reach(responder, caller)
        one = rosters.add_exception(
            responder,
            starts_at=starts_at,
            ends_at=ends_at,
            on_duty=on_duty,
            reason=reason,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )
        self._learn_at_once(RosterChanged.name)
        return one

    def drop_roster_exception(self, responder: str, id: str, *, caller: Caller) -> None:  # noqa: A002
        """Take an exception back; see `gridsvc.flows.rosters.drop_exception`."""
        self._must_reach(responder, caller)
        rosters.drop_exception(responder, id, store=self.store)
        self._learn_at_once(RosterChanged.name)

    def cards(self) -> CardSet:
        """The run cards in force."""
        return self._cards

    def put_card(
        self, kind: str, data: object, *, version: int, reason: str, caller: Caller
    ) -> RunCard:
        """Change a run card; see `gridsvc.flows.carding.put`."""
        card = carding.put(
            kind,
            data,
            version=version,
            reason=reason,
            store=self.store,
            now=self.clock(),
            caller=caller,
        )
        self._learn_at_once(CardChanged.name)
        return card

    def card_history(self, kind: str) -> tuple[KeptCard, ...]:
        """Every version of a kind's card; see `gridsvc.flows.carding.history`."""
        with self.store.read() as snapshot:
            return carding.history(kind, snapshot)

    def _know(self, incident: Incident, decision: dispatching.Decision | None) -> None:
        if decision is not None and not incident.drill:
            logs.bind(assigned=len(decision.assignments))
            for one in decision.assignments:
                self._busy.setdefault(one.responder, incident.number)
                self._held[one.responder] = (incident.kind, one.assigned_at)

    def _must_reach(self, responder: str, caller: Caller) -> None:
        if not self._reaches(responder, caller):
            raise unknown_responder(responder)

    def _reaches(self, responder: str, caller: Caller) -> bool:
        known = self.force().get(responder)
        areas = () if known is None else self.settings.code_scheme.with_parents(known.area)
        return within(caller.area, areas)

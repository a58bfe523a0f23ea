"""A report comes in: checked, placed, numbered, dispatched where it is urgent, and stored."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol, Self, TypeVar

from gridsvc import logs
from gridsvc.casework.clocks import due_of
from gridsvc.casework.duplicates import window_of
from gridsvc.domain.case import PAPERWORK_WITHIN, Case, urgent
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import ConflictError, Fault, InputError
from gridsvc.domain.events import IncidentPlaced, IncidentReceived
from gridsvc.domain.geo import distance_m
from gridsvc.domain.incident import Incident, case_prefix
from gridsvc.domain.kinds import KINDS_BY_CODE, Kind
from gridsvc.domain.lifecycle import ENDED, Stage
from gridsvc.domain.rights import Caller, within
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import (
    Decision,
    Lost,
    Weighed,
    about,
    decide,
    keep,
    must_be_open,
    reached,
    weigh,
)
from gridsvc.flows.offering import begin, begun, start_offers
from gridsvc.flows.patience import patiently
from gridsvc.flows.placing import Place, must_stay_in_reach, place_of
from gridsvc.flows.reports import Report, faults
from gridsvc.flows.scene import Scene
from gridsvc.locating import GridMap
from gridsvc.store import Store, UnitOfWork

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An open report of the same kind nearby, ``distance_m`` metres away."""

    id: str
    number: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """The stored incident with its case, what was decided (None while its place is not known),
    what may be the same, and the map it was placed on. ``notes`` are doubts about the report that
    were no reason to refuse it; they are told, not stored."""

    incident: Incident
    case: Case
    decision: Decision | None
    duplicates: tuple[Duplicate, ...]
    grid_map: GridMap | None
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key: whoever sends ``key`` again with the same ``digest`` of its body is
    answered what ``answer`` made of the first receipt (no personal data: it is stored)."""

    key: str
    digest: str
    answer: Callable[[Receipt], str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a key is answered, as it is stored, and its incident; ``receipt`` is None where the key
    was answered before."""

    incident: Incident
    answer: str
    receipt: Receipt | None = None


def receive(
    report: Report, *, scene: Scene, store: Store, now: datetime, caller: Caller
) -> Receipt:
    """Take a report: when this returns it is durable, with its events and assignments.

    A report is never refused over its position: where that cannot be used it is unlocated.

    Raises
    ------
    InputError
        Every fault of the report at once; nothing is stored.
    """
    call = _Call.of(report, scene=scene, now=now, caller=caller)

    def once(work: UnitOfWork, *, wary: bool) -> Receipt:
        receipt = call.take(work, wary=wary)
        with work.together():
            call.keep(work, receipt)
        return receipt

    return _unless_refused(store, once)


def receive_once(
    report: Report, key: Key, *, scene: Scene, store: Store, now: datetime, caller: Caller
) -> Answered:
    """Take a report unless its key was answered before, also by another process or before a
    restart: one key never makes two incidents.

    Raises
    ------
    InputError
        Every fault of the report at once; nothing is stored, and the key may be used again.
    ConflictError
        The key was used for another body.
    """
    call = _Call.of(report, scene=scene, now=now, caller=caller)

    def once(work: UnitOfWork, *, wary: bool) -> Answered:
        before = _before(work, key, caller)
        if before is not None:
            return before
        receipt = call.take(work, wary=wary)
        answer = key.answer(receipt)
        with work.together():
            call.keep(work, receipt)
            work.cases.keep_answer(
                caller.id,
                key.key,
                digest=key.digest,
                id=receipt.incident.id,
                answer=answer,
                at=now,
            )
        return Answered(receipt.incident, answer, receipt)

    return _unless_refused(store, once)


class _Once(Protocol[T_co]):
    """Takes a report in a transaction; ``wary``: what is seldom so is looked up beforehand."""

    def __call__(self, work: UnitOfWork, *, wary: bool) -> T_co: ...


def _unless_refused(store: Store, once: _Once[T]) -> T:
    """Take a report without looking up what is hardly ever so: that its number came with an
    import, or that its key is being answered by another process. The store refuses these, and
    then it is taken anew with more care."""
    try:
        return patiently(store, partial(once, wary=False))
    except ConflictError as error:
        if error.faults[0].code != "refused_by_store":
            raise
        return patiently(store, partial(once, wary=True))


def _before(work: UnitOfWork, key: Key, caller: Caller) -> Answered | None:
    found = work.cases.answered(caller.id, key.key)
    if found is None:
        return None
    if found.digest != key.digest:
        text = Text(
            "此 Idempotency-Key 已用于另一份内容：同一报告请用原内容重发，新报告请换一个键",
            "this Idempotency-Key was used for another body: repeat the same body, or use a new "
            "key for a new report",
        )
        raise ConflictError(Fault("key_of_other_body", text, "Idempotency-Key"))
    incident, _ = work.cases.known(found.incident)
    return Answered(incident, found.answer)


@dataclass(frozen=True, slots=True)
class _Call:
    """A report that can be taken, with all that needs no transaction done: ``draft`` is its
    incident but for number and reporter."""

    report: Report
    kind: Kind
    place: Place
    scene: Scene
    caller: Caller
    draft: Incident
    weighed: Weighed | None

    @classmethod
    def of(cls, report: Report, *, scene: Scene, now: datetime, caller: Caller) -> Self:
        """Understand a report.

        Raises
        ------
        InputError
            Every fault of the report at once.
        """
        found = faults(report)
        if found:
            raise InputError(found)
        kind, place = KINDS_BY_CODE[report.kind], place_of(report, scene.grid_map)
        published = None if scene.grid_map is None else scene.grid_map.published
        draft = Incident(
            id=uuid.uuid4().hex,
            number="",
            received_at=now,
            category=kind.category,
            kind=kind.code,
            urgency=report.urgency or kind.urgency,
            text=report.text,
            position=place.position,
            address=report.address,
            placement=place.placement,
            map_version=published.version if published and place.placement else None,
            drill=report.drill,
            confidential=report.reporter is not None and report.reporter.confidential,
            unplaced=place.unplaced,
            given=report.given if place.unplaced else "",
        )
        weighed = weigh(draft, scene=scene, now=now)
        return cls(report, kind, place, scene, caller, draft, weighed)

    def take(self, work: UnitOfWork, *, wary: bool) -> Receipt:
        """Number it and, where it is urgent, claim who is sent; ``wary`` of imported numbers."""
        county, now, grid_map = work.cases.county, self.draft.received_at, self.scene.grid_map
        duplicates = _duplicates(work, self.draft, self.kind, self.caller)
        prefix = case_prefix(None if grid_map is None else grid_map.published, county)
        day = now.astimezone(COUNTY_TIME).date()
        # As late as can be: other takers of a number wait for the commit.
        number = (
            work.numbers.next_case_numbers(prefix, day, 1)[0]
            if wary
            else work.numbers.next_case_number(prefix, day)
        )
        who = self.report.reporter
        known = who is not None and bool(who.name or who.phone)
        reporter = f"reporter-{uuid.uuid4().hex}" if known else None
        incident = replace(self.draft, number=number, reporter=reporter)
        logs.bind(incident=number)
        case = _first(incident, self.kind, self.scene, self.caller)
        decision = decide(
            work, incident, self.weighed, scene=self.scene, now=now, by=self.caller.id
        )
        case = begun(work, incident, case, decision, now=now)
        return Receipt(incident, case, decision, duplicates, grid_map, self.place.notes)

    def keep(self, work: UnitOfWork, receipt: Receipt) -> None:
        """Store what was taken, with its events. Nothing is read."""
        incident, case, who, by = receipt.incident, receipt.case, self.report.reporter, self.caller
        if incident.reporter is not None and who is not None:
            work.force.add_person(incident.reporter, name=who.name, phone=who.phone)
        work.incidents.add(incident, case)
        work.events.record(
            IncidentReceived(
                **about(incident, work.cases.county, by.id),
                stage=case.stage,
                located=incident.placement is not None,
            )
        )
        now, decision = incident.received_at, receipt.decision
        keep(work, incident, decision, now=now, by=by.id)
        begin(work, incident, case, decision, now=now)


def _first(incident: Incident, kind: Kind, scene: Scene, caller: Caller) -> Case:
    """The case of a new incident: urgent ones are dispatched first and owe their paperwork."""
    now, first = incident.received_at, urgent(incident.urgency)
    return Case(
        stage=Stage.PAPERWORK_OWED if first else Stage.REGISTERED,
        first_contact=caller.id,
        due_at=due_of(kind, urgency=incident.urgency, start=now, calendar=scene.calendar),
        paperwork_due_at=now + PAPERWORK_WITHIN if first else None,
    )


_METRES_A_DEGREE = 111_000.0


def _duplicates(
    work: UnitOfWork, incident: Incident, kind: Kind, caller: Caller
) -> tuple[Duplicate, ...]:
    """Open reports of the same kind nearby that the caller may see, the nearest first; drills are
    compared with drills."""
    position = incident.position
    if position is None:
        return ()
    window = window_of(kind)
    reach = window.reach(position.radius_m)
    at, margin = position.at, 2.5 * reach / _METRES_A_DEGREE
    box = (at.lng - margin, at.lat - margin, at.lng + margin, at.lat + margin)
    since = incident.received_at - window.within
    found = [
        Duplicate(other.id, other.number, metres)
        for other in work.cases.open_near(kind.code, box=box, since=since, drill=incident.drill)
        if other.id != incident.id
        and (within(caller.area, other.areas) or other.first_contact == caller.id)
        and (metres := distance_m(at, other.at)) <= window.reach(reach, other.radius_m)
    ]
    return tuple(sorted(found, key=lambda one: one.distance_m))


def place(
    key: str, report: Report, *, scene: Scene, store: Store, now: datetime, caller: Caller
) -> Receipt:
    """Give a case its place, or correct it; of ``report`` only the position and the grid count.

    What follows from the place happens now: an urgent case that nobody was sent to is dispatched.
    A correction leaves those already sent as they are, and ranks anew.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    InputError
        The position cannot be used, or lies outside the caller's area and the case was taken by
        somebody else; nothing is changed.
    ConflictError
        The case is closed.
    """
    found = place_of(report, scene.grid_map)
    if found.placement is None:
        raise InputError([Fault("bad_place", reason, "position") for reason in found.unplaced])

    lost: Lost = {}

    def once(work: UnitOfWork) -> Receipt:
        before, case = reached(work, key, caller)
        must_be_open(case)
        version = None if scene.grid_map is None else scene.grid_map.published.version
        incident = replace(
            before,
            position=found.position,
            placement=found.placement,
            map_version=version,
            unplaced=(),
        )
        must_stay_in_reach(caller, incident, case, store.county, scene.grid_map)
        work.incidents.place(incident)
        corrected = before.placement is not None
        work.events.record(
            IncidentPlaced(**about(incident, store.county, caller.id), corrected=corrected)
        )
        number = work.cases.decisions(incident.id) + 1
        sent = any(one.state not in ENDED for one in work.cases.assignments(incident.id))
        claim = not sent and case.closed_at is None and not case.by_hand
        decision = decide(
            work,
            incident,
            weigh(incident, scene=scene, now=now, lost=lost),
            scene=scene,
            now=now,
            by=caller.id,
            claim=claim,
        )
        keep(work, incident, decision, now=now, by=caller.id, number=number)
        if claim:
            case = start_offers(work, incident, case, decision, now=now)
        duplicates = _duplicates(work, incident, KINDS_BY_CODE[incident.kind], caller)
        return Receipt(incident, case, decision, duplicates, scene.grid_map, found.notes)

    return patiently(store, once)

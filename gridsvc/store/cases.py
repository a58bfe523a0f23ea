"""The handling of incidents: cases, who was sent, who is taken, decisions, stored answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, insert, or_, select, update

from gridsvc.domain.case import Assignment, Case, File, Note, Supervision
from gridsvc.domain.force import Capability
from gridsvc.domain.geo import LngLat
from gridsvc.domain.incident import Incident, unknown_incident
from gridsvc.domain.lifecycle import ENDED, AssignmentState, Stage
from gridsvc.domain.words import Text
from gridsvc.store.bulk import insert_rows
from gridsvc.store.case_filter import OPEN, CaseFilter, conditions
from gridsvc.store.incidents import COLUMNS, case_row, to_incident
from gridsvc.store.messages import NOT_TOLD
from gridsvc.store.repository import Either, Repository
from gridsvc.store.tables import assignment, claim, decision, incident, note, receipt, supervision

_C = incident.c
_CASE = (
    *(_C.stage, _C.first_contact, _C.owner, _C.due_at, _C.paperwork_due_at, _C.closed_at),
    *(_C.merged_into, _C.supervised, _C.reminders, _C.rating),
    *(_C.unanswered_since, _C.nobody_left, _C.escalation, _C.escalated_at, _C.silent, _C.by_hand),
    _C.handover_due_at,
    NOT_TOLD.label("not_told"),
)
_CHANGING = (
    *("state", "incident", "changed_at", "changed_by", "answer_by", "notified_at", "rung_at"),
    *("silent_since", "reason", "on_behalf"),
)
Cases = list[tuple[Incident, Case]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a key, and to which body (its ``digest``)."""

    digest: str
    incident: str
    answer: str


@dataclass(frozen=True, slots=True)
class Near:
    """What is to be known of a case near a place: where it is (CGCS2000), how far its true place
    may be from there (metres), the codes of its areas, and who took it."""

    id: str
    number: str
    at: LngLat
    radius_m: float
    areas: tuple[str, ...]
    first_contact: str


_RECEIPT = receipt.c
_ANSWERED = select(_RECEIPT.digest, _RECEIPT.incident, _RECEIPT.answer).where(
    _RECEIPT.county == bindparam("county"),
    _RECEIPT.caller == bindparam("caller"),
    _RECEIPT.key == bindparam("key"),
)
_OPEN_NEAR = (
    select(
        *(_C.id, _C.number, _C.lng, _C.lat, _C.radius_m, _C.first_contact),
        *(_C.county, _C.township, _C.village, _C.grid, _C.unit),
    )
    .where(_C.county == bindparam("county"), _C.kind == bindparam("kind"))
    .where(_C.received_at >= bindparam("since"), _C.stage.in_(OPEN))
    .where(_C.lng.between(bindparam("west"), bindparam("east")))
    .where(_C.lat.between(bindparam("south"), bindparam("north")))
    .where(_C.drill == bindparam("drill"))
    .order_by(_C.received_at.desc(), _C.id)
    .limit(50)
)
_CLAIM = Either(claim, lambda insert: insert.on_conflict_do_nothing().returning(claim.c.responder))


class CaseReader(Repository):
    """Cases of the county."""

    def get(self, id_or_number: str, *, lock: bool = False) -> tuple[Incident, Case] | None:
        """Return one incident with its case; ``lock`` keeps others from changing it until the
        transaction ends (PostgreSQL; a SQLite writer is alone)."""
        query = self._query().where(or_(_C.id == id_or_number, _C.number == id_or_number))
        row = self.connection.execute(query.with_for_update() if lock else query).first()
        return None if row is None else _case(row)

    def known(self, id_or_number: str, *, lock: bool = False) -> tuple[Incident, Case]:
        """Like `get`.

        Raises
        ------
        NotFoundError
            No incident has that id or number.
        """
        found = self.get(id_or_number, lock=lock)
        if found is None:
            raise unknown_incident(id_or_number)
        return found

    def file(self, id_or_number: str) -> File:
        """Return everything of one case.

        Raises
        ------
        NotFoundError
            No incident has that id or number.
        """
        one, case = self.known(id_or_number)
        return File(
            one,
            case,
            self.assignments(one.id),
            self.supervisions(one.id),
            self.notes(one.id),
            self.decision(one.id),
        )

    def page(self, which: CaseFilter, *, limit: int, before: str | None = None) -> Cases:
        """Return the cases that ``which`` lets through, the last received first.

        Parameters
        ----------
        which
            The filter.
        limit
            The most to return.
        before
            Id or number of an incident: only what comes after it in this order.

        Raises
        ------
        NotFoundError
            No incident is known under ``before``.
        """
        query = self._query().where(*conditions(which, self.county))
        if before is not None:
            found = self.get(before)
            if found is None:
                raise unknown_incident(before, where="before")
            last = found[0]
            same = and_(_C.received_at == last.received_at, _C.id < last.id)
            query = query.where(or_(_C.received_at < last.received_at, same))
        query = query.order_by(_C.received_at.desc(), _C.id.desc()).limit(limit)
        return [_case(row) for row in self.connection.execute(query)]

    def count(self, which: CaseFilter) -> int:
        """Return how many cases ``which`` lets through."""
        query = select(func.count()).where(
            _C.county == self.county, *conditions(which, self.county)
        )
        return int(self.connection.execute(query).scalar_one())

    def open_near(
        self, kind: str, *, box: tuple[float, float, float, float], since: datetime, drill: bool
    ) -> list[Near]:
        """Return the 50 newest open cases of ``kind`` received since then inside ``box``.

        Parameters
        ----------
        kind
            Code of the kind.
        box
            West, south, east, north in CGCS2000 degrees.
        since
            Aware.
        drill
            Drills, or none of them.
        """
        asked: dict[str, Any] = dict(zip(("west", "south", "east", "north"), box, strict=True))
        asked |= {"county": self.county, "kind": kind, "since": since, "drill": drill}
        return [
            Near(id_, number, LngLat(lng, lat), radius_m or 0.0, tuple(filter(None, areas)), by)
            for id_, number, lng, lat, radius_m, by, *areas in self.connection.execute(
                _OPEN_NEAR, asked
            )
        ]

    def assignments(self, id: str) -> tuple[Assignment, ...]:  # noqa: A002
        """Return who was sent to the incident, in the order of their assignment."""
        c = assignment.c
        query = self._assignments().where(c.incident == id).order_by(c.assigned_at, c.eta_s, c.id)
        return tuple(_assignment(row) for row in self.connection.execute(query))

    def assignment(self, id: str, *, lock: bool = False) -> Assignment | None:  # noqa: A002
        """Return one assignment, None when unknown."""
        query = self._assignments().where(assignment.c.id == id)
        row = self.connection.execute(query.with_for_update() if lock else query).first()
        return None if row is None else _assignment(row)

    def assignments_of(self, responder: str, *, limit: int) -> tuple[Assignment, ...]:
        """Return the last ``limit`` assignments of one person, the open ones first, then the
        last one first."""
        c = assignment.c
        query = (
            self._assignments()
            .where(c.responder == responder)
            .order_by(c.state.in_(sorted(ENDED)), c.assigned_at.desc(), c.id)
            .limit(limit)
        )
        return tuple(_assignment(row) for row in self.connection.execute(query))

    def supervisions(self, id: str) -> tuple[Supervision, ...]:  # noqa: A002
        """Return the supervision orders over the incident, the first one first."""
        c = supervision.c
        query = (
            select(*(column for column in c if column is not c.county))
            .where(c.county == self.county, c.incident == id)
            .order_by(c.ordered_at, c.id)
        )
        return tuple(Supervision(**row._mapping) for row in self.connection.execute(query))

    def notes(self, id: str) -> tuple[Note, ...]:  # noqa: A002
        """Return what was written at the steps of the incident, in order."""
        c = note.c
        query = (
            select(c.at, c.by, c.step, c.text)
            .where(c.county == self.county, c.incident == id)
            .order_by(c.number)
        )
        return tuple(Note(*row) for row in self.connection.execute(query))

    def decision(self, id: str) -> dict[str, Any] | None:  # noqa: A002
        """Return the last decision about the incident."""
        c = decision.c
        query = (
            select(c.payload)
            .where(c.county == self.county, c.incident == id)
            .order_by(c.number.desc())
            .limit(1)
        )
        payload: dict[str, Any] | None = self.connection.execute(query).scalar_one_or_none()
        return payload

    def taken(self) -> dict[str, str]:
        """Return who is taken, by responder id, and the number of the case that holds them."""
        query = select(claim.c.responder, claim.c.number).where(claim.c.county == self.county)
        return {row.responder: row.number for row in self.connection.execute(query)}

    def answered(self, caller: str, key: str) -> Answered | None:
        """Return what was answered to ``key`` of ``caller``, None for a new one."""
        asked = {"county": self.county, "caller": caller, "key": key}
        row = self.connection.execute(_ANSWERED, asked).first()
        return None if row is None else Answered(*row)

    def _query(self) -> Select[Any]:
        return select(*COLUMNS, *_CASE).where(_C.county == self.county)

    def _assignments(self) -> Select[Any]:
        c = assignment.c
        return select(*(column for column in c if column is not c.county)).where(
            c.county == self.county
        )


class CaseWriter(CaseReader):
    """Cases inside a unit of work."""

    def change(self, id: str, case: Case) -> None:  # noqa: A002
        """Keep ``case`` as the handling of the incident ``id``."""
        self.connection.execute(
            update(incident).where(_C.county == self.county, _C.id == id).values(case_row(case))
        )

    def claim(self, many: Sequence[Assignment], *, number: str) -> dict[str, str]:
        """Take the responders of ``many`` for the case ``number``.

        Of several transactions that try only one succeeds; the others wait for its end and are
        told who has them. All are taken in one statement, in the order of their ids, and once in
        a transaction: then no two can wait for each other.

        Returns
        -------
        dict[str, str]
            Who could not be taken, and the number of the case that has them.
        """
        if not many:
            return {}
        rows = [
            {
                "county": self.county,
                "responder": one.responder,
                "assignment": one.id,
                "number": number,
            }
            for one in sorted(many, key=lambda one: one.responder)
        ]
        # The driver of PostgreSQL tells no row count here, so they are given back.
        taken = set(self.connection.execute(_CLAIM.of(self.connection), rows).scalars())
        lost = [one.responder for one in many if one.responder not in taken]
        if not lost:
            return {}
        query = select(claim.c.responder, claim.c.number).where(
            claim.c.county == self.county, claim.c.responder.in_(lost)
        )
        holders = {row.responder: row.number for row in self.connection.execute(query)}
        return {one: holders.get(one, "?") for one in lost}

    def free(self, one: Assignment) -> None:
        """Give the responder of an ended assignment back."""
        self.connection.execute(
            delete(claim).where(
                claim.c.county == self.county,
                claim.c.responder == one.responder,
                claim.c.assignment == one.id,
            )
        )

    def assign(self, many: Sequence[Assignment]) -> None:
        """Add assignments."""
        insert_rows(
            self.connection, assignment, [{"county": self.county, **_row(one)} for one in many]
        )

    def change_assignment(self, one: Assignment) -> None:
        """Keep what can change of an assignment: its state and its moments, its case, why."""
        c = assignment.c
        self.connection.execute(
            update(assignment)
            .where(c.county == self.county, c.id == one.id)
            .values({name: getattr(one, name) for name in _CHANGING})
        )

    def rename_claims(self, before: str, after: str) -> None:
        """Let the claims of the case numbered ``before`` name ``after``: it was merged into it."""
        self.connection.execute(
            update(claim)
            .where(claim.c.county == self.county, claim.c.number == before)
            .values(number=after)
        )

    def supervise(self, one: Supervision) -> None:
        """Add a supervision order."""
        self.connection.execute(
            insert(supervision).values(county=self.county, **_fields(one, Supervision))
        )

    def answer_supervisions(self, id: str, at: datetime) -> None:  # noqa: A002
        """Mark every unanswered supervision order over the incident as answered at ``at``."""
        c = supervision.c
        self.connection.execute(
            update(supervision)
            .where(c.county == self.county, c.incident == id, c.replied_at.is_(None))
            .values(replied_at=at)
        )

    def move_supervisions(self, before: str, after: str) -> None:
        """Let the unanswered supervision orders over the incident ``before`` be over ``after``."""
        c = supervision.c
        self.connection.execute(
            update(supervision)
            .where(c.county == self.county, c.incident == before, c.replied_at.is_(None))
            .values(incident=after)
        )

    def decide(self, id: str, payload: dict[str, Any], *, number: int, at: datetime) -> None:  # noqa: A002
        """Keep the ``number``-th decision about the incident ``id``."""
        row = {"county": self.county, "incident": id, "number": number}
        insert_rows(self.connection, decision, [row | {"made_at": at, "payload": payload}])

    def note(self, id: str, one: Note) -> None:  # noqa: A002
        """Add a note to the incident ``id``, whose row is locked."""
        number = len(self.notes(id)) + 1
        self.connection.execute(
            insert(note).values(
                county=self.county, incident=id, number=number, **_fields(one, Note)
            )
        )

    def decisions(self, id: str) -> int:  # noqa: A002
        """Return how many decisions about the incident are kept."""
        query = select(func.count()).where(
            decision.c.county == self.county, decision.c.incident == id
        )
        return int(self.connection.execute(query).scalar_one())

    def keep_answer(
        self,
        caller: str,
        key: str,
        *,
        digest: str,
        id: str,  # noqa: A002
        answer: str,
        at: datetime,
    ) -> None:
        """Keep what is answered to ``key``; where another transaction has done so the store
        refuses it."""
        row = {"county": self.county, "caller": caller, "key": key, "digest": digest}
        row |= {"incident": id, "answer": answer}
        insert_rows(self.connection, receipt, [row | {"at": at}])


def _case(row: Any) -> tuple[Incident, Case]:
    split = len(COLUMNS)
    (stage, *rest) = row[split:]
    return to_incident(row[:split]), Case(Stage(stage), *rest)


def _fields(one: Any, kind: type) -> dict[str, Any]:
    return {name: getattr(one, name) for name in kind.__slots__}  # type: ignore[attr-defined]


def _row(one: Assignment) -> dict[str, Any]:
    why = None if one.why is None else [one.why.zh, one.why.en]
    return _fields(one, Assignment) | {"also": [*one.also], "why": why}


def _assignment(row: Any) -> Assignment:
    fields = dict(row._mapping)
    fields["capability"] = Capability(fields["capability"])
    fields["state"] = AssignmentState(fields["state"])
    fields["also"] = tuple(Capability(one) for one in fields["also"])
    fields["why"] = None if fields["why"] is None else Text(*fields["why"])
    return Assignment(**fields)

"""Incidents: what was reported, and where it was placed on which version of the map."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select, update

from gridsvc.domain.case import Case
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Neighbour, Placement, Position
from gridsvc.domain.kinds import Category
from gridsvc.domain.lifecycle import Stage
from gridsvc.domain.words import Text
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import county_day, points_to_stored
from gridsvc.store.repository import Repository
from gridsvc.store.tables import incident

Incidents = list[Incident]
GridCounts = dict[str, dict[tuple[date, str, int], int]]
"""Incidents by grid code, then by (day in the county, kind, urgency)."""

_C = incident.c
COLUMNS = (
    *(_C.id, _C.number, _C.received_at, _C.category, _C.kind, _C.urgency, _C.text, _C.address),
    *(_C.drill, _C.source, _C.lng, _C.lat, _C.given_datum, _C.position_source, _C.radius_m),
    *(_C.map_version, _C.unit, _C.grid, _C.village, _C.township, _C.outside_m, _C.bearing_deg),
    *(_C.neighbours, _C.reporter, _C.confidential, _C.unplaced, _C.given),
)
"""The order in which `to_incident` takes a row apart."""

_AT_ONCE = 10_000


class IncidentReader(Repository):
    """Incidents of the county."""

    def all(self, *, since: datetime | None = None) -> Iterator[Incident]:
        """Go through every incident received at or after ``since``, the oldest first."""
        c = incident.c
        query = self._query().order_by(c.received_at, c.id)
        if since is not None:
            query = query.where(c.received_at >= since)
        for row in self.connection.execute(query.execution_options(yield_per=2000)):
            yield to_incident(row)

    def taken(self, numbers: Collection[str]) -> set[str]:
        """Return those of ``numbers`` that incidents have already."""
        wanted = sorted(numbers)
        found: set[str] = set()
        for start in range(0, len(wanted), _AT_ONCE):
            query = (
                select(incident.c.number)
                .where(incident.c.county == self.county)
                .where(incident.c.number.in_(wanted[start : start + _AT_ONCE]))
            )
            found.update(self.connection.execute(query).scalars())
        return found

    def count(self) -> int:
        """Return how many incidents there are, drills among them."""
        query = select(func.count()).where(incident.c.county == self.county)
        return int(self.connection.execute(query).scalar_one())

    def counts_by_grid(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> GridCounts:
        """Count the incidents inside the county by grid, drills left out.

        Parameters
        ----------
        since, until
            Aware times: received at or after, and before.
        """
        c = incident.c
        day = county_day(c.received_at, self.dialect).label("day")
        query = (
            select(c.grid, day, c.kind, c.urgency, func.count())
            .where(c.county == self.county, c.grid.is_not(None), c.bearing_deg.is_(None))
            .where(c.drill.is_(False))
            .group_by(c.grid, day, c.kind, c.urgency)
        )
        if since is not None:
            query = query.where(c.received_at >= since)
        if until is not None:
            query = query.where(c.received_at < until)
        counts: GridCounts = defaultdict(dict)
        for grid, on, kind, urgency, number in self.connection.execute(query):
            counts[grid][date.fromisoformat(on), kind, urgency] = number
        return dict(counts)

    def _query(self) -> Select[Any]:
        return select(*COLUMNS).where(incident.c.county == self.county)


class IncidentWriter(IncidentReader):
    """Incidents inside a unit of work."""

    def add(self, one: Incident, case: Case | None = None) -> None:
        """Add one incident with its ``case``, None for an archived one."""
        self.add_many([one], case)

    def add_many(self, many: Sequence[Incident], case: Case | None = None) -> None:
        """Add incidents, as many as a year has, all with ``case``: archived where it is None."""
        if not many:
            return
        stored = points_to_stored(
            [None if one.position is None else one.position.at for one in many], self.dialect
        )
        handling = case_row(case or Case(Stage.ARCHIVED, ""))
        insert_rows(
            self.connection,
            incident,
            [
                _row(one) | handling | {"county": self.county, "position": point}
                for one, point in zip(many, stored, strict=True)
            ],
        )

    def place(self, one: Incident) -> None:
        """Change where an incident is: its position, its placement and why it has none."""
        row = _row(one)
        (point,) = points_to_stored(
            [None if one.position is None else one.position.at], self.dialect
        )
        self.connection.execute(
            update(incident)
            .where(incident.c.county == self.county, incident.c.id == one.id)
            .values({name: row[name] for name in _PLACE} | {"position": point})
        )


_PLACE = (
    *("lng", "lat", "given_datum", "position_source", "radius_m", "map_version", "unit", "grid"),
    *("village", "township", "outside_m", "bearing_deg", "neighbours", "unplaced", "given"),
)


def case_row(case: Case) -> dict[str, Any]:
    """Columns of the handling."""
    return {
        "stage": case.stage,
        "first_contact": case.first_contact,
        "owner": case.owner,
        "due_at": case.due_at,
        "paperwork_due_at": case.paperwork_due_at,
        "closed_at": case.closed_at,
        "merged_into": case.merged_into,
        "supervised": case.supervised,
        "reminders": case.reminders,
        "rating": case.rating,
        "unanswered_since": case.unanswered_since,
        "nobody_left": case.nobody_left,
        "escalation": case.escalation,
        "escalated_at": case.escalated_at,
        "silent": case.silent,
        "by_hand": case.by_hand,
    }


def _row(one: Incident) -> dict[str, Any]:
    position, placement = one.position, one.placement
    return {
        "reporter": one.reporter,
        "confidential": one.confidential,
        "unplaced": [[text.zh, text.en] for text in one.unplaced] or None,
        "given": one.given,
        "id": one.id,
        "number": one.number,
        "received_at": one.received_at,
        "category": one.category,
        "kind": one.kind,
        "urgency": one.urgency,
        "text": one.text,
        "address": one.address,
        "drill": one.drill,
        "source": one.source,
        "lng": position and position.at.lng,
        "lat": position and position.at.lat,
        "given_datum": position and position.given_datum,
        "position_source": position and position.source,
        "radius_m": position and position.radius_m,
        "map_version": one.map_version,
        "unit": placement and placement.unit,
        "grid": placement and placement.grid,
        "village": placement and placement.village,
        "township": placement and placement.township,
        "outside_m": placement and placement.outside_m,
        "bearing_deg": placement and placement.bearing_deg,
        "neighbours": placement
        and [[near.level, near.code, near.distance_m] for near in placement.neighbours],
    }


def to_incident(row: Any) -> Incident:
    """Make an incident of a row of ``COLUMNS``."""
    # By order and not by name: reading a year of incidents is twice as fast.
    (id_, number, received_at, category, kind, urgency, text, address, *rest) = row
    (drill, source, lng, lat, datum, position_source, radius_m, *rest) = rest
    (map_version, unit, grid, village, township, outside_m, bearing_deg, neighbours, *rest) = rest
    (reporter, confidential, unplaced, given) = rest
    position = placement = None
    if lng is not None:
        position = Position(LngLat(lng, lat), Datum(datum), position_source, radius_m)
    if grid is not None:
        near = tuple(Neighbour(*item) for item in neighbours)
        placement = Placement(unit, grid, village, township, outside_m, bearing_deg, near)
    return Incident(
        id=id_,
        number=number,
        received_at=received_at,
        category=Category(category),
        kind=kind,
        urgency=urgency,
        text=text,
        position=position,
        address=address,
        placement=placement,
        map_version=map_version,
        drill=drill,
        source=source,
        reporter=reporter,
        confidential=confidential,
        unplaced=tuple(Text(*said) for said in unplaced or ()),
        given=given,
    )

"""Incidents: what was reported, and where it was placed on which version of the map."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from gridsvc.domain.errors import Fault, NotFoundError
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Neighbour, Placement, Position
from gridsvc.domain.kinds import Category
from gridsvc.domain.words import Text
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import points_to_stored
from gridsvc.store.repository import Repository
from gridsvc.store.tables import incident

Incidents = list[Incident]
GridCounts = dict[str, dict[tuple[Category, str, int], int]]
"""Incidents by grid code, then by (category, kind, urgency)."""

_COLUMNS = [column for column in incident.c if column.name not in ("county", "position")]


class IncidentReader(Repository):
    """Incidents of the county."""

    def get(self, id_or_number: str) -> Incident | None:
        """Return one incident by its id or its case number, None when unknown."""
        c = incident.c
        query = self._query().where(or_(c.id == id_or_number, c.number == id_or_number))
        row = self.connection.execute(query).first()
        return None if row is None else _incident(row)

    def list(self, *, limit: int = 100, before: str | None = None) -> Incidents:
        """Return incidents, the last received first.

        Parameters
        ----------
        limit
            The most to return.
        before
            Id or case number of an incident: only what comes after it in this order.

        Raises
        ------
        NotFoundError
            No incident is known under ``before``.
        """
        c = incident.c
        query = self._query().order_by(c.received_at.desc(), c.id.desc()).limit(limit)
        if before is not None:
            last = self.get(before)
            if last is None:
                raise NotFoundError(
                    Fault(
                        "incident_unknown",
                        Text(
                            f"没有编号为“{before}”的案件", f"no incident is known under {before!r}"
                        ),
                        "before",
                    )
                )
            earlier = c.received_at < last.received_at
            query = query.where(
                or_(earlier, and_(c.received_at == last.received_at, c.id < last.id))
            )
        return [_incident(row) for row in self.connection.execute(query)]

    def all(self, *, since: datetime | None = None) -> Iterator[Incident]:
        """Go through every incident received at or after ``since``, the oldest first."""
        c = incident.c
        query = self._query().order_by(c.received_at, c.id)
        if since is not None:
            query = query.where(c.received_at >= since)
        for row in self.connection.execute(query.execution_options(yield_per=2000)):
            yield _incident(row)

    def count(self) -> int:
        """Return how many incidents there are."""
        query = select(func.count()).where(incident.c.county == self.county)
        return int(self.connection.execute(query).scalar_one())

    def counts_by_grid(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        exclude_kinds: Collection[str] = (),
        exclude_drills: bool = True,
    ) -> GridCounts:
        """Count the placed incidents by the grid they were placed in.

        Parameters
        ----------
        since, until
            Aware times: received at or after, and before.
        exclude_kinds
            Codes of kinds to leave out (sensitive ones, where the figure is drawn).
        exclude_drills
            Leave drills out.
        """
        c = incident.c
        query = (
            select(c.grid, c.category, c.kind, c.urgency, func.count())
            .where(c.county == self.county, c.grid.is_not(None))
            .group_by(c.grid, c.category, c.kind, c.urgency)
        )
        if since is not None:
            query = query.where(c.received_at >= since)
        if until is not None:
            query = query.where(c.received_at < until)
        if exclude_kinds:
            query = query.where(c.kind.not_in(sorted(exclude_kinds)))
        if exclude_drills:
            query = query.where(c.drill.is_(False))
        counts: GridCounts = defaultdict(dict)
        for grid, category, kind, urgency, number in self.connection.execute(query).tuples():
            counts[grid][Category(category), kind, urgency] = number
        return dict(counts)

    def _query(self) -> Select[Any]:
        return select(*_COLUMNS).where(incident.c.county == self.county)


class IncidentWriter(IncidentReader):
    """Incidents inside a unit of work."""

    def add(self, one: Incident) -> None:
        """Add one incident."""
        self.add_many([one])

    def add_many(self, many: Sequence[Incident]) -> None:
        """Add incidents, as many as a year has."""
        if not many:
            return
        stored = points_to_stored(
            [None if one.position is None else one.position.at for one in many], self.dialect
        )
        insert_rows(
            self.connection,
            incident,
            [
                _row(one) | {"county": self.county, "position": point}
                for one, point in zip(many, stored, strict=True)
            ],
        )


def _row(one: Incident) -> dict[str, Any]:
    position, placement = one.position, one.placement
    return {
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


def _incident(row: Any) -> Incident:
    position = placement = None
    if row.lng is not None:
        position = Position(
            LngLat(row.lng, row.lat), Datum(row.given_datum), row.position_source, row.radius_m
        )
    if row.grid is not None:
        placement = Placement(
            row.unit,
            row.grid,
            row.village,
            row.township,
            row.outside_m,
            row.bearing_deg,
            tuple(Neighbour(*near) for near in row.neighbours),
        )
    return Incident(
        id=row.id,
        number=row.number,
        received_at=row.received_at,
        category=Category(row.category),
        kind=row.kind,
        urgency=row.urgency,
        text=row.text,
        position=position,
        address=row.address,
        placement=placement,
        map_version=row.map_version,
        drill=row.drill,
        source=row.source,
    )

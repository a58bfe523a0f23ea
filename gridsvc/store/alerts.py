"""Alerts and the calls they make."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update

from gridsvc.domain.alerts import (
    Alert,
    AlertLevel,
    Call,
    CallState,
    Gap,
    Hazard,
    Why,
    unknown_alert,
)
from gridsvc.domain.force import Role
from gridsvc.domain.rights import COUNTY_DIGITS
from gridsvc.store.alert_tables import alert, alert_call
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import to_stored
from gridsvc.store.numbers import Counters
from gridsvc.store.repository import Repository

_A, _C = alert.c, alert_call.c
_ALERT = tuple(column for column in alert.c if column.name not in ("county", "key", "digest"))
_CALL = tuple(column for column in alert_call.c if column.name != "county")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls: in ``states``, of people by id, of a village, of an inclusive range of area
    codes, and ``within`` the area (county, township or village) of a caller. None and empty: any.
    """

    states: Sequence[CallState] = ()
    responders: Sequence[str] = ()
    village: str | None = None
    first_area: str | None = None
    last_area: str | None = None
    within: str | None = None


class AlertReader(Repository):
    """Alerts of the county."""

    def known(self, id_or_number: str, *, lock: bool = False) -> Alert:
        """Return one alert; ``lock`` keeps it from ending until the transaction does (PostgreSQL;
        a SQLite writer is alone).

        Raises
        ------
        NotFoundError
            No alert has that id or number.
        """
        query = self._alerts().where(or_(_A.id == id_or_number, _A.number == id_or_number))
        row = self.connection.execute(query.with_for_update(read=True) if lock else query).first()
        if row is None:
            raise unknown_alert(id_or_number)
        return _alert(row)

    def by_key(self, key: str) -> tuple[Alert, str] | None:
        """Return the alert that ``key`` made, and the digest of what was sent with it."""
        query = select(*_ALERT, _A.digest).where(_A.county == self.county, _A.key == key)
        row = self.connection.execute(query).first()
        return None if row is None else (_alert(row[:-1]), row[-1])

    def page(
        self, *, limit: int, before: str | None = None, is_on: bool | None = None
    ) -> list[Alert]:
        """Return alerts, the last issued first; those issued before the alert ``before``; those
        that are on or have ended where ``is_on`` says so."""
        query = self._alerts().order_by(_A.issued_at.desc(), _A.id.desc()).limit(limit)
        if is_on is not None:
            query = query.where(_A.ended_at.is_(None) if is_on else _A.ended_at.is_not(None))
        if before is not None:
            last = self.known(before)
            earlier = (_A.issued_at == last.issued_at) & (_A.id < last.id)
            query = query.where((_A.issued_at < last.issued_at) | earlier)
        return [_alert(row) for row in self.connection.execute(query)]

    def counts(self, ids: Sequence[str], *, within: str) -> dict[str, dict[CallState, int]]:
        """Return how many calls of each alert are in each state, those of the area of a caller."""
        found: dict[str, dict[CallState, int]] = {id: {} for id in ids}  # noqa: A001
        query = (
            select(_C.alert, _C.state, func.count())
            .where(_C.county == self.county, _C.alert.in_(ids), *_within(within))
            .group_by(_C.alert, _C.state)
        )
        for id, state, count in self.connection.execute(query):  # noqa: A001
            found[id][CallState(state)] = count
        return found

    def open_count(self) -> int:
        """Return how many alerts are on, drills left out."""
        query = select(func.count()).where(
            _A.county == self.county, _A.ended_at.is_(None), _A.drill.is_(False)
        )
        return int(self.connection.execute(query).scalar_one())

    def calls(
        self,
        id: str,  # noqa: A002
        which: CallFilter | None = None,
        *,
        after: str = "",
        limit: int | None = None,
        lock: bool = False,
    ) -> list[Call]:
        """Return calls of one alert by the id of the responder, those behind ``after``; ``lock``
        keeps others from changing them."""
        query = select(*_CALL).where(*self._conditions(id, which or CallFilter()))
        query = query.where(_C.responder > after).order_by(_C.responder)
        if limit is not None:
            query = query.limit(limit)
        found = self.connection.execute(query.with_for_update() if lock else query)
        return [_call(row) for row in found]

    def _conditions(self, id: str, which: CallFilter) -> list[ColumnElement[bool]]:  # noqa: A002
        found = [_C.county == self.county, _C.alert == id]
        if which.states:
            found.append(_C.state.in_(which.states))
        if which.responders:
            found.append(_C.responder.in_(which.responders))
        if which.village is not None:
            found.append(_C.village == which.village)
        if which.first_area is not None:
            found.append(_C.area >= which.first_area)
        if which.last_area is not None:
            found.append(_C.area <= which.last_area)
        if which.within is not None:
            found += _within(which.within)
        return found

    def _alerts(self) -> Select[Any]:
        return select(*_ALERT).where(_A.county == self.county)


class AlertWriter(AlertReader):
    """Alerts inside a unit of work."""

    def next_number(self, prefix: str, day: date) -> str:
        """Return the next number of ``day``; other takers wait for the commit."""
        counters = Counters(self.connection, self.county)
        return f"{prefix}-预警-{day:%Y%m%d}-{counters.take(f'alert {day:%Y%m%d}'):02d}"

    def alone(self, day: date) -> None:
        """Let nobody else raise an alert of ``day`` until the transaction ends."""
        Counters(self.connection, self.county).take(f"alert {day:%Y%m%d}", 0)

    def add(self, one: Alert, calls: Sequence[Call], *, key: str | None, digest: str) -> None:
        """Add an alert with all its calls."""
        row: dict[str, Any] = {name: getattr(one, name) for name in Alert.__slots__}
        row["places"] = [list(place) for place in one.places]
        row["gaps"] = [[gap.code, *gap.place, gap.others] for gap in one.gaps]
        (row["polygon"],) = to_stored([one.polygon], "MULTIPOLYGON", self.dialect)
        row |= {"county": self.county, "key": key, "digest": digest}
        insert_rows(self.connection, alert, [row])
        insert_rows(
            self.connection,
            alert_call,
            [
                {"county": self.county} | {name: getattr(call, name) for name in Call.__slots__}
                for call in calls
            ],
        )

    def record(
        self,
        id: str,  # noqa: A002
        responders: Collection[str],
        state: CallState,
        *,
        at: datetime,
        told_by: str,
        by: str,
    ) -> None:
        """Keep that the calls of ``responders``, which are locked, have come to ``state``."""
        self.connection.execute(
            update(alert_call)
            .where(_C.county == self.county, _C.alert == id, _C.responder.in_(responders))
            .values(state=state, at=at, told_by=told_by, by=by)
        )

    def end(self, id: str, *, at: datetime, by: str) -> bool:  # noqa: A002
        """Keep that an alert ended; False where it had ended before."""
        ended = self.connection.execute(
            update(alert)
            .where(_A.county == self.county, _A.id == id, _A.ended_at.is_(None))
            .values(ended_at=at, ended_by=by)
        )
        return bool(ended.rowcount)


def _within(area: str) -> list[ColumnElement[bool]]:
    """What `gridsvc.domain.rights.within` says of a call."""
    return [] if len(area) == COUNTY_DIGITS else [or_(_C.village == area, _C.township == area)]


def _alert(row: Any) -> Alert:
    fields = dict(zip((column.name for column in _ALERT), row, strict=True))
    fields["hazard"] = Hazard(fields["hazard"])
    fields["level"] = AlertLevel(fields["level"])
    fields["places"] = tuple((township, village) for township, village in fields["places"])
    fields["gaps"] = tuple(Gap(*gap) for gap in fields["gaps"])
    return Alert(**fields)


def _call(row: Any) -> Call:
    alert_id, responder, role, area, township, village, why, state, *rest = row
    return Call(
        *(alert_id, responder, Role(role), area, township, village),
        *(Why(why), CallState(state), *rest),
    )

"""The event log: append-only, one order without holes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, func, select

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.events import Event, StoredEvent
from gridsvc.store.bulk import insert_rows
from gridsvc.store.numbers import Counters
from gridsvc.store.repository import Repository, together
from gridsvc.store.tables import event

CHANNEL = "gridsvc_events"
"""The PostgreSQL channel on which new heads are told, as ``county:position``."""


_COUNTY = event.c.county == bindparam("county")
_HEAD = select(func.max(event.c.position)).where(_COUNTY)
_LOG = (
    select(event.c.position, event.c.at, event.c.name, event.c.payload)
    .where(_COUNTY)
    .order_by(event.c.position)
    .limit(bindparam("limit"))
)
_AFTER = _LOG.where(event.c.position > bindparam("position"))
_OF_INCIDENT = _LOG.where(event.c.incident == bindparam("incident"))
_NOTIFY = select(func.pg_notify(CHANNEL, bindparam("head")))


class EventLog(Repository):
    """The log as a reader sees it: when position n is seen, so are all below it."""

    def head(self) -> int:
        """Return the last position, 0 while there is none."""
        asked = {"county": self.county}
        return int(self.connection.execute(_HEAD, asked).scalar_one() or 0)

    def after(self, position: int, limit: int = 1000) -> list[StoredEvent]:
        """Return up to ``limit`` events that follow ``position``, in order."""
        asked = {"county": self.county, "position": position, "limit": limit}
        return [StoredEvent(*row) for row in self.connection.execute(_AFTER, asked)]

    def of_incident(self, id: str, *, limit: int = 1000) -> list[StoredEvent]:  # noqa: A002
        """Return the first ``limit`` events of one incident, in order."""
        asked = {"county": self.county, "incident": id, "limit": limit}
        return [StoredEvent(*row) for row in self.connection.execute(_OF_INCIDENT, asked)]


@dataclass(frozen=True)
class EventWriter(EventLog):
    """The log inside a unit of work. Recorded events wait for the commit.

    Positions are given as the last thing before it: the counter row stays locked from then until
    the commit is visible, so that no lower position can appear after a higher one, and the lock is
    short even in a transaction that took minutes.
    """

    clock: Callable[[], datetime]
    _recorded: list[Event] = field(default_factory=list, init=False)

    def record(self, *events: Event) -> None:
        """Record facts that this transaction makes true."""
        self._recorded.extend(events)

    def write_recorded(self) -> None:
        """Give the recorded events their positions and tell listeners once they are durable."""
        if not self._recorded:
            return
        last = Counters(self.connection, self.county).take("events", len(self._recorded))
        at = self.clock().astimezone(COUNTY_TIME)
        rows = [
            {
                "county": self.county,
                "position": position,
                "at": at,
                "name": fact.name,
                "payload": fact.payload(),
                "incident": getattr(fact, "incident", None),
            }
            for position, fact in enumerate(self._recorded, last - len(self._recorded) + 1)
        ]
        with together(self.connection):
            insert_rows(self.connection, event, rows)
            if self.dialect == "postgresql":
                self.connection.execute(_NOTIFY, {"head": f"{self.county}:{last}"})
        self._recorded.clear()

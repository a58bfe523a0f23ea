"""Hand-overs: which services were asked about an incident, and what they answered."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from gridsvc.domain.handover import Handover
from gridsvc.store.card_tables import handover
from gridsvc.store.repository import Repository

_FIELDS = [field.name for field in fields(Handover)]
_COLUMNS = [handover.c[name] for name in _FIELDS]


class HandoverReader(Repository):
    """Hand-overs of the county."""

    def of_incident(self, id: str) -> tuple[Handover, ...]:  # noqa: A002
        """Return those of one incident, in the order in which they were asked."""
        c = handover.c
        query = (
            select(*_COLUMNS)
            .where(c.county == self.county, c.incident == id)
            .order_by(c.asked_at, c.service)
        )
        return tuple(Handover(*row) for row in self.connection.execute(query))


class HandoverWriter(HandoverReader):
    """Hand-overs inside a unit of work."""

    def ask(self, many: Sequence[Handover]) -> None:
        """Add hand-overs that nobody asked for before."""
        if many:
            rows = [
                {"county": self.county, **{name: getattr(one, name) for name in _FIELDS}}
                for one in many
            ]
            self.connection.execute(insert(handover), rows)

    def ask_again(self, incident: str, service: str, *, at: datetime, by: str) -> None:
        """Begin a hand-over anew: its answer, if any, is withdrawn."""
        self._change(
            incident,
            service,
            {
                "asked_at": at,
                "asked_by": by,
                "answered_at": None,
                "operator": "",
                "their_number": "",
            },
        )

    def answer(
        self, incident: str, service: str, *, at: datetime, operator: str, their_number: str
    ) -> None:
        """Keep who has taken it."""
        self._change(
            incident,
            service,
            {"answered_at": at, "operator": operator, "their_number": their_number},
        )

    def hand_on(self, before: str, after: str, services: Collection[str]) -> None:
        """Let those of ``services`` that were asked about the incident ``before`` be of
        ``after``, which has asked none of them."""
        c = handover.c
        self.connection.execute(
            update(handover)
            .where(c.county == self.county, c.incident == before, c.service.in_(sorted(services)))
            .values(incident=after)
        )

    def _change(self, incident: str, service: str, values: dict[str, Any]) -> None:
        c = handover.c
        self.connection.execute(
            update(handover)
            .where(c.county == self.county, c.incident == incident, c.service == service)
            .values(values)
        )

"""Numbers given one after the other without gaps among those that were committed."""

import re
from collections.abc import Iterable
from datetime import date

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gridsvc.store.repository import Repository
from gridsvc.store.tables import counter


class Counters(Repository):
    """Counter rows. A taken row stays locked until the transaction ends, and a rollback gives
    its numbers back: that is what leaves no gap."""

    def take(self, name: str, count: int = 1) -> int:
        """Advance the counter ``name`` by ``count`` and return its new value.

        ``count=0`` only locks the row against other takers (PostgreSQL; a SQLite writer is alone).
        """
        insert = postgresql_insert if self.dialect == "postgresql" else sqlite_insert
        statement = (
            insert(counter)
            .values(county=self.county, name=name, value=count)
            .on_conflict_do_update(
                index_elements=[counter.c.county, counter.c.name],
                set_={"value": counter.c.value + count},
            )
            .returning(counter.c.value)
        )
        return int(self.connection.execute(statement).scalar_one())

    def raise_to(self, name: str, value: int) -> None:
        """Advance the counter ``name`` to ``value``, unless it is there or beyond already."""
        insert = postgresql_insert if self.dialect == "postgresql" else sqlite_insert
        self.connection.execute(
            insert(counter)
            .values(county=self.county, name=name, value=value)
            .on_conflict_do_update(
                index_elements=[counter.c.county, counter.c.name],
                set_={"value": case((counter.c.value < value, value), else_=counter.c.value)},
            )
        )


_CASE_NUMBER = re.compile(r"-(\d{8})-(\d{4,9})$")


class CaseNumbers(Repository):
    """Case numbers that can be read aloud: 罗平-20261123-0042."""

    def next_case_number(self, county_name: str, day: date) -> str:
        """Return the next number of ``day``; take it late, other takers wait for the commit."""
        return self.next_case_numbers(county_name, day, 1)[0]

    def next_case_numbers(self, county_name: str, day: date, count: int) -> list[str]:
        """Return the next ``count`` numbers of ``day`` at once.

        A transaction that takes for several days takes them in the order of the days: two that
        took crosswise would wait for each other.
        """
        last = Counters(self.connection, self.county).take(_counter_of(f"{day:%Y%m%d}"), count)
        return [f"{county_name}-{day:%Y%m%d}-{n:04d}" for n in range(last - count + 1, last + 1)]

    def pass_over(self, numbers: Iterable[str]) -> None:
        """Never give ``numbers``, which came with imported cases: later ones follow them."""
        highest: dict[str, int] = {}
        for number in numbers:
            if match := _CASE_NUMBER.search(number):
                day, sequence = match[1], int(match[2])
                highest[day] = max(sequence, highest.get(day, 0))
        counters = Counters(self.connection, self.county)
        for day in sorted(highest):
            counters.raise_to(_counter_of(day), highest[day])


def _counter_of(day: str) -> str:
    return f"case {day}"

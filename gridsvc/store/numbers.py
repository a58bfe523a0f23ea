"""Numbers given one after the other without gaps among those that were committed."""

import re
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from sqlalchemy import case

from gridsvc.store.incidents import IncidentReader
from gridsvc.store.repository import Either, Repository, Upsert
from gridsvc.store.tables import counter

_KEY = (counter.c.county, counter.c.name)


def _advance(insert: Upsert) -> Any:
    further = counter.c.value + insert.excluded.value
    advanced = insert.on_conflict_do_update(index_elements=_KEY, set_={"value": further})
    return advanced.returning(counter.c.value)


def _lift(insert: Upsert) -> Any:
    mine, given = counter.c.value, insert.excluded.value
    higher = case((mine < given, given), else_=mine)
    return insert.on_conflict_do_update(index_elements=_KEY, set_={"value": higher})


_ADVANCE = Either(counter, _advance)
_LIFT = Either(counter, _lift)


class Counters(Repository):
    """Counter rows. A taken row stays locked until the transaction ends, and a rollback gives
    its numbers back: that is what leaves no gap."""

    def take(self, name: str, count: int = 1) -> int:
        """Advance the counter ``name`` by ``count`` and return its new value.

        ``count=0`` only locks the row against other takers (PostgreSQL; a SQLite writer is alone).
        """
        row = {"county": self.county, "name": name, "value": count}
        return int(self.connection.execute(_ADVANCE.of(self.connection), row).scalar_one())

    def raise_to(self, name: str, value: int) -> None:
        """Advance the counter ``name`` to ``value``, unless it is there or beyond already."""
        row = {"county": self.county, "name": name, "value": value}
        self.connection.execute(_LIFT.of(self.connection), row)


_CASE_NUMBER = re.compile(r"-(\d{8})-(\d{4,6})$")
"""What a day's counter follows. Longer ones are nobody's counting; lifted to them, every later
number of the day would be as long."""

_IMPORTS = "case numbers"
"""The counter row, always 0, by which imports wait for each other."""


class CaseNumbers(Repository):
    """Case numbers that can be read aloud: 罗平-20261123-0042."""

    def next_case_number(self, county_name: str, day: date) -> str:
        """Return the next number of ``day``; take it late, other takers wait for the commit.

        It is not looked up whether a case has it already, which only one that came with an import
        can: the insert of the incident would be refused, and `next_case_numbers` gives a free one.
        """
        counters = Counters(self.connection, self.county)
        return _case_number(county_name, day, counters.take(_counter_of(f"{day:%Y%m%d}")))

    def next_case_numbers(
        self, county_name: str, day: date, count: int, *, avoid: Collection[str] = ()
    ) -> list[str]:
        """Return the next ``count`` numbers of ``day`` at once, none of which a case has already.

        A transaction that takes for several days begins with ``pass_over``: two that took
        crosswise would wait for each other.

        Parameters
        ----------
        county_name, day, count
            What the numbers begin with, their day, and how many.
        avoid
            Numbers that cases will have that are not stored yet.
        """
        counters = Counters(self.connection, self.county)
        incidents = IncidentReader(self.connection, self.county)
        numbers: list[str] = []
        while missing := count - len(numbers):
            last = counters.take(_counter_of(f"{day:%Y%m%d}"), missing)
            next_ones = range(last - missing + 1, last + 1)
            fresh = [_case_number(county_name, day, n) for n in next_ones]
            taken = incidents.taken(fresh).union(avoid)
            numbers += [number for number in fresh if number not in taken]
        return numbers

    def pass_over(self, numbers: Iterable[str]) -> None:
        """Never give ``numbers``, which came with imported cases: later ones follow them.

        Until the transaction ends no other one gets past this: each locks the counters of many
        days, in an order of its own.
        """
        highest: dict[str, int] = {}
        for number in numbers:
            if match := _CASE_NUMBER.search(number):
                day, sequence = match[1], int(match[2])
                highest[day] = max(sequence, highest.get(day, 0))
        counters = Counters(self.connection, self.county)
        counters.take(_IMPORTS, 0)
        for day in sorted(highest):
            counters.raise_to(_counter_of(day), highest[day])


def _case_number(county_name: str, day: date, number: int) -> str:
    return f"{county_name}-{day:%Y%m%d}-{number:04d}"


def _counter_of(day: str) -> str:
    return f"case {day}"

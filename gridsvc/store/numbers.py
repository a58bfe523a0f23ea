"""Numbers given one after the other without gaps among those that were committed."""

from datetime import date

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
        last = Counters(self.connection, self.county).take(f"case {day:%Y%m%d}", count)
        return [f"{county_name}-{day:%Y%m%d}-{n:04d}" for n in range(last - count + 1, last + 1)]

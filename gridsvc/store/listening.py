"""Learning of commits: LISTEN/NOTIFY on PostgreSQL; on SQLite those of this process tell it
themselves, and a short look finds those of others."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from gridsvc.store.events import CHANNEL, EventLog

if TYPE_CHECKING:
    import psycopg

_REST_S = 0.02
"""Between two looks, so that hundreds of commits a second are learned of together."""


class Commits:
    """Counts the commits of this process, for those who wait for the next one."""

    def __init__(self) -> None:
        self._count = 0
        self._told = threading.Condition()

    def tell(self) -> None:
        """One more is durable."""
        with self._told:
            self._count += 1
            self._told.notify_all()

    @property
    def count(self) -> int:
        """How many there were so far."""
        return self._count

    def wait(self, known: int, timeout_s: float) -> None:
        """Return when there are more than ``known``, or after ``timeout_s``."""
        with self._told:
            self._told.wait_for(lambda: self._count != known, timeout_s)


def heads(
    url: URL,
    engine: Engine,
    county: str,
    *,
    commits: Commits,
    stop: threading.Event,
    after: int,
    poll_s: float,
) -> Iterator[int]:
    """Yield heads of the event log beyond ``after``, each higher than the last, until ``stop``.

    Waiting for a notification only wakes it up: the head is always read from the table, so that
    a lost notification costs ``poll_s`` seconds and nothing else.
    """
    waiter = _Notifications(url) if engine.dialect.name == "postgresql" else None
    try:
        while not stop.is_set():
            known = commits.count
            head = _head(engine, county)
            if head is not None and head > after:
                after = head
                yield head
                stop.wait(_REST_S)
            elif head is None:
                stop.wait(poll_s)
            elif waiter is None:
                commits.wait(known, poll_s)
            else:
                waiter.wait(poll_s)
    finally:
        if waiter is not None:
            waiter.close()


def _head(engine: Engine, county: str) -> int | None:
    """Return the head, None while the database cannot be reached."""
    try:
        with engine.connect() as connection, connection.begin():
            return EventLog(connection, county).head()
    except SQLAlchemyError:
        return None


class _Notifications:
    """A connection of its own that listens, made anew when it breaks."""

    def __init__(self, url: URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection | None = None

    def wait(self, timeout_s: float) -> None:
        """Return when something was notified, or after ``timeout_s``."""
        import psycopg

        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=10)
                self._connection.execute(f"LISTEN {CHANNEL}")
                return  # Whatever was committed before LISTEN is found by the next look.
            for _ in self._connection.notifies(timeout=timeout_s, stop_after=1):
                pass
        except psycopg.Error:
            self.close()
            time.sleep(timeout_s)

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

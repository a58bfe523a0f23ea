"""Learning of commits made elsewhere: LISTEN/NOTIFY on PostgreSQL, a short look on SQLite."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from gridsvc.store.events import CHANNEL, EventLog

if TYPE_CHECKING:
    import psycopg


def heads(
    url: URL, engine: Engine, county: str, *, stop: threading.Event, after: int, poll_s: float
) -> Iterator[int]:
    """Yield heads of the event log beyond ``after``, each higher than the last, until ``stop``.

    Waiting for a notification only wakes it up: the head is always read from the table, so that
    a lost notification costs ``poll_s`` seconds and nothing else.
    """
    waiter = _Notifications(url) if engine.dialect.name == "postgresql" else None
    wait: Callable[[float], object] = stop.wait if waiter is None else waiter.wait
    try:
        while not stop.is_set():
            head = _head(engine, county)
            if head is not None and head > after:
                after = head
                yield head
            elif head is None:
                stop.wait(poll_s)
            else:
                wait(poll_s)
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

"""Opening a database: what each store needs said once a connection, and errors in our words."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gridsvc.domain.errors import ConflictError, Fault, NotReadyError, SettingsError
from gridsvc.domain.words import Text

log = logging.getLogger(__name__)

BUSY_S = 60
"""How long a writer waits for another process or transaction before it is refused."""

WRITING = "gridsvc_writing"
"""Execution option: this SQLite transaction takes the write lock when it begins."""

_CONTENTION = {"40001", "40P01", "55P03"}
"""PostgreSQL: serialization failure, deadlock, lock not had in time."""

_SQLITE_CONTENTION = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_RAISED = "P0001"
"""PostgreSQL: a trigger of ours refuses it."""

_NOT_ALLOWED = {"42501", "0A000", "58P01"}
"""PostgreSQL: no right to do it, or PostGIS is not installed beside it."""


def parse_url(url: str) -> URL:
    """Read a database address; a bare ``postgresql://`` gets our driver.

    Raises
    ------
    SettingsError
        It is not an address of a SQLite file or of PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _bad_url("?") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    raise _bad_url(parsed.render_as_string(hide_password=True))


def open_engine(url: URL) -> Engine:
    """Make the engine of a store. Connects to nothing yet, but makes a SQLite file's folder.

    Raises
    ------
    NotReadyError
        The folder cannot be made.
    """
    common: dict[str, Any] = {
        # Bound values are people's names and telephone numbers: never in an error's text.
        "hide_parameters": True,
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
    }
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url, common)
    import geoalchemy2  # noqa: F401  before any DDL: it listens for it

    engine = create_engine(
        url,
        pool_size=5,
        max_overflow=20,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "gridsvc"},
        **common,
    )

    @event.listens_for(engine, "connect")
    def _connected(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.execute(f"SET lock_timeout = '{BUSY_S}s'")
        dbapi_connection.commit()

    return engine


def _open_sqlite(url: URL, common: dict[str, Any]) -> Engine:
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unreachable(url, str(error)) from error
    engine = create_engine(
        url, pool_size=5, max_overflow=20, connect_args={"timeout": BUSY_S}, **common
    )

    @event.listens_for(engine, "connect")
    def _connected(dbapi_connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not begin transactions by itself: it begins them too late to lock.
        dbapi_connection.isolation_level = None
        _use_wal(dbapi_connection)
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"):
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get(WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, which SQLite refuses at once while another connection
    does the same, without waiting for its busy timeout."""
    until = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


@contextmanager
def our_errors(url: URL) -> Iterator[None]:
    """Say the database's failures in our family of errors.

    Raises
    ------
    ConflictError
        A constraint refused it, or another transaction was in the way; nothing was changed.
    NotReadyError
        The database cannot be reached or used, with the reason.
    """
    driver = _driver(url)
    try:
        yield
    except PoolTimeoutError as error:
        raise _unreachable(url, "every connection is in use") from error
    except (DBAPIError, driver.Error) as error:
        driver_error = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(driver_error, driver.IntegrityError):
            # The driver's own text shows the whole row, names and telephone numbers included.
            raise _refused(driver_error) from None
        state = getattr(driver_error, "sqlstate", None)
        if driver_error is not None and state == _RAISED:
            raise _refused(driver_error) from error
        if state in _CONTENTION or _is_busy(driver_error):
            raise _in_the_way() from error
        if state in _NOT_ALLOWED or _is_down(driver_error, driver) or _not_a_database(error):
            raise _unreachable(url, _first_line(driver_error)) from error
        raise


def _driver(url: URL) -> ModuleType:
    """Return the DB-API module behind ``url``; psycopg is loaded where it is needed alone."""
    if url.get_backend_name() == "sqlite":
        return sqlite3
    import psycopg

    return psycopg


def _is_busy(error: BaseException | None) -> bool:
    """Whether another connection to the SQLite file is in the way."""
    # The low byte is the plain code, what is above it says more of the circumstances.
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _SQLITE_CONTENTION


def _is_down(error: BaseException | None, driver: ModuleType) -> bool:
    if isinstance(error, driver.OperationalError):
        return True
    # Of SQLite the other class means that it was called wrongly.
    return driver is not sqlite3 and isinstance(error, driver.InterfaceError)


def _not_a_database(error: Exception) -> bool:
    """Whether SQLite found the file to be something else, or damaged: its broadest class."""
    return isinstance(error, DBAPIError) and type(error.orig) is sqlite3.DatabaseError


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or ["?"])[0]


def _bad_url(shown: str) -> SettingsError:
    return SettingsError(
        Fault(
            "bad_database_url",
            Text(
                f"数据库地址无效（{shown}）：请用 sqlite:///文件路径 或 postgresql://用户@主机/库名",
                f"the database address is not valid ({shown}): give sqlite:///path/to/file or "
                "postgresql://user@host/database",
            ),
            "GRIDSVC_DATABASE_URL",
        )
    )


def _refused(error: BaseException) -> ConflictError:
    message = getattr(getattr(error, "diag", None), "message_primary", None)
    reason = message or _first_line(error)
    return ConflictError(
        Fault(
            "refused_by_store",
            Text(
                f"数据库约束不允许：{reason}；未作任何更改",
                f"a rule of the database refuses it: {reason}; nothing was changed",
            ),
        )
    )


def _in_the_way() -> ConflictError:
    return ConflictError(
        Fault(
            "store_busy",
            Text(
                "另一项操作正在修改相同的数据，未作任何更改：请稍后重试",
                "another change of the same data is under way; nothing was changed: try again",
            ),
        )
    )


def _unreachable(url: URL, reason: str) -> NotReadyError:
    # Address and reason tell of hosts, users and folders: for the operator, not for every client.
    log.error("cannot use the database %s (host %s): %s", url.database, url.host, reason)
    return NotReadyError(
        Fault(
            "store_unreachable",
            Text(
                "无法使用数据库，原因已记入日志：请检查 GRIDSVC_DATABASE_URL、GRIDSVC_DATA "
                "以及数据库服务是否运行",
                "cannot use the database, the reason is in the log: check GRIDSVC_DATABASE_URL, "
                "GRIDSVC_DATA and whether the server is running",
            ),
        )
    )
